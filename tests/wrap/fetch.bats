#!/usr/bin/env bats
# rkt fetch: the transcripts of the seed, and when an image does not get into the store.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: every program that runs here has tests of its own there
load world
web_inside
setup_file() {
	world_make
	fixture_manifest coreos.com/etcd v2.0.0 >"$FIXTURE/etcd.manifest"
	fixture_image "$FIXTURE/etcd.aci" "$FIXTURE/etcd.manifest" "$FIXTURE/rootfs"
	fixture_sign "$FIXTURE/etcd.aci"
	fixture_key "$FIXTURE/gpg2" 'Other Signer <other@example.com>' >"$FIXTURE/key2.asc"
	cp "$FIXTURE/etcd.aci" "$FIXTURE/other.aci"
	fixture_sign "$FIXTURE/other.aci" "$FIXTURE/gpg2"
}

VERIFIED='rkt: signature verified: ' # the seed's line ends in a blank
ACI=https://coreos.com/dist/etcd-v2.0.0-linux-amd64.aci

# The page for coreos.com/etcd, and the image with its signature, there.
serve() { # [SIGNATURE]
	web_page coreos.com etcd '<meta name="ac-discovery" content="coreos.com/etcd https://coreos.com/dist/etcd-{version}-{os}-{arch}.{ext}">'
	mkdir -p "$WEB/coreos.com/dist"
	cp "$FIXTURE/etcd.aci" "$WEB/coreos.com/dist/${ACI##*/}"
	cp "${1:-$FIXTURE/etcd.aci.asc}" "$WEB/coreos.com/dist/${ACI##*/}.asc"
}

etcd_id() { # DIGITS
	printf 'sha512-%.*s' "$1" "$(zcat "$FIXTURE/etcd.aci" | sha512sum)"
}

downloading() { # [URL of the signature]
	echo "Downloading aci: $(stat -c %s "$FIXTURE/etcd.aci" | awk '{ printf "%.3g MB", $1 / 1e6 }')"
	echo "Downloading signature from ${1:-$ACI.asc}"
}

nothing_stored() {
	same "" "$(rkt image list --no-legend)"
}

@test "rkt:A-020 rkt:A-021 rkt:A-050 the seed: an image of a trusted creator" {
	serve
	world_trust coreos.com/etcd
	run -0 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	same "rkt: searching for app image coreos.com/etcd:v2.0.0
rkt: fetching image from $ACI
$(downloading)
$VERIFIED
  Hello Signer <signer@example.com>" "$stderr"
	same "$(etcd_id 32)" "$output"
	same "$(etcd_id 128)" "$(rkt fetch --full coreos.com/etcd:v2.0.0)"
}

@test "rkt:A-024 the seed: an image of a creator who is not trusted" {
	serve
	run -0 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	same "$(etcd_id 32)" "$output"
	same "rkt: searching for app image coreos.com/etcd:v2.0.0
rkt: fetching image from $ACI
$(downloading)
rkt: fetching image from $ACI" "$(grep -v '^rkt: warning' <<<"$stderr")"
	[[ $stderr == *'rkt: warning: '*'rkt trust --prefix coreos.com/etcd'* ]]
	same 1 "$(web_asked "GET /dist/${ACI##*/} ")"
	same '[]' "$(TACKLE_STORE=$PWD/rkt/store store-list | jq -c '.verified // []')"
}

@test "rkt:A-025 the seed: an image by its address, its signature beside it as .asc or, without one, as .sig" {
	serve
	run -0 --separate-stderr rkt fetch "$ACI"
	same "rkt: fetching image from $ACI
$(downloading)
rkt: fetching image from $ACI" "$(grep -v '^rkt: warning' <<<"$stderr")"
	same "$(etcd_id 32)" "$output"
	rm -r rkt
	mv "$WEB/coreos.com/dist/${ACI##*/}.asc" "$WEB/coreos.com/dist/etcd-v2.0.0-linux-amd64.sig"
	world_trust coreos.com/etcd
	run -0 --separate-stderr rkt fetch "$ACI"
	[[ $stderr == *"Downloading signature from ${ACI%.aci}.sig"*'rkt: signature verified: '* ]]
}

@test "rkt:A-022 rkt:F-13 an image of the store is not fetched again, nor when it can be verified at last" {
	serve
	rkt fetch coreos.com/etcd:v2.0.0
	: >"$WEB/log"
	run -0 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	same "$(etcd_id 32)" "$output"
	[[ $stderr != *'signature verified'* ]]
	world_trust coreos.com/etcd
	run -0 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	[[ $stderr == *'rkt: signature verified: '* ]]
	run -0 --separate-stderr rkt fetch --pull-policy=never "$(etcd_id 32)"
	same "$(etcd_id 32)" "$output"
	run -0 --separate-stderr rkt fetch "$ACI"
	same 0 "$(web_asked)"
	rm -r etc/trustedkeys
	run -0 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	[[ $stderr == *'rkt: warning: '*'no key is trusted'* ]]
	run -0 --separate-stderr rkt fetch --pull-policy=update coreos.com/etcd:v2.0.0
	[ "$(web_asked)" -gt 0 ]
}

@test "rkt:A-022 --pull-policy=never asks nobody" {
	serve
	for image in coreos.com/etcd:v2.0.0 "$ACI"; do
		run -3 --separate-stderr rkt fetch --pull-policy=never "$image"
	done
	same 0 "$(web_asked)"
}

@test "rkt:F-10 a tampered image is refused and does not become one of the store" {
	serve
	world_trust coreos.com/etcd
	fixture_manifest coreos.com/etcd v2.0.0 | jq -c '.app.exec = ["/bin/false"]' >evil
	fixture_image "$WEB/coreos.com/dist/${ACI##*/}" evil "$FIXTURE/rootfs"
	run -1 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	same "" "$output"
	[[ $stderr == *'bad signature'* ]]
	nothing_stored
}

@test "rkt:F-11 rkt:A-017 rkt:V-05 a signature stripped, or made by another key, where a key covers the name: refused, with the cure" {
	serve "$FIXTURE/other.aci.asc"
	world_trust coreos.com/etcd
	run -1 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	[[ $stderr == *'openpgp: signature made by unknown entity'*'if you expected the signing key to change, try running: rkt trust --prefix coreos.com/etcd'* ]]
	rm "$WEB/coreos.com/dist/${ACI##*/}.asc"
	run -1 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	[[ $stderr == *'if you expected the signing key to change, try running: '* ]]
	nothing_stored
}

@test "rkt:A-016 rkt:F-10 a key trusted for a sibling does not count" {
	serve
	for prefix in coreos.com/et coreos.com/etcdx coreos.co; do
		world_trust "$prefix"
	done
	run -1 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	[[ $stderr == *'coreos.com/etcd'* && $stderr == *'trusted'* ]]
	nothing_stored
}

@test "rkt:F-16 rkt:A-027 rkt:A-054 rkt:A-055 switched off, before and behind the command: no signature is asked for, and it is told" {
	serve
	world_trust coreos.com/etcd
	for words in '-insecure-skip-verify fetch' '--insecure-skip-verify fetch' 'fetch --insecure-options=image' '--insecure-options image fetch' 'fetch -insecure-skip-verify'; do
		rm -rf rkt
		run -0 --separate-stderr rkt $words coreos.com/etcd:v2.0.0
		same "rkt: searching for app image coreos.com/etcd:v2.0.0
rkt: fetching image from $ACI
rkt: warning: signature verification has been disabled
$(downloading | head -n 1)" "$stderr"
		same '["image"] []' "$(TACKLE_STORE=$PWD/rkt/store store-list | jq -r '"\(.insecure) \(.verified // [])"')"
	done
	same 0 "$(web_asked '\.asc')"
}

@test "rkt:F-13 rkt:A-022 fetched with signatures off, it is verified later by its signature alone, without the bytes again" {
	serve
	rkt -insecure-skip-verify fetch coreos.com/etcd:v2.0.0
	rkt -insecure-skip-verify fetch "$ACI"
	same 0 "$(web_asked '\.asc')"
	run -0 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0 # nobody is trusted yet
	[[ $stderr == *'no key is trusted'* ]]
	world_trust coreos.com/etcd
	asked=$(web_asked '\.aci ')
	run -0 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0
	same "$(etcd_id 32)" "$output"
	[[ $stderr == *"$VERIFIED"* ]]
	same "$asked" "$(web_asked '\.aci ')"
	same '["openpgp"] []' "$(TACKLE_STORE=$PWD/rkt/store store-list --trust etc | jq -r '"\(.verified | map(.by)) \(.insecure)"')"
	# where the server has none, or another's, or does not say, it stays what it is
	rm -rf rkt "$WEB/coreos.com/dist/${ACI##*/}.asc"
	rkt -insecure-skip-verify fetch "$ACI"
	run -1 --separate-stderr rkt fetch "$ACI"
	[[ $stderr == *'the image has no signature'* ]]
	cp "$FIXTURE/other.aci.asc" "$WEB/coreos.com/dist/${ACI##*/}.asc"
	run -1 --separate-stderr rkt fetch "$ACI"
	[[ $stderr == *'unknown entity'* ]]
	rm -r rkt etc/trustedkeys
	rkt -insecure-skip-verify fetch "$ACI"
	web_rules coreos.com 'location ~ asc$ { return 403; }'
	run -0 --separate-stderr rkt fetch "$ACI"
	[[ $stderr == *'403'*': the image stays without its signature'* ]]
}

@test "rkt:A-054 image alone relaxes neither TLS nor plain http; rkt:F-06" {
	serve
	cp -r "$WEB/coreos.com/dist" "$WEB/selfsigned.example/"
	for off in image none; do
		run -1 --separate-stderr rkt fetch --insecure-options=$off "https://selfsigned.example/dist/${ACI##*/}"
		run -1 --separate-stderr rkt fetch --insecure-options=$off "http${ACI#https}"
	done
	run -0 --separate-stderr rkt fetch --insecure-options=tls "https://selfsigned.example/dist/${ACI##*/}"
	[[ $stderr == *'rkt: warning: '*certificate* ]]
	rm -r rkt
	run -0 --separate-stderr rkt --insecure-options=http,tls fetch "http${ACI#https}"
	[[ $stderr == *'warning: '*http* && $stderr == *'warning: '*certificate* ]]
	same '["http","image","tls"]' "$(TACKLE_STORE=$PWD/rkt/store store-list | jq -c '.insecure | sort')"
}

@test "rkt:A-029 HTTP errors: the code and a status for each kind; nothing is stored" {
	while read -r code expected; do
		web_rules coreos.com "location = /x.aci { return $code; }"
		run -"$expected" --separate-stderr timeout 60 "$ROOT/share/rkt" --dir="$PWD/rkt" --local-config="$PWD/etc" fetch https://coreos.com/x.aci
		[[ $stderr == *"bad HTTP status code: $code"* ]]
	done <<-'END'
		404 3
		410 3
		401 4
		403 4
	END
	nothing_stored
}

@test "rkt:F-14 a file, with the signature beside it or where --signature says" {
	world_trust coreos.com/etcd
	cp "$FIXTURE/etcd.aci" "$FIXTURE/etcd.aci.asc" .
	run -0 --separate-stderr rkt fetch ./etcd.aci
	same "$(etcd_id 32)" "$output"
	[[ $stderr == *'rkt: signature verified: '* ]]
	rm -r rkt
	mv etcd.aci.asc elsewhere
	run -1 --separate-stderr rkt fetch "$PWD/etcd.aci"
	run -0 --separate-stderr rkt fetch --signature=elsewhere "$PWD/etcd.aci"
	[[ $stderr == *'rkt: signature verified: '* ]]
	run -3 --separate-stderr rkt fetch ./gone.aci
}

@test "rkt:A-023 rkt:C-015 labels: a version by colon, others by comma, twice is 2, and the manifest must have them" {
	serve
	run -0 --separate-stderr rkt fetch coreos.com/etcd,version=v2.0.0,os=linux
	run -2 --separate-stderr rkt fetch coreos.com/etcd:v2.0.0,version=v2.0.0
	cp "$WEB/coreos.com/dist/${ACI##*/}" "$WEB/coreos.com/dist/etcd-9.9.9-linux-amd64.aci"
	run -1 --separate-stderr rkt fetch coreos.com/etcd:9.9.9
	[[ $stderr == *'requested value for label "version": "9.9.9" differs from fetched aci label value: "v2.0.0"'* ]]
}

@test "rkt:F-15 rkt:A-021 an id: unknown is 3 and asks nobody, ambiguous is 2" {
	serve
	run -3 --separate-stderr rkt fetch sha512-0123456789abcdef
	same 0 "$(web_asked)"
	rkt fetch coreos.com/etcd:v2.0.0
	run -2 --separate-stderr rkt fetch sha512-xyz
	run -0 --separate-stderr rkt fetch "$(etcd_id 2)"
	same "$(etcd_id 32)" "$output"
}

@test "rkt:F-17 several images: ids in their order, the first failure decides, the others are still tried" {
	serve
	run -3 --separate-stderr rkt fetch ./gone.aci coreos.com/etcd:v2.0.0 sha512-zz ./key.asc
	same "$(etcd_id 32)" "$output"
	cp "$FIXTURE/image.aci" .
	run -0 --separate-stderr rkt fetch ./image.aci coreos.com/etcd:v2.0.0
	same "sha512-$(zcat image.aci | sha512sum | head -c 32)
$(etcd_id 32)" "$output"
}

@test "rkt:C-016 rkt:A-057 credentials of auth.d, the local configuration over the vendor's" {
	serve
	htpasswd="user:$(openssl passwd -apr1 secret)"
	echo "$htpasswd" >"$WEB/htpasswd"
	chmod 644 "$WEB/htpasswd"
	web_rules coreos.com "location /dist/ { auth_basic x; auth_basic_user_file $WEB/htpasswd; }"
	run -4 --separate-stderr rkt fetch "$ACI"
	[[ $stderr == *'bad HTTP status code: 401'* ]]
	umask 077
	mkdir -m 755 etc/auth.d vendor/auth.d
	auth='{"rktKind":"auth","rktVersion":"v1","domains":["coreos.com"],"type":"basic","credentials":{"user":"user","password":"secret"}}'
	echo "$auth" >etc/auth.d/a.json
	echo "${auth/secret/wrong}" >vendor/auth.d/z.json
	run -0 --separate-stderr rkt fetch "$ACI"
	[[ $stderr != *secret* ]]
}

@test "rkt:A-052 directories: before and behind the command, attached or apart, user configuration over local" {
	world_trust coreos.com/etcd
	cp "$FIXTURE/etcd.aci" "$FIXTURE/etcd.aci.asc" .
	for words in "--dir=$PWD/a --local-config $PWD/etc fetch" "fetch --dir $PWD/b --local-config=$PWD/etc"; do
		run -0 --separate-stderr "$ROOT/share/rkt" --debug --system-config="$PWD/vendor" $words ./etcd.aci
		[[ $stderr == *'signature verified'* ]]
	done
	[ -d a/store ] && [ -d b/store ]
	mkdir -p "user/trustedkeys/prefix.d/coreos.com/etcd"
	: >"user/trustedkeys/prefix.d/coreos.com/etcd/$FINGERPRINT"
	run -0 --separate-stderr rkt --user-config="$PWD/user" fetch ./etcd.aci
	[[ $stderr == *'no key is trusted'* ]]
}

@test "rkt:A-015 rkt:A-013 rkt:A-014 vendor keys count, an empty file masks one, a wrong name spoils it" {
	cp "$FIXTURE/etcd.aci" "$FIXTURE/etcd.aci.asc" .
	mkdir -p vendor/trustedkeys/prefix.d/coreos.com/etcd etc/trustedkeys/prefix.d/coreos.com/etcd
	cp key.asc "vendor/trustedkeys/prefix.d/coreos.com/etcd/$FINGERPRINT"
	run -0 --separate-stderr rkt fetch ./etcd.aci
	[[ $stderr == *'signature verified'* ]]
	: >"etc/trustedkeys/prefix.d/coreos.com/etcd/$FINGERPRINT"
	rm -r rkt
	run -0 --separate-stderr rkt fetch ./etcd.aci
	[[ $stderr == *'no key is trusted'* ]]
	rm -r rkt
	cp key.asc "etc/trustedkeys/prefix.d/coreos.com/etcd/${FINGERPRINT//[0-9]/0}"
	run -1 --separate-stderr rkt fetch ./etcd.aci
	[[ $stderr == *"${FINGERPRINT//[0-9]/0}': fingerprint mismatch: "* ]]
}

@test "rkt:A-057 paths.d says where the state is: the later file and the later directory win, and --dir over all" {
	cp "$FIXTURE/etcd.aci" .
	paths() { jq -cn --arg data "$2" '{rktKind: "paths", rktVersion: "v1", data: $data}' >"$1"; }
	here() { "$ROOT/share/rkt" --local-config="$PWD/etc" --system-config="$PWD/vendor" "$@" 2>/dev/null; }
	mkdir -p vendor/paths.d etc/paths.d user/paths.d
	for place in vendor/paths.d/z vendor/paths.d/zz etc/paths.d/a etc/paths.d/b user/paths.d/0; do
		paths "$place.json" "$PWD/at ${place##*/}"
		here --user-config="$PWD/user" -insecure-skip-verify fetch ./etcd.aci
		[ -d "at ${place##*/}/store" ]
	done
	here --dir="$PWD/d" -insecure-skip-verify prepare ./etcd.aci
	[ -d d/pods ] && [ ! -e 'at b/pods' ]
	here -insecure-skip-verify prepare ./etcd.aci # without the user's
	[ -d 'at b/pods' ] && [ ! -e 'at 0/pods' ]
	for bad in '{"rktKind":"paths","rktVersion":"v2","data":"/x"}' '{"rktKind":"paths","rktVersion":"v1","data":"x"}' \
		'{"rktKind":"paths","rktVersion":"v1","data":1}' '{' '[]' ''; do
		echo "$bad" >etc/paths.d/c.json
		run -6 --separate-stderr "$ROOT/share/rkt" --local-config="$PWD/etc" --system-config="$PWD/vendor" image list
		[[ $stderr == "rkt: '$PWD/etc/paths.d/c.json': "* ]]
	done
	echo '{"rktKind":"paths","rktVersion":"v1","stage1-images":"/x"}' >etc/paths.d/c.json
	here image list
	[ -d 'at b/store' ]
}
