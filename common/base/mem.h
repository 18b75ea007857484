// Memory that cannot fail, and scope cleanup. Running out of memory ends the process with STATUS_SYSTEM.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);                           // zeroed; size 0 gives a unique pointer
void *mem_resize(void *old, size_t count, size_t size); // count * size, overflow checked; new bytes are not zeroed
char *mem_text(const char *text);                       // a copy; NULL gives NULL
char *mem_text_n(const char *text, size_t length);      // a copy of length bytes and a NUL
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

// `mem_auto char *s = ...;` is freed when the scope ends; mem_steal hands it over instead.
void mem_free_indirect(void *pointer_to_pointer);
#define mem_auto __attribute__((cleanup(mem_free_indirect)))
#define mem_steal(p)                             \
	({                                       \
		__typeof__(p) mem_stolen_ = (p); \
		(p) = NULL;                      \
		mem_stolen_;                     \
	})

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

#endif
