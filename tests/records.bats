#!/usr/bin/env bats
# The records themselves: share/schema says which members each kind has, tackle-records(5) explains every one, and what programs write
# keeps to it (tests/manual.bats holds the output of every example to the schemas, too).
# SPDX-License-Identifier: Apache-2.0
# asan: apart: every program that runs here has tests of its own there
load lib
setup() { in_own_directory; }

faults() {
	jq -nr --slurpfile schemas <(cat "$ROOT"/share/schema/*.json) -f "$ROOT/tests/schema.jq"
}

@test "a schema says its own kind, and the manual page explains every member" {
	page=$ROOT/man/tackle-records.5
	for schema in "$ROOT"/share/schema/*.json; do
		kind=$(basename "$schema" .json)
		same "$kind" "$(jq -r .properties.kind.const "$schema")"
		explained=$(sed -n "/^\.Ss $kind\$/,/^\.S[sh] /p; /^\.Ss Every kind\$/,/^\.S[sh] /p" "$page" | sed -n 's/^\.It Va //p' | tr -d ' ' | tr , '\n')
		for member in $(jq -r '.properties | keys[]' "$schema"); do
			grep -qx "$member" <<<"$explained" || { echo "tackle-records(5) does not explain $member of $kind" >&2; return 1; }
		done
	done
}

@test "the judge of records finds each sort of fault, and none in good records" {
	digest=sha256:$(printf 0%.0s {1..64})
	same "" "$(faults <<<"{\"kind\":\"blob\",\"blob\":{\"digest\":\"$digest\",\"size\":0},\"part\":1,\"of\":2}")"
	while IFS='|' read -r record fault; do
		same "$fault" "$(faults <<<"$record")"
	done <<-EOF
		{"a":1}|no schema for a record without kind
		{"kind":"other"}|no schema for a record other
		{"kind":"blob"}|blob: no member blob
		{"kind":"image","pinned":1}|image.pinned: not of type boolean
		{"kind":"image","transport":"ftp"}|image.transport: none of $(jq -c .properties.transport.enum "$ROOT/share/schema/image.json")
		{"kind":"image","endpoints":[{}]}|image.endpoints[0]: no member url
		{"kind":"image","labels":{"a":1}}|image.labels.a: not of type string
		{"kind":"image","digest":"md5:0"}|image.digest: does not match $(jq -r .properties.digest.pattern "$ROOT/share/schema/image.json")
		{"kind":"image","suprise":1}|image.suprise: not in the schema
		{"kind":"blob","blob":{"digest":"$digest","size":-1}}|blob.blob.size: less than 0
		{"kind":"error","status":256,"program":"a","message":"b"}|error.status: more than 255
	EOF
}

@test "what ref-parse and digest write, and every program's error record, keeps to its schema" {
	ref-parse --platform linux/arm/v7 a:1 sha512-ab ./f https://h/x docker://busybox@sha256:"$(printf 0%.0s {1..64})" oci:d:t oci-archive:f docker-archive:f dir:d >records
	digest "$ROOT/README.md" "$ROOT/LICENSE" >>records
	same 11 "$(grep -c . records)"
	for p in $(programs); do
		"$p" --no-such-option 2>/dev/null >>records || true
	done
	same "" "$(faults <records)"
}

# What programs act on is of its type, so that no check is skipped because the field it looks at is a number.
@test "a field of an image record that is of another type is 6 and named, in every program that reads one" {
	schema=$ROOT/share/schema/image.json
	digest=sha256:$(printf 0%.0s {1..64})
	good='{"kind":"image","blob":{"digest":"'$digest'"},"verified":[{"by":"digest","digest":"'$digest'"}]}'
	store-put /dev/null
	for field in $(jq -r '.properties | to_entries[] | select(.value.type or .value."$ref" or .key == "transport") | .key' "$schema"); do
		[[ $field != part && $field != of ]] || continue # of any record, read before
		for value in 1 null; do
			refuse 6 verify-sig < <(jq -c --arg f "$field" --argjson v "$value" '.[$f] = $v' <<<"$good")
			says "field '$field'"
		done
	done
	for program in 'unpack d' pod-prepare store-get store-add fetch-blob discover policy-check; do
		while IFS='|' read -r change field; do
			# shellcheck disable=SC2086  # a program and its operand
			refuse 6 $program < <(jq -c "$change" <<<"$good")
			says "field '$field'"
		done <<-'EOF'
			.id = 1|id
			.name = ["a"]|name
			.labels = {version: 1}|labels
			.verified = {}|verified
			.verified[0] = "yes"|verified[0]
			.verified[0].by = true|verified[0].by
			.insecure = [1]|insecure
			.blob = "x"|blob
		EOF
	done
	[ ! -e d ]
}
