#!/usr/bin/env bash
# A TUF client at work: an unchanged refresh over loopback, one target of 100,000, long chains of roots (dtuf:P1, dtuf:P2, dtuf:P3, dtuf:P8). Other
# clients are Python's and node's, which Debian does not package: what is asked is the stated time, and for requests what curl needs for
# them alone.
# SPDX-License-Identifier: Apache-2.0
if [[ -z ${TUF_BENCH_INSIDE:-} ]]; then
	TUF_BENCH_INSIDE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
fi
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
ip link set lo up
targets=${BENCH_TARGETS:-100000}
gcc -O2 -D_GNU_SOURCE -o "$d/tufsim" "$ROOT/tests/tools/tufsim.c" -ljansson -lsodium

# within WORK GOAL COMMAND: the median time of one command against a stated limit.
within() {
	commands=([ours]=$3)
	race 0 "${BENCH_ROUNDS:-5}" ours
	printf '%s\t-\t%s\t%s\t%s\t-\n' "$1" "$2" "$(ms)" "$(ms)"
}

ms() { tr ' ' '\n' <<<"${times[ours]% }" | median | awk '{ printf "%.1f ms", $1 / 1000 }'; }

below() { # below WORK GOAL COMMAND [ARGUMENT ...]: its largest resident set
	local megabytes work=$1 goal=$2
	shift 2
	megabytes=$(stopwatch 1 "$@" | awk '{ printf "%.1f MB", $2 / 1024 }')
	printf 'memory: %s\t-\t%s\t%s\t%s\t-\n' "$work" "$goal" "$megabytes" "$megabytes"
}

client() { # client DIRECTORY REPOSITORY: trusts its first root, and is up to date
	mkdir "$d/$1"
	cp "$d/$2/metadata/1.root.json" "$d/$1/root.json"
	tuf-refresh -q --tuf "$d/$1" --repo "file:$d/$2" >/dev/null
}

# ---- nothing changed ----
"$d/tufsim" init "$d/small"
cat >"$d/nginx.conf" <<-EOF2
	user root; worker_processes 1; pid $d/pid; error_log $d/errors;
	events {}
	http { access_log off; server { listen 127.0.0.1:80; root $d; }
		client_body_temp_path $d/t1; proxy_temp_path $d/t2; fastcgi_temp_path $d/t3; uwsgi_temp_path $d/t4; scgi_temp_path $d/t5; }
EOF2
nginx -p "$d" -e "$d/errors" -c "$d/nginx.conf"
client unchanged small
paired 'tuf-refresh, nothing changed, loopback' 'curl, the same two requests' '<= 1.5x' \
	'for i in 1 2 3 4 5 6 7 8 9 10; do tuf-refresh -q --allow-http --tuf "$d/unchanged" --repo http://127.0.0.1/small 2>/dev/null; done' \
	'for i in 1 2 3 4 5 6 7 8 9 10; do curl -s http://127.0.0.1/small/metadata/2.root.json http://127.0.0.1/small/metadata/timestamp.json; done'
below 'tuf-refresh, nothing changed' '<= 10 MB' tuf-refresh -q --allow-http --tuf "$d/unchanged" --repo http://127.0.0.1/small 2>/dev/null
nginx -p "$d" -e "$d/errors" -c "$d/nginx.conf" -s stop

# ---- one target of very many ----
"$d/tufsim" init "$d/large"
jq --argjson n "$targets" '.targets = ([range($n) | {key: "dir/file-\(.).tar.gz",
	value: {length: ., hashes: {sha256: (("000000\(.)" | .[-8:]) * 8)}}}] | from_entries)' "$d/large/work/targets.json" >"$d/body"
mv "$d/body" "$d/large/work/targets.json"
"$d/tufsim" publish -h "$d/large" targets snapshot timestamp
client large-client large
within "tuf-find, one of $targets targets, signature checked" '<= 250 ms' 'tuf-find -q --offline --tuf "$d/large-client" dir/file-77777.tar.gz'
below "tuf-find, one of $targets targets" '<= 60 MB' tuf-find -q --offline --tuf "$d/large-client" dir/file-77777.tar.gz
# the same without blanks, as publishers of many targets write them: canonical already
"$d/tufsim" init "$d/compact-tree"
cp "$d/large/work/targets.json" "$d/compact-tree/work/targets.json"
"$d/tufsim" publish "$d/compact-tree" targets snapshot timestamp
jq -cS . "$d/compact-tree/metadata/3.targets.json" >"$d/compact"
mv "$d/compact" "$d/compact-tree/metadata/3.targets.json"
mkdir "$d/compact-client"
cp "$d/compact-tree/metadata/1.root.json" "$d/compact-client/root.json"
tuf-refresh -q --max-targets-bytes 64M --tuf "$d/compact-client" --repo "file:$d/compact-tree" >/dev/null
within "tuf-find, the same, received in canonical form" '<= 250 ms' \
	'tuf-find -q --offline --max-targets-bytes 64M --tuf "$d/compact-client" dir/file-77777.tar.gz'
below "tuf-find, the same" '<= 60 MB' tuf-find -q --offline --max-targets-bytes 64M --tuf "$d/compact-client" dir/file-77777.tar.gz

# ---- chains of roots ----
chain() { # chain NAME LENGTH
	"$d/tufsim" init "$d/$1"
	# shellcheck disable=SC2046
	"$d/tufsim" publish "$d/$1" $(printf 'root %.0s' $(seq 1 "$2"))
}
chain short 100
chain long 200
follow() { # follow NAME: from the first root to the last
	rm -rf "$d/following"
	mkdir "$d/following"
	cp "$d/$1/metadata/1.root.json" "$d/following/root.json"
	tuf-refresh -q --tuf "$d/following" --repo "file:$d/$1"
}
within 'tuf-refresh, 200 new roots' '<= 200 ms' 'follow long'
paired 'tuf-refresh, 200 new roots' '100 of them' '<= 2.2x' 'follow long' 'follow short'
