# OCI image layouts made by hand, byte by byte, so that each can be wrong in one way; umoci, skopeo and buildah make the good ones.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

oci_init() { # DIR
	mkdir -p "$1/blobs/sha256"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
	[[ -e $1/index.json ]] || printf '{"schemaVersion":2,"manifests":[]}' >"$1/index.json"
}

hex_of() { # the SHA-256 of stdin
	local line
	line=$(sha256sum)
	echo "${line%% *}"
}

oci_blob() { # DIR MEDIATYPE FILE: puts it there; its descriptor on stdout
	local hex
	hex=$(hex_of <"$3")
	cp "$3" "$1/blobs/sha256/$hex"
	printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}\n' "$2" "$hex" "$(stat -c %s "$3")"
}

oci_name() { # DIR REF DESCRIPTOR: an entry of index.json
	jq -c --arg r "$2" --argjson d "$3" '.manifests += [$d + {annotations: {"org.opencontainers.image.ref.name": $r}}]' "$1/index.json" >"$1/index.new"
	mv "$1/index.new" "$1/index.json"
}

oci_plain() { # FILE: uncompressed, to stdout
	case $(head -c 4 "$1" | xxd -p) in
	1f8b*) gzip -dc "$1" ;;
	28b52ffd) zstd -qdc "$1" ;;
	*) cat "$1" ;;
	esac
}

oci_layer_type() { # FILE
	case $(head -c 4 "$1" | xxd -p) in
	1f8b*) echo application/vnd.oci.image.layer.v1.tar+gzip ;;
	28b52ffd) echo application/vnd.oci.image.layer.v1.tar+zstd ;;
	*) echo application/vnd.oci.image.layer.v1.tar ;;
	esac
}

# oci_image DIR REF LAYER...: an image of these tars, compressed or not; the descriptor of its manifest on stdout. OCI_PLATFORM (os/arch)
# and OCI_CONFIG, a jq filter over the config, change it.
oci_image() {
	local dir=$1 ref=$2 layers='' ids='' platform=${OCI_PLATFORM:-linux/amd64} file config manifest
	shift 2
	oci_init "$dir"
	for file; do
		layers+=${layers:+,}$(oci_blob "$dir" "$(oci_layer_type "$file")" "$file")
		ids+=${ids:+,}\"sha256:$(oci_plain "$file" | hex_of)\"
	done
	printf '{"architecture":"%s","os":"%s","config":{},"rootfs":{"type":"layers","diff_ids":[%s]}}' "${platform#*/}" "${platform%/*}" "$ids" >"$dir.config"
	if [[ ${OCI_CONFIG:-} ]]; then
		jq -cj "$OCI_CONFIG" "$dir.config" >"$dir.changed"
		mv "$dir.changed" "$dir.config"
	fi
	config=$(oci_blob "$dir" application/vnd.oci.image.config.v1+json "$dir.config")
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' "$config" "$layers" >"$dir.manifest"
	manifest=$(oci_blob "$dir" application/vnd.oci.image.manifest.v1+json "$dir.manifest")
	[[ -z $ref ]] || oci_name "$dir" "$ref" "$manifest"
	rm "$dir.config" "$dir.manifest"
	echo "$manifest"
}

# oci_index DIR REF OS/ARCH...: an image for each, each of one layer of its own, and the index of them.
oci_index() {
	local dir=$1 ref=$2 entries='[]' platform entry
	shift 2
	for platform; do
		mkdir -p "$dir.tree"
		echo "$platform" >"$dir.tree/platform"
		tar -c --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1000000000 -C "$dir.tree" . >"$dir.tar"
		entry=$(OCI_PLATFORM=${platform%/v*} oci_image "$dir" '' "$dir.tar")
		entries=$(jq -c --argjson d "$entry" --arg p "$platform" \
			'($p | split("/")) as $p | . + [$d + {platform: ({os: $p[0], architecture: $p[1], variant: $p[2]} | del(.[] | nulls))}]' <<<"$entries")
		rm -r "$dir.tree" "$dir.tar"
	done
	jq -cnj --argjson e "$entries" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: $e}' >"$dir.index"
	entry=$(oci_blob "$dir" application/vnd.oci.image.index.v1+json "$dir.index")
	rm "$dir.index"
	oci_name "$dir" "$ref" "$entry"
}

# oci_replace DIR REF FILTER: the manifest named REF, changed by a jq filter, under a new digest.
oci_replace() {
	local dir=$1 ref=$2 old digest
	old=$(jq -c --arg r "$ref" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $r)' "$dir/index.json")
	digest=$(jq -r .digest <<<"$old")
	jq -cj "$3" "$dir/blobs/sha256/${digest#sha256:}" >"$dir.new"
	jq -c --arg r "$ref" --argjson d "$(oci_blob "$dir" "$(jq -r .mediaType <<<"$old")" "$dir.new")" \
		'(.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $r)) += $d' "$dir/index.json" >"$dir/index.new"
	mv "$dir/index.new" "$dir/index.json"
	rm "$dir.new"
}

# small_layer FILE NAME...: a tar with these files, each holding its own name.
small_layer() {
	local file=$1 name
	shift
	mkdir "$file.tree"
	for name; do
		mkdir -p "$(dirname "$file.tree/$name")"
		echo "$name" >"$file.tree/$name"
	done
	tar -c --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1000000000 --mode=a+rX,go-w -C "$file.tree" . >"$file"
	rm -r "$file.tree"
}

with_buildah() { # ARGUMENT...: buildah with its state in this test's directory
	BUILDAH_ISOLATION=chroot buildah --root "$BATS_TEST_TMPDIR/buildah" --runroot "$BATS_TEST_TMPDIR/buildah.run" --storage-driver vfs "$@"
}

# The rest goes with tests/unpack.bash.

# One argument is one layer, its entries separated by blanks as evil-tar takes them: the image `oci:layout:v1`.
layers() {
	local i=0 files=() entries
	rm -rf layout target
	for entries; do
		i=$((i + 1))
		# shellcheck disable=SC2086
		evil-tar $entries >"layer$i.tar"
		files+=("layer$i.tar")
	done
	oci_image layout v1 "${files[@]}" >/dev/null
}

resolved() { # the record of oci:layout:v1, its blobs in the store
	ref-parse oci:layout:v1 | reg-resolve | fetch-blob -q
}

# A tree that changes from layer to layer in every way there is; the same each time.
change() { # DIR STEP
	(
		cd "$1" || exit
		case $2 in
		1)
			cp -a "$ROOT/common" .
			mkdir -p a/b/c empty share/doc sticky
			chmod 1777 sticky
			for i in {1..40}; do echo "$i" >"a/b/f$i"; done
			ln -s a/b link
			ln a/b/f1 a/hard
			mkfifo pipe
			setfattr -n user.x -v 1 a/b/f2
			;;
		2) rm -r common/base a/b/f3 pipe; echo new >a/b/f4; ln a/b/f5 other; rmdir empty; chmod 700 a/b; echo x >a/b/c/x ;;
		3) rm -r a/b/c; echo file >a/b/c; rm link; mkdir link; echo y >link/y; mkdir -p common/base; echo z >common/base/z ;;
		4) rm a/b/c; mkdir a/b/c; ln -s ../nowhere a/b/c/s; mv share/doc doc; touch -d 2001-01-01 a/b/f6; chmod 4755 a/b/f7 ;;
		5) rm -rf a; mkdir a; echo only >a/one; [ "$(id -u)" != 0 ] || chown 5:7 a/one sticky ;;
		6) mkdir -p a/b; echo back >a/b/f1; truncate -s 2M sparse; echo end >>sparse; printf n >"$(printf 'n%.0s' {1..150})" ;;
		esac
		find . -newermt 2020-01-01 -exec touch -h -d '2019-01-01 00:00:00' {} +
		touch -d "2018-01-0$2" .
	)
}

# crun_image LAYOUT:TAG: what umoci makes of it, by crun, which refuses cgroups in hybrid mode: hidden from it.
crun_image() {
	rm -rf bundle
	umoci unpack --image "$1" bundle >/dev/null 2>&1
	jq '.process.terminal = false | .mounts |= map(select(.type != "cgroup")) | .linux.namespaces |= map(select(.type != "cgroup")) | del(.linux.resources)' \
		bundle/config.json >config
	mv config bundle/config.json
	unshare -m sh -c 'umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup; exec crun --cgroup-manager=disabled run -b bundle "$0"' "tackle-$$"
}
