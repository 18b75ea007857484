#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
setup() { in_own_directory; }

roles() { jq -c '[.signed.delegations.roles[].name]' "${1:-m/targets.json}"; }

@test "dtuf:R7 patterns, hash prefixes, terminating, thresholds, order, any role name, any depth" {
	repository
	keys a b
	tuf-delegate --path 'docs/*' --path 'x/*/y' --add-key a.pub --key targets.pem m/targets.json docs
	tuf-delegate --hash-prefix 0a --hash-prefix f --add-key a.pub --add-key b.pub --threshold 2 --terminating --key targets.pem m/targets.json ../odd/é
	tuf-delegate --path '*' --add-key b.pub --first --key targets.pem m/targets.json one
	tuf-delegate --path '*' --add-key b.pub --before docs --key targets.pem m/targets.json two
	same '["one","two","docs","../odd/é"]' "$(roles)"
	same "{\"keyids\":[\"$(keyid a)\"],\"name\":\"docs\",\"paths\":[\"docs/*\",\"x/*/y\"],\"terminating\":false,\"threshold\":1}" \
		"$(jq -c '.signed.delegations.roles[2]' m/targets.json)"
	same '[["0a","f"],true,2,2]' "$(jq -c '.signed.delegations.roles[3] | [.path_hash_prefixes, .terminating, .threshold, (.keyids | length)]' m/targets.json)"
	[ -e m/..%2Fodd%2F%C3%A9.json ]
	verified m/targets.json targets
	# a role below docs, whose delegator is docs
	tuf-delegate --path 'docs/api/*' --add-key b.pub --key a.pem m/docs.json api
	verified m/docs.json a
	tuf-add --key b.pem --delegator m/docs.json m/api.json <<<'{"path":"docs/api/x","length":0,"hashes":{"sha256":"00"}}'
	for role in one two; do tuf-payload m/$role.json | tuf-sign --key b.pem | tuf-addsig m/$role.json; done
	tuf-payload m/..%2Fodd%2F%C3%A9.json | tuf-sign --key a.pem --key b.pem | tuf-addsig m/..%2Fodd%2F%C3%A9.json
	publish
	same '["../odd/é.json","api.json","docs.json","one.json","targets.json","two.json"]' "$(jq -c '.signed.meta | keys' m/snapshot.json)"
	[ -e m/1...%2Fodd%2F%C3%A9.json ]
}

@test "dtuf:R7 what is not named stays; keys come and go; a delegation is removed with the keys that only it had" {
	repository
	keys a b
	tuf-delegate --path 'a/*' --add-key a.pub --terminating --key targets.pem m/targets.json one
	tuf-delegate --path 'b/*' --add-key b.pub --key targets.pem m/targets.json two
	tuf-delegate --add-key b.pub --drop-key "$(keyid a)" --key targets.pem m/targets.json one
	same "[\"one\",[\"a/*\"],[\"$(keyid b)\"],true]" "$(jq -c '.signed.delegations.roles[0] | [.name, .paths, .keyids, .terminating]' m/targets.json)"
	same "[\"$(keyid b)\"]" "$(jq -c '.signed.delegations.keys | keys' m/targets.json)"
	tuf-delegate --not-terminating --path c --key targets.pem m/targets.json one
	same '[["c"],false]' "$(jq -c '.signed.delegations.roles[0] | [.paths, .terminating]' m/targets.json)"
	tuf-delegate --remove --key targets.pem m/targets.json one
	same '["two"]' "$(roles)"
	tuf-delegate --remove --key targets.pem m/targets.json two
	same '{"keys":{},"roles":[]}' "$(jq -c .signed.delegations m/targets.json)"
}

@test "dtuf:R8 dtuf:S21 succinct bins: all files are there before their delegator, one signature serves for all" {
	repository
	keys bin
	tuf-delegate --bins 6 --add-key bin.pub --key targets.pem --key bin.pem m/targets.json a/b
	same "{\"bit_length\":6,\"keyids\":[\"$(keyid bin)\"],\"name_prefix\":\"a/b\",\"threshold\":1}" \
		"$(jq -c .signed.delegations.succinct_roles m/targets.json)"
	same '64 m/a%2Fb-00.json m/a%2Fb-3f.json' "$(ls m/a%2Fb-*.json | sed -n '1p;$p' | paste -sd' ' | sed "s/^/$(ls m/a%2Fb-*.json | wc -l) /")"
	verified m/a%2Fb-2a.json bin
	publish
	same 65 "$(jq '.signed.meta | length' m/snapshot.json)"
	[ -e m/1.a%2Fb-00.json ]
	refuse 1 tuf-delegate --path x --add-key bin.pub m/targets.json other
	refuse 1 tuf-delegate --bins 6 --add-key bin.pub m/targets.json other
	keys more
	tuf-delegate --add-key more.pub --key targets.pem m/targets.json a/b
	same 2 "$(jq '.signed.delegations.succinct_roles.keyids | length' m/targets.json)"
	refuse 7 tuf-delegate --bins 21 --add-key bin.pub --key targets.pem m/targets.json a/b
}

@test "dtuf:S18 what no client would accept is not written" {
	repository
	keys a
	before=$(sums)
	for name in root timestamp snapshot targets ''; do
		refuse 1 tuf-delegate --path x --add-key a.pub --key targets.pem m/targets.json "$name"
	done
	refuse 1 tuf-delegate --path x --key targets.pem m/targets.json docs
	says 'nobody could sign it'
	refuse 1 tuf-delegate --path x --add-key a.pub --threshold 2 --key targets.pem m/targets.json docs
	refuse 1 tuf-delegate --path x --add-key a.pub --key root.pem m/targets.json docs
	refuse 2 tuf-delegate --path x --hash-prefix 00 --add-key a.pub m/targets.json docs
	refuse 2 tuf-delegate --add-key a.pub m/targets.json docs
	refuse 2 tuf-delegate --hash-prefix 0G --add-key a.pub m/targets.json docs
	refuse 2 tuf-delegate --bins 2 --hash-bins 2 --add-key a.pub m/targets.json docs
	refuse 2 tuf-delegate --terminating --not-terminating --path x --add-key a.pub m/targets.json docs
	refuse 3 tuf-delegate --path x --before missing --add-key a.pub m/targets.json docs
	refuse 3 tuf-delegate --remove m/targets.json docs
	refuse 3 tuf-delegate --path x --add-key missing.pub m/targets.json docs
	refuse 6 tuf-delegate --path x --add-key a.pub m/root.json docs
	rm -f m/docs.json
	same "$before" "$(sums)"
	tuf-delegate --path x --add-key a.pub --no-files m/targets.json docs
	[ ! -e m/docs.json ]
	refuse 3 tuf-delegate --drop-key 00 m/targets.json docs
	same '["docs"]' "$(tuf-delegate --path x --add-key a.pub - docs <m/1.targets.json | roles /dev/stdin)"
}
