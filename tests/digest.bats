#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
setup() { in_own_directory; }

@test "the digest and size of stdin, of a file, of nothing" {
	printf abc >f
	want='{"blob":{"digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","size":3},"kind":"blob"}'
	same "$want" "$(digest <f)"
	same "$want" "$(digest f)"
	same "$want" "$(digest - <f)"
	same 0 "$(digest </dev/null | jq .blob.size)"
}

@test "sha512 equals openssl's over a stream longer than a chunk" {
	head -c 1000003 /dev/zero | tr '\0' x >f
	same "sha512:$(openssl dgst -sha512 -r f | cut -d' ' -f1)" "$(digest --alg sha512 --format names f)"
}

@test "several files give stamped records in argument order" {
	printf a >a; printf b >b
	same '1 2 2 2' "$(digest a b | jq -r '"\(.part) \(.of)"' | paste -sd' ')"
}

@test "--check is silent on a match and 1 on another digest" {
	printf abc >f
	run --separate-stderr digest --check sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad f
	same "0 " "$status $output"
	refuse 1 digest --check "sha256:$(printf 0%.0s {1..64})" f
	says "digest mismatch" "expected sha256:000" "found sha256:ba78"
}

@test "rkt:F-01 only exact lower-case digests are taken" {
	for d in sha256:AB "sha256:$(printf A%.0s {1..64})" "sha256:$(printf 0%.0s {1..63})" md5:00 "sha256:$(printf 0%.0s {1..64})/.."; do
		refuse 2 digest --check "$d" /dev/null
	done
}

@test "a file that is not there is 3, a directory 8, and nothing else is printed" {
	printf a >a
	refuse 3 digest a missing
	says "'missing'"
	refuse 8 digest /
}
