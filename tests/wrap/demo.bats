#!/usr/bin/env bats
# What `make demo` shows is true, and leaves nothing behind.
# SPDX-License-Identifier: Apache-2.0
# asan: no: it shows the build as released
load ../lib
setup() { in_own_directory; }

@test "the demo ends well, says what it promises, and leaves nothing" {
	mkdir tmp
	export TMPDIR=$PWD/tmp
	run -0 --separate-stderr "$ROOT/contrib/demo" </dev/null
	for text in 'Are you sure you want to trust this key (yes/no)? ' 'Added key for prefix "example.com/hello" at ' \
		'rkt: signature verified: ' 'hello from a pod, with spaces   kept and * left alone' 'hello, world' 'bad signature' \
		"trusted for 'example.com/hell' only" 'leads out of the target' 'All as told'; do
		[[ $output == *"$text"* ]] || { echo "missing: $text" >&2; false; }
	done
	[[ $output != *$'\e['3[0-9]m* ]]
	same "" "$(ls -A tmp)"
}

@test "the demo fails when something is not as told" {
	mkdir tree
	cp -R "$ROOT/contrib" "$ROOT/share" tree
	mkdir -p tree/build/bin
	cp -s "$BIN"/* tree/build/bin
	ln -sf /bin/true tree/build/bin/verify-sig
	export TMPDIR=$PWD
	run --separate-stderr tree/contrib/demo </dev/null
	[ "$status" -ne 0 ]
	[[ $stderr == *'demo: '* ]]
}

@test "the demo works for a user without privileges" {
	open=$(mktemp -d) # the test's own directory is closed to others
	chmod 777 "$open"
	run --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent TMPDIR="$open" "$ROOT/contrib/demo" </dev/null
	rmdir "$open"
	same "0 " "$status $stderr"
	[[ $output == *'All as told'* ]]
}
