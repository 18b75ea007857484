#!/usr/bin/env bats
# tuf-refresh: the workflow of the top-level roles beyond tests/tuf-conformance.bats, the local directory, and hostile repositories.
# SPDX-License-Identifier: Apache-2.0
load lib
load tuf
setup_file() { tuf_tool; }

setup() {
	in_own_directory
	tuf_repository
}

@test "it writes a role record for each top-level role, and the directory holds what was received dtuf:S15 dtuf:S33" {
	same '["root",1] ["timestamp",1] ["snapshot",1] ["targets",1]' "$(refresh | jq -c '[.role, .version]' | paste -sd' ')"
	refresh | jq -e -s 'all(.kind == "role" and (.expires | endswith("Z")) and .of == 4)'
	same "root:1 snapshot:1 targets:1 timestamp:1" "$(trusts)"
	same "lock root.json snapshot.json targets.json timestamp.json" "$(find trusted -mindepth 1 -printf '%P\n' | sort | paste -sd' ')"
	cmp trusted/timestamp.json repo/metadata/timestamp.json
}

@test "the command line: what must be given, what excludes what, and where a repository can be" {
	refuse 2 tuf-refresh
	says "--repo"
	(unset TACKLE_TUF && refuse 2 tuf-refresh --repo file:repo)
	refuse 2 tuf-refresh --repo ftp://x
	refuse 3 tuf-refresh --repo file:nowhere
	refuse 2 tuf-refresh --repo file:repo --repo file:repo --metadata-url file:repo/metadata
	refuse 1 tuf-refresh --repo http://127.0.0.1:1/
	says "plain http"
	tuf-refresh -q --metadata-url file:repo/metadata >/dev/null
	TACKLE_TUF=nowhere tuf-refresh -q --tuf trusted --repo file:repo >/dev/null
}

@test "without a root of trust nothing is asked for; --root names the first one dtuf:D34 dtuf:S3 dtuf:D36" {
	rm trusted/root.json
	refuse 3 tuf-refresh -q --repo file:repo
	says "no trusted root" "--root"
	same '["root",1]' "$(tuf-refresh --root repo/root.json | jq -c '[.role, .version]')"
	refresh >/dev/null
	rm -r trusted
	tuf-refresh -q --repo file:repo --root - <repo/root.json >/dev/null
	same "root:1 snapshot:1 targets:1 timestamp:1" "$(trusts)"
	jq '.signatures = []' repo/root.json >unsigned.json
	refuse 1 tuf-refresh --tuf other --root unsigned.json
	says "threshold not met"
	: >empty
	refuse 6 tuf-refresh --root empty
	refuse 6 tuf-refresh --root /proc/version
	refuse 6 tuf-refresh --root repo/metadata/timestamp.json || refuse 1 tuf-refresh --root repo/metadata/timestamp.json
}

# pem NAME: the public key of that name as SPKI.
pem() {
	echo "-----BEGIN PUBLIC KEY-----"
	printf '302a300506032b6570032100%s' "$("$TUFSIM" key "$1" | jq -r .key.keyval.public)" | tr a-f A-F | basenc --base16 -d | base64
	echo "-----END PUBLIC KEY-----"
}

@test "public keys stand for the first root that lists each and is signed by each dtuf:D35 dtuf:D37" {
	rotate root root second
	publish root
	rotate root second third
	signers root root second third
	publish root targets snapshot timestamp
	rm -r trusted
	pem root >root.pub
	tuf-refresh -q --repo file:repo --root root.pub >/dev/null
	same "root:3 snapshot:2 targets:2 timestamp:2" "$(trusts)"
	rm -r trusted
	{ pem third; pem second; } >both.pub
	tuf-refresh -q --repo file:repo --root both.pub >/dev/null
	{ pem root; pem third; } >both.pub
	refuse 1 tuf-refresh --tuf other --repo file:repo --root both.pub
	says "no root"
	pem nobody >nobody.pub
	cp -r trusted before
	refuse 1 tuf-refresh -q --repo file:repo --root nobody.pub
	diff -r before trusted
	refuse 2 tuf-refresh --root root.pub
	# a key of an old root begins there, and may not end below the root that is there
	tuf-refresh -q --repo file:repo --root root.pub >/dev/null
	rm repo/metadata/3.root.json
	refuse 1 tuf-refresh --repo file:repo --root root.pub
	says "rolled back"
	same "root:3 snapshot:2 targets:2 timestamp:2" "$(trusts)"
}

@test "N+2 offered as N+1, old keys only, new keys only: the last good root stays dtuf:A5 dtuf:S5" {
	publish root root
	cp repo/metadata/3.root.json repo/metadata/2.root.json
	refuse 1 tuf-refresh -q --repo file:repo
	says "expected version 2, found 3"
	same root:1 "$(trusts)"
	edit root '.version = 1'
	rotate root new
	signers root root
	publish root
	refuse 1 tuf-refresh -q --repo file:repo
	says "own keys" "threshold"
	signers root new
	publish_as_is root
	refuse 1 tuf-refresh -q --repo file:repo
	says "by the keys of version 1"
	same root:1 "$(trusts)"
}

@test "as many new roots as allowed in one run, the rest in the next dtuf:S5 dtuf:A5 dtuf:P8" {
	publish root root root root root root
	refresh --max-roots 4 >/dev/null
	same 5 "$(jq .signed.version trusted/root.json)"
	refresh --max-roots 4 >/dev/null
	same 7 "$(jq .signed.version trusted/root.json)"
}

@test "257 rotations take two runs dtuf:A5" {
	# shellcheck disable=SC2046
	publish $(printf 'root %.0s' {1..257})
	refresh >/dev/null
	same 257 "$(jq .signed.version trusted/root.json)"
	refresh >/dev/null
	same 258 "$(jq .signed.version trusted/root.json)"
}

@test "a threshold is met by different keys alone dtuf:A6 dtuf:S14" {
	# one public key under two ids
	edit root '.keys.twin = .keys[$id] | .roles.timestamp.keyids += ["twin"] | .roles.timestamp.threshold = 2' --arg id "$(keyid timestamp)"
	publish root timestamp
	meddle timestamp.json '.signatures += [.signatures[0] | .keyid = "twin"]'
	refuse 1 tuf-refresh -q --repo file:repo
	says "timestamp: threshold not met: good signatures by 1 of its keys: expected 2"
	for bad in 0 -1 1.5 '"1"' null; do
		edit root ".roles.timestamp.threshold = $bad | .version = 1"
		publish root
		cp repo/root.json trusted/root.json
		status=0
		refresh >/dev/null 2>err || status=$?
		same "$bad 6" "$bad $status"
		same 1 "$(jq .signed.version trusted/root.json)"
	done
}

@test "bytes that parse alike, or not at all, are refused: the signature is over what was signed dtuf:A7" {
	refresh >/dev/null
	publish timestamp
	cp repo/metadata/timestamp.json good.json
	bad() { # EXPECTED-STATUS: of what is on stdin as the timestamp
		cat >repo/metadata/timestamp.json
		refuse "$1" tuf-refresh -q --repo file:repo
		same "root:1 snapshot:1 targets:1 timestamp:1" "$(trusts)"
	}
	sed 's/"version": 2/"version": 3/' good.json | bad 1
	sed 's/"version": 2/"version": 2.0/' good.json | bad 6
	sed 's/"version": 2/"version": 2e0/' good.json | bad 6
	sed 's/"version": 2/"version": 2, "version": 2/' good.json | bad 6
	sed 's/"_type": "timestamp"/"_type": "timestamp", "x": "\xff"/' good.json | bad 6
	sed 's/"_type": "timestamp"/"_type": "timestamp", "x": "\\ud800"/' good.json | bad 6
	sed 's/"_type": "timestamp"/"_type": "timestamp", "x": "\\u0000"/' good.json | bad 6
	sed "s/\"_type\": \"timestamp\"/\"_type\": \"timestamp\", \"x\": $(printf '[%.0s' {1..70})$(printf ']%.0s' {1..70})/" good.json | bad 7
	{ cat good.json; echo '{}'; } | bad 6
	head -c -3 good.json | bad 6
	bad 6 </dev/null
	printf '\0' | bad 6
	# other blanks and escapes are the same value, so the same signature is good
	jq -c . good.json | sed 's/timestamp/\\u0074imestamp/' >repo/metadata/timestamp.json
	refresh >/dev/null
	same "root:1 snapshot:1 targets:1 timestamp:2" "$(trusts)"
}

@test "limits: one byte more than allowed, or than signed, is refused dtuf:S1 dtuf:A1" {
	for role in root timestamp snapshot targets; do
		rm -rf trusted repo
		tuf_repository
		edit "$role" '.padding = "x" * 200'
		publish root targets snapshot timestamp
		file=repo/metadata/2.$role.json
		[[ $role != timestamp ]] || file=repo/metadata/timestamp.json
		size=$(stat -c %s "$file")
		refuse 7 tuf-refresh -q --repo file:repo "--max-$role-bytes" "$((size - 1))"
		says "$role"
		refresh "--max-$role-bytes" "$size" >/dev/null
	done
	publish_hashed targets snapshot
	printf ' ' >>repo/metadata/3.snapshot.json
	publish timestamp
	refuse 7 tuf-refresh -q --repo file:repo
	says snapshot
}

@test "what the local directory holds is never believed: damage is healed from the network dtuf:A18 dtuf:S29" {
	refresh >/dev/null
	for damage in ': >F' 'echo {} >F' 'head -c 100 repo/metadata/1.targets.json >F' 'cp repo/metadata/1.targets.json F' 'rm F; mkfifo F' \
		'rm F; ln -s /etc/passwd F' 'jq ".signed.version = 9" F >x; mv x F' 'cp trusted/root.json F' 'head -c 6000000 /dev/zero >F'; do
		for role in timestamp snapshot targets; do
			[[ $damage != *1.targets.json\ F || $role != targets ]] || continue
			bash -c "${damage//F/trusted/$role.json}"
			refresh >/dev/null
			same "$damage: root:1 snapshot:1 targets:1 timestamp:1" "$damage: $(trusts)"
			[[ -f trusted/$role.json && ! -L trusted/$role.json ]]
		done
	done
	echo x >trusted/root.json
	refuse 6 tuf-refresh -q --repo file:repo
	says "the trusted root"
	mkfifo fifo && mv fifo trusted/root.json
	refuse 3 tuf-refresh -q --repo file:repo
}

@test "mix and match: another snapshot's targets, another timestamp's snapshot dtuf:A3" {
	publish_hashed targets snapshot timestamp
	refresh >/dev/null
	publish_hashed targets snapshot timestamp
	cp repo/metadata/2.targets.json repo/metadata/3.targets.json
	refuse 1 tuf-refresh -q --repo file:repo
	says "targets" "mismatch"
	cp repo/metadata/2.snapshot.json repo/metadata/3.snapshot.json
	rm trusted/snapshot.json
	refuse 1 tuf-refresh -q --repo file:repo
	says "snapshot" "mismatch"
	same "root:1 targets:2 timestamp:3" "$(trusts)"
}

@test "a rotation that keeps the old key changes nothing for what is there dtuf:S7" {
	publish timestamp
	refresh >/dev/null
	add_key root timestamp another
	publish root
	edit timestamp '.version = 0'
	signers timestamp timestamp
	publish timestamp
	refuse 1 tuf-refresh -q --repo file:repo
	says "timestamp: rolled back"
	same "root:2 snapshot:1 targets:1 timestamp:2" "$(trusts)"
}

@test "spec_version 1.x alone; expiries with fractions and offsets are read; unknown members stay dtuf:S27" {
	edit timestamp '.spec_version = "1.999" | .unknown = [1] | .expires |= sub("Z"; ".5+00:00")'
	publish timestamp
	refresh >/dev/null
	edit timestamp '.spec_version = "2.0"'
	publish timestamp
	refuse 1 tuf-refresh -q --repo file:repo
	says "spec_version"
	edit timestamp '.spec_version = "1.0" | .expires = "next week"'
	publish timestamp
	refuse 6 tuf-refresh -q --repo file:repo
}

@test "without consistent snapshots nothing but root has a version in its name dtuf:S10 dtuf:S17" {
	edit root '.consistent_snapshot = false'
	publish root targets snapshot timestamp
	mv repo/metadata/2.snapshot.json repo/metadata/snapshot.json
	mv repo/metadata/2.targets.json repo/metadata/targets.json
	refresh >/dev/null
	same "root:2 snapshot:2 targets:2 timestamp:2" "$(trusts)"
}

@test "mirrors are asked in order; one that fails or lags is passed over" {
	cp -r repo old
	publish_all
	cp -r repo broken
	rm broken/metadata/2.targets.json
	tuf-refresh -q --repo file:broken --repo file:repo >/dev/null
	same "root:1 snapshot:2 targets:2 timestamp:2" "$(trusts)"
	refuse 1 tuf-refresh -q --repo file:old --repo file:repo
	says "rolled back"
}

@test "several clients may share one directory dtuf:S29" {
	publish_all
	for _ in 1 2 3 4 5 6 7 8; do
		refresh >/dev/null &
	done
	for job in $(jobs -p); do
		wait "$job"
	done
	same "root:1 snapshot:2 targets:2 timestamp:2" "$(trusts)"
}

@test "a full disk or a directory that cannot be written: what was trusted stays dtuf:A12" {
	refresh >/dev/null
	publish_all
	mkdir small
	unshare -m -- bash -euc '
		mount -t tmpfs -o size=32k,mode=755 none small
		cp trusted/* small/
		head -c 32k /dev/zero >small/filler 2>/dev/null || :
		status=0
		tuf-refresh -q --tuf small --repo file:repo >/dev/null 2>err || status=$?
		[ "$status" = 8 ]
		for f in root timestamp snapshot targets; do cmp small/$f.json trusted/$f.json; done
		rm small/filler
		tuf-refresh -q --tuf small --repo file:repo >/dev/null
		[ "$(jq .signed.version small/targets.json)" = 2 ]'
	chmod 777 trusted
	refuse 1 tuf-refresh -q --repo file:repo
	says trusted
}

@test "killed at any moment, the next run works dtuf:S15 dtuf:A15" {
	publish root targets snapshot timestamp
	for n in $(seq 1 8); do
		rm -rf trusted
		mkdir trusted
		cp repo/root.json trusted/
		# the nth rename or link never returns
		strace -f -qq -e trace=renameat,renameat2,linkat -e "inject=renameat,renameat2,linkat:signal=KILL:when=$n" -o /dev/null \
			tuf-refresh -q --repo file:repo >/dev/null 2>&1 || true
		for file in trusted/*.json; do
			jq -e .signed.version "$file" >/dev/null
		done
		refresh >/dev/null
		same "$n root:2 snapshot:2 targets:2 timestamp:2" "$n $(trusts)"
	done
}
