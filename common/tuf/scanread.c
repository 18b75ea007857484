// The reading half of scan.h, over text that its checking half accepted.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tuf/scantext.h"

char scan_kind(struct scan_part part)
{
	if (!part.at)
		return 'N';
	return (char)(*part.at == '-' || (*part.at >= '0' && *part.at <= '9') ? '\0' : *part.at);
}

static const char *skip_string(const char *at)
{
	for (at++; *at != '"'; at++)
		at += *at == '\\';
	return at + 1;
}

static const char *blanks(const char *at, const char *end)
{
	while (at < end && scantext_is_blank(*at))
		at++;
	return at;
}

// Behind the value that starts here.
static const char *skip_value(const char *at, const char *end)
{
	int depth = 0;
	if (*at != '"' && *at != '{' && *at != '[') {
		while (at < end && *at != ',' && *at != ']' && *at != '}' && !scantext_is_blank(*at))
			at++;
		return at;
	}
	do {
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
		at++;
	} while (depth);
	return at;
}

struct scan_cursor scan_open(struct scan_part part)
{
	char kind = scan_kind(part);
	if (kind != '{' && kind != '[')
		return (struct scan_cursor){ 0 };
	return (struct scan_cursor){ part.at + 1, part.at + part.length - 1, kind == '{' };
}

bool scan_next(struct scan_cursor *c, struct scan_part *key, struct scan_part *part)
{
	const char *at = blanks(c->at, c->end), *end;
	if (at == c->end)
		return false;
	if (c->object) {
		end = skip_string(at);
		*key = (struct scan_part){ at, (size_t)(end - at) };
		at = blanks(blanks(end, c->end) + 1, c->end);
	}
	end = skip_value(at, c->end);
	*part = (struct scan_part){ at, (size_t)(end - at) };
	at = blanks(end, c->end);
	c->at = at < c->end ? at + 1 : at; // behind the comma
	return true;
}

struct scan_part scan_member_n(struct scan_part object, const char *name, size_t length)
{
	struct scan_part key = { 0 }, part;
	if (scan_kind(object) != '{')
		return (struct scan_part){ 0 };
	for (struct scan_cursor c = scan_open(object); scan_next(&c, &key, &part);)
		if (scan_text_is(key, name, length))
			return part;
	return (struct scan_part){ 0 };
}

struct scan_part scan_member(struct scan_part object, const char *key)
{
	return scan_member_n(object, key, strlen(key));
}

bool scan_integer(struct scan_part part, int64_t *number)
{
	if (scan_kind(part))
		return false;
	mem_auto char *text = mem_text_n(part.at, part.length);
	*number = strtoll(text, NULL, 10);
	return true;
}

bool scan_boolean(struct scan_part part, bool *truth)
{
	char kind = scan_kind(part);
	*truth = kind == 't';
	return kind == 't' || kind == 'f';
}
