#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: what it parses comes from pod-prepare, whose tests run there
# shellcheck disable=SC2016,SC2030,SC2031  # $ is for the shell in the pod
load lib
load pod
setup() { in_own_directory; }

refuse_own() { # as refuse, for functions: the message is pod-exec's
	local want=$1 got=0
	shift
	"$@" >out 2>err || got=$?
	# shellcheck disable=SC2034  # says reads it
	message=$(<err)
	same "$want" "$got" && grep -q '^pod-exec: ' err
}

@test "rkt:A-042 rkt:R-013 one app: its output byte for byte, its own status" {
	run --separate-stderr pod_run "$(sh_app 'printf "a\0b\nc"; printf "x y" >&2; exit 7')"
	same "7 x y" "$status $stderr"
	pod_run "$(sh_app 'printf "a\0b\nc"')" >out
	same 'a\0b\nc' "$(tr '\000' '@' <out | sed -z 's/@/\\0/; s/\n/\\n/')"
	same 0 "$(pod_run "$(sh_app true)" | wc -c)"
}

@test "rkt:A-042 a signal's end is 128+n; rkt:R-004 missing 127, not executable 126, no directory 8" {
	run pod_run "$(sh_app 'kill -9 $$')"
	same "137 " "$status $output"
	run pod_run "$(sh_app 'kill -15 $$')"
	same "143 " "$status $output"
	refuse_own 127 pod_run '{"exec": ["/no/such"]}'
	says "app 'a1': cannot execute '/no/such'"
	refuse_own 127 pod_run '{"exec": ["nosuch"]}'
	refuse_own 126 pod_run '{"exec": ["/etc/passwd"]}'
	refuse_own 126 pod_run '{"exec": ["/tmp"]}'
	refuse_own 8 pod_run "$(sh_app 'echo ran' '.workingDirectory = "/nope"')"
	says "can't change to working directory '/nope'"
	same 8 "$(jq .apps.a1 "$(grep -rl '"a1":8' "$TACKLE_PODS"/run/*/status)")"
}

@test "rkt:R-014 rkt:E-007 what the app wrote is kept, capped with a notice" {
	uuid=$(pod_make "$(sh_app 'echo out; echo err >&2')")
	pod-exec "$uuid" >out 2>err
	same "out err" "$(cat "$TACKLE_PODS/run/$uuid/apps/a1/stdout") $(cat "$TACKLE_PODS/run/$uuid/apps/a1/stderr")"
	uuid=$(pod_make "$(sh_app 'yes | head -c 300000')")
	same 300000 "$(pod-exec --log-limit 100K "$uuid" | wc -c)"
	log=$TACKLE_PODS/run/$uuid/apps/a1/stdout
	(($(stat -c %s "$log") < 103000))
	grep -q 'limit of this log' "$log"
}

@test "rkt:R-013 rkt:A-043 rkt:R-003 rkt:E-010 several apps: whole lines behind APP[PID], the first failure decides, the others run on" {
	run --separate-stderr pod_run "$(sh_app 'sleep 0.3; echo one; exit 3')" "$(sh_app 'echo two; echo three >&2; exit 4')" \
		"$(sh_app 'printf "half "; sleep 0.5; printf line')"
	same 4 "$status"
	grep -qE '^a1\[[0-9]+\]: one$' <<<"$output"
	grep -qE '^a2\[[0-9]+\]: two$' <<<"$output"
	grep -qE '^a3\[[0-9]+\]: half line$' <<<"$output"
	grep -qE '^a2\[[0-9]+\]: three$' <<<"$stderr"
	same '{"a1":3,"a2":4,"a3":0}' "$(jq -c .apps "$TACKLE_PODS"/run/*/status)"
	run pod_run "$(sh_app true)" "$(sh_app true)"
	same 0 "$status"
	many=$(sh_app 'for i in 1 2 3 4 5 6 7 8 9; do yes abcdefghijklmnopqrstuvwxyz | head -n 500; done')
	same 3 "$(pod_run "$many" "$many" "$many" | sed 's/\[[0-9]*\]//' | sort -u | wc -l)"
}

@test "rkt:R-016 rkt:R-017 a pod runs once, and of two starts exactly one wins" {
	uuid=$(pod_make "$(sh_app 'sleep 0.5; echo ran')")
	pod-exec "$uuid" >a 2>a.err & first=$!
	pod-exec "$uuid" >b 2>b.err & second=$!
	got=0; wait $first || got=$?
	got2=0; wait $second || got2=$?
	same 1 $((got + got2))
	same ran "$(cat a b)"
	refuse 1 pod-exec "$uuid"
	says "pod \"$uuid\" is not prepared"
}

@test "rkt:G-010 a UUID whole or shortened to four characters" {
	uuid=$(pod_make "$(sh_app 'echo ran')")
	refuse 2 pod-exec "${uuid:0:3}"
	refuse 3 pod-exec 00000000-0000-4000-8000-000000000000
	says 'no matches found for "00000000-0000-4000-8000-000000000000"'
	same ran "$(pod-exec "${uuid:0:4}")"
	cp -a "$TACKLE_PODS/run/$uuid" "$TACKLE_PODS/prepared/${uuid:0:8}-0000-4000-8000-000000000000"
	refuse 2 pod-exec "${uuid:0:8}"
	says "$uuid" "${uuid:0:8}-0000-4000-8000-000000000000"
}

@test "a pod record names the pod, and where it is" {
	uuid=$(pod_make "$(sh_app 'echo ran')")
	same ran "$(jq -cn --arg u "$uuid" --arg d "$TACKLE_PODS/prepared/$uuid" '{kind: "pod", uuid: $u, dir: $d}' | TACKLE_PODS=/nonexistent pod-exec)"
	refuse 6 pod-exec <<<'{"kind":"pod","uuid":"../../../etc"}'
	refuse 6 pod-exec <<<'{"kind":"pod"}'
}

@test "rkt:R-005 SIGTERM, SIGINT and SIGHUP: every app gets SIGTERM, 128+n, no process left" {
	for n in 15 2 1; do
		uuid=$(pod_make "$(sh_app 'trap "echo got; exit 0" TERM; echo up; while :; do sleep 0.05; done')")
		mkfifo fifo.$n
		env --default-signal=INT pod-exec "$uuid" >fifo.$n & pid=$! # a shell starts it with SIGINT ignored
		exec 5<fifo.$n
		read -r line <&5
		kill -$n $pid
		same "up got" "$line $(cat <&5)"
		got=0; wait $pid || got=$?
		same $((128 + n)) $got
	done
}

@test "rkt:R-005 rkt:X-16 what does not end by SIGTERM, or is stopped, is killed after the grace; none of its processes is left" {
	local -A pids=()
	for script in 'trap "" TERM; echo up; sleep 7656 & while :; do sleep 0.1; done' 'sleep 7656 & echo up; kill -STOP $$'; do
		uuid=$(pod_make "$(sh_app "$script")")
		pod-exec "$uuid" >"out.$uuid" & pids[$uuid]=$!
	done
	for uuid in "${!pids[@]}"; do
		until [[ -s out.$uuid ]]; do sleep 0.05; done
		kill -TERM "${pids[$uuid]}"
	done
	for uuid in "${!pids[@]}"; do
		got=0; wait "${pids[$uuid]}" || got=$?
		same "143 137" "$got $(jq .apps.a1 "$TACKLE_PODS/run/$uuid/status")"
	done
	same "" "$(pgrep -f 'sleep 7656')"
}

@test "rkt:X-16 a stopped pod-exec goes on where it was, and ends as its app" {
	uuid=$(pod_make "$(sh_app 'echo up; sleep 0.3; echo end; exit 7')")
	pod-exec "$uuid" >out & pid=$!
	until [[ -s out ]]; do sleep 0.05; done
	kill -STOP $pid
	sleep 0.6
	same up "$(cat out)"
	kill -CONT $pid
	got=0; wait $pid || got=$?
	same "7 up end" "$got $(paste -sd' ' out)"
}

@test "rkt:R-005 rkt:R-011 an ignored SIGHUP stays ignored" {
	uuid=$(pod_make "$(sh_app 'sleep 1; echo done')")
	nohup pod-exec "$uuid" >out 2>err & pid=$!
	sleep 0.3
	kill -HUP $pid
	wait $pid
	same "done" "$(cat out)"
}

@test "rkt:R-011 runs with stdin closed, in a session of its own, in the background" {
	uuid=$(pod_make "$(sh_app 'readlink /proc/self/fd/0')")
	same /dev/null "$(setsid -w pod-exec "$uuid" <&-)"
	uuid=$(pod_make "$(sh_app 'cat; echo end')")
	same end "$(echo hidden | pod-exec "$uuid")"
}

@test "rkt:X-16 SIGKILL to pod-exec or to the pod's first process leaves no process, and the right status" {
	uuid=$(pod_make "$(sh_app 'echo up; setsid sleep 7654 & sleep 7654')")
	mkfifo fifo
	pod-exec "$uuid" >fifo & pid=$!
	exec 5<fifo; read -r _ <&5
	kill -9 $pid
	got=0; wait $pid || got=$?
	same 137 $got
	for _ in {1..50}; do pgrep -f 'sleep 7654' >/dev/null || break; sleep 0.1; done
	same "" "$(pgrep -f 'sleep 7654')"
	uuid=$(pod_make "$(sh_app 'echo up; sleep 7655')")
	pod-exec "$uuid" >fifo & pid=$!
	exec 5<fifo; read -r _ <&5
	kill -9 "$(jq .pid "$TACKLE_PODS/run/$uuid/started")"
	got=0; wait $pid || got=$?
	same 137 $got
	same "" "$(pgrep -f 'sleep 7655')"
	same 137 "$(jq .apps.a1 "$TACKLE_PODS/run/$uuid/status")"
}

@test "rkt:W-08 a full stdout is a failure; a reader that goes away ends the app" {
	uuid=$(pod_make "$(sh_app 'echo x')")
	got=0; pod-exec "$uuid" >/dev/full 2>err || got=$?
	same 8 $got
	grep -q '^pod-exec: stdout: cannot write' err
	uuid=$(pod_make "$(sh_app 'yes')")
	same y "$(pod-exec "$uuid" | head -n 1)"
}

# ---- what the app sees ----

@test "rkt:P-008 rkt:E-012 namespaces of its own but the host's network; the host name; zombies are reaped" {
	uuid=$(pod_make "$(sh_app 'for n in pid mnt ipc uts net user; do readlink /proc/self/ns/$n; done; hostname')")
	mapfile -t inside < <(pod-exec "$uuid")
	i=0
	for n in pid mnt ipc uts; do [[ ${inside[i++]} != "$(readlink /proc/self/ns/$n)" ]]; done
	same "$(readlink /proc/self/ns/net) $(readlink /proc/self/ns/user) rkt-$uuid" "${inside[4]} ${inside[5]} ${inside[6]}"
	both=$(sh_app 'for n in pid ipc uts net mnt; do echo $n $(readlink /proc/self/ns/$n); done; sleep 0.5')
	same 6 "$(pod_run "$both" "$both" | sed 's/.*: //' | sort -u | wc -l)"
	same "name" "$(POD_RUNTIME='{"hostname":"name"}' pod_run "$(sh_app hostname)")"
	same 0 "$(pod_run "$(sh_app 'for i in 1 2 3 4 5; do setsid sh -c "sh -c true & :" ; done; sleep 0.3; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l')")"
}

@test "rkt:P-008 signals reach the other app of the pod" {
	export POD_VOLUMES='[{"name":"v","kind":"empty"}]'
	run pod_run "$(sh_app 'trap "exit 9" USR1; echo $$ >/tmp/pid; for i in $(seq 200); do sleep 0.05; done' '.mounts = [{volume: "v", path: "/tmp"}]')" \
		"$(sh_app 'until [ -s /tmp/pid ]; do sleep 0.05; done; kill -USR1 $(cat /tmp/pid)' '.mounts = [{volume: "v", path: "/tmp"}]')"
	same 9 "$status"
}

@test "rkt:O-001 rkt:O-003 /proc, /sys and /dev: all of the list, nothing else, masked and read-only" {
	pod_run "$(sh_app 'ls /dev; echo; mount; echo; for f in /proc/keys /proc/timer_list /proc/kallsyms; do wc -c <$f; done
		(echo 1 >/proc/sys/kernel/sysrq) 2>&1; (echo x >/sys/kernel/x) 2>&1; ls -A /sys/firmware | wc -l
		stat -c "%t:%T" /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty; [ -c /dev/pts/ptmx ] && readlink /dev/ptmx
		touch /dev/shm/x && echo shm' )" >out
	same "console fd full null ptmx pts random shm stderr stdin stdout tty urandom zero" "$(sed '/^$/q' out | paste -sd' ' | xargs)"
	grep -q ' on /sys type sysfs (ro,' out
	same "0 0 0" "$(grep -x 0 out | head -n 3 | paste -sd' ')"
	same 2 "$(grep -c 'Read-only file system\|nonexistent\|can.t create' out)"
	same "1:3 1:5 1:7 1:8 1:9 5:0" "$(grep -E '^[0-9]:[0-9]$' out | paste -sd' ')"
	grep -qx pts/ptmx out
	grep -qx shm out
	same "" "$(grep "$TACKLE_PODS" out)"
}

@test "no device can be made anywhere, though MKNOD is in the default set" {
	run pod_run "$(sh_app 'mknod /tmp/d b 8 0; cat /tmp/d; mknod /dev/d c 1 3 && cat /dev/d; mknod /dev/shm/d c 1 5 && head -c 1 /dev/shm/d; true')"
	same 3 "$(grep -c 'Permission denied' <<<"$output")"
}

@test "rkt:E-008 rkt:E-009 the environment: the defaults, passwd's, the image's PATH, and what nothing overrides" {
	same "AC_APP_NAME=a1 HOME=/home/user LOGNAME=user PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SHELL=/bin/other USER=user container=tackle" \
		"$(LD_PRELOAD='' pod_run '{"exec": ["/bin/env"], "user": "user", "group": "users"}' | LC_ALL=C sort | paste -sd' ')"
	environment='.environment = [{name: "PATH", value: "/bin"}, {name: "AC_APP_NAME", value: "x"}, {name: "container", value: "x"}, {name: "HOME", value: "/x"}]'
	same "AC_APP_NAME=a1 HOME=/x PATH=/bin container=tackle" \
		"$(pod_run "$(jq -cn '{exec: ["env"]} | '"$environment")" | LC_ALL=C sort | grep -E '^(AC|PATH|HOME|cont)' | paste -sd' ')"
}

@test "rkt:I-013 rkt:I-018 rkt:X-13 no shell: arguments and values as they are, the program along the app's PATH" {
	app='{"exec": ["printf-args", "$(x)", "a b", "", "*", "-n", "x\ny"], "environment": [{"name": "PATH", "value": "relative:/no:/opt"}, {"name": "LD_PRELOAD", "value": "/x"}, {"name": "IFS", "value": "/"}, {"name": "A.b-1", "value": "$x=\n"}]}'
	uuid=$(pod_make "$app")
	mkdir "$(pod_rootfs "$uuid")/opt"
	printf '#!/bin/sh\nfor a; do echo "[$a]"; done; /bin/cat /proc/self/environ\n' >"$(pod_rootfs "$uuid")/opt/printf-args"
	chmod 755 "$(pod_rootfs "$uuid")/opt/printf-args"
	pod-exec "$uuid" >out
	same $'[$(x)]\n[a b]\n[]\n[*]\n[-n]\n[x\ny]' "$(head -n 7 out)"
	same 'A.b-1=$x=' "$(pod_run "$(jq -c '.exec = ["/bin/env"]' <<<"$app")" | grep -F A.b-1)"
}

@test "rkt:I-014 rkt:X-17 users and groups: name, number, owner of a path, unknown; resolved inside the image" {
	id='{"exec": ["/bin/sh", "-c", "id -u; id -g; id -G"]}'
	ids() {
		pod_run "$(jq -c --arg u "$1" --arg g "$2" '.user = $u | .group = $g' <<<"$id")" >ids.out || return
		paste -sd' ' ids.out
	}
	same "1000 1001 1001" "$(ids user users)"
	same "4242 99 99" "$(ids 4242 99)"
	same "0 0 0" "$(ids /bin /bin)"
	refuse_own 8 ids nobody-here 0
	says "user 'nobody-here': not known"
	refuse_own 8 ids 0 4294967295
	refuse_own 8 ids -1 0
	refuse_own 8 ids /no/such 0
	uuid=$(pod_make "$(jq -c '.user = "/evil/x" | .group = "/evil/x"' <<<"$id")")
	ln -s /proc/1/root "$(pod_rootfs "$uuid")/evil"
	refuse 8 pod-exec "$uuid"
	uuid=$(pod_make "$(jq -c '.user = "/link"' <<<"$id")")
	ln -s /../../../../tmp "$(pod_rootfs "$uuid")/link"
	chown 77 "$(pod_rootfs "$uuid")/tmp"
	same "77 0 0" "$(pod-exec "$uuid" | paste -sd' ')"
}

@test "rkt:U-13 passwd or group as a link out, a FIFO, a device, a directory, or huge: never followed, never blocks" {
	make() {
		uuid=$(pod_make "{\"exec\": [\"/bin/id\", \"-u\"], \"${file:-user}\": \"${file:-user}\"}")
		passwd=$(pod_rootfs "$uuid")/etc/${file:-passwd}
		rm "$passwd"
	}
	for file in '' group; do
		printf '%s:x:0:0::/:/bin/sh\n' "${file:-user}" >outside
		make; ln -s "$PWD/outside" "$passwd"; refuse_own 8 timeout 10 pod-exec "$uuid"
		make; ln -s "../../../../../../..$PWD/outside" "$passwd"; refuse_own 8 timeout 10 pod-exec "$uuid"
		make; mkfifo "$passwd"; refuse_own 8 timeout 10 pod-exec "$uuid"
		says "not a regular file"
		make; mknod "$passwd" c 1 5; refuse_own 8 timeout 10 pod-exec "$uuid"
		make; mkdir "$passwd"; refuse_own 8 timeout 10 pod-exec "$uuid"
		make; truncate -s 1T "$passwd"; refuse_own 8 timeout 10 pod-exec "$uuid"
		says "larger than the limit"
		make; ln -s loop "$passwd"; refuse_own 8 timeout 10 pod-exec "$uuid"
	done
	file=''
	make; printf 'user:x:4294967295:0\nuser:::::\n:::\nuser:x:-5:0\nuser:x:12:34\n' >"$passwd"; same 12 "$(pod-exec "$uuid")"
}

@test "rkt:I-015 rkt:X-12 supplementary groups: exactly the manifest's, none of the caller's" {
	groups='{"exec": ["/bin/sh", "-c", "grep ^Groups: /proc/self/status | tr -s \"\\t \" \" \""]}'
	same "Groups: " "$(setpriv --groups 3,4,5 bash -c '. "$0"; pod_run "$1"' "$ROOT/tests/pod.bash" "$groups")"
	same "Groups: 5 77 " "$(pod_run "$(jq -c '.supplementaryGIDs = [77, 5]' <<<"$groups")")"
}

@test "rkt:H-006 rkt:X-11 capabilities: the default set, remove-set, retain-set; inheritable and ambient empty" {
	caps='{"exec": ["/bin/sh", "-c", "grep ^Cap /proc/self/status | tr -d \"\\n\\t\""]}'
	none=0000000000000000
	same "CapInh:${none}CapPrm:00000000a80425fbCapEff:00000000a80425fbCapBnd:00000000a80425fbCapAmb:$none" "$(pod_run "$caps")"
	same "CapInh:${none}CapPrm:${none}CapEff:${none}CapBnd:00000000a80425fbCapAmb:$none" "$(pod_run "$(jq -c '.user = "1000"' <<<"$caps")")"
	same "CapInh:${none}CapPrm:${none}CapEff:${none}CapBnd:00000000a80425fbCapAmb:$none" \
		"$(setpriv --inh-caps +net_admin --ambient-caps +net_admin bash -c '. "$0"; pod_run "$1"' "$ROOT/tests/pod.bash" "$(jq -c '.user = "1000"' <<<"$caps")")"
	remove='.isolators = [{name: "os/linux/capabilities-remove-set", value: {set: ["CAP_CHOWN", "CAP_SYS_ADMIN"]}}]'
	pod_run "$(jq -c "$remove" <<<"$caps")" | grep -q CapBnd:00000000a80425fa
	retain='.isolators = [{name: "os/linux/capabilities-retain-set", value: {set: ["CAP_SYS_PTRACE", "CAP_KILL"]}}]'
	pod_run "$(jq -c "$retain" <<<"$caps")" | grep -q CapPrm:0000000000080020
}

@test "rkt:H-007 no-new-privileges is off, unless the isolator says so" {
	app='{"exec": ["/bin/sh", "-c", "grep NoNewPrivs /proc/self/status | tr -dc 01"]}'
	same 0 "$(pod_run "$app")"
	same 1 "$(pod_run "$(jq -c '.isolators = [{name: "os/linux/no-new-privileges", value: true}]' <<<"$app")")"
}

@test "rkt:I-016 handlers: pre-start before, post-stop after and even when killed; a failed pre-start is the app's failure" {
	events='.eventHandlers = [{name: "pre-start", exec: ["/bin/sh", "-c", "echo before $AC_APP_NAME"]}, {name: "post-stop", exec: ["/bin/sh", "-c", "echo after $container"]}]'
	same "before a1 main after tackle" "$(pod_run "$(sh_app 'echo main' "$events")" | paste -sd' ')"
	run pod_run "$(sh_app 'kill -9 $$' "$events")"
	same $'137 before a1\nafter tackle' "$status $output"
	run --separate-stderr pod_run "$(sh_app 'echo main' "$events | .eventHandlers[0].exec = [\"/bin/sh\", \"-c\", \"exit 5\"]")"
	same "5 " "$status $output"
	[[ $stderr == *"pre-start handler failed"* ]]
}

@test "rkt:I-017 rkt:E-011 the working directory is as asked, / unless told" {
	same "/" "$(pod_run "$(sh_app pwd)")"
	same "/tmp" "$(pod_run "$(sh_app pwd '.workingDirectory = "/tmp"')")"
}

@test "rkt:X-02 rkt:N-02 no descriptor leaks, and no working directory behind one" {
	exec 7</ 8</etc/passwd
	same "0 1 2 3" "$(pod_run '{"exec": ["/bin/ls", "/proc/self/fd"]}' | paste -sd' ')" # 3 is ls's own
	for n in 3 4 5 6 7 8 9 10 11 12; do
		refuse_own 8 pod_run "$(sh_app 'pwd' ".workingDirectory = \"/proc/self/fd/$n\"")"
	done
	uuid=$(pod_make "$(sh_app 'ls /up' '.workingDirectory = "/up"')")
	ln -s ../../../../../../../../.. "$(pod_rootfs "$uuid")/up"
	same "bin dev etc proc sys tmp up" "$(pod-exec "$uuid" | paste -sd' ')"
}

@test "rkt:X-01 a program or interpreter /proc/self/exe is not our file, and cannot be written" {
	cp "$BIN/pod-exec" ./pod-exec
	before=$(sha256sum <./pod-exec)
	for path in /proc/self/exe /proc/1/exe /bin/script; do
		uuid=$(pod_make "{\"exec\": [\"$path\", \"--help\"]}")
		printf '#!/proc/self/exe\n' >"$(pod_rootfs "$uuid")/bin/script"
		chmod 755 "$(pod_rootfs "$uuid")/bin/script"
		timeout 20 ./pod-exec "$uuid" >out 2>err || true # it may run, in the pod, from the copy
	done
	# Where no copy seems needed, the program is what was seen in the tree or none.
	uuid=$(pod_make '{"exec": ["/proc/self/exe", "--help"]}')
	mkdir "$(pod_rootfs "$uuid")/proc/self"
	cp /bin/busybox "$(pod_rootfs "$uuid")/proc/self/exe"
	refuse 126 ./pod-exec "$uuid"
	uuid=$(pod_make "$(sh_app 'readlink /proc/1/exe; (echo x >>/proc/1/exe) 2>&1; true' \
		'.isolators = [{name: "os/linux/capabilities-retain-set", value: {set: ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_KILL"]}}]')")
	./pod-exec "$uuid" >out 2>err
	grep -q '^/memfd:pod-exec (deleted)$' out
	same 2 "$(wc -l <out)"
	same "$before" "$(sha256sum <./pod-exec)"
}

@test "rkt:X-08 what starts the app cannot be traced or read from inside" {
	run pod_run "$(sh_app 'ls /proc/1/fd; readlink /proc/1/root; readlink /proc/1/exe; cat /proc/1/environ; cat /proc/1/maps')"
	same 0 "$(grep -c "$TACKLE_PODS\|pod-exec\$" <<<"$output")"
}

# ---- volumes ----

@test "rkt:X-08 what pod-exec was called with, and where it lies, is not to be seen inside" {
	for script in 'tr "\0" " " </proc/1/cmdline' 'cat /proc/1/comm'; do
		same 'pod-exec' "$(pod_run "$(sh_app "$script")" | sed 's/ *$//')"
	done
	uuid=$(pod_make "$(sh_app 'cat /proc/*/cmdline')")
	run ! grep -aqF -e "$BIN" -e "$TACKLE_PODS" <(pod-exec --pods "$TACKLE_PODS" --log-limit 1M "$uuid")
}

@test "rkt:A-038 rkt:P-005 rkt:P-003 volumes: shared by the apps that mount them, writable though the root is not" {
	export POD_VOLUMES='[{"name":"v","kind":"empty"},{"name":"h","kind":"host","source":"'$PWD'/host"}]'
	mkdir host; echo hello >host/f
	mounts='.mounts = [{volume: "v", path: "/tmp"}, {volume: "h", path: "/etc"}]'
	run --separate-stderr pod_run "$(sh_app 'echo shared >/tmp/x; cat /etc/f; touch /y' "$mounts | .readOnlyRootFS = true")" \
		"$(sh_app 'while ! [ -e /tmp/x ]; do sleep 0.05; done; cat /tmp/x' "$mounts")" "$(sh_app 'ls /tmp; cat /etc/f')"
	grep -q ': shared$' <<<"$output"
	grep -q '^a1.*: hello$' <<<"$output"
	grep -q '^a1.*Read-only file system' <<<"$stderr"
	grep -q '^a3.*No such file' <<<"$stderr"
}

@test "rkt:A-039 rkt:X-18 read-only if volume or mount point says so, also what is mounted below; remounting fails" {
	mkdir -p host/sub
	mount -t tmpfs none host/sub
	touch host/sub/f
	script='for f in /tmp/new /tmp/sub/new; do (echo x >$f) 2>&1; done; mount -o remount,rw /tmp; umount /tmp; ls /tmp/sub'
	export POD_VOLUMES='[{"name":"v","kind":"host","source":"'$PWD'/host","readOnly":true}]'
	run pod_run "$(sh_app "$script" '.mounts = [{volume: "v", path: "/tmp"}]')"
	umount host/sub
	same 2 "$(grep -c 'Read-only file system' <<<"$output")"
	grep -qx f <<<"$output"
	export POD_VOLUMES='[{"name":"v","kind":"host","source":"'$PWD'/host"}]'
	run pod_run "$(sh_app 'echo x >/tmp/new' '.mounts = [{volume: "v", path: "/tmp"}] | .mountPoints = [{name: "v", path: "/tmp", readOnly: true}]')"
	grep -q 'Read-only file system' <<<"$output"
	[ ! -e host/new ]
}

@test "recursive=false leaves out what is mounted below; a single file can be a source" {
	mkdir -p host/sub
	mount -t tmpfs none host/sub
	touch host/sub/f file
	export POD_VOLUMES='[{"name":"v","kind":"host","source":"'$PWD'/host","recursive":false},{"name":"f","kind":"host","source":"'$PWD'/file"}]'
	run pod_run "$(sh_app 'ls /tmp/sub; echo x >/etc/passwd' '.mounts = [{volume: "v", path: "/tmp"}, {volume: "f", path: "/etc/passwd"}]')"
	umount host/sub
	same "0 " "$status $output"
	same x "$(cat file)"
}

@test "rkt:E-004 rkt:E-005 rkt:X-18 a source that is gone, behind a link, or another than prepared" {
	app=$(sh_app 'echo ran' '.mounts = [{volume: "v", path: "/tmp"}]')
	mkdir real real/d; ln -s real link
	export POD_VOLUMES='[{"name":"v","kind":"host","source":"'$PWD'/gone"}]'
	refuse_own 3 pod_run "$app"
	export POD_VOLUMES='[{"name":"v","kind":"host","source":"'$PWD'/link/d"}]'
	refuse_own 1 pod_run "$app"
	says "symbolic link"
	same ran "$(POD_RUNTIME='{"followLinks":true}' pod_run "$app")"
	export POD_VOLUMES='[{"name":"v","kind":"host","source":"'$PWD'/real"}]'
	POD_RUNTIME='{"sources":{"'$PWD'/real":"1:2"}}' refuse_own 1 pod_run "$app"
	says "another file since the pod was prepared"
}

@test "rkt:X-07 rkt:X-03 mount targets that lead out land inside" {
	mkdir host; touch host/mark
	export POD_VOLUMES='[{"name":"v","kind":"host","source":"'$PWD'/host"}]'
	uuid=$(pod_make "$(sh_app 'ls /tmp' '.mounts = [{volume: "v", path: "/out/tmp"}]')")
	ln -s ../../../../../../../../../.. "$(pod_rootfs "$uuid")/out"
	same mark "$(pod-exec "$uuid")"
	[ ! -e /tmp/mark ]
	for d in proc sys dev; do
		uuid=$(pod_make "$(sh_app true)")
		rmdir "$(pod_rootfs "$uuid")/$d"
		ln -s / "$(pod_rootfs "$uuid")/$d"
		refuse_own 8 pod-exec "$uuid"
	done
}

@test "no mount, process or file of the pod is left on the host" {
	mounts=$(wc -l </proc/self/mountinfo)
	pod_run "$(sh_app 'mkdir -p /tmp/a; true')" "$(sh_app true)"
	same "$mounts" "$(wc -l </proc/self/mountinfo)"
	same "" "$(find /proc -maxdepth 2 -name mounts -exec grep -l "$TACKLE_PODS" {} + 2>/dev/null)"
}

@test "rkt:X-03 an app that swaps a directory of a shared volume bends no mount of an app that starts" {
	POD_VOLUMES='[{"name": "shared", "kind": "empty"}, {"name": "own", "kind": "empty"}]'
	swap='i=0; while [ $i -lt 300 ]; do rm -rf /shared/sub; ln -s /tmp /shared/sub; rm /shared/sub; mkdir /shared/sub; i=$((i + 1)); done'
	look='sed "s/^[^ ]* [^ ]* [^ ]* [^ ]* \\([^ ]*\\) .*/\\1/" /proc/self/mountinfo | grep -E "^/(tmp|shared)"'
	for _ in 1 2 3; do
		uuid=$(pod_make "$(sh_app "$swap" '.mounts = [{volume: "shared", path: "/shared"}]')" \
			"$(sh_app "$look" '.mounts = [{volume: "shared", path: "/shared"}, {volume: "own", path: "/shared/sub"}]')")
		mkdir "$(pod_rootfs "$uuid")/shared"
		mkdir -p "$(pod_rootfs "$uuid" a2)/shared/sub"
		pod-exec "$uuid" >out
		same "/shared" "$(sed 's/^[^ ]* //' out | sort -u | head -n 1)"
		same "" "$(grep /tmp out || true)"
	done
}
