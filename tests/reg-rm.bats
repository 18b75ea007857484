#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load web
load registry
web_inside

setup_file() {
	web_start
	registry_start tls
	registry_start token
}

setup() {
	in_own_directory
	web_clean
	a_layer one 1
	a_layer two 2
	layout layout v1 one
	layout layout v2 two
	(umask 077 && printf 'writer\nsecret\n' >login && printf 'reader\nsecret\n' >reader)
}

put() { # PORT/REPOSITORY:TAG of a tag of the layout
	skopeo copy -q --preserve-digests --dest-creds writer:secret "oci:layout:$2" "docker://registry.example:$1"
}

@test "an image goes with its tag, and by its digest" {
	put 5001/a:v1 v1
	put 5001/a:v2 v2
	digest=$(reg-rm registry.example:5001/a:v1 | jq -r .digest)
	same "sha256:$(jq -r '.manifests[0].digest[7:]' layout/index.json)" "$digest"
	same v2 "$(tags a)"
	refuse 3 reg-rm registry.example:5001/a:v1
	refuse 3 reg-rm "registry.example:5001/a@$digest"
	reg-rm -f "docker://registry.example:5001/a@$(jq -r '.manifests[1].digest' layout/index.json)" | jq -e '.repository == "a"'
	same "" "$(tags a)"
}

@test "dtuf:D26 what another tag leads to stays, unless forced; nothing goes when one operand is not there" {
	put 5001/b:v1 v1
	put 5001/b:same v1
	put 5001/b:v2 v2
	refuse 1 reg-rm registry.example:5001/b:v1
	says "the tag 'same'" 'hint: '
	refuse 1 reg-rm "registry.example:5001/b@$(jq -r '.manifests[0].digest' layout/index.json)"
	refuse 3 reg-rm registry.example:5001/b:v2 registry.example:5001/b:absent
	same 'same v1 v2' "$(tags b)"
	refuse 7 reg-rm --max-names 2 registry.example:5001/b:v1
	reg-rm --force registry.example:5001/b:v1 >record
	same v2 "$(tags b)"
}

@test "a tag of an index keeps the images in it" {
	put 5001/c:v1 v1
	index=$(jq -c '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [.manifests[0] | del(.annotations)]}' layout/index.json)
	curl -sSf --cacert "$WEB/ca.pem" -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary "$index" \
		https://registry.example:5001/v2/c/manifests/all
	refuse 1 reg-rm registry.example:5001/c:v1
	says "the tag 'all'"
	reg-rm registry.example:5001/c:all registry.example:5001/c:v1 >records
	same "" "$(tags c)"
}

@test "dtuf:D27 a registry that does not delete, and one that deletes a tag alone" {
	put 5001/d:v1 v1
	web_rules registry.example 'location /v2/ { if ($request_method = DELETE) { return 405; } proxy_pass https://127.0.0.1:5001; }'
	refuse 1 reg-rm registry.example/d:v1
	says 405
	: >"$WEB/log"
	web_rules registry.example 'location /v2/ { if ($request_method = DELETE) { return 202; } proxy_pass https://127.0.0.1:5001; }'
	reg-rm registry.example/d:v1 >record
	same 1 "$(web_asked '^registry.example DELETE /v2/d/manifests/v1 202')"
	same 0 "$(web_asked 'DELETE.*sha256')"
	web_rules registry.example 'location /v2/ { if ($request_method = DELETE) { return 503; } proxy_pass https://127.0.0.1:5001; }'
	refuse 5 reg-rm --retries 0 registry.example/d:v1
}

@test "dtuf:O21 a token to look and to remove, and nothing for who may only read" {
	put 5003/e:v1 v1
	refuse 4 reg-rm registry.example:5003/e:v1
	refuse 4 reg-rm --login reader registry.example:5003/e:v1
	: >"$REG/questions"
	reg-rm --login login registry.example:5003/e:v1 >record
	same 'repository%3Ae%3Apull%2Cdelete' "$(sed -n 's/.*scope=\([^&]*\).*/\1/p' "$REG/questions" | sort -u)"
	refuse 2 reg-rm https://registry.example:5003/e:v1
}
