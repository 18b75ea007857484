// revoked.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "crypto/revoked.h"

enum { LIST_FILE_MAX = 16 << 20, KEY_ID_DIGITS = 32 }; // bytes: some hundred thousand tokens

static bool is_word(const char *text)
{
	return *text && !text[strcspn(text, " \t\r")];
}

static bool is_pair(const char *text)
{
	size_t kid = strcspn(text, " \t\r");
	return kid && text[kid] == ' ' && text[kid + 1];
}

static bool is_key_id(const char *text)
{
	return strspn(text, "0123456789abcdef") == KEY_ID_DIGITS && !text[KEY_ID_DIGITS];
}

static bool add_line(struct revoked *r, const char *line)
{
	if (!*line || *line == '#')
		return true;
	if (!strncmp(line, "key ", 4))
		return is_key_id(line + 4);
	if (!(!strncmp(line, "kid ", 4) && is_word(line + 4)) && !(!strncmp(line, "jti ", 4) && is_pair(line + 4)))
		return false;
	texts_add(&r->lines, line);
	return true;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int revoked_parse(struct revoked *r, const struct buf *text, struct err *e)
{
	size_t number = 1;
	const char *end = buf_text(text) + text->length;
	for (const char *at = buf_text(text); at < end; number++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			return err_set(e, STATUS_MALFORMED, "line %zu is truncated: no newline at its end", number);
		mem_auto char *line = mem_text_n(at, (size_t)(newline - at));
		if (strlen(line) != (size_t)(newline - at) || !add_line(r, line))
			return err_set(e, STATUS_MALFORMED, "line %zu: expected `kid KID', `jti KID JTI' or `key KEYID'", number);
		at = newline + 1;
	}
	if (r->lines.count)
		qsort(r->lines.items, r->lines.count, sizeof *r->lines.items, by_text);
	return 0;
}

int revoked_read(struct revoked *r, const char *path, struct err *e)
{
	buf_auto text = { 0 };
	if (io_read_file(path, LIST_FILE_MAX, &text, e) < 0)
		return -1;
	return revoked_parse(r, &text, e) < 0 ? err_context(e, "'%s'", path) : 0;
}

static bool has_line(const struct revoked *r, const char *line)
{
	return r->lines.count && bsearch(&line, r->lines.items, r->lines.count, sizeof *r->lines.items, by_text);
}

static bool has_spelling(const struct revoked *r, const char *kid, const char *jti)
{
	mem_auto char *whole = mem_format("kid %s", kid);
	mem_auto char *one = mem_format("jti %s %s", kid, jti);
	return has_line(r, whole) || has_line(r, one);
}

bool revoked_has(const struct revoked *r, const struct jwks_entry *signer, const char *jti)
{
	char base64url[44];
	jwks_thumbprint_base64url(signer->thumbprint, base64url);
	return has_spelling(r, signer->thumbprint, jti) || has_spelling(r, base64url, jti) ||
		(signer->kid && has_spelling(r, signer->kid, jti));
}

void revoked_free(struct revoked *r)
{
	texts_free(&r->lines);
}
