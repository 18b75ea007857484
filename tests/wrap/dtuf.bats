#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# asan: no: a shell script over programs whose own tests run there
load ../lib
load ../terminal
load ../dtuf

setup() {
	dtuf_setup
	export DTUF_HOST=oci:$BATS_TEST_TMPDIR/host
}

@test "dtuf:D67 dtuf:D68 dtuf:D69 dtuf:D4 dtuf:D7 dtuf:D44 the seed's transcript, in oci:" {
	transcript
}

@test "dtuf:D67 dtuf:D68 dtuf:D69 dtuf:D7 dtuf:O17 the seed's transcript, in file:" {
	DTUF_HOST=file:$BATS_TEST_TMPDIR/tree
	transcript
}

@test "dtuf:D12 dtuf:D13 dtuf:D14 dtuf:D15 dtuf:D17 dtuf:D18 dtuf:K2 dtuf:K3 dtuf:K4 files: where they are, what they may, what they hold" {
	published
	target a text
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub
	on_copy pull-target fred/demo a
	for role in root targets snapshot timestamp; do
		same '600 644' "$(stat -c %a $M/keys/${role}_key $M/keys/${role}_key.pub | paste -sd' ')"
		head -n 1 $M/keys/${role}_key | grep -q 'BEGIN ENCRYPTED PRIVATE KEY'
		openssl pkey -in $M/keys/${role}_key -passin "pass:$role-secret" -pubout | cmp - $M/keys/${role}_key.pub
		[ -e $M/repository/metadata.staged/$role.json ]
	done
	same 700 "$(stat -c %a $M/keys)"
	[ -e $M/repository/metadata.staged/2.targets.json ] && [ -e $M/repository/metadata.staged/1.targets.json ]
	cmp $M/repository/targets/a copy/dtuf_repos/fred/demo/copy/repository/targets/a
	same "root.json snapshot.json targets.json timestamp.json" \
		"$(cd copy/dtuf_repos/fred/demo/copy/repository/metadata/current && echo *.json)"
	cp $M/keys/root_key first
	on_master create-root-key fred/demo
	cmp first $M/keys/root_key.1
	on_master create-root-key fred/demo
	ls $M/keys/root_key.2 $M/keys/root_key.2.pub
}

@test "dtuf:D1 dtuf:D2 dtuf:D3 dtuf:D5 dtuf:D8 dtuf:D34 the command line: 2; what is missing: 1" {
	refused 2 'too few arguments' dtuf
	refused 2 'unknown command' dtuf fly fred/demo
	refused 2 'too few arguments' dtuf push-target fred/demo x
	refused 2 'too few arguments' dtuf pull-metadata
	refused 2 'too many arguments' dtuf push-metadata fred/demo x
	refused 2 'too many arguments' dtuf list-repos x
	for name in '' / /x x/ x//y . .. x/../y x/.; do refused 2 'not the name' dtuf push-metadata "$name"; done
	refused 2 'none of pull' dtuf auth fred/demo fly
	same '' "$(find copy master -type f ! -name dtuf.log)"
	[ ! -e dtuf_repos ]
	dtuf --help | grep -q pull-metadata
	dtuf --version | grep -q '^dtuf (tackle) '
	refused 1 'root of trust' on_copy pull-metadata fred/demo
	DTUF_HOST='' refused 1 'oci:DIR or file:DIR' on_copy pull-metadata fred/demo
	DTUF_HOST=http://h.example refused 1 'not a registry host' on_copy pull-metadata fred/demo
	refused 1 'private key' on_master create-metadata fred/demo
	DTUF_KEY_TYPE=dsa refused 2 DTUF_KEY_TYPE on_master create-root-key fred/demo
	DTUF_HOST=https://h.example refused 1 'only be read' on_master push-metadata fred/demo
	same '' "$(dtuf auth fred/demo pull)"
	same '' "$(on_master del-target fred/demo)"
}

@test "dtuf:D23 dtuf:D24 dtuf:D30 dtuf:D33 dtuf:D16 targets: reserved names, any other; lists show what was signed" {
	published
	echo x >master/x
	for name in root.json a/root.json xtargets.json snapshot.json timestamp.json "$(printf a | sha256sum | cut -d' ' -f1).x"; do
		refused 1 reserved on_master push-target fred/demo "$name" x
	done
	refused 1 'no such file' on_master push-target fred/demo a missing
	refused 1 'no target' on_master push-target fred/demo a @missing
	long=$(printf 'n%.0s' {1..300})
	for name in 'b/c d' $'two\nlines' 'back\slash' é . .. -x "a!*'()~" "$long"; do on_master push-target fred/demo "$name" x; done
	same '' "$(on_master list-master-targets fred/demo)"
	on_master push-metadata fred/demo
	want=$(printf '%s\n' -x . .. "a!*'()~" 'b/c d' 'back\\slash' "$long" 'two\nlines' é)
	same "$want" "$(on_master list-master-targets fred/demo)"
	same "$want" "$(on_copy pull-metadata fred/demo root_key.pub)"
	same "$want" "$(on_copy list-copy-targets fred/demo)"
	[ -e $M/repository/targets/a%21%2A%27%28%29~ ]
	same $'x\nx\nx' "$(on_copy pull-target fred/demo "$long" .. $'two\nlines')"
	same "$(grep -vxF -e "$long" -e .. -e 'two\nlines' <<<"$want")" "$(on_copy pull-metadata fred/demo)"
}

@test "dtuf:B1 dtuf:B7 dtuf:B8 dtuf:B9 dtuf:D42 dtuf:D57 several blobs: @, sizes, comparison, digests between them" {
	published
	target a one
	target b 'and two'
	(cd master && echo odd >@c && dtuf push-target fred/demo all @b ./@c @a a)
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub >/dev/null
	same $'and two\nodd\none\none' "$(on_copy pull-target fred/demo all)"
	same '8 4 4 4 4' "$(on_copy blob-sizes fred/demo all a | paste -sd' ')"
	same "sha256:$(printf 'and two\n' | sha256sum | cut -d' ' -f1) 8" "$(DTUF_BLOB_INFO=1 on_copy pull-target fred/demo all | head -n 1)"
	same '' "$(on_copy check-target fred/demo all ../master/b ../master/@c ../master/a ../master/a 2>&1)"
	refused 1 'blob 2' on_copy check-target fred/demo all ../master/b ../master/a ../master/a ../master/a
	refused 1 '4 blobs' on_copy check-target fred/demo all ../master/b
	refused 1 '' on_copy pull-target fred/demo missing
	refused 1 '' on_copy blob-sizes fred/demo missing
}

@test "dtuf:D25 dtuf:D26 dtuf:D28 dtuf:B6 a target that is taken away; what shares its data stays" {
	published
	target a same
	target b same
	cp master/a master/x
	(cd master && mkdir d && dtuf push-target fred/demo d/a x)
	on_master push-metadata fred/demo
	refused 1 'no target' on_master del-target fred/demo a missing
	on_master del-target fred/demo a b
	same $'a\nb\nd/a' "$(on_master list-master-targets fred/demo)"
	on_master push-metadata fred/demo
	same d/a "$(on_master list-master-targets fred/demo)"
	on_copy pull-metadata fred/demo root_key.pub >/dev/null
	same same "$(on_copy pull-target fred/demo d/a)"
	same 1 "$(jq '[.manifests[].annotations["org.opencontainers.image.ref.name"] | select(. != "latest")] | length' host/fred/demo/index.json)"
}

@test "dtuf:D19 dtuf:D20 dtuf:D21 dtuf:D38 new keys: copies follow the chain by themselves" {
	published
	target a one
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub >/dev/null
	DTUF_ROOT_KEY_PASSWORD=new-secret on_master create-root-key fred/demo
	on_master create-metadata-keys fred/demo
	DTUF_ROOT_KEY_PASSWORD=new-secret DTUF_OLD_ROOT_KEY_PASSWORD=root-secret on_master reset-keys fred/demo
	rm $M/keys/root_key* # push-metadata opens none of them
	target a two
	on_master push-metadata fred/demo
	same a "$(on_copy pull-metadata fred/demo)"
	same two "$(on_copy pull-target fred/demo a)"
	same 2 "$(jq .signed.version copy/dtuf_repos/fred/demo/copy/repository/metadata/current/root.json)"
}

@test "dtuf:D22 without the old root key nothing changes, unless copies shall be cut off" {
	published
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub
	on_master create-root-key fred/demo
	rm $M/keys/root_key.1
	before=$(cd $M/repository/metadata.staged && sha256sum ./*)
	refused 1 'copies would be cut off' on_master reset-keys fred/demo
	same "$before" "$(cd $M/repository/metadata.staged && sha256sum ./*)"
	DTUF_UNCHAINED_ROOT=1 on_master reset-keys fred/demo
	target a new
	on_master push-metadata fred/demo
	refused 1 '' on_copy pull-metadata fred/demo
	rm -r copy/dtuf_repos
	cp $M/keys/root_key.pub copy
	same a "$(on_copy pull-metadata fred/demo root_key.pub)"
	on_master push-metadata fred/demo # from then on as ever
	on_copy pull-metadata fred/demo
}

@test "dtuf:D29 dtuf:D39 dtuf:D61 dtuf:D62 expiry: refused where it is pushed, and where it is pulled, naming the role" {
	published
	DTUF_TIMESTAMP_LIFETIME=2s on_master push-metadata fred/demo
	sleep 3
	refused 1 timestamp on_copy pull-metadata fred/demo root_key.pub
	[[ $message == *expired* ]]
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub
	before=$(find host -type f -exec sha256sum {} + | sort)
	for bad in never 0 -1s; do DTUF_SNAPSHOT_LIFETIME=$bad refused 1 '' on_master push-metadata fred/demo; done
	same "$before" "$(find host -type f -exec sha256sum {} + | sort)"
	on_master push-metadata fred/demo # still works
}

@test "dtuf:D31 dtuf:D43 expirations: four lines, the copy's with their zone" {
	published
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub
	line='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}'
	same 'root targets snapshot timestamp' "$(on_master get-master-expirations fred/demo | grep -oE "^[a-z]+: $line\$" | cut -d: -f1 | paste -sd' ')"
	same 'root targets snapshot timestamp' "$(on_copy get-copy-expirations fred/demo | grep -oE "^[a-z]+: $line\+00:00\$" | cut -d: -f1 | paste -sd' ')"
}

@test "dtuf:D32 dtuf:D35 dtuf:D36 dtuf:D37 keys on stdin, a root.json, another's key" {
	published
	target a x
	on_master push-metadata fred/demo
	same a "$(on_copy pull-metadata fred/demo - <copy/root_key.pub)"
	rm -r copy/dtuf_repos
	cp $M/repository/metadata.staged/1.root.json copy/r.json
	same a "$(on_copy pull-metadata fred/demo r.json)"
	rm -r copy/dtuf_repos
	cp $M/keys/targets_key.pub copy/wrong.pub
	refused 1 '' on_copy pull-metadata fred/demo wrong.pub
	refused 1 '' on_copy pull-metadata fred/demo missing.pub
}

@test "dtuf:D58 dtuf:D59 dtuf:D60 dtuf:A20 passwords: from files, wrong, empty, twice; they show nowhere" {
	(umask 077 && echo file-secret >pw)
	export DTUF_ROOT_KEY_PASSWORD_FILE=$PWD/pw
	refused 2 'both set' on_master create-root-key fred/demo
	unset DTUF_ROOT_KEY_PASSWORD
	on_master create-root-key fred/demo
	openssl pkey -in $M/keys/root_key -passin pass:file-secret -noout
	on_master create-metadata-keys fred/demo
	DTUF_TARGETS_KEY_PASSWORD='' refused 1 empty on_master create-metadata fred/demo
	DTUF_TARGETS_KEY_PASSWORD=wrong-secret refused 1 passphrase on_master create-metadata fred/demo
	[ ! -e $M/repository/metadata.staged ]
	on_master create-metadata fred/demo
	unset DTUF_SNAPSHOT_KEY_PASSWORD
	refused 1 '' setsid bash -c 'cd master && dtuf push-metadata fred/demo </dev/null'
	run ! grep -rq secret master
}

@test "dtuf:D54 dtuf:D64 dtuf:D65 the repositories' root, the log, key types" {
	export DTUF_REPOSITORIES_ROOT=$PWD/elsewhere DTUF_LOG_FILE=$PWD/log
	for type in ecdsa rsa; do
		DTUF_KEY_TYPE=$type dtuf create-root-key fred/demo
		openssl pkey -pubin -in elsewhere/fred/demo/master/keys/root_key.pub -noout -text | grep -qE 'P-256|3072 bit'
	done
	refused 1 '' dtuf push-metadata fred/demo
	grep -q 'ERROR.*private key of targets' log
	DTUF_FILE_LOG_LEVEL=CRITICAL DTUF_LOG_FILE=quiet refused 1 '' dtuf push-metadata fred/demo
	[ ! -s quiet ]
	DTUF_LOG_FILE='' refused 1 '' dtuf push-metadata fred/demo
	[ ! -e dtuf.log ]
	DTUF_LOG_FILE=no/such/log refused 1 'log file' dtuf push-metadata fred/demo
	DTUF_CONSOLE_LOG_LEVEL=LOUD refused 2 unknown dtuf push-metadata fred/demo
}

# bars FILE: what each shows last, its label without the digest
bars() { tr '\r' '\n' <"$1" | grep -oE '^sha256:[0-9a-f]{12} [0-9]+% [0-9]+/[0-9]+$' | cut -d' ' -f2-; }

@test "dtuf:D55 dtuf:D56 a bar for each blob and file, manifests too, from 0% to 100%, and none unless it is wanted" {
	published
	head -c 3000000 /dev/zero >master/big
	: >master/empty
	export DTUF_PROGRESS=1
	on_master push-target fred/demo a big empty >out 2>err
	same '' "$(<out)"
	same $'0% 0/3000000\n100% 3000000/3000000\n0% 0/0\n100% 0/0' "$(bars err | head -n 4)"
	grep -qzP "^\rsha256:$(head -c 3000000 /dev/zero | sha256sum | head -c 12) 0% 0/3000000\r.* 100% 3000000/3000000\n\rsha256:e3b0c44298fc 0%" err
	same 3 "$(grep -vc sha256:44136fa355b3 err)" # the manifest, too; an empty config may come with it
	on_master push-metadata fred/demo 2>err
	for file in 1.root.json 2.targets.json 2.snapshot.json timestamp.json; do
		file=$M/repository/metadata.staged/$file
		grep -q "^.sha256:$(sha256sum "$file" | head -c 12) 0% .* 100% $(stat -c '%s/%s' "$file")\$" err
	done
	on_copy pull-metadata fred/demo root_key.pub 2>err >out
	same 'a 4' "$(<out) $(wc -l <err)"
	on_copy pull-target fred/demo a 2>err | cmp - master/big
	same '0% 100% 0% 100% 0% 100%' "$(bars err | grep -E '^(0|100)%' | cut -d' ' -f1 | paste -sd' ')"
	DTUF_PROGRESS=0 on_copy pull-target fred/demo a 2>&1 | cmp - master/big
	DTUF_PROGRESS=0 on_terminal '' "$ROOT/share/dtuf" list-copy-targets fred/demo
	unset DTUF_PROGRESS
	on_copy pull-target fred/demo a 2>&1 | cmp - master/big
	cd copy
	on_terminal '' bash -c 'dtuf pull-target fred/demo a >/dev/null'
	[[ $screen == *' 100% 3000000/3000000'* ]]
	DTUF_PROGRESS=0 on_terminal '' bash -c 'dtuf pull-target fred/demo a >/dev/null'
	same '' "$screen"
}

@test "dtuf:D6 one command at a time works on a side; a second one waits" {
	published
	target a x
	exec 8>>$M/lock
	flock 8
	on_master list-master-targets fred/demo >listed 8>&- &
	sleep 0.5
	kill -0 $! # it waits
	on_copy list-repos >out # takes none
	flock -u 8
	wait $!
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub >out 2>&1 &
	on_copy pull-metadata fred/demo root_key.pub >out2 2>&1
	wait $!
	same 'a a' "$(<out) $(<out2)"
}

@test "dtuf:D11 dtuf:A15 dtuf:O12 killed after any stage: the copy can go on, and so does the next run" {
	published
	target a one
	on_master push-metadata fred/demo
	on_copy pull-metadata fred/demo root_key.pub >out
	mkdir killing
	printf '#!/bin/bash\n%s\n' 'n=$(($(cat "$COUNT") - 1)); echo $n >"$COUNT"; "$REAL/${0##*/}" "$@"; s=$?; ((n)) || { ((s > 128)) || kill -9 $PPID; }; exit $s' >killing/x
	chmod +x killing/x
	for program in "$BIN"/*; do ln -s x "killing/${program##*/}"; done
	export COUNT=$PWD/count REAL=$BIN
	for ((kill = 7, done = 0; !done; kill++)); do # those before only work aside
		echo $kill >count
		echo "text $kill" >master/a
		on_master push-target fred/demo a a
		(TACKLE_BIN=$PWD/killing on_master push-metadata fred/demo) 2>err && done=1
		on_copy pull-metadata fred/demo >out
		on_copy pull-target fred/demo a >got
	done
	same "text $((kill - 1))" "$(<got)"
	((kill > 8))
	for ((kill = 1, done = 0; !done; kill++)); do
		echo $kill >count
		(TACKLE_BIN=$PWD/killing on_copy pull-target fred/demo a) >got 2>err && done=1
	done
	on_copy pull-target fred/demo a >got
	same '' "$(on_copy pull-metadata fred/demo)"
}

@test "dtuf:D63 an expiry counts from the start, rounded up to a whole second" {
	published
	export DTUF_TIMESTAMP_LIFETIME=1h
	before=$(date +%s.%N)
	on_master push-metadata fred/demo
	after=$(date +%s.%N)
	expires=$(date -d "$(on_master get-master-expirations fred/demo | sed -n 's/^timestamp: //p')Z" +%s)
	awk -v e="$expires" -v b="$before" -v a="$after" 'BEGIN { exit !(e >= b + 3600 && e <= a + 3601) }'
	run ! on_master push-metadata fred/demo x
}

@test "dtuf:A19 dtuf:D40 dtuf:D41 no data is lost in silence: a closed, a full and a cut stdout" {
	published
	seq 300000 >master/a
	on_master push-target fred/demo a a
	on_master push-metadata fred/demo
	refused 1 '' bash -c "cd copy && dtuf pull-metadata fred/demo root_key.pub >/dev/full"
	on_copy pull-metadata fred/demo root_key.pub >out
	for command in 'pull-target fred/demo a' 'blob-sizes fred/demo a' 'list-copy-targets fred/demo' 'get-copy-expirations fred/demo' 'pull-metadata fred/demo' list-repos; do
		for to in '>&-' '>/dev/full'; do
			got=0
			bash -c "cd copy && dtuf $command $to" 2>err || got=$?
			same 1 $got
			[[ -s err ]]
		done
	done
	got=0
	bash -c 'cd copy; dtuf pull-target fred/demo a; echo $? >../status' 2>err | head -n 1 >out
	same '1 141' "$(<out) $(<status)"
	bash -c 'trap "" PIPE; cd copy; dtuf pull-target fred/demo a; echo $? >../status' 2>err | head -n 1 >out
	same '1 1' "$(<out) $(<status)"
	[[ -s err ]]
	# not one byte of what is not right
	blob=host/fred/demo/blobs/sha256/$(sha256sum <master/a | cut -d' ' -f1)
	printf x | dd of="$blob" bs=1 seek=1988000 conv=notrunc status=none
	refused 1 mismatch on_copy pull-target fred/demo a
	same '' "$(find copy/dtuf_repos -name 'partial*' -size +0)"
}

@test "dtuf:D9 metadata of TUF before 1.0 is not read, and said so" {
	published
	jq -c 'del(.signed.spec_version)' $M/repository/metadata.staged/root.json >old
	cp old $M/repository/metadata.staged/root.json
	refused 1 'before 1.0' on_master push-metadata fred/demo
	refused 1 'before 1.0' on_master reset-keys fred/demo
	mkdir -p copy/dtuf_repos/fred/demo/copy/repository/metadata/current
	cp old copy/dtuf_repos/fred/demo/copy/repository/metadata/current/root.json
	refused 1 'before 1.0' on_copy pull-metadata fred/demo
}
