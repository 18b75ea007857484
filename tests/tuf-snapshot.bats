#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
setup() { in_own_directory; }

list() {
	printf '{"path":"%s","length":0,"hashes":{"sha256":"00"}}\n' "$@"
}

@test "dtuf:R10 versions, lengths and hashes; versions alone where asked for" {
	repository
	keys bin
	tuf-delegate --bins 1 --add-key bin.pub --key targets.pem --key bin.pem m/targets.json b
	tuf-snapshot --key snapshot.pem m
	same '[["hashes","length","version"],["hashes","length","version"],["hashes","length","version"]]' "$(jq -c '[.signed.meta[] | keys]' m/snapshot.json)"
	tuf-snapshot --no-bin-hashes --key snapshot.pem m
	same '[["version"],["version"],["hashes","length","version"]]' "$(jq -c '[.signed.meta[] | keys]' m/snapshot.json)"
	tuf-snapshot --no-hashes --key snapshot.pem m
	same '[["version"],["version"],["version"]]' "$(jq -c '[.signed.meta[] | keys]' m/snapshot.json)"
	verified m/snapshot.json snapshot
}

@test "dtuf:R10 dtuf:R7 no role drops out unless asked, not even one whose file is not here" {
	repository
	keys docs
	tuf-delegate --path 'docs/*' --add-key docs.pub --key targets.pem --key docs.pem m/targets.json docs
	publish
	rm m/docs.json
	publish
	same '["docs.json","targets.json"]' "$(jq -c '.signed.meta | keys' m/snapshot.json)"
	tuf-snapshot --drop docs --key snapshot.pem m
	same '["targets.json"]' "$(jq -c '.signed.meta | keys' m/snapshot.json)"
}

@test "dtuf:R15 a role that is not complete, older, or another's is refused, and nothing changes" {
	repository
	list a | tuf-add --key targets.pem m/targets.json
	publish
	cp -r m was
	list b | tuf-add m/targets.json
	before=$(sums)
	refuse 1 tuf-snapshot --key snapshot.pem m
	says 'targets: threshold not met' 'expected 1'
	same "$before" "$(sums)"
	cp was/1.targets.json m/targets.json
	refuse 1 tuf-snapshot --key snapshot.pem m
	says 'version 1, but 2 was published'
	rm m/targets.json
	refuse 3 tuf-snapshot --key snapshot.pem m
	cp was/snapshot.json m/targets.json
	refuse 1 tuf-snapshot --key snapshot.pem m
	cp was/targets.json m/targets.json
	refuse 1 tuf-snapshot --key root.pem m
	refuse 3 tuf-snapshot --key snapshot.pem missing
	rm m/root.json
	refuse 3 tuf-snapshot --key snapshot.pem m
}

@test "dtuf:R19 after new keys for snapshot and timestamp lower versions may be set" {
	repository
	tuf-snapshot --set-version 9000 --key snapshot.pem m
	tuf-timestamp --set-version 9000 --key timestamp.pem m
	same '9000 9000' "$(jq .signed.version m/snapshot.json) $(jq .signed.version m/timestamp.json)"
	keys s2 t2
	tuf-root --add-key snapshot=s2.pub --drop-key snapshot=snapshot.pub --add-key timestamp=t2.pub --drop-key timestamp=timestamp.pub --key root.pem m/root.json
	tuf-snapshot --set-version 2 --key s2.pem m
	tuf-timestamp --set-version 2 --key t2.pem m
	same '2 2' "$(jq .signed.version m/snapshot.json) $(jq .signed.version m/timestamp.json)"
	tuf-snapshot --key s2.pem m
	same 3 "$(jq .signed.version m/snapshot.json)"
}

@test "dtuf:R9 published names appear before the snapshot that lists them, and are never written to" {
	repository
	list a | tuf-add --key targets.pem m/targets.json
	publish
	cp m/2.targets.json published
	list b | tuf-add --key targets.pem m/targets.json
	cmp m/2.targets.json published
	list c | tuf-add m/targets.json
	cmp m/2.targets.json published
}
