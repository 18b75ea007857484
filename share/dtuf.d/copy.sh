# The retrieving commands of dtuf.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154  # variables are shared with dtuf

lock "$copy"
manifests=$copy/repository/targets pulled=$copy/repository/pulled
[ -d "$pulled" ] || { mkdir -p "$current" "$manifests" && chmod 700 "$current" && mkdir "$pulled"; } || exit 1
export TMPDIR="${TMPDIR:-$copy}"

# ---- metadata ----

# `FILE HASH "NAME"` of every target, a line each; the name as JSON.
targets_now() {
	jq -r "$quoted"'.signed.targets | to_entries[] | "\(.key | if . == "." then "%2E" elif . == ".." then "%2E%2E" else quoted end) \(.value.hashes | .sha256 // .sha512) \(.key | tojson)"' \
		"$current/targets.json"
}

# Names that were never pulled whole as they are now. What vanished is forgotten.
list_new() {
	true >"$work/files"
	targets_now >"$work/targets" || return
	while read -r file hash name; do
		if [ "${#file}" -gt 240 ]; then
			long=$(printf %s "$name" | jq -j '. + "."') # the shell drops newlines at the end
			file_of "${long%.}"
		fi
		printf '%s\n' "$file" >>"$work/files"
		known=''
		[ ! -f "$pulled/$file" ] || read -r known <"$pulled/$file"
		[ "$known" = "$hash" ] || printf '%s\n' "$name"
	done <"$work/targets" >"$work/new"
	print_names "$work/new" || return
	for old in "$manifests"/* "$pulled"/*; do
		[ -e "$old" ] || continue
		grep -qxF -- "${old##*/}" "$work/files" || rm -f "$old"
	done
}

# Where a registry has no root for us: whether all it has is what the older dtuf tagged.
refuse_old_registry() {
	[ -n "$registry" ] && net_stage reg-tags --format names "$registry/$repo" >"$work/tags" 2>/dev/null &&
		grep -qx root.json "$work/tags" && ! grep -qx latest "$work/tags" &&
		fail "'$place': metadata of TUF before 1.0, as the older dtuf wrote it, is not read"
}

pull_metadata() { # [FILE|-]
	find_place read
	refuse_old "$current"
	key=${1-}
	if [ "$key" = - ]; then
		cat >"$work/key" && key=$work/key || return
	fi
	[ -n "$key" ] || [ -f "$current/root.json" ] ||
		fail 'there is no root of trust: give the root public key of the repository once'
	# shellcheck disable=SC2086 # words of ours
	net_stage tuf-refresh $progress --tuf "$current" ${key:+--root "$key"} --repo "$place" >"$work/roles" || {
		refreshed=$?
		[ "$refreshed" = 13 ] || [ -f "$current/root.json" ] || refuse_old_registry
		return "$refreshed"
	}
	list_new
}

# ---- data ----

# A stage that looks targets up in what pull-metadata left.
local_stage() { # [ARGUMENT ...]
	[ -f "$current/targets.json" ] || fail 'there is no metadata: pull-metadata fetches it'
	net_stage tuf-download --tuf "$current" --no-refresh --only-targets-expiry --schema1 --repo "$place" "$@"
}

list_blobs() { # TARGET, into $work/blobs
	local_stage -q --list-blobs -- "$1" >"$work/blobs"
}

# The manifest of a target as it was pulled, in the form that publishers write it, and what it was signed with.
keep_manifest() { # TARGET
	list_blobs "$1" || return
	file_of "$1"
	jq -cSj -s --arg name "$1" '"\(.[0].hashes | .sha256 // .sha512)\n", ({schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.empty.v1+json", size: 2, data: "e30=",
			digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},
		layers: [.[].blob]} | if (.layers | length) > 1 then .annotations = {"tuf.io/filename": $name}
		else .layers[0].annotations = {"tuf.io/filename": "\(.layers[0].digest[7:]).\($name | split("/") | .[-1])"} end)' \
		"$work/blobs" >"$work/both" || return
	{ IFS= read -r hash && cat >"$work/manifest"; } <"$work/both" && printf '%s\n' "$hash" >"$work/hash" &&
		mv "$work/manifest" "$manifests/$file" && mv "$work/hash" "$pulled/$file"
}

pull_target() { # TARGET ...
	find_place read
	info=''
	[ "${DTUF_BLOB_INFO:-}" != 1 ] || info=--blob-info
	for target; do
		# shellcheck disable=SC2086 # words of ours
		local_stage $progress $info -- "$target" && keep_manifest "$target" || return
	done
}

blob_sizes() { # TARGET ...
	find_place read
	for target; do
		list_blobs "$target" && jq .blob.size "$work/blobs" || return
	done
}

check_target() { # TARGET FILE ...
	find_place read
	target=$1
	shift
	for f; do [ -f "$f" ] || fail "'$f': no such file"; done
	list_blobs "$target" || return
	count=$(wc -l <"$work/blobs")
	[ "$count" -eq $# ] || fail "'$target' has $count blobs, and there are $# files"
	jq -r .blob.digest "$work/blobs" >"$work/digests"
	n=1
	while read -r digest <&4; do
		sum=$(sha256sum <"$1") || return
		[ "$digest" = "sha256:${sum%% *}" ] || fail "blob $n of '$target' is $digest, and '$1' is sha256:${sum%% *}"
		shift
		n=$((n + 1))
	done 4<"$work/digests"
}

list_copy_targets() {
	[ -f "$current/targets.json" ] || fail 'there is no metadata: pull-metadata fetches it'
	names_of "$current/targets.json"
}

get_copy_expirations() {
	expirations_of "$current" +00:00
}
