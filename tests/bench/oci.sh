#!/usr/bin/env bash
# An image of ten layers, some 10,000 files of this machine's /usr: from a layout to a tree beside skopeo and umoci, and as one archive
# beside umoci and tar. In memory, so that the disk has no say; each round has directories of its own.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034  # paired evaluates the texts
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
cd "$d"

(find /usr -xdev -type f -size -512k 2>/dev/null || true) | sed -n 1,10000p >list
umoci init --layout layout
umoci new --image layout:v1
for i in {0..9}; do
	mkdir "tree.$i"
	sed -n "$((i * 1000 + 1)),$((i * 1000 + 1000))p" list | tar -cf - -T - 2>/dev/null | tar -xf - -C "tree.$i"
	umoci insert --image layout:v1 "tree.$i" "/$i"
	rm -rf "tree.$i"
done
umoci gc --layout layout

paired 'image of 10 layers: layout to tree, by a store' 'skopeo copy and umoci unpack' '>= 5x' \
	'ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q --store "$d/store.$round" | unpack -q --unverified --store "$d/store.$round" "$d/ours.$round" 2>&1 &&
	rm -rf "$d/ours.$round" "$d/store.$round"' \
	'skopeo copy -q oci:layout:v1 "oci:$d/copy.$round:v1" && umoci unpack --image "$d/copy.$round:v1" "$d/theirs.$round" 2>&1 &&
	rm -rf "$d/theirs.$round" "$d/copy.$round"'

export TACKLE_STORE=$d/store
ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q >record
paired 'flatten of 10 layers' 'umoci unpack and tar' '>= 4x' 'flatten -q --unverified <record 2>/dev/null' \
	'umoci unpack --image layout:v1 "$d/theirs.$round" >/dev/null 2>&1 && tar -cf - -C "$d/theirs.$round/rootfs" . | cat && rm -rf "$d/theirs.$round"'
memory 'flatten of 10 layers' flatten -q --unverified <record 2>/dev/null
