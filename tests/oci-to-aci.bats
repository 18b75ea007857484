#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: the same layers go through flatten there
load lib
load oci
load unpack
load pod

resolved_image() { # the record of oci:layout:v1 as a registry's would be
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q | jq -c '.name = "registry.example/team/my__app" | .registry = "registry.example" |
		.repository = "team/my__app" | .labels.version = "1.0"'
}

manifest_of() { # RECORD: the ImageManifest
	store-get "$(jq -r .blob.digest "$1")" | tar -xO manifest
}

@test "rkt:A-028 config and layers become a manifest and a rootfs; the same image gives the same id" {
	OCI_CONFIG='.created = "2020-01-01T00:00:00Z" | .author = "me" | .config = {Entrypoint: ["/bin/sh", "-c"], Cmd: ["echo $X"], User: "7:8", WorkingDir: "work",
		Env: ["X=1", "PATH=/bin", "X=a=b\nc", "1bad=x", "no"], ExposedPorts: {"80/tcp": {}, "53/udp": {}, "8000-8010/tcp": {}, "9": {}, "x": {}, "0/tcp": {}, "70000/tcp": {}},
		Volumes: {"/data": {}, "/da/ta": {}, "/da-ta": {}}}'
	evil-tar d:. d:bin f:bin/sh:x uid=5 f:a:1 >one.tar
	evil-tar f:.wh.a: f:b:2 >two.tar
	OCI_CONFIG=$OCI_CONFIG oci_image layout v1 one.tar two.tar >/dev/null
	resolved_image >record
	oci-to-aci <record >aci 2>messages
	manifest_of aci >manifest
	aci-lint <(store-get "$(jq -r .blob.digest aci)")
	jq -e '.name == "registry.example/team/my-app" and .labels == [{name: "version", value: "1.0"}, {name: "os", value: "linux"}, {name: "arch", value: "amd64"}]' manifest
	jq -e '.app.exec == ["/bin/sh", "-c", "echo $X"] and .app.user == "7" and .app.group == "8" and .app.workingDirectory == "/work"' manifest
	jq -e '.app.environment == [{name: "PATH", value: "/bin"}, {name: "X", value: "a=b\nc"}]' manifest
	jq -e '[.app.ports[] | "\(.name) \(.protocol) \(.port) \(.count)"] == ["53-udp udp 53 1", "80-tcp tcp 80 1", "8000-8010-tcp tcp 8000 11", "9-tcp tcp 9 1"]' manifest
	jq -e '[.app.mountPoints[] | "\(.name) \(.path)"] == ["volume-da-ta /da-ta", "volume-da-ta-2 /da/ta", "volume-data /data"]' manifest
	jq -e --argjson r "$(cat record)" '.annotations | from_entries | .created == "2020-01-01T00:00:00Z" and .authors == "me" and
		."appc.io/docker/originalname" == "registry.example/team/my__app" and ."appc.io/docker/registryurl" == "registry.example" and
		."appc.io/docker/repository" == "team/my__app" and ."appc.io/docker/manifesthash" == $r.manifest.digest and
		."appc.io/docker/imageid" == $r.config.digest and ."appc.io/docker/cmd" == "[\"echo $X\"]" and
		."appc.io/docker/entrypoint" == "[\"/bin/sh\",\"-c\"]"' manifest
	for left in "variable 4" "variable 5" "'x'" "'0/tcp'" "'70000/tcp'"; do grep -q "$left.*left out" messages; done
	same "sha512-$(store-get "$(jq -r .blob.digest aci)" | sha512sum | cut -d' ' -f1)" "$(jq -r .id aci)"
	same "$(cat aci)" "$(oci-to-aci <record 2>/dev/null)"
	unpack --unverified --setuid --quiet target <record
	unpack --unverified --setuid --quiet flat <aci
	diff <(tree target) <(tree flat)
}

@test "the new record starts anew: nothing verified, the old one under derived_from" {
	layers "d:. f:a:1"
	resolved_image | jq -c '. + {verified: [{by: "digest", digest: .manifest.digest}], insecure: ["tls"], app: {name: "x"}, part: 1, of: 1}' >record
	oci-to-aci <record >aci
	jq -e 'has("verified") or has("part") or has("manifest") | not' aci
	jq -e '.insecure == ["tls"] and .app.name == "x" and .derived_from.verified[0].by == "digest" and .labels.version == "1.0"' aci
	refuse 1 unpack target <aci
	store-add <aci >/dev/null
	store-get --record registry.example/team/my-app:1.0 | jq -e .derived_from.manifest.digest
	store-check
}

put_blob() { # FILE: into the store; $blob is its descriptor but for the media type
	local hex
	hex=$(hex_of <"$1")
	blob="\"digest\":\"sha256:$hex\",\"size\":$(stat -c %s "$1")"
	cp "$1" "$TACKLE_STORE/blobs/sha256/$hex"
}

# by_hand CONFIG: an image of the layer layer1.tar, its blobs put into the store; the record is in the file of that name. DIFF_ID in the config
# stands for the layer's.
by_hand() {
	local layer diff_id config
	[ -e "$TACKLE_STORE" ] || store-put layer1.tar >/dev/null
	put_blob layer1.tar
	layer=$blob diff_id=${blob#*:\"} config=$1
	diff_id=${diff_id%%\"*}
	printf '{"architecture":"amd64","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":["%s"]}}' "${config//DIFF_ID/$diff_id}" "$diff_id" >config
	put_blob config
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},
		"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",%s}]}' "$blob" "$layer" >manifest
	put_blob manifest
	printf '{"kind":"image","name":"example.com/x","manifest":{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s}}\n' "$blob" >record
}

@test "defaults: 0 and 0 where no user is named, the user's own where no group is; no app where nothing is to run" {
	layers "d:. f:a:1"
	while IFS='|' read -r config filter; do
		by_hand "$config"
		oci-to-aci <record >aci
		manifest_of aci | jq -e "$filter" >/dev/null || { echo "$config" >&2; manifest_of aci >&2; return 1; }
	done <<-'CASES'
		{}|has("app") | not
		null|has("app") | not
		{"Cmd": ["/x"]}|.app == {exec: ["/x"], user: "0", group: "0"}
		{"Cmd": ["/x"], "User": ""}|.app.user == "0" and .app.group == "0"
		{"Cmd": ["/x"], "User": "web"}|.app.user == "web" and .app.group == "web"
		{"Cmd": ["/x"], "User": "1:"}|.app.user == "1" and .app.group == "1"
		{"Cmd": ["/x"], "User": ":2"}|.app.user == "0" and .app.group == "2"
		{"Cmd": ["/x"], "WorkingDir": ""}|.app | has("workingDirectory") | not
	CASES
}

@test "a config that lies in its types does not get through, nor a damaged layer" {
	layers "d:. f:a:1"
	for config in '{"Cmd":"x"}' '{"Cmd":[1]}' '{"Entrypoint":{}}' '{"Env":{},"Cmd":["/x"]}' '{"ExposedPorts":[],"Volumes":"x","Cmd":["/x"]}' '[]' \
		'{"Cmd":["/x"],"Volumes":{"relative":{}}}'; do
		by_hand "$config"
		got=0
		oci-to-aci <record >aci 2>messages || got=$?
		((got == 6)) || { same "$config 0" "$config $got" && aci-lint <(store-get "$(jq -r .blob.digest aci)"); }
	done
	layers "d:. f:a:1" "f:.wh.:"
	resolved_image >record
	refuse 6 oci-to-aci <record
	layers "d:. f:a:1"
	resolved_image >record
	refuse 2 oci-to-aci < <(jq -c 'del(.name)' record)
	says "--name"
	refuse 2 oci-to-aci --name UPPER <record
	jq -c 'del(.name)' record | oci-to-aci --name example.com/x | jq -e '.name == "example.com/x"'
	refuse 7 oci-to-aci --max-size 1 <record
	refuse 6 oci-to-aci < <(jq -c 'del(.manifest)' record)
	blob=$TACKLE_STORE/blobs/sha256/$(jq -r '.layers[0].digest | ltrimstr("sha256:")' record)
	printf x | dd of="$blob" bs=1 seek=513 conv=notrunc status=none
	refuse 1 oci-to-aci <record
	says "digest mismatch"
	rm "$blob"
	refuse 3 oci-to-aci <record
}

@test "a layer that a label calls an image's own files holds an App Container Image's entries" {
	config='{"Labels":{"appc.io/manifest":"{\"acKind\":\"ImageManifest\",\"acVersion\":\"0.8.11\",\"name\":\"example.com/x\"}",
		"appc.io/rootfs":"{\"diff_id\":\"DIFF_ID\",\"chain_id\":\"DIFF_ID\",\"mtime\":0}"}}'
	while IFS='|' read -r expected text entries; do
		# shellcheck disable=SC2086
		evil-tar $entries >layer1.tar
		by_hand "$config"
		refuse "$expected" oci-to-aci <record
		says "layer 1" "$text"
		((expected != 6)) || says --flatten
	done <<-'CASES'
		6|'a': no App Container Image|d:. f:a:1 f:a:2
		6|'.wh.a': no App Container Image|d:. f:.wh.a:
		6|'d/.wh..wh..opq': no App Container Image|d:. d:d f:d/.wh..wh..opq:
		6|'s/x': no App Container Image|d:. d:d l:s:d f:s/x:1
		6|out of the target|d:. f:../x:1
		6|out of the archive|d:. h:x:../y
		6|'.': missing|f:a:1
		7|larger than the limit|d:. x:GNU.sparse.size=9000000000000000000 x:GNU.sparse.map=0,1 f:huge:x
	CASES
	evil-tar d:. f:a:1 f:.wh.b: >layer1.tar
	by_hand "$config"
	oci-to-aci --flatten <record >aci
	same "manifest rootfs/a rootfs/" "$(store-get "$(jq -r .blob.digest aci)" | tar -t | paste -sd' ')"
}

rkt_run() { # IMAGE
	"$ROOT/share/rkt" --dir="$PWD/rkt" --local-config="$PWD/etc" --system-config="$PWD/vendor" --insecure-options=image run "$1" 2>rkt.err
}

@test "rkt:A-028 an image runs the same under crun and rkt run, from either kind: output, environment, user, directory, status" {
	[ "$(id -u)" = 0 ] || skip "needs root"
	export TACKLE_BIN=$BIN
	pod_root tree
	umoci init --layout layout
	umoci new --image layout:v1
	umoci insert --image layout:v1 tree /
	umoci config --image layout:v1 --config.entrypoint /bin/sh --config.entrypoint -c --config.cmd 'env | grep -E "^(GREETING|EMPTY|PATH)=" | sort; pwd; id
			stat -c "%a %u:%g" /bin/sh /tmp .; umask; cat; ls /; echo to stderr >&2; exit 7' \
		--config.env 'GREETING=hello there = x' --config.env EMPTY= --config.env PATH=/bin:/none --config.user 1000:1001 --config.workingdir /tmp
	# The same app, in an image that hides what it and the one it depends on have too much.
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q | oci-to-aci --name example.com/x >aci
	store-get "$(jq -r .blob.digest aci)" | tar -xO manifest | jq '.name = "example.com/app" | .dependencies = [{imageName: "example.com/base"}] |
		.pathWhitelist = ["/bin/busybox", "/bin/sh", "/bin/env", "/bin/grep", "/bin/sort", "/bin/id", "/bin/stat", "/bin/cat", "/bin/ls", "/etc/passwd",
			"/etc/group", "/tmp", "/proc", "/sys", "/dev"]' >manifest
	mkdir tree/much own own/much
	aci-build --name example.com/base tree >base.aci
	aci-build --manifest manifest own >app.aci
	add base.aci
	store-put app.aci | aci-to-oci | reg-push -q oci:app:v1 >/dev/null
	run -7 --separate-stderr crun_image layout:v1 </dev/null
	same 'to stderr' "$stderr"
	[[ $output == *'GREETING=hello there = x'*'/tmp'*'uid=1000(user) gid=1001(users)'*'0022'* ]]
	wanted=$output
	run -7 --separate-stderr crun_image app:v1 </dev/null
	same "$wanted" "$output"
	# What lies in a registry runs without what it was made of, even where an image that wants that was made of it before.
	TACKLE_STORE=rkt/store sh -c 'ref-parse oci:app:v1 | reg-resolve | fetch-blob -q | oci-to-aci | store-add' | jq -e .dependencies
	for image in oci:layout:v1 oci:app:v1 ./app.aci; do
		[[ $image == oci:* ]] || TACKLE_STORE=rkt/store add base.aci
		run -7 --separate-stderr rkt_run $image
		same "$wanted" "$output"
		grep -qx 'to stderr' rkt.err
	done
}
