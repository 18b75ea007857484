# A signed image and everything around it, made once per .bats file by other tools than ours, for tests that need some good image.
#
#	load lib
#	load fixture
#	setup_file() { fixture_make; }
#	setup() { in_own_directory; fixture_enter; }
#
# The directory of the test then holds image.aci (gzip; example.com/hello:1.0.0: busybox and little else), image.aci.asc, key.asc,
# manifest, rootfs/ and layout/ (an OCI image layout of the same tree, named 1.0.0); the key is trusted for example.com and, as soon as the programs for it are there, the image is in the store,
# verified. The originals are in $FIXTURE; $FINGERPRINT is the key's; `fixture_sign FILE` makes FILE.asc with it.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

fixture_make() {
	export FIXTURE=$BATS_FILE_TMPDIR/fixture
	mkdir -p "$FIXTURE"
	fixture_rootfs "$FIXTURE/rootfs"
	fixture_manifest example.com/hello 1.0.0 >"$FIXTURE/manifest"
	fixture_image "$FIXTURE/image.aci" "$FIXTURE/manifest" "$FIXTURE/rootfs"
	fixture_key "$FIXTURE/gpg" 'Hello Signer <signer@example.com>' >"$FIXTURE/key.asc"
	FINGERPRINT=$(gpg --homedir "$FIXTURE/gpg" --batch --with-colons --list-keys 2>/dev/null | awk -F: '/^fpr/ { print tolower($10); exit }')
	export FINGERPRINT
	fixture_sign "$FIXTURE/image.aci"
	fixture_layout "$FIXTURE/layout"
}

fixture_layout() { # DIR: an OCI image layout with the same tree, named 1.0.0
	umoci init --layout "$1"
	umoci new --image "$1:1.0.0"
	umoci insert --image "$1:1.0.0" --rootless "$FIXTURE/rootfs" /
	umoci config --image "$1:1.0.0" --config.cmd /bin/echo --config.cmd hello --config.user 0:0
	umoci gc --layout "$1"
}

fixture_rootfs() { # DIR
	mkdir -p "$1/bin" "$1/etc" "$1/tmp"
	cp /bin/busybox "$1/bin/busybox"
	local applet
	for applet in cat echo env false id ls pwd sh sleep true; do
		ln -s busybox "$1/bin/$applet"
	done
	printf 'root:x:0:0:root:/:/bin/sh\nuser:x:1000:1000:user:/:/bin/sh\n' >"$1/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\n' >"$1/etc/group"
	chmod 1777 "$1/tmp"
}

fixture_manifest() { # NAME VERSION
	local arch
	case $(uname -m) in
	x86_64) arch=amd64 ;;
	*) arch=$(uname -m) ;;
	esac
	jq -cn --arg name "$1" --arg version "$2" --arg arch "$arch" '{acKind: "ImageManifest", acVersion: "0.8.11", name: $name,
		labels: [{name: "version", value: $version}, {name: "os", value: "linux"}, {name: "arch", value: $arch}],
		app: {exec: ["/bin/echo", "hello"], user: "0", group: "0", environment: [{name: "GREETING", value: "hello"}]}}'
}

fixture_image() { # FILE MANIFEST ROOTFS: the same bytes each time
	local parts
	parts=$(mktemp -d -p "$BATS_FILE_TMPDIR")
	cp "$2" "$parts/manifest"
	cp -a "$3" "$parts/rootfs"
	tar -c --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1000000000 -C "$parts" manifest rootfs | gzip -n >"$1"
	rm -rf "$parts"
}

# fixture_key HOMEDIR 'User <id>': makes a key there, without a passphrase, and prints its public half. No agent stays.
fixture_key() {
	mkdir -m 700 "$1"
	gpg --homedir "$1" --batch --quiet --passphrase '' --quick-generate-key "$2" ed25519 sign never 2>/dev/null
	gpg --homedir "$1" --batch --armor --export
	gpgconf --homedir "$1" --kill gpg-agent
}

fixture_sign() { # FILE [HOMEDIR]
	local home=${2:-$FIXTURE/gpg}
	gpg --homedir "$home" --batch --quiet --yes --armor --output "$1.asc" --detach-sign "$1"
	gpgconf --homedir "$home" --kill gpg-agent
}

fixture_trust() { # PREFIX KEY FINGERPRINT: as an administrator would lay it down (rkt:A-013)
	mkdir -p "$TACKLE_TRUST/trustedkeys/prefix.d/$1"
	cp "$2" "$TACKLE_TRUST/trustedkeys/prefix.d/$1/$3"
}

# The stored, verified image as fetch-blob, verify-sig and store-add leave it; made once, then copied.
fixture_store() {
	local program
	for program in fetch-blob verify-sig store-add; do
		[[ -x $BIN/$program ]] || return 0
	done
	[[ -d $FIXTURE/store ]] || ref-parse ./image.aci | TACKLE_STORE=$FIXTURE/store fetch-blob | TACKLE_STORE=$FIXTURE/store verify-sig |
		TACKLE_STORE=$FIXTURE/store store-add >/dev/null || return
	cp -a "$FIXTURE/store" "$TACKLE_STORE"
}

fixture_enter() {
	umask 022
	cp -a "$FIXTURE/." .
	rm -rf gpg store
	fixture_trust example.com key.asc "$FINGERPRINT"
	fixture_store
}

# With tests/web.bash: https://example.com serves the image, its signature, its key and the discovery page.
fixture_serve() {
	web_page example.com hello \
		'<meta name="ac-discovery" content="example.com/hello https://example.com/images/{name}-{version}-{os}-{arch}.{ext}">' \
		'<meta name="ac-discovery-pubkeys" content="example.com/hello https://example.com/key.asc">'
	local image
	image=$WEB/example.com/images/example.com/hello-1.0.0-linux-$(jq -r '.labels[] | select(.name == "arch").value' "$FIXTURE/manifest").aci
	mkdir -p "${image%/*}"
	cp "$FIXTURE/image.aci" "$image"
	cp "$FIXTURE/image.aci.asc" "$image.asc"
	cp "$FIXTURE/key.asc" "$WEB/example.com/key.asc"
}

# With tests/tuf.bash: https://example.com/tuf is a repository with hello.txt and, delegated to team, notes/hello.txt. Its root becomes
# root.json of the fixture, and the repository is in published/, too.
fixture_tuf() {
	tuf_tool
	tuf_repository "$WEB/example.com/tuf" >/dev/null
	echo 'hello, world' | target hello.txt
	delegate targets team '{"paths": ["notes/*"]}'
	echo 'hello again' | target notes/hello.txt team
	publish team targets snapshot timestamp
	cp "$REPO/root.json" "$FIXTURE/root.json"
	cp -r "$REPO" "$FIXTURE/published"
	unset TACKLE_TUF
}
