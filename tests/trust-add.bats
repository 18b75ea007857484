#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load openpgp
setup_file() { openpgp_make; }
setup() { openpgp_enter; }

@test "rkt:A-003 a key lands under its prefix and fingerprint, the bytes as they came, readable by all" {
	umask 077
	gpg --enarmor <good.pub 2>/dev/null | sed 's/ARMORED FILE/PUBLIC KEY BLOCK/' >key.asc
	for source in good.pub key.asc; do
		rm -rf trust
		trust-add --prefix example.com/app <$source >out
		path=trust/trustedkeys/prefix.d/example.com/app/$good
		same "$PWD/$path" "$(jq -r .path out)"
		cmp $source $path
		same "644 755 755 755" "$(stat -c %a $path ${path%/*} trust/trustedkeys trust | paste -sd' ')"
	done
}

@test "rkt:A-013 the record: fingerprint, identities, times, algorithm, prefix; and verify-sig trusts it at once" {
	trust-add --prefix example.com subkey.pub >out
	jq -e --arg f "$(openpgp_fingerprint subkey@example.com)" '.kind == "key" and .fingerprint == $f and .prefix == "example.com" and
		.identities == ["subkey <subkey@example.com>"] and (.subkeys | length) == 1 and .algorithm == "eddsa" and
		(.created | test("^20.*Z$")) and .expires == null' out
	record example.com/a data subkey.sig | verify-sig >/dev/null
}

@test "rkt:A-060 --root stores for every image" {
	trust-add --root good.pub | jq -e '.prefix == null'
	[ -e "trust/trustedkeys/root.d/$good" ]
	record any/name data good.sig | verify-sig >/dev/null
}

@test "rkt:A-009 a domain is a prefix: itself and below, no subdomain" {
	trust-add --prefix example.com good.pub >/dev/null
	record example.com data good.sig | verify-sig >/dev/null
	refuse 1 verify-sig < <(record sub.example.com data good.sig)
}

@test "rkt:A-012 several keys in one file: each under its own name, all or none" {
	cat good.pub second.pub subkey.pub >all.pub
	trust-add --prefix example.com all.pub >out
	same '3 3' "$(jq -r .of out | head -n 1) $(wc -l <out)"
	for key in good second subkey; do
		cmp $key.pub "trust/trustedkeys/prefix.d/example.com/$(openpgp_fingerprint $key@example.com)"
		record example.com/a data $key.sig | verify-sig >/dev/null
	done
	rm -rf trust
	head -c 100 second.pub | cat good.pub - >cut.pub
	refuse 6 trust-add --prefix example.com cut.pub
	same "" "$(find trust -type f 2>/dev/null)"
}

@test "all or none when a name cannot be given: what was new goes again" {
	mkdir -p "trust/trustedkeys/prefix.d/example.com/$second"
	cat good.pub second.pub subkey.pub >all.pub
	refuse 8 trust-add --prefix example.com all.pub
	same "" "$(find trust -type f)"
}

@test "rkt:A-019 twice is once: 0, one file, and a renewed key replaces the old file" {
	for _ in 1 2; do
		trust-add --prefix example.com good.pub >/dev/null
	done
	same 1 "$(find trust -type f | wc -l)"
	gpg --enarmor <good.pub 2>/dev/null | sed 's/ARMORED FILE/PUBLIC KEY BLOCK/' >key.asc
	trust-add --prefix example.com key.asc >/dev/null
	cmp key.asc "$(find trust -type f)"
}

@test "rkt:A-010 rkt:A-011 rkt:A-062 for whom: exactly one of --prefix and --root, and a prefix that is one" {
	refuse 2 trust-add --prefix a --root good.pub
	says '--root and --prefix usage mutually exclusive'
	refuse 2 trust-add good.pub
	says unbounded --prefix --root
	refuse 2 trust-add --prefix https://example.com good.pub
	says '--prefix must not contain a URL scheme, omit https://'
	for p in '' . .. ../x /a a/ a//b A a/../b $'a\n' 'a b' '$(x)' -n; do
		refuse 2 trust-add --prefix "$p" good.pub
	done
	[ ! -e trust ]
}

@test "-n writes the record and stores nothing" {
	trust-add -n --prefix example.com good.pub | jq -e --arg p "$PWD/trust/trustedkeys/prefix.d/example.com/$good" '.path == $p'
	[ ! -e trust ]
}

@test "the last trust directory is the one written to" {
	trust-add --trust vendor --trust local --prefix example.com good.pub >/dev/null
	[ ! -e vendor ]
	[ -e "local/trustedkeys/prefix.d/example.com/$good" ]
}

@test "no key, broken, empty, secret, or not there" {
	refuse 6 trust-add --prefix a </dev/null
	refuse 6 trust-add --prefix a <data
	refuse 6 trust-add --prefix a good.sig
	refuse 6 trust-add --prefix a < <(head -c 40 good.pub)
	refuse 3 trust-add --prefix a missing
	gpg_at now --export-secret-keys good@example.com >secret
	refuse 1 trust-add --prefix a secret
	says 'a secret key'
	head -c 5000000 /dev/zero | tr '\0' '\231' >huge
	refuse 7 trust-add --prefix a huge
	same "" "$(find trust -type f 2>/dev/null)"
}

@test "rkt:V-06 a trust directory that others may write, or a symlink on the way, is refused" {
	mkdir -p trust/trustedkeys/prefix.d/example.com elsewhere
	chmod o+w trust/trustedkeys
	refuse 1 trust-add --prefix example.com good.pub
	chmod o-w trust/trustedkeys
	rmdir trust/trustedkeys/prefix.d/example.com
	ln -s "$PWD/elsewhere" trust/trustedkeys/prefix.d/example.com
	refuse 1 trust-add --prefix example.com/app good.pub
	same "" "$(ls elsewhere)"
}

@test "a key that is revoked is told" {
	run --separate-stderr trust-add --prefix example.com revoked.pub
	same 0 "$status"
	[[ $stderr == *revoked* ]]
}
