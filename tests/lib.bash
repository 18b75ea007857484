# What every .bats file loads: a clean environment, the programs under test first in PATH, and `refuse`.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154  # bats sets status, output and its directories
bats_require_minimum_version 1.5.0

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=${TACKLE_BIN:-$ROOT/build/bin}
PATH=$BIN:$ROOT/share:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset CDPATH SOURCE_DATE_EPOCH NO_COLOR DOCKER_CONFIG REGISTRY_AUTH_FILE SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE \
	http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy NO_PROXY no_proxy TACKLE_STORE TACKLE_TRUST TACKLE_PODS \
	TACKLE_SHARE TACKLE_CALLER XDG_DATA_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR
export LC_ALL=C.UTF-8 TERM=dumb
export ASAN_OPTIONS=detect_leaks=1:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

# Each test works in a directory of its own that bats removes, and finds no state of the user there.
in_own_directory() {
	export HOME=$BATS_TEST_TMPDIR/home
	export TACKLE_STORE=$BATS_TEST_TMPDIR/store TACKLE_TRUST=$BATS_TEST_TMPDIR/trust TACKLE_PODS=$BATS_TEST_TMPDIR/pods
	mkdir -p "$HOME"
	cd "$BATS_TEST_TMPDIR" || return
}

# gojq starts in 2 ms, where the jq of Debian 12 takes 23, and does the same but one thing: it prints the members of objects in order.
jq() {
	gojq "$@"
}

# The build with AddressSanitizer is slower, and its sandbox is off.
is_asan() {
	[[ $BIN == *asan* ]]
}

# refuse STATUS [PROGRAM] command...: exactly this status, no product on stdout (at most the error record with this status),
# and a message on stderr that starts with the program's name. A crash is never an expected failure.
# The message is left in $message, for `says`.
refuse() {
	local expected=$1 out=$BATS_TEST_TMPDIR/refuse.out err=$BATS_TEST_TMPDIR/refuse.err got=0
	shift
	"$@" >"$out" 2>"$err" || got=$?
	message=$(<"$err")
	if ((got != expected)); then
		echo "status $got, expected $expected: $*" >&2
		cat "$err" >&2
		return 1
	fi
	if [[ -s $out ]] && ! jq -e --argjson s "$expected" 'select(.kind == "error" and .status == $s)' "$out" >/dev/null 2>&1; then
		echo "a product on stdout: $*: $(head -c 300 "$out")" >&2
		return 1
	fi
	if ! grep -q "^${1##*/}: " "$err" && [[ -z ${PIPED:-} ]]; then
		echo "no message that starts with '${1##*/}: ': $*: $message" >&2
		return 1
	fi
}

# says TEXT...: the message of the last refuse contains each.
says() {
	local text
	for text; do
		[[ $message == *"$text"* ]] || {
			echo "expected '$text' in: $message" >&2
			return 1
		}
	done
}

# same EXPECTED ACTUAL: text for text, with both shown when not.
same() {
	[[ $1 == "$2" ]] || {
		printf 'expected: %s\nfound:    %s\n' "$1" "$2" >&2
		return 1
	}
}

# Every program of the kit, one a line.
programs() {
	find "$BIN" -maxdepth 1 -type f -perm -u+x -printf '%f\n' | sort
}
