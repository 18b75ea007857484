#!/usr/bin/env bash
# Very many targets (dtuf:P6, dtuf:P7, dtuf:P8): 2,270,000 in 16,384 bins are created, signed, linted, served and changed, beside a tenth
# of them. No other implementation does this in one run: what is asked is that memory stays and that time grows with the number.
# SPDX-License-Identifier: Apache-2.0
if [[ -z ${TUF_BENCH_INSIDE:-} ]]; then
	TUF_BENCH_INSIDE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
fi
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
ip link set lo up
targets=${BENCH_BULK_TARGETS:-2270000}
bits=14
cd "$d"
umask 022

list() { # list FIRST LAST: targets as tuf-add reads them
	seq "$1" "$2" | awk '{ h = sprintf("%08x", $1); while (length(h) < 64) h = h h
		printf "{\"path\":\"pkg/%d/file-%d.tar.gz\",\"length\":%d,\"hashes\":{\"sha256\":\"%s\"}}\n", $1 % 1000, $1, $1, h }'
}

# measure STEP SIZE COMMAND [ARGUMENT ...]: leaves its time in ${took[STEP.SIZE]} and the memory it needed in ${size[STEP.SIZE]}.
declare -A took size
measure() {
	local as=$1.$2 answer
	shift 2
	answer=$(stopwatch 1 "$@" 2>messages) || {
		cat messages >&2
		exit 1
	}
	took[$as]=$(awk '{ printf "%d", $1 * 1000 }' <<<"$answer")
	size[$as]=$(awk '{ printf "%.1f", $2 / 1024 }' <<<"$answer")
}

keys=()
for role in root targets snapshot timestamp bin; do
	key-gen --no-passphrase --public-out "$role.pub" -o "$role.pem" >/dev/null
	[[ $role == bin ]] || keys+=(--key "$role.pem" --add-key "$role=$role.pub")
done

create() { # create SIZE TARGETS: a whole repository, SIZE/metadata
	list 1 "$2" >targets.list
	tuf-init "${keys[@]}" "$1/metadata"
	measure delegate "$1" tuf-delegate --bins $bits --add-key bin.pub --key targets.pem --key bin.pem "$1/metadata/targets.json" bin
	measure add "$1" tuf-add --key bin.pem "$1/metadata/targets.json" <targets.list
	measure snapshot "$1" tuf-snapshot --key snapshot.pem "$1/metadata"
	measure timestamp "$1" tuf-timestamp --key timestamp.pem "$1/metadata"
	measure lint "$1" tuf-lint "$1"
}
mkdir whole tenth
create whole "$targets"
create tenth $((targets / 10))

row_of() { # row_of STEP WORK: its time and its memory beside those for a tenth
	awk -v whole="${took[$1.whole]}" -v tenth="${took[$1.tenth]}" -v work="$2" \
		'BEGIN { printf "%s\ta tenth of the targets\t<= 10x\t%.2fx\t%.1f s\t%.1f s\n", work, whole / tenth, whole / 1000, tenth / 1000 }'
	awk -v whole="${size[$1.whole]}" -v tenth="${size[$1.tenth]}" -v work="$2" \
		'BEGIN { printf "memory: %s\ta tenth of the targets\t<= 64 MB more\t%.1f MB\t%.1f MB\t%.1f MB\n", work, whole - tenth, whole, tenth }'
}
row_of add "tuf-add of $targets targets to 16384 bins, all signed"
row_of snapshot "tuf-snapshot of them, all verified"
row_of lint "tuf-lint of them"

# ---- a later change ----
touch before && sleep 0.01
list $((targets + 1)) $((targets + 1)) >one.list
measure add1 whole tuf-add --key bin.pem whole/metadata/targets.json <one.list
measure snapshot1 whole tuf-snapshot --key snapshot.pem whole/metadata
measure timestamp1 whole tuf-timestamp --key timestamp.pem whole/metadata
changed=$(find whole/metadata -type f -newer before -printf '%i\n' | sort -u | wc -l)
awk -v a="${took[add1.whole]}" -v s="${took[snapshot1.whole]}" -v t="${took[timestamp1.whole]}" -v files="$changed" \
	'BEGIN { printf "one target more, published: files written\t-\t<= 3\t%d\t%d in %d ms\t-\n", files, files, a + s + t }'

# ---- served, and looked up ----
cat >nginx.conf <<-EOF2
	user root; worker_processes 1; pid $d/pid; error_log $d/errors;
	events {}
	http { log_format path '\$status \$uri'; access_log $d/requests path; server { listen 127.0.0.1:80; root $d/whole; }
		client_body_temp_path $d/t1; proxy_temp_path $d/t2; fastcgi_temp_path $d/t3; uwsgi_temp_path $d/t4; scgi_temp_path $d/t5; }
EOF2
nginx -p "$d" -e "$d/errors" -c "$d/nginx.conf"
measure find whole tuf-find -q --allow-http --tuf client --root whole/metadata/1.root.json --repo http://127.0.0.1 pkg/777/file-777.tar.gz
nginx -p "$d" -e "$d/errors" -c "$d/nginx.conf" -s stop
while [[ -e pid ]]; do sleep 0.01; done
awk -v ms="${took[find.whole]}" -v mb="${size[find.whole]}" -v files="$(wc -l <requests)" 'BEGIN {
	printf "tuf-find of one of them over http, nothing at hand: files asked for\t-\t<= 5\t%d\t%d in %d ms\t-\n", files, files, ms
	printf "memory: the same\t-\t<= 64 MB\t%.1f MB\t%.1f MB\t-\n", mb, mb }'
