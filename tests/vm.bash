# A virtual machine: Debian's cloud kernel, as contrib/bootstrap unpacks it, busybox and programs of this system, under qemu's own
# emulation (a /dev/kvm may be there and hang). Its processor has no AES instructions, so that what the kernel then needs is there, too.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
VM_KERNEL=/var/cache/tackle/kernel

# Elsewhere than on Debian there is no such kernel; there, one that is missing is a failure.
vm_needed() {
	[[ $(uname -m) == x86_64 && $(sed -n 's/^ID=//p' /etc/os-release) == debian ]] || skip 'the cloud kernel is for Debian on x86_64'
	[[ -e $VM_KERNEL/boot ]] || {
		echo "no $VM_KERNEL: sh contrib/bootstrap deps" >&2
		return 1
	}
}

# The files of these kernel modules, what they depend on first; one that is built in has none.
vm_modules() {
	local name file
	for name; do
		file=$(find "$VM_KERNEL/lib/modules" -name "${name//_/[-_]}.ko" | head -n 1)
		[[ -n $file ]] || continue
		# shellcheck disable=SC2046 # a list
		vm_modules $(tr '\0' '\n' <"$file" | sed -n 's/^depends=//p' | tr , ' ')
		echo "$file"
	done
}

# vm_root DIR: a root file system with busybox, cryptsetup and the libraries it wants, and the modules for an encrypted disk.
vm_root() {
	local library n=10 file
	mkdir -p "$1/bin" "$1/modules"
	cp /bin/busybox "$1/bin/busybox"
	cp /usr/sbin/cryptsetup "$1/bin/cryptsetup"
	for library in $(ldd /usr/sbin/cryptsetup | grep -o '/[^ ]*'); do
		mkdir -p "$1/$(dirname "$library")"
		cp -L "$library" "$1/$library"
	done
	for file in $(vm_modules dm-mod dm-crypt ecb xts af_alg algif_skcipher | awk '!seen[$0]++'); do
		cp "$file" "$1/modules/$((n++))-${file##*/}"
	done
	cat >"$1/init" <<-'EOF'
		#!/bin/busybox sh
		/bin/busybox mkdir -p /proc /sys /dev /run /tmp
		/bin/busybox --install -s /bin
		export PATH=/bin DM_DISABLE_UDEV=1
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		mount -t devtmpfs dev /dev
		for module in /modules/*; do insmod "$module"; done
		sh /main 2>&1
		poweroff -f
	EOF
	chmod +x "$1/init"
}

# vm_boot DIR DISK...: starts it with these disks as /dev/nvme0n1 and so on; it runs DIR/main. What it says is left in the file console.
vm_boot() {
	local root=$1 disks=() n=0
	shift
	for disk; do
		disks+=(-drive "if=none,id=d$n,file=$disk,format=raw" -device "nvme,serial=$n,drive=d$n")
		n=$((n + 1))
	done
	(cd "$root" && bsdtar -cf - --format newc -- * | gzip -1) >initrd
	timeout 300 qemu-system-x86_64 -accel tcg -cpu qemu64 -m 256 -nodefaults -display none -no-reboot -serial file:console \
		-kernel "$VM_KERNEL"/boot/vmlinuz-* -initrd initrd -append 'console=ttyS0 quiet panic=-1' "${disks[@]}"
}
