#!/usr/bin/env bats
# rkt with images of a real registry (docker-registry 2.8.2) and of layouts: fetched, judged, converted, run.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: each program that runs here has its own tests there
load world
load ../registry
load ../oci
load ../cosign
web_inside

R=registry.example:5001

setup_file() {
	world_make
	registry_start tls
	skopeo copy -q --dest-tls-verify=false "oci:$FIXTURE/layout:1.0.0" docker://127.0.0.1:5001/app/hello:1.0.0
}

setup() {
	world_enter
	digest=$(skopeo inspect --tls-verify=false docker://127.0.0.1:5001/app/hello:1.0.0 | jq -r .Digest)
}

# signed STATEMENT: the registry has its signature, by key.pem, beside the image.
signed() {
	printf %s "$1" >statement
	rm -rf signature
	cosign_attach signature "$digest" statement "$(cosign_sign key.pem statement)"
	skopeo copy -q --dest-tls-verify=false "oci:signature:${digest/:/-}.sig" "docker://127.0.0.1:5001/app/hello:${digest/:/-}.sig"
}

@test "rkt:A-026 rkt:A-028 the seed: signatures switched off, one line per layer, the id; then it runs" {
	run -0 --separate-stderr rkt -insecure-skip-verify fetch docker://$R/app/hello:1.0.0
	layers=$(skopeo inspect --tls-verify=false docker://127.0.0.1:5001/app/hello:1.0.0 | jq -r '.Layers[] | sub("sha256:"; "Downloading layer: ")')
	same "rkt: fetching image from docker://$R/app/hello:1.0.0
rkt: warning: signature verification has been disabled
$layers" "$stderr"
	[[ $output =~ ^sha512-[0-9a-f]{32}$ ]]
	rkt image cat-manifest "$output" | jq -e '(.name | test("^registry.example.*/app/hello$")) and
		(.labels | any(.name == "version" and .value == "1.0.0"))'
	id=$output
	run -0 --separate-stderr rkt --insecure-options=image run docker://$R/app/hello:1.0.0
	same hello "$output"
	[[ $stderr == "rkt: using image from local store for image name docker://$R/app/hello:1.0.0"* ]]
	run -1 rkt run "$id"
	same hello "$(rkt --insecure-options=image run "$id")"
	same "$id" "$(rkt --insecure-options=image fetch --pull-policy=update docker://$R/app/hello:1.0.0 2>/dev/null)"
}

@test "rkt:A-026 nobody trusted: told and refused, nothing is stored" {
	run -1 --separate-stderr rkt fetch docker://busybox
	[[ ${stderr_lines[0]} == 'rkt: signature verification for docker images is not supported' ]]
	run -1 --separate-stderr rkt run docker://$R/app/hello:1.0.0
	same "" "$(rkt image list --no-legend)"
}

@test "rkt:A-026 a digest in the reference is no signature: what came while checks were off does not run while they are on" {
	image=docker://$R/app/hello@$digest
	id=$(rkt --insecure-options=image fetch $image 2>/dev/null)
	run -1 --separate-stderr rkt run $image
	[[ ${stderr_lines[0]} == 'rkt: signature verification for docker images is not supported' ]]
	run -1 --separate-stderr rkt run "$id"
	[[ $stderr == *'not verified'* ]]
}

@test "rkt:A-026 rkt:F-13 a signature by a trusted key for this repository and tag: it runs, until the key is trusted no more" {
	key=$(cosign_key key EC ec_paramgen_curve:P-256)
	signed "$(cosign_statement $R/app/hello:1.0.0 "$digest")"
	rkt trust --skip-fingerprint-review --prefix $R/app ./key.pub 2>/dev/null
	run -0 --separate-stderr rkt fetch docker://$R/app/hello:1.0.0
	id=$output
	same hello "$(rkt run "$id")"
	same hello "$(rkt run docker://$R/app/hello:1.0.0 2>/dev/null)"
	trust-rm --trust etc --prefix $R/app "$key" >/dev/null
	run -1 rkt run "$id"
	run -1 rkt run docker://$R/app/hello:1.0.0
}

@test "rkt:A-026 rkt:F-13 simple signing: skopeo signs, registries.d says where; it runs while the signer is trusted" {
	mkdir -p home/.config/containers/registries.d
	printf 'default-docker:\n  lookaside: file://%s\n' "$PWD/lookaside" >home/.config/containers/registries.d/here.yaml
	run -1 --separate-stderr rkt fetch docker://$R/app/hello:1.0.0
	[[ ${stderr_lines[1]} == "rkt: hint: unless a key that its publisher signs with is trusted: rkt trust --prefix $R/app/hello FILE" ]]
	world_trust $R/app
	run -1 --separate-stderr rkt fetch docker://$R/app/hello:1.0.0
	[[ $stderr == *'the image has no signature'*'but a key is trusted for this name'* ]]
	GNUPGHOME=$FIXTURE/gpg skopeo copy -q --src-tls-verify=false --dest-tls-verify=false --sign-by "$FINGERPRINT" --sign-identity $R/app/hello:1.0.0 \
		docker://127.0.0.1:5001/app/hello:1.0.0 docker://127.0.0.1:5001/app/hello:1.0.0
	run -0 --separate-stderr rkt fetch docker://$R/app/hello:1.0.0
	[[ $stderr == *$'rkt: signature verified: \n  '*'@'* ]]
	same hello "$(rkt run docker://$R/app/hello:1.0.0 2>/dev/null)"
	rm "etc/trustedkeys/prefix.d/$R/app/$FINGERPRINT"
	run -1 rkt run docker://$R/app/hello:1.0.0
}

@test "rkt:A-026 a signature for another repository or tag, by another key, or none: refused, with the reason, nothing runs" {
	cosign_key key ED25519 >/dev/null
	rkt trust --skip-fingerprint-review --prefix $R/app/hello ./key.pub 2>/dev/null
	while read -r reference reason; do
		signed "$(cosign_statement "$reference" "$digest")"
		run -1 --separate-stderr rkt run docker://$R/app/hello:1.0.0
		same "" "$output"
		[[ $stderr == *"$reason"* ]]
	done <<-END
		$R/app/other the signature is for another image
		$R/app/hello:2.0.0 the signature is for another tag
	END
	cosign_key key ED25519 >/dev/null
	signed "$(cosign_statement $R/app/hello "$digest")"
	run -1 --separate-stderr rkt run docker://$R/app/hello:1.0.0
	[[ $stderr == *'cosign: bad signature, or by another key'* ]]
	same "" "$(rkt image list --no-legend)"
}

@test "an image of a layout, by oci:" {
	run -0 --separate-stderr rkt --insecure-options=image run "oci:$FIXTURE/layout:1.0.0"
	same hello "$output"
	run -1 --separate-stderr rkt run "oci:$FIXTURE/layout:1.0.0"
	[[ ${stderr_lines[0]} == 'rkt: signature verification for oci images is not supported' ]]
}
