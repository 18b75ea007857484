#!/usr/bin/env bats
# Pods of a user without privileges, with subordinate ids and without (rkt:E-013, rkt:A-058). The user exists in this file only.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016  # $ is for the shells inside
load lib
load fixture
setup_file() { fixture_make; }
setup() {
	in_own_directory
	fixture_enter
	own=$(mktemp -d /tmp/tackle-rootless.XXXXXX) # the user cannot enter bats' directory
	cp -a "$TACKLE_STORE" "$own/store"
	cp -a "$TACKLE_TRUST" "$own/trust"
	store-list >"$own/record"
	chown -R 54321:54321 "$own"
}
teardown() { rm -rf "$own"; }

as_user() { # SCRIPT: with its own store, trust and pods
	(cd "$own" && TACKLE_STORE=$own/store TACKLE_TRUST=$own/trust TACKLE_PODS=$own/pods HOME=$own setpriv --reuid 54321 --regid 54321 --clear-groups bash -c "$1")
}

with_ranges() { # SCRIPT: as_user, where /etc gives the user subordinate ids
	echo 54321:600000:65536 >"$BATS_TEST_TMPDIR/ids"
	(cat /etc/passwd; echo 'somebody:x:54321:54321::/:/bin/sh') >"$BATS_TEST_TMPDIR/passwd"
	export -f as_user
	own=$own unshare -m bash -c 'mount --bind "$1/ids" /etc/subuid && mount --bind "$1/ids" /etc/subgid &&
		mount --bind "$1/passwd" /etc/passwd && as_user "$2"' - "$BATS_TEST_TMPDIR" "$1"
}

@test "rkt:E-013 without ranges: user 0 is the caller, every file is the caller's, and that is said" {
	same "hello" "$(as_user 'pod-prepare <record 2>err | pod-exec')"
	grep -q "warning: every file of the pod is the caller's: /etc/subuid has no range for user" "$own/err"
	same "54321" "$(stat -c %u "$own"/pods/run/*/apps/hello/rootfs/bin/busybox)"
	same "0 1" "$(as_user 'pod-prepare --app 1:exec=/bin/sh --app 1:arg=-c --app "1:arg=id -u; cat /proc/self/uid_map" <record 2>/dev/null | pod-exec' |
		awk 'NR == 1 { u = $1 } NR > 1 { n += $3 } END { print u, n }')"
}

@test "rkt:A-058 a user of the image for whom there is no range is 8, by name" {
	got=0
	as_user 'pod-prepare --app 1:user=user <record 2>/dev/null | pod-exec 2>err' || got=$?
	same 8 $got
	grep -q '/etc/subuid and /etc/subgid' "$own/err"
}

@test "rkt:E-013 with ranges: users of the image map into them, files keep their owners" {
	same "5 1000" "$(with_ranges 'pod-prepare --app 1:exec=/bin/sh --app 1:arg=-c --app "1:arg=id -u; id -g; id -G" --app 1:user=user --app 1:group=user \
		--app 1:supplementary-gid=5 <record | pod-exec' | tail -n 1 | tr ' ' '\n' | sort -n | paste -sd' ')"
	same "hello" "$(with_ranges 'pod-prepare --volume v,kind=empty,uid=7 --mount volume=v,target=/v <record | pod-exec')"
	same "600006" "$(stat -c %u "$own"/pods/run/*/volumes/v)"
}

@test "rkt:E-013 several apps of a user without privileges, each with its root and its status" {
	got=0
	as_user 'cat record record | pod-prepare --app 1:name=one --app 2:name=two --app 2:exec=/bin/sh --app 2:arg=-c --app "2:arg=ls /proc | grep -c ^1$; exit 5" 2>/dev/null |
		pod-exec >out' || got=$?
	same 5 $got
	same "one: hello two: 1" "$(sed 's/\[[0-9]*\]//' "$own/out" | sort | paste -sd' ')"
}

@test "rkt:W-07 another user's pods are out of reach" {
	pod-prepare <"$own/record" >pod.json
	cp pod.json "$own/pod.json"
	got=0
	as_user 'pod-exec <pod.json 2>err' || got=$?
	((got != 0))
}
