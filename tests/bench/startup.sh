#!/usr/bin/env bash
# What the start of a program costs, beside that of an empty dynamically linked C program, of curl, and of true(1).
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034  # the texts that paired evaluates use them
. "$(dirname "$0")/lib.sh"
bench_directory
runs=200

echo 'int main(void) { return 0; }' >"$d/empty.c"
gcc -O2 -o "$d/empty" "$d/empty.c"
digest=$(digest --format names "$d/empty")

paired 'start-up, no cryptography or network: ref-parse' 'an empty C program' '<= 1.5x' \
	'stopwatch $runs ref-parse coreos.com/etcd:v2.0.0' 'stopwatch $runs "$d/empty"'
paired 'start-up, hashing: digest' 'an empty C program' '<= 5x' \
	'stopwatch $runs digest --check "$digest" "$d/empty"' 'stopwatch $runs "$d/empty"'
[[ ! -x $BIN/discover ]] || paired 'start-up, network: discover --version' 'curl --version' '<= 1.1x' \
	'stopwatch $runs discover --version' 'stopwatch $runs curl --version'

pipe() { # pipe STAGE...: twenty times
	printf 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do %s; done' "$(printf '%s' "$1" && printf ' | %s' "${@:2}")"
}
six=$(pipe 'ref-parse a' digest digest digest digest digest)
trues=$(pipe "$d/true" "$d/true" "$d/true" "$d/true" "$d/true" "$d/true")
cp /bin/true "$d/true"
paired 'six offline stages in one pipe, five of them hashing' 'six times true in one pipe' '<= 4x' 'stopwatch 1 sh -c "$six"' 'stopwatch 1 sh -c "$trues"'
memory 'ref-parse' ref-parse coreos.com/etcd:v2.0.0
head -c 200M /dev/zero >"$d/zeros"
memory 'digest of 200 MB' digest "$d/zeros"
