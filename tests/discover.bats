#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load web
web_inside
setup_file() { web_start; }
setup() { in_own_directory; web_clean; }

tag() { # tag PREFIX URI
	printf '<meta name="ac-discovery" content="%s %s">' "$1" "$2"
}

urls() {
	jq -r '.endpoints[].url' | paste -sd' '
}

T='https://example.com/{os}/{arch}/{name}-{version}.{ext}'

@test "rkt:C-001 rkt:C-008 rkt:C-018 one record with endpoints, signatures and keys" {
	web_page example.com app "$(tag example.com/app "$T")" \
		'<meta name="ac-discovery-pubkeys" content="example.com https://example.com/k-name.gpg">'
	run --separate-stderr discover example.com/app:1.0,os=linux,arch=amd64
	same "0 " "$status $stderr"
	same 1 "${#lines[@]}"
	jq -e '.kind == "image" and .name == "example.com/app" and .labels == {"version":"1.0","os":"linux","arch":"amd64"} and (has("defaults") | not)
		and .endpoints == [{"url":"https://example.com/linux/amd64/example.com/app-1.0.aci",
			"signature":"https://example.com/linux/amd64/example.com/app-1.0.aci.asc"}]' <<<"$output"
	jq -e '.keys == ["https://example.com/k-name.gpg"]' <<<"$output"
	same 'example.com GET /app?ac-discovery=1 200' "$(web_log | cut -d' ' -f1-4)"
}

@test "rkt:C-010 rkt:V-05 without a version it is latest, told as unpinned; os and arch are the host's" {
	web_page example.com app "$(tag example.com/app "$T")"
	run --separate-stderr discover example.com/app
	same 0 "$status"
	[[ $stderr == *"latest is unpinned"* ]]
	jq -e --arg m "$(uname -m | sed 's/x86_64/amd64/')" '.pinned == false and .labels == {"os":"linux","arch":$m,"version":"latest"}
		and (.defaults | sort) == ["arch","os","version"] and .endpoints[0].url == "https://example.com/linux/\($m)/example.com/app-latest.aci"' <<<"$output"
}

@test "rkt:C-006 tags are found however they are written, and only where they are tags" {
	while IFS='|' read -r want html; do
		mkdir -p "$WEB/example.com/app"
		printf '%b' "$html" >"$WEB/example.com/app/index.html"
		if [[ $want == yes ]]; then
			same https://a.example/1 "$(discover example.com/app:1 | urls)"
		else
			refuse 3 discover example.com/app:1
			says "found no ACI meta tags"
		fi
	done <<-'CASES'
		yes|<meta name="ac-discovery" content="example.com https://a.example/{version}">
		yes|<META CONTENT='example.com https://a.example/{version}' NAME='ac-discovery' />
		yes|<mEtA nAmE=ac-discovery data-x="y" content="  example.com \n\t https://a.example/{version} ">
		yes|<html><body><p>text<div><meta name="ac-discovery" content="example.com https://a.example/{version}"></body>
		yes|</x></y><table><meta name="ac-discovery" content="example.com https://a.example/{version}"><b><i></b>
		yes|<noscript><meta name="ac-discovery" content="example.com https://a.example/{version}"></noscript>
		yes|<meta name="ac-discovery" content="example.com &#104;ttps://a.example/{version}">
		no|<!-- <meta name="ac-discovery" content="example.com https://a.example/{version}"> -->
		no|<script>var s = "<meta name=ac-discovery content=\x27example.com https://a.example/1\x27>"</script>
		no|<title><meta name="ac-discovery" content="example.com https://a.example/{version}"></title>
		no|<textarea><meta name="ac-discovery" content="example.com https://a.example/{version}">
		no|<meta name="ac-discovery-x" content="example.com https://a.example/{version}">
		no|<meta property="ac-discovery" content="example.com https://a.example/{version}">
		no|<meta name="ac-discovery" content="https://a.example/{version}">
		no|<meta name="ac-discovery" content="example.com https://a.example/ {version}">
		no|<meta name="ac-discovery">
		no|plain text
		no|
	CASES
}

@test "rkt:C-004 rkt:C-017 the paths above are asked, up to the host and no further, and no address is made of the name" {
	web_page example.com '' "$(tag example.com/ https://x.example/top)"
	web_page example.com a/b 'no tag'
	same https://x.example/top "$(discover example.com/a/b/c:1 | urls)"
	same '/a/b/c?ac-discovery=1 404 /a/b?ac-discovery=1 200 /a?ac-discovery=1 404 /?ac-discovery=1 200' "$(web_log | cut -d' ' -f3-4 | paste -sd' ')"
	: >"$WEB/log"
	refuse 3 discover example.org/a:1
	same 2 "$(web_asked)"
}

@test "rkt:C-012 rkt:C-013 rkt:C-009 matching is by plain prefix, order is the page's, a template with a variable left over is skipped" {
	web_page example.com app "$(tag example.com/ap https://x.example/1)" "$(tag example.com/other https://x.example/2)" \
		"$(tag example.com/app https://x.example/{channel})" "$(tag example.com/app 'https://x.example/{}')" "$(tag example.com/app 'https://x.example/{version')" \
		"$(tag example.com https://x.example/3)" "$(tag example.com/app https://x.example/{version}-{ext})"
	same 'https://x.example/1 https://x.example/3 https://x.example/7-aci' "$(discover example.com/app:7 | urls)"
	same 'https://x.example/1 https://x.example/beta https://x.example/3 https://x.example/7-aci' "$(discover example.com/app,version=7,channel=beta | urls)"
	same https://x.example/1.asc "$(discover example.com/app:7 | jq -r '.endpoints[0].signature')"
}

@test "rkt:C-011 values are percent-encoded; what climbs or has control characters is 2" {
	web_page example.com app "$(tag example.com https://x.example/{version}/{name}.{ext})"
	same 'https://x.example/1%2B2%20%3F%23%25%26%2F/example.com/app.aci' "$(discover 'example.com/app,version=1+2 ?#%&/' | urls)"
	for version in .. . a/../b ../x /.. $'a\nb' $'\x7f'; do
		refuse 2 discover "example.com/app,version=$version"
	done
	# no label takes the place of {name} or {ext} (rkt:C-008)
	same 'https://x.example/1/example.com/app.aci' "$(discover example.com/app,version=1,ext=zip | urls)"
}

@test "rkt:C-002 rkt:C-005 rkt:F-06 certificate errors are 1, connection errors and 5xx are 5, and the path above is not asked" {
	for host in wrong expired selfsigned nul; do
		refuse 1 discover "$host.example/a/b:1"
		says TLS
	done
	web_page wrong.example a/b "$(tag wrong.example https://x.example/1)"
	run --separate-stderr discover -k wrong.example/a/b:1
	[[ $stderr == *"not verified"* ]]
	jq -e '.insecure == ["tls"]' <<<"$output"
	web_rules example.com 'location /down { return 503; } location /up { return 200 "x"; }'
	: >"$WEB/log"
	refuse 5 discover --retries 1 example.com/down/b:1
	says "bad HTTP status code: 503" "retry 1 of 1"
	same '/down/b?ac-discovery=1 /down/b?ac-discovery=1' "$(web_log | cut -d' ' -f3 | paste -sd' ')"
	refuse 5 discover no-such-host.example/a:1
}

@test "rkt:C-003 rkt:F-03 redirects: followed at most 10 times, never to http, another scheme, or into the machine" {
	web_page example.org app "$(tag example.com https://x.example/1)"
	web_rules example.com '
		location = /app { return 302 https://example.org/app; }
		location = /plain { return 302 http://example.org/app; }
		location = /file { return 302 file:///etc/passwd; }
		location = /user { return 302 https://user@example.org/app; }
		location = /loop { return 302 https://example.com/loop2; }
		location = /loop2 { return 302 https://example.com/loop; }
		location ~ ^/far(x*)$ { return 302 https://example.com/far$1x; }'
	same https://x.example/1 "$(discover example.com/app:1 | urls)"
	for path in plain file user loop; do
		refuse 1 discover "example.com/$path:1"
		says redirect
	done
	: >"$WEB/log"
	refuse 7 discover example.com/far:1
	says "more than 10 redirects"
	same 11 "$(web_asked)"
	# far.example is no loopback address, so it may not send us to one, by name or by number
	web_rules far.example '
		location = /a { return 302 https://example.org/app; }
		location = /b { return 302 https://127.0.0.1/app; }
		location = /c { return 302 https://linklocal.example/app; }
		location = /d { return 302 https://[::1]/app; }
		location = /e { return 302 https://0x7f.1/app; }
		location = /f { return 302 https://localhost/app; }
		location = /g { return 302 https://other.far.example/app; }'
	: >"$WEB/log"
	for path in a b c d e f; do
		refuse 1 discover "far.example/$path:1"
		says "loopback or link-local"
	done
	same 6 "$(web_asked)"
	web_page other.far.example app "$(tag far.example https://x.example/2)"
	same https://x.example/2 "$(discover far.example/g:1 | urls)"
}

@test "rkt:D-01 rkt:C-018 hostile templates are refused, and a good one beside them is taken" {
	for uri in file:///etc/passwd gopher://x/1 --output=/x https://good@evil.example/x https://x.example/%2e%2e/y https://x.example/../y \
		'https://x.example/a&#1;b' https:///x https://-x/y 'https://x.example/&quot;' http://x.example/a; do
		web_page example.com app "$(tag example.com "$uri")"
		refuse 1 discover example.com/app:1
		says "no usable discovery tag"
	done
	web_page example.com app "$(tag example.com 'https://x.example/a&#13;&#10;X:y')" # a blank: three words (rkt:C-007)
	refuse 3 discover example.com/app:1
	web_page example.com app "$(tag example.com file:///etc/passwd)" "$(tag example.com https://x.example/1)"
	same https://x.example/1 "$(discover example.com/app:1 | urls)"
	web_page example.com app "$(tag example.com $'https://x.example/\e[31m')"
	refuse 1 discover example.com/app:1
	[[ $message != *$'\e'* ]] # rkt:W-05
}

@test "rkt:D-02 a page beyond 1 MiB is 7, a page of tags beyond the limit too; deep nesting ends in bounds" {
	mkdir -p "$WEB/example.com/big" "$WEB/example.com/deep" "$WEB/example.com/many"
	head -c 10000000 /dev/zero | tr '\0' x >"$WEB/example.com/big/index.html"
	refuse 7 discover example.com/big:1
	says 1048576
	for ((i = 0; i < 2000; i++)); do tag example.com https://x.example/1; done >"$WEB/example.com/many/index.html"
	refuse 7 discover example.com/many:1
	{ printf '<div>%.0s' {1..10000}; tag example.com https://x.example/1; } >"$WEB/example.com/deep/index.html"
	same https://x.example/1 "$(discover example.com/deep:1 | urls)"
	{ printf '<div>%.0s' {1..200000}; tag example.com https://x.example/1; } >"$WEB/example.com/deep/index.html"
	refuse 6 discover example.com/deep:1
}

@test "rkt:D-03 rkt:T-001 names outside the grammar are 2, before any connection" {
	for name in Example.com example.com. example.com:80/x 'a b' a@b ä.example '' -x; do
		refuse 2 discover -- "$name"
	done
	refuse 2 discover https://example.com/x
	says "not the name"
	refuse 2 discover docker://busybox
	same 0 "$(web_asked)"
	refuse 1 discover localhost/x:1
	says TLS
}

@test "rkt:A-001 rkt:A-006 --keys finds the keys of a prefix, and 3 when there are none" {
	web_page example.com app '<meta name="ac-discovery-pubkeys" content="example.com/app https://example.com/k.gpg">' \
		'<meta name="ac-discovery-pubkeys" content="example.com/apps https://example.com/no.gpg">' \
		'<meta name="ac-discovery-pubkeys" content="example.com http://example.com/plain.gpg">'
	run --separate-stderr discover --keys example.com/app
	same '["https://example.com/k.gpg"]' "$(jq -c .keys <<<"$output")"
	jq -e 'has("endpoints") | not' <<<"$output"
	[[ $stderr == *"plain http"* ]] # rkt:A-008
	jq -e '.keys == ["https://example.com/k.gpg", "http://example.com/plain.gpg"]' <<<"$(discover --allow-http --keys example.com/app)"
	refuse 3 discover --keys example.com
	says "found no ACI meta tags"
	# rkt:C-014 a key URL is no template
	web_page example.com app '<meta name="ac-discovery-pubkeys" content="example.com https://example.com/{name}.gpg">'
	refuse 1 discover --keys example.com/app
	says '/{name}.gpg'
}

@test "rkt:C-016 rkt:A-057 credentials of auth.d go to their host and to no other" {
	web_page example.com app "$(tag example.com https://x.example/1)"
	printf 'u:%s\n' "$(openssl passwd -apr1 secret)" >"$WEB/htpasswd"
	web_rules example.com "location = /app { auth_basic x; auth_basic_user_file $WEB/htpasswd; try_files /app/index.html =404; }
		location = /away { return 302 https://example.org/app; }"
	web_page example.org app "$(tag example.com https://x.example/2)"
	mkdir -m 755 auth.d later.d
	auth() { printf '{"rktKind":"auth","rktVersion":"v1","domains":["%s"],"type":"basic","credentials":{"user":"u","password":"%s"}}' "$1" "$2"; }
	refuse 4 discover example.com/app:1
	auth example.com wrong >auth.d/1.json
	auth example.com secret >auth.d/2.json
	echo '{"rktKind":"dockerAuth","rktVersion":"v1"}' >auth.d/3.json
	echo 'not json' >auth.d/x.txt
	chmod 600 auth.d/*
	same https://x.example/1 "$(discover --auth-dir auth.d example.com/app:1 | urls)"
	auth example.com wrong >later.d/1.json
	chmod 600 later.d/*
	refuse 4 discover --auth-dir auth.d --auth-dir later.d example.com/app:1
	says "a page asks for credentials"
	# never to another host, never over http, never in a message
	: >"$WEB/log"
	discover --auth-dir auth.d example.com/away:1 >out
	same 'example.com "Basic example.org "-"' "$(web_log | awk '{print $1, $6}' | paste -sd' ')"
	chmod 644 auth.d/2.json
	refuse 1 discover --auth-dir auth.d example.com/app:1
	says "holds a secret" 2.json
	chmod 600 auth.d/2.json
	echo >auth.d/4.json
	chmod 600 auth.d/4.json
	for bad in '{"rktKind":"auth","rktVersion":"v2"}' '{}' '{"rktKind":"auth","rktVersion":"v1","domains":[],"type":"basic"}' \
		'{"rktKind":"auth","rktVersion":"v1","domains":["a"],"type":"magic","credentials":{}}' \
		'{"rktKind":"auth","rktVersion":"v1","domains":["a"],"type":"oauth","credentials":{"token":"a\r\nX: secret"}}'; do
		printf '%s' "$bad" >auth.d/4.json
		refuse 6 discover --auth-dir auth.d example.com/app:1
		says 4.json
		[[ $message != *secret* ]]
	done
	printf '{"rktKind":"auth","rktVersion":"v1","domains":["example.com"],"type":"oauth","credentials":{"token":"tok"}}' >auth.d/4.json
	: >"$WEB/log"
	refuse 4 discover --auth-dir auth.d example.com/app:1
	web_log | grep -q '"Bearer tok"'
}

@test "records on stdin: discovered or, when they need none, passed on unchanged" {
	web_page example.com app "$(tag example.com https://x.example/{version})"
	ref-parse example.com/app:1 https://h.example/x.aci sha512-ab | discover >out
	same 3 "$(wc -l <out)"
	same https://x.example/1 "$(sed -n 1p out | urls)"
	same "$(ref-parse https://h.example/x.aci)" "$(sed -n 2p out | jq -c 'del(.part, .of)')"
	refuse 6 discover <<<'{"kind":"image"}'
	says "field 'name'"
	refuse 6 discover <<<'{"kind":"image","name":"A b"}'
	refuse 6 discover <<<'{"kind":"image","name":"a","labels":{"version":1}}'
	refuse 6 discover <<<'{"kind":"image","name":"a","labels":{"Version":"1"}}'
}

@test "plain http only with --allow-http, which is told and recorded; --offline opens no socket" {
	web_page example.com app "$(tag example.com http://x.example/1)"
	run --separate-stderr discover --allow-http example.com/app:1
	[[ $stderr == *"http:// URLs are allowed"* ]]
	jq -e '.insecure == ["http"] and .endpoints[0].url == "http://x.example/1"' <<<"$output"
	: >"$WEB/log"
	refuse 3 discover --offline example.com/app:1
	says "--offline"
	same 0 "$(web_asked)"
	refuse 124 discover --max-time 1ms example.com/app:1
	says --max-time
	web_rules example.com 'location = /x { return 302 https://example.com/app; }'
	refuse 7 discover --max-redirects 0 example.com/x:1
	says "more than 0 redirects"
}

@test "an unprivileged user discovers" {
	web_page example.com app "$(tag example.com/app https://x.example/{version})"
	own=$(mktemp -d -p /tmp)
	cp "$WEB/ca.pem" "$own/"
	chown -R 54321:54321 "$own"
	run --separate-stderr web_as_user 'SSL_CERT_FILE=$HOME/ca.pem discover example.com/app:1'
	rm -rf "$own"
	same "0 https://x.example/1 " "$status $(urls <<<"$output") $stderr"
}
