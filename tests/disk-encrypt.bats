#!/usr/bin/env bats
# Every image is opened by cryptsetup, the other implementation; tests/vm.bats has Linux itself read one.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it reads nothing but keys; what it writes is parsed in the tests of disk-decrypt
load lib
load disk
load terminal
setup() { in_own_directory; }

opens() { # opens FILE KEY-FILE [OPTION...]: as an ordinary user, without device mapper
	chmod 755 . && chmod 644 "$1" "$2"
	setpriv --reuid 65534 --clear-groups cryptsetup open --test-passphrase --key-file "$2" "${@:3}" "$1" 2>said ||
		{ cat said >&2; return 1; }
	chmod 600 "$2"
}

@test "brkt:E1 brkt:E2 brkt:E3 brkt:E4 brkt:E6 what cryptsetup reads in the header is what was promised" {
	raw disk.raw 1M
	for size in 512 4096; do
		rm -f s
		disk-encrypt --new-secret s -s $size <disk.raw >luks
		same $((1048576 * 2)) "$(stat -c %s luks)"
		same 64 "$(stat -c %s s)"
		metadata luks >m
		same '{"encryption":"aes-xts-plain64","iv_tweak":"0","offset":"1048576","sector_size":'$size',"size":"dynamic","type":"crypt"}' "$(jq -c '.segments["0"]' m)"
		same '["0"] ["0"] ["0"]' "$(jq -c '.segments, .keyslots, .tokens | keys' m | paste -sd' ')"
		same '{"json_size":"12288","keyslots_size":"524288"}' "$(jq -c .config m)"
		same 'luks2 64 luks1 4000 sha256 raw 32768 258048 aes-xts-plain64 64 pbkdf2 sha256 1000 44' "$(jq -r '.keyslots["0"] | [.type, .key_size,
			.af.type, .af.stripes, .af.hash, .area.type, .area.offset, .area.size, .area.encryption, .area.key_size,
			.kdf.type, .kdf.hash, .kdf.iterations, (.kdf.salt | length)] | join(" ")' m)" # 44 of base64 are 32 bytes
		same 'pbkdf2 sha256 true' "$(jq -r '.digests["0"] | [.type, .hash, .iterations >= 1000] | join(" ")' m)"
		cryptsetup luksDump luks >dump
		grep -Eq '^Label: *	brkt$' dump
		grep -Eq "sector: $size \[bytes\]" dump
		opens luks s
	done
	opens luks s --key-slot 0
	# the binary headers: magic, version, size, the same sequence number, and a checksum each
	same '4c554b53babe 0002 0000000000004000' "$(xxd -p -l 6 luks) $(xxd -p -s 6 -l 2 luks) $(xxd -p -s 8 -l 8 luks)"
	same '534b554cbabe 0002 0000000000004000' "$(xxd -p -s 16384 -l 6 luks) $(xxd -p -s 16390 -l 2 luks) $(xxd -p -s 16392 -l 8 luks)"
	same "$(xxd -p -s 16 -l 8 luks)" "$(xxd -p -s 16400 -l 8 luks)"
	cp luks again
	checksum again 0
	checksum again 16384
	cmp luks again
}

# xor HEX HEX: of 16 bytes each.
xor() {
	printf '%016x%016x' $((0x${1:0:16} ^ 0x${2:0:16})) $((0x${1:16} ^ 0x${2:16}))
}

# ecb KEY HEX: one block under AES-256.
ecb() {
	xxd -r -p <<<"$2" | openssl enc -aes-256-ecb -nopad -K "$1" | xxd -p
}

# block FILE OFFSET: 16 bytes there, in hex.
block() {
	xxd -p -s "$2" -l 16 "$1"
}

@test "brkt:E5 the first block of a sector, computed by hand: the tweak counts 512-byte units" {
	raw disk.raw 64K
	secret
	for size in 512 4096; do
		disk-encrypt --secret secret -s $size <disk.raw >luks
		key=$(volume_key luks)
		same 128 ${#key}
		same no "$([[ ${key:0:64} == "${key:64}" ]] && echo yes || echo no)"
		for sector in 0 1 7 15; do
			unit=$((sector * size / 512))
			tweak=$(ecb "${key:64}" "$(printf '%02x%030d' $unit 0)")
			same "$(xor "$tweak" "$(ecb "${key:0:64}" "$(xor "$tweak" "$(block disk.raw $((sector * size)))")")")" \
				"$(block luks $((1048576 + sector * size)))"
		done
	done
}

@test "brkt:E12 brkt:X6 encrypt and decrypt are the identity over sizes, pipes and numbers of threads" {
	secret
	raw disk.raw 1049088 # 1 MiB and a sector
	for size in 512 1048064 1048576 1049088 262144 786432; do
		for jobs in 1 2 8; do
			head -c $size disk.raw | disk-encrypt --secret secret -j $jobs --size $size |
				disk-decrypt --secret secret -j $jobs | cmp - <(head -c $size disk.raw)
		done
	done
	for size in 1 511 513 4095 4097 262145 1000001; do
		head -c $size disk.raw >odd
		disk-encrypt --secret secret --pad -s 4096 <odd >luks
		same $((1048576 + (size + 4095) / 4096 * 4096)) "$(stat -c %s luks)"
		disk-decrypt --secret secret <luks | cmp - odd
	done
}

@test "brkt:E10 the same header and input give the same bytes, whatever the threads and however the input is cut" {
	raw disk.raw 3000320
	disk-encrypt --new-secret s --header-out h <disk.raw >data
	for jobs in 1 2 8 64; do
		disk-encrypt --header h --secret s -j $jobs <disk.raw | cmp - data
	done
	for cut in 1M 4093 17; do
		dd if=disk.raw bs=$cut status=none | disk-encrypt --header h --secret s --size 3000320 | cmp - data
	done
	head -c 8192 disk.raw >small
	disk-encrypt --secret s <small >luks # the header of a whole image serves as well
	dd if=small bs=1 status=none | disk-encrypt --header luks --secret s --size 8192 | cmp - luks
	refuse 1 disk-encrypt --header luks --secret s <disk.raw
	says 'a disk of 8192 bytes, not 3000320'
	secret
	refuse 4 disk-encrypt --header luks --secret secret <small
	refuse 2 disk-encrypt --header luks --new-secret n <small
	refuse 2 disk-encrypt --header luks --secret s -s 512 <small
	refuse 3 disk-encrypt --header none --secret s <small
	refuse 6 disk-encrypt --header disk.raw --secret s <small
	refuse 6 disk-encrypt --header <(head -c 500000 luks) --secret s <small
	says truncated
}

@test "brkt:E10 a header apart from the data: cryptsetup opens the two together" {
	raw disk.raw 1M
	disk-encrypt --new-secret s --header-out h -s 4096 <disk.raw >data
	same '1048576 1048576' "$(stat -c %s h data | paste -sd' ')"
	same '"0"' "$(metadata h | jq .segments[].offset)"
	cryptsetup open --test-passphrase --key-file s --header h data
	disk-decrypt --secret s --header h <data | cmp - disk.raw
	refuse 1 disk-decrypt --secret s <h
	says 'they lie apart'
	disk-encrypt --secret s <disk.raw >luks
	refuse 1 disk-decrypt --secret s --header luks <data
	refuse 3 disk-encrypt --secret s --header-out no/such/h <disk.raw
	refuse 3 disk-decrypt --secret s --header no/such/h <data
}

@test "brkt:E8 holes and zeros are encrypted as zeros: a hole leaves none in the output" {
	secret
	truncate -s 2M disk.raw
	printf x | dd of=disk.raw bs=1 seek=1500000 conv=notrunc status=none
	disk-encrypt --secret secret <disk.raw >luks
	cat disk.raw | disk-encrypt --secret secret --size 2M --header luks | cmp - luks
	disk-decrypt --secret secret <luks | cmp - disk.raw
	same 0 "$(tail -c 2M luks | xxd -p -c 256 | grep -c '^0*$' || true)"
	same 0 "$(tail -c 2M luks | xxd -p -c 32 | sort | uniq -d | wc -l)" # and zeros in two places differ
}

# volume_key FILE: in hex, as cryptsetup tells it.
volume_key() {
	cryptsetup luksDump --dump-volume-key --batch-mode --key-file secret "$1" | sed -n '/MK dump/,$p' | sed 's/MK dump://' | tr -dc '0-9a-f'
}

@test "brkt:X6 brkt:E5 a sparse disk of more than 2^32 bytes: the tweak goes on counting" {
	is_asan && skip "the released build alone: gigabytes"
	secret
	truncate -s 4352M disk.raw # 4563402752 bytes
	printf 'the last sector ' | dd of=disk.raw bs=1 seek=4563398656 conv=notrunc status=none
	disk-encrypt --secret secret -s 4096 -j 8 --header-out h <disk.raw | tail -c 4096 >last
	key=$(volume_key h)
	tweak=$(ecb "${key:64}" "$(printf '%08x' $((4563398656 / 512)) | sed 's/\(..\)\(..\)\(..\)\(..\)/\4\3\2\1/')000000000000000000000000")
	same "$(xor "$tweak" "$(ecb "${key:0:64}" "$(xor "$tweak" "$(block disk.raw 4563398656)")")")" "$(block last 0)"
}

@test "brkt:E9 the size is known first: from stdin or --size, else 2; another size is 6, and readers refuse what was written" {
	secret
	raw disk.raw 1M
	PIPED=1 refuse 2 bash -c 'cat disk.raw | disk-encrypt --secret secret'
	says '--size'
	refuse 6 disk-encrypt --secret secret --size 1048064 <disk.raw
	says 'it holds 1048576 bytes, not the 1048064 announced'
	refuse 6 disk-encrypt --secret secret </dev/null --size 0
	refuse 6 disk-encrypt --secret secret <secret
	says 'no multiple of the sector size' '--pad'
	: >empty
	refuse 6 disk-encrypt --secret secret <empty
	says 'no input'
	for size in 1048064 1049088; do # one more comes, one fewer
		got=0
		cat disk.raw | disk-encrypt --secret secret --size $size >luks 2>err || got=$?
		same 6 $got
		grep -Eq 'stdin: (more than the 1048064 bytes announced|truncated: 1048576 of 1049088 bytes)' err
		PIPED=1 refuse 6 bash -c 'disk-decrypt --secret secret <luks >/dev/null'
		says 'disk-decrypt: stdin: truncated'
		same false "$(disk-info luks | jq .complete)"
	done
	for size in 100 1048575; do # ends in mid-sector
		got=0
		head -c $size disk.raw | disk-encrypt --secret secret --size 1M >luks 2>err || got=$?
		same "6 disk-encrypt: stdin: truncated: $size of 1048576 bytes" "$got $(cat err)"
	done
	same 1048576 "$(disk-encrypt --secret secret <disk.raw | metadata /dev/stdin | jq '.tokens["0"].data_size')"
}

@test "brkt:C6 brkt:E9 a failed or killed run leaves no secret; a secret overwrites nothing" {
	raw disk.raw 1M
	got=0
	head -c 1000 disk.raw | disk-encrypt --new-secret s --header-out h --size 1M >/dev/null 2>&1 || got=$?
	same 6 $got
	got=0
	disk-encrypt --new-secret s --header-out h <disk.raw >/dev/full 2>err || got=$?
	same '8 disk-encrypt: stdout: cannot write: No space left on device' "$got $(cat err)"
	for signal in TERM KILL; do
		mkfifo in
		disk-encrypt --new-secret s --header-out h --size 1M <in >out &
		exec 8>in
		head -c 700000 disk.raw >&8
		until [[ -s out ]]; do sleep 0.02; done # the header went out: it is at work
		kill -$signal $!
		got=0
		wait $! || got=$?
		same $((128 + $(kill -l $signal))) $got
		exec 8>&-
		rm in
	done
	same './disk.raw ./err ./out' "$(find . -type f | sort | paste -sd' ')"
	(umask 000 && disk-encrypt --new-secret s <disk.raw >luks)
	same 600 "$(stat -c %a s)" # brkt:X15
	before=$(sha256sum s)
	refuse 1 disk-encrypt --new-secret s <disk.raw
	same "$before" "$(sha256sum s)"
	refuse 3 disk-encrypt --new-secret no/such/s <disk.raw
}

@test "brkt:C5 the secret from a file that others cannot read, or to a descriptor" {
	raw disk.raw 512
	disk-encrypt --new-secret-fd 9 <disk.raw >luks 9>s
	chmod 600 s
	opens luks s
	head -c 31 s >short && chmod 600 short
	refuse 1 disk-encrypt --secret short <disk.raw
	says 'at least 32'
	chmod 644 s
	refuse 1 disk-encrypt --secret s <disk.raw
	says "chmod 600 's'"
	disk-encrypt --secret <(cat s) <disk.raw >luks
	refuse 3 disk-encrypt --secret none <disk.raw
	refuse 2 disk-encrypt <disk.raw
	refuse 2 disk-encrypt --secret s --new-secret t <disk.raw
	head -c 513 luks >long && chmod 600 long
	refuse 7 disk-encrypt --secret long <disk.raw
	refuse 2 disk-encrypt --secret s -s 1024 <disk.raw
	refuse 2 disk-encrypt --secret s -j 65 <disk.raw
}

@test "brkt:E6 a recovery passphrase gets slot 1, well stretched, from a file or asked for twice" {
	raw disk.raw 512
	secret
	(umask 077 && echo 'correct horse' >p && printf 'correct horse' >raw-p)
	refuse 2 disk-encrypt --secret secret --passphrase-file p <disk.raw
	disk-encrypt --secret secret --recovery --passphrase-file p <disk.raw >luks
	same 'pbkdf2 true' "$(metadata luks | jq -r '.keyslots["1"].kdf | [.type, .iterations >= 600000] | join(" ")')"
	same 1000 "$(metadata luks | jq -r '.keyslots["0"].kdf.iterations')"
	opens luks secret --key-slot 0
	opens luks raw-p --key-slot 1
	on_terminal $'pw one\npw one' sh -c 'disk-encrypt --secret secret --recovery <disk.raw >luks'
	same $'Recovery passphrase: \nReenter passphrase: \n0' "$screen$status"
	printf 'pw one' >raw-p
	opens luks raw-p --key-slot 1
	on_terminal $'one\ntwo' sh -c 'disk-encrypt --secret secret --recovery <disk.raw >luks'
	same 1 "$status"
	[[ $screen == *'Passphrases do not match'* ]]
}

@test "brkt:E7 the token in the header, and every way in which it can be wrong" {
	raw disk.raw 512
	secret
	key-gen --type p384 --no-passphrase >k.pem
	jwt=$(echo '{"jti":"a1"}' | jwt-mint --key k.pem)
	token "{\"jwt\":\"$jwt\",\"deadline\":60}"
	disk-encrypt --secret secret --token-json token.json <disk.raw >luks
	same "$(jq -c '. + {type: "brkt", keyslots: ["0"], v: 1, data_size: 512}' token.json)" "$(metadata luks | jq -c '.tokens["0"]')"
	cryptsetup luksDump luks | grep -Eq '^  0: brkt$'
	opens luks secret
	while IFS='|' read -r status more text; do
		token "$more"
		refuse "$status" disk-encrypt --secret secret --token-json token.json <disk.raw
		says "'token.json'" "$text"
	done <<-EOF
		6|{"key_id":"xyz"}|key_id: not 32
		6|{"key_id":"00112233445566778899AABBCCDDEEFF"}|key_id
		6|{"key_id":null}|key_id
		6|{"spk":"00"}|spk: not 64
		6|{"url":"ftp://x"}|url
		6|{"url":"https://x y"}|url
		6|{"url":5}|url
		7|{"url":"https://$(printf 'a%.0s' {1..2048})"}|url: longer than 2048
		6|{"jwt":"a.b"}|jwt: not a token
		7|{"jwt":"$(printf 'a%.0s' {1..4097})"}|jwt: longer than 4096
		6|{"keyslots":["1"]}|sets this itself
		6|{"type":"luks2-keyring"}|sets this itself
		6|{"data_size":5}|sets this itself
		1|{"v":2}|version 2
		7|{"note":"$(printf 'a%.0s' {1..9000})"}|longer than 8192
	EOF
	echo '{"url":"https://x"}' >token.json
	refuse 6 disk-encrypt --secret secret --token-json token.json <disk.raw
	echo '[]' >token.json
	refuse 6 disk-encrypt --secret secret --token-json token.json <disk.raw
	echo '{' >token.json
	refuse 6 disk-encrypt --secret secret --token-json token.json <disk.raw
	refuse 3 disk-encrypt --secret secret --token-json none <disk.raw
	token "{\"jwt\":\"$jwt\",\"note\":\"$(printf 'a%.0s' {1..7000})\"}" # nearly all the room there is
	disk-encrypt --secret secret --recovery --passphrase-fd 9 --token-json token.json <disk.raw 9< <(echo pw) >luks
	opens luks secret
	disk-decrypt --secret secret <luks | cmp - disk.raw
}

@test "brkt:C5 brkt:X10 brkt:X16 neither plaintext nor secret is in the image, an argument list, an environment or a message" {
	is_asan && skip "AddressSanitizer's leak checker needs to trace"
	canary='the canary sings in plain text'
	yes "$canary" | head -c 1M >disk.raw
	secret
	(umask 077 && echo 'recovery canary' >p)
	strace -f -v -s 4096 -e trace=execve,prctl,prlimit64,setrlimit -o trace \
		disk-encrypt -v --progress=plain --secret secret --recovery --passphrase-file p --status st <disk.raw >luks 2>err
	grep -q 'execve.*cryptsetup' trace
	key=$(volume_key luks)
	same 128 ${#key}
	for file in luks trace err st; do
		for bytes in 'canary sings' 'recovery canary' 'and 52 more bytes'; do
			same "$file 0" "$file $(grep -c -a -F "$bytes" "$file" || true)"
		done
		same "$file 0" "$file $(xxd -p "$file" | tr -d '\n' | grep -c "${key: -64}" || true)"
		same "$file 0" "$file $(grep -c -a -F "${key: -64}" "$file" || true)"
	done
	grep -q 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE' trace # brkt:E17
	grep -Eq 'RLIMIT_CORE, \{rlim_cur=0, rlim_max=0\}' trace
	same '' "$(cat err | grep -v '% complete' || true)" # brkt:T13 what cryptsetup warns of is not passed on
}

@test "brkt:E17 the volume key lies in memory that is locked and in no dump" {
	is_asan && skip "AddressSanitizer's leak checker needs to trace"
	raw disk.raw 512
	secret
	strace -e trace=mlock,mlock2,madvise -o trace disk-encrypt --secret secret <disk.raw >luks
	grep -Eq '^mlock2?\(' trace
	grep -q MADV_DONTDUMP trace
}

@test "brkt:E1 an ordinary user, without device mapper, /run/cryptsetup or a directory of programs for root in PATH" {
	[[ $(id -u) == 0 ]] || skip 'the whole suite runs as one'
	raw disk.raw 1M
	mkdir theirs
	chown 65534 theirs
	chmod 755 .
	same '600 65534' "$(cd theirs && PATH=$BIN:/usr/bin:/bin setpriv --reuid 65534 --clear-groups sh -c \
		'disk-encrypt --new-secret s <../disk.raw >luks && disk-decrypt --secret s <luks | cmp - ../disk.raw && stat -c "%a %u" s' 2>&1)"
}

@test "without cryptsetup: 3, with the package's name; a saved header needs none" {
	raw disk.raw 512
	disk-encrypt --new-secret s --header-out h <disk.raw >data
	if [[ $(id -u) == 0 ]] && unshare --mount true 2>/dev/null; then
		: >none
		unshare --mount sh -c 'mount --bind none "$(readlink -f "$(command -v cryptsetup)")" && disk-encrypt --secret s <disk.raw' 2>err >out && got=0 || got=$?
		same "3 $(wc -c <out)" "$got 0"
		grep -q 'package cryptsetup-bin' err
		unshare --mount sh -c 'mount --bind none "$(readlink -f "$(command -v cryptsetup)")" && disk-encrypt --secret s --header h <disk.raw' | cmp - data
	else
		skip 'no mount namespaces here'
	fi
}
