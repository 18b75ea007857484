#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it parses nothing
load lib
setup() { in_own_directory; }

@test "the list names every program but itself, with the summary of its help" {
	same "$(programs | grep -vx tackle)" "$(tackle --format=names)"
	tackle >list
	for p in $(programs | grep -vx tackle); do
		grep -qE "^  $p +$(sed -n 's/^\.Nd //p' "$ROOT/man/$p.1")$" list || { echo "not in the list: $p" >&2; return 1; }
	done
}

@test "families stand in their order, and none is empty" {
	same archive "$(tackle | sed -n '/^  digest /q; /^[a-z]/p' | tail -n 1)"
	same "" "$(tackle | grep -A1 -E '^[a-z]' | grep -E '^$')"
}

@test "--exec-path is where the programs are, also when called by a link" {
	same "$(readlink -f "$BIN")" "$(tackle --exec-path)"
	ln -s "$BIN/tackle" there
	same "$(readlink -f "$BIN")" "$(./there --exec-path)"
	refuse 2 tackle --exec-path digest
}

@test "NAME runs the program with its arguments and its status; what comes behind NAME is its own" {
	same sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad "$(printf abc | tackle digest --format=names)"
	run --separate-stderr tackle ref-parse -- --Bad
	same 2 "$status"
	[[ $stderr == "ref-parse: "* ]]
}

@test "what is no program of the kit is 127, what cannot be executed 126, and nothing outside is run" {
	refuse 127 tackle no-such
	says "'no-such'" "lists the programs"
	refuse 2 tackle ''
	refuse 127 tackle ../bin/digest
	refuse 127 tackle /bin/true
	refuse 127 tackle ..
	mkdir kit
	cp "$BIN/tackle" kit/
	: >kit/broken
	refuse 126 kit/tackle broken
}

@test "a file that is no program of ours is not listed" {
	mkdir kit
	cp "$BIN/tackle" "$BIN/digest" kit/
	printf '#!/bin/sh\necho hello\n' >kit/hello
	chmod +x kit/hello
	: >kit/plain
	same digest "$(kit/tackle --format=names)"
}

# complete_line WORD...: what bash would offer for the last word, the options and programs being the kit's own.
complete_line() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_tackle "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
	echo "${COMPREPLY[*]}"
}

@test "completion for bash takes options and choices from --help, and programs from the list" {
	source "$ROOT/contrib/completions/tackle.bash"
	same "--format" "$(complete_line digest --f)"
	same "records names" "$(complete_line digest --format '')"
	same "ref-parse" "$(complete_line tackle ref)"
	same "--platform" "$(complete_line tackle ref-parse --pl)"
}
