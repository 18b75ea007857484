#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib

setup() {
	in_own_directory
	mkdir -p rootfs/bin
	echo hello >rootfs/bin/hello
	ln -s hello rootfs/bin/hi
}

manifest_of() { tar -xOf "$1" manifest; }

@test "rkt:I-003 rkt:I-008 manifest first, then rootfs; the record has id, digest and labels" {
	aci-build --name example.com/hello:1.0 -p linux/amd64 --exec /bin/hello -o hello.aci rootfs >record
	same 'manifest rootfs/ rootfs/bin/ rootfs/bin/hello rootfs/bin/hi' "$(tar -tf hello.aci | paste -sd' ')"
	same "$(tar -tf hello.aci)" "$(bsdtar -tf hello.aci)"
	jq -e --arg id "sha512-$(gzip -dc hello.aci | openssl dgst -sha512 -r | cut -d' ' -f1)" \
		--arg digest "sha256:$(openssl dgst -sha256 -r hello.aci | cut -d' ' -f1)" --argjson size "$(stat -c %s hello.aci)" \
		'. == {"kind": "image", "id": $id, "name": "example.com/hello", "labels": {"version": "1.0", "os": "linux", "arch": "amd64"},
			"blob": {"mediaType": "application/vnd.appc.image.aci", "digest": $digest, "size": $size}}' record
	same '{"acKind":"ImageManifest","acVersion":"0.8.11","app":{"exec":["/bin/hello"],"group":"0","user":"0"},"labels":[{"name":"version","value":"1.0"},{"name":"os","value":"linux"},{"name":"arch","value":"amd64"}],"name":"example.com/hello"}' \
		"$(manifest_of hello.aci)"
	aci-lint --strict hello.aci | cmp - record
}

@test "the same input gives the same bytes, and either compression the same id" {
	build() { aci-build --name a --exec /bin/hello "$@" rootfs; }
	build -o one.aci >record
	sleep 1.1
	build | cmp - one.aci
	gzip -dc one.aci | cmp - <(build --compress none)
	same "$(jq -r .id record)" "$(build --compress none -o two.aci | jq -r .id)"
	same '1f8b0800000000000003' "$(head -c 10 one.aci | od -An -tx1 | tr -d ' \n')"
	build --compress none | cmp - two.aci
	build -o /dev/null | jq -e '.blob.size > 0' >/dev/null
	[ -c /dev/null ]
	times() { tar --full-time -tvzf - | awk '{ print $4 }' | sort -u | paste -sd' '; }
	same '1970-01-01' "$(SOURCE_DATE_EPOCH=1000 build | TZ=UTC times)"
	same '2001-02-03' "$(build --mtime 2001-02-03T04:05:06Z | TZ=UTC times)"
	same '0/0 7/8 7/8 7/8 7/8' "$(build --owner 7:8 | tar --numeric-owner -tvzf - | awk '{ print $2 }' | paste -sd' ')"
}

@test "rkt:I-021 a manifest that no option changes goes in byte for byte, unknown fields and all" {
	printf '{ "name": "a/b",\n "acVersion": "0.8.11+git", "future": [1.50, 2], "acKind": "ImageManifest" }\n' >manifest
	aci-build --manifest manifest -o a.aci rootfs 2>err >record
	manifest_of a.aci | cmp - manifest
	grep -q "^aci-build: warning: manifest: future: a field the specification does not know" err
	aci-build --manifest - --compress none rootfs < <(cat manifest) 2>/dev/null | tar -xO manifest | cmp - manifest
	aci-build --manifest manifest --user 5 rootfs 2>/dev/null | tar -xzO manifest | jq -e '.future == [1.5, 2] and .app.user == "5"'
}

@test "options set and override the fields of the manifest" {
	cat >manifest <<-'JSON'
		{"acKind": "ImageManifest", "acVersion": "0.8.11", "name": "old", "labels": [{"name": "version", "value": "1"}, {"name": "kept", "value": "x"}],
		 "app": {"exec": ["/old", "args"], "user": "1", "group": "1", "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
		 "mountPoints": [{"name": "data", "path": "/old"}], "ports": [{"name": "http", "port": 80, "protocol": "tcp", "count": 2}]},
		 "annotations": [{"name": "authors", "value": "me"}]}
	JSON
	aci-build --manifest manifest --name new:2,more=y -p linux/arm64 --exec /bin/hello --exec '' --exec $'a\n b' --user www --group /etc --working-dir /tmp \
		--environment A=2=3 --environment C= --mount-point data=/data:ro --mount-point logs=/var/log --open-port http=8080 --open-port dns=53/udp \
		--dependency base:1,os=linux --dependency other --annotation homepage=https://example.com rootfs | tar -xzO manifest >got
	jq -e '. == {"acKind": "ImageManifest", "acVersion": "0.8.11", "name": "new",
		"labels": [{"name": "version", "value": "2"}, {"name": "kept", "value": "x"}, {"name": "more", "value": "y"},
			{"name": "os", "value": "linux"}, {"name": "arch", "value": "aarch64"}],
		"app": {"exec": ["/bin/hello", "", "a\n b"], "user": "www", "group": "/etc", "workingDirectory": "/tmp",
			"environment": [{"name": "A", "value": "2=3"}, {"name": "B", "value": "1"}, {"name": "C", "value": ""}],
			"mountPoints": [{"name": "data", "path": "/data", "readOnly": true}, {"name": "logs", "path": "/var/log"}],
			"ports": [{"name": "http", "port": 8080, "protocol": "tcp"}, {"name": "dns", "port": 53, "protocol": "udp"}]},
		"dependencies": [{"imageName": "base", "labels": [{"name": "version", "value": "1"}, {"name": "os", "value": "linux"}]}, {"imageName": "other"}],
		"annotations": [{"name": "authors", "value": "me"}, {"name": "homepage", "value": "https://example.com"}]}' got
}

@test "a wrong option is 2" {
	refuse 2 aci-build rootfs
	says 'neither --manifest nor --name'
	while read -r option value; do
		refuse 2 aci-build --name a "$option" "$value" rootfs
		says "option $option: "
	done <<-'CASES'
		--name A
		--name docker://busybox
		--name ./file
		--name a,name=b
		--platform plan9/amd64
		--environment novalue
		--environment =x
		--mount-point data
		--open-port http
		--open-port http=
		--open-port http=x
		--open-port http=+80
		--open-port http=80tcp
		--dependency A
		--dependency sha512-00
		--annotation x
		--compress bzip2
		--owner x
	CASES
	refuse 2 aci-build --name a --exec $'\xff' rootfs
	says 'not UTF-8' '\xff'
}

@test "rkt:I-010 rkt:U-14 a manifest that breaks the specification is 6, before a byte is written" {
	good='{"acKind":"ImageManifest","acVersion":"0.8.11","name":"a"}'
	while IFS=$'\t' read -r filter text; do
		jq -c "$filter" <<<"$good" >manifest
		refuse 6 aci-build --manifest manifest -o a.aci rootfs
		says "$text"
		[ ! -e a.aci ]
	done <<-'CASES'
		.name = "A"	manifest: name: not an AC Identifier: 'A'
		.acVersion = "1.0.0"	manifest: acVersion: a major version that is not known
		del(.acKind)	manifest: acKind: missing
		.pathWhitelist = ["/../etc"]	manifest: pathWhitelist[0]: a path with `..`
		.labels = {}	manifest: labels: not an array
		[.]	manifest: not an object
	CASES
	for bad in '' '{' '{"name":"a","name":"b"}' '[NaN]' "$good x" $'{"name":"\xff"}'; do
		printf '%s' "$bad" >manifest
		refuse 6 aci-build --manifest manifest rootfs
	done
	refuse 6 aci-build --name a --open-port http=70000 rootfs
	says 'app.ports[0].port: not from 1 to 65535'
	refuse 6 aci-build --name a --environment 'A B=1' rootfs
	refuse 6 aci-build --name a --working-dir tmp rootfs
	refuse 6 aci-build --name a -p linux/riscv64 rootfs
	says linux/riscv64
	refuse 6 aci-build --manifest - rootfs </dev/null
}

@test "limits and files: 7, 3, 8" {
	jq -nc '{acKind: "ImageManifest", acVersion: "0.8.11", name: "a", dependencies: [range(10000) | {imageName: "a"}]}' >many
	refuse 7 aci-build --manifest many rootfs
	says 'more than the limit of 1000'
	{ printf '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"a","x":"'; head -c 4194304 /dev/zero | tr '\0' x; printf '"}'; } >long
	refuse 7 aci-build --manifest long rootfs
	refuse 3 aci-build --name a missing
	refuse 3 aci-build --manifest missing rootfs
	refuse 3 aci-build --name a -o missing/a.aci rootfs
	refuse 8 aci-build --name a -o /dev/full rootfs
	refuse 8 aci-build --name a --compress none -o /dev/full rootfs
}

@test "a whole tree, seen through the image, is the tree" {
	mkdir -p rootfs/d
	head -c 3000000 /dev/urandom >rootfs/d/random
	head -c 3000000 /dev/zero >rootfs/d/zeros
	ln rootfs/d/random rootfs/d/hard
	chmod 4711 rootfs/d/zeros
	mkdir seen
	aci-build --name a rootfs | tar -xzpf - -C seen
	diff -r rootfs seen/rootfs
	same "$(cd rootfs && find . -printf '%p %m %s %n\n' | sort)" "$(cd seen/rootfs && find . -printf '%p %m %s %n\n' | sort)"
}

@test "what changes while it is read is 5" {
	head -c 40M /dev/urandom >rootfs/big
	mkfifo pipe
	aci-build --compress none --name a rootfs >pipe 2>err &
	exec {out}<pipe
	head -c 100 <&"$out" >/dev/null
	sleep 0.2
	echo more >>rootfs/big
	cat <&"$out" >/dev/null
	exec {out}<&-
	got=0
	wait $! || got=$?
	same 5 "$got"
	grep -q "'rootfs/big': changed while it was read" err
}
