// tokens.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/tokens.h"

enum { LINE_ROOM = 2 * JOSE_TOKEN_MAX }; // an error record fits, too

// A line that is one of the kit's error records ends the reader as it ended the writer.
static int check_upstream(const char *line, size_t length, struct err *e)
{
	struct err ignored = { 0 };
	if (*line != '{')
		return 0;
	jsonio_auto json_t *record = jsonio_parse(line, length, "stdin", &ignored);
	const char *kind = json_string_value(json_object_get(record, "kind"));
	json_int_t status = json_integer_value(json_object_get(record, "status"));
	if (!kind || strcmp(kind, "error") != 0 || status < 1 || status > 255)
		return 0;
	err_set(e, (enum status)status, "an earlier stage failed");
	e->upstream = mem_text_n(line, length);
	return -1;
}

// The next line without its newline; bytes beyond room are dropped, so that a line without end costs no memory, and the tokens behind it
// are still judged. Returns its length, -1 at the end, -2 when the stream ends within the line, -3 when it does so beyond room.
static ssize_t next_line(char *line, size_t room)
{
	size_t length = 0;
	int c;
	while ((c = getc_unlocked(stdin)) != EOF && c != '\n')
		if (length + 1 < room)
			line[length++] = (char)c;
	line[length] = '\0';
	if (c == '\n')
		return (ssize_t)length;
	return !length ? -1 : length + 1 < room ? -2 : -3;
}

int tokens_each(tokens_visit *visit, void *context, struct err *e)
{
	mem_auto char *line = mem_alloc(LINE_ROOM);
	size_t count = 0;
	ssize_t n;
	while ((n = next_line(line, LINE_ROOM)) >= 0) {
		if (check_upstream(line, (size_t)n, e) < 0 || visit(line, (size_t)n, context, e) < 0)
			return -1;
		count++;
	}
	if (ferror(stdin))
		return err_system(e, "stdin: cannot read");
	if (n == -3)
		return err_set(e, STATUS_LIMIT, "token %zu: longer than %d bytes", count + 1, JOSE_TOKEN_MAX);
	if (n == -2)
		return err_set(e, STATUS_MALFORMED, "stdin: token %zu is truncated: no newline at its end", count + 1);
	return count ? 0 : err_set(e, STATUS_MALFORMED, "stdin: no input: an earlier stage failed");
}
