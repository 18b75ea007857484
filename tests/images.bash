# Small images for tests of the store: App Container Images of a few hundred bytes, told apart by name and version.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# small_image NAME VERSION [LABEL=VALUE]...: the bytes of an ACI on stdout; the same arguments give the same bytes.
small_image() {
	local parts
	parts=$(mktemp -d -p "$BATS_TEST_TMPDIR")
	mkdir "$parts/rootfs"
	jq -cn '{acKind: "ImageManifest", acVersion: "0.8.11", name: $ARGS.positional[0], labels: ([{name: "version",
		value: $ARGS.positional[1]}] + ($ARGS.positional[2:] | map(split("=") | {name: .[0], value: .[1]})))}' --args "$@" >"$parts/manifest"
	tar -c --sort=name --owner=0 --group=0 --numeric-owner --mode=a+rX,go-w --mtime=@1000000000 -C "$parts" manifest rootfs
	rm -rf "$parts"
}

# add_image NAME VERSION...: into the store; its record on stdout.
add_image() {
	small_image "$@" | store-put | store-add
}

blob_path() { # DIGEST
	echo "$TACKLE_STORE/blobs/sha256/${1#sha256:}"
}

# Flips one bit of a file, in the byte at OFFSET.
flip() { # FILE OFFSET
	local byte
	byte=$(dd if="$1" bs=1 skip="$2" count=1 status=none | od -An -tu1)
	printf %b "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Everything in the store, as `path mode size digest` lines, to compare before and after.
store_state() {
	(cd "$TACKLE_STORE" && find . -type f -printf '%p %m %s ' -exec sha256sum {} \; | sort)
}
