# What the wrapper's tests share: rkt with directories of the test's own, images and pages to fetch.
#
#	load world
#	web_inside
#
# A file that needs more has setup_file and setup of its own, which begin with world_make and world_enter.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154
load ../lib
load ../web
load ../fixture

WEB_HOSTS+=" coreos.com storage.coreos.com"
KEYS=https://coreos.com/dist/pubkeys/aci-pubkeys.gpg

# The wrapper under test, with the state directories of this test. It is called by its path: what PATH says must not matter.
rkt() {
	"$ROOT/share/rkt" --dir="$PWD/rkt" --local-config="$PWD/etc" --system-config="$PWD/vendor" "$@"
}
export ROOT
export -f rkt # for on_terminal

world_make() {
	web_start
	fixture_make
}

world_enter() {
	in_own_directory
	[[ -z ${WEB_IS_INSIDE:-} ]] || web_clean
	umask 022
	export TACKLE_BIN=$BIN
	cp "$FIXTURE/key.asc" .
	mkdir etc vendor
}

world_trust() { # PREFIX: the fixture's key, as an administrator would lay it down
	mkdir -p "etc/trustedkeys/prefix.d/$1"
	cp key.asc "etc/trustedkeys/prefix.d/$1/$FINGERPRINT"
}

setup_file() { world_make; }
setup() { world_enter; }
