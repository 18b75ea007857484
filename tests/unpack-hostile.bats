#!/usr/bin/env bats
# unpack against hostile archives and hostile neighbours.
# SPDX-License-Identifier: Apache-2.0
load lib
load unpack

@test "rkt:U-15 .. and absolute names: 6, nothing written" {
	for name in ../outside/new a/../../outside/new .. a/.. "$PWD/outside/new" /new; do
		hostile 6 "leads out of the target" f:first:x "f:$name:evil"
		hostile 6 "leads out of the target" f:first:x "d:$name"
		hostile 6 "leads out of the target" f:first:x "l:$name:x"
	done
	hostile 6 "leads out of the target" x:path=../outside/new f:first:x
}

@test "rkt:U-16 rkt:U-03 a symlink of the archive is never written through" {
	unpacked "l:link:$PWD/outside" f:link/marker:evil
	same "directory evil" "$(stat -c %F target/link) $(cat target/link/marker)"
	unpacked "l:marker:$PWD/outside/marker" f:marker:evil
	same "regular file" "$(stat -c %F target/marker)"
	unpacked l:a:.. l:a/b:.. f:a/b/outside/marker:evil
	unpacked "l:d:$PWD/outside" mode=0700 d:d
	same "directory" "$(stat -c %F target/d)"
	unpacked "l:l:$PWD/outside/marker" uid=1 mode=0777 "l:l:$PWD/outside/marker" # owner and time are the link's own
}

@test "rkt:U-09 a file whose name ends in a slash is a directory, of whatever kind of file it is, as others read it" {
	for kind in 0 7; do
		unpacked f:d/x:x "t:$kind:d/" f:d/y:y
		same "directory x y" "$(stat -c %F target/d) $(cat target/d/x) $(cat target/d/y)"
		rm -rf target
		hostile 6 "'d" size=1 "t:$kind:d/"
	done
}

@test "rkt:U-17 rkt:U-04 a hard link leads to a file of the archive before it, or is 6 by name" {
	for target in "$PWD/outside/marker" ../outside/marker a/../../outside/marker missing . d; do
		hostile 6 "'h'" d:d "h:h:$target"
	done
	hostile 6 "'h'" "l:link:$PWD/outside/marker" h:h:link
	hostile 6 "'h'" "l:link:$PWD/outside" h:h:link/marker
	hostile 6 "'f'" f:f:x h:f:f
	hostile 6 "'d'" f:d/f:x h:d:d/f
	hostile 6 "'d/f'" f:d:x h:d/f:d
	hostile 6 "'d'" f:d/e/f:x h:d/.:d/e/f
	unpacked f:d:x h:dd:d h:e/d:d
	same "3 3" "$(stat -c %h target/dd) $(stat -c %h target/e/d)"
	unpacked f:one:first h:two:one f:two:second
	same "first second" "$(cat target/one) $(cat target/two)"
}

@test "rkt:U-18 special files: devices are 1 without --devices, fifos are made, setuid goes unless asked" {
	evil-tar c:null >evil.tar
	refuse 1 unpack --tar target <evil.tar
	says "'null'" device
	untouched
	evil-tar p:fifo f:after:x >t.tar
	timeout 20 unpack --tar target <t.tar >/dev/null # opened by nobody, so that nothing waits
	same fifo "$(stat -c %F target/fifo)"
	rm -rf target
	evil-tar mode=6755 f:s: mode=2755 d:d >t.tar
	unpack --tar target <t.tar 2>messages
	same 755 "$(stat -c %a target/s)"
	grep -q "setuid or setgid bits of 1 entries not kept: 's'" messages
	grep -q 'hint: --setuid' messages
	rm -rf target
	unpack --tar --setuid target <t.tar 2>messages
	same 6755 "$(stat -c %a target/s)"
}

@test "rkt:U-18 as root with --devices a node is made" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	evil-tar c:null >t.tar
	unpack --tar --devices target <t.tar
	same "character special file 1:3" "$(stat -c '%F %t:%T' target/null)"
}

@test "rkt:U-06 rkt:U-07 rkt:U-19 attributes: user.* stay, overlay, ACL and security go, capabilities on request" {
	cap='\001\000\000\002\040\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000'
	local -a entries=(x:SCHILY.xattr.user.mine=v x:SCHILY.xattr.user.overlay.opaque=y x:SCHILY.xattr.trusted.overlay.opaque=y
		x:SCHILY.xattr.security.selinux=s "x:SCHILY.xattr.system.posix_acl_access=\\002" "x:SCHILY.xattr.security.capability=$cap" f:f:x)
	evil-tar "${entries[@]}" x:SCHILY.xattr.user.dir=w d:d >t.tar
	unpack --tar target <t.tar 2>messages
	same "user.mine" "$(getfattr -m - -h target/f 2>/dev/null | grep -v '^#' | paste -sd' ' | xargs)"
	same 'w' "$(getfattr --only-values -n user.dir target/d)"
	grep -q "extended attributes of 5 entries not kept: 'f'" messages
	[ "$(id -u)" = 0 ] || return 0
	rm -rf target
	unpack --tar --capabilities target <t.tar 2>messages
	getfattr -m - target/f | grep -q security.capability
}

@test "rkt:U-02 the root is no symlink and stays a directory" {
	for root in . / ./; do
		evil-tar "l:$root:$PWD/outside" f:marker:evil >evil.tar
		refuse 6 unpack --tar target <evil.tar
		untouched
	done
}

@test "rkt:U-07 owners that no file can have are 6" {
	hostile 6 owner x:uid=4294967295 f:f:x
	hostile 6 "not a number" x:gid=-1 f:f:x
}

@test "rkt:U-08 headers that lie: 6" {
	hostile 6 NUL 'x:path=a\000b' f:f:x
	hostile 6 NUL 'x:linkpath=a\000b' l:f:x
	hostile 6 "not a number" x:size=-1 f:f:x
	hostile 6 "not a number" x:size=9223372036854775808 f:f:x
	hostile 6 "size" x:size=512 f:f:x
	hostile 6 "two kinds\|differ\|no map\|version" x:GNU.sparse.major=1 x:GNU.sparse.minor=0 f:f:x || [[ $message == *version* ]]
	hostile 7 "larger than the limit" x:GNU.sparse.size=9000000000000000000 x:GNU.sparse.map=0,1 f:huge:x
	evil-tar f:f:x >evil.tar
	printf Z | dd of=evil.tar bs=1 seek=10 conv=notrunc status=none
	refuse 6 unpack --tar target <evil.tar
	says checksum
}

@test "rkt:U-09 one reading only: joined members are one stream, nothing hides behind an end" {
	evil-tar noend f:one:1 >a
	evil-tar f:two:2 >b
	for codec in gzip bzip2 xz zstd; do
		($codec -c <a && $codec -c <b) >joined
		unpack --tar "$codec.tree" <joined
		same "1 2" "$(cat $codec.tree/one) $(cat $codec.tree/two)"
		store-put --media-type application/vnd.oci.image.layer.v1.tar joined |
			jq -c --arg d "sha256:$(cat a b | sha256sum | cut -d' ' -f1)" '.kind = "image" | .verified = [{by: "digest", digest: .blob.digest}] | .diff_id = $d' >rec
		unpack "$codec.layer" <rec
		jq -c '.diff_id = .blob.digest' rec >forged
		refuse 1 unpack target <forged
		says "digest mismatch: the archive"
		untouched
		(cat joined && echo rubbish) >evil
		refuse 6 unpack --tar target <evil
	done
	hostile 6 "behind its end" f:f:x noend "raw:$(printf '\\000%.0s' {1..1024})x"
	(evil-tar f:one:1 && evil-tar f:two:2) >evil.tar # two archives: the second would be hidden
	refuse 6 unpack --tar target <evil.tar
	says "behind its end"
	(evil-tar f:one:1 | gzip && evil-tar f:two:2 | gzip) >evil.tar
	refuse 6 unpack --tar target <evil.tar
	untouched
}

@test "rkt:U-10 limits: each is 7, an option, and leaves the disk as it was" {
	evil-tar many=2000 >t.tar
	refuse 7 unpack --tar --max-entries 1999 target <t.tar
	says 1999
	untouched
	unpack --tar --max-entries 2000 target <t.tar
	rm -rf target
	evil-tar "f:f:$(head -c 5000 /dev/zero | tr '\0' x)" >t.tar
	refuse 7 unpack --tar --max-size 4999 target <t.tar
	deep=$(printf 'd/%.0s' {1..600})
	hostile 7 "components" "x:path=$deep$deep" f:f:x
	hostile 7 "bytes" X:path=5000 f:f:x
	hostile 7 "bytes" X:linkpath=100000 l:f:x
	hostile 7 "pax header" X:comment=1100000 f:f:x
	local -a many=()
	for i in {1..1100}; do many+=("x:SCHILY.xattr.user.$i=v"); done
	hostile 7 "extended attributes" "${many[@]}" f:f:x
	evil-tar "x:path=${deep}f" f:f:x >t.tar
	refuse 7 unpack --tar --max-depth 600 target <t.tar
	unpack --tar target <t.tar
	rm -rf target
	untouched
}

@test "rkt:U-11 bombs: ratio, size and window are 7" {
	head -c 60000000 /dev/zero >zeros
	(evil-tar noend f:first:x && evil-tar F:zeros:zeros) >t.tar
	for codec in 'gzip -9' bzip2 xz zstd; do
		$codec -c t.tar >bomb
		refuse 7 unpack --tar target <bomb
		says "times its size"
		refuse 7 unpack --tar --max-ratio 1000000 --max-size 1M target <bomb
		untouched
	done
	evil-tar f:f:x | zstd -q --long=27 -c >window
	refuse 7 unpack --tar target <window
	says window
	unpack --tar --max-window 128M wide <window
	evil-tar f:f:x | xz -9 -c >window
	refuse 7 unpack --tar --max-window 1M target <window
	says window
	untouched
}

@test "rkt:U-12 odd modes, far times, doubled entries: the same tree each time" {
	evil-tar mtime=8589934591 mode=0177777 f:f:x mode=0000 f:none:x d:locked f:locked/in:y mtime=0 f:twice:1 f:twice:2 f:a/b/c:x >t.tar
	unpack --tar one <t.tar >/dev/null 2>&1
	unpack --tar two <t.tar >/dev/null 2>&1
	same "$(tree one)" "$(tree two)"
	same "2 0 755" "$(cat one/twice) $(stat -c '%Y %a' one/a/b)"
	hostile 6 "unknown type" t:Q:f
}

@test "rkt:U-20 names of any bytes unpack exactly" {
	unpacked 'f:new\012line:1' 'f:esc\033[31m:2' 'f:bad\377utf8:3' 'f:-rf:4' 'f:.wh.gone:5' 'f: :6' "f:quote'\":7"
	same 7 "$(find target -type f -print0 | tr -dc '\0' | wc -c)"
	same "1 2 3" "$(cat "target/new"$'\n'"line") $(cat "target/esc"$'\e'"[31m") $(cat "target/bad"$'\xff'"utf8")"
	rm -rf target
	hostile 6 '\x1b' 'f:..\057\033[31m:x' # shown escaped
}

@test "rkt:U-21 empty, text, cut: 6, nothing left" {
	refuse 6 unpack --tar target </dev/null
	refuse 6 unpack --tar target <<<"a text of some length that is no archive at all"
	# shellcheck disable=SC2153  # lib.bash sets ROOT
	tar -C "$ROOT" -cf t.tar common cmd
	for codec in cat gzip bzip2 xz zstd; do
		$codec <t.tar >whole
		size=$(stat -c %s whole)
		for part in 2 3 10; do
			head -c $((size - size / part)) whole >part.tar
			refuse 6 unpack --tar target <part.tar
			untouched
		done
		head -c $((size - 1)) whole >part.tar
		[ "$codec" = cat ] || refuse 6 unpack --tar target <part.tar
	done
	head -c 10240 t.tar >part.tar # as after a block
	refuse 6 unpack --tar target <part.tar
	untouched
}

@test "rkt:U-13 what lies in the tree as /etc/passwd is never opened" {
	unpacked d:etc l:etc/passwd:/etc/passwd p:etc/group f:etc/shadow:x
	same "fifo" "$(stat -c %F target/etc/group)"
}

@test "rkt:U-03 10,000 swaps of a directory with a symlink while unpacking: zero escapes" {
	local -a entries=(d:d d:e)
	for i in {1..400}; do entries+=("f:d/$i:x" "f:e/$i:x" "d:d/s$i" "h:d/h$i:e/$i"); done
	evil-tar "${entries[@]}" >t.tar
	timeout 100 swapper "$PWD" target "$PWD/outside" 10000 &
	swapper=$!
	runs=0
	while kill -0 $swapper 2>/dev/null; do
		status=0
		unpack --tar target <t.tar 2>messages || status=$?
		case $status in 0 | 6 | 8) ;; *) echo "status $status: $(cat messages)" >&2; return 1 ;; esac
		rm -rf target
		runs=$((runs + 1))
	done
	wait $swapper
	((runs > 0))
	same "$before" "$(outside)"
}
