#!/usr/bin/env bash
# fetch-blob of 1 GiB over loopback into the store, its digest known, against what a shell would do, and against the hash alone.
# SPDX-License-Identifier: Apache-2.0
if [[ -z ${FETCH_BENCH_INSIDE:-} ]]; then
	FETCH_BENCH_INSIDE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
fi
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
ip link set lo up
mkdir "$d/root"
openssl enc -aes-128-ctr -nosalt -pass pass:x -pbkdf2 -in /dev/zero 2>/dev/null | head -c 1G >"$d/root/blob" || true
cat >"$d/nginx.conf" <<-EOF
	user root; worker_processes 1; pid $d/pid; error_log $d/errors;
	events {}
	http { access_log off; sendfile on; tcp_nopush on; server { listen 127.0.0.1:80; root $d/root; }
		client_body_temp_path $d/t1; proxy_temp_path $d/t2; fastcgi_temp_path $d/t3; uwsgi_temp_path $d/t4; scgi_temp_path $d/t5; }
EOF
nginx -p "$d" -e "$d/errors" -c "$d/nginx.conf"
digest=sha256:$(openssl dgst -sha256 -r "$d/root/blob" | cut -d' ' -f1)
printf '{"kind":"image","endpoints":[{"url":"http://127.0.0.1/blob"}],"blob":{"mediaType":"application/octet-stream","digest":"%s","size":1073741824}}\n' \
	"$digest" >"$d/record"
after_run() { rm -rf "$d/store" "$d/copy"; }
# shellcheck disable=SC2034  # race evaluates them
commands=(
	[ours]='fetch-blob -q --allow-http --store "$d/store" <"$d/record" 2>/dev/null'
	[curl]='curl -sS http://127.0.0.1/blob | tee "$d/copy" | openssl dgst -sha256'
	[hash]='openssl dgst -sha256 "$d/root/blob"'
)
race 0 "${BENCH_ROUNDS:-5}" ours curl hash
versus ours curl 'fetch-blob, 1 GiB over loopback, verified' 'curl | tee FILE | openssl dgst' '>= 1.7x'
versus ours hash 'fetch-blob, 1 GiB over loopback, verified' 'the hash alone' '<= 1.2x'
memory 'fetch-blob, 1 GiB' fetch-blob -q --allow-http --store "$d/store" <"$d/record" 2>/dev/null
nginx -p "$d" -e "$d/errors" -c "$d/nginx.conf" -s stop
