#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
setup() { in_own_directory; }

@test "dtuf:R2 dtuf:R3 raw signatures by openssl are taken, for each type of key" {
	keys root
	all=(--add-key root=root.pub --add-key snapshot=root.pub --add-key timestamp=root.pub)
	for type in ed25519 p256 p384 rsa; do
		key-gen --type $type --no-passphrase --public-out k.pub -o k.pem
		tuf-init --force "${all[@]}" --add-key targets=k.pub m
		tuf-payload m/targets.json >p
		case $type in
		ed25519) openssl pkeyutl -sign -rawin -inkey k.pem -in p ;;
		p256) openssl dgst -sha256 -sign k.pem p ;;
		p384) openssl dgst -sha384 -sign k.pem p ;;
		rsa) openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max -sign k.pem p ;;
		esac >raw
		tuf-addsig --keyid "$(keyid k)" m/targets.json <raw
		same "$(keyid k)" "$(jq -r '.signatures[].keyid' m/targets.json)"
		printf x >>raw
		refuse 1 tuf-addsig --keyid "$(keyid k)" m/targets.json <raw
		rm k.pem
	done
}

@test "dtuf:R4 wrong key, wrong payload, unlisted keyid: 1, and the file stays as it was" {
	repository
	keys other
	tuf-add m/targets.json <<<'{"path":"a","length":0,"hashes":{"sha256":"00"}}'
	before=$(sums)
	tuf-payload m/targets.json >p
	tuf-sign --key targets.pem p >good
	refuse 1 tuf-addsig m/targets.json < <(tuf-sign --key other.pem p)
	says 'does not list it'
	refuse 1 tuf-addsig m/targets.json < <(tuf-sign --key other.pem --keyid "$(keyid targets)" p)
	says 'not good for this payload'
	refuse 1 tuf-addsig m/targets.json < <(tuf-payload m/root.json | tuf-sign --key targets.pem)
	refuse 1 tuf-addsig m/targets.json < <(cat good; tuf-sign --key other.pem p) # all or none
	refuse 6 tuf-addsig m/targets.json </dev/null
	refuse 6 tuf-addsig m/targets.json < <(echo '{"keyid":"x"}')
	refuse 6 tuf-addsig m/targets.json < <(head -c 100 good)
	refuse 2 tuf-addsig - <good
	refuse 3 tuf-addsig m/missing.json <good
	refuse 6 tuf-addsig --keyid "$(keyid targets)" m/targets.json </dev/null
	same "$before" "$(sums)"
	tuf-addsig m/targets.json <good
	verified m/targets.json targets
}

@test "dtuf:R4 dtuf:R5 a second signature by a keyid replaces the first; adding one changes nothing that is signed" {
	keys root
	key-gen --type p256 --no-passphrase --public-out ec.pub -o ec.pem
	tuf-init --add-key root=root.pub --add-key targets=ec.pub --add-key snapshot=root.pub --add-key timestamp=root.pub --key ec.pem m
	payload=$(tuf-payload m/targets.json | sha256sum)
	first=$(jq -r '.signatures[0].sig' m/targets.json)
	tuf-payload m/targets.json | tuf-sign --key ec.pem | tuf-addsig m/targets.json
	same "1 $payload" "$(jq '.signatures | length' m/targets.json) $(tuf-payload m/targets.json | sha256sum)"
	[[ $(jq -r '.signatures[0].sig' m/targets.json) != "$first" ]] # ECDSA signatures are never the same twice
}

@test "dtuf:R2 signers work in parallel, on copies, in any order, the metadata on one machine and the keys on others" {
	keys a b c online
	tuf-init --add-key root=a.pub --add-key root=b.pub --add-key root=c.pub --threshold root=3 --add-key targets=online.pub \
		--add-key snapshot=online.pub --add-key timestamp=online.pub m
	mkdir -p machine_a machine_b machine_c
	for k in a b c; do
		mv $k.pem machine_$k
		tuf-payload m/root.json >machine_$k/payload
		(cd machine_$k && tuf-sign --key $k.pem <payload >signature && rm payload) &
	done
	wait
	cat machine_c/signature machine_a/signature machine_b/signature | tuf-addsig m/root.json
	for k in a b c; do verified m/1.root.json $k; done
}

@test "a delegated role, its delegator named or beside it; stdin to stdout" {
	repository
	keys docs
	tuf-delegate --path 'docs/*' --add-key docs.pub --key targets.pem m/targets.json docs
	tuf-payload m/docs.json | tuf-sign --key docs.pem >s
	tuf-addsig m/docs.json <s
	verified m/docs.json docs
	mkdir elsewhere
	jq -c '.signatures = []' m/docs.json >elsewhere/x.json
	refuse 3 tuf-addsig elsewhere/x.json <s
	refuse 3 tuf-addsig --delegator m/targets.json elsewhere/x.json <s
	says "no delegation to the role 'x'"
	tuf-addsig --role docs --delegator m/targets.json --signature s - <elsewhere/x.json | cmp - m/docs.json
}

@test "dtuf:A6 two ids of one key do not make two signatures" {
	keys root
	tuf-init --add-key root=root.pub --add-key targets=root.pub --add-key snapshot=root.pub --add-key timestamp=root.pub m
	jq -c --arg id "$(keyid root)" '.signed.keys.again = .signed.keys[$id] | .signed.roles.root.keyids += ["again"] | .signed.roles.root.threshold = 2' \
		m/root.json >changed
	mv changed m/root.json
	tuf-payload m/root.json >p
	{ tuf-sign --key root.pem p; tuf-sign --key root.pem --keyid again p; } | tuf-addsig m/root.json
	same 2 "$(jq '.signatures | length' m/root.json)"
	[ ! -e m/1.root.json ] # not complete
}
