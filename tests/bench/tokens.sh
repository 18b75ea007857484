#!/usr/bin/env bash
# What making and checking tokens costs (brkt:P4): batches beside OpenSSL's bare signatures on one core, single tokens beside jose.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034  # the texts that paired evaluates use them
. "$(dirname "$0")/lib.sh"
bench_directory
cd "$d"
umask 077
count=4000 # of 10,000, as brkt:P4 has it: each takes as long as the next
runs=100
one='taskset -c 0'
gcc -O2 -o ecloop "$ROOT/tests/bench/ecloop.c" -lcrypto

key-gen --type p384 --no-passphrase --public-out pub.pem -o key.pem
jwk pub.pem >key.jwk
jose jwk gen -i '{"alg":"ES384"}' -o theirs.jwk
printf '{"iss":"brkt-cli-1.0","jti":"0123456789abcdef"}' >claims
{ cat claims && echo; } >line
seq $count | sed 's/.*/{"iss":"brkt-cli-1.0","jti":"&"}/' >lines
jwt-mint --key key.pem <lines >tokens
head -n 1 tokens >token
tr -d '\n' <token >token.bare

# Four seconds each: no warm-up, and three rounds.
commands=(
	[mint]='$one jwt-mint --key key.pem <lines'
	[sign]='$one ./ecloop sign $count'
	[jwt]='$one jwt-verify --key pub.pem <tokens'
	[verify]='$one ./ecloop verify $count'
)
race 1 "${BENCH_ROUNDS:-3}" mint sign jwt verify
versus mint sign "jwt-mint, $count tokens, one core" "$count bare P-384 signatures of OpenSSL" '<= 1.3x'
versus jwt verify "jwt-verify, $count tokens, one core" "$count bare P-384 verifications of OpenSSL" '<= 1.3x'
[[ ! -x $(command -v jose) ]] || {
	paired "jwt-mint, one token a process, $runs times" 'jose jws sig' '<= 0.5x' \
		'for ((i = 0; i < runs; i++)); do jwt-mint --key key.pem <line; done' \
		'for ((i = 0; i < runs; i++)); do jose jws sig -I claims -k theirs.jwk -c -o -; done'
	paired "jwt-verify, one token a process, $runs times" 'jose jws ver' '<= 0.5x' \
		'for ((i = 0; i < runs; i++)); do jwt-verify --key pub.pem <token; done' \
		'for ((i = 0; i < runs; i++)); do jose jws ver -i token.bare -k key.jwk -O -; done'
}
memory "jwt-mint, $count tokens" jwt-mint --key key.pem <lines
memory "jwt-verify, $count tokens" jwt-verify --key pub.pem <tokens
