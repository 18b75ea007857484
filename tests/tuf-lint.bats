#!/usr/bin/env bats
# tuf-lint: what a client would refuse is found before it is published (dtuf:R20).
# SPDX-License-Identifier: Apache-2.0
load lib
load tuf
setup_file() { tuf_tool; }

setup() {
	in_own_directory
	tuf_repository
}

# finds TEXT...: it is refused, and each is among the findings.
finds() {
	refuse 1 tuf-lint repo
	says "$@"
}

# The SHA-256 of a keyid is over another key object than tufsim's once members are added; as it stands there is nothing to say.
@test "a repository in order: nothing is said, with and without an older state dtuf:R20" {
	echo one | target a/one
	delegate targets team '{"paths": ["team/*"]}'
	echo two | target team/two team
	publish_hashed team targets snapshot timestamp
	same "" "$(tuf-lint repo 2>&1)"
	same "" "$(tuf-lint --data --strict repo 2>&1)"
	cp -r repo old
	tuf-refresh -q --repo file:repo >/dev/null
	publish root root team targets snapshot timestamp
	same "" "$(tuf-lint --from old repo 2>&1)"
	same "" "$(tuf-lint --from trusted repo 2>&1)"
	refuse 3 tuf-lint --from nowhere repo
	refuse 3 tuf-lint nowhere
	refuse 2 tuf-lint
}

@test "every finding in one run, each with the role it is about dtuf:R20" {
	echo one | target one
	delegate targets team '{"paths": ["team/*"]}'
	echo two | target team/two team
	publish team targets snapshot timestamp
	rm repo/targets/*.one
	set_expiry snapshot -1
	publish snapshot
	signers timestamp nobody
	publish timestamp
	meddle 1.team.json '.signed.targets = {}'
	finds "snapshot: version 3 expired" "timestamp: threshold not met" "target 'one': no data" "team: threshold not met" "errors: 4"
}

@test "the chain of roots: missing, unsigned by the old or the new keys, wrong version dtuf:R6" {
	rotate root new
	publish root
	finds "version 2 by the keys of version 1: root: threshold not met"
	signers root root
	publish_as_is root
	finds "version 2 by its own keys: root: threshold not met"
	signers root root new
	publish_as_is root
	tuf-lint repo
	mv repo/metadata/1.root.json first
	finds "1.root.json"
	tuf-lint --first-root 2 repo
	cp repo/metadata/2.root.json repo/metadata/1.root.json
	finds "'1.root.json' has version 2"
	mv first repo/metadata/1.root.json
	edit root '.roles.snapshot.threshold = 2'
	signers root new
	publish root
	finds "root: role 'snapshot': the threshold is 2, and it has 1 usable keys" "snapshot: threshold not met"
	set_expiry root -1
	publish root
	finds "root: version 4 expired"
	rm repo/metadata/*.root.json
	finds "there is no '1.root.json'"
}

@test "what is listed: versions, lengths, hashes, strays, limits dtuf:R20 dtuf:S8" {
	publish_hashed targets snapshot timestamp
	cp -r repo good
	printf ' ' >>repo/metadata/2.targets.json
	finds "targets:"
	rm -r repo && cp -r good repo
	mv repo/metadata/2.snapshot.json repo/metadata/3.snapshot.json
	finds "snapshot: the timestamp lists version 2, but there is no such file"
	rm -r repo && cp -r good repo
	edit timestamp '.meta["targets.json"] = {version: 1}'
	publish timestamp
	finds "timestamp: it lists 'targets.json'"
	rm -r repo && cp -r good repo
	edit snapshot '.meta["gone.json"] = {version: 1}'
	publish_hashed snapshot timestamp
	tuf-lint repo 2>err
	grep -q "it lists the role 'gone', to which nothing delegates" err
	refuse 1 tuf-lint --strict repo
	edit timestamp '.padding = "x" * 17000'
	publish timestamp
	refuse 1 tuf-lint repo
	says timestamp 16384
}

@test "targets: malformed, of unknown hashes, wrong size, wrong data, outside of their delegation" {
	for path in good size data; do
		echo "$path" | target "$path"
	done
	delegate targets team '{"paths": ["team/*"]}'
	echo x | target other team
	publish team targets snapshot timestamp
	echo longer >>"$(echo repo/targets/*.size)"
	echo atad >"$(echo repo/targets/*.data)"
	finds "target 'size': signed are 5 bytes, there are 12" "errors: 1"
	says "target 'other': the delegation by 'targets' does not cover it"
	refuse 1 tuf-lint --data repo
	says "target 'data': its data has another sha256 than signed" "errors: 2"
	edit targets '.targets = {a: {}, b: {length: 1, hashes: {md5: "0"}}}'
	publish_all
	finds "target 'a': field 'length'" "target 'b': none of its hashes"
}

@test "a tree without targets/: its metadata is looked at, and that is said once dtuf:R12 dtuf:R20" {
	for path in a/one b/two; do
		echo "$path" | target "$path"
	done
	publish targets snapshot timestamp
	rm -r repo/targets
	tuf-lint repo 2>err
	same "tuf-lint: warning: 'repo/targets': there is none: no data was looked for" "$(cat err)"
	refuse 1 tuf-lint --strict repo
	refuse 1 tuf-lint --data repo
	says "target 'a/one': no data" "target 'b/two': no data" "errors: 2"
	mkdir repo/targets
	finds "target 'a/one': no data" "target 'b/two': no data" "errors: 2"
}

@test "bins: each is there dtuf:R8 dtuf:R20" {
	edit targets '.delegations = {keys: {}, succinct_roles: {keyids: [], threshold: 1, bit_length: 2, name_prefix: "bin"}}'
	add_key targets bin-0 key
	for bin in bin-0 bin-1 bin-2 bin-3; do
		jq '.targets = {} | .version = 0 | del(.delegations)' repo/work/targets.json >"repo/work/$bin.json"
		signers "$bin" key
	done
	publish bin-0 bin-1 bin-2 targets snapshot timestamp
	finds "bin-3: the snapshot does not list this role" "errors: 1"
	publish bin-3 snapshot timestamp
	tuf-lint repo
}

@test "a client at the older state: rollback, dropped roles; new keys make it right dtuf:R19 dtuf:R20" {
	delegate targets team '{"paths": ["team/*"]}'
	publish team targets snapshot timestamp
	publish_all
	cp -r repo old
	edit targets '.version = 1'
	publish_all
	tuf-lint repo
	refuse 1 tuf-lint --from old repo
	says "a client at the older state: snapshot: targets.json: rolled back"
	rotate snapshot snapshot-new
	rotate timestamp timestamp-new
	edit snapshot '.version = 0'
	edit timestamp '.version = 0'
	publish root snapshot timestamp
	tuf-lint --from old repo
	rm -r repo && cp -r old repo
	edit snapshot 'del(.meta["team.json"])'
	publish snapshot timestamp
	refuse 1 tuf-lint --from old repo
	says "'team.json' was listed, and is not now" "the snapshot does not list this role"
}

@test "it warns of keyids that are not the hash of their key dtuf:K6" {
	edit root '.keys |= with_entries(.value.extra = 1)'
	publish root
	tuf-lint repo 2>err
	grep -q "the keyid '$(keyid root)' is not the SHA-256 of its key" err
}
