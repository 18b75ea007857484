// mem.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/status.h"

static _Noreturn void out_of_memory(void)
{
	static const char text[] = "tackle: out of memory\n";
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		_exit(STATUS_SYSTEM);
	_exit(STATUS_SYSTEM);
}

static void *checked(void *p)
{
	if (!p)
		out_of_memory();
	return p;
}

void *mem_alloc(size_t size)
{
	return checked(calloc(1, size ? size : 1));
}

void *mem_resize(void *old, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		out_of_memory();
	size_t total = count * size;
	return checked(realloc(old, total ? total : 1));
}

char *mem_text(const char *text)
{
	return text ? checked(strdup(text)) : NULL;
}

char *mem_text_n(const char *text, size_t length)
{
	char *copy = mem_alloc(length + 1);
	memcpy(copy, text, length);
	return copy;
}

char *mem_format(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		out_of_memory();
	return text;
}

void mem_free_indirect(void *pointer_to_pointer)
{
	void **p = pointer_to_pointer;
	free(*p);
}
