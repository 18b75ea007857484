#!/usr/bin/env bats
# flatten writes the tree that unpack makes.
# SPDX-License-Identifier: Apache-2.0
load lib
load oci
load unpack

# Both ways from oci:layout:v1, compared; the archive stays in flat.tar.
both() { # [REF]
	rm -rf flat target
	ref-parse "oci:layout:${1:-v1}" | reg-resolve | fetch-blob -q >record
	unpack --unverified --setuid --quiet target <record 2>/dev/null
	flatten --unverified <record >flat.tar 2>/dev/null
	unpack --tar --setuid --quiet flat <flat.tar
	diff <(tree target) <(tree flat)
	same "$before" "$(outside)"
}

@test "whiteouts, opaque directories, links within and across layers: unpack's tree" {
	while IFS='|' read -r one two three; do
		layers "$one" "$two" ${three:+"$three"}
		both || { echo "$one | $two | $three" >&2; return 1; }
	done <<-'CASES'
		d:. f:a:1 f:b:2|f:.wh.a:|f:a:3
		d:. f:a:1 h:b:a h:c:b|f:.wh.a:|f:b:2
		d:. f:a:1|h:b:a h:d/c:b|f:.wh.a: f:.wh.b:
		d:. d:d f:d/a:1 h:x:d/a|f:.wh.d:|d:d f:d/n:2
		d:. d:d f:d/a:|d:d f:d/b: f:d/.wh..wh..opq:|f:d/.wh..wh..opq: f:d/c:
		d:. d:d d:d/e f:d/e/f:|f:d/e/.wh.f: f:d/.wh.e:|f:d/e/g:
		mode=0700 d:. mode=0755 d:d f:d/a:|mode=0500 d:d|mode=0711 d:.
		d:. d:real f:real/a: l:link:real l:abs:/real|f:link/.wh.a: f:abs/b:|f:link/c:1 h:abs/e:link/c
		d:. l:a:b l:b:../../c|f:a/x:1|f:a/.wh.x: f:a/y:2
		d:. d:d f:d/a:|f:d:file|f:d/b:again
		d:. f:f:1 d:d|l:f:d|f:f/x:2
		d:. p:p l:l:x f:r:1|p:r f:p:2 d:l|h:q:p
		d:. uid=5 gid=7 mode=04755 f:s:1 mtime=5 f:t:2 x:SCHILY.xattr.user.a=1 f:u: x:SCHILY.xattr.user.overlay.opaque=y d:v|x:SCHILY.xattr.user.b=2 d:v|
		f:no/parents/a:1|h:other/b:no/parents/a|f:.wh.no:
	CASES
}

# Images of random entries over few names, so that they meet; a hard link that leads to nothing is refused by both.
@test "six images of random layers: unpack's tree, or both refuse" {
	RANDOM=4711
	names=(a b c a/a a/b b/a b/c c/a/b a/c/c)
	for n in {1..6}; do
		images=()
		for ((layer = 0; layer < 4; layer++)); do
			entries=
			for ((i = 0; i < 7; i++)); do
				name=${names[RANDOM % 9]} other=${names[RANDOM % 9]}
				case $((RANDOM % 8)) in
				0 | 1) entries+=" f:$name:$layer$i" ;;
				2) entries+=" d:$name" ;;
				3) entries+=" l:$name:$other" ;;
				4) ((RANDOM % 3)) || entries+=" h:$name:$other" ;;
				5) entries+=" f:$(dirname "$name")/.wh.$(basename "$name"):" ;;
				6) ((RANDOM % 3)) || entries+=" f:$name/.wh..wh..opq:" ;;
				7) entries+=" mode=0$((RANDOM % 8))55 mtime=$((RANDOM % 9)) p:$name" ;;
				esac
			done
			images+=("${entries:- d:.}")
		done
		layers "${images[@]}"
		ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q >record
		got=0
		unpack --unverified --setuid --quiet target <record 2>/dev/null || got=$?
		own=0
		flatten --unverified <record >flat.tar 2>/dev/null || own=$?
		same "$n: $got" "$n: $own" || { printf '%s\n' "${images[@]}" >&2; return 1; }
		((got == 0)) || continue
		rm -rf flat
		unpack --tar --setuid --quiet flat <flat.tar
		diff <(tree target) <(tree flat) || { printf '%s\n' "${images[@]}" >&2; return 1; }
	done
}

@test "six layers of umoci's: the tree they were made of, also for GNU tar and bsdtar" {
	[ "$(id -u)" = 0 ] || skip "umoci needs root to keep owners"
	umoci init --layout layout
	umoci new --image layout:v0
	umoci unpack --image layout:v0 work >/dev/null 2>&1
	for i in 1 2 3 4 5 6; do
		change work/rootfs "$i"
		umoci repack --refresh-bundle --image "layout:v$i" work >/dev/null 2>&1
	done
	both v6
	diff <(tree work/rootfs) <(tree flat)
	mkdir gnu bsd
	tar -C gnu --numeric-owner --xattrs --xattrs-include='user.*' -xpf flat.tar
	diff <(tree flat) <(tree gnu)
	bsdtar -C bsd --numeric-owner -xpf flat.tar
	diff <(tree flat | tail -n +2) <(tree bsd | tail -n +2) # bsdtar leaves the root's time
	flatten --unverified --quiet <record 2>/dev/null | cmp - flat.tar
	flatten --unverified --quiet -o file.tar <record 2>/dev/null | jq -e --arg d "sha256:$(sha256sum <flat.tar | cut -d' ' -f1)" '.blob.digest == $d'
	cmp file.tar flat.tar
}

@test "not one byte comes out of an image that is not verified, or not what it says" {
	layers "d:. f:a:1" "f:b:2"
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q >record
	refuse 1 flatten <record
	says "not verified"
	digest=$(jq -r .manifest.digest record)
	ref-parse "oci:layout@$digest" | reg-resolve | fetch-blob -q | flatten | tar -t | cmp - <(printf 'a\nb\n./\n')
	blob=$TACKLE_STORE/blobs/sha256/$(jq -r '.layers[1].digest | ltrimstr("sha256:")' record)
	cp "$blob" good
	printf x | dd of="$blob" bs=1 seek=513 conv=notrunc status=none
	refuse 1 flatten --unverified <record
	says "layer 2: digest mismatch"
	rm "$blob"
	refuse 3 flatten --unverified <record
	cp good "$blob"
	refuse 7 flatten --unverified --max-size 1 <record
	refuse 6 flatten --unverified < <(jq -c 'del(.manifest)' record)
	got=0
	flatten --unverified <record >/dev/full 2>message || got=$?
	same 8 "$got"
	refuse 8 flatten --unverified -o /dev/full <record
}

@test "rkt:U-01 rkt:U-05 rkt:U-15 rkt:U-17 hostile layers are refused as unpack refuses them" {
	while IFS='|' read -r text one two; do
		layers "$one" "$two"
		ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q >record
		refuse 6 flatten --unverified <record
		says "$text"
	done <<-'CASES'
		a whiteout of nothing|d:.|f:.wh...:
		a file below a whiteout|d:.|f:.wh.d/a:
		leads out|d:.|f:../x:
		leads out|d:.|f:/etc/x:
		no directory|d:.|l:.:/etc
		a hard link out|d:.|h:x:../y
		a hard link to what is no file|d:. l:s:x|h:y:s
		a hard link to itself|d:. f:a:|h:a:a
		a symbolic link to a whiteout|d:. l:a:.wh.b|f:a/x:
		symbolic links|d:. l:a:b l:b:a|f:a/x:
	CASES
}

@test "memory is bounded by names, not by content" {
	is_asan && skip "AddressSanitizer keeps what is freed"
	mkdir big
	truncate -s 300M big/zeros
	head -c 40000000 /dev/urandom >big/noise
	tar -cf big.tar -C big .
	zstd -q --rm big.tar
	mkdir again
	head -c 40000000 /dev/urandom >again/noise
	tar -cf again.tar -C again .
	oci_image layout v1 big.tar.zst again.tar >/dev/null
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q >record
	command time -f %M -o peak flatten --unverified --max-ratio 100000 --quiet <record 2>/dev/null | tail -c 1024 | cmp - <(head -c 1024 /dev/zero)
	(($(tail -n 1 peak) < 65536))
}
