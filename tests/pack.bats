#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it reads trees, not files that others made
load lib
setup() { in_own_directory; }

# One of everything that a tree can have and a tar can hold.
make_tree() { # DIR
	local long
	long=$(printf 'n%.0s' {1..200})
	mkdir -p "$1/d/$long/$long" "$1/empty"
	printf 'a' >"$1/a"
	ln "$1/a" "$1/d/hard"
	head -c 1000000 /dev/zero | tr '\0' z >"$1/big"
	truncate -s 3M "$1/sparse"
	printf 'end' >>"$1/sparse"
	ln -s ../a "$1/d/link"
	ln -s "/$long/$long" "$1/d/long-link"
	ln -s missing "$1/dangling"
	printf 'x' >"$1/d/$long/$long/$long"
	printf 'x' >"$1/d/"$'new\nline'
	printf 'x' >"$1/d/"$'not utf-8 \xff'
	printf 'x' >"$1/d/$long/"$'\xff'"$long"
	printf 'x' >"$1/-rf"
	mkfifo "$1/fifo"
	mknod "$1/null" c 1 3
	touch "$1/a.b" "$1/a-b"
	chmod 0000 "$1/a.b"
	chmod 7755 "$1/a-b"
	chmod 1777 "$1/empty"
	chown -h 12345:54321 "$1/big" "$1/dangling"
	chown 3000000000:3000000001 "$1/a-b"
	setfattr -n user.note -v 'some value' "$1/big"
	setfattr -n user.dir -v '' "$1/empty"
	setcap cap_net_raw+ep "$1/big"
	touch -d '1960-01-02T03:04:05Z' "$1/a.b"
	touch -hd '2300-01-01T00:00:00Z' "$1/dangling"
	touch -d '2001-02-03T04:05:06.123456789Z' "$1/big" "$1/empty" "$1/d"
}

tree_of() { # DIR: everything about it that shall survive
	(
		cd "$1" || exit
		find . -printf '%P\t%y\t%m\t%U:%G\t%T@\t%l\t%n\0' | LC_ALL=C sort -z | tr '\0' '\n'
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
		find . ! -type l -print0 | LC_ALL=C sort -z | xargs -0 getfattr -hd -m '^(user|security.capability)' --
		find . \( -type b -o -type c \) -exec stat -c '%n %t:%T' {} +
	)
}

@test "rkt:I-006 GNU tar and bsdtar make the same tree of it" {
	make_tree tree
	pack tree >tree.tar
	tree_of tree >wanted
	mkdir gnu bsd
	tar -xp --xattrs --xattrs-include='*' -f tree.tar -C gnu
	bsdtar -xpf tree.tar -C bsd
	tree_of gnu | diff wanted -
	diff <(sed 1d wanted) <(tree_of bsd | sed 1d) # it does not give the top directory its time
}

@test "rkt:I-006 unpack makes the same tree of it, and pack the same bytes of that" {
	make_tree tree
	pack tree >tree.tar
	unpack --tar --setuid --devices --capabilities out <tree.tar
	diff <(tree_of tree) <(tree_of out)
	pack out | cmp - tree.tar
}

@test "rkt:I-006 attributes whose names have = and %: as GNU tar reads and writes them" {
	mkdir tree gnu
	touch tree/f
	setfattr -n user.a=b%3D -v '=x' tree/f
	setfattr -n user.%25=% -v 1 tree/f
	getfattr -d tree/f >wanted
	pack tree | tar -xp --xattrs -C gnu
	tar -c --format=posix --xattrs -C tree . | unpack --tar ours
	mv gnu/f tree/f
	getfattr -d tree/f | diff wanted -
	mv ours/f tree/f
	getfattr -d tree/f | diff wanted -
}

@test "the same tree gives the same bytes, in a file or on stdout, however it was made" {
	make_tree tree
	cp -a tree copy
	mkdir other
	(cd tree && find . -print0 | LC_ALL=C sort -rz | tar -c --null --no-recursion --xattrs --xattrs-include='*' --format=posix -T -) |
		tar -xp --xattrs --xattrs-include='*' -C other 2>/dev/null
	pack tree >one
	pack copy >two
	cmp one two
	pack other | tar -t | cmp - <(tar -tf one)
	pack -o three tree >record
	cmp one three
	jq -e --arg digest "sha256:$(openssl dgst -sha256 -r one | cut -d' ' -f1)" --argjson size "$(stat -c %s one)" \
		'.kind == "blob" and .diff_id == $digest and
			.blob == {"digest": $digest, "mediaType": "application/vnd.oci.image.layer.v1.tar", "size": $size}' record
	same "$(cat record)" "$(pack -o /dev/null tree)"
	[ -c /dev/null ]
	pack -o - tree | cmp - one
	same "$(tar -tf one --quoting-style=escape | LC_ALL=C sort)" "$(tar -tf one --quoting-style=escape | LC_ALL=C sort -u)"
}

@test "--compress: one stream whatever the number of threads, with the digest it has and the one within" {
	make_tree tree
	head -c 3000000 /dev/urandom >tree/random # more blocks than threads, and what cannot be compressed
	mkdir empty
	pack tree >plain
	for how in gzip zstd 'zstd --level 1'; do
		# shellcheck disable=SC2086
		for jobs in 1 2 8; do
			pack -j $jobs --compress $how -o "j$jobs" tree >record
			jq -e --arg type "application/vnd.oci.image.layer.v1.tar+${how%% *}" --arg outer "$(sha256sum <"j$jobs" | cut -d' ' -f1)" \
				--arg inner "$(sha256sum <plain | cut -d' ' -f1)" --argjson size "$(stat -c %s "j$jobs")" \
				'.diff_id == "sha256:" + $inner and .blob == {"digest": ("sha256:" + $outer), "mediaType": $type, "size": $size}' record
		done
		cmp j1 j2 && cmp j1 j8
		"${how%% *}" -dc <j1 | cmp - plain
		# shellcheck disable=SC2086
		pack --compress $how tree | cmp - j1
		unpack --tar --setuid --devices --capabilities "out.${how// /}" <j1
		diff <(tree_of tree) <(tree_of "out.${how// /}")
		# shellcheck disable=SC2086
		pack --compress $how empty | "${how%% *}" -dc | cmp - <(pack empty)
	done
	[ "$(stat -c %s j1)" -gt "$(pack --compress zstd --level 9 tree | wc -c)" ]
	refuse 2 pack --compress gzip --level 3 tree
	says --level
	refuse 2 pack --compress bzip2 tree
	refuse 8 pack --compress gzip -o /dev/full tree
	says /dev/full
	refuse 8 pack --compress zstd -o /dev/full tree
	refuse 2 pack --compress gzip -j 0 tree
}

@test "entries are sorted, owners are numbers without names" {
	mkdir -p t/b t/a
	touch t/b/2 t/b/10 t/B t/a/x t/a.x
	pack t >t.tar
	same './ B a/ a/x a.x b/ b/10 b/2' "$(tar -tf t.tar | paste -sd' ')"
	run grep -c root t.tar
	same 0 "$output"
}

@test "SOURCE_DATE_EPOCH, --mtime and --owner" {
	mkdir t
	touch -d @1000 t/old
	touch -d @5000.5 t/new
	times() { tar --full-time -tvf - | grep -E 'old|new' | awk '{ print $4, $5 }' | paste -sd' '; }
	same '1970-01-01 01:23:20.5 1970-01-01 00:16:40' "$(TZ=UTC pack t | TZ=UTC times)"
	same '1970-01-01 00:33:20 1970-01-01 00:16:40' "$(SOURCE_DATE_EPOCH=2000 pack t | TZ=UTC times)"
	same '2001-02-03 04:05:06 2001-02-03 04:05:06' "$(pack --mtime 2001-02-03T04:05:06Z t | TZ=UTC times)"
	same '7/8 7/8 7/8' "$(pack --owner 7:8 t | tar --numeric-owner -tvf - | awk '{ print $2 }' | paste -sd' ')"
	for bad in 7 7: :8 a:b 7:8:9 -1:0 4294967295:0 '7:8 '; do
		refuse 2 pack --owner="$bad" t
		says --owner
	done
	refuse 2 pack --mtime yesterday t
	SOURCE_DATE_EPOCH='' pack t | cmp - <(pack t)
	for bad in yesterday -5 '7 ' 1.5 99999999999999999999; do
		SOURCE_DATE_EPOCH=$bad refuse 2 pack t
		says 'SOURCE_DATE_EPOCH: not a number of seconds'
	done
}

@test "--one-file-system leaves out what is mounted below" {
	mkdir -p t/m
	unshare -m sh -c 'mount -t tmpfs none t/m && touch t/m/inside && pack t >all.tar && pack --one-file-system t >one.tar'
	same './ m/ m/inside' "$(tar -tf all.tar | paste -sd' ')"
	same './ m/' "$(tar -tf one.tar | paste -sd' ')"
}

@test "a socket is left out, and told" {
	mkdir t
	perl -MSocket -e 'socket(my $s, PF_UNIX, SOCK_STREAM, 0); bind($s, pack_sockaddr_un("t/socket")) or die'
	run --separate-stderr pack -o t.tar t
	same 0 "$status"
	[[ $stderr == *"'socket': a socket: left out"* ]]
	same './' "$(tar -tf t.tar)"
}

@test "what cannot be read or written: the status, the name, and no file" {
	mkdir t
	echo secret >t/a
	refuse 3 pack missing
	refuse 3 pack t/a
	refuse 3 pack -o missing/t.tar t
	says missing/t.tar
	refuse 8 pack -o /dev/full t
	says /dev/full
	got=0
	pack t >/dev/full 2>err || got=$?
	same "8 1" "$got $(grep -c '^pack: stdout: ' err)"
	chmod 000 t/a
	chmod 755 . t
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/pack" t
	same 8 "$status"
	[[ $stderr == *"'t': 'a': cannot open: Permission denied"* ]]
	chmod 777 .
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/pack" -o t.tar t
	same '8 error' "$status $(jq -r .kind <<<"$output")"
	[ ! -e t.tar ]
	same '' "$(find . -maxdepth 1 -name '.*tar*')"
}

@test "without /proc, or with too few descriptors, that is what it says" {
	is_asan && return # no sandbox, and other descriptors
	mkdir t
	touch t/f
	PIPED=1 refuse 8 unshare -m sh -c 'mount -t tmpfs none /proc && exec pack -o t.tar t'
	says "'t': 'f': cannot open: /proc is not mounted"
	for n in {6..16}; do # from what the loader of programs needs to what is enough
		got=0
		(ulimit -n "$n" && exec pack -o t.tar t) >/dev/null 2>err 3>&- 4>&- || got=$?
		((got == 0)) || grep -q 'Too many open files' err || { echo "$n: $got $(<err)" >&2; return 1; }
	done
	same 0 "$got"
}

# Blocks pack behind a full pipe, changes the tree, lets it go on. More than pack reads ahead comes before the change.
# shellcheck disable=SC2034
while_packing() { # COMMAND
	mkfifo pipe
	pack t >pipe 2>err &
	exec {out}<pipe
	head -c 100 <&"$out" >/dev/null
	sleep 0.2
	eval "$1"
	cat <&"$out" >rest
	exec {out}<&-
	got=0
	wait $! || got=$?
	message=$(<err) # for says
	rm pipe
}

@test "what changes while it is read is 5, and never padded" {
	for change in 'echo more >>t/b' 'truncate -s 100 t/b' 'rm t/c' 'touch t/new'; do
		rm -rf t
		mkdir t
		head -c 20M /dev/zero >t/b
		echo c >t/c
		while_packing "$change"
		same "$change 5" "$change $got"
		says 'changed while it was read'
		run tar -tf rest
		((status != 0)) || [[ $(tail -c 1024 rest | tr -d '\0' | wc -c) != 0 ]]
	done
}

@test "a hard link is found again under its first name only within the tree" {
	mkdir t
	echo x >outside
	ln outside t/b
	ln outside t/a
	same '1 b link to a' "$(pack t | tar -tvf - | grep -o 'b link to .*' | uniq -c | xargs)"
}

@test "rkt:U-18 rkt:U-03 a directory swapped for a symlink meanwhile never leads outside" {
	mkdir -p outside t/d
	echo MARKER >outside/f
	echo fine >t/d/f
	# shellcheck disable=SC2016
	bash -c 'while :; do mv t/d t/e; ln -s ../outside t/d; rm t/d; mv t/e t/d; done' 2>/dev/null 3>&- &
	swapper=$!
	for ((i = 0; i < 200; i++)); do
		got=0
		pack t >"t.tar" 2>err || got=$?
		[[ $got == 0 || $got == 5 ]] || { cat err >&2; break; }
		! grep -q MARKER t.tar || { got=escaped; break; }
	done
	kill $swapper
	wait $swapper 2>/dev/null || true
	[[ $got == 0 || $got == 5 ]]
}

@test "too deep or too long is 7" {
	mkdir -p "t/$(printf 'd/%.0s' {1..1010})"
	refuse 7 pack -o t.tar t
	says 'deeper than 1000 directories'
	long=$(printf 'n%.0s' {1..250})
	ten=$long/$long/$long/$long/$long/$long/$long/$long/$long/$long
	mkdir -p "u/$ten"
	(cd "u/$ten" && mkdir -p "$ten")
	refuse 7 pack -o u.tar u
	says 'longer than 4096 bytes'
	[ ! -e t.tar ] && [ ! -e u.tar ]
}

@test "killed, it leaves no file" {
	mkdir t
	truncate -s 2G t/f
	pack -o t.tar t 3>&- &
	sleep 0.2
	kill -9 $!
	wait $! || true
	same 't' "$(find . -mindepth 1 -maxdepth 1 ! -name home ! -name 'refuse.*' -printf '%f\n')"
}

@test "memory stays bounded" {
	mkdir t
	truncate -s 1G t/f
	is_asan || (ulimit -v 300000 && pack t >/dev/null)
}
