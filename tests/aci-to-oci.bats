#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load oci
load unpack
load pod

# An App Container manifest that says everything the specification has.
everything() {
	jq -cn '{acKind: "ImageManifest", acVersion: "0.8.11", name: "example.com/all", labels: [{name: "version", value: "1.2"},
		{name: "os", value: "linux"}, {name: "arch", value: "aarch64"}, {name: "channel", value: "beta"}],
		app: {exec: ["/bin/sh", "-c", "true"], user: "1000", group: "1001", supplementaryGIDs: [5, 6], workingDirectory: "/tmp",
			environment: [{name: "A", value: "1"}, {name: "B.c", value: "x=y\nz"}],
			eventHandlers: [{name: "pre-start", exec: ["/pre"]}, {name: "post-stop", exec: ["/post"]}],
			isolators: [{name: "os/linux/capabilities-retain-set", value: {set: ["CAP_NET_ADMIN"]}}],
			mountPoints: [{name: "data", path: "/data", readOnly: true}],
			ports: [{name: "http", protocol: "tcp", port: 80, count: 1, socketActivated: false}, {name: "range", protocol: "udp", port: 90, count: 3, socketActivated: true}],
			userAnnotations: {x: "y"}, userLabels: {z: "w"}},
		annotations: [{name: "created", value: "2020-02-02T02:02:02Z"}, {name: "authors", value: "someone"}, {name: "homepage", value: "https://example.com"}],
		unknown: {kept: [1, 2]}}'
}

# image FILE MANIFEST ENTRY...: an image with this manifest, the entries below rootfs/ as evil-tar takes them.
image() {
	local file=$1
	printf %s "$2" >"$file.json"
	shift 2
	evil-tar F:manifest:"$file.json" mode=0755 d:rootfs mode=0644 "$@" | gzip -n >"$file"
}

# There and back, without a word. Both OCI images are one; $id and $back_id are the ids of both App Container Images.
there_and_back() { # RECORD
	local one
	aci-to-oci <"$1" >oci
	oci-to-aci <oci >back 2>messages
	same "" "$(<messages)"
	aci-to-oci <back >again
	read -r one id back_id < <(jq -rs '"\(.[1].manifest == .[3].manifest) \(.[0].id) \(.[2].id)"' "$1" oci back again)
	same true "$one"
}

# built NAME DIR [OPTION]...: an image of the store.
built() {
	aci-build --name "example.com/$1:1" "${@:3}" "$2" >"$1.aci"
	add "$1.aci"
}

@test "rkt:A-028 there and back is the identity on everything ACI expresses: the image built by aci-build has its id again" {
	mkdir -p own/bin own/d own/empty lower/bin lower/d
	echo x >own/bin/sh && chmod 4755 own/bin/sh && ln own/bin/sh own/hard && ln -s bin/sh own/soft && mkfifo own/fifo
	echo 1 >own/d/f && setfattr -n user.a -v 1 own/d/f && chmod 700 own/d && touch -d @5 own/d/f
	echo lower >lower/d/f && echo lower >lower/only && ln -s nowhere lower/empty
	built d lower
	built b own/d --dependency example.com/d
	built c lower/bin --dependency example.com/d:1
	c=$(store-put c.aci | jq -r .id)
	everything=$(everything)
	while IFS=';' read -r layers filter options; do
		jq "$filter" --arg c "$c" <<<"$everything" >manifest
		# shellcheck disable=SC2086
		aci-build --manifest manifest --owner 5:7 $options own >a.aci
		stored a.aci >record
		there_and_back record
		same "$filter $id" "$filter $back_id"
		same "$filter $layers" "$filter $(jq '.layers | length' oci)"
		((layers > 1)) || continue
		rm -rf trees && mkdir trees
		for r in record oci; do unpack --setuid --unverified --quiet "trees/$r" <"$r"; done
		diff <(tree trees/record) <(tree trees/oci)
	done <<-'CASES'
		1;.;
		1;del(.app, .annotations, .labels);--mtime 2001-02-03T04:05:06Z
		2;.dependencies = [{imageName: "example.com/d"}];
		5;.dependencies = [{imageName: "example.com/b"}, {imageName: "example.com/c"}];
		4;.dependencies = [{imageName: "example.com/c", imageID: $c}, {imageName: "example.com/d", labels: [{name: "version", value: "1"}]}];
		2;.dependencies = [{imageName: "example.com/d"}] | .pathWhitelist = ["/only", "/bin/sh", "/hard", "/soft", "/fifo", "/d/f", "/empty"];
		4;.dependencies = [{imageName: "example.com/d"}] | .pathWhitelist = ["/only", "/bin/sh", "/empty/below", "/d/"];
		3;.pathWhitelist = ["/soft"];
	CASES
	aci-lint <(store-get "$(jq -r .blob.digest back)")
	same soft "$(ls trees/oci)"
}

depends() { # NAME...
	jq -cn '{dependencies: [$ARGS.positional[] | {imageName: .}]}' --args "$@"
}

# converted FILE: there and back, with the entries of the archive in their order and their content, whoever made it; the trees are one.
converted() {
	rm -rf trees && mkdir trees
	stored "$1" >record
	there_and_back record
	gzip -dc "$1" >one.tar
	store-get "$(jq -r .blob.digest back)" >two.tar
	diff <(tar --xattrs -tvvf one.tar | sed 's|/$||') <(tar --xattrs -tvvf two.tar | sed 's|/$||')
	cmp <(tar -xOf one.tar) <(tar -xOf two.tar)
	for r in record oci; do unpack --unverified --quiet "trees/$r" <"$r"; done
	diff <(tree trees/record) <(tree trees/oci)
}

# What umoci makes of an image of the store is what we do.
same_to_umoci() { # RECORD TREE
	local name
	name=$(store-add <"$1" | jq -r '"\(.name):\(.labels.version)"')
	rm -rf bundle
	umoci unpack --image "$TACKLE_STORE:$name" bundle >/dev/null 2>&1
	diff <(cd "$2" && find . -type f -exec sha256sum {} + | sort -k 2) <(cd bundle/rootfs && find . -type f -exec sha256sum {} + | sort -k 2)
}

layer_of() { aci-to-oci <"$1" | jq -r '.layers[-1].digest'; }

@test "rkt:I-030 rkt:I-031 rkt:I-032 rkt:I-034 dependencies are layers in the order of their rendering, a whitelist leaves out" {
	aci d.aci example.com/d '{}' f:rootfs/bd:d f:rootfs/cd:d d:rootfs/dir f:rootfs/dir/x:d l:rootfs/link:dir f:rootfs/one:d h:rootfs/two:rootfs/one
	aci c.aci example.com/c "$(depends example.com/d)" f:rootfs/cd:c f:rootfs/bc:c f:rootfs/dir:c f:rootfs/one/y:c f:rootfs/link/z:c
	aci b.aci example.com/b "$(jq -cn '{pathWhitelist: ["/bd", "/keep/b"]}')" f:rootfs/bd:b d:rootfs/keep f:rootfs/keep/b:b f:rootfs/keep/other:b f:rootfs/gone:b
	aci a.aci example.com/a "$(depends example.com/b example.com/c)" h:rootfs/three:rootfs/two x:SCHILY.xattr.user.a=1 f:rootfs/own:a
	for i in d c b a; do add $i.aci; done
	converted b.aci
	same "bd keep keep/b" "$(cd trees/oci && find . -mindepth 1 -printf '%P\n' | sort | paste -sd' ')"
	mv record b.rec
	converted c.aci
	mv record c.rec
	converted a.aci
	same "d c c a" "$(cd trees/oci && echo "$(cat bd) $(cat bc) $(cat dir) $(cat own)")"
	mv trees/oci a.tree
	mv oci a.oci
	mv record a.rec
	stored d.aci >d.rec
	same "$(for i in b d c a; do layer_of $i.rec; done)" "$(jq -r '.layers[-4:][].digest' a.oci)" # shared with what is made of each alone
	store-get "$(jq -r .config.digest a.oci)" | jq -e --argjson l "$(jq .layers a.oci)" '.rootfs.diff_ids == ($l | map(.digest))'
	aci w.aci example.com/w "$(depends example.com/a | jq -c '.pathWhitelist = ["/dir", "/own", "/link/z"]')" f:rootfs/own:w f:rootfs/not:w l:rootfs/dir:not
	converted w.aci
	same "dir link link/z own" "$(cd trees/oci && find . -mindepth 1 -printf '%P\n' | sort | paste -sd' ')"
	if [ "$(id -u)" = 0 ]; then
		same_to_umoci a.oci a.tree
		same_to_umoci oci trees/oci
	fi
	store-check
	rm -r "$TACKLE_STORE/images" "$TACKLE_STORE/names"
	mkdir "$TACKLE_STORE/images" "$TACKLE_STORE/names"
	for i in d c b; do store-put $i.aci | store-add >/dev/null; done
	refuse 1 aci-to-oci <a.rec
	says "not verified"
	aci-to-oci --unverified <a.rec 2>messages | jq -e '.insecure == ["verified"]'
	grep -q 'nothing has verified' messages
}

# The image of this record depends on nothing and has this tree, also where nothing else is.
stands_alone() { # RECORD TREE
	store-get "$(jq -r .blob.digest "$1")" | tar -xO manifest | jq -e 'has("dependencies") or has("pathWhitelist") | not'
	rm -rf alone images
	mv "$TACKLE_STORE/images" images
	mkdir "$TACKLE_STORE/images"
	unpack --unverified --quiet alone <"$1"
	rm -r "$TACKLE_STORE/images"
	mv images "$TACKLE_STORE/images"
	diff <(tree "$2") <(tree alone)
}

@test "one image that depends on none: with --flatten, and where the layers are others than they were, which is told" {
	aci b.aci example.com/b '{}' f:rootfs/b:b f:rootfs/hidden:b
	aci a.aci example.com/a "$(depends example.com/b | jq -c '.pathWhitelist = ["/a", "/b"] | .app = {exec: ["/a"], user: "0", group: "0"}')" f:rootfs/a:a
	add b.aci
	stored a.aci | aci-to-oci >oci
	unpack --unverified --quiet oci.tree <oci
	oci-to-aci --flatten <oci >flat 2>messages
	same "" "$(<messages)"
	stands_alone flat oci.tree
	evil-tar f:new:n >top.tar
	store-put --base oci top.tar >more
	unpack --unverified --quiet more.tree <more
	oci-to-aci <more >whole 2>messages
	grep -q "^oci-to-aci: warning: .* one image of all of them, without dependencies" messages
	stands_alone whole more.tree
	oci-to-aci --flatten <more 2>messages | jq -e '.name == "example.com/a"'
	same "" "$(<messages)"
	while IFS='|' read -r whitelist entries; do # no layer holds these: none can tell which files are the image's own
		# shellcheck disable=SC2086
		aci s.aci example.com/s "$(depends example.com/b | jq -c --argjson w "$whitelist" '.pathWhitelist = $w')" $entries
		stored s.aci | aci-to-oci >oci
		rm -r oci.tree
		unpack --unverified --quiet oci.tree <oci
		oci-to-aci <oci >whole 2>messages
		grep -q "without dependencies" messages
		stands_alone whole oci.tree
	done <<-'CASES'
		[]|l:rootfs/link:b f:rootfs/link/z:s
		["/h", "/b"]|h:rootfs/h:rootfs/b f:rootfs/not:s
		["/b"]|f:rootfs/.wh.b:s
	CASES
}

@test "the config says what OCI has fields for, and skopeo and umoci read the image" {
	image a.aci "$(everything)" f:rootfs/a:1
	store-put a.aci | aci-to-oci >oci
	store-get "$(jq -r .config.digest oci)" >config
	jq -e '.os == "linux" and .architecture == "arm64" and .created == "2020-02-02T02:02:02Z" and .author == "someone"' config
	jq -e '.config | .Entrypoint == ["/bin/sh", "-c", "true"] and .User == "1000:1001" and .WorkingDir == "/tmp" and .Env == ["A=1", "B.c=x=y\nz"] and
		(.ExposedPorts | keys == ["80/tcp", "90/udp", "91/udp", "92/udp"]) and (.Volumes | keys == ["/data"])' config
	jq -e '.derived_from.id and (has("verified") | not)' oci
	store-add <oci >/dev/null
	store-check
	skopeo inspect "oci:$TACKLE_STORE:example.com/all:1.2" | jq -e '.Architecture == "arm64" and (.Layers | length == 1)'
	[ "$(id -u)" = 0 ] || return 0
	umoci unpack --image "$TACKLE_STORE:example.com/all:1.2" bundle >/dev/null 2>&1
	same 1 "$(cat bundle/rootfs/a)"
}

@test "a config that another program changed counts, and the old manifest no more" {
	image a.aci "$(everything | jq -c '.labels[2].value = "amd64"')" f:rootfs/a:1
	store-put a.aci | aci-to-oci | store-add >oci
	skopeo copy -q "oci:$TACKLE_STORE:example.com/all:1.2" oci:layout:v1
	umoci config --image layout:v1 --config.cmd changed
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q | oci-to-aci --name example.com/new >back
	store-get "$(jq -r .blob.digest back)" | tar -xO manifest | jq -e '.name == "example.com/new" and .app.exec == ["/bin/sh", "-c", "true", "changed"] and
		(.app | has("isolators") | not)'
	skopeo copy -q "oci:$TACKLE_STORE:example.com/all:1.2" oci:same:v1 # recompressed only
	ref-parse oci:same:v1 | reg-resolve | fetch-blob -q | oci-to-aci >back
	store-get "$(jq -r .blob.digest back)" | tar -xO manifest | jq -e '.app.isolators | length == 1'
}

@test "what cannot be an OCI image is refused, and nothing of it is an image of the store" {
	manifest=$(everything)
	while IFS='|' read -r expected text filter entries; do
		# shellcheck disable=SC2086
		image a.aci "$(jq -c "$filter" <<<"$manifest")" $entries
		as_stored a.aci >record
		refuse "$expected" aci-to-oci <record
		says "$text"
	done <<-'CASES'
		3|dependency 'example.com/b'|.dependencies = [{imageName: "example.com/b"}]|f:rootfs/a:1
		6|below a whiteout|.|f:rootfs/.wh.a/b:1
		6|no file of the archive|.pathWhitelist = ["/b"]|f:rootfs/a:1 h:rootfs/b:rootfs/a
		1|would be a whiteout|.|f:rootfs/.wh.a:1
		6|only manifest and rootfs/|.|f:other:1
		6|leads out of the target|.|f:rootfs/../x:1
		6|a hard link out of rootfs|.|h:rootfs/x:manifest
		6|manifest: not one regular file|.|f:manifest:{}
		6|acKind|.acKind = "PodManifest"|f:rootfs/a:1
	CASES
	image a.aci "$manifest" f:rootfs/a:1
	store-put a.aci >record
	refuse 1 aci-to-oci < <(jq -c '.id |= sub("..$"; "00")' record)
	refuse 1 aci-to-oci < <(jq -c '.name = "example.com/other"' record)
	refuse 6 aci-to-oci < <(jq -c '.manifest = .blob' record)
	refuse 7 aci-to-oci --max-size 1K <record
	same "" "$(ls "$TACKLE_STORE/images")"
	blob=$TACKLE_STORE/blobs/sha256/$(jq -r '.blob.digest | ltrimstr("sha256:")' record)
	printf x | dd of="$blob" bs=1 seek=100 conv=notrunc status=none
	refuse 1 aci-to-oci <record
	rm "$blob"
	refuse 3 aci-to-oci <record
}

@test "user by the owner of a file is told; no app, no config of one" {
	image a.aci "$(everything | jq -c '.app.user = "/etc/owner"')" f:rootfs/a:1
	store-put a.aci | aci-to-oci 2>messages >oci
	grep -q "0:0 instead" messages
	same 0:0 "$(store-get "$(jq -r .config.digest oci)" | jq -r .config.User)"
	oci-to-aci <oci >back 2>/dev/null
	store-get "$(jq -r .blob.digest back)" | tar -xO manifest | jq -e '.app.user == "/etc/owner"'
	image a.aci "$(everything | jq -c 'del(.app)')" f:rootfs/a:1
	store-put a.aci | aci-to-oci >oci
	store-get "$(jq -r .config.digest oci)" | jq -e '.config | keys == ["Labels"]'
}
