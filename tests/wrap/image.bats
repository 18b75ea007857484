#!/usr/bin/env bats
# rkt image: what is in the store, out of it, and away from it.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: every program that runs here has tests of its own there
load world
web_inside
setup() {
	world_enter
	world_trust example.com
	cp "$FIXTURE/image.aci" "$FIXTURE/image.aci.asc" .
	id=$(rkt fetch --full ./image.aci 2>/dev/null)
}

@test "rkt:F-18 list: columns, whole ids, without a legend" {
	run -0 --separate-stderr rkt image list
	[[ ${lines[0]} =~ ^ID\ +NAME\ +SIZE\ +IMPORT\ TIME\ +LAST\ USED ]]
	[[ ${lines[1]} == "${id:0:39} "*'example.com/hello:1.0.0 '* ]]
	[[ $(rkt image list --no-legend --full) == "$id "* ]]
}

@test "rkt:F-18 cat-manifest by name and by id; what is not there is 3" {
	for image in example.com/hello "${id:0:20}"; do
		same "$(jq -c . "$FIXTURE/manifest")" "$(rkt image cat-manifest "$image" | jq -c .)"
	done
	for verb in cat-manifest verify rm; do
		run -3 --separate-stderr rkt image "$verb" example.com/gone
		same "" "$output"
		[[ $stderr == 'rkt: '* ]]
	done
}

@test "rkt:F-18 export: the tar whose sha512 is the id; nothing is overwritten unasked" {
	rkt image export example.com/hello out.tar
	same "$id" "sha512-$(sha512sum <out.tar | cut -d' ' -f1)"
	cmp out.tar <(rkt image export example.com/hello -)
	echo mine >out.tar
	run -1 --separate-stderr rkt image export example.com/hello out.tar
	same mine "$(<out.tar)"
	run -3 --separate-stderr rkt image export --overwrite example.com/gone out.tar
	same mine "$(<out.tar)"
	rkt image export --overwrite example.com/hello out.tar
	zcat image.aci | cmp - out.tar
}

@test "rkt:F-18 extract and render: the tree, with its manifest or alone" {
	for verb in extract render; do
		rkt image "$verb" example.com/hello "$verb"
		diff -r --no-dereference "$FIXTURE/rootfs" "$verb/rootfs"
		same "$(jq -c . "$FIXTURE/manifest")" "$(jq -c . "$verb/manifest")"
		echo mine >"$verb/mine"
		run -1 --separate-stderr rkt image "$verb" example.com/hello "$verb"
		[ -e "$verb/mine" ]
		rkt image "$verb" --overwrite --rootfs-only example.com/hello "$verb"
		diff -r --no-dereference "$FIXTURE/rootfs" "$verb"
	done
	same "" "$(find . -maxdepth 1 -name '*.??????')"
}

@test "rkt:F-18 a signal in the middle: what was to be overwritten is back, and nothing else is left" {
	mkdir programs old
	echo mine | tee old/mine >old.tar
	ln -s "$BIN"/* programs
	for program in store-get unpack; do
		rm "programs/$program"
		printf '#!/bin/sh\ncase $0$* in\n*unpack* | *--uncompressed*) sleep 10 ;;\nesac\nexec %s "$@"\n' "$BIN/$program" >"programs/$program"
		chmod +x "programs/$program"
	done
	export TACKLE_BIN=$PWD/programs
	state=$(find . -path ./rkt -prune -o -print | sort)
	for call in 'export --overwrite example.com/hello old.tar' 'export example.com/hello new.tar' \
		'extract --overwrite example.com/hello old' 'render --overwrite example.com/hello old' 'extract example.com/hello new'; do
		# shellcheck disable=SC2086  # words
		timeout -s INT 2 bash -c 'rkt image "$@"' - $call 2>/dev/null || got=$?
		same 124 "$got"
		same "$state" "$(find . -path ./rkt -prune -o -print | sort)"
		same 'mine mine' "$(cat old/mine old.tar | paste -sd' ')"
	done
}

@test "rkt:F-13 what is not verified any more is not unpacked, unless image checks are off" {
	rm -r etc/trustedkeys
	for verb in extract render; do
		run -1 --separate-stderr rkt image "$verb" example.com/hello out
		[ ! -e out ]
		rkt image "$verb" --insecure-options=image example.com/hello out
		[ -e out/rootfs/bin/busybox ]
		rm -r out
	done
}

@test "rkt:F-19 verify: one flipped bit is 1, naming the image" {
	rkt image verify example.com/hello "$id"
	blob=rkt/store/blobs/sha256/$(sha256sum <image.aci | cut -d' ' -f1)
	chmod u+w "$blob"
	printf '\377' | dd of="$blob" bs=1 seek=5000 conv=notrunc status=none
	run -1 --separate-stderr rkt image verify example.com/hello
	[[ $stderr == *"${id:0:20}"* || $stderr == *example.com/hello* ]]
}

@test "rkt:F-19 damaged bytes are 1 whatever is made of them, and nothing is" {
	blob=rkt/store/blobs/sha256/$(sha256sum <image.aci | cut -d' ' -f1)
	chmod u+w "$blob"
	printf '\377' | dd of="$blob" bs=1 seek=5000 conv=notrunc status=none
	for words in 'cat-manifest example.com/hello' 'extract example.com/hello out' 'render example.com/hello out' 'export example.com/hello out'; do
		# shellcheck disable=SC2086  # words
		run -1 --separate-stderr rkt image $words
		same "" "$output"
		[[ ${stderr_lines[0]} == *'digest mismatch'* ]]
		[ ! -e out ]
	done
}

@test "rkt:F-18 LAST USED is when a pod or a tree was made of an image, or of what depends on it" {
	small=$(fixture_manifest example.com/top 1.0.0 | jq -c '.dependencies = [{imageName: "example.com/hello"}]')
	mkdir top
	fixture_image top.aci <(cat <<<"$small") top
	fixture_sign top.aci
	rkt fetch ./top.aci
	for words in 'prepare example.com/top' 'image render example.com/top tree'; do
		touch -d @1100000000 rkt/store/images/*.json
		same 2 "$(rkt image list --no-legend | grep -c 2004-11-09)"
		# shellcheck disable=SC2086  # words
		rkt $words
		same 0 "$(rkt image list --no-legend | grep -c 2004-11-09)"
	done
}

@test "rkt:F-20 rkt:F-18 rm and gc leave what a prepared pod uses" {
	uuid=$(rkt prepare example.com/hello)
	run -1 --separate-stderr rkt image rm example.com/hello
	[[ $stderr == *"$uuid"* ]]
	rkt image gc --grace-period=0s
	same hello "$(rkt run-prepared "$uuid")"
	rkt image list | grep -q example.com/hello
}

@test "rkt:F-18 rm and gc remove the rest" {
	rkt image rm "$id"
	same "" "$(rkt image list --no-legend)"
	rkt image gc --grace-period=0s
	same 0 "$(find rkt/store/blobs/sha256 -type f | wc -l)"
}
