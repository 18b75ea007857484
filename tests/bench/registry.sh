#!/usr/bin/env bash
# Pull and push of an image of 10 layers, 400 MB, against skopeo, and of one blob of 1 GiB against curl: docker-registry on loopback, by
# http, in a network of its own. Everything on one tmpfs, so that the disk is not what is measured.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2016  # the texts of paired are evaluated there
[ -n "${BENCH_INSIDE:-}" ] || BENCH_INSIDE=1 exec unshare --net --pid --fork --kill-child --mount-proc -- "$0"
. "$(dirname "$0")/lib.sh"
. "$ROOT/tests/registry.bash"
bench_directory tmpfs
ip link set lo up
printf '{"auths":{}}' >"$d/none"
export REGISTRY_AUTH_FILE=$d/none BENCH_ROUNDS=${BENCH_ROUNDS:-3}
cd "$d"

cat >registry.yml <<YML
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { delete: { enabled: true }, filesystem: { rootdirectory: $d/registry } }
http: { addr: 127.0.0.1:5000, secret: tests }
YML
# It would take this variable for a part of its configuration.
env -u REGISTRY_AUTH_FILE docker-registry serve registry.yml >registry.log 2>&1 &
until (: </dev/tcp/127.0.0.1/5000) 2>/dev/null; do sleep 0.05; done

for i in {0..9}; do
	openssl enc -aes-128-ctr -nosalt -K "$(printf %032d "$i")" -iv 0 -in /dev/zero 2>/dev/null | head -c 40000000 >"layer$i" || true
done
layout image v1 layer{0..9}
# What is random is no tar, and need not be: neither side looks into it on its way.
sed -i 's|image.layer.v1.tar"|image.layer.v1.tar+gzip"|g' image/blobs/sha256/"$(jq -r '.manifests[0].digest[7:]' image/index.json)"
manifest=$(sed -n p image/blobs/sha256/"$(jq -r '.manifests[0].digest[7:]' image/index.json)")
rm layer*
layout_blob image "$manifest"
jq -c '.manifests[0].digest = "sha256:'"$hex"'" | .manifests[0].size = ($m | length)' --arg m "$manifest" image/index.json >new
mv new image/index.json
ref-parse oci:image:v1 | reg-resolve >source
reg-push -q --allow-http localhost:5000/a:v1 <source >pushed 2>/dev/null
ref-parse docker://localhost:5000/a:v1 >ref

after_run() { rm -rf store copy; }
paired 'pull of 10 layers, 400 MB, into the store' 'skopeo copy docker:// oci:' '>= 2.5x' \
	'{ reg-resolve --allow-http <ref | fetch-blob -q --allow-http --store store; } 2>/dev/null' \
	'skopeo copy -q --src-tls-verify=false docker://localhost:5000/a:v1 oci:copy:v1'
versus ours theirs 'the same: processor time' 'skopeo copy docker:// oci:' '<= 0.5x' spent

after_run() { rm -rf registry/docker; }
paired 'push of 10 layers, 400 MB' 'skopeo copy oci: docker://' '>= 1.5x' \
	'reg-push -q --allow-http localhost:5000/ours$round:v1 <source 2>/dev/null' \
	'skopeo copy -q --preserve-digests --dest-tls-verify=false oci:image:v1 docker://localhost:5000/theirs$round:v1'
after_run() { :; }

rm -rf image
truncate -s 1G big
layout image big big
rm big
ref-parse oci:image:big | reg-resolve | reg-push -q --allow-http localhost:5000/b:v1 >record 2>/dev/null
rm -rf image
reg-resolve --allow-http <record >resolved 2>/dev/null
blob=$(jq -r '.layers[0].digest' resolved)
after_run() { rm -rf store copy; }
paired 'pull of one blob of 1 GiB' 'curl -o FILE' '<= 1.7x' 'fetch-blob -q --allow-http --store store <resolved 2>/dev/null' \
	'curl -sS -o copy "http://localhost:5000/v2/b/blobs/$blob"'
