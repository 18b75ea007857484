#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load images
load oci
setup() { in_own_directory; }

@test "an ACI becomes an image record with its id, name, labels and blob" {
	small_image example.com/a 1.0 os=linux | tee image.tar | gzip -n >image.aci
	want=$(jq -cn --arg id "sha512-$(sha512sum <image.tar | cut -d' ' -f1)" --arg digest "sha256:$(sha256sum <image.aci | cut -d' ' -f1)" \
		--argjson size "$(stat -c %s image.aci)" '{kind: "image", $id, name: "example.com/a", labels: {version: "1.0", os: "linux"},
		blob: {mediaType: "application/vnd.appc.image.aci", $digest, $size}}')
	same "$want" "$(store-put image.aci)"
	same "$want" "$(store-put <image.aci)"
	same "$want" "$(store-put - <image.aci)"
	cmp image.aci "$(blob_path "$(store-put image.aci | jq -r .blob.digest)")"
}

@test "dependencies come into the record" {
	mkdir -p i/rootfs
	jq -cn '{acKind: "ImageManifest", acVersion: "0.8.11", name: "example.com/a", dependencies: [{imageName: "example.com/b"}]}' >i/manifest
	same '[{"imageName":"example.com/b"}]' "$(tar -c -C i manifest rootfs | store-put | jq -c .dependencies)"
}

@test "what bytes are is seen in them, whatever the name of the file" {
	mkdir d
	echo hello >d/file
	tar -cf t d
	gzip -k t
	zstd -q t
	xz -k t
	bzip2 -k t
	printf -- '-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n' >sig
	printf '{"schemaVersion":2,"config":{},"layers":[]}' >manifest
	printf ' {"schemaVersion":2,"manifests":[]}' >index
	printf '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{},"layers":[]}' >docker
	printf '{"schemaVersion":2,"config":{},"layers":[],"manifests":[]}' >both
	printf '{"schemaVersion":2' >torn
	printf hello >text
	gzip -k text
	: >nothing
	head -c 100000 /dev/urandom >random
	while read -r file kind type; do
		same "$file $kind $type" "$file $(store-put "$file" | jq -r '"\(.kind) \(.blob.mediaType)"')"
	done <<-END
		t image application/vnd.oci.image.layer.v1.tar
		t.gz image application/vnd.oci.image.layer.v1.tar+gzip
		t.zst image application/vnd.oci.image.layer.v1.tar+zstd
		t.xz image application/vnd.oci.image.layer.v1.tar+xz
		t.bz2 image application/vnd.oci.image.layer.v1.tar+bzip2
		sig blob application/pgp-signature
		manifest blob application/vnd.oci.image.manifest.v1+json
		index blob application/vnd.oci.image.index.v1+json
		docker blob application/vnd.docker.distribution.manifest.v2+json
		both blob application/octet-stream
		torn blob application/octet-stream
		text blob application/octet-stream
		text.gz blob application/octet-stream
		nothing blob application/octet-stream
		random blob application/octet-stream
	END
	for file in t t.gz t.bz2; do
		same "sha256:$(sha256sum <t | cut -d' ' -f1)" "$(store-put "$file" | jq -r .diff_id)"
	done
	store-put t.xz | unpack --unverified out # which holds it to its diff_id
}

@test "rkt:U-21 a tar that is cut, or an ACI that is not valid, is 6 and not stored; as plain bytes it may be" {
	small_image example.com/a 1.0 >whole
	gzip -k whole
	head -c 1600 whole >cut
	head -c 150 whole.gz >cut.gz
	{ cat whole; echo x; } >longer
	mkdir -p i/rootfs
	echo '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"A"}' >i/manifest
	tar -cf bad -C i manifest rootfs
	store-put /dev/null
	state=$(store_state)
	for file in cut cut.gz longer bad; do
		refuse 6 store-put "$file"
		says "hint: --media-type application/octet-stream"
	done
	same "$state" "$(store_state)"
	same blob "$(store-put --media-type application/octet-stream cut | jq -r .kind)"
}

@test "--media-type is taken as given, but an ACI must be one" {
	small_image example.com/a 1.0 >a
	same 'blob text/x-y' "$(store-put --media-type text/x-y a | jq -r '"\(.kind) \(.blob.mediaType)"')"
	same image "$(store-put --media-type application/vnd.appc.image.aci a | jq -r .kind)"
	for bytes in '' hello '{}'; do
		refuse 6 store-put --media-type application/vnd.appc.image.aci < <(printf %s "$bytes")
	done
	for type in '' a a/ /b 'a/b c' a/b/c $'a/b\n'; do
		refuse 2 store-put --media-type "$type" a
	done
}

@test "--signature stores the signature and names it" {
	small_image example.com/a 1.0 >a
	printf signature >sig
	same "{\"digest\":\"sha256:$(sha256sum <sig | cut -d' ' -f1)\",\"mediaType\":\"application/pgp-signature\",\"size\":9}" \
		"$(store-put --signature sig a | jq -c .signature)"
	refuse 3 store-put --signature missing a
	refuse 6 store-put --signature /dev/null a
	head -c 70000 /dev/zero >huge
	refuse 7 store-put --signature huge a
}

@test "rkt:U-11 limits on what an archive unpacks to are options" {
	mkdir -p i/rootfs
	echo '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"a"}' >i/manifest
	head -c 40000000 /dev/zero >i/rootfs/zeros
	tar -c -C i manifest rootfs | gzip >bomb
	refuse 7 store-put --max-size 1M bomb
	refuse 7 store-put --max-ratio 10 bomb
	same image "$(store-put --max-ratio 100000 bomb | jq -r .kind)"
	refuse 2 store-put --max-ratio 0 bomb
}

# The blob of this digest, as JSON.
blob() { jq -c . "$(blob_path "$1")"; }

@test "--base: an image with one layer more, that runs as its base" {
	small_layer one.tar a
	small_layer two.tar b
	gzip -n two.tar
	small_layer three.tar c
	# shellcheck disable=SC2016  # jq's
	OCI_CONFIG='. + {created: "2001-01-01T00:00:00Z", author: "me", config: {Cmd: ["x"]}, history: [{created_by: "one"}]}' oci_image layout v1 one.tar >/dev/null
	oci_image layout plain one.tar >/dev/null
	oci_replace layout v1 '. + {annotations: {k: "v"}, subject: .config, unknown: 1}'
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q | jq -c '.verified = [{by: "digest", digest: .manifest.digest}]' >base
	store-put --base base two.tar.gz >two
	store-put --base - three.tar <two >three
	same "$(cat two)" "$(gzip -dc two.tar.gz | gzip -n | SOURCE_DATE_EPOCH='' store-put --base base)"
	jq -e --slurpfile base base '.derived_from == $base[0] and (has("verified") or has("ref") or has("name") | not) and .platform == $base[0].platform and
		.layers[0] == $base[0].layers[0] and (.layers[1].mediaType | endswith("tar+gzip"))' two
	ids=$(for f in one two three; do [[ -e $f.tar ]] || gzip -dk $f.tar.gz; sha256sum <$f.tar; done | jq -Rcn '[inputs | "sha256:" + .[:64]]')
	blob "$(jq -r .config.digest three)" | jq -e --argjson ids "$ids" '.rootfs.diff_ids == $ids and .author == "me" and .config == {Cmd: ["x"]} and
		(.history | map(.created_by) == ["one", "tackle: store-put --base", "tackle: store-put --base"]) and (tostring | contains("created\"") | not)'
	blob "$(jq -r .manifest.digest three)" | jq -e '.annotations == {k: "v"} and .unknown == 1 and (has("subject") | not) and (.layers | length == 3)'
	unpack --unverified --quiet out <three
	same 'a b c' "$(ls out | paste -sd' ')"
	SOURCE_DATE_EPOCH=7 store-put --base base two.tar.gz | reg-push -q oci:layout:v2 >/dev/null
	skopeo inspect --config oci:layout:v2 | jq -e '.created == "1970-01-01T00:00:07Z" and .history[1].created == .created and .history[0].created == null'
	ref-parse oci:layout:plain | reg-resolve | fetch-blob -q | store-put --base - three.tar | jq -r .config.digest >digest
	blob "$(cat digest)" | jq -e 'has("history") or has("created") | not'
	skopeo copy -q --format v2s2 oci:layout:v2 dir:docker
	ref-parse dir:docker | reg-resolve | fetch-blob -q | store-put --base - three.tar | reg-push -q oci:layout:v3 >/dev/null
	ref-parse oci:layout:v3 | reg-resolve | jq -e '[.manifest, .config, .layers[]] | map(.mediaType) | all(contains(".oci."))'
	skopeo copy -q oci:layout:v3 dir:copied
}

@test "--base: a layer that changes nothing, and one with the names of an App Container Image" {
	small_layer one.tar a
	oci_image layout v1 one.tar >/dev/null
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q >base
	mkdir -p empty tree/rootfs
	touch tree/manifest
	pack --layer --base empty empty | store-put --base base >more
	pack --layer --base empty --compress zstd empty | store-put --base more | unpack --unverified --quiet out
	same a "$(ls out)"
	pack --layer --base empty --compress gzip empty | store-put --base base | reg-push -q oci:layout:v2 >/dev/null
	umoci unpack --rootless --image layout:v2 bundle >/dev/null
	same a "$(ls bundle/rootfs)"
	pack --layer tree | store-put --base more | unpack --unverified --quiet both
	same 'a manifest rootfs' "$(ls both | paste -sd' ')"
	head -c 1024 /dev/zero | store-put | jq -e '.kind == "blob"'
}

@test "--base: what is no layer, or no base for one, is refused and not stored" {
	small_layer one.tar a
	small_layer two.tar b
	oci_image layout v1 one.tar >/dev/null
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q >base
	OCI_CONFIG='.rootfs.diff_ids |= [range(1000) as $i | .[0]]' oci_image layout full one.tar >/dev/null
	oci_replace layout full '.layers |= [range(1000) as $i | .[0]]'
	ref-parse oci:layout:full | reg-resolve | fetch-blob -q >full
	find "$TACKLE_STORE/blobs" -type f | sort >before
	small_image example.com/a 1.0 >image.aci
	bzip2 -k two.tar
	head -c 2000 two.tar >cut
	head -c 512 /dev/zero >half-end
	while IFS='|' read -r expected says file base; do
		refuse "$expected" store-put --base "$base" "$file"
		says "$says"
	done <<-'CASES'
		1|no layer|image.aci|base
		1|no layer|two.tar.bz2|base
		1|no layer|base|base
		6|truncated|cut|base
		6|truncated|half-end|base
		6|no input|/dev/null|base
		6|'two.tar'|two.tar|two.tar
		6|'/dev/null'|two.tar|/dev/null
		3|missing|two.tar|missing
		7|1000 layers|two.tar|full
	CASES
	jq -c .manifest.digest=.config.digest base >changed
	refuse 6 store-put --base changed two.tar
	jq -c .layers=[] base >changed
	refuse 1 store-put --base changed two.tar
	says 'the base'
	refuse 2 store-put --base - <base
	SOURCE_DATE_EPOCH=yesterday refuse 2 store-put --base base two.tar
	refuse 2 store-put --base base --media-type text/plain two.tar
	refuse 2 store-put --base base --signature two.tar two.tar
	PIPED=1 refuse 4 store-put --base - two.tar <<<'{"kind":"error","status":4,"program":"x","message":"y"}'
	find "$TACKLE_STORE/blobs" -type f | sort | diff before -
	refuse 3 store-put --store other --base base two.tar
	same '' "$(find other/blobs -type f)"
}

@test "a missing file is 3 and makes no store; a directory is 8" {
	refuse 3 store-put missing
	[ ! -e "$TACKLE_STORE" ]
	refuse 8 store-put /
}

@test "rkt:W-07 a store that is a symlink, another's or writable by others is refused" {
	store-put /dev/null
	chmod 777 "$TACKLE_STORE"
	refuse 1 store-put /dev/null
	chmod 755 "$TACKLE_STORE"
	ln -s "$TACKLE_STORE" link
	refuse 1 store-put --store link /dev/null
	chown 12345 "$TACKLE_STORE"
	[ "$(id -u)" != 0 ] || refuse 1 store-put /dev/null
	mkdir full
	touch full/file
	refuse 1 store-put --store full /dev/null
	says "no oci-layout"
}

@test "rkt:W-07 so is one of which a part is: what others write there could pass for verified" {
	add_image example.com/a 1 >/dev/null
	for part in images names blobs blobs/sha256 sha512 partial; do
		chmod 777 "$TACKLE_STORE/$part"
		refuse 1 store-list
		says "$TACKLE_STORE/$part" "writable by group or others"
		chmod 755 "$TACKLE_STORE/$part"
		mv "$TACKLE_STORE/$part" moved
		ln -s "$PWD/moved" "$TACKLE_STORE/$part"
		refuse 1 store-list
		rm "$TACKLE_STORE/$part"
		mv moved "$TACKLE_STORE/$part"
	done
	store-list | jq -e .name
}

@test "rkt:F-08 twenty writers of one blob and twenty of different ones leave whole blobs and nothing else" {
	head -c 300000 /dev/urandom >same
	for i in {1..20}; do
		store-put same >"same.$i" &
		head -c 300000 /dev/urandom | store-put >"other.$i" &
	done
	wait
	same 1 "$(cat same.* | sort -u | wc -l)"
	same 20 "$(cat other.* | sort -u | wc -l)"
	cd "$TACKLE_STORE/blobs/sha256"
	same 21 "$(find . -type f | wc -l)"
	sha256sum -c --quiet < <(for f in *; do echo "$f  $f"; done)
}

# A loop of kills: each system call that changes the store is once the last one.
@test "rkt:F-08 killed at any system call it leaves no torn blob, and a re-run succeeds" {
	is_asan && skip "strace and the leak checker exclude each other"
	small_image example.com/a 1.0 >a
	for call in mkdirat linkat openat write fsync close utimensat fstatat newfstatat flock; do
		for n in 1 2 3 5 8 13 21 34; do
			rm -rf "$TACKLE_STORE"
			strace -f -o /dev/null -e "inject=$call:signal=KILL:when=$n" store-put a >record 2>/dev/null || true
			store-put a >record
			cmp a "$(blob_path "$(jq -r .blob.digest record)")"
			same 1 "$(find "$TACKLE_STORE/blobs" -type f | wc -l)"
			same "" "$(find "$TACKLE_STORE" -name '.*' -type f)"
		done
	done
}

@test "rkt:W-04 a full disk is 8 with the reason, and leaves nothing" {
	[ "$(id -u)" = 0 ] || skip "root only: mounts"
	mkdir small
	head -c 3000000 /dev/urandom >big
	unshare -m sh -c 'mount -t tmpfs -o size=1m none small && "$@"' sh bash -c '
		store-put --store small/store /dev/null >/dev/null
		find small -type f | sort >before
		store-put --store small/store big >out 2>err; echo $? >status
		find small -type f | sort | cmp before - && echo hi | store-put --store small/store >again'
	same 8 "$(cat status)"
	grep -q '^store-put: .*: No space left on device' err
	same blob "$(jq -r .kind again)"
}

@test "rkt:U-11 a window larger than the limit is refused, and --max-window raises it" {
	mkdir -p t/rootfs
	printf x >t/rootfs/x
	jq -cn '{acKind: "ImageManifest", acVersion: "0.8.11", name: "example.com/wide"}' >t/manifest
	tar -C t -cf - manifest rootfs | xz --lzma2=dict=128MiB >wide.aci
	refuse 7 aci-manifest wide.aci
	aci-manifest --max-window 256M wide.aci | jq -e '.name == "example.com/wide"'
	store-put --max-window 256M wide.aci | jq -e '.kind == "image" and .name == "example.com/wide"'
}

@test "--progress-fd: a record every now and then, and no line on stderr for each" {
	for ((i = 0; i < 4; i++)); do head -c 300000 /dev/zero && sleep 0.15; done |
		store-put --media-type application/octet-stream --progress-fd 9 9>records 2>err >/dev/null
	same '' "$(cat err)"
	jq -es 'length > 2 and .[-1].ended and .[-1].bytes == 1200000 and all(.kind == "progress")' records
}
