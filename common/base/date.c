// date.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/date.h"

// Days since 1970-01-01 in the proleptic Gregorian calendar; years count from March so that a leap day comes last.
static int64_t days_from_civil(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool digits(const char **at, int count, int *out)
{
	*out = 0;
	for (int i = 0; i < count; i++, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return true;
}

static bool literal(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

static bool parse_offset(const char **at, int64_t *seconds)
{
	int hours, minutes;
	*seconds = 0;
	if (literal(at, 'Z') || literal(at, 'z'))
		return true;
	int sign = **at == '+' ? 1 : **at == '-' ? -1 : 0;
	if (!sign)
		return false;
	(*at)++;
	if (!digits(at, 2, &hours) || !literal(at, ':') || !digits(at, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

bool date_parse(const char *at, int64_t *seconds)
{
	int year, month, day, hour, minute, second;
	int64_t offset;
	if (!digits(&at, 4, &year) || !literal(&at, '-') || !digits(&at, 2, &month) || !literal(&at, '-') ||
		!digits(&at, 2, &day) || !(literal(&at, 'T') || literal(&at, 't')) || !digits(&at, 2, &hour) ||
		!literal(&at, ':') || !digits(&at, 2, &minute) || !literal(&at, ':') || !digits(&at, 2, &second))
		return false;
	if (literal(&at, '.')) {
		size_t n = strspn(at, "0123456789");
		if (!n)
			return false;
		at += n;
	}
	if (!parse_offset(&at, &offset) || *at)
		return false;
	// RFC 3339 section 5.7: a leap second may be written as 60.
	if (month < 1 || month > 12 || day < 1 || day > days_in(year, month) || hour > 23 || minute > 59 || second > 60)
		return false;
	*seconds = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
	return true;
}

char *date_format(int64_t seconds, char text[static DATE_TEXT_MAX])
{
	const int64_t least = -62167219200, most = 253402300799; // years 0 and 9999
	time_t t = (time_t)(seconds < least ? least : seconds > most ? most : seconds);
	struct tm tm;
	gmtime_r(&t, &tm);
	snprintf(text, DATE_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)(tm.tm_year + 1900) % 10000u,
		(unsigned)(tm.tm_mon + 1) % 100u, (unsigned)tm.tm_mday % 100u, (unsigned)tm.tm_hour % 100u,
		(unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u);
	return text;
}

int64_t date_now(void)
{
	return (int64_t)time(NULL);
}

int date_source_epoch(int64_t *seconds, struct err *e)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;
	if (!text || !*text)
		return 0;
	errno = 0;
	*seconds = strtoll(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && !errno)
		return 1;
	return err_set(e, STATUS_USAGE, "SOURCE_DATE_EPOCH: not a number of seconds since 1970: '%s'", text);
}

int64_t date_of_build(void)
{
	int64_t seconds;
	return date_source_epoch(&seconds, &(struct err){ 0 }) > 0 ? seconds : date_now();
}

static double unit_seconds(const char **at)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = { { "ms", 0.001 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 604800 } };
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t n = strlen(units[i].name);
		if (!strncmp(*at, units[i].name, n)) {
			*at += n;
			return units[i].seconds;
		}
	}
	return 0;
}

bool date_parse_duration(const char *at, int64_t *milliseconds)
{
	double total = 0;
	bool bare = at[strspn(at, "0123456789")] == '\0';
	do {
		if (*at < '0' || *at > '9' || strspn(at, "0123456789.") > 18)
			return false;
		char *end;
		double number = strtod(at, &end);
		size_t spelled = strspn(at, "0123456789.");
		if (end != at + spelled) // strtod reads more: exponents and hexadecimal are not meant here
			return false;
		at = end;
		double unit = bare ? 1 : unit_seconds(&at);
		if (!unit)
			return false;
		total += number * unit;
	} while (*at);
	if (total > 1e12)
		return false;
	*milliseconds = (int64_t)(total * 1000 + 0.5);
	return true;
}

int64_t date_monotonic(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
