// err.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ERR_DEFINES_THEM
#include "base/err.h"

int err_set(struct err *e, enum status status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	e->status = status;
	e->hint[0] = '\0';
	vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	return -1;
}

int err_system(struct err *e, const char *format, ...)
{
	int saved = errno;
	va_list args;
	va_start(args, format);
	e->status = STATUS_SYSTEM;
	e->hint[0] = '\0';
	int n = vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof e->text)
		snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", strerror(saved));
	return -1;
}

int err_open(struct err *e, const char *path)
{
	bool absent = errno == ENOENT || errno == ENOTDIR;
	err_system(e, "'%s': cannot open", path);
	if (absent)
		e->status = STATUS_NOT_FOUND;
	return -1;
}

int err_hint(struct err *e, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(e->hint, sizeof e->hint, format, args);
	va_end(args);
	return -1;
}

int err_context(struct err *e, const char *format, ...)
{
	char old[ERR_TEXT_MAX];
	memcpy(old, e->text, sizeof old);
	va_list args;
	va_start(args, format);
	int n = vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < sizeof e->text) {
		size_t room = sizeof e->text - (size_t)n;
		if (room > 2) {
			memcpy(e->text + n, ": ", 2);
			snprintf(e->text + n + 2, room - 2, "%s", old);
		}
	}
	return -1;
}
