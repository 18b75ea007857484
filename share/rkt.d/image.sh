# rkt image: what is in the store.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154  # variables are shared with rkt

full='' legend=yes overwrite='' rootfs_only='' grace='' policy=never

image_option() {
	case $verb$1 in
	list--full) full=yes ;;
	list--no-legend) legend=no ;;
	export--overwrite | extract--overwrite | render--overwrite) overwrite=yes ;;
	extract--rootfs-only | render--rootfs-only) rootfs_only=yes ;;
	gc--grace-period | gc--grace-period=*) value "$@" && grace=$value ;;
	*) return 1 ;;
	esac
}

image() { # [ARGUMENT ...]
	case $verb:$# in
	list:0 | gc:0 | cat-manifest:1 | export:2 | extract:2 | render:2 | verify:[1-9]* | rm:[1-9]*) ;;
	list:* | gc:* | cat-manifest:* | export:* | extract:* | render:* | verify:* | rm:*) usage_error "$verb: wrong number of arguments" ;;
	*) usage_error "unknown command '$verb'" ;;
	esac
	case $verb in
	list) list ;;
	cat-manifest) cat_manifest "$1" ;;
	export) export_archive "$@" ;;
	extract | render) make_tree "$@" ;;
	verify) stage store-check --store "$store" -- "$@" >/dev/null ;;
	rm) stage store-rm --store "$store" --pods "$pods" -- "$@" >/dev/null ;;
	gc) stage store-gc --store "$store" --pods "$pods" ${grace:+--grace-period "$grace"} >/dev/null ;;
	esac
}

list() {
	table=$(trust_stage store-list --store "$store" --format table ${full:+--full}) || exit
	[ "$legend" = yes ] || table=$(printf '%s\n' "$table" | sed 1d)
	[ -z "$table" ] || out '%s\n' "$table"
}

stored_record() { # IMAGE
	trust_stage store-get --store "$store" --record -- "$1"
}

cat_manifest() { # IMAGE
	record=$(stored_record "$1") || exit
	manifest=$(image_stage "$record" aci-manifest) || exit
	out '%s\n' "$manifest"
}

# What is in the way of a product: kept, or with --overwrite moved aside until the product is there, made in `work` beside it. From
# here on every end is settle's, also that by a signal.
clear_way() { # PATH
	aside='' work='' way=$1
	trap 'settle $? "$way"' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	if [ -e "$1" ] || [ -h "$1" ]; then
		[ -n "$overwrite" ] || { say "'$1': exists; --overwrite replaces it" && exit 1; }
		aside=$(mktemp -d -- "${1%/}.XXXXXX") || exit 8
		mv -- "$1" "$aside/old" || exit 8
	fi
	work=$(mktemp -d -- "${1%/}.XXXXXX") || exit 8
}

# The end of clear_way: with status 0 the old one goes, else it comes back.
settle() { # STATUS PATH
	trap - EXIT
	trap '' HUP INT TERM
	rm -rf -- ${work:+"$work"}
	if [ -n "$aside" ]; then
		if [ "$1" -ne 0 ] && { [ -e "$aside/old" ] || [ -h "$aside/old" ]; }; then
			rm -rf -- "$2" && mv -- "$aside/old" "$2"
		fi
		rm -rf -- "$aside"
	fi
	exit "$1"
}

export_archive() { # IMAGE FILE|-
	record=$(stored_record "$1") || exit
	if [ "$2" = - ]; then
		printf '%s\n' "$record" | stage store-get --store "$store" --uncompressed
		exit
	fi
	clear_way "$2"
	printf '%s\n' "$record" | stage store-get --store "$store" --uncompressed >"$work/image" && mv -- "$work/image" "$2"
	settle $? "$2"
}

# The image's own files: what it depends on is left out, and so unpack gets the archive and not the record.
extract_tree() { # RECORD DIRECTORY
	is_off image || is_verified "$1" || { say 'the image is not verified' && return 1; }
	image_stage "$1" unpack --tar -- "$work/image" &&
		mv -- "$work/image${rootfs_only:+/rootfs}" "$2"
}

render_tree() { # RECORD DIRECTORY
	target=$2 record=$1
	set --
	[ -n "$rootfs_only" ] || set -- "$@" --layout
	is_off image && set -- "$@" --unverified
	printf '%s\n' "$record" | trust_stage unpack --store "$store" "$@" -- "$target"
}

make_tree() { # IMAGE DIRECTORY
	record=$(stored_record "$1") || exit
	record=$(reuse_image "$record") || exit
	clear_way "$2"
	"${verb}_tree" "$record" "$2"
	settle $? "$2"
}
