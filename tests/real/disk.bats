#!/usr/bin/env bats
# make check-real: disks of gigabytes through disk-encrypt and disk-decrypt, minutes of both cores; the small ones are in
# tests/disk-encrypt.bats. Nothing of them is written to a disk. Not part of make check.
# SPDX-License-Identifier: Apache-2.0
load ../lib
load ../disk
setup() {
	in_own_directory
	secret
}

bytes() { # 3 GiB, every sector another
	openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 00 </dev/zero 2>/dev/null | head -c 3G
}

@test "brkt:X6 brkt:E12 3 GiB through pipes come back, with 1, 2 and 8 threads and both sizes of sectors" {
	expected=$(bytes | sha256sum)
	while read -r jobs sector; do
		same "$expected" "$(bytes | disk-encrypt --secret secret -j "$jobs" -s "$sector" --size 3G | disk-decrypt --secret secret -j "$jobs" | sha256sum)"
	done <<-EOF
		1 512
		2 4096
		8 512
	EOF
}

@test "brkt:X6 brkt:E8 a sparse disk of 20 GiB comes back, in less than 64 MB of memory (brkt:P3)" {
	truncate -s 20G sparse
	for at in 0 4294966784 4294967296 21474836464; do # beside 2^32, and at the end
		printf 'here is %-8s' "$at" | head -c 16 | dd of=sparse bs=16 seek=$((at / 16)) conv=notrunc status=none
	done
	gcc -O2 -D_GNU_SOURCE -o stopwatch "$ROOT/tests/bench/stopwatch.c"
	disk-encrypt --secret secret -j 8 <sparse | disk-decrypt --secret secret -j 8 | cmp - sparse
	read -r _ kilobytes <<<"$(./stopwatch 1 disk-encrypt --secret secret -j 8 -s 4096 <sparse)"
	((kilobytes < 64000))
}
