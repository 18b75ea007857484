#!/usr/bin/env bats
# Holds every program to CONVENTIONS: help, version, usage errors, the law of the pipe. No list of programs here.
# SPDX-License-Identifier: Apache-2.0
load lib

setup_file() {
	mkdir "$BATS_FILE_TMPDIR/help"
	for p in $(programs); do
		"$p" --help >"$BATS_FILE_TMPDIR/help/$p"
	done
}

setup() { in_own_directory; }

# What the help of PROGRAM says: in $reads and $writes, `record' or what else; in $args as many placeholder operands as it demands.
told() {
	local help
	read -rd '' help <"$BATS_FILE_TMPDIR/help/$1" || true
	[[ $help =~ 'reads '([a-z]+)[^$'\n']*', writes '([a-z]+)'; the manual' ]]
	reads=${BASH_REMATCH[1]} writes=${BASH_REMATCH[2]} args=()
	help=${help%%$'\n'*}
	help=${help#*\[options\]}
	read -ra args <<<"${help%%\[*}"
	args=("${args[@]/#*/x}")
}

@test "--help: stdout, 0, its own name and at most 80 columns" {
	for p in $(programs); do
		run --separate-stderr "$p" --help
		same "$p 0 " "$p $status $stderr"
		[[ $output == "usage: $p "* ]]
		same "$p 0" "$p $(wc -L <<<"$output" | awk '{print ($1 > 80)}')"
	done
}

@test "--version and -V: name, kit and version; with -v the libraries" {
	for p in $(programs); do
		[[ $("$p" --version) =~ ^"$p (tackle) "[0-9]+\.[0-9]+\.[0-9]+$ ]]
		"$p" -Vv | grep -q libc
	done
}

@test "an unknown or abbreviated option is 2, one line, with a pointer to the help" {
	for p in $(programs); do
		refuse 2 "$p" --no-such-option
		says "see $p --help"
		same 1 "$(wc -l <<<"$message")"
		refuse 2 "$p" --hel
	done
}

@test "TACKLE_CALLER names who speaks, for the wrappers; the error record still names the program" {
	for p in $(programs); do
		got=0
		out=$(TACKLE_CALLER=rkt "$p" --no-such-option 2>err) || got=$?
		same 2 "$got"
		[[ $(cat err) == "rkt: "* ]]
		told "$p"
		case $writes in
		record | records | json | lines) same "$p" "$(jq -r .program <<<"$out")" ;;
		esac
	done
}

@test "a full stdout is a failure: 8" {
	for p in $(programs); do
		got=0
		"$p" --help >/dev/full 2>err || got=$?
		same "$p 8" "$p $got"
		grep -q "^$p: stdout: " err
		got=0
		"$p" --help >&- 2>err || got=$?
		same "$p 8" "$p $got"
	done
}

@test "law 4: empty input is an error, unless the program says it may be" {
	for p in $(programs); do
		told "$p"
		case $reads in
		record | records | json) ;;
		*) continue ;;
		esac
		grep -qE 'may be empty|\(required\)' "$BATS_FILE_TMPDIR/help/$p" && continue # with a required option: NAME.bats has the test
		refuse 6 "$p" "${args[@]}" </dev/null
		says "no input"
	done
}

@test "law 5: an error record is passed on, silently, with its status" {
	record='{"kind":"error","message":"gone","program":"fetch-blob","status":4}'
	for p in $(programs); do
		told "$p"
		[[ $reads == record* ]] || continue
		got=0
		out=$("$p" "${args[@]}" <<<"$record" 2>err) || got=$?
		same "$p 4 " "$p $got $(cat err)"
		case $writes in
		record | records | json | lines) same "$p $record" "$p $out" ;;
		*) same "$p " "$p $out" ;;
		esac
	done
}

@test "law 4: a record that is no JSON, cut, doubled, of no kind or too deep is refused" {
	for p in $(programs); do
		told "$p"
		[[ $reads == record* ]] || continue
		for bad in 'x' '{"kind":"image"' '{"kind":"image","kind":"image"}' '[]' '{"a":1}' '{"kind":"no-such-kind"}' $'{"kind":"\xff"}'; do
			refuse 6 "$p" "${args[@]}" <<<"$bad"
		done
		refuse 6 "$p" "${args[@]}" < <(printf '{"kind":"image"}')
		says truncated
		refuse 7 "$p" "${args[@]}" < <(printf '[%.0s' {1..70}; echo)
	done
}
