// canon.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tuf/canon.h"

struct member { // of an object being written: offsets into out
	size_t start, end;
};

struct canon {
	const char *text, *at, *end;
	enum canon_form form;
	const char *subject;
	struct buf *out;
	struct member *members; // of all objects open now, the innermost last
	size_t count, room;
	int depth;
	struct err *e;
};

static int write_value(struct canon *c);

static int fail(struct canon *c, enum status status, const char *why)
{
	size_t line = 1, column = 1;
	for (const char *p = c->text; p < c->at; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	return err_set(c->e, status, "%s: %zu:%zu: %s", c->subject, line, column, why);
}

static int malformed(struct canon *c, const char *why)
{
	return fail(c, STATUS_MALFORMED, c->at >= c->end ? "bad JSON: the value ends too early" : why);
}

static void skip_blanks(struct canon *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r'))
		c->at++;
}

// The character at hand after blanks, or 0 at the end of the text.
static char peek(struct canon *c)
{
	skip_blanks(c);
	return (char)(c->at < c->end ? *c->at : '\0');
}

// ---- strings ----

static void add_code(struct buf *out, unsigned code)
{
	char bytes[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n - 1; i > 0; i--, code >>= 6)
		bytes[i] = (char)(0x80 | (code & 0x3f));
	bytes[0] = (char)(leads[n] | code);
	buf_add(out, bytes, n);
}

// One character that may need an escape.
static void add_special(struct buf *out, enum canon_form form, unsigned code)
{
	if (code == '"' || code == '\\')
		buf_add_byte(out, '\\');
	if (form == CANON_FILE && code == '\n')
		buf_add_text(out, "\\n");
	else if (form == CANON_FILE && code < 0x20)
		buf_add_format(out, "\\u%04x", code);
	else
		add_code(out, code);
}

static bool hex4(struct canon *c, unsigned *code)
{
	*code = 0;
	if (c->end - c->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char d = *c->at++;
		unsigned digit = d >= '0' && d <= '9' ? (unsigned)(d - '0')
			: d >= 'a' && d <= 'f'        ? (unsigned)(d - 'a' + 10)
			: d >= 'A' && d <= 'F'        ? (unsigned)(d - 'A' + 10)
						      : 16;
		if (digit == 16)
			return false;
		*code = *code << 4 | digit;
	}
	return true;
}

// \uXXXX, with its second half where it is a surrogate (RFC 8259 section 7).
static int read_unicode(struct canon *c, unsigned *code)
{
	unsigned low;
	if (!hex4(c, code))
		return malformed(c, "bad JSON: a broken escape");
	if (*code == 0)
		return malformed(c, "bad JSON: a NUL character");
	if (*code < 0xd800 || *code > 0xdfff)
		return 0;
	if (*code > 0xdbff || c->end - c->at < 6 || c->at[0] != '\\' || c->at[1] != 'u')
		return malformed(c, "bad JSON: half a surrogate pair");
	c->at += 2;
	if (!hex4(c, &low) || low < 0xdc00 || low > 0xdfff)
		return malformed(c, "bad JSON: half a surrogate pair");
	*code = 0x10000 + ((*code & 0x3ff) << 10) + (low & 0x3ff);
	return 0;
}

static int write_escape(struct canon *c)
{
	static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	if (++c->at >= c->end)
		return malformed(c, "");
	char letter = *c->at++;
	const char *known = letter ? strchr(letters, letter) : NULL;
	unsigned code = known ? (unsigned char)meanings[known - letters] : 0;
	if (!known && letter != 'u')
		return malformed(c, "bad JSON: an unknown escape");
	if (!known && read_unicode(c, &code) < 0)
		return -1;
	add_special(c->out, c->form, code);
	return 0;
}

static int write_string(struct canon *c)
{
	buf_add_byte(c->out, '"');
	for (c->at++;;) {
		const char *run = c->at;
		while (c->at < c->end && (unsigned char)*c->at >= 0x20 && (unsigned char)*c->at < 0x80 && *c->at != '"' &&
			*c->at != '\\')
			c->at++;
		buf_add(c->out, run, (size_t)(c->at - run));
		if (c->at >= c->end)
			return malformed(c, "");
		if (*c->at == '"')
			break;
		if (*c->at == '\\') {
			if (write_escape(c) < 0)
				return -1;
			continue;
		}
		unsigned code;
		size_t n = utf8_decode(c->at, (size_t)(c->end - c->at), &code);
		if (n < 2)
			return malformed(c, n ? "bad JSON: a control character in a string" : "bad JSON: not UTF-8");
		buf_add(c->out, c->at, n);
		c->at += n;
	}
	c->at++;
	buf_add_byte(c->out, '"');
	return 0;
}

// ---- numbers and words ----

static int write_number(struct canon *c)
{
	char digits[24];
	size_t n = c->at < c->end && *c->at == '-';
	const char *first = c->at + n;
	while (c->at + n < c->end && c->at[n] >= '0' && c->at[n] <= '9')
		n++;
	if (c->at + n == first || (*first == '0' && c->at + n > first + 1))
		return malformed(c, "bad JSON: not a number");
	if (c->at + n < c->end && strchr(".eE", c->at[n]) && c->at[n])
		return malformed(c, "a number that is no integer: canonical JSON has none");
	if (n >= sizeof digits)
		return malformed(c, "an integer out of range");
	memcpy(digits, c->at, n);
	digits[n] = '\0';
	errno = 0;
	long long value = strtoll(digits, NULL, 10);
	if (errno)
		return malformed(c, "an integer out of range");
	if (value)
		buf_add(c->out, digits, n);
	else
		buf_add_byte(c->out, '0'); // also of -0
	c->at += n;
	return 0;
}

static int write_word(struct canon *c)
{
	static const char *const words[] = { "true", "false", "null" };
	for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
		size_t n = strlen(words[i]);
		if ((size_t)(c->end - c->at) >= n && !memcmp(c->at, words[i], n)) {
			buf_add(c->out, words[i], n);
			c->at += n;
			return 0;
		}
	}
	return malformed(c, "bad JSON");
}

// ---- arrays and objects ----

static int write_array(struct canon *c)
{
	c->at++;
	buf_add_byte(c->out, '[');
	for (char next = peek(c); next != ']';) {
		if (write_value(c) < 0)
			return -1;
		next = peek(c);
		if (next != ',' && next != ']')
			return malformed(c, "bad JSON: expected , or ]");
		if (next == ',')
			buf_add_byte(c->out, *c->at++);
	}
	c->at++;
	buf_add_byte(c->out, ']');
	return 0;
}

// A member's text, which begins with its key.
static struct canon_span text_of(const struct member *m, const char *text)
{
	return (struct canon_span){ text + m->start, m->end - m->start };
}

static int compare_members(const struct member *a, const struct member *b, const char *text)
{
	struct canon_span x = text_of(a, text), y = text_of(b, text);
	return canon_compare(&x, &y);
}

static int by_key(const void *a, const void *b, void *text)
{
	return compare_members(a, b, text);
}

// Puts the members from `base` on into their order. False when two have the same key.
static bool sort_members(struct canon *c, size_t base)
{
	buf_auto sorted = { 0 };
	struct member *first = c->members + base;
	size_t n = c->count - base, start = first->start;
	qsort_r(first, n, sizeof *first, by_key, c->out->data);
	for (size_t i = 0; i < n; i++) {
		struct canon_span member = text_of(&first[i], c->out->data);
		if (i && !compare_members(&first[i - 1], &first[i], c->out->data))
			return false;
		if (i)
			buf_add_byte(&sorted, ',');
		buf_add(&sorted, member.text, member.length);
	}
	if (n)
		memcpy(c->out->data + start, sorted.data, sorted.length);
	return true;
}

static struct member *new_member(struct canon *c)
{
	if (c->count == c->room) {
		c->room = c->room ? 2 * c->room : 64;
		c->members = mem_resize(c->members, c->room, sizeof *c->members);
	}
	c->members[c->count] = (struct member){ .start = c->out->length };
	return &c->members[c->count++];
}

static int write_member(struct canon *c)
{
	size_t index = c->count;
	new_member(c);
	if (peek(c) != '"')
		return malformed(c, "bad JSON: expected a key");
	if (write_string(c) < 0)
		return -1;
	if (peek(c) != ':')
		return malformed(c, "bad JSON: expected :");
	c->at++;
	buf_add_byte(c->out, ':');
	if (write_value(c) < 0)
		return -1;
	c->members[index].end = c->out->length;
	return 0;
}

static int write_members(struct canon *c, size_t base, bool *sorted)
{
	*sorted = true;
	for (;;) {
		if (write_member(c) < 0)
			return -1;
		if (c->count - base > 1) {
			const struct member *m = &c->members[c->count - 2];
			int order = compare_members(&m[0], &m[1], c->out->data);
			if (!order)
				return malformed(c, "bad JSON: the same key twice in one object");
			*sorted = *sorted && order < 0;
		}
		char next = peek(c);
		if (next == '}')
			return 0;
		if (next != ',')
			return malformed(c, "bad JSON: expected , or }");
		c->at++;
		buf_add_byte(c->out, ',');
	}
}

static int write_object(struct canon *c)
{
	bool sorted = true;
	size_t base = c->count;
	c->at++;
	buf_add_byte(c->out, '{');
	if (peek(c) != '}' && write_members(c, base, &sorted) < 0)
		return -1;
	if (!sorted && !sort_members(c, base))
		return malformed(c, "bad JSON: the same key twice in one object");
	c->count = base;
	c->at++;
	buf_add_byte(c->out, '}');
	return 0;
}

static int write_value(struct canon *c)
{
	char next = peek(c);
	if (next == '"')
		return write_string(c);
	if (next == '-' || (next >= '0' && next <= '9'))
		return write_number(c);
	if (next != '{' && next != '[')
		return write_word(c);
	if (c->depth >= JSONIO_DEPTH_MAX)
		return fail(c, STATUS_LIMIT, "JSON nested too deep");
	c->depth++;
	int failed = next == '{' ? write_object(c) : write_array(c);
	c->depth--;
	return failed;
}

int canon_text(const char *text, size_t length, enum canon_form form, const char *subject, struct buf *out, struct err *e)
{
	struct canon c = { .text = text, .at = text, .end = text + length, .form = form, .subject = subject, .out = out, .e = e };
	size_t before = out->length;
	buf_reserve(out, length); // what was canonical already fits
	int failed = write_value(&c);
	if (!failed && (peek(&c), c.at < c.end))
		failed = malformed(&c, "bad JSON: something follows the value");
	free(c.members);
	if (failed && out->data)
		out->data[out->length = before] = '\0';
	return failed;
}

int canon_value(const json_t *value, enum canon_form form, struct buf *out, struct err *e)
{
	mem_auto char *text = jsonio_text(value);
	return canon_text(text, strlen(text), form, "JSON", out, e);
}

void canon_quote(const char *text, struct buf *out)
{
	buf_add_byte(out, '"');
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == '"' || *text == '\\')
			add_special(out, CANON_FILE, (unsigned char)*text);
		else
			buf_add_byte(out, *text);
	buf_add_byte(out, '"');
}
