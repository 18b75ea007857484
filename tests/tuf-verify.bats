#!/usr/bin/env bats
# tuf-verify: one file against its delegator.
# SPDX-License-Identifier: Apache-2.0
load lib
load tuf
setup_file() { tuf_tool; }

setup() {
	in_own_directory
	tuf_repository
}

@test "a file, from an operand or stdin, by its delegator: a role record" {
	delegate targets team '{"paths": ["*"]}'
	publish team targets
	same '["timestamp",1,1,1]' "$(tuf-verify --by repo/root.json repo/metadata/timestamp.json | jq -c '[.role, .version, .signed, .threshold]')"
	same timestamp "$(tuf-verify --by repo/root.json <repo/metadata/timestamp.json | jq -r .role)"
	same team "$(tuf-verify --by repo/metadata/2.targets.json --role team repo/metadata/1.team.json | jq -r .role)"
	same root "$(tuf-verify repo/root.json | jq -r .role)"
	refuse 2 tuf-verify repo/metadata/timestamp.json
	refuse 3 tuf-verify --by repo/metadata/2.targets.json --role other repo/metadata/1.team.json
	refuse 1 tuf-verify --by repo/metadata/2.targets.json repo/metadata/1.team.json || refuse 3 tuf-verify --by repo/metadata/2.targets.json repo/metadata/1.team.json
	refuse 1 tuf-verify --by repo/root.json --role snapshot repo/metadata/timestamp.json
	says "of another role"
	refuse 3 tuf-verify nothing
	refuse 6 tuf-verify --by repo/root.json </dev/null
	refuse 6 tuf-verify --by /dev/null repo/metadata/timestamp.json
	echo '{"signatures":[],"signed":{}}' >bad
	refuse 6 tuf-verify bad
}

@test "a threshold that is not met, a signature over other bytes, expiry dtuf:R1 dtuf:S14" {
	meddle timestamp.json '.signed.x = 1'
	refuse 1 tuf-verify --by repo/root.json repo/metadata/timestamp.json
	says "timestamp: threshold not met: good signatures by 0 of its keys: expected 1"
	set_expiry timestamp -1
	publish timestamp
	refuse 1 tuf-verify --by repo/root.json repo/metadata/timestamp.json
	says expired
	tuf-verify --allow-expired --by repo/root.json repo/metadata/timestamp.json | jq -e '.left < 0'
}

@test "a root by the one before it: both sign, and the version is the next dtuf:R6" {
	rotate root new
	publish root
	refuse 1 tuf-verify --by repo/metadata/1.root.json repo/metadata/2.root.json
	signers root root
	publish_as_is root
	refuse 1 tuf-verify --by repo/metadata/1.root.json repo/metadata/2.root.json
	says "own keys"
	signers root root new
	publish_as_is root
	tuf-verify --by repo/metadata/1.root.json repo/metadata/2.root.json >/dev/null
	publish root
	refuse 1 tuf-verify --by repo/metadata/1.root.json repo/metadata/3.root.json
	says "version 3 does not follow version 1"
}
