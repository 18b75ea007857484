#!/usr/bin/env bats
# docker://: reg-resolve and fetch-blob against real registries, and registries that lie.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: what comes from a registry is parsed in the tests of reg-resolve and fetch-blob
load lib
load web
load registry
web_inside

setup_file() {
	web_start
	local kind i
	for kind in plain tls htpasswd token; do registry_start $kind; done
	cd "$BATS_FILE_TMPDIR" || return
	for i in {1..6}; do
		mkdir "t$i"
		head -c 300000 /dev/urandom >"t$i/file$i"
		tar -C "t$i" --mtime=@0 --owner=0 --group=0 -cf "layer$i" "file$i"
	done
	layout layout v1 layer{1..6}
	for kind in plain tls htpasswd token; do
		skopeo copy -q --preserve-digests --dest-tls-verify=false --dest-creds writer:secret oci:layout:v1 "docker://registry.example:$(registry_port $kind)/app/one:v1"
	done
	skopeo copy -q --dest-tls-verify=false oci:layout:v1 docker://registry.example:5001/app/docker:v1 --format v2s2
}

setup() {
	in_own_directory
	web_clean
	cp -r "$BATS_FILE_TMPDIR/layout" .
	: >"$REG/questions"
	(umask 077 && printf 'writer\nsecret\n' >login)
}

pull() { # REFERENCE [OPTION]...: resolves and fetches with the same options
	local ref=$1
	shift
	ref-parse "$ref" | reg-resolve "$@" | fetch-blob "$@"
}

# Every blob of the layout is in the store, byte for byte.
whole() {
	local blob
	for blob in layout/blobs/sha256/*; do
		cmp "$blob" "$TACKLE_STORE/blobs/sha256/${blob##*/}"
	done
}

manifest_digest() { echo "sha256:$(sha256sum <"layout/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' layout/index.json)" | cut -d' ' -f1)"; }

@test "dtuf:O19 rkt:A-028 an image comes from all kinds of registry, byte for byte" {
	for port in 5000 5001 5002 5003; do
		rm -rf "$TACKLE_STORE" root
		pull "docker://registry.example:$port/app/one:v1" --login login --allow-http 2>messages >record
		same "$(manifest_digest)" "$(jq -r .manifest.digest record)"
		same '6 ["http"]' "$(jq -r '"\(.layers | length) \(.insecure)"' record)"
		whole
		same 6 "$(grep -c 'Downloading layer: [0-9a-f]\{64\}$' messages)"
	done
	same 'registry.example:5003/app/one v1' "$(jq -r '.name + " " + .labels.version' record)"
	same 'repository%3Aapp%2Fone%3Apull' "$(sed -n 's/.*scope=\([^&]*\).*/\1/p' "$REG/questions" | sort -u)" # rkt:F-04
}

@test "a digest in the reference decides, and says that it did" {
	digest=$(manifest_digest)
	pull "docker://registry.example:5001/app/one:nothing@$digest" >record
	same "$digest digest" "$(jq -r '.manifest.digest + " " + .verified[0].by' record)"
	whole
	refuse 3 reg-resolve < <(ref-parse "docker://registry.example:5001/app/one@sha256:$(printf 0%.0s {1..64})")
	refuse 3 reg-resolve < <(ref-parse docker://registry.example:5001/app/one:v2)
	says 'MANIFEST_UNKNOWN'
	refuse 3 reg-resolve < <(ref-parse docker://registry.example:5001/app/two:v1)
	refuse 4 reg-resolve < <(ref-parse docker://registry.example:5002/app/one:v1)
	refuse 3 reg-resolve --offline < <(ref-parse docker://registry.example:5001/app/one:v1)
	ref-parse docker://registry.example:5001/app/docker:v1 | reg-resolve | jq -e '.manifest.mediaType == "application/vnd.docker.distribution.manifest.v2+json"'
	pull docker://registry.example:5001/app/docker:v1 | jq -e '.layers | length == 6'
}

@test "what the store has is not fetched again; without a registry it all comes from there" {
	pull docker://registry.example:5001/app/one:v1 >first
	ref-parse docker://registry.example:5001/app/one:v1 | reg-resolve >resolved
	fetch-blob --offline <resolved | cmp - first
	store-check
	rm "$TACKLE_STORE/blobs/sha256/$(jq -r '.layers[2].digest[7:]' first)"
	refuse 3 fetch-blob --offline <resolved
	fetch-blob --jobs 1 <resolved | cmp - first
}

# A registry of files: https://registry.example/v2/a, tag v1. `lies` are nginx rules that come first.
false_registry() {
	local v2=$WEB/registry.example/v2/a hex
	mkdir -p "$v2/manifests" "$v2/blobs"
	for hex in layout/blobs/sha256/*; do
		cp "$hex" "$v2/blobs/sha256:${hex##*/}"
		cp "$hex" "$v2/manifests/sha256:${hex##*/}"
	done
	cp "$v2/blobs/$(manifest_digest)" "$v2/manifests/v1"
	web_rules registry.example "$1
		location ~ ^/v2/a/manifests/ { default_type ${2:-application/vnd.oci.image.manifest.v1+json}; }"
}

refuse_pull() { # STATUS TEXT: in either stage, and nothing but whole blobs is in the store; one at a time, or the others may be cut off
	local got=0
	ref-parse docker://registry.example/a:v1 | reg-resolve --retries 0 2>error | fetch-blob -j 1 --retries 0 2>>error >record || got=$?
	same "$1" "$got"
	grep -qF -- "$2" error || { cat error >&2; return 1; }
	[[ ! -e $TACKLE_STORE ]] || store-check
}

@test "dtuf:A13 rkt:F-02 a registry that lies about digests, sizes and types" {
	false_registry ''
	pull docker://registry.example/a:v1 >record
	whole
	rm -rf "$TACKLE_STORE"
	false_registry "location = /v2/a/manifests/v1 { default_type application/vnd.oci.image.manifest.v1+json; add_header Docker-Content-Digest sha256:$(printf 0%.0s {1..64}); }"
	refuse_pull 1 "by the registry's own word"
	false_registry '' application/vnd.oci.image.index.v1+json
	refuse_pull 1 'media'
	false_registry '' application/vnd.docker.distribution.manifest.v1+prettyjws
	refuse_pull 1 'schema 1'
	false_registry '' text/html
	refuse_pull 1 ''
	layer=$(jq -r '.layers[3].digest' "$WEB/registry.example/v2/a/manifests/v1")
	file=$WEB/registry.example/v2/a/blobs/$layer
	false_registry ''
	printf x | dd of="$file" conv=notrunc seek=1000 bs=1 status=none
	refuse_pull 1 'digest mismatch'
	[ ! -e "$TACKLE_STORE/blobs/sha256/${layer#*:}" ]
	same "" "$(ls "$TACKLE_STORE/partial")"
	false_registry ''
	printf x >>"$file"
	refuse_pull 1 'size mismatch'
	truncate -s 100000 "$file"
	refuse_pull 1 'size mismatch'
	rm "$file"
	refuse_pull 3 'layer 4/6'
	false_registry "location = /v2/a/blobs/$layer { return 503; }"
	refuse_pull 5 'layer 4/6'
	false_registry "location = /v2/a/blobs/$layer { return 403; }"
	refuse_pull 4 'layer 4/6'
}

@test "rkt:F-01 rkt:F-03 a manifest by digest that is another, and redirects that lead where they may not" {
	false_registry ''
	digest=$(manifest_digest)
	printf ' ' >>"$WEB/registry.example/v2/a/manifests/$digest"
	refuse 1 reg-resolve < <(ref-parse "docker://registry.example/a@$digest")
	says 'digest mismatch'
	(umask 077 && echo t >token)
	false_registry 'location /v2/a/blobs/ { return 307 https://example.org$request_uri; }'
	mkdir -p "$WEB/example.org/v2/a"
	cp -r "$WEB/registry.example/v2/a/blobs" "$WEB/example.org/v2/a/"
	pull docker://registry.example/a:v1 --registry-token token >record
	whole
	web_log | grep -q '^registry.example GET /v2/a/blobs/.* "Bearer t"$'
	same 0 "$(web_asked '^example.org.*Bearer')"
	rm -rf "$TACKLE_STORE"
	false_registry 'location /v2/a/blobs/ { return 307 http://example.org$request_uri; }'
	refuse_pull 1 'from https to http'
	false_registry 'location /v2/a/blobs/ { return 307 file:///etc/passwd; }'
	refuse_pull 1 redirect
}

@test "rkt:F-02 bodies without end" {
	web_hostile
	false_registry 'location ^~ /v2/a/manifests/ { proxy_pass http://127.0.0.1:8080/endless=1/; }'
	refuse_pull 7 limit
	false_registry 'location /v2/a/blobs/ { proxy_pass http://127.0.0.1:8080/endless=1/; }'
	refuse_pull 1 'size mismatch'
}

@test "rkt:F-07 a registry that dies in mid-blob, or knows no ranges" {
	[ -e "$WEB/sent" ] || web_hostile
	cp layout/blobs/sha256/* "$WEB/example.com/"
	blob='location ~ ^/v2/a/blobs/sha256:(.*) { proxy_http_version 1.1; proxy_pass http://127.0.0.1:8080/%s/$1; }'
	# shellcheck disable=SC2059  # it is a format
	false_registry "$(printf "$blob" first=2,cut=100000)"
	pull docker://registry.example/a:v1 -q >record
	whole
	grep -q ' 100000$' "$WEB/sent"
	rm -rf "$TACKLE_STORE"
	# shellcheck disable=SC2059
	false_registry "$(printf "$blob" first=2,cut=100001,norange=1)"
	pull docker://registry.example/a:v1 -q >record
	whole
	rm -rf "$TACKLE_STORE"
	# shellcheck disable=SC2059
	false_registry "$(printf "$blob" cut=100002)"
	refuse_pull 5 'bytes'
	false_registry ''
	: >"$WEB/log"
	ref-parse docker://registry.example/a:v1 | reg-resolve | fetch-blob >record
	whole
	web_log | grep -q '206 "bytes=100002-"'
}

@test "dtuf:A13 a tag that moves between the stages: what was resolved is what is fetched" {
	false_registry ''
	ref-parse docker://registry.example/a:v1 | reg-resolve >resolved
	rm "$WEB/registry.example/v2/a/manifests/v1"
	fetch-blob <resolved | jq -e --arg d "$(manifest_digest)" '.manifest.digest == $d'
}

@test "dtuf:O14 rkt:F-07 a blob whose transfer is cut, and whose fetch is killed, arrives whole with few bytes twice" {
	truncate -s 64M big
	head -c 100000 /dev/urandom | dd of=big conv=notrunc seek=300 bs=64k status=none
	rm -rf layout
	layout layout v1 big
	false_registry 'location /v2/a/blobs/ { limit_rate_after 11m; limit_rate 200k; }'
	ref-parse docker://registry.example/a:v1 | reg-resolve >resolved
	moved() { sed -n 's/^ *lo: *\([0-9]*\) .*/\1/p' /proc/net/dev; }
	before=$(moved)
	for _ in {1..5}; do
		size=$(stat -c %s "$TACKLE_STORE"/partial/* 2>/dev/null | sort -n | tail -n 1)
		fetch-blob -q <resolved >record &
		for ((i = 0; i < 2000; i++)); do
			now=$(stat -c %s "$TACKLE_STORE"/partial/* 2>/dev/null | sort -n | tail -n 1)
			((${now:-0} < ${size:-0} + 10000000)) || break
			sleep 0.02
		done
		kill -9 $!
		wait $! || true
	done
	false_registry ''
	fetch-blob -q <resolved | jq -e '.layers[0].size == 67108864'
	store-check
	total=$(($(moved) - before))
	((total > 67108864 && total < 67108864 * 12 / 10))
}
