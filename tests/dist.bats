#!/usr/bin/env bats
# make dist: the release.
# SPDX-License-Identifier: Apache-2.0
# asan: no: no program takes part
load lib

is_checkout() { # and not an unpacked release
	git -C "$ROOT" rev-parse HEAD >/dev/null 2>&1
}

setup_file() {
	export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
	is_checkout || return 0
	make -s -C "$ROOT" dist B="$BATS_FILE_TMPDIR/one" 2>/dev/null
	TZ=Asia/Tokyo make -s -C "$ROOT" dist B="$BATS_FILE_TMPDIR/two" 2>/dev/null
}

setup() {
	in_own_directory
	is_checkout || skip "no git checkout"
}

@test "brkt:B73 brkt:B70 both archives are the same bytes again, and hold what is committed with the Dockerfile at the root" {
	diff -r "$BATS_FILE_TMPDIR/one" "$BATS_FILE_TMPDIR/two"
	tar -xf "$BATS_FILE_TMPDIR"/one/tackle-*.tar.gz
	mv tackle-* tar
	unzip -q "$BATS_FILE_TMPDIR"/one/tackle-*.zip
	mv tackle-* zip
	diff -r --no-dereference tar zip
	same "$(git -C "$ROOT" ls-tree -r --name-only HEAD | sort)" "$(cd zip && find . ! -type d -printf '%P\n' | sort)"
	[[ -f zip/Dockerfile && -x zip/share/brkt && -x zip/contrib/bootstrap ]]
	same "$(cd "$ROOT" && sed -n 's/^VERSION = //p' Makefile)" "$(sed -n 's/^VERSION = //p' zip/Makefile)"
}

@test "brkt:B70 the Dockerfile: BASE is an argument, brkt the entry point, --help the default, nobody's uid is fixed" {
	grep -qx 'ARG BASE=.*debian:bookworm-slim' "$ROOT/Dockerfile"
	grep -qx 'ENTRYPOINT \["brkt"\]' "$ROOT/Dockerfile"
	grep -qx 'CMD \["--help"\]' "$ROOT/Dockerfile"
	run ! grep -q '^USER' "$ROOT/Dockerfile"
}

@test "brkt:B73 the bootstrap script names the packages that building takes, and refuses groups it does not know" {
	run -2 sh "$ROOT/contrib/bootstrap" deps no-such-group
	[[ $output == *'expected build, run, test'* ]]
	run -2 sh "$ROOT/contrib/bootstrap" demo build
	run -0 sh "$ROOT/contrib/bootstrap" deps build
}
