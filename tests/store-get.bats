#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load images
setup() { in_own_directory; }

# image.tar, image.aci, and the record of the image in the store
one_image() {
	small_image example.com/a 1.0 >image.tar
	gzip -nk image.tar
	mv image.tar.gz image.aci
	printf 'a signature' >sig
	store-put --signature sig image.aci | store-add >record
	id=$(jq -r .id record)
	digest=$(jq -r .blob.digest record)
}

@test "rkt:A-021 the bytes of a blob: by digest, by id, whole or shortened, by name, or of the record on stdin" {
	one_image
	for what in "$digest" "$id" "${id:0:9}" "${id:0:39}" example.com/a example.com/a:1.0 example.com/a,version=1.0; do
		store-get "$what" | cmp - image.aci
	done
	store-get <record | cmp - image.aci
	printf hello | store-put | store-get | cmp - <(printf hello)
	same 0 "$(store-put /dev/null | store-get | wc -c)"
}

@test "what is not there is 3, and a short id that fits two is 2 and lists them" {
	one_image
	refuse 3 store-get "sha256:$(printf 0%.0s {1..64})"
	refuse 3 store-get "sha512-$(printf 0%.0s {1..128})"
	refuse 3 store-get "sha512:$(printf 0%.0s {1..128})"
	refuse 3 store-get example.com/a:2
	refuse 3 store-get example.com/a,os=linux
	refuse 3 store-get example.com
	refuse 3 store-get --store nowhere example.com/a
	# rkt:A-021: two images whose ids start alike
	for i in 1 2; do
		jq -c --arg i "$i" '.id = .id[:20] + $i + .id[21:] | .name = "example.com/n" + $i' record | store-add >/dev/null
	done
	refuse 2 store-get "${id:0:20}"
	says ambiguous "${id:0:20}1" "${id:0:20}2"
	store-get "${id:0:20}1" | cmp - image.aci
}

@test "rkt:F-01 an operand that is no digest, id or name is 2" {
	one_image
	for what in sha256:AB sha256:../../../etc/passwd sha512-a sha512-XY ../x '' A docker://busybox 'a b'; do
		refuse 2 store-get "$what"
	done
	refuse 2 store-get --record --signature example.com/a
	refuse 2 store-get --record <record
}

@test "law 3: of a damaged blob not one byte comes out" {
	one_image
	flip "$(blob_path "$digest")" 100
	refuse 1 store-get "$digest"
	says "digest mismatch" "expected $digest"
	refuse 1 store-get example.com/a
	refuse 1 store-get --uncompressed example.com/a
	says "the blob in the store: digest mismatch"
}

@test "--signature, --record and --uncompressed" {
	one_image
	store-get --signature example.com/a | cmp - sig
	store-get --uncompressed example.com/a | cmp - image.tar
	same "$id" "sha512-$(store-get --uncompressed example.com/a | sha512sum | cut -d' ' -f1)"
	same "$(store-list example.com/a)" "$(store-get --record example.com/a)"
	same "$(store-list example.com/a)" "$(store-get --record "${id:0:20}")"
	small_image example.com/b 1 | store-put | store-add >/dev/null
	refuse 3 store-get --signature example.com/b
	small_image example.com/b 1 | cmp - <(store-get --uncompressed example.com/b)
	refuse 7 store-get --uncompressed --max-size 1K example.com/a
	# a record whose id is not that of its bytes
	jq -c '.id = "sha512-" + "0" * 128' record | store-add >/dev/null
	refuse 1 store-get --uncompressed "sha512-$(printf 0%.0s {1..128})"
	says "the uncompressed image: digest mismatch"
	printf hello | store-put | refuse 1 store-get --uncompressed "sha512-0000"
}

@test "--record fails with an error record, the bytes with none" {
	one_image
	same 3 "$(store-get --record example.com/x 2>/dev/null | jq .status)"
	same "" "$(store-get example.com/x 2>/dev/null)"
}

@test "of two versions the newest import is meant, re-adding an old one does not make it new" {
	SOURCE_DATE_EPOCH=1000 add_image example.com/a 1 >old
	SOURCE_DATE_EPOCH=2000 add_image example.com/a 2 >/dev/null
	store-add <old >/dev/null
	same 2 "$(store-get --record example.com/a | jq -r .labels.version)"
	# within one second, too
	for v in 3 4 5; do
		SOURCE_DATE_EPOCH=3000 add_image example.com/a $v >/dev/null
		same $v "$(store-get --record example.com/a | jq -r .labels.version)"
	done
}

@test "a blob larger than a pipe, with a reader that leaves early" {
	head -c 3000000 /dev/urandom >big
	record=$(store-put big)
	store-get <<<"$record" | cmp - big
	store-get <<<"$record" | head -c 10 >/dev/null
	same 141 "${PIPESTATUS[0]}"
	got=0
	store-get <<<"$record" >/dev/full 2>err || got=$?
	same 8 "$got"
	grep -q '^store-get: stdout: ' err
}

@test "another user may read the store of root, and writes nothing" {
	[ "$(id -u)" = 0 ] || skip "root only: becomes another user"
	one_image
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR" 2>/dev/null || true
	state=$(store_state)
	mkdir -m 755 bin
	cp "$BIN/store-get" "$BIN/store-list" bin/
	as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups env -C / TACKLE_STORE="$TACKLE_STORE" "$@"; }
	as_nobody "$PWD/bin/store-get" example.com/a | cmp - image.aci
	same example.com/a:1.0 "$(as_nobody "$PWD/bin/store-list" --format names)"
	same "$state" "$(store_state)"
}
