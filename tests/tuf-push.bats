#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# asan: apart: what it reads is parsed in tuf-lint and tuf-refresh there
load lib
load publisher
setup() { in_own_directory; }

contents() { find "$1" -type f ! -name '.*' -exec sha256sum {} + | sort -k2; }

# layers TAG: the file names in the layout ./o.
layers() {
	local digest
	digest=$(jq -r --arg t "$1" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $t).digest[7:]' o/index.json)
	jq -r '.layers[].annotations["tuf.io/filename"]' "o/blobs/sha256/$digest"
}

@test "dtuf:O10 dtuf:O16 dtuf:O17 what is published in a tree and in a layout, a client reads alike, byte for byte" {
	repository
	keys docs
	tuf-delegate --path 'docs/*' --add-key docs.pub --key targets.pem --key docs.pem m/targets.json docs
	add a 'first'
	mkdir docs && echo text >docs/x
	tuf-add --key docs.pem --targets data m/docs.json docs/x
	publish
	for place in file:f oci:o; do
		tuf-push -q --targets data m $place
		refresh $place "${place%:*}"
		same "first|text" "$(download "${place%:*}" $place a | sed 's/$/|/')$(tuf-download -q --tuf "trusted.${place%:*}" --repo $place docs/x)"
	done
	for role in root timestamp snapshot targets docs; do cmp "trusted.file/$role.json" "trusted.oci/$role.json"; done
	for file in 1.root 2.snapshot 2.targets 1.docs timestamp; do cmp "m/$file.json" "f/metadata/$file.json"; done
}

@test "dtuf:O1 dtuf:O2 dtuf:O3 dtuf:O4 dtuf:O9 the layers of latest and of delegated roles, in order; the version before stays" {
	repository
	keys other
	tuf-delegate --path 'x/*' --add-key other.pub --key targets.pem --key other.pem m/targets.json registry.example.org
	tuf-delegate --path 'y/*' --add-key other.pub --key targets.pem --key other.pem m/targets.json latest
	publish
	tuf-push m oci:o
	same "1.root.json 1.snapshot.json 2.snapshot.json 1.targets.json 2.targets.json timestamp.json" "$(layers latest | paste -sd' ')"
	same "1.registry.example.org.json" "$(layers registry.example.org)"
	same "1.latest.json" "$(layers "_r.$(printf latest | sha256sum | cut -d' ' -f1)")"
	tuf-root --key root.pem m/root.json
	tuf-add --key other.pem --delegator m/targets.json m/registry.example.org.json <<<'{"path":"x/1","length":0,"hashes":{"sha256":"00"}}'
	tuf-add --key targets.pem m/targets.json <<<'{"path":"1","length":0,"hashes":{"sha256":"00"}}'
	publish
	tuf-push m oci:o
	same "1.root.json 2.root.json 2.snapshot.json 3.snapshot.json 2.targets.json 3.targets.json timestamp.json" "$(layers latest | paste -sd' ')"
	same "1.registry.example.org.json 2.registry.example.org.json" "$(layers registry.example.org | paste -sd' ')"
	same "1.latest.json" "$(layers "_r.$(printf latest | sha256sum | cut -d' ' -f1)")"
	publish
	tuf-push m oci:o
	same "1.root.json 2.root.json 3.snapshot.json 4.snapshot.json 2.targets.json 3.targets.json timestamp.json" "$(layers latest | paste -sd' ')"
	refresh oci:o oci
	digest=$(jq -r '.manifests[0].digest[7:]' o/index.json)
	same '["application/vnd.oci.empty.v1+json",2,"e30=",null]' \
		"$(jq -c '[.config.mediaType, .config.size, .config.data, .artifactType]' "o/blobs/sha256/$digest")"
	skopeo inspect --raw oci:o:latest | jq -e .layers >/dev/null
}

@test "dtuf:O12 dtuf:D11 a push that fails half-way harms nobody, and the next one completes it" {
	repository
	add a 'old'
	publish
	tuf-push --targets data m file:f
	refresh file:f one
	add a 'new'
	publish
	mkdir f/metadata/3.snapshot.json # which the new one cannot replace
	before=$(sha256sum <f/metadata/timestamp.json)
	refuse 8 tuf-push --targets data m file:f
	same "$before" "$(sha256sum <f/metadata/timestamp.json)"
	refresh file:f two
	same old "$(download two file:f a)"
	rmdir f/metadata/3.snapshot.json
	tuf-push --targets data m file:f
	refresh file:f one
	same new "$(download one file:f a)"
}

@test "dtuf:A16 dtuf:R21 dtuf:D29 what clients would refuse is refused before the first write, and each of it told" {
	repository
	add a 'text'
	echo one >one
	echo two >two
	tuf-put -q --manifest manifest file:data.tree both one two | tuf-add --key targets.pem m/targets.json
	cp -r data.tree/targets/* data
	publish
	tuf-push --targets data m file:f
	before=$(contents f)
	cp -r m good
	cp -r data data.good
	again() { rm -rf m data && cp -r good m && cp -r data.good data; }
	rm data/*.a
	refuse 1 tuf-push --targets data m file:f
	says "target 'a': no data"
	echo changed >"data/$(printf text | sha256sum | cut -d' ' -f1).a"
	refuse 1 tuf-push --targets data m file:f
	says "target 'a': signed are 4 bytes, there are 8"
	again
	rm "data/blobs/sha256/$(sha256sum <two | cut -d' ' -f1)"
	refuse 1 tuf-push --targets data m file:f
	says "target 'both': no data"
	again
	tuf-timestamp m
	refuse 1 tuf-push m file:f
	says 'timestamp: threshold not met'
	again
	jq -c '.signed.version = 9' good/timestamp.json >m/timestamp.json
	refuse 1 tuf-push m file:f
	again
	tuf-root --key root.pem --expires 1s m/root.json
	tuf-snapshot --key snapshot.pem --expires 1s m
	tuf-timestamp --key timestamp.pem --expires 2h m
	sleep 2
	refuse 1 tuf-push m file:f
	says 'root: version 2 expired' 'snapshot: version 3 expired' 'errors: 2'
	again
	tuf-root m/root.json
	tuf-timestamp --key timestamp.pem m
	refuse 1 tuf-push m file:f
	says 'lacks signatures'
	again
	cp m/1.targets.json m/2.targets.json
	refuse 1 tuf-push m file:f
	says 'targets: the snapshot lists version 2, and the file has 1'
	again
	rm m/2.snapshot.json
	refuse 1 tuf-push m file:f
	says 'snapshot: the timestamp lists version 2, but there is no such file'
	again
	echo '{' >m/timestamp.json
	refuse 6 tuf-push m file:f
	refuse 2 tuf-push m https://example.com/
	refuse 3 tuf-push missing file:f
	same "$before" "$(contents f)"
}

@test "dtuf:D22 dtuf:D29 dtuf:R21 what a client at the published state would refuse is refused; that alone can be waived" {
	keys other
	for place in file:f oci:o; do
		rm -rf m && repository
		tuf-delegate --path 'x/*' --add-key other.pub --key targets.pem --key other.pem m/targets.json team
		publish
		tuf-push --dry-run m $place # to a place that is not there yet
		run ! tuf-refresh -q --tuf empty --root root.pub --repo $place
		tuf-push m $place
		before=$(contents "${place#*:}")
		tuf-delegate --remove --key targets.pem m/targets.json team
		tuf-snapshot --key snapshot.pem --drop team m
		tuf-timestamp --key timestamp.pem m
		for waived in '' '--first-root 1' -n; do
			# shellcheck disable=SC2086  # two words
			refuse 1 tuf-push $waived m $place
			says "a client at the older state: snapshot: rolled back: 'team.json' was listed" 'errors: 1'
		done
		same "$before" "$(contents "${place#*:}")"
		tuf-push --replace --dry-run m $place
		same "$before" "$(contents "${place#*:}")"
		tuf-push --replace m $place
	done
	keys root2
	tuf-root --drop-key "root=$(keyid root)" --add-key root=root2.pub --key root2.pem m/root.json
	cp m/root.json m/2.root.json # not signed by the one before
	publish
	refuse 1 tuf-push --replace m oci:o
	says 'version 2 by the keys of version 1: root: threshold not met'
	refuse 1 tuf-push m oci:o
	tuf-push --first-root 2 m oci:o
	publish
	tuf-push --first-root 2 m oci:o
	tuf-refresh -q --tuf new --root root2.pub --repo oci:o >list
	[[ $(wc -l <list) == 4 ]]
	refuse 1 tuf-push --first-root 3 m oci:o
	says "there is no '3.root.json'"
}

@test "dtuf:A17 a second publisher with an older state is refused, unless told to replace" {
	repository
	cp -r m other
	publish
	tuf-timestamp --key timestamp.pem other # version 2, too
	for place in file:f oci:o; do
		tuf-push m $place
		before=$(contents "${place#*:}")
		refuse 1 tuf-push other $place
		says 'somebody else published meanwhile'
		same "$before" "$(contents "${place#*:}")"
		tuf-push m $place # the same again
		cp -r other later # as new as one can be, but not made of what is published
		tuf-add --key targets.pem later/targets.json <<<'{"path":"1","length":0,"hashes":{"sha256":"00"}}'
		for _ in 1 2; do tuf-snapshot --key snapshot.pem later && tuf-timestamp --key timestamp.pem later; done
		refuse 1 tuf-push later $place
		says 'not of this repository' 'somebody else published meanwhile'
		same "$before" "$(contents "${place#*:}")"
		rm -r later
	done
	keys fresh
	tuf-init --add-key root=fresh.pub --add-key targets=fresh.pub --add-key snapshot=fresh.pub --add-key timestamp=fresh.pub --key fresh.pem new
	refuse 1 tuf-push new file:f
	tuf-push --replace new file:f
}

@test "dtuf:A17 two masters at once: one wins, and clients find a whole repository at every instant" {
	repository
	for master in a b; do cp -r m $master; done
	for place in file:f oci:o; do
		tuf-push m $place
		for round in 1 2 3; do
			for master in a b; do
				rm -rf $master && cp -r m $master
				tuf-add --key targets.pem $master/targets.json <<<"{\"path\":\"$master$round\",\"length\":0,\"hashes\":{\"sha256\":\"00\"}}"
				tuf-snapshot --key snapshot.pem $master
				tuf-timestamp --key timestamp.pem $master
			done
			for master in a b; do { tuf-push $master $place >$master.log 2>&1 && echo "$master" || echo "$? $master"; } >$master.end & done
			until [[ -s a.end && -s b.end ]]; do tuf-refresh -q --tuf "new.$RANDOM$RANDOM" --root root.pub --repo $place >/dev/null; done
			wait
			read -r winner < <(grep -hx '[ab]' a.end b.end)
			same 1 "$(cat a.end b.end | grep -cx '[ab]')"
			grep -qx '1 [ab]' a.end b.end -h
			grep -q 'somebody else published meanwhile' ./?.log
			tuf-list -q --tuf here --root root.pub --repo $place --format names | grep -qx "$winner$round"
			rm -rf m && cp -r "$winner" m
		done
		rm -rf m here && repository
	done
}

@test "dtuf:R9 without consistent snapshots: plain names, in a tree, and no layout" {
	repository --consistent-snapshot no
	mkdir dir
	for text in first again; do # of one length, under the same name
		printf %s $text >dir/a
		tuf-add --key targets.pem --targets data m/targets.json dir/a
		publish
		tuf-push --targets data m file:f
		rm -rf trusted.one
		refresh file:f one
		same $text "$(download one file:f dir/a)"
		tuf-pull -q --tuf trusted.one --repo file:f file:copy
		diff -r f copy
	done
	same '1.root.json snapshot.json targets.json timestamp.json' "$(cd f/metadata && echo *)"
	same 'dir dir/a' "$(cd f/targets && find * | paste -sd' ')"
	tuf-lint --data f
	for place in oci:o 'file:g --targets-place oci:o'; do
		# shellcheck disable=SC2086  # operand and option
		refuse 1 tuf-push --targets data m $place
		says 'file:DIR only'
		# shellcheck disable=SC2086
		refuse 1 tuf-pull -q --tuf trusted.one --repo file:f $place
		says 'file:DIR only'
	done
	printf other >data/dir/a # and lint, which reads no data, does not see it
	touch -d yesterday f/targets/dir/a
	refuse 1 tuf-push --replace --targets data m file:h
	says "the target 'dir/a': 'targets/dir/a': digest mismatch"
	printf other >f/targets/dir/a
	refuse 1 tuf-pull -q --tuf trusted.one --repo file:f file:h
	says 'sha256 mismatch'
	same '' "$(find h -name a)"
}

@test "dtuf:R9 a target lies under each of its hashes in a tree, and under its sha256 elsewhere" {
	repository
	add() { # add NAME SHA256-FILTER: a target with such hashes
		jq -cn --arg n "$1" --argjson l "$(stat -c %s "$1")" --arg s256 "$(sha256sum <"$1" | cut -d' ' -f1)" --arg s512 "$(sha512sum <"$1" | cut -d' ' -f1)" \
			'{path: $n, length: $l, hashes: {sha256: $s256, sha512: $s512}} | '"$2" | tuf-add --key targets.pem m/targets.json
		mkdir -p data
		cp "$1" "data/$(sha256sum <"$1" | cut -d' ' -f1).$1"
		cp "$1" "data/$(sha512sum <"$1" | cut -d' ' -f1).$1"
	}
	echo both >both
	add both .
	tuf-put -q --manifest manifest file:blobs several both both >/dev/null
	cp -r blobs/targets/blobs data
	cp manifest several
	add several '.custom.blobs = 2'
	publish
	tuf-push --targets data m file:f
	tuf-push --targets data m oci:o
	for place in file:f oci:o; do
		refresh $place "${place%:*}"
		same 'both both both' "$(download "${place%:*}" $place both several | paste -sd' ')"
	done
	tuf-pull -q --tuf trusted.oci --repo oci:o file:copy
	diff -r f/targets copy/targets
	same 4 "$(find f/targets -maxdepth 1 -name '*.*' | wc -l)"
	tuf-lint --data f
	echo long >long
	add long 'del(.hashes.sha256)'
	publish
	tuf-push --targets data m file:f
	refresh file:f f
	same long "$(download f file:f long)"
	tuf-pull -q --tuf trusted.f --repo file:f file:copy
	diff -r f/targets copy/targets
	refuse 1 tuf-push --targets data m oci:o
	says "the target 'long': no sha256 is listed"
	refuse 1 tuf-pull -q --tuf trusted.f --repo file:f oci:o
	says "target 'long': no sha256 is listed"
	printf 'lone\n' >"data/$(sha512sum <long | cut -d' ' -f1).long"
	rm -rf h
	refuse 1 tuf-push --targets data m file:h
	says 'digest mismatch'
}

@test "dtuf:R11 dtuf:B4 targets of several blobs go along; one that only looks so stays a file" {
	repository
	echo one >one
	echo two >two
	tuf-put -q --manifest manifest file:data.tree both one two | tuf-add --key targets.pem m/targets.json
	cp -r data.tree/targets data
	cp manifest looks
	tuf-add --key targets.pem --targets data m/targets.json looks
	publish
	for place in file:f oci:o; do
		tuf-push --targets data m $place
		refresh $place "${place%:*}"
		same "one two" "$(download "${place%:*}" $place both | paste -sd' ')"
		cmp manifest <(download "${place%:*}" $place looks)
	done
}
