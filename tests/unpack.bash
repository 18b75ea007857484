# What the tests of unpack share: archives and images made by tests/tools/evil-tar.c, and a directory outside the target that nothing
# may touch.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

setup_file() {
	local tool
	export TOOLS=$BATS_FILE_TMPDIR/tools
	mkdir "$TOOLS"
	for tool in evil-tar swapper; do
		# shellcheck disable=SC2153  # lib.bash sets ROOT
		gcc -O2 -D_GNU_SOURCE -o "$TOOLS/$tool" "$ROOT/tests/tools/$tool.c"
	done
}

# Every test has a directory outside the target that nothing may touch.
setup() {
	in_own_directory
	PATH=$PATH:$TOOLS
	mkdir outside
	echo secret >outside/marker
	touch -d '2001-02-03 04:05:06' outside/marker outside
	before=$(outside)
}

outside() { # its files' content, inode, link count, mode and times
	stat -c '%n %i %h %a %u %g %Y %Z %s' outside outside/*
	cat outside/*
}

# Nothing outside was touched, no target and no leftover is there.
untouched() {
	same "$before" "$(outside)"
	same "" "$(find . -maxdepth 1 -name '*target*')"
}

# hostile STATUS TEXT ENTRY...: unpacking an archive of these entries is refused so, and leaves no trace.
hostile() {
	local status=$1 text=$2
	shift 2
	evil-tar "$@" >evil.tar
	refuse "$status" unpack --tar target <evil.tar || { printf 'entries: %q\n' "$@" >&2; return 1; }
	says "$text"
	untouched
}

unpacked() { # ENTRY...: into a fresh target
	rm -rf target
	evil-tar "$@" | unpack --tar --quiet target 2>messages
	same "$before" "$(outside)"
}

# A listing with everything a tree has but the times of symlinks' targets: comparable between unpackers.
tree() {
	(cd "$1" && find . -printf '%P %y %m %U:%G %T@ %n %l\n' | awk '$2 == "d" { $6 = "" } { print }' | sort &&
		find . -type f -exec sha256sum {} + | sort -k 2 && getfattr -R -h -d -m '^user\.' . 2>/dev/null | sort)
}

manifest() { # NAME [JSON to merge]
	jq -cn --arg name "$1" --argjson more "${2:-"{}"}" '{acKind: "ImageManifest", acVersion: "0.8.11", name: $name,
		labels: [{name: "version", value: "1"}]} + $more'
}

# aci FILE NAME [JSON] ENTRY...: an image with this manifest; the entries are below rootfs/ as evil-tar takes them.
aci() {
	local file=$1
	manifest "$2" "$3" >"$file.json"
	shift 3
	evil-tar F:manifest:"$file.json" mode=0755 d:rootfs mode=0644 "$@" | gzip -n >"$file"
}

# In the store, with a record that says verified.
stored() { # FILE
	store-put "$1" | jq -c '. + {verified: [{by: "digest", digest: .blob.digest}]}'
}

as_stored() { # FILE: the record that says so of a file that store-put would refuse
	store-put --media-type application/octet-stream "$1" | jq -c '{kind: "image", blob, verified: [{by: "digest", digest: .blob.digest}]} |
		.blob.mediaType = "application/vnd.appc.image.aci"'
}

add() { # FILE: an image of the store
	stored "$1" | store-add >/dev/null
}

# Runs a command as root of a user namespace whose ids 0 to 65535 are 100000 and so on here.
in_mapped_namespace() {
	mkfifo mapped
	unshare --user --keep-caps sh -c 'echo $$ >pid && read -r go <mapped && exec setpriv --reuid=0 --regid=0 --clear-groups "$@"' sh "$@" <&0 &
	until [ -s pid ]; do sleep 0.02; done
	echo "0 100000 65536" >"/proc/$(cat pid)/uid_map"
	echo "0 100000 65536" >"/proc/$(cat pid)/gid_map"
	echo go >mapped
	wait $!
}

# Everything of a tree but change times: also which names are of one file, and which devices its nodes are. Of directories not the link
# count, which file systems count differently.
listing() {
	(cd "$1" && find . -printf '%P %y %m %U:%G %T@ %s %n %l\n' | awk '$2 == "d" { $6 = $7 = "" } { print }' | sort &&
		find . -type f -links +1 -printf '%i %P\n' | sort -k 2 | awk '!($1 in first) { first[$1] = $2 } { print $2, "is", first[$1] }' &&
		find . \( -type b -o -type c \) -exec stat -c '%n %t:%T' {} + | sort &&
		find . -type f -print0 | xargs -0 sha256sum | sort -k 2 && getfattr -R -h -d -m - . 2>/dev/null)
}
