#!/usr/bin/env bash
# A layer of some 400 MB of this machine's /usr, compressed: beside pigz, umoci and zstd, which get the tar ready made. In memory, so that
# the disk has no say.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016,SC2034  # paired evaluates the texts
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
cd "$d"

mkdir tree
(find /usr/bin /usr/lib /usr/share -xdev -type f -size -16M -printf '%s %p\n' 2>/dev/null || true) |
	awk '(all += $1) > 400000000 { exit } { sub(/^[0-9]* /, ""); print }' | tar -cf - -T - 2>/dev/null | tar -xf - -C tree
pack tree >tree.tar
umoci init --layout layout
umoci new --image layout:v1

paired 'gzip of a layer of 400 MB' 'pigz -6' '>= 5x' 'pack --layer --compress gzip tree' 'pigz -6 -c tree.tar'
paired 'gzip of a layer of 400 MB, with its digests' 'umoci raw add-layer' '>= 3x' 'pack --layer --compress gzip -o ours.gz tree' \
	'umoci raw add-layer --image layout:v1 --tag "r$round" tree.tar'
paired 'zstd of a layer of 400 MB' 'zstd -3 -T0' '<= 1.05x' 'pack --layer --compress zstd tree' 'zstd -q -3 -T0 -c tree.tar'

ours=$(stat -c %s ours.gz)
theirs=$(pigz -6 -c tree.tar | wc -c)
awk -v ours="$ours" -v theirs="$theirs" 'BEGIN { printf "gzip of a layer of 400 MB, its size\tpigz -6\t<= 1.15x\t%.2fx\t%.1f MB\t%.1f MB\n",
	ours / theirs, ours / 1e6, theirs / 1e6 }'

memory 'gzip of a layer' pack --layer --compress gzip -o /dev/null tree
memory 'zstd of a layer' pack --layer --compress zstd -o /dev/null tree
memory 'pack --layer of a tree like its base' pack --layer --base tree -o /dev/null tree
