#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
setup() { in_own_directory; }

@test "dtuf:R6 dtuf:R15 a rotation is one version, signed by old and new keys, and all former roots stay" {
	repository
	keys new
	tuf-root --add-key root=new.pub --drop-key "root=$(keyid root)" m/root.json
	same '2 0' "$(jq -r '"\(.signed.version) \(.signatures | length)"' m/root.json)"
	[ ! -e m/2.root.json ]
	tuf-root --expires 3d m/root.json # a draft keeps its version
	same 2 "$(jq -r .signed.version m/root.json)"
	tuf-payload m/root.json | tuf-sign --key new.pem | tuf-addsig m/root.json
	[ ! -e m/2.root.json ] # the old keys have not signed
	tuf-payload m/root.json | tuf-sign --key root.pem | tuf-addsig m/root.json
	verified m/2.root.json new
	verified m/2.root.json root
	same "[\"$(keyid new)\"]" "$(jq -c .signed.roles.root.keyids m/2.root.json)"
	same false "$(jq --arg id "$(keyid root)" '.signed.keys | has($id)' m/2.root.json)"
	is_about "$(jq -r .signed.expires m/2.root.json)" 259200
	tuf-root --key new.pem m/root.json
	ls m/[123].root.json
}

@test "dtuf:R6 both signatures in one run; thresholds, other roles' keys, consistent snapshots" {
	repository
	keys new second
	cp m/1.root.json first
	tuf-root --add-key root=new.pub --drop-key root=root.pub --threshold root=1 --add-key targets=second.pub --threshold targets=2 \
		--consistent-snapshot no --key root.pem --key new.pem m/root.json
	same '[2,2,false,2,2]' "$(jq -c '[.signed.version, (.signatures | length), .signed.consistent_snapshot, .signed.roles.targets.threshold,
		(.signed.roles.targets.keyids | length)]' m/2.root.json)"
	cmp first m/1.root.json
}

@test "dtuf:R5 dtuf:K6 unknown members and foreign keyids survive" {
	repository
	jq -c '.signed.x = {"b": [1], "a": "\u0007"} | .signed.keys.label = {keytype: "strange", scheme: "odd", keyval: {public: "?"}, y: 1} |
		.signed.roles.timestamp.keyids += ["label"] | .signatures = []' m/root.json >changed
	mv changed m/root.json
	rm m/1.root.json
	tuf-root --key root.pem m/root.json
	same '[{"a":"\u0007","b":[1]},1,1]' "$(jq -c '[.signed.x, .signed.keys.label.y, .signed.version]' m/1.root.json)"
}

@test "stdin to stdout, and what cannot be" {
	repository
	same 2 "$(tuf-root - <m/root.json | jq .signed.version)"
	before=$(sums)
	refuse 3 tuf-root --drop-key root=targets.pub m/root.json
	says 'does not list the key'
	refuse 1 tuf-root --drop-key root=root.pub m/root.json
	says 'nobody could sign it'
	refuse 1 tuf-root --key targets.pem m/root.json
	refuse 6 tuf-root m/targets.json
	says 'expected root'
	refuse 1 tuf-root --expires never m/root.json
	refuse 1 tuf-root --expires 2020-01-01T00:00:00Z m/root.json
	says 'over already'
	refuse 2 tuf-root --threshold root m/root.json
	refuse 6 tuf-root - </dev/null
	refuse 6 tuf-root - < <(head -c 300 m/root.json)
	refuse 3 tuf-root missing/root.json
	same "$before" "$(sums)"
}

@test "dtuf:K2 dtuf:K11 encrypted keys: a wrong passphrase is 4, one without mode 0600 that is not encrypted is refused" {
	repository
	(umask 077 && echo secret >pass && echo wrong >wrong)
	key-gen --passphrase-file pass --public-out enc.pub -o enc.pem
	openssl pkcs8 -topk8 -scrypt -in root.pem -passout pass:secret -out scrypt.pem
	before=$(sums)
	refuse 4 tuf-root --add-key root=enc.pub --key enc.pem --passphrase-file wrong m/root.json
	chmod 644 root.pem
	refuse 1 tuf-root --key root.pem m/root.json
	says 'chmod 600'
	refuse 6 tuf-root --key root.pub m/root.json
	same "$before" "$(sums)"
	tuf-root --add-key root=enc.pub --key scrypt.pem --key enc.pem --passphrase-file pass m/root.json
	verified m/2.root.json enc
}
