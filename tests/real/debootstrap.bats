#!/usr/bin/env bats
# make check-real: unpack against GNU tar, and the way through a registry to skopeo, podman and crun, on a whole Debian, made by debootstrap from Debian's packages, which takes a network and some
# minutes; BENCH_ROOTFS=DIR takes a root filesystem that is there. Not part of make check.
# SPDX-License-Identifier: Apache-2.0
load ../lib
load ../unpack
load ../oci
load ../registry

setup_file() {
	[ "$(id -u)" = 0 ] || skip "debootstrap needs root"
	export ROOTFS=${BENCH_ROOTFS:-$BATS_FILE_TMPDIR/rootfs} ARCHIVE=$BATS_FILE_TMPDIR/rootfs.tar
	if [ -z "${BENCH_ROOTFS:-}" ]; then
		command -v debootstrap >/dev/null || skip "debootstrap is not installed, and BENCH_ROOTFS is not set"
		debootstrap --variant=minbase "${DEBIAN:-stable}" "$ROOTFS" "${MIRROR:-https://deb.debian.org/debian}" >"$BATS_FILE_TMPDIR/log" 2>&1 ||
			skip "debootstrap cannot: $(tail -n 1 "$BATS_FILE_TMPDIR/log")"
	fi
	# What packages that are not in it bring: file capabilities, other attributes, times to the nanosecond, a sparse file.
	export MORE=$BATS_FILE_TMPDIR/more
	mkdir -p "$MORE/opt/more"
	cp /bin/true "$MORE/opt/more/ping"
	setcap cap_net_raw+ep "$MORE/opt/more/ping" 2>/dev/null || setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 "$MORE/opt/more/ping"
	setfattr -n user.note -v hello "$MORE/opt/more/ping"
	touch -d '1999-12-31 23:59:59.123456789' "$MORE/opt/more/ping"
	truncate -s 30M "$MORE/opt/more/sparse"
	pack_all "$ARCHIVE"
	export NODEV=$BATS_FILE_TMPDIR/nodev.tar # only root makes device nodes
	pack_all "$NODEV" --exclude='./dev/*'
}

pack_all() { # FILE [tar options]
	local file=$1
	shift
	tar --format=pax --xattrs --xattrs-include='*' --sparse --sort=name --numeric-owner "$@" --exclude='./proc/*' --exclude='./sys/*' \
		-cf "$file" -C "$ROOTFS" . -C "$MORE" ./opt
}

setup() {
	in_own_directory
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" 2>/dev/null
}

by_tar() { # DIR
	mkdir "$1"
	tar -C "$1" --numeric-owner --xattrs --xattrs-include='*' -xpf -
}

@test "rkt:I-006 rkt:U-18 rkt:U-19 as root: content, modes, owners, times, links, attributes, devices" {
	by_tar theirs <"$ARCHIVE"
	for compress in cat 'gzip -1' 'zstd -q -1'; do
		rm -rf ours
		$compress <"$ARCHIVE" | unpack --tar --setuid --devices --capabilities ours
		diff <(listing theirs) <(listing ours)
	done
	(($(find ours | wc -l) > 5000))
	(($(find ours -type c | wc -l) > 5)) # and the comparison is of something
	(($(find ours -perm /6000 -type f | wc -l) > 5))
	getfattr --only-values -n security.capability ours/opt/more/ping | cmp - <(getfattr --only-values -n security.capability theirs/opt/more/ping)
}

@test "rkt:A-058 rkt:I-006 as root of a mapped user namespace, as seen inside" {
	unshare --user true 2>/dev/null || skip "no user namespaces"
	mkdir open
	chown 100000:100000 open
	declare -f listing by_tar >functions.sh
	# shellcheck disable=SC2016  # for the shell inside
	in_mapped_namespace bash -c '. ./functions.sh && cd open && by_tar theirs <"$NODEV" && '"$BIN"'/unpack --tar --setuid --capabilities ours <"$NODEV" &&
		listing theirs >theirs.list && listing ours >ours.list' 2>messages || { cat messages >&2; return 1; }
	diff open/theirs.list open/ours.list
	(($(wc -l <open/ours.list) > 10000))
	same "" "$(cat messages)"
}

@test "rkt:A-058 as a user without privileges: all but the owners, which are told" {
	mkdir -m 777 open
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$BIN/unpack" --tar --setuid open/ours <"$NODEV" 2>messages
	grep -q 'owner of [0-9]* entries not kept' messages
	by_tar theirs <"$NODEV"
	same "$(find theirs | wc -l)" "$(find open/ours | wc -l)"
	find theirs ! -perm /6000 -printf '%P %y %m %T@ %l\n' | sort >theirs.list # those lose their bits with their owner
	find open/ours -printf '%P %y %m %T@ %l\n' | sort >ours.list
	same "" "$(comm -23 theirs.list ours.list)"
	(cd theirs && find . -type f -exec sha256sum {} +) | (cd open/ours && sha256sum --quiet -c -)
	same "" "$(find open/ours ! -uid 65534)"
}

# The registry is alone in a network of its own: inside of `unshare --net`. podman's defaults want cgroups of one version and higher limits
# than some machines give.
through_registry() {
	ip link set lo up
	export WEB=$PWD
	registry_start plain
	reg-push -q --allow-http 127.0.0.1:5000/debian:v1 <image >pushed
	skopeo copy -q --src-tls-verify=false docker://127.0.0.1:5000/debian:v1 oci:pulled:v1
	reg-resolve --allow-http <pushed | fetch-blob -q --allow-http --store other | unpack --unverified --quiet --setuid --devices ours
	command -v podman >/dev/null || return 0
	mount -t tmpfs none /sys/fs/cgroup
	podman() { command podman --storage-driver vfs --root "$PWD/containers" --runroot "$PWD/run" --cgroup-manager cgroupfs --events-backend none "$@"; }
	podman pull -q --tls-verify=false docker://127.0.0.1:5000/debian:v1
	podman run --rm --network none --log-driver none --cgroups disabled --ulimit nofile=1000:1000 --ulimit nproc=1000:1000 127.0.0.1:5000/debian:v1 >podman.out && got=0 || got=$?
	echo "$got" >podman.status
	podman rmi --all --force >/dev/null
}

@test "an image of it goes through docker-registry; skopeo and podman pull it, crun and podman run it, unpack gives the tree back" {
	for tool in docker-registry skopeo umoci crun; do command -v $tool >/dev/null || skip "$tool is not installed: sh contrib/bootstrap"; done
	# shellcheck disable=SC2016  # for the shell in the image
	aci-build --name example.com/debian --exec /bin/bash --exec -c --exec 'cat /etc/debian_version; dpkg -l | wc -l; id; exit 7' "$ROOTFS" | store-put | aci-to-oci >image
	umask 022
	export -f through_registry registry_start registry_configuration registry_port
	unshare --net --mount --pid --fork --kill-child --mount-proc bash -e -o pipefail -c through_registry 2>messages || { cat messages >&2 && return 1; }
	run -7 crun_image pulled:v1
	same "$(cat "$ROOTFS/etc/debian_version")" "${lines[0]}"
	[[ ${lines[1]} -gt 50 && ${lines[2]} == 'uid=0(root) gid=0(root)'* ]]
	[[ ! -e podman.out ]] || same "7 $output" "$(cat podman.status podman.out | sed '1N; s/\n/ /')"
	diff <(listing "$ROOTFS") <(listing ours)
}
