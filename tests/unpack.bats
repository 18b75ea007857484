#!/usr/bin/env bats
# unpack: images, the target, signals.
# SPDX-License-Identifier: Apache-2.0
load lib
load unpack

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
	jq -c '.verified = [{digest: .blob.digest}]' record >nobody # an entry must say who checked
	refuse 1 unpack target <nobody
	says "not verified"
	untouched
	other=sha256:$(printf 0%.0s {1..64})
	jq -c --arg d "$other" '.verified = [{by: "digest", digest: $d}]' record >forged
	refuse 1 unpack target <forged # an entry about other bytes
	run --separate-stderr unpack --unverified target <record
	same '0 ' "$status $output"
	[[ $stderr == *"not verified, used all the same"* ]]
}

@test "rkt:F-02 a record that says another size than the blob has is 1" {
	aci a.aci example.com/a '{}' f:rootfs/f:hello
	stored a.aci | jq -c '.blob.size += 1' >lie
	refuse 1 unpack target <lie
	says "size mismatch"
	untouched
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
	says mismatch "sha256:$hex"
	untouched
	head -c 100 a.aci >"$blob" # broken as well: the digest is what matters
	refuse 1 unpack target <record
	says "size mismatch"
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

@test "an OCI image whose manifest is not in the store is 3" {
	digest=sha256:$(printf 0%.0s {1..64})
	store-put /dev/null >/dev/null
	jq -cn --arg d "$digest" '{kind: "image", manifest: {digest: $d}, layers: [], verified: [{by: "digest", digest: $d}]}' >rec
	refuse 3 unpack target <rec
	says "$digest"
}

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

@test "a full disk is 8, told with the file's name, whichever thread wrote it; and nothing is left" {
	[ "$(id -u)" = 0 ] || skip "root only: mounts"
	mkdir full
	for size in 20000 200000; do # the one is written beside the making of the next, the other before it
		rm -rf t && mkdir t
		for i in {1..90}; do head -c $size /dev/zero >t/f$i; done
		tar -cf t.tar -C t .
		export -f refuse says same
		unshare -m bash -c 'mount -t tmpfs -o size=1m none full && refuse 8 unpack --tar full/target <t.tar &&
			says "f" "cannot write: No space left on device" && same "" "$(ls -A full)"'
	done
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
