# Disks to encrypt, and cryptsetup(8) as the second opinion.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
PATH=$PATH:/usr/sbin

# raw FILE BYTES: a disk whose every sector differs from the others, and the same each time.
raw() {
	openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 00 </dev/zero 2>/dev/null | head -c "$2" >"$1"
}

# A secret of 64 bytes in the file `secret`, among them ones that end lines and strings.
secret() {
	(umask 077 && printf 'line\nNUL\0and 52 more bytes: %036d' 7 >secret)
	same 64 "$(wc -c <secret)"
}

# token JSON-MEMBERS: a token for --token-json in the file token.json.
token() {
	jq -c --argjson more "${1:-{\}}" '. + $more' \
		<<<'{"url":"https://keys.example/v1","key_id":"00112233445566778899aabbccddeeff","spk":"'"$(printf '%064d' 5)"'"}' >token.json
}

# LUKS metadata of FILE's primary copy.
metadata() {
	dd if="$1" bs=4096 skip=1 count=3 status=none | tr -d '\0'
}

# reseal FILE JQ-PROGRAM: changes the metadata in both copies and makes their checksums right again: what a clever forger writes.
reseal() {
	local copy text
	text=$(metadata "$1" | jq -c "$2")
	for copy in 0 16384; do
		dd if=/dev/zero of="$1" bs=4096 seek=$((copy / 4096 + 1)) count=3 conv=notrunc status=none
		printf %s "$text" | dd of="$1" bs=4096 seek=$((copy / 4096 + 1)) conv=notrunc status=none
		checksum "$1" "$copy"
	done
}

# checksum FILE OFFSET: makes the checksum of the copy there right.
checksum() {
	local at=$(($2 + 448))
	dd if=/dev/zero of="$1" bs=1 seek=$at count=64 conv=notrunc status=none
	dd if="$1" bs=4096 skip=$(($2 / 4096)) count=4 status=none | openssl dgst -sha256 -binary | dd of="$1" bs=1 seek=$at conv=notrunc status=none
}
