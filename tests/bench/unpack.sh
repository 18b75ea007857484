#!/usr/bin/env bash
# Unpacking a layer whose blob digest and uncompressed digest are both verified, beside programs that verify nothing (bsdtar, GNU
# tar) or do (umoci). The small tree is a Debian root filesystem (kept in build/bench for the next time), or the first 5,000 entries of
# this machine's /usr where none can be fetched; the large one is as many copies of it, without files over 32 KiB, as make 80,000
# entries. BENCH_ROOTFS=DIR takes another small tree.
#
# Every run has a file system to itself, made before it and gone after it, neither of them timed. For ext4 that decides: it spares
# the inodes of files deleted in the last minutes and searches past each of them, so that where trees were just deleted every program
# takes seconds longer, and all take the same. Its image lies in memory, where no disk adds to the times.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034  # the texts that `race` evaluates use them
if [[ -z ${UNPACK_BENCH_INSIDE:-} ]]; then
	UNPACK_BENCH_INSIDE=1 exec unshare --mount --propagation private -- "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
cd "$d"
export TACKLE_STORE=$d/store
mkdir at

small_tree() {
	local kept=$ROOT/build/bench/rootfs.tar
	mkdir small
	if [[ -n ${BENCH_ROOTFS:-} ]]; then
		cp -a "$BENCH_ROOTFS/." small
	elif [[ -f $kept ]]; then
		tar -xpf "$kept" -C small
	elif timeout 180 debootstrap --variant=minbase stable small >/dev/null 2>&1; then
		tar -C small -cf "$kept.new" . && mv "$kept.new" "$kept"
	else
		rm -rf small && mkdir small
		(find /usr -xdev 2>/dev/null || true) | sed -n 1,5000p >list
		tar -cf - --no-recursion -T list 2>/dev/null | tar -xf - -C small
	fi
	rm -rf small/dev
}

large_tree() { # its copies are hard links: the archive has a file for each
	local copies
	cp -a small lean
	find lean -type f -size +32k -delete
	copies=$((80000 / $(find lean | wc -l) + 1))
	mkdir large
	for ((i = 0; i < copies; i++)); do
		cp -al lean "large/$i"
	done
	rm -rf lean
}

# layer TREE: the archive, compressed, in the store, as an OCI image, and its record.
layer() {
	local kind
	tar -C "$1" --sort=name --hard-dereference -cf "$1.tar" .
	entries=$(tar -tf "$1.tar" | wc -l)
	gzip -6 -c "$1.tar" >"$1.gz" &
	zstd -q -3 -c "$1.tar" >"$1.zst"
	wait $!
	for kind in gz zst; do
		store-put --quiet --media-type application/vnd.oci.image.layer.v1.tar "$1.$kind" |
			jq -c --arg diff "$(digest --format names "$1.tar")" '.kind = "image" | .diff_id = $diff |
				.verified = [{by: "digest", digest: .blob.digest}]' >"$1.$kind.record"
	done
	umoci init --layout "$1.oci" && umoci new --image "$1.oci:i" && umoci raw add-layer --image "$1.oci:i" "$1.tar"
	rm -rf "$1.tar" "$1"
}

before_run() {
	if [[ $where == ext4 ]]; then
		truncate -s 4G image
		mkfs.ext4 -q -F image
		mount -o loop,noinit_itable image at
	fi
	[[ $who != *tar ]] || mkdir at/out
}
after_run() {
	if [[ $where == ext4 ]]; then
		umount at
		rm image
	else
		rm -rf at/out
	fi
}

commands=(
	[ours]='unpack --setuid --quiet at/out <$tree.gz.record'
	[bsdtar]='bsdtar -xpf $tree.gz -C at/out'
	[tar]='tar -xpzf $tree.gz -C at/out'
	[umoci]='umoci unpack --image $tree.oci:i at/out 2>&1'
	[zours]='unpack --setuid --quiet at/out <$tree.zst.record'
	[ztar]='zstd -dc $tree.zst | tar -xpf - -C at/out'
)

measure() { # FIRST LAST: rounds
	race "$1" "$2" ours bsdtar tar umoci zours ztar
	versus ours bsdtar "unpack, gzip, $entries entries, $where" bsdtar '>= 1.8x'
	versus ours tar "unpack, gzip, $entries entries, $where" 'GNU tar' '>= 2.5x'
	versus ours umoci "unpack, gzip, $entries entries, $where" umoci '>= 5x'
	versus zours ztar "unpack, zstd, $entries entries, $where" 'zstd -dc | GNU tar' '>= 3x'
}

small_tree
large_tree
for tree in small large; do
	layer "$tree"
	for where in tmpfs ext4; do
		if [[ $tree == small ]]; then
			measure 0 "${BENCH_ROUNDS:-5}"
		else # runs of seconds need no warm-up, and fewer tell as much
			measure 1 "${BENCH_ROUNDS:-3}"
		fi
	done
	where=tmpfs
	memory "unpack, $entries entries" unpack --quiet at/out <"$tree.gz.record"
	rm -rf at/out "$tree".*
done
