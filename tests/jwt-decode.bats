#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
load lib
setup() { in_own_directory; }

@test "brkt:J8 header and claims are shown and stderr says UNVERIFIED" {
	t=eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.
	run --separate-stderr jwt-decode <<<"$t"
	same '0 {"claims":{"sub":"x"},"header":{"alg":"none"}}' "$status $output"
	[[ $stderr == *UNVERIFIED* ]]
	same 2 "$(printf '%s\n%s\n' $t $t | jwt-decode 2>/dev/null | wc -l)"
}

@test "what is no token is refused and nothing is shown" {
	refuse 6 jwt-decode </dev/null
	refuse 6 jwt-decode <<<a.b
	refuse 6 jwt-decode < <(printf '%s\n%s\n' eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0. x)
	says 'token 2: malformed'
	refuse 7 jwt-decode < <(printf '%09000d\n' 0)
	refuse 7 jwt-decode < <(printf '%0900000d' 0) # also where no newline ends it
	refuse 6 jwt-decode < <(printf eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.)
}
