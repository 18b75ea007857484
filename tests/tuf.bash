# A TUF repository that does what a test tells it (tests/tools/tufsim.c), for the tests of the client's programs.
#
#	load lib
#	load tuf
#	setup_file() { tuf_tool; }
#	setup() { in_own_directory; tuf_repository; }
#
# ./repo is then a repository in version 1 of everything, ./repo/root.json its first root, and ./trusted the client's directory, which
# trusts that root. `edit ROLE FILTER` changes a body with jq, `publish ROLE...` signs the next versions.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

tuf_tool() {
	export TUFSIM=$BATS_FILE_TMPDIR/tufsim
	cc -D_GNU_SOURCE -o "$TUFSIM" "$ROOT/tests/tools/tufsim.c" -ljansson -lsodium
}

tuf_repository() { # [DIRECTORY]
	REPO=${1:-repo}
	export TACKLE_TUF=$PWD/trusted
	"$TUFSIM" init "$REPO"
	cp "$REPO/metadata/1.root.json" "$REPO/root.json"
	(umask 022; mkdir -p trusted; cp "$REPO/root.json" trusted/root.json)
}

publish() { "$TUFSIM" publish "$REPO" "$@"; }              # publish ROLE...
publish_hashed() { "$TUFSIM" publish -h "$REPO" "$@"; }    # with lengths and hashes
publish_as_is() { "$TUFSIM" publish -n "$REPO" "$@"; }     # without a new version
publish_all() { publish targets snapshot timestamp; }
target() { "$TUFSIM" target "$REPO" "${2:-targets}" "$1"; } # target PATH [ROLE] <data
delegate() { "$TUFSIM" delegate "$REPO" "$@"; }            # delegate DELEGATOR ROLE JSON
add_key() { "$TUFSIM" addkey "$REPO" "$@"; }               # add_key DELEGATOR ROLE NAME
keyid() { "$TUFSIM" key "$1" | jq -r .keyid; }
work_file() { echo "$REPO/work/$(quoted "$1").json"; }

quoted() { # quoted NAME: as in a URL; only where something is to be quoted does it cost a process
	case $1 in
	*[!A-Za-z0-9._~-]*) jq -rn --arg r "$1" '$r | @uri' ;;
	*) echo "$1" ;;
	esac
}

edit() { # edit ROLE FILTER [jq options]
	local file new
	file=$(work_file "$1")
	new=$(jq "${@:3}" "$2" "$file") && printf '%s\n' "$new" >"$file"
}

# signers ROLE NAME...: from now on signed by these keys.
signers() {
	printf '%s\n' "${@:2}" >"$REPO/signers/$(quoted "$1")"
}

# rotate ROLE NAME...: the root lists these keys for the role, and no others, and they sign.
rotate() { "$TUFSIM" rotate "$REPO" "$@"; }

# set_expiry ROLE DAYS: from now.
set_expiry() {
	edit "$1" '.expires = $t' --arg t "$(date -u -d "$2 days" +%Y-%m-%dT%H:%M:%SZ)"
}

# meddle FILE FILTER: changes what is published behind its signatures' back.
meddle() {
	local new
	new=$(jq "$2" "$REPO/metadata/$1") && printf '%s' "$new" >"$REPO/metadata/$1"
}

refresh() { tuf-refresh -q --repo "file:$REPO" "$@"; }

# trusts: what the client trusts now, as `ROLE:VERSION` sorted.
trusts() {
	set -- "$TACKLE_TUF"/*.json
	[[ ! -e $1 ]] || jq -r '"\(input_filename | sub(".*/"; "") | rtrimstr(".json")):\(.signed.version)"' "$@" | paste -sd' '
}
