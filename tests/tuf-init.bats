#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
setup() { in_own_directory; }

@test "dtuf:R1 dtuf:R9 dtuf:R10 dtuf:R22 version 1 of all roles, signed, listed with hashes, under the names clients ask for" {
	repository
	same "1.root:1:1 1.snapshot:1:1 1.targets:1:1 root:1:1 snapshot:1:1 targets:1:1 timestamp:1:1" "$(state)"
	for role in root targets snapshot timestamp; do
		verified "m/$role.json" "$role"
		same "$(jq -c . "m/$role.json")" "$(cat "m/$role.json")"
	done
	same "$(sha256sum <m/1.targets.json | cut -d' ' -f1) $(wc -c <m/1.targets.json) 1" \
		"$(jq -r '.signed.meta["targets.json"] | "\(.hashes.sha256) \(.length) \(.version)"' m/1.snapshot.json)"
	same "$(sha256sum <m/1.snapshot.json | cut -d' ' -f1) $(wc -c <m/1.snapshot.json) 1" \
		"$(jq -r '.signed.meta["snapshot.json"] | "\(.hashes.sha256) \(.length) \(.version)"' m/timestamp.json)"
	same '["targets.json"]' "$(jq -c '.signed.meta | keys' m/snapshot.json)"
	same '[true,"1.0.34"]' "$(jq -c '[.signed.consistent_snapshot, .signed.spec_version]' m/root.json)"
}

@test "dtuf:R22 written canonical or indented, with one newline at the end; signatures and keyids that were there stay" {
	indented() { cmp <(jq . "$1") "$1"; }
	repository --indent
	keys new
	jq -c '.signatures += [{keyid: "an opaque label", sig: ""}] | .signed.custom = {"é\n\"": [[], {}, [1, -2]], b: "{[,:"}' m/targets.json >draft
	tuf-payload draft | tuf-sign --key targets.pem | tuf-addsig --role targets --delegator m/root.json draft
	cmp <(jq -c . draft) draft
	before=$(jq -c .signatures draft)
	tuf-payload draft >p
	tuf-sign --key targets.pem p | tuf-addsig --indent --role targets --delegator m/root.json draft
	indented draft
	same "$before" "$(jq -c .signatures draft)"
	tuf-payload draft | cmp p
	tuf-add --indent --key targets.pem m/targets.json <<<'{"path":"1","length":0,"hashes":{"sha256":"00"}}'
	tuf-delegate --indent --path x --add-key new.pub --key targets.pem --key new.pem m/targets.json team
	tuf-del --indent --key targets.pem m/targets.json 1
	tuf-root --indent --add-key root=new.pub --key root.pem --key new.pem m/root.json
	tuf-snapshot --indent --key snapshot.pem m
	tuf-timestamp --indent --key timestamp.pem m
	for file in m/*.json; do indented "$file"; done
	tuf-push m file:f
	tuf-refresh -q --tuf trusted --root root.pub --repo file:f >/dev/null
	cmp m/2.root.json trusted/root.json
}

@test "dtuf:D61 dtuf:R16 lifetimes: a year, three months, a week, a day, or what was asked for" {
	repository
	is_about "$(jq -r .signed.expires m/root.json)" 31556900
	is_about "$(jq -r .signed.expires m/targets.json)" 7889230
	is_about "$(jq -r .signed.expires m/snapshot.json)" 604800
	is_about "$(jq -r .signed.expires m/timestamp.json)" 86400
	rm -r m ./*.pem ./*.pub
	repository --lifetime root=2w --lifetime 'targets=1w 2d' --lifetime snapshot=4:13:02 --lifetime timestamp=90
	is_about "$(jq -r .signed.expires m/root.json)" 1209600
	is_about "$(jq -r .signed.expires m/targets.json)" 777600
	is_about "$(jq -r .signed.expires m/snapshot.json)" 15182
	is_about "$(jq -r .signed.expires m/timestamp.json)" 90
}

@test "dtuf:R1 dtuf:R2 without private keys all four wait, and are signed one by one, in any order" {
	keys root1 root2 root3 a b c
	tuf-init --add-key root=root1.pub --add-key root=root2.pub --add-key root=root3.pub --threshold root=2 --add-key targets=a.pub \
		--add-key snapshot=b.pub --add-key timestamp=c.pub m
	same "root:1:0 snapshot:1:0 targets:1:0 timestamp:1:0" "$(state)"
	same '{"targets.json":{"version":1}}' "$(jq -c .signed.meta m/snapshot.json)"
	tuf-payload m/root.json | tuf-sign --key root3.pem | tuf-addsig m/root.json
	[ ! -e m/1.root.json ]
	tuf-payload m/root.json | tuf-sign --key root1.pem | tuf-addsig m/root.json
	[ -e m/1.root.json ]
	verified m/1.root.json root1
	verified m/1.root.json root3
	refuse 1 tuf-snapshot --key b.pem m
	says "targets: threshold not met"
	tuf-payload m/targets.json | tuf-sign --key a.pem | tuf-addsig m/targets.json
	tuf-snapshot --key b.pem m
	tuf-timestamp --key c.pem m
	same "1.root:1:2 1.snapshot:1:1 1.targets:1:1 root:1:2 snapshot:1:1 targets:1:1 timestamp:1:1" "$(state)"
}

@test "dtuf:R9 consistent snapshots can be turned off: then only the root has numbers" {
	repository --consistent-snapshot no
	same "1.root:1:1 root:1:1 snapshot:1:1 targets:1:1 timestamp:1:1" "$(state)"
	same false "$(jq .signed.consistent_snapshot m/root.json)"
}

@test "what cannot be: keys that are missing, unlisted or strange, metadata that is there" {
	keys root targets snapshot timestamp other
	all=(--add-key root=root.pub --add-key targets=targets.pub --add-key snapshot=snapshot.pub --add-key timestamp=timestamp.pub)
	refuse 1 tuf-init --add-key root=root.pub m
	says 'nobody could sign it'
	refuse 1 tuf-init "${all[@]}" --threshold targets=2 m
	refuse 1 tuf-init "${all[@]}" --key other.pem m
	says "'other.pem': this key may not sign here"
	same "" "$(ls m)"
	refuse 2 tuf-init "${all[@]}" --threshold targets=0 m
	refuse 2 tuf-init "${all[@]}" --add-key mirrors=other.pub m
	refuse 2 tuf-init "${all[@]}" --lifetime root=never m
	refuse 3 tuf-init "${all[@]}" --add-key root=missing.pub m
	refuse 6 tuf-init "${all[@]}" --add-key root=/dev/null m
	tuf-init "${all[@]}" m
	before=$(sums)
	refuse 1 tuf-init "${all[@]}" m
	says 'is there already'
	same "$before" "$(sums)"
	tuf-init --force "${all[@]}" --add-key root=other.pub m
	same 2 "$(jq '.signed.roles.root.keyids | length' m/root.json)"
}
