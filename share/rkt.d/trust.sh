# rkt trust: shows keys, asks, and stores them.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154  # variables are shared with rkt

is_identifier() { # of an App Container name
	case $1 in
	'' | *[!a-z0-9._~/-]* | [._~/-]* | *[._~/-] | *[._~/-][._~/-]*) return 1 ;;
	esac
}

# A prefix may also start the name of an image in a registry: HOST:PORT/REPOSITORY.
is_prefix() {
	is_identifier "$1" && return
	case $1 in
	*[!a-z0-9._/:-]* | [._/:-]* | *[._/:-]) return 1 ;;
	*:* | */*) ;;
	*) return 1 ;;
	esac
}

# The URLs of the keys for `prefix`. Where there are none the user reads the older system's words for it; all else that discover
# says goes through.
discover_keys() {
	record=$({ net_stage discover --keys "$prefix" 2>&1 >&4 4>&- | sed -u '/found no ACI meta tags$/d' >&2 4>&-; } 4>&1)
	status=$(printf '%s\n' "$record" | field .status)
	[ "$status" != 3 ] || echo 'Error determining key location: --prefix meta discovery error: found no ACI meta tags' >&2
	[ -z "$status" ] || return "$status"
	printf '%s\n' "$record" | field '.keys[]'
}

# Where the key of a URL or file lies in the store: there it stays the same, so that what is shown is what is trusted.
key_digest() { # URL|FILE
	case $1 in
	*://*)
		record=$(stage ref-parse -- "$1") || return
		record=$(printf '%s\n' "$record" | fetch_stage --media-type "$key_type" --max-download 4M \
			--progress none) || return
		;;
	*) record=$(stage store-put --store "$store" --media-type "$key_type" -- "$1") || return ;;
	esac
	printf '%s\n' "$record" | field .blob.digest
}

confirm() { # KEY
	if [ ! -t 0 ]; then
		say 'no terminal to ask at: nothing is trusted; --skip-fingerprint-review does without the question'
		return 1
	fi
	while :; do
		printf 'Are you sure you want to trust this key (yes/no)? ' >&2
		IFS= read -r answer || { echo >&2 && answer=no; }
		case $answer in
		yes) return 0 ;;
		no) printf 'Not trusting "%s"\n' "$1" >&2 && return 1 ;;
		esac
		echo "Please enter 'yes' or 'no'" >&2
	done
}

trust_key() { # URL|FILE
	digest=$(key_digest "$1") || return
	shown=$(stage store-get --store "$store" --progress none "$digest" | stage key-show --format table) || return
	[ -z "$prefix" ] || printf 'Prefix: "%s"\n' "$prefix" >&2
	printf 'Key: "%s"\n%s\n' "$1" "$shown" >&2
	if [ -n "$prefix" ]; then
		scope="prefix \"$prefix\"" added="key for prefix \"$prefix\""
		set -- "$1" --prefix "$prefix"
	else
		scope='all images' added='root key'
		set -- "$1" --root
		say 'warning: this key will be trusted for ALL images'
	fi
	[ -n "$unseen" ] || confirm "$1" || return
	printf 'Trusting "%s" for %s%s.\n' "$1" "$scope" "$unseen" >&2
	shift
	records=$(stage store-get --store "$store" --progress none "$digest" | stage trust-add --trust "$local_config" "$@") || return
	printf '%s\n' "$records" | field .path | while IFS= read -r path; do
		printf 'Added %s at "%s"\n' "$added" "$path" >&2
	done
}

# --root takes three things: a URL or a file with a key for all images, or a domain whose keys count for the domain.
root_meaning() {
	case $root in
	*://* | /* | ./* | ../*) return ;;
	esac
	is_identifier "$root" || usage_error "--root: '$root' is no domain and no URL, and a file has to start with / ./ or ../"
	[ ! -e "$root" ] || usage_error "--root: '$root' is a domain and there is such a file, too: say ./$root for the file"
	prefix=$root
}

key_type=application/pgp-keys
prefix='' root='' given='' unseen=''

trust_option() {
	case $1 in
	--prefix | --prefix=*) value "$@" && prefix=$value given=${given}p ;;
	--root | --root=*) value "$@" && root=$value given=${given}r ;;
	--skip-fingerprint-review) unseen=' without fingerprint review' ;;
	--insecure-allow-http) off="${off}http pubkey " ;;
	*) return 1 ;;
	esac
}

# Exactly one of --prefix and --root says what the keys will be good for.
check_scope() {
	case $given in
	'') usage_error 'such a trust would be unbounded: give --prefix PREFIX, or --root for every image' ;;
	*pr* | *rp*) usage_error '--root and --prefix usage mutually exclusive' ;;
	*r) root_meaning ;;
	*)
		case $prefix in
		*://*) usage_error '--prefix must not contain a URL scheme, omit https://' ;;
		esac
		is_prefix "$prefix" || usage_error "--prefix: '$prefix' is not an AC Identifier"
		;;
	esac
}

trust() { # [URL|FILE ...]
	check_scope
	[ -n "$prefix" ] || [ $# -eq 0 ] || usage_error '--root has a key already, and cannot take more'
	[ -n "$prefix" ] || set -- "$root"
	is_off pubkey || off=' ' # what is switched off for images is not for keys
	if [ $# -eq 0 ]; then
		keys=$(discover_keys) || exit
		while IFS= read -r key <&3; do
			set -- "$@" "$key"
		done 3<<-END
			$keys
		END
	fi
	result=0
	for key; do
		trust_key "$key" || result=$((result ? result : $?))
	done
	exit "$result"
}
