#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it changes a publisher's own files; what clients parse is tested there
load lib
load publisher
setup() { in_own_directory; }

entry() { # entry PATH [LENGTH]
	jq -nc --arg p "$1" --argjson n "${2:-0}" '{path: $p, length: $n, hashes: {sha256: "'"$(printf %s "$1" | sha256sum | cut -d' ' -f1)"'"}}'
}

@test "dtuf:R12 dtuf:R11 dtuf:R9 targets from files: length, hash, custom, their data under the name clients ask for" {
	repository
	mkdir -p in/sub
	printf one >in/a
	printf 'two two' >in/sub/b
	tuf-add --key targets.pem -C in --targets targets --custom '{"b":1,"a":"x"}' m/targets.json a sub/b
	one=$(printf one | sha256sum | cut -d' ' -f1)
	same "{\"custom\":{\"a\":\"x\",\"b\":1},\"hashes\":{\"sha256\":\"$one\"},\"length\":3}" "$(jq -c '.signed.targets.a' m/targets.json)"
	same '7' "$(jq -c '.signed.targets["sub/b"].length' m/targets.json)"
	cmp in/a "targets/$one.a"
	cmp in/sub/b "targets/sub/$(sha256sum <in/sub/b | cut -d' ' -f1).b"
	verified m/targets.json targets
	printf 1 >in/a
	tuf-add --key targets.pem --name other m/targets.json in/a
	same '["a","other","sub/b"] 1' "$(jq -r '"\(.signed.targets | keys | tojson) \(.signed.targets.other.length)"' m/targets.json)"
}

@test "dtuf:R12 dtuf:D16 targets from a list, in any order and number, any name; a later line for a path counts" {
	repository
	{
		entry 'z/é "quoted" \ back'
		entry a 1
		printf '{"path":"new\\nline","length":5,"hashes":{"sha512":"00","x":"y"},"custom":{"k":[1,null]},"kind":"target","other":1}\n'
		entry a 2
		entry 0
	} | tuf-add --key targets.pem m/targets.json
	same '["0","a","new\nline","z/é \"quoted\" \\ back"]' "$(jq -c '.signed.targets | keys' m/targets.json)"
	same 2 "$(jq .signed.targets.a.length m/targets.json)"
	same '{"custom":{"k":[1,null]},"hashes":{"sha512":"00","x":"y"},"length":5}' "$(jq -c '.signed.targets["new\nline"]' m/targets.json)"
	publish # which verifies it
	entry a 3 | tuf-add --key targets.pem m/targets.json
	same '4 3' "$(jq -r '"\(.signed.targets | length) \(.signed.targets.a.length)"' m/targets.json)"
}

@test "dtuf:R5 dtuf:R15 a change takes signatures away and is the next version; a draft keeps its version" {
	repository
	entry a | tuf-add m/targets.json
	same '2 0' "$(jq -r '"\(.signed.version) \(.signatures | length)"' m/targets.json)"
	entry b | tuf-add --key targets.pem m/targets.json
	entry c | tuf-add --key targets.pem --expires 2030-01-01T00:00:00Z m/targets.json
	same '2 1 2030-01-01T00:00:00Z' "$(jq -r '"\(.signed.version) \(.signatures | length) \(.signed.expires)"' m/targets.json)"
	publish
	same "1.root:1:1 1.snapshot:1:1 1.targets:1:1 2.snapshot:2:1 2.targets:2:1 root:1:1 snapshot:2:1 targets:2:1 timestamp:2:1" "$(state)"
	entry d | tuf-add m/targets.json
	same '3' "$(jq .signed.version m/targets.json)"
	same '2' "$(jq .signed.version m/2.targets.json)"
}

@test "dtuf:R13 dtuf:S21 with bins each target lands in its bin, and one change writes three files" {
	repository
	keys bin
	tuf-delegate --bins 5 --add-key bin.pub --key targets.pem --key bin.pem m/targets.json bin
	same 32 "$(ls m/bin-*.json | wc -l)"
	for i in {1..40}; do entry "file$i"; done | tuf-add --key bin.pem m/targets.json
	publish
	for i in {1..40}; do
		hash=$(printf %s "file$i" | sha256sum)
		bin=$(printf %02x $((0x${hash:0:2} >> 3)))
		jq -e --arg p "file$i" '.signed.targets | has($p)' "m/bin-$bin.json" >/dev/null
	done
	same 40 "$(cat m/bin-??.json | jq -s 'map(.signed.targets | length) | add')"
	find m -type f -name '[a-z]*' -exec sha256sum {} + | sort >before
	ls m >names
	entry file7 99 | tuf-add --key bin.pem m/targets.json
	publish
	find m -type f -name '[a-z]*' -exec sha256sum {} + | sort | comm -13 before - | sed 's|.*m/||' | sort >changed
	same "bin-$(printf %02x $((0x$(printf file7 | sha256sum | head -c 2) >> 3))).json snapshot.json timestamp.json" "$(paste -sd' ' changed)"
	same 2 "$(ls m | comm -13 names - | wc -l)" # the bin and the snapshot under their new versions
}

@test "dtuf:R8 hash bins for older clients; bins that have no file yet are made as targets come" {
	repository
	keys bin
	tuf-delegate --hash-bins 3 --add-key bin.pub --key targets.pem --key bin.pem m/targets.json hb
	for i in {1..20}; do entry "file$i"; done | tuf-add --key bin.pem m/targets.json
	for i in {1..20}; do
		hash=$(printf %s "file$i" | sha256sum)
		jq -e --arg p "file$i" '.signed.targets | has($p)' "m/hb-$((0x${hash:0:1} >> 1)).json" >/dev/null
	done
	same '["0","1"] ["e","f"]' "$(jq -r '.signed.delegations.roles | "\(.[0].path_hash_prefixes | tojson) \(.[7].path_hash_prefixes | tojson)"' m/targets.json)"
	rm -r m ./*.pem ./*.pub
	repository
	keys bin
	tuf-delegate --bins 32 --no-files --add-key bin.pub --key targets.pem m/targets.json b
	entry hello | tuf-add --key bin.pem m/targets.json
	publish
	same '["b-2cf24dba.json","targets.json"]' "$(jq -c '.signed.meta | keys' m/snapshot.json)"
}

@test "dtuf:R14 dtuf:P8 more targets than memory holds are sorted on disk, and come out right" {
	repository
	seq 60000 | awk '{ k = ($1 * 7919) % 60000; printf "{\"path\":\"dir/%s/%06d\",\"length\":%d,\"hashes\":{\"sha256\":\"%064d\"},\"custom\":{\"pad\":\"%0300d\"}}\n", k % 7, k, k, k, 0 }' >list
	tuf-add --key targets.pem m/targets.json <list
	same 60000 "$(jq '.signed.targets | length' m/targets.json)"
	same "$(jq -c '.path' list | sort -u | sha256sum)" "$(command jq -c '.signed.targets | keys_unsorted[]' m/targets.json | LC_ALL=C sort | sha256sum)"
	same true "$(jq -c '.signed.targets | [to_entries[] | .key[6:] | ltrimstr("/") | tonumber] == [to_entries[] | .value.length]' m/targets.json)"
	verified m/targets.json targets
}

@test "dtuf:P3 one of 100,000 targets is verified and found in a quarter of the 244 MB that python-tuf took" {
	is_asan && skip "AddressSanitizer needs more"
	repository
	seq 100000 | awk '{ printf "{\"path\":\"dir/%06d\",\"length\":%d,\"hashes\":{\"sha256\":\"%064d\"}}\n", $1, $1, $1 }' |
		tuf-add --key targets.pem m/targets.json
	publish
	tuf-push -q m file:f
	tuf-refresh -q --max-targets-bytes 64M --tuf trusted --root root.pub --repo file:f >/dev/null
	same 777 "$(command time -f %M -o peak "$BIN/tuf-find" -q --offline --max-targets-bytes 64M --tuf trusted dir/000777 | jq .length)"
	(($(cat peak) < 61000)) # KiB
}

@test "what is no target is refused, and the file stays as it was" {
	repository
	before=$(sums)
	for bad in '{"path":"a"}' '{"path":"a","length":-1,"hashes":{"sha256":"0"}}' '{"path":"a","length":1.5,"hashes":{"sha256":"0"}}' \
		'{"path":"a","length":1,"hashes":{}}' '{"path":"a","length":1,"hashes":{"sha256":1}}' '{"path":1,"length":1,"hashes":{"sha256":"0"}}' \
		'{"path":"a","length":1,"hashes":{"sha256":"0"},"custom":[]}' '{"path":"a","length":1,"hashes":{"sha256":"0"},"custom":{"x":1.5}}' '[]' 'x'; do
		refuse 6 tuf-add --key targets.pem m/targets.json <<<"$bad"
	done
	refuse 1 tuf-add m/targets.json <<<'{"path":"","length":1,"hashes":{"sha256":"0"}}'
	refuse 6 tuf-add --key targets.pem m/targets.json < <(entry a; entry b | head -c 30)
	refuse 6 tuf-add --key targets.pem m/targets.json < <(entry a; echo '{"path":1}')
	refuse 1 tuf-add --key root.pem m/targets.json < <(entry a)
	refuse 6 tuf-add m/root.json < <(entry a)
	refuse 6 tuf-add m/targets.json </dev/null
	refuse 3 tuf-add m/targets.json missing
	refuse 8 tuf-add m/targets.json m
	refuse 2 tuf-add - </dev/null
	refuse 2 tuf-add --name x m/targets.json a b
	refuse 2 tuf-add --custom '{"blobs":2}' m/targets.json a
	refuse 2 tuf-add --custom '[]' m/targets.json a
	refuse 1 tuf-add --targets data --name ../x m/targets.json m/root.json
	same "$before" "$(sums)"
	[ ! -e x ]
	same 2 "$(tuf-add - root.pub <m/targets.json | jq .signed.version)"
}

@test "dtuf:A12 a symlink in the place of a file is replaced, not followed; a directory without permission changes nothing" {
	repository
	cp m/targets.json victim
	before=$(sha256sum victim)
	ln -sf "$PWD/victim" m/targets.json
	entry a | tuf-add --key targets.pem m/targets.json
	same "$before" "$(sha256sum victim)"
	[ ! -L m/targets.json ]
}
