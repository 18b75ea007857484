# Pods made by hand, for tests of what runs them: `pod_make '{app object}'...` lays down a prepared pod as pod-prepare leaves it and
# prints its UUID. Each app is named a1, a2 ... and has a root of busybox; what its object says replaces the defaults. POD_VOLUMES is
# the array of volumes, POD_RUNTIME the runtime file. `pod_run` makes and runs one.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

pod_root() { # DIR
	local root=$BATS_FILE_TMPDIR/pod_root
	[[ -d $root ]] || pod_root_first "$root"
	mkdir -p "$1"
	cp -a "$root/." "$1"
}

pod_root_first() { # DIR
	(
		umask 022
		mkdir -p "$1/bin" "$1/etc" "$1/tmp" "$1/proc" "$1/sys" "$1/dev"
		cp /bin/busybox "$1/bin/busybox"
		for applet in cat chmod chroot dd echo env false grep head hostname id kill ln ls mkdir mknod mount ps pwd readlink rm sed seq \
			setsid sh sleep sort stat su test touch true tr umount unshare wc yes; do
			ln -s busybox "$1/bin/$applet"
		done
		printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1001:user:/home/user:/bin/other\n' >"$1/etc/passwd"
		printf 'root:x:0:\nusers:x:1001:\nwheel:x:10:\n' >"$1/etc/group"
		chmod 1777 "$1/tmp"
	)
}

pod_make() {
	local uuid pod n=0 app apps=[] volume
	umask 022
	uuid=$(cat /proc/sys/kernel/random/uuid)
	(umask 077 && mkdir -p "$TACKLE_PODS"/{embryo,prepare,prepared,run,exited-garbage,garbage})
	chmod 700 "$TACKLE_PODS"
	pod=$TACKLE_PODS/prepared/$uuid
	mkdir -m 700 "$pod" && mkdir "$pod/apps" "$pod/volumes"
	for app; do
		n=$((n + 1))
		pod_root "$pod/apps/a$n/rootfs"
		apps=$(jq -c --arg name "a$n" --argjson app "$app" '. + [{name: $name, image: {id: "sha512-00"}, app: ({user: "0", group: "0"} + ($app | del(.mounts, .readOnlyRootFS)))} + ($app | {mounts, readOnlyRootFS} | del(.. | nulls))]' <<<"$apps")
	done
	for volume in $(jq -r '.[] | select(.kind == "empty") | .name' <<<"${POD_VOLUMES:-[]}"); do mkdir "$pod/volumes/$volume"; done
	jq -cn --argjson apps "$apps" --argjson volumes "${POD_VOLUMES:-[]}" \
		'{acKind: "PodManifest", acVersion: "0.8.11", apps: $apps, volumes: $volumes}' >"$pod/pod"
	echo "${POD_RUNTIME:-{\}}" >"$pod/runtime"
	echo "$uuid"
}

# The root of app $2 (a1) of the prepared pod $1.
pod_rootfs() {
	echo "$TACKLE_PODS/prepared/$1/apps/${2:-a1}/rootfs"
}

# An app that is a shell script.
sh_app() { # SCRIPT [JQ-FILTER]
	jq -cn --arg script "$1" '{exec: ["/bin/sh", "-c", $script]}'"${2:+ | $2}"
}

pod_run() {
	local uuid
	uuid=$(pod_make "$@") && pod-exec "$uuid"
}
