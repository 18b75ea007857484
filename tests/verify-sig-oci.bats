#!/usr/bin/env bats
# verify-sig of images from registries and layouts, by the signatures that cosign leaves beside them.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: verify-sig-simple reads manifests and payloads there, key-pub keys
load lib
load oci
load cosign
name=registry.example:5000/app/hello

setup() {
	in_own_directory
	export TACKLE_TRUST=$PWD/trust
	small_layer a.tar etc/a
	digest=$(oci_image layout $name:1.0.0 a.tar | jq -r .digest)
	key=$(cosign_key key EC ec_paramgen_curve:P-256)
}

fetch() { # [OPTION]...: the record of the image as fetched
	ref-parse "oci:layout:$name:1.0.0" | reg-resolve | fetch-blob "$@"
}

# signed STATEMENT [KEY...]: the image with signatures of these keys over the statement.
signed() {
	local signatures=() k
	printf %s "$1" >statement
	shift
	for k in "${@:-key}"; do signatures+=("$(cosign_sign $k.pem statement)"); done
	cosign_attach layout "$digest" statement "${signatures[@]}"
}

@test "rkt:A-026 a signature by a trusted key: the record says by whom, whose prefix, as what; unpack takes it" {
	signed "$(cosign_statement $name "$digest")"
	trust-add --prefix registry.example:5000/app key.pub >/dev/null
	fetch >fetched
	refuse 1 unpack tree <fetched
	verify-sig <fetched >verified
	same "$(jq -c --arg k "$key" --arg n $name '.verified = [{by: "cosign", digest: .manifest.digest, fingerprint: $k,
		prefix: "registry.example:5000/app", reference: $n}]' fetched)" "$(cat verified)"
	store-add <verified >/dev/null
	same cosign "$(store-list | jq -r '.verified[0].by')"
	trust-rm --prefix registry.example:5000/app "$key" >/dev/null
	same null "$(store-list | jq -c '.verified[0]')"
}

@test "ECDSA on P-256 and P-384, Ed25519 and RSA; a key for every name" {
	for kind in 'EC ec_paramgen_curve:P-384' ED25519 'RSA rsa_keygen_bits:2048'; do
		rm -rf trust "$TACKLE_STORE" layout
		oci_image layout $name:1.0.0 a.tar >/dev/null
		# shellcheck disable=SC2086  # two words
		other=$(cosign_key other $kind)
		signed "$(cosign_statement $name:1.0.0 "$digest")" key other
		trust-add --root other.pub >/dev/null
		fetch | verify-sig | jq -e --arg k "$other" '.verified[0] | .fingerprint == $k and .prefix == null'
	done
}

@test "a referrer that the fall-back index lists" {
	signed "$(cosign_statement $name "$digest")"
	trust-add --prefix $name key.pub >/dev/null
	entry=$(jq -c '.manifests[-1] | del(.annotations) + {artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json"}' layout/index.json)
	jq -cn --argjson m "$entry" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [$m]}' >referrers
	jq -c 'del(.manifests[-1])' layout/index.json >index
	mv index layout/index.json
	refuse 1 verify-sig < <(fetch)
	says 'the image has no signature, but a key is trusted for this name'
	oci_name layout "${digest/:/-}" "$(oci_blob layout application/vnd.oci.image.index.v1+json referrers)"
	fetch | verify-sig | jq -e '.verified[0].by == "cosign"'
	# a registry that lists them without end, none of which is one
	image=$(jq -c '.manifests[0] | del(.annotations) + {artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json"}' layout/index.json)
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s%s]}' "$image" "$(yes ",$image" | head -100 | tr -d '\n')" >referrers
	jq -c 'del(.manifests[-1])' layout/index.json >index
	mv index layout/index.json
	oci_name layout "${digest/:/-}" "$(oci_blob layout application/vnd.oci.image.index.v1+json referrers)"
	ref-parse "oci:layout:$name:1.0.0" | reg-resolve >resolved
	refuse 7 fetch-blob <resolved
	says 'more than 100 referrers'
}

@test "the index is signed, the image for this machine is one that it lists" {
	rm -r layout
	oci_index layout $name:1.0.0 linux/amd64 linux/arm64
	index=$(jq -r '.manifests[0].digest' layout/index.json)
	digest=$index signed "$(cosign_statement $name "$index")"
	trust-add --prefix $name key.pub >/dev/null
	fetch >fetched
	verify-sig <fetched | jq -e '.verified[0].digest == .manifest.digest and .manifest.digest != .index.digest'
	# a record that puts another image below the signed index
	other=$(oci_image layout other a.tar | jq -c .)
	ref-parse oci:layout:other | reg-resolve | fetch-blob >/dev/null
	refuse 1 verify-sig < <(jq -c --argjson m "$other" '.manifest = $m' fetched)
	says 'the signed index does not list this image'
}

@test "bad signatures are refused, each with its reason" {
	trust-add --prefix $name key.pub >/dev/null
	other=$(cosign_key other EC ec_paramgen_curve:P-256)
	wrong="sha256:$(printf '%064d' 0)"
	good=$(cosign_statement $name "$digest")
	while IFS='|' read -r statement by reason; do
		rm -rf layout "$TACKLE_STORE"
		oci_image layout $name:1.0.0 a.tar >/dev/null
		signed "$statement" "$by"
		refuse 1 verify-sig < <(fetch)
		says "$reason"
	done <<-END
		$good|other|bad signature, or by another key than those trusted for this name: $key
		$(cosign_statement registry.example:5000/app/hell "$digest")|key|expected '$name', found 'registry.example:5000/app/hell'
		$(cosign_statement $name:2.0.0 "$digest")|key|expected '1.0.0', found '2.0.0'
		$(cosign_statement $name "$wrong")|key|digest: expected $digest, found $wrong
		${good/cosign container/another kind of}|key|not of the type 'cosign container image signature'
		${good/'"type"'/'"more":1,"type"'}|key|'critical' says more than this program understands
	END
	while IFS='|' read -r statement reason; do
		rm -rf layout "$TACKLE_STORE"
		oci_image layout $name:1.0.0 a.tar >/dev/null
		signed "$statement"
		refuse 6 verify-sig < <(fetch)
		says "$reason"
	done <<-END
		{"critical":{}}|no member 'identity' in 'critical'
		[]|signed statement: no member 'critical'
		${good}x|signed statement: 1:
		$(cosign_statement "$name@$digest" "$digest")|not a repository with an optional tag
	END
}

@test "a good signature counts whatever stands beside it; a damaged one is told" {
	cosign_key other ED25519 >/dev/null
	signed "$(cosign_statement $name "$digest")" other key
	trust-add --prefix $name key.pub >/dev/null
	fetch >fetched
	verify-sig <fetched | jq -e '.verified[0].by == "cosign"'
	for damaged in '' 'AAAA' '===='; do
		refuse 1 verify-sig < <(jq -c --arg s "$damaged" '.signatures = [.signatures[1] | .annotations[] = $s]' fetched)
		says 'cosign: bad signature'
	done
	hex=$(jq -r '.signatures[1].digest | ltrimstr("sha256:")' fetched)
	echo '{}' >"$TACKLE_STORE/blobs/sha256/$hex"
	refuse 1 verify-sig <fetched
	says 'damaged in the store'
}

@test "a key is trusted for its prefix only; nobody trusted; --allow-untrusted; --no-signature" {
	signed "$(cosign_statement $name "$digest")"
	trust-add --prefix registry.example:5000/ap key.pub >/dev/null
	fetch >fetched
	refuse 1 verify-sig <fetched
	says 'no key is trusted for this name'
	verify-sig --allow-untrusted <fetched >untrusted
	jq -e '.verified == null and .insecure == ["image"]' untrusted
	refuse 1 unpack tree <untrusted
	fetch --no-signature | jq -e '.signatures == null and .insecure == ["image"]'
	trust-add --root key.pub >/dev/null
	verify-sig <untrusted | jq -e '.insecure == [] and .verified[0].by == "cosign"'
}

@test "keys in PEM and OpenPGP keys lie side by side, each kind judges its own" {
	gpg --homedir "$(mktemp -d gpg.XXXX)" --batch --pinentry-mode loopback --passphrase '' --quick-gen-key a@example.com ed25519 2>/dev/null
	gpg --homedir gpg.* --export >pgp.pub
	gpgconf --homedir gpg.* --kill all
	trust-add --root pgp.pub >/dev/null
	signed "$(cosign_statement $name "$digest")"
	refuse 1 verify-sig < <(fetch)
	says 'no signature that is judged by such a key, but a key is trusted for this name'
	trust-add --root key.pub >/dev/null
	fetch | verify-sig >/dev/null
	same 2 "$(trust-list | grep -c .)"
	cosign_key other ED25519 >/dev/null
	cat key.pub other.pub >two.pub
	refuse 6 trust-add --root two.pub
	says 'more than one key'
	cp two.pub "trust/trustedkeys/root.d/$key.pub"
	refuse 6 verify-sig < <(fetch)
	says 'more than one key'
	cp key.pub "trust/trustedkeys/root.d/$key.pub"
	mv "trust/trustedkeys/root.d/$key.pub" "trust/trustedkeys/root.d/spki-$(printf '%064d' 0).pub"
	refuse 1 verify-sig < <(fetch)
	says 'fingerprint mismatch'
	trust-list | jq -es 'map(.problem) | index("fingerprint mismatch") != null'
}
