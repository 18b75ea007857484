# dtuf in two directories of a test's own: `master` publishes, `copy` retrieves.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154  # message is for the caller

dtuf() {
	"$ROOT/share/dtuf" "$@"
}
export -f dtuf

dtuf_setup() {
	in_own_directory
	export TACKLE_BIN=$BIN ROOT TMPDIR=$BATS_TEST_TMPDIR # where one that is killed leaves its directory
	export DTUF_ROOT_KEY_PASSWORD=root-secret DTUF_TARGETS_KEY_PASSWORD=targets-secret DTUF_SNAPSHOT_KEY_PASSWORD=snapshot-secret \
		DTUF_TIMESTAMP_KEY_PASSWORD=timestamp-secret
	umask 022
	mkdir copy master
}

on_master() { (cd master && dtuf "$@"); }
on_copy() { (cd copy && dtuf "$@"); }
M=master/dtuf_repos/fred/demo/master

# A repository whose root key the copy has. Passwords take long to check, so it is made once.
published() {
	if [[ ! -d $BATS_FILE_TMPDIR/made ]]; then
		on_master create-root-key fred/demo
		on_master create-metadata-keys fred/demo
		on_master create-metadata fred/demo
		cp -a master "$BATS_FILE_TMPDIR/made"
	fi
	rm -r master
	cp -a "$BATS_FILE_TMPDIR/made" master
	cp $M/keys/root_key.pub copy
}

target() { # target NAME TEXT
	printf '%s\n' "$2" >"master/$1"
	on_master push-target fred/demo "$1" "$1"
}

# refused STATUS TEXT command...: this status, nothing on stdout, and a message with this text.
refused() {
	local got=0
	"${@:3}" >out 2>err || got=$?
	message=$(<err)
	same "$1 " "$got $(<out)"
	[[ $message == *"$2"* ]] || { echo "expected '$2' in: $message" >&2; return 1; }
}

# transcript [as_copy]: what the older dtuf's README shows, word for word; as_copy is run before the copy's part.
transcript() {
	cd master || return
	same "" "$(
		exec 2>&1
		echo 'Hello World!' > demo.txt
		dtuf create-root-key fred/demo
		dtuf create-metadata-keys fred/demo
		dtuf create-metadata fred/demo
		dtuf push-target fred/demo demo.txt demo.txt
		dtuf push-metadata fred/demo
	)"
	cp dtuf_repos/fred/demo/master/keys/root_key.pub ../copy
	cd ../copy || return
	(
		"${1:-:}"
		same demo.txt "$(dtuf pull-metadata fred/demo root_key.pub 2>&1)"
		same 'Hello World!' "$(dtuf pull-target fred/demo demo.txt 2>&1)"
	)
	cd ../master || return
	same "" "$(
		exec 2>&1
		echo 'Update World!' > demo.txt
		echo 'Another World!' > demo2.txt
		dtuf push-target fred/demo demo.txt demo.txt
		dtuf push-target fred/demo demo2.txt demo2.txt
		dtuf push-metadata fred/demo
	)"
	cd ../copy || return
	(
		"${1:-:}"
		same $'demo.txt\ndemo2.txt' "$(dtuf pull-metadata fred/demo)"
		same 'Update World!' "$(dtuf pull-target fred/demo demo.txt)"
		same 'Another World!' "$(dtuf pull-target fred/demo demo2.txt)"
		same '' "$(dtuf pull-metadata fred/demo)"
	)
	same fred/demo "$(dtuf list-repos | tail -n 1)"
}
