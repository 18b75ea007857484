# The publishing commands of dtuf: keys, metadata, targets on this side.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154  # variables are shared with dtuf

lock "$master"
manifests=$master/repository/targets records=$master/repository/records
[ -d "$records" ] || { mkdir -p "$manifests" && chmod 700 "$master" && mkdir "$records"; } || exit 1
# A run that was stopped between the two renames of `adopt`.
[ -d "$staged" ] || [ ! -d "$staged.old" ] || mv "$staged.old" "$staged" || exit 1

# ---- passwords ----

# What is known of the password of a role: in its variable, in the file of its twin, or nothing.
take_password() { # ROLE VARIABLE
	take_secret "$2"
	eval "password_$1=\$given file_$1=\$from"
}

take_passwords() {
	take_password root DTUF_ROOT_KEY_PASSWORD
	take_password old_root DTUF_OLD_ROOT_KEY_PASSWORD
	take_password targets DTUF_TARGETS_KEY_PASSWORD
	take_password snapshot DTUF_SNAPSHOT_KEY_PASSWORD
	take_password timestamp DTUF_TIMESTAMP_KEY_PASSWORD
}

# A stage that gets the password of a role through a descriptor; where none is known, it asks on the terminal.
with_password() { # ROLE PROGRAM [ARGUMENT ...]
	eval "password=\$password_$1 from=\$file_$1"
	program_with=$2
	shift 2
	if [ -n "$password" ]; then
		stage "$program_with" --passphrase-fd 3 "$@" 3<<-END
			$password
		END
	elif [ -n "$from" ]; then
		stage "$program_with" --passphrase-file "$from" "$@"
	else
		stage "$program_with" "$@"
	fi
}

# ---- keys ----

key_type() { # into `type`
	case ${DTUF_KEY_TYPE:-ed25519} in
	ed25519 | rsa) type=${DTUF_KEY_TYPE:-ed25519} ;;
	ecdsa) type=p256 ;;
	*) usage_error "DTUF_KEY_TYPE: '$DTUF_KEY_TYPE' is none of ed25519, ecdsa, rsa" ;;
	esac
}

make_key() { # ROLE
	eval "known=\$password_$1\$file_$1"
	[ -n "$known" ] || { printf 'The %s key.\n' "$1" >/dev/tty; } 2>/dev/null
	rm -f "$keys/$1_key.new" "$keys/$1_key.new.pub"
	with_password "$1" key-gen --type "$type" --public-out "$keys/$1_key.new.pub" -o "$keys/$1_key.new"
}

new_keys() { # ROLE ...
	take_passwords
	key_type
	mkdir -p "$keys" && chmod 700 "$keys" || return
	for role; do make_key "$role" || return; done
}

create_root_key() {
	new_keys root || return
	n=1
	while [ -e "$keys/root_key.$n" ] || [ -e "$keys/root_key.$n.pub" ]; do n=$((n + 1)); done
	[ ! -e "$keys/root_key" ] || mv "$keys/root_key" "$keys/root_key.$n" || return
	[ ! -e "$keys/root_key.pub" ] || mv "$keys/root_key.pub" "$keys/root_key.$n.pub" || return
	mv "$keys/root_key.new.pub" "$keys/root_key.pub" && mv "$keys/root_key.new" "$keys/root_key"
}

create_metadata_keys() {
	new_keys targets snapshot timestamp || return
	for role in targets snapshot timestamp; do
		mv "$keys/${role}_key.new.pub" "$keys/${role}_key.pub" && mv "$keys/${role}_key.new" "$keys/${role}_key" || return
	done
}

need_keys() { # ROLE ...
	for role; do
		[ -f "$keys/${role}_key" ] || fail "the private key of $role is not here: '$keys/${role}_key'"
		[ -f "$keys/${role}_key.pub" ] || fail "the public key of $role is not here: '$keys/${role}_key.pub'"
	done
}

# ---- signing ----

# What to sign with: a file, or a key on a token where all that is in the file is its pkcs11: URI.
private_key() { # FILE into `private`
	private=''
	{ IFS= read -r private <"$1"; } 2>/dev/null
	case $private in
	pkcs11:*) ;;
	*) private=$1 ;;
	esac
}

lifetime_of() { # ROLE into `lifetime`
	case $1 in
	root) lifetime=${DTUF_ROOT_LIFETIME:-31556900s} ;;
	targets) lifetime=${DTUF_TARGETS_LIFETIME:-7889230s} ;;
	snapshot) lifetime=${DTUF_SNAPSHOT_LIFETIME:-604800s} ;;
	timestamp) lifetime=${DTUF_TIMESTAMP_LIFETIME:-86400s} ;;
	esac
}

sign() { # ROLE KEY PASSWORD-ROLE: a file in $new that is a draft
	private_key "$2"
	stage tuf-payload "$new/$1.json" >"$work/payload" &&
		with_password "$3" tuf-sign --key "$private" "$work/payload" >"$work/signature" &&
		stage tuf-addsig "$new/$1.json" <"$work/signature"
}

sign_lists() { # the snapshot and the timestamp in $new
	lifetime_of snapshot
	private_key "$keys/snapshot_key"
	with_password snapshot tuf-snapshot --key "$private" --expires "$lifetime" "$new" || return
	lifetime_of timestamp
	private_key "$keys/timestamp_key"
	with_password timestamp tuf-timestamp --key "$private" --expires "$lifetime" "$new"
}

# A copy to work on; files are only ever replaced, so links will do.
begin() { # into `new`
	new=$staged.new
	rm -rf "$new" && mkdir -p "${new%/*}" || exit 1
	[ "${1-}" = empty ] || [ -f "$staged/root.json" ] || fail 'there is no metadata: create-metadata makes it'
	if [ "${1-}" = empty ]; then mkdir "$new"; else cp -al "$staged" "$new"; fi || exit 1
}

adopt() {
	rm -rf "$staged.old"
	[ ! -d "$staged" ] || mv "$staged" "$staged.old" || return
	mv "$new" "$staged" && rm -rf "$staged.old"
}

create_metadata() {
	need_keys root targets snapshot timestamp
	take_passwords
	begin empty
	set --
	for role in root targets snapshot timestamp; do
		lifetime_of $role
		set -- "$@" --add-key "$role=$keys/${role}_key.pub" --lifetime "$role=$lifetime"
	done
	stage tuf-init "$@" "$new" || return
	sign root "$keys/root_key" root && sign targets "$keys/targets_key" targets && sign_lists || return
	true >"$new/created" && adopt
}

# ---- new keys ----

# What has to change so that a role lists exactly the key in its file.
exchange() { # ROLE, adds to `drops` and `adds`
	wanted=$("$bin/key-pub" --id tuf "$keys/$1_key.pub") || return
	for id in $(jq -r --arg r "$1" '.signed.roles[$r].keyids[]' "$staged/root.json"); do
		[ "$id" = "$wanted" ] && continue
		drops="$drops $1=$id"
	done
	jq -e --arg r "$1" --arg id "$wanted" '.signed.roles[$r].keyids | any(. == $id)' "$staged/root.json" >/dev/null ||
		adds="$adds $1"
}

# The private key that the former root lists, into `old_key`; empty when the key is the same, 1 when it is not to be had.
find_old_key() {
	old_key=''
	former=$(jq -r '.signed.roles.root.keyids[]' "$staged/root.json") || return
	for pub in "$keys/root_key.pub" "$keys"/root_key.*.pub; do
		[ -f "$pub" ] || continue
		id=$("$bin/key-pub" --id tuf "$pub") || continue
		case "$newline$former$newline" in
		*"$newline$id$newline"*)
			[ "$pub" != "$keys/root_key.pub" ] || return 0
			old_key=${pub%.pub}
			[ -f "$old_key" ] && return 0
			;;
		esac
	done
	return 1
}

sign_old() {
	[ -n "$old_key" ] || return 0
	[ -n "$password_old_root$file_old_root" ] || password_old_root=$password_root file_old_root=$file_root
	sign root "$old_key" old_root
}

# Copies cannot follow to this root: it is the first that new ones are given.
cut_off() {
	version=$(jq -r .signed.version "$new/root.json") && cp "$new/root.json" "$new/$version.root.json" &&
		rm -f "$new/first-root" && printf '%s\n' "$version" >"$new/first-root"
}

reset_keys() {
	refuse_old "$staged"
	need_keys root targets snapshot timestamp
	take_passwords
	begin
	chained=1
	if ! find_old_key; then
		[ "${DTUF_UNCHAINED_ROOT:-}" = 1 ] ||
			fail 'the old root key is not here: copies would be cut off; DTUF_UNCHAINED_ROOT=1 goes on all the same'
		chained='' old_key=''
	fi
	drops='' adds=''
	for role in root targets snapshot timestamp; do exchange $role || return; done
	lifetime_of root
	set -- --expires "$lifetime"
	for word in $drops; do set -- "$@" --drop-key "$word"; done
	for role in $adds; do set -- "$@" --add-key "$role=$keys/${role}_key.pub"; done
	stage tuf-root "$@" "$new/root.json" && sign root "$keys/root_key" root && sign_old || return
	[ -n "$chained" ] || cut_off || return
	next_targets && sign_lists && adopt
}

# ---- targets ----

push_target() { # TARGET SRC ...
	find_place write
	target=$1
	shift
	case $target in
	*root.json | *targets.json | *snapshot.json | *timestamp.json) fail "'$target': this name is reserved" ;;
	esac
	if printf '%s\n' "$target" | grep -qE '^[0-9a-f]{64}\.'; then fail "'$target': this name is reserved"; fi
	left=$#
	while [ "$left" -gt 0 ]; do
		source=$1
		shift
		case $source in
		@*)
			file_of "${source#@}"
			[ -f "$manifests/$file" ] || fail "there is no target '${source#@}'"
			source=@$manifests/$file
			;;
		*) [ -f "$source" ] || fail "'$source': no such file" ;;
		esac
		set -- "$@" "$source"
		left=$((left - 1))
	done
	file_of "$target"
	# shellcheck disable=SC2086 # words of ours
	net_stage tuf-put $progress --manifest "$work/manifest" -- "$place" "$target" "$@" >"$work/record" || return
	mv "$work/record" "$records/$file.new" && mv "$work/manifest" "$manifests/$file.new" || return
	mv "$records/$file.new" "$records/$file" && mv "$manifests/$file.new" "$manifests/$file"
}

# Whether another target here has the same data under the same last name: then both are one file there.
is_shared() { # FILE
	jq -s --slurpfile all "$work/records" '.[0] as $r | def key: [.hashes.sha256, (.path | split("/") | .[-1])];
		[$all[] | select(key == ($r | key))] | length > 0' "$1" | grep -q true
}

del_target() { # TARGET ...
	find_place write
	for target; do
		file_of "$target"
		[ -f "$manifests/$file" ] || fail "there is no target '$target'"
	done
	for target; do
		file_of "$target"
		mv "$manifests/$file" "$work/manifest" && mv "$records/$file" "$work/record" || return
		cat "$records"/* >"$work/records" 2>/dev/null
		is_shared "$work/record" || net_stage tuf-put --drop -- "$place" "$target" "@$work/manifest" >"$work/dropped" || return
	done
}

# The targets role of $new lists what was pushed, in its next version.
next_targets() {
	lifetime_of targets
	true >"$work/records"
	for manifest in "$manifests"/*; do
		file=${manifest##*/}
		[ ! -f "$records/$file" ] || cat "$records/$file" >>"$work/records" || return
	done
	# A name that no target has: even if none goes, the role gets its next version.
	{ jq -c '.signed.targets | keys[] | {path: .}' "$new/targets.json" && printf '{"path":"%s"}\n' "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"; } |
		stage tuf-del --ignore-missing --expires "$lifetime" "$new/targets.json" || return
	[ ! -s "$work/records" ] || stage tuf-add --expires "$lifetime" "$new/targets.json" <"$work/records" || return
	sign targets "$keys/targets_key" targets
}

# ---- publishing ----

push_metadata() {
	find_place write
	refuse_old "$staged"
	need_keys targets snapshot timestamp
	take_passwords
	begin
	next_targets && sign_lists || return
	first_root=$(cat "$new/first-root" 2>/dev/null) || first_root=1
	set -- --first-root "$first_root"
	[ ! -e "$new/created" ] || set -- "$@" --replace
	net_stage tuf-push --dry-run --progress=none "$@" -- "$new" "$place" && adopt || return
	# shellcheck disable=SC2086 # words of ours
	net_stage tuf-push $progress "$@" -- "$staged" "$place" && rm -f "$staged/created"
}

list_master_targets() {
	[ -f "$staged/targets.json" ] || fail 'there is no metadata: create-metadata makes it'
	names_of "$staged/targets.json"
}

get_master_expirations() {
	expirations_of "$staged" ''
}
