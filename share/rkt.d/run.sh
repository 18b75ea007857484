# rkt run, prepare and run-prepared.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034,SC2154  # variables are shared with rkt

not_built() { # OPTION
	usage_error "option ${1%%=*} is not supported yet"
}

# The command line of run and prepare: fetches the images, prepares the pod, and leaves its UUID in `uuid`. What pod-prepare has to
# know gathers behind the arguments still to be read, as arguments of its own, so that every byte of them stays as it is.
prepare_pod() { # ARGUMENT ...
	images='' n=0 left=$# policy=new manifest=''
	while [ "$left" -gt 0 ]; do
		used=1
		case $1 in
		--)
			[ "$n" -gt 0 ] || usage_error "arguments before the first image"
			shift
			left=$((left - 1))
			while [ "$left" -gt 0 ] && [ "$1" != --- ]; do
				set -- "$@" --app "$n:arg=$1"
				shift
				left=$((left - 1))
			done
			[ "$left" -gt 0 ] || break
			;;
		---) ;;
		--set-env | --set-env=* | --set-env-file | --set-env-file=* | --hostname | --hostname=* | --volume | --volume=* | \
			--uuid-file-save | --uuid-file-save=*)
			value "$@"
			set -- "$@" "${1%%=*}" "$value"
			;;
		--mount | --mount=* | --user-annotation | --user-annotation=* | --user-label | --user-label=*)
			value "$@"
			name=${1%%=*}
			if [ "$n" -gt 0 ]; then
				set -- "$@" --app "$n:${name#--}=$value"
			else
				set -- "$@" "$name" "$value"
			fi
			;;
		--name | --name=* | --exec | --exec=* | --user | --user=* | --group | --group=* | --working-dir | --working-dir=* | \
			--environment | --environment=* | --caps-retain | --caps-retain=* | --caps-remove | --caps-remove=*)
			value "$@"
			name=${1%%=*}
			[ "$n" -gt 0 ] || usage_error "option $name stands behind the image it is for"
			set -- "$@" --app "$n:${name#--}=$value"
			;;
		--supplementary-gids | --supplementary-gids=*)
			value "$@"
			[ "$n" -gt 0 ] || usage_error 'option --supplementary-gids stands behind the image it is for'
			value=$value,
			while [ -n "$value" ]; do
				set -- "$@" --app "$n:supplementary-gid=${value%%,*}"
				value=${value#*,}
			done
			;;
		--readonly-rootfs | --readonly-rootfs=*)
			[ "$n" -gt 0 ] || usage_error 'option --readonly-rootfs stands behind the image it is for'
			value=true
			[ "$1" = --readonly-rootfs ] || value=${1#*=}
			set -- "$@" --app "$n:readonly-rootfs=$value"
			;;
		--signature | --signature=*)
			value "$@"
			[ "$n" -gt 0 ] || usage_error 'option --signature stands behind the image it is for'
			absolute "$value"
			images=$images$tab$value
			;;
		--inherit-env) set -- "$@" --inherit-env --environment-of "$environment" ;;
		--pod-manifest | --pod-manifest=*)
			value "$@"
			manifest=$value
			set -- "$@" --pod-manifest "$manifest"
			;;
		--pull-policy | --pull-policy=*) pull_policy "$@" ;;
		--net=host | --no-overlay) ;; # as it is without
		--stage1-*) usage_error "option ${1%%=*}: there is no stage1: pods run directly in namespaces" ;;
		--port | --port=* | --net | --net=* | --private-net | --private-net=* | --dns* | --hosts-entry | --hosts-entry=* | \
			--interactive | --mds-register | --mds-register=* | --spawn-metadata-svc | --private-users | --private-users=* | \
			--ipc | --ipc=* | --cpu | --cpu=* | --memory | --memory=* | --seccomp | --seccomp=* | --oom-score-adjust | \
			--oom-score-adjust=*)
			not_built "$1"
			;;
		-*) common_option "$@" ;;
		*)
			case $1 in
			*"$newline"* | *"$tab"*) usage_error 'an image cannot have a newline or tab in its name' ;;
			esac
			n=$((n + 1))
			images=$images${images:+$newline}$1
			;;
		esac
		shift "$used"
		left=$((left - used))
	done
	[ "$n" -gt 0 ] || [ -n "$manifest" ] || usage_error 'must provide at least one image or specify the pod manifest'
	[ "$n" -eq 0 ] || [ -z "$manifest" ] || usage_error 'option --pod-manifest and images exclude each other'
	records=''
	set_directories
	[ "$n" -eq 0 ] || while IFS=$tab read -r image signature; do
		record=$(whole_image "$image" "$signature") || exit
		records=$records$record$newline
	done <<-END
		$images
	END
	is_off image && set -- "$@" --unverified
	is_off paths && set -- "$@" --insecure-paths
	for check in capabilities seccomp; do
		! is_off "$check" || say "warning: --insecure-options=$check relaxes nothing: apps are confined all the same"
	done
	pod=$(printf '%s' "$records" | trust_stage pod-prepare --store "$store" --pods "$pods" "$@") || exit
	uuid=$(printf '%s\n' "$pod" | field .uuid)
}

# Ends as the pod does. From here on signals are the pod's own affair.
run_pod() { # UUID
	exec "$bin/pod-exec" --pods "$pods" -- "$1"
}

run() {
	prepare_pod "$@"
	run_pod "$uuid"
}

prepare() {
	prepare_pod "$@"
	out '%s\n' "$uuid"
}

uuid_file=''

run_prepared_option() {
	case $1 in
	--uuid-file | --uuid-file=*) value "$@" && uuid_file=$value ;;
	*) return 1 ;;
	esac
}

run_prepared() { # [UUID]
	if [ -n "$uuid_file" ]; then
		[ -r "$uuid_file" ] || { say "'$uuid_file': cannot be read" && exit 3; }
		IFS= read -r uuid <"$uuid_file" || [ -n "$uuid" ] || { say "'$uuid_file': empty" && exit 6; }
		set -- "$@" "$uuid"
	fi
	[ $# -eq 1 ] || usage_error 'must provide one UUID, or --uuid-file'
	run_pod "$1"
}
