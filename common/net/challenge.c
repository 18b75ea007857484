// challenge.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/challenge.h"

#define TOKEN                       \
	"!#$%&'*+-.^_`|~0123456789" \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN68 "-._~+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static int malformed(struct err *e, const char *why)
{
	return err_set(e, STATUS_MALFORMED, "the server's WWW-Authenticate: %s", why);
}

static const char *blanks(const char *at)
{
	return at + strspn(at, " \t");
}

// A list may have empty members.
static const char *commas(const char *at)
{
	return at + strspn(at, " \t,");
}

// `"..."` with its escapes undone. *at is behind the opening quote, and then behind the closing one. Malloced, or NULL.
static char *quoted(const char **at)
{
	char *text = mem_alloc(strlen(*at) + 1), *to = text;
	for (const char *from = *at; *from; from++) {
		if (*from == '"') {
			*at = from + 1;
			return text;
		}
		if (*from == '\\' && !*++from)
			break;
		if ((unsigned char)*from < ' ' && *from != '\t')
			break;
		*to++ = *from;
	}
	free(text);
	return NULL;
}

static int keep(char **slot, char *value, struct err *e)
{
	if (*slot) {
		free(value);
		return malformed(e, "a parameter twice");
	}
	*slot = value;
	return 0;
}

// NAME=VALUE, whose name is n bytes long; *at is behind it then.
static int parameter(struct challenge *c, bool wanted, const char **at, size_t n, struct err *e)
{
	mem_auto char *name = mem_text_n(*at, n);
	const char *value = blanks(blanks(*at + n) + 1);
	size_t length = strspn(value, TOKEN);
	bool in_quotes = *value == '"';
	*at = in_quotes ? value + 1 : value + length;
	if (!in_quotes && !length)
		return malformed(e, "a parameter without value");
	char *text = in_quotes ? quoted(at) : mem_text_n(value, length);
	if (!text)
		return malformed(e, "a quoted text that does not end");
	*at = blanks(*at);
	if (**at && **at != ',') {
		free(text);
		return malformed(e, "no comma behind a parameter");
	}
	char **slot = !wanted                  ? NULL
		: !strcasecmp(name, "realm")   ? &c->realm
		: !strcasecmp(name, "service") ? &c->service
		: !strcasecmp(name, "scope")   ? &c->scope
		: !strcasecmp(name, "error")   ? &c->error
					       : NULL;
	if (slot)
		return keep(slot, text, e);
	free(text);
	return 0;
}

// What may follow the scheme: nothing, one token68, or parameters up to the next challenge.
static int parameters(struct challenge *c, bool wanted, const char **at, struct err *e)
{
	const char *next = blanks(*at);
	size_t n = strspn(next, TOKEN68), equals = strspn(next + n, "=");
	const char *behind = blanks(next + n + equals);
	if (n && (!*behind || *behind == ',')) {
		*at = behind;
		return 0;
	}
	for (next = commas(next); (n = strspn(next, TOKEN)) > 0 && *blanks(next + n) == '='; next = commas(next))
		if (parameter(c, wanted, &next, n, e) < 0)
			return -1;
	*at = next;
	return 0;
}

int challenge_add(struct challenge *c, const char *line, struct err *e)
{
	for (const char *at = commas(line); *at; at = commas(at)) {
		size_t n = strspn(at, TOKEN);
		if (!n || (at[n] && !strchr(" \t,", at[n])))
			return malformed(e, "no scheme where one is due");
		bool bearer = n == 6 && !strncasecmp(at, "Bearer", n);
		bool wanted = bearer && !c->bearer;
		c->basic |= n == 5 && !strncasecmp(at, "Basic", n);
		c->bearer |= bearer;
		at += n;
		if (*at && *at != ',' && parameters(c, wanted, &at, e) < 0)
			return -1;
	}
	return 0;
}

void challenge_free(struct challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->scope);
	free(c->error);
	*c = (struct challenge){ 0 };
}
