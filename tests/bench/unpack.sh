#!/usr/bin/env bash
# Unpacking a layer whose blob digest and uncompressed digest are both verified, beside programs that verify nothing (bsdtar, GNU
# tar) or do (umoci). The small tree is a Debian root filesystem, or the first 5,000 entries of this machine's /usr where none can be
# fetched; the large one is as many copies of it as make 80,000 entries. BENCH_ROOTFS=DIR takes another small tree.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034  # the texts that paired evaluates use them
. "$(dirname "$0")/lib.sh"
bench_directory
disk=$d
bench_directory tmpfs
memory_disk=$d
trap 'rm -rf "$disk" "$memory_disk"' EXIT
cd "$disk"
export TACKLE_STORE=$memory_disk/store # read from memory, as the peers' files after the warm-up

small_tree() {
	if [[ -n ${BENCH_ROOTFS:-} ]]; then
		cp -a "$BENCH_ROOTFS" small
	elif ! debootstrap --variant=minbase stable small >/dev/null 2>&1; then
		rm -rf small
		mkdir small
		find /usr -xdev 2>/dev/null | head -n 5000 | tar -cf - --no-recursion -T - 2>/dev/null | tar -xf - -C small
	fi
	rm -rf small/dev
}

large_tree() {
	local copies
	copies=$((80000 / $(find small | wc -l)))
	mkdir large
	for ((i = 0; i < copies; i++)); do
		cp -a small "large/$i"
	done
}

# layer TREE: the archive, compressed, in the store, as an OCI image, and its record.
layer() {
	tar -C "$1" --sort=name -cf "$1.tar" .
	gzip -6 -c "$1.tar" >"$memory_disk/$1.gz"
	zstd -q -3 -c "$1.tar" >"$memory_disk/$1.zst"
	local kind
	for kind in gz zst; do
		store-put --quiet --media-type application/vnd.oci.image.layer.v1.tar "$memory_disk/$1.$kind" |
			jq -c --arg diff "$(digest --format names "$1.tar")" '.kind = "image" | .diff_id = $diff |
				.verified = [{by: "digest", digest: .blob.digest}]' >"$1.$kind.record"
	done
	umoci init --layout "$1.oci" && umoci new --image "$1.oci:i" && umoci raw add-layer --image "$1.oci:i" "$1.tar"
	entries=$(tar -tf "$1.tar" | wc -l)
	rm -rf "$1.tar" "$1"
}

measure() { # TREE WHERE NAME-OF-WHERE
	local work="unpack, gzip, $entries entries, $3"
	tree=$1 at=$2/out gz=$memory_disk/$1.gz zst=$memory_disk/$1.zst
	mkdir "$at"
	ours='unpack --setuid --quiet "$at/ours.$peer.$round" <"$tree.gz.record"'
	peer=bsdtar paired "$work" 'bsdtar' '>= 1.8x' "$ours" 'mkdir "$at/b.$round" && bsdtar -xpf "$gz" -C "$at/b.$round"'
	rm -rf "$at" && mkdir "$at"
	peer=tar paired "$work" 'GNU tar' '>= 2.5x' "$ours" 'mkdir "$at/g.$round" && tar -xpzf "$gz" -C "$at/g.$round"'
	rm -rf "$at" && mkdir "$at"
	peer=umoci paired "$work" 'umoci' '>= 5x' "$ours" 'umoci unpack --image "$tree.oci:i" "$at/u.$round" 2>&1'
	rm -rf "$at" && mkdir "$at"
	ours='unpack --setuid --quiet "$at/ours.$round" <"$tree.zst.record"'
	paired "unpack, zstd, $entries entries, $3" 'zstd -dc | GNU tar' '>= 3x' "$ours" \
		'mkdir "$at/z.$round" && zstd -dc "$zst" | tar -xpf - -C "$at/z.$round"'
	rm -rf "$at"
}

small_tree
large_tree
for tree in small large; do
	layer "$tree"
	measure "$tree" "$memory_disk" tmpfs
	measure "$tree" "$disk" "$(stat -f -c %T "$disk" | sed 's,ext2/ext3,ext4,')"
	memory "unpack, $entries entries" unpack --quiet "$disk/measured.$tree" <"$tree.gz.record"
	rm -rf "$disk/measured.$tree"
done
