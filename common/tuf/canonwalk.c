// canon.h says what these promise: the part that reads what canon_text wrote.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/mem.h"
#include "tuf/canon.h"

struct canon_walk canon_walk_start(const char *object, size_t length)
{
	return (struct canon_walk){ object + 1, object + length - 1 };
}

static const char *skip_string(const char *at)
{
	for (at++; *at != '"'; at++)
		at += *at == '\\';
	return at + 1;
}

static const char *skip_value(const char *at, const char *end)
{
	int depth = 0;
	while (at < end) {
		if (*at == '"') {
			at = skip_string(at);
			continue;
		}
		if (!depth && (*at == ',' || *at == '}' || *at == ']'))
			break;
		depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
		at++;
	}
	return at;
}

bool canon_walk_next(struct canon_walk *w, struct canon_span *key, struct canon_span *value)
{
	if (w->at >= w->end)
		return false;
	const char *colon = skip_string(w->at);
	const char *next = skip_value(colon + 1, w->end);
	*key = (struct canon_span){ w->at, (size_t)(colon - w->at) };
	*value = (struct canon_span){ colon + 1, (size_t)(next - colon - 1) };
	w->at = next + 1;
	return true;
}

bool canon_member(const char *object, size_t length, const char *key, struct canon_span *value)
{
	struct canon_span name;
	struct canon_walk w = canon_walk_start(object, length);
	size_t n = strlen(key);
	while (canon_walk_next(&w, &name, value))
		if (name.length == n + 2 && !memcmp(name.text + 1, key, n))
			return true;
	return false;
}
