#!/usr/bin/env bash
# pod-exec of an empty static program, in a row, against crun and bwrap with the same namespaces and mounts.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/lib.sh"
bench_directory
runs=${BENCH_PODS:-100}
export TACKLE_PODS=$d/pods
. "$ROOT/tests/pod.bash"

# The floor: without a libc, whose start takes longer than all else an empty program does.
echo 'void _start(void) { __asm__("syscall" : : "a"(231), "D"(0)); }' | gcc -O2 -static -nostdlib -x c -o "$d/true" - # exit_group
mkdir -p "$d/rootfs/bin" "$d/rootfs/proc" "$d/rootfs/sys" "$d/rootfs/dev"
cp "$d/true" "$d/rootfs/bin/true"

# One prepared pod, copied for every run: each pod runs once.
uuid=$(pod_make '{"exec": ["/bin/true"]}')
rm -rf "$(pod_rootfs "$uuid")"
cp -a "$d/rootfs" "$(pod_rootfs "$uuid")"
mv "$TACKLE_PODS/prepared/$uuid" "$d/pattern"
pods() { # prepares $runs pods; their names are left in $uuids
	uuids=()
	local i
	for ((i = 0; i < runs; i++)); do
		uuids+=("$(printf '%08x-0000-4000-8000-%012x' "$RANDOM$round" $i)")
		cp -a "$d/pattern" "$TACKLE_PODS/prepared/${uuids[i]}"
	done
}
before_run() { [[ $who != ours ]] || pods; }
ours() { for u in "${uuids[@]}"; do pod-exec "$u"; done; }

mkdir "$d/bundle"
(cd "$d/bundle" && crun spec && jq --arg root "$d/rootfs" '.root = {path: $root, readonly: false} | .process.args = ["/bin/true"] | .process.terminal = false
	| .linux.namespaces |= map(select(.type != "network" and .type != "cgroup")) | del(.linux.resources) | .mounts |= map(select(.type != "cgroup"))' config.json >c && mv c config.json)
crun_all() { # crun refuses a hybrid cgroup mount: hidden
	runs=$runs unshare -m bash -c 'umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup; for ((i = 0; i < runs; i++)); do
		crun --cgroup-manager=disabled run --bundle "$0" "b$$-$i" || exit; done' "$d/bundle"
}
bwrap_all() {
	local i
	for ((i = 0; i < runs; i++)); do
		bwrap --unshare-pid --unshare-ipc --unshare-uts --bind "$d/rootfs" / --proc /proc --dev /dev --ro-bind /sys /sys /bin/true
	done
}

commands=([ours]=ours [crun]=crun_all [bwrap]=bwrap_all)
race 0 "${BENCH_ROUNDS:-5}" ours crun bwrap
versus ours crun "pod-exec of /bin/true, $runs in a row" crun '>= 3x'
versus ours bwrap "pod-exec of /bin/true, $runs in a row" bwrap '>= 1.3x'
pods
memory 'pod-exec' pod-exec "${uuids[0]}"
