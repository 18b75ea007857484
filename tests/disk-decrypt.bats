#!/usr/bin/env bats
# That encrypting and decrypting are the identity, tests/disk-encrypt.bats shows; here: what is refused, and disks of other makers.
# SPDX-License-Identifier: Apache-2.0
load lib
load disk
load terminal

setup() {
	in_own_directory
	raw disk.raw 600K
	secret
}

# damage FILE OFFSET: one byte becomes another.
damage() {
	printf "\\x$(printf %02x $((0x$(xxd -p -s "$2" -l 1 "$1") ^ 0xff)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

@test "brkt:E12 a wrong secret is 4, and no byte comes out" {
	disk-encrypt --secret secret <disk.raw >luks
	(umask 077 && head -c 64 disk.raw >other && head -c 63 secret >shorter)
	for wrong in other shorter; do
		refuse 4 disk-decrypt --secret $wrong <luks
		says 'opens none of 1 key slots'
	done
	refuse 2 disk-decrypt --secret secret --passphrase-file secret <luks
	PIPED=1 refuse 2 setsid disk-decrypt <luks
	says 'no terminal'
	chmod 640 secret
	refuse 1 disk-decrypt --secret secret <luks
	refuse 3 disk-decrypt --secret none <luks
}

@test "brkt:E6 the recovery passphrase from a file, a descriptor or the terminal" {
	(umask 077 && echo pw >p)
	disk-encrypt --secret secret --recovery --passphrase-file p <disk.raw >luks
	disk-decrypt --passphrase-file p <luks | cmp - disk.raw
	disk-decrypt --passphrase-fd 9 9<p <luks | cmp - disk.raw
	on_terminal pw sh -c 'disk-decrypt <luks >again'
	same $'Passphrase: \n0' "$screen$status"
	cmp again disk.raw
	(umask 077 && echo pv >p)
	refuse 4 disk-decrypt --passphrase-file p <luks
	says 'none of 2 key slots'
}

@test "brkt:E9 too few or too many bytes are 6; --whole takes what is there" {
	disk-encrypt --secret secret <disk.raw >luks
	whole=$((1048576 + 614400))
	for size in 0 100 4096 16384 32768 500000 1048575 1048576 1048577 $((whole - 512)) $((whole - 1)); do
		got=0
		head -c $size luks >cut
		disk-decrypt --secret secret <cut >out 2>err || got=$?
		same "$size 6 0" "$size $got $(stat -c %s out)" # of a file the size is known before anything goes out
		got=0
		cat cut | disk-decrypt --secret secret >out 2>err || got=$?
		same "$size 6" "$size $got"
		cmp -n "$(stat -c %s out)" out disk.raw
		[[ $(stat -c %s out) -lt 614400 ]]
	done
	head -c 1000448 luks >cut
	printf '%01024d' 0 >>luks
	refuse 6 disk-decrypt --secret secret <luks
	got=0
	cat luks | disk-decrypt --secret secret >out 2>err || got=$?
	same '6 disk-decrypt: stdin: more than the 614400 bytes announced' "$got $(cat err)"
	[[ $(stat -c %s out) -lt 614400 ]]
	disk-decrypt --secret secret --whole <luks | cmp -n 614400 - disk.raw
	same 615424 "$(cat luks | disk-decrypt --secret secret --whole | wc -c)"
	head -c $whole luks | disk-decrypt --secret secret --whole | cmp - disk.raw
	for size in 1048576 1048577 $((whole - 1)); do
		head -c $size luks >cut
		PIPED=1 refuse 6 sh -c 'disk-decrypt --secret secret --whole <cut >out'
		says truncated
		PIPED=1 refuse 6 sh -c 'cat cut | disk-decrypt --secret secret --whole >out'
		says truncated
	done
	PIPED=1 refuse 8 sh -c 'exec disk-decrypt --secret secret --whole <luks >/dev/full'
}

@test "brkt:E13 brkt:X7 a damaged primary or secondary header: the other is used, and told" {
	disk-encrypt --secret secret <disk.raw >luks
	for case in 0:primary 8:primary 300:primary 460:primary 5000:primary 16384:secondary 16400:secondary 20500:secondary; do
		cp luks damaged
		damage damaged "${case%:*}"
		disk-decrypt --secret secret <damaged 2>err | cmp - disk.raw
		grep -Eq "^disk-decrypt: warning: stdin: the ${case#*:} header is damaged \(.+\); the (primary|secondary) copy is used$" err
	done
	cp luks damaged
	dd if=/dev/zero of=damaged bs=16384 count=1 conv=notrunc status=none # as if a boot loader had written there
	disk-decrypt --secret secret <damaged 2>err | cmp - disk.raw
	cat damaged | disk-decrypt --secret secret 2>err | cmp - disk.raw
	damage damaged 20000
	refuse 6 disk-decrypt --secret secret <damaged
	says 'primary copy: no LUKS2 magic' 'secondary copy: a wrong checksum'
	cp luks damaged
	damage damaged 40000 # in the key slot
	refuse 4 disk-decrypt --secret secret <damaged
}

@test "brkt:E13 the copy with the higher sequence number counts" {
	disk-encrypt --secret secret <disk.raw >luks
	for copy in 0:secondary 16384:primary; do
		cp luks old
		printf '\0\0\0\0\0\0\0\1' | dd of=old bs=1 seek=$((${copy%:*} + 16)) conv=notrunc status=none
		checksum old "${copy%:*}"
		disk-decrypt --secret secret <old 2>err | cmp - disk.raw
		grep -q "header is older; the ${copy#*:} copy is used" err
	done
}

@test "brkt:E13 what is not supported is named and refused; what breaks the format is 6; a limit is 7" {
	disk-encrypt --secret secret <disk.raw >luks
	while IFS='|' read -r status change text; do
		cp luks forged
		reseal forged "$change"
		refuse "$status" disk-decrypt --secret secret <forged
		says "$text"
	done <<-'EOF'
		1|.segments["0"].encryption = "serpent-xts-plain64"|the cipher 'serpent-xts-plain64'
		1|.segments["0"].sector_size = 2048|sectors of 2048
		1|.segments["1"] = .segments["0"]|2 segments
		1|.config.requirements = {mandatory: ["online-reencrypt-v2"]}|'online-reencrypt-v2'
		1|.segments["0"].integrity = {}|integrity
		1|.segments["0"].type = "linear"|type 'linear'
		1|.segments["0"].size = "4096"|fixed size
		1|.segments["0"].iv_tweak = "1"|tweak
		1|del(.tokens["0"])|announces no size
		1|.tokens["0"].v = 2|version 2
		6|.tokens["1"] = .tokens["0"]|several tokens
		6|.tokens["0"].data_size = 0|data_size
		6|.tokens["0"].data_size = 4611686018427387904|data_size
		6|.tokens["0"].data_size = -1|data_size
		6|.tokens["0"].data_size = "614400"|data_size
		6|.tokens["0"].data_size = 614912|stdin: truncated
		6|del(.segments)|segments: missing
		6|.segments = []|'segments': not an object
		6|.segments["0"].offset = "4096"|inside the header
		6|.segments["0"].offset = "1048577"|inside the header
		6|.segments["0"].offset = "-1"|offset: not a number
		6|.segments["0"].offset = "99999999999999999999"|offset: not a number
		6|.segments["0"].offset = 1048576|'offset': not a string
		7|.segments["0"].offset = "67108864"|behind 33554432 bytes
		6|.config.json_size = "0"|json_size
		7|.config.keyslots_size = "999999999999"|keyslots_size
		6|.keyslots["0"].area.offset = "0"|outside the keyslots area
		6|.keyslots["0"].area.offset = "999999999999"|outside the keyslots area
		6|.keyslots["0"].area.size = "999999999999"|outside the keyslots area
		6|.keyslots["0"].area.size = "1"|too small
		6|.keyslots["0"].kdf.salt = "AA"|salt: not base64
		6|.keyslots["0"].kdf.salt = ("A" * 1000)|salt: not base64
		6|.keyslots["0"].kdf.iterations = 0|iterations
		6|.keyslots["0"].kdf.iterations = -1|iterations
		7|.keyslots["0"].kdf.iterations = 4000000000|iterations
		6|.keyslots["0"].key_size = "64"|key_size
		6|.keyslots["x"] = .keyslots["0"]|not a number below 32
		6|.keyslots["32"] = .keyslots["0"]|not a number below 32
		4|.keyslots["0"].kdf.type = "argon2id"|key derivation is not pbkdf2
		4|.keyslots["0"].kdf.hash = "whirlpool"|a hash other
		4|.keyslots["0"].af.stripes = 4000000000|4000 stripes
		4|.keyslots["0"].key_size = 32|has not 512 bits
		4|.digests["0"].keyslots = []|not for the data
		4|.digests["0"].segments = ["7"]|not for the data
		4|.digests["0"].digest = "AAAA"|opens none
		6|.digests["0"].digest = ""|digest: not base64
		4|.keyslots = {}|opens none of 0
	EOF
	cp luks forged # each slot within the limit, all together not: minutes of work
	reseal forged '.keyslots["0"].kdf.iterations = 19000000 | .keyslots["0"] as $slot | .keyslots = ([range(6) | {key: tostring, value: $slot}] | from_entries)'
	refuse 7 disk-decrypt --secret secret <forged
	says 'more than 100000000 in all'
	for change in .note .tokens[\"1\"].type; do # what is not known is let be
		cp luks forged
		reseal forged "$change = \"a/b\""
		disk-decrypt --secret secret <forged | cmp - disk.raw
	done
	printf 'LUKS\xba\xbe\0\1' | dd of=luks conv=notrunc status=none
	refuse 1 disk-decrypt --secret secret <luks
	says 'LUKS version 1'
	refuse 6 disk-decrypt --secret secret <disk.raw
	says 'no LUKS2 magic'
	refuse 6 disk-decrypt --secret secret </dev/null
	says 'no input'
}

@test "brkt:E7 a token whose slashes are escaped is read, too" {
	token
	disk-encrypt --secret secret --token-json token.json <disk.raw >luks
	metadata luks | grep -q 'https://keys.example/v1'
	text=$(metadata luks | sed 's|/|\\/|g')
	for copy in 0 16384; do
		printf %s "$text" | dd of=luks bs=4096 seek=$((copy / 4096 + 1)) conv=notrunc status=none
		checksum luks $copy
	done
	disk-decrypt --secret secret <luks | cmp - disk.raw
	same https://keys.example/v1 "$(disk-info luks | jq -r .url)"
}

@test "a volume that cryptsetup made, with the metadata sizes it likes, needs --whole" {
	truncate -s 18M theirs
	for options in '--sector-size 4096 --hash sha512' '--luks2-metadata-size 64k --luks2-keyslots-size 1m --offset 4096 --sector-size 512'; do
		# shellcheck disable=SC2086 # a list
		cryptsetup luksFormat --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 $options --key-file secret theirs 2>/dev/null
		refuse 1 disk-decrypt --secret secret <theirs
		says '--whole'
		disk-decrypt --secret secret --whole <theirs >out
		# encrypting that with their header gives their disk back, if only from the data on
		offset=$(disk-info theirs | jq .data_offset)
		same $((18 * 1048576 - offset)) "$(stat -c %s out)"
		dd if=/dev/zero of=theirs bs=16384 count=1 conv=notrunc status=none
		cat theirs | disk-decrypt --secret secret --whole 2>err | cmp - out
		grep -q 'the secondary copy is used' err
		truncate -s 0 theirs
		truncate -s 18M theirs
	done
	cryptsetup luksFormat --batch-mode --pbkdf argon2id --pbkdf-memory 32 --pbkdf-parallel 1 --pbkdf-force-iterations 4 --key-file secret theirs 2>/dev/null
	refuse 4 disk-decrypt --secret secret --whole <theirs
	says 'key slot 0 was not tried: its key derivation is not pbkdf2'
}
