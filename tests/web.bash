# A private internet for a .bats file: network, mount and process namespaces of its own, names in a private /etc/hosts, nginx with TLS under
# a CA of its own. No port of the host is used and nothing can stay behind: when the file ends its processes end with it.
#
#	load lib
#	load web
#	web_inside                            at the file's top level, before anything else runs
#	setup_file() { web_start; }
#	setup() { in_own_directory; web_clean; }
#
# Documents of https://HOST/ and http://HOST/ lie in $WEB/HOST; PATH/index.html answers PATH. `web_rules HOST 'location = /x { ... }'` adds
# nginx rules. $WEB/ca.pem is the CA (SSL_CERT_FILE points there). $WEB/log has one line per request: `HOST METHOD URI STATUS RANGE AUTHORIZATION`.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154

WEB_HOSTS="example.com www.example.com example.org registry.example"     # at 127.0.0.1
WEB_FAR_HOSTS="far.example other.far.example"                            # at 192.0.2.1, which is neither loopback nor link-local
WEB_BAD_HOSTS="wrong.example expired.example selfsigned.example nul.example"

# Starts this bats process over, inside. File descriptor 3 is what was stdout before bats redirected it.
web_inside() {
	[[ -z ${WEB_IS_INSIDE:-} ]] || return 0
	mapfile -d '' -t argv </proc/$$/cmdline
	rm -rf "$BATS_FILE_TMPDIR" "$BATS_FILE_TMPDIR"-*
	WEB_IS_INSIDE=1 PATH=$BATS_LIBEXEC:$PATH exec unshare --net --mount --pid --fork --kill-child --mount-proc -- "${argv[@]}" >&3 2>&3 3>&-
}

# web_certificate NAME SUBJECT-ALT-NAME [openssl x509 options]: a key and a certificate of our CA.
web_certificate() {
	local name=$1 san=$2
	shift 2
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" -keyout "$WEB/$name.key" -out "$WEB/$name.csr" 2>/dev/null
	printf 'subjectAltName=%s\n' "$san" >"$WEB/$name.ext"
	openssl x509 -req -in "$WEB/$name.csr" -CA "$WEB/ca.pem" -CAkey "$WEB/ca.key" -extfile "$WEB/$name.ext" -out "$WEB/$name.pem" "$@" 2>/dev/null
}

web_certificates() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=tests" -keyout "$WEB/ca.key" -out "$WEB/ca.pem" 2>/dev/null
	local host all=
	for host in $WEB_HOSTS $WEB_FAR_HOSTS; do
		all+=,DNS:$host
	done
	web_certificate good "${all#,},IP:127.0.0.1"
	web_certificate wrong.example DNS:elsewhere.example
	web_certificate expired.example DNS:expired.example -days 0
	# example.com NUL .evil.example, as some certificate authorities were once talked into
	web_certificate nul.example "DER:30:1b:82:19$(printf 'nul.example\0.evil.example' | od -An -v -tx1 | tr -d '\n' | tr ' ' :)"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=selfsigned.example -addext subjectAltName=DNS:selfsigned.example \
		-keyout "$WEB/selfsigned.example.key" -out "$WEB/selfsigned.example.pem" 2>/dev/null
}

web_server() { # web_server HOST CERTIFICATE
	cat <<-EOF
		server {
			listen 80; listen 443 ssl; server_name $1; root $WEB/$1;
			ssl_certificate $WEB/$2.pem; ssl_certificate_key $WEB/$2.key;
			include $WEB/rules/$1/*.conf;
			location / { try_files \$uri \$uri/index.html =404; }
		}
	EOF
}

web_configuration() {
	local host
	cat <<-EOF
		user root; worker_processes 1; pid $WEB/pid; error_log $WEB/errors;
		events { worker_connections 256; }
		http {
			types { text/html html; application/vnd.appc.image.aci aci; application/pgp-signature asc sig; }
			default_type application/octet-stream;
			log_format plain '\$host \$request_method \$request_uri \$status "\$http_range" "\$http_authorization"';
			log_format sizes '\$host \$request_method \$status \$request_length';
			access_log $WEB/log plain; sendfile on; server_names_hash_bucket_size 128;
			client_body_temp_path $WEB/t1; proxy_temp_path $WEB/t2; fastcgi_temp_path $WEB/t3; uwsgi_temp_path $WEB/t4; scgi_temp_path $WEB/t5;
	EOF
	for host in $WEB_HOSTS $WEB_FAR_HOSTS; do
		web_server "$host" good
	done
	for host in $WEB_BAD_HOSTS; do
		web_server "$host" "$host"
	done
	echo 'server { listen 127.0.0.1:79; access_log off; return 204; } }'
}

# web_start: brings it up and exports WEB and SSL_CERT_FILE. Needs root.
web_start() {
	export WEB=$BATS_FILE_TMPDIR/web
	export SSL_CERT_FILE=$WEB/ca.pem
	mkdir -p "$WEB"
	ip link set lo up
	ip address add 192.0.2.1/32 dev lo
	ip address add 169.254.7.7/32 dev lo
	printf '127.0.0.1 localhost %s %s\n192.0.2.1 %s\n169.254.7.7 linklocal.example\n' "$WEB_HOSTS" "$WEB_BAD_HOSTS" "$WEB_FAR_HOSTS" >"$WEB/hosts"
	mount --bind "$WEB/hosts" /etc/hosts
	web_certificates
	web_configuration >"$WEB/nginx.conf"
	local host
	for host in $WEB_HOSTS $WEB_FAR_HOSTS $WEB_BAD_HOSTS; do
		mkdir -p "$WEB/$host" "$WEB/rules/$host"
	done
	nginx -p "$WEB" -e "$WEB/errors" -c "$WEB/nginx.conf" 3>&-
}

# web_rules HOST 'nginx directives': in force when it returns.
web_rules() {
	printf '%s\n' "$2" >"$WEB/rules/$1/test.conf"
	web_reload
}

# Waits until the workers of before are gone, so that no request meets the old rules.
web_reload() {
	local old
	nginx -t -q -p "$WEB" -e "$WEB/errors" -c "$WEB/nginx.conf" || return
	old=$(pgrep -P "$(<"$WEB/pid")")
	nginx -p "$WEB" -e "$WEB/errors" -c "$WEB/nginx.conf" -s reload
	while [[ -n $old && -d /proc/$old ]]; do
		sleep 0.01
	done
}

# Forgets documents, rules and requests of an earlier test.
web_clean() {
	local rules=("$WEB"/rules/*/test.conf)
	export SSL_CERT_FILE=$WEB/ca.pem
	find "$WEB"/*.* -mindepth 1 -delete 2>/dev/null || true
	: >"$WEB/log"
	[[ ! -e ${rules[0]} ]] || { rm -f "${rules[@]}" && web_reload; }
}

# web_page HOST PATH 'TAG' ...: an HTML page with these lines in its head.
web_page() {
	local file=$WEB/$1/$2/index.html
	shift 2
	mkdir -p "${file%/*}"
	{ printf '<!DOCTYPE html>\n<html><head><title>x</title>\n'; printf '%s\n' "$@"; printf '</head><body></body></html>\n'; } >"$file"
}

# web_log: the log, every request that was answered in it. nginx writes a line when its answer is out already: one worker has written it
# before it answers anything else.
web_log() {
	exec {settled}<>/dev/tcp/127.0.0.1/79
	printf 'GET / HTTP/1.0\r\n\r\n' >&$settled
	cat <&$settled >/dev/null
	exec {settled}>&-
	cat "$WEB/log"
}

# web_asked [PATTERN]: how many requests matched so far.
web_asked() {
	web_log | grep -c -- "${1-}" || true
}

# web_hostile: the server of tests/tools/hostile.c at http://127.0.0.1:8080/, with the documents of example.com; $WEB/sent is its log.
web_hostile() {
	cc -D_GNU_SOURCE -o "$WEB/hostile" "$ROOT/tests/tools/hostile.c" && "$WEB/hostile" 8080 "$WEB/example.com" "$WEB/sent" 3>&-
}

# web_proxy: the proxy of tests/tools/proxy.c at http://127.0.0.1:3128/; $WEB/proxied has the requests it was asked for.
web_proxy() {
	cc -D_GNU_SOURCE -o "$WEB/proxy" "$ROOT/tests/tools/proxy.c" && "$WEB/proxy" 3128 "$WEB/proxied" 3>&-
}

# web_as_user SCRIPT: runs it as a user without any right, in a directory of its own: $own, made and removed by the caller below /tmp,
# since those above a test's own are closed to others.
web_as_user() {
	(
		unset TACKLE_STORE TACKLE_TRUST TACKLE_PODS
		cd "$own" && HOME=$own setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all bash -c "$1"
	)
}
