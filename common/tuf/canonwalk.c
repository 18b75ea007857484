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
	for (at++;; at += 2) {
		const char *quote = rawmemchr(at, '"');
		const char *slash = memchr(at, '\\', (size_t)(quote - at));
		if (!slash)
			return quote + 1;
		at = slash; // and what it escapes
	}
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

// ---- strings ----

// The next byte that a string of canonical text stands for; 256 at its closing quote. Bytes order as code points do.
static unsigned next_byte(const char **at)
{
	unsigned char b = (unsigned char)*(*at)++;
	if (b == '"')
		return 256;
	if (b != '\\')
		return b;
	b = (unsigned char)*(*at)++;
	if (b == 'n')
		return '\n';
	if (b != 'u')
		return b;
	unsigned code = 0;
	for (int i = 0; i < 4; i++) {
		unsigned char d = (unsigned char)*(*at)++;
		code = code << 4 | ((d & 0xfu) + (d > '9' ? 9u : 0u)); // 'a' ends in 1
	}
	return code;
}

int canon_compare(const struct canon_span *a, const struct canon_span *b)
{
	const char *p = a->text + 1, *q = b->text + 1;
	for (; *p == *q && *p != '"' && *p != '\\'; p++)
		q++;
	for (;;) {
		unsigned x = next_byte(&p), y = next_byte(&q);
		if (x == 256 || y == 256)
			return (y == 256) - (x == 256);
		if (x != y)
			return x < y ? -1 : 1;
	}
}

char *canon_unquote(const struct canon_span *quoted)
{
	struct buf text = { 0 };
	const char *at = quoted->text + 1;
	buf_reserve(&text, quoted->length);
	for (unsigned byte; (byte = next_byte(&at)) != 256;)
		buf_add_byte(&text, (char)byte);
	return buf_steal(&text);
}

void canon_to_signed(const char *text, size_t length, struct buf *out)
{
	const char *end = text + length;
	buf_reserve(out, length);
	for (const char *slash; (slash = memchr(text, '\\', (size_t)(end - text)));) {
		bool stays = slash[1] == '"' || slash[1] == '\\';
		buf_add(out, text, (size_t)(slash - text) + (stays ? 2 : 0));
		if (stays)
			slash += 2;
		else
			buf_add_byte(out, (char)next_byte(&slash));
		text = slash;
	}
	buf_add(out, text, (size_t)(end - text));
}

static void new_line(struct buf *out, int depth)
{
	buf_add_format(out, "\n%*s", 2 * depth, "");
}

void canon_indent(const char *text, size_t length, struct buf *out)
{
	int depth = 0;
	for (const char *at = text, *end = text + length, *next; at < end; at = next) {
		next = *at == '"' ? skip_string(at) : at + 1;
		bool opens = *at == '{' || *at == '[', closes = *at == '}' || *at == ']';
		if (closes && at[-1] != '{' && at[-1] != '[')
			new_line(out, depth - 1);
		depth += opens - closes;
		buf_add(out, at, (size_t)(next - at));
		if (*at == ':')
			buf_add_byte(out, ' ');
		if (*at == ',' || (opens && next < end && *next != '}' && *next != ']'))
			new_line(out, depth);
	}
}
