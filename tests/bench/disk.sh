#!/usr/bin/env bash
# disk-encrypt and disk-decrypt (brkt:P1, P2, P3) against cryptsetup's own encryption in place, qemu-img, and what OpenSSL reaches in memory.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2034 # paired evaluates
PATH=$PATH:/usr/sbin
bench_directory tmpfs
memory=$d
bench_directory
# shellcheck disable=SC2064  # the directories of now
trap "rm -rf '$d' '$memory'" EXIT

megabytes=512
head -c ${megabytes}M /dev/zero | openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 00 2>/dev/null >"$d/raw"
(umask 077 && head -c 64 /dev/urandom >"$d/secret")

# P1. In place: its file is a fresh copy with room for the header at its end, made outside the time; its fastest mode of three.
reencrypt() {
	cryptsetup reencrypt --encrypt --type luks2 --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --sector-size 512 \
		--resilience none --reduce-device-size 32M --key-file "$d/secret" --disable-locks "$1" 2>/dev/null && sync "$1"
}
for ((round = 0; round <= ${BENCH_ROUNDS:-5}; round++)); do
	cp "$d/raw" "$d/copy.$round"
	truncate -s +32M "$d/copy.$round"
done
sync "$d"/copy.*
paired "disk-encrypt of $megabytes MiB, 512-byte sectors, file to file with fsync" 'cryptsetup reencrypt --encrypt, in place' '>= 1.5x' \
	'disk-encrypt --secret "$d/secret" <"$d/raw" >"$d/luks" && sync "$d/luks"' 'reencrypt "$d/copy.$round"'
rm "$d"/copy.*

# In memory, so that no disk is measured. qemu-img writes into a volume made beforehand: else its time would be that of measuring PBKDF2,
# which it even refuses on a busy machine.
cp "$d/raw" "$memory/raw"
head -c 30 /dev/urandom | base64 >"$d/text"
until qemu-img create -q -f luks --object secret,id=s,file="$d/text" -o key-secret=s,iter-time=100 "$memory/qemu" ${megabytes}M 2>/dev/null; do
	sleep 0.1
done
paired "disk-encrypt of $megabytes MiB, 512-byte sectors, tmpfs" 'qemu-img convert to LUKS' '>= 5x' \
	'disk-encrypt --secret "$d/secret" <"$memory/raw" >"$memory/luks"' \
	'qemu-img convert -n -f raw --object secret,id=s,file="$d/text" --target-image-opts "$memory/raw" "driver=luks,key-secret=s,file.filename=$memory/qemu"'
rm "$memory"/*

paired "disk-encrypt of $megabytes MiB, 4096-byte sectors, file to file" 'cp' '<= 1.1x' \
	'disk-encrypt -s 4096 --secret "$d/secret" <"$d/raw" >"$d/luks"' 'cp "$d/raw" "$d/cp"'
rm "$d/cp"

# P2. The peer's time is what OpenSSL, measured at once with ours, would need for as many bytes in memory, on two cores.
in_memory() {
	openssl speed -seconds 1 -evp aes-256-xts -bytes 4096 -multi 2 2>/dev/null | awk '/^AES-256-XTS/ { sub(/k$/, "", $2); print $2 * 1000 }'
}
disk-encrypt -s 4096 --secret "$d/secret" --header-out "$d/header" <"$d/raw" >"$d/data"
pairs=
for ((round = 0; round <= ${BENCH_ROUNDS:-5}; round++)); do
	seconds 'disk-encrypt -j 2 --secret "$d/secret" --header "$d/header" <"$d/raw"'
	((round == 0)) || pairs+="$elapsed $(in_memory | awk -v n="$megabytes" '{ printf "%.0f", n * 1048576 / $1 * 1000000 }')"$'\n'
done
row 'disk-encrypt, 4096-byte sectors, 2 threads, cached file to /dev/null' 'openssl speed -multi 2' '>= 0.8x' "$pairs"

# P3
disk-encrypt --secret "$d/secret" <"$d/raw" >"$d/luks"
paired "disk-decrypt of $megabytes MiB, 512-byte sectors, to /dev/null" 'disk-encrypt of the same' '>= 0.9x' \
	'disk-decrypt --secret "$d/secret" <"$d/luks"' 'disk-encrypt --secret "$d/secret" --header "$d/luks" <"$d/raw"'
memory "disk-encrypt -j 8 of $megabytes MiB" disk-encrypt -j 8 --secret "$d/secret" <"$d/raw"
memory "disk-decrypt -j 8 of $megabytes MiB" disk-decrypt -j 8 --secret "$d/secret" <"$d/luks"
