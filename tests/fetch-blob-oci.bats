#!/usr/bin/env bats
# fetch-blob of OCI images from places on this machine. What registries do is in the tests of the registry programs.
# asan: apart: the parsers that it meets are those of reg-resolve.bats and unpack-oci.bats
# SPDX-License-Identifier: Apache-2.0
load lib
load oci
load web
web_inside
setup_file() { web_start; }
setup() {
	in_own_directory
	web_clean
	small_layer a.tar etc/a
	small_layer b.tar etc/b
	gzip -n b.tar
}

fetch() { # REFERENCE [OPTION]...
	local ref=$1
	shift
	ref-parse "$ref" | reg-resolve | fetch-blob "$@"
}

images() { # how many the store has
	find "$TACKLE_STORE/images" -type f 2>/dev/null | wc -l
}

@test "an image from each kind of place; the store is a layout that skopeo and umoci read" {
	gzip -n a.tar # or skopeo would do it
	digest=$(oci_image layout v1 a.tar.gz b.tar.gz | jq -r .digest)
	skopeo copy -q oci:layout:v1 oci-archive:archive.tar:v1
	skopeo copy -q oci:layout:v1 dir:dir
	for ref in oci:layout:v1 oci-archive:archive.tar dir:dir; do
		rm -rf "$TACKLE_STORE"
		fetch "$ref" | store-add >record
		same "$digest" "$(skopeo inspect "oci:$TACKLE_STORE" | jq -r .Digest)"
		skopeo copy -q "oci:$TACKLE_STORE" dir:again
		umoci stat --image "$TACKLE_STORE:$(umoci ls --layout "$TACKLE_STORE")" >/dev/null
		same "$digest" "$(store-get --record "$digest" | jq -r .manifest.digest)"
		store-get "$digest" | cmp - "layout/blobs/sha256/${digest#sha256:}"
		same 1 "$(store-list | grep -c .)"
		store-check
		store-gc --grace-period 0s
		store-get --record "$digest" | jq -r '.config.digest, .layers[].digest' | while read -r blob; do store-get "$blob" >/dev/null; done
	done
	skopeo copy -q oci:layout:v1 docker-archive:docker.tar:example.com/app:1.0
	fetch docker-archive:docker.tar:example.com/app:1.0 | store-add >record
	same example.com/app:1.0 "$(umoci ls --layout "$TACKLE_STORE" | grep example)"
	store-get --record example.com/app:1.0 | jq -e '.labels.os == "linux"'
}

@test "what is in the store is not looked for again, wherever the place went" {
	oci_image layout v1 a.tar >/dev/null
	ref-parse oci:layout:v1 | reg-resolve >resolved
	fetch-blob <resolved >first
	rm -r layout
	fetch-blob <resolved | cmp - first
	same "$(cat first)" "$(fetch-blob <first)"
	rm "$TACKLE_STORE/blobs/sha256/$(jq -r '.layers[0].digest | ltrimstr("sha256:")' first)"
	refuse 3 fetch-blob <resolved
	says "'layout': cannot open"
}

@test "a digest in the reference is what verifies: of the manifest, or of the index that names it" {
	oci_image layout v1 a.tar >m
	fetch oci:layout:v1 | jq -e 'has("verified") | not'
	fetch "oci:layout:v1@$(jq -r .digest m)" | jq -e '.verified == [{by: "digest", digest: .manifest.digest}]'
	oci_index multi v1 linux/amd64 linux/arm64
	index=$(jq -r '.manifests[0].digest' multi/index.json)
	ref-parse "oci:multi@$index" | reg-resolve -p linux/arm64 | fetch-blob >record
	jq -e --arg i "$index" '.index.digest == $i and .verified == [{by: "digest", digest: .manifest.digest}]' record
	# An index that does not name the manifest vouches for nothing.
	refuse 1 fetch-blob < <(jq -c --argjson m "$(cat m)" '.manifest = $m | del(.config, .layers, .verified)' record)
	says "not in the index"
	store-add <record >/dev/null
	store-gc --grace-period 0s
	store-get "$index" | cmp - "multi/blobs/sha256/${index#sha256:}"
}

@test "bytes that are not what their descriptor says are refused, and nothing of them stays" {
	oci_image layout v1 a.tar b.tar.gz >/dev/null
	ref-parse oci:layout:v1 | reg-resolve >resolved
	layer=layout/blobs/sha256/$(jq -r '.layers[1].digest | ltrimstr("sha256:")' resolved)
	cp "$layer" good
	printf x | dd of="$layer" bs=1 seek=20 conv=notrunc status=none
	refuse 1 fetch-blob <resolved
	says "digest mismatch: expected sha256:"
	echo more >>"$layer"
	refuse 1 fetch-blob <resolved
	says "size mismatch"
	: >"$layer"
	refuse 1 fetch-blob <resolved
	rm "$layer"
	refuse 3 fetch-blob <resolved
	same '' "$(find "$TACKLE_STORE/blobs" -name "${layer##*/}")$(ls "$TACKLE_STORE/partial")"
	cp good "$layer"
	manifest=layout/blobs/sha256/$(jq -r '.manifest.digest | ltrimstr("sha256:")' resolved)
	rm -rf "$TACKLE_STORE"
	jq -c . "$manifest" >new
	cp new "$manifest"
	refuse 1 fetch-blob <resolved
	says mismatch
}

@test "a record that says other layers or another config than its manifest is refused" {
	oci_image layout v1 a.tar b.tar.gz >/dev/null
	ref-parse oci:layout:v1 | reg-resolve >resolved
	for change in '.layers |= reverse' 'del(.layers[0])' '.layers = []' '.config = .layers[0]' '.layers[0].digest |= sub("..$"; "00")'; do
		refuse 1 fetch-blob < <(jq -c "$change" resolved)
		says "not those of its manifest"
	done
	refuse 6 fetch-blob < <(jq -c '.manifest = 1' resolved)
	refuse 6 fetch-blob < <(jq -c '.manifest.digest = "sha256:../x"' resolved)
	refuse 6 fetch-blob < <(jq -c '.manifest.digest |= ascii_upcase' resolved)
	jq -c 'del(.layers, .config)' resolved | fetch-blob | jq -e '.layers | length == 2'
}

@test "sha512 digests: found, checked, and kept by sha256" {
	oci_image layout v1 a.tar >/dev/null
	mkdir layout/blobs/sha512
	hex=$(sha512sum <a.tar | cut -d' ' -f1)
	cp a.tar "layout/blobs/sha512/$hex"
	oci_replace layout v1 ".layers[0].digest = \"sha512:$hex\""
	fetch oci:layout:v1 >record
	same "sha256:$(sha256sum <a.tar | cut -d' ' -f1)" "$(jq -r '.layers[0].digest' record)"
	store-add <record >/dev/null
	printf x | dd of="layout/blobs/sha512/$hex" bs=1 seek=20 conv=notrunc status=none
	rm -rf "$TACKLE_STORE"
	ref-parse oci:layout:v1 | reg-resolve >resolved
	refuse 1 fetch-blob <resolved
	says "digest mismatch: expected sha512:"
}

@test "rkt:F-09 a foreign layer is fetched from its URL only when that is asked for" {
	cp a.tar "$WEB/example.com/layer.tar"
	for type in application/vnd.oci.image.layer.nondistributable.v1.tar application/vnd.docker.image.rootfs.foreign.diff.tar; do
		rm -rf layout "$TACKLE_STORE"
		oci_image layout v1 a.tar >/dev/null
		oci_replace layout v1 ".layers[0] += {mediaType: \"$type\", urls: [\"https://example.com/layer.tar\"]}"
		rm "layout/blobs/sha256/$(sha256sum <a.tar | cut -d' ' -f1)"
		ref-parse oci:layout:v1 | reg-resolve >resolved
		refuse 1 fetch-blob <resolved
		says "a foreign layer" "--foreign-layers"
		same '' "$(web_log)"
		fetch-blob -q --foreign-layers <resolved | jq -e '.layers[0].urls | length == 1'
		store-get "sha256:$(sha256sum <a.tar | cut -d' ' -f1)" | cmp - a.tar
		same 1 "$(web_asked 'example.com GET /layer.tar 200')"
		web_clean
		cp a.tar "$WEB/example.com/layer.tar"
	done
	rm -rf "$TACKLE_STORE"
	cp b.tar.gz "$WEB/example.com/layer.tar"
	refuse 1 fetch-blob -q --foreign-layers <resolved
	says mismatch
}

@test "URLs of an ordinary layer are never followed" {
	oci_image layout v1 a.tar >/dev/null
	cp a.tar "$WEB/example.com/layer.tar"
	oci_replace layout v1 '.layers[0].urls = ["https://example.com/layer.tar"]'
	ref-parse oci:layout:v1 | reg-resolve >resolved
	rm "layout/blobs/sha256/$(sha256sum <a.tar | cut -d' ' -f1)"
	refuse 3 fetch-blob -q --foreign-layers <resolved
	same '' "$(web_log)"
}

@test "limits, and a reference that nobody resolved" {
	oci_image layout v1 a.tar b.tar.gz >/dev/null
	ref-parse oci:layout:v1 | reg-resolve >resolved
	refuse 7 fetch-blob --max-download 1K <resolved
	says "layers together"
	same 0 "$(images)"
	refuse 3 fetch-blob < <(ref-parse oci:layout:v1)
	says "put reg-resolve before this stage"
	oci_replace layout v1 '.layers[0].size = 4611686018427387904 | .layers[1].size = 4611686018427387904'
	ref-parse oci:layout:v1 | reg-resolve >resolved
	refuse 7 fetch-blob <resolved
}

@test "rkt:F-08 killed at any system call: the store checks clean, and a re-run succeeds" {
	is_asan && skip "strace and the leak checker exclude each other"
	oci_image layout v1 a.tar b.tar.gz >/dev/null
	ref-parse oci:layout:v1 | reg-resolve >resolved
	for call in openat linkat write fsync futex; do
		for n in 1 3 9 27; do
			rm -rf "$TACKLE_STORE"
			strace -f -o /dev/null -e "inject=$call:signal=KILL:when=$n" fetch-blob <resolved >/dev/null 2>&1 || true
			[[ ! -e $TACKLE_STORE/oci-layout ]] || store-check
			fetch-blob <resolved | store-add >/dev/null
			store-check
		done
	done
}
