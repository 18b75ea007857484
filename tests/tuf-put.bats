#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
setup() { in_own_directory; }

# The hashes of all blobs of a layout are their names, and every manifest that is tagged leads to blobs that are there.
layout_is_sound() { # DIRECTORY
	(cd "$1/blobs/sha256" && sha256sum -c <(for f in *; do echo "$f  $f"; done) >/dev/null) || return
	local digest blob
	for digest in $(jq -r '.manifests[].digest' "$1/index.json"); do
		for blob in $(jq -r '.config.digest, .layers[].digest' "$1/blobs/sha256/${digest#*:}"); do
			[[ -e $1/blobs/sha256/${blob#*:} ]] || { echo "$digest: no $blob" >&2; return 1; }
		done
	done
}

@test "dtuf:B2 dtuf:O5 dtuf:O16 one file is a target as any client knows it, in both places" {
	mkdir d
	printf 'Hello World!\n' >d/demo.txt
	hash=$(sha256sum <d/demo.txt | cut -d' ' -f1)
	for place in file:f oci:o; do
		same "{\"hashes\":{\"sha256\":\"$hash\"},\"kind\":\"target\",\"length\":13,\"path\":\"a/demo.txt\"}" "$(tuf-put -q $place a/demo.txt d/demo.txt)"
	done
	cmp d/demo.txt "f/targets/a/$hash.demo.txt"
	cmp d/demo.txt "o/blobs/sha256/$hash"
	entry=$(jq -c '.manifests[0] | [.annotations["org.opencontainers.image.ref.name"], .mediaType]' o/index.json)
	same "[\"$hash.demo.txt\",\"application/vnd.oci.image.manifest.v1+json\"]" "$entry"
	manifest=o/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' o/index.json)
	same "[[\"application/vnd.tuf.target\",\"$hash.demo.txt\"],\"application/vnd.oci.empty.v1+json\",\"e30=\",2]" \
		"$(jq -c '[(.layers[0] | [.mediaType, .annotations["tuf.io/filename"]]), .config.mediaType, .config.data, .config.size]' "$manifest")"
	layout_is_sound o
}

@test "dtuf:B1 dtuf:B3 several blobs: files and those of other targets, in order, with no copy" {
	echo one >one
	echo two >two
	echo odd >@odd
	for place in file:f oci:o; do
		tuf-put -q --manifest m1 $place first one >/dev/null
		tuf-put -q --manifest m2 $place second two one two >/dev/null
		record=$(tuf-put -q --manifest m3 $place third @m2 ./@odd @m1)
		same '{"blobs":5}' "$(jq -c .custom <<<"$record")"
		same "$(for f in two one two @odd one; do sha256sum <$f | sed 's/ .*//'; done)" "$(jq -r '.layers[].digest[7:]' m3)"
		same "$(sha256sum <m3 | cut -d' ' -f1) $(wc -c <m3)" "$(jq -r '"\(.hashes.sha256) \(.length)"' <<<"$record")"
		same third "$(jq -r '.annotations["tuf.io/filename"]' m3)"
	done
	cmp m3 "f/targets/$(sha256sum <m3 | cut -d' ' -f1).third"
	same 3 "$(ls f/targets/blobs/sha256 | wc -l)"
	layout_is_sound o
}

@test "dtuf:O8 dtuf:D16 names that are no tag: hashed, the annotation has the true one" {
	echo x >x
	long=$(printf 'n%.0s' {1..200})
	hash=$(sha256sum <x | cut -d' ' -f1)
	for name in 'a/b c' é "$long" ../x; do tuf-put -q oci:o "$name" x >/dev/null; done
	tags=$(for name in 'a/b c' é "$long"; do echo "$hash._$(printf %s "$name" | sha256sum | head -c 56)"; done; echo "$hash.x")
	same "$(sort <<<"$tags")" "$(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' o/index.json | sort)"
	manifest=$(jq -r '.manifests[0].digest[7:]' o/index.json)
	same "$hash.b c" "$(jq -r '.layers[0].annotations["tuf.io/filename"]' "o/blobs/sha256/$manifest")"
	tuf-put -q file:f ../x x >/dev/null # dtuf:A10
	same "f/targets/$hash...%2Fx" "$(find f/targets -name "$hash*x")"
	[ ! -e f/x ] && [ ! -e "f/$hash.x" ]
}

@test "dtuf:B5 dtuf:D26 nothing is put when one file cannot be read; a dropped target leaves the blobs of others" {
	echo one >one
	echo two >two
	tuf-put -q --manifest m1 oci:o a one >/dev/null
	before=$(find o -type f -exec sha256sum {} + | sort)
	refuse 3 tuf-put oci:o b two missing
	refuse 3 tuf-put oci:o b two @missing
	refuse 1 tuf-put oci:o b two .
	refuse 6 tuf-put oci:o b @two
	refuse 1 tuf-put oci:o '' two
	refuse 2 tuf-put https://h/x b two
	refuse 2 tuf-put oci:o b
	refuse 2 tuf-put --drop oci:o b two
	refuse 3 tuf-put --drop oci:o b @m1
	same "$before" "$(find o -type f -exec sha256sum {} + | sort)"
	tuf-put -q --manifest m2 oci:o b two one >/dev/null
	tuf-put -q --drop oci:o a @m1 >/dev/null
	same 1 "$(jq '.manifests | length' o/index.json)"
	layout_is_sound o
	: >empty
	same 0 "$(tuf-put -q file:f empty empty | jq .length)"
}

# has TEXT...: at $place are the blobs of these files, and no other of the three.
has() {
	local text want='' got='' blobs=${place#*:}/blobs/sha256
	[[ $place == oci:* ]] || blobs=${place#*:}/targets/blobs/sha256
	for text in one two three; do
		[[ " $* " != *" $text "* ]] || want+=" $text"
		[[ ! -e $blobs/$(sha256sum <$text | cut -d' ' -f1) ]] || got+=" $text"
	done
	same "$want" "$got"
}

@test "dtuf:D25 dtuf:D26 dtuf:R18 a dropped target takes along the blobs that nothing else uses, and no other" {
	for text in one two three; do echo $text >$text; done
	for place in file:f oci:o; do
		tuf-put -q --manifest m1 $place a one >/dev/null
		tuf-put -q --manifest m2 $place d/b one two >/dev/null
		tuf-put -q --manifest m3 $place c one two three >/dev/null
		has one two three
		tuf-put -q --drop $place c @m3 >/dev/null
		has one two
		tuf-put -q --drop $place a @m1 >/dev/null
		has one two
		refuse 3 tuf-put --drop $place a @m1
		tuf-put -q --drop $place d/b @m2 >/dev/null
		has
		tuf-put -q $place c one two three >/dev/null # and can be put again
		has one two three
		tuf-put -q --drop $place c @m3 >/dev/null
		has
	done
	same "" "$(find f/targets o/blobs -type f)"
}

@test "dtuf:D26 what others lead to in their own way stays: indexes, files that look like a list, what cannot be read" {
	for text in one two three; do echo $text >$text; done
	place=oci:o
	tuf-put -q --manifest m2 $place b one two >/dev/null
	jq -c '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [.manifests[0] | del(.annotations)]}' o/index.json >index
	hash=$(sha256sum <index | cut -d' ' -f1)
	cp index "o/blobs/sha256/$hash"
	jq -c --arg d "sha256:$hash" --argjson s "$(wc -c <index)" '.manifests += [{mediaType: "application/vnd.oci.image.index.v1+json",
		digest: $d, size: $s, annotations: {"org.opencontainers.image.ref.name": "kept"}}]' o/index.json >new && mv new o/index.json
	tuf-put -q --drop $place b @m2 >/dev/null
	has one two
	tuf-put -q --manifest m3 $place c three two >/dev/null
	rm "o/blobs/sha256/$hash"
	tuf-put -q --drop $place c @m3 >/dev/null
	has one two three
	place=file:f
	tuf-put -q --manifest m2 $place b one two >/dev/null
	tuf-put -q --manifest m3 $place like m2 >/dev/null
	tuf-put -q --manifest m4 $place other two >/dev/null
	tuf-put -q --drop $place b @m2 >/dev/null
	has one two
	tuf-put -q --drop $place like @m3 >/dev/null
	has two
}
