#!/usr/bin/env bats
# make install, into a directory of the test.
# SPDX-License-Identifier: Apache-2.0
# asan: no: what is installed is the released build
load lib

setup_file() {
	make -s -C "$BATS_TEST_DIRNAME/.." install DESTDIR="$BATS_FILE_TMPDIR/root" prefix=/usr
}

setup() {
	in_own_directory
	installed=$BATS_FILE_TMPDIR/root/usr
	PATH=$installed/bin:/usr/bin:/bin:/usr/sbin:/sbin
}

@test "every program and its page are there, and the programs run from bin" {
	for p in $(programs); do
		[[ $("$installed/bin/$p" --version) == "$p (tackle) "* ]]
		[[ -e $installed/share/man/man1/$p.1 ]]
	done
	[[ -e $installed/share/man/man7/tackle.7 && -e $installed/share/man/man5/tackle-records.5 && -e $installed/share/tackle/schema/image.json ]]
}

@test "tackle finds the programs beside itself, and they work together" {
	same "$installed/libexec/tackle" "$(tackle --exec-path)"
	same "$({ programs && find "$ROOT/share" -maxdepth 1 -type f -perm -u+x -printf '%f\n'; } | grep -vx tackle | sort)" "$(tackle --format=names)"
	same sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad "$(printf abc | tackle digest --format=names)"
}

@test "the tree can be moved: links and data are found from where the program lies" {
	cp -a "$installed" moved
	PATH=$PWD/moved/bin:/usr/bin:/bin
	same "$PWD/moved/libexec/tackle" "$(tackle --exec-path)"
	got=0
	printf '{"kind":"image"}\n' | moved/bin/policy-check --policy require-pinned >/dev/null || got=$?
	same 1 "$got"
}

@test "the wrappers run from there, too" {
	for wrapper in rkt dtuf brkt; do
		[[ ! -e $ROOT/share/$wrapper ]] || "$installed/bin/$wrapper" --help >/dev/null
	done
}
