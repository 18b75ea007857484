#!/usr/bin/env bats
# The client's programs under another clock.
# asan: no: faketime's library has to be loaded first, and so has the sanitiser's
# SPDX-License-Identifier: Apache-2.0
load lib
load tuf
setup_file() { tuf_tool; }

setup() {
	in_own_directory
	tuf_repository
}

@test "an expired local snapshot still guards against rollback dtuf:S12 dtuf:A2" {
	set_expiry snapshot 2
	publish targets snapshot timestamp
	refresh >/dev/null
	set_expiry snapshot 20
	edit targets '.version = 0'
	publish targets snapshot timestamp
	status=0
	faketime '5 days' tuf-refresh -q --repo file:repo >/dev/null 2>err || status=$?
	same 1 "$status"
	grep -q "rolled back: version 2 was known, now it is 1" err
}

@test "a clock set past expiry between two runs dtuf:A4 dtuf:D39" {
	refresh >/dev/null
	for role in root timestamp snapshot targets; do
		rm -rf trusted repo
		tuf_repository
		set_expiry "$role" 2
		publish root targets snapshot timestamp
		refresh >/dev/null
		status=0
		faketime '3 days' tuf-refresh -q --repo file:repo >/dev/null 2>err || status=$?
		same "$role 1" "$role $status"
		grep -q "$role: version 2 expired at .*: it is " err
		status=0
		faketime '3 days' tuf-refresh -q --offline >/dev/null 2>err || status=$?
		same "$role 1" "$role $status"
		grep -q "$role.*expired" err
	done
}

@test "of local metadata all roles must not be expired, or only targets where that is asked for dtuf:S30 dtuf:D40" {
	echo x | target t
	set_expiry timestamp 2
	publish_all
	refresh >/dev/null
	local status=0
	faketime '3 days' tuf-find --offline t >/dev/null 2>err || status=$?
	same 1 "$status"
	grep -q "timestamp: version 2 expired" err
	faketime '3 days' tuf-find --offline --only-targets-expiry t >/dev/null
	status=0
	faketime '40 days' tuf-find --offline --only-targets-expiry t >/dev/null 2>err || status=$?
	same 1 "$status"
	grep -q "targets: version 2 expired" err
}
