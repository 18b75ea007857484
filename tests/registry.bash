# Real registries (docker-registry 2.8.2) for a .bats file that is inside of web.bash's internet. To load after web.
#
#	setup_file() { web_start; registry_start plain; }
#
#	registry_start plain       http://registry.example:5000
#	registry_start tls         https://registry.example:5001
#	registry_start htpasswd    https://registry.example:5002     user `writer`, password `secret`
#	registry_start token       https://registry.example:5003     tokens from https://example.org/token, see tests/tools/token.sh;
#	                                                             the users `reader` and `writer`, password `secret`
#
# $REG/NAME is its storage, $REG/NAME.log what it says, $REG/questions what the token server was asked for.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154

TLS=docker://registry.example:5001
tags() { reg-tags --format names "registry.example:5001/$1" | paste -sd' '; } # tags REPOSITORY, of the one at 5001

registry_port() {
	case $1 in plain) echo 5000 ;; tls) echo 5001 ;; htpasswd) echo 5002 ;; token) echo 5003 ;; esac
}

registry_configuration() { # registry_configuration NAME
	cat <<-EOF
		version: 0.1
		log: { level: warn, accesslog: { disabled: true } }
		storage: { delete: { enabled: true }, filesystem: { rootdirectory: $REG/$1 } }
		http:
		  addr: 127.0.0.1:$(registry_port "$1")
		  secret: tests
	EOF
	[[ $1 == plain ]] || printf '  tls: { certificate: %s, key: %s }\n' "$WEB/good.pem" "$WEB/good.key"
	case $1 in
	htpasswd) printf 'auth:\n  htpasswd: { realm: r, path: %s }\n' "$REG/passwords" ;;
	token) printf 'auth:\n  token: { realm: "https://example.org/token", service: tests, issuer: tests, rootcertbundle: %s }\n' "$REG/token.pem" ;;
	esac
}

# What libtrust calls the key: the first 240 bits of the SHA-256 of its SubjectPublicKeyInfo in base32, in groups of four.
registry_kid() {
	openssl pkey -in "$1" -pubout -outform DER | openssl dgst -sha256 -binary | head -c 30 | basenc --base32 -w4 | paste -sd:
}

# nginx asks for the password when there is one; the answer comes from a CGI program.
registry_token_server() {
	mkdir -p "$REG/www/cgi-bin"
	cp "$ROOT/tests/tools/token.sh" "$REG/www/cgi-bin/token"
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=tokens -keyout "$REG/token.key" -out "$REG/token.pem" 2>/dev/null
	registry_kid "$REG/token.key" >"$REG/kid"
	ln -sf ../token.key ../kid "$REG/www/"
	: >"$REG/www/questions"
	ln -sf www/questions "$REG/questions"
	busybox httpd -p 127.0.0.1:6000 -h "$REG/www" 3>&-
	cat >"$WEB/rules/example.org/token.conf" <<-EOF
		location = /token {
			error_page 418 = @known;
			if (\$http_authorization) { return 418; }
			proxy_pass http://127.0.0.1:6000/cgi-bin/token;
			proxy_method \$request_method;
		}
		location @known {
			auth_basic tests; auth_basic_user_file $REG/passwords;
			rewrite ^ /cgi-bin/token?login=\$remote_user break;
			proxy_pass http://127.0.0.1:6000;
		}
	EOF
	web_reload
}

registry_start() {
	export REG=$WEB/registry
	mkdir -p "$REG"
	[[ -e $REG/passwords ]] || { htpasswd -Bbn writer secret && htpasswd -Bbn reader secret; } | grep . >"$REG/passwords"
	[[ $1 != token || -e $REG/token.key ]] || registry_token_server
	registry_configuration "$1" >"$REG/$1.yml"
	OTEL_TRACES_EXPORTER=none docker-registry serve "$REG/$1.yml" >>"$REG/$1.log" 2>&1 3>&- &
	echo $! >"$REG/$1.pid"
	disown
	for ((i = 0; i < 200; i++)); do
		(: </dev/tcp/127.0.0.1/"$(registry_port "$1")") 2>/dev/null && return
		sleep 0.05
	done
	cat "$REG/$1.log" >&2
	return 1
}

registry_stop() {
	kill -9 "$(<"$REG/$1.pid")"
	while [[ -d /proc/$(<"$REG/$1.pid") ]]; do sleep 0.01; done
}

# registry_serve FILE: https://registry.example with app/hello:1.0.0 and app/hello:latest, an image of this layer, and app/old:2.0.0 to
# be removed.
registry_serve() {
	registry_start plain
	cat >"$WEB/rules/registry.example/registry.conf" <<-'EOF'
		client_max_body_size 0;
		location /v2/ { proxy_pass http://127.0.0.1:5000; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https; }
	EOF
	web_reload
	local tag
	for tag in 1.0.0 latest; do
		layout "$REG/hello" $tag "$1"
		skopeo copy -q --dest-tls-verify=false "oci:$REG/hello:$tag" docker://127.0.0.1:5000/app/hello:$tag
	done
	skopeo copy -q --dest-tls-verify=false "oci:$REG/hello:latest" docker://127.0.0.1:5000/app/old:2.0.0
}

# layout DIR TAG LAYER-FILE...: an OCI image layout with one image of these uncompressed layers.
layout() {
	local dir=$1 tag=$2 layers='' ids='' file digest
	shift 2
	mkdir -p "$dir/blobs/sha256"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$dir/oci-layout"
	for file; do
		digest=$(sha256sum "$file" | cut -d' ' -f1)
		cp "$file" "$dir/blobs/sha256/$digest"
		layers+=${layers:+,}'{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:'$digest'","size":'$(stat -c %s "$file")'}'
		ids+=${ids:+,}'"sha256:'$digest'"'
	done
	layout_blob "$dir" '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":['"$ids"']},"config":{"Cmd":["/'"$tag"'"]}}'
	layout_blob "$dir" '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",'"$blob"'},"layers":['"$layers"']}'
	[[ -e $dir/index.json ]] || echo '{"schemaVersion":2,"manifests":[]}' >"$dir/index.json"
	jq -c --argjson m '{"mediaType":"application/vnd.oci.image.manifest.v1+json",'"$blob"',"annotations":{"org.opencontainers.image.ref.name":"'"$tag"'"}}' \
		'.manifests += [$m]' "$dir/index.json" >"$dir/index.new"
	mv "$dir/index.new" "$dir/index.json"
}

# layout_blob DIR TEXT: puts it there; $blob has its digest and size as JSON members, $hex the digest.
layout_blob() {
	hex=$(printf %s "$2" | sha256sum | cut -d' ' -f1)
	printf %s "$2" >"$1/blobs/sha256/$hex"
	blob='"digest":"sha256:'$hex'","size":'$(stat -c %s "$1/blobs/sha256/$hex")
}

# a_layer FILE CONTENT: a tar with one file.
a_layer() {
	mkdir -p tree
	printf %s "$2" >tree/file
	tar -C tree --mtime=@0 --owner=0 --group=0 -cf "$1" file
}
