#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
load publisher
setup() { in_own_directory; }

@test "dtuf:R17 a new timestamp needs its key alone and touches no other file" {
	repository
	rm root.pem targets.pem snapshot.pem
	find m -type f ! -name timestamp.json | sort | xargs sha256sum >before
	chmod a-w m/[!t]*.json
	for i in 2 3; do
		tuf-timestamp --expires "${i}h" --key timestamp.pem m
		same $i "$(jq .signed.version m/timestamp.json)"
		is_about "$(jq -r .signed.expires m/timestamp.json)" $((i * 3600))
		verified m/timestamp.json timestamp
	done
	same "$(cat before)" "$(find m -type f ! -name timestamp.json | sort | xargs sha256sum)"
}

@test "a snapshot that is not complete is refused; versions alone where asked for" {
	repository
	tuf-snapshot m
	before=$(sums)
	refuse 1 tuf-timestamp --key timestamp.pem m
	says 'snapshot: threshold not met'
	same "$before" "$(sums)"
	tuf-payload m/snapshot.json | tuf-sign --key snapshot.pem | tuf-addsig m/snapshot.json
	tuf-timestamp --no-hashes --key timestamp.pem m
	same '{"snapshot.json":{"version":2}}' "$(jq -c .signed.meta m/timestamp.json)"
	[ -e m/2.snapshot.json ]
	refuse 1 tuf-timestamp --key root.pem m
	rm m/snapshot.json
	refuse 3 tuf-timestamp --key timestamp.pem m
}
