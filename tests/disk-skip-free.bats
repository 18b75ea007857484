#!/usr/bin/env bats
# brkt:E8 disk-encrypt --skip-free: what dumpe2fs counts as free is left out, and nothing else is: the decrypted filesystem is sound and
# every file in it the same. mkfs.ext4, e2fsck, debugfs and sfdisk are the other opinions.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: the reader of ext4 is fuzzed with the sanitisers
load lib
load disk
setup() {
	in_own_directory
	secret
}

# filesystem FILE SIZE [OPTION...]: an ext4 with files, some of them removed again so that what is free lies between what is used.
filesystem() {
	local file=$1 size=$2
	shift 2
	[[ -d tree ]] || {
		mkdir tree
		cp -R "$ROOT/common/disk" tree
		raw tree/large 1M
		raw tree/gone 1M
	}
	rm -f "$file"
	truncate -s "$size" "$file"
	mkfs.ext4 -q -F -d tree -N 256 "$@" "$file" 2>/dev/null
	printf 'rm /gone\nrm /disk/luks.c\nwrite tree/disk/luks.c new\n' | debugfs -w "$file" >/dev/null 2>&1
	e2fsck -fy "$file" >/dev/null 2>&1 || (($? == 1))
}

# skips FILE BYTES [OPTION...]: says that this many are skipped; as many zeros are in the result, and what is decrypted is left in `out`.
skips() {
	local zeros
	disk-encrypt --secret secret --skip-free "${@:3}" <"$1" >luks 2>err
	same "$2 of $(stat -c %s "$1")" "$(grep -o '[0-9]* of [0-9]* bytes are free' err | sed 's/ bytes are free//')"
	zeros=$(tail -c +1048577 luks | xxd -p -c 512 | grep -c '^0*$' || true)
	same "$2" $((zeros * 512))
	disk-decrypt --secret secret <luks >out
}

# sound FILE: the filesystem has no fault and every file as in FILE.
sound() {
	e2fsck -fn out >/dev/null 2>&1
	rm -rf were are
	mkdir were are
	debugfs -R 'rdump / were' "$1" >/dev/null 2>&1
	debugfs -R 'rdump / are' out >/dev/null 2>&1
	diff -r were are
	cmp are/large tree/large
	cmp are/new tree/disk/luks.c
}

free_bytes() { # of FILE, by dumpe2fs
	dumpe2fs "$1" 2>/dev/null | awk -F: '/^Free blocks/ { free = $2 } /^Block size/ { print free * $2 }'
}

@test "brkt:E8 --skip-free leaves out what dumpe2fs calls free, for every way in which ext4 is laid out" {
	while read -r options; do
		# shellcheck disable=SC2086 # words
		filesystem img 16M $options
		skips img "$(free_bytes img)"
		sound img
	done <<-EOF
		-b 4096
		-b 1024 -g 2048 -O ^64bit,^metadata_csum,uninit_bg,sparse_super2
		-b 1024 -g 1024 -O meta_bg,^resize_inode,^flex_bg,metadata_csum_seed
		-b 1024 -O bigalloc -C 16384
		-b 2048 -t ext2
	EOF
	dumpe2fs img 2>/dev/null | grep -q 'Block size: *2048'
	filesystem img 16M -b 1024 # of sectors of 4096 bytes, whole ones
	disk-encrypt --secret secret --skip-free -s 4096 <img >luks 2>err
	disk-decrypt --secret secret <luks >out
	sound img
	skipped=$(sed -n 's/.*warning: \([0-9]*\) of.*/\1/p' err)
	((skipped % 4096 == 0 && skipped <= $(free_bytes img) && skipped > $(free_bytes img) - 1000000))
	disk-encrypt --secret secret --skip-free -j 1 --header luks <img 2>/dev/null | cmp - luks # brkt:E10
	disk-encrypt --secret secret --header luks <img 2>err | head -c 9M | tail -c 1M | xxd -p -c 4096 | run ! grep -q '^0*$' # off unless asked for
	same '' "$(cat err)"
}

# table FILE SCRIPT [OPTION...]: a disk of 24 MiB with this table, and filesystems at 4 MiB and 14 MiB.
table() {
	rm -f "$1"
	raw "$1" 24M
	dd if=/dev/zero of="$1" bs=1M count=1 conv=notrunc status=none
	sfdisk -q --no-reread --no-tell-kernel "${@:3}" "$1" <<<"$2" >/dev/null
	dd if=first of="$1" bs=1M seek=4 conv=notrunc status=none
	dd if=second of="$1" bs=1M seek=14 conv=notrunc status=none
}

@test "brkt:E8 --skip-free finds the filesystems in the partitions of a GPT and of an MBR, logical ones, too" {
	filesystem first 8M
	filesystem second 8M -b 1024
	both=$(($(free_bytes first) + $(free_bytes second)))
	for script in $'label: gpt\nstart=2048,size=2048\nstart=8192,size=16384\nstart=28672,size=16384' \
		$'label: dos\nstart=8192,size=16384,type=83\nstart=28672,size=16384,type=83' \
		$'label: dos\nstart=2048,size=2048\nstart=4096,size=44000,type=5\nstart=8192,size=16384\nstart=28672,size=16384'; do
		table disk "$script"
		skips disk $both
		for part in '4 8 first' '14 8 second'; do
			read -r at size name <<<"$part"
			mv out whole
			dd if=whole of=out bs=1M skip="$at" count="$size" status=none
			sound "$name"
			mv whole out
		done
		for part in '0 4' '12 2' '22 2'; do # what lies outside is as it was
			read -r at size <<<"$part"
			cmp -n $((size << 20)) -i $((at << 20)) disk out
		done
	done
	# A leftover of mkfs.ext4 on the whole disk, in front of the first partition, counts for nothing.
	dd if=second of=disk bs=1024 skip=1 seek=1 count=1 conv=notrunc status=none
	skips disk $both
	(dd bs=1 count=1 of=/dev/null status=none && disk-encrypt --secret secret --skip-free --pad >luks 2>err) <disk # not from its start
	same 1 "$(grep -c 'warning: 0 of 25165823 bytes' err)"
	disk-decrypt --secret secret <luks | cmp - <(tail -c +2 disk)
}

@test "brkt:E8 --skip-free skips nothing where the map cannot be relied on, and says so; a pipe has none: 2" {
	filesystem img 8M -b 1024
	spoil() { # TEXT COMMAND: by the command on `bad`, the whole of which must come back
		cp img bad
		eval "$2"
		skips bad 0
		cmp bad out
		grep -F "disk-encrypt: warning: stdin: $1" err | grep -q ': encrypted whole$' || { cat err >&2; return 1; }
	}
	patch() { printf "$2" | dd of=bad bs=1 seek="$1" conv=notrunc status=none; } # OFFSET BYTES
	spoil 'ext4: its journal waits to be replayed' 'debugfs -w -R "feature needs_recovery" bad >/dev/null 2>&1'
	spoil 'ext4: it was not cleanly unmounted, or has errors' 'debugfs -w -R "ssv state 2" bad >/dev/null 2>&1'
	spoil 'ext4: damaged: a superblock with a wrong checksum' 'patch $((1024 + 0x28)) x'
	spoil 'ext4: damaged: group 0: a descriptor with a wrong checksum' 'patch $((2048 + 12)) x'
	# shellcheck disable=SC2034 # the text beneath uses it
	group=$(dumpe2fs img 2>/dev/null | sed -n 's/^ *Block bitmap at \([0-9]*\).*/\1/p' | sed -n 1p)
	spoil 'ext4: damaged: group 0: a bitmap with a wrong checksum' 'patch $((group * 1024)) "\0"'
	spoil 'ext4: features that are not known here: incompat 0x2c3, ro_compat 0x46b' 'tune2fs -O compression bad >/dev/null 2>&1 ||
		debugfs -w -R "ssv feature_incompat 0x2c3" bad >/dev/null 2>&1'
	spoil "ext4: the place is another kind's by its mark" 'patch 512 LABELONE'
	spoil 'ext4: damaged: longer than the place it lies in' 'truncate -s 7M bad'
	filesystem img 8M -b 1024 -O ^metadata_csum,^uninit_bg
	spoil 'ext4: damaged: group 0: ' 'patch $((2048 + 12)) "\\1\\1"'
	grep -q 'clusters are free by its bitmap, 257 by its descriptor' err
	spoil 'ext4: damaged: an impossible block size' 'patch $((1024 + 0x18)) "\\7"'
	spoil 'ext4: damaged: impossible block groups' 'patch $((1024 + 0x20)) "\\1\\0\\0\\0"'
	spoil 'ext4: damaged: impossible inode tables' 'patch $((1024 + 0x28)) "\\377\\377\\377\\377"'
	spoil 'the partition table: a protective MBR without a GPT' 'printf "label: gpt\n" | sfdisk -q --no-reread bad >/dev/null; patch 512 x'
	spoil 'the partition table: its entries have a wrong checksum' 'printf "label: gpt\nstart=2048,size=2048\n" | sfdisk -q --no-reread bad >/dev/null; patch 1030 x'
	spoil 'the partition table: partitions 1 and 2 overlap' 'printf "label: dos\nstart=2048,size=4096\nstart=8192,size=1024\n" |
		sfdisk -q --no-reread bad >/dev/null; patch 471 "\\20"'
	head -c 512K tree/large >bad
	skips bad 0
	PIPED=1 refuse 2 bash -c 'cat img | disk-encrypt --secret secret --size 8M --skip-free'
	says '--skip-free'
}
