#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it reads nothing; keys are parsed in the tests of key-pub
load lib
load terminal
setup() { in_own_directory; }

secret() { # secret FILE TEXT
	(umask 077 && printf '%s\n' "$2" >"$1")
}

@test "brkt:J1 brkt:J3 openssl reads every type and form, and the public halves are equal" {
	secret p 'correct horse'
	for type in ed25519 p256 p384 rsa; do
		key-gen --type $type --no-passphrase --public-out plain.pub >plain.pem
		head -n 1 plain.pem | grep -qx -- '-----BEGIN PRIVATE KEY-----'
		same "$(openssl pkey -in plain.pem -pubout)" "$(cat plain.pub)"
		key-gen --type $type --passphrase-file p --public-out sealed.pub -o sealed.pem
		head -n 1 sealed.pem | grep -qx -- '-----BEGIN ENCRYPTED PRIVATE KEY-----'
		same "$(openssl pkey -in sealed.pem -passin 'pass:correct horse' -pubout)" "$(cat sealed.pub)"
		openssl asn1parse -in sealed.pem | grep -q 'PBES2'
		openssl asn1parse -in sealed.pem | grep -q 'hmacWithSHA256'
		openssl asn1parse -in sealed.pem | grep -q 'aes-256-cbc'
		openssl asn1parse -in sealed.pem | grep -q "INTEGER  *:0927C0" # 600000 rounds
	done
	key-gen --no-passphrase | openssl pkey -noout -text | grep -q ED25519 # the default
	openssl pkey -in plain.pem -noout -text | grep -q '3072 bit'
}

@test "brkt:J1 the traditional form, plain and encrypted, with its warning" {
	secret p pw
	key-gen --type p384 --traditional --no-passphrase >k.pem
	head -n 1 k.pem | grep -qx -- '-----BEGIN EC PRIVATE KEY-----'
	openssl ec -in k.pem -noout
	key-gen --type p256 --traditional --passphrase-file p >k.pem 2>err
	grep -q 'Proc-Type: 4,ENCRYPTED' k.pem
	grep -q 'DEK-Info: AES-256-CBC' k.pem
	grep -q 'key-gen: warning: .*MD5' err
	openssl ec -in k.pem -passin pass:pw -noout
	refuse 2 key-gen --traditional --no-passphrase
}

@test "brkt:T12 brkt:B14 stdout is the key alone, with one newline at its end and no prompt" {
	for form in '' --traditional; do
		key-gen --type p384 --no-passphrase $form >k.pem
		same '-----BEGIN -----END' "$(sed -n '1s/ .*//p; $s/ .*//p' k.pem | paste -sd' ')"
		same '2d 0a' "$(tail -c 2 k.pem | xxd -p | sed 's/../& /; s/ $//')"
		same 0 "$(grep -c '^$' k.pem)"
	done
}

@test "brkt:C6 dtuf:K3 private files are 0600 under any umask, also on stdout; public ones follow it" {
	umask 000
	key-gen --no-passphrase >a.pem
	key-gen --no-passphrase -o b.pem --public-out b.pub
	same '600 600' "$(stat -c %a a.pem b.pem | paste -sd' ')"
	same 644 "$(stat -c %a b.pub)"
	umask 077
	key-gen --no-passphrase -o c.pem --public-out c.pub
	same '600 600' "$(stat -c %a c.pem c.pub | paste -sd' ')"
}

@test "the passphrase comes from a file or a descriptor, never silently from nowhere" {
	secret p pw
	key-gen --passphrase-fd 9 9<p | openssl pkey -passin pass:pw -noout
	PIPED=1 refuse 2 setsid key-gen
	says 'no terminal' 'by a descriptor'
	refuse 2 key-gen --no-passphrase --passphrase-file p
	refuse 2 key-gen --passphrase-fd 9 --passphrase-file p 9<p
	secret empty ''
	refuse 1 key-gen --passphrase-file empty
	chmod 644 p
	refuse 1 key-gen --passphrase-file p
	says "chmod 600 'p'"
	refuse 3 key-gen --passphrase-file missing
	key-gen --passphrase-fd 9 --confirm 9< <(printf 'pw\npw\n') | openssl pkey -passin pass:pw -noout
	refuse 1 key-gen --passphrase-fd 9 --confirm 9< <(printf 'pw\n')
	says 'Passphrases do not match'
	refuse 1 key-gen --passphrase-fd 9 --confirm 9< <(printf '\n\n')
	says '--no-passphrase'
	refuse 2 key-gen --confirm --no-passphrase
	refuse 2 key-gen --type dsa --no-passphrase
}

@test "brkt:B15 brkt:B16 on a terminal it asks twice without echo; unequal answers are refused" {
	on_terminal $'pw one\npw one' key-gen -o k.pem
	same $'Passphrase: \nReenter passphrase: \n0' "$screen$status"
	openssl pkey -in k.pem -passin 'pass:pw one' -noout
	rm k.pem
	on_terminal $'one\ntwo' key-gen -o k.pem --public-out k.pub
	same 1 "$status"
	[[ $screen == *'Passphrases do not match'* ]]
	[[ ! -e k.pem && ! -e k.pub ]]
}

@test "brkt:B17 an output that cannot be written leaves neither file" {
	refuse 8 key-gen --no-passphrase --public-out no/such/dir.pub
	says "Unable to write to no/such/dir.pub: "
	refuse 3 key-gen --no-passphrase --public-out k.pub -o no/such/dir.pem
	[[ ! -e k.pub ]]
	got=0
	key-gen --no-passphrase --public-out k.pub >/dev/full 2>err || got=$?
	same '8 key-gen: stdout: cannot write: No space left on device' "$got $(cat err)"
	[[ ! -e k.pub ]]
}

@test "dtuf:K13 no core file and no tracer while a private key is in memory" {
	is_asan && skip "AddressSanitizer's leak checker needs to trace"
	strace -f -e trace=prctl,prlimit64 key-gen --no-passphrase 2>&1 >/dev/null | grep -q 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE'
	strace -f -e trace=prctl,prlimit64,setrlimit key-gen --no-passphrase 2>&1 >/dev/null | grep -q 'RLIMIT_CORE, {rlim_cur=0, rlim_max=0}'
}
