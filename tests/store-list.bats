#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load images
load fixture
setup_file() { fixture_make; }
setup() { in_own_directory; }

@test "every image once, sorted by id, or those that fit the operands" {
	store-put /dev/null
	same "" "$(store-list)"
	for v in 1 2; do add_image example.com/a $v; done >added
	add_image example.com/b 1 >>added
	same "$(jq -r .id added | sort)" "$(store-list | jq -r .id)"
	same '1 3 2 3 3 3' "$(store-list | jq -r '"\(.part) \(.of)"' | paste -sd' ')"
	same 'example.com/a:2 example.com/a:1' "$(store-list --format names example.com/a | paste -sd' ')"
	same example.com/a:1 "$(store-list --format names example.com/a:1)"
	same 3 "$(store-list example.com/b example.com/a example.com/a:1 | wc -l)"
	refuse 3 store-list example.com/a example.com/c
	refuse 3 store-list --store nowhere
}

@test "rkt:F-18 the table" {
	SOURCE_DATE_EPOCH=1000000000 add_image example.com/a 1.0 >record
	id=$(jq -r .id record)
	touch -d @1100000000 "$TACKLE_STORE"/images/*.json
	same "ID                                       NAME               SIZE     IMPORT TIME           LAST USED
${id:0:39}  example.com/a:1.0  10.2 kB  2001-09-09T01:46:40Z  2004-11-09T11:33:20Z" "$(store-list --format table)"
	same "$id" "$(store-list --format table --full | sed 1d | cut -d' ' -f1)"
	printf x | store-put | jq -c '.kind = "image"' | store-add >/dev/null
	same 2 "$(store-list --format table | sed 1d | grep -c .)"
	store-list --format table | grep -q '^sha256:[0-9a-f]*  -  '
}

@test "rkt:W-05 control bytes and newlines in labels are shown escaped, and -0 gives them as they are" {
	version=$'1\e[31m\n2'
	add_image example.com/a "$version" >/dev/null
	same 2 "$(store-list --format table | wc -l)"
	store-list --format table | grep -qF 'example.com/a:1\x1b[31m\n2'
	same 'example.com/a:1\x1b[31m\n2' "$(store-list --format names)"
	cmp <(printf 'example.com/a:%s\0' "$version") <(store-list -0)
}

@test "index.json shows every image when the list ends" {
	add_image example.com/a 1 >/dev/null
	sed 's/$/ /' "$TACKLE_STORE/index.json" >/dev/null
	echo '{"manifests":[],"schemaVersion":2}' >"$TACKLE_STORE/index.json"
	ls "$TACKLE_STORE/images" | sed 's/.json//' >"$TACKLE_STORE/pending"
	store-list >/dev/null
	same example.com/a:1 "$(umoci ls --layout "$TACKLE_STORE")"
	[ ! -e "$TACKLE_STORE/pending" ]
}

@test "a damaged record is 6, a misnamed one answers for no other image" {
	add_image example.com/a 1 >record
	file=$(echo "$TACKLE_STORE"/images/*.json)
	cp "$file" "$TACKLE_STORE/images/$(printf 0%.0s {1..128}).json"
	got=0
	store-list >out 2>err || got=$?
	same 6 "$got"
	grep -q "^store-list: '.*/images/000.*another image" err
	same 'image error' "$(jq -r .kind out | paste -sd' ')" # law 5: whoever reads the list ends with 6, too
	same 6 "$(store-list 2>/dev/null | policy-check --policy require-signed >/dev/null 2>&1 || echo $?)"
	rm "$TACKLE_STORE/images/$(printf 0%.0s {1..128}).json"
	for damage in 'echo {' 'head -c 17000000 /dev/zero'; do
		$damage >"$file"
		refuse 6 store-list
		says "$file"
	done
	for other in 'ln -s /etc/passwd' mkfifo mkdir; do
		rm "$file"
		$other "$file"
		refuse 6 store-list
		says "$file" "not a regular file"
	done
}

@test "one damaged record hides no other, in no format" {
	for v in 1 2 3; do add_image example.com/a $v; done >added
	echo x >"$TACKLE_STORE/images/$(jq -r 'select(.labels.version == "2").id[7:]' added).json"
	for format in names table; do
		got=0
		store-list --format $format >out 2>err || got=$?
		same 6 "$got"
		same 'example.com/a:1 example.com/a:3' "$(grep -o 'example.com/a:.' out | sort | paste -sd' ')"
		same 1 "$(grep -c "images/.*json'" err)"
	done
}

@test "a list writes nothing where index.json is right, so that a store that may only be read will do" {
	is_asan && skip "strace and the leak checker exclude each other"
	add_image example.com/a 1 >/dev/null
	store-list >/dev/null
	strace -f -o trace store-list >/dev/null 2>&1 || true
	run ! grep -E 'O_WRONLY|O_RDWR|O_CREAT|renameat|unlinkat' <(grep -F "$TACKLE_STORE" trace)
}

verified_by() {
	store-list "$@" 2>/dev/null | jq -c '[.verified[]?.by]'
}

@test "rkt:F-13 a verified entry goes with its key, and --reverify judges the bytes again" {
	fixture_enter
	[ -e "$TACKLE_STORE" ] || store-put --signature image.aci.asc image.aci | verify-sig | store-add >/dev/null
	same '["openpgp"]' "$(verified_by)"
	same '["openpgp"]' "$(verified_by --reverify)"
	same '["openpgp"]' "$(verified_by --trust "$TACKLE_TRUST")"
	same '[]' "$(verified_by --trust /nowhere)"
	same '[]' "$(TACKLE_TRUST=/nowhere store-get --record example.com/hello | jq -c .verified)"
	# a key of a sibling's prefix does not count (rkt:A-016)
	mkdir sibling
	TACKLE_TRUST=$PWD/sibling fixture_trust example.com/hel key.asc "$FINGERPRINT"
	same '[]' "$(verified_by --trust sibling)"
	# the record claims what the bytes do not bear out
	signature=$(blob_path "$(store-list | jq -r .signature.digest)")
	fixture_key other 'Other <other@example.com>' >/dev/null
	cp image.aci x
	fixture_sign x "$PWD/other"
	store-list | jq -c --argjson s "$(store-put x.asc | jq -c .blob)" '.signature = $s' | store-add >/dev/null
	same '["openpgp"]' "$(verified_by)"
	same '[]' "$(verified_by --reverify)"
	store-list --reverify 2>&1 >/dev/null | grep -q '^store-list: warning: listed as unverified: '
	[ -e "$signature" ]
}

@test "rkt:V-06 a trust directory that others may write is refused" {
	fixture_enter
	store-put /dev/null
	chmod 777 "$TACKLE_TRUST"
	refuse 1 store-list
}

@test "rkt:W-08 a full stdout is 8" {
	add_image example.com/a 1 >/dev/null
	for format in records table names; do
		got=0
		store-list --format $format >/dev/full 2>/dev/null || got=$?
		same 8 "$got"
	done
}
