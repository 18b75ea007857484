#!/usr/bin/env bats
# unpack makes the tree that other programs make, as root, rootless and in a user namespace, in bounded memory.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: what it unpacks goes through unpack and unpack-hostile there
load lib
load unpack

# A tree with every kind of thing in it.
sample() {
	mkdir -p "$1"
	cp -a "$ROOT/common" "$ROOT/man" "$1/"
	mkdir -p "$1/d/e" "$1/tmp" "$1/locked"
	echo x >"$1/d/f"
	ln "$1/d/f" "$1/d/e/hard"
	ln -s ../f "$1/d/e/soft"
	ln -s /nowhere "$1/dangling"
	mkfifo "$1/fifo"
	truncate -s 3M "$1/sparse"
	echo end >>"$1/sparse"
	printf x >"$1/$(printf 'n%.0s' {1..200})"
	setfattr -n user.note -v hello "$1/d/f"
	setfattr -n user.note -v dir "$1/d"
	chmod 1777 "$1/tmp"
	chmod 4755 "$1/d/f"
	chmod 2775 "$1/d"
	chmod 400 "$1/sparse"
	touch -d '1999-12-31 23:59:59.123456789' "$1/d/f"
	touch -h -d '2020-02-02' "$1/d/e/soft" "$1/d" "$1/locked"
}

@test "rkt:I-006 the tree is what GNU tar and bsdtar make of the same archive, whoever wrote it" {
	sample s
	if [ "$(id -u)" = 0 ]; then
		chown 5:7 s/d/f s/man
		chown -h 12345:54321 s/d/e/soft s/locked
	fi
	tar -C s --format=pax --xattrs --sparse -cf pax.tar .
	tar -C s --format=gnu --sparse -cf gnu.tar .
	bsdtar -C s --format=pax -cf bsd.tar .
	for archive in pax gnu; do
		mkdir gnu.out
		tar -C gnu.out --numeric-owner --xattrs --xattrs-include='user.*' -xpf $archive.tar
		unpack --tar --setuid target <$archive.tar
		diff <(tree gnu.out) <(tree target)
		rm -rf gnu.out target
	done
	for archive in pax bsd; do
		rm -rf target
		unpack --tar --setuid target <$archive.tar
		diff <(tree s) <(tree target)
	done
	(($(stat -c %b target/sparse) < 1000)) # the hole stayed one
}

# What a user without privileges gets: the same tree, but the files are theirs, and they are told.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"
}

@test "rkt:I-006 rkt:U-07 rkt:U-18 rootless: everything is the caller's, no setuid, no devices, and it is told once" {
	[ "$(id -u)" = 0 ] || skip "becomes another user"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null
	mkdir -m 777 open
	evil-tar uid=5 gid=5 mode=4755 f:f:x uid=65534 gid=65534 mode=0500 d:d f:d/in:y mode=0000 d:none f:none/in:z x:SCHILY.xattr.user.a=b f:r:x >t.tar
	as_nobody "$BIN/unpack" --tar --setuid open/target <t.tar 2>messages
	same "65534 755" "$(stat -c '%u %a' open/target/f)"
	same "0 500" "$(stat -c %a open/target/none) $(stat -c %a open/target/d)"
	same b "$(getfattr --only-values -n user.a open/target/r)"
	grep -q "owner of 1 entries not kept: 'f'" messages
	evil-tar c:null >t.tar
	refuse 1 as_nobody "$BIN/unpack" --tar --devices open/null <t.tar || [[ $message == *"device node"* ]]
	same target "$(ls -A open)"
}

@test "rkt:A-058 in a user namespace with mapped ids owners are kept inside; what is not mapped is told, not half done" {
	[ "$(id -u)" = 0 ] || skip "writes an id map"
	evil-tar uid=5 gid=7 f:f:x uid=100000 gid=7 mode=4755 f:high:x >t.tar
	unshare --user true 2>/dev/null || skip "no user namespaces"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null
	mkdir open
	chown 100000:100000 open
	in_mapped_namespace "$BIN/unpack" --tar --setuid open/target <t.tar 2>messages || { cat messages >&2; return 1; }
	same "100005:100007 755" "$(stat -c '%u:%g' open/target/f) $(stat -c %a open/target/high)"
	same "100000:100000" "$(stat -c '%u:%g' open/target/high)"
	grep -q "owner of 1 entries not kept: 'high'" messages
	grep -q "maps no such users" messages
}

@test "a directory that later entries come back to keeps its mode, time and owner; its last entry counts" {
	unpacked mtime=5 mode=0500 d:a mode=0644 f:a/one:1 mtime=7 mode=2755 d:b f:c/x:x mtime=9 f:a/two:2 d:b/sub mode=0701 d:c h:b/link:a/one
	same "500 5 2755 7 701 9" "$(cd target && stat -c '%a %Y' a b c | paste -sd' ')"
	same "12 2755" "$(cat target/a/one target/a/two) $(stat -c %a target/b/sub)"
}

@test "memory does not grow with the directories of an archive" {
	is_asan && skip "AddressSanitizer needs more"
	local -a entries=()
	for i in {1..3000}; do entries+=("d:$i/$(printf 'n%.0s' {1..60})/$i/$i"); done
	head -c 32M /dev/zero >fills-the-buffers
	tar -b 1 -cf - fills-the-buffers | head -c -1024 >start.tar
	evil-tar "${entries[@]}" | cat start.tar - >t.tar
	command time -f %M -o peak "$BIN/unpack" --tar target <t.tar
	evil-tar "${entries[@]:0:750}" | cat start.tar - >few.tar
	command time -f %M -o least "$BIN/unpack" --tar few <few.tar
	(($(cat peak) - $(cat least) < 1000)) # KiB for 9,000 directories more: each would be felt
	same 12001 "$(find target -type d | wc -l)"
}

@test "memory stays below 64 MiB, whatever the size" {
	is_asan && skip "AddressSanitizer needs more"
	head -c 200000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >big
	tar -cf - big "$ROOT/common" 2>/dev/null | zstd -q -1 >t.tar.zst
	(ulimit -v 1000000 && "$BIN/unpack" --tar target <t.tar.zst >/dev/null && :)
	cmp big target/big
	command time -f %M -o peak "$BIN/unpack" --tar again <t.tar.zst
	(($(cat peak) < 65536))
}

# ---- a real system ----

# Much of this machine: programs with their links and bits, configuration, documents.
real() { # FILE BYTES-OF-PROGRAMS
	(cd / && {
		printf '%s\n' . usr usr/share
		find usr/bin usr/sbin -size -400k -printf '%s %p\n' | awk -v most="$2" '(sum += $1) < most { sub(/^[0-9]+ /, ""); print }'
		find etc usr/share/doc/[a-g]* -xdev
	} >"$OLDPWD/list") || true
	mkdir source
	tar -C / --xattrs --no-recursion -T list -cf - 2>/dev/null | tar -C source --xattrs -xpf -
	tar -C source --format=pax --xattrs --sort=name -cf "$1" .
}

@test "rkt:I-006 a large part of a real system is the tree GNU tar makes of it" {
	[ "$(id -u)" = 0 ] || skip "reads all of /etc"
	real t.tar 60000000
	mkdir theirs
	tar -C theirs --numeric-owner --xattrs -xpf t.tar
	gzip -1 <t.tar | unpack --tar --setuid ours
	diff <(listing theirs) <(listing ours)
	(($(find ours | wc -l) > 500))
}

@test "rkt:A-058 rkt:I-006 and the same in a mapped user namespace, as seen inside" {
	[ "$(id -u)" = 0 ] || skip "writes an id map"
	unshare --user true 2>/dev/null || skip "no user namespaces"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null
	real t.tar 20000000
	mkdir theirs open
	tar -C theirs --numeric-owner --xattrs -xpf t.tar
	chown 100000:100000 open
	in_mapped_namespace "$BIN/unpack" --tar --setuid open/ours <t.tar
	rm mapped pid
	declare -f listing >listing.sh
	in_mapped_namespace bash -c '. ./listing.sh && listing open/ours' >inside
	diff <(listing theirs) inside
}
