#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it reads the caller's own key and claims; tokens are parsed in the tests of jwt-verify
load lib
load token
setup() {
	in_own_directory
	(umask 077 && key-gen --type p384 --no-passphrase --public-out pub.pem -o key.pem)
}

@test "brkt:J5 brkt:J7 the header's bytes are exact, the signature is r and s of 48 bytes and openssl's verdict on it is good" {
	echo '{"sub":"ci"}' | jwt-mint --key key.pem >t
	same "{\"alg\":\"ES384\",\"typ\":\"JWT\",\"kid\":\"$(key-pub --id kid pub.pem)\"}" "$(part 1 <t)"
	[[ $(cat t) == eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZC* ]]
	part 3 <t >sig
	same 96 "$(stat -c %s sig)"
	cut -d. -f1,2 t | tr -d '\n' >text
	r=$(head -c 48 sig | xxd -p -c 48) s=$(tail -c 48 sig | xxd -p -c 48)
	openssl asn1parse -genconf <(printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "$r" "$s") -noout -out der
	openssl dgst -sha384 -verify pub.pem -signature der text
}

@test "brkt:J6 jti, iat and iss get their defaults, unless the claims have them" {
	now=$(date +%s)
	echo '{}' | jwt-mint --key key.pem --iss me | part 2 | jq -e --argjson now "$now" \
		'(.jti | test("^[0-9a-f]{8}$")) and .iss == "me" and .iat >= $now and .iat <= $now + 5'
	echo '{}' | jwt-mint --key key.pem --jti-bytes 32 | part 2 | jq -e '.jti | length == 64'
	echo '{"jti":"x","iss":"y","iat":5}' | jwt-mint --key key.pem --iss me | part 2 | jq -e '. == {"jti":"x","iss":"y","iat":5}'
	refuse 2 jwt-mint --key key.pem --jti-bytes 3
}

@test "brkt:B22 brkt:B23 --claim splits at the first =, a repeat replaces, times stay numbers" {
	echo '{"a":1}' | jwt-mint --key key.pem --claim a=b=c --claim a=d --claim jti=z | part 2 | jq -e '.a == "d" and .jti == "z"'
	for bad in a =b a= ''; do
		refuse 1 jwt-mint --key key.pem --claim "$bad" < <(echo '{}')
		says "$bad is not in the format NAME=VALUE"
	done
	for t in exp nbf iat; do
		refuse 2 jwt-mint --key key.pem --claim $t=1 < <(echo '{}')
		says --exp
	done
	echo '{}' | jwt-mint --key key.pem --customer 0A1B2C3D-0000-1111-2222-AAAABBBBCCCC | part 2 |
		jq -e '.customer == "0a1b2c3d-0000-1111-2222-aaaabbbbcccc"'
	echo '{}' | jwt-mint --key key.pem --customer 0A1B2C3D000011112222AAAABBBBCCCC | part 2 |
		jq -e '.customer == "0a1b2c3d-0000-1111-2222-aaaabbbbcccc"'
	for bad in 0A1B2C3D '' - 0A1B2C3D-0000-1111-2222-AAAABBBBCCC 0A1B2C3D-0000-1111-2222-AAAABBBBCCCCD 0A1B2C3D-000011112222-AAAABBBBCCCC \
		0A1B2C3D-0000-1111-2222AAAABBBBCCCC 0A1B2C3D000011112222AAAABBBBCCCG 0A1B2C3D00001111-2222AAAABBBBCCCC; do
		refuse 2 jwt-mint --key key.pem --customer "$bad" < <(echo '{}')
		says 'not a UUID'
	done
}

@test "brkt:B24 times as Unix seconds or ISO 8601; malformed, past and crossed ones are refused" {
	echo '{}' | jwt-mint --key key.pem --exp 4000000000 --nbf 3999999999.5 | part 2 | jq -e '.exp == 4000000000 and .nbf == 3999999999.5'
	echo '{}' | jwt-mint --key key.pem --exp 4000000000.0 | part 2 | grep -q '"exp":4000000000[,}]'
	for t in 2096-10-02T07:06:40Z 2096-10-02T07:06:40 2096-10-02T09:06:40+02:00; do
		echo '{}' | jwt-mint --key key.pem --exp "$t" | part 2 | jq -e '.exp == 4000000000'
	done
	echo '{}' | jwt-mint --key key.pem --exp 2096-10-02 | part 2 | jq -e '.exp == 3999974400'
	for t in tomorrow 1e12 -5 '' 0x10 12. 2096-13-01; do
		refuse 1 jwt-mint --key key.pem --exp "$t" < <(echo '{}')
		says "Timestamp \"$t\" must either be a Unix timestamp or in iso8601 format (2016-05-10T19:15:36Z)."
	done
	refuse 1 jwt-mint --key key.pem --exp 1000 < <(echo '{}')
	says '1000 is earlier than the current timestamp ('
	refuse 1 jwt-mint --key key.pem --exp 4000000000 --nbf 4000000000 < <(echo '{}')
}

@test "brkt:B21 brkt:X5 another key, a damaged one, a wrong password" {
	(umask 077 && key-gen --no-passphrase -o ed.pem && key-gen --type p256 --no-passphrase -o p256.pem && echo x >p)
	echo '{}' | jwt-mint --key ed.pem | part 1 | jq -e '.alg == "EdDSA"'
	refuse 1 jwt-mint --alg ES384 --key p256.pem < <(echo '{}')
	says 'Signing key must be a 384-bit ECDSA private key (NIST P-384)'
	refuse 6 jwt-mint --key pub.pem < <(echo '{}')
	head -c 100 key.pem >cut.pem
	chmod 600 cut.pem
	refuse 6 jwt-mint --key cut.pem < <(echo '{}')
	chmod 644 key.pem
	refuse 1 jwt-mint --key key.pem < <(echo '{}')
	says 'mode 0644'
	openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:pw -in key.pem >enc.pem
	chmod 644 enc.pem # an encrypted key is no secret in this sense
	refuse 4 jwt-mint --key enc.pem --passphrase-file p < <(echo '{}')
	echo pw >p
	echo '{}' | jwt-mint --key enc.pem --passphrase-file p | jwt-verify --key pub.pem >/dev/null
	refuse 2 jwt-mint < <(echo '{}')
}

@test "brkt:J8 a batch gives a token a line, or none when one line is bad" {
	seq 5 | sed 's/.*/{"n":&}/' | jwt-mint --key key.pem | jwt-verify --key pub.pem | jq .n | paste -sd' ' | grep -qx '1 2 3 4 5'
	refuse 6 jwt-mint --key key.pem < <(printf '{}\n[]\n')
	refuse 6 jwt-mint --key key.pem < <(printf '{}\n{"a":1,"a":2}\n')
	refuse 6 jwt-mint --key key.pem < <(printf '{}')
	refuse 6 jwt-mint --key key.pem </dev/null
	refuse 7 jwt-mint --key key.pem < <(printf '{"a":"%08000d"}\n' 0)
	got=0
	out=$(echo '{"kind":"error","status":4,"program":"x","message":"m"}' | jwt-mint --key key.pem 2>err) || got=$?
	same '4 {"kind":"error","status":4,"program":"x","message":"m"} ' "$got $out $(cat err)"
}

# A signature's r is 64 characters of base64url, its s too; `A[A-P]` is a leading zero byte.
@test "brkt:X4 brkt:J7 signatures whose r or s starts with a zero byte keep their width and are good" {
	for _ in $(seq 20); do
		seq 400 | sed 's/.*/{"n":&}/' | jwt-mint --key key.pem >tokens
		grep -E '\.A[A-P][^.]{126}$' tokens >short-r && grep -E '\.[^.]{64}A[A-P][^.]{62}$' tokens >short-s && break
	done
	same 400 "$(jwt-verify --key pub.pem <tokens | wc -l)"
	same 0 "$(grep -vcE '\.[A-Za-z0-9_-]{128}$' tokens)"
	for t in short-r short-s; do
		head -n 1 $t >one
		part 3 <one | openssl_verifies one
	done
}

openssl_verifies() { # openssl_verifies TOKEN: r and s on stdin
	local rs
	rs=$(xxd -p -c 96)
	openssl asn1parse -genconf <(printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "${rs:0:96}" "${rs:96}") -noout -out der
	openssl dgst -sha384 -verify pub.pem -signature der <(cut -d. -f1,2 "$1" | tr -d '\n')
}

@test "brkt:J10 brkt:X3 a token of 8192 bytes is made and taken, one of a byte more is not" {
	# header 134 characters, two dots, signature 128: 7928 are left for a payload of 5946 bytes
	pad=$(printf '{"iat":1,"jti":"a","p":""}' | wc -c)
	printf '{"iat":1,"jti":"a","p":"%0*d"}\n' $((5946 - pad)) 0 | jwt-mint --key key.pem >t
	same 8193 "$(stat -c %s t)" # with its newline
	same 1 "$(jwt-verify --key pub.pem <t | wc -l)"
	refuse 7 jwt-mint --key key.pem < <(printf '{"iat":1,"jti":"a","p":"%0*d"}\n' $((5947 - pad)) 0)
	says 'at most 8192'
}

@test "RS256 and PS256 are openssl's signatures" {
	(umask 077 && key-gen --type rsa --no-passphrase --public-out rsa.pub -o rsa.pem)
	for alg in RS256 PS256; do
		echo '{}' | jwt-mint --alg $alg --key rsa.pem >t
		part 3 <t >sig
		cut -d. -f1,2 t | tr -d '\n' >text
		opts=()
		[[ $alg == PS256 ]] && opts=(-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32)
		openssl dgst -sha256 -verify rsa.pub "${opts[@]}" -signature sig text
	done
}

@test "brkt:X15 full and closed outputs, a closed input, few descriptors, a reader that goes, a storm of signals" {
	echo '{"jti":"a"}' >claims
	jwt-mint --key key.pem <claims >token
	(umask 077 && cp token secret)
	while read -r words; do
		for out in '>/dev/full' '>&-'; do
			got=0
			eval "<claims $words $out" 2>err || got=$?
			same "$words $out 8" "$words $out $got"
			grep -q "^${words%% *}: stdout: " err
		done
		(ulimit -n 32 && eval "<claims $words" >/dev/null 2>err)
	done <<-'END'
		jwt-mint --key key.pem
		jwt-verify --key pub.pem <token
		jwt-decode <token
		jwk pub.pem
		key-pub key.pem
		key-gen --no-passphrase
		userdata-make --token-file secret
	END
	for words in 'jwt-mint --key key.pem' 'jwt-verify --key pub.pem' jwt-decode jwk key-pub; do
		# shellcheck disable=SC2086 # words
		refuse 6 $words <&- # as empty as /dev/null
	done
	yes "$(cat token)" | head -n 3000 >many
	jwt-decode <many 2>/dev/null | head -n 1 >/dev/null || true
	same 141 "${PIPESTATUS[0]}"
	yes '{}' | head -n 400 >claims
	jwt-mint --key key.pem <claims >minted &
	for _ in $(seq 500); do
		kill -STOP $! 2>/dev/null && kill -WINCH $! && kill -CONT $! || break
	done
	wait $!
	same 400 "$(jwt-verify --key pub.pem <minted | wc -l)"
}

@test "brkt:C5 the private key is in no argument, environment or output of the program" {
	is_asan && skip "AddressSanitizer slows strace down"
	canary=$(sed -n 2p key.pem)
	echo '{}' | strace -f -s 100000 -e trace=execve,write jwt-mint --key key.pem 2>trace >/dev/null
	run ! grep -qF "$canary" trace
}
