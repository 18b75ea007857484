#!/usr/bin/env bats
# What is stored as verified stays so only while its key is trusted for its name, for every program that reads the store.
# SPDX-License-Identifier: Apache-2.0
load lib
load fixture
setup_file() { fixture_make; }
setup() {
	in_own_directory
	fixture_enter
}

# An image that depends on the signed one of the fixture, its record verified by digest.
dependant() {
	jq -c '.name = "example.com/app" | .dependencies = [{imageName: "example.com/hello"}]' manifest >app.json
	mkdir -p approot
	aci-build --manifest app.json -o app.aci approot >/dev/null
	store-put app.aci | jq -c '. + {verified: [{by: "digest", digest: .blob.digest}]}'
}

@test "rkt:F-13 a dependency whose key was removed no longer counts as verified, until the key is back" {
	dependant >app
	unpack before <app >/dev/null
	[[ -e before/bin ]]
	trust-rm --prefix example.com "$FINGERPRINT" >/dev/null
	same '[]' "$(store-list example.com/hello | jq -c '.verified // []')"
	refuse 1 unpack after <app
	says "example.com/hello" "not verified"
	refuse 1 pod-prepare <app
	says "example.com/hello" "not verified"
	[[ ! -e after ]]
	trust-add --prefix example.com key.asc >/dev/null
	unpack after <app >/dev/null
}

@test "rkt:F-13 what fetch-blob takes from the store counts no longer as verified when the key was removed" {
	echo '{"kind":"image","name":"example.com/hello"}' >asked
	fetch-blob <asked | unpack before >/dev/null
	trust-rm --prefix example.com "$FINGERPRINT" >/dev/null
	fetch-blob <asked >found
	same '[]' "$(jq -c .verified found)"
	refuse 1 unpack after <found
	says "not verified"
	fetch-blob --trust elsewhere <asked | jq -e '.verified == []'
}

@test "rkt:F-13 rkt:A-024 verify-sig --allow-untrusted leaves no entry of a key that was trusted once" {
	store-list example.com/hello | jq -c '.verified += [{by: "digest", digest: "sha256:1"}]' >verified
	jq -e '.verified | length == 2' verified
	trust-rm --prefix example.com "$FINGERPRINT" >/dev/null
	verify-sig --allow-untrusted <verified >passed
	same '[{"by":"digest","digest":"sha256:1"}] ["image"]' "$(jq -rc '"\(.verified) \(.insecure)"' passed)"
	refuse 1 unpack after <passed
	says "not verified"
	refuse 1 pod-prepare <passed
}

@test "rkt:F-13 rkt:F-12 a pod manifest names images by id: one whose key was removed is refused" {
	id=$(store-list example.com/hello | jq -r .id)
	jq -cn --arg id "$id" '{acKind: "PodManifest", acVersion: "0.8.11", apps: [{name: "hello", image: {id: $id}}]}' >pod.json
	pod-prepare --pod-manifest pod.json >/dev/null
	trust-rm --prefix example.com "$FINGERPRINT" >/dev/null
	refuse 1 pod-prepare --pod-manifest pod.json
	says "not verified"
}
