#!/usr/bin/env bats
# SIGKILL before each system call that gives or takes a name on disk, and with KILL_AT=all (make check-real) before every one (dtuf:A15).
# SPDX-License-Identifier: Apache-2.0
#
# asan: no: strace and the leak checker exclude each other
load lib
load publisher
setup() { in_own_directory; }

# points: `CALL N` for each call in ./trace at which to kill: its N-th of this name.
points() {
	awk -v all="${KILL_AT:-}" '$2 !~ /^[a-z]/ { next } !main { main = $1 } $1 == main {
		name = $2; sub(/\(.*/, "", name); n[name]++
		if (name != "execve" && (all || name ~ /^(rename|link|unlink|mkdir|exit_group)/ ||
			/O_CREAT/)) print name, n[name] }' trace
}

# at_each BEGIN AFTER COMMAND...: BEGIN puts the directory in order before each run, AFTER judges what the killed one left.
at_each() {
	local begin=$1 after=$2 call n killed=0 status
	shift 2
	$begin
	strace -f -o trace "$@" >/dev/null
	points >points
	while read -r call n; do
		$begin
		status=0
		{ strace -f -o /dev/null -e "inject=$call:signal=KILL:when=$n" "$@" </dev/null >/dev/null 2>&1; } 2>/dev/null || status=$?
		((status != 137)) || killed=$((killed + 1))
		$after "$call $n" || { echo "killed at $call $n: $*" >&2; return 1; }
	done <points
	((killed > 1))
}

refreshed() { tuf-refresh -q --tuf "$1" --root root.pub --repo "$place" | jq -r .version | paste -sd' '; }

@test "dtuf:A15 dtuf:O12 dtuf:D11 a push: clients find the former state or the new one, and the next push completes it" {
	repository
	tuf-snapshot --key snapshot.pem m
	echo one >a && tuf-add --key targets.pem --targets data m/targets.json a
	publish
	cp -r m m1
	echo two >a && tuf-add --key targets.pem --targets data m/targets.json a
	publish
	begin() { rm -rf f o && cp -r former/* .; }
	after() {
		local versions
		rm -rf trusted
		versions=$(refreshed trusted)
		[[ $versions == "$old" || $versions == "$new" ]] || { echo "$versions: neither $old nor $new"; return 1; }
		[[ $(tuf-download -q --tuf trusted --repo "$place" a) == "$([[ $versions == "$old" ]] && echo one || echo two)" ]] || return
		tuf-push -q --targets data m "$place" || return
		[[ $(refreshed trusted) == "$new" && $(tuf-download -q --tuf trusted --repo "$place" a) == two ]]
	}
	mkdir former
	for place in file:f oci:o; do
		(cd former && tuf-push -q --targets ../data ../m1 $place)
		rm -rf f o trusted && cp -r former/* .
		old=$(refreshed trusted)
		tuf-push -q --targets data m $place
		new=$(refreshed trusted)
		[[ $old != "$new" ]]
		at_each begin after tuf-push -q --targets data m $place
	done
}

# The names that it gives, and syncfs, in order.
order() {
	strace -f -o trace -e trace=linkat,rename,renameat,renameat2,syncfs "$@"
	sed -n '/ = 0$/ { s/.* (syncfs)\(.*/\1/p; s/.*"\.?([0-9a-z.]+\.json).*/\1/p }' -E trace | uniq | paste -sd' '
}

@test "dtuf:A15 dtuf:O12 a push to a directory: the timestamp has its name when all else is on the disk, and what is there is not written again" {
	repository
	publish
	tuf-push -q m file:f
	tuf-add --key targets.pem m/targets.json m/root.json
	publish
	echo half >f/metadata/2.targets.json # of a push before, when the power went
	same "3.snapshot.json 2.targets.json syncfs timestamp.json" "$(order tuf-push -q m file:f)"
	cmp m/2.targets.json f/metadata/2.targets.json
	same "syncfs timestamp.json" "$(order tuf-push -q m file:f)"
}

@test "dtuf:A15 dtuf:S15 dtuf:D11 a refresh: what is there is whole, and the next one works" {
	repository
	tuf-push m file:f
	place=file:f
	refreshed former
	tuf-root --key root.pem m/root.json
	publish
	tuf-push m file:f
	begin() { rm -rf trusted && cp -r former trusted; }
	after() {
		local file
		for file in trusted/*.json; do jq -e .signed.version "$file" >/dev/null || return; done
		[[ $(tuf-refresh -q --tuf trusted --repo file:f | jq -r .version | paste -sd' ') == "2 2 2 1" ]] || return
		cmp trusted/root.json m/2.root.json
	}
	at_each begin after tuf-refresh -q --tuf trusted --repo file:f
}

@test "dtuf:A15 dtuf:K3 making a key: each file is whole or not there, the private one is nobody else's" {
	umask 0
	begin() { rm -f k.pem* k.pub*; }
	after() {
		if [[ -e k.pem ]]; then
			[[ $(stat -c %a k.pem) == 600 ]] && openssl pkey -in k.pem -noout || return
		fi
		[[ ! -e k.pub ]] || openssl pkey -pubin -in k.pub -noout || return
		[[ -z $(find . -name '*k.p*' ! -name k.pem ! -name k.pub) ]] || { ls -la; return 1; }
		rm -f k.pem k.pub
		key-gen --no-passphrase --public-out k.pub -o k.pem
	}
	at_each begin after key-gen --no-passphrase --public-out k.pub -o k.pem
}
