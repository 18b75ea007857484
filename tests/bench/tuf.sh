#!/usr/bin/env bash
# TUF at work: an unchanged refresh over loopback, one target of 100,000, signing and adding as many, a target of 1 GiB in a registry,
# long chains of roots (dtuf:P1 to dtuf:P5, dtuf:P8). python-tuf is not packaged by Debian: TUF_PYTHON names an interpreter that has it.
# Without one, there stand for it its times as issue 4 has them, measured elsewhere, and the parts of its work that can be done here
# (tufpeer.py). node's tuf-js is where `make peers` puts it; it is asked to take ten times as long.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034  # the texts that paired evaluates use them
if [[ -z ${TUF_BENCH_INSIDE:-} ]]; then
	TUF_BENCH_INSIDE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
fi
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
ip link set lo up
sizes=()
targets=${BENCH_TARGETS:-100000}
one=dir/file-$((targets / 2)).tar.gz
gcc -O2 -D_GNU_SOURCE -o "$d/tufsim" "$ROOT/tests/tools/tufsim.c" -ljansson -lsodium

# within WORK GOAL COMMAND: the median time of one command against a stated limit.
within() {
	commands=([ours]=$3)
	race 0 "${BENCH_ROUNDS:-5}" ours
	printf '%s\t-\t%s\t%s ms\t%s ms\t-\n' "$1" "$2" "$(median_of ours)" "$(median_of ours)"
}

# against WORK GOAL OURS THEIRS MS: our command and that of python-tuf, or where there is none our median time and its MS, measured
# elsewhere.
against() {
	[[ -z ${TUF_PYTHON:-} ]] || { paired "$1" python-tuf "$2" "$3" "$4"; return; }
	commands=([ours]=$3)
	race 0 "${BENCH_ROUNDS:-5}" ours
	row "$1" "python-tuf, elsewhere" "$2" "$(tr ' ' '\n' <<<"${times[ours]% }" | sed "s/\$/ ${5}000/")"
}

median_of() { tr ' ' '\n' <<<"${times[$1]% }" | median | awk '{ printf "%.1f", $1 / 1000 }'; }

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

python=/usr/bin/python3 # Debian's, which has the modules
"$python" -c 'import securesystemslib, cryptography' 2>/dev/null || python=
js=$ROOT/build/npm/node_modules
[[ -d $js/tuf-js ]] || js=

serve() {
	cat >"$d/nginx.conf" <<-EOF2
		user root; worker_processes 1; pid $d/pid; error_log $d/errors;
		events {}
		http { access_log off; server { listen 127.0.0.1:80; root $d; }
			client_body_temp_path $d/t1; proxy_temp_path $d/t2; fastcgi_temp_path $d/t3; uwsgi_temp_path $d/t4; scgi_temp_path $d/t5; }
	EOF2
	nginx -p "$d" -e "$d/errors" -c "$d/nginx.conf"
}

many() { # many DIRECTORY TARGETS: a repository whose targets role has as many, in the form that tufsim writes
	"$d/tufsim" init "$d/$1"
	jq --argjson n "$2" '.targets = ([range($n) | {key: "dir/file-\(.).tar.gz",
		value: {length: ., hashes: {sha256: (("000000\(.)" | .[-8:]) * 8)}}}] | from_entries)' "$d/$1/work/targets.json" >"$d/body"
	mv "$d/body" "$d/$1/work/targets.json"
	"$d/tufsim" publish -h "$d/$1" targets snapshot timestamp
}
serve

# ---- nothing changed ----
"$d/tufsim" init "$d/small"
client unchanged small
refresh='tuf-refresh -q --allow-http --tuf "$d/unchanged" --repo http://127.0.0.1/small 2>/dev/null'
cp -r "$d/unchanged" "$d/unchanged-py"
against 'tuf-refresh, nothing changed, loopback' '>= 30x' "$refresh" \
	'$TUF_PYTHON "$ROOT/tests/bench/tufpeer.py" client "$d/unchanged-py" http://127.0.0.1/small' 350
paired 'tuf-refresh, nothing changed, 10 times' 'curl, the same two requests' '<= 1.5x' "for i in 1 2 3 4 5 6 7 8 9 10; do $refresh; done" \
	'for i in 1 2 3 4 5 6 7 8 9 10; do curl -s http://127.0.0.1/small/metadata/2.root.json http://127.0.0.1/small/metadata/timestamp.json; done'
if [[ $js ]]; then
	cp -r "$d/unchanged" "$d/unchanged-js"
	paired 'tuf-refresh, nothing changed' 'tuf-js' '>= 10x' "$refresh" 'node "$ROOT/tests/bench/tufjs.cjs" "$js" "$d/unchanged-js" http://127.0.0.1/small'
fi
below 'tuf-refresh, nothing changed' '<= 10 MB' tuf-refresh -q --allow-http --tuf "$d/unchanged" --repo http://127.0.0.1/small 2>/dev/null

# ---- one target of very many ----
many large "$targets"
client large-client large
find='tuf-find -q --offline --max-targets-bytes 64M --tuf "$d/large-client" $one'
within "tuf-find, one of $targets targets, signature checked" '<= 250 ms' "$find"
cp -r "$d/large-client" "$d/large-py"
against 'tuf-find, the same, over loopback' '>= 10x' \
	'tuf-find -q --allow-http --max-targets-bytes 64M --tuf "$d/large-client" --repo http://127.0.0.1/large $one 2>/dev/null' \
	'$TUF_PYTHON "$ROOT/tests/bench/tufpeer.py" client "$d/large-py" http://127.0.0.1/large $one' 2500
below 'tuf-find, the same' '<= 60 MB' tuf-find -q --offline --tuf "$d/large-client" $one
if [[ ${TUF_PYTHON:-} ]]; then
	ours=$(stopwatch 1 tuf-find -q --offline --tuf "$d/large-client" $one)
	theirs=$(stopwatch 1 "$TUF_PYTHON" "$ROOT/tests/bench/tufpeer.py" client "$d/large-py" http://127.0.0.1/large $one)
	awk -v ours="${ours#* }" -v theirs="${theirs#* }" 'BEGIN { printf "memory: tuf-find, the same\tpython-tuf\t<= 0.25x\t%.2fx\t%.1f MB\t%.1f MB\n",
		ours / theirs, ours / 1024, theirs / 1024 }'
fi
if [[ $js ]]; then # its time grows with the square of their number
	many few 2000
	client few-client few
	cp -r "$d/few-client" "$d/few-js"
	paired 'tuf-find, one of 2000 targets, over loopback' 'tuf-js' '>= 10x' \
		'tuf-find -q --allow-http --tuf "$d/few-client" --repo http://127.0.0.1/few dir/file-777.tar.gz 2>/dev/null' \
		'node "$ROOT/tests/bench/tufjs.cjs" "$js" "$d/few-js" http://127.0.0.1/few dir/file-777.tar.gz'
fi
# the same without blanks, as publishers of many targets write them: canonical already
"$d/tufsim" init "$d/compact-tree"
cp "$d/large/work/targets.json" "$d/compact-tree/work/targets.json"
"$d/tufsim" publish "$d/compact-tree" targets snapshot timestamp
jq -cS . "$d/compact-tree/metadata/3.targets.json" >"$d/compact"
mv "$d/compact" "$d/compact-tree/metadata/3.targets.json"
mkdir "$d/compact-client"
cp "$d/compact-tree/metadata/1.root.json" "$d/compact-client/root.json"
tuf-refresh -q --max-targets-bytes 64M --tuf "$d/compact-client" --repo "file:$d/compact-tree" >/dev/null
find='tuf-find -q --offline --max-targets-bytes 64M --tuf "$d/compact-client" $one'
work='tuf-find, the same, received in canonical form'
within "$work" '<= 250 ms' "$find"
if [[ ${TUF_PYTHON:-} ]]; then
	cp -r "$d/compact-client" "$d/compact-py"
	paired "$work, over loopback" python-tuf '>= 10x' \
		'tuf-find -q --allow-http --max-targets-bytes 64M --tuf "$d/compact-client" --repo http://127.0.0.1/compact-tree $one 2>/dev/null' \
		'$TUF_PYTHON "$ROOT/tests/bench/tufpeer.py" client "$d/compact-py" http://127.0.0.1/compact-tree $one'
elif [[ $python ]]; then
	public=$("$d/tufsim" key targets | jq -r .key.keyval.public)
	paired "$work" "parts of python-tuf" '>= 10x' "$find" \
		'$python "$ROOT/tests/bench/tufpeer.py" find "$d/compact-client/targets.json" "$public" $one'
fi
below "tuf-find, the same" '<= 60 MB' tuf-find -q --offline --max-targets-bytes 64M --tuf "$d/compact-client" $one

# ---- signing and adding them ----
(
	umask 077
	for role in root targets snapshot timestamp; do
		key-gen --no-passphrase --public-out "$d/$role.own.pub" -o "$d/$role.own.pem" >/dev/null
	done
)
own() { # own DIRECTORY: metadata by these keys
	rm -rf "${d:?}/$1"
	for role in root targets snapshot timestamp; do
		printf '%s\0' --add-key "$role=$d/$role.own.pub" --key "$d/$role.own.pem"
	done | xargs -0 sh -c 'tuf-init "$@" "$0"' "$d/$1/metadata"
}
seq "$targets" | awk '{ h = sprintf("%08x", $1); while (length(h) < 64) h = h h
	printf "{\"path\":\"dir/file-%d.tar.gz\",\"length\":%d,\"hashes\":{\"sha256\":\"%s\"}}\n", $1, $1, h }' >"$d/list"
head -n $((targets / 2)) "$d/list" >"$d/half"
own signed
tuf-add --key "$d/targets.own.pem" "$d/signed/metadata/targets.json" <"$d/list"
[[ -z $python || ${TUF_PYTHON:-} ]] || paired "tuf-payload and tuf-sign of $targets targets" "parts of python-tuf" '>= 5x' \
	'tuf-payload "$d/signed/metadata/targets.json" | tuf-sign --key "$d/targets.own.pem"' \
	'$python "$ROOT/tests/bench/tufpeer.py" sign "$d/signed/metadata/targets.json" "$d/targets.own.pem"'
against "tuf-payload and tuf-sign of $targets targets" '>= 5x' \
	'tuf-payload "$d/signed/metadata/targets.json" | tuf-sign --key "$d/targets.own.pem"' \
	'$TUF_PYTHON "$ROOT/tests/bench/tufpeer.py" resign "$d/signed/metadata/targets.json" "$d/targets.own.pem"' 900
before_run() { own "adding-$who"; }
paired "tuf-add of $targets targets to one role" 'of half of them' '<= 2.2x' \
	'tuf-add --key "$d/targets.own.pem" "$d/adding-ours/metadata/targets.json" <"$d/list"' \
	'tuf-add --key "$d/targets.own.pem" "$d/adding-theirs/metadata/targets.json" <"$d/half"'
before_run() { :; }

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

# ---- a target of 1 GiB in a registry ----
own m
mkdir "$d/data" "$d/trusted"
cd "$d/data"
openssl enc -aes-128-ctr -nosalt -K "$(printf %032d 1)" -iv 0 -in /dev/zero 2>/dev/null | head -c 1G >big || true
head -c 1M big >little
digest=sha256:$(openssl dgst -sha256 -r big | cut -d ' ' -f 1)
cat >"$d/registry.yml" <<-YML
	version: 0.1
	log: { level: error, accesslog: { disabled: true } }
	storage: { delete: { enabled: true }, filesystem: { rootdirectory: $d/registry } }
	http: { addr: 127.0.0.1:5000, secret: tests }
YML
docker-registry serve "$d/registry.yml" >"$d/registry.log" 2>&1 &
until (: </dev/tcp/127.0.0.1/5000) 2>/dev/null; do sleep 0.05; done
demo=docker://127.0.0.1:5000/demo blobs=http://127.0.0.1:5000/v2

upload() { # the blob and nothing else: what curl needs to know its name it has to hash first
	local to
	to=$(sha256sum big >/dev/null && curl -sS -i -X POST "$blobs/$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //p')
	curl -sS -f -T big -H 'Content-Type: application/octet-stream' "$to&digest=$digest"
}
after_run() { rm -rf "$d/registry/docker"; }
paired 'push of a target of 1 GiB: tuf-put' 'sha256sum and curl' '<= 1.15x' \
	'tuf-put -q --allow-http "${demo}$round" big big 2>/dev/null' 'upload "theirs$round"'
after_run() { :; }
for name in big little; do
	tuf-put -q --allow-http "$demo" "$name" "$name" 2>/dev/null | tuf-add --key "$d/targets.own.pem" "$d/m/metadata/targets.json"
done
tuf-snapshot --key "$d/snapshot.own.pem" "$d/m/metadata"
tuf-timestamp --key "$d/timestamp.own.pem" "$d/m/metadata"
tuf-push -q --allow-http "$d/m/metadata" "$demo" 2>/dev/null
cp "$d/m/metadata/1.root.json" "$d/trusted/root.json"
download=(tuf-download -q --allow-http --tuf "$d/trusted" --repo "$demo")
before_run() { rm -rf "$d/got" && mkdir "$d/got"; }
paired 'pull of a target of 1 GiB: tuf-download to a file' 'curl | sha256sum, kept nowhere' '<= 1.15x' \
	'"${download[@]}" -C "$d/got" big 2>/dev/null' 'curl -sS "$blobs/demo/blobs/$digest" | sha256sum'
rm -r "$d/got" && mkdir "$d/got"
for name in big little; do
	kib=$(stopwatch 1 "${download[@]}" -C "$d/got" "$name" 2>/dev/null | cut -d ' ' -f 2)
	sizes[${#sizes[@]}]=$kib
done
awk -v big="${sizes[0]}" -v little="${sizes[1]}" 'BEGIN {
	printf "memory: tuf-download of 1 GiB\tof 1 MiB\t<= 1 MB more\t%.1f MB\t%.1f MB\t%.1f MB\n", (big - little) / 1024, big / 1024, little / 1024 }'
before_run() { :; }
rm -rf "$d/got" "$d/registry"
