#!/usr/bin/env bats
# make docker-check: the container is built from the release as the seed shows it, with buildah from a Debian that debootstrap makes (or
# the tar archive $BASE_TARBALL), and run with podman. As root, with the network of the host for Debian's packages, in some minutes: no part
# of make check. docker(1) itself takes the same Dockerfile.
# SPDX-License-Identifier: Apache-2.0
load ../lib
load ../terminal
load ../token

setup_file() {
	for tool in buildah podman unzip; do
		command -v "$tool" >/dev/null || skip "$tool is not installed: sh contrib/bootstrap deps container"
	done
	[[ $EUID == 0 ]] || skip "not root"
	cd "$BATS_FILE_TMPDIR" || return
	export DRIVER=overlay
	# shellcheck disable=SC2046 # words
	buildah $(storage) images >/dev/null 2>&1 || DRIVER=vfs
	unzip -q "$TACKLE_RELEASE"
	import "${BASE_TARBALL:-$(make_base)}"
	# The seed's step: docker build -t brkt .
	cd tackle-*/ || return
	build -t brkt . >"$BATS_FILE_TMPDIR/build.log" 2>&1 || { tail -n 30 "$BATS_FILE_TMPDIR/build.log" >&2 && return 1; }
	choose_runtime
}

teardown_file() {
	# shellcheck disable=SC2046 # words
	[[ -z ${DRIVER:-} ]] || buildah $(storage) rmi --all --force >/dev/null 2>&1 || true
}

storage() {
	echo --storage-driver "$DRIVER" --root "$BATS_FILE_TMPDIR/storage" --runroot "$BATS_FILE_TMPDIR/run"
}

# podman's defaults want more than some machines give: higher limits, or cgroups of one version.
choose_runtime() {
	local limits="--ulimit nofile=1000:1000 --ulimit nproc=1000:1000" error
	for HIDE_CGROUPS in '' 1; do
		for RUN_OPTIONS in '' "$limits" "--cgroups disabled $limits"; do
			export HIDE_CGROUPS RUN_OPTIONS
			error=$(run_container brkt --version 2>&1) && return
		done
	done
	echo "podman runs nothing here: $error" >&2
	return 1
}

build() { # as `docker build`
	# shellcheck disable=SC2046 # words
	buildah $(storage) bud --layers --isolation chroot --pull-never --build-arg BASE=localhost/base "$@"
}

run_container() { # as `docker run`
	local launch=()
	[[ -z $HIDE_CGROUPS ]] || launch=(unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"' sh)
	# shellcheck disable=SC2046,SC2086 # words
	"${launch[@]}" podman $(storage) --cgroup-manager cgroupfs --events-backend none run --rm --network none --log-driver none $RUN_OPTIONS "$@"
}
export -f run_container storage # for on_terminal

make_base() { # a tar archive of a small Debian, from where this machine's packages come from
	local mirror
	mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | sed -nE 's/^(URIs:|deb( \[[^]]*\])?) *(http[^ ]*).*/\3/p' | head -n 1)
	debootstrap --variant=minbase bookworm "$BATS_FILE_TMPDIR/base" "${mirror:-http://deb.debian.org/debian}" >&2
	tar -C "$BATS_FILE_TMPDIR/base" -cf "$BATS_FILE_TMPDIR/base.tar" .
	rm -rf "$BATS_FILE_TMPDIR/base"
	echo "$BATS_FILE_TMPDIR/base.tar"
}

import() { # import TARBALL
	local container
	# shellcheck disable=SC2046 # words
	container=$(buildah $(storage) from scratch)
	# shellcheck disable=SC2046
	buildah $(storage) add "$container" "$1" / >/dev/null
	# shellcheck disable=SC2046
	buildah $(storage) commit --rm "$container" base >/dev/null 2>&1
}

setup() {
	in_own_directory
	umask 077
	mkdir keys
	key-gen --type p384 --no-passphrase --public-out pub.pem -o keys/secret.pem
}

@test "brkt:B70 without arguments it shows the help" {
	run -0 --separate-stderr run_container brkt
	[[ $output == 'usage: brkt '* && -z $stderr ]]
	same "$(run_container brkt --help)" "$output"
	run -2 run_container brkt frobnicate
}

@test "brkt:B71 the seed's example: a token by a key on a mount, no terminal needed" {
	run_container -v "$PWD/keys:/keys" brkt make-token --signing-key /keys/secret.pem >token
	grep -q '^eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6I' token
	same "$(key-pub --id kid pub.pem)" "$(part 1 <token | jq -r .kid)"
	jwt-verify --key pub.pem <token | jq -e '.iss | startswith("brkt-cli-")'
}

@test "brkt:B70 a user of the caller's choice reads her own key, and nobody else's" {
	chown 1234:1234 keys keys/secret.pem
	run_container --user 1234:1234 -v "$PWD/keys:/keys" brkt make-token --signing-key /keys/secret.pem | jwt-verify --key pub.pem >/dev/null
	run ! run_container --user 4321:4321 -v "$PWD/keys:/keys" brkt make-token --signing-key /keys/secret.pem
	run_container --user 1234:1234 -v "$PWD/keys:/keys" brkt make-key --no-passphrase --public-out /keys/new.pub >new.pem
	same 1234 "$(stat -c %u keys/new.pub)"
	openssl pkey -in new.pem -pubout | cmp - keys/new.pub
}

@test "brkt:B70 variables reach the tools, and so does standard input" {
	jwt-mint --key keys/secret.pem <<<'{}' >token
	run_container -e BRKT_TOKEN="$(cat token)" brkt make-user-data | grep -qFf token
	run_container -i --entrypoint jwt-verify -v "$PWD/pub.pem:/pub.pem" brkt --key /pub.pem <token | jq -e .jti
}

@test "brkt:B70 with a terminal it asks for passphrases" {
	on_terminal $'secret pw\nsecret pw' run_container -it -v "$PWD/keys:/keys" brkt make-key --public-out /keys/p.pub
	[[ $screen == *'BEGIN ENCRYPTED PRIVATE KEY'* && -s keys/p.pub ]]
}

@test "brkt:B72 settings that the image was built with" {
	cd "$BATS_FILE_TMPDIR"/tackle-*/
	echo token-file=/keys/token >settings
	build --build-arg CONFIG=settings -t brkt-configured . >"$BATS_TEST_TMPDIR/build.log" 2>&1
	cd "$BATS_TEST_TMPDIR"
	jwt-mint --key keys/secret.pem <<<'{}' >keys/token
	run_container -v "$PWD/keys:/keys" brkt-configured make-user-data | grep -qFf keys/token
	run_container -v "$PWD/keys:/keys" brkt make-user-data | grep -qF '{"brkt": {}}'
}

@test "every program of the kit starts in the container" {
	run_container --entrypoint sh brkt -c 'for p in $(tackle --format=names); do "$p" --help >/dev/null || echo "$p"; done' >failed
	same '' "$(cat failed)"
	run_container --entrypoint tackle brkt --format=names | grep -qx jwt-mint
}
