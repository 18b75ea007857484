#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: every program that runs here has tests of its own there
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

# A transcript as a document shows it: commands behind `$ `, and under each what the terminal shows, where `...` stands for the rest.
transcript() {
	local line command='' expected=''
	while IFS= read -r line; do
		case $line in
		'$ '*) play "$command" "$expected" && command=${line#'$ '} expected='' ;;
		*) expected+=${line//.../*}$'\n' ;;
		esac
	done
	play "$command" "$expected"
}

play() { # play COMMAND EXPECTED: each question gets the same answer
	[[ -n $1 ]] || return 0
	on_terminal $'secret pw\nsecret pw' bash -c "$1"
	screen=$(sed 's/ *$//' <<<"$screen")
	# shellcheck disable=SC2053 # a pattern
	[[ $status == 0 && $screen == ${2%%+($'\n')} ]] || {
		printf '$ %s\nstatus %s\nexpected: %s\nshown: %s\n' "$1" "$status" "$2" "$screen" >&2
		return 1
	}
}

@test "brkt:V1 brkt:C2 the seed's sample usage as a transcript; then the steps of its section on authentication" {
	shopt -s extglob
	transcript <<-'END'
		$ brkt make-key --public-out public.pem > private.pem
		Passphrase:
		Reenter passphrase:

		$ brkt make-token --signing-key private.pem
		Encrypted private key password:
		eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZC...
	END
	# 1. is above. 2. The public key is registered as a JWK. 3. The private key is passed to make-token. 4. The token is passed by --token.
	jwk --set public.pem >registered.json
	brkt make-token --signing-key private.pem --passphrase-fd 7 7<<<'secret pw' >token
	jwt-verify --key registered.json <token | jq -e '.iss and .iat and .jti'
	brkt make-user-data --token "$(cat token)" | grep -qF "{\"brkt\": {\"identity_token\": \"$(cat token)\"}}"
}

@test "brkt:B15 brkt:B6 brkt:C3 brkt:C4 interrupted at the question: echo is back, it says so, and dies by the signal" {
	on_terminal $'\003' bash -c 'trap : INT; brkt make-key --public-out public.pem >private.pem; echo "status $?"; stty -a'
	[[ $screen == *$'\n'[0-2][0-9]:[0-5][0-9]:[0-5][0-9]' Interrupted by user'* && $screen == *'status 130'* && $screen == *' echo '* ]]
	[[ ! -s private.pem && ! -e public.pem ]]
	(umask 077 && echo pw >p && brkt make-key --passphrase-fd 7 7<p >k.pem)
	on_terminal $'\003' bash -c 'trap : INT; brkt make-token --signing-key k.pem; echo "status $?"; stty -a'
	[[ $screen == *'Interrupted by user'* && $screen == *'status 130'* && $screen == *' echo '* ]]
	mkfifo fifo
	"$ROOT/share/brkt" make-token --signing-key fifo 2>err &
	pid=$!
	exec {held}>fifo # it has opened the key, and waits for it
	kill -TERM $pid
	exec {held}>&-
	got=0
	wait $pid || got=$?
	same 143 "$got"
	grep -qx '[0-9:]\{8\} Interrupted by user' err
}

@test "brkt:B15 brkt:B6 brkt:X15 a service manager's SIGTERM at the question: echo is back, no program is left behind" {
	(umask 077 && brkt make-key --passphrase-fd 9 9<<<$'pw\npw' >k.pem)
	for words in 'make-key' 'make-token --signing-key k.pem' 'get-public-key k.pem'; do
		# The question stands there once echo is off. What is stopped is brkt alone, not the terminal's other programs.
		export words ROOT
		QUESTION=never on_terminal '' bash -c '"$ROOT/share/brkt" $words & until stty -a <&2 | grep -q " -echo "; do sleep 0.05; done
			children=$(cat /proc/$!/task/$!/children)
			kill -TERM $!; wait $!; echo "status $?"
			for child in $children; do [ ! -e /proc/$child ] || echo "left: $child"; done
			stty -a'
		[[ $screen == *'Interrupted by user'* && $screen == *'status 143'* && $screen == *' echo '* && $screen != *left:* ]] || { echo "$screen" >&2; false; }
	done
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

@test "brkt:B15 brkt:J2 without a terminal: what only says ENCRYPTED is not, and a key comes through a pipe" {
	(umask 077 && brkt make-key --no-passphrase >k.pem)
	{ echo 'not ENCRYPTED'; cat k.pem; } >text.pem
	chmod 600 text.pem
	setsid -w "$ROOT/share/brkt" make-token --signing-key text.pem 2>err | grep -q ^ey
	same '' "$(cat err)"
	mkfifo fifo
	cat k.pem >fifo &
	setsid -w "$ROOT/share/brkt" make-token --signing-key fifo 2>err | grep -q ^ey
	echo pw | setsid -w "$ROOT/share/brkt" make-key --traditional --passphrase-fd 0 >old.pem 2>/dev/null
	echo pw | setsid -w "$ROOT/share/brkt" get-public-key old.pem 2>/dev/null | grep -q 'BEGIN PUBLIC KEY'
}

@test "brkt:B17 brkt:B18 brkt:B21 the public half; keys of another kind" {
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
	brkt make-key --no-passphrase --public-out no/dir/x.pem >out 2>err || got=$?
	same '8 0' "$got $(stat -c %s out)"
	grep -q '^brkt: Unable to write to no/dir/x.pem: ' err
	echo garbage >garbage
	for damaged in garbage cut.pem; do
		refuse 6 brkt get-public-key $damaged
	done
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
	(umask 077 && brkt --no-check-version make-key --no-passphrase >k.pem)
	refuse 2 brkt
	refuse 2 brkt frobnicate
	says "unknown command 'frobnicate'" 'usage: brkt'
	refuse 2 brkt make-key --frobnicate
	says 'usage: brkt make-key'
	refuse 2 brkt make-key operand
	refuse 2 brkt make-key --version
	refuse 2 brkt make-token --signing-key
	says 'needs an argument'
	for gone in encrypt-vmdk update-vmdk rescue-metavisor share-logs; do
		refuse 2 brkt $gone
		says "brkt: $gone is gone: "
		same 1 "$(wc -l <<<"$message")"
	done
	for option in --brkt-env --service-domain --ca-cert; do
		refuse 2 brkt $option=x make-key
		says service.url service.key
		refuse 2 brkt make-key $option x
	done
}

@test "brkt:B3 commands of the older system that there are not yet are unknown, in both spellings" {
	while read -r words; do
		refuse 2 brkt $words
		says 'unknown command' 'usage: brkt'
	done <<-'END'
		encrypt-ami --region us-west-2 ami-9025e1f0
		aws encrypt --region us-west-2 ami-9025e1f0
		update-encrypted-ami ami-9025e1f0
		aws update ami-9025e1f0
		encrypt-gce-image image
		gcp encrypt image
		update-gce-image image
		gcp update image
		launch-gce-image image
		gcp launch image
		diag
	END
}

@test "brkt:B1 help is on stdout, at most 80 columns, names every option of the manual, and fails on a full disk" {
	for words in -h --help 'make-key -h' 'make-key --help' 'get-public-key -h' 'make-token --help' 'make-user-data -h' 'config --help'; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr brkt $words
		same '0 ' "$status $stderr"
		[[ $output == 'usage: brkt '* ]]
		same 0 "$(wc -L <<<"$output" | awk '{ print ($1 > 80) }')"
		# shellcheck disable=SC2086
		run -8 bash -c 'brkt "$@" >/dev/full' - $words
	done
	run -8 bash -c 'brkt --version >/dev/full'
	for verb in make-key get-public-key make-token make-user-data config; do
		brkt --help | grep -q "^  $verb "
		brkt $verb --help | grep -oE -- '--[a-z-]+' | sort -u | while read -r option; do
			mandoc -T ascii "$ROOT/man/brkt.1" | col -b | grep -q -e "$option"
		done
	done
}

@test "brkt:C1 brkt:B1 -v prints every pipeline, before and behind the command; typed again it does the same" {
	(umask 077 && brkt make-key --no-passphrase >k.pem && brkt make-token --signing-key k.pem >t)
	for where in '-v make-token' 'make-token -v' '--verbose make-token' 'make-token --verbose'; do
		# shellcheck disable=SC2086
		brkt $where --signing-key k.pem --claim "a=it's; x" 2>err >/dev/null
		same 1 "$(wc -l <err)"
		sh err | jwt-verify --key k.pem | jq -e '.a == "it'"'"'s; x" and (.iss | startswith("brkt-cli-"))'
	done
	brkt -v get-public-key k.pem 2>err >want
	sh err | cmp - want
	brkt make-user-data -v --token-file t --ntp-server n.example.com 2>err >want
	sh err | cmp - want
	brkt make-user-data -v --token "$(cat t)" 2>err >want
	run ! grep -qF "$(cat t)" err
	sh err 3<t | cmp - want
	brkt -v make-key --no-passphrase --public-out p.pem 2>err >/dev/null
	rm p.pem
	sh err >k2.pem
	openssl pkey -in k2.pem -pubout | cmp - p.pem
}

@test "brkt:B8 brkt:X15 settings without a home, on a full disk; commands with few descriptors and closed ones" {
	(
		unset HOME
		refuse 8 brkt config set service.url x
		refuse 8 brkt config list
		brkt make-user-data | grep -qF '{"brkt": {}}'
	)
	brkt config set service.url x
	run -8 bash -c 'brkt config list >/dev/full'
	run -8 bash -c 'brkt config get service.url >/dev/full'
	(umask 077 && brkt make-key --no-passphrase >k.pem)
	(ulimit -n 32 && brkt make-token --signing-key k.pem </dev/null | grep -q ^ey)
	run -8 bash -c 'brkt make-token --signing-key k.pem >/dev/full'
	run -8 bash -c 'brkt make-token --signing-key k.pem >&-'
	run -8 bash -c 'brkt make-key --no-passphrase >/dev/full'
	run -8 bash -c 'brkt get-public-key k.pem >/dev/full'
	run -8 bash -c 'brkt make-user-data >/dev/full'
	brkt make-token --signing-key k.pem <&- | grep -q ^ey
	brkt make-key --no-passphrase <&- | grep -q BEGIN
	umask 000
	brkt make-key --no-passphrase >open.pem
	brkt config set token-file x
	same '600 600' "$(stat -c %a open.pem "$HOME/.brkt/config" | paste -sd' ')"
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
