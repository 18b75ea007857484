#!/usr/bin/env bash
# What one more image costs in a store of 10,000, beside one more in a store of one: counted in system calls and bytes written, since
# work tells what time hides. Then the memory that a large store takes.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
images=10000

mkdir -p "$d/image/rootfs"
echo '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/a"}' >"$d/image/manifest"
tar -c -C "$d/image" manifest rootfs >"$d/image.aci"

records() { # FIRST COUNT: that many records of images that share one blob
	jq -cn --argjson r "$(store-put --store "$d/$store" "$d/image.aci")" --argjson first "$1" --argjson count "$2" \
		'range($first; $first + $count) as $i | $r | .name = "example.com/n\($i)" | .id = "sha512-" + ("000000\($i)"[-6:] * 22)[:128]'
}

# Adds image number $1 and leaves `calls` and `bytes`.
count() {
	records "$1" 1 >"$d/record"
	strace -f -o "$d/trace" store-add --store "$d/$store" <"$d/record" >/dev/null
	calls=$(wc -l <"$d/trace")
	bytes=$(sed -n 's/.*\bwrite([0-9]*, .* = \([0-9]*\)$/\1/p' "$d/trace" | awk '{ n += $1 } END { print n }')
}

compare() { # WHAT OURS THEIRS
	printf 'store-add of one more image, %s\tthe same into a store of one\t<= 1.1x\t%s\t%s\t%s\n' "$1" \
		"$(awk -v a="$2" -v b="$3" 'BEGIN { printf "%.2fx", a / b }')" "$2" "$3"
}

store=few
records 900000 1 | store-add --store "$d/few" >/dev/null
count 900001
few_calls=$calls few_bytes=$bytes
store=many
records 0 "$images" | store-add --store "$d/many" >/dev/null
count 900001
compare "system calls, store of $images" "$calls" "$few_calls"
compare "bytes written, store of $images" "$bytes" "$few_bytes"
memory "store-list of $images images" store-list --store "$d/many" --trust /nonexistent
