#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load terminal
setup() { in_own_directory; }

@test "brkt:J2 every form that openssl writes is read: PKCS#8 and traditional, plain and encrypted, text around, CRLF" {
	(umask 077 && echo pw >p)
	openssl ecparam -name secp384r1 -genkey >params.pem # with an EC PARAMETERS block
	want=$(openssl ec -in params.pem -pubout 2>/dev/null)
	openssl pkcs8 -topk8 -nocrypt -in params.pem >p8.pem
	openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:pw -in params.pem >p8enc.pem
	openssl pkcs8 -topk8 -scrypt -passout pass:pw -in params.pem >scrypt.pem
	openssl ec -aes256 -passout pass:pw -in params.pem >tradenc.pem 2>/dev/null
	openssl ec -des3 -passout pass:pw -in params.pem >des3.pem 2>/dev/null
	{ echo 'Some text BEGIN PRIVATE'; cat p8.pem; echo 'and more'; } >text.pem
	sed 's/$/\r/' p8.pem >crlf.pem
	openssl ec -in params.pem -pubout -out spki.pem 2>/dev/null
	jwk spki.pem >jwk.json
	for f in params p8 p8enc scrypt tradenc des3 text crlf spki; do
		same "$f $want" "$f $(key-pub --passphrase-file p $f.pem)"
	done
	same "$want" "$(key-pub jwk.json)"
	same "$want" "$(key-pub <p8.pem)"
}

@test "--id kid is the RFC 7638 thumbprint, computed here from openssl's own numbers" {
	for i in 1 2 3; do
		key-gen --type p384 --no-passphrase -o k$i.pem
		point=$(openssl pkey -in k$i.pem -pubout -outform DER | tail -c 96 | xxd -p -c 96)
		x=$(xxd -r -p <<<"${point:0:96}" | basenc --base64url -w0 | tr -d =)
		y=$(xxd -r -p <<<"${point:96}" | basenc --base64url -w0 | tr -d =)
		want=$(printf '{"crv":"P-384","kty":"EC","x":"%s","y":"%s"}' "$x" "$y" | sha256sum | cut -d' ' -f1)
		same "$want" "$(key-pub --id kid k$i.pem)"
		rm k$i.pem
	done
}

@test "dtuf:K5 dtuf:K6 --id tuf is the SHA-256 of the canonical key object, written here by hand" {
	key-gen --no-passphrase -o ed.pem
	hex=$(openssl pkey -in ed.pem -pubout -outform DER | tail -c 32 | xxd -p -c 32)
	want=$(printf '{"keytype":"ed25519","keyval":{"public":"%s"},"scheme":"ed25519"}' "$hex" | sha256sum | cut -d' ' -f1)
	same "$want" "$(key-pub --id tuf ed.pem)"
	for type in p256:ecdsa:ecdsa-sha2-nistp256 p384:ecdsa:ecdsa-sha2-nistp384 rsa:rsa:rsassa-pss-sha256; do
		IFS=: read -r kind keytype scheme <<<"$type"
		key-gen --type "$kind" --no-passphrase -o "$kind.pem"
		# the newlines of the PEM text stand as they are in canonical JSON
		want=$({ printf '{"keytype":"%s","keyval":{"public":"' "$keytype"; openssl pkey -in "$kind.pem" -pubout
			printf '"},"scheme":"%s"}' "$scheme"; } | sha256sum | cut -d' ' -f1)
		same "$kind $want" "$kind $(key-pub --id tuf "$kind.pem")"
	done
}

@test "brkt:B18 brkt:X5 what is no key, or not one alone, is refused with its reason" {
	(umask 077 && echo wrong >p)
	key-gen --type p384 --no-passphrase -o a.pem
	openssl pkcs8 -topk8 -v2 aes-256-cbc -passout pass:pw -in a.pem >enc.pem
	openssl ec -aes256 -passout pass:pw -in a.pem >tradenc.pem 2>/dev/null
	cat a.pem a.pem >two.pem
	head -c 150 a.pem >cut.pem
	sed '3s/[A-Za-z]/A/g' a.pem >damaged.pem
	openssl req -x509 -key a.pem -subj /CN=x -out cert.pem
	openssl genrsa -out rsa1024.pem 1024 2>/dev/null
	openssl ecparam -name secp521r1 -genkey -noout >p521.pem
	truncate -s 100M big.pem
	key-gen --no-passphrase -o ed.pem
	mkfifo fifo
	refuse 4 key-pub --passphrase-file p enc.pem
	says 'wrong passphrase'
	refuse 4 key-pub --passphrase-file p tradenc.pem
	refuse 6 key-pub two.pem
	says 'more than one'
	refuse 6 key-pub cut.pem
	refuse 6 key-pub damaged.pem
	refuse 6 key-pub cert.pem
	refuse 1 key-pub rsa1024.pem
	says '1024 bits' 2048
	refuse 1 key-pub p521.pem
	refuse 1 key-pub --type p256 a.pem
	says p384 p256
	refuse 1 key-pub --type p384 ed.pem
	refuse 7 key-pub big.pem
	refuse 7 jwk big.pem
	{ sleep 0.1; cat a.pem; } >fifo & # a file that comes bit by bit is one, too
	same "$(openssl pkey -in a.pem -pubout)" "$(key-pub fifo)"
	refuse 3 key-pub missing.pem
	refuse 8 key-pub .
	refuse 6 key-pub </dev/null
	refuse 6 key-pub < <(echo '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}')
	refuse 1 key-pub < <(echo '{"kty":"oct","k":"AA"}')
	PIPED=1 refuse 2 setsid key-pub enc.pem # nobody to ask
	key-pub a.pem >a.pub
	refuse 1 key-pub --private a.pub
	says 'a public key'
}

@test "brkt:B20 an encrypted key asks for its password on the terminal" {
	(umask 077 && echo pw >p)
	key-gen --passphrase-file p -o k.pem --public-out k.pub
	on_terminal pw key-pub k.pem
	same $'Encrypted private key password: \n'"$(cat k.pub)" "${screen%$'\n'}"
}
