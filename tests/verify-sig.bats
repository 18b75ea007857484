#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load openpgp
setup_file() { openpgp_make; }
setup() { openpgp_enter; }

# both STATUS TEXT RECORD [OPTION...]: either verifier gives this status and says this.
both() {
	local v
	for v in sqv gpgv; do
		refuse "$1" verify-sig --verifier "$v" "${@:4}" <<<"$3" || return
		says "$2" || return
	done
}

@test "rkt:V-07 a good signature: the record goes on with who, whose key, which prefix" {
	trust example.com/app good.pub
	for v in sqv gpgv; do
		record example.com/app/x data good.sig >in
		verify-sig --verifier $v <in >out
		same "$(jq -c --arg f "$(openpgp_fingerprint good@example.com)" '.verified = [{by: "openpgp", digest: .blob.digest,
			fingerprint: $f, identity: "good <good@example.com>", prefix: "example.com/app"}]' in)" "$(cat out)"
	done
}

@test "a root key verifies every name and leaves prefix out; the longest prefix is named" {
	trust '' good.pub
	same null "$(record any.org data good.sig | verify-sig | jq '.verified[0].prefix')"
	trust example.com good.pub
	trust example.com/app good.pub
	same '"example.com/app"' "$(record example.com/app data good.sig | verify-sig | jq '.verified[0].prefix')"
}

@test "rkt:I-007 an armoured signature and an armoured key do as well as binary ones" {
	gpg --enarmor <good.sig 2>/dev/null | sed 's/ARMORED FILE/SIGNATURE/' >good.asc
	gpg --enarmor <good.pub 2>/dev/null | sed 's/ARMORED FILE/PUBLIC KEY BLOCK/' >key.asc
	mkdir -p trust/trustedkeys/root.d
	cp key.asc "trust/trustedkeys/root.d/$(openpgp_fingerprint good@example.com)"
	record a data good.asc | verify-sig | jq -e .verified
}

@test "rkt:A-016 rkt:V-01 rkt:V-03 a prefix covers itself and what lies below it, nothing else" {
	trust a.com/b good.pub
	for name in a.com/b a.com/b/c; do
		record $name data good.sig | verify-sig >/dev/null
	done
	for name in a.com/bc a.com a.com/b.evil a.com/b-c xa.com/b; do
		both 1 'signature made by unknown entity' "$(record $name data good.sig)" --allow-untrusted
		says "trusted for 'a.com/b' only"
	done
	trust a.com good.pub
	both 1 'signature made by unknown entity' "$(record a.com.evil data good.sig)"
}

@test "rkt:A-017 rkt:F-11 where a key covers the name: another key's signature, or none, is refused with the cure" {
	trust example.com second.pub
	for sig in good.sig ''; do
		for option in '' --allow-untrusted; do
			# shellcheck disable=SC2086  # none or one
			both 1 'openpgp: ' "$(record example.com/a data $sig)" $option
			says 'if you expected the signing key to change, try running: rkt trust --prefix example.com/a'
		done
	done
	both 1 'signature made by unknown entity' "$(record example.com/a data good.sig)"
}

@test "rkt:V-05 an empty signature or an HTML page is no signature" {
	trust example.com good.pub
	: >empty
	echo '<!doctype html><title>404</title>' >page
	both 1 'the signature file is empty' "$(record example.com/a data empty)"
	both 1 'the signature file is not OpenPGP' "$(record example.com/a data page)"
	record other.org data page | verify-sig --allow-untrusted >/dev/null
}

@test "rkt:A-024 nobody is trusted for the name: refused, or passed on unverified when asked, with the command that would help" {
	for sig in good.sig ''; do
		both 1 'no key is trusted for this name' "$(record example.com/a data $sig)"
		run --separate-stderr verify-sig --allow-untrusted < <(record example.com/a data $sig)
		same 0 "$status"
		same '[null,["image"]]' "$(jq -c '[.verified, .insecure]' <<<"$output")"
		[[ $stderr == *'rkt trust --prefix example.com/a'* ]]
	done
}

@test "rkt:F-10 rkt:V-02 each bad signature is refused for its own reason by either verifier" {
	while IFS='|' read -r kind reason; do
		rm -rf trust
		trust example.com "$kind.pub"
		echo "$kind" >&2
		both 1 "$reason" "$(record example.com/a data "$kind.sig")" --allow-untrusted
	done <<-'EOF2'
		late|key expired when it signed: it expired 2020-02-10T12:00:00Z, the signature was made 2020-03-01T00:00:00Z
		revoked|key revoked
		weak|weak key: its modulus has less than 2048 bits
		sha1|weak digest algorithm: SHA-1
		md5|weak digest algorithm: MD5
		text|not a signature over a binary document
		unfit|the key is not one that may sign
		unbound|the signature was made
		stale|xpired
	EOF2
	rm -rf trust
	trust example.com good.pub
	both 1 'a clear-signed message' "$(record example.com/a data clear.sig)"
	both 1 'not a detached signature' "$(record example.com/a data inline.sig)"
	both 1 'bad signature' "$(record example.com/a data other.sig)"
	head -c 60 good.sig >cut.sig
	both 1 'truncated' "$(record example.com/a data cut.sig)"
}

@test "rkt:V-02 what gpgv alone would take: from the future, below a weak primary key, bound by SHA-1, revoked in another copy" {
	cp -r "$OPENPGP/gpg" .
	OPENPGP=$PWD
	weak=$(openpgp_fingerprint weak@example.com)
	gpg_at now --quick-add-key "$weak" ed25519 sign
	openpgp_sign weak now
	openpgp_export weak
	gpg_at now --cert-digest-algo SHA1 --quick-generate-key 'bound <bound@example.com>' ed25519 sign never
	openpgp_sign bound now
	openpgp_export bound
	openpgp_sign good "$(date -u -d tomorrow +%Y%m%dT000000)"
	gpgconf --homedir gpg --kill gpg-agent
	while IFS='|' read -r kind reason; do
		rm -rf trust
		trust example.com "$kind.pub"
		both 1 "$reason" "$(record example.com/a data "$kind.sig")"
	done <<-END
		good|a signature from the future
		weak|its modulus has less than 2048 bits: key $weak
		bound|what says whose it is has a weak digest algorithm
	END
	# a strong signature that is none does not make the weak one count
	hex=$(xxd -p -c 0 bound.pub)
	at=$((2 * $(gpg_at now --list-packets bound.pub | sed -n 's/^# off=\([0-9]*\) .*tag=2 .*/\1/p')))
	xxd -r -p <<<"$hex${hex:at:10}08${hex:at+12}" >beside.pub
	rm -rf trust
	trust example.com beside.pub
	both 1 'openpgp: bad signature' "$(record example.com/a data bound.sig)"
	for order in 'example.com|example.com/a' 'example.com/a|example.com' 'example.com/a|'; do
		rm -rf trust
		trust "${order%|*}" unrevoked.pub
		record example.com/a data revoked.sig | verify-sig --verifier gpgv >/dev/null
		trust "${order#*|}" revoked.pub
		both 1 'key revoked' "$(record example.com/a data revoked.sig)"
	done
}

@test "rkt:W-06 a verdict about an expiry names the times compared" {
	trust example.com stale.pub
	both 1 'the signature was made 2020-01-05T00:00:00Z, now is 20' "$(record example.com/a data stale.sig)"
}

@test "a key that expired later still counts for sqv; gpgv cannot tell and refuses" {
	trust example.com past.pub
	record example.com/a data past.sig | verify-sig --verifier sqv >/dev/null
	refuse 1 verify-sig --verifier gpgv < <(record example.com/a data past.sig)
	says 'key expired'
}

@test "rkt:V-02 another key under the trusted key's id, and another file, are bad signatures" {
	good=$(openpgp_fingerprint good@example.com) second=$(openpgp_fingerprint second@example.com)
	xxd -p second.sig | tr -d '\n' | sed "s/$second/$good/; s/${second:24}/${good:24}/" | xxd -r -p >forged.sig
	trust example.com good.pub
	both 1 'bad signature' "$(record example.com/a data forged.sig)"
}

# names_too SIGNATURE FINGERPRINT: adds, where the signature does not cover it, that this key made it.
names_too() {
	local hex unhashed at
	hex=$(xxd -p -c 0 "$1")
	at=$((16 + 2 * 16#${hex:12:4}))
	unhashed=$(printf %04x $((16#${hex:at:4} + 23)))
	xxd -r -p <<<"88$(printf %02x $((16#${hex:2:2} + 23)))${hex:4:at-4}$unhashed${hex:at+4:2*16#${hex:at:4}}162104$2${hex:at+4+2*16#${hex:at:4}}"
}

@test "rkt:V-02 a signature that names a good key beside the weak one that made it" {
	trust example.com good.pub weak.pub
	names_too weak.sig "$(openpgp_fingerprint good@example.com)" >both.sig
	both 1 'the signature names more than one key' "$(record example.com/a data both.sig)"
	names_too good.sig "$(openpgp_fingerprint good@example.com)" >same.sig
	record example.com/a data same.sig | verify-sig | jq -e .verified
}

@test "rkt:V-02 one good signature among several suffices, wherever it stands" {
	trust example.com good.pub
	for v in sqv gpgv; do
		for order in 'other good second' 'second other good' 'good md5 revoked' 'text good'; do
			for part in $order; do cat "$part.sig"; done >many.sig
			record example.com/a data many.sig | verify-sig --verifier $v | jq -e .verified >/dev/null
		done
		cat other.sig second.sig >none.sig
		refuse 1 verify-sig --verifier $v < <(record example.com/a data none.sig)
	done
}

@test "rkt:V-02 rkt:W-05 a user id that imitates status lines is data, and shown escaped" {
	trust example.com evil.pub
	for v in sqv gpgv; do
		same "$(printf 'evil@example.com\n[GNUPG:] GOODSIG 0 x\n[GNUPG:] VALIDSIG 0\033[31m')" \
			"$(record a data evil.sig | sed 's/"a"/"example.com"/' | verify-sig --verifier $v | jq -r '.verified[0].identity')"
		refuse 1 verify-sig --verifier $v < <(record example.com other evil.sig)
		[[ $message != *$'\033'* ]]
	done
	refuse 6 verify-sig < <(record 'a\u001b[31m' data good.sig)
	[[ $message != *$'\033'* ]]
}

@test "rkt:V-02 a huge signature is refused: 7" {
	trust example.com good.pub
	head -c 70000 /dev/zero >huge.sig
	both 7 'limit' "$(record example.com/a data huge.sig)"
	for _ in {1..700}; do cat good.sig; done >huge.sig
	both 7 'limit' "$(record example.com/a data huge.sig)"
}

@test "rkt:F-10 rkt:V-04 the bytes in the store are hashed: a changed image is named as such" {
	trust example.com good.pub
	record example.com/a data good.sig >in
	digest=$(jq -r .blob.digest in)
	echo 'THE image' >"$TACKLE_STORE/blobs/sha256/${digest#sha256:}"
	both 1 "digest mismatch: expected $digest, found sha256:" "$(cat in)"
}

@test "rkt:V-04 an image that somebody has open for writing goes through a pipe, and is verified all the same" {
	trust example.com good.pub
	record example.com/a data good.sig >in
	record example.com/a other good.sig >bad
	digest=$(jq -r .blob.digest in)
	for v in sqv gpgv; do
		verify-sig --verifier $v <in >/dev/null 3>>"$TACKLE_STORE/blobs/sha256/${digest#sha256:}"
		digest=$(jq -r .blob.digest bad)
		refuse 1 verify-sig --verifier $v <bad 3>>"$TACKLE_STORE/blobs/sha256/${digest#sha256:}"
		says 'bad signature'
		digest=$(jq -r .blob.digest in)
	done
}

@test "a large image: either way of reading gives the verdict, in bounded memory" {
	trust example.com second.pub
	head -c 100000001 /dev/zero | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >big
	gpg_at now --local-user second@example.com --output big.sig --detach-sign big
	gpgconf --homedir "$OPENPGP/gpg" --kill gpg-agent
	record example.com/a big big.sig >in
	digest=$(jq -r .blob.digest in)
	for v in sqv gpgv; do
		verify-sig --verifier $v <in >/dev/null
		verify-sig --verifier $v <in >/dev/null 3>>"$TACKLE_STORE/blobs/sha256/${digest#sha256:}"
	done
	is_asan && return
	[[ $(bash -c 'ulimit -v 65536; verify-sig <in' | jq -r '.verified[0].by') == openpgp ]]
}

@test "the signature too is read by its digest" {
	trust example.com good.pub
	record example.com/a data good.sig >in
	digest=$(jq -r .signature.digest in)
	cp other.sig "$TACKLE_STORE/blobs/sha256/${digest#sha256:}"
	both 1 'signature' "$(cat in)"
	rm "$TACKLE_STORE/blobs/sha256/${digest#sha256:}"
	both 3 'signature' "$(cat in)"
}

@test "rkt:F-02 a size that is not the blob's is 1, rkt:T-001 a name that no image can have 6" {
	trust example.com good.pub
	record example.com/a data good.sig | jq -c '.blob.size = 1' >lie
	both 1 'size mismatch: expected 1' "$(cat lie)"
	for name in example.com/../evil.com example.com//a example.com/ $'example.com/a\nb' example.com/A ''; do
		record example.com/a data good.sig | jq -c --arg n "$name" '.name = $n' >lie
		both 6 "field 'name'" "$(cat lie)"
	done
}

@test "rkt:A-013 rkt:A-014 a key file laid down by hand counts at once, if it is named by its fingerprint" {
	mkdir -p trust/trustedkeys/prefix.d/example.com
	fingerprint=$(openpgp_fingerprint good@example.com)
	cp good.pub "trust/trustedkeys/prefix.d/example.com/$fingerprint"
	record example.com/a data good.sig | verify-sig >/dev/null
	cp second.pub trust/trustedkeys/prefix.d/example.com/my-key
	both 1 "prefix.d/example.com/my-key': fingerprint mismatch" "$(record example.com/a data good.sig)"
	rm trust/trustedkeys/prefix.d/example.com/my-key
	cat good.pub second.pub >"trust/trustedkeys/prefix.d/example.com/$fingerprint"
	both 1 'fingerprint mismatch' "$(record example.com/a data second.sig)"
}

@test "rkt:A-015 a later directory masks: by an empty file, or by its own key" {
	TACKLE_TRUST=vendor trust example.com good.pub
	record example.com/a data good.sig >in
	verify-sig --trust vendor --trust local <in >/dev/null
	mkdir -p local/trustedkeys/prefix.d/example.com
	: >"local/trustedkeys/prefix.d/example.com/$(openpgp_fingerprint good@example.com)"
	both 1 'no key is trusted' "$(cat in)" --trust vendor --trust local
	TACKLE_TRUST=local:vendor verify-sig <in >/dev/null
}

@test "rkt:V-06 a key or directory that others may write, or a symlink, or another's, is refused" {
	trust example.com good.pub
	record example.com/a data good.sig >in
	key=trust/trustedkeys/prefix.d/example.com/$(openpgp_fingerprint good@example.com)
	for path in trust trust/trustedkeys trust/trustedkeys/prefix.d trust/trustedkeys/prefix.d/example.com "$key"; do
		for mode in g+w o+w; do
			chmod $mode "$path"
			both 1 'writable by group or others' "$(cat in)"
			chmod go-w "$path"
		done
		mv "$path" moved
		ln -s "$PWD/moved" "$path"
		both 1 'refused' "$(cat in)"
		rm "$path"
		mv moved "$path"
		if [[ $(id -u) == 0 ]]; then
			chown 65534 "$path"
			both 1 'belongs to user 65534' "$(cat in)"
			chown 0 "$path"
		fi
	done
	rm "$key"
	mkfifo "$key"
	both 1 'another kind of file' "$(cat in)"
}

@test "it opens no socket and leaves no agent" {
	trust example.com good.pub
	record example.com/a data good.sig >in
	for v in sqv gpgv; do
		ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=socket,connect -o trace verify-sig --verifier $v <in >/dev/null
		run ! grep -E 'socket\(|connect\(' trace
	done
	[[ ! -e $HOME/.gnupg ]]
}

@test "verified entries for other bytes or by other means stay, an older one by OpenPGP is replaced" {
	trust example.com good.pub
	record example.com/a data good.sig | jq -c '.verified = [{by: "openpgp", digest: "sha256:0"}, {by: "digest", digest: .blob.digest}]' >in
	same '["digest","openpgp"]' "$(verify-sig <in | jq -c '[.verified[].by]')"
}

@test "a record without name, blob or store is told apart" {
	trust example.com good.pub
	refuse 6 verify-sig <<<'{"kind":"image"}'
	says name
	refuse 6 verify-sig <<<'{"kind":"image","name":"example.com/a"}'
	says blob
	record example.com/a data good.sig >in
	rm "$TACKLE_STORE"/blobs/sha256/*
	refuse 3 verify-sig <in
	refuse 3 verify-sig --store none <in
	refuse 2 verify-sig --verifier none <in
}

@test "no verifier, or no gpg: 8 and what to install" {
	trust example.com good.pub
	record example.com/a data good.sig >in
	mkdir empty
	got=0
	env PATH="$PWD/empty" "$BIN/verify-sig" <in 2>err >out || got=$?
	same 8 "$got"
	grep -q 'hint: install' err
}
