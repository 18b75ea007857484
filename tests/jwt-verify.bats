#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
setup() {
	in_own_directory
	(umask 077 && key-gen --type p384 --no-passphrase --public-out pub.pem -o key.pem)
}

b64() { basenc --base64url -w0 | tr -d =; }

raw_of_der() { # an ECDSA signature in DER on stdin, r and s of N bytes on stdout
	openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p' | while read -r n; do printf "%0$((2 * $1))s" "$n" | tr ' ' 0 | xxd -r -p; done
}

sign() { # sign HEADER PAYLOAD: a token over any bytes, signed by openssl with key.pem
	local text
	text=$(printf %s "$1" | b64).$(printf %s "$2" | b64)
	printf '%s.%s\n' "$text" "$(printf %s "$text" | openssl dgst -sha384 -sign key.pem | raw_of_der 48 | b64)"
}

header() { printf '{"alg":"ES384","typ":"JWT","kid":"%s"}' "$(key-pub --id kid pub.pem)"; }

reason() { # reason STATUS REASON [option...]: the token on stdin is refused so
	local status=$1 reason=$2
	shift 2
	cat >token
	refuse "$status" jwt-verify --key pub.pem "$@" <token
	says "1: $reason"
}

@test "tokens signed by openssl are good, and openssl's JOSE peers take ours" {
	sign "$(header)" '{"jti":"a"}' | jwt-verify --key pub.pem | grep -qx '{"jti":"a"}'
	command -v jose >/dev/null || skip "jose is not installed"
	jwk pub.pem >jwk.json
	echo '{"sub":"x"}' | jwt-mint --key key.pem | tr -d '\n' | jose jws ver -i - -k jwk.json -O - | jq -e '.sub == "x"'
	jose jwk gen -i '{"alg":"ES384"}' -o theirs.jwk
	jose jwk pub -i theirs.jwk -o theirs.pub
	echo '{"jti":"b"}' | jose jws sig -I - -k theirs.jwk -s '{"protected":{"alg":"ES384"}}' -c -o t
	{ cat t; echo; } | jwt-verify --key theirs.pub | grep -qx '{"jti":"b"}'
}

@test "brkt:X1 brkt:J9 algorithms are the caller's choice: none, HS384 with the public key as secret, others" {
	for alg in none None HS384 HS256 ES512 RS256 ES256 ''; do
		sign "{\"alg\":\"$alg\",\"typ\":\"JWT\"}" '{"jti":"a"}' | reason 1 alg
	done
	sign '{"typ":"JWT"}' '{"jti":"a"}' | reason 1 alg
	text=$(printf '{"alg":"HS384"}' | b64).$(printf '{"jti":"a"}' | b64)
	printf '%s.%s\n' "$text" "$(printf %s "$text" | openssl dgst -sha384 -mac HMAC -macopt "hexkey:$(xxd -p -c 9999 pub.pem)" -binary | b64)" | reason 1 alg
	sign "$(header)" '{"jti":"a"}' | reason 1 alg --alg EdDSA
	refuse 2 jwt-verify --key pub.pem --alg HS384 < <(sign "$(header)" '{"jti":"a"}')
	refuse 2 jwt-verify < <(sign "$(header)" '{"jti":"a"}')
}

@test "brkt:X1 brkt:J10 a signature that is empty, DER, of 95 or 97 bytes, zero, or by another key" {
	text=$(header | b64).$(printf '{"jti":"a"}' | b64)
	printf '%s.\n' "$text" | reason 1 signature
	printf '%s.%s\n' "$text" "$(printf %s "$text" | openssl dgst -sha384 -sign key.pem | b64)" | reason 1 signature
	for n in 95 97; do
		printf '%s.%s\n' "$text" "$(head -c $n /dev/urandom | b64)" | reason 1 signature
	done
	printf '%s.%s\n' "$text" "$(head -c 96 /dev/zero | b64)" | reason 1 signature
	# s = n, the order of P-384
	printf '%s.%s\n' "$text" "$( (
		head -c 47 /dev/zero
		printf '\1'
		echo ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973 | xxd -r -p
	) | b64)" | reason 1 signature
	(umask 077 && key-gen --type p384 --no-passphrase --public-out other.pub -o other.pem)
	echo '{}' | jwt-mint --key other.pem | reason 1 unknown-kid
	sed 's/^/x/' key.pem >/dev/null
	text2=$(header | b64).$(printf '{"jti":"b"}' | b64)
	printf '%s.%s\n' "$text2" "$(printf %s "$text" | openssl dgst -sha384 -sign key.pem | raw_of_der 48 | b64)" | reason 1 signature
}

@test "brkt:X2 brkt:J9 kid only selects; crit, typ and embedded keys" {
	for kid in ../../x http://example.com/k 'x\u0001' ''; do
		sign "{\"alg\":\"ES384\",\"kid\":\"$kid\"}" '{"jti":"a"}' | reason 1 unknown-kid
	done
	sign '{"alg":"ES384","kid":5}' '{"jti":"a"}' | reason 1 unknown-kid
	sign '{"alg":"ES384"}' '{"jti":"a"}' | jwt-verify --key pub.pem >/dev/null # none: every trusted key is tried
	sign "{\"alg\":\"ES384\",\"crit\":[\"x\"]}" '{"jti":"a"}' | reason 1 crit
	sign '{"alg":"ES384","typ":"JOSE"}' '{"jti":"a"}' | reason 1 typ
	sign '{"alg":"ES384","typ":"jwt"}' '{"jti":"a"}' | jwt-verify --key pub.pem >/dev/null
	(umask 077 && key-gen --type p384 --no-passphrase --public-out evil.pub -o evil.pem)
	mv key.pem mine.pem
	mv evil.pem key.pem
	sign "{\"alg\":\"ES384\",\"jwk\":$(jwk evil.pub)}" '{"jti":"a"}' | reason 1 signature
}

@test "brkt:X3 brkt:J10 brkt:J12 structure: parts, base64url, UTF-8, duplicates, depth, length" {
	good=$(sign "$(header)" '{"jti":"a"}')
	for bad in a a.b "$good.x" ".$good" "$good=" "${good/./..}" "x${good}+" "$good " "${good%?}B="; do
		printf '%s\n' "$bad" | reason 6 malformed
	done
	sign "$(header)" '{"jti":"a","jti":"b"}' | reason 6 malformed
	sign '{"alg":"ES384","alg":"ES384"}' '{"jti":"a"}' | reason 6 malformed
	sign "$(header)" '["jti"]' | reason 6 malformed
	sign "$(header)" '{"jti":"a"} x' | reason 6 malformed
	sign "$(header)" "$(printf '{"jti":"\xff"}')" | reason 6 malformed
	sign "$(header)" "$(printf '\xef\xbb\xbf{"jti":"a"}')" | reason 6 malformed
	sign "$(header)" "{\"jti\":\"a\",\"d\":$(printf '[%.0s' {1..17})$(printf ']%.0s' {1..17})}" | reason 6 malformed
	printf '%08193d\n' 0 | reason 7 too-long
	head -c 50M /dev/zero | tr '\0' a | { cat; echo; } | reason 7 too-long
	refuse 6 jwt-verify --key pub.pem </dev/null
	refuse 6 jwt-verify --key pub.pem < <(printf %s "$good")
	says truncated
}

@test "brkt:J11 brkt:X3 times: expired, not yet valid, leeway, and not numbers" {
	now=$(date +%s)
	sign "$(header)" "{\"jti\":\"a\",\"exp\":$((now - 1))}" | reason 1 expired
	sign "$(header)" "{\"jti\":\"a\",\"exp\":$((now - 5))}" | jwt-verify --key pub.pem --leeway 60s >/dev/null
	sign "$(header)" "{\"jti\":\"a\",\"nbf\":$((now + 60))}" | reason 1 not-yet-valid
	sign "$(header)" "{\"jti\":\"a\",\"iat\":$((now + 60))}" | reason 1 not-yet-valid
	sign "$(header)" "{\"jti\":\"a\",\"nbf\":$((now + 30))}" | jwt-verify --key pub.pem --leeway 1m >/dev/null
	for t in '"4000000000"' -1 1e400 NaN null; do
		[[ $t == null ]] && { sign "$(header)" "{\"jti\":\"a\",\"exp\":$t}" | reason 6 malformed; continue; }
		sign "$(header)" "{\"jti\":\"a\",\"exp\":$t}" | reason 6 malformed
	done
	refuse 2 jwt-verify --key pub.pem --leeway 301s < <(sign "$(header)" '{"jti":"a"}')
}

@test "brkt:J11 issuer, audience and required claims" {
	sign "$(header)" '{"jti":"a","iss":"me"}' | reason 1 issuer --iss you
	sign "$(header)" '{"jti":"a","iss":"me"}' | jwt-verify --key pub.pem --iss me >/dev/null
	sign "$(header)" '{"jti":"a","aud":"x"}' | reason 1 audience
	sign "$(header)" '{"jti":"a"}' | reason 1 audience --aud x
	sign "$(header)" '{"jti":"a","aud":["y","z"]}' | reason 1 audience --aud x
	sign "$(header)" '{"jti":"a","aud":["y","x"]}' | jwt-verify --key pub.pem --aud x >/dev/null
	sign "$(header)" '{"jti":"a"}' | reason 1 missing-claim --require exp,jti
	for claims in '{}' '{"jti":""}' '{"jti":5}'; do
		sign "$(header)" "$claims" | reason 1 missing-claim
	done
}

@test "brkt:J8 a batch: good claims on stdout, bad lines told, --report says all" {
	{ sign "$(header)" '{"jti":"a"}'; echo x.y.z; sign "$(header)" '{"jti":"b"}'; } >batch
	run --separate-stderr jwt-verify --key pub.pem <batch
	same '6 {"jti":"a"} {"jti":"b"} jwt-verify: 2: malformed' "$status $(paste -sd' ' <<<"$output") $stderr"
	run --separate-stderr jwt-verify --key pub.pem --report <batch
	same '[1,true,null] [2,false,"malformed"] [3,true,null]' "$(jq -c '[.line, .ok, .reason]' <<<"$output" | paste -sd' ')"
	got=0
	out=$(echo '{"kind":"error","status":5,"program":"x","message":"m"}' | jwt-verify --key pub.pem 2>err) || got=$?
	same '5 {"kind":"error","status":5,"program":"x","message":"m"} ' "$got $out $(cat err)"
}

@test "keys come as PEM, JWK and sets; a kid of a JWK set is its own" {
	(umask 077 && key-gen --type p256 --no-passphrase -o p256.pem)
	jwk pub.pem p256.pem >set.json
	echo '{}' | jwt-mint --key key.pem | jwt-verify --key set.json >/dev/null
	echo '{}' | jwt-mint --key p256.pem | jwt-verify --alg ES256 --key set.json >/dev/null
	echo '{}' | jwt-mint --key p256.pem >t
	refuse 1 jwt-verify --key set.json <t
	jwk --set pub.pem | jq -c '.keys[0].kid = "own"' >named.json
	sign '{"alg":"ES384","kid":"own"}' '{"jti":"a"}' | jwt-verify --key named.json >/dev/null
	refuse 1 jwt-verify --key named.json < <(sign "$(header)" '{"jti":"a"}')
	says unknown-kid
	refuse 3 jwt-verify --key missing < <(cat t)
}
