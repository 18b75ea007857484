#!/usr/bin/env bats
# Passphrases, private keys and tokens that are canaries: looked for wherever they must not be while every program and every command that
# handles one runs, well and badly.
# SPDX-License-Identifier: Apache-2.0
# asan: no: what a process shows to others is the same there, and slower to watch
load lib
load terminal

brkt() {
	"$ROOT/share/brkt" "$@"
}
export -f brkt # for on_terminal

setup() {
	in_own_directory
	export TACKLE_BIN=$BIN ROOT TMPDIR=$PWD/tmp
	umask 077
	mkdir tmp
	passphrase=canary-passphrase-$RANDOM$RANDOM
	echo $passphrase >p
	key-gen --type p384 --no-passphrase --public-out pub.pem -o k.pem
	key-gen --type p384 --passphrase-file p -o sealed.pem
	jwt-mint --key k.pem <<<'{"jti":"canary"}' >token
	{
		echo $passphrase
		sed -n 2p k.pem                                                                       # base64 of the private key
		openssl pkey -in k.pem -outform DER | xxd -p -c 999 | cut -c100-140                  # and in hex
		cut -d. -f3 token
	} >canaries
	jq -R . canaries >/dev/null
}

# Every way to bring a secret in, and to go wrong with one.
everything() {
	key-gen --type p384 --passphrase-file p >made.pem
	key-gen --type p384 --passphrase-fd 7 -o made.pem --public-out made.pub 7<p
	key-gen --type p256 --traditional --passphrase-file p >made.pem
	key-pub --passphrase-file p sealed.pem
	key-pub k.pem
	jwk k.pem
	jwt-mint --key k.pem <<<'{"jti":"canary"}' >minted
	jwt-mint --key sealed.pem --passphrase-fd 7 7<p <<<'{}'
	jwt-verify --key pub.pem <token
	jwt-decode <token
	userdata-make --token-file token
	brkt make-key --passphrase-fd 7 --public-out made.pub 7<p >made.pem
	setsid -w "$ROOT/share/brkt" make-key < <(cat p p) >made.pem
	brkt get-public-key k.pem
	setsid -w "$ROOT/share/brkt" get-public-key sealed.pem <p
	brkt -v make-token --signing-key k.pem
	brkt make-token --signing-key sealed.pem --passphrase-fd 7 7<p
	setsid -w "$ROOT/share/brkt" make-token --signing-key sealed.pem <p
	brkt -v make-user-data --token-file token
	# badly
	key-gen --passphrase-file p --confirm
	key-gen --passphrase-file p -o no/dir/k.pem
	key-gen --passphrase-file p >/dev/full
	key-pub --passphrase-file token sealed.pem
	key-pub --passphrase-file p cut.pem
	key-pub --type rsa k.pem
	jwk twice.pem
	jwk cut.pem
	jwt-mint --key cut.pem <<<'{}'
	jwt-mint --key wide.pem <<<'{}'
	jwt-mint --key k.pem <<<"{\"p\":\"$passphrase\""
	jwt-mint --key k.pem <<<"{\"$passphrase\":1,\"$passphrase\":2}"
	jwt-mint --key k.pem >/dev/full <<<'{}'
	jwt-verify --key pub.pem < <(cut -c2- token)
	jwt-verify --key pub.pem < <(printf %s "$(cat token)")
	jwt-verify --key pub.pem --aud x <token
	jwt-decode < <(cut -d. -f2,3 token)
	userdata-make --token-file cut.token
	userdata-make --token-file wide.token
	brkt make-token --signing-key cut.pem
	brkt make-token --signing-key p
	brkt make-user-data --token-file cut.token
}

hits() { # hits FILE...: the canaries that are in there
	grep -rFo -f canaries "$@" || true
}

@test "brkt:C5 brkt:X16 brkt:X10 no secret is in the arguments or environment of a process, in a message or in a temporary file" {
	gcc -O2 -D_GNU_SOURCE -o watcher "$ROOT/tests/tools/watcher.c"
	head -c 200 k.pem >cut.pem
	cat k.pem k.pem >twice.pem
	cut -d. -f1,3 token >cut.token
	cp k.pem wide.pem
	cp token wide.token
	chmod 644 wide.pem wide.token
	./watcher <canaries >watched &
	for _ in 1 2; do
		everything >out 2>>err </dev/null || true
	done
	kill -TERM $!
	wait $!
	same '' "$(grep '^hit' watched || true)"
	(($(sed -n 's/ rounds//p' watched) > 20))
	[[ -s err ]]
	same '' "$(hits err)"
	same '' "$(find tmp -mindepth 1)"
	run ! ls core*
	# the harness finds what is there
	./watcher <canaries >watched &
	sh -c 'sleep 0.5; :' "$passphrase"
	EVERY="$(cut -d. -f3 token)" sleep 0.5
	kill -TERM $!
	wait $!
	grep -q "^hit .* cmdline $passphrase" watched
	grep -q "^hit .* environ $(cut -d. -f3 token)" watched
	same "$passphrase" "$(hits -h p)"
}

@test "brkt:C5 brkt:X16 what is typed at a question is not shown, and no child of brkt is told" {
	on_terminal "$passphrase"$'\n'"$passphrase" bash -c 'brkt make-key >made.pem'
	same '0 ' "$status $(hits - <<<"$screen")"
	on_terminal "$passphrase" strace -f -v -s 100000 -e trace=execve -o trace "$ROOT/share/brkt" make-token --signing-key sealed.pem
	same '0 ' "$status $(hits trace)"
	BRKT_TOKEN=$(cat token) strace -f -v -s 100000 -e trace=execve -o trace "$ROOT/share/brkt" -v make-user-data >out 2>err
	same '' "$(tail -n +2 trace | hits - && hits err)" # the first is what the caller made of it
	grep -qFf token out
	strace -f -v -s 100000 -e trace=execve -o trace "$ROOT/share/brkt" -v make-user-data --token "$(cat token)" >out 2>err
	same '' "$(tail -n +2 trace | hits - && hits err)"
	(($(wc -l <trace) > 2))
}

waits() { # PID: it sleeps in read or clock_nanosleep
	[[ $(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null) == S && $(cut -d' ' -f1 "/proc/$1/syscall" 2>/dev/null) =~ ^(0|230)$ ]]
}

# dies COMMAND...: is aborted when it waits for its input, which the fifo `held` never gives; what strace says of its end is in trace.
dies() {
	strace -o trace -e trace=none "$@" <held 2>/dev/null &
	local strace=$! pid='' tries=0
	exec {open}<>held
	until pid=$(pgrep -P $strace) && waits "$pid"; do # strace has other children for a moment
		((tries++ < 500))
		sleep 0.02
	done
	kill -ABRT "$pid"
	wait $strace || true
	exec {open}>&-
}

@test "brkt:X16 brkt:C5 an abort leaves no core, in any program that holds a secret" {
	ulimit -c unlimited || skip "core files are forbidden here"
	mkfifo held
	dies sleep 9
	grep -q 'core dumped' trace || skip "this kernel writes no core files"
	rm -f core*
	for words in "key-pub --passphrase-file p held" "jwt-mint --key k.pem" "jwt-verify --key pub.pem" jwt-decode "jwk held" "userdata-make --token-file held" \
		"key-gen --passphrase-file held"; do
		# shellcheck disable=SC2086 # words
		dies $words
		grep -qx '+++ killed by SIGABRT +++' trace # and not `(core dumped)`
	done
	run ! ls core*
}
