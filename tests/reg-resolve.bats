#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load oci
setup() { in_own_directory; }

resolve() { # REFERENCE [OPTION]...
	local ref=$1
	shift
	ref-parse "$ref" | reg-resolve "$@"
}

refuse_ref() { # STATUS REFERENCE [OPTION]...
	local expected=$1 ref=$2
	shift 2
	refuse "$expected" reg-resolve "$@" < <(ref-parse "$ref")
}

@test "an image of umoci, read from a layout, an archive, dir: and docker save's archive" {
	small_layer a.tar etc/one
	mkdir tree
	tar -xf a.tar -C tree
	umoci init --layout layout
	umoci new --image layout:v1
	umoci insert --image layout:v1 tree /
	skopeo copy -q oci:layout:v1 oci-archive:archive.tar:v1
	gzip -nk archive.tar
	zstd -q archive.tar
	skopeo copy -q oci:layout:v1 dir:dir
	skopeo copy -q oci:layout:v1 docker-archive:docker.tar:example.com/app:1.0
	skopeo inspect --raw oci:layout:v1 >manifest
	expected=$(jq -c '{config, layers}' manifest)
	for ref in oci:layout:v1 oci:layout oci-archive:archive.tar:v1 oci-archive:archive.tar.gz oci-archive:archive.tar.zst dir:dir; do
		resolve "$ref" >record
		same "$ref $expected" "$ref $(jq -c '{config, layers}' record)"
		same "$ref sha256:$(sha256sum <manifest | cut -d' ' -f1)" "$ref $(jq -r .manifest.digest record)"
		jq -e '.platform == {os: "linux", architecture: "amd64"} and .labels == {os: "linux", arch: "amd64"}' record
	done
	for ref in docker-archive:docker.tar docker-archive:docker.tar:example.com/app:1.0; do
		resolve "$ref" >record
		same "$(jq -r .config.digest manifest)" "$(jq -r .config.digest record)"
		same application/vnd.oci.image.layer.v1.tar "$(jq -r '.layers[0].mediaType' record)"
	done
	jq -e '.name == "example.com/app" and .labels.version == "1.0"' record
	resolve docker-archive:docker.tar | cmp - <(resolve docker-archive:docker.tar)
}

@test "buildah's image of several layers, and Docker's schema 2 of the same" {
	container=$(with_buildah from scratch)
	for i in 1 2 3; do
		mkdir "t$i"
		echo "$i" >"t$i/file$i"
		with_buildah copy -q "$container" "t$i" / >/dev/null
		with_buildah commit -q "$container" localhost/step >/dev/null
		container=$(with_buildah from --pull=never localhost/step)
	done
	with_buildah push -q localhost/step oci:layout:v1
	with_buildah push -q --format v2s2 localhost/step dir:docker
	resolve oci:layout:v1 | jq -e '.layers | length == 3'
	resolve dir:docker | jq -e '.manifest.mediaType == "application/vnd.docker.distribution.manifest.v2+json" and (.layers | length == 3)'
}

@test "an index: this machine's image, that of a platform in either spelling, or all" {
	oci_index layout v1 linux/amd64 linux/arm64 linux/arm/v6 linux/arm/v7 freebsd/amd64
	resolve oci:layout:v1 --platform linux/arm64 | jq -e '.platform.architecture == "arm64" and .labels.arch == "aarch64" and (.index.digest != null)'
	resolve oci:layout:v1 -p linux/aarch64 | jq -e '.platform.architecture == "arm64"'
	ref-parse --platform freebsd/amd64 oci:layout:v1 | reg-resolve | jq -e '.platform.os == "freebsd"'
	ref-parse --platform freebsd/amd64 oci:layout:v1 | reg-resolve -p linux/amd64 | jq -e '.platform.os == "linux"'
	entry() { jq -r --argjson i "$1" '.manifests[$i].digest' "layout/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' layout/index.json)"; }
	same "$(entry 3)" "$(resolve oci:layout:v1 -p linux/arm | jq -r .manifest.digest)"
	same "$(entry 2)" "$(resolve oci:layout:v1 -p linux/arm/v6 | jq -r .manifest.digest)"
	same "1 5,2 5,3 5,4 5,5 5" "$(resolve oci:layout:v1 --all | jq -r '"\(.part) \(.of)"' | paste -sd,)"
	refuse_ref 3 oci:layout:v1 -p linux/s390x
	says "no image for the platform linux/s390x" "there is: linux/amd64, linux/arm64"
	refuse_ref 2 oci:layout:v1 -p plan9/mips
	refuse_ref 2 oci:layout:v1 --all --platform linux/amd64
}

@test "an older variant of an architecture will do, a newer one not" {
	oci_index layout v1 linux/arm/v6
	resolve oci:layout:v1 -p linux/arm/v7 >/dev/null
	oci_index newer v1 linux/arm/v7
	refuse_ref 3 oci:newer:v1 -p linux/arm/v6
}

@test "a single image for another platform: refused where one was asked for, else told" {
	small_layer a.tar x
	OCI_PLATFORM=linux/s390x oci_image layout v1 a.tar >/dev/null
	resolve oci:layout:v1 | jq -e '.platform.architecture == "s390x"'
	refuse_ref 3 oci:layout:v1 -p linux/amd64
	says "the only one is for linux/s390x"
}

@test "a digest decides, and must be that of the bytes" {
	small_layer a.tar a
	small_layer b.tar b
	a=$(oci_image layout v1 a.tar | jq -r .digest)
	b=$(oci_image layout v2 b.tar | jq -r .digest)
	same "$b" "$(resolve "oci:layout:v1@$b" | jq -r .manifest.digest)"
	same "$a" "$(resolve "oci:layout@$a" | jq -r .manifest.digest)"
	cp "layout/blobs/sha256/${b#sha256:}" "layout/blobs/sha256/${a#sha256:}"
	refuse_ref 1 "oci:layout@$a"
	says "digest mismatch: expected $a"
	refuse_ref 1 oci:layout:v1
}

@test "what is not there is 3, what is not said is 2, each with the names there are" {
	small_layer a.tar a
	oci_image layout v1 a.tar >/dev/null
	oci_image layout w/v2 a.tar >/dev/null
	refuse_ref 3 oci:layout:nope
	says "there is: v1, w/v2"
	refuse_ref 2 oci:layout
	says "2 images" "v1, w/v2"
	refuse_ref 3 oci:absent:v1
	refuse_ref 3 oci:layout@sha256:"$(printf 0%.0s {1..64})"
	refuse_ref 3 oci-archive:absent
	refuse_ref 3 docker-archive:a.tar
	says "reg-resolve: 'a.tar': 'manifest.json': no such file"
	refuse_ref 2 example.com/app:1.0
	says "transport 'appc'"
}

# One line a case: status, what the message says, jq filter over the manifest.
@test "rkt:F-05 CVE-2021-41190: a manifest that is two things at once, or not what it came as, is refused" {
	small_layer a.tar a
	oci_image good v1 a.tar >/dev/null
	while IFS='|' read -r expected text filter; do
		rm -rf layout
		cp -r good layout
		oci_replace layout v1 "$filter"
		refuse_ref "$expected" oci:layout:v1
		says "$text"
	done <<-'CASES'
		1|'manifests': two things at once|.manifests = []
		1|two things at once|.fsLayers = []
		1|it came as|.mediaType = "application/vnd.oci.image.index.v1+json"
		1|it came as|.mediaType = "application/vnd.docker.distribution.manifest.v2+json"
		1|no manifest of an image|.mediaType = "text/html"
		1|Docker schema 1|.schemaVersion = 1
		1|Docker schema 1|.mediaType = "application/vnd.docker.distribution.manifest.v1+prettyjws"
		1|unknown schema version|.schemaVersion = 3
		6|'schemaVersion': missing|del(.schemaVersion)
		6|'schemaVersion': not an integer|.schemaVersion = "2"
		6|'config': missing|del(.config)
		6|'layers': missing|del(.layers)
		6|'layers': not an array|.layers = {}
		6|layers[0]|.layers = [1]
		6|not a sha256: or sha512: digest|.layers[0].digest = "sha256:../../../../etc/passwd"
		6|not a sha256: or sha512: digest|.config.digest |= ascii_upcase
		6|layers[0].size|.layers[0] |= del(.size)
		6|layers[0]|.layers[0].size = -1
		6|layers[0]|.layers[0].size = 1.5
		6|layers[0].mediaType|.layers[0] |= del(.mediaType)
		6|layers[0]': field 'size'|.layers[0].size = "1"
		6|mediaType|.mediaType = 1
		6|diff_ids': 1, but the manifest has 2|.layers += .layers
		7|more than 1000|.layers = [range(1001) as $i | .layers[0]]
		1|no image|.config.mediaType = "application/vnd.oci.empty.v1+json"
		1|size mismatch|.config.size += 1
		6|not a JSON object|[]
	CASES
}

@test "rkt:F-05 the same of an index" {
	oci_index good v1 linux/amd64
	while IFS='|' read -r expected text filter; do
		rm -rf layout
		cp -r good layout
		oci_replace layout v1 "$filter"
		refuse_ref "$expected" oci:layout:v1 -p linux/amd64
		says "$text"
	done <<-'CASES'
		1|'layers': two things at once|.layers = []
		1|'config': two things at once|.config = {}
		1|it came as|.mediaType = "application/vnd.oci.image.manifest.v1+json"
		6|'manifests': missing|del(.manifests)
		6|manifests[0]|.manifests[0].digest = 1
		1|size mismatch|.manifests[0].size += 1
		1|it came as|.manifests[0].mediaType = "application/vnd.oci.image.index.v1+json"
		3|no image for the platform|.manifests = []
		3|no image for the platform|.manifests[0].platform.os = 1
	CASES
}

@test "rkt:F-05 a manifest without a media type of its own is what it came as, or what its members say" {
	small_layer a.tar a
	oci_image layout v1 a.tar >/dev/null
	oci_replace layout v1 'del(.mediaType)'
	resolve oci:layout:v1 | jq -e '.manifest.mediaType == "application/vnd.oci.image.manifest.v1+json"'
	mkdir dir
	cp "layout/blobs/sha256/$(jq -r '.manifests[0].digest | ltrimstr("sha256:")' layout/index.json)" dir/manifest.json
	cp layout/blobs/sha256/* dir
	resolve dir:dir | jq -e '.manifest.mediaType == "application/vnd.oci.image.manifest.v1+json"'
}

@test "an index within an index, an artifact, attestations" {
	oci_index layout v1 linux/amd64 linux/arm64
	inner=$(jq -c '.manifests[0] | {mediaType, digest, size}' layout/index.json)
	jq -cn --argjson d "$inner" '{schemaVersion: 2, manifests: [$d]}' >outer
	oci_name layout outer "$(oci_blob layout application/vnd.oci.image.index.v1+json outer)"
	refuse_ref 1 oci:layout:outer
	says "an index within an index"
	oci_replace layout v1 '.manifests += [.manifests[0] | .platform = {os: "unknown", architecture: "unknown"}]'
	same 2 "$(resolve oci:layout:v1 --all | grep -c .)"
}

@test "hostile archives and layouts: names twice, links out, cut, no archive" {
	small_layer a.tar a
	oci_image layout v1 a.tar >/dev/null
	tar -c -C layout . >good.tar
	resolve oci-archive:good.tar:v1 >/dev/null
	tar -c -C layout . ./index.json --hard-dereference >twice.tar
	refuse_ref 6 oci-archive:twice.tar
	says twice
	head -c 2048 good.tar >cut.tar
	refuse_ref 6 oci-archive:cut.tar
	gzip -c good.tar | head -c 400 >cut.gz
	refuse_ref 6 oci-archive:cut.gz
	refuse_ref 6 oci-archive:"$ROOT/README.md"
	: >empty
	refuse_ref 6 oci-archive:empty
	head -c 20000000 /dev/zero | gzip >bomb.gz
	refuse_ref 7 oci-archive:bomb.gz --max-ratio 10
	refuse_ref 7 oci-archive:bomb.gz --max-size 1M
	zstd -q --long=27 <good.tar >wide.zst
	refuse_ref 7 oci-archive:wide.zst --max-window 1K
	mv layout/index.json secret
	ln -s "$PWD/secret" layout/index.json
	refuse_ref 8 oci:layout:v1
	tar -c -C layout . >linked.tar
	refuse_ref 3 oci-archive:linked.tar
	rm layout/index.json
	mkfifo layout/index.json
	refuse_ref 6 oci:layout:v1
	says "not a regular file"
}

@test "docker save's archive: what its manifest.json says is not believed" {
	small_layer layer.tar a
	id=$(sha256sum <layer.tar | cut -d' ' -f1)
	jq -cn --arg d "sha256:$id" '{architecture: "amd64", os: "linux", rootfs: {type: "layers", diff_ids: [$d]}}' >config.json
	archive() { # JQ FILTER over manifest.json
		jq -cn "[{Config: \"config.json\", RepoTags: [\"app:1\"], Layers: [\"layer.tar\"]}] | $1" >manifest.json
		tar -cf docker.tar manifest.json config.json layer.tar
	}
	archive .
	resolve docker-archive:docker.tar:app:1 | jq -e --arg d "sha256:$id" '.layers[0].digest == $d and .name == "docker.io/library/app"'
	refuse_ref 3 docker-archive:docker.tar:app:2
	archive '.[0].Config = "../config.json"'
	refuse_ref 3 docker-archive:docker.tar
	archive '.[0].Layers = []'
	refuse_ref 6 docker-archive:docker.tar
	archive '.[0].Layers = [1]'
	refuse_ref 6 docker-archive:docker.tar
	archive '[]'
	refuse_ref 6 docker-archive:docker.tar
	archive '{}'
	refuse_ref 6 docker-archive:docker.tar
	archive '. + .'
	refuse_ref 2 docker-archive:docker.tar
	gzip -nk layer.tar
	jq -cn '[{Config: "config.json", RepoTags: null, Layers: ["layer.tar.gz"]}]' >manifest.json
	tar -cf docker.tar manifest.json config.json layer.tar.gz
	resolve docker-archive:docker.tar | jq -e --arg d "sha256:$(sha256sum <layer.tar.gz | cut -d' ' -f1)" '.layers[0].digest == $d'
}

@test "what an earlier stage and an annotation said passes through" {
	small_layer a.tar a
	oci_image layout v1 a.tar >/dev/null
	oci_replace layout v1 '.layers[0].annotations = {x: "y"} | .annotations = {a: "b"} | .unknown = [1]'
	ref-parse oci:layout:v1 | jq -c '.app = {name: "x"} | .mine = 1' | reg-resolve | jq -e '.mine == 1 and .app.name == "x" and .layers[0].annotations.x == "y"'
}
