#!/usr/bin/env bash
# What verifying a large image costs, digest and signature, beside gpgv, which checks the signature alone.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154  # the texts that paired evaluates use them
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
megabytes=${BENCH_MEGABYTES:-500}

gpg_here() {
	gpg --homedir "$d/gpg" --quiet --batch --yes --pinentry-mode loopback --passphrase '' "$@" 2>/dev/null
}

# The store as fetch-blob leaves it, the key as an administrator lays it down.
prepare() {
	mkdir -m 700 "$d/gpg"
	gpg_here --quick-generate-key 'Bench <bench@example.com>' ed25519 sign never
	fingerprint=$(gpg_here --with-colons --list-keys | awk -F: '/^fpr/ { print tolower($10); exit }')
	mkdir -p "$d/trust/trustedkeys/root.d" "$d/store/blobs/sha256"
	gpg_here --export >"$d/trust/trustedkeys/root.d/$fingerprint"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$d/store/oci-layout"
	head -c "$((megabytes * 1000000))" /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 >"$d/image" 2>/dev/null
	for hash in SHA256 SHA512; do
		gpg_here --digest-algo "$hash" --output "$d/$hash.sig" --detach-sign "$d/image"
	done
	gpgconf --homedir "$d/gpg" --kill gpg-agent
	export TACKLE_STORE=$d/store TACKLE_TRUST=$d/trust
}

put() { # FILE: its descriptor
	local hex
	hex=$(openssl dgst -sha256 -r "$1" | cut -d' ' -f1)
	ln "$1" "$TACKLE_STORE/blobs/sha256/$hex"
	printf '{"mediaType":"application/octet-stream","digest":"sha256:%s","size":%s}' "$hex" "$(stat -c %s "$1")"
}

prepare
image=$(put "$d/image")
for hash in SHA256 SHA512; do
	printf '{"kind":"image","name":"bench","blob":%s,"signature":%s}\n' "$image" "$(put "$d/$hash.sig")" >"$d/$hash.record"
done
key=$d/trust/trustedkeys/root.d/$fingerprint
paired "verify-sig, $megabytes MB, signed with SHA-256" gpgv '>= 3.5x' 'verify-sig <"$d/SHA256.record"' \
	'gpgv -q --keyring "$key" "$d/SHA256.sig" "$d/image" 2>/dev/null'
# sqv's SHA-512 is nettle's, which needs all of this row's time: its hash, not the reading or ours, stands in the way of the goal.
paired "verify-sig, $megabytes MB, signed with SHA-512" gpgv '>= 3.5x' 'verify-sig <"$d/SHA512.record"' \
	'gpgv -q --keyring "$key" "$d/SHA512.sig" "$d/image" 2>/dev/null'
memory "verify-sig, $megabytes MB" verify-sig <"$d/SHA256.record"
