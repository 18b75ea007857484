#!/usr/bin/env bats
# Linux itself opens what disk-encrypt made: Debian's kernel and Debian's cryptsetup, unmodified, in a virtual machine.
# SPDX-License-Identifier: Apache-2.0
# asan: no: the machine runs none of our code, and the images are the same
load lib
load disk
load vm
setup() { in_own_directory; }

@test "brkt:E14 brkt:V3 brkt:T2 the mapped device holds exactly the plaintext, at 512 and at 4096, and what Linux writes is decrypted" {
	vm_needed
	raw disk.raw 4M
	secret
	for size in 512 4096; do
		disk-encrypt --secret secret -s $size <disk.raw >$size.luks
	done
	vm_root root
	cp secret root/
	cat >root/main <<-'EOF'
		for n in 0 1; do
			cryptsetup open --key-file /secret /dev/nvme${n}n1 disk$n
			cryptsetup status disk$n | grep 'sector size'
			echo "disk$n $(wc -c </dev/mapper/disk$n) $(sha256sum </dev/mapper/disk$n)"
			printf 'written by Linux' | dd of=/dev/mapper/disk$n bs=1 seek=1000000 conv=notrunc 2>/dev/null
			sync
			cryptsetup close disk$n && echo closed
		done
	EOF
	vm_boot root 512.luks 4096.luks
	tr -d '\r' <console >&2
	sum=$(sha256sum <disk.raw)
	same "  sector size:  512
disk0 4194304 $sum
closed
  sector size:  4096
disk1 4194304 $sum
closed" "$(tr -d '\r' <console | grep -E '^(  sector|disk|closed)')"
	printf 'written by Linux' | dd of=disk.raw bs=1 seek=1000000 conv=notrunc status=none
	for size in 512 4096; do
		disk-decrypt --secret secret <$size.luks | cmp - disk.raw
	done
}
