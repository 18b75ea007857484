#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
setup() { in_own_directory; }

list() { # list PATH...
	printf '{"path":"%s","length":0,"hashes":{"sha256":"00"}}\n' "$@"
}

@test "dtuf:R18 targets are removed by name or from a list; the data of others stays" {
	repository
	echo 1 >a
	echo 1 >b
	tuf-add --key targets.pem --targets data m/targets.json a b
	list c d e 'f g' | tuf-add --key targets.pem m/targets.json
	tuf-del --key targets.pem m/targets.json a 'f g'
	same '["b","c","d","e"]' "$(jq -c '.signed.targets | keys' m/targets.json)"
	list e c | tuf-del --key targets.pem m/targets.json
	same '["b","d"]' "$(jq -c '.signed.targets | keys' m/targets.json)"
	same 2 "$(ls data | wc -l)"
	verified m/targets.json targets
}

@test "dtuf:R13 in bins only the one concerned changes" {
	repository
	keys bin
	tuf-delegate --bins 4 --add-key bin.pub --key targets.pem --key bin.pem m/targets.json bin
	list {a..z} | tuf-add --key bin.pem m/targets.json
	publish
	find m -type f -name '[a-z]*' -exec sha256sum {} + | sort >before
	tuf-del --key bin.pem m/targets.json k
	same "bin-$(printf k | sha256sum | head -c 1).json" "$(find m -type f -name '[a-z]*' -exec sha256sum {} + | sort | comm -13 before - | sed 's|.*m/||')"
	same 25 "$(cat m/bin-?.json | jq -s 'map(.signed.targets | length) | add')"
}

@test "what is not there is 3 and changes nothing, unless that is as good" {
	repository
	list a b | tuf-add --key targets.pem m/targets.json
	before=$(sums)
	refuse 3 tuf-del --key targets.pem m/targets.json a missing
	says "no target 'missing'"
	refuse 6 tuf-del m/targets.json </dev/null
	refuse 6 tuf-del m/targets.json < <(list a; echo '{"path":7}')
	refuse 6 tuf-del m/snapshot.json a
	refuse 1 tuf-del --key root.pem m/targets.json a
	refuse 2 tuf-del - </dev/null
	same "$before" "$(sums)"
	tuf-del --ignore-missing --key targets.pem m/targets.json a missing
	same '["b"]' "$(jq -c '.signed.targets | keys' m/targets.json)"
	same '{}' "$(tuf-del - b <m/targets.json | jq -c .signed.targets)"
}
