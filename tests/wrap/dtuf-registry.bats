#!/usr/bin/env bats
# dtuf on real registries, in all ways to log in. What the programs below it do there: tests/tuf-registry.bats, tests/reg-auth.bats.
# SPDX-License-Identifier: Apache-2.0
#
# asan: no: a shell script over programs whose own tests run there
load ../lib
load ../web
load ../registry
load ../dtuf
web_inside

setup_file() {
	web_start
	for kind in plain tls htpasswd token; do registry_start $kind; done
}

setup() {
	dtuf_setup
	web_clean
	: >"$REG/questions"
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

by_token() {
	DTUF_TOKEN=$(dtuf auth fred/demo pull)
	export DTUF_TOKEN
	unset DTUF_USERNAME DTUF_PASSWORD
}

@test "dtuf:D67 dtuf:D68 dtuf:D69 dtuf:D7 dtuf:D44 dtuf:O17 dtuf:O19 dtuf:D51 the seed's transcript on every kind of registry" {
	for kind in plain tls htpasswd token; do
		on $kind
		mkdir -p $kind/master $kind/copy
		(cd $kind && transcript "$([[ $kind != token ]] || echo by_token)")
	done
	on token
	by_token
	refused 13 401 on_copy push-target fred/demo x "$PWD/token/master/demo.txt" # pull is not push
	cd token/copy
	DTUF_TOKEN=stale refused 13 401 dtuf pull-metadata fred/demo
	on token
	same '' "$(DTUF_TOKEN=stale dtuf pull-metadata fred/demo 2>&1)" # dtuf:D47
	unset DTUF_USERNAME DTUF_TOKEN
	refused 13 UNAUTHORIZED dtuf pull-metadata fred/demo
	refused 13 UNAUTHORIZED dtuf pull-target fred/demo demo.txt
	refused 13 UNAUTHORIZED dtuf blob-sizes fred/demo demo.txt
	refused 13 UNAUTHORIZED dtuf check-target fred/demo demo.txt ../master/demo.txt
}

# tagged REPOSITORY: what the tags of the TLS registry lead to: every digest that is live
tagged() {
	local tag
	for tag in $(reg-tags --format names "registry.example:5001/$1"); do
		curl -sSf --cacert "$WEB/ca.pem" -D headers -H 'Accept: application/vnd.oci.image.manifest.v1+json' "https://registry.example:5001/v2/$1/manifests/$tag" |
			jq -r '.config.digest, .layers[].digest'
		sed -n 's/^docker-content-digest: \([^\r]*\).*/\1/Ip' headers
	done | sort -u
}

blob_is_there() { curl -sf --cacert "$WEB/ca.pem" -o /dev/null -I "https://registry.example:5001/v2/fred/demo/blobs/sha256:$(sha256sum <<<"$1" | cut -d' ' -f1)"; }

@test "dtuf:B1 dtuf:B6 dtuf:B9 dtuf:D23 dtuf:D25 dtuf:D26 dtuf:D27 dtuf:D42 dtuf:D55 dtuf:O11 targets come and go in a registry, and its garbage collection eats nothing live" {
	on tls
	published
	rm -rf "$REG/tls/docker"
	target a one
	target b 'and two'
	web_rules registry.example 'client_max_body_size 0; location /v2/ { proxy_pass https://127.0.0.1:5001; proxy_set_header Host $http_host; }'
	(
		export DTUF_HOST=registry.example
		DTUF_PROGRESS=1 on_master push-target fred/demo all @b @a a 2>err
		same 2 "$(grep -c 100% err)" # the file and the manifest
		same '0 0' "$(web_asked 'GET /v2/fred/demo/blobs') $(web_asked 'POST\|PATCH')"
	)
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub >out
	: >"$WEB/log"
	same '8 4 4 4' "$(DTUF_HOST=registry.example on_copy blob-sizes fred/demo all a | paste -sd' ')"
	same '' "$(DTUF_HOST=registry.example on_copy check-target fred/demo all ../master/b ../master/a ../master/a 2>&1)"
	same 0 "$(web_asked 'GET /v2/fred/demo/blobs')"
	same $'a\nall\nb' "$(on_copy pull-metadata fred/demo)"
	same $'and two\none\none' "$(DTUF_PROGRESS=1 on_copy pull-target fred/demo all 2>err)"
	same 4 "$(grep -c 100% err)" # the manifest and its blobs
	# what another one uses stays; what nobody uses goes, the data of before, too, but not by a replacement
	target b three
	blob_is_there 'and two'
	on_master push-metadata fred/demo
	refused 1 'no target' on_master del-target fred/demo all missing
	same '' "$(on_master del-target fred/demo all 2>&1)"
	blob_is_there one
	blob_is_there 'and two'
	on_master del-target fred/demo a
	run ! blob_is_there one
	refused 1 '' on_copy blob-sizes fred/demo a # gone there, and still in the metadata
	web_rules registry.example 'location /v2/ { if ($request_method = DELETE) { return 405; } proxy_pass https://127.0.0.1:5001; }'
	target c x
	DTUF_HOST=registry.example refused 1 'does not delete' on_master del-target fred/demo c
	[ ! -e $M/repository/targets/c ]
	on_master push-metadata fred/demo
	same b "$(on_master list-master-targets fred/demo)"
	tagged fred/demo >live
	for more in '' -m; do
		docker-registry garbage-collect --dry-run $more "$REG/tls.yml" >collected 2>&1
		grep -q 'blob eligible for deletion' collected
		same '' "$(grep 'eligible for deletion' collected | grep -Ff live || true)"
	done
	same b "$(on_copy pull-metadata fred/demo)"
	same three "$(on_copy pull-target fred/demo b)"
}

@test "dtuf:A17 dtuf:D28 dtuf:O12 two publishers at once: what is there is of one that was told so, and readers verify at every instant" {
	on tls
	published
	rm -rf "$REG/tls/docker"
	target a one
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub >out
	cp -a master second
	echo two >master/a
	echo second >second/a
	publish() { (cd $1 && dtuf push-target fred/demo a a && dtuf push-metadata fred/demo 2>err && echo 0 >status) || echo 1 >$1/status; }
	publish master &
	publish second &
	while [[ ! -s master/status || ! -s second/status ]]; do
		on_copy pull-metadata fred/demo >out 2>err || { cat err; return 1; }
	done
	wait
	# A registry sets a tag whatever it was before: two that both look and then both set it are not told, and the later one's is there.
	winners=$(grep -lx 0 {master,second}/status)
	[[ $winners ]]
	[[ $winners == *$'\n'* ]] || cat {master,second}/err | grep -q published
	on_copy pull-metadata fred/demo >out
	on_copy pull-target fred/demo a >found
	for winner in $winners; do
		! cmp -s found "${winner%/*}/a" || return 0
	done
	return 1
}

@test "dtuf:A20 dtuf:D46 no token and no password in the arguments or the environment of a child, in a message, the log or a temporary file" {
	on token
	published
	token=$(dtuf auth fred/demo pull push)
	printf '%s\n' "$token" secret root-secret targets-secret >canaries
	echo x >master/x
	for command in 'push-target fred/demo x x' 'push-metadata fred/demo' 'auth fred/demo pull'; do
		# shellcheck disable=SC2086 # words
		(cd master && DTUF_TOKEN=$token DTUF_FILE_LOG_LEVEL=DEBUG strace -f -v -s 100000 -e trace=execve,openat -o ../trace "$ROOT/share/dtuf" $command) >out 2>err
		same '' "$(sed 1d trace | grep execve | grep -Ff canaries || true)" # the first is what the caller made of it
		same '' "$(grep -Ff canaries err master/dtuf.log || true)"
		(($(grep -c execve trace) > 4))
	done
	run ! grep -rFf canaries master
}

@test "dtuf:D9 what the older dtuf tagged in a registry is not read, and said so; beside it there is room" {
	on tls
	published
	mv master/dtuf_repos/fred/demo master/dtuf_repos/fred/old
	refused 1 'no root of this repository' on_copy pull-metadata fred/old root_key.pub
	run ! grep 'before 1.0' err
	echo '{}' >blob
	digest=sha256:$(sha256sum <blob | cut -d' ' -f1)
	api() { curl -sSf --cacert "$WEB/ca.pem" "$@"; }
	where=$(api -X POST -D - -o /dev/null https://registry.example:5001/v2/fred/old/blobs/uploads/ | tr -d '\r' | sed -n 's/^location: //Ip')
	api -X PUT --data-binary @blob -H 'Content-Type: application/octet-stream' "$where&digest=$digest"
	layer='{"mediaType":"application/octet-stream","size":3,"digest":"'$digest'"}' type=application/vnd.docker.distribution.manifest.v2+json
	api -X PUT -H "Content-Type: $type" -d '{"schemaVersion":2,"mediaType":"'$type'","config":'"$layer"',"layers":['"$layer"']}' \
		https://registry.example:5001/v2/fred/old/manifests/root.json
	refused 1 'before 1.0' on_copy pull-metadata fred/old root_key.pub
	echo text >master/a
	on_master push-target fred/old a a
	on_master push-metadata fred/old
	same a "$(on_copy pull-metadata fred/old root_key.pub)"
}
