# A TUF repository made by the kit's own programs, for the tests of those that publish: keys NAME.pem and NAME.pub here, metadata in ./m.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# keys NAME...: pairs without passphrase.
keys() {
	local name
	for name; do
		key-gen --no-passphrase --public-out "$name.pub" -o "$name.pem" || return
	done
}

# repository [OPTION...]: signed by one key for each role.
repository() {
	keys root targets snapshot timestamp
	tuf-init --add-key root=root.pub --add-key targets=targets.pub --add-key snapshot=snapshot.pub --add-key timestamp=timestamp.pub \
		--key root.pem --key targets.pem --key snapshot.pem --key timestamp.pem "$@" m
}

# publish: the snapshot and timestamp of what is in ./m.
publish() {
	tuf-snapshot --key snapshot.pem m && tuf-timestamp --key timestamp.pem m
}

# add NAME TEXT: a target, with its data in ./data.
add() {
	printf %s "$2" >"$1"
	tuf-add --key targets.pem --targets data m/targets.json "$1"
}

# The client NAME, whose directory is ./trusted.NAME: refresh PLACE NAME [OPTION...] and download NAME PLACE [OPTION...] TARGET...
refresh() { tuf-refresh -q --tuf "trusted.$2" --root root.pub --repo "$1" "${@:3}" >/dev/null; }
download() { tuf-download -q --tuf "trusted.$1" --repo "${@:2}"; }

keyid() {
	key-pub --id tuf "$1.pub"
}

# state: what is in ./m, as `FILE:VERSION:SIGNATURES` in order.
state() {
	local file
	for file in m/*.json; do
		printf '%s:%s:%s ' "$(basename "$file" .json)" "$(jq .signed.version "$file")" "$(jq '.signatures | length' "$file")"
	done | sed 's/ $//'
}

# sums: of every file in ./m, to be compared before and after.
sums() {
	find m -type f | sort | xargs sha256sum
}

# verified FILE KEY: openssl agrees that KEY signed what jq and a sorting of keys make of the file's `signed`. Our own canonical JSON has no
# part in it; it serves for metadata without control characters.
verified() {
	jq -jc .signed "$1" >verified.payload
	jq -r --arg id "$(keyid "$2")" '.signatures[] | select(.keyid == $id).sig' "$1" | xxd -r -p >verified.sig
	openssl pkeyutl -verify -rawin -pubin -inkey "$2.pub" -in verified.payload -sigfile verified.sig >/dev/null
}

# is_about TIME SECONDS: within a minute of so many seconds from now.
is_about() {
	local difference=$(($(date -d "$1" +%s) - $(date +%s) - $2))
	((difference > -60 && difference < 60))
}
