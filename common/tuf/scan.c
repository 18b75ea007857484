// scan.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "tuf/scantext.h"

struct scanner {
	const char *at, *end;
	const char *why; // once it failed
	enum status status;
	int depth;
	size_t uncanonical;        // how often the text so far differs from its canonical form
	struct scantext_key *keys; // of all open objects, the innermost last
	size_t key_count, key_room;
	struct scan_metadata *found; // where parts are noted in passing, or NULL
	bool in_signed;
};

static bool fail(struct scanner *s, const char *why)
{
	s->why = why;
	s->status = STATUS_MALFORMED;
	return false;
}

static void skip_blanks(struct scanner *s)
{
	const char *start = s->at;
	while (s->at < s->end && scantext_is_blank(*s->at))
		s->at++;
	s->uncanonical += s->at != start;
}

static char peek(const struct scanner *s)
{
	return (char)(s->at < s->end ? *s->at : '\0');
}

// ---- strings ----

// What stands in the way of running on: the end, the quote, a backslash, a control character, a byte of UTF-8.
static bool is_special(char c)
{
	return (unsigned char)c < 0x20 || c == '"' || c == '\\' || (unsigned char)c >= 0x80;
}

// Of the escape at hand, with its backslash; 0 when it is none. Only two of them are canonical.
static size_t escape_length(struct scanner *s)
{
	unsigned code;
	size_t n = scantext_escape(s->at + 1, s->end, &code);
	if (!n)
		return 0;
	s->uncanonical += s->at[1] != '"' && s->at[1] != '\\';
	return n + 1;
}

// A string from its first quote to behind its last.
static bool string(struct scanner *s, struct scantext_key *out)
{
	unsigned code;
	const char *start = s->at++;
	bool escaped = false;
	for (;;) {
		while (s->at < s->end && !is_special(*s->at))
			s->at++;
		if (s->at == s->end)
			return fail(s, "the value ends too early");
		if (*s->at == '"')
			break;
		size_t n;
		if (*s->at == '\\') {
			escaped = true;
			n = escape_length(s);
			if (!n)
				return fail(s, "a bad escape");
		} else if ((unsigned char)*s->at < 0x20) {
			return fail(s, "a control character");
		} else if (!(n = utf8_decode(s->at, (size_t)(s->end - s->at), &code))) {
			return fail(s, "not UTF-8");
		}
		s->at += n;
	}
	s->at++;
	*out = (struct scantext_key){ { start, (size_t)(s->at - start) }, escaped };
	return true;
}

// ---- values ----

static bool value(struct scanner *s);

static bool integer(struct scanner *s)
{
	uint64_t number = 0;
	bool negative = *s->at == '-', zero;
	s->at += negative;
	if (peek(s) < '0' || peek(s) > '9')
		return fail(s, "not JSON");
	zero = *s->at == '0';
	const char *start = s->at;
	for (; peek(s) >= '0' && peek(s) <= '9'; s->at++) {
		unsigned digit = (unsigned)(*s->at - '0');
		if (number > (UINT64_MAX - digit) / 10)
			return fail(s, "a number out of range");
		number = number * 10 + digit;
	}
	if (zero && s->at - start > 1)
		return fail(s, "not JSON");
	if (peek(s) == '.' || peek(s) == 'e' || peek(s) == 'E')
		return fail(s, "a number that is no integer");
	s->uncanonical += negative && zero;
	return number <= (uint64_t)INT64_MAX + negative || fail(s, "a number out of range");
}

static bool word(struct scanner *s, const char *text)
{
	size_t n = strlen(text);
	if ((size_t)(s->end - s->at) < n || memcmp(s->at, text, n) != 0)
		return fail(s, "not JSON");
	s->at += n;
	return true;
}

static void keep_key(struct scanner *s, const struct scantext_key *k)
{
	if (s->key_count == s->key_room) {
		s->key_room = s->key_room ? 2 * s->key_room : 64;
		s->keys = mem_resize(s->keys, s->key_room, sizeof *s->keys);
	}
	s->keys[s->key_count++] = *k;
}

// The keys of the object that ends here are those from `first` on.
static bool end_keys(struct scanner *s, size_t first, bool sorted)
{
	size_t count = s->key_count - first;
	s->key_count = first;
	if (sorted)
		return true;
	s->uncanonical++;
	qsort(s->keys + first, count, sizeof *s->keys, scantext_compare);
	for (size_t i = first + 1; i < first + count; i++)
		if (!scantext_compare(&s->keys[i - 1], &s->keys[i]))
			return fail(s, "the same key twice in one object");
	return true;
}

// Where the value of this member is to be noted, so that no second pass has to look for it.
static struct scan_part *place(struct scanner *s, struct scan_part key)
{
	if (s->depth == 1) {
		s->in_signed = scan_text_is(key, "signed", 6);
		return s->in_signed ? &s->found->signed_part : scan_text_is(key, "signatures", 10) ? &s->found->signatures : NULL;
	}
	return s->in_signed && scan_text_is(key, "targets", 7) ? &s->found->targets : NULL;
}

static bool member(struct scanner *s, size_t first, bool *sorted)
{
	struct scantext_key k;
	skip_blanks(s);
	if (peek(s) != '"')
		return fail(s, "not JSON");
	if (!string(s, &k))
		return false;
	if (s->key_count > first && scantext_compare(&s->keys[s->key_count - 1], &k) >= 0)
		*sorted = false;
	keep_key(s, &k);
	skip_blanks(s);
	if (peek(s) != ':')
		return fail(s, "not JSON");
	s->at++;
	skip_blanks(s);
	struct scan_part *note = s->found && s->depth <= 2 ? place(s, k.part) : NULL;
	const char *start = s->at;
	if (!value(s))
		return false;
	if (note)
		*note = (struct scan_part){ start, (size_t)(s->at - start) };
	return true;
}

// Items up to the closing bracket, which is consumed.
static bool container(struct scanner *s, char closing)
{
	size_t first = s->key_count;
	bool sorted = true;
	s->at++;
	if (++s->depth > JSONIO_DEPTH_MAX) {
		fail(s, "nested too deep");
		s->status = STATUS_LIMIT;
		return false;
	}
	skip_blanks(s);
	for (bool more = peek(s) != closing; more;) {
		skip_blanks(s);
		if (closing == '}' ? !member(s, first, &sorted) : !value(s))
			return false;
		skip_blanks(s);
		more = peek(s) == ',';
		s->at += more;
	}
	if (peek(s) != closing)
		return fail(s, s->at == s->end ? "the value ends too early" : "not JSON");
	s->at++;
	s->depth--;
	return end_keys(s, first, sorted);
}

static bool value(struct scanner *s)
{
	struct scantext_key unused;
	if (s->at == s->end)
		return fail(s, "the value ends too early");
	switch (*s->at) {
	case '{':
		return container(s, '}');
	case '[':
		return container(s, ']');
	case '"':
		return string(s, &unused);
	case 't':
		return word(s, "true");
	case 'f':
		return word(s, "false");
	case 'n':
		return word(s, "null");
	default:
		return integer(s);
	}
}

static int explain(const struct scanner *s, const char *text, const char *subject, struct err *e)
{
	size_t line = 1, column = 1;
	for (const char *at = text; at < s->at && at < s->end; at++, column++)
		if (*at == '\n') {
			line++;
			column = 0;
		}
	return err_set(e, s->status, "%s: %zu:%zu: bad JSON: %s", subject, line, column, s->why);
}

static int scan(const char *text, size_t length, const char *subject, struct scan_part *out, bool *canonical,
	struct scan_metadata *found, struct err *e)
{
	struct scanner s = { .at = text, .end = text + length, .found = found };
	skip_blanks(&s);
	s.uncanonical = 0;
	const char *start = s.at;
	bool good = value(&s);
	*out = (struct scan_part){ start, (size_t)(s.at - start) };
	if (canonical)
		*canonical = !s.uncanonical;
	if (good) {
		skip_blanks(&s);
		good = s.at == s.end || fail(&s, "something follows the value");
	}
	free(s.keys);
	return good ? 0 : explain(&s, text, subject, e);
}

int scan_value(const char *text, size_t length, const char *subject, struct scan_part *part, bool *canonical, struct err *e)
{
	return scan(text, length, subject, part, canonical, NULL, e);
}

int scan_metadata(const char *text, size_t length, const char *subject, struct scan_metadata *m, struct err *e)
{
	struct scan_part whole;
	*m = (struct scan_metadata){ 0 };
	if (scan(text, length, subject, &whole, &m->canonical, m, e) < 0)
		return -1;
	if (scan_kind(whole) == '{' && scan_kind(m->signatures) == '[' && scan_kind(m->signed_part) == '{')
		return 0;
	return err_set(e, STATUS_MALFORMED, "%s: not TUF metadata: no 'signed' object and 'signatures' array", subject);
}
