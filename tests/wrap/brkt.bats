#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load ../lib
load ../terminal
load ../token

brkt() {
	"$ROOT/share/brkt" "$@"
}
export -f brkt # for on_terminal

setup() {
	in_own_directory
	export TACKLE_BIN=$BIN ROOT
	umask 022
}

@test "brkt:B14 brkt:B15 brkt:B17 brkt:B20 brkt:J5 the seed's sample usage, word for word" {
	on_terminal $'secret pw\nsecret pw' bash -c 'brkt make-key --public-out public.pem > private.pem'
	same $'Passphrase: \nReenter passphrase: ' "${screen%$'\n'}"
	same '0 600 644' "$status $(stat -c %a private.pem public.pem | paste -sd' ')"
	same "$(openssl pkey -in private.pem -passin 'pass:secret pw' -pubout)" "$(cat public.pem)"
	openssl pkey -pubin -in public.pem -noout -text | grep -q 'P-384'
	on_terminal 'secret pw' brkt make-token --signing-key private.pem
	[[ $screen == $'Encrypted private key password: \neyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZC'* ]]
	tail -n 1 <<<"${screen%$'\n'}" | jwt-verify --key public.pem | jq -e '.iss | startswith("brkt-cli-")'
}

@test "brkt:B16 unequal passphrases: nothing on stdout, no public file" {
	on_terminal $'one\ntwo' bash -c 'brkt make-key --public-out public.pem > private.pem'
	same 1 "$status"
	[[ $screen == *'Passphrases do not match'* && ! -s private.pem && ! -e public.pem ]]
	on_terminal $'\n' brkt make-key
	same 1 "$status"
	[[ $screen == *--no-passphrase* ]]
}

@test "brkt:B15 without a terminal passphrases come on stdin, and a warning says so" {
	printf 'pw\npw\n' | setsid -w "$ROOT/share/brkt" make-key >private.pem 2>err
	grep -q '^brkt: warning: .*standard input' err
	openssl pkey -in private.pem -passin pass:pw -noout
	echo pw | setsid -w "$ROOT/share/brkt" make-token --signing-key private.pem 2>err | jwt-decode 2>/dev/null >/dev/null
	grep -q '^brkt: warning: .*standard input' err
	echo pw | setsid -w "$ROOT/share/brkt" get-public-key private.pem 2>/dev/null | openssl pkey -pubin -noout
	brkt make-token --signing-key private.pem --passphrase-fd 7 7< <(echo pw) | grep -q '^ey'
	got=0
	echo wrong | setsid -w "$ROOT/share/brkt" make-token --signing-key private.pem >out 2>err || got=$?
	same '4 0' "$got $(stat -c %s out)"
	grep -q 'Unable to load signing key: ' err
}

@test "brkt:B18 brkt:B21 the public half; keys of another kind" {
	brkt make-key --no-passphrase --public-out public.pem >private.pem
	chmod 600 private.pem
	brkt get-public-key private.pem | cmp - public.pem
	(umask 077 && key-gen --type p256 --no-passphrase -o p256.pem && openssl ecparam -name secp521r1 -genkey -noout >p521.pem && key-gen --type rsa --no-passphrase -o rsa.pem)
	for key in p256 p521 rsa; do
		refuse 1 brkt get-public-key $key.pem
		says 'Signing key must be a 384-bit ECDSA private key (NIST P-384)'
		refuse 1 brkt make-token --signing-key $key.pem
		says 'Signing key must be a 384-bit ECDSA private key (NIST P-384)'
	done
	refuse 1 brkt get-public-key public.pem
	says 'Signing key must be a 384-bit ECDSA private key (NIST P-384)'
	refuse 3 brkt get-public-key missing.pem
	head -c 100 private.pem >cut.pem
	chmod 600 cut.pem
	refuse 6 brkt make-token --signing-key cut.pem
	says 'Unable to load signing key: '
	brkt make-key --traditional --no-passphrase | grep -qx -- '-----BEGIN EC PRIVATE KEY-----'
}

@test "brkt:B19 brkt:B22 brkt:B23 brkt:J6 claims, times, customer" {
	(umask 077 && brkt make-key --no-passphrase >k.pem)
	brkt make-token --signing-key k.pem --claim 'a=b c' --claim "q='\"\$(x)*" --exp 4000000000 --customer 0A1B2C3D-0000-1111-2222-AAAABBBBCCCC >t
	same 1 "$(wc -l <t)"
	part 2 <t | jq -e '.a == "b c" and .q == "'"'"'\"$(x)*" and .exp == 4000000000 and .customer == "0a1b2c3d-0000-1111-2222-aaaabbbbcccc" and
		(.jti | test("^[0-9a-f]{8}$")) and (.iat | type == "number")'
	refuse 1 brkt make-token --signing-key k.pem --claim a
	says 'a is not in the format NAME=VALUE'
	refuse 2 brkt make-token --signing-key k.pem --claim exp=5
	refuse 1 brkt make-token --signing-key k.pem --exp yesterday
	says 'Timestamp "yesterday" must either be'
	refuse 2 brkt make-token
}

@test "brkt:B25 brkt:B9 user data, with the token from an option, a file, the environment or the settings" {
	(umask 077 && brkt make-key --no-passphrase >k.pem && brkt make-token --signing-key k.pem >t)
	brkt make-user-data --token-file t --ntp-server time.example.com >want
	grep -q "\"identity_token\": \"$(cat t)\"" want
	brkt make-user-data --token "$(cat t)" --ntp-server time.example.com | cmp - want
	BRKT_TOKEN=$(cat t) brkt make-user-data --ntp-server=time.example.com | cmp - want
	brkt config set token-file "$PWD/t"
	brkt make-user-data --ntp-server=time.example.com | cmp - want
	refuse 6 brkt make-user-data --token a.b.c
	refuse 1 brkt make-user-data --proxy nowhere
	says 'nowhere is not in host:port format'
}

@test "brkt:B8 settings" {
	brkt config list
	[[ ! -e $HOME/.brkt ]]
	brkt config set service.url https://k.example.com
	brkt config set token-file '/a b=c'
	same '700 600' "$(stat -c %a "$HOME/.brkt" "$HOME/.brkt/config" | paste -sd' ')"
	same 'service.url=https://k.example.com token-file=/a b=c' "$(brkt config list | paste -sd' ')"
	same '/a b=c' "$(brkt config get token-file)"
	brkt config set token-file other
	same other "$(brkt config get token-file)"
	brkt config unset token-file
	same '' "$(brkt config get token-file)"
	same 'service.url=https://k.example.com' "$(brkt config list)"
	same config "$(ls -A "$HOME/.brkt")"
	refuse_plain 1 'Error: unknown option "x".' config get x
	refuse 2 brkt config
	refuse 2 brkt config set service.url
	printf 'environments:\n  default:\n' >"$HOME/.brkt/config"
	refuse 6 brkt config list
	says YAML
}

refuse_plain() { # STATUS TEXT ARGUMENT...: the older system's own words, without a program's name
	local expected=$1 text=$2 got=0
	shift 2
	brkt "$@" >out 2>err || got=$?
	same "$expected $text 0" "$got $(cat err) $(stat -c %s out)"
}

@test "brkt:B1 brkt:B2 brkt:B3 brkt:B7 brkt:C7 general: version, help, usage, what is gone" {
	[[ $(brkt --version) =~ ^brkt-cli\ version\ [0-9.]+$ ]]
	brkt -h | grep -q make-token
	brkt make-key --help | grep -q public-out
	(umask 077 && brkt --no-check-version make-key --no-passphrase >k.pem)
	for where in '-v make-token' 'make-token -v'; do
		# shellcheck disable=SC2086
		brkt $where --signing-key k.pem 2>err >/dev/null
		grep -q "^echo '{}' | jwt-mint .*--key k.pem" err
	done
	refuse 2 brkt
	refuse 2 brkt frobnicate
	refuse 2 brkt make-key --frobnicate
	refuse 2 brkt make-key operand
	for gone in encrypt-vmdk update-vmdk rescue-metavisor; do
		refuse 2 brkt $gone
		says 'is gone'
	done
	refuse 2 brkt --ca-cert=x make-key
	says --service-url
}

@test "brkt:C5 brkt:C1 no secret is in an argument or the environment of a program" {
	is_asan && skip "AddressSanitizer slows strace down"
	(umask 077 && brkt make-key --no-passphrase >k.pem && brkt make-token --signing-key k.pem >t && echo canary-pw >p)
	strace -f -v -s 100000 -e trace=execve -o trace "$ROOT/share/brkt" make-user-data --token "$(cat t)" >/dev/null
	tail -n +2 trace >children # the first is the command line itself, where the older system has it
	[ -s children ]
	run ! grep -qF "$(cat t)" children
	strace -f -v -s 100000 -e trace=execve -o trace "$ROOT/share/brkt" make-key --passphrase-fd 7 7<p >/dev/null
	run ! grep -qF canary-pw trace
}
