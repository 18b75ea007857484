#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: it reads what aci-lint and unpack read there
# shellcheck disable=SC2016  # $ is for the shell in the pod
load lib
load fixture
setup_file() { fixture_make; }
setup() {
	in_own_directory
	fixture_enter
	record=$(store-list)
}

pod() { # OPTION...: prepares the fixture's image; the pod's directory is left in $dir
	dir=$(pod-prepare "$@" <<<"$record" | jq -r .dir) && [[ -n $dir ]]
}

run_sh() { # SCRIPT OPTION...: runs a shell in the fixture's image
	local script=$1
	shift
	pod-prepare --app 1:exec=/bin/sh --app 1:arg=-c --app "1:arg=$script" "$@" <<<"$record" | pod-exec
}

# image NAME JQ-FILTER: another image, its manifest changed by the filter, in the store without a signature; $record is its record.
image() {
	jq -c --arg name "$1" '.name = $name | '"$2" manifest >"$BATS_TEST_TMPDIR/m"
	rm -rf parts
	mkdir parts
	cp "$BATS_TEST_TMPDIR/m" parts/manifest
	cp -a rootfs parts/rootfs
	[[ -z ${3:-} ]] || (cd parts/rootfs && eval "$3")
	tar -c -C parts manifest rootfs >"$BATS_TEST_TMPDIR/i.aci"
	record=$(store-put "$BATS_TEST_TMPDIR/i.aci" | store-add)
}

nothing_left() {
	same "" "$(find "$TACKLE_PODS" -mindepth 2 -maxdepth 2)"
}

@test "a pod: its record, its directory, its manifest, and it runs" {
	pod-prepare <<<"$record" >pod.json
	same "pod hello 1" "$(jq -r '"\(.kind) \(.apps[0]) \(.apps | length)"' pod.json)"
	uuid=$(jq -r .uuid pod.json)
	[[ $uuid =~ ^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]]
	dir=$(jq -r .dir pod.json)
	same "$TACKLE_PODS/prepared/$uuid 700" "$dir $(stat -c %a "$dir")"
	same "PodManifest hello $(jq -r .id <<<"$record")" "$(jq -r '"\(.acKind) \(.apps[0].name) \(.apps[0].image.id)"' "$dir/pod")"
	same hello "$(pod-exec <pod.json)"
}

@test "rkt:F-12 an image that nothing has verified is refused, unless told" {
	record=$(jq -c 'del(.verified)' <<<"$record")
	refuse 1 pod-prepare <<<"$record"
	says "not verified"
	pod-prepare --unverified <<<"$record" >pod.json 2>err
	grep -q 'warning: .*not verified' err
	same '["verified"]' "$(jq -c .insecure pod.json)"
	record=$(jq -c '.verified = [{by: "openpgp", digest: "sha256:00"}]' <<<"$record")
	refuse 1 pod-prepare <<<"$record"
}

@test "rkt:P-001 an image that is not in the store: 3, and no pod" {
	rm -rf "${TACKLE_STORE:?}/blobs/sha256"/*
	refuse 3 pod-prepare <<<"$record"
	nothing_left
}

@test "rkt:A-033 rkt:A-032 arguments are appended to exec, byte for byte; exec can be replaced" {
	pod --app 1:arg=a --app '1:arg=b  c' --app 1:arg= --app '1:arg=-x*=$(y)' --app $'1:arg=n\nl'
	same '["/bin/echo","hello","a","b  c","","-x*=$(y)","n\nl"]' "$(jq -c '.apps[0].app.exec' "$dir/pod")"
	pod --app 1:exec=/bin/true --app 1:arg=x
	same '["/bin/true","x"]' "$(jq -c '.apps[0].app.exec' "$dir/pod")"
	record=$(jq -c '.app = {args: ["from-record"]}' <<<"$record")
	same "hello from-record" "$(pod-prepare <<<"$record" | pod-exec)"
}

@test "rkt:A-034 rkt:A-035 rkt:A-036 rkt:R-001 the environment, layer over layer" {
	printf '# comment\n; comment\n\nGREETING=file\nFILE=file\nSET=file\n' >vars
	export GREETING=parent PARENT='a=b $c' SET=parent
	same "GREETING=hello" "$(run_sh env | grep -E 'GREET|PARENT|FILE|SET|OWN')"
	same "GREETING=hello PARENT=a=b \$c SET=parent" "$(run_sh env --inherit-env | grep -E '^(GREET|PARENT|FILE|SET|OWN)' | LC_ALL=C sort | paste -sd' ')"
	same "FILE=file GREETING=file OWN=own SET=own" "$(run_sh env --set-env-file vars --set-env SET=set --set-env OWN=set --app 1:environment=OWN=own \
		--app 1:environment=SET=own | grep -E '^(GREET|PARENT|FILE|SET|OWN)' | LC_ALL=C sort | paste -sd' ')"
	env -i ONLY=this bash -c 'cat /proc/self/environ' >environ
	same this "$(run_sh 'echo $ONLY' --inherit-env --environment-of environ)"
	printf 'A=1\nnonsense\n' >vars
	refuse 6 pod-prepare --set-env-file vars <<<"$record"
	says "line 2"
	refuse 2 pod-prepare --set-env 'a b=1' <<<"$record"
	refuse 3 pod-prepare --set-env-file missing <<<"$record"
	nothing_left_but 3
}
nothing_left_but() { same "$1" "$(find "$TACKLE_PODS/prepare" -mindepth 1 | wc -l | sed "s/^0$/$1/")"; }

@test "rkt:R-006 rkt:R-007 app names: the last element, --name, two of one name refused before anything" {
	two=$(jq -c '.part = 1 | .of = 2' <<<"$record"; jq -c '.part = 2 | .of = 2' <<<"$record")
	refuse 2 pod-prepare <<<"$two"
	says "multiple apps with name hello"
	nothing_left
	same '["hello","other"]' "$(pod-prepare --app 2:name=other <<<"$two" | jq -c .apps)"
	refuse 2 pod-prepare --app 1:name=../x <<<"$record"
	refuse 2 pod-prepare --app 3:name=x <<<"$two"
	refuse 2 pod-prepare --app name=x <<<"$record"
	refuse 2 pod-prepare --app 1:nosuch=x <<<"$record"
	image example.com/a_b.c~d .
	same '["a-b-c-d"]' "$(pod-prepare --unverified <<<"$record" | jq -c .apps)"
}

@test "rkt:R-008 user, group, groups, directory, capabilities and a read-only root for one app" {
	pod --app 1:user=user --app 1:group=7 --app 1:supplementary-gid=5 --app 1:supplementary-gid=6 --app 1:working-dir=/tmp \
		--app 1:readonly-rootfs=true --app 1:caps-remove=CAP_KILL,CAP_CHOWN --app 1:user-label=l=v --app 1:user-annotation=a=b
	same '{"caps":["CAP_KILL","CAP_CHOWN"],"g":"7","gids":[5,6],"l":{"l":"v"},"ro":true,"u":"user","w":"/tmp"}' "$(jq -c '.apps[0] | {u: .app.user, g: .app.group,
		gids: .app.supplementaryGIDs, w: .app.workingDirectory, ro: .readOnlyRootFS, l: .app.userLabels, caps: .app.isolators[0].value.set}' "$dir/pod")"
	same "1000 7 7 5 6 /tmp" "$(run_sh 'echo $(id -u) $(id -g) $(id -G) $PWD' --app 1:user=user --app 1:group=7 --app 1:supplementary-gid=5 \
		--app 1:supplementary-gid=6 --app 1:working-dir=/tmp)"
	refuse 2 pod-prepare --app 1:supplementary-gid=-1 <<<"$record"
	refuse 2 pod-prepare --app 1:working-dir=tmp <<<"$record"
	refuse 6 pod-prepare --app 1:caps-retain=CAP_NO_SUCH <<<"$record"
	for app in 1 '[]' null; do
		refuse 6 pod-prepare < <(jq -c --argjson app "$app" '.app = $app' <<<"$record")
	done
	refuse 6 pod-prepare --app 1:caps-retain=CAP_KILL --app 1:caps-remove=CAP_KILL <<<"$record"
}

@test "rkt:A-037 bad volumes and mounts are 2" {
	for v in v v,kind=host v,kind=host,source=rel v,kind=nfs,source=/x v,kind=empty,source=/x V,kind=empty ../v,kind=empty v,kind=empty,x=y \
		v,kind=empty,readOnly=yes v,kind=empty,mode=9 v,kind=empty,uid=-1 v,kind=empty,kind=empty v,kind=host,source=/tmp,mode=0755 ,kind=empty; do
		refuse 2 pod-prepare --volume "$v" <<<"$record"
	done
	refuse 2 pod-prepare --volume v,kind=empty --volume v,kind=empty <<<"$record"
	for m in x volume=v volume=v,target=rel target=/x volume=V,target=/x; do
		refuse 2 pod-prepare --volume v,kind=empty --mount "$m" <<<"$record"
		refuse 2 pod-prepare --volume v,kind=empty --app "1:mount=$m" <<<"$record"
	done
	refuse 2 pod-prepare --mount volume=none,target=/x <<<"$record"
	nothing_left
}

@test "rkt:A-038 rkt:A-040 rkt:A-041 rkt:P-009 mount points are met by name, by an empty volume with a warning; unused volumes are told" {
	image example.com/worker '.app.mountPoints = [{name: "work", path: "/opt//work/"}, {name: "other", path: "/var/other", readOnly: true}]'
	mkdir host; echo data >host/f
	pod --unverified --volume work,kind=host,source="$PWD/host" --volume unused,kind=empty 2>err
	grep -q "warning: app 'worker': no volume for its mount point 'other'" err
	grep -q "warning: volume 'unused': no app uses it" err
	same '[{"path":"/opt/work","volume":"work"},{"appVolume":{"kind":"empty","name":"other"},"path":"/var/other","volume":"other"}]' \
		"$(jq -c '.apps[0].mounts' "$dir/pod")"
	run run_sh 'cat /opt/work/f; ls -A /var/other | wc -l; echo x >/var/other/y' --unverified --volume work,kind=host,source="$PWD/host"
	grep -qx data <<<"$output"
	grep -qx 0 <<<"$output"
	grep -q 'Read-only file system' <<<"$output"
}

@test "rkt:R-002 --mount overrides the image's mount point at that path, for one app or for all" {
	image example.com/worker '.app.mountPoints = [{name: "work", path: "/work"}]'
	mkdir a b; echo a >a/f; echo b >b/f
	volumes=(--unverified --volume "work,kind=host,source=$PWD/a" --volume "b,kind=host,source=$PWD/b")
	same a "$(run_sh 'cat /work/f' "${volumes[@]}" 2>/dev/null)"
	same b "$(run_sh 'cat /work/f' "${volumes[@]}" --mount volume=b,target=/work 2>/dev/null)"
	same b "$(run_sh 'cat /work/f' "${volumes[@]}" --mount volume=work,target=/work --app 1:mount=volume=b,target=/work 2>/dev/null)"
}

@test "rkt:P-005 rkt:A-039 an empty volume has its mode and owner, starts empty, and can be read-only" {
	same "1777 5 6 0" "$(run_sh 'echo $(stat -c "%a %u %g" /v 2>/dev/null || ls -ldn /v) $(ls -A /v | wc -w)' --volume v,kind=empty,mode=1777,uid=5,gid=6 --mount volume=v,target=/v |
		sed 's/^drwxrwxrwt [0-9]* \([0-9]*\) \([0-9]*\) .* \([0-9]*\)$/1777 \1 \2 \3/')"
	run run_sh 'echo x >/v/f' --volume v,kind=empty,readOnly=true --mount volume=v,target=/v
	[[ $output == *'Read-only file system'* ]]
}

@test "rkt:E-003 mount targets that overlap each other, or what every app has: 2" {
	v=(--volume 'v,kind=empty' --volume 'w,kind=empty')
	refuse 2 pod-prepare "${v[@]}" --mount volume=v,target=/a --mount volume=w,target=/a/b <<<"$record"
	says "overlap"
	for t in / /proc/x /dev/shm /sys/.. /a/../../b /dev//; do
		refuse 2 pod-prepare "${v[@]}" --mount "volume=v,target=$t" <<<"$record"
	done
	pod "${v[@]}" --mount volume=v,target=/a --mount volume=w,target=/ab
	nothing_in_prepare
}
nothing_in_prepare() { same "" "$(ls "$TACKLE_PODS/prepare")"; }

@test "rkt:E-002 missing targets are made; a non-empty directory is covered, a file replaced, both told" {
	v=(--volume 'v,kind=empty')
	pod "${v[@]}" --mount volume=v,target=/new/deep/er
	same "755 0 0" "$(stat -c '%a %u %g' "$dir/apps/hello/rootfs/new/deep/er")"
	pod "${v[@]}" --mount volume=v,target=/etc 2>err
	grep -q "'/etc': what the image has there is covered" err
	pod "${v[@]}" --mount volume=v,target=/etc/passwd 2>err
	grep -q "'/etc/passwd': replaced by a directory" err
}

@test "rkt:E-004 rkt:E-005 a source that is missing, a link, or behind one; a single file" {
	mkdir real; ln -s real link; echo x >real/f
	refuse 3 pod-prepare --volume v,kind=host,source="$PWD/none" --mount volume=v,target=/v <<<"$record"
	[ ! -e none ]
	refuse 1 pod-prepare --volume v,kind=host,source="$PWD/link" --mount volume=v,target=/v <<<"$record"
	refuse 1 pod-prepare --volume v,kind=host,source="$PWD/link/f" --mount volume=v,target=/v <<<"$record"
	nothing_left
	same x "$(run_sh 'cat /v' --volume v,kind=host,source="$PWD/real/f" --mount volume=v,target=/v)"
	same x "$(run_sh 'cat /v' --insecure-paths --volume v,kind=host,source="$PWD/link/f" --mount volume=v,target=/v)"
	same '["paths"]' "$(pod-prepare --insecure-paths <<<"$record" | jq -c .insecure)"
	pod-prepare --volume v,kind=host,source="$PWD/real" --mount volume=v,target=/v <<<"$record" >pod.json
	mv real old; mkdir real
	refuse 1 pod-exec <pod.json
}

@test "rkt:I-011 an image for another system is refused; rkt:I-012 one without an app needs exec" {
	image example.com/foreign '.labels = [{name: "os", value: "freebsd"}, {name: "arch", value: "amd64"}]'
	refuse 1 pod-prepare --unverified <<<"$record"
	says freebsd/amd64
	image example.com/arm '.labels = [{name: "os", value: "linux"}, {name: "arch", value: "armv7b"}]'
	refuse 1 pod-prepare --unverified <<<"$record"
	image example.com/data 'del(.app)'
	refuse 2 pod-prepare --unverified <<<"$record"
	says "exec is needed"
	nothing_left
	same ok "$(pod-prepare --unverified --app 1:exec=/bin/echo --app 1:arg=ok <<<"$record" 2>/dev/null | pod-exec)"
}

@test "rkt:O-002 rkt:B-015 /etc/hosts and resolv.conf only where the image has none; rkt:X-07 links stay inside" {
	same "127.0.0.1" "$(run_sh 'cat /etc/hosts' | head -n 1 | cut -f1)"
	[[ ! -s /etc/resolv.conf ]] || same "$(cat /etc/resolv.conf)" "$(run_sh 'cat /etc/resolv.conf')"
	image example.com/own . 'echo mine >etc/hosts; echo mine >etc/resolv.conf; ln -s / proc; ln -s ../../../.. dev'
	same "mine mine" "$(run_sh 'cat /etc/hosts /etc/resolv.conf' --unverified 2>/dev/null | paste -sd' ')"
	echo outside >outside
	image example.com/link . "ln -s $PWD/outside etc/hosts; rm -rf tmp; ln -s ../../../../../../.. tmp"
	same "127.0.0.1" "$(run_sh 'cat /etc/hosts' --unverified 2>/dev/null | head -n 1 | cut -f1)"
	same outside "$(cat outside)"
}

@test "rkt:R-012 --uuid-file-save; a directory that is not there fails before a pod is left" {
	pod --uuid-file-save file
	same "${dir##*/}" "$(cat file)"
	refuse 3 pod-prepare --uuid-file-save none/file <<<"$record"
	same 1 "$(find "$TACKLE_PODS/prepared" -mindepth 1 -maxdepth 1 | wc -l)"
}

@test "rkt:P-002 rkt:P-007 a pod manifest: its app replaces the image's as a whole, annotations change nothing" {
	id=$(jq -r .id <<<"$record")
	jq -cn --arg id "$id" '{acKind: "PodManifest", acVersion: "0.8.11", userAnnotations: {a: "b"}, apps: [{name: "x", image: {id: $id},
		app: {exec: ["/bin/env"], user: "0", group: "0"}}, {name: "y", image: {id: $id}}]}' >pod.json
	pod-prepare --pod-manifest pod.json </dev/null | pod-exec >out
	grep -q '^x\[.*GREETING' out && return 1
	grep -q '^y\[[0-9]*\]: hello$' out
	refuse 2 pod-prepare --pod-manifest pod.json --app 1:name=z
	for change in '.acKind = "x"' '.apps = []' '.apps[1].name = "x"' 'del(.apps[0].image.id)' '.volumes = [{name: "v", kind: "host", source: "rel"}]' \
		'.volumes = [{name: "v", kind: "other"}]' '.apps[0].mounts = [{volume: "v"}]' '.apps[0].name = "../x"' '.userLabels = {a: 1}' \
		'.ports = [{name: "p", hostPort: 1}, {name: "p", hostPort: 2}]' '.apps[0].mounts = [{volume: "none", path: "/x"}]'; do
		jq -c "$change" pod.json >bad.json
		refuse 6 pod-prepare --pod-manifest bad.json
	done
	jq -c '.apps[0].image.id = "sha512-" + "0" * 128' pod.json >bad.json
	refuse 3 pod-prepare --pod-manifest bad.json
	nothing_in_prepare
}

@test "rkt:P-004 rkt:P-010 rkt:P-011 the seed's three apps, as pod manifest" {
	mkdir -p work; echo data >work/f
	image example.com/reduce-worker '.app.mountPoints = [{name: "work", path: "/w"}] | .app.exec = ["/bin/sh", "-c", "cat /w/f; echo x >/w/g"]'
	one=$(jq -r .id <<<"$record")
	image example.com/worker-backup '.app.mountPoints = [{name: "backup", path: "/b"}] | .app.exec = ["/bin/sh", "-c", "cat /b/f"]'
	two=$(jq -r .id <<<"$record")
	image example.com/reduce-worker-register '.app.exec = ["/bin/ls", "-d", "/w", "/b"]'
	jq -cn --arg one "$one" --arg two "$two" --arg three "$(jq -r .id <<<"$record")" --arg source "$PWD/work" '{acKind: "PodManifest", acVersion: "0.8.11",
		apps: [{name: "a", image: {id: $one}, mounts: [{volume: "work", mountPoint: "work"}]},
		{name: "b", image: {id: $two}, mounts: [{volume: "work", mountPoint: "backup"}]}, {name: "c", image: {id: $three}}],
		volumes: [{name: "work", kind: "host", source: $source, readOnly: true}]}' >pod.json
	pod-prepare --unverified --pod-manifest pod.json 2>/dev/null >record.json
	run --separate-stderr pod-exec <record.json
	same 2 "$(grep -c '^[ab]\[[0-9]*\]: data$' <<<"$output")"
	grep -q '^a.*Read-only file system' <<<"$stderr"
	same 2 "$(grep -c '^c.*No such file' <<<"$stderr")"
}

@test "rkt:I-035 rkt:I-006 every pod starts from a clean copy, with setuid bits, behind a directory for its owner alone" {
	image example.com/suid . 'chmod 4755 bin/busybox'
	same "" "$(run_sh 'echo x >/tmp/x' --unverified 2>/dev/null)"
	same 0 "$(run_sh 'ls -A /tmp | wc -l' --unverified 2>/dev/null)"
	pod --unverified 2>/dev/null
	same "4755 700" "$(stat -c %a "$dir/apps/suid/rootfs/bin/busybox") $(stat -c %a "$dir")"
}

@test "a pods directory that is a link or others may write is refused" {
	mkdir p; chmod 777 p; ln -s p l
	refuse 1 pod-prepare --pods p <<<"$record"
	refuse 1 pod-prepare --pods l <<<"$record"
}

@test "rkt:X-13 what the caller's environment holds reaches no program of ours" {
	same hello "$(LD_AUDIT='' IFS=/ BASH_ENV=/nonexistent pod-prepare <<<"$record" | BASH_ENV=/x pod-exec)"
}

@test "rkt:O-002 /etc/hosts from a volume is that of the app" {
	echo '192.0.2.7 elsewhere' >hosts
	same "192.0.2.7 elsewhere" "$(run_sh 'cat /etc/hosts' --volume "h,kind=host,source=$PWD/hosts" --mount volume=h,target=/etc/hosts)"
}

@test "rkt:H-001 an isolator that is not enforced is told, once, by its app; others are not" {
	image example.com/limited '.app.isolators = [{name: "resource/memory", value: {limit: "1G"}}, {name: "os/linux/no-new-privileges", value: true},
		{name: "os/linux/capabilities-retain-set", value: {set: ["CAP_KILL"]}}]'
	pod-prepare --unverified <<<"$record" 2>err >pod.json
	same "1" "$(grep -c isolator err)"
	grep -q "^pod-prepare: warning: app 'limited': isolator 'resource/memory': not enforced$" err
}

@test "SIGKILL in the middle of a prepare leaves a directory that nobody locks, and the next prepare succeeds" {
	mkfifo variables
	pod-prepare --set-env-file variables <<<"$record" >pod.json & pid=$!
	exec 5>variables # now it waits for the lines, with a pod half made
	dir=$(echo "$TACKLE_PODS"/prepare/*)
	[[ -d $dir/apps ]]
	refuse_lock() { ! flock -n "$dir" true; }
	refuse_lock
	kill -9 $pid
	got=0; wait $pid || got=$?
	exec 5>&-
	same 137 $got
	flock -n "$dir" true
	[[ ! -s pod.json ]]
	same hello "$(pod-prepare <<<"$record" | pod-exec)"
	[[ -d $dir ]]
}
