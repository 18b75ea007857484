#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: programs and records are read by libjq and by every other program
load lib
setup() {
	in_own_directory
	digest=sha256:$(printf 'a%.0s' {1..64})
	other=sha256:$(printf 'b%.0s' {1..64})
}

# image [FILTER]: a record, changed by a jq filter
image() {
	jq -c --arg d "$digest" --arg other "$other" "${1:-.}" <<<'{"kind":"image","name":"example.com/a","ref":"example.com/a:1","transport":"appc",
		"endpoints":[{"url":"https://mirror.example.com:8443/a.aci","signature":"https://mirror.example.com:8443/a.aci.asc"}]}' |
		jq -c --arg d "$digest" '.blob = {digest: $d, size: 5}'
}

# policy TEXT: writes policy.jq
policy() {
	printf '%s\n' "$1" >policy.jq
}

@test "true, or an object that allows: the record goes on as it came" {
	for p in true '{allow: true}' '{allow: true, rule: "r", message: "m"}' '.name == "example.com/a"' '.blob.size < 10'; do
		policy "$p"
		same "$(image | jq -c .)" "$(image | policy-check --policy ./policy.jq)"
	done
	big='{"big":9007199254740993,"kind":"image"}'
	policy true
	same "$big" "$(policy-check --policy policy.jq <<<"$big")"
}

@test "anything else is refused: 1, and the message names policy and rule" {
	while IFS='|' read -r program reason; do
		policy "$program"
		refuse 1 policy-check --policy ./policy.jq < <(image)
		says "policy './policy.jq': " "$reason"
	done <<-'EOF2'
		false|refused by rule './policy.jq'
		{allow: false, rule: "no-fridays", message: "it is Friday"}|refused by rule 'no-fridays': it is Friday
		empty|it yields nothing
		null|expected true, false or an object
		1|expected true, false or an object
		"true"|expected true, false or an object
		[true]|expected true, false or an object
		{}|expected true, false or an object
		{allow: 1}|expected true, false or an object
		{allow: "true"}|expected true, false or an object
		true, true|more than one value
		true, error("late")|more than one value
		true, halt|more than one value
		error("no \(.name)")|it failed: no example.com/a
		error({a: 1})|it failed: {"a":1}
		.name.x|it failed: Cannot index string
		halt|it halted
		halt_error|it halted
		input|it failed
		"\u0000"|NUL
	EOF2
}

@test "every policy must allow, and the first that does not decides" {
	echo true >yes.jq
	echo '{allow: false, rule: "a"}' >a.jq
	echo '{allow: false, rule: "b"}' >b.jq
	policy-check --policy yes.jq --policy yes.jq < <(image) >/dev/null
	refuse 1 policy-check --policy yes.jq --policy b.jq --policy a.jq < <(image)
	says "rule 'b'"
}

@test "a program that is none, is not there, or is not named: 2 and 3" {
	for p in '.kind ==' '$undefined' 'no_such_function' ''; do
		policy "$p"
		[[ -z $p ]] || refuse 2 policy-check --policy ./policy.jq < <(image)
	done
	refuse 3 policy-check --policy ./missing.jq < <(image)
	refuse 3 policy-check --policy missing < <(image)
	printf 'true\0false' >policy.jq
	refuse 2 policy-check --policy ./policy.jq < <(image)
}

@test "a policy that loops is stopped: 124; one that eats memory: 7" {
	policy 'def f: f; f'
	refuse 124 policy-check --max-time 300ms --policy policy.jq < <(image)
	says 'no verdict within 0.3 s'
	is_asan && return
	policy 'def f: 1 + f; f'
	refuse 7 policy-check --policy policy.jq < <(image)
}

@test "a policy sees the record and its arguments, no environment, file, module or terminal" {
	export SECRET=hunter2
	policy 'env == {} and $ENV == {} and input_filename == null'
	policy-check --policy policy.jq < <(image) >/dev/null
	policy '(("\u001b[31m" | debug | stderr) | true)'
	run --separate-stderr policy-check --policy policy.jq < <(image)
	same "0 " "$status $stderr"
	is_asan && return
	echo 'def allowed: true;' >mod.jq
	echo '{"a": 1}' >data.json
	for p in 'import "mod" as m; m::allowed' 'include "mod"; allowed' 'include "mod" {search: "./"}; allowed' \
		"import \"mod\" as m {search: \"$PWD\"}; m::allowed" "import \"data\" as \$d {search: \"$PWD\"}; true"; do
		policy "$p"
		refuse 2 policy-check --policy ./policy.jq < <(image)
	done
	echo 'def allowed: true;' >"$HOME/.jq"
	policy allowed
	refuse 2 policy-check --policy ./policy.jq < <(image)
}

@test "rkt:W-05 what a policy says is escaped" {
	policy '{allow: false, rule: "\u001b[2J", message: "\u001b]0;x\u0007"}'
	refuse 1 policy-check --policy policy.jq < <(image)
	[[ $message != *$'\033'* && $message != *$'\007'* ]]
}

@test "--arg gives text by name" {
	policy '$wanted == "a=b" and $ARGS.named.wanted == "a=b" and $ARGS.positional == []'
	policy-check --arg wanted=a=b --policy policy.jq < <(image) >/dev/null
	for a in x =x 1x=y 'a b=c' 'a"=b' ARGS=x; do
		refuse 2 policy-check --arg "$a" --policy policy.jq < <(image)
	done
	refuse 2 policy-check --arg a=1 --arg a=2 --policy policy.jq < <(image)
}

@test "require-signed: a verified signature for these very bytes, by one of the keys asked for; it is the default" {
	signed='.verified = [{by: "openpgp", digest: $d, fingerprint: "abc"}]'
	image "$signed" | policy-check >/dev/null
	image "$signed" | policy-check --policy require-signed --arg fingerprints=def,abc >/dev/null
	for by in cosign simple-signing; do image "$signed" | jq -c --arg by $by '.verified[0].by = $by' | policy-check >/dev/null; done
	refuse 1 policy-check --policy require-signed --arg fingerprints=def,ab < <(image "$signed")
	says 'by none of the keys asked for: abc'
	for no in . '.verified = []' '.verified = [{by: "openpgp", digest: $other}]' '.verified = [{by: "digest", digest: $d}]' '.verified = [{}]'; do
		refuse 1 policy-check < <(image "$no")
		says "rule 'require-signed': no verified signature for these bytes"
	done
	refuse 1 policy-check < <(image "$signed" | jq -c 'del(.blob)')
	refuse 1 policy-check < <(image "$signed" | jq -c '.manifest = {digest: "sha256:0"}')
	refuse 6 policy-check <<<'{"kind":"image","verified":[{"by":"openpgp","digest":null}]}'
	refuse 6 policy-check <<<'{"kind":"image","blob":5}'
}

@test "require-pinned: the reference named the digest" {
	image '.verified = [{by: "digest", digest: $d}]' | policy-check --policy require-pinned >/dev/null
	id=sha512-$(printf 'c%.0s' {1..128})
	image ".ref = \"$id\" | .id = \"$id\"" | policy-check --policy require-pinned >/dev/null
	for no in . '.verified = [{by: "digest", digest: $other}]' '.verified = [{by: "openpgp", digest: $d}]' ".ref = \"${id:0:30}\" | .id = \"$id\"" \
		'del(.ref)' '.ref = "sha512-ab" | .id = "sha512-ab"'; do
		refuse 1 policy-check --policy require-pinned < <(image "$no")
		says "rule 'require-pinned'"
	done
}

@test "allow-registries: only hosts of the list, by registry or by every URL" {
	allow() { policy-check --policy allow-registries --arg "registries=$1"; }
	image | allow mirror.example.com:8443,other.org >/dev/null
	image '.registry = "docker.io"' | allow docker.io >/dev/null
	while IFS='|' read -r list filter; do
		echo "$list $filter" >&2
		refuse 1 policy-check --policy allow-registries --arg "registries=$list" < <(image "$filter")
		says "rule 'allow-registries'"
	done <<-'EOF2'
		|.
		,|.
		example.com|.
		mirror.example.com|.
		docker.io|.registry = "docker.io.evil.com"
		mirror.example.com:8443|.endpoints += [{url: "https://evil.com/a"}]
		good.com|.endpoints = [{url: "https://good.com@evil.com/"}]
		good.com|.endpoints = [{url: "https://evil.com\\@good.com/"}]
		good.com|.endpoints = [{url: "https://evil.com#good.com"}]
		good.com|.endpoints = [{url: "https://good.com\n.evil.com/"}]
		good.com|.endpoints = [{url: "file:///good.com"}]
		good.com|.endpoints = [{url: null}]
		good.com|.endpoints = []
		good.com|del(.endpoints)
	EOF2
	refuse 1 policy-check --policy allow-registries < <(image)
	says 'give --arg registries='
}
