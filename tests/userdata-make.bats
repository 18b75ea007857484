#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
setup() {
	in_own_directory
	umask 077
}

body() { # body TYPE: of the part of this type
	awk -v type="$1" '/^Content-Type: / { on = index($0, type) } /^----===/ { on = 0; blank = 0 } on && blank; on && /^$/ { blank = 1 }'
}

token() {
	[[ -e key.pem ]] || key-gen --type p384 --no-passphrase -o key.pem
	echo '{"jti":"a","iat":1}' | jwt-mint --key key.pem >token
}

@test "brkt:B26 brkt:B27 the message of nothing, byte for byte, and no second part" {
	cat >want <<-'EOF'
		From nobody Tue Dec  3 19:00:57 2013
		Content-Type: multipart/mixed; boundary="--===============HI-20131203==--"
		MIME-Version: 1.0

		----===============HI-20131203==--
		Content-Type: text/brkt-config; charset="utf-8"
		MIME-Version: 1.0
		Content-Transfer-Encoding: 7bit

		{"brkt": {}}
		----===============HI-20131203==----
	EOF
	userdata-make | cmp - want
}

@test "brkt:B25 brkt:B27 brkt:B28 brkt:B29 everything at once, byte for byte and the same again" {
	token
	printf 'a "b"\\\n' >plain.txt
	userdata-make --token-file token --ntp-server time.example.com --ntp-server 10.0.0.1 --proxy p1.example.com:8001 --proxy 10.1.1.1:3128 \
		--brkt-file plain.txt --guest-fqdn guest.example.com >out
	same "{\"brkt\": {\"identity_token\": \"$(cat token)\", \"ntp_servers\": [\"time.example.com\", \"10.0.0.1\"]}}" "$(body text/brkt-config <out)"
	cat >want <<-'EOF'
		/var/brkt/instance_config/plain.txt: {contents: "a \"b\"\\\n"}
		/var/brkt/instance_config/proxy.yaml: {contents: "version: 2.0\nproxies:\n  - host: p1.example.com\n    port: 8001\n    protocol: https\n    usage: encryptor\n  - host: 10.1.1.1\n    port: 3128\n    protocol: https\n    usage: encryptor\n"}
		/var/brkt/instance_config/vpn.yaml: {contents: "fqdn: guest.example.com\n"}

	EOF
	body text/brkt-files <out | cmp - want
	userdata-make --token-file token --ntp-server time.example.com --ntp-server 10.0.0.1 --proxy p1.example.com:8001 --proxy 10.1.1.1:3128 \
		--brkt-file plain.txt --guest-fqdn guest.example.com | cmp - out
}

@test "brkt:B28 contents survive a YAML reader: UTF-8 of every length, controls, bytes that are no text" {
	printf 'caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x7f\t\r' >text
	printf '\xff\x00\xfe' >binary
	printf 'x' >'odd: name'
	userdata-make --brkt-file text --brkt-file binary --brkt-file 'odd: name' | body text/brkt-files >yaml
	grep -qxF '/var/brkt/instance_config/text: {contents: "caf\xE9 \u20AC \U0001F600 \x7F\x09\x0D"}' yaml
	grep -qxF "/var/brkt/instance_config/binary: {contents: !!binary \"$(base64 <binary)\"}" yaml
	grep -qxF '"/var/brkt/instance_config/odd: name": {contents: "x"}' yaml
	command -v yq >/dev/null || skip "yq is not installed"
	yq -j . yaml | jq -j '."/var/brkt/instance_config/text".contents' | cmp - text
}

@test "brkt:B30 a worker's message: port, mode, and where its files go" {
	printf x >f
	userdata-make --status-port 8080 --solo-mode updater --image-config --brkt-file f >out
	same '{"brkt": {"solo_mode": "updater", "status_port": 8080}}' "$(body text/brkt-config <out)"
	grep -q '^/var/brkt/ami_config/f: ' out
	refuse 2 userdata-make --status-port 81
	for bad in 0 65536 -1 x ''; do
		refuse 2 userdata-make --status-port "$bad"
	done
	userdata-make --status-port 65535 | grep -q '"status_port": 65535'
}

@test "brkt:B9 a token that the service could not judge is refused before anything is written" {
	b64() { basenc --base64url -w0 | tr -d =; }
	make() { printf '%s.%s.AAAA\n' "$(printf %s "$1" | b64)" "$(printf %s "$2" | b64)" >bad; }
	make '{"alg":"ES384"}' '{"jti":"a"}'
	refuse 6 userdata-make --token-file bad
	says 'Missing fields in token header: typ,kid.  Use the make-token command to generate a valid token.'
	make '{"alg":"ES384","typ":"JWT","kid":"x"}' '{}'
	refuse 6 userdata-make --token-file bad
	says 'Token payload does not contain the jti field.  Use the make-token command to generate a valid token.'
	echo a.b >bad
	refuse 6 userdata-make --token-file bad
	token
	chmod 644 token
	refuse 1 userdata-make --token-file token
	says 'chmod 600'
}

@test "brkt:B9 brkt:T11 the token is looked at first, and no clock is asked" {
	token
	echo '{"jti":"a","iat":1,"exp":2}' | jwt-mint --key key.pem >token
	userdata-make --token-file token | body text/brkt-config | grep -qF "$(cat token)"
	echo x >bad
	refuse 6 userdata-make --token-file bad --ntp-server - --proxy x
	says 'token: malformed'
}

@test "brkt:T17 what EC2 would not take is not written; --max-size says what may be" {
	token
	userdata-make --token-file token >short
	room=$((16384 - $(stat -c %s short)))
	head -c $((room - 400)) /dev/zero | tr '\0' x >fits
	userdata-make --token-file token --brkt-file fits >long
	(($(stat -c %s long) <= 16384))
	head -c $((room + 1)) /dev/zero | tr '\0' x >f
	refuse 7 userdata-make --token-file token --brkt-file f
	says 'at most 16384'
	userdata-make --token-file token --brkt-file f --max-size 256K >big
	(($(stat -c %s big) > 16384))
	size=$(stat -c %s big)
	userdata-make --token-file token --brkt-file f --max-size "$size" | cmp - big
	refuse 7 userdata-make --token-file token --brkt-file f --max-size $((size - 1))
}

@test "brkt:B13 host names: labels of 63, 255 in all" {
	label=$(printf 'a%.0s' {1..63})
	userdata-make --ntp-server "$label.$label.$label.$label" >/dev/null # 255
	refuse 1 userdata-make --ntp-server "$label.$label.$label.$label.a"
	refuse 1 userdata-make --ntp-server "a$label"
	refuse 1 userdata-make --proxy "$label.$label.$label.$label.a:80"
	says 'is not a valid hostname'
}

@test "brkt:B11 brkt:B12 brkt:B13 names and proxies" {
	for name in '' - a_b a..b -a.b a-.b 256.1.1.1 1.2.3 "$(printf 'a%.0s' {1..64})" "a b" 'é'; do
		refuse 1 userdata-make --ntp-server "$name"
		says "Invalid ntp-server $name specified. Should be either a host name or an IPv4 address"
	done
	for proxy in a a: :80 a:0 a:65536 a:80x; do
		refuse 1 userdata-make --proxy "$proxy"
		says "$proxy is not in host:port format"
	done
	refuse 1 userdata-make --proxy -a:80
	says '-a is not a valid hostname'
	refuse 1 userdata-make --guest-fqdn a_b
	printf 'version: 2.0\nproxies:\n- {host: p, port: 80}\n' >proxies
	userdata-make --proxy-config-file proxies | grep -qF 'proxy.yaml: {contents: "version: 2.0\nproxies:\n- {host: p, port: 80}\n"}'
	for bad in '' '[]' 'proxies: []' 'proxies: [{host: p}]' 'proxies: [{host: p, port: 0}]' 'proxies: [{host: "a b", port: 80}]' 'a: [' '&a [*a]'; do
		printf '%s\n' "$bad" >proxies
		refuse 1 userdata-make --proxy-config-file proxies
	done
	refuse 2 userdata-make --proxy a:80 --proxy-config-file proxies
	refuse 3 userdata-make --proxy-config-file missing
	refuse 3 userdata-make --brkt-file missing
	printf x >f
	mkdir d
	printf y >d/f
	refuse 1 userdata-make --brkt-file f --brkt-file d/f
}
