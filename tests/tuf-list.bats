#!/usr/bin/env bats
# tuf-list: what tuf-find would find, and nothing else.
# SPDX-License-Identifier: Apache-2.0
load lib
load tuf
setup_file() { tuf_tool; }

setup() {
	in_own_directory
	tuf_repository
}

list() { tuf-list -q --repo file:repo "$@"; }

@test "records, names, a table; sorted by the bytes of the names dtuf:D30" {
	same "" "$(list)"
	for path in b a/b é B a $'new\nline' 'back\slash'; do
		echo x | target "$path"
	done
	publish_all
	same $'B\na\na/b\nb\nback\\\\slash\nnew\\nline\né' "$(list --format=names)"
	same $'B a a/b b back\\slash new\nline é ' "$(list -0 | tr '\0' ' ')"
	list | jq -es 'length == 7 and all(.kind == "target" and .role == "targets" and .of == 7) and .[5].path == "new\nline"'
	same "TARGET ROLE B targets" "$(list --format=table | head -n 2 | tr -s ' \n' ' ' | sed 's/ $//')"
	list --format=table | grep -q 'new\\nline'
	same 7 "$(tuf-list --offline --format=names | wc -l)"
	refuse 2 tuf-list --format=nothing
}

@test "exactly those that tuf-find finds, each by the role that vouches for it dtuf:S19 dtuf:S20" {
	delegate targets A '{"paths": ["a/*", "both/*"]}'
	delegate targets T '{"paths": ["t/*"], "terminating": true}'
	delegate targets B '{"paths": ["*/*"]}'
	delegate A C '{"paths": ["a/*", "b/*"]}'
	delegate C A '{"paths": ["*/*"]}'
	for role in targets A B C T; do
		for path in top a/1 b/1 t/1 both/1 "a/$role" "b/$role" "t/$role"; do
			[[ $role == targets && $path == */1 ]] || printf '%s' "$role" | target "$path" "$role"
		done
	done
	publish A B C T targets snapshot timestamp
	list | jq -r '.path + " " + .role' >listed
	for path in top {a,b,t,both}/1 {a,b,t}/{targets,A,B,C,T}; do
		role=$(tuf-find -q --repo file:repo "$path" 2>/dev/null | jq -r .role) || role=error
		[[ -z $role || $role == null ]] || echo "$path $role"
	done | LC_ALL=C sort >found
	diff listed found
	same 4 "$(list --top-level --format=names | wc -l)"
	rm trusted/B.json repo/metadata/1.B.json
	refuse 3 tuf-list -q --repo file:repo
	says "B:"
}

@test "of succinct bins, those that the snapshot lists dtuf:S21 dtuf:A11" {
	edit targets '.delegations = {keys: {}, succinct_roles: {keyids: [], threshold: 1, bit_length: 32, name_prefix: "bin"}}'
	path=some/path
	bin=bin-$(printf %s "$path" | sha256sum | cut -c1-8)
	jq '.targets = {} | .version = 0 | del(.delegations)' repo/work/targets.json >"repo/work/$bin.json"
	add_key targets "$bin" key
	echo x | target "$path" "$bin"
	echo x | target stray "$bin"
	publish "$bin" targets snapshot timestamp
	same "some/path $bin" "$(list | jq -r '.path + " " + .role')"
}

@test "a malformed target: nothing is listed" {
	edit targets '.targets = {a: {length: 1, hashes: {sha256: "0"}}, b: 1}'
	publish_all
	refuse 6 tuf-list -q --repo file:repo
	says "target 'b'"
}
