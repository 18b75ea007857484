#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
setup() { in_own_directory; }

# One line a case: reference, blank, jq filter that must give true.
@test "rkt:A-030 rkt:A-023 every transport is told apart" {
	while read -r ref filter; do
		ref-parse -- "$ref" | jq -e ".kind == \"image\" and .ref == \"$ref\" and ($filter)" >/dev/null || {
			echo "$ref: $(ref-parse -- "$ref")" >&2
			return 1
		}
	done <<-'CASES'
		coreos.com/etcd .transport == "appc" and .name == "coreos.com/etcd" and .labels == {}
		coreos.com/etcd:v2.0.0 .labels == {"version":"v2.0.0"}
		a/b,version=1,os=linux .labels == {"version":"1","os":"linux"}
		localhost .name == "localhost"
		sha512-ab .transport == "id" and .id == "sha512-ab"
		/x.aci .endpoints == [{"url":"file:/x.aci","signature":"file:/x.aci.asc"}]
		file:///x.aci .endpoints[0].url == "file:/x.aci"
		./x.aci .endpoints[0].url | startswith("file:/")
		https://h/x.aci .transport == "https" and .endpoints[0].signature == "https://h/x.aci.asc"
		https://[::1]:8443/x .transport == "https"
		http://h:80/x .transport == "http"
		docker://busybox .name == "docker.io/library/busybox" and .tag == "latest"
		docker://a/b .repository == "a/b" and .registry == "docker.io"
		docker://quay.io/coreos/etcd:v2.0.0 .registry == "quay.io" and .tag == "v2.0.0"
		docker://localhost:5000/a/b__c .registry == "localhost:5000" and .repository == "a/b__c"
		oci:d:v1 .transport == "oci" and .path == "d" and .tag == "v1"
		oci:d .path == "d" and (has("tag") | not)
		oci-archive:f.tar .transport == "oci-archive"
		docker-archive:f.tar .transport == "docker-archive"
		dir:a:b .path == "a:b"
		oci:d:example.com/a:1 .path == "d" and .tag == "example.com/a:1"
		docker-archive:f.tar:busybox:1 .path == "f.tar" and .tag == "busybox:1"
	CASES
	d=sha256:$(printf 0%.0s {1..64})
	ref-parse "docker://a/b@$d" | jq -e --arg d "$d" '.digest == $d and (has("tag") | not)'
	ref-parse "oci:d:v1@$d" "dir:x@y@$d" | jq -es --arg d "$d" '.[0].digest == $d and .[0].tag == "v1" and .[1].digest == $d and .[1].path == "x@y"'
	ref-parse "docker://a/b:t@$d" | jq -e --arg d "$d" '.digest == $d and .tag == "t"'
}

@test "rkt:T-001 rkt:T-003 rkt:D-03 rkt:F-01 rkt:A-023 a reference outside its grammar is 2" {
	long=$(printf 'a%.0s' {1..1100})
	for ref in '' A coreos.com/Etcd coreos.com. a//b -a- a:80@b a.com:8080/b 'a b' a@b $'a\n' $'a\tb' ä.de "$long" a: a,b a,b= a,=c a,version=1,version=2 \
		a:1,version=2 a,name=x a,B=c sha512- sha512-a sha512-AB sha512-zz "sha512-$(printf 0%.0s {1..129})" sha512-../../etc \
		gopher://x ftp://h/x https:// https://u:p@h/x https://good@evil/x 'https://h/a b' $'https://h/\r\nX:y' https://-h/x \
		http://h:99999/x docker:// docker://A docker://a@sha256:00 docker://a:-t docker://a@ docker://h:x/a docker://a/../b \
		docker://a//b oci: dir: oci:d: oci:d@sha256:ab file: $'/\xe4' $'https://h/\xff' $'a,b=\xc0'; do
		refuse 2 ref-parse -- "$ref"
		says reference
	done
	refuse 2 ref-parse $'x\e[31m'
	says '\x1b[31m'
}

@test "--platform takes either spelling and fills both" {
	for p in linux/arm64 linux/aarch64; do
		ref-parse -p "$p" a/b | jq -e '.platform == {"os":"linux","architecture":"arm64"} and .labels == {"os":"linux","arch":"aarch64"}'
	done
	ref-parse --platform linux/arm/v7 docker://a | jq -e '.platform.variant == "v7" and (has("labels") | not)'
	ref-parse -p linux/amd64 a,arch=i386,os=linux | jq -e '.labels.arch == "i386"'
	refuse 2 ref-parse -p linux a
	refuse 2 ref-parse -p plan9/amd64 a
	says "plan9/amd64"
}

@test "several references give stamped records, one bad one gives none" {
	same '1/2 2/2' "$(ref-parse a b | jq -r '"\(.part)/\(.of)"' | paste -sd' ')"
	refuse 2 ref-parse a B
}
