#!/usr/bin/env bash
# What dtuf adds to the programs it runs (dtuf:P9): the same programs with the same arguments, run one after the other by hand.
# SPDX-License-Identifier: Apache-2.0
# shellcheck source=tests/bench/lib.sh
. "$(dirname "$0")/lib.sh"
bench_directory tmpfs
cd "$d"
export TACKLE_BIN=$BIN DTUF_HOST=file:$d/host DTUF_LOG_FILE='' DTUF_PROGRESS=0 DTUF_ROOT_KEY_PASSWORD=r DTUF_TARGETS_KEY_PASSWORD=t DTUF_SNAPSHOT_KEY_PASSWORD=s \
	DTUF_TIMESTAMP_KEY_PASSWORD=m
dtuf=$ROOT/share/dtuf
echo hello >a
for command in create-root-key create-metadata-keys create-metadata 'push-target a a' push-metadata; do
	read -ra words <<<"$command"
	"$dtuf" "${words[0]}" fred/demo "${words[@]:1}"
done
"$dtuf" pull-metadata fred/demo dtuf_repos/fred/demo/master/keys/root_key.pub >/dev/null
# shellcheck disable=SC2034 # used in texts that are evaluated
current=dtuf_repos/fred/demo/copy/repository/metadata/current place=file:$d/host/fred/demo

# beyond WORK OURS THEIRS: by how much the median of the processor's time for the one is above the other's
beyond() {
	local more
	commands=([ours]=$2 [theirs]=$3)
	race 0 "${BENCH_ROUNDS:-9}" ours theirs
	more=$(awk -v o="$(of ours)" -v t="$(of theirs)" 'BEGIN { printf "%.1f ms", (o - t) / 1000 }')
	printf '%s\t%s\t<= 50 ms\t%s\t%s\t%s\n' "$1" "its programs alone" "$more" "$(of ours | awk '{ printf "%.1f ms", $1 / 1000 }')" \
		"$(of theirs | awk '{ printf "%.1f ms", $1 / 1000 }')"
}

of() { tr ' ' '\n' <<<"${spent[$1]% }" | median; }

# shellcheck disable=SC2016 # evaluated later
{
	beyond 'dtuf pull-target, the time of the processor' '"$dtuf" pull-target fred/demo a' \
		'for l in "" --list-blobs; do tuf-download --progress=none $l --tuf "$current" --no-refresh --only-targets-expiry --repo "$place" a; done'
	beyond 'dtuf pull-metadata, the same' '"$dtuf" pull-metadata fred/demo' 'tuf-refresh --progress=none --tuf "$current" --repo "$place"'
	beyond 'dtuf push-target, the same' '"$dtuf" push-target fred/demo a a' 'tuf-put --progress=none --manifest "$d/m" "$place" a a'
}
