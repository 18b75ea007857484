#!/usr/bin/env bats
# dtuf on real registries, in all ways to log in. What the programs below it do there: tests/tuf-registry.bats, tests/reg-auth.bats.
# SPDX-License-Identifier: Apache-2.0
#
# asan: no: a shell script over programs whose own tests run there
load ../lib
load ../web
load ../registry
web_inside

dtuf() {
	"$ROOT/share/dtuf" "$@"
}
export -f dtuf

setup_file() {
	web_start
	for kind in plain tls htpasswd token; do registry_start $kind; done
}

setup() {
	in_own_directory
	web_clean
	: >"$REG/questions"
	export TACKLE_BIN=$BIN ROOT TMPDIR=$BATS_TEST_TMPDIR
	export DTUF_ROOT_KEY_PASSWORD=root-secret DTUF_TARGETS_KEY_PASSWORD=targets-secret DTUF_SNAPSHOT_KEY_PASSWORD=snapshot-secret \
		DTUF_TIMESTAMP_KEY_PASSWORD=timestamp-secret
}

# on KIND: the registry to be asked, and who asks where one must be known
on() {
	DTUF_HOST=registry.example:$(registry_port "$1")
	export DTUF_HOST
	unset DTUF_INSECURE DTUF_USERNAME DTUF_PASSWORD
	case $1 in
	plain) export DTUF_INSECURE=1 ;;
	htpasswd | token) export DTUF_USERNAME=writer DTUF_PASSWORD=secret ;;
	esac
}

# refused STATUS TEXT command...: this status, nothing on stdout, and a message with this text.
refused() {
	local got=0
	"${@:3}" >out 2>err || got=$?
	message=$(<err)
	same "$1 " "$got $(<out)"
	[[ $message == 'dtuf: '*"$2"* ]] || { echo "expected '$2' in: $message" >&2; return 1; }
}

claims() { cut -d. -f2 | basenc -d --base64url 2>/dev/null | jq -c '.access[0].actions'; }

@test "dtuf:D50 dtuf:D46 dtuf:D53 dtuf:D59 auth: a token for what was asked, nothing where none is wanted, 13 for who is not let in" {
	on token
	same '["pull"]' "$(dtuf auth fred/demo pull | claims)"
	same '["pull","push"]' "$(DTUF_TOKEN=ignored dtuf auth fred/demo pull push | claims)"
	same '["*"]' "$(dtuf auth fred/demo '*' 2>&1 | claims)"
	DTUF_PASSWORD=wrong refused 13 401 dtuf auth fred/demo pull
	DTUF_PASSWORD='' refused 1 empty dtuf auth fred/demo pull
	(umask 077 && echo secret >pw)
	DTUF_PASSWORD_FILE=pw refused 2 'both set' dtuf auth fred/demo pull
	unset DTUF_PASSWORD
	export DTUF_PASSWORD_FILE=pw
	same '["pull"]' "$(dtuf auth fred/demo pull | claims)"
	chmod 640 pw
	refused 1 'others may read' dtuf auth fred/demo pull
	DTUF_PASSWORD_FILE=absent refused 1 'no password' dtuf auth fred/demo pull
	unset DTUF_USERNAME DTUF_PASSWORD_FILE
	same 'null ["pull"]' "$(dtuf auth fred/demo pull | claims) $(dtuf auth open/a pull | claims)" # anonymous: a token that allows nothing is one
	mkdir "$HOME/.docker"
	(umask 077 && echo '{"auths":{"registry.example:5003":{"auth":"'"$(printf writer:secret | base64)"'"}}}' >"$HOME/.docker/config.json")
	same '["push"]' "$(dtuf auth fred/demo push | claims)" # dtuf:O20
	on htpasswd
	same '' "$(dtuf auth fred/demo pull 2>&1)"
	unset DTUF_USERNAME
	refused 13 UNAUTHORIZED dtuf auth fred/demo pull
	on tls
	same '' "$(dtuf auth fred/demo pull 2>&1)"
	on plain
	same '' "$(dtuf auth fred/demo pull 2>&1)"
	DTUF_HOST=registry.example:1 refused 1 '' dtuf auth fred/demo pull
}

@test "dtuf:D2 dtuf:D47 403 is 13 with DENIED only; dtuf:D48 another host for tokens; dtuf:D49 over http nobody is answered" {
	export DTUF_HOST=registry.example DTUF_USERNAME=writer DTUF_PASSWORD=secret
	web_rules registry.example "location /v2/ { return 403 '{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\"}]}'; }"
	refused 13 DENIED dtuf auth fred/demo pull
	refused 13 DENIED dtuf list-repos
	DTUF_PROGRESS=1 refused 13 DENIED dtuf auth fred/demo pull
	web_rules registry.example 'location /v2/ { return 403; }'
	refused 1 403 dtuf auth fred/demo pull
	web_rules registry.example "location /v2/ { add_header WWW-Authenticate 'Bearer realm=\"http://nowhere.example/t\",service=\"s\"' always; return 401; }"
	web_rules example.org "location /t { return 200 '{\"access_token\":\"\",\"token\":\"t\"}'; }"
	DTUF_AUTH_HOST=example.org refused 13 401 dtuf auth fred/demo pull
	web_log | grep -q "^example.org GET /t.service=s&scope=repository%3Afred%2Fdemo%3Apull.* \"Basic $(printf writer:secret | base64)\"$"
	web_log | grep -q '^registry.example GET /v2/ 401 "-" "Bearer t"$'
	DTUF_AUTH_HOST=example.org:1 refused 1 '' dtuf auth fred/demo pull
	web_rules example.org "location /t { return 403 '{\"errors\":[{\"code\":\"DENIED\"}]}'; }"
	DTUF_AUTH_HOST=example.org refused 13 DENIED dtuf auth fred/demo pull
	web_rules example.org 'location /t { return 403; }'
	DTUF_AUTH_HOST=example.org refused 1 403 dtuf auth fred/demo pull
	: >"$WEB/log"
	web_rules registry.example "listen 8000; location /v2/ { add_header WWW-Authenticate 'Basic realm=\"x\"' always; return 401; }"
	export DTUF_HOST=registry.example:8000 DTUF_INSECURE=1 DTUF_TOKEN=t
	refused 1 'plain http' dtuf auth fred/demo pull
	refused 1 'plain http' dtuf list-repos
	same 0 "$(web_asked 'Basic\|Bearer')"
}

@test "dtuf:D52 dtuf:D66 https unless DTUF_INSECURE is 1; who vouches for its certificate is named, and nothing else will do" {
	on plain
	DTUF_INSECURE=true refused 1 '' dtuf list-repos
	same '' "$(dtuf list-repos 2>&1)"
	on tls
	unset SSL_CERT_FILE
	refused 1 TLS dtuf list-repos
	DTUF_INSECURE=1 refused 1 TLS dtuf list-repos
	same '' "$(REQUESTS_CA_BUNDLE=$WEB/ca.pem dtuf list-repos 2>&1)"
	mkdir ca
	cp "$WEB/ca.pem" "ca/$(openssl x509 -in "$WEB/ca.pem" -noout -hash).0"
	for name in REQUESTS_CA_BUNDLE SSL_CERT_DIR; do same '' "$(env $name="$PWD/ca" "$ROOT/share/dtuf" list-repos 2>&1)"; done
	same '' "$(SSL_CERT_FILE=$WEB/ca.pem REQUESTS_CA_BUNDLE=/dev/null dtuf list-repos 2>&1)"
}
