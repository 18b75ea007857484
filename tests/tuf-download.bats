#!/usr/bin/env bats
# tuf-download: bytes of targets, over https from nginx and from a directory.
# SPDX-License-Identifier: Apache-2.0
load lib
load web
load tuf
web_inside

setup_file() {
	web_start
	web_hostile
	tuf_tool
}

setup() {
	in_own_directory
	web_clean
	tuf_repository "$WEB/example.com/tuf"
	mkdir T
}

get() { tuf-download -q --repo https://example.com/tuf "$@"; }

@test "to stdout: the targets one after the other, and not a byte of a wrong one dtuf:D40 dtuf:D41 dtuf:S24" {
	echo one | target a/one
	printf '' | target empty
	echo three | target three
	publish_all
	same $'one\nthree' "$(get a/one empty three)"
	same "" "$(get empty)"
	printf 'evil!\n' >"$(echo "$REPO"/targets/*.three)"
	refuse 1 tuf-download -q --repo https://example.com/tuf three
	says "three: sha256 mismatch"
	got=0
	get a/one three >out 2>err || got=$?
	same "1 one" "$got $(cat out)"
	echo longer >>"$(echo "$REPO"/targets/*.three)"
	refuse 7 tuf-download -q --repo https://example.com/tuf three
	: >"$(echo "$REPO"/targets/*.three)"
	refuse 1 tuf-download -q --repo https://example.com/tuf three
	says "length mismatch: expected 6, found 0"
	rm "$REPO"/targets/*.three
	refuse 3 tuf-download -q --repo https://example.com/tuf three
	refuse 3 tuf-download -q --repo https://example.com/tuf nothing
	refuse 1 tuf-download --repo http://example.com/tuf a/one
	refuse 2 tuf-download --list-blobs --blob-info a/one
	refuse 2 tuf-download -C T --blob-info a/one
	refuse 2 tuf-download
	refuse 3 tuf-download -q --repo https://example.com/tuf -C nowhere a/one
}

@test "stdout that is full or closed is a failure dtuf:A19" {
	head -c 300000 /dev/urandom | base64 -w0 | target big
	publish_all
	got=0
	get big >/dev/full 2>err || got=$?
	same 8 "$got"
	got=0
	(trap '' PIPE; get big 2>err) | true || got=${PIPESTATUS[0]}
	got=0
	bash -c 'trap "" PIPE; tuf-download -q --repo https://example.com/tuf big; echo $? >status' 2>err | head -c 1 >/dev/null
	same 8 "$(cat status)"
}

@test "into a directory: under its own name, with one request; what is there right costs none dtuf:S25 dtuf:S26 dtuf:S24" {
	echo one | target a/b/one
	publish_all
	same '["a/b/one",true,"targets"]' "$(get -C T a/b/one | jq -c '[.file, .fetched, .role]')"
	same 1 "$(web_asked /targets/)"
	same '["a/b/one",false,"targets"]' "$(get -C T a/b/one | jq -c '[.file, .fetched, .role]')"
	same 1 "$(web_asked /targets/)"
	echo One >T/a/b/one
	same true "$(get -C T a/b/one | jq .fetched)"
	same one "$(cat T/a/b/one)"
	echo two | target a/b/one
	publish_all
	echo ewo >"$REPO/targets/a/b/$(echo two | sha256sum | cut -d' ' -f1).one"
	refuse 1 tuf-download -q --repo https://example.com/tuf -C T a/b/one
	same one "$(cat T/a/b/one)"
	same a/b/one "$(cd T && find . -type f -printf '%P\n')"
}

@test "hostile names and planted symlinks: nothing is written outside the directory dtuf:A10 dtuf:A12 dtuf:S26" {
	mkdir outside
	for path in ../../x /etc/x a//b . .. a/../b $'new\nline' 'q"uote' $'\e[31m'; do
		printf '%s' "$path" >data
		hash=$(sha256sum <data | cut -d' ' -f1)
		edit targets '.targets[$p] = {length: $l, hashes: {sha256: $h}}' --arg p "$path" --argjson l "$(stat -c %s data)" --arg h "$hash"
		mkdir -p tree/targets
		# where a tree has it
		case $path in
		../../x) file=$hash...%2F..%2Fx ;;
		/etc/x) file=$hash.%2Fetc%2Fx ;;
		a//b) file=$hash.a%2F%2Fb ;;
		.) file=$hash.%2E ;;
		..) file=$hash.%2E%2E ;;
		a/../b) file=$hash.a%2F..%2Fb ;;
		*) file=$hash.$path ;;
		esac
		cp data "tree/targets/$file"
	done
	publish_all
	for path in ../../x /etc/x a//b . .. a/../b $'new\nline' 'q"uote' $'\e[31m'; do
		tuf-download -q --metadata-url "file:$REPO/metadata" --targets-url file:tree/targets -C T "$path" >/dev/null
	done
	same '%2E %2E%2E %2Fetc%2Fx ..%2F..%2Fx a%2F%2Fb a%2F..%2Fb' "$(find T -name '*%*' -printf '%f\n' | LC_ALL=C sort | paste -sd' ')"
	same xxxxxxxxx "$(find T -type f -printf x)"
	same "" "$(find . -path ./T -prune -o -path ./tree -prune -o -name x -print)"
	refuse 3 tuf-download -q --repo file:tree -C T $'\e[31m' 2>/dev/null || true
	run ! grep -q $'\e' refuse.err
	echo data | target d/e
	publish_all
	rm -rf T/d
	ln -s ../outside T/d
	refuse 1 tuf-download -q --repo https://example.com/tuf -C T d/e
	says "symbolic link"
	rm T/d && mkdir T/d && ln -s ../../outside/e T/d/e
	get -C T d/e >/dev/null
	[[ ! -L T/d/e ]]
	same "" "$(ls outside)"
}

@test "a target of several blobs is put together from them, each checked dtuf:B3 dtuf:B4 dtuf:B7 dtuf:B10 dtuf:O16" {
	mkdir -p "$REPO/targets/blobs/sha256"
	layers=
	for blob in first second third; do
		hash=$(printf %s "$blob" | sha256sum | cut -d' ' -f1)
		printf %s "$blob" >"$REPO/targets/blobs/sha256/$hash"
		layers+="{\"mediaType\":\"application/vnd.tuf.target\",\"digest\":\"sha256:$hash\",\"size\":${#blob}},"
	done
	manifest="{\"schemaVersion\":2,\"layers\":[${layers%,}]}"
	printf %s "$manifest" | target several
	printf %s "$manifest" | target plain
	edit targets '.targets.several.custom = {blobs: 3}'
	publish_all
	same firstsecondthird "$(get several)"
	same "$manifest" "$(get plain)"
	same "sha256:$(printf first | sha256sum | cut -d' ' -f1) 5" "$(get --blob-info several | head -n 1)"
	same "5 6 5" "$(get --list-blobs several | jq -r .blob.size | paste -sd' ')"
	same several "$(get --list-blobs several | jq -r .path | uniq)"
	get -C T several | jq -e .fetched
	same firstsecondthird "$(cat T/several)"
	get -C T several | jq -e '.fetched | not'
	printf evil! >"$REPO/targets/blobs/sha256/$hash"
	refuse 1 tuf-download -q --repo https://example.com/tuf several
	says "sha256:$hash: sha256 mismatch"
	edit targets '.targets.several.custom = {blobs: 2}'
	publish_all
	refuse 1 tuf-download -q --repo https://example.com/tuf several
	says "signed were 2 blobs, its manifest has 3"
}

@test "mirrors: a wrong, missing or unreachable one is passed over" {
	echo data | target t
	publish_all
	cp -r "$REPO" "$WEB/example.org/"
	cp -r "$REPO" "$WEB/www.example.com/"
	echo evil >"$(echo "$WEB"/example.org/tuf/targets/*.t)"
	rm "$WEB"/www.example.com/tuf/targets/*.t
	same data "$(tuf-download -q --repo https://example.org/tuf --repo https://www.example.com/tuf --repo https://example.com/tuf t)"
	refuse 3 tuf-download -q --repo https://example.org/tuf --repo https://www.example.com/tuf t
}

@test "at most five redirects, and none to http dtuf:S28" {
	echo data | target t
	publish_all
	web_rules example.org 'location ~ ^/r([0-9])/ { set $n $1; rewrite ^/r1/(.*) https://example.com/tuf/$1 redirect;
		rewrite ^/r2/(.*) /r1/$1 redirect; rewrite ^/r3/(.*) /r2/$1 redirect; rewrite ^/r4/(.*) /r3/$1 redirect; rewrite ^/r5/(.*) /r4/$1 redirect;
		rewrite ^/r6/(.*) /r5/$1 redirect; } location /down/ { rewrite ^/down/(.*) http://example.com/tuf/$1 redirect; }'
	same data "$(tuf-download -q --repo https://example.org/r5 t)"
	refuse 7 tuf-download -q --repo https://example.org/r6 t
	refuse 7 tuf-download -q --max-redirects 9 --repo https://example.org/r6 t
	refuse 1 tuf-download -q --repo https://example.org/down t
	says "from https to http"
}

@test "403 for the next root means that there is none; any other failure ends the refresh dtuf:S4 dtuf:S36" {
	web_rules example.com 'location = /tuf/metadata/2.root.json { return 403; }'
	tuf-refresh -q --repo https://example.com/tuf >/dev/null
	for code in 401 410 418; do
		web_rules example.com "location = /tuf/metadata/2.root.json { return $code; }"
		got=0
		tuf-refresh -q --repo https://example.com/tuf >/dev/null 2>&1 || got=$?
		[[ $got != 0 ]] || { echo "$code was taken for the end of the chain" >&2; return 1; }
	done
	web_rules example.com 'location = /tuf/metadata/2.root.json { return 503; }'
	refuse 5 tuf-refresh -q --retries 0 --repo https://example.com/tuf
}

@test "a download that broke off is resumed by a later run" {
	head -c 3000000 /dev/urandom >data
	hash=$(sha256sum <data | cut -d' ' -f1)
	edit targets '.targets.big = {length: 3000000, hashes: {sha256: $h}}' --arg h "$hash"
	cp data "$REPO/targets/$hash.big"
	publish_all
	web_rules example.com "location = /tuf/targets/$hash.big { limit_rate_after 1000000; limit_rate 1; }"
	refuse 124 tuf-download -q --max-time 1 --retries 0 --repo https://example.com/tuf big
	[[ -s trusted/partial ]]
	web_rules example.com ''
	get big | cmp - data
	web_log | grep -q "$hash.big 206 \"bytes="
	[[ ! -e trusted/partial ]]
	# what was kept is hashed like the rest, and dropped when it is to blame
	web_rules example.com "location = /tuf/targets/$hash.big { limit_rate_after 1000000; limit_rate 1; }"
	refuse 124 tuf-download -q --max-time 1 --retries 0 --repo https://example.com/tuf big
	web_rules example.com ''
	printf X | dd of=trusted/partial bs=1 seek=5000 conv=notrunc status=none
	get big | cmp - data
	[[ ! -e trusted/partial ]]
}

# through nginx, which hands one file of the repository on to a server that misbehaves: through HOW FILE
through() {
	web_rules example.com "proxy_buffering off; location = /tuf/$2 { proxy_pass http://127.0.0.1:8080/$1/tuf/$2; }"
}

@test "an endless or slow answer for any file ends at its limit or at the time limit dtuf:A1 dtuf:S1 dtuf:S28" {
	local file
	echo data | target t
	delegate targets team '{"paths": ["x"]}'
	publish root team targets snapshot timestamp
	data=$(cd "$REPO" && find targets -type f)
	for file in metadata/2.root.json metadata/timestamp.json metadata/2.snapshot.json metadata/2.targets.json metadata/1.team.json "$data"; do
		rm -rf trusted && mkdir trusted && cp "$REPO/root.json" trusted/
		through endless=1 "$file"
		refuse 7 tuf-download -q --repo https://example.com/tuf "$([[ $file == *team* ]] && echo x || echo t)"
		through slow=500 "$file"
		refuse 124 tuf-download -q --max-time 1 --repo https://example.com/tuf "$([[ $file == *team* ]] && echo x || echo t)"
	done
	web_rules example.com ''
	same data "$(get t)"
}

@test "an answer that is no HTTP, cut, or longer than announced is refused; what was trusted stays dtuf:A1 dtuf:A13" {
	tuf-refresh -q --repo https://example.com/tuf >/dev/null
	publish_all
	cp -r trusted before
	for how in garbage=1 cut=10 lie=99999 headers=400000 line=200000; do
		got=0
		tuf-refresh -q --allow-http --retries 0 --max-time 3 --metadata-url "http://127.0.0.1:8080/$how/tuf/metadata" >out 2>err || got=$?
		[[ $got =~ ^(1|5|6|7|124)$ ]] || { echo "$how: $got" >&2; cat err >&2; return 1; }
		diff -r before trusted
	done
}

@test "progress names the target, and nothing else reaches stdout" {
	echo data | target t
	publish_all
	tuf-download --progress=bar --repo https://example.com/tuf t >out 2>err
	same data "$(cat out)"
	grep -q 't: \[' err
}
