#!/usr/bin/env bats
# --map of tuf-refresh, tuf-find and tuf-download: several repositories that have to agree on a target (TAP 4).
# SPDX-License-Identifier: Apache-2.0
# asan: apart: every repository that it asks is read as in tuf-find there
load lib
load publisher
load web
web_inside
setup_file() {
	web_start
	cd "$BATS_FILE_TMPDIR" || return
	printf same >common
	for name in a b c; do
		mkdir $name
		(cd $name && repository && cp ../common common && mkdir d && cp ../common d/x) || return
	done
	say a lib mine
	say b lib other
	say c lib other
	say c only here
	(cd a && tuf-add --key targets.pem --targets data --custom '{"by":"a"}' m/targets.json common d/x)
	(cd b && tuf-add --key targets.pem --targets data --custom '{"by":"b"}' m/targets.json common d/x)
	(cd c && tuf-put -q --manifest m1 file:t blobs common common | tuf-add --key targets.pem m/targets.json && cp -r t/targets/* data &&
		tuf-add --key targets.pem --targets data --name same-bytes m/targets.json m1)
	hash=$(jq -c '.signed.targets.blobs | del(.custom)' c/m/targets.json)
	cp c/data/*.blobs a/data
	(cd a && tuf-add --key targets.pem m/targets.json <<<"$(jq -c '.path = "blobs"' <<<"$hash")")
	for name in a b c; do
		(cd $name && publish && tuf-push -q --targets data m file:../served/$name) || return
	done
}
setup() {
	in_own_directory
	web_clean
	cp -r "$BATS_FILE_TMPDIR"/served .
	export TACKLE_TUF=$PWD/trusted
	for name in a b c; do
		mkdir -p trusted/$name
		cp served/$name/metadata/1.root.json trusted/$name/root.json
	done
}

say() { # say REPOSITORY TARGET TEXT
	(cd "$BATS_FILE_TMPDIR/$1" && printf %s "$3" >"$2" && tuf-add --key targets.pem --targets data m/targets.json "$2")
}

# map MAPPING...: each `PATHS REPOSITORIES THRESHOLD TERMINATING`, lists with commas; repositories are file:served/NAME.
map() {
	printf '%s\n' "$@" | jq -Rs '{repositories: ({a:0,b:0,c:0} | with_entries(.value = ["file:served/\(.key)"])), mapping: [split("\n")[] |
		select(. != "") | split(" ") | {paths: .[0] | split(","), repositories: .[1] | split(","), threshold: .[2] | tonumber,
		terminating: (.[3] == "yes")}]}' >map.json
}
find_by() { tuf-find -q --map map.json "$@" | jq -r '.repositories | join(",")'; }

@test "a threshold of repositories has to say the same length and hashes; custom is exempt" {
	map '* a,b,c 2 yes'
	same a,b "$(find_by common)"
	same a,b "$(find_by d/x)" # `*` is everything, with `/`, too
	same '{"by":"a"}' "$(tuf-find -q --map map.json common | jq -c .custom)"
	same b,c "$(find_by lib)" # the first is outvoted
	same other "$(tuf-download -q --map map.json lib)"
	refuse 1 tuf-find --map map.json only
	says "do not agree: 1 have it, and 2 must say the same"
	refuse 3 tuf-find --map map.json absent
	refuse 1 tuf-find --map map.json '' # no name of a target
	refuse 1 tuf-download --map map.json only common
	map '* a,c 2 yes'
	refuse 1 tuf-find --map map.json blobs # the same bytes, but one means them as a list of blobs
	map '* b,a 1 yes' 'lib c 1 yes'
	same b "$(find_by lib)"
	tuf-download -q -C . --map map.json lib common | jq -c '[.path, .repositories]' >records
	same '["lib",["b"]]|["common",["b"]]' "$(paste -sd'|' records)"
	cmp common <(printf same)
}

@test "mappings in their order: the first that is agreed on, up to a terminating one" {
	map 'li? a,b 2 no' 'only,[a-z]ib a,c 2 no' '*/x,x a 1 yes' 'lib c 1 no'
	same c "$(find_by lib)"
	same a "$(find_by d/x)"
	refuse 3 tuf-find --map map.json x
	refuse 1 tuf-find --map map.json only
	refuse 3 tuf-find --map map.json other
	says 'no mapping covers it'
	map 'lib a,b 2 yes' 'lib c 1 no'
	refuse 1 tuf-find --map map.json lib
	map 'only a,b 2 yes' 'only c 1 no'
	refuse 3 tuf-find --map map.json only
}

@test "a repository that cannot be asked: the others suffice, or nobody is asked in its place" {
	rm served/a/metadata/timestamp.json
	map '* a,b,c 2 yes'
	same b,c "$(find_by lib)"
	tuf-find --map map.json lib 2>&1 >list | grep -q "warning: repository 'a': timestamp"
	map 'lib a 1 no' '* c 1 yes'
	refuse 3 tuf-find --map map.json lib
	says "repository 'a': timestamp"
	same c "$(find_by only)"
	rm trusted/a/root.json
	refuse 3 tuf-find --map map.json lib
	says "repository 'a': no trusted root"
	rm -r served/a
	refuse 3 tuf-find --map map.json lib
	same c "$(find_by only)"
	refuse 3 tuf-refresh --map map.json
	printf '{"repository":"b"} {"repository":"c"}' >want
	jq 'del(.repositories.a) | .mapping = [.mapping[1]]' map.json >less
	same "b:root b:timestamp b:snapshot b:targets c:root c:timestamp c:snapshot c:targets" \
		"$(tuf-refresh -q --map less | jq -r '"\(.repository):\(.role)"' | paste -sd' ')"
	rm -r served # what is there serves without it
	refuse 3 tuf-find --map less only
	same c "$(tuf-find --offline --map less only | jq -r '.repositories[]')"
}

@test "mirrors over https and directories; data comes from the first that agrees and has it" {
	mkdir -p "$WEB/example.com" "$WEB/example.org"
	cp -r served/b "$WEB/example.com/"
	cp -r served/c "$WEB/example.org/"
	map '* b,c 2 yes'
	jq '.repositories.b = ["https://example.com/nothing", "https://example.com/b"] | .repositories.c = ["https://example.org/c/"]' map.json >m
	mv m map.json
	same other "$(tuf-download -q --map map.json lib)"
	rm "$WEB"/example.com/b/targets/*.lib
	same other "$(tuf-download --map map.json lib 2>err)"
	grep -q 'trying the next repository' err
	rm "$WEB"/example.org/c/targets/*.lib
	refuse 3 tuf-download --map map.json lib
	run ! grep -q ' /a/' "$WEB/log"
}

@test "names of repositories are names of directories below that of --tuf, and lead nowhere else" {
	for name in .. ../x / a/b; do
		jq -n --arg n "$name" '{repositories: {($n): ["file:served/c"]}, mapping: [{paths: ["*"], repositories: [$n], threshold: 1, terminating: true}]}' >map.json
		here=trusted/$(jq -rn --arg n "$name" 'if $n == ".." then "%2E%2E" else $n | @uri end')
		mkdir -p "$here" && cp trusted/c/root.json "$here"
		same "$name" "$(find_by only)"
	done
	[ ! -e x ] && [ ! -e root.json ]
}

@test "hostile and broken maps" {
	good='{"repositories":{"a":["file:served/a"],"b":["file:served/b"]},"mapping":[{"paths":["*"],"repositories":["a","b"],"threshold":2,"terminating":true}]}'
	echo "$good" >map.json
	same a,b "$(find_by common)"
	while IFS= read -r edit; do
		jq "$edit" <<<"$good" >map.json
		refuse 6 tuf-find --map map.json common
	done <<-'END'
		[]
		del(.repositories)
		.repositories = {}
		.repositories = ["a"]
		.repositories[""] = ["file:x"]
		.repositories.a = []
		.repositories.a = "file:served/a"
		.repositories.a = [1]
		.repositories.a = [""]
		del(.mapping)
		.mapping = []
		.mapping = {}
		.mapping = ["a"]
		.mapping[0].paths = []
		.mapping[0].paths = [""]
		.mapping[0].paths = "*"
		.mapping[0].repositories = []
		.mapping[0].repositories = ["a", "a"]
		.mapping[0].repositories = ["a", "c"]
		.mapping[0].threshold = 0
		.mapping[0].threshold = -1
		.mapping[0].threshold = 3
		.mapping[0].threshold = 1.5
		.mapping[0].threshold = "2"
		del(.mapping[0].threshold)
		.mapping[0].terminating = "no"
		del(.mapping[0].terminating)
	END
	for text in '' '{' "$good$good" '{"repositories":{"a":["file:x"],"a":["file:y"]},"mapping":[]}'; do
		refuse 6 tuf-find --map <(printf %s "$text") common
	done
	jq '.repositories.a = ["ftp://x/"]' <<<"$good" >map.json
	refuse 2 tuf-find --map map.json common
	refuse 3 tuf-find --map missing common
	refuse 2 tuf-find --map map.json --repo file:served/a common
	refuse 2 tuf-refresh --map map.json --root root.json
	(unset TACKLE_TUF && refuse 2 tuf-refresh --map map.json)
}
