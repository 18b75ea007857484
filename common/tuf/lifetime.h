// How long metadata shall be valid: lifetimes as people write them, and the expiry that follows.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_LIFETIME_H
#define TUF_LIFETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define LIFETIME_ROOT      31556900 // seconds: a year
#define LIFETIME_TARGETS   7889230  // three months
#define LIFETIME_SNAPSHOT  604800   // a week
#define LIFETIME_TIMESTAMP 86400    // a day

// Seconds of a lifetime (dtuf:D62): NUMBER UNIT in falling order with blanks and commas between, as `1w 2d`, `1.5h`, `10 minutes`;
// a clock `M:SS`, `H:MM:SS` or `D:HH:MM:SS`, also behind weeks and days; a bare number of seconds. Above 0; a part of a second counts
// as a whole one.
bool lifetime_parse(const char *text, int64_t *seconds);

// The expiry that a user asked for: an RFC 3339 time, or a lifetime from now on, where now is rounded up to a whole second (dtuf:D63).
// STATUS_REFUSED for anything else and for a time that is over.
int lifetime_expiry(const char *text, int64_t *expires, struct err *e);

int64_t lifetime_now(void); // seconds since 1970, rounded up: a lifetime that is added to it is never cut short

#endif
