#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it reads what store-list and store-get read there
load lib
load images
setup() { in_own_directory; }

age() { # FILE...: as if written two days ago
	touch -d '2 days ago' "$@"
}

@test "blobs that no image names go after the grace period, each with a record" {
	add_image example.com/a 1 >a
	printf loose | store-put >loose
	state=$(store_state)
	same "" "$(store-gc)"
	age "$TACKLE_STORE"/blobs/sha256/*
	same "$(jq -c 'del(.blob.mediaType)' loose)" "$(store-gc -n)"
	same "$state" "$(store_state)"
	same "$(jq -c 'del(.blob.mediaType)' loose)" "$(store-gc)"
	refuse 3 store-get <loose
	store-get example.com/a | cmp - <(small_image example.com/a 1)
	store-check >/dev/null
	same "" "$(store-gc --grace-period 0)"
	store-rm example.com/a >/dev/null
	same 3 "$(store-gc --grace-period 0 | jq -r .kind | grep -c blob)" # the image, its manifest, the empty config
	same "" "$(ls "$TACKLE_STORE/blobs/sha256")"
	store-check
	refuse 2 store-gc --grace-period x
	refuse 3 store-gc --store nowhere
}

@test "putting, or adding, makes a blob young again" {
	printf loose | store-put >loose
	age "$(blob_path "$(jq -r .blob.digest loose)")"
	printf loose | store-put >/dev/null
	same "" "$(store-gc)"
	small_image example.com/a 1 | store-put >record
	age "$TACKLE_STORE"/blobs/sha256/*
	store-add <record >/dev/null
	touch -d 'now + 1 hour' now
	[ "$(blob_path "$(jq -r .blob.digest record)")" -nt loose ]
	# rkt:W-06: a time in the future is not old
	touch -d '2100-01-01' "$(blob_path "$(jq -r .blob.digest loose)")"
	same "" "$(store-gc --grace-period 0)"
}

@test "what others keep in index.json stays, with all it names" {
	head -c 100 /dev/urandom >layer
	printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$(sha256sum <layer | cut -d' ' -f1)" >config
	descriptor() { printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' "$1" "$(sha256sum <"$2" | cut -d' ' -f1)" "$(stat -c %s "$2")"; }
	printf '{"schemaVersion":2,"config":%s,"layers":[%s]}' "$(descriptor application/vnd.oci.image.config.v1+json config)" \
		"$(descriptor application/vnd.oci.image.layer.v1.tar layer)" >manifest
	printf '{"schemaVersion":2,"manifests":[%s]}' "$(descriptor application/vnd.oci.image.manifest.v1+json manifest)" >index
	for file in layer config manifest index; do store-put $file >/dev/null; done
	printf loose | store-put >/dev/null
	jq -c --argjson i "$(descriptor application/vnd.oci.image.index.v1+json index)" '.manifests += [$i]' "$TACKLE_STORE/index.json" >new
	cp new "$TACKLE_STORE/index.json"
	same 5 "$(store-gc --grace-period 0 | jq .blob.size)"
	same 4 "$(find "$TACKLE_STORE/blobs/sha256" -type f | wc -l)"
}

@test "partial downloads, aliases without a blob, and what killed programs left go; nothing else" {
	add_image example.com/a 1 >/dev/null
	zeros=$(printf 0%.0s {1..128})
	mkdir "$TACKLE_STORE/names/example.com%2fgone"
	litter=(partial/x "sha512/$zeros" "names/example.com%2fgone/$zeros" "images/.$zeros.json.0123" .index.json.0123 blobs/sha256/.new.0123)
	(cd "$TACKLE_STORE" && touch "${litter[@]}")
	state=$(store_state)
	store-gc 2>err
	same "$state" "$(store_state)"
	find "$TACKLE_STORE" -type f -exec touch -d '2 days ago' {} +
	store-gc 2>err
	same 6 "$(grep -c "^store-gc: '.*': removed" err)"
	for file in "${litter[@]}"; do [ ! -e "$TACKLE_STORE/$file" ]; done
	[ ! -e "$TACKLE_STORE/names/example.com%2fgone" ]
	store-check >/dev/null
	store-get example.com/a | cmp - <(small_image example.com/a 1)
}

@test "rkt:F-20 --unused removes images that were long not used, but not those of pods" {
	for v in 1 2 3; do add_image example.com/a $v; done >added
	for v in 1 2; do age "$TACKLE_STORE/images/$(jq -r --arg v $v 'select(.labels.version == $v).id[7:]' added).json"; done
	uuid=6733c088-a507-4694-aabf-0123456789ab
	mkdir -p "$TACKLE_PODS/run/$uuid"
	jq -c 'select(.labels.version == "1") | {apps: [{image: {id}}]}' added >"$TACKLE_PODS/run/$uuid/pod"
	same 2 "$(store-gc -n --unused 24h | jq -r .labels.version)"
	same 2 "$(store-gc --unused 24h 2>err | jq -r .labels.version)"
	grep -q "in use by the pod $uuid" err
	same 'example.com/a:1 example.com/a:3' "$(store-list --format names | sort | paste -sd' ')"
	echo '{' >"$TACKLE_PODS/run/$uuid/pod"
	refuse 6 store-gc --unused 24h
}

@test "with a damaged record nothing is removed" {
	add_image example.com/a 1 >/dev/null
	printf loose | store-put >/dev/null
	echo x >"$(echo "$TACKLE_STORE"/images/*)"
	state=$(store_state)
	refuse 6 store-gc --grace-period 0
	says "hint: store-check --repair"
	same "$state" "$(store_state)"
	refuse 6 store-gc --unused 0
	says "hint: store-check --repair"
	same "$state" "$(store_state)"
	store-check --repair >/dev/null 2>&1
	store-gc --grace-period 0 >/dev/null
	same "" "$(ls -A "$TACKLE_STORE/blobs/sha256")"
}

@test "an index in an index, 40 deep, keeps what it names" {
	inner=$(printf layer | store-put | jq -c .blob)
	for _ in {1..40}; do
		inner=$(jq -cn --argjson i "$inner" '{schemaVersion: 2, manifests: [$i]}' |
			store-put --media-type application/vnd.oci.image.index.v1+json | jq -c .blob)
	done
	jq -c --argjson m "$inner" '.manifests += [$m]' "$TACKLE_STORE/index.json" >new
	cp new "$TACKLE_STORE/index.json"
	same "" "$(store-gc --grace-period 0)"
	same 41 "$(find "$TACKLE_STORE/blobs/sha256" -type f | wc -l)"
}

@test "with a damaged manifest nothing is removed: it may name what seems to belong to nobody" {
	printf layer | store-put >/dev/null
	layer=$(printf layer | digest | jq -c .blob)
	jq -cn --argjson l "$layer" '{schemaVersion: 2, config: $l, layers: [$l]}' >manifest
	manifest=$(store-put manifest | jq -c .blob)
	jq -c --argjson m "$manifest" '.manifests += [$m]' "$TACKLE_STORE/index.json" >new
	cp new "$TACKLE_STORE/index.json"
	same "" "$(store-gc --grace-period 0)"
	flip "$(blob_path "$(jq -r .digest <<<"$manifest")")" 9
	state=$(store_state)
	refuse 1 store-gc --grace-period 0
	says "$(jq -r .digest <<<"$manifest")" "hint: store-check"
	same "$state" "$(store_state)"
	rm "$(blob_path "$(jq -r .digest <<<"$manifest")")"
	same 5 "$(store-gc --grace-period 0 | jq .blob.size)"
}

@test "rkt:F-08 sweeping while others write: no image loses a blob" {
	store-put /dev/null >/dev/null
	for i in {1..6}; do
		for n in {1..8}; do
			add_image example.com/same "$n" >/dev/null || true # its blob may go between put and add: that is told, with 3
			store-rm "example.com/same:$n" >/dev/null 2>&1 || true
			add_image "example.com/n$i" "$n" >/dev/null || true
		done &
	done 2>/dev/null
	while [ -n "$(jobs -r)" ]; do
		store-gc --grace-period 0 >/dev/null
	done
	wait
	store-check >/dev/null
}

@test "rkt:F-08 killed at any system call it loses nothing that is needed" {
	is_asan && skip "strace and the leak checker exclude each other"
	add_image example.com/a 1 >/dev/null
	for call in openat unlinkat renameat linkat flock fsync; do
		for n in 1 2 3 5 8 13; do
			printf %s "loose$n" | store-put >/dev/null
			strace -f -o /dev/null -e "inject=$call:signal=KILL:when=$n" store-gc --grace-period 0 >/dev/null 2>&1 || true
			store-check >/dev/null
		done
	done
	store-gc --grace-period 0 >/dev/null
	same 3 "$(find "$TACKLE_STORE/blobs/sha256" -type f | wc -l)"
}

@test "rkt:W-04 a store that cannot be written is 8, and stays as it is" {
	[ "$(id -u)" = 0 ] || skip "root only: mounts"
	add_image example.com/a 1 >/dev/null
	printf loose | store-put >/dev/null
	state=$(store_state)
	# shellcheck disable=SC2016
	unshare -m sh -c 'mount --bind "$TACKLE_STORE" "$TACKLE_STORE" && mount -o remount,bind,ro "$TACKLE_STORE" && "$@"' sh bash -c '
		store-gc --grace-period 0 >out 2>err; echo $? >status
		store-list --format names >list; store-check >/dev/null; echo $? >check; echo x | store-put >/dev/null 2>&1; echo $? >put'
	same '8 0 8 example.com/a:1' "$(cat status check put list | paste -sd' ')"
	grep -q 'Read-only file system' err
	same "$state" "$(store_state)"
}
