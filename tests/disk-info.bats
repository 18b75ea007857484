#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load disk

setup() {
	in_own_directory
	raw disk.raw 64K
	secret
}

schema_faults() {
	jq -nr --slurpfile schemas <(cat "$ROOT"/share/schema/*.json) -f "$ROOT/tests/schema.jq"
}

@test "brkt:E15 everything that needs no key, and nothing of the token, a secret or a digest" {
	key-gen --type p384 --no-passphrase >k.pem
	jwt=$(echo '{"jti":"a1b2c3d4","sub":"canary"}' | jwt-mint --key k.pem)
	token "{\"jwt\":\"$jwt\"}"
	disk-encrypt --secret secret -s 4096 --token-json token.json <disk.raw >luks
	disk-info luks >record
	same "$(jq -nc --arg uuid "$(cryptsetup luksUUID luks)" --arg kid "$(key-pub k.pem | jwk - | jq -r .kid)" --arg spk "$(printf %064d 5)" '{
		cipher: "aes-xts-plain64", complete: true, data_offset: 1048576, data_size: 65536, faults: {}, format: "luks2", has_jwt: true,
		jti: "a1b2c3d4", key_id: "00112233445566778899aabbccddeeff", kid: $kid, kind: "disk", label: "brkt", sector_size: 4096,
		slots: [{hash: "sha256", iterations: 1000, kdf: "pbkdf2", slot: 0}], spk: $spk, url: "https://keys.example/v1",
		uuid: $uuid}')" "$(cat record)"
	same '' "$(schema_faults <record)"
	same "$(cat record)" "$(disk-info <luks)"
	same "$(jq -c 'del(.complete)' record)" "$(cat luks | disk-info -)"
	for hidden in "${jwt##*.}" "$(metadata luks | jq -r '.digests["0"].digest')" "$(metadata luks | jq -r '.keyslots["0"].kdf.salt')"; do
		same 0 "$(grep -cF -- "$hidden" record || true)"
	done
	same "$jwt" "$(disk-info --jwt luks)"
	same "$jwt" "$(disk-info --jwt <luks)"
}

@test "a header without a token, apart from its data, with two slots, or of cryptsetup's own" {
	(umask 077 && echo pw >p)
	disk-encrypt --secret secret --recovery --passphrase-file p --header-out h <disk.raw >data
	disk-info h >record
	same '' "$(schema_faults <record)"
	same '[0,65536,false,null,null,[0,1],[1000,600000]]' "$(jq -c '[.data_offset, .data_size, .has_jwt, .url, .complete,
		[.slots[].slot], [.slots[].iterations]]' record)"
	refuse 3 disk-info --jwt h
	truncate -s 18M theirs
	cryptsetup luksFormat --batch-mode --pbkdf argon2id --pbkdf-memory 32 --pbkdf-parallel 1 --pbkdf-force-iterations 4 --key-file secret theirs 2>/dev/null
	disk-info theirs >record
	same '' "$(schema_faults <record)"
	same '[16777216,null,null,"argon2id"]' "$(jq -c '[.data_offset, .data_size, .has_jwt, .slots[0].kdf]' record)"
	head -c 100 theirs >cut
	refuse 6 disk-info cut
	refuse 6 disk-info </dev/null
	says 'no input'
	refuse 3 disk-info none
	refuse 8 disk-info .
}

@test "brkt:E13 a damaged copy is told in the record, too; both damaged are 6" {
	disk-encrypt --secret secret <disk.raw >luks
	printf x | dd of=luks bs=1 seek=5000 conv=notrunc status=none
	same '{"primary":"a wrong checksum"}' "$(disk-info luks 2>err | jq -c .faults)"
	grep -q 'disk-info: warning: .luks.: the primary header is damaged (a wrong checksum); the secondary copy is used' err
	printf x | dd of=luks bs=1 seek=20000 conv=notrunc status=none
	refuse 6 disk-info luks
}

@test "brkt:X7 forged metadata under right checksums: huge numbers, missing members, deep nesting, a url of 12 KB, wrong types" {
	token
	disk-encrypt --secret secret --token-json token.json <disk.raw >luks
	while IFS='|' read -r status change; do
		cp luks forged
		reseal forged "$change"
		if [[ $status == 0 ]]; then
			disk-info forged | schema_faults >faults
			same '' "$(cat faults)"
		else
			refuse "$status" disk-info forged
		fi
	done <<-'EOF'
		7|.tokens["0"].url = "https://" + ("a" * 10900)
		6|.note = reduce range(100) as $i (0; [.])
		6|.tokens["0"].data_size = 1e300
		6|.tokens["0"].key_id = "00"
		6|.tokens["0"].jwt = "x"
		6|.tokens["0"].url = {}
		0|.tokens["0"].kid = {}
		0|.tokens["0"].key_id = null
		6|.tokens = 0
		6|.keyslots = null
		6|.keyslots["0"] = 5
		6|.keyslots["0"].type = 5
		6|del(.keyslots["0"].kdf)
		6|del(.keyslots["0"].af)
		6|del(.keyslots["0"].area)
		6|del(.digests)
		0|.digests = {}
		6|.digests["0"].type = 0
		6|del(.config)
		6|[]
		6|{}
	EOF
	cp luks forged # 10^5 levels, for which only a larger header has room, are in tests/unit/luks.c
	for copy in 0 16384; do
		printf '[%.0s' {1..12288} | dd of=forged bs=4096 seek=$((copy / 4096 + 1)) conv=notrunc status=none
		checksum forged $copy
	done
	refuse 6 disk-info forged
	says 'its metadata is no JSON object'
}
