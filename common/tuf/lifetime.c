// lifetime.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/date.h"
#include "base/mem.h"
#include "tuf/lifetime.h"

enum { CLOCK_PARTS = 4, LONGEST_NUMBER = 15 }; // D:HH:MM:SS; digits that a double holds exactly

static const struct { // in falling order
	double seconds;
	const char *names[7];
} units[] = {
	{ 604800, { "weeks", "week", "wk", "w" } },
	{ 86400, { "days", "day", "d" } },
	{ 3600, { "hours", "hour", "hrs", "hr", "h" } },
	{ 60, { "minutes", "minute", "mins", "min", "m" } },
	{ 1, { "seconds", "second", "secs", "sec", "s" } },
};

struct reader {
	const char *at;
	double total;
	size_t least; // the first unit that may still come
};

static bool read_number(struct reader *r, double *number)
{
	size_t whole = strspn(r->at, "0123456789");
	size_t rest = r->at[whole] == '.' ? 1 + strspn(r->at + whole + 1, "0123456789") : 0;
	if (!whole || whole + rest > LONGEST_NUMBER || rest == 1)
		return false;
	*number = strtod(r->at, NULL);
	r->at += whole + rest;
	return true;
}

// The unit at hand; the whole word must be one.
static bool read_unit(struct reader *r, size_t *unit)
{
	size_t length = strspn(r->at, "abcdefghijklmnopqrstuvwxyz");
	for (*unit = r->least; *unit < ARRAY_LENGTH(units); ++*unit)
		for (const char *const *name = units[*unit].names; *name; name++)
			if (strlen(*name) == length && !strncmp(r->at, *name, length)) {
				r->at += length;
				return true;
			}
	return false;
}

// D:HH:MM:SS, the leftmost one or two parts may be missing; behind weeks or days it has at most three parts.
static bool read_clock(struct reader *r)
{
	static const double weights[CLOCK_PARTS] = { 86400, 3600, 60, 1 };
	double parts[CLOCK_PARTS];
	size_t count = 0;
	do {
		size_t digits = strspn(r->at, "0123456789");
		if (count == CLOCK_PARTS || !digits || (count ? digits != 2 : digits > 9) || r->at[digits] == '.')
			return false;
		parts[count++] = strtod(r->at, NULL);
		r->at += digits;
	} while (*r->at == ':' && r->at++);
	size_t first = CLOCK_PARTS - count;
	if (count < 2 || (r->least && first == 0))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (i && parts[i] >= (first + i == 1 ? 24 : 60))
			return false;
		r->total += parts[i] * weights[first + i];
	}
	return true;
}

static void skip_separators(struct reader *r)
{
	r->at += strspn(r->at, " \t,");
}

static bool read_part(struct reader *r)
{
	double number;
	size_t unit, digits = strspn(r->at, "0123456789");
	if (r->at[digits] == ':' && r->least <= 2) { // nothing finer than days came before
		bool good = read_clock(r);
		r->least = ARRAY_LENGTH(units);
		return good;
	}
	if (!read_number(r, &number))
		return false;
	r->at += strspn(r->at, " \t");
	if (!read_unit(r, &unit))
		return false;
	r->least = unit + 1;
	r->total += number * units[unit].seconds;
	return true;
}

bool lifetime_parse(const char *text, int64_t *seconds)
{
	struct reader r = { .at = text };
	size_t digits = strspn(text, "0123456789");
	if (digits && !text[digits] && digits <= LONGEST_NUMBER) {
		*seconds = strtoll(text, NULL, 10);
		return *seconds > 0 && *seconds <= (int64_t)1e11;
	}
	r.at += strspn(r.at, " \t");
	do {
		if (!read_part(&r))
			return false;
		skip_separators(&r);
	} while (*r.at);
	if (!(r.total > 0) || r.total > 1e11)
		return false;
	*seconds = (int64_t)r.total + (r.total > (double)(int64_t)r.total);
	return true;
}

int64_t lifetime_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec + (t.tv_nsec > 0);
}

int lifetime_expiry(const char *text, int64_t *expires, struct err *e)
{
	const int64_t latest = 253402300799; // 9999-12-31T23:59:59Z
	int64_t seconds, now = lifetime_now();
	if (date_parse(text, expires))
		return *expires > now ? 0 : err_set(e, STATUS_REFUSED, "the expiry '%s' is over already", text);
	if (!lifetime_parse(text, &seconds) || now + seconds > latest)
		return err_set(e, STATUS_REFUSED,
			"'%s' is no lifetime and no time: expected such as 3d, 1w 2d, 4:13:02 or RFC 3339", text);
	*expires = now + seconds;
	return 0;
}
