#!/usr/bin/env bash
# Unpacking a layer whose blob digest and uncompressed digest are both verified, beside programs that verify nothing (bsdtar, GNU
# tar) or do (umoci). The small tree is a Debian root filesystem, or the first 5,000 entries of this machine's /usr where none can be
# fetched; the large one is as many copies of it, without files over 32 KiB, as make 80,000 entries. BENCH_ROOTFS=DIR takes another
# small tree. Each round runs ours and every peer once, one after the other, into fresh directories that go at the end: on ext4 a
# tree deleted in between would be paid for by the next one.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034  # the texts that `seconds` evaluates use them
. "$(dirname "$0")/lib.sh"
bench_directory
disk=$d
bench_directory tmpfs
memory_disk=$d
trap 'rm -rf "$disk" "$memory_disk"' EXIT
cd "$disk"
export TACKLE_STORE=$memory_disk/store # read from memory, as the peers' files

small_tree() {
	if [[ -n ${BENCH_ROOTFS:-} ]]; then
		cp -a "$BENCH_ROOTFS" small
	elif ! debootstrap --variant=minbase stable small >/dev/null 2>&1; then
		rm -rf small
		mkdir small
		(find /usr -xdev 2>/dev/null || true) | sed -n 1,5000p >list
		tar -cf - --no-recursion -T list 2>/dev/null | tar -xf - -C small
	fi
	rm -rf small/dev
}

large_tree() {
	local copies
	cp -a small lean
	find lean -type f -size +32k -delete
	copies=$((80000 / $(find lean | wc -l)))
	mkdir large
	for ((i = 0; i < copies; i++)); do
		cp -a lean "large/$i"
	done
}

# layer TREE: the archive, compressed, in the store, as an OCI image, and its record.
layer() {
	local kind
	tar -C "$1" --sort=name -cf "$1.tar" .
	entries=$(tar -tf "$1.tar" | wc -l)
	gzip -6 -c "$1.tar" >"$memory_disk/$1.gz" &
	zstd -q -3 -c "$1.tar" >"$memory_disk/$1.zst"
	wait $!
	for kind in gz zst; do
		store-put --quiet --media-type application/vnd.oci.image.layer.v1.tar "$memory_disk/$1.$kind" |
			jq -c --arg diff "$(digest --format names "$1.tar")" '.kind = "image" | .diff_id = $diff |
				.verified = [{by: "digest", digest: .blob.digest}]' >"$1.$kind.record"
	done
	oci=$memory_disk/$1.oci
	umoci init --layout "$oci" && umoci new --image "$oci:i" && umoci raw add-layer --image "$oci:i" "$1.tar"
	rm -rf "$1.tar" "$1"
}

measure() { # TREE WHERE NAME-OF-WHERE
	local gz=$memory_disk/$1.gz zst=$memory_disk/$1.zst tree=$1 at=$2/out who
	local -A pairs=([bsdtar]="" [tar]="" [umoci]="" [ztar]="") took=() run=(
		[ours]='unpack --setuid --quiet "$at/$who.$round" <"$tree.gz.record"'
		[bsdtar]='mkdir "$at/$who.$round" && bsdtar -xpf "$gz" -C "$at/$who.$round"'
		[tar]='mkdir "$at/$who.$round" && tar -xpzf "$gz" -C "$at/$who.$round"'
		[umoci]='umoci unpack --image "$oci:i" "$at/$who.$round" 2>&1'
		[zours]='unpack --setuid --quiet "$at/$who.$round" <"$tree.zst.record"'
		[ztar]='mkdir "$at/$who.$round" && zstd -dc "$zst" | tar -xpf - -C "$at/$who.$round"'
	)
	mkdir "$at"
	for ((round = 1; round <= ${BENCH_ROUNDS:-5}; round++)); do
		for who in ours bsdtar tar umoci zours ztar; do
			seconds "${run[$who]}"
			took[$who]=$elapsed
			[[ $2 != "$memory_disk" ]] || rm -rf "${at:?}/$who.$round"
		done
		for who in bsdtar tar umoci; do
			pairs[$who]+="${took[ours]} ${took[$who]}"$'\n'
		done
		pairs[ztar]+="${took[zours]} ${took[ztar]}"$'\n'
	done
	row "unpack, gzip, $entries entries, $3" bsdtar '>= 1.8x' "${pairs[bsdtar]}"
	row "unpack, gzip, $entries entries, $3" 'GNU tar' '>= 2.5x' "${pairs[tar]}"
	row "unpack, gzip, $entries entries, $3" umoci '>= 5x' "${pairs[umoci]}"
	row "unpack, zstd, $entries entries, $3" 'zstd -dc | GNU tar' '>= 3x' "${pairs[ztar]}"
}

small_tree
large_tree
for tree in small large; do
	layer "$tree"
	measure "$tree" "$memory_disk" tmpfs
	measure "$tree" "$disk" "$(stat -f -c %T "$disk" | sed 's,ext2/ext3,ext4,')"
	memory "unpack, $entries entries" unpack --quiet "$disk/measured.$tree" <"$tree.gz.record"
	mv "$disk/out" "$disk/out.$tree" && rm -rf "$memory_disk/out"
done
