#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it reads what store-list and store-get read there
load lib
load images
setup() { in_own_directory; }

fill() { # two images of which one is signed, an alias, and a blob of no image
	printf 'a signature' >sig
	small_image example.com/a 1 | gzip -n >a.aci
	store-put --signature sig a.aci | store-add >a
	small_image example.com/b 1 | store-put | store-add >b
	printf loose | store-put >loose
	digest=$(jq -r .blob.digest a)
	echo "$digest" >"$TACKLE_STORE/sha512/$(sha512sum <a.aci | cut -d' ' -f1)"
}

@test "a sound store: 0, and the records of its images" {
	fill
	same "$(store-list)" "$(store-check)"
	same "$(store-list)" "$(store-check --quick)"
	same "$(store-list)" "$(store-check -j 7)"
	same "$(store-list example.com/a)" "$(store-check example.com/a:1)"
	refuse 3 store-check example.com/c
	refuse 3 store-check --store nowhere
	refuse 2 store-check -j 0
}

@test "rkt:F-19 any flipped bit of any blob is 1, with the blob and the images it belongs to" {
	fill
	store-list >/dev/null
	for file in "$TACKLE_STORE"/blobs/sha256/*; do
		size=$(stat -c %s "$file")
		for at in 0 $((size / 2)) $((size - 1)); do
			flip "$file" "$at"
			refuse 1 store-check
			says "blob sha256:${file##*/}: damaged"
			flip "$file" "$at"
		done
	done
	store-check >/dev/null
	flip "$(blob_path "$digest")" 10
	refuse 1 store-check
	says "belongs to image $(jq -r .id a) (example.com/a:1)"
	refuse 1 store-check example.com/a
	store-check example.com/b >/dev/null
	store-check --quick >/dev/null
	flip "$(blob_path "$(jq -r .blob.digest loose)")" 1
	refuse 1 store-check
	says "belongs to no image" "(example.com/a:1)"
}

@test "any flipped bit of a record is noticed, of index.json healed or noticed, of an alias at worst the alias is lost" {
	fill
	store-list >/dev/null
	cp -a "$TACKLE_STORE" sound
	for file in "$TACKLE_STORE"/images/*; do
		size=$(stat -c %s "$file")
		for ((at = 0; at < size; at += size / 40 + 1)); do
			flip "$file" "$at"
			refuse 1 store-check
			flip "$file" "$at"
		done
	done
	alias=$(echo "$TACKLE_STORE"/sha512/*)
	for ((at = 0; at < 72; at += 7)); do
		flip "$alias" "$at"
		store-check >/dev/null 2>&1 || refuse 1 store-check
		refuse 3 store-get "sha512:${alias##*/}"
		flip "$alias" "$at"
	done
	jq -r .blob.digest loose >"$alias"
	refuse 1 store-check
	says "names another blob"
	echo "$digest" >"$alias"
	store-check >/dev/null
	size=$(stat -c %s "$TACKLE_STORE/index.json")
	for ((at = 0; at < size; at += size / 40 + 1)); do
		flip "$TACKLE_STORE/index.json" "$at"
		if store-check >/dev/null 2>&1; then
			same "" "$(store-check 2>&1 >/dev/null)"
			same 2 "$(umoci ls --layout "$TACKLE_STORE" | grep -cx 'example.com/[ab]:1')"
		fi
		cp sound/index.json "$TACKLE_STORE/index.json"
	done
}

@test "what is missing is told: a blob, a name; a lost index.json is made anew" {
	fill
	rm "$TACKLE_STORE/index.json"
	store-check >/dev/null
	same 'example.com/a:1 example.com/b:1' "$(umoci ls --layout "$TACKLE_STORE" | sort | paste -sd' ')"
	rm "$TACKLE_STORE/names/example.com%2fb"/*
	refuse 1 store-check --quick
	says "cannot be found by its name"
	store-add <b >/dev/null
	truncate -s -1 "$(blob_path "$digest")"
	refuse 1 store-check --quick
	says "size mismatch" "example.com/a:1"
	rm "$(blob_path "$digest")"
	refuse 1 store-check --quick
	says "blob $digest" "example.com/a:1"
	touch "$TACKLE_STORE/blobs/sha256/stray"
	refuse 1 store-check --quick
	says "'blobs/sha256/stray'"
	jq -c '.manifests += [{mediaType: "x/y", digest: "sha256:\("0" * 64)", size: 1}, {digest: "x"}]' "$TACKLE_STORE/index.json" >index
	cp index "$TACKLE_STORE/index.json"
	refuse 1 store-check --quick
	says "'index.json': entry 0" "'index.json': entry 1"
}

@test "an image whose id, or name, is not that of its bytes" {
	small_image example.com/a 1 | store-put >record
	jq -c '.id = "sha512-" + "0" * 128' record | store-add >/dev/null
	refuse 1 store-check
	says "id mismatch"
	store-check --quick >/dev/null
	store-rm sha512-00 >/dev/null
	jq -c '.name = "example.com/b"' record | store-add >/dev/null
	refuse 1 store-check
	says "name mismatch" "'example.com/a'"
	store-rm example.com/b >/dev/null
	head -c 100000 /dev/zero | store-put --media-type application/octet-stream | jq -c --arg id "sha512-$(printf 0%.0s {1..128})" \
		'.kind = "image" | .id = $id | .blob.mediaType = "application/vnd.appc.image.aci"' | store-add >/dev/null
	refuse 1 store-check
	says "not valid"
}

@test "--repair removes a damaged record; its blobs have another grace period to be added again" {
	fill
	store-list >/dev/null
	key=$(jq -r '.id[7:]' a)
	cp "$TACKLE_STORE/images/$key.json" sound
	for damage in 'echo {' 'head -c 17000000 /dev/zero' 'sed s/example.com/example.org/ sound'; do
		$damage >"$TACKLE_STORE/images/$key.json"
		find "$TACKLE_STORE/blobs" -type f -exec touch -d '2 days ago' {} +
		refuse 1 store-check
		store-check --repair >out 2>err
		grep -q "^store-check: warning: '.*/images/$key.json'.*: removed" err
		same "$(jq -r .id b)" "$(jq -r .id out)"
		same "$(jq -r .id b)" "$(store-list | jq -r .id)"
		same example.com/b:1 "$(umoci ls --layout "$TACKLE_STORE")"
		same "" "$(store-gc)"
		jq -c . a | store-add >/dev/null
		same "" "$(store-check --repair 2>&1 >/dev/null)"
	done
	rm "$TACKLE_STORE/images/$key.json"
	mkdir "$TACKLE_STORE/images/$key.json"
	refuse 8 store-check --repair
	rmdir "$TACKLE_STORE/images/$key.json"
	refuse 2 store-check --repair example.com/b
	rm "$(blob_path "$(jq -r .blob.digest b)")"
	refuse 1 store-check --repair # what it cannot mend it still tells
}

@test "rkt:F-08 what killed programs leave is no finding, nor is a store in use" {
	fill
	touch "$TACKLE_STORE/images/.x.json.0123" "$TACKLE_STORE/partial/x" "$TACKLE_STORE/blobs/sha256/.new.0123"
	mkdir "$TACKLE_STORE/names/example.com%2fgone"
	touch "$TACKLE_STORE/names/example.com%2fgone/$(printf 0%.0s {1..128})"
	store-check >/dev/null
	for i in {1..10}; do
		add_image "example.com/n$i" 1 >/dev/null
		store-rm "example.com/n$i" >/dev/null
	done &
	while kill -0 $! 2>/dev/null; do
		store-check >/dev/null
	done
	wait
}
