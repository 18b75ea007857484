#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load fixture
load web
web_inside
setup_file() {
	web_start
	web_hostile
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
	web_log | cut -d' ' -f3,4 | paste -sd' '
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

H=http://127.0.0.1:8080
plain=(--allow-http --no-signature) # what the server at $H needs

@test "rkt:A-025 the signature's other name is tried on 404 only, and an absent one is no failure" {
	serve example.com
	mv "$WEB/example.com/image.aci.asc" "$WEB/example.com/image.sig"
	ref-parse https://example.com/image.aci | fetch-blob -q | jq -e .signature.digest
	same '/image.aci 200 /image.aci.asc 404 /image.sig 200' "$(asked)"
	rm "$WEB/example.com/image.sig" && web_clean && serve example.com && rm "$WEB/example.com/image.aci.asc"
	ref-parse https://example.com/image.aci | fetch-blob -q | jq -e 'has("signature") | not'
	same '/image.aci 200 /image.aci.asc 404 /image.sig 404' "$(asked)"
	rm -rf "$TACKLE_STORE"
	web_rules example.com 'location = /image.aci.asc { return 403; }'
	refuse 4 fetch-blob < <(ref-parse https://example.com/image.aci)
	says "bad HTTP status code: 403"
	nothing_stored
}

@test "rkt:F-16 --no-signature asks for none, warns, and is recorded" {
	serve example.com
	run --separate-stderr fetch-blob -q --no-signature < <(ref-parse https://example.com/image.aci)
	same "fetch-blob: warning: signature verification has been disabled" "$stderr"
	jq -e '.insecure == ["image"] and (has("signature") | not)' <<<"$output"
	same '/image.aci 200' "$(asked)"
}

@test "rkt:F-14 a local file: its signature beside it, by --signature, or none" {
	ref-parse ./image.aci | fetch-blob >r 2>err
	same '' "$(cat err)"
	jq -e '.signature.size > 0' r
	mv image.aci.asc elsewhere
	ref-parse ./image.aci | fetch-blob | jq -e 'has("signature") | not'
	ref-parse ./image.aci | fetch-blob --signature elsewhere | jq -e '.signature.size > 0'
	refuse 3 fetch-blob --signature missing < <(ref-parse ./image.aci)
	refuse 2 fetch-blob --signature elsewhere < <(ref-parse ./image.aci ./image.aci)
	refuse 2 fetch-blob --signature elsewhere --no-signature < <(ref-parse ./image.aci)
	refuse 3 fetch-blob < <(ref-parse ./missing.aci)
	says missing.aci
	# only a reference to a file reads files
	refuse 1 fetch-blob <<<'{"kind":"image","endpoints":[{"url":"file:/etc/passwd"}]}'
}

@test "rkt:C-015 the manifest must have the name and every label asked for; else 1 and nothing stored" {
	serve example.com
	r=$(ref-parse https://example.com/image.aci)
	for bad in '.name = "example.com/other"' '.labels = {"version":"9.9.9"}' '.labels = {"channel":"beta"}' ".id = \"sha512-$(printf 0%.0s {1..128})\""; do
		refuse 1 fetch-blob < <(jq -c "$bad" <<<"$r")
		nothing_stored
	done
	refuse 1 fetch-blob < <(jq -c '.labels = {"version":"9.9.9"}' <<<"$r")
	says 'requested value for label "version": "9.9.9" differs from fetched aci label value: "1.0.0"'
	# what was only filled in, and the version latest, is no demand (rkt:C-010); labels not asked for are free
	jq -c '.name = "example.com/hello" | .labels = {"version":"latest","os":"plan9","arch":"z80"} | .defaults = ["os","arch"]' <<<"$r" | fetch-blob -q |
		jq -e --argjson l "$(jq -c '.labels | map({(.name): .value}) | add' manifest)" '.labels == $l and (has("defaults") | not)'
}

@test "rkt:C-013 endpoints are tried in order when one cannot be fetched, not when its content is wrong" {
	serve example.com
	r() { jq -cn --argjson e "$(printf '%s\n' "$@" | jq -R '{url: ., signature: "\(.).asc"}' | jq -cs .)" '{kind: "image", endpoints: $e}'; }
	r https://example.com/missing.aci https://wrong.example/x.aci https://example.com/image.aci | fetch-blob 2>err | jq -e '.source.url == "https://example.com/image.aci"'
	grep -q '404: trying the next endpoint' err
	refuse 3 fetch-blob < <(r https://example.com/missing.aci https://wrong.example/x.aci)
	says 404
	rm -rf "$TACKLE_STORE"
	echo no >"$WEB/example.com/bad.aci"
	: >"$WEB/log"
	refuse 6 fetch-blob < <(r https://example.com/bad.aci https://example.com/image.aci)
	same '/bad.aci 200' "$(asked)"
	nothing_stored
}

@test "rkt:A-029 HTTP statuses: what each means, and nothing is stored" {
	for case in '404 3' '410 3' '401 4' '403 4' '408 5' '429 5' '500 5' '503 5' '400 1' '451 1' '204 1'; do
		read -r code expected <<<"$case"
		refuse "$expected" fetch-blob --allow-http --retries 0 < <(ref-parse "$H/code=$code/x.aci")
		says "bad HTTP status code: $code"
		nothing_stored
	done
	refuse 3 fetch-blob --allow-http --max-time 5s < <(ref-parse "$H/code=404,endless=1/x.aci")
}

@test "rkt:F-02 endless, slow, lying and malformed answers end at a limit, with nothing stored" {
	serve example.com
	plain+=(--retries 0)
	refuse 6 fetch-blob "${plain[@]}" < <(ref-parse "$H/endless=1/x.aci") # not an ACI: the child says so after the first bytes
	head -c 100000 /dev/zero >"$WEB/example.com/blob"
	blob() { jq -cn --arg u "$H/$1" --argjson s "$2" --arg d "${3:-sha256:$(sha256sum <"$WEB/example.com/blob" | cut -d' ' -f1)}" \
		'{kind:"image",endpoints:[{url:$u}],blob:{mediaType:"application/x-test",digest:$d,size:$s}}'; }
	refuse 1 fetch-blob "${plain[@]}" < <(blob endless=1/x 100000)
	says "size mismatch: expected 100000 bytes, more came"
	refuse 1 fetch-blob "${plain[@]}" < <(blob blob 99999)
	says "size mismatch"
	refuse 1 fetch-blob "${plain[@]}" < <(blob blob 100001)
	says "size mismatch: expected 100001 bytes, found 100000"
	refuse 1 fetch-blob "${plain[@]}" < <(blob blob 100000 "sha256:$(printf 0%.0s {1..64})")
	says "digest mismatch: expected sha256:000" "found sha256:"
	refuse 5 fetch-blob "${plain[@]}" < <(blob lie=1000000/blob 1000000)
	refuse 1 fetch-blob "${plain[@]}" < <(blob lie=10/blob 100000)
	refuse 124 fetch-blob "${plain[@]}" --max-time 1s < <(blob slow=100/blob 100000)
	says "--max-time"
	refuse 7 fetch-blob "${plain[@]}" < <(blob headers=400000/blob 100000)
	says "headers"
	refuse 7 fetch-blob "${plain[@]}" < <(blob line=200000/blob 100000)
	refuse 6 fetch-blob "${plain[@]}" < <(blob garbage=1/blob 100000)
	refuse 7 fetch-blob "${plain[@]}" --max-download 1000 < <(ref-parse "$H/image.aci")
	same "0 4" "$(blobs) $(ls "$TACKLE_STORE/partial" | wc -l)" # the one that was cut off and the slow one can be resumed
	fetch-blob "${plain[@]}" < <(blob blob 100000) | jq -e '.blob.size == 100000 and (has("id") | not)'
	for bad in '.blob.digest = "sha256:AB"' '.blob.digest = "sha512:../../x"' '.blob.size = -1' '.endpoints = {}' '.endpoints = [{}]' '.digest = 1' '.id = "sha512-.."'; do
		refuse 6 fetch-blob "${plain[@]}" < <(blob blob 100000 | jq -c "$bad") # rkt:F-01
	done
}

@test "rkt:F-02 a stalled body ends after 30 s" {
	is_asan && skip "waits; the released build does it"
	serve example.com
	refuse 5 fetch-blob --allow-http --retries 0 < <(ref-parse "$H/slow=200/image.aci")
	says "stalled: under 1024 bytes a second for 30 s"
}

@test "rkt:V-02 rkt:V-05 a signature is bounded; whatever it says is left to verify-sig" {
	serve example.com
	head -c 65537 /dev/zero >"$WEB/example.com/image.aci.asc"
	refuse 7 fetch-blob < <(ref-parse https://example.com/image.aci)
	nothing_stored
	: >"$WEB/example.com/image.aci.asc"
	ref-parse https://example.com/image.aci | fetch-blob -q | jq -e '.signature.size == 0'
}

@test "a digest in the reference must be that of the bytes, and is entered in verified" {
	serve example.com
	for alg in sha256 sha512; do
		rm -rf "$TACKLE_STORE"
		d=$alg:$(openssl dgst -$alg -r image.aci | cut -d' ' -f1)
		ref-parse https://example.com/image.aci | jq -c --arg d "$d" '.digest = $d' | fetch-blob -q >r
		jq -e '.verified == [{"by":"digest","digest":.blob.digest}] and .id' r
		store-get "$d" | cmp - image.aci
	done
	refuse 1 fetch-blob < <(ref-parse https://example.com/image.aci | jq -c --arg d "sha512:$(printf 0%.0s {1..128})" '.digest = $d')
}

@test "rkt:A-022 rkt:F-15 what the store has is not asked for again" {
	serve example.com
	ref-parse https://example.com/image.aci | fetch-blob -q | store-add >r
	: >"$WEB/log"
	id=$(jq -r .id r)
	for ref in "$id" "${id:0:39}" example.com/hello example.com/hello:1.0.0 https://example.com/image.aci; do
		ref-parse "$ref" | fetch-blob --offline | jq -e --arg i "$id" --arg r "$ref" '.id == $i and .ref == $r'
	done
	ref-parse example.com/hello | fetch-blob --pull-policy never | jq -e .blob
	same 0 "$(web_asked)"
	for ref in sha512-00 example.com/hello:2 example.com/other; do
		refuse 3 fetch-blob < <(ref-parse "$ref")
		says "not in the store"
	done
	refuse 3 fetch-blob --pull-policy never < <(ref-parse https://example.com/other.aci)
	refuse 3 fetch-blob --offline < <(ref-parse https://example.com/other.aci)
	same 0 "$(web_asked)"
	# update: asked whether it changed, by the validator
	ref-parse https://example.com/image.aci | fetch-blob --pull-policy update | jq -e --arg i "$id" '.id == $i'
	same '/image.aci 304' "$(asked)"
	touch -d '2001-01-01' "$WEB/example.com/image.aci"
	ref-parse https://example.com/image.aci | fetch-blob -q --pull-policy update | jq -e --arg i "$id" '.id == $i'
	same '/image.aci 304 /image.aci 200 /image.aci.asc 200' "$(asked)"
}

@test "rkt:F-06 certificates are verified, http needs --allow-http, and -k is told and recorded" {
	serve example.com
	for host in wrong expired selfsigned nul; do
		serve "$host.example"
		refuse 1 fetch-blob < <(ref-parse "https://$host.example/image.aci")
		says TLS
	done
	refuse 1 fetch-blob < <(ref-parse http://example.com/image.aci)
	says "plain http" --allow-http
	SSL_CERT_FILE=/dev/null refuse 1 fetch-blob < <(ref-parse https://example.com/image.aci)
	nothing_stored
	env -u SSL_CERT_FILE fetch-blob --cacert "$WEB/ca.pem" -q < <(ref-parse https://example.com/image.aci) >/dev/null
	env -u SSL_CERT_FILE CURL_CA_BUNDLE="$WEB/ca.pem" fetch-blob --pull-policy update -q < <(ref-parse https://example.com/image.aci) >/dev/null
	fetch-blob -k --allow-http < <(ref-parse https://selfsigned.example/image.aci) 2>err | jq -e '.insecure == ["tls","http"]'
	grep -q 'TLS certificates are not verified' err
	grep -q 'http:// URLs are allowed' err
}

@test "rkt:F-06 only TLS 1.2 and later, only http and https" {
	openssl s_server -quiet -tls1_1 -cipher ALL:@SECLEVEL=0 -accept 8443 -cert "$WEB/good.pem" -key "$WEB/good.key" -www 3>&- </dev/null >/dev/null 2>&1 &
	for _ in {1..50}; do (: </dev/tcp/127.0.0.1/8443) 2>/dev/null && break; sleep 0.1; done
	refuse 1 fetch-blob < <(ref-parse https://example.com:8443/x.aci)
	says TLS
	kill %1
	refuse 1 fetch-blob <<<'{"kind":"image","endpoints":[{"url":"ftp://example.com/x.aci"}]}'
	refuse 1 fetch-blob <<<'{"kind":"image","endpoints":[{"url":"https://u:p@example.com/x.aci"}]}'
	refuse 1 fetch-blob <<<'{"kind":"image","endpoints":[{"url":"--output=/x"}]}'
}

@test "client certificates are shown to the host first asked, and to no other" {
	serve example.org
	web_certificate client DNS:client
	cat >"$WEB/rules/example.com/test.conf" <<-EOF
		ssl_client_certificate $WEB/ca.pem; ssl_verify_client optional;
		location = /x.aci { if (\$ssl_client_verify != SUCCESS) { return 403; } return 302 https://example.org/image.aci; }
	EOF
	echo "ssl_client_certificate $WEB/ca.pem; ssl_verify_client optional; location = /image.aci { if (\$ssl_client_verify = SUCCESS) { return 418; } try_files /image.aci =404; }" \
		>"$WEB/rules/example.org/test.conf"
	web_reload
	refuse 4 fetch-blob --no-signature < <(ref-parse https://example.com/x.aci)
	fetch-blob -q --no-signature --client-cert "$WEB/client.pem" --client-key "$WEB/client.key" < <(ref-parse https://example.com/x.aci) | jq -e .id
}

@test "an encrypted client key, or one for everybody, is refused before anything is asked, and OpenSSL never asks for its passphrase itself" {
	serve example.com
	web_certificate client DNS:client
	: >"$WEB/log"
	openssl pkey -in "$WEB/client.key" -aes256 -passout pass:x -out pkcs8.key
	openssl ec -in "$WEB/client.key" -aes256 -passout pass:x -out traditional.key 2>/dev/null
	cat "$WEB/client.pem" pkcs8.key >both.pem
	for key in "$WEB/client.pem --client-key pkcs8.key" "$WEB/client.pem --client-key traditional.key" both.pem; do
		refuse 1 fetch-blob --client-cert $key < <(ref-parse https://example.com/image.aci)
		says "the private key is encrypted"
	done
	refuse 1 fetch-blob --client-cert "$WEB/client.pem" --client-key <(cat pkcs8.key) < <(ref-parse https://example.com/image.aci)
	says "TLS"
	[[ $message != *pass\ phrase:* ]]
	install -m 640 "$WEB/client.key" shared.key
	refuse 1 fetch-blob --client-cert "$WEB/client.pem" --client-key shared.key < <(ref-parse https://example.com/image.aci)
	says "group or others may use it: mode 0640"
	same '' "$(asked)"
}

@test "OpenSSL's configuration holds for TLS, though the store was hashed before" {
	serve example.com
	ref-parse https://example.com/image.aci | fetch-blob -q >/dev/null
	printf '%s\n' openssl_conf=a '[a]' ssl_conf=b '[b]' system_default=c '[c]' CipherString=DEFAULT:@SECLEVEL=4 >strict.cnf
	export OPENSSL_CONF=$PWD/strict.cnf
	refuse 1 fetch-blob --pull-policy update < <(ref-parse https://example.com/image.aci)
	says "TLS"
	echo damaged >strict.cnf
	refuse 8 fetch-blob --pull-policy update < <(ref-parse https://example.com/image.aci)
	says "the configuration of OpenSSL may be damaged"
}

@test "retries: lost connections and 503 are tried again and told; the rest is asked for, not the whole" {
	serve example.com
	: >"$WEB/log"
	ref-parse "$H/first=2,code=503/image.aci" | fetch-blob "${plain[@]}" 2>err | jq -e .id
	same 2 "$(grep -c '503: retry . of 4' err)"
	rm -rf "$TACKLE_STORE"
	ref-parse "$H/first=2,cut=300000/image.aci" | fetch-blob "${plain[@]}" 2>err | jq -e .id
	same 2 "$(grep -c 'connection was lost.*retry . of 4' err)"
	grep -q "Downloading aci: 1.03 MB" err
	rm -rf "$TACKLE_STORE"
	refuse 5 fetch-blob "${plain[@]}" --retries 1 < <(ref-parse "$H/code=503/image.aci")
	same 1 "$(grep -c retry <<<"$message")"
	refuse 5 fetch-blob "${plain[@]}" < <(ref-parse "$H/code=503,retry=3600/image.aci")
	says "tried again in 3600 s"
	for case in '404 3' '400 1' '401 4'; do
		refuse "${case#* }" fetch-blob "${plain[@]}" < <(ref-parse "$H/code=${case% *}/image.aci")
		[[ $message != *retry* ]]
	done
}

@test "rkt:F-07 a cut download goes on in a later process, and begins again when the object changed or Range is ignored" {
	fixture_image big.aci manifest rootfs
	head -c 3000000 /dev/urandom >rootfs/data
	fixture_image big.aci manifest rootfs
	want=sha256:$(sha256sum <big.aci | cut -d' ' -f1)
	cp big.aci "$WEB/example.com/"
	plain+=(--retries 0)
	check() { # check OPTIONS FILES OFFSET: cut once, which leaves so many files; then whole, sent from this offset on
		rm -rf "$TACKLE_STORE"
		refuse 5 fetch-blob "${plain[@]}" < <(ref-parse "$H/first=1,cut=2000000$1/big.aci")
		same "$2" "$(find "$TACKLE_STORE/partial" -type f | wc -l)"
		same 0 "$(blobs)"
		: >"$WEB/sent"
		ref-parse "$H/first=1,cut=2000000$1/big.aci" | fetch-blob "${plain[@]}" --progress-fd 9 9>progress -q | jq -e --arg d "$want" '.blob.digest == $d'
		same "big.aci $3" "$(cat "$WEB/sent")"
		jq -es --argjson s "$(stat -c %s big.aci)" '.[-1] | .ended and .bytes == $s and .total == $s' progress
		cmp big.aci "$TACKLE_STORE/blobs/sha256/${want#*:}"
		same '' "$(ls "$TACKLE_STORE/partial")"
	}
	check '' 2 2000000
	check ,then=changed 2 0
	check ,norange=1,then=changed 2 0
	check ,etag= 0 0 # nothing to guard the rest with: begin again
	# a server that answers another range than asked for is not believed
	rm -rf "$TACKLE_STORE"
	refuse 5 fetch-blob "${plain[@]}" < <(ref-parse "$H/first=9,cut=2000000,shift=0/big.aci")
	partial=$(find "$TACKLE_STORE/partial" -name '*.json')
	u="$H/shift=5/big.aci"
	mv "${partial%.json}" "$TACKLE_STORE/partial/$(printf %s "$u" | sha256sum | cut -d' ' -f1)"
	jq -c --arg u "$u" '.url = $u' "$partial" >"$TACKLE_STORE/partial/$(printf %s "$u" | sha256sum | cut -d' ' -f1).json"
	rm "$partial"
	refuse 6 fetch-blob "${plain[@]}" < <(ref-parse "$u")
	says "another range"
	same '' "$(ls "$TACKLE_STORE/partial")" # so that the next try begins again
	ref-parse "$u" | fetch-blob "${plain[@]}" -q | jq -e --arg d "$want" '.blob.digest == $d'
	# a partial file that is longer than the object: begin again
	serve example.com
	rm -rf "$TACKLE_STORE"
	web_rules example.com 'location = /image.aci.asc { return 503; }'
	refuse 5 fetch-blob --retries 0 < <(ref-parse https://example.com/image.aci)
	partial=$(find "$TACKLE_STORE/partial" -name '*.json')
	echo more >>"${partial%.json}"
	web_rules example.com ''
	: >"$WEB/log"
	ref-parse https://example.com/image.aci | fetch-blob -q | jq -e --arg d "$(sha256sum <image.aci | cut -d' ' -f1)" '.blob.digest == "sha256:\($d)"'
	same '/image.aci 416 /image.aci 200 /image.aci.asc 200' "$(asked)"
}

@test "a signature that cannot be had today costs no second download of the image" {
	serve example.com
	web_rules example.com 'location = /image.aci.asc { return 503; }'
	refuse 5 fetch-blob --retries 0 < <(ref-parse https://example.com/image.aci)
	says "bad HTTP status code: 503" image.aci.asc
	same 0 "$(blobs)"
	same 2 "$(ls "$TACKLE_STORE/partial" | wc -l)"
	web_rules example.com ''
	: >"$WEB/log"
	ref-parse https://example.com/image.aci | fetch-blob -q >r
	same '/image.aci 416 /image.aci.asc 200' "$(asked)"
	jq -e '.id and .signature.digest and .source.validator' r
	cmp image.aci "$TACKLE_STORE/blobs/sha256/$(jq -r '.blob.digest[7:]' r)"
	same '' "$(ls "$TACKLE_STORE/partial")"
	# what is kept is of no use once the object is another, longer or shorter
	for data in 3000 900000; do
		rm -rf "$TACKLE_STORE"
		web_rules example.com 'location = /image.aci.asc { return 503; }'
		refuse 5 fetch-blob --retries 0 < <(ref-parse https://example.com/image.aci)
		web_rules example.com ''
		head -c "$data" /dev/urandom >rootfs/data
		fixture_image "$WEB/example.com/image.aci" manifest rootfs
		touch -d "2001-01-01 00:00:$((data % 60))" "$WEB/example.com/image.aci"
		ref-parse https://example.com/image.aci | fetch-blob -q >r
		cmp "$WEB/example.com/image.aci" "$TACKLE_STORE/blobs/sha256/$(jq -r '.blob.digest[7:]' r)"
	done
}

@test "rkt:F-08 twenty at once, and kill -9 at any point: the store checks clean and a re-run succeeds" {
	serve example.com
	head -c 20000000 /dev/urandom >rootfs/data
	fixture_image "$WEB/example.com/big.aci" manifest rootfs
	web_rules example.com 'location = /big.aci { limit_rate 20m; }'
	for i in {1..20}; do
		ref-parse https://example.com/image.aci | fetch-blob -q >"out$i" &
	done
	wait
	same 1 "$(cat out* | sort -u | wc -l)"
	same 2 "$(blobs)"
	for i in 1 2 3 4 5 6; do
		ref-parse https://example.com/big.aci >record
		fetch-blob -q <record >out 2>/dev/null &
		sleep "0.$((i * 13 % 9 + 1))"
		kill -9 $! 2>/dev/null || true
		wait $! || true
		store-check
	done
	ref-parse https://example.com/big.aci | fetch-blob -q | store-add | jq -e .id
	store-check | jq -e .id
	same '' "$(ls "$TACKLE_STORE/partial")"
}

@test "an image that is none, or is cut, or a bomb: refused while it comes, with nothing stored" {
	cd "$WEB/example.com"
	echo hello >text.aci
	: >empty.aci
	head -c 500000 "$OLDPWD/image.aci" >cut.aci
	{ cat "$OLDPWD/image.aci"; echo more; } >long.aci
	cd "$OLDPWD"
	head -c 50000000 /dev/zero >rootfs/zeros
	fixture_image "$WEB/example.com/bomb.aci" manifest rootfs
	rm rootfs/zeros
	for name in text empty cut long; do
		refuse 6 fetch-blob --no-signature < <(ref-parse "https://example.com/$name.aci")
		nothing_stored
	done
	for limit in --max-size=20M --max-ratio=20; do
		refuse 7 fetch-blob --no-signature "$limit" < <(ref-parse https://example.com/bomb.aci)
		nothing_stored
	done
	cp image.aci "$WEB/example.com/"
	refuse 7 fetch-blob --no-signature --max-size 1000 < <(ref-parse https://example.com/image.aci)
	refuse 7 fetch-blob --no-signature --max-ratio 1 --max-size 100K < <(ref-parse https://example.com/image.aci)
}

@test "what a URL says besides its path, which may be a secret, is in no message" {
	serve example.com
	echo page >"$WEB/example.com/page.aci"
	jq -cn '{kind: "image", endpoints: [{url: "https://example.com/page.aci?t=SECRET", signature: "https://example.com/x.asc?t=SECRET"}]}' >page
	refuse 6 fetch-blob <page
	says "'https://example.com/page.aci'"
	[[ $message != *SECRET* ]]
	jq -c '.endpoints[0].url |= sub("page"; "image")' page | fetch-blob >/dev/null 2>err
	grep -q 'Downloading signature from https://example.com/x.asc$' err
	web_rules example.com 'location = /r.aci { return 302 https://u:SECRET@example.com/image.aci; }'
	refuse 1 fetch-blob < <(ref-parse https://example.com/r.aci)
	[[ $message != *SECRET* ]]
}

@test "dependencies of the manifest are in the record; several records keep their order" {
	jq -c '.dependencies = [{"imageName":"example.com/base","labels":[{"name":"os","value":"linux"}]}]' manifest >m2
	fixture_image dep.aci m2 rootfs
	ref-parse ./dep.aci ./image.aci | fetch-blob >r
	jq -es 'map([.part, .of, (.dependencies | length)]) == [[1,2,1],[2,2,0]]' r
	jq -es '.[0].dependencies[0].imageName == "example.com/base"' r
	refuse 3 fetch-blob < <(ref-parse ./image.aci ./missing.aci)
}

@test "rkt:F-03 rkt:C-016 redirects and credentials, on the way to an image" {
	serve example.com
	serve far.example
	web_rules far.example 'location = /in.aci { return 302 https://example.com/image.aci; } location = /down.aci { return 302 http://far.example/image.aci; }'
	refuse 1 fetch-blob < <(ref-parse https://far.example/in.aci)
	says "loopback or link-local"
	refuse 1 fetch-blob --allow-http < <(ref-parse https://far.example/down.aci)
	says "from https to http"
	nothing_stored
}

@test "proxies of the environment are used, but for no_proxy" {
	serve example.com
	http_proxy=http://127.0.0.1:1 refuse 5 fetch-blob --allow-http --no-signature < <(ref-parse "http://example.com/image.aci")
	http_proxy=http://127.0.0.1:1 no_proxy=example.com fetch-blob -q --allow-http --no-signature < <(ref-parse http://example.com/image.aci) | jq -e .id
	rm -rf "$TACKLE_STORE"
	web_proxy
	export http_proxy=http://127.0.0.1:3128 https_proxy=http://127.0.0.1:3128
	ref-parse https://example.com/image.aci | fetch-blob -q | jq -e .signature
	ref-parse http://example.com/image.aci | fetch-blob -q --allow-http --no-signature | jq -e .id
	same 'CONNECT example.com:443 GET http://example.com/image.aci' "$(paste -sd' ' "$WEB/proxied")"
	# certificates are verified through a tunnel as without one
	refuse 1 fetch-blob < <(ref-parse https://wrong.example/image.aci)
	says TLS
	: >"$WEB/proxied"
	rm -rf "$TACKLE_STORE"
	ref-parse https://example.com/image.aci | no_proxy=example.org,example.com fetch-blob -q | jq -e .id
	ref-parse https://example.com/image.aci | NO_PROXY='*' fetch-blob -q --pull-policy update | jq -e .id
	same '' "$(cat "$WEB/proxied")"
}

@test "an unprivileged user fetches into a store of its own" {
	serve example.com
	own=$(mktemp -d -p /tmp)
	cp "$WEB/ca.pem" "$own/"
	chown -R 54321:54321 "$own"
	web_as_user 'SSL_CERT_FILE=$HOME/ca.pem; ref-parse https://example.com/image.aci | fetch-blob -q >record && store-add -q <record >added && store-check -q >checked' >out 2>&1 || {
		cat out
		rm -rf "$own"
		return 1
	}
	found=$(find "$own" ! -uid 54321 | wc -l)
	blob=$own/.local/share/tackle/store/blobs/sha256/$(jq -r '.blob.digest[7:]' "$own/record")
	result=0
	cmp image.aci "$blob" || result=1
	rm -rf "$own"
	same "0 0" "$found $result"
}

@test "rkt:A-007 --media-type: bytes that are no image are stored as they come, without a signature" {
	cp key.asc "$WEB/example.com/key"
	run --separate-stderr fetch-blob --media-type application/pgp-keys --progress none < <(ref-parse https://example.com/key)
	same "0 " "$status $stderr"
	same "application/pgp-keys sha256:$(sha256sum <key.asc | cut -d' ' -f1)" "$(jq -r '.blob | "\(.mediaType) \(.digest)"' <<<"$output")"
	same 0 "$(web_asked 'key\.')"
	refuse 7 fetch-blob --media-type application/pgp-keys --max-download 10 --progress none < <(ref-parse https://example.com/key)
	refuse 6 fetch-blob < <(ref-parse https://example.com/key)
}
