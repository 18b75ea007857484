#!/usr/bin/env bats
# The scenarios of the TUF project's client conformance suite, each under the suite's own name, against contrib/tuf-conformance/tuf-client
# (dtuf:S31, dtuf:S35 and what lies between). The suite itself is Python; here nginx serves what tests/tools/tufsim.c publishes, closes after each answer, and its
# log is the list of requests.
# asan: apart: every path of the client runs with it in tuf-refresh.bats and tuf-download.bats
# SPDX-License-Identifier: Apache-2.0
load lib
load web
load tuf
web_inside

setup_file() {
	web_start
	tuf_tool
	# the raw path names the file: %2F stays %2F, as the suite's server has it
	echo 'keepalive_timeout 0; location /t { rewrite ^ $request_uri break; }' >"$WEB/rules/example.com/raw.conf"
	web_reload
}

setup() {
	in_own_directory
	web_clean
	tuf_repository "$WEB/example.com/t%5B1%5D"
	unset TACKLE_TUF
	mkdir D T
}

client() { "$ROOT/contrib/tuf-conformance/tuf-client" "$@"; }
init() { client --metadata-dir D init "${1:-$REPO/root.json}"; }
refresh() { client --metadata-url http://example.com/t%5B1%5D/metadata/ --metadata-dir D refresh; }

download() {
	local names=() name
	for name; do
		names+=(--target-name "$name")
	done
	client --metadata-dir D --metadata-url http://example.com/t%5B1%5D/metadata/ "${names[@]}" --target-base-url http://example.com/t%5B1%5D/targets/ \
		--target-dir T download
}

# fails COMMAND...: with 1 and nothing else.
fails() {
	local status=0
	"$@" 2>failure || status=$?
	same 1 "$status"
}

trusted() { TACKLE_TUF=D trusts; }
version() { jq .signed.version "D/$1.json" 2>/dev/null || echo none; }
requests() { web_log | sed -n 's/.* GET [^ ]*\/\([^ ]*\) .*/\1/p' | paste -sd' '; }
metadata_requests() { web_log | grep /metadata/ | sed 's/.* GET [^ ]*\/\([^ ]*\) .*/\1/' | paste -sd' '; }
forget_requests() { : >"$WEB/log"; }
downloaded() { find T -type f -printf '%T@ %p\n' | sort | cut -d' ' -f2 | xargs -r cat; }

# at DAYS COMMAND...: the clock shows that many days later.
at() {
	local days=$1
	shift
	case $1 in
	refresh) faketime "$days days" "$ROOT/contrib/tuf-conformance/tuf-client" --metadata-url http://example.com/t%5B1%5D/metadata/ --metadata-dir D refresh ;;
	esac
}

# ---- test_basic ----

@test "test_basic_refresh_requests, test_basic_refresh_trusted_data dtuf:S16 dtuf:S33 dtuf:S15" {
	init
	refresh
	same "2.root.json timestamp.json 1.snapshot.json 1.targets.json" "$(requests)"
	same "root:1 snapshot:1 targets:1 timestamp:1" "$(trusted)"
	cmp D/root.json "$REPO/metadata/1.root.json"
	cmp D/timestamp.json "$REPO/metadata/timestamp.json"
	cmp D/snapshot.json "$REPO/metadata/1.snapshot.json"
	cmp D/targets.json "$REPO/metadata/1.targets.json"
	forget_requests
	refresh
	same "2.root.json timestamp.json" "$(requests)"
}

@test "test_implicit_refresh dtuf:S34" {
	init
	fails download "nonexistent artifact"
	same "2.root.json timestamp.json 1.snapshot.json 1.targets.json" "$(requests)"
	same "root:1 snapshot:1 targets:1 timestamp:1" "$(trusted)"
}

@test "test_invalid_initial_root, test_unsigned_initial_root dtuf:S3 dtuf:S32" {
	jq 'del(.signed.version)' "$REPO/root.json" >bad.json
	init bad.json || true
	fails refresh
	jq '.signatures[0].sig = "00"' "$REPO/root.json" >bad.json
	init bad.json || true
	fails refresh
	same "" "$(requests)"
}

@test "test_unsigned_metadata dtuf:S5 dtuf:S8 dtuf:S11" {
	while IFS='|' read -r role expected; do
		rm -rf D "$REPO"
		mkdir D
		"$TUFSIM" init "$REPO"
		signers "$role" nobody
		publish root targets snapshot timestamp
		init "$REPO/metadata/1.root.json"
		fails refresh
		same "$role $expected" "$role $(trusted)"
	done <<-'EOF2'
		root|root:1
		timestamp|root:2
		snapshot|root:2 timestamp:2
		targets|root:2 snapshot:2 timestamp:2
	EOF2
}

@test "test_url_and_metadata_version_mismatch dtuf:S5 dtuf:S11 dtuf:S13" {
	while IFS='|' read -r role expected; do
		rm -rf D "$REPO"
		mkdir D
		"$TUFSIM" init "$REPO"
		edit "$role" '.version += 1'
		publish root targets snapshot timestamp
		mv "$REPO/metadata/3.$role.json" "$REPO/metadata/2.$role.json"
		case $role in
		snapshot) edit timestamp '.meta["snapshot.json"].version = 2' && publish_as_is timestamp ;;
		targets) edit snapshot '.meta["targets.json"].version = 2' && publish_as_is snapshot ;;
		esac
		init "$REPO/metadata/1.root.json"
		fails refresh
		same "$role $expected" "$role $(trusted)"
	done <<-'EOF2'
		root|root:1
		snapshot|root:2 timestamp:2
		targets|root:2 snapshot:2 timestamp:2
	EOF2
}

@test "test_timestamp_content_changes dtuf:S8" {
	init
	refresh
	edit timestamp '.meta["snapshot.json"].version = 100'
	publish_as_is timestamp
	forget_requests
	refresh
	same "2.root.json timestamp.json" "$(requests)"
	same 1 "$(jq '.signed.meta["snapshot.json"].version' D/timestamp.json)"
}

@test "test_basic_metadata_hash_support dtuf:S11" {
	publish_hashed targets snapshot timestamp
	init
	refresh
	same "root:1 snapshot:2 targets:2 timestamp:2" "$(trusted)"
}

@test "test_targets_hash_mismatch, test_snapshot_hash_mismatch dtuf:S11 dtuf:S13 dtuf:A3" {
	publish_hashed targets snapshot timestamp
	init
	refresh
	publish_hashed targets
	edit snapshot '.meta["targets.json"].hashes.sha256 = "0" * 64'
	publish_hashed snapshot timestamp
	fails refresh
	same "3 2" "$(version snapshot) $(version targets)"
	publish_hashed targets snapshot
	edit timestamp '.meta["snapshot.json"].hashes.sha256 = "0" * 64'
	publish_hashed timestamp
	fails refresh
	same "3 4" "$(version snapshot) $(version timestamp)"
}

@test "test_metadata_bytes_match dtuf:S15" {
	init
	printf ' ' >>"$REPO/metadata/timestamp.json"
	refresh
	cmp D/timestamp.json "$REPO/metadata/timestamp.json"
}

@test "test_custom_fields, test_deprecated_keyid_hash_algorithms dtuf:S27 dtuf:K10" {
	init
	refresh
	edit root '."custom-field" = "value" | .roles.root."another-field" = "value" | .keys |= with_entries(.value."extra-field" = {a: 1, b: 2})'
	edit root '.keys |= with_entries(.value.keyid_hash_algorithms = "md5")'
	publish root snapshot timestamp
	refresh
	same "root:2 snapshot:2 targets:1 timestamp:2" "$(trusted)"
}

@test "test_snapshot_404, test_targets_404, test_timestamp_404 dtuf:S15" {
	init
	refresh
	edit timestamp '.meta["snapshot.json"].version += 1'
	publish timestamp
	fails refresh
	same 2.snapshot.json "$(requests | sed 's/.* //')"
	same "root:1 snapshot:1 targets:1 timestamp:2" "$(trusted)"
	edit snapshot '.meta["targets.json"].version += 1'
	publish snapshot timestamp
	fails refresh
	same 2.targets.json "$(requests | sed 's/.* //')"
	same "root:1 snapshot:2 targets:1 timestamp:3" "$(trusted)"
	rm "$REPO/metadata/timestamp.json"
	fails refresh
	same timestamp.json "$(requests | sed 's/.* //')"
}

@test "test_incorrect_metadata_type dtuf:A8" {
	init
	add_key root snapshot timestamp
	edit snapshot '.meta = {"snapshot.json": {version: 1}}'
	publish root snapshot
	mv "$REPO/metadata/2.snapshot.json" "$REPO/metadata/timestamp.json"
	fails refresh
	same root:2 "$(trusted)"
}

@test "test_faketime dtuf:S2" {
	init
	set_expiry root 7
	publish root
	refresh
	fails at 8 refresh
}

# ---- test_expiration ----

@test "test_root_expired dtuf:S6 dtuf:A4" {
	init
	refresh
	publish root
	refresh
	set_expiry root -1
	publish root targets snapshot timestamp
	forget_requests
	fails refresh
	same "root:3 snapshot:1 targets:1 timestamp:1" "$(trusted)"
	same "3.root.json 4.root.json" "$(requests)"
}

@test "test_timestamp_expired, test_snapshot_expired, test_targets_expired dtuf:S9 dtuf:S11 dtuf:A4" {
	while IFS='|' read -r role expected; do
		rm -rf D "$REPO"
		mkdir D
		"$TUFSIM" init "$REPO"
		init "$REPO/metadata/1.root.json"
		refresh
		set_expiry "$role" -5
		publish_all
		fails refresh
		grep -q "$role.*expired" failure
		same "$expected" "$(trusted)"
	done <<-'EOF2'
		timestamp|root:1 snapshot:1 targets:1 timestamp:1
		snapshot|root:1 snapshot:1 targets:1 timestamp:2
		targets|root:1 snapshot:2 targets:1 timestamp:2
	EOF2
}

@test "test_expired_local_root, test_expired_local_timestamp dtuf:S6 dtuf:S9" {
	is_asan && skip "faketime's library has to be loaded first, and so has the sanitiser's"
	init
	set_expiry root 7
	set_expiry timestamp 7
	publish root timestamp
	refresh
	set_expiry root 21
	set_expiry timestamp 21
	publish root targets snapshot timestamp
	at 18 refresh
	same "root:3 snapshot:2 targets:2 timestamp:3" "$(trusted)"
}

# ---- test_file_download ----

@test "test_client_downloads_expected_file, test_client_downloads_expected_file_in_sub_dir, test_artifact_cache dtuf:S24 dtuf:S25 dtuf:S34" {
	init
	printf 'target file contents' | target target_file.txt
	printf 'deeper' | target path/to/a/target_file.txt
	publish_all
	refresh
	same "" "$(downloaded)"
	download target_file.txt
	same "target file contents" "$(downloaded)"
	download path/to/a/target_file.txt
	same "target file contentsdeeper" "$(downloaded)"
	download target_file.txt path/to/a/target_file.txt
	same 2 "$(web_asked /targets/)"
	same "target_file.txt path/to/a/target_file.txt" "$(find T -type f -printf '%T@ %P\n' | sort | cut -d' ' -f2 | paste -sd' ')"
}

@test "test_repository_substitutes_target_file dtuf:S25" {
	init
	printf 'target file contents' | target target_file.txt
	printf content | target another_target_file.txt
	publish_all
	download target_file.txt
	for file in "$REPO"/targets/*; do
		printf 'malicious data - should not download' >"$file"
	done
	download target_file.txt || true
	same "target file contents" "$(downloaded)"
	fails download another_target_file.txt
	same "target file contents" "$(downloaded)"
	same 1 "$(find T -type f | wc -l)"
}

@test "test_multiple_changes_to_target dtuf:S25" {
	init
	printf 'target file contents' | target target_file.txt
	publish_all
	download target_file.txt
	for i in 0 5 10; do
		printf 'modified file contents %s' "$i" | target target_file.txt
		printf 'new file contents %s' "$i" | target "new-target-$i"
		publish_all
		download target_file.txt
		download "new-target-$i"
		same "modified file contents $i" "$(cat T/target_file.txt)"
		same "new file contents $i" "$(cat "T/new-target-$i")"
		printf 'malicious contents %s' "$i" >"$REPO/targets/$(sha256sum <T/target_file.txt | cut -d' ' -f1).target_file.txt"
		publish_all
		download target_file.txt || true
		same "modified file contents $i" "$(cat T/target_file.txt)"
	done
}

@test "test_download_with_hash_algorithms, test_download_with_unknown_hash_algorithm dtuf:S24" {
	init
	printf content | target t
	sha512=$(printf content | sha512sum | cut -d' ' -f1)
	edit targets '.targets.t.hashes = {sha512: $h}' --arg h "$sha512"
	printf content >"$REPO/targets/$sha512.t"
	publish_all
	download t
	same content "$(downloaded)"
	same "$sha512.t" "$(requests | sed 's/.* //')"
	rm T/t
	edit targets '.targets.t.hashes.sha256 = $h' --arg h "$(printf content | sha256sum | cut -d' ' -f1)"
	publish_all
	download t
	rm T/t
	edit targets '.targets.t.hashes.sha512 = "0" * 128'
	publish_all
	fails download t
	edit targets '.targets.t.hashes = {"unknown-hash": $h}' --arg h "$sha512"
	publish_all
	fails download t
	same "" "$(downloaded)"
}

# ---- test_keys ----

@test "test_snapshot_does_not_meet_threshold, test_snapshot_has_too_few_keys dtuf:S14" {
	edit root '.roles.snapshot.threshold = 3'
	add_key root snapshot s2
	add_key root snapshot s3
	publish root targets snapshot timestamp
	init
	refresh
	signers snapshot snapshot s2
	publish_all
	fails refresh
	same 2 "$(version snapshot)"
	edit root '.roles.snapshot.threshold = 6'
	signers snapshot snapshot s2 s3
	publish root snapshot timestamp
	fails refresh
	same "3 none" "$(version root) $(version snapshot | sed s/2/none/)"
}

@test "test_duplicate_keys, test_duplicate_sig_keyids dtuf:S14 dtuf:A6" {
	init
	meddle 1.snapshot.json '.signatures += .signatures'
	fails refresh
	same none "$(version snapshot)"
	for _ in 1 2 3 4 5 6 7 8 9; do
		add_key root snapshot again
	done
	edit root '.roles.snapshot.threshold = 6'
	signers snapshot snapshot again
	publish root snapshot timestamp
	fails refresh
	same none "$(version snapshot)"
	meddle 2.snapshot.json '.signatures += [.signatures[1]]'
	fails refresh
	same none "$(version snapshot)"
}

# An outside key of each type: openssl signs what jq -c makes of the body.
@test "test_keytype_and_scheme dtuf:K1 dtuf:R3" {
	while IFS='|' read -r keytype scheme generate sign; do
		rm -rf D "$REPO"
		mkdir D
		"$TUFSIM" init "$REPO"
		init "$REPO/metadata/1.root.json"
		# shellcheck disable=SC2086
		openssl genpkey $generate -out key.pem 2>/dev/null
		if [[ $keytype == ed25519 ]]; then
			public=$(openssl pkey -in key.pem -pubout -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n')
		else
			public=$(openssl pkey -in key.pem -pubout)$'\n'
		fi
		edit root '.keys.other = {keytype: $k, scheme: $s, keyval: {public: $p}} | .roles.root.keyids += ["other"] | .roles.root.threshold = 2' \
			--arg k "$keytype" --arg s "$scheme" --arg p "$public"
		publish root
		jq -cj .signed "$REPO/metadata/2.root.json" | sed 's/\\n/\n/g' >payload # a newline stands for itself in the canonical form
		# shellcheck disable=SC2086
		openssl $sign
		meddle 2.root.json ".signatures += [{keyid: \"other\", sig: \"$(od -An -v -tx1 sig | tr -d ' \n')\"}]"
		cp "$REPO/metadata/2.root.json" good
		meddle 2.root.json '.signatures[1].sig |= (.[:-8] + "00000000")'
		fails refresh
		same "$keytype 1" "$keytype $(version root)"
		cp good "$REPO/metadata/2.root.json"
		refresh
		same "$keytype 2" "$keytype $(version root)"
	done <<-'EOF2'
		ed25519|ed25519|-algorithm ed25519|pkeyutl -sign -rawin -inkey key.pem -in payload -out sig
		ecdsa|ecdsa-sha2-nistp256|-algorithm EC -pkeyopt ec_paramgen_curve:P-256|dgst -sha256 -sign key.pem -out sig payload
		rsa|rsassa-pss-sha256|-algorithm RSA -pkeyopt rsa_keygen_bits:2048|dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -sign key.pem -out sig payload
	EOF2
}

@test "test_invalid_sig_in_valid_metadata dtuf:S14" {
	init
	refresh
	add_key root timestamp t2
	publish root timestamp
	meddle timestamp.json '.signatures[0].sig |= ("00" + .[2:])'
	refresh
	publish timestamp
	meddle timestamp.json '.signatures[0].sig = ""'
	refresh
	same 3 "$(version timestamp)"
}

# ---- test_quoting_issues ----

@test "test_unusual_role_name dtuf:S17 dtuf:A9" {
	while read -r role name; do
		rm -rf D T "$REPO"
		mkdir D T
		"$TUFSIM" init "$REPO"
		delegate targets "$role" '{"paths": ["*"]}'
		publish "$role" targets snapshot timestamp
		init "$REPO/metadata/1.root.json"
		forget_requests
		fails download "nonexistent target"
		same "1.$name.json" "$(requests | sed 's/.* //')"
		same 5 "$(find D -name '*.json' | wc -l)"
		cmp "D/$name.json" "$REPO/metadata/1.$name.json"
	done <<-'EOF2'
		? %3F
		# %23
		/delegatedrole %2Fdelegatedrole
		../delegatedrole ..%2Fdelegatedrole
	EOF2
	same "" "$(find . -name 'delegatedrole*')"
}

# ---- test_rollback ----

@test "test_new_timestamp_version_rollback dtuf:S8 dtuf:A2" {
	init
	publish timestamp
	refresh
	edit timestamp '.version = 1'
	publish_as_is timestamp
	forget_requests
	fails refresh
	same 2 "$(version timestamp)"
	same "2.root.json timestamp.json" "$(requests)"
}

@test "test_snapshot_rollback, test_targets_rollback: basic and with hashes dtuf:S8 dtuf:S12 dtuf:A2" {
	for how in publish publish_hashed; do
		rm -rf D "$REPO"
		mkdir D
		"$TUFSIM" init "$REPO"
		init "$REPO/metadata/1.root.json"
		"$how" targets snapshot timestamp
		refresh
		edit snapshot '.version = 0'
		"$how" snapshot timestamp
		forget_requests
		fails refresh
		same "root:1 snapshot:2 targets:2 timestamp:2" "$(trusted)"
		same "2.root.json timestamp.json" "$(requests)"
		edit snapshot '.version = 2'
		edit targets '.version = 0'
		"$how" targets snapshot timestamp
		fails refresh
		same "2 2" "$(version snapshot) $(version targets)"
	done
}

@test "test_targets_role_removal dtuf:S12 dtuf:A2" {
	init
	delegate targets delegated '{"paths": ["delegatedpath/*"]}'
	publish delegated targets snapshot timestamp
	refresh
	edit snapshot 'del(.meta["delegated.json"])'
	publish snapshot timestamp
	fails refresh
	same 2 "$(version snapshot)"
}

@test "test_targets_fast_forward_recovery dtuf:S7" {
	init
	delegate targets delegated '{"paths": ["delegatedpath/*"]}'
	edit targets '.version = 99'
	publish delegated targets snapshot timestamp
	refresh
	same 100 "$(version targets)"
	rotate snapshot snapshot-new
	edit targets '.version = 0'
	edit snapshot 'del(.meta["delegated.json"])'
	publish root targets snapshot timestamp
	refresh
	same 1 "$(version targets)"
}

@test "test_new_snapshot_fast_forward_recovery dtuf:S7" {
	init
	edit snapshot '.version = 99'
	publish snapshot timestamp
	refresh
	same 100 "$(version snapshot)"
	rotate snapshot snapshot-new
	rotate timestamp timestamp-new
	edit snapshot '.version = 0'
	publish root targets snapshot timestamp
	refresh
	same 1 "$(version snapshot)"
}

@test "test_new_timestamp_fast_forward_recovery dtuf:S7" {
	init
	edit timestamp '.version = 99'
	publish timestamp
	refresh
	same 100 "$(version timestamp)"
	rotate timestamp timestamp-new
	edit timestamp '.version = 0'
	publish root timestamp
	refresh
	same 1 "$(version timestamp)"
}

# ---- test_static_repositories ----

@test "test_static_repository: one whose keys, dates and members are not as ours dtuf:S27 dtuf:K9" {
	# As sigstore's first roots: the key an uncompressed point in hex, the old keytype, fractions of seconds, spec_version 1.0
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem 2>/dev/null
	point=$(openssl pkey -in key.pem -pubout -outform DER | tail -c 65 | od -An -v -tx1 | tr -d ' \n')
	edit root '.spec_version = "1.0" | .expires |= sub("Z"; ".733402317Z") | .consistent_snapshot = false
		| .keys.old = {keyid_hash_algorithms: ["sha256", "sha512"], keytype: "ecdsa-sha2-nistp256", keyval: {public: $p}, scheme: "ecdsa-sha2-nistp256"}
		| .roles.root.keyids += ["old"] | .roles.root.threshold = 2 | ."x-tuf-on-ci-expiry-period" = 182' --arg p "$point"
	publish_as_is root
	jq -cj .signed "$REPO/metadata/1.root.json" | openssl dgst -sha256 -sign key.pem -out sig
	meddle 1.root.json ".signatures += [{keyid: \"old\", sig: \"$(od -An -v -tx1 sig | tr -d ' \n')\"}]"
	printf data | target dir/t
	mkdir -p "$REPO/targets/dir"
	printf data >"$REPO/targets/dir/t"
	publish_all
	for role in snapshot targets; do
		mv "$REPO/metadata/2.$role.json" "$REPO/metadata/$role.json"
	done
	init "$REPO/metadata/1.root.json"
	refresh
	download dir/t
	same data "$(downloaded)"
	same "2.root.json timestamp.json snapshot.json targets.json 2.root.json timestamp.json t" "$(requests)"
}

# ---- test_updater_delegation_graphs ----

# graph DELEGATION...: each `DELEGATOR ROLE [JSON]`, all paths unless it says so; publishes.
graph() {
	local delegation from to members roles=()
	for delegation; do
		read -r from to members <<<"$delegation"
		delegate "$from" "$to" "$(jq -cn --argjson m "${members:-{\}}" '{paths: ["*"]} + $m')"
		roles+=("$to" "$from")
	done
	mapfile -t roles < <(printf '%s\n' "${roles[@]}" | sort -u)
	publish "${roles[@]}" snapshot timestamp
}

@test "test_graph_traversal dtuf:S19 dtuf:A11" {
	local name expected delegations
	while IFS='|' read -r name expected delegations; do
		rm -rf D T "$REPO"
		mkdir D T
		"$TUFSIM" init "$REPO"
		init "$REPO/metadata/1.root.json"
		IFS=';' read -ra parts <<<"$delegations"
		graph "${parts[@]}"
		forget_requests
		fails download missingpath
		same "$name: $expected" "$name: $(requests | cut -d' ' -f5- | sed 's/1\.\([A-D]\)\.json/\1/g')"
	done <<-'EOF2'
		basic-delegation|A|targets A
		single-level-delegations|A B|targets A;targets B
		two-level-delegations|A B C|targets A;targets B;B C
		two-level-test-DFS-order-of-traversal|A C D B|targets A;targets B;A C;A D
		three-level-delegation-test-DFS-order-of-traversal|A C D B|targets A;targets B;A C;C D
		two-level-terminating-ignores-all-but-roles-descendants|A C|targets A;targets B;A C {"terminating":true};A D
		three-level-terminating-ignores-all-but-roles-descendants|A C D|targets A;targets B;A C {"terminating":true};C D
		two-level-ignores-all-branches-not-matching-paths|B|targets A {"paths":["*.py"]};targets B;A C
		three-level-ignores-all-branches-not-matching-paths|A B|targets A;targets B;A C {"paths":["*.py"]};C D
		cyclic-graph|A B C D|targets A;targets B;B C;C D;D B
		two-roles-delegating-to-a-third|A C B|targets A;targets B;B C;A C
		two-roles-delegating-to-a-third-different-paths|A B C|targets A;targets B;B C;A C {"paths":["*.py"]}
	EOF2
}

@test "test_targetfile_search dtuf:S19 dtuf:S20" {
	delegate targets A '{"paths": ["*.doc", "*.md", "foo-?.tgz"]}'
	delegate targets B '{"paths": ["releases/*/*"]}'
	delegate B C '{"paths": ["releases/x/*"]}'
	delegate B D '{"paths": ["releases/y/*.zip"]}'
	while read -r role path; do
		printf '%s by %s' "$path" "$role" | target "$path" "$role"
	done <<-'EOF2'
		targets targetfile
		A README.md
		A releases/README.md
		A foo-1.tgz
		A foo-alpha.tgz
		C releases/x/x_v1
		D releases/y/y_v1.zip
		D releases/z/z_v1.zip
	EOF2
	publish A B C D targets snapshot timestamp
	while IFS='|' read -r path found roles; do
		rm -rf D T
		mkdir D T
		init
		forget_requests
		if [[ $found == yes ]]; then
			download "$path"
			[[ $(downloaded) == "$path by "* ]]
		else
			fails download "$path"
		fi
		same "$path: $roles" "$path: $(metadata_requests | cut -d' ' -f5- | sed 's/1\.\([A-D]\)\.json/\1/g')"
	done <<-'EOF2'
		targetfile|yes|
		README.md|yes|A
		releases/x/x_v1|yes|B C
		releases/y/y_v1.zip|yes|B D
		releases/z/z_v1.zip|no|B
		releases/README.md|no|
		foo-1.tgz|yes|A
		foo-alpha.tgz|no|
		README.MD|no|
	EOF2
}

@test "test_cached_role_is_verified_against_current_delegator dtuf:S23 dtuf:A11" {
	delegate targets parent-a '{"paths": ["team-a/*"]}'
	delegate targets parent-b '{"paths": ["team-b/*"]}'
	delegate parent-a release '{"paths": ["team-a/*"]}'
	delegate parent-b release '{"paths": ["team-b/*"]}'
	signers release parent-a/release
	printf 'trusted A' | target team-a/trusted_root.json release
	printf 'malicious B' | target team-b/trusted_root.json release
	publish release parent-a parent-b targets snapshot timestamp
	init
	fails download team-a/trusted_root.json team-b/trusted_root.json
	same "trusted A" "$(downloaded)"
}

@test "test_delegation_not_in_snapshot dtuf:S22" {
	init
	delegate targets delegated '{"paths": ["delegatedpath/*"]}'
	publish delegated targets
	edit snapshot 'del(.meta["delegated.json"])'
	publish snapshot timestamp
	refresh
	forget_requests
	fails download delegatedpath/foo
	same none "$(version delegated)"
	same "2.root.json timestamp.json" "$(requests)"
}

# ---- test_updater_key_rotations ----

@test "test_root_rotation dtuf:S5 dtuf:A5" {
	local name versions v keys threshold sigs last
	while IFS='|' read -r name result versions; do
		rm -rf D "$REPO"
		mkdir D
		"$TUFSIM" init "$REPO"
		rm "$REPO/metadata/1.root.json"
		edit root '.version = 0'
		IFS=';' read -ra parts <<<"$versions"
		for v in "${parts[@]}"; do
			IFS=/ read -r keys threshold sigs <<<"$v"
			# shellcheck disable=SC2086  # lists of names
			rotate root $keys
			edit root '.roles.root.threshold = $t' --argjson t "$threshold"
			# shellcheck disable=SC2086
			signers root $sigs
			publish root
		done
		publish_all
		init "$REPO/metadata/1.root.json"
		last=${#parts[@]}
		if [[ $result == good ]]; then
			refresh
		else
			fails refresh
			last=$((last - 1))
		fi
		same "$name $last" "$name $(version root)"
		cmp "D/root.json" "$REPO/metadata/$last.root.json"
	done <<-'EOF2'
		1-of-1-key-rotation|good|1/1/1;2/1/2 1;2/1/2
		1-of-1-key-rotation-unused-signatures|good|1/1/3 1 4;2/1/3 2 1 4;2/1/3 2 4
		3-of-5-sign-with-different-keycombos|good|0 1 2 3 4/3/0 2 4;0 1 2 3 4/3/0 4 1;0 1 2 3 4/3/0 1 3;0 1 2 3 4/3/0 1 3
		3-of-5-one-key-rotated|good|0 1 2 3 4/3/0 2 4;0 1 3 4 5/3/0 4 1
		3-of-5-one-key-rotated-with-intermediate-step|good|0 1 2 3 4/3/0 2 4;0 1 3 4 5/3/0 2 4 5;0 1 3 4 5/3/0 4 5
		3-of-5-all-keys-rotated-with-intermediate-step|good|0 1 2 3 4/3/0 2 4;5 6 7 8 9/3/0 2 4 5 6 7;5 6 7 8 9/3/5 6 7
		1-of-3-threshold-increase-to-2-of-3|good|1 2 3/1/1;1 2 3/2/1 2
		2-of-3-threshold-decrease-to-1-of-3|good|1 2 3/2/1 2;1 2 3/1/1 2;1 2 3/1/1
		1-of-2-threshold-increase-to-2-of-2|good|1/1/1;1 2/2/1 2
		1-of-1-key-rotation-fail-not-signed-with-old-key|bad|1/1/1;2/1/2 3 4
		1-of-1-key-rotation-fail-not-signed-with-new-key|bad|1/1/1;2/1/1 3 4
		3-of-5-one-key-rotate-fails-not-signed-with-3-new-keys|bad|0 1 2 3 4/3/0 2 4;0 1 3 4 5/3/0 2 4
		3-of-5-one-key-rotate-fails-not-signed-with-3-old-keys|bad|0 1 2 3 4/3/0 2 4;0 1 3 4 5/3/0 4 5
		1-of-3-threshold-bump-to-2-of-3-fails-new-threshold-not-reached|bad|1 2 3/1/1;1 2 3/2/2
		2-of-3-threshold-decr-to-1-of-3-fails-old-threshold-not-eached|bad|1 2 3/2/1 2;1 2 3/1/1
	EOF2
}

@test "test_non_root_rotations dtuf:S14" {
	local name keys threshold sigs role
	while IFS='|' read -r name result keys threshold sigs; do
		rm -rf D "$REPO"
		mkdir D
		"$TUFSIM" init "$REPO"
		init "$REPO/metadata/1.root.json"
		for role in timestamp snapshot targets; do
			# shellcheck disable=SC2086
			rotate "$role" $keys
			edit root '.roles[$r].threshold = $t' --arg r "$role" --argjson t "$threshold"
			# shellcheck disable=SC2086
			signers "$role" $sigs
			publish root targets snapshot timestamp
			if [[ $result == good ]]; then
				refresh
				same "$name $(jq .version "$REPO/work/$role.json")" "$name $(version "$role")"
			else
				fails refresh
			fi
		done
	done <<-'EOF2'
		1-of-1-key-rotation|good|2|1|2
		1-of-1-key-rotation-unused-signatures|good|1|1|3 1 4
		1-of-1-key-rotation-fail-not-signed-with-new-key|bad|2|1|1 3 4
		3-of-5-one-key-signature-wrong-not-signed-with-3-expected-keys|bad|0 1 3 4 5|3|0 2 4
		2-of-5-one-key-signature-mising-threshold-not-reached|bad|0 1 3 4 5|3|0 4
		3-of-5-sign-first-combo|good|0 1 2 3 4|3|0 2 4
		3-of-5-sign-second-combo|good|0 1 2 3 4|3|0 4 1
		3-of-5-sign-third-combo|good|0 1 2 3 4|3|0 1 3
		3-of-5-sign-fourth-combo|good|0 1 2 3 4|3|1 2 3
		3-of-5-sign-fifth-combo|good|0 1 2 3 4|3|2 3 4
	EOF2
}

@test "the client ends with 0 or 1, whatever the command line dtuf:S31" {
	fails client
	fails client frobnicate
	fails client --metadata-dir
	fails client --metadata-dir D refresh
	fails client --metadata-dir D download
}
