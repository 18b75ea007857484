#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load fixture
load web
web_inside
setup_file() {
	web_start
	fixture_make
}
setup() {
	in_own_directory
	web_clean
	fixture_enter
	rm -rf "$TACKLE_STORE"
}

serve() { # serve HOST [NAME]: the good image and its signature
	cp image.aci "$WEB/$1/${2:-image}.aci"
	cp image.aci.asc "$WEB/$1/${2:-image}.aci.asc"
}

blobs() { # how many the store has
	find "$TACKLE_STORE/blobs" -type f 2>/dev/null | wc -l
}

asked() { # the paths asked for so far
	cut -d' ' -f3,4 "$WEB/log" | paste -sd' '
}

nothing_stored() {
	same 0 "$(blobs)"
	same '' "$(ls "$TACKLE_STORE/partial" 2>/dev/null)"
}

@test "rkt:A-020 rkt:A-025 an image and its signature by URL: record, blobs, and the seed's lines on stderr" {
	serve example.com
	run --separate-stderr fetch-blob < <(ref-parse https://example.com/image.aci)
	same 0 "$status"
	same $'Downloading aci: '"$(stat -c %s image.aci | awk '{printf "%.3g MB", $1 / 1e6}')"$'\nDownloading signature from https://example.com/image.aci.asc' "$stderr"
	jq -e --arg d "sha256:$(sha256sum <image.aci | cut -d' ' -f1)" --arg i "sha512-$(zcat image.aci | sha512sum | cut -d' ' -f1)" \
		--argjson s "$(stat -c %s image.aci)" '.blob == {"mediaType":"application/vnd.appc.image.aci","digest":$d,"size":$s} and .id == $i and
		.name == "example.com/hello" and .labels.version == "1.0.0" and .signature.mediaType == "application/pgp-signature" and
		.source.url == "https://example.com/image.aci" and (has("verified") | not)' <<<"$output"
	cmp image.aci "$TACKLE_STORE/blobs/sha256/$(sha256sum <image.aci | cut -d' ' -f1)"
	cmp image.aci.asc "$TACKLE_STORE/blobs/sha256/$(jq -r .signature.digest <<<"$output" | cut -d: -f2)"
	same '' "$(ls "$TACKLE_STORE/partial")"
	run --separate-stderr fetch-blob -q --pull-policy update < <(ref-parse https://example.com/image.aci)
	same "0 " "$status $stderr"
}
