#!/usr/bin/env bats
# disk-encrypt and disk-decrypt under what a machine does to long work: signals, full and closed outputs, few descriptors; and how they
# tell the time while they are at it.
# asan: apart: what they parse is parsed in the tests of disk-decrypt
# SPDX-License-Identifier: Apache-2.0
load lib
load disk
setup() { in_own_directory; }

@test "brkt:E16 progress in percent and a status file that is current" {
	raw disk.raw 1M
	secret
	disk-encrypt --secret secret --progress=plain --status st <disk.raw >luks 2>err
	same $'disk-encrypt: 0% complete\ndisk-encrypt: 100% complete' "$(cat err)"
	same '{"bytes_total":1048576,"bytes_written":1048576,"failure_code":null,"state":"finished"}' "$(cat st)"
	disk-encrypt --secret secret --progress=plain --label 'Encryption is' <disk.raw 2>&1 >luks | grep -qx 'Encryption is: 100% complete'
	disk-encrypt --secret secret <disk.raw 2>err >luks
	same '' "$(cat err)"
	disk-encrypt --secret secret --progress-fd 9 <disk.raw 9>records >luks
	same '1048576 true' "$(jq -r 'select(.ended) | "\(.bytes) \(.total == .bytes)"' records)"
	mkfifo in
	disk-encrypt --secret secret --status st --size 1M <in >luks 2>/dev/null &
	exec 8>in
	until [[ $(jq -r .state st) == encrypting ]]; do sleep 0.02; done
	head -c 600000 disk.raw >&8
	exec 8>&-
	wait $! || true
	same '{"bytes_total":1048576,"failure_code":"6","state":"failed"}' "$(jq -c 'del(.bytes_written)' st)"
	refuse 8 disk-encrypt --secret secret --status no/such/st <disk.raw
}

@test "brkt:E16 brkt:G12 once a minute a line, and the file of --status each second, also while no byte comes" {
	is_asan && skip "faketime's library has to be loaded first, and so has the sanitiser's"
	secret
	mkfifo in
	faketime -f '+0 x100' disk-encrypt --secret secret --progress=plain --status st --size 3M <in >luks 2>err &
	exec 8>in
	head -c 1M /dev/zero >&8
	until [[ $(jq .bytes_written st) == 1048576 ]]; do sleep 0.02; done
	before=$(stat -c "%i %z" st) # a number alone may be given again
	until [[ $(grep -c '33% complete' err) == 2 ]]; do sleep 0.05; done # two minutes, on that clock
	same '{"bytes_total":3145728,"bytes_written":1048576,"failure_code":null,"state":"encrypting"}' "$(cat st)"
	[[ $(stat -c "%i %z" st) != "$before" ]]
	head -c 2M /dev/zero >&8
	exec 8>&-
	wait $!
	same 'disk-encrypt: 0% complete' "$(head -n 1 err)"
	same 'disk-encrypt: 100% complete' "$(tail -n 1 err)"
	disk-decrypt --secret secret <luks | cmp - <(head -c 3M /dev/zero)
}

@test "brkt:E11 brkt:X15 few descriptors, a closed stdin, a reader that goes away" {
	raw disk.raw 1M
	secret
	(ulimit -n 32 && disk-encrypt --secret secret -j 64 <disk.raw | disk-decrypt --secret secret -j 64 | cmp - disk.raw)
	PIPED=1 refuse 2 sh -c 'disk-encrypt --secret secret <&-'
	got=0
	disk-encrypt --secret secret --size 1G </dev/zero 2>err | head -c 1000000 >/dev/null || got=${PIPESTATUS[0]}
	same 0 "$got"
	same '' "$(cat err)"
	(
		trap '' PIPE
		got=0
		{ disk-encrypt --secret secret --size 1G </dev/zero 2>err || echo $? >status; } | head -c 1000000 >/dev/null
	)
	same '8 disk-encrypt: stdout: cannot write: Broken pipe' "$(cat status err | paste -sd' ')"
}

@test "brkt:X15 full and closed outputs: 8, and no secret is left" {
	raw disk.raw 1M
	secret
	disk-encrypt --secret secret <disk.raw >luks
	for words in 'disk-encrypt --new-secret s --header-out h <disk.raw' 'disk-decrypt --secret secret <luks'; do
		for out in '>/dev/full' '>&-'; do
			got=0
			eval "$words $out" 2>err || got=$?
			same "$words $out 8" "$words $out $got"
			grep -q "^${words%% *}: stdout: " err
			[[ ! -e s && ! -e h ]]
		done
	done
	(umask 000 && disk-encrypt --new-secret s --header-out h --status st <disk.raw >data)
	same '600' "$(stat -c %a s)"
	disk-decrypt --secret s --header h <data | cmp - disk.raw
}

@test "brkt:E11 brkt:X15 a storm of signals, and calls that are interrupted, change no byte" {
	is_asan && skip "strace and the leak checker exclude each other"
	raw disk.raw 4M
	secret
	disk-encrypt --secret secret --header-out h <disk.raw >data
	(
		disk-encrypt --secret secret --header h --size 4M < <(cat disk.raw) >stormy &
		for _ in $(seq 200); do
			kill -STOP $! 2>/dev/null && kill -WINCH $! && kill -CONT $! && kill -URG $! || break
		done
		wait $!
	)
	cmp stormy data
	mkfifo in out
	for words in 'disk-encrypt --secret secret --header h --size 4M' 'disk-decrypt --secret secret --header h'; do
		read -r from to <<<"$([[ $words == disk-e* ]] && echo disk.raw data || echo data disk.raw)"
		cat "$from" >in &
		cat out >got &
		# shellcheck disable=SC2086 # words. Every second read and write at both ends is interrupted.
		strace -f -qq -o trace -P in -P out -e inject=read,write:error=EINTR:when=1+2 $words <in >out
		wait
		cmp got "$to"
		(($(grep -c 'EINTR.*INJECTED' trace) >= 8))
	done
}
