// msg.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/msg.h"
#include "base/utf8.h"

const char *msg_program = "tackle";
int msg_verbosity;

static bool shown_as_is(unsigned code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	bool reorders = (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0x200e ||
		code == 0x200f || code == 0x61c || code == 0x2028 || code == 0x2029;
	return !reorders;
}

void msg_escape(struct buf *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		unsigned code;
		size_t n = utf8_decode(text + i, length - i, &code);
		if (n && shown_as_is(code)) {
			buf_add(out, text + i, n);
			i += n;
			continue;
		}
		for (size_t end = i + (n ? n : 1); i < end; i++) {
			if (text[i] == '\n')
				buf_add_text(out, "\\n");
			else if (text[i] == '\t')
				buf_add_text(out, "\\t");
			else
				buf_add_format(out, "\\x%02x", (unsigned char)text[i]);
		}
	}
}

static void say(const char *kind, const char *format, va_list args)
{
	char *text = NULL;
	int n = vasprintf(&text, format, args);
	if (n < 0)
		return;
	buf_auto line = { 0 };
	buf_add_format(&line, "%s: %s", msg_program, kind);
	msg_escape(&line, text, (size_t)n);
	buf_add_byte(&line, '\n');
	free(text);
	// A message that cannot be written has nowhere else to go.
	if (write(STDERR_FILENO, line.data, line.length) < 0)
		return;
}

#define SAY(kind)                        \
	do {                             \
		va_list args;            \
		va_start(args, format);  \
		say(kind, format, args); \
		va_end(args);            \
	} while (0)

void msg_error(const char *format, ...)
{
	SAY("");
}

void msg_hint(const char *format, ...)
{
	SAY("hint: ");
}

void msg_warn(const char *format, ...)
{
	SAY("warning: ");
}

void msg_info(const char *format, ...)
{
	if (msg_verbosity >= 0)
		SAY("");
}

void msg_verbose(const char *format, ...)
{
	if (msg_verbosity > 0)
		SAY("");
}
