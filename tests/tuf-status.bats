#!/usr/bin/env bats
# tuf-status: versions, signatures, expiry.
# SPDX-License-Identifier: Apache-2.0
load lib
load tuf
setup_file() { tuf_tool; }

setup() {
	in_own_directory
	tuf_repository
}

@test "a record for each role, of a repository, its metadata, or a client's directory dtuf:R16" {
	delegate targets team '{"paths": ["*"]}'
	publish team targets snapshot timestamp
	expected='["root",1] ["timestamp",2] ["snapshot",2] ["targets",2] ["team",1]'
	same "$expected" "$(tuf-status repo | jq -c '[.role, .version]' | paste -sd' ')"
	same "$expected" "$(tuf-status repo/metadata | jq -c '[.role, .version]' | paste -sd' ')"
	tuf-refresh -q --repo file:repo >/dev/null
	same "${expected% *}" "$(tuf-status trusted | jq -c '[.role, .version]' | paste -sd' ')"
	tuf-status repo | jq -es 'all(.left > 2500000 and .left < 2600000 and .signed == 1 and .threshold == 1 and .keys == 1 and (has("missing") | not))'
	same "ROLE VERSION EXPIRES DAYS LEFT SIGNED" "$(tuf-status --format=table repo | head -n 1 | tr -s ' ')"
	tuf-status --format=table repo | grep -q 'team *1 *20.*Z *[23][09] *1 of 1'
	refuse 3 tuf-status nowhere
	refuse 3 tuf-status repo/targets
	echo x >repo/metadata/9.targets.json
	refuse 6 tuf-status repo
	says 9.targets.json
}

@test "who has still to sign; a root by the old and the new keys dtuf:R1 dtuf:R6" {
	add_key root timestamp second
	edit root '.roles.timestamp.threshold = 2'
	rotate root new
	signers timestamp timestamp
	publish root timestamp
	tuf-status repo | jq -es --arg old "$(keyid root)" --arg second "$(keyid second)" '
		(.[] | select(.role == "timestamp") | .signed == 1 and .threshold == 2 and .keys == 2 and .missing == [$second]) and
		(.[] | select(.role == "root") | .signed == 1 and (has("missing") | not) and .previous == {signed: 0, threshold: 1, missing: [$old]})'
	signers timestamp timestamp second
	publish timestamp
	tuf-status repo | jq -es '.[] | select(.role == "timestamp") | .signed == 2 and (has("missing") | not)'
}

@test "a draft comes before what was published; one key under two ids counts once dtuf:R1 dtuf:S14" {
	publish targets
	jq '.signed.version = 3 | .signatures = []' repo/metadata/2.targets.json >repo/metadata/targets.json
	same '[3,0]' "$(tuf-status repo | jq -c 'select(.role == "targets") | [.version, .signed]')"
	edit root '.keys.twin = .keys[$id] | .roles.timestamp.keyids += ["twin"] | .roles.timestamp.threshold = 2' --arg id "$(keyid timestamp)"
	publish root
	meddle timestamp.json '.signatures += [.signatures[0] | .keyid = "twin"]'
	same '[1,2,1]' "$(tuf-status repo | jq -c 'select(.role == "timestamp") | [.signed, .threshold, .keys]')"
}

@test "--within, for cron: 1 when something expires by then, and what dtuf:R16" {
	set_expiry snapshot 5
	publish snapshot
	tuf-status --within 4d repo >/dev/null
	refuse 1 tuf-status --within 7d repo
	says "snapshot: version 2 expires at"
	set_expiry timestamp -5
	publish timestamp
	refuse 1 tuf-status --within 0s repo
	says "timestamp: version 2 expired at"
	tuf-status repo >/dev/null
	refuse 2 tuf-status --within soon repo
}
