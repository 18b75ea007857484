// locked.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "base/status.h"
#include "crypto/locked.h"

void *locked_alloc(size_t size)
{
	void *memory = sodium_init() < 0 ? NULL : sodium_malloc(size); // which goes on where locking is forbidden
	if (!memory) {
		msg_error("out of memory for secrets");
		exit(STATUS_SYSTEM);
	}
	return memset(memory, 0, size);
}

void locked_free(void *memory)
{
	sodium_free(memory);
}

void locked_free_indirect(void *pointer_to_pointer)
{
	locked_free(*(void **)pointer_to_pointer);
}

void locked_pin(const struct buf *b)
{
	if (b->data && sodium_init() >= 0 && sodium_mlock(b->data, b->room) < 0)
		return; // forbidden: then the process has no core file, at least
}
