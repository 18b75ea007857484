#!/usr/bin/env bats
# rkt trust: the dialogues of the seed, and every way to say which key is trusted for what.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: every program that runs here has tests of its own there
load ../terminal
load world
web_inside
setup_file() {
	world_make
	fixture_key "$FIXTURE/gpg2" $'Second \e[31mKey <second@example.com>' >"$FIXTURE/key2.asc"
}

# The page of NAME points to the key for PREFIX, and the key is served.
key_page() { # NAME PREFIX [KEY]
	web_page "${1%%/*}" "$([[ $1 == */* ]] && echo "${1#*/}")" "<meta name=\"ac-discovery-pubkeys\" content=\"$2 $KEYS\">"
	mkdir -p "$WEB/coreos.com/dist/pubkeys"
	cp "${3:-key.asc}" "$WEB/coreos.com/dist/pubkeys/aci-pubkeys.gpg"
}

shown_fingerprint() { # in ten groups of four, upper case, two blanks in the middle
	local groups
	groups=$(sed 's/..../& /g; s/ $//' <<<"${FINGERPRINT^^}")
	echo "${groups:0:24} ${groups:24}"
}

question() { # KEY ANSWER [PREFIX]
	cat <<-END
		Prefix: "${3:-coreos.com/etcd}"
		Key: "$1"
		GPG key fingerprint is: $(shown_fingerprint)
		  Hello Signer <signer@example.com>
		Are you sure you want to trust this key (yes/no)? $2
	END
}

dialogue() { # KEY [PREFIX]: the whole of one that ends well
	local prefix=${2:-coreos.com/etcd}
	question "$1" yes "$prefix"
	cat <<-END
		Trusting "$1" for prefix "$prefix".
		Added key for prefix "$prefix" at "$PWD/etc/trustedkeys/prefix.d/$prefix/$FINGERPRINT"
	END
}

nothing_is_trusted() {
	same "" "$(find etc -type f)"
}

@test "rkt:A-001 rkt:A-002 rkt:A-003 the seed's dialogue: a key found by discovery" {
	key_page coreos.com/etcd coreos.com/etcd
	on_terminal yes rkt trust --prefix coreos.com/etcd
	same "$(dialogue "$KEYS")" "${screen%$'\n'}"
	same 0 "$status"
	stored=etc/trustedkeys/prefix.d/coreos.com/etcd/$FINGERPRINT
	cmp key.asc "$stored"
	same '644 755 755 755 755' "$(stat -c %a "$stored" etc/trustedkeys{,/prefix.d{,/coreos.com{,/etcd}}} | head -n 5 | paste -sd' ')"
}

@test "rkt:A-001 the other example of the seed, --prefix storage.coreos.com" {
	key_page storage.coreos.com storage.coreos.com
	on_terminal yes rkt trust --prefix=storage.coreos.com
	same "$(dialogue "$KEYS" storage.coreos.com)" "${screen%$'\n'}"
}

@test "rkt:A-006 the seed's message when discovery finds no key" {
	run -3 --separate-stderr rkt trust --prefix coreos.com
	same 'Error determining key location: --prefix meta discovery error: found no ACI meta tags' "$stderr"
	same "" "$output"
	nothing_is_trusted
}

@test "rkt:A-007 a key from a URL, and from a file" {
	key_page coreos.com/etcd coreos.com/etcd
	on_terminal yes rkt trust --prefix coreos.com/etcd "$KEYS"
	same "$(dialogue "$KEYS")" "${screen%$'\n'}"
	same 1 "$(web_asked)"
	rm -r etc/*
	on_terminal yes rkt trust --prefix coreos.com/etcd "$PWD/key.asc"
	same "$(dialogue "$PWD/key.asc")" "${screen%$'\n'}"
	same 0 "$status"
}

@test "rkt:A-004 only yes and no are answers" {
	on_terminal $'y\n\nYES\nyes' rkt trust --prefix coreos.com/etcd "$PWD/key.asc"
	same 3 "$(grep -c "^Please enter 'yes' or 'no'$" <<<"$screen")"
	same 0 "$status"
	[ -e "etc/trustedkeys/prefix.d/coreos.com/etcd/$FINGERPRINT" ]
}

@test "rkt:A-005 no is respected; rkt:A-004 the end of input is no" {
	for answer in no ''; do
		on_terminal "$answer" rkt trust --prefix coreos.com/etcd "$PWD/key.asc"
		same "Not trusting \"$PWD/key.asc\"" "$(printf %s "$screen" | tail -n 1)"
		same 1 "$status"
		nothing_is_trusted
	done
}

@test "rkt:A-018 without a terminal the key is shown and not stored; a flag takes the place of the question" {
	run -1 --separate-stderr rkt trust --prefix coreos.com/etcd key.asc <<<yes
	[[ $stderr == *"GPG key fingerprint is: $(shown_fingerprint)"*--skip-fingerprint-review* ]]
	[[ $stderr != *'(yes/no)'* ]]
	same "" "$output"
	nothing_is_trusted
	run -0 --separate-stderr rkt trust --skip-fingerprint-review --prefix coreos.com/etcd key.asc </dev/null
	[[ $stderr == *'Trusting "key.asc" for prefix "coreos.com/etcd" without fingerprint review.'* ]]
	same "" "$output"
	cmp key.asc "etc/trustedkeys/prefix.d/coreos.com/etcd/$FINGERPRINT"
}

@test "rkt:A-008 a key over plain http, or by a redirect there, is refused unless asked for" {
	key_page coreos.com/etcd coreos.com/etcd
	web_rules coreos.com 'location = /away { return 302 http://example.com/key; }'
	cp key.asc "$WEB/example.com/key"
	for url in http://coreos.com/dist/pubkeys/aci-pubkeys.gpg https://coreos.com/away; do
		run -1 --separate-stderr rkt trust --skip-fingerprint-review --prefix coreos.com/etcd "$url"
		same 0 "$(web_asked pubkeys)"
		nothing_is_trusted
	done
	for switch in --insecure-allow-http --insecure-options=pubkey,http; do
		run -0 --separate-stderr rkt trust "$switch" --skip-fingerprint-review --prefix coreos.com/etcd http://coreos.com/dist/pubkeys/aci-pubkeys.gpg
		[[ $stderr == *warning* ]]
		rm -r etc/trustedkeys
	done
}

@test "rkt:A-009 the seed's --root DOMAIN: the keys of the domain, for the domain" {
	key_page coreos.com coreos.com
	on_terminal yes rkt trust --root coreos.com
	same "$(dialogue "$KEYS" coreos.com)" "${screen%$'\n'}"
}

@test "rkt:A-060 --root with a file or URL: every image, and it says so before it asks" {
	key_page coreos.com coreos.com
	for key in "$PWD/key.asc" ./key.asc "$KEYS"; do
		on_terminal yes rkt trust --root "$key"
		same "Added root key at \"$PWD/etc/trustedkeys/root.d/$FINGERPRINT\"" "$(printf %s "$screen" | tail -n 1)"
		[[ ${screen%%Are you sure*} == *'for ALL images'* ]]
		cmp key.asc "etc/trustedkeys/root.d/$FINGERPRINT"
		rm -r etc/trustedkeys
	done
}

@test "rkt:A-061 --root NAME where a file NAME lies: says how to tell them apart" {
	cp key.asc coreos.com
	run -2 --separate-stderr rkt trust --root coreos.com
	[[ $stderr == *./coreos.com* ]]
	run -2 --separate-stderr rkt trust --root
	run -2 --separate-stderr rkt trust --root 'Key File'
	nothing_is_trusted
}

@test "rkt:A-062 rkt:A-010 rkt:A-011 a trust without bounds, with two, or with a URL for a prefix is refused" {
	run -2 --separate-stderr rkt trust key.asc
	[[ $stderr == *unbounded*--prefix*--root* ]]
	run -2 --separate-stderr rkt trust
	run -2 --separate-stderr rkt trust --root coreos.com --prefix coreos.com
	[[ $stderr == *'--root and --prefix usage mutually exclusive'* ]]
	run -2 --separate-stderr rkt trust --prefix https://coreos.com
	[[ $stderr == *'--prefix must not contain a URL scheme, omit https://'* ]]
	for prefix in '' Coreos.com coreos.com/ ../x 'a b' $'a\n' '*'; do
		run -2 --separate-stderr rkt trust --prefix "$prefix" key.asc
	done
	nothing_is_trusted
}

@test "rkt:A-012 several keys in one file: all are shown, then one question, all or none" {
	cat key.asc "$FIXTURE/key2.asc" >both.asc
	on_terminal no rkt trust --prefix example.com both.asc
	same 2 "$(grep -c '^GPG key fingerprint is: ' <<<"$screen")"
	same 1 "$(grep -c 'yes/no' <<<"$screen")"
	nothing_is_trusted
	on_terminal yes rkt trust --prefix example.com both.asc
	same 2 "$(find etc -type f | wc -l)"
	same 2 "$(grep -c '^Added key for prefix "example.com" at "' <<<"$screen")"
}

@test "rkt:A-019 trusting a key again is no error; a user id cannot steer the terminal" {
	for _ in 1 2; do
		run -0 --separate-stderr rkt trust --skip-fingerprint-review --prefix example.com "$FIXTURE/key2.asc"
		[[ $stderr == *'  Second \x1b[31mKey <second@example.com>'* ]]
		same 1 "$(find etc -type f | wc -l)"
	done
}

@test "what is no public key is refused, whatever is answered" {
	echo 'not a key' >x
	gpg --homedir "$FIXTURE/gpg" --batch --armor --export-secret-keys >secret 2>/dev/null
	gpgconf --homedir "$FIXTURE/gpg" --kill gpg-agent
	run -6 --separate-stderr rkt trust --skip-fingerprint-review --prefix example.com x
	run -1 --separate-stderr rkt trust --skip-fingerprint-review --prefix example.com secret
	run -3 --separate-stderr rkt trust --skip-fingerprint-review --prefix example.com gone
	[[ $stderr == rkt:* ]]
	nothing_is_trusted
}
