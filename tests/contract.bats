#!/usr/bin/env bats
# Holds every program to CONVENTIONS: help, version, usage errors, the law of the pipe, its manual page. No list of programs here.
# SPDX-License-Identifier: Apache-2.0
load lib
setup() { in_own_directory; }

medium() { # medium reads|writes PROGRAM
	"$2" --help | sed -n "s/.*$1 \([a-z]*\).*; the manual.*/\1/p"
}

# As many placeholder operands as the synopsis demands.
operands() {
	"$1" --help | sed -n '/^usage/,/^[a-z]/p' | head -n 1 | sed 's/.*\[options\]//; s/\[.*//' | wc -w | xargs -I{} seq {} | sed 's/^/x/'
}

options_of_help() {
	"$1" --help | sed -n 's/^  \(-., \|    \)--\([a-z0-9-]*\).*/\2/p' | sort -u
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
		case $(medium writes "$p") in
		record | records | json | lines) same "$p" "$(jq -r .program <<<"$out")" ;;
		esac
	done
}

@test "a full stdout is a failure: 8" {
	for p in $(programs); do
		run --separate-stderr "$p" --help </dev/null
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
		case $(medium reads "$p") in
		record | records | json) ;;
		*) continue ;;
		esac
		"$p" --help | grep -qE 'may be empty|\(required\)' && continue # with a required option: NAME.bats has the test
		mapfile -t args < <(operands "$p")
		refuse 6 "$p" "${args[@]}" </dev/null
		says "no input"
	done
}

@test "law 5: an error record is passed on, silently, with its status" {
	record='{"kind":"error","message":"gone","program":"fetch-blob","status":4}'
	for p in $(programs); do
		[[ $(medium reads "$p") == record* ]] || continue
		mapfile -t args < <(operands "$p")
		got=0
		out=$("$p" "${args[@]}" <<<"$record" 2>err) || got=$?
		same "$p 4 " "$p $got $(cat err)"
		case $(medium writes "$p") in
		record | records | json | lines) same "$p $record" "$p $out" ;;
		*) same "$p " "$p $out" ;;
		esac
	done
}

@test "law 4: a record that is no JSON, cut, doubled, of no kind or too deep is refused" {
	for p in $(programs); do
		[[ $(medium reads "$p") == record* ]] || continue
		mapfile -t args < <(operands "$p")
		for bad in 'x' '{"kind":"image"' '{"kind":"image","kind":"image"}' '[]' '{"a":1}' '{"kind":"no-such-kind"}' $'{"kind":"\xff"}'; do
			refuse 6 "$p" "${args[@]}" <<<"$bad"
		done
		refuse 6 "$p" "${args[@]}" < <(printf '{"kind":"image"}')
		says truncated
		refuse 7 "$p" "${args[@]}" < <(printf '[%.0s' {1..70}; echo)
	done
}

@test "one option has one meaning: a letter always has the same long name" {
	for p in $(programs); do
		"$p" --help | sed -n 's/^  -\(.\), --\([a-z0-9-]*\).*/\1 \2/p'
	done | sort -u >letters
	same "" "$(cut -d' ' -f1 letters | uniq -d)"
}

@test "every program has a manual page: lint clean, its summary, exactly its options, and a test" {
	for p in $(programs); do
		page=$ROOT/man/$p.1
		[ -e "$page" ] || { echo "no $page" >&2; return 1; }
		[ -e "$ROOT/tests/$p.bats" ] || { echo "no tests/$p.bats" >&2; return 1; }
		same "" "$(mandoc -T lint -W warning "$page" 2>&1 | grep -v 'referenced manual not found')"
		same "$p: $("$p" --help | sed -n '/^$/q;p' | sed '1,/^[^ ]/{/^usage/d;/^        /d}' | paste -sd' ')" \
			"$p: $(sed -n 's/^\.Nd //p' "$page")"
		same "$p: $(options_of_help "$p" | grep -vxE 'help|version|quiet|verbose' | paste -sd' ')" \
			"$p: $(sed -n '/^\.Sh OPTIONS/,/^\.Sh ENV/p' "$page" | sed -n 's/^\.It .*Fl -\([a-z0-9-]*\).*/\1/p' | sort -u | paste -sd' ')"
		for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES 'SEE ALSO'; do
			grep -q "^\.Sh $section" "$page" || { echo "$page: no $section" >&2; return 1; }
		done
	done
}
