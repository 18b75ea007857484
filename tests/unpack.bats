#!/usr/bin/env bats
# unpack against hostile archives, hostile neighbours, and other tar programs. The archives are made by tests/tools/evil-tar.c.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317  # helpers are called by `refuse`
load lib

setup_file() {
	local tool
	export TOOLS=$BATS_FILE_TMPDIR/tools
	mkdir "$TOOLS"
	for tool in evil-tar swapper; do
		# shellcheck disable=SC2153  # lib.bash sets ROOT
		gcc -O2 -D_GNU_SOURCE -o "$TOOLS/$tool" "$ROOT/tests/tools/$tool.c"
	done
}

# Every test has a directory outside the target that nothing may touch.
setup() {
	in_own_directory
	PATH=$PATH:$TOOLS
	mkdir outside
	echo secret >outside/marker
	touch -d '2001-02-03 04:05:06' outside/marker outside
	before=$(outside)
}

outside() { # its files' content, inode, link count, mode and times
	stat -c '%n %i %h %a %u %g %Y %Z %s' outside outside/*
	cat outside/*
}

# Nothing outside was touched, no target and no leftover is there.
untouched() {
	same "$before" "$(outside)"
	same "" "$(find . -maxdepth 1 -name '*target*')"
}

# hostile STATUS TEXT ENTRY...: unpacking an archive of these entries is refused so, and leaves no trace.
hostile() {
	local status=$1 text=$2
	shift 2
	evil-tar "$@" >evil.tar
	refuse "$status" unpack --tar target <evil.tar || { printf 'entries: %q\n' "$@" >&2; return 1; }
	says "$text"
	untouched
}

unpacked() { # ENTRY...: into a fresh target
	rm -rf target
	evil-tar "$@" | unpack --tar --quiet target 2>messages
	same "$before" "$(outside)"
}

# A listing with everything a tree has but the times of symlinks' targets: comparable between unpackers.
tree() {
	(cd "$1" && find . -printf '%P %y %m %U:%G %T@ %n %l\n' | awk '$2 == "d" { $6 = "" } { print }' | sort &&
		find . -type f -exec sha256sum {} + | sort -k 2 && getfattr -R -h -d -m '^user\.' . 2>/dev/null | sort)
}

# ---- images ----

manifest() { # NAME [JSON to merge]
	jq -cn --arg name "$1" --argjson more "${2:-"{}"}" '{acKind: "ImageManifest", acVersion: "0.8.11", name: $name,
		labels: [{name: "version", value: "1"}]} + $more'
}

# aci FILE NAME [JSON] ENTRY...: an image with this manifest; the entries are below rootfs/ as evil-tar takes them.
aci() {
	local file=$1
	manifest "$2" "$3" >"$file.json"
	shift 3
	evil-tar F:manifest:"$file.json" mode=0755 d:rootfs mode=0644 "$@" | gzip -n >"$file"
}

# In the store, with a record that says verified.
stored() { # FILE
	store-put "$1" | jq -c '. + {verified: [{by: "digest", digest: .blob.digest}]}'
}

as_stored() { # FILE: the record that says so of a file that store-put would refuse
	store-put --media-type application/octet-stream "$1" | jq -c '{kind: "image", blob, verified: [{by: "digest", digest: .blob.digest}]} |
		.blob.mediaType = "application/vnd.appc.image.aci"'
}

add() { # FILE: an image of the store
	stored "$1" | store-add >/dev/null
}

@test "a verified image becomes a tree, without a word" {
	aci a.aci example.com/a '{}' f:rootfs/f:hello d:rootfs/d f:rootfs/d/g:
	same "" "$(stored a.aci | unpack target 2>&1)"
	same "d d/g f" "$(cd target && find . -mindepth 1 -printf '%P\n' | sort | paste -sd' ')"
	same hello "$(cat target/f)"
	same 755 "$(stat -c %a target)"
}

@test "--layout keeps the manifest beside rootfs/, byte for byte" {
	aci a.aci example.com/a '{}' f:rootfs/f:hello
	stored a.aci | unpack --layout target
	cmp a.aci.json target/manifest
	same hello "$(cat target/rootfs/f)"
	same "manifest rootfs" "$(cd target && echo *)"
}

@test "an image that nothing verified is 1, unless --unverified, which is told" {
	aci a.aci example.com/a '{}' f:rootfs/f:hello
	store-put a.aci >record
	refuse 1 unpack target <record
	says "not verified"
	untouched
	other=sha256:$(printf 0%.0s {1..64})
	jq -c --arg d "$other" '.verified = [{by: "digest", digest: $d}]' record >forged
	refuse 1 unpack target <forged # an entry about other bytes
	run --separate-stderr unpack --unverified target <record
	same '0 ' "$status $output"
	[[ $stderr == *"not verified, used all the same"* ]]
}

@test "rkt:V-04 other bytes in the store than verified: 1, whatever they are, and nothing is left" {
	aci a.aci example.com/a '{}' f:rootfs/f:hello
	aci b.aci example.com/a '{}' f:rootfs/f:evil
	stored a.aci >record
	hex=$(jq -r '.blob.digest[7:]' record)
	blob=$TACKLE_STORE/blobs/sha256/$hex
	chmod u+w "$blob"
	cp b.aci "$blob"
	refuse 1 unpack target <record
	says "digest mismatch" "expected sha256:$hex"
	untouched
	head -c 100 a.aci >"$blob" # broken as well: the digest is what matters
	refuse 1 unpack target <record
	says "digest mismatch"
	cp a.aci "$blob"
	jq -c '.id = "sha512-" + ("0" * 128)' record >forged
	refuse 1 unpack target <forged
	says "digest mismatch: the image"
	untouched
	rm "$blob"
	refuse 3 unpack target <record
}

@test "the manifest must name the image that the record names" {
	aci a.aci example.com/a '{}' f:rootfs/f:hello
	stored a.aci | jq -c '.name = "example.com/b"' >record
	refuse 1 unpack target <record
	says "example.com/a" "example.com/b"
	untouched
}

@test "rkt:I-009 the manifest may be the last entry, with or without dependencies" {
	manifest example.com/a >m.json
	evil-tar d:rootfs f:rootfs/f:hello F:manifest:m.json | gzip -n >a.aci
	stored a.aci | unpack target
	same hello "$(cat target/f)"
}

@test "rkt:I-003 only manifest and rootfs/: an image that breaks it is 6 here, too" {
	manifest example.com/a >m.json
	local -a good=(F:manifest:m.json d:rootfs f:rootfs/f:x)
	while read -ra entries; do
		evil-tar "${entries[@]}" >evil.aci
		as_stored evil.aci >rec
		refuse 6 unpack target <rec || { echo "${entries[*]}" >&2; return 1; }
		untouched
	done <<-END
		${good[*]} f:third:x
		${good[*]} d:rootfs2
		F:manifest:m.json l:rootfs:outside
		F:manifest:m.json f:rootfs:x
		F:manifest:m.json
		d:rootfs f:rootfs/f:x
		l:manifest:outside/marker d:rootfs
		f:manifest:{} d:rootfs
		f:manifest:[ d:rootfs
		${good[*]} h:rootfs/h:manifest
		${good[*]} h:rootfs/h:../outside/marker
		${good[*]} f:rootfs/../../outside/new:x
		${good[*]} f:/outside/new:x
		${good[*]} l:.:outside
	END
}

@test "rkt:U-19 a manifest over 4 MiB is 7" {
	head -c 5000000 /dev/zero | tr '\0' ' ' >m.json
	evil-tar F:manifest:m.json d:rootfs >evil.aci
	as_stored evil.aci >rec
	refuse 7 unpack target <rec
	says manifest
	untouched
}

@test "OCI images are told apart and not tried" {
	digest=sha256:$(printf 0%.0s {1..64})
	store-put /dev/null >/dev/null
	jq -cn --arg d "$digest" '{kind: "image", manifest: {digest: $d}, layers: [], verified: [{by: "digest", digest: $d}]}' >rec
	refuse 2 unpack target <rec
	says "layers: not supported yet"
}

# ---- dependencies ----

dependencies() { # NAME...
	jq -cn '{dependencies: [$ARGS.positional[] | {imageName: .}]}' --args "$@"
}

@test "rkt:I-031 order: A->[B,C], C->[D] is B, D, C, A: the last wins" {
	aci d.aci example.com/d '{}' f:rootfs/bd:d f:rootfs/cd:d f:rootfs/ad:d f:rootfs/d:d
	aci c.aci example.com/c "$(dependencies example.com/d)" f:rootfs/cd:c f:rootfs/bc:c f:rootfs/ac:c
	aci b.aci example.com/b '{}' f:rootfs/bd:b f:rootfs/bc:b f:rootfs/ab:b
	aci a.aci example.com/a "$(dependencies example.com/b example.com/c)" f:rootfs/ab:a f:rootfs/ac:a f:rootfs/ad:a
	for i in d c b a; do add $i.aci; done
	stored a.aci | unpack target
	same "ab:a ac:a ad:a bc:c bd:d cd:c d:d" "$(cd target && for f in *; do echo "$f:$(cat "$f")"; done | paste -sd' ')"
}

@test "rkt:I-031 D is rendered before B and before C, each time" {
	aci d.aci example.com/d '{}' f:rootfs/x:d f:rootfs/y:d
	aci b.aci example.com/b "$(dependencies example.com/d)" f:rootfs/x:b
	aci c.aci example.com/c "$(dependencies example.com/d)" f:rootfs/y:c
	aci a.aci example.com/a "$(dependencies example.com/b example.com/c)" f:rootfs/z:a
	for i in d c b a; do add $i.aci; done
	stored a.aci | unpack target
	same "dca" "$(cat target/x target/y target/z)" # D D again took x from B
}

@test "rkt:I-032 a later path replaces: file by directory, directory by file, symlink never followed, hard link broken" {
	aci b.aci example.com/b '{}' f:rootfs/file:b d:rootfs/dir f:rootfs/dir/x:b l:rootfs/link:../outside f:rootfs/one:b h:rootfs/two:rootfs/one
	aci a.aci example.com/a "$(dependencies example.com/b)" d:rootfs/file f:rootfs/file/y:a f:rootfs/dir:a f:rootfs/link/z:a f:rootfs/two:a
	for i in b a; do add $i.aci; done
	stored a.aci | unpack target
	same "a a a b a" "$(cat target/file/y) $(cat target/dir) $(cat target/link/z) $(cat target/one) $(cat target/two)"
	same "$before" "$(outside)"
}

@test "rkt:I-033 rkt:I-035 the tree is clean each time, and a dependency's app does not count" {
	aci b.aci example.com/b '{"app": {"exec": ["/bin/b"], "user": "0", "group": "0"}}' f:rootfs/b:b
	aci a.aci example.com/a "$(dependencies example.com/b)" f:rootfs/a:a
	add b.aci
	stored a.aci | unpack --layout one
	echo changed >one/rootfs/b
	stored a.aci | unpack --layout two
	same "b null" "$(cat two/rootfs/b) $(jq -c .app two/manifest)"
}

@test "rkt:I-034 pathWhitelist: what is not listed is absent, parents kept; a dependant's filters its dependencies too" {
	aci b.aci example.com/b '{"pathWhitelist": ["/keep/b", "/only-b", "/dir/"]}' \
		d:rootfs/keep f:rootfs/keep/b:b f:rootfs/keep/other:b f:rootfs/only-b:b d:rootfs/dir f:rootfs/dir/in:b d:rootfs/gone
	add b.aci
	stored b.aci | unpack own
	same "dir keep keep/b only-b" "$(cd own && find . -mindepth 1 -printf '%P\n' | sort | paste -sd' ')"
	aci a.aci example.com/a "$(dependencies example.com/b | jq -c '.pathWhitelist = ["/keep/b", "/a"]')" f:rootfs/a:a f:rootfs/not:a
	stored a.aci | unpack target
	same "a keep keep/b" "$(cd target && find . -mindepth 1 -printf '%P\n' | sort | paste -sd' ')"
}

@test "rkt:I-030 rkt:F-12 a dependency must be there, verified, of the given id and not above the given size" {
	aci b.aci example.com/b '{}' f:rootfs/b:b
	aci a.aci example.com/a "$(dependencies example.com/b)" f:rootfs/a:a
	stored a.aci >a.rec
	refuse 3 unpack target <a.rec
	says "dependency 'example.com/b'"
	store-put b.aci | store-add >/dev/null
	refuse 1 unpack target <a.rec
	says "dependency 'example.com/b'" "not verified"
	unpack --unverified target <a.rec
	same ab "$(cat target/a target/b)"
	rm -rf target
	add b.aci
	aci c.aci example.com/c "$(jq -cn --arg id "$(stored b.aci | jq -r .id)" '{dependencies: [{imageName: "example.com/other", imageID: $id}]}')" f:rootfs/c:c
	stored c.aci >c.rec
	refuse 1 unpack target <c.rec
	aci d.aci example.com/d '{"dependencies": [{"imageName": "example.com/b", "size": 5}]}' f:rootfs/d:d
	stored d.aci >d.rec
	refuse 7 unpack target <d.rec
	aci e.aci example.com/e '{"dependencies": [{"imageName": "example.com/b", "labels": [{"name": "version", "value": "2"}]}]}' f:rootfs/e:e
	stored e.aci >e.rec
	refuse 3 unpack target <e.rec
	untouched
}

@test "rkt:I-036 rkt:U-14 cycles are 6; too deep, too many are 7; a whitelist that climbs is 6" {
	aci a.aci example.com/a "$(dependencies example.com/b)" f:rootfs/a:a
	aci b.aci example.com/b "$(dependencies example.com/a)" f:rootfs/b:b
	add a.aci
	add b.aci
	stored a.aci >rec
	refuse 6 unpack target <rec
	says cycle
	aci w.aci example.com/w '{"pathWhitelist": ["/../etc"]}' f:rootfs/a:a
	as_stored w.aci >rec
	refuse 6 unpack target <rec
	says pathWhitelist
	aci n0.aci example.com/n0 '{}' f:rootfs/n:n
	add n0.aci
	for i in {1..66}; do
		aci n.aci "example.com/n$i" "$(dependencies "example.com/n$((i - 1))")" f:rootfs/n:n
		add n.aci
	done
	stored n.aci >rec
	refuse 7 unpack target <rec
	says "64 levels"
	# shellcheck disable=SC2046  # words
	aci f.aci example.com/f "$(dependencies $(printf 'example.com/n0 %.0s' {1..40}))" f:rootfs/f:f
	add f.aci
	# shellcheck disable=SC2046
	aci m.aci example.com/m "$(dependencies $(printf 'example.com/f %.0s' {1..40}))" f:rootfs/m:m
	stored m.aci >rec
	refuse 7 unpack target <rec
	says "1000 images"
	untouched
}

# ---- hostile archives ----

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

@test "rkt:U-17 rkt:U-04 a hard link leads to a file of the archive before it, or is 6 by name" {
	for target in "$PWD/outside/marker" ../outside/marker a/../../outside/marker missing . d; do
		hostile 6 "'h'" d:d "h:h:$target"
	done
	hostile 6 "'h'" "l:link:$PWD/outside/marker" h:h:link
	hostile 6 "'h'" "l:link:$PWD/outside" h:h:link/marker
	hostile 6 "'f'" f:f:x h:f:f
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

@test "a directory that later entries come back to keeps its mode, time and owner; its last entry counts" {
	unpacked mtime=5 mode=0500 d:a mode=0644 f:a/one:1 mtime=7 mode=2755 d:b f:c/x:x mtime=9 f:a/two:2 d:b/sub mode=0701 d:c h:b/link:a/one
	same "500 5 2755 7 701 9" "$(cd target && stat -c '%a %Y' a b c | paste -sd' ')"
	same "12 2755" "$(cat target/a/one target/a/two) $(stat -c %a target/b/sub)"
}

@test "memory does not grow with the directories of an archive" {
	is_asan && skip "AddressSanitizer needs more"
	local -a entries=()
	for i in {1..3000}; do entries+=("d:$i/$(printf 'n%.0s' {1..150})/$i/$i"); done
	evil-tar "${entries[@]}" >t.tar
	\time -f %M -o peak "$BIN/unpack" --tar target <t.tar
	(($(cat peak) < 12000))
	same 12001 "$(find target -type d | wc -l)"
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

# ---- the target ----

@test "the target: absent or empty, else 1 and untouched; never a symlink, never . or .." {
	evil-tar f:f:x >t.tar
	mkdir target
	unpack --tar target/ <t.tar
	refuse 1 unpack --tar target <t.tar
	says "not an empty directory"
	same f "$(ls -A target)"
	ln -s outside link
	refuse 1 unpack --tar link <t.tar
	touch file
	refuse 1 unpack --tar file <t.tar
	refuse 3 unpack --tar missing/target <t.tar
	refuse 2 unpack --tar . <t.tar
	refuse 2 unpack --tar outside/.. <t.tar
	refuse 2 unpack --tar / <t.tar
	refuse 2 unpack --tar --layout new <t.tar
	same "$before" "$(outside)"
}

@test "a signal removes what was made, and the process dies by it" {
	mkfifo pipe
	for signal in INT TERM HUP; do
		env --default-signal=INT,HUP,TERM unpack --tar target <pipe >/dev/null 2>&1 &
		pid=$!
		exec 7>pipe
		evil-tar noend f:f:x many=2000 >&7
		for _ in {1..100}; do [ -n "$(find . -maxdepth 2 -path './.target.*/f')" ] && break; sleep 0.05; done
		kill -$signal $pid
		got=0
		wait $pid || got=$?
		exec 7>&-
		same "$((128 + $(kill -l $signal)))" "$got"
		untouched
	done
}

@test "what a killed run left goes with the next one for the same name, but not what a running one fills" {
	mkfifo pipe
	unpack --tar target <pipe >/dev/null 2>&1 &
	pid=$!
	exec 7>pipe
	evil-tar noend f:f:x many=2000 >&7
	for _ in {1..100}; do [ -n "$(find . -maxdepth 2 -path './.target.*/f')" ] && break; sleep 0.05; done
	evil-tar f:g:x >t.tar
	unpack --tar other <t.tar
	unpack --tar target <t.tar
	same 1 "$(find . -maxdepth 1 -name '.target.*' | wc -l)" # it runs on
	rm -rf target
	kill -9 $pid
	wait $pid || true
	exec 7>&-
	unpack --tar target <t.tar
	same "./target" "$(find . -maxdepth 1 -name '*target*')"
}

@test "input that ends a pipe early, while the archive is already known to be bad, does not hang" {
	mkfifo pipe
	timeout 20 unpack --tar target <pipe >/dev/null 2>messages &
	pid=$!
	exec 7>pipe
	evil-tar noend f:f:x f:../evil:x many=3000 >&7 || true # a pipe that nobody reads any more
	got=0
	wait $pid || got=$?
	exec 7>&-
	same 6 "$got"
	untouched
}

# ---- the same tree as others ----

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

# Runs a command as root of a user namespace whose ids 0 to 65535 are 100000 and so on here.
in_mapped_namespace() {
	mkfifo mapped
	unshare --user --keep-caps sh -c 'echo $$ >pid && read -r go <mapped && exec setpriv --reuid=0 --regid=0 --clear-groups "$@"' sh "$@" <&0 &
	until [ -s pid ]; do sleep 0.02; done
	echo "0 100000 65536" >"/proc/$(cat pid)/uid_map"
	echo "0 100000 65536" >"/proc/$(cat pid)/gid_map"
	echo go >mapped
	wait $!
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

@test "memory stays below 64 MiB, whatever the size" {
	is_asan && skip "AddressSanitizer needs more"
	head -c 200000000 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >big
	tar -cf - big "$ROOT/common" 2>/dev/null | zstd -q -1 >t.tar.zst
	(ulimit -v 1000000 && "$BIN/unpack" --tar target <t.tar.zst >/dev/null && :)
	cmp big target/big
	\time -f %M -o peak "$BIN/unpack" --tar again <t.tar.zst
	(($(cat peak) < 65536))
}
