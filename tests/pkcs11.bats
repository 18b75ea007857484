#!/usr/bin/env bats
# Private keys on a token, by softhsm2: a pkcs11: URI wherever a private key file is (dtuf:K12).
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
load terminal

setup_file() {
	command -v softhsm2-util >/dev/null || skip "softhsm2 is not installed: sh contrib/bootstrap deps test"
	cd "$BATS_FILE_TMPDIR" || return
	mkdir tokens
	printf 'directories.tokendir = %s\nlog.level = ERROR\n' "$PWD/tokens" >softhsm2.conf
	export SOFTHSM2_CONF=$PWD/softhsm2.conf
	local id=0 type label
	for label in kit other; do softhsm2-util --init-token --free --label $label --pin 1234 --so-pin 5678 >/dev/null; done
	for type in ed25519 p256 p384 rsa; do
		key-gen --type $type --no-passphrase -o $type.pem --public-out $type.pub
		softhsm2-util --import $type.pem --token kit --label $type --id 0$((id += 1)) --pin 1234 >/dev/null
	done
	softhsm2-util --import p256.pem --token kit --label twice --id 21 --pin 1234 >/dev/null
	softhsm2-util --import p384.pem --token kit --label twice --id 22 --pin 1234 >/dev/null
	rm ./*.pem
	(umask 077 && echo 1234 >pin && echo 9999 >wrong)
}
setup() {
	in_own_directory
	cp -p "$BATS_FILE_TMPDIR"/{*.pub,pin,wrong} .
}
on_token() { echo "pkcs11:token=kit;object=$1"; }

@test "dtuf:K12 dtuf:K1 metadata and tokens are signed by keys that never left the token, of every type" {
	for type in ed25519 p256 p384 rsa; do
		key-pub --passphrase-file pin "$(on_token $type)" | cmp - $type.pub
		same "$(key-pub --id tuf $type.pub)" "$(key-pub --id tuf --passphrase-file pin "$(on_token $type)")"
		tuf-init --add-key root=$type.pub --add-key targets=$type.pub --add-key snapshot=$type.pub --add-key timestamp=$type.pub \
			--passphrase-file pin --key "$(on_token $type)" m.$type
		tuf-push m.$type file:f.$type
		tuf-refresh -q --tuf t.$type --root $type.pub --repo file:f.$type >list
		same 4 "$(wc -l <list)"
		tuf-payload m.$type/targets.json >p
		tuf-sign --key "$(on_token $type)" --passphrase-fd 3 p 3<pin | tuf-addsig m.$type/targets.json
	done
	while read -r type algorithm; do
		same x "$(echo '{"sub":"x"}' | jwt-mint --alg "$algorithm" --key "$(on_token "$type")" --passphrase-file pin |
			jwt-verify --alg "$algorithm" --key "$type.pub" | jq -r .sub)"
	done <<-END
		ed25519 EdDSA
		p256 ES256
		p384 ES384
		rsa RS256
		rsa PS256
	END
}

@test "dtuf:K12 dtuf:D59 dtuf:K11 the PIN: asked on the terminal, wrong, in the URI; it shows nowhere" {
	QUESTION='*token: ' on_terminal 1234 key-pub "$(on_token p256)"
	[[ $status == 0 && $screen == *'BEGIN PUBLIC KEY'* && $screen != *1234* ]]
	refuse 4 key-pub --passphrase-file wrong "$(on_token p256)"
	says "wrong PIN"
	got=0
	setsid key-pub "$(on_token p256)" </dev/null >out 2>err || got=$?
	same "2 key-pub: a passphrase is needed and there is no terminal to ask on" "$got $(head -n 1 err)"
	refuse 2 key-pub --passphrase-file pin "$(on_token p256);pin-value=1234"
	says "does not belong into an argument"
	refuse 2 key-pub --passphrase-file pin "$(on_token p256)?pin-source=pin"
}

@test "dtuf:K12 what the URI names: nothing, several, another's; no p11-kit" {
	refuse 3 key-pub --passphrase-file pin 'pkcs11:token=kit;object=none'
	refuse 3 key-pub --passphrase-file pin 'pkcs11:token=none;object=p256'
	refuse 1 key-pub --passphrase-file pin 'pkcs11:object=p256' # on one of two tokens: the PIN is tried on neither
	says "tokens match"
	refuse 1 key-pub --passphrase-file pin "$(on_token twice)"
	says "several private keys"
	key-pub --passphrase-file pin 'pkcs11:token=kit;id=%22' | cmp - p384.pub
	refuse 2 key-pub --passphrase-file pin 'pkcs11:%'
	repository
	before=$(sums)
	refuse 1 tuf-root --key "$(on_token p256)" --passphrase-file pin m/root.json
	says "may not sign here"
	same "$before" "$(sums)"
	library=$(ldconfig -p | awk '/libp11-kit.so.0 / { print $NF; exit }')
	got=0
	# shellcheck disable=SC2016  # the inner sh expands it
	unshare --mount sh -c 'mount --bind /dev/null "$1" && exec key-pub --passphrase-file pin "$2"' sh "$library" "$(on_token p256)" \
		>out 2>err || got=$?
	[[ $got == 1 && $(cat err) == *'libp11-kit is not installed'* ]]
}

@test "dtuf:K12 dtuf:D59 dtuf signs with a key on a token where the file of the private key has its URI" {
	keys=dtuf_repos/r/master/keys
	mkdir -p $keys
	for key in root=ed25519 timestamp=p256; do
		cp "${key#*=}.pub" "$keys/${key%=*}_key.pub"
		on_token "${key#*=}" >"$keys/${key%=*}_key"
	done
	for role in targets snapshot; do key-gen --no-passphrase -o $keys/${role}_key --public-out $keys/${role}_key.pub; done
	dtuf() { TACKLE_BIN=$BIN DTUF_HOST=file:remote DTUF_ROOT_KEY_PASSWORD=1234 DTUF_TIMESTAMP_KEY_PASSWORD_FILE=$PWD/${PIN:-pin} "$ROOT/share/dtuf" "$@"; }
	dtuf create-metadata r
	echo data >t
	dtuf push-target r t t
	dtuf push-metadata r
	same t "$(dtuf pull-metadata r ed25519.pub)"
	mv $keys/root_key $keys/root_key.1 # from one key of the token to another
	mv $keys/root_key.pub $keys/root_key.1.pub
	on_token rsa >$keys/root_key
	cp rsa.pub $keys/root_key.pub
	dtuf reset-keys r
	dtuf push-metadata r
	same t "$(dtuf pull-metadata r)"
	same data "$(dtuf pull-target r t)"
	PIN=wrong run ! dtuf push-metadata r
	[[ $output == *'wrong PIN'* ]]
}
