# What the wrapper's tests share: rkt with directories of the test's own, a terminal to answer its questions at, images and pages to fetch.
#
#	load ../lib
#	load ../web
#	load ../fixture
#	load world
#	web_inside
#	setup_file() { web_start; fixture_make; }
#	setup() { in_own_directory; web_clean; world_enter; }
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154

WEB_HOSTS+=" coreos.com storage.coreos.com"
KEYS=https://coreos.com/dist/pubkeys/aci-pubkeys.gpg

# The wrapper under test, with the state directories of this test. It is called by its path: what PATH says must not matter.
rkt() {
	"$ROOT/share/rkt" --dir="$PWD/rkt" --local-config="$PWD/etc" --system-config="$PWD/vendor" "$@"
}
export ROOT
export -f rkt # for on_terminal

world_enter() {
	umask 022
	export TACKLE_BIN=$BIN
	cp "$FIXTURE/key.asc" .
	mkdir etc vendor
}

world_trust() { # PREFIX: the fixture's key, as an administrator would lay it down
	mkdir -p "etc/trustedkeys/prefix.d/$1"
	cp key.asc "etc/trustedkeys/prefix.d/$1/$FINGERPRINT"
}
