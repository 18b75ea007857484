// A growing list of strings, NULL-terminated so that it can serve as an argv.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_TEXTS_H
#define BASE_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

struct texts {
	char **items; // items[count] is NULL; NULL while the list is empty and never grew
	size_t count;
	size_t room;
};

void texts_add(struct texts *t, const char *text); // a copy
void texts_take(struct texts *t, char *text);      // malloced; owned by the list from now on
bool texts_has(const struct texts *t, const char *text);
void texts_sort(struct texts *t); // by their bytes
void texts_free(struct texts *t); // t is empty again; also the cleanup of texts_auto

#define texts_auto __attribute__((cleanup(texts_free))) struct texts

#endif
