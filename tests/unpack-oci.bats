#!/usr/bin/env bats
# unpack of OCI images: layers in order, whiteouts, links across layers, and trees that are umoci's byte for byte.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: the same layers go through flatten there, and hostile archives through unpack-hostile
load lib
load oci
load unpack

ours() { # [OPTION]...: oci:layout:v1 in target
	rm -rf target
	resolved >record
	unpack --unverified --quiet "$@" target <record 2>messages
	same "$before" "$(outside)"
}

theirs() {
	rm -rf bundle
	umoci unpack --image "${1:-layout:v1}" bundle >/dev/null 2>&1
}

# umoci gives a directory from which a whiteout of its own layer took something the time of that moment, and not the entry's.
timeless() {
	tree "$1" | awk '$2 == "d" { $5 = "" } $1 == "d" { $4 = "" } { print }'
}

names() { # what is in target
	(cd target && find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | paste -sd' ')
}

# hostile_layers STATUS TEXT LAYER...: refused so, without a trace.
hostile_layers() {
	local status=$1 text=$2
	shift 2
	layers "$@"
	resolved >record
	refuse "$status" unpack --unverified target <record || { printf 'layer: %q\n' "$@" >&2; return 1; }
	says "$text"
	untouched
}

@test "rkt:U-05 whiteouts: one line a case, and umoci makes the same of it" {
	while IFS='|' read -r expected one two three; do
		layers "$one" "$two" ${three:+"$three"}
		ours
		same "$expected" "$(names)" || { echo "$one | $two | $three" >&2; return 1; }
		[ "$(id -u)" = 0 ] || continue
		theirs
		diff <(timeless bundle/rootfs) <(timeless target) || { echo "$one | $two | $three" >&2; return 1; }
	done <<-'CASES'
		b|d:. f:a: f:b:|f:.wh.a:
		a b|d:. f:a:1 f:b:|f:.wh.a: f:a:2
		a b|d:. f:a:1 f:b:|f:a:2 f:.wh.a:
		d d/b|d:. d:d f:d/a: f:d/b:|d:d f:d/.wh.a:
		d d/b|d:. d:d f:d/a:|d:d f:d/b: f:d/.wh..wh..opq:
		d d/b|d:. d:d f:d/a:|d:d f:d/.wh..wh..opq: f:d/b:
		d|d:. d:d f:d/a: d:d/e f:d/e/x:|f:d/.wh..wh..opq:
		|d:. d:d f:d/a: f:b:|f:.wh..wh..opq:
		c|d:. d:d f:d/a: f:b:|f:c: f:.wh..wh..opq:
		d d/e d/e/y|d:. d:d f:d/a: d:d/e f:d/e/x:|d:d d:d/e f:d/e/y: f:.wh.d:
		d d/new|d:. d:d f:d/a:|f:.wh.d: d:d f:d/new:
		d d/new|d:. d:d f:d/a:|d:d f:d/new: f:.wh.d:
		b|d:. f:b: l:a:b|f:.wh.a:
		b|d:. f:b: h:a:b|f:.wh.a:
		b|d:. f:b:|f:.wh.absent: f:no/.wh.x: f:no/.wh..wh..opq:
		d|d:. d:d d:d/e f:d/e/f:|f:d/.wh.e: f:d/e/.wh.f:
		d|d:. d:d d:d/e f:d/e/f:|f:d/e/.wh.f: f:d/.wh.e:
		a|d:. d:d f:d/a:|f:.wh.d:|f:a:
		d d/z|d:. d:d f:d/a:|f:.wh.d:|d:d f:d/z:
		b|d:. f:b: p:fifo|f:.wh.fifo:
		|d:. d:.wh f:x:|f:.wh.x: d:.wh.x f:.wh..wh:
	CASES
}

@test "rkt:U-05 a whiteout deletes only inside: through symlinks, and of . and .. never" {
	layers "d:. l:up:../../.. l:out:$PWD/outside d:d f:d/keep:" "f:up/.wh.outside: f:out/.wh.marker: f:up/.wh..wh..opq:"
	ours
	same "" "$(names)"
	layers "d:. d:real f:real/a: f:real/b: l:link:real" "f:link/.wh.a:"
	ours
	same "link real real/b" "$(names)"
	layers "d:. d:real f:real/a: l:link:/real" "f:link/.wh..wh..opq: f:link/new:"
	ours
	same "link real real/new" "$(names)"
	for name in .wh. .wh.. .wh... .wh./ d/.wh. d/.wh.. d/.wh...; do
		hostile_layers 6 "a whiteout of nothing" "d:. d:d f:d/a:" "f:$name:"
	done
	hostile_layers 6 "a file below a whiteout" "d:. d:d f:d/a:" "f:.wh.d/a:"
	hostile_layers 6 "a symbolic link to a whiteout" "d:. l:a:.wh.b" "f:a/x:"
	layers "d:. f:a:" "d:.wh..wh.plnk f:.wh..wh.plnk/1.2: f:.wh..wh.aufs: f:b:"
	ours
	same "a b" "$(names)"
}

@test "rkt:U-05 a character device 0/0 in a layer is a device, no whiteout" {
	[ "$(id -u)" = 0 ] || skip "devices are root's"
	layers "d:. f:a:1" "c:a"
	refuse 1 unpack --unverified target < <(resolved)
	says "a device node"
	ours --devices
	same "character special file" "$(stat -c %F target/a)"
}

@test "rkt:U-01 CVE-2014-9356 CVE-2014-9357: chains of symlinks across layers stay inside" {
	layers "d:. l:a:b" "l:b:../../.. d:c" "l:c/d:../a f:c/d/x:1" "f:a/outside/marker:2 f:a/etc/evil:3 l:a/abs:$PWD/outside" "f:a/abs/marker:4"
	ours
	same 4 "$(cat "target/$PWD/outside/marker")"
	same 123 "$(cat target/x target/outside/marker target/etc/evil)"
	layers "d:. l:a:a" "f:a/x:"
	resolved >record
	refuse 6 unpack --unverified target <record
	says "symbolic links"
	layers "d:. l:a:b l:b:a" "h:x:a/y"
	resolved >record
	refuse 6 unpack --unverified target <record
	# As umoci: a link to nowhere leads where it says.
	layers "d:. l:a:b" "f:a/x:1"
	ours
	same "a b b/x" "$(names)"
}

@test "rkt:U-02 CVE-2021-29136 rkt:U-15 rkt:U-17: the root stays a directory, names stay inside" {
	hostile_layers 6 "the root of the archive is no directory" "d:." "l:.:/etc"
	hostile_layers 6 "the root of the archive is no directory" "d:." "l:/:/etc"
	layers "d:." "mode=0711 d:/ f:a:" # as umoci insert writes it
	ours
	same "711 a" "$(stat -c %a target) $(names)"
	rm -r target
	hostile_layers 6 "leads out" "d:." "f:../x:"
	hostile_layers 6 "leads out" "d:." "f:a/../../x:"
	hostile_layers 6 "leads out" "d:." "f:/etc/x:"
	hostile_layers 6 "leads out" "d:." "f:../.wh.outside:"
	hostile_layers 6 "a hard link out" "d:." "h:x:../outside/marker"
	hostile_layers 6 "a hard link out" "d:." "h:x:$PWD/outside/marker"
	hostile_layers 6 "a hard link to what is no file" "d:. l:out:$PWD/outside" "h:x:out/marker"
	hostile_layers 6 "a hard link to what is no file" "d:. l:s:x" "h:y:s"
	hostile_layers 6 "a hard link to itself" "d:. f:a:" "h:a:a"
}

@test "hard links across layers, as umoci makes them; a later file at a linked name breaks the link first" {
	layers "d:. f:a:1 h:b:a" "h:c:a" "f:a:2"
	ours
	same 211 "$(cat target/a target/b target/c)"
	same "1 2 2" "$(stat -c %h target/a target/b target/c | paste -sd' ')"
	[ "$(id -u)" = 0 ] || return 0
	theirs
	diff <(tree bundle/rootfs) <(tree target)
}

@test "rkt:U-06 what overlay file systems keep in attributes is dropped, user's own is kept, and a directory's old ones go" {
	layers "d:. x:SCHILY.xattr.user.a=1 x:SCHILY.xattr.user.overlay.opaque=y x:SCHILY.xattr.trusted.overlay.opaque=y d:d x:SCHILY.xattr.user.b=2 f:f:" \
		"x:SCHILY.xattr.user.c=3 d:d"
	ours
	same "user.c user.b" "$(getfattr -h -m - target/d target/f | grep -v '^#' | paste -sd' ' | xargs)"
	grep -q "extended attributes of" messages
}

@test "six layers of umoci's: every step is umoci's tree and the tree they were made of" {
	[ "$(id -u)" = 0 ] || skip "umoci needs root to keep owners"
	umoci init --layout layout
	umoci new --image layout:v0
	umoci unpack --image layout:v0 work >/dev/null 2>&1
	for i in 1 2 3 4 5 6; do
		change work/rootfs "$i"
		umoci repack --refresh-bundle --image "layout:v$i" work >/dev/null 2>&1
		rm -rf target
		ref-parse "oci:layout:v$i" | reg-resolve | fetch-blob -q | unpack --unverified --setuid --quiet target
		diff <(tree work/rootfs) <(tree target) || { echo "step $i" >&2; return 1; }
		theirs "layout:v$i"
		diff <(tree bundle/rootfs) <(tree target) || { echo "step $i" >&2; return 1; }
	done
	same 6 "$(ref-parse oci:layout:v6 | reg-resolve | jq '.layers | length')"
}

@test "ten layers of buildah's: umoci's tree" {
	[ "$(id -u)" = 0 ] || skip "buildah needs root here"
	container=$(with_buildah from scratch)
	for i in {1..10}; do
		mkdir -p "t/d$((i % 3))"
		echo "$i" >"t/d$((i % 3))/f$i"
		echo "$i" >t/same
		with_buildah copy -q "$container" t / >/dev/null
		rm -r t
		with_buildah commit -q "$container" localhost/ten >/dev/null
		container=$(with_buildah from --pull=never localhost/ten)
	done
	with_buildah push -q localhost/ten oci:layout:v1
	ref-parse oci:layout:v1 | reg-resolve | jq -e '.layers | length == 10'
	ours
	theirs
	diff <(tree bundle/rootfs) <(tree target)
}

@test "as another user: the same tree as umoci's rootless one, everything the caller's" {
	[ "$(id -u)" = 0 ] || skip "becomes another user"
	layers "mode=0755 d:. d:a mode=0644 f:a/x:1 uid=7 gid=8 f:a/y:2 uid=0 gid=0 l:s:a/x h:h:a/x mode=0500 d:locked mode=0400 f:locked/f:3" \
		"mode=0644 f:locked/.wh.f: f:a/.wh.x: f:locked/g:4"
	resolved >record
	mkdir own
	chown 65534:65534 own
	chmod -R a+rX . "$TACKLE_STORE"
	chmod a+x "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all env HOME="$PWD/own")
	"${nobody[@]}" "$BIN/unpack" --unverified --quiet own/target <record
	"${nobody[@]}" umoci unpack --rootless --image layout:v1 own/bundle >/dev/null 2>&1
	list() { (cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %l\n' | sort; cat h a/y locked/g); }
	diff <(list own/bundle/rootfs) <(list own/target)
}

@test "gzip, zstd and plain layers; one that is not what its diff_id says is refused" {
	evil-tar d:. f:a:1 >one.tar
	evil-tar f:b:2 | gzip -n >two.tar
	evil-tar f:c:3 | zstd -q >three.tar
	oci_image layout v1 one.tar two.tar three.tar >/dev/null
	ours
	same "a b c" "$(names)"
	rm -rf layout target
	OCI_CONFIG='.rootfs.diff_ids |= [.[0], .[2], .[1]]' oci_image layout v1 one.tar two.tar three.tar >/dev/null
	resolved >record
	refuse 1 unpack --unverified target <record
	says "layer 2: digest mismatch"
	untouched
	rm -rf layout target
	OCI_CONFIG='.rootfs.diff_ids[1] |= "sha512:" + .[7:] * 2' oci_image layout v1 one.tar two.tar three.tar >/dev/null
	resolved >record
	refuse 1 unpack --unverified target <record
}

@test "the blob of a layer damaged in the store, a layer of another kind, an image not verified" {
	layers "d:. f:a:1" "f:b:2"
	resolved >record
	refuse 1 unpack target <record
	says "not verified"
	refuse 2 unpack --unverified --layout target <record
	refuse 1 unpack --unverified target < <(jq -c '.layers |= reverse' record)
	blob=$TACKLE_STORE/blobs/sha256/$(jq -r '.layers[1].digest | ltrimstr("sha256:")' record)
	printf x | dd of="$blob" bs=1 seek=513 conv=notrunc status=none
	refuse 1 unpack --unverified target <record
	says "layer 2: digest mismatch"
	untouched
	for type in application/vnd.oci.image.layer.v1.tar+gzip+encrypted application/octet-stream text/plain; do
		layers "d:. f:a:1"
		oci_replace layout v1 ".layers[0].mediaType = \"$type\""
		resolved >record
		refuse 1 unpack --unverified target <record
		says "layer 1: of the media type '$type'"
	done
}

@test "limits hold over all layers together, and what is cut leaves nothing" {
	layers "d:. F:a:$ROOT/NEWS" "F:b:$ROOT/NEWS"
	resolved >record
	refuse 7 unpack --unverified --max-size "$(($(stat -c %s "$ROOT/NEWS") + 100))" target <record
	untouched
	layers "d:. many=50" "many=10"
	resolved >record
	refuse 7 unpack --unverified --max-entries 20 target <record
	untouched
	evil-tar d:. f:a:1 | head -c 1000 >one.tar
	rm -rf layout target
	oci_image layout v1 one.tar >/dev/null
	resolved >record
	refuse 6 unpack --unverified target <record
	untouched
	evil-tar d:. f:a:1 | head -c 1536 >one.tar # as umoci insert writes them; the digests say that nothing is missing
	rm -rf layout
	oci_image layout v1 one.tar >/dev/null
	ours
	same a "$(names)"
	evil-tar d:. f:a:1 | head -c 1025 >one.tar
	rm -rf layout
	oci_image layout v1 one.tar >/dev/null
	ours
	same 1 "$(cat target/a)"
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q | flatten --unverified 2>/dev/null | tar -xO a | cmp - target/a
}
