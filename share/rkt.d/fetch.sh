# rkt fetch, and how every other command comes to its images: from the store or from elsewhere, judged, with all they depend on.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154  # variables are shared with rkt

pull_policy() {
	value "$@"
	case $value in
	never | new | update) policy=$value ;;
	*) usage_error "--pull-policy: '$value' is none of never, new, update" ;;
	esac
}

# The image of the store that is meant; 3, and nothing said, when there is none.
stored_image() { # NAME|ID|URL
	case $1 in
	*://*)
		stored=$(trust_stage store-list --store "$store" 2>/dev/null) || return 3
		stored=$(printf '%s\n' "$stored" | jq -nc --arg url "$1" 'first(inputs | select(.source.url == $url)) | del(.part, .of)')
		;;
	*) stored=$(trust_stage store-get --store "$store" --record -- "$1" 2>/dev/null) || return 3 ;;
	esac
	[ -n "$stored" ] || return 3
	printf '%s\n' "$stored"
}

# Judges the signature and says whose it is. An image that nobody is trusted for passes, unverified.
verify_image() { # RECORD
	verified=$(printf '%s\n' "$1" | trust_stage verify-sig --store "$store" --allow-untrusted) || return
	signer=$(printf '%s\n' "$verified" | field '(.manifest // .blob).digest as $d | [.verified[]? | select(.digest == $d) | .identity][-1]')
	[ -z "$signer" ] || printf 'rkt: signature verified: \n  %s\n' "$signer" >&2
	printf '%s\n' "$verified"
}

# That the reference named the digest says nothing about who made an image of a registry (rkt:A-026).
is_verified() { # RECORD
	printf '%s\n' "$1" | jq -e '(.manifest // .blob).digest as $d | (.manifest != null) as $oci |
		any(.verified[]?; .digest == $d and (.by != "digest" or ($oci | not)))' >/dev/null
}

add_image() { # RECORD
	printf '%s\n' "$1" | stage store-add --store "$store"
}

# As long as an image of the store is not verified, every use of it tries again, with the keys of now and, where signatures were switched
# off when it came, with the signature fetched now.
reuse_image() { # RECORD
	if is_off image || is_verified "$1"; then
		printf '%s\n' "$1"
	elif printf '%s\n' "$1" | jq -e .derived_from.manifest >/dev/null; then
		vouch_for "$1"
	else
		record=$(printf '%s\n' "$1" | fetch_stage --pull-policy "$policy") && record=$(verify_image "$record") && add_image "$record"
	fi
}

# Downloads and judges an image; one that is refused does not become an image of the store.
new_image() { # IMAGE SIGNATURE|'' ID|'' BYTES|''
	record=$(stage ref-parse -- "$1") || return
	case $1 in
	/* | ./* | ../* | file:*) say "using image from file $1" ;;
	*://*) ;;
	*)
		say "searching for app image $1"
		record=$(printf '%s\n' "$record" | net_stage discover) || return
		;;
	esac
	url=$(printf '%s\n' "$record" | field '.endpoints[0].url | select(startswith("file:") | not)')
	[ -z "$url" ] || say "fetching image from $url"
	[ -z "$3" ] || record=$(printf '%s\n' "$record" | jq -c --arg id "$3" '.id = $id')
	set -- --pull-policy "$policy" ${2:+--signature "$2"} ${4:+--max-download "$4"}
	is_off image && set -- "$@" --no-signature
	record=$(printf '%s\n' "$record" | fetch_stage "$@") || return
	if ! is_off image; then
		record=$(verify_image "$record") || return
		# The older system says it twice when nobody is trusted; the bytes are not fetched again.
		is_verified "$record" || [ -z "$url" ] || say "fetching image from $url"
	fi
	add_image "$record"
}

# The OCI image that an App Container Image was made from, as verified as it is now; 1 when it was made from none.
source_image() { # RECORD
	digest=$(printf '%s\n' "$1" | field .derived_from.manifest.digest)
	[ -n "$digest" ] && trust_stage store-get --store "$store" --record -- "$digest" 2>/dev/null
}

# A converted image is as good as the one it was made from, here and now. Only the record that goes on says so, not the store: there the
# keys of then would count.
vouch_for() { # RECORD
	if source=$(source_image "$1") && is_verified "$source"; then
		printf '%s\n' "$1" | jq -c '.verified = [{by: "digest", digest: .blob.digest}]'
	else
		printf '%s\n' "$1"
	fi
}

stored_oci_image() { # IMAGE
	stored=$(trust_stage store-list --store "$store" 2>/dev/null) || return 3
	stored=$(printf '%s\n' "$stored" | jq -nc --arg ref "$1" 'last(inputs | select(.ref == $ref and .manifest)) | values | del(.part, .of)')
	[ -n "$stored" ] || return 3
	is_off image || is_verified "$stored" || return 3
	printf '%s\n' "$stored"
}

# Downloads and judges an image of a registry or layout.
new_oci_image() { # IMAGE RECORD
	set -- "$1" "$2" "$(printf '%s\n' "$2" | field .name)"
	[ "$policy" != never ] || { say "$1: not in the store, and the pull policy is never" && return 3; }
	if ! is_off image && ! trust_stage trust-list --format names ${3:+--name "$3"} | grep -q .; then
		say "signature verification for ${1%%:*} images is not supported"
		say "hint: unless a key that its publisher signs with is trusted: rkt trust --prefix ${3:-NAME} FILE"
		return 1
	fi
	say "fetching image from $1"
	record=$(printf '%s\n' "$2" | net_stage reg-resolve) || return
	if is_off image; then
		record=$(printf '%s\n' "$record" | fetch_stage --no-signature) || return
	else
		record=$(printf '%s\n' "$record" | fetch_stage) && record=$(verify_image "$record") || return
	fi
	add_image "$record"
}

# What it was made into before, else what it is made into now. An image of a layout that no name was given is called as its directory.
converted_image() { # RECORD
	stored=$(trust_stage store-list --store "$store") || return
	stored=$(printf '%s\n' "$stored" | jq -nc --argjson oci "$1" 'last(inputs | select(.derived_from.manifest.digest == $oci.manifest.digest and
		.derived_from.ref == $oci.ref and (.dependencies | not))) | values | del(.part, .of)')
	if [ -z "$stored" ]; then
		name=$(printf '%s\n' "$1" | field 'if .name then empty else .path | sub("/+$"; "") | sub(".*/"; "") | ascii_downcase |
			gsub("[^a-z0-9]+"; "-") | ltrimstr("-") | rtrimstr("-") | if . == "" then "image" else . end end')
		stored=$(printf '%s\n' "$1" | stage oci-to-aci --flatten --store "$store" ${name:+--name "$name"}) && stored=$(add_image "$stored") || return
	fi
	printf '%s\n' "$stored"
}

# The App Container Image made of an image of a registry or layout.
oci_image() { # IMAGE
	record=$(stage ref-parse -- "$1") || return
	if [ "$policy" != update ] && oci=$(stored_oci_image "$1"); then
		say "using image from local store for image name $1"
	else
		oci=$(new_oci_image "$1" "$record") || return
	fi
	record=$(converted_image "$oci") && vouch_for "$record"
}

# The record of an image, from the store or from elsewhere as the pull policy says.
get_image() { # IMAGE [SIGNATURE [ID [BYTES]]]
	case $1 in
	docker://* | oci:*)
		oci_image "$1"
		return
		;;
	/* | ./* | ../* | file:*) ;;
	sha512-*)
		record=$(trust_stage store-get --store "$store" --record -- "$1") && reuse_image "$record"
		return
		;;
	*)
		if [ "$policy" != update ] && stored=$(stored_image "${3:-$1}"); then
			say "using image from local store for image name $1"
			reuse_image "$stored"
			return
		fi
		[ "$policy" != never ] || { say "$1: not in the store, and the pull policy is never" && return 3; }
		;;
	esac
	new_image "$1" "${2-}" "${3-}" "${4-}"
}

# ID, BYTES and NAME,LABEL=VALUE... of what an image depends on, a line each. A comma in a value would make two labels of one.
dependencies() { # RECORD
	printf '%s\n' "$1" | jq -r '.dependencies[]? | [.imageID // "-", .size // "-", .imageName +
		([.labels[]? | if "\(.name)\(.value)" | test("[,=[:cntrl:]]")
			then "rkt: a dependency has a label with a comma, an equals sign or a control character\n" | halt_error(6)
			else ",\(.name)=\(.value)" end] | add // "")] | map(tostring) | join("\t")'
}

# Brings what an image depends on into the store, too, level by level, each image once: a cycle comes to an end here, and is refused
# by whoever renders it.
get_dependencies() { # RECORD
	next=$(dependencies "$1") || return
	levels=0 images=0 seen=$newline
	while [ -n "$next" ]; do
		levels=$((levels + 1)) level=$next next=''
		while IFS=$tab read -r id bytes name <&3; do
			case $seen in
			*"$newline$id $name$newline"*) continue ;;
			esac
			images=$((images + 1)) seen=$seen$id\ $name$newline
			[ "$levels" -le 64 ] || { say 'dependencies are nested more than 64 levels deep' && return 7; }
			[ "$images" -le 1000 ] || { say 'more than 1000 images of dependencies' && return 7; }
			dependency=$(get_image "$name" '' "${id#-}" "${bytes#-}") && more=$(dependencies "$dependency") || return
			next=$next${more:+$more$newline}
		done 3<<-END
			$level
		END
		next=${next%"$newline"}
	done
}

# An image with all it depends on.
whole_image() { # IMAGE [SIGNATURE]
	whole=$(get_image "$@") || return
	get_dependencies "$whole" || return
	printf '%s\n' "$whole"
}

policy=new signature='' digits=32

fetch_option() {
	case $1 in
	--full) digits=128 ;;
	--pull-policy | --pull-policy=*) pull_policy "$@" ;;
	--signature | --signature=*) value "$@" && absolute "$value" && signature=$value ;;
	*) return 1 ;;
	esac
}

fetch() { # IMAGE ...
	[ $# -gt 0 ] || usage_error 'must provide at least one image'
	result=0
	for image; do
		if record=$(whole_image "$image" "$signature"); then
			out "%.$((7 + digits))s\n" "$(printf '%s\n' "$record" | field .id)"
		else
			result=$((result ? result : $?))
		fi
	done
	exit "$result"
}
