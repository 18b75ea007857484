#!/usr/bin/env bats
# TUF repositories in a registry: what tuf-push and tuf-put write there, and what the client's programs read.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: what reads metadata and manifests is in tuf-refresh and reg-resolve there
load lib
load web
load registry
load publisher
web_inside

setup_file() {
	web_start
	registry_start plain
	registry_start tls
	registry_start htpasswd
	registry_start token
}

setup() {
	in_own_directory
	web_clean
	(umask 077 && printf 'writer\nsecret\n' >login)
}

# The same registry behind nginx, whose log has every request, and where `lies` come first.
logged() { # [lies]
	web_rules registry.example "client_max_body_size 0; ${1-}
		location /v2/ { proxy_pass https://127.0.0.1:5001; proxy_set_header Host \$http_host; }"
	: >"$WEB/log"
}

# A delegated role `docs` with the target docs/x, and a target `a`.
small() {
	repository
	keys docs
	tuf-delegate --path 'docs/*' --add-key docs.pub --key targets.pem --key docs.pem m/targets.json docs
	add a first
	mkdir docs && echo text >docs/x
	tuf-add --key docs.pem --targets data m/docs.json docs/x
	publish
}

asked_for() { # what the registry is asked for: curl -H of every type
	curl -sSf --cacert "$WEB/ca.pem" -H 'Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json' "$@"
}

manifest() { asked_for "https://registry.example:5001/v2/$1/manifests/$2"; } # manifest REPOSITORY REFERENCE
layers() { manifest "$@" | jq -r '.layers[].annotations["tuf.io/filename"]' | paste -sd' '; }
hash_of() { printf %s "$1" | sha256sum | cut -d' ' -f1; }

# collect [-m]: the registry's own garbage collection, as its manual wants it: with nobody writing.
collect() {
	registry_stop tls
	docker-registry garbage-collect "$@" "$REG/tls.yml" >/dev/null 2>&1
	registry_start tls
}

@test "dtuf:O1 dtuf:O2 dtuf:O3 dtuf:O4 dtuf:O5 dtuf:O10 dtuf:O17 in a registry lies what lies in a layout, under the same tags and digests" {
	small
	tuf-push -q --targets data m $TLS/a
	tuf-push -q --targets data m oci:o
	for change in one two; do
		add a "$change"
		publish
		tuf-push -q --targets data m $TLS/a
		tuf-push -q --targets data m oci:o
	done
	same "1.root.json 3.snapshot.json 4.snapshot.json 3.targets.json 4.targets.json timestamp.json" "$(layers a latest)"
	same "1.docs.json" "$(layers a docs)"
	same "$(hash_of two).a" "$(layers a "$(hash_of two).a")"
	jq -r '.manifests[] | .annotations["org.opencontainers.image.ref.name"] + " " + .digest' o/index.json | sort >expected
	for tag in $(tags a); do
		printf '%s sha256:%s\n' "$tag" "$(manifest a "$tag" | sha256sum | cut -d' ' -f1)"
	done | sort | cmp - expected
	refresh $TLS/a one
	cmp m/timestamp.json trusted.one/timestamp.json && cmp m/4.targets.json trusted.one/targets.json
	same "two|text" "$(download one $TLS/a a)|$(download one $TLS/a docs/x)"
	tuf-lint -q $TLS/a
	refuse 2 tuf-lint --data $TLS/a
	tuf-lint -q --from $TLS/a oci:o
	tuf-find -q --tuf trusted.one --repo $TLS/a docs/x | jq -e '.role == "docs"'
	same "a docs/x" "$(tuf-list -q --tuf trusted.one --repo $TLS/a | jq -r .path | paste -sd' ')"
}

@test "dtuf:O12 dtuf:O13 dtuf:O14 dtuf:O22 dtuf:O23 the requests of a push and of a refresh, in their order and number" {
	small
	logged
	tuf-push -q --targets data m docker://registry.example/b
	web_log | sed -n 's|^registry.example PUT /v2/b/manifests/\([^ ]*\) .*|\1|p' >puts
	same "$(printf '%s.x\n%s.a\n' "$(sha256sum <docs/x | cut -d' ' -f1)" "$(hash_of first)" | paste -sd' ') docs latest" "$(paste -sd' ' puts)"
	last=$(web_log | grep -n 'PUT /v2/b/manifests/latest' | cut -d: -f1)
	same 0 "$(web_log | tail -n "+$((last + 1))" | grep -c 'POST\|PUT')"
	refresh docker://registry.example/b one
	: >"$WEB/log"
	tuf-refresh -q --tuf trusted.one --repo docker://registry.example/b >/dev/null
	same "1 1 2" "$(web_asked 'GET /v2/b/manifests/latest 200') $(web_asked 'GET /v2/b/blobs/.* 200') $(web_asked)"
	: >"$WEB/log"
	tuf-push -q --targets data m docker://registry.example/b # the same again sends nothing
	same 0 "$(web_asked 'POST\|PUT\|PATCH')"
	same "$(web_asked)" "$(web_asked '"-"$')"
	head -c 300000 /dev/urandom >big
	tuf-add --key targets.pem --targets data m/targets.json big
	publish
	tuf-push -q --targets data m docker://registry.example/b
	web_hostile
	cp big "$WEB/example.com/big"
	logged "location = /v2/b/blobs/sha256:$(sha256sum <big | cut -d' ' -f1) { proxy_pass http://127.0.0.1:8080/cut=100000,first=1/big; proxy_buffering off; }"
	refresh docker://registry.example/b one
	download one docker://registry.example/b big --retries 1 2>/dev/null | cmp - big
	same 1 "$(web_asked '"bytes=[0-9]*-"')"
}

@test "dtuf:O19 dtuf:D46 dtuf:D49 plain http, a private CA, htpasswd and tokens" {
	small
	cp m/1.root.json root.json
	tuf-push -q --allow-http --targets data m docker://registry.example:5000/c
	refuse 1 tuf-push -q m docker://registry.example:5000/c
	unset SSL_CERT_FILE
	refuse 1 tuf-push -q --retries 0 m $TLS/c
	tuf-push -q --cacert "$WEB/ca.pem" --targets data m $TLS/c
	export SSL_CERT_FILE=$WEB/ca.pem
	for port in 5002 5003; do
		refuse 4 tuf-push -q m docker://registry.example:$port/c
		tuf-push -q --login login --targets data m docker://registry.example:$port/c
		refuse 4 tuf-refresh -q --tuf trusted.two --root root.json --repo docker://registry.example:$port/c
	done
	while read -r port options; do
		rm -rf trusted.one
		# shellcheck disable=SC2086  # options
		refresh "docker://registry.example:$port/c" one $options
		# shellcheck disable=SC2086
		same first "$(download one "docker://registry.example:$port/c" a $options 2>/dev/null)"
	done <<-'PLACES'
		5000 --allow-http
		5001
		5002 --login login
		5003 --login login
	PLACES
	: >"$REG/questions"
	tuf-pull -q --login login --tuf trusted.pull --root root.pub --repo docker://registry.example:5003/c docker://registry.example:5003/mounted
	grep -q 'scope=repository%3Amounted%3Apull%2Cpush&scope=repository%3Ac%3Apull&' "$REG/questions"
	reg-auth --login login registry.example:5003/c pull >token
	chmod 600 token
	rm -rf trusted.one
	refresh docker://registry.example:5003/c one --registry-token token
	same "pull" "$(sed -n 's/.*scope=repository%3Ac%3A\([^&]*\).*/\1/p' "$REG/questions" | tail -n 1)"
	refuse 2 tuf-refresh --tuf trusted.one --repo docker://registry.example:5001/c:latest
	says 'with a tag'
}

@test "dtuf:B1 dtuf:B3 dtuf:D25 dtuf:D26 dtuf:D27 dtuf:O11 targets of several blobs, put and dropped: nothing that is used goes" {
	small
	echo one >one
	echo two >two
	tuf-put -q --manifest both.manifest $TLS/d both one two >records
	logged
	tuf-put -q --manifest again.manifest docker://registry.example/d again @both.manifest one >>records
	same 0 "$(web_asked 'GET /v2/d/blobs/\|PATCH\|PUT /v2/d/blobs')" # neither sent nor fetched
	tuf-put -q --manifest alone.manifest $TLS/d alone two >>records
	refuse 3 tuf-put -q $TLS/other x @both.manifest
	tuf-add --key targets.pem m/targets.json <records
	publish
	tuf-push -q m $TLS/d
	refresh $TLS/d one
	same "one two one" "$(download one $TLS/d again | paste -sd' ')"
	logged 'if ($request_method = DELETE) { return 405; }'
	refuse 1 tuf-put --drop docker://registry.example/d both @both.manifest
	says 'the registry does not delete'
	same "one two" "$(download one $TLS/d both | paste -sd' ')"
	tuf-put --drop $TLS/d both @both.manifest >/dev/null
	refuse 3 tuf-put --drop $TLS/d both @both.manifest
	same "one two one|two" "$(download one $TLS/d again | paste -sd' ')|$(download one $TLS/d alone)"
	tuf-put --drop $TLS/d again @again.manifest >/dev/null
	blob() { asked_for -o /dev/null "https://registry.example:5001/v2/d/blobs/sha256:$(sha256sum <"$1" | cut -d' ' -f1)"; }
	blob two
	run ! blob one
}

@test "dtuf:O11 dtuf:O12 dtuf:A15 garbage collection, also of what is untagged, takes nothing that is live; nor does a push that is killed" {
	small
	echo one >one
	tuf-put -q file:put both one a | tuf-add --key targets.pem m/targets.json
	cp -r put/targets/. data
	publish
	tuf-push -q --targets data m $TLS/e
	refresh $TLS/e old
	add a second
	publish
	export ASAN_OPTIONS=detect_leaks=0 # which cannot be under strace
	killed=0 # at every eighth of its writes
	while ! strace -qq -o trace -e trace=sendto,write -e inject=sendto,write:signal=KILL:when=$((killed * 8 + 8)) tuf-push -q --targets data m $TLS/e; do
		grep -q 'killed by SIGKILL' trace
		killed=$((killed + 1))
		rm -rf trusted.new
		refresh $TLS/e new
		same first "$(download new $TLS/e a)"
	done
	((killed >= 3))
	collect
	tuf-push -q --targets data m $TLS/e
	for option in "" -m; do
		# shellcheck disable=SC2086  # an option or none
		collect $option
		rm -rf trusted.new
		refresh $TLS/e new
		same "second one|first text" "$(download new $TLS/e a) $(download new $TLS/e both | paste -sd'|') $(download new $TLS/e docs/x)"
		download old $TLS/e a --no-refresh | grep -qx first
	done
}

@test "dtuf:A17 of two pushes at once one wins, the other finds that and fails, and the repository verifies" {
	small
	tuf-push -q --targets data m $TLS/f
	cp -r m other
	add a mine
	publish
	echo theirs >b
	tuf-add --key targets.pem --targets data other/targets.json b
	tuf-snapshot --key snapshot.pem other && tuf-timestamp --key timestamp.pem other
	export ASAN_OPTIONS=detect_leaks=0 # which cannot be under strace
	# The first one stops at a write until the second is done.
	strace -qq -o trace -e trace=sendto,write -e inject=sendto,write:signal=STOP:when=12 tuf-push -q --targets data m $TLS/f 2>error &
	tracer=$!
	for ((i = 0; i < 200; i++)); do
		! grep -q SIGSTOP trace || break
		sleep 0.05
	done
	tuf-push -q --targets data other $TLS/f
	pkill -CONT -P $tracer
	got=0
	wait $tracer || got=$?
	same 1 $got
	grep -q 'somebody else published meanwhile' error
	refresh $TLS/f one
	same theirs "$(download one $TLS/f b)"
}

@test "dtuf:A13 dtuf:O18 dtuf:O14 a registry that lies about digests, types, sizes and names" {
	small
	tuf-push -q --targets data m $TLS/g
	refresh $TLS/g one
	cp -r trusted.one good
	add a newer
	publish
	tuf-push -q --targets data m $TLS/g
	while IFS='|' read -r expected text type filter; do
		rm -rf trusted.one
		cp -r good trusted.one
		manifest g latest | jq -c "${filter:-.}" >"$WEB/example.com/lie"
		logged "location = /v2/g/manifests/latest { types { } default_type $type; alias $WEB/example.com/lie; }"
		refuse "$expected" tuf-refresh -q --tuf trusted.one --retries 0 --repo docker://registry.example/g
		says "$text"
		diff -r good trusted.one
	done <<-'CASES'
		1|calls itself|application/vnd.oci.image.index.v1+json|
		1|calls itself|application/vnd.docker.distribution.manifest.v2+json|
		1|Docker schema 1|application/vnd.docker.distribution.manifest.v1+prettyjws|
		1|'text/html'|text/html|
		1|expected a manifest|application/vnd.oci.image.index.v1+json|{schemaVersion, mediaType: "application/vnd.oci.image.index.v1+json", manifests: .layers}
		3|timestamp: the repository has none|application/vnd.oci.image.manifest.v1+json|del(.layers[].annotations)
		1|size mismatch|application/vnd.oci.image.manifest.v1+json|.layers[-1].size += 1
		1|size mismatch|application/vnd.oci.image.manifest.v1+json|.layers[-1].size -= 1
		7|more than 16384 bytes|application/vnd.oci.image.manifest.v1+json|.layers[-1].size = 100000
		1|timestamp|application/vnd.oci.image.manifest.v1+json|.layers[-1] += {digest: .layers[1].digest, size: .layers[1].size}
		3|the repository has none|application/vnd.oci.image.manifest.v1+json|.layers[-1].digest = "sha256:" + "0" * 64
		6|digest|application/vnd.oci.image.manifest.v1+json|.layers[-1].digest = "../../x"
	CASES
	manifest g latest >"$WEB/example.com/lie"
	rule="location = /v2/g/manifests/latest { types { } default_type application/vnd.oci.image.manifest.v1+json; alias $WEB/example.com/lie;"
	logged "$rule add_header Docker-Content-Digest sha256:$(hash_of other); }"
	refuse 1 tuf-refresh -q --tuf trusted.one --repo docker://registry.example/g
	says "by the registry's own word"
	digest=$(jq -r '.layers[-1].digest' "$WEB/example.com/lie")
	tr v w <m/timestamp.json >"$WEB/example.com/blob"
	logged "location = /v2/g/blobs/$digest { alias $WEB/example.com/blob; }"
	refuse 1 tuf-refresh -q --tuf trusted.one --repo docker://registry.example/g
	says 'digest mismatch'
	tuf-refresh -q --tuf trusted.one --repo $TLS/g >/dev/null
	printf 'never' >"$WEB/example.com/blob"
	logged "location = /v2/g/blobs/sha256:$(hash_of newer) { alias $WEB/example.com/blob; }"
	refuse 1 tuf-download -q --tuf trusted.one --repo docker://registry.example/g a
	says 'sha256 mismatch'
}
