# What the scripts of tests/bench load: paired measurements, and rows `work<TAB>peer<TAB>goal<TAB>ratio<TAB>ours<TAB>theirs` on stdout.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
#     . "$(dirname "$0")/lib.sh"
#     paired 'unpack, 5,000 files, tmpfs' 'GNU tar' '>= 2.5x' 'unpack --tar "$d/ours.$round" <layer' 'mkdir "$d/t.$round" && tar -xf layer -C "$d/t.$round"'
#     memory 'unpack, 80,000 files' 'unpack --tar "$d/big" <layer'
#
# A command is shell text, evaluated here with stdout thrown away; $round tells it the number of its run (0 is the warm-up). A command
# that fails ends the script. What a run needs beforehand or leaves behind is the business of before_run and after_run, which a script
# may define: they are not timed. BENCH_ROUNDS (5) is the number of pairs.
set -eu -o pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BIN=${TACKLE_BIN:-$ROOT/build/bin}
PATH=$BIN:$ROOT/build/bench:$PATH
export LC_ALL=C
unset TACKLE_STORE TACKLE_TRUST TACKLE_PODS

mkdir -p "$ROOT/build/bench"
[[ $ROOT/build/bench/stopwatch -nt $ROOT/tests/bench/stopwatch.c ]] ||
	gcc -O2 -D_GNU_SOURCE -o "$ROOT/build/bench/stopwatch" "$ROOT/tests/bench/stopwatch.c"

# A directory of the script's own, removed at its end: bench_directory sets $d. On /dev/shm with `bench_directory tmpfs`.
bench_directory() {
	if [[ ${1:-} == tmpfs ]]; then
		d=$(mktemp -d /dev/shm/tackle-bench.XXXXXX)
	else
		d=$(mktemp -d "${TMPDIR:-/var/tmp}/tackle-bench.XXXXXX")
	fi
	# shellcheck disable=SC2064  # the directory of now
	trap "rm -rf '$d'" EXIT
}

# seconds TEXT: evaluates it and leaves its wall time, in microseconds, in $elapsed, and the processor's time of what ran in $used.
seconds() {
	local start before
	children
	before=$REPLY
	start=${EPOCHREALTIME/./}
	eval "$1" >/dev/null || {
		echo "bench: failed: $1" >&2
		exit 1
	}
	elapsed=$((${EPOCHREALTIME/./} - start))
	children
	used=$((REPLY - before))
}

children() { # the processor's time, user and system, of all this shell has waited for, in microseconds, in $REPLY
	local both time seconds
	times >"$ROOT/build/bench/times" # not through a pipe: a subshell has no children
	{ read -r _ && read -ra both; } <"$ROOT/build/bench/times"
	REPLY=0
	for time in "${both[@]}"; do # such as 1m2.345s
		time=${time%s}
		seconds=${time#*m}
		REPLY=$((REPLY + ${time%m*} * 60000000 + 10#${seconds/./} * 1000))
	done
}

before_run() { :; } # for the run of $who in round $round
after_run() { :; }

# race FIRST LAST NAME...: runs the texts of the array `commands` of these names, one after the other, in each round from FIRST to LAST.
# Rounds from 1 count: their times are left in the arrays `times` and, those of the processor, `spent`.
declare -A commands times spent
race() {
	local first=$1 last=$2 who
	shift 2
	times=() spent=()
	for ((round = first; round <= last; round++)); do
		for who; do
			before_run
			seconds "${commands[$who]}"
			after_run
			((round == 0)) || times[$who]+="$elapsed " spent[$who]+="$used "
		done
	done
}

# versus OURS THEIRS WORK PEER GOAL: the row of two that raced, the median of the ratios of the rounds. GOAL is `>= Nx` (times faster
# than the peer) or `<= Nx` (times the peer's time). With `spent` behind it, it is about the processor's time.
versus() {
	local -n of=${6:-times}
	row "$3" "$4" "$5" "$(paste -d ' ' <(tr ' ' '\n' <<<"${of[$1]% }") <(tr ' ' '\n' <<<"${of[$2]% }"))"
}

# paired WORK PEER GOAL OURS THEIRS: two commands in interleaved runs, and their row.
paired() {
	commands=([ours]=$4 [theirs]=$5)
	race 0 "${BENCH_ROUNDS:-5}" ours theirs
	versus ours theirs "$1" "$2" "$3"
}

median() { # of the numbers on stdin
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

row() { # row WORK PEER GOAL PAIRS, one `ours theirs` a line, in microseconds
	local ratio ours theirs
	ratio=$(awk -v goal="$3" 'NF == 2 { printf "%.4f\n", goal ~ /^>=/ ? $2 / $1 : $1 / $2 }' <<<"$4" | median)
	ours=$(awk 'NF == 2 { print $1 / 1000 }' <<<"$4" | median)
	theirs=$(awk 'NF == 2 { print $2 / 1000 }' <<<"$4" | median)
	printf '%s\t%s\t%s\t%.2fx\t%.1f ms\t%.1f ms\n' "$1" "$2" "$3" "$ratio" "$ours" "$theirs"
}

# memory WORK COMMAND [ARGUMENT ...]: the largest resident set of the one program, stdin as given. Not shell text: a shell would count.
memory() {
	local megabytes work=$1
	shift
	megabytes=$(stopwatch 1 "$@" | awk '{ printf "%.1f MB", $2 / 1024 }')
	printf 'memory: %s\t-\t<= 64 MB\t%s\t%s\t-\n' "$work" "$megabytes" "$megabytes"
}
