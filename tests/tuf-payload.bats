#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
setup() { in_own_directory; }

metadata() { # metadata MEMBERS
	printf '{"signatures":[],"signed":{"_type":"targets","spec_version":"1.0.34","version":1,"expires":"2030-01-01T00:00:00Z",%s}}' "$1"
}

@test "dtuf:R3 dtuf:K7 the bytes are canonical, as an independent implementation writes them" {
	repository
	for role in root targets snapshot timestamp; do
		same "$(jq -jc .signed "m/$role.json" | sha256sum)" "$(tuf-payload "m/$role.json" | sha256sum)"
	done
	# the rules on a hard case, written out by hand: control characters and slashes stand as they are, order is by code point
	metadata '"targets":{},"b":"\u0007\n\/\"\\\u00e9\ud83d\ude00","a":{"\uffff":1,"\ud83d\ude00":2,"~":-0,"\u0001":true}' >in
	printf '{"_type":"targets","a":{"\x01":true,"~":0,"\xef\xbf\xbf":1,"\xf0\x9f\x98\x80":2},"b":"\x07\n/\\"\\\\\xc3\xa9\xf0\x9f\x98\x80","expires":"2030-01-01T00:00:00Z","spec_version":"1.0.34","targets":{},"version":1}' >want
	tuf-payload in | cmp - want
	tuf-payload <in | cmp - want
}

@test "dtuf:R3 what python's securesystemslib calls canonical, on thousands of random documents" {
	python=/usr/bin/python3
	"$python" -c 'import securesystemslib' || skip "no python3-securesystemslib"
	cat >make.py <<-'END'
		import json, random
		from securesystemslib.formats import encode_canonical
		random.seed(20261122)
		def text():
		    return ''.join(chr(random.choice([random.randint(1, 127), random.randint(0x80, 0xd7ff), random.randint(0xe000, 0x10ffff)]))
		                   for _ in range(random.randint(0, 6)))
		def value(depth):
		    kind = random.randint(0, 6 if depth else 4)
		    if kind == 5: return [value(depth - 1) for _ in range(random.randint(0, 4))]
		    if kind == 6: return {text(): value(depth - 1) for _ in range(random.randint(0, 5))}
		    return [text(), random.randint(-2**63, 2**63 - 1), random.randint(-9, 9), random.choice([True, False, None]), text()][kind]
		signed = {"_type": "targets", "spec_version": "1.0.34", "version": 1, "expires": "2030-01-01T00:00:00Z", "targets": {},
		          "x": [value(5) for _ in range(4000)]}
		with open('in', 'w', encoding='utf-8') as f:
		    json.dump({"signatures": [], "signed": signed}, f, ensure_ascii=random.choice([True, False]), indent=1)
		with open('want', 'wb') as f:
		    f.write(encode_canonical(signed).encode('utf-8'))
	END
	"$python" make.py
	tuf-payload in | cmp - want
}

@test "dtuf:A7 dtuf:K7 what could be read in two ways is refused" {
	for bad in '"targets":{},"x":1.0' '"targets":{},"x":1e3' '"targets":{},"x":9223372036854775808' '"targets":{},"targets":{}' \
		'"targets":{},"x":"\ud800"' '"targets":{},"x":"\u0000"' $'"targets":{},"x":"\xff"' '"targets":{"a":1,"a":2}'; do
		refuse 6 tuf-payload < <(metadata "$bad")
	done
	refuse 6 tuf-payload < <(metadata '"targets":{}'; echo x)
	refuse 7 tuf-payload < <(metadata "\"targets\":{},\"x\":$(printf '[%.0s' {1..70})")
	refuse 6 tuf-payload </dev/null
	refuse 3 tuf-payload missing
	refuse 6 tuf-payload < <(metadata '"targets":{}' | head -c 100)
	got=0
	tuf-payload <(metadata '"targets":{}') >/dev/full 2>err || got=$?
	same 8 "$got"
}
