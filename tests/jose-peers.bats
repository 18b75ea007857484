#!/usr/bin/env bats
# Tokens and key sets between ours and two independent implementations: Debian's jose (libjose) and, where `make peers` put it, the jose of
# npm. Ours with theirs and theirs with ours.
# SPDX-License-Identifier: Apache-2.0
# asan: no: what passes between the programs is the same there
load lib
load token

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	umask 077
	for type in p384 p256 rsa ed25519; do
		key-gen --type $type --no-passphrase -o $type.pem --public-out $type.pub
		jwk $type.pub >$type.jwk
	done
	jwk ./*.pub >set.json
	jwk --set --alg PS256 rsa.pub >ps.json
}

setup() {
	in_own_directory
	keys=$BATS_FILE_TMPDIR
	umask 077
}

set_for() { # the set that holds the key of a pair; Debian's jose knows no Ed25519
	case $1 in
	PS256:*) echo "$keys/ps.json" ;;
	*) jq 'del(.keys[] | select(.kty == "OKP"))' "$keys/set.json" >no-okp.json && echo no-okp.json ;;
	esac
}

types='ES384:p384 ES256:p256 RS256:rsa PS256:rsa'

debians() { # debians JWK: the payload of each token on stdin whose signature it finds good, one a line
	local token
	while read -r token; do
		jose jws ver -i <(printf %s "$token") -k "$1" -O - && echo
	done
}

@test "brkt:J14 brkt:V1 Debian's jose takes our tokens by our JWK, by our JWK set, and refuses changed ones" {
	for pair in $types; do
		jwt-mint --alg "${pair%:*}" --key "$keys/${pair#*:}.pem" <<<'{"sub":"ours"}' >t
		set=$(set_for "$pair")
		same ours "$(debians <(jq '.keys[]' "$set" | jq -s "map(select(.alg == \"${pair%:*}\"))[0]") <t | jq -r .sub)"
		same ours "$(debians "$set" <t | jq -r .sub)"
		sed 's/....$/AAAA/' t >changed
		run ! debians "$set" <changed
	done
}

@test "brkt:V1 we take the tokens of Debian's jose, by its JWK and its set" {
	for pair in $types; do
		alg=${pair%:*}
		jose jwk gen -i "{\"alg\":\"$alg\"}" -o theirs.jwk
		jose jwk pub -i theirs.jwk -o theirs.pub
		printf '{"jti":"b"}' | jose jws sig -I - -k theirs.jwk -s "{\"protected\":{\"alg\":\"$alg\",\"kid\":\"$(jwk theirs.pub | jq -r .kid)\"}}" -c -o t
		{ cat t; echo; } | jwt-verify --alg "$alg" --key theirs.pub | cmp - <(echo '{"jti":"b"}')
		jose jwk pub -s -i theirs.jwk -o set.json
		{ cat t; echo; } | jwt-verify --alg "$alg" --key set.json >/dev/null
		refuse 1 jwt-verify --alg "$alg" --key set.json < <(sed 's/....$/AAAA/' t; echo)
		same "$(jose jwk thp -i theirs.pub)" "$(jwk --kid-format base64url theirs.pub | jq -r .kid)"
	done
}

# A signature's r is the first 64 of its 128 characters in base64url; `A[A-P]` is a leading zero byte.
@test "brkt:X4 signatures with a short r and a short s pass both ways" {
	until grep -E '\.A[A-P][^.]{126}$' many >short-r && grep -E '\.[^.]{64}A[A-P][^.]{62}$' many >short-s; do
		yes '{"sub":"ours"}' | head -n 300 | jwt-mint --key "$keys/p384.pem" >many
	done 2>/dev/null
	for t in short-r short-s; do
		same ours "$(head -n 1 $t | debians "$keys/p384.jwk" | jq -r .sub)"
	done
	jose jwk gen -i '{"alg":"ES384"}' -o theirs.jwk
	jose jwk pub -i theirs.jwk -o theirs.pub
	for _ in $(seq 2000); do
		printf '{"jti":"b"}' | jose jws sig -I - -k theirs.jwk -s '{"protected":{"alg":"ES384"}}' -c -o t
		grep -qE '\.(.{64})?A[A-P][^.]{62,126}$' t && break
	done
	grep -qE '\.(.{64})?A[A-P][^.]{62,126}$' t
	{ cat t; echo; } | jwt-verify --key theirs.pub | cmp - <(echo '{"jti":"b"}')
}

# npms COMMAND ARGUMENT...: a few lines over the jose of npm, on stdin what they work on.
modules=${TACKLE_NPM:-$ROOT/build/npm}
npms() {
	cat >"$BATS_TEST_TMPDIR/peer.mjs" <<-'END'
		import { readFileSync } from 'node:fs';
		import { createInterface } from 'node:readline';
		const [modules, command, algorithm, file] = process.argv.slice(2);
		const jose = await import(modules + '/node_modules/jose/dist/' + JSON.parse(readFileSync(modules + '/node_modules/jose/package.json')).exports['.'].import.split('/dist/')[1]);
		if (command === 'verify') {
			const set = JSON.parse(readFileSync(file));
			const keys = jose.createLocalJWKSet(set.keys ? set : { keys: [set] });
			for await (const token of createInterface({ input: process.stdin }))
				console.log(JSON.stringify((await jose.jwtVerify(token, keys, { algorithms: [algorithm], typ: 'JWT' })).payload));
		} else if (command === 'sign') {
			const key = await jose.importPKCS8(readFileSync(file, 'utf8'), algorithm);
			for await (const claims of createInterface({ input: process.stdin }))
				console.log(await new jose.SignJWT(JSON.parse(claims)).setProtectedHeader({ alg: algorithm, typ: 'JWT' }).sign(key));
		} else {
			console.log(await jose.calculateJwkThumbprint(JSON.parse(readFileSync(file))));
		}
	END
	node "$BATS_TEST_TMPDIR/peer.mjs" "$(realpath "$modules")" "$@"
}

@test "brkt:V1 the jose of npm takes our tokens by our JWK set, and we take its tokens" {
	[[ -d $modules/node_modules/jose ]] && command -v node >/dev/null || skip "npm's jose is not installed: make peers"
	for pair in $types EdDSA:ed25519; do
		alg=${pair%:*}
		set=$keys/set.json
		[[ $alg != PS256 ]] || set=$keys/ps.json
		seq 40 | sed 's/.*/{"n":&}/' | jwt-mint --alg "$alg" --key "$keys/${pair#*:}.pem" >t
		same "$(seq 40 | paste -sd' ')" "$(npms verify "$alg" "$set" <t | jq .n | paste -sd' ')"
		run ! npms verify "$alg" "$set" < <(sed 's/....$/AAAA/' t)
		seq 40 | sed 's/.*/{"jti":"&"}/' | npms sign "$alg" "$keys/${pair#*:}.pem" >t
		same "$(seq 40 | paste -sd' ')" "$(jwt-verify --alg "$alg" --key "$keys/${pair#*:}.pub" <t | jq -r .jti | paste -sd' ')"
		same "$(npms thumbprint - "$keys/${pair#*:}.jwk")" "$(jwk --kid-format base64url "$keys/${pair#*:}.jwk" | jq -r .kid)"
	done
}
