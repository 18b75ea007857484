#!/usr/bin/env bats
# Every program takes from itself what it does not need before anything of the input can take it over: watched from outside, by strace.
# SPDX-License-Identifier: Apache-2.0
# asan: no: the sandbox is off there, since the leak checker has to trace
load lib

setup() {
	in_own_directory
	umask 077
	mkdir -p inputs/tree/metadata pods trust/trustedkeys/root.d
	echo "{\"kind\":\"image\",\"name\":\"a\",\"manifest\":{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:$(
		printf '%064d' 0
	)\",\"size\":1}}" >inputs/oci
	store-put >/dev/null <<<x # so that there is a store
	head -c 64 /dev/urandom | tee root >secret
	head -c 512 /dev/zero >inputs/sector
	printf x >trust/trustedkeys/root.d/"$(printf '%040d' 0)"
	echo '{"kind":"image"}' >inputs/file
	echo "{\"kind\":\"image\",\"name\":\"a\",\"id\":\"sha512-$(printf '%0128d' 0)\",\"blob\":{\"mediaType\":\"application/vnd.appc.image.aci\",\"digest\":\"sha256:$(
		printf '%064d' 0
	)\",\"size\":1}}" >inputs/image
}

# What a program is run with, where its synopsis alone does not tell: lines of arguments, and behind < another standard input.
arguments() {
	case $1 in
	aci-build) echo '--name example.com/x inputs/tree' ;;
	disk-encrypt) echo '--secret secret --size 512 <inputs/sector' ;;
	disk-decrypt) echo '--secret secret' ;;
	reg-push) echo 'oci:pushed:x <inputs/oci' ;;
	pack) echo inputs/tree ;;
	tuf-download | tuf-find) echo '--tuf inputs/tree --root root target' ;;
	tuf-list | tuf-refresh) echo '--tuf inputs/tree --root root' ;;
	tuf-pull) echo '--tuf inputs/tree --root root --repo file:inputs/tree file:inputs/out' ;;
	tuf-push) echo inputs/tree file:inputs/out ;;
	tuf-put) echo file:inputs/tree target inputs/file ;;
	tuf-lint | tuf-status) echo inputs/tree ;;
	trust-add) echo --root ;;
	trust-rm) echo "--root $(printf '%040d' 0)" ;;
	unpack)
		echo '--unverified inputs/out <inputs/image'
		echo '--tar inputs/out'
		;;
	*) echo "$(required "$1") $(operands "$1")" ;;
	esac
}

required() { # each option that the help calls required, with a file
	"$1" --help | sed -n '/^  /p' | sed 's/^  \(-., \|    \)--/\n--/' | awk 'BEGIN { RS = "\n\n" } { gsub(/\n */, " "); print }' |
		sed -n 's/^ *--\([a-z-]*\).*(required).*/--\1=inputs\/file/p' | paste -sd' '
}

operands() {
	"$1" --help | sed -n '/^usage/,/^[a-z]/p' | head -n 1 | sed 's/.*\[options\]//; s/\[.*//' | wc -w | xargs -I{} seq {} | sed 's/.*/inputs\/file/' |
		paste -sd' '
}

# events PROGRAM ARGUMENT...: what happened in its first process, in order: `landlock`, `seccomp`, and `read FILE` for what lies in inputs/.
events() {
	strace -y -o trace -e trace=read,readv,pread64,preadv,mmap,landlock_create_ruleset,landlock_restrict_self,seccomp "$@" >/dev/null 2>err || true
	awk -v inputs="<$PWD/inputs/" '
		/^landlock_create_ruleset\(NULL.* = -1/ || /^landlock_restrict_self\(.* = 0/ { print "landlock" }
		/^seccomp\(SECCOMP_SET_MODE_FILTER.* = 0/ { print "seccomp" }
		at = index($0, inputs) { rest = substr($0, at + length(inputs)); print "read " substr(rest, 1, index(rest, ">") - 1) }' trace
}

# watch PROGRAM: the events of each way to run it, in $seen, one line each.
watch() {
	local line input words
	while read -r line; do
		input=inputs/file
		[[ $line != *'<'* ]] || input=${line#*<}
		read -ra words <<<"${line%%<*}"
		events "$1" "${words[@]}" <"$input" | paste -sd' '
	done < <(arguments "$1")
}

exemption() { # exemption PROGRAM: never, record or nothing
	awk -v p="$1" '$1 == p { print $2 }' "$ROOT/tests/sandbox-exempt"
}

@test "every program is in Landlock and seccomp before it reads a byte of its input, but those that tests/sandbox-exempt names" {
	failed=
	for p in $(programs); do
		watch "$p" >seen
		while read -r seen; do
			case $(exemption "$p") in
			never) [[ $seen != *seccomp* ]] && continue ;;
			record) [[ $seen =~ ^((read [a-z]+ ?)*)landlock\ seccomp ]] && continue ;;
			'') [[ $seen == 'landlock seccomp'* ]] && continue ;;
			esac
			failed+="$p: $seen: $(head -n 1 err)"$'\n'
		done <seen
	done
	same '' "$failed"
}

@test "tests/sandbox-exempt: each line names a program, once, a time, and a reason that still holds" {
	while read -r program when reason; do
		[[ -x $BIN/$program && $when =~ ^(never|record)$ ]]
		[[ ${#reason} -gt 20 ]]
		[[ $when == never || $(watch "$program" | head -n 1) == 'read '* ]]
	done < <(grep -v '^#' "$ROOT/tests/sandbox-exempt")
	same '' "$(grep -v '^#' "$ROOT/tests/sandbox-exempt" | cut -d' ' -f1 | sort | uniq -d)"
}

@test "what is watched is real: a program without a sandbox is found" {
	same 'read file' "$(events cat inputs/file | sort -u)"
}
