#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load fixture
setup_file() { fixture_make; }

setup() {
	in_own_directory
	cp "$FIXTURE/image.aci" "$FIXTURE/manifest" .
}

@test "rkt:I-004 rkt:I-009 the manifest, byte for byte, whatever the compression and its place" {
	aci-manifest image.aci | cmp - manifest
	aci-manifest <image.aci | cmp - manifest
	aci-manifest - <image.aci | cmp - manifest
	gzip -dc image.aci >plain.aci
	for codec in bzip2 xz zstd; do
		$codec -c <plain.aci | aci-manifest | cmp - manifest
	done
	mkdir -p t/rootfs
	cp manifest t
	tar -c -C t rootfs manifest | aci-manifest | cmp - manifest
	tar -c -C t . | aci-manifest | cmp - manifest
}

@test "--dependencies: a record for each, ready for discover; none is 3" {
	mkdir rootfs
	id=sha512-$(printf '0%.0s' {1..128})
	jq -c --arg id "$id" '.dependencies = [{imageName: "example.com/a"},
		{imageName: "example.com/b", imageID: $id, size: 7, labels: [{name: "version", value: "1"}, {name: "os", value: "linux"}]}]' manifest >m
	aci-build --manifest m -o d.aci rootfs >/dev/null
	aci-manifest --dependencies d.aci | jq -sce --arg id "$id" '. == [
		{"kind": "image", "transport": "appc", "name": "example.com/a", "ref": "example.com/a", "labels": {}, "part": 1, "of": 2},
		{"kind": "image", "transport": "appc", "name": "example.com/b", "ref": "example.com/b:1,os=linux", "labels": {"version": "1", "os": "linux"},
			"id": $id, "size": 7, "part": 2, "of": 2}]'
	refuse 3 aci-manifest --dependencies image.aci
	says 'no dependencies'
}

@test "the refs of --dependencies are those that ref-parse takes" {
	mkdir rootfs
	aci-build --name a --dependency b/c:1.0,os=linux,arch=amd64 rootfs | aci-manifest --dependencies >record
	same "$(jq -c '{name, labels, ref, transport}' record)" "$(ref-parse "$(jq -r .ref record)" | jq -c '{name, labels, ref, transport}')"
}

@test "rkt:U-21 rkt:U-19 rkt:I-005 what is no good image gives no manifest" {
	refuse 3 aci-manifest missing
	refuse 6 aci-manifest </dev/null
	says stdin
	refuse 6 aci-manifest <<<'plain text'
	refuse 6 aci-manifest < <(head -c 1000 image.aci)
	mkdir rootfs
	refuse 6 aci-manifest < <(aci-build --name a --compress none rootfs | head -c -1024)
	refuse 6 aci-manifest < <(gzip -dc image.aci; echo more)
	refuse 1 aci-manifest < <(printf '\x8c\x0d\x04\x09\x03\x08')
	says PGP-encrypted
	tar -c rootfs >no-manifest
	refuse 6 aci-manifest no-manifest
	says "'no-manifest': no manifest"
	ln -s rootfs manifest.link
	tar -c --transform 's/manifest.link/manifest/' rootfs manifest.link >link.aci
	refuse 6 aci-manifest link.aci
	says 'not a regular file'
	echo '{' >broken
	tar -c --transform 's/broken/manifest/' rootfs broken >broken.aci
	refuse 6 aci-manifest broken.aci
	head -c 5M /dev/zero >long
	tar -c --transform 's/long/manifest/' rootfs long >long.aci
	refuse 7 aci-manifest long.aci
	says '4194304 bytes'
}

@test "rkt:I-005 gpg's own encryption is recognised, armoured or not" {
	for armour in '' --armor; do
		# shellcheck disable=SC2086
		gpg --homedir "$FIXTURE/gpg" --batch --yes --quiet --pinentry-mode loopback --passphrase x $armour --symmetric -o e.aci image.aci
		gpgconf --homedir "$FIXTURE/gpg" --kill gpg-agent
		refuse 1 aci-manifest e.aci
		says PGP-encrypted
	done
}

@test "limits are options: 7" {
	refuse 7 aci-manifest --max-size 1K image.aci
	refuse 7 aci-manifest --max-entries 3 image.aci
	head -c 100M /dev/zero >zeros
	mkdir rootfs
	mv zeros rootfs
	aci-build --name a -o bomb.aci rootfs >/dev/null
	refuse 7 aci-manifest --max-ratio 10 bomb.aci
	aci-manifest --max-ratio 2000 bomb.aci | jq -e '.name == "a"'
}
