#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load web
load registry
web_inside

setup_file() {
	web_start
	registry_start tls
	cd "$BATS_FILE_TMPDIR" || return
	a_layer layer hello
	for tag in v1 v2 latest; do
		layout layout $tag layer
		skopeo copy -q oci:layout:$tag docker://registry.example:5001/app/one:$tag
	done
}

setup() {
	in_own_directory
	web_clean
}

@test "dtuf:O19 the tags of real repositories, as records, names and references" {
	same 'latest v1 v2' "$(reg-tags --format names registry.example:5001/app/one | paste -sd' ')"
	same 'docker://registry.example:5001/app/one:latest' "$(reg-tags --format refs docker://registry.example:5001/app/one | head -n 1)"
	same '{"kind":"tag","name":"registry.example:5001/app/one","of":3,"part":1,"ref":"docker://registry.example:5001/app/one:latest","registry":"registry.example:5001","repository":"app/one","tag":"latest"}' \
		"$(reg-tags registry.example:5001/app/one | head -n 1)"
	same 6 "$(reg-tags registry.example:5001/app/one registry.example:5001/app/one | wc -l)"
	cmp <(printf 'latest\0v1\0v2\0') <(reg-tags -0 registry.example:5001/app/one)
	refuse 3 reg-tags registry.example:5001/app/two
	says NAME_UNKNOWN
	refuse 3 reg-tags registry.example:5001/app/one registry.example:5001/app/two
	refuse 7 reg-tags --max-names 2 registry.example:5001/app/one
}

list() { # list PATTERN ANSWER [LINK]
	printf "location ~ '%s' { default_type application/json; %s return 200 '%s'; }\n" "$1" "${3:+add_header Link '$3';}" "$2"
}

@test "dtuf:O23 pages are followed by Link, relative or absolute, and only within the registry" {
	web_rules registry.example "
		if (\$arg_last = b) { rewrite ^ /second last; }
		if (\$arg_last = c) { rewrite ^ /third last; }
		$(list ^/second '{"tags":["c"]}' '<https://registry.example/v2/a/tags/list?last=c>; title=x; rel=next')
		$(list ^/third '{"tags":null}' '</v2/a/tags/list?last=d>; rel="prev"')
		$(list ^/v2/a/tags '{"name":"a","tags":["a","b"]}' '</v2/a/tags/list?last=b&n=2>; rel="next"')"
	same 'a b c' "$(reg-tags --format names registry.example/a | paste -sd' ')"
	for link in '<https://example.org/v2/a/tags/list>; rel="next"' '<http://registry.example/v2/a/tags/list>; rel="next"' \
		'<https://registry.example:444/x>; rel="next"'; do
		web_rules registry.example "$(list ^/v2/a/tags '{"tags":["a"]}' "$link")"
		refuse 1 reg-tags registry.example/a
		says 'points'
	done
	web_rules registry.example "$(list ^/v2/a/tags '{"tags":["a"]}' '</v2/a/tags/list?n=1000>; rel="next"')"
	refuse 1 reg-tags registry.example/a
	says 'go round'
	same 0 "$(web_asked example.org)"
}

@test "dtuf:A1 what is no list of tags is refused" {
	while IFS='|' read -r status answer; do
		web_rules registry.example "$(list ^/v2/a/tags "$answer")"
		refuse "$status" reg-tags registry.example/a
	done <<-'EOF'
		6|
		6|[]
		6|{"tags":"a"}
		6|{"tags":[1]}
		6|{"tags":["a b"]}
		6|{"tags":["../a"]}
		6|{"tags":["a"],"tags":["b"]}
		6|{"tags":["a"]}x
	EOF
	for pair in 401:4 403:4 404:3 405:1 500:5 503:5; do
		web_rules registry.example "location /v2/ { return ${pair%:*}; }"
		refuse "${pair#*:}" reg-tags --retries 0 registry.example/a
	done
}

@test "rkt:F-03 a login and a token are for the registry first named, and for no other" {
	(umask 077 && printf 'writer\nsecret\n' >login && echo t >token)
	web_rules registry.example "$(list ^/v2/a/tags '{"tags":["a"]}')"
	web_rules example.org "location /v2/ { add_header WWW-Authenticate 'Basic realm=x' always; return 401; }"
	refuse 4 reg-tags --login login --registry-token token registry.example/a example.org/a
	grep -q '^registry.example .* "Bearer t"$' "$WEB/log"
	same 'example.org GET /v2/a/tags/list?n=1000 401 "-" "-"' "$(grep '^example.org' "$WEB/log")"
}
