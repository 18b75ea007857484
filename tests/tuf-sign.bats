#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it reads a publisher's own files
load lib
load publisher
setup() { in_own_directory; }

@test "dtuf:K1 dtuf:K8 each type of key signs as openssl verifies it" {
	printf '{"_type":"root","version":1}' >p
	for type in ed25519 p256 p384 rsa; do
		key-gen --type $type --no-passphrase --public-out k.pub -o k.pem
		tuf-sign --key k.pem <p >s
		same "$(key-pub --id tuf k.pub)" "$(jq -r .keyid s)"
		jq -r .sig s | xxd -r -p >raw
		case $type in
		ed25519) openssl pkeyutl -verify -rawin -pubin -inkey k.pub -in p -sigfile raw ;;
		p256) openssl dgst -sha256 -verify k.pub -signature raw p ;;
		p384) openssl dgst -sha384 -verify k.pub -signature raw p ;;
		rsa) openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify k.pub -signature raw p ;;
		esac
		rm k.pem
	done
}

@test "several keys, a named keyid, and what is no payload" {
	keys a b
	printf '{"_type":"root","version":1}' >p
	same "$(keyid a) $(keyid b)" "$(tuf-sign --key a.pem --key b.pem p | jq -r .keyid | paste -sd' ')"
	same label "$(tuf-sign --key a.pem --keyid label p | jq -r .keyid)"
	refuse 6 tuf-sign --key a.pem </dev/null
	says 'no input'
	refuse 6 tuf-sign --key a.pem < <(echo hello)
	refuse 6 tuf-sign --key a.pem a.pub
	refuse 2 tuf-sign p
	refuse 2 tuf-sign --key a.pem --key b.pem --keyid x p
	refuse 3 tuf-sign --key missing.pem p
	refuse 6 tuf-sign --key a.pub p
}

@test "dtuf:K11 dtuf:A20 a wrong passphrase is 4; neither it nor the key shows anywhere" {
	(umask 077 && echo correct-horse >pass && echo wrong-battery >wrong)
	key-gen --passphrase-file pass -o k.pem
	printf '{"_type":"root","version":1}' >p
	tuf-sign --key k.pem --passphrase-file pass p | jq -e .sig
	refuse 4 tuf-sign --key k.pem --passphrase-file wrong p
	[[ $message != *battery* && $message != *horse* ]]
	tuf-sign --key k.pem --passphrase-fd 3 p 3<pass | jq -e .sig
	PIPED=1 refuse 2 setsid tuf-sign --key k.pem p
	chmod 644 pass
	refuse 1 tuf-sign --key k.pem --passphrase-file pass p
}
