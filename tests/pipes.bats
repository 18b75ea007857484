#!/usr/bin/env bats
# The law of the pipe (tackle-status(7)) on the real pipelines: whichever stage fails, and however, a plain sh sees the status of the
# first that failed at the end, and nothing was unpacked, published or prepared.
# SPDX-License-Identifier: Apache-2.0
# asan: apart: every program that runs here has tests of its own there
load lib
load web
load fixture
web_inside

setup_file() {
	web_start
	fixture_make
}

setup() {
	in_own_directory
	web_clean
	fixture_serve
	fixture_enter
	rm -rf "$TACKLE_STORE"
	hello=example.com/hello:1.0.0
	image=$(find "$WEB/example.com/images" -name '*.aci')
}

# What may stand at the end of a pipe, each with an effect to look for.
ends() {
	local end
	for end in 'unpack target' 'store-add' 'pod-prepare' 'store-add | pod-prepare | pod-exec'; do
		[[ -x $BIN/${end%% *} && -x $BIN/$(awk '{ print $NF }' <<<"${end%% target}") ]] && echo "$end"
	done
}

nothing_done() {
	local effects
	effects=$(find target "$TACKLE_STORE/images" "$TACKLE_PODS"/* -mindepth 1 2>/dev/null || true)
	[[ ! -e target && -z $effects ]] || { echo "an effect: $effects" >&2; return 1; }
}

# fails STATUS STAGE...: the stages joined by pipes, with each end, in a plain sh.
fails() {
	local expected=$1 pipeline end got
	shift
	pipeline=$(printf '%s | ' "$@")
	while IFS= read -r end; do
		rm -rf "$TACKLE_STORE" "$TACKLE_PODS" target
		got=0
		dash -c "$pipeline$end" >out 2>err || got=$?
		((got == expected)) || { printf 'status %s, expected %s: %s\n' "$got" "$expected" "$pipeline$end" >&2; cat err >&2; return 1; }
		nothing_done || { echo "$pipeline$end" >&2; return 1; }
	done < <(ends)
}

@test "the pipelines work at all" {
	while IFS= read -r end; do
		rm -rf "$TACKLE_STORE" "$TACKLE_PODS" target
		dash -c "discover $hello | fetch-blob | verify-sig | $end" >out
		run ! nothing_done
	done < <(ends)
}

@test "a usage error in any stage is 2" {
	fails 2 'discover --no-such' fetch-blob verify-sig
	fails 2 "discover 'Not a name'" fetch-blob verify-sig
	fails 2 "discover $hello" 'fetch-blob --no-such' verify-sig
	fails 2 "discover $hello" fetch-blob 'verify-sig --no-such'
	fails 2 "discover $hello" fetch-blob verify-sig 'policy-check --no-such'
}

@test "rkt:A-029 rkt:C-015 the network: not found 3, not authorised 4, temporary 5, another image 1" {
	fails 3 'discover example.com/none' fetch-blob verify-sig
	fails 5 'ref-parse https://example.com:1/x.aci' 'fetch-blob --retries 0' verify-sig
	fails 3 'ref-parse https://example.com/none.aci' fetch-blob verify-sig
	web_rules example.com 'location = /private.aci { return 403; } location = /busy.aci { return 503; }'
	fails 4 'ref-parse https://example.com/private.aci' fetch-blob verify-sig
	fails 5 'ref-parse https://example.com/busy.aci' 'fetch-blob --retries 0' verify-sig
	fails 1 "discover $hello | jq -c '.name = \"example.com/other\"'" fetch-blob verify-sig
}

@test "no socket, no network: --offline is told as a failure and travels" {
	got=0
	dash -c "discover --offline $hello | fetch-blob --offline | verify-sig" >/dev/null 2>err || got=$?
	((got != 0 && got < 128))
	fails "$got" "discover --offline $hello" fetch-blob verify-sig
}

@test "rkt:F-10 rkt:F-11 rkt:V-05 a bad, missing or foreign signature, and no trusted key, are 1" {
	printf x >>"$WEB/example.com/key.asc"
	cp "$image.asc" good.asc
	fixture_key other 'Other <other@example.com>' >/dev/null
	cp "$image" x.aci
	fixture_sign x.aci other
	cp x.aci.asc "$image.asc"
	fails 1 "discover $hello" fetch-blob verify-sig
	rm "$image.asc"
	fails 1 "discover $hello" fetch-blob verify-sig
	cp good.asc "$image.asc"
	fails 1 "discover $hello" fetch-blob 'verify-sig --trust /var/empty-trust'
}

@test "an image that is none is 6, one over a limit 7, and a record that was forged is refused" {
	echo '<html>' >"$image"
	fails 6 "discover $hello" fetch-blob verify-sig
	cp "$FIXTURE/image.aci" "$image"
	fails 7 "discover $hello" 'fetch-blob --max-size 1000' verify-sig
	fails 6 "discover $hello" fetch-blob verify-sig 'head -c 100'
	fails 6 "discover $hello" fetch-blob verify-sig 'cat; cat </dev/null; false' 'sed s/image/imago/'
}

@test "a policy that says no is 1" {
	[[ -x $BIN/policy-check ]] || skip "policy-check is not built"
	fails 1 "discover $hello" fetch-blob verify-sig 'policy-check --policy require-pinned'
}

@test "a stage killed with SIGKILL, before it wrote or while it waits, ends the pipe with 6" {
	fails 6 'sh -c "kill -9 \$\$"' fetch-blob verify-sig
	fails 6 "discover $hello" 'sh -c "kill -9 \$\$"' verify-sig
	fails 6 "discover $hello" fetch-blob 'sh -c "kill -9 \$\$"'
	fails 6 'sleep 0.5' 'timeout -s KILL 0.2 fetch-blob' verify-sig
	fails 6 'sleep 0.5' fetch-blob 'timeout -s KILL 0.2 verify-sig'
	fails 6 'sleep 0.5' fetch-blob verify-sig
}

@test "unverified: a pipe that forgot verify-sig is refused by what unpacks and prepares" {
	for end in 'unpack target' pod-prepare; do
		[[ -x $BIN/${end%% *} ]] || continue
		got=0
		dash -c "discover $hello | fetch-blob | $end" >out 2>err || got=$?
		same "1 $end" "$got $end"
		nothing_done
	done
}

@test "every program that reads records keeps silent and ends with the status of the stage before it" {
	for p in $(programs); do
		[[ $("$p" --help | sed -n 's/^reads \([a-z]*\).*/\1/p') == record* ]] || continue
		mapfile -t operands < <("$p" --help | sed -n '/^usage/,/^[a-z]/p' | head -n 1 | sed 's/.*\[options\]//; s/\[.*//' | tr ' ' '\n' | grep .)
		for failure in "2 ref-parse 'Bad name'" "3 digest missing" "6 sh -c 'kill -9 \$\$'" '6 false' '6 true'; do
			got=0
			dash -c "${failure#* } 2>/dev/null | $p ${operands[*]}" >out 2>err || got=$?
			same "$p: $failure: ${failure%% *}" "$p: $failure: $got"
		done
	done
	nothing_done
}
