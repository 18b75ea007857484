#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load images
setup() { in_own_directory; }

@test "an ACI becomes an image record with its id, name, labels and blob" {
	small_image example.com/a 1.0 os=linux | tee image.tar | gzip -n >image.aci
	want=$(jq -cnS --arg id "sha512-$(sha512sum <image.tar | cut -d' ' -f1)" --arg digest "sha256:$(sha256sum <image.aci | cut -d' ' -f1)" \
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
		"$(store-put --signature sig a | jq -cS .signature)"
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
