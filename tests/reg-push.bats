#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: what comes from a registry is parsed in the tests of reg-resolve and fetch-blob
load lib
load web
load registry
load oci
load pod
web_inside

setup_file() {
	web_start
	local kind
	for kind in plain tls htpasswd token; do registry_start $kind; done
}

setup() {
	in_own_directory
	web_clean
	a_layer one "one $BATS_TEST_NUMBER"
	a_layer two "two $BATS_TEST_NUMBER"
	layout layout v1 one two
	layout layout v2 two
	(umask 077 && printf 'writer\nsecret\n' >login && printf 'reader\nsecret\n' >reader)
}

digest() { jq -r ".manifests[$1].digest" layout/index.json; }
resolved() { ref-parse "oci:layout:$1" | reg-resolve; }
raw() { skopeo inspect --raw --creds writer:secret "docker://registry.example:$1" --tls-verify=false; }

# The registry at 5001 behind nginx, whose log tells what was asked; `$1` are rules that come first.
logged() {
	web_rules registry.example "client_max_body_size 0; $1
		location /v2/ { proxy_pass https://127.0.0.1:5001; proxy_request_buffering off; proxy_set_header Host \$http_host;
			proxy_set_header X-Forwarded-Proto https; }"
}

count() { web_log | grep -c "^registry.example $1" || true; }
forget_log() { web_log >/dev/null && : >"$WEB/log"; }

@test "dtuf:O19 dtuf:O13 to all kinds of registry, digests as they were, and skopeo reads it back" {
	for port in 5000 5001 5002 5003; do
		resolved v1 | fetch-blob | reg-push --login login --allow-http "registry.example:$port/p/a:v1" 2>messages >record
		same "$(digest 0)" "$(jq -r .digest record)"
		same "docker://registry.example:$port/p/a:v1 docker" "$(jq -r '.ref + " " + .transport' record)"
		same "$(digest 0)" "sha256:$(raw "$port/p/a:v1" | sha256sum | cut -d' ' -f1)"
		rm -rf back
		skopeo copy -q --preserve-digests --src-creds writer:secret --src-tls-verify=false "docker://registry.example:$port/p/a:v1" oci:back:v1
		for blob in back/blobs/sha256/*; do cmp "$blob" "layout/blobs/sha256/${blob##*/}"; done
		same 4 "$(find back/blobs/sha256 -type f | wc -l)"
	done
	grep -q 'scope=repository%3Ap%2Fa%3Apull%2Cpush' "$REG/questions"
	reg-resolve <record --login login | jq -e --arg d "$(digest 0)" '.manifest.digest == $d'
}

@test "straight from a layout or a registry, without the store; to another layout" {
	resolved v1 | reg-push -q docker://registry.example:5001/q/a:v1 >record
	[ ! -e "$TACKLE_STORE" ]
	same "$(digest 0)" "sha256:$(raw 5001/q/a:v1 | sha256sum | cut -d' ' -f1)"
	reg-resolve <record | reg-push -q --login login docker://registry.example:5003/q/b:v1 >record2
	same "$(digest 0)" "sha256:$(raw 5003/q/b:v1 | sha256sum | cut -d' ' -f1)"
	resolved v1 | reg-push -q oci:out:v1 >record
	resolved v2 | reg-push -q oci:out:v2 | jq -e '.ref == "oci:out:v2" and .tag == "v2" and (has("digest") | not)'
	diff -r layout/blobs out/blobs
	cmp <(skopeo inspect --raw oci:layout:v1) <(skopeo inspect --raw oci:out:v1)
	resolved v2 | reg-push -q oci:out:v1 >record
	cmp <(skopeo inspect --raw oci:layout:v2) <(skopeo inspect --raw oci:out:v1)
	same 2 "$(jq '.manifests | length' out/index.json)"
	refuse 2 reg-push oci:out < <(resolved v1)
	refuse 8 reg-push oci:/proc/nothing:v1 < <(resolved v1)
}

@test "dtuf:O13 what is there is not sent again, and what another repository has is mounted" {
	logged ''
	resolved v1 | reg-push -q registry.example/r/a:v1 >record
	same '3 0' "$(count 'POST') $(count PATCH)"
	forget_log
	resolved v1 | reg-push registry.example/r/a:again >record2 2>messages
	same '0 1' "$(count POST) $(count PUT)"
	same 3 "$(grep -c ': there already$' messages)"
	reg-resolve <record >resolved
	forget_log
	reg-push registry.example/r/b:v1 <resolved >record2 2>messages
	same '3 1 0' "$(count 'POST .*from=r%2Fa') $(count PUT) $(count 'GET /v2/r/a/blobs/')"
	same 3 "$(grep -c ': mounted$' messages)"
	resolved v1 | reg-push -q --login login registry.example:5003/r/a:v1 >record
	: >"$REG/questions"
	reg-resolve --login login <record | reg-push -q --login login registry.example:5003/r/b:v1 >record2
	grep -q 'scope=repository%3Ar%2Fb%3Apull%2Cpush&scope=repository%3Ar%2Fa%3Apull&' "$REG/questions"
}

@test "dtuf:O23 long blobs go in pieces; an upload's place may be relative" {
	head -c 1000000 /dev/urandom >big
	layout layout big big
	logged 'proxy_redirect https://registry.example/ /;'
	resolved big | reg-push -q --chunk-size 300K registry.example/s/a:v1 >record
	same 4 "$(count PATCH)"
	cmp big <(skopeo copy -q --preserve-digests docker://registry.example:5001/s/a:v1 dir:back && cat "back/$(sha256sum <big | cut -d' ' -f1)")
	logged 'if ($request_method = PATCH) { return 405; }'
	forget_log
	resolved big | reg-push --chunk-size 300K registry.example/s/b:v1 >record 2>messages
	same 1 "$(count PATCH)"
	grep -q 'beginning again' messages
	same "$(digest 2)" "sha256:$(raw 5001/s/b:v1 | sha256sum | cut -d' ' -f1)"
}

@test "dtuf:O13 a piece that is refused for a while: the upload goes on where the registry says it is" {
	head -c 1000000 /dev/urandom >big
	layout layout big big
	rm -f "$WEB/ready"
	logged "set \$piece \$http_content_range; if (-f $WEB/ready) { set \$piece ''; } if (\$piece ~ ^307200-) { return 503; }"
	resolved big | reg-push --chunk-size 300K registry.example/s/c:v1 >record 2>messages &
	for ((i = 0; i < 500; i++)); do
		[[ $(count 'PATCH .* 503') == 0 ]] || break
		sleep 0.01
	done
	touch "$WEB/ready"
	wait $!
	grep -q 'going on with the upload' messages
	same '1 4 2' "$(count 'PATCH .* 503') $(count 'PATCH .* 202') $(count 'POST .*uploads')"
	same "$(digest 2)" "sha256:$(raw 5001/s/c:v1 | sha256sum | cut -d' ' -f1)"
}

uploading() { # REPOSITORY: waits until some of an upload is there
	local i
	for ((i = 0; i < 500; i++)); do
		[[ -z $(find "$REG/tls/docker/registry/v2/repositories/$1/_uploads" -name data -size +1000k 2>/dev/null) ]] || return 0
		sleep 0.01
	done
	return 1
}

@test "rkt:F-08 a registry that dies in mid-blob, and a push that is killed: no half image, and the next one completes it" {
	truncate -s 100M big
	layout layout big big
	resolved big | reg-push --retries 8 --chunk-size 1M registry.example:5001/t/a:v1 >record 2>messages &
	pushing=$!
	uploading t/a
	registry_stop tls
	sleep 0.2
	registry_start tls
	wait $pushing || { cat messages record; false; }
	same "$(digest 2)" "$(jq -r .digest record)"
	same 104857600 "$(skopeo inspect --raw docker://registry.example:5001/t/a:v1 | jq '.layers[0].size')"
	dd if=/dev/urandom of=big bs=1M seek=50 count=1 conv=notrunc status=none
	rm -rf layout
	layout layout big big
	resolved big >source
	reg-push -q --chunk-size 256K registry.example:5001/t/b:v1 <source >record &
	uploading t/b
	kill -9 $!
	wait $! || true
	[ ! -s record ]
	refuse 3 reg-resolve < <(ref-parse docker://registry.example:5001/t/b:v1)
	reg-push -q registry.example:5001/t/b:v1 <source >record
	same "$(digest 0)" "sha256:$(raw 5001/t/b:v1 | sha256sum | cut -d' ' -f1)"
}

# nginx takes a piece whole before the registry sees any of it, as is its default, and breaks the connection in one of which there is a
# file in $WEB/cut: what is cut was never there.
cutting() {
	mkdir -p "$WEB/cut"
	: >"$WEB/sizes"
	web_rules registry.example "client_max_body_size 0; access_log $WEB/sizes sizes; location /v2/ { proxy_pass https://127.0.0.1:5001;
		proxy_set_header Host \$http_host; proxy_set_header X-Forwarded-Proto https; if (-f $WEB/cut/\$http_content_range) { return 444; } }"
}

note() { # BLOB-FILE: where the store keeps how its upload goes on
	printf '%s/partial/%s.upload' "$TACKLE_STORE" "$(printf 'registry.example/x/a sha256:%s' "$(sha256sum <"$1" | cut -d' ' -f1)" | sha256sum | cut -d' ' -f1)"
}

# push_cut PIECES: pushes what `source` says in pieces of 512 KiB; the connection breaks in the one behind so many. It goes on in $!.
push_cut() {
	local cuts i
	cuts=$(grep -c ' 444 ' "$WEB/sizes") || true
	touch "$WEB/cut/$(($1 << 19))-$((($1 << 19) + (1 << 19) - 1))"
	reg-push --chunk-size 512K registry.example/x/a:v1 <source >record 2>messages &
	for ((i = 0; i < 1000; i++)); do
		(($(grep -c ' 444 ' "$WEB/sizes") == cuts)) || break
		sleep 0.01
	done
}

killed() { # before the piece gets through after all, and nobody sees its receipt
	kill -9 $!
	wait $! || true
	rm "$WEB"/cut/*
	[ ! -s record ]
}

@test "dtuf:O13 a push that is cut five times, and killed each time but the last, moves each piece once" {
	head -c 12M /dev/urandom >big
	layout layout big big
	cutting
	resolved big | fetch-blob -q >source
	for n in 4 8 12 16; do
		push_cut $n
		killed
		same 600 "$(stat -c %a "$(note big)")"
	done
	push_cut 20
	for ((i = 0; i < 1000; i++)); do # libcurl tries it once more by itself
		! grep -q ': going on with the upload$' messages || break
		sleep 0.01
	done
	rm "$WEB"/cut/*
	wait $!
	grep -q ': going on at 8388608 of 12582912 bytes$' messages
	grep -q ': going on with the upload$' messages
	same "$(digest 2)" "sha256:$(raw 5001/x/a:v1 | sha256sum | cut -d' ' -f1)"
	[ ! -e "$(note big)" ]
	web_log >/dev/null
	same '2 24' "$(grep -c 'POST 202' "$WEB/sizes") $(grep -c 'PATCH 202' "$WEB/sizes")" # the config's is the other POST
	moved=$(awk '{ n += $4 } END { print n }' "$WEB/sizes")
	((moved < 12582912 + (5 << 19) + 100000)) || { echo "moved $moved"; false; }
}

@test "a note that leads to other bytes, elsewhere or nowhere costs time only" {
	head -c 2M /dev/urandom >big
	head -c 2M /dev/zero >other
	layout layout big big
	layout layout other other
	cutting
	resolved big | fetch-blob -q >source
	push_cut 2
	killed
	mv "$(note big)" "$(note other)"
	resolved other | fetch-blob -q >source
	for lie in '' https://far.example/v2/x/a/blobs/uploads/1 https://registry.example/v2/x/a/blobs/uploads/1 nonsense; do
		[[ -z $lie ]] || echo "$lie" >"$(note other)"
		reg-push -q --chunk-size 512K registry.example/x/a:v1 <source >record
		same "$(digest 3)" "sha256:$(raw 5001/x/a:v1 | sha256sum | cut -d' ' -f1)"
		[ ! -e "$(note other)" ]
		rm -rf "$REG"/tls/docker/registry/v2/{blobs/sha256,repositories/x}
	done
	same 10 "$(grep -c 'POST 202' "$WEB/sizes")"
}

@test "a tree becomes an image in a registry; skopeo pulls it, crun runs it, unpack gives the tree back" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	pod_root tree
	aci-build --name example.com/tree --exec /bin/sh --exec -c --exec 'echo hello; id; exit 7' --user 1000 --group 1001 tree | store-put | aci-to-oci |
		reg-push -q registry.example:5001/y/tree:v1 >record
	skopeo copy -q docker://registry.example:5001/y/tree:v1 oci:pulled:v1
	run -7 crun_image pulled:v1
	same 'hello uid=1000(user) gid=1001(users)' "$(xargs <<<"$output")"
	rm -rf "$TACKLE_STORE"
	reg-resolve <record | fetch-blob -q | unpack --unverified --quiet back
	diff -r --no-dereference tree back
}

# An index of v1 and v2 as two platforms, under the name `all` of the layout.
with_index() {
	layout_blob layout "$(jq -c '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", annotations: {kept: "yes"}, manifests: [
		(.manifests[0] | del(.annotations) | .platform = {os: "linux", architecture: "amd64"}),
		(.manifests[1] | del(.annotations) | .platform = {os: "linux", architecture: "arm64"})]}' layout/index.json)"
	jq -c --argjson m '{"mediaType":"application/vnd.oci.image.index.v1+json",'"$blob"',"annotations":{"org.opencontainers.image.ref.name":"all"}}' \
		'.manifests += [$m]' layout/index.json >new
	mv new layout/index.json
}

@test "an index goes with all its images, and keeps its digest" {
	with_index
	ref-parse oci:layout:all | reg-resolve --all | reg-push -q registry.example:5001/u/a:all >records
	same "2 $(digest 2)" "$(wc -l <records) $(jq -r .digest records | sort -u)"
	cmp <(skopeo inspect --raw oci:layout:all) <(raw 5001/u/a:all)
	for i in 0 1; do raw "5001/u/a@$(digest $i)" >/dev/null; done
	ref-parse oci:layout:all | reg-resolve --platform linux/arm64 | reg-push -q registry.example:5001/u/b:arm | jq -e --arg d "$(digest 1)" '.digest == $d'
	ref-parse docker://registry.example:5001/u/a:all | reg-resolve --platform linux/arm64 | reg-push -q --index oci:out:all >record
	cmp <(skopeo inspect --raw oci:layout:all) <(skopeo inspect --raw oci:out:all)
	same 7 "$(find out/blobs/sha256 -type f | wc -l)"
	refuse 1 reg-push registry.example:5001/u/c:x < <(resolved v1; resolved v2)
	says '2 images'
	refuse 1 reg-push --index registry.example:5001/u/c:x < <(resolved v1)
	says 'no index'
}

# What refers to v1: a signature as cosign's, by tag; an SBOM by `subject`, listed in the tag that stands in for the referrers API.
with_referrers() {
	local subject empty
	subject=$(jq -c '.manifests[0] | del(.annotations)' layout/index.json)
	layout_blob layout '{}'
	empty='{"mediaType":"application/vnd.oci.empty.v1+json",'$blob'}'
	layout_blob layout '{"critical":{}}'
	layout_blob layout '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":'"$empty"',"layers":[{"mediaType":"application/vnd.dev.cosign.simplesigning.v1+json",'"$blob"'}]}'
	add_named "sha256-$(digest 0 | cut -d: -f2).sig" application/vnd.oci.image.manifest.v1+json
	layout_blob layout '{"sbom":1}'
	layout_blob layout '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"a/sbom","config":'"$empty"',"layers":[{"mediaType":"a/sbom",'"$blob"'}],"subject":'"$subject"'}'
	sbom=sha256:$hex
	layout_blob layout '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"a/sbom",'"$blob"'}]}'
	add_named "sha256-$(digest 0 | cut -d: -f2)" application/vnd.oci.image.index.v1+json
}

add_named() { # NAME TYPE: the blob that layout_blob made last
	jq -c --argjson m '{"mediaType":"'"$2"'",'"$blob"',"annotations":{"org.opencontainers.image.ref.name":"'"$1"'"}}' '.manifests += [$m]' layout/index.json >new
	mv new layout/index.json
}

@test "signatures and referrers travel along and are told; --image-only leaves them" {
	with_referrers
	hex=$(digest 0 | cut -d: -f2)
	resolved v1 | reg-push -q registry.example:5001/v/a:v1 >record
	same "sha256-$hex.sig -" "$(jq -r '.referrers | map(.tag // "-") | join(" ")' record)"
	cmp <(skopeo inspect --raw "oci:layout:sha256-$hex.sig") <(raw "5001/v/a:sha256-$hex.sig")
	same "$sbom" "$(raw "5001/v/a:sha256-$hex" | jq -r '.manifests[0].digest')"
	raw "5001/v/a@$sbom" >/dev/null
	reg-resolve <record | reg-push -q oci:out:v1 >record2
	same "$(jq -c .referrers record)" "$(jq -c .referrers record2)"
	diff -r layout/blobs out/blobs | grep -v "$(digest 1 | cut -d: -f2)" || true
	resolved v1 | reg-push -q --image-only registry.example:5001/v/b:v1 | jq -e 'has("referrers") | not'
	same v1 "$(reg-tags --format names registry.example:5001/v/b)"
}

referrer() { # ANNOTATION: one more of v1, in $blob
	layout_blob layout '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":'"$(jq -c .config "layout/blobs/sha256/${sbom#*:}")"',"layers":[],
		"subject":'"$(jq -c '.manifests[0] | del(.annotations)' layout/index.json)"',"annotations":{"n":"'"$1"'"}}'
}

@test "a referrer is listed beside those that the destination has, by who puts it there" {
	with_referrers
	tag=sha256-$(digest 0 | cut -d: -f2)
	resolved v2 | reg-push -q registry.example:5001/v/c:v2 >record
	foreign=$(jq -c '.manifests[1] | del(.annotations) | .artifactType = "x/y"' layout/index.json)
	echo '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":['"$foreign"'],"annotations":{"kept":"yes"}}' |
		curl -sf -T - -H 'Content-Type: application/vnd.oci.image.index.v1+json' "https://registry.example:5001/v2/v/c/manifests/$tag"
	resolved v1 | reg-push -q registry.example:5001/v/c:v1 >record
	raw "5001/v/c:$tag" >index
	jq -e --arg s "$sbom" --argjson f "$foreign" '.annotations.kept == "yes" and .manifests[0] == $f and .manifests[1].digest == $s and (.manifests | length == 2)' index
	resolved v1 | reg-push -q registry.example:5001/v/c:again >record
	cmp index <(raw "5001/v/c:$tag")
	for n in 1 2; do # each by itself, to a registry and to a layout
		referrer $n
		resolved v1 | jq -c '.manifest = {mediaType: "application/vnd.oci.image.manifest.v1+json", '"$blob"'}' | tee alone$n |
			reg-push -q --image-only "registry.example:5001/v/c:n$n" >record
		reg-push -q --image-only "oci:out:n$n" <alone$n >record
	done
	jq -e --arg d "sha256:$hex" '.manifests | length == 4 and .[3].digest == $d and .[3].annotations == {n: "2"} and .[3].artifactType == "application/vnd.oci.empty.v1+json"' \
		<(raw "5001/v/c:$tag")
	same '1 2' "$(skopeo inspect --raw "oci:out:$tag" | jq -r '.manifests | map(.annotations.n) | join(" ")')"
	resolved v2 | reg-push -q "registry.example:5001/v/e:$tag" >record # an image has that name
	refuse 1 reg-push registry.example:5001/v/e:v1 < <(resolved v1)
	says 'not an index of referrers'
}

@test "the referrers API is asked, page by page, where a registry has it; a registry that lists them itself gets no index" {
	with_referrers
	tag=sha256-$(digest 0 | cut -d: -f2) d=$(digest 0)
	resolved v1 | reg-push -q registry.example:5001/v/f:v1 >record
	referrer 1
	resolved v1 | jq -c '.manifest = {mediaType: "application/vnd.oci.image.manifest.v1+json", '"$blob"'}' | reg-push -q --image-only registry.example:5001/v/f:n1 >record
	page() { jq -c --argjson i "$1" '.manifests |= [.[$i]]' <(raw "5001/v/f:$tag"); }
	logged "location = /v2/v/f/referrers/$d { default_type application/vnd.oci.image.index.v1+json;
			if (\$arg_page = 2) { add_header X-Last 1; return 200 '$(page 0)'; }
			add_header Link '</v2/v/f/referrers/$d?page=2>; rel=\"next\"'; return 200 '$(page 1)'; }
		location ~ ^/v2/v/g/manifests/sha256: { proxy_pass https://127.0.0.1:5001; add_header OCI-Subject $d; }"
	ref-parse docker://registry.example/v/f:v1 | reg-resolve | tee source | reg-push -q registry.example/v/g:v1 >record
	same "sha256:$hex $sbom" "$(jq -r '.referrers | map(select(.tag | not).digest) | join(" ")' record)"
	same '1 1 0' "$(count "GET /v2/v/f/referrers/$d 200") $(count "GET /v2/v/f/referrers/$d?page=2 200") $(count "GET /v2/v/f/manifests/$tag ")"
	same "$tag.sig v1" "$(reg-tags --format names registry.example:5001/v/g | xargs)"
	logged "location = /v2/v/f/referrers/$d { default_type application/vnd.oci.image.index.v1+json; add_header Link '<?>; rel=\"next\"'; return 200 '$(page 1)'; }"
	refuse 1 reg-push registry.example/v/g:v1 <source
	says 'go round'
	logged "location = /v2/v/f/referrers/$d { default_type application/vnd.oci.image.index.v1+json; return 200 '{}'; }"
	refuse 6 reg-push registry.example/v/g:v1 <source
}

@test "refused: nothing published, with the status that says why" {
	refuse 1 reg-push registry.example:5001/w/a:v1 < <(ref-parse docker://registry.example/x)
	says 'reg-resolve before'
	refuse 2 reg-push https://registry.example/x < <(resolved v1)
	refuse 4 reg-push registry.example:5003/w/a:v1 < <(resolved v1)
	refuse 4 reg-push --login reader registry.example:5003/w/a:v1 < <(resolved v1)
	refuse 1 reg-push "registry.example:5001/w/a@sha256:$(printf 0%.0s {1..64})" < <(resolved v1)
	resolved v1 | reg-push -q "registry.example:5001/w/a@$(digest 0)" >record
	same "" "$(reg-tags registry.example:5001/w/a 2>/dev/null | jq -r 'select(.kind == "tag").tag')"
	resolved v1 | fetch-blob | jq -c '.path = "gone"' >fetched
	hex=$(jq -r '.layers[0].digest[7:]' fetched)
	printf x | dd of="$TACKLE_STORE/blobs/sha256/$hex" conv=notrunc seek=600 bs=1 status=none
	refuse 1 reg-push registry.example:5001/w/b:v1 <fetched
	refuse 1 reg-push oci:out:v1 <fetched
	says 'digest mismatch'
	same 0 "$(jq '.manifests | length' out/index.json)"
	rm "$TACKLE_STORE/blobs/sha256/$hex"
	refuse 3 reg-push registry.example:5001/w/b:v1 <fetched
	refuse 3 reg-tags registry.example:5001/w/b
	logged 'if ($request_method = POST) { return 503; }'
	refuse 5 reg-push --retries 0 registry.example/w/c:v1 < <(resolved v1)
	logged 'if ($request_method = PUT) { return 413; }'
	refuse 1 reg-push --retries 0 registry.example/w/c:v1 < <(resolved v1)
	web_rules registry.example 'location /v2/ { if ($request_method = POST) { add_header Location http://registry.example/x always; return 202; } return 404; }'
	refuse 1 reg-push --retries 0 registry.example/w/c:v1 < <(resolved v1)
	says 'from https to http'
}
