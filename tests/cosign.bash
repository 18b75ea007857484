# Signatures as cosign leaves them in registries, made with openssl to its published format. To load after oci.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

cosign_key() { # NAME ALGORITHM [OPTION]: NAME.pem and NAME.pub; what the trust store calls it on stdout
	openssl genpkey -algorithm "$2" ${3:+-pkeyopt "$3"} -out "$1.pem" 2>/dev/null
	openssl pkey -in "$1.pem" -pubout -out "$1.pub"
	echo "spki-$(openssl pkey -in "$1.pem" -pubout -outform DER | sha256sum | cut -d' ' -f1)"
}

# cosign_statement DOCKER-REFERENCE DIGEST: what a signature is over.
cosign_statement() {
	printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' \
		"$1" "$2"
}

cosign_sign() { # KEY FILE: the signature in base64
	if [[ $(openssl pkey -in "$1" -noout -text) == ED25519* ]]; then
		openssl pkeyutl -sign -rawin -inkey "$1" -in "$2" | base64 -w0
	else
		openssl dgst -sha256 -sign "$1" "$2" | base64 -w0
	fi
}

# cosign_attach LAYOUT DIGEST STATEMENT-FILE SIGNATURE...: the image sha256-HEX.sig with a layer for each.
cosign_attach() {
	local dir=$1 digest=$2 statement=$3 layers='[]' signature layer config
	shift 3
	oci_init "$dir"
	for signature; do
		layer=$(oci_blob "$dir" application/vnd.dev.cosign.simplesigning.v1+json "$statement")
		layers=$(jq -c --argjson d "$layer" --arg s "$signature" '. + [$d + {annotations: {"dev.cosignproject.cosign/signature": $s}}]' <<<"$layers")
	done
	printf '{"architecture":"","os":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}' >"$dir.config"
	config=$(oci_blob "$dir" application/vnd.oci.image.config.v1+json "$dir.config")
	jq -cnj --argjson c "$config" --argjson l "$layers" \
		'{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config: $c, layers: $l}' >"$dir.manifest"
	oci_name "$dir" "${digest/:/-}.sig" "$(oci_blob "$dir" application/vnd.oci.image.manifest.v1+json "$dir.manifest")"
	rm "$dir.config" "$dir.manifest"
}
