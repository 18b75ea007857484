#!/usr/bin/env bats
# tuf-find: the search through delegations.
# SPDX-License-Identifier: Apache-2.0
load lib
load tuf
setup_file() { tuf_tool; }

setup() {
	in_own_directory
	tuf_repository
}

find_in() { tuf-find -q --repo file:repo "$@"; }
role_of() { find_in "$@" | jq -r .role; }

@test "a target record: length, hashes, custom, the role that vouches for it dtuf:R11 dtuf:S24" {
	echo data | target a/b
	edit targets '.targets["a/b"].custom = {"x": [1, {"y": null}], "z": ["a"]}'
	publish_all
	record=$(find_in a/b)
	jq -e '.kind == "target" and .path == "a/b" and .role == "targets" and .length == 5 and .custom.x[1].y == null' <<<"$record"
	same "$(echo data | sha256sum | cut -d' ' -f1)" "$(jq -r .hashes.sha256 <<<"$record")"
	same "2 2" "$(find_in a/b a/b | jq -r .of | paste -sd' ')"
	refuse 3 tuf-find -q --repo file:repo a/b a
	says "target 'a'"
	refuse 1 tuf-find -q --repo file:repo ''
	refuse 1 tuf-find -q --repo file:repo $'\xff'
	refuse 2 tuf-find -q --repo file:repo
}

@test "a target whose metadata is malformed is refused, its neighbours are not" {
	edit targets '.targets = {good: {length: 1, hashes: {sha256: "0"}}, a: {}, b: {length: -1, hashes: {sha256: "0"}}, c: {length: 1, hashes: {}}, d: 1,
		e: {length: 1, hashes: {sha256: 1}}, f: {length: 1, hashes: {sha256: "0"}, custom: 1}}'
	publish_all
	find_in good >/dev/null
	for bad in a b c d e f; do
		refuse 6 tuf-find -q --repo file:repo "$bad"
		says "target '$bad'"
	done
}

@test "patterns of paths go component by component dtuf:S20" {
	delegate targets team '{"paths": []}'
	for path in a a/b a/b/c .hidden 'x*' 'é' 'a b'; do
		echo x | target "$path" team
	done
	while IFS='|' read -r pattern path verdict; do
		edit targets '.delegations.roles[0].paths = [$p]' --arg p "$pattern"
		publish team targets snapshot timestamp
		status=0
		find_in "$path" >/dev/null 2>&1 || status=$?
		same "$pattern $path $verdict" "$pattern $path $([[ $status == 0 ]] && echo yes || echo no)"
	done <<-'EOF2'
		*|a|yes
		*|a/b|no
		a/*|a/b|yes
		a/*|a/b/c|no
		*/*|a/b|yes
		a/?|a/b|yes
		a?b|a/b|no
		A|a|no
		*|.hidden|yes
		?hidden|.hidden|yes
		[ab]|a|yes
		[!a]|a|no
		x\*|x*|no
		??|é|no
		?|é|yes
		a b|a b|yes
		/a|a|no
		a/|a|no
	EOF2
}

@test "hash prefixes and succinct bins dtuf:S21" {
	path=dir/file
	hash=$(printf %s "$path" | sha256sum | cut -d' ' -f1)
	delegate targets prefixed "{\"path_hash_prefixes\": [\"zz\", \"${hash:0:3}\"]}"
	echo x | target "$path" prefixed
	publish prefixed targets snapshot timestamp
	same prefixed "$(role_of "$path")"
	edit targets '.delegations.roles[0].path_hash_prefixes = [$p]' --arg p "${hash:1:4}"
	publish targets snapshot timestamp
	refuse 3 tuf-find -q --repo file:repo "$path"
	for bits in 1 3 4 5 12 32; do
		bin=$(printf "bins-%0$(((bits + 3) / 4))x" $((0x${hash:0:8} >> (32 - bits))))
		edit targets '.delegations = {keys: {}, succinct_roles: {keyids: [], threshold: 1, bit_length: $b, name_prefix: "bins"}}' --argjson b "$bits"
		add_key targets "$bin" binkey
		jq '.targets |= .' "$(work_file prefixed)" >"$(work_file "$bin")"
		publish "$bin" targets snapshot timestamp
		same "$bin" "$(role_of "$path")"
	done
}

@test "what a delegation may not say makes the file refused dtuf:S18" {
	delegate targets team '{"paths": ["*"]}'
	cp repo/work/targets.json good
	while IFS='|' read -r status filter; do
		cp good repo/work/targets.json
		edit targets "$filter"
		publish team targets snapshot timestamp
		refuse "$status" tuf-find -q --repo file:repo x
		says targets
	done <<-'EOF2'
		1|.delegations.roles[0].name = "root"
		1|.delegations.roles[0].name = "timestamp"
		1|.delegations.roles[0].name = "snapshot"
		1|.delegations.roles[0].name = "targets"
		1|.delegations.roles[0].name = ""
		1|.delegations.roles += .delegations.roles
		1|.delegations.roles[0].path_hash_prefixes = ["00"]
		1|.delegations.succinct_roles = {keyids: [], threshold: 1, bit_length: 1, name_prefix: "b"}
		6|.delegations.roles[0] |= del(.paths)
		6|.delegations.roles[0].threshold = 0
		6|.delegations = {keys: {}, succinct_roles: {keyids: [], threshold: 1, bit_length: 33, name_prefix: "b"}}
		6|.delegations = {keys: {}, succinct_roles: {keyids: [], threshold: 1, bit_length: 0, name_prefix: "b"}}
	EOF2
}

@test "a role that cannot be had or verified ends the lookup dtuf:S22" {
	delegate targets bad '{"paths": ["*"]}'
	delegate targets good '{"paths": ["*"]}'
	echo x | target t good
	publish bad good targets snapshot timestamp
	same good "$(role_of t)"
	mv repo/metadata/1.bad.json elsewhere
	rm trusted/bad.json
	refuse 3 tuf-find -q --repo file:repo t
	says "bad: version 1 is listed, but the repository does not have it"
	jq '.signatures = []' elsewhere >repo/metadata/1.bad.json
	refuse 1 tuf-find -q --repo file:repo t
	says "bad: threshold not met"
	set_expiry bad -1
	publish bad snapshot timestamp
	refuse 1 tuf-find -q --repo file:repo t
	says "bad: version 2 expired"
	[[ ! -e trusted/bad.json ]]
}

@test "a role dropped from the snapshot is not asked for, though its file is still there dtuf:S22 dtuf:A2" {
	delegate targets team '{"paths": ["*"]}'
	echo x | target t team
	publish team targets
	edit snapshot 'del(.meta["team.json"])'
	publish snapshot timestamp
	refuse 1 tuf-find -q --repo file:repo t
	says "team: the snapshot does not list this role"
}

@test "the number of visited roles is bounded, and the bound is said dtuf:A11" {
	for n in $(seq 1 40); do
		delegate targets "r$n" '{"paths": ["*"]}'
	done
	echo x | target t r33
	# shellcheck disable=SC2046
	publish $(printf 'r%s ' $(seq 1 40)) targets snapshot timestamp
	refuse 3 tuf-find -q --repo file:repo t
	says "32 delegated roles were visited" "--max-roles"
	same 32 "$(find trusted -name 'r*.json' ! -name root.json | wc -l)"
	same r33 "$(role_of --max-roles 33 t)"
	refuse 3 tuf-find -q --repo file:repo --max-roles 0 t
}

@test "10,000 delegations are no more work than those that match dtuf:A11" {
	delegate targets last '{"paths": ["x/*"]}'
	edit targets '.delegations.roles = [range(9999) | {name: "r\(.)", keyids: [], threshold: 1, terminating: false, paths: ["\(.)/*"]}] + .delegations.roles'
	echo x | target x/y last
	publish last targets snapshot timestamp
	same last "$(role_of x/y)"
	same last.json "$(find trusted -name '*.json' -newer trusted/targets.json -printf '%f\n')"
}

@test "role names become one file each, inside the directory dtuf:A9 dtuf:S17" {
	for role in . .. a/b A/b 'q"\x' é; do
		delegate targets "$role" '{"paths": ["*"]}'
		publish "$role"
	done
	publish targets snapshot timestamp
	refuse 3 tuf-find -q --repo file:repo nothing
	same '%2E %2E%2E %C3%A9 A%2Fb a%2Fb q%22%5Cx' "$(find trusted -name '*[%]*.json' -printf '%f\n' | sed 's/.json$//' | LC_ALL=C sort | paste -sd' ')"

}

@test "--no-refresh and --offline use what is there, and expiry still counts dtuf:S30 dtuf:D40" {
	echo x | target t
	publish_all
	find_in t >/dev/null
	mv repo gone
	tuf-find --offline t >/dev/null
	tuf-find --no-refresh t >/dev/null
	refuse 3 tuf-find --offline other
	refuse 3 tuf-find -q --repo file:gone/nothing t
	refuse 2 tuf-find --only-targets-expiry --repo file:gone t
	# another version than the snapshot names is not used
	cp gone/metadata/1.targets.json trusted/targets.json
	refuse 1 tuf-find --offline t
	rm trusted/targets.json
	refuse 3 tuf-find --offline t
	says tuf-refresh
	strace -f -o calls -e trace=socket,connect tuf-find --offline t >/dev/null 2>&1 || true
	same "" "$(grep -E 'socket|connect' calls || true)"
}
