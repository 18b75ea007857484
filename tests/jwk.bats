#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
setup() { in_own_directory; }

@test "brkt:J14 one key gives one JWK with alg, use and kid, several or --set a set, each once, no private member" {
	key-gen --type p384 --no-passphrase --public-out a.pub -o a.pem
	key-gen --no-passphrase --public-out b.pub -o b.pem
	same '["alg","crv","kid","kty","use","x","y"] "ES384"' "$(jwk a.pub | jq -cr '"\(keys) \"\(.alg)\""')"
	same "$(jwk a.pub)" "$(jwk a.pem)"
	same "$(key-pub --id kid a.pub)" "$(jwk <a.pub | jq -r .kid)"
	same 'ES384 EdDSA' "$(jwk a.pub b.pub a.pem | jq -r '.keys[].alg' | paste -sd' ')"
	same 1 "$(jwk --set a.pub | jq '.keys | length')"
	same "$(jwk a.pub b.pub)" "$(jwk a.pub b.pub | jwk)"
	same "" "$(jwk a.pem b.pem | jq -r '.. | objects | keys[]' | grep -x -e d -e p -e q || true)"
}

@test "brkt:J14 an independent JOSE tool takes every type of ours" {
	command -v jose >/dev/null || skip "jose is not installed"
	for type in p256 p384 rsa; do
		key-gen --type $type --no-passphrase | jwk >k.json
		jose jwk pub -i k.json -o - | jq -e '.kty' >/dev/null
		want=$(jose jwk thp -i k.json) # base64url, SHA-256
		same "$want" "$(jwk --kid-format base64url k.json | jq -r .kid)"
	done
}

# The members x and y, straight from the text of each PEM on stdin: 24 bytes come before them in the SPKI of a P-384 key, which are 32
# characters of base64, and each is 64 characters.
coordinates() {
	awk '/^-----BEGIN/ { text = "" } !/-----/ { text = text $0 } /^-----END/ { print substr(text, 33, 64), substr(text, 97, 64) }' | tr +/ -_
}

thumbprints() { # of lines `x y`, by coreutils
	mkdir members
	awk '{ f = sprintf("members/%05d", NR); printf "{\"crv\":\"P-384\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", $1, $2 >f; close(f) }'
	(cd members && sha256sum -- *) | cut -d' ' -f1
	rm -r members
}

@test "brkt:J4 brkt:X4 two thousand keys whose x or y starts with a zero byte: coordinates and kid" {
	gcc -O2 -o points "$ROOT/tests/tools/points.c" -lcrypto
	./points 2000 >zeros.pem
	coordinates <zeros.pem >want
	same 2000 "$(grep -cE '^A[A-P]| A[A-P]' want)"
	jwk zeros.pem >set.json
	jq -r '.keys[] | .x + " " + .y' set.json | cmp - want
	thumbprints <want >kids
	jq -r '.keys[].kid' set.json | cmp - kids
	same 2000 "$(sort -u kids | wc -l)"
	jq -c '.keys[0]' set.json | key-pub | cmp - <(sed '/-----END/q' zeros.pem)
	same "$(sed -n 1p kids)" "$(jq -c '.keys[0]' set.json | key-pub --id kid)"
	openssl pkey -pubin -in zeros.pem -noout
	# RFC 7638 takes any JWK: one that came without the zero byte is damaged, RFC 7518 section 6.2.1.2
	refuse 6 jwk < <(jq -c '.keys[0] | .x = "QTo" | .y = "QTo"' set.json)
}

@test "brkt:J4 --legacy-kid is 1.0.4's id, of coordinates without their leading zero bytes" {
	gcc -O2 -o points "$ROOT/tests/tools/points.c" -lcrypto
	./points 5 >zeros.pem
	coordinates <zeros.pem | while read -r x y; do
		for n in "$x" "$y"; do
			bytes=$(basenc --base64url -d <<<"$n" | xxd -p -c 48)
			while [[ $bytes == 00* ]]; do bytes=${bytes#00}; done
			xxd -r -p <<<"$bytes" | basenc --base64url -w0 | tr -d =
			echo
		done | paste -sd' '
	done >stripped
	thumbprints <stripped >want
	jwk --legacy-kid zeros.pem | jq -r '.keys[].kid' | cmp - want
	run ! diff <(jwk zeros.pem | jq -r '.keys[].kid') want
	key-gen --type p384 --no-passphrase -o plain.pem
	openssl pkey -in plain.pem -pubout | coordinates | grep -E '^A[A-P]| A[A-P]' ||
		same "$(jwk plain.pem | jq -r .kid)" "$(jwk --legacy-kid plain.pem | jq -r .kid)"
}

@test "brkt:V1 the thumbprints that RFC 7638 section 3.1 and RFC 8037 appendix A.3 give" {
	cat >rsa.jwk <<-'END'
		{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}
	END
	same NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs "$(jwk --kid-format base64url rsa.jwk | jq -r .kid)"
	echo '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}' >ed.jwk
	same kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k "$(jwk --kid-format base64url ed.jwk | jq -r .kid)"
}

@test "bad sets are refused as a whole" {
	refuse 6 jwk </dev/null
	refuse 6 jwk < <(echo 'no key')
	refuse 6 jwk < <(echo '{"keys":[{"kty":"EC","crv":"P-256"}]}')
	says 'keys[0]'
	refuse 6 jwk < <(echo '{"keys":{}}')
	refuse 1 jwk < <(echo '{"keys":[{"kty":"oct","k":"AA"}]}')
	refuse 6 jwk < <(echo '{"kty":"EC","kty":"EC"}')
	refuse 3 jwk missing
}
