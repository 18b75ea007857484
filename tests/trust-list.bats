#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load openpgp
setup_file() { openpgp_make; }
setup() { openpgp_enter; }

@test "no trust directory, no keys, nothing printed" {
	same "" "$(trust-list)"
}

@test "what is in force, with prefix and path; root keys without prefix" {
	trust example.com/app good.pub
	trust '' second.pub
	same "$good example.com/app"$'\n'"$second null" "$(trust-list | jq -r '"\(.fingerprint) \(.prefix)"')"
	same "$PWD/trust/trustedkeys/root.d/$second" "$(trust-list | jq -r 'select(.prefix == null).path')"
	same "$good"$'\n'"$second" "$(trust-list --format names)"
	same "$good	example.com/app	good <good@example.com>"$'\n'"$second	(every name)	second <second@example.com>" "$(trust-list --format table)"
}

@test "rkt:A-016 --name keeps the keys that would count" {
	trust example.com/app good.pub
	trust '' second.pub
	same "$good"$'\n'"$second" "$(trust-list --format names --name example.com/app/x)"
	same "$second" "$(trust-list --format names --name example.com/apple)"
}

@test "rkt:A-015 masked keys are listed with --all only" {
	TACKLE_TRUST=vendor trust example.com good.pub
	mkdir -p local/trustedkeys/prefix.d/example.com
	: >"local/trustedkeys/prefix.d/example.com/$good"
	same "" "$(trust-list --trust vendor --trust local)"
	same 'true null
null true' "$(trust-list --all --trust vendor --trust local | jq -r '"\(.masked) \(.masks)"')"
}

@test "rkt:A-014 a file that cannot count is listed with its problem and warned about" {
	trust example.com good.pub
	cp second.pub trust/trustedkeys/prefix.d/example.com/key
	echo junk >trust/trustedkeys/prefix.d/example.com/junk
	run --separate-stderr trust-list
	same 0 "$status"
	same '2' "$(jq -r 'select(.problem).problem' <<<"$output" | grep -cE 'fingerprint mismatch|neither armour')"
	[[ $stderr == *"example.com/key': not used: fingerprint mismatch"* ]]
}

@test "rkt:V-06 an unsafe directory is refused" {
	trust example.com good.pub
	chmod o+w trust/trustedkeys/prefix.d
	refuse 1 trust-list
}
