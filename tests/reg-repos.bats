#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load web
load registry
web_inside

setup_file() {
	web_start
	registry_start plain
	registry_start token
	cd "$BATS_FILE_TMPDIR" || return
	a_layer layer hello
	layout layout v1 layer
	skopeo copy -q --dest-tls-verify=false oci:layout:v1 docker://registry.example:5000/app/one:v1
	for i in {1..5}; do cp -r "$REG/plain/docker/registry/v2/repositories/app/one" "$REG/plain/docker/registry/v2/repositories/app/r$i"; done
	skopeo copy -q --dest-creds writer:secret oci:layout:v1 docker://registry.example:5003/app/one:v1
}

setup() {
	in_own_directory
	web_clean
	(umask 077 && printf 'writer\nsecret\n' >login)
}

@test "dtuf:O19 dtuf:D44 the repositories of a real registry" {
	same 'app/one app/r1 app/r2 app/r3 app/r4 app/r5' "$(reg-repos --allow-http --format names registry.example:5000 2>/dev/null | paste -sd' ')"
	same '{"kind":"repository","name":"registry.example:5003/app/one","ref":"docker://registry.example:5003/app/one","registry":"registry.example:5003","repository":"app/one"}' \
		"$(reg-repos --login login registry.example:5003)"
	grep -q 'scope=registry%3Acatalog%3A%2A' "$REG/questions"
	refuse 4 reg-repos registry.example:5003
	refuse 7 reg-repos --allow-http --max-names 5 registry.example:5000
	refuse 2 reg-repos registry.example/a
	refuse 2 reg-repos docker://registry.example
}

@test "dtuf:O23 a catalogue in pages; an empty one is no failure" {
	web_rules registry.example 'location /v2/ { proxy_pass http://127.0.0.1:5000; proxy_set_header Host $host; set $args "n=2&last=$arg_last"; }'
	same 'app/one app/r1 app/r2 app/r3 app/r4 app/r5' "$(reg-repos --format names registry.example | paste -sd' ')"
	same 3 "$(web_asked '/v2/_catalog')"
	web_rules registry.example "location /v2/ { return 200 '{\"repositories\":[]}'; }"
	same "" "$(reg-repos registry.example)"
	web_rules registry.example 'location /v2/ { return 404; }'
	refuse 3 reg-repos registry.example
}
