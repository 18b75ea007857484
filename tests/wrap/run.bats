#!/usr/bin/env bats
# rkt run, prepare and run-prepared in host networking: arguments, environment, volumes, statuses, and what is refused before it starts.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: every program that runs here has tests of its own there
load world
web_inside
setup() {
	world_enter
	world_trust example.com
}

# app NAME JQ-FILTER: fetches an image example.com/NAME whose manifest is changed by the filter.
app() {
	fixture_manifest "example.com/$1" 1.0.0 | jq -c "$2" >manifest
	fixture_image "$1.aci" manifest "$FIXTURE/rootfs"
	fixture_sign "$1.aci"
	rkt fetch "./$1.aci" 2>/dev/null
}

serve() { # NAME: at https://example.com, as discovery says
	web_page example.com "$1" "<meta name=\"ac-discovery\" content=\"example.com/$1 https://example.com/dist/$1-{version}.{ext}\">"
	mkdir -p "$WEB/example.com/dist"
	cp "$1.aci" "$WEB/example.com/dist/$1-1.0.0.aci"
	cp "$1.aci.asc" "$WEB/example.com/dist/$1-1.0.0.aci.asc"
}

@test "rkt:A-030 rkt:A-031 rkt:A-042 the forms an image has: name, id, file, URL; what the store has not is fetched" {
	cp "$FIXTURE/image.aci" hello.aci
	cp "$FIXTURE/image.aci.asc" hello.aci.asc
	serve hello
	run -0 --separate-stderr rkt run example.com/hello:1.0.0
	same hello "$output"
	[[ $stderr == 'rkt: searching for app image example.com/hello:1.0.0'*'rkt: signature verified: '* ]]
	same hello "$(rkt run "sha512-$(zcat hello.aci | sha512sum | head -c 32)")"
	same hello "$(rkt run https://example.com/dist/hello-1.0.0.aci)"
	same hello "$(rkt run ./hello.aci)"
	run -1 --separate-stderr rkt run docker://busybox
	run -3 --separate-stderr rkt run sha512-00
}

@test "rkt:A-032 rkt:A-033 rkt:X-13 rkt:A-059 every byte of the arguments reaches its app, appended to exec" {
	app args '.app.exec = ["/bin/sh", "-c", "for a; do printf \"[%s]\" \"$a\"; done", "x", "own"]'
	run -0 --separate-stderr rkt run example.com/args -- '' ' a  b ' $'c\nd\n' '*' -x --dir=/ '$(id)' '`id`' "'\"\\" --set-env é -- %s
	same "[own][][ a  b ][c
d
][*][-x][--dir=/][\$(id)][\`id\`]['\"\\][--set-env][é][--][%s]" "$output"
}

@test "rkt:A-032 rkt:R-013 the seed: arguments for two images" {
	app worker '.app.exec = ["/bin/echo", "worker"]'
	app syncer '.app.exec = ["/bin/echo", "syncer"]'
	run -0 --separate-stderr rkt run example.com/worker -- --loglevel verbose --- example.com/syncer -- --interval 30s
	same 'syncer: syncer --interval 30s
worker: worker --loglevel verbose' "$(sed 's/\[[0-9]*\]//' <<<"$output" | sort)"
}

@test "rkt:A-034 rkt:A-035 rkt:A-036 the seed's environment: parent, image, explicit" {
	app env-printer '.app |= (.exec = ["/bin/sh", "-c", "env | grep -E ^\"(EXAMPLE|FOO)\" | sort"] | .environment = [])'
	export EXAMPLE_ENV=hello EXAMPLE_OVERRIDE=under
	run -0 --separate-stderr rkt run --inherit-env --set-env FOO=bar --set-env EXAMPLE_OVERRIDE=over example.com/env-printer
	same 'EXAMPLE_ENV=hello
EXAMPLE_OVERRIDE=over
FOO=bar' "$output"
	run --separate-stderr rkt run example.com/env-printer
	same "" "$output"
}

@test "rkt:A-036 rkt:R-001 rkt:R-008 the order: parent, image, file, --set-env, --environment; names of the wrapper's own are the caller's" {
	app env-printer '.app |= (.exec = ["/bin/sh", "-c", "echo $A $B $C $D $E $store $PATH"] | .environment = [{name: "B", value: "image"}])'
	printf '# comment\nC=file\nD=file\nE=file\n\n' >file
	export A=parent B=parent C=parent D=parent E=parent store='the caller'"'"'s'
	run -0 --separate-stderr env PATH=/nowhere "$BASH" -c 'rkt "$@"' x run --inherit-env --set-env-file=file --set-env D=set --set-env=E=set example.com/env-printer \
		--environment=E=app
	same "parent image file set app the caller's /nowhere" "$output"
	echo broken >file
	run -6 --separate-stderr rkt run --set-env-file file example.com/env-printer
	[[ $stderr == *1* ]]
}

@test "rkt:A-042 rkt:R-004 the status of the app is rkt's" {
	app status '.app.exec = ["/bin/sh", "-c"]'
	run -7 --separate-stderr rkt run example.com/status -- 'exit 7'
	run -137 --separate-stderr rkt run example.com/status -- 'kill -9 $$'
	run -127 --separate-stderr rkt run example.com/status --exec=/gone
	run -126 --separate-stderr rkt run example.com/status --exec=/etc/passwd
	run -8 --separate-stderr rkt run example.com/status --working-dir=/gone
	[[ $stderr == *"can't change to working directory"* ]]
}

@test "rkt:A-037 rkt:A-038 rkt:A-039 rkt:A-040 rkt:A-041 volumes: in the apps that name them, read-only where asked" {
	app with '.app |= (.exec = ["/bin/sh", "-c"] | .mountPoints = [{name: "work", path: "/work"}])'
	app without '.app.exec = ["/bin/sh", "-c", "ls -d /work"]'
	mkdir host
	echo data >host/file
	run -0 --separate-stderr rkt run --volume=work,kind=host,source="$PWD/host" example.com/with -- 'cat /work/file; echo new >/work/new'
	same data "$output"
	same new "$(<host/new)"
	run --separate-stderr rkt run --volume work,kind=host,source="$PWD/host",readOnly=true example.com/with -- 'echo x >/work/no'
	[ "$status" -ne 0 ]
	[[ $stderr == *'Read-only file system'* ]]
	run --separate-stderr rkt run --volume work,kind=host,source="$PWD/host" example.com/without
	[ "$status" -ne 0 ]
	[[ $stderr == *warning* ]]
	run -0 --separate-stderr rkt run example.com/with -- 'echo kept >/work/x; cat /work/x'
	same kept "$output"
	[[ $stderr == *warning* ]]
	for volume in work,kind=host,source=relative work,kind=tape 'Work,kind=empty' work,kind=empty,colour=red; do
		run -2 --separate-stderr rkt run --volume "$volume" example.com/with
	done
}

@test "rkt:F-12 rkt:R-010 rkt:A-027 an unverified image does not run, unless image checks are off" {
	rm -r etc/trustedkeys
	cp "$FIXTURE/image.aci" hello.aci
	cp "$FIXTURE/image.aci.asc" hello.aci.asc
	serve hello
	run -1 --separate-stderr rkt run example.com/hello:1.0.0
	same "" "$output"
	[[ $stderr == *'not verified'*'hint: if you trust who signed it: rkt trust --prefix example.com/hello' ]]
	for words in '-insecure-skip-verify run' 'run --insecure-options=image'; do
		rm -rf rkt
		run -0 --separate-stderr rkt $words example.com/hello:1.0.0
		same hello "$output"
		[[ $stderr == 'rkt: searching for app image example.com/hello:1.0.0
rkt: fetching image from https://example.com/dist/hello-1.0.0.aci
rkt: warning: signature verification has been disabled'* ]]
	done
}

@test "rkt:R-012 rkt:R-016 rkt:R-017 prepare prints the UUID alone; a pod runs once" {
	app hello .
	run -0 --separate-stderr rkt prepare --uuid-file-save=uuid example.com/hello
	uuid=$output
	[[ $uuid =~ ^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]]
	same "$uuid" "$(<uuid)"
	same hello "$(rkt run-prepared "$uuid")"
	run -1 --separate-stderr rkt run-prepared --uuid-file=uuid
	[[ $stderr == *"pod \"$uuid\" is not prepared"* ]]
	run -3 --separate-stderr rkt run-prepared ffffffff-ffff-4fff-8fff-ffffffffffff
}

@test "rkt:R-006 rkt:R-007 rkt:R-019 names of apps: twice the same is 2 before anything starts" {
	app hello .
	run -2 --separate-stderr rkt run example.com/hello example.com/hello
	[[ $stderr == *'multiple apps with name hello'* ]]
	run -0 --separate-stderr rkt run example.com/hello --name=one example.com/hello --name=two
	same 2 "$(grep -c hello <<<"$output")"
	run -2 --separate-stderr rkt run --pod-manifest=x example.com/hello
}

@test "rkt:R-008 options behind an image are for it alone" {
	app who '.app.exec = ["/bin/sh", "-c", "id -u; id -G; pwd"]'
	run -0 --separate-stderr rkt run example.com/who --user=1000 --group=1000 --supplementary-gids=5,7 --working-dir=/tmp
	same '1000
1000 5 7
/tmp' "$output"
	run --separate-stderr rkt run example.com/who --readonly-rootfs --exec=/bin/sh -- -c 'echo x >/etc/x'
	[ "$status" -ne 0 ]
}

@test "rkt:I-030 rkt:I-036 what an image depends on is found, verified and fetched before it runs" {
	mkdir -p base/etc
	echo base >base/etc/base
	fixture_manifest example.com/base 1.0.0 | jq -c 'del(.app)' >manifest
	fixture_image base.aci manifest base
	fixture_sign base.aci
	serve base
	app top '.app.exec = ["/bin/cat", "/etc/base"] | .dependencies = [{imageName: "example.com/base", labels: [{name: "version", value: "1.0.0"}]}]'
	run -0 --separate-stderr rkt run example.com/top
	same base "$output"
	rm -r rkt "$WEB/example.com/dist/base-1.0.0.aci.asc"
	run -1 --separate-stderr rkt run ./top.aci
	same "" "$output"
	rm "$WEB/example.com/dist/base-1.0.0.aci"
	run -3 --separate-stderr rkt fetch ./top.aci
	same "" "$output"
}

@test "rkt:I-036 a cycle of dependencies is 6, and says who depends on whom" {
	for pair in 'a b' 'b a'; do
		app "${pair% *}" ".dependencies = [{imageName: \"example.com/${pair#* }\"}]" || true # the other is not to be had yet
		serve "${pair% *}"
	done
	run -6 --separate-stderr rkt run ./a.aci
	same "" "$output"
	[[ $stderr == *'a cycle: example.com/a -> example.com/b -> example.com/a' ]]
}

@test "rkt:R-005 rkt:R-011 in the background, without a terminal, until it is told to end" {
	app sleeper '.app.exec = ["/bin/sh", "-c", "echo up; exec sleep 60"]'
	mkfifo out
	"$ROOT/share/rkt" --dir="$PWD/rkt" --local-config="$PWD/etc" run example.com/sleeper <&- >out 2>err 3>&- &
	pid=$!
	read -r line <out
	same up "$line"
	kill -TERM "$pid"
	got=0
	wait "$pid" || got=$?
	same 143 "$got"
}

@test "rkt:A-058 without privileges: trust, fetch and run, in the directories of the user" {
	open=$(mktemp -d) # the test's own directory is closed to others
	chmod 777 "$open"
	cp "$FIXTURE/image.aci" "$FIXTURE/image.aci.asc" key.asc "$open"
	run --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$open/home" sh -c '
		cd "$HOME/.." && "$0" trust --skip-fingerprint-review --prefix example.com ./key.asc && "$0" fetch ./image.aci &&
		"$0" run example.com/hello && "$0" image list --no-legend && find home -name "*-*.json" -o -name "'"$FINGERPRINT"'"' "$ROOT/share/rkt"
	rm -rf "$open"
	same 0 "$status"
	same hello "${lines[1]}"
	[[ ${lines[2]} == *example.com/hello:1.0.0* ]]
	same "home/.config/rkt/trustedkeys/prefix.d/example.com/$FINGERPRINT" "${lines[3]}"
}

@test "rkt:A-055 a check that cannot be switched off says so" {
	app hello .
	run -0 --separate-stderr rkt run --insecure-options=capabilities,seccomp example.com/hello
	same 2 "$(grep -c '^rkt: warning: .* relaxes nothing' <<<"$stderr")"
}

@test "rkt:A-044 rkt:A-045 the host's network, and no metadata service there" {
	app net '.app.exec = ["/bin/sh", "-c", "ls -l /proc/self/ns/net; echo ${AC_METADATA_URL-none}"]'
	run -0 --separate-stderr rkt run --net=host example.com/net
	[[ ${lines[0]} == *"$(readlink /proc/self/ns/net)" ]]
	same none "${lines[1]}"
}
