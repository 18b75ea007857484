#!/usr/bin/env bats
# The command line of rkt: what it takes where, its help, and what may not matter to it.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: every program that runs here has tests of its own there
load world
setup_file() { fixture_make; }

@test "rkt:A-056 help is on stdout, status 0, at most 80 columns" {
	for words in help --help -h 'help trust' 'trust --help' 'fetch --help' 'run --help' 'prepare -h' 'run-prepared --help' 'image --help' 'help image'; do
		run -0 --separate-stderr rkt $words
		[[ $output == 'usage: rkt '* ]]
		same "" "$stderr"
		same 0 "$(wc -L <<<"$output" | awk '{ print ($1 > 80) }')"
	done
	same "$(rkt help run)" "$(rkt run --help)"
}

@test "rkt:A-056 version" {
	run -0 --separate-stderr rkt version
	[[ $output == 'rkt Version: '* ]]
	[[ $output == *'appc Version: 0.8.11' ]]
}

@test "rkt:A-056 what cannot be written is 8, and --help does nothing else then" {
	for words in help 'help run' --help 'fetch --help ./image.aci' version; do
		# shellcheck disable=SC2086  # words
		run -8 --separate-stderr bash -c 'rkt "$@" >/dev/full' - $words
		same 'rkt: stdout: cannot write' "$stderr"
	done
	[[ ! -e rkt ]]
	cp "$FIXTURE/image.aci" .
	rkt fetch --insecure-options=image ./image.aci
	for words in 'image list' 'fetch ./image.aci' 'prepare --insecure-options=image ./image.aci'; do
		# shellcheck disable=SC2086  # words
		run -8 bash -c 'rkt "$@" 2>err >/dev/full' - $words
		same 'rkt: stdout: cannot write' "$(tail -n 1 err)"
	done
}

@test "rkt:A-056 unknown commands and options, and missing arguments: usage on stderr, 2" {
	while read -r words; do
		run -2 --separate-stderr rkt $words
		same "" "$output"
		[[ ${stderr_lines[0]} == *': '* ]]
		[[ $stderr == *'usage: rkt '* ]]
	done <<-'END'

		frobnicate
		--frobnicate
		trust --frobnicate
		fetch
		fetch --pull-policy
		fetch --pull-policy=often example.com/x
		run
		run --volume
		run --frobnicate x
		prepare
		run-prepared
		run-prepared a b
		image
		image frobnicate
		image cat-manifest
		image export x
		image list x
		version x
		help frobnicate
		--dir
		--insecure-options=everything fetch x
		fetch --insecure-options= x
		fetch --insecure-options=image,wrong x
	END
}

@test "rkt:A-051 messages start with rkt: or the command" {
	run -2 --separate-stderr rkt run
	same 'run: must provide at least one image or specify the pod manifest' "${stderr_lines[0]}"
	run -2 --separate-stderr rkt trust
	[[ ${stderr_lines[0]} == 'trust: '* ]]
	run -2 --separate-stderr rkt frobnicate
	[[ ${stderr_lines[0]} == 'rkt: '* ]]
	run -3 --separate-stderr rkt fetch ./gone.aci
	[[ ${stderr_lines[0]} == 'rkt: '* ]]
}

@test "rkt:R-009 rkt:R-018 options known and not built say so, 2" {
	for option in --port=http:80 --private-net --net=default --dns=1.1.1.1 --interactive --mds-register --private-users --ipc=parent --hosts-entry=x; do
		run -2 --separate-stderr rkt run "$option" example.com/x
		[[ ${stderr_lines[0]} == "run: option ${option%%=*} is not supported yet" ]]
	done
	for option in --cpu=1 --memory=1G --seccomp=x --oom-score-adjust=1; do
		run -2 --separate-stderr rkt run example.com/x "$option"
		[[ ${stderr_lines[0]} == *'not supported yet' ]]
	done
	run -2 --separate-stderr rkt run --stage1-name=coreos.com/rkt/stage1 example.com/x
	[[ ${stderr_lines[0]} == *'there is no stage1'* ]]
}

@test "rkt:R-008 options for an image stand behind one" {
	for option in --name=x --exec=/x --user=0 --environment=A=b --working-dir=/ --supplementary-gids=1 --readonly-rootfs --signature=x; do
		run -2 --separate-stderr rkt run "$option" example.com/x
		[[ ${stderr_lines[0]} == *'behind the image'* ]]
	done
	run -2 --separate-stderr rkt run -- x
}
