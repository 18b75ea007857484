#!/usr/bin/env bats
# pack --layer: the base and the layer are the tree, for unpack, umoci and buildah.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: unpack-hostile reads the same there
load lib
load oci
load unpack

# The record of oci:layout:REF, its blobs in the store.
record_of() { # REF
	ref-parse "oci:layout:$1" | reg-resolve | fetch-blob -q
}

# base.json and tree become oci:layout:REF, whose tree is the same for all; the layer does not depend on what the base is given as.
lay() { # REF BASE-DIRECTORY [PACK-OPTION...]
	local ref=$1 base=$2
	shift 2
	pack --layer --base "$base" tree >layer.tar
	pack --layer --base base.json tree | cmp - layer.tar
	pack --layer --base base.json "$@" tree | store-put --base base.json | reg-push -q "oci:layout:$ref" >/dev/null
	record_of "$ref" >base.json
	rm -rf target bundle
	unpack --unverified --setuid --devices --capabilities --quiet target <base.json
	diff <(tree tree) <(tree target)
	flatten --unverified <base.json | unpack --tar --setuid --devices --capabilities --quiet bundle
	diff <(tree tree) <(tree bundle)
}

# An image of an empty directory to begin with.
begin() {
	mkdir tree empty
	touch -d @5 tree empty
	tar -cf empty.tar -C empty .
	oci_image layout v0 empty.tar >/dev/null
	record_of v0 >base.json
}

@test "six steps of a tree: whichever way the base is given, and whoever unpacks, base and layers are the tree" {
	[ "$(id -u)" = 0 ] || skip "owners and devices need root"
	begin
	for i in {1..6}; do
		cp -a tree "was$i"
		change tree "$i"
		((i > 1)) || { mknod tree/null c 1 3 && setcap cap_net_raw+ep tree/common/base/io.c; }
		((i > 2)) || touch -d @1000000000.123456789 tree/empty tree/common tree
		lay "v$i" "was$i" --compress "$([[ $i == [135] ]] && echo gzip || echo none)"
		((i % 2)) || continue
		umoci unpack --image "layout:v$i" bundle.umoci >/dev/null
		diff <(tree tree) <(tree bundle.umoci/rootfs) || { echo "step $i" >&2; return 1; }
		rm -r bundle.umoci
	done
	same 7 "$(jq '.layers | length' base.json)"
	skopeo copy -q oci:layout:v6 dir:copied
	with_buildah pull -q oci:layout:v6 >/dev/null
	mounted=$(with_buildah mount "$(with_buildah from oci:layout:v6)")
	diff <(tree tree | sed 1d) <(tree "$mounted" | sed 1d)
	store-check -q
}

# Files, links and directories over few names, so that each meets what the step before left of another kind.
@test "ten steps of random changes: base and layer are the tree" {
	[ "$(id -u)" = 0 ] || skip "owners need root"
	RANDOM=4711
	begin
	names=(a b c d/a d/b d/c d/e/a d/e/b f/a f/b a/b)
	for n in {1..10}; do
		rm -rf was
		cp -a tree was
		for ((i = 0; i < 12; i++)); do
			name=tree/${names[RANDOM % 11]} other=tree/${names[RANDOM % 11]}
			case $((RANDOM % 9)) in
			0 | 1) rm -rf "$name" && mkdir -p "${name%/*}" && echo "$((RANDOM % 3))" >"$name" ;;
			2 | 3) rm -rf "$name" && mkdir -p "${name%/*}" && { [[ ! -f $other || -L $other ]] || ln "$other" "$name"; } ;;
			4) rm -rf "$name" ;;
			5) rm -rf "$name" && mkdir -p "$name" ;;
			6) rm -rf "$name" && mkdir -p "${name%/*}" && ln -s ../a "$name" ;;
			7) [[ ! -f $name ]] || chmod $((RANDOM % 2 + 6))44 "$name" ;;
			8) [[ ! -f $name ]] || { cp -a "$name" copy && mv copy "$name"; } ;; # no other name any more
			esac
		done 2>/dev/null
		find tree -exec touch -h -d "@$((RANDOM % 2))" {} +
		lay v1 was || { echo "step $n" >&2; return 1; }
	done
}

@test "what counts as a change, and what comes with it" {
	[ "$(id -u)" = 0 ] || skip "owners and devices need root"
	mkdir -p base/d base/e
	for f in d/a d/c e/x e/y; do echo "$f" >"base/$f"; done
	ln base/d/a base/d/b
	ln -s d base/l
	mknod base/n c 1 3
	mkfifo base/p
	setfattr -n user.x -v 1 base/e
	find base -exec touch -h -d @1000 {} +
	while IFS='|' read -r change entries; do
		rm -rf tree
		cp -a base tree
		(cd tree && eval "$change")
		found=$(pack --layer --base base tree 2>/dev/null | tar -t | paste -sd' ')
		same "$change: $entries" "$change: $found"
	done <<-'CASES'
		true|
		cat d/c e/x; touch -a -d @7 e/y|
		chmod 600 d/c|./ d/ d/c
		chown 5 d/c|./ d/ d/c
		chgrp 5 d|./ d/
		touch -d @1000.000000001 e/x|./ e/ e/x
		touch -d @7 .|./
		printf D/C\\n >d/c; touch -d @1000 d/c|./ d/ d/c
		setfattr -n user.x -v 2 e|./ e/
		setfattr -x user.x e|./ e/
		setfattr -n user.x -v 1 e/x|./ e/ e/x
		setfattr -n user.overlay.opaque -v y e|
		setcap cap_net_raw+ep e/x|./ e/ e/x
		ln -sfn e l; touch -hd @1000 l .|./ l
		rm n; mknod n c 1 5; touch -d @1000 n .|./ n
		rm n; mknod n b 1 3; touch -d @1000 n .|./ n
		rm p; echo >p|./ p
		rm d/a|./ d/ d/.wh.a
		rm d/a d/b|./ d/ d/.wh.a d/.wh.b
		echo y >d/a|./ d/ d/a d/b
		ln d/a 0|./ 0 d/ d/a d/b
		ln d/a d/z; rm d/b|./ d/ d/.wh.b d/a d/z
		cp -a d/b e/z; mv e/z d/b|./ d/ d/b e/
		cp -a d/b z; mv z d/a|./ d/ d/b
		rm d/c; ln e/x d/c|./ d/ d/c e/ e/x
		rm e/x|./ e/ e/.wh.x
		rm e/x e/y|./ e/ e/.wh..wh..opq
		rm e/x e/y; echo >e/z|./ e/ e/.wh..wh..opq e/z
		rm -r e|./ .wh.e
		rm -r *|./ .wh.d .wh.e .wh.l .wh.n .wh.p
		rm -r e; echo >e|./ e
		rm l; mkdir l; echo >l/a|./ l/ l/a
		rm d/c; mkdir d/c|./ d/ d/c/
		perl -MSocket -e 'unlink "d/c"; socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un("d/c"))'|./ d/ d/.wh.c
		mkdir .wh; echo >e/a.wh.b|./ .wh/ e/ e/a.wh.b
	CASES
	pack --layer base | cmp - <(pack base)
	chown -R 7:8 tree
	same '' "$(pack --layer --owner 0:0 --mtime 2001-01-01T00:00:00Z --base base base | tar -t)"
	same '' "$(SOURCE_DATE_EPOCH=7 pack --layer --base base base | tar -t)"
}

@test "rkt:U-01 rkt:U-05 rkt:U-06 the tree of an image is no change to it, whatever its layers do" {
	while IFS='|' read -r one two three; do
		layers "$one" "$two" ${three:+"$three"}
		record_of v1 >record
		unpack --unverified --setuid --quiet target <record 2>/dev/null
		pack --layer --base - target <record | cmp - <(head -c 1024 /dev/zero) || { echo "$one | $two | $three" >&2; return 1; }
	done <<-'CASES'
		d:. f:a:1 f:b:2|f:.wh.a:|f:a:3
		d:. f:a:1 h:b:a h:c:b|f:.wh.a:|f:b:2
		d:. d:d f:a:1|h:b:a h:d/c:b|f:.wh.a: f:.wh.b:
		d:. d:d f:d/a:|d:d f:d/b: f:d/.wh..wh..opq:|f:d/.wh..wh..opq: f:d/c:
		mode=0700 d:. mode=0755 d:d f:d/a:|mode=0500 d:d|mode=0711 d:.
		d:. d:real f:real/a: l:link:real l:abs:/real|f:link/.wh.a: f:abs/b:|f:link/c:1 h:abs/e:link/c
		d:. d:d f:d/a:|f:d:file|f:d/b:again d:d
		d:. d:w l:a:w l:w/b:../../..|d:a/b f:a/b/x:1|f:a/b/.wh.x: f:a/y:2
		d:. uid=5 gid=7 mode=04755 f:s:1 mtime=5 f:t:2 x:SCHILY.xattr.user.a=1 f:u: x:SCHILY.xattr.user.overlay.opaque=y d:v|x:SCHILY.xattr.user.b=2 d:v|
	CASES
}

@test "what cannot be: the status, the name, no file, nothing on stdout" {
	mkdir -p base tree/d
	echo x >tree/d/f
	cp -a tree plain
	refuse 2 pack --base base tree
	says --layer
	refuse 3 pack --layer --base missing tree
	refuse 6 pack --layer --base tree/d/f tree
	says "'tree/d/f'"
	echo '{"kind":"image","blob":{"mediaType":"application/vnd.appc.image.aci","digest":"sha256:00","size":1}}' >aci.json
	refuse 6 pack --layer --base aci.json tree
	says 'no OCI image'
	PIPED=1 refuse 4 pack --layer --base - tree <<<'{"kind":"error","status":4,"program":"x","message":"y"}'
	layers "d:. f:a:1" "f:b:2"
	record_of v1 >record
	refuse 3 pack --layer --store "$PWD/base" --base record tree
	layer=$TACKLE_STORE/blobs/sha256/$(jq -r '.layers[1].digest[7:]' record)
	chmod u+w "$layer"
	printf 'f' | dd of="$layer" bs=1 seek=512 conv=notrunc status=none
	refuse 1 pack --layer --base record -o layer.tar tree
	says 'digest mismatch'
	rm "$layer"
	refuse 3 pack --layer --base record -o layer.tar tree
	for name in tree/.wh.a tree/d/.wh..wh..opq base/.wh.; do
		mkdir "$name"
		refuse 1 pack --layer --base base -o layer.tar tree
		says "${name#*/}" 'would be a whiteout'
		pack tree | tar -t >/dev/null
		rmdir "$name"
	done
	refuse 8 pack --layer --base base -o /dev/full tree
	long=$(printf 'n%.0s' {1..250})
	ten=$long/$long/$long/$long/$long/$long/$long/$long/$long/$long
	for where in base tree; do
		mkdir -p "$where/$ten"
		(cd "$where/$ten" && mkdir -p "$long/$long/$long/$long/$long/${long:0:240}" && cd "$long/$long/$long/$long/$long/${long:0:240}" &&
			{ [[ $where == tree ]] || mkdir "${long:0:88}"; })
	done
	refuse 7 pack --layer --base base -o layer.tar tree
	same 'aci.json base layer1.tar layer2.tar layout outside plain record store tree' \
		"$(find . -mindepth 1 -maxdepth 1 ! -name home ! -name 'refuse.*' -printf '%f\n' | sort | paste -sd' ')"
	diff -r plain/d tree/d
}

@test "progress counts what is read of the base, which may take longest" {
	mkdir tree
	head -c 100000 /dev/urandom >tree/f
	tar -cf layer.tar -C tree .
	oci_image layout v1 layer.tar >/dev/null
	record_of v1 >record
	for base in tree record; do
		pack --layer --base "$base" --progress-fd 4 tree 4>progress >/dev/null
		same 200000 "$(tail -n 1 progress | jq .bytes)"
	done
}

# Stops it behind a full pipe, when everything is compared and some is written; changes the tree; lets it go on.
@test "what changes between its two walks is 5, where it is in the layer" {
	mkfifo pipe
	while IFS='|' read -r expected change; do
		rm -rf base tree
		mkdir -p base/same tree/same tree/z
		echo x >base/same/f
		cp -a base/same tree
		head -c 20M /dev/zero >tree/b
		echo c >tree/z/c
		pack --layer --base base tree >pipe 2>err &
		exec {out}<pipe
		head -c 100 <&"$out" >/dev/null
		sleep 0.2
		eval "$change"
		cat <&"$out" >/dev/null
		exec {out}<&-
		got=0
		wait $! || got=$?
		same "$expected $change" "$got $change"
		((got == 0)) || grep -q 'changed while it was read' err
	done <<-'CASES'
		0|true
		0|echo y >>tree/same/f
		5|echo y >>tree/b
		5|echo y >>tree/z/c
		5|chmod 600 tree/z/c
		5|rm tree/z/c
		5|echo n >tree/z/d
	CASES
}

@test "killed, it leaves no file" {
	mkdir base tree
	truncate -s 3G tree/f
	pack --layer --base base --compress gzip -o layer.tar.gz tree 3>&- &
	sleep 0.3
	kill -9 $!
	wait $! || true
	same 'base outside tree' "$(find . -mindepth 1 -maxdepth 1 ! -name home -printf '%f\n' | sort | paste -sd' ')"
}
