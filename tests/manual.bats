#!/usr/bin/env bats
# Every program has its manual page, and what the pages show is run: each EXAMPLES block, command by command, in a directory as
# tests/fixture.bash makes it and with an internet (tests/web.bash) where https://example.com serves the same image, its signature,
# its key and the discovery page, and registry.example is a registry with app/hello.
# SPDX-License-Identifier: Apache-2.0
# asan: no: every program that runs here has tests of its own there
load lib
load web
load fixture
load registry
load tuf
web_inside

setup_file() {
	web_start
	fixture_make
	tar -C "$FIXTURE/rootfs" --sort=name --mtime=@0 --owner=0 --group=0 -cf "$BATS_FILE_TMPDIR/layer" .
	registry_serve "$BATS_FILE_TMPDIR/layer"
}

setup() {
	in_own_directory
	web_clean
}

# The literal blocks of PAGE's EXAMPLES, or the indented ones of README.md, as the reader sees them.
examples() {
	[[ $1 == *.1 || $1 == *.5 || $1 == *.7 ]] || { sed -n 's/^    //p' "$1" | grep -v '^sh contrib/'; return; }
	awk '/^\.Sh / { shown = /^\.Sh EXAMPLES/ } /^\.Ed/ { literal = 0 } shown && literal { print } shown && /^\.Bd -literal/ { literal = 1 }' "$1" |
		sed 's/\\&//g; s/\\-/-/g; s/\\e/\\/g; s/\\(aq/'"'"'/g; s/\\(dq/"/g; s/\\(ha/^/g; s/\\(ti/~/g'
}

# The text on stdin as a pattern for [[ ]]: `...` stands for anything in a line, and alone in a line for any lines or none.
pattern() {
	sed 's/[][*?()|\\]/\\&/g' | awk '{ gsub(/\.\.\./, "*"); printf "%s", $0 == "*" ? "?(\n*)" : "\n" $0 }'
}

# check COMMAND EXPECTED: 0, its stdout is EXPECTED, and the records in it keep to their schemas.
check() {
	local got status=0 pattern='' faults=''
	got=$(sh -c "$1" 2>stderr.txt </dev/null) || status=$?
	[[ -z $2 ]] || pattern=$(pattern <<<"$2")
	[[ $got != *'"kind"'* ]] || faults=$(jq -Rc 'fromjson? | select(type == "object" and has("kind"))' <<<"$got" |
		jq -nr --slurpfile schemas <(cat "$ROOT"/share/schema/*.json) -f "$ROOT/tests/schema.jq")
	# shellcheck disable=SC2053  # it is a pattern
	[[ $status == 0 && ${got:+$'\n'}$got == $pattern && -z $faults ]] && return
	printf '%s: $ %s\nstatus %s\n--- expected\n%s\n--- found\n%s\n--- stderr\n%s\n--- against the schemas\n%s\n' "$page" \
		"$1" "$status" "$2" "$got" "$(cat stderr.txt)" "$faults" >&2
	return 1
}

# Runs the blocks on stdin; a command that ends in a backslash goes on in the next line.
run_examples() {
	local line command='' expected='' more=
	while IFS= read -r line; do
		if [[ -n $more || $line == '$ '* ]]; then
			[[ -n $more ]] || { [[ -z $command ]] || check "$command" "$expected" || return; command='' expected=''; }
			command+=${command:+$'\n'}${line#'$ '}
			more=
			[[ $line != *\\ ]] || more=1
		elif [[ -n $line ]]; then
			expected+=${expected:+$'\n'}$line
		fi
	done
	[[ -z $command ]] || check "$command" "$expected"
}

@test "every example of every manual page and of README.md does what it shows dtuf:D10" {
	failed=
	fixture_serve
	fixture_tuf
	for page in "$ROOT"/man/*.[157] "$ROOT/README.md"; do
		examples "$page" >"$BATS_TEST_TMPDIR/examples"
		[[ -s $BATS_TEST_TMPDIR/examples ]] || continue
		[[ $page != *.1 || -x $BIN/$(basename "$page" .1) || -x $ROOT/share/$(basename "$page" .1) ]] || continue
		mkdir -p "$BATS_TEST_TMPDIR/pages/${page##*/}"
		cd "$BATS_TEST_TMPDIR/pages/${page##*/}"
		export TACKLE_STORE=$PWD/.state/store TACKLE_TRUST=$PWD/.state/trust TACKLE_PODS=$PWD/.state/pods
		mkdir .state
		fixture_enter
		run_examples <"$BATS_TEST_TMPDIR/examples" || failed+=" ${page##*/}"
	done
	same "" "$failed"
}

options_of_help() {
	"$1" --help | sed -n 's/^  \(-., \|    \)--\([a-z0-9-]*\).*/\2/p' | sort -u
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
