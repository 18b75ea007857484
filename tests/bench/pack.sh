#!/usr/bin/env bash
# pack with its digest against GNU tar and openssl, on a tree of about 1 GB in memory: files of 100 bytes to 16 MB.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2034 # paired evaluates
bench_directory tmpfs

mkdir "$d/tree"
for i in {1..40}; do
	mkdir "$d/tree/$i"
	head -c 4M /dev/urandom | split -b 100K - "$d/tree/$i/middle."
	head -c 16M /dev/urandom >"$d/tree/$i/large"
	head -c 5M /dev/urandom >"$d/tree/$i/sound"
	head -c 10K /dev/urandom | split -a 3 -b 100 - "$d/tree/$i/small."
done

paired 'pack of a 1 GB tree, with its digest' 'tar --sort=name | openssl dgst -sha256' '>= 1.4x' \
	'pack -o /dev/null "$d/tree"' 'tar -C "$d/tree" --sort=name -cf - . | openssl dgst -sha256'
memory 'pack of a 1 GB tree, with its digest' pack -o /dev/null "$d/tree"
