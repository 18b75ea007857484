#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load openpgp
setup_file() { openpgp_make; }
setup() { openpgp_enter; }

@test "rkt:F-13 a key that is removed is not trusted from then on; removing it again is 3" {
	trust example.com/app good.pub
	record example.com/app data good.sig >in
	verify-sig <in >/dev/null
	same "$good example.com/app" "$(trust-rm --prefix example.com/app "$good" | jq -r '"\(.fingerprint) \(.prefix)"')"
	same "" "$(trust-list)$(find trust -type f)"
	refuse 1 verify-sig <in
	refuse 3 trust-rm --prefix example.com/app "$good"
	says 'not trusted'
}

@test "it goes from the one prefix only, and --root from root.d" {
	trust a good.pub
	trust b good.pub
	trust '' good.pub
	trust-rm --prefix a "$good" >/dev/null
	same 'b null' "$(trust-list | jq -r .prefix | paste -sd' ')"
	trust-rm --root "$good" >/dev/null
	same 'b' "$(trust-list | jq -r .prefix)"
}

@test "rkt:A-015 a key of an earlier directory is masked, not touched" {
	TACKLE_TRUST=vendor trust example.com good.pub
	trust-rm --trust vendor --trust local --prefix example.com "$good" >/dev/null
	cmp good.pub "vendor/trustedkeys/prefix.d/example.com/$good"
	same 0 "$(stat -c %s "local/trustedkeys/prefix.d/example.com/$good")"
	same "" "$(trust-list --trust vendor --trust local)"
	refuse 3 trust-rm --trust vendor --trust local --prefix example.com "$good"
}

@test "a key in both directories does not come back from the earlier one" {
	TACKLE_TRUST=vendor trust example.com good.pub
	TACKLE_TRUST=local trust example.com good.pub
	trust-rm --trust vendor --trust local --prefix example.com "$good" >/dev/null
	same "" "$(trust-list --trust vendor --trust local)"
}

@test "--mask leaves an empty file" {
	trust example.com good.pub
	trust-rm --mask --prefix example.com "$good" >/dev/null
	same 0 "$(stat -c %s "trust/trustedkeys/prefix.d/example.com/$good")"
}

@test "a fingerprint may be given as people copy it, and is nothing else" {
	trust example.com good.pub
	for f in '' x "${good:1}" "../$good" "$good/.."; do
		refuse 2 trust-rm --prefix example.com "$f"
	done
	refuse 2 trust-rm "$good"
	trust-rm --prefix example.com "$(sed 's/..../& /g' <<<"${good^^}")" >/dev/null
}
