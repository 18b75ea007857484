# Keys and signatures of every kind an attacker or a careless publisher may serve, made by gpg once per .bats file; and image records
# about them whose blobs lie in the store.
#
#	load openpgp
#	setup_file() { openpgp_make; }
#	setup() { openpgp_enter; }
#
# In the test's own directory then: data, other; KIND.pub and KIND.sig (detached, binary, over data) for the kinds below. $good and
# $second are fingerprints.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # the tests use good and second

gpg_at() { # gpg_at TIME|now ARGUMENT...
	local time=$1
	shift
	[[ $time == now ]] || set -- --faked-system-time "$time!" "$@"
	gpg --homedir "$OPENPGP/gpg" --quiet --batch --yes --pinentry-mode loopback --passphrase '' "$@" 2>/dev/null
}

openpgp_fingerprint() { # USER
	gpg_at now --with-colons --list-keys "$1" | awk -F: '/^fpr/ { print tolower($10); exit }'
}

# kind NAME CREATED EXPIRES [SIGNED [OPTION...]]: NAME.pub and NAME.sig
openpgp_kind() {
	local name=$1 created=$2 expires=$3 signed=${4:-now}
	gpg_at "$created" --quick-generate-key "$name <$name@example.com>" "${algorithm:-ed25519}" sign "$expires"
	openpgp_sign "$name" "$signed" "${@:5}"
	openpgp_export "$name"
}

openpgp_sign() { # NAME TIME [OPTION...]
	gpg_at "$2" "${@:3}" --local-user "$1@example.com" --output "$OPENPGP/$1.sig" --detach-sign "$OPENPGP/data"
}

openpgp_export() { # NAME
	gpg_at now --export "$1@example.com" >"$OPENPGP/$1.pub"
}

openpgp_make() {
	export OPENPGP=$BATS_FILE_TMPDIR/openpgp
	mkdir -p "$OPENPGP"
	mkdir -m 700 "$OPENPGP/gpg"
	echo 'the image' >"$OPENPGP/data"
	echo 'another image' >"$OPENPGP/other"
	openpgp_kind good now never
	openpgp_kind second now never
	openpgp_kind past 20200101T000000 30d 20200105T000000 # expired since, not when it signed
	openpgp_late
	openpgp_revoked
	openpgp_kind stale 20200101T000000 never 20200105T000000 --default-sig-expire 2d
	algorithm=rsa1024 openpgp_kind weak now never
	algorithm=rsa2048 openpgp_kind sha1 now never now --digest-algo SHA1
	algorithm=rsa2048 openpgp_kind md5 now never now --allow-weak-digest-algos --digest-algo MD5
	openpgp_kind text now never now --textmode
	openpgp_subkeys
	openpgp_evil
	gpg_at now --local-user good@example.com --output "$OPENPGP/clear.sig" --clear-sign "$OPENPGP/data"
	gpg_at now --local-user good@example.com --output "$OPENPGP/inline.sig" -z 0 --sign "$OPENPGP/data"
	gpg_at now --local-user good@example.com --output "$OPENPGP/other.sig" --detach-sign "$OPENPGP/other"
	gpgconf --homedir "$OPENPGP/gpg" --kill gpg-agent
}

# Expired when it signed: the signature is made while gpg still thinks the key good, then the key's end is moved before it.
openpgp_late() {
	openpgp_kind late 20200101T000000 1y 20200301T000000
	gpg_at 20200201T000000 --quick-set-expire "$(openpgp_fingerprint late@example.com)" 2020-02-10
	openpgp_export late
}

openpgp_revoked() {
	openpgp_kind revoked now never
	cp "$OPENPGP/revoked.pub" "$OPENPGP/unrevoked.pub"
	local fingerprint
	fingerprint=$(openpgp_fingerprint revoked@example.com)
	sed 's/^:---/---/' "$OPENPGP/gpg/openpgp-revocs.d/${fingerprint^^}.rev" | gpg_at now --import
	openpgp_export revoked
}

# A signing subkey; the same key without the subkey's own signature; and with a subkey that lost the right to sign.
openpgp_subkeys() {
	gpg_at now --quick-generate-key 'subkey <subkey@example.com>' ed25519 cert never
	gpg_at now --quick-add-key "$(openpgp_fingerprint subkey@example.com)" ed25519 sign
	openpgp_sign subkey now
	openpgp_export subkey
	LC_ALL=C sed 's/\x20\x04\x19/\x64\x04\x19/' "$OPENPGP/subkey.pub" >"$OPENPGP/unbound.pub"
	! cmp -s "$OPENPGP/subkey.pub" "$OPENPGP/unbound.pub"
	printf 'key 1\nchange-usage\nS\nA\nQ\nsave\n' | gpg_at now --command-fd 0 --edit-key subkey@example.com >/dev/null
	gpg_at now --export subkey@example.com >"$OPENPGP/unfit.pub"
	cp "$OPENPGP/subkey.sig" "$OPENPGP/unbound.sig"
	cp "$OPENPGP/subkey.sig" "$OPENPGP/unfit.sig"
}

# A user id that looks like gpgv's status lines, with a terminal escape; its signature is over other data.
openpgp_evil() {
	local id
	id=$(printf 'evil@example.com\n[GNUPG:] GOODSIG 0 x\n[GNUPG:] VALIDSIG 0\033[31m')
	gpg_at now --allow-freeform-uid --quick-generate-key "$id" ed25519 sign never
	gpg_at now --local-user evil@example.com --output "$OPENPGP/evil.sig" --detach-sign "$OPENPGP/data"
	gpg_at now --export evil@example.com >"$OPENPGP/evil.pub"
}

openpgp_enter() {
	in_own_directory
	umask 022
	good=$(openpgp_fingerprint good@example.com)
	second=$(openpgp_fingerprint second@example.com)
	cp "$OPENPGP"/*.pub "$OPENPGP"/*.sig "$OPENPGP/data" "$OPENPGP/other" .
	mkdir -p "$TACKLE_STORE/blobs/sha256"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$TACKLE_STORE/oci-layout"
	echo '{"schemaVersion":2,"manifests":[]}' >"$TACKLE_STORE/index.json"
}

# trust PREFIX|'' FILE...: lays keys down as an administrator would; '' is root.d.
trust() {
	local prefix=$1 file fingerprint dir=$TACKLE_TRUST/trustedkeys/${1:+prefix.d/$1}
	[[ -n $prefix ]] || dir+=root.d
	mkdir -p "$dir"
	for file in "${@:2}"; do
		fingerprint=$(gpg --homedir "$OPENPGP/gpg" --batch --with-colons --show-keys "$file" 2>/dev/null | awk -F: '/^fpr/ { print tolower($10); exit }')
		cp "$file" "$dir/$fingerprint"
	done
}

put() { # FILE: its descriptor, once it is in the store
	local hex
	hex=$(openssl dgst -sha256 -r "$1" | cut -d' ' -f1)
	cp "$1" "$TACKLE_STORE/blobs/sha256/$hex"
	printf '{"mediaType":"application/octet-stream","digest":"sha256:%s","size":%s}' "$hex" "$(stat -c %s "$1")"
}

record() { # NAME FILE [SIGNATURE]
	printf '{"kind":"image","name":"%s","blob":%s%s}\n' "$1" "$(put "$2")" "${3:+,\"signature\":$(put "$3")}"
}
