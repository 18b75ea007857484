#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load fixture
setup_file() { fixture_make; }

setup() {
	in_own_directory
	cp "$FIXTURE/image.aci" "$FIXTURE/manifest" .
	mkdir rootfs
}

image() { # FILE < MANIFEST: without asking aci-build, which would refuse
	mkdir -p parts/rootfs
	cat >parts/manifest
	tar -c -C parts manifest rootfs | gzip -n >"$1"
	rm -r parts
}

@test "a good image: its record, no line, 0" {
	run --separate-stderr aci-lint --strict image.aci
	same '0 ' "$status $stderr"
	jq -e --arg id "sha512-$(gzip -dc image.aci | openssl dgst -sha512 -r | cut -d' ' -f1)" \
		--arg digest "sha256:$(openssl dgst -sha256 -r image.aci | cut -d' ' -f1)" --argjson size "$(stat -c %s image.aci)" \
		'.kind == "image" and .id == $id and .name == "example.com/hello" and .blob ==
			{"mediaType": "application/vnd.appc.image.aci", "digest": $digest, "size": $size}' <<<"$output"
	same "$output" "$(aci-lint <image.aci)"
}

@test "every finding is told, with the path of its field" {
	jq -c '.app.ports = [{"name": "a", "protocol": "tcp", "port": 80}, {"name": "B", "protocol": "tcp", "port": 0}] | .name = "A"
		| .app.enviroment = [] | .app.isolators = [{"name": "os/linux/capabilities-retain-set", "value": {"set": ["CAP_X"]}}]' manifest | image bad.aci
	refuse 6 aci-lint bad.aci
	says "aci-lint: manifest: name: not an AC Identifier: 'A'" 'aci-lint: manifest: app.ports[1].port: not from 1 to 65535' \
		"aci-lint: manifest: app.ports[1].name: not an AC Name: 'B'" "app.isolators[0].value.set[0]: not a capability: 'CAP_X'" \
		'aci-lint: warning: manifest: app.enviroment: a field the specification does not know' "aci-lint: 'bad.aci': errors: 4, warnings: 1"
}

@test "rkt:I-002 rkt:I-003 entries that must not be there are named" {
	mkdir -p t/rootfs t/other
	cp manifest t
	touch t/rootfs/a
	tar -c -C t manifest rootfs other rootfs/a ./rootfs/a >bad.aci
	refuse 6 aci-lint bad.aci
	says "entry 'other': neither manifest nor below rootfs" "entry 'rootfs/a': the same name twice" 'errors: 3'
	tar -cP -C t manifest rootfs --transform 's,rootfs/a,rootfs/../a,' >bad.aci
	refuse 6 aci-lint bad.aci
	says 'a name with `..`'
}

@test "rkt:I-001 warnings do not fail, unless with --strict" {
	echo '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"a"}' | image image.tgz
	run --separate-stderr aci-lint image.tgz
	same '0 image' "$status $(jq -r .kind <<<"$output")"
	[[ $stderr == *'ends in .aci'* && $stderr == *'no version'* && $stderr == *'no os and arch'* ]]
	refuse 1 aci-lint --strict image.tgz
	says 'warnings: 3, and --strict'
	gzip -dc image.aci | zstd -q >z.aci
	run --separate-stderr aci-lint z.aci
	[[ $status == 0 && $stderr == *zstd* ]]
}

@test "rkt:I-021 strict JSON" {
	for bad in '{"a":1,"a":2}' '{"a":NaN}' '{} {}' $'{"a":"\xff"}' ''; do
		printf '%s' "$bad" | image bad.aci
		refuse 6 aci-lint bad.aci
		says 'manifest: '
	done
}

@test "rkt:U-21 damage and limits end the reading, with what was found before" {
	refuse 6 aci-lint </dev/null
	refuse 6 aci-lint < <(head -c 5000 image.aci)
	refuse 3 aci-lint missing
	refuse 1 aci-lint < <(printf '\x8c\x0d\x04\x09\x03\x08')
	refuse 7 aci-lint --max-entries 2 image.aci
	refuse 7 aci-lint --max-size 1K image.aci
	refuse 7 aci-lint --max-ratio 1 < <(head -c 60M /dev/zero | gzip)
	mkdir -p t/rootfs t/x
	cp manifest t
	refuse 6 aci-lint < <(tar -c -C t x manifest rootfs | head -c 2048)
	says "entry 'x': neither" 'stdin: '
}

@test "rkt:W-05 hostile names are shown escaped" {
	mkdir -p t/rootfs $'t/\e[31mred'
	cp manifest t
	refuse 6 aci-lint < <(tar -c -C t manifest rootfs $'\e[31mred')
	says "entry '\\x1b[31mred'"
}

@test "an image of a million entries is read in bounded memory" {
	is_asan && skip "memory is not that of the release build"
	mkdir -p t/rootfs
	cp manifest t
	{
		tar -c -C t manifest rootfs | head -c 1536 # without the end of the archive
		# shellcheck disable=SC2016
		perl -e 'for (1 .. 1000000) { my $h = pack "a100a8a8a8a12a12a8aa100a8a32a32a8a8a155x12", "rootfs/$_", "0000644", "0000000", "0000000",
			"00000000000", "00000000000", " " x 8, "0", "", "ustar\00000", "", "", "0000000", "0000000", "";
			substr($h, 148, 8) = sprintf "%06o\0 ", unpack "%32C*", $h; print $h } print "\0" x 1024'
	} >many.aci
	(ulimit -v 200000 && aci-lint many.aci >/dev/null)
}
