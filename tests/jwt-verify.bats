#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load token
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
	# another curve's key, under its own kid and under the algorithm of the expected one
	(umask 077 && key-gen --type p256 --no-passphrase -o p256.pem --public-out p256.pub)
	jwk pub.pem p256.pub >both.json
	echo '{}' | jwt-mint --key p256.pem >t
	reason 1 alg <t --key both.json
	text=$(printf '{"alg":"ES384","typ":"JWT","kid":"%s"}' "$(key-pub --id kid p256.pub)" | b64).$(printf '{"jti":"a"}' | b64)
	printf '%s.%s\n' "$text" "$(head -c 96 /dev/urandom | b64)" | reason 1 alg --key both.json
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
	sign '{"alg":"ES384","kid":"x\u0000y"}' '{"jti":"a"}' | reason 6 malformed # NUL
	sign "{\"alg\":\"ES384\",\"kid\":\"$(printf '%08000d' 0)\"}" '{"jti":"a"}' | reason 7 too-long
	{ printf '{"alg":"ES384","kid":"%010000000d"}' 0 | b64; echo .e30.AAAA; } | reason 7 too-long
	sign '{"alg":"ES384","kid":5}' '{"jti":"a"}' | reason 1 unknown-kid
	sign '{"alg":"ES384"}' '{"jti":"a"}' | jwt-verify --key pub.pem >/dev/null # none: every trusted key is tried
	sign "{\"alg\":\"ES384\",\"crit\":[\"x\"]}" '{"jti":"a"}' | reason 1 crit
	sign '{"alg":"ES384","typ":"JOSE"}' '{"jti":"a"}' | reason 1 typ
	sign '{"alg":"ES384","typ":"jwt"}' '{"jti":"a"}' | jwt-verify --key pub.pem >/dev/null
	(umask 077 && key-gen --type p384 --no-passphrase --public-out evil.pub -o evil.pem)
	mv key.pem mine.pem
	mv evil.pem key.pem
	sign "{\"alg\":\"ES384\",\"jwk\":$(jwk evil.pub)}" '{"jti":"a"}' | reason 1 signature
	sign "{\"alg\":\"ES384\",\"jku\":\"file://$PWD/evil.pub\",\"x5u\":\"file://$PWD/evil.pub\",\"x5c\":[\"\"]}" '{"jti":"a"}' | reason 1 signature
	sign "$(header)" '{"jti":"a"}' | reason 1 signature # a trusted key's kid over another key's signature
}

@test "brkt:X3 brkt:J10 brkt:J12 structure: parts, base64url, UTF-8, duplicates, depth, length" {
	good=$(sign "$(header)" '{"jti":"a"}')
	# bits that no byte needs: the last of 23 characters stands for four bits of text and two more
	text=$(printf '{"alg":"ES384"}  ' | b64)
	same '23 A' "${#text} $(tr -d '\n' <<<"${text: -1}")"
	printf '%s.%s\n' "$text" "${good#*.}" | reason 1 signature
	printf '%s.%s\n' "${text%?}B" "${good#*.}" | reason 6 malformed
	for bad in a a.b "$good.x" "${good%.*}.${good#*.}" ".$good" "$good=" "${good/./..}" "x${good}+" "$good " "${good%?}B="; do
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
	{ head -c 100K /dev/zero | tr '\0' a && echo && echo "$good"; } >long-first # what is behind it is judged all the same
	run --separate-stderr jwt-verify --key pub.pem <long-first
	same '7 {"jti":"a"} jwt-verify: 1: too-long' "$status $output $stderr"
	refuse 7 jwt-verify --key pub.pem < <(head -c 100K /dev/zero | tr '\0' a)
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

@test "brkt:J12 brkt:X2 revoked: a token by kid and jti, a key as a whole, however the token spells the kid" {
	kid=$(key-pub --id kid pub.pem)
	sign "$(header)" '{"jti":"a b"}' >a
	sign "$(header)" '{"jti":"b"}' >b
	printf '# a list\n\nkey 0123456789abcdef0123456789abcdef\njti %s a b\n' "$kid" >list
	reason 1 revoked --revoked list <a
	jwt-verify --key pub.pem --revoked list <b >/dev/null
	thumbprint=$(jwk --kid-format base64url pub.pem | jq -r .kid)
	sign "{\"alg\":\"ES384\",\"kid\":\"$thumbprint\"}" '{"jti":"a b"}' | reason 1 revoked --revoked list
	sign '{"alg":"ES384"}' '{"jti":"a b"}' | reason 1 revoked --revoked list
	printf 'jti %s a b\n' "$thumbprint" >list
	reason 1 revoked --revoked list <a
	printf 'kid %s\n' "$kid" >list
	reason 1 revoked --revoked list <b
	jwk --set pub.pem | jq -c '.keys[0].kid = "own"' >named.json
	echo 'kid own' >list
	jwt-verify --key pub.pem --revoked list <b >/dev/null
	sign '{"alg":"ES384","kid":"own"}' '{"jti":"b"}' >c
	refuse 1 jwt-verify --key named.json --revoked list <c
	says '1: revoked'
	printf 'jti %s x\n' "$kid" >other
	reason 1 revoked --revoked other --revoked <(echo "jti $kid b") <b
	# before the clock is asked, and after the signature: a stranger learns nothing of the list
	sign "$(header)" '{"jti":"b","exp":1}' | reason 1 revoked --revoked <(echo "kid $kid")
	printf '%sAAAA\n' "$(head -c -5 b)" | reason 1 signature --revoked <(echo "kid $kid")
	jwt-verify --key pub.pem --revoked /dev/null <b >/dev/null
}

@test "a list of the revoked that is damaged is none" {
	sign "$(header)" '{"jti":"a"}' >t
	for bad in 'kid' 'kid ' 'kid a b' 'jti a' 'jti a ' 'jti  b' 'key 5' 'key 0123456789ABCDEF0123456789abcdef' 'revoke x' ' kid x'; do
		refuse 6 jwt-verify --key pub.pem --revoked <(printf 'kid x\n%s\n' "$bad") <t
		says 'line 2: expected'
	done
	refuse 6 jwt-verify --key pub.pem --revoked <(printf 'kid x\0y\n') <t
	refuse 6 jwt-verify --key pub.pem --revoked <(printf 'kid x\nkid y') <t
	says 'line 2 is truncated'
	refuse 3 jwt-verify --key pub.pem --revoked missing <t
	truncate -s 17M big
	refuse 7 jwt-verify --key pub.pem --revoked big <t
}

minus() { # minus A B: of 96 hex digits each, A the larger
	local at digits borrow=0 out=''
	for ((at = 88; at >= 0; at -= 8)); do
		digits=$((16#${1:at:8} - 16#${2:at:8} - borrow))
		borrow=$((digits < 0))
		printf -v out '%08x%s' $((digits + (borrow << 32))) "$out"
	done
	echo "$out"
}

@test "brkt:J13 the other s is as good, and revoked all the same" {
	sign "$(header)" '{"jti":"a"}' >t
	n=ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973 # the order of P-384
	part 3 <t | xxd -p -c 96 >rs
	s=$(minus $n "$(cut -c97- rs)")
	printf '%s.%s\n' "$(cut -d. -f1,2 t)" "$(printf '%s%s' "$(cut -c-96 rs)" "$s" | xxd -r -p | b64)" >twin
	run ! cmp -s t twin
	jwt-verify --key pub.pem <twin | cmp - <(echo '{"jti":"a"}')
	reason 1 revoked --revoked <(echo "jti $(key-pub --id kid pub.pem) a") <twin
}

@test "brkt:V1 the signatures of RFC 7515, appendices A.2 and A.3: good, and long expired" {
	echo '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}' >a3.jwk
	echo eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q >a3
	echo '{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}' >a2.jwk
	echo eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw >a2
	for n in 'a3 ES256' 'a2 RS256'; do
		read -r file alg <<<"$n"
		refuse 1 jwt-verify --alg "$alg" --key "$file.jwk" <"$file"
		says '1: expired'
		refuse 1 jwt-verify --alg "$alg" --key "$file.jwk" < <(sed 's/\.eyJpc3MiOiJqb2Ui/.eyJpc3MiOiJqb2Ei/' "$file")
		says '1: signature'
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

@test "brkt:J9 a JWK is for its alg alone, and for signatures" {
	(umask 077 && key-gen --type rsa --no-passphrase -o rsa.pem --public-out rsa.pub)
	echo '{}' | jwt-mint --alg PS256 --key rsa.pem >t
	jwt-verify --alg PS256 --key rsa.pub <t >/dev/null
	jwk --alg PS256 rsa.pub >ps.jwk
	jwk rsa.pub >rs.jwk
	jwt-verify --alg PS256 --alg RS256 --key ps.jwk <t >/dev/null
	refuse 1 jwt-verify --alg PS256 --alg RS256 --key rs.jwk <t
	says '1: alg'
	jwt-verify --alg PS256 --key rs.jwk --key ps.jwk <t >/dev/null
	for change in '.use = "enc"' '.use = 5' '.alg = "RS384"' '.alg = "ES384"' '.alg = 5'; do
		refuse 1 jwt-verify --alg PS256 --key <(jq -c "$change" ps.jwk) <t
		refuse 1 jwk <(jq -c "{keys: [$change]}" ps.jwk)
		says 'keys[0]: a JWK'
	done
	jq -c 'del(.use, .alg)' ps.jwk >plain.jwk
	jwt-verify --alg PS256 --key plain.jwk <t >/dev/null
	same 'RS256 PS256' "$(jwk plain.jwk | jq -r .alg) $(jwk ps.jwk | jq -r .alg)"
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
