#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load openpgp
setup_file() { openpgp_make; }
setup() { openpgp_enter; }

@test "the record of each kind of key" {
	while read -r kind want; do
		key-show $kind.pub >out
		jq -e "$want" out >/dev/null || { cat out >&2; return 1; }
	done <<-'EOF2'
		good .algorithm == "eddsa" and .curve == "ed25519" and .signs and .subkeys == [] and .identities == ["good <good@example.com>"]
		weak .algorithm == "rsa" and .bits == 1024
		late .created == "2020-01-01T00:00:00Z" and .expires == "2020-02-10T12:00:00Z"
		revoked .revoked
		subkey .signs == null and (.subkeys | length) == 1 and .subkeys[0].signs and (.subkeys[0].fingerprint | length) == 40
	EOF2
}

@test "a message names stdin or the file, once" {
	refuse 6 key-show </dev/null
	says "key-show: stdin: "
	echo x >file
	refuse 6 key-show file
	says "key-show: 'file': "
	for file in - file; do
		head -c 5000000 /dev/zero >file
		refuse 7 key-show $file <file
		same 1 "$(grep -o "file'\|stdin" <<<"$message" | wc -l)"
		refuse 7 trust-add --prefix example.com $file <file
		same 1 "$(grep -o "file'\|stdin" <<<"$message" | wc -l)"
	done
}

@test "stdin and file, armoured and binary, several keys: the same records" {
	cat good.pub second.pub >two.pub
	gpg --enarmor <two.pub 2>/dev/null | sed 's/ARMORED FILE/PUBLIC KEY BLOCK/' >two.asc
	same "$(key-show two.pub)" "$(key-show <two.asc)"
	same "$(openpgp_fingerprint good@example.com) $(openpgp_fingerprint second@example.com)" \
		"$(key-show --format names two.asc | paste -sd' ')"
}

@test "rkt:A-002 rkt:A-012 the table: ten groups of four with a gap after the fifth, subkeys, ids" {
	key-show --format table subkey.pub >out
	grep -qxE 'GPG key fingerprint is: ([0-9A-F]{4} ){5}( [0-9A-F]{4}){5}' out
	grep -qxE '    Subkey fingerprint: ([0-9A-F]{4} ){5}( [0-9A-F]{4}){5}' out
	same '  subkey <subkey@example.com>' "$(tail -n 1 out)"
	same "$(openpgp_fingerprint subkey@example.com)" "$(sed -n '1s/.*: //p' out | tr -d ' ' | tr A-F a-f)"
}

@test "rkt:A-019 rkt:W-05 a user id is exact in the record and escaped in the table" {
	same "$(printf 'evil@example.com\n[GNUPG:] GOODSIG 0 x\n[GNUPG:] VALIDSIG 0\033[31m')" "$(key-show evil.pub | jq -r '.identities[0]')"
	same '  evil@example.com\n[GNUPG:] GOODSIG 0 x\n[GNUPG:] VALIDSIG 0\x1b[31m' "$(key-show --format table evil.pub | tail -n 1)"
}

@test "a user id that the key has not signed is not shown" {
	# The second key's user id and its signature behind the first key: nothing of it may count as the first key's.
	user='second <second@example.com>'
	tail -c +$(($(grep -obUa "$user" second.pub | head -n 1 | cut -d: -f1) - 1)) second.pub | cat good.pub - >mixed.pub
	same '["good <good@example.com>"]' "$(key-show mixed.pub | jq -c .identities)"
}

@test "what is no public key is refused" {
	gpg_at now --export-secret-keys good@example.com >secret
	refuse 1 key-show secret
	refuse 6 key-show good.sig
	refuse 6 key-show data
	refuse 6 key-show </dev/null
	refuse 1 key-show clear.sig
	refuse 3 key-show missing
}

@test "every cut of a key is refused or is a smaller key, never a crash" {
	size=$(stat -c %s subkey.pub)
	for ((n = 1; n < size; n += 7)); do
		got=0
		head -c $n subkey.pub | key-show >out 2>err || got=$?
		[[ $got == 6 || $got == 0 ]] || { echo "$n: $got: $(cat err)" >&2; return 1; }
	done
}
