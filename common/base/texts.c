// texts.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/texts.h"

void texts_take(struct texts *t, char *text)
{
	if (t->count + 2 > t->room) {
		t->room = t->room ? t->room * 2 : 8;
		t->items = mem_resize(t->items, t->room, sizeof *t->items);
	}
	t->items[t->count++] = text;
	t->items[t->count] = NULL;
}

void texts_add(struct texts *t, const char *text)
{
	texts_take(t, mem_text(text));
}

bool texts_has(const struct texts *t, const char *text)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->items[i], text))
			return true;
	return false;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void texts_sort(struct texts *t)
{
	if (t->count)
		qsort(t->items, t->count, sizeof *t->items, by_bytes);
}

void texts_free(struct texts *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i]);
	free(t->items);
	*t = (struct texts){ 0 };
}
