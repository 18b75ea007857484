#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: what it reads is parsed in tuf-lint and tuf-refresh there
load lib
load web
load registry
load publisher
web_inside

setup_file() {
	web_start
	registry_start plain
	registry_start tls
}

setup() {
	in_own_directory
	web_clean
}

PLAIN=docker://registry.example:5000

pull() { tuf-pull -q --tuf trusted --root root.pub --repo "$@" 2>/dev/null; }

# held LAYOUT: its tags with their digests, and its blobs.
held() {
	jq -r '.manifests[] | .annotations["org.opencontainers.image.ref.name"] + " " + .digest' "$1/index.json" | sort
	(cd "$1/blobs/sha256" && sha256sum -- *)
}

# digests PORT REPOSITORY: every tag with the digest of its manifest.
digests() {
	local tag
	for tag in $(reg-tags --allow-http --format names "registry.example:$1/$2" 2>/dev/null); do
		echo "$tag $(reg-resolve --allow-http 2>/dev/null < <(ref-parse "docker://registry.example:$1/$2:$tag") | jq -r .manifest.digest)"
	done
}

# Two roots, a delegated role with a dot in its name and one below it, a target of several blobs, an empty one, and three publications.
grown() {
	repository
	keys docs
	tuf-delegate --path 'docs/*' --path 'docs/*/*' --add-key docs.pub --key targets.pem --key docs.pem m/targets.json registry.example.org
	tuf-delegate --path 'docs/deep/*' --add-key docs.pub --key docs.pem --delegator m/targets.json m/registry.example.org.json below
	mkdir -p docs/deep
	echo text >docs/x
	: >docs/deep/empty
	tuf-add --key docs.pem --delegator m/targets.json --targets data m/registry.example.org.json docs/x
	tuf-add --key docs.pem --delegator m/registry.example.org.json --targets data m/below.json docs/deep/empty
	add a first
	publish
	tuf-push -q --targets data m "$1"
	echo one >one
	tuf-put -q file:put both one a | tuf-add --key targets.pem m/targets.json
	cp -r put/targets/. data
	tuf-root --key root.pem m/root.json
	publish
	tuf-push -q --targets data m "$1"
	add a second
	echo newer >docs/x
	tuf-add --key docs.pem --delegator m/targets.json --targets data m/registry.example.org.json docs/x
	publish
	tuf-push -q --targets data m "$1"
}

@test "dtuf:O24 dtuf:O9 dtuf:O10 dtuf:O17 from a registry to every kind of place and back: the same tags, digests and bytes" {
	grown $TLS/a
	digests 5001 a >expected
	grep -q '^registry.example.org ' expected
	pull $TLS/a file:tree
	pull $TLS/a oci:layout
	pull oci:layout --allow-http $PLAIN/b
	digests 5000 b >found
	same "" "$(grep -vxFf expected found)"
	same 2 "$(grep -cvxFf found expected)" # targets of before, which nothing lists any more
	tuf-push -q --targets tree/targets tree/metadata oci:pushed
	pull $TLS/a oci:direct
	diff <(held layout) <(held direct)
	diff <(held layout) <(held pushed)
	cp -r tree/. "$WEB/example.com/"
	pull https://example.com oci:web
	same "$(jq -r '.manifests | length' layout/index.json)" "$(jq -r '.manifests | length' web/index.json)"
	for place in file:tree oci:layout oci:web https://example.com; do
		rm -rf trusted.one
		refresh $place one
		same "second newer one|first" "$(download one $place a) $(download one $place docs/x) $(download one $place both | paste -sd'|')"
		download one $place docs/deep/empty | cmp - /dev/null
		cmp m/2.root.json trusted.one/root.json
	done
}

@test "dtuf:O12 dtuf:O13 dtuf:A3 dtuf:A17 what is there is not fetched; nothing that a client refuses arrives, and nothing goes back" {
	grown file:source
	pull file:source $TLS/c
	web_rules registry.example 'client_max_body_size 0; location /v2/ { proxy_pass https://127.0.0.1:5001; proxy_set_header Host $http_host; }'
	: >"$WEB/log"
	mv source/targets away # nothing of it is asked for
	mkdir source/targets
	cp away/*.both source/targets # but the manifest, which names the blobs
	pull file:source docker://registry.example/c
	same 0 "$(web_asked 'POST\|PUT\|PATCH')"
	: >"$WEB/log"
	pull docker://registry.example/c docker://registry.example/d
	for text in second $'newer\n' $'one\n' ''; do
		hash=$(printf %s "$text" | sha256sum | cut -d' ' -f1)
		same '1 0' "$(web_asked "POST /v2/d/blobs/uploads/?mount=sha256:$hash&from=c 201") $(web_asked "GET /v2/c/blobs/sha256:$hash")"
	done
	refresh docker://registry.example/d one
	same second "$(download one docker://registry.example/d a)"
	rm -r source/targets
	mv away source/targets
	tuf-timestamp --key timestamp.pem m
	tuf-push -q m file:source
	pull file:source $TLS/c
	tuf-pull -q --tuf trusted --repo $TLS/c file:copy
	tuf-timestamp --key timestamp.pem m
	tuf-push -q m file:copy
	refuse 1 tuf-pull -q --tuf trusted --repo file:source file:copy
	says 'would go back'
	add a third
	publish
	tuf-push -q --targets data m file:source
	printf x >>"source/targets/$(printf third | sha256sum | cut -d' ' -f1).a"
	refuse 7 tuf-pull -q --tuf trusted --repo file:source file:copy
	refuse 7 tuf-pull -q --tuf trusted --repo file:source $TLS/c
	says "target 'a'"
	rm -rf trusted.one
	refresh $TLS/c one
	same second "$(download one $TLS/c a)"
	refuse 2 tuf-pull --tuf trusted file:copy
	refuse 2 tuf-pull --tuf trusted --repo file:source https://example.com/
	refuse 3 tuf-pull -q --tuf nobody --repo file:source file:fresh
}

# nested LAYOUT TAG DIRECTORY: what lies under the tag as Docker's go-tuf-mirror saves it: a layout of its own, not annotated, and no config.
nested() {
	local digest part
	mkdir -p "$3/blobs/sha256"
	cp "$1/oci-layout" "$3"
	jq -c --arg t "$2" '.manifests |= map(select(.annotations["org.opencontainers.image.ref.name"] == $t) | del(.annotations))' "$1/index.json" >"$3/index.json"
	for digest in $(jq -r '.manifests[].digest[7:]' "$3/index.json"); do
		cp "$1/blobs/sha256/$digest" "$3/blobs/sha256"
		for part in $(jq -r '(.layers // .manifests)[].digest[7:]' "$1/blobs/sha256/$digest"); do
			cp "$1/blobs/sha256/$part" "$3/blobs/sha256"
			! jq -e .layers "$1/blobs/sha256/$part" >layers 2>/dev/null || cp "$1/blobs/sha256/$(jq -r '.[0].digest[7:]' layers)" "$3/blobs/sha256"
		done
	done
}

@test "dtuf:O6 dtuf:O7 dtuf:O15 targets in a repository of their own, with an index for each role; and Docker's nested layouts" {
	repository
	keys docs
	tuf-delegate --path 'docs/*' --path 'docs/*/*' --add-key docs.pub --key targets.pem --key docs.pem m/targets.json docs
	tuf-delegate --path 'other/*' --add-key docs.pub --key targets.pem --key docs.pem m/targets.json mixed
	mkdir -p docs/deep other
	echo text >docs/x
	echo deeper >docs/deep/y
	echo else >other/z
	tuf-add --key docs.pem --targets data m/docs.json docs/x docs/deep/y
	tuf-add --key docs.pem --targets data m/mixed.json other/z
	add a first
	publish
	tuf-push -q --targets data --targets-place $TLS/targets m $TLS/metadata
	tuf-push -q --targets data --targets-place oci:t m oci:o
	same "docs latest mixed" "$(digests 5001 metadata | cut -d' ' -f1 | paste -sd' ')"
	same 1 "$(digests 5001 targets | grep -c '^docs')"
	same 0 "$(digests 5001 targets | grep -c '^mixed\|^latest')"
	x=$(sha256sum <docs/x | cut -d' ' -f1) y=$(sha256sum <docs/deep/y | cut -d' ' -f1)
	index=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "docs").digest[7:]' t/index.json)
	same "application/vnd.oci.image.index.v1+json docs/deep/$y.y docs/$x.x" \
		"$(jq -r '[.mediaType, .manifests[].annotations["tuf.io/filename"]] | join(" ")' "t/blobs/sha256/$index")"
	inner=$(jq -r '.manifests[1].digest[7:]' "t/blobs/sha256/$index")
	same "$x.x sha256:$x" "$(jq -r '.layers[0] | .annotations["tuf.io/filename"] + " " + .digest' "t/blobs/sha256/$inner")"
	tuf-refresh -q --tuf trusted.two --root root.pub --metadata-url $TLS/metadata --targets-url $TLS/targets >/dev/null
	same "first text deeper" "$(tuf-download -q --tuf trusted.two --metadata-url $TLS/metadata --targets-url $TLS/targets a docs/x docs/deep/y | sed 's/first/& /' | paste -sd' ')"
	tuf-pull -q --tuf trusted.two --metadata-url $TLS/metadata --targets-url $TLS/targets --targets-place oci:t2 oci:o2
	diff <(held t) <(held t2)
	diff <(held o) <(held o2)
	nested o latest n/metadata
	for role in docs mixed; do nested o $role n/metadata/$role; done
	nested t docs n/targets/docs
	for tag in $(jq -r '.manifests[].annotations[] | select(test("[.](a|z)$"))' t/index.json); do nested t "$tag" "n/targets/$tag"; done
	cp n/targets/*.a/{oci-layout,index.json} n/targets
	tuf-refresh -q --tuf trusted.n --root root.pub --metadata-url oci:n/metadata --targets-url oci:n/targets >/dev/null
	same "first text deeper else" \
		"$(tuf-download -q --tuf trusted.n --metadata-url oci:n/metadata --targets-url oci:n/targets a docs/x docs/deep/y other/z | sed 's/first/& /' | paste -sd' ')"
	refuse 3 tuf-refresh -q --tuf trusted.n --metadata-url oci:n/targets
	tuf-pull -q --tuf trusted.n --metadata-url oci:n/metadata --targets-url oci:n/targets --targets-place oci:t3 oci:o3
	diff <(held t) <(held t3)
}

put_blob() { # put_blob REPOSITORY FILE: as the older dtuf did
	local where
	where=$(curl -sSf --cacert "$WEB/ca.pem" -X POST -D - -o /dev/null "https://registry.example:5001/v2/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^location: //Ip')
	curl -sSf --cacert "$WEB/ca.pem" -X PUT --data-binary "@$2" -H 'Content-Type: application/octet-stream' "$where&digest=sha256:$(sha256sum <"$2" | cut -d' ' -f1)"
}

# A target whose manifest is as dtuf wrote it in January 2016, unsigned and kept as a blob.
@test "dtuf:O18 what the older dtuf filled a registry with, newly signed: blob lists of schema 1, with --schema1 alone" {
	repository
	printf 'one\n' >one
	printf 'two\n' >two
	one=$(sha256sum <one | cut -d' ' -f1) two=$(sha256sum <two | cut -d' ' -f1)
	printf '{"fsLayers": [{"blobSum": "sha256:%s"}, {"blobSum": "sha256:%s"}, {"blobSum": "sha256:%s"}], "history": [{"v1Compatibility": "{}"}, {"v1Compatibility": "{}"}, {"v1Compatibility": "{}"}], "name": "old", "schemaVersion": 1, "tag": "t"}' \
		"$one" "$two" "$one" >manifest
	for file in one two manifest; do put_blob old $file; done
	hash=$(sha256sum <manifest | cut -d' ' -f1)
	record='{"path":"t","length":'$(stat -c %s manifest)',"hashes":{"sha256":"'$hash'"},"custom":{"blobs":3}}'
	echo "$record" | tuf-add --key targets.pem m/targets.json
	publish
	tuf-push -q m $TLS/old
	refresh $TLS/old one
	refuse 1 tuf-pull -q --tuf trusted --root root.pub --repo $TLS/old file:tree
	says 'Docker schema 1'
	refuse 1 tuf-download -q --tuf trusted.one --repo $TLS/old t
	says 'Docker schema 1'
	same 'one two one' "$(download one $TLS/old --schema1 t | paste -sd' ')"
	same "sha256:$one 4 one" "$(download one $TLS/old --schema1 --blob-info t | head -n 2 | paste -sd' ')"
	pull $TLS/old --schema1 file:tree
	cmp manifest "tree/targets/$hash.t"
	same 'one two one' "$(download one file:tree --schema1 t | paste -sd' ')"
	refuse 1 tuf-download -q --tuf trusted.one --repo file:tree t
	says "target 't': its manifest is of Docker's schema 1"
	refuse 1 tuf-push -q --targets tree/targets tree/metadata file:other
	says 'Docker'
	for place in oci:layout $TLS/new; do
		refuse 1 tuf-pull -q --schema1 --tuf trusted --repo file:tree $place
		says "which is written to file:DIR only"
	done
	cp -r tree/. "$WEB/example.com/"
	same 'one two one' "$(download one https://example.com --schema1 t | paste -sd' ')"
	mkdir -p copy/dtuf_repos/old/copy/repository/metadata
	cp -r trusted.one copy/dtuf_repos/old/copy/repository/metadata/current
	cd copy
	export TACKLE_BIN=$BIN DTUF_HOST=registry.example:5001
	same 'one two one' "$("$ROOT/share/dtuf" pull-target old t | paste -sd' ')"
	same '4 4 4' "$("$ROOT/share/dtuf" blob-sizes old t | paste -sd' ')"
	"$ROOT/share/dtuf" check-target old t ../one ../two ../one
	cd ..
	meddle() { # meddle FILTER
		jq -c "$1" manifest >meddled
		hash=$(sha256sum <meddled | cut -d' ' -f1)
		cp meddled "tree/targets/$hash.t"
		jq -c --arg h "$hash" --argjson l "$(stat -c %s meddled)" '.hashes.sha256 = $h | .length = $l' <<<"$record" | tuf-add --key targets.pem m/targets.json
		publish
		tuf-push -q m file:tree
		refresh file:tree one
	}
	meddle '.fsLayers[1].blobSum = "sha256:../x"'
	refuse 1 tuf-download -q --tuf trusted.one --repo file:tree --schema1 t
	says 'what is no sha256'
	meddle 'del(.fsLayers[2])'
	refuse 1 tuf-download -q --tuf trusted.one --repo file:tree --schema1 t
	says 'signed were 3 blobs'
}

@test "dtuf:O18 dtuf:B3 the older dtuf's blob lists of schema 2 are read as they are, and copied to any place" {
	repository
	printf 'one\n' >one
	printf 'two\n' >two
	layer() { printf '{"digest": "sha256:%s", "mediaType": "application/octet-stream", "size": 4}' "$(sha256sum <"$1" | cut -d' ' -f1)"; }
	printf '{"config": %s, "layers": [%s, %s], "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "schemaVersion": 2}' \
		"$(layer two)" "$(layer two)" "$(layer one)" >manifest
	for file in one two manifest; do put_blob old2 $file; done
	lists() { # lists MANIFEST: as the target t
		printf '{"path":"t","length":%s,"hashes":{"sha256":"%s"},"custom":{"blobs":2}}\n' "$(stat -c %s "$1")" "$(sha256sum <"$1" | cut -d' ' -f1)" |
			tuf-add --key targets.pem m/targets.json
		publish
	}
	lists manifest
	tuf-push -q m $TLS/old2
	for place in file:tree oci:layout $TLS/new2; do
		pull $TLS/old2 $place
		rm -rf trusted.one
		refresh $place one
		same 'two one' "$(download one $place t | paste -sd' ')"
	done
	sed 's|octet-stream|json|g' manifest >false
	lists false
	tuf-push -q m file:tree
	cp false "tree/targets/$(sha256sum <false | cut -d' ' -f1).t"
	refuse 1 tuf-download -q --tuf trusted.one --repo file:tree t
	says 'a layer that is no blob of a target'
}
