// Memory for keys: never swapped where the kernel allows locking it, never dumped, between guard pages, wiped when it is freed.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_LOCKED_H
#define CRYPTO_LOCKED_H

#include <stddef.h>

#include "base/buf.h"

void *locked_alloc(size_t size); // zeroed; running out of memory ends the process
void locked_free(void *memory);  // NULL is fine
void locked_free_indirect(void *pointer_to_pointer);
#define locked_auto __attribute__((cleanup(locked_free_indirect)))

// The same for bytes that lie elsewhere already: neither swapped nor dumped from now on. Wiping them stays the caller's.
void locked_pin(const struct buf *b);

#endif
