#!/usr/bin/env bats
# Logging in to real registries, and where logins must not go. The files they come from: tests/unit/credentials.c.
# SPDX-License-Identifier: Apache-2.0
load lib
load web
load registry
web_inside

setup_file() {
	web_start
	for kind in plain tls htpasswd token; do registry_start $kind; done
}

setup() {
	in_own_directory
	web_clean
	: >"$REG/questions"
	(umask 077 && printf 'writer\nsecret\n' >login && printf 'writer\nwrong\n' >wrong)
}

claims() { cut -d. -f2 | basenc -d --base64url 2>/dev/null | jq -c '.access'; }

# A registry at https://registry.example whose realm is $1, at other hosts and paths as `rules` say.
challenging() {
	web_rules registry.example "location /v2/ { add_header WWW-Authenticate 'Bearer realm=\"$1\",service=\"s\"' always; return 401; }"
}

giving() { # giving HOST JSON
	web_rules "$1" "location /t { return 200 '$2'; }"
}

asked_for_token() { # HOST: the Authorization of its requests for a token
	web_log | sed -n "s/^$1 GET \/t.*\" \"\(.*\)\"$/\1/p"
}

@test "dtuf:O19 dtuf:D50 no token where none is wanted: plain http, a private CA, htpasswd" {
	same "" "$(reg-auth --allow-http registry.example:5000/a pull 2>/dev/null)"
	same "" "$(reg-auth registry.example:5001/a pull)"
	same "" "$(reg-auth --login login registry.example:5002/a pull)"
	refuse 4 reg-auth registry.example:5002/a pull
	refuse 4 reg-auth --login wrong registry.example:5002/a pull
	says UNAUTHORIZED 'hint: '
	SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt refuse 1 reg-auth registry.example:5001/a
	says TLS
	SSL_CERT_FILE='' reg-auth --cacert "$WEB/ca.pem" registry.example:5001/a
	refuse 1 reg-auth --max-time 20s registry.example:5000/a
}

@test "dtuf:D50 dtuf:O21 the token's scope is what was asked for, or without action the challenge's" {
	same '[{"actions":["pull"],"name":"app/a","type":"repository"}]' "$(reg-auth --login login docker://registry.example:5003/app/a pull | claims)"
	same '[{"actions":["pull","push"],"name":"app/a","type":"repository"}]' "$(reg-auth --login login registry.example:5003/app/a pull push | claims)"
	same '[{"actions":["*"],"name":"app/a","type":"repository"}]' "$(reg-auth --login login registry.example:5003/app/a '*' | claims)"
	same '[]' "$(reg-auth --login login registry.example:5003/app/a | claims)"
	same '[{"actions":["pull"],"name":"open/a","type":"repository"}]' "$(reg-auth registry.example:5003/open/a pull | claims)"
	refuse 4 reg-auth --login wrong registry.example:5003/app/a pull
	refuse 2 reg-auth registry.example:5003/app/a read
	refuse 2 reg-auth oci://registry.example/a pull
	refuse 2 reg-auth ../a pull
}

@test "dtuf:D46 dtuf:D47 dtuf:D51 a token is sent at once; one that ran out is renewed by who has a login" {
	umask 077
	reg-auth --login login registry.example:5003/app/a pull >token
	refuse 3 reg-tags --registry-token token registry.example:5003/app/a
	says NAME_UNKNOWN
	same 1 "$(wc -l <"$REG/questions")"
	echo not-a-token >token
	refuse 4 reg-tags --registry-token token registry.example:5003/app/a
	same 1 "$(wc -l <"$REG/questions")"
	refuse 3 reg-tags --registry-token token --login login registry.example:5003/app/a
	same 2 "$(wc -l <"$REG/questions")"
	chmod 644 token
	refuse 1 reg-tags --registry-token token registry.example:5003/app/a
	: >empty
	refuse 1 reg-tags --registry-token empty registry.example:5003/app/a
	refuse 3 reg-tags --registry-token absent registry.example:5003/app/a
}

@test "dtuf:O20 a login from a file, by a helper, and an identity token" {
	umask 077
	mkdir -p "$HOME/.docker" bin
	echo '{"auths":{"registry.example:5003":{"auth":"'"$(printf writer:secret | base64)"'"}}}' >"$HOME/.docker/config.json"
	same '[{"actions":["pull"],"name":"a","type":"repository"}]' "$(reg-auth registry.example:5003/a pull | claims)"
	echo '{"auths":{"registry.example:5003":{"auth":"'"$(printf 'x:y' | base64)"'","identitytoken":"identity-of-reader"}}}' >auth.json
	same '[{"actions":["pull"],"name":"a","type":"repository"}]' "$(reg-auth --authfile auth.json registry.example:5003/a pull push | claims)"
	grep -q '^grant_type=refresh_token&service=tests&client_id=tackle&scope=repository%3Aa%3Apull%2Cpush&' "$REG/questions"
	rm "$HOME/.docker/config.json"
	cat >bin/docker-credential-test <<-'SH'
		#!/bin/sh
		[ "$1 $(cat)" = 'get registry.example:5003' ] && touch asked && echo '{"Username":"writer","Secret":"secret"}'
	SH
	chmod +x bin/docker-credential-test
	echo '{"credHelpers":{"registry.example:5003":"test"}}' >auth.json
	same '[{"actions":["pull"],"name":"a","type":"repository"}]' "$(PATH=$PWD/bin:$PATH REGISTRY_AUTH_FILE=auth.json reg-auth registry.example:5003/a pull | claims)"
	[ -e asked ]
	refuse 3 reg-auth --authfile absent registry.example:5003/a
	refuse 3 reg-auth --authfile auth.json registry.example:5003/a pull
	says docker-credential-test
}

@test "dtuf:O22 no login and no helper before the registry asks" {
	umask 077
	echo '{"auths":{"registry.example:5001":{"auth":"YTpi"},"registry.example":{"auth":"YTpi"}},"credsStore":"absent"}' >auth.json
	reg-auth --authfile auth.json registry.example:5001/a pull
	web_rules registry.example 'location = /v2/ { return 200; }'
	mkdir auth.d
	echo '{"rktKind":"auth","rktVersion":"v1","domains":["registry.example"],"type":"basic","credentials":{"user":"u","password":"p"}}' >auth.d/x.json
	reg-auth --authfile auth.json --auth-dir auth.d registry.example/a pull
	same 0 "$(web_asked Basic)"
}

@test "dtuf:D45 access_token counts before token, and nothing else is a token" {
	challenging https://example.org/t
	while IFS='|' read -r status answer; do
		giving example.org "$answer"
		refuse "$status" reg-auth registry.example/a pull
	done <<-'EOF'
		6|{}
		6|{"token":""}
		6|{"token":1}
		6|{"token":"a b"}
		6|{"access_token":"a\nb","token":"c"}
		6|{"token":"a","token":"b"}
		6|{"token":"a"} x
		6|not JSON
		4|{"access_token":"","token":"b"}
		4|{"access_token":"a","token":"b"}
	EOF
	web_log | grep -q '^registry.example GET /v2/ 401 "-" "Bearer b"$'
	web_log | grep -q '^registry.example GET /v2/ 401 "-" "Bearer a"$'
	web_rules example.org 'location /t { return 503; }'
	refuse 5 reg-auth --retries 0 registry.example/a pull
	web_rules example.org 'location /t { return 404; }'
	refuse 3 reg-auth registry.example/a pull
}

@test "rkt:F-04 dtuf:A14 a login goes to another host's realm only over verified TLS" {
	giving example.org '{"token":"t"}'
	challenging https://example.org/t
	refuse 4 reg-auth --login login registry.example/a pull
	same "Basic $(printf writer:secret | base64)" "$(asked_for_token example.org)"
	: >"$WEB/log"
	refuse 4 reg-auth -k --login login registry.example/a pull
	says 'no login goes there'
	same - "$(asked_for_token example.org)"
	challenging https://registry.example/t # its own
	web_rules registry.example "$(cat "$WEB/rules/registry.example/test.conf") location /t { return 200 '{\"token\":\"t\"}'; }"
	refuse 4 reg-auth -k --login login registry.example/a pull
	same "Basic $(printf writer:secret | base64)" "$(asked_for_token registry.example)"
}

@test "dtuf:D48 dtuf:A14 the realm is asked by https; --auth-host takes the place of its host" {
	giving example.org '{"token":"t"}'
	challenging http://example.org/t
	refuse 4 reg-auth --login login registry.example/a pull
	same "Basic $(printf writer:secret | base64)" "$(asked_for_token example.org)"
	web_log | grep -q '^registry.example GET /v2/ 401 "-" "Bearer t"$'
	: >"$WEB/log"
	challenging https://nowhere.example/t
	refuse 5 reg-auth --login login registry.example/a pull
	refuse 4 reg-auth --auth-host example.org --login login registry.example/a pull
	same "Basic $(printf writer:secret | base64)" "$(asked_for_token example.org)"
	refuse 5 reg-auth --auth-host example.org:1 registry.example/a pull
	for realm in '' x file:///etc/passwd https://u:p@example.org/t; do
		challenging "$realm"
		refuse 6 reg-auth registry.example/a pull
	done
	web_rules registry.example 'location /v2/ { add_header WWW-Authenticate "Bearer realm=\"x" always; return 401; }'
	refuse 6 reg-auth registry.example/a pull
}

@test "dtuf:D49 over http no login goes anywhere" {
	web_rules registry.example "listen 8000; location /v2/ { add_header WWW-Authenticate 'Basic realm=\"x\"' always; return 401; }"
	refuse 1 reg-auth --allow-http --login login registry.example:8000/a pull
	says 'plain http'
	(umask 077 && echo t >token)
	refuse 1 reg-auth --allow-http --registry-token token --login login registry.example:8000/a pull
	same 0 "$(web_asked 'Basic\|Bearer')"
}

@test "rkt:F-03 dtuf:A14 a remote registry cannot point to this machine; a redirect takes no token along" {
	web_rules far.example "location /v2/ { add_header WWW-Authenticate 'Bearer realm=\"https://127.0.0.1/t\"' always; return 401; }"
	refuse 1 reg-auth --login login far.example/a pull
	says loopback
	web_rules far.example "location /v2/ { add_header WWW-Authenticate 'Bearer realm=\"https://example.org/t\"' always; return 401; }"
	refuse 1 reg-auth --login login far.example/a pull # its name leads here
	same "" "$(asked_for_token example.org)"
	: >"$WEB/log"
	web_rules registry.example 'location /v2/ { return 307 https://example.org/v2/; }'
	web_rules example.org "location /v2/ { add_header WWW-Authenticate 'Basic realm=\"x\"' always; return 401; }"
	(umask 077 && echo t >token)
	refuse 4 reg-auth --registry-token token --login login registry.example/a pull
	same 'registry.example GET /v2/ 307 "-" "Bearer t"
example.org GET /v2/ 401 "-" "-"' "$(web_log)"
}

@test "--offline opens no socket; a login that others may read, or is none, is refused" {
	refuse 3 reg-auth --offline registry.example:5001/a pull
	says --offline
	chmod 644 login
	refuse 1 reg-auth --login login registry.example:5001/a pull
	(umask 077 && echo only-a-user >half)
	refuse 6 reg-auth --login half registry.example:5001/a pull
}
