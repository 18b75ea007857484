#!/usr/bin/env bats
# unpack of images with dependencies and a pathWhitelist.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: what it unpacks goes through unpack and unpack-hostile there
load lib
load unpack

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
