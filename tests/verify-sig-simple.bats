#!/usr/bin/env bats
# Simple signing, OpenPGP for images of registries (containers-signature(5)): skopeo signs, into a lookaside or a directory; fetch-blob
# finds it there, verify-sig judges, skopeo judges, too.
# SPDX-License-Identifier: Apache-2.0
load lib
load oci
load cosign
load openpgp
load web
load registry
web_inside
R=registry.example:5001
name=$R/app/hello

setup_file() {
	web_start
	registry_start tls
	openpgp_make
	cd "$BATS_FILE_TMPDIR" || return
	small_layer a.tar etc/a
	oci_image layout 1.0.0 a.tar >/dev/null
	oci_index layout all linux/amd64 linux/arm64
	for tag in 1.0.0 all; do # signed as they are pushed
		as_skopeo --registries.d "$(lookaside_at "file://$PWD/lookaside")" copy -q --all --dest-tls-verify=false \
			--sign-by "$(openpgp_fingerprint good@example.com)" oci:layout:$tag docker://$R/app/hello:$tag
	done
	gpgconf --homedir "$OPENPGP/gpg" --kill gpg-agent
}

setup() {
	openpgp_enter
	web_clean
	ln -s "$BATS_FILE_TMPDIR/layout" "$BATS_FILE_TMPDIR/lookaside" .
}

as_skopeo() {
	GNUPGHOME=$OPENPGP/gpg skopeo "$@"
}

lookaside_at() { # URL: a registries.d with it
	mkdir -p registries.d
	printf 'docker:\n  %s:\n    lookaside: %s\n' $R "$1" >registries.d/here.yaml
	echo "$PWD/registries.d"
}

fetch() { # REFERENCE [OPTION]...
	local ref=$1
	shift
	ref-parse "$ref" | reg-resolve | fetch-blob "$@"
}

# statement REFERENCE DIGEST
statement() {
	cosign_statement "$@" | sed 's/cosign container image signature/atomic container signature/; s/null}$/{"creator":"tests","timestamp":1}}/'
}

message() { # USER FILE [OPTION]...: signed by USER, in message
	gpg_at now --local-user "$1@example.com" "${@:3}" --output message --sign "$2"
}

# of MESSAGE-FILE...: the record `image` with these signatures.
of() {
	local file list='' image
	for file; do list+=${list:+,}$(put "$file"); done
	image=$(<image)
	echo "${image%\}},\"signatures\":[${list//octet-stream/pgp-signature}]}"
}

# The image of the layout as the repository $name:1.0.0, in the store: `image`; $digest.
an_image() {
	fetch oci:layout:1.0.0 | jq -c --arg n $name '.name = $n | .labels.version = "1.0.0"' >image
	digest=$(jq -r .manifest.digest image)
	statement $name:1.0.0 "$digest" >statement
}

teardown() { gpgconf --homedir "$OPENPGP/gpg" --kill gpg-agent; }

@test "rkt:A-026 rkt:V-07 skopeo signs into a lookaside: found there as file: and by https:, the record says by whom, unpack takes it" {
	trust $R/app good.pub
	cp -r lookaside "$WEB/example.com/signatures"
	for base in "file:lookaside" "file://$PWD/lookaside/" https://example.com/signatures; do
		rm -rf tree "$TACKLE_STORE"
		fetch docker://$name:1.0.0 --lookaside "$base" >fetched
		refuse 1 unpack tree <fetched
		verify-sig <fetched >verified
		same "$(jq -c --arg f "$good" --arg n $name '.verified = [{by: "simple-signing", digest: .manifest.digest, fingerprint: $f,
			identity: "good <good@example.com>", prefix: "registry.example:5001/app", reference: "\($n):1.0.0"}]' fetched)" "$(cat verified)"
		unpack tree <verified >/dev/null
	done
	verify-sig --verifier gpgv <fetched >/dev/null
	store-add <verified >/dev/null
	trust-rm --prefix $R/app "$good" >/dev/null # rkt:F-13
	same null "$(store-list | jq -c '.verified[0]')"
	refuse 1 verify-sig < <(fetch docker://$name:1.0.0)
	trust $R/app good.pub
	refuse 1 verify-sig < <(fetch docker://$name:1.0.0)
	says 'the image has no signature, but a key is trusted for this name'
	digest=$(jq -r '.signatures[0].digest' fetched)
	as_skopeo standalone-verify <(store-get "$(jq -r .manifest.digest fetched)") $name:1.0.0 "${good^^}" "$TACKLE_STORE/blobs/sha256/${digest#sha256:}"
}

@test "an image of an index, the index or the image itself signed; by its digest any tag will do" {
	trust $R good.pub
	fetch docker://$name:all --lookaside file:lookaside >fetched
	same 2 "$(jq '.signatures | length' fetched)"
	for only in '.signatures[:1]' '.signatures[1:]'; do
		jq -c ".signatures = $only" fetched | verify-sig | jq -e '.verified[0] | .by == "simple-signing" and (.reference | endswith(":all"))'
	done
	fetch "docker://$name@$(jq -r .manifest.digest fetched)" --lookaside file:lookaside | verify-sig >/dev/null
	as_skopeo copy -q --all --src-tls-verify=false --registries.d "$(lookaside_at "file://$PWD/lookaside")" docker://$name:all dir:dir
	fetch dir:dir | jq -c --arg n $name '.name = $n' >fetched
	same 2 "$(jq '.signatures | length' fetched)"
	verify-sig <fetched | jq -e '.verified[0].by == "simple-signing"'
	rm dir/signature-1 dir/*.signature-1
	fetch dir:dir | jq -e '.signatures == null'
}

@test "what it signs must be this image: the reference, the tag where one was asked for, the digest, the type, nothing more" {
	trust $R good.pub
	an_image
	wrong="sha256:$(printf '%064d' 0)"
	ok=$(<statement)
	while IFS='|' read -r status text reason; do
		printf %s "$text" >statement
		message good statement
		refuse "$status" verify-sig < <(of message)
		says "$reason"
	done <<-END
		1|${ok//hello/hell}|expected '$name', found '$R/app/hell'
		1|${ok//:1.0.0/:2.0.0}|docker-reference: expected '1.0.0', found '2.0.0'
		1|${ok//:1.0.0/}|docker-reference: expected '1.0.0', found 'none'
		1|${ok//:1.0.0/@$digest}|docker-reference: expected '1.0.0', found 'a digest'
		1|${ok//$digest/$wrong}|digest: expected $digest, found $wrong
		1|${ok/atomic/cosign}|not of the type 'atomic container signature'
		1|${ok/'"type"'/'"more":1,"type"'}|'critical' says more than this program understands
		6|${ok/%\}/',"more":{}}'}|expected the members 'critical' and 'optional'
		6|${ok/%\}\}/'},"optional":{}}'}|signed statement: 1:
		6|${ok/,\"optional*/\}}|expected the members 'critical' and 'optional'
		6|${ok/'"tests"'/1}|'creator'
		6|${ok/'"timestamp":1'/'"timestamp":"x"'}|'timestamp'
		6|${ok/"$name:1.0.0"/"$name/"}|not a repository
		6|text|signed statement: 1:4: bad JSON
	END
	jq -c '.digest = .manifest.digest' image >pinned
	mv pinned image
	for reference in $name:2.0.0 "$name@$digest" $name; do
		statement "$reference" "$digest" >statement
		message good statement
		verify-sig < <(of message) >/dev/null
	done
	jq -c --arg d "$wrong" '.digest = $d' image >pinned # by another image's digest is by the tag
	mv pinned image
	statement $name:2.0.0 "$digest" >statement
	message good statement
	refuse 1 verify-sig < <(of message)
	says "docker-reference: expected '1.0.0', found '2.0.0'"
	statement $R/app/other "$digest" >statement
	message good statement
	refuse 1 verify-sig < <(of message)
	refuse 6 verify-sig < <(of message | jq -c '.manifest = {}')
	says "field 'manifest': field 'digest': missing"
}

@test "rkt:V-02 rkt:F-10 messages that are none, or more than one: refused" {
	trust $R good.pub
	an_image
	for algorithm in zip zlib bzip2 uncompressed; do
		message good statement --compress-algo $algorithm
		verify-sig < <(of message) >/dev/null
	done
	cp message plain # packets: one-pass, literal, signature
	head -c 15 plain >one-pass
	tail -c $(($(stat -c %s plain) - 15)) plain >rest
	gpg_at now --output literal -z 0 --store statement
	{ cat one-pass literal && tail -c +$(($(stat -c %s literal) + 1)) rest; } >rebuilt
	verify-sig < <(of rebuilt) >/dev/null
	sed 's/hello/jello/' statement >other-statement
	gpg_at now --output other-literal -z 0 --store other-statement
	signature() { tail -c +$(($(stat -c %s literal) + 1)) rest; }
	deflated() { printf '\243\002' && pigz -zc; }
	{ cat one-pass literal other-literal && signature; } >two-literals
	{ cat one-pass other-literal literal && signature; } >literal-before
	{ cat one-pass other-literal && signature; } >swapped
	{ cat plain plain; } >twice
	{ cat plain other-literal; } >literal-behind
	{ cat literal plain; } >literal-first
	message good statement --local-user second@example.com
	cp message two-signatures
	gpg_at now --local-user good@example.com --output detached --detach-sign statement
	gpg_at now --local-user good@example.com --output clear --clear-sign statement
	gpg_at now --local-user good@example.com --output armoured --armor --sign statement
	gpg_at now --passphrase x --local-user good@example.com --output encrypted --symmetric --sign statement
	head -c 200 plain >cut
	head -c -1 plain >cut-signature
	head -c 100 /dev/urandom | tr '\200-\377' '\0-\177' >garbage
	{ printf '\243' && cat plain; } >no-algorithm
	head -c 400000 /dev/zero | deflated >bomb
	head -c 400000 /dev/zero | deflated | deflated >nested
	deflated <plain | deflated >doubly
	{ deflated <plain && cat other-literal; } >trailing
	message good statement --textmode --compress-algo uncompressed && cp message text
	message second statement && cp message stranger
	: >empty
	while IFS='|' read -r status file reason; do
		echo "$file" >&2
		refuse "$status" verify-sig < <(of "$file")
		says "$reason"
	done <<-END
		1|two-literals|a message without a signature
		1|literal-before|a message without a signature
		1|swapped|openpgp: bad signature
		1|twice|more packets
		1|literal-behind|more packets
		1|literal-first|a message without a signature
		1|two-signatures|more than one signature
		1|detached|a detached signature
		1|clear|no packet starts
		1|armoured|no packet starts
		1|encrypted|an encrypted message
		1|cut|truncated
		1|cut-signature|truncated
		1|garbage|no packet starts
		1|no-algorithm|unknown algorithm
		7|bomb|limit
		1|nested|a packet of unknown length
		1|doubly|a packet of unknown length
		1|trailing|damaged, truncated, or has something behind it
		1|text|expected binary data
		1|stranger|signature made by unknown entity
		1|empty|the message ends
	END
	verify-sig < <(of garbage bomb stranger swapped plain) >/dev/null # one good one suffices
	hex=$(sha256sum <plain | cut -d' ' -f1)
	echo x >>"$TACKLE_STORE/blobs/sha256/$hex"
	refuse 1 verify-sig < <(jq -c --arg d "sha256:$hex" '.signatures = [{mediaType: "application/pgp-signature", digest: $d}]' image)
	says 'damaged in the store'
}

@test "rkt:V-02 rkt:V-01 keys: revoked, expired, weak, a subkey, for another prefix, of the other kind" {
	an_image
	gpg_at now --output literal -z 0 --store data
	while IFS='|' read -r status key reason; do
		rm -rf trust
		trust $R "$key.pub"
		{ printf '\220\015ANY ONE PASS.' && cat literal "$key.sig"; } >message # as if it were signed inline
		of message >record
		for v in sqv gpgv; do
			refuse "$status" verify-sig --verifier $v <record
			says "$reason"
		done
	done <<-'END'
		6|good|signed statement: 1:
		6|subkey|signed statement: 1:
		1|late|key expired when it signed: it expired 2020-02-10T12:00:00Z, the signature was made 2020-03-01T00:00:00Z
		1|revoked|key revoked
		1|weak|weak key: its modulus has less than 2048 bits
		1|sha1|weak digest algorithm: SHA-1
		1|md5|weak digest algorithm: MD5
		1|text|not a signature over a binary document
		1|unfit|the key is not one that may sign
		1|unbound|the signature was made
		1|stale|xpired
	END
	message good statement
	for prefix in $R/ap $R/app/hello/x $R/app/hell registry.example other.example; do
		rm -rf trust
		trust $prefix good.pub
		refuse 1 verify-sig < <(of message)
		says 'no key is trusted for this name'
	done
	trust '' good.pub
	verify-sig < <(of message) | jq -e '.verified[0].prefix == null'
	# cosign's key beside it: each judges its own, either one suffices
	rm -rf trust
	cosign_key pem ED25519 >/dev/null
	trust-add --root pem.pub >/dev/null
	message good statement
	refuse 1 verify-sig < <(of message)
	says 'no signature that is judged by such a key'
	refuse 1 verify-sig --allow-untrusted < <(of message)
	trust $R good.pub
	verify-sig < <(of message) | jq -e '.verified[0].by == "simple-signing"'
	refuse 1 verify-sig < <(of clear.sig)
	refuse 1 verify-sig < <(of message | jq -c '.signatures[].mediaType = "application/x"')
	says "a signature of an unknown kind: 'application/x'"
}

@test "a lookaside that lies: pages in place of signatures, other formats, too much, nothing there" {
	trust $R good.pub
	digest=$(fetch docker://$name:1.0.0 | jq -r .manifest.digest)
	there=$WEB/example.com/s/app/hello@${digest/:/=}
	mkdir -p "$there"
	at() { fetch docker://$name:1.0.0 --lookaside https://example.com/s; }
	printf '\0sigstore-json\n{}' >"$there/signature-1"
	cp "lookaside/app/hello@${digest/:/=}/signature-1" "$there/signature-2"
	at | verify-sig >/dev/null
	rm "$there/signature-1"
	at | jq -e '.signatures == null'
	web_rules example.com 'error_page 404 =200 /s/page;'
	echo '<html>' >"$WEB/example.com/s/page"
	: >"$WEB/log"
	at | jq -e '.signatures == null'
	same 1 "$(web_asked signature-)"
	head -c 70000 /dev/zero | tr '\0' '\240' >"$there/signature-1"
	refuse 7 fetch-blob --lookaside https://example.com/s < <(ref-parse docker://$name:1.0.0 | reg-resolve)
	rm "$there/signature-1"
	web_rules example.com 'location /s/ { return 403; }'
	refuse 4 fetch-blob --lookaside https://example.com/s < <(ref-parse docker://$name:1.0.0 | reg-resolve)
	says 'lookaside: '
	fetch docker://$name:1.0.0 --lookaside https://example.com/s --no-signature | jq -e '.insecure == ["image"]'
	rm -rf "$TACKLE_STORE"
	refuse 3 fetch-blob --lookaside file:none < <(ref-parse docker://$name:1.0.0 | reg-resolve)
	for url in ftp://example.com file: 'https://example.com/?x' https://u:p@example.com/ x; do
		refuse 2 fetch-blob --lookaside "$url" </dev/null
	done
	refuse 1 fetch-blob --lookaside http://example.com/s < <(ref-parse docker://$name:1.0.0 | reg-resolve)
}

@test "registries.d says where: the narrowest section, its older name, none, the option before it; what is not as it must be is refused" {
	trust $R good.pub
	mkdir -p home/.config/containers/registries.d empty
	here=home/.config/containers/registries.d/here.yaml
	count() { fetch docker://$name:1.0.0 "$@" | jq '.signatures | length'; }
	there=file://$PWD/lookaside nowhere=file://$PWD/nowhere
	while IFS='|' read -r expected sections; do
		printf %b "$sections" >$here
		same "$expected" "$(count)"
	done <<-END
		1|default-docker:\n  lookaside: $there\n
		1|default-docker:\n  sigstore: $there\n
		1|default-docker:\n  lookaside: $there\n  sigstore: $nowhere\n
		1|docker:\n  $R: { lookaside: $there }\n  registry.example: { lookaside: $nowhere }\n
		1|default-docker:\n  lookaside: $nowhere\ndocker:\n  $R/app: { sigstore: $there }\n  $R: { sigstore: $nowhere }\n
		1|docker:\n  $R/app/hello: { lookaside: "$there" }\n  $R/app/hell: { lookaside: $nowhere }\n
		0|docker:\n  $R/app/hello: { lookaside: $nowhere }\n  $R/app: { lookaside: $there }\n
		0|docker:\n  $R/app/hello:\n  $R/app: { lookaside: $there }\n
		0|docker:\n  $R/app/hell: { lookaside: $there }\n  registry.example: { lookaside: $there }\n
		0|default-docker:\n  lookaside-staging: $there\n
		0|
	END
	same 1 "$(count --lookaside file:lookaside)"
	printf 'default-docker: { lookaside: %s }' "$there" >$here
	same 0 "$(count --lookaside file:empty)"
	fetch docker://$name:1.0.0 | verify-sig >/dev/null
	while IFS='|' read -r text reason; do
		printf %b "$text" >$here
		refuse 6 fetch-blob < <(rm -rf "$TACKLE_STORE" && ref-parse docker://$name:1.0.0 | reg-resolve)
		says "registries.d" "$reason"
	done <<-END
		docker: {|here.yaml': line 2:
		docker:\n  $R: { lookaside: [] }|not a text
		docker:\n  $R: { lookaside: $there }\n  $R: { lookaside: $nowhere }|a second section
		default-docker: { lookaside: ftp://example.com/ }|expected file:DIR
		docker: { $R: { lookaside: "$there\\\\0x" } }|not a text
		docker: { $R: { sigstore: $there, sigstore: $nowhere } }|'sigstore' twice
		docker: { $R: { sigstore: $there } }\ndocker: {}|'docker' twice
		docker: { $R: $there }|is not a mapping
		docker: [ $R ]|'docker' is not a mapping
		- docker|is not a mapping
	END
	head -c 100000 /dev/zero | tr '\0' '[' >$here # libyaml alone would take a minute
	refuse 7 fetch-blob < <(rm -rf "$TACKLE_STORE" && ref-parse docker://$name:1.0.0 | reg-resolve)
	says "registries.d" 'YAML nested deeper than 64 levels'
	printf 'docker: {' >$here
	same 0 "$(count --no-signature)"
	printf 'default-docker: { lookaside: %s }' "$there" >$here
	cp $here home/.config/containers/registries.d/other.yaml
	refuse 6 fetch-blob < <(rm -rf "$TACKLE_STORE" && ref-parse docker://$name:1.0.0 | reg-resolve)
	rm home/.config/containers/registries.d/other.yaml
	same 0 "$(XDG_CONFIG_HOME=$PWD/empty count)"
}
