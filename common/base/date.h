// Times of day as RFC 3339 in UTC, and lengths of time.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DATE_TEXT_MAX sizeof "9999-12-31T23:59:59Z"

// Seconds since 1970 of an RFC 3339 date-time: `T` between date and time, Z or an offset, a fraction allowed and dropped.
bool date_parse(const char *text, int64_t *seconds);

// `YYYY-MM-DDTHH:MM:SSZ` into text; years 0 to 9999, other times are clamped to these. Returns text.
char *date_format(int64_t seconds, char text[static DATE_TEXT_MAX]);

// What SOURCE_DATE_EPOCH says (reproducible-builds.org): 1, 0 where it is unset or empty, or -1 with STATUS_USAGE where
// it is no number of seconds.
int date_source_epoch(int64_t *seconds, struct err *e);

// Now, in whole seconds; SOURCE_DATE_EPOCH instead where it is set and valid. For times written into products.
int64_t date_of_build(void);

int64_t date_now(void); // now, in whole seconds: for expiry and messages

// Milliseconds from one or more NUMBER UNIT (ms s m h d w, decimals allowed), as in `1h30m` or `0s`; a bare number is seconds.
bool date_parse_duration(const char *text, int64_t *milliseconds);

int64_t date_monotonic(void); // milliseconds of a clock that nobody sets

#endif
