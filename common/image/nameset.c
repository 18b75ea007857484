// nameset.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/mem.h"
#include "image/nameset.h"

#define ROOM_AT_START 1024

_Static_assert(sizeof((struct nameset *)0)->key == crypto_shorthash_KEYBYTES, "the key is SipHash's");

static uint64_t fingerprint(const struct nameset *set, const char *name, size_t length)
{
	uint64_t print;
	crypto_shorthash((unsigned char *)&print, (const unsigned char *)name, length, set->key);
	return print ? print : 1;
}

// The slot that holds this fingerprint, or the free one where it belongs.
static uint64_t *find(uint64_t *slots, size_t room, uint64_t print)
{
	size_t at = (size_t)print & (room - 1);
	while (slots[at] && slots[at] != print)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static void grow(struct nameset *set)
{
	size_t room = set->room ? set->room * 2 : ROOM_AT_START;
	uint64_t *slots = mem_alloc(room * sizeof *slots);
	for (size_t i = 0; i < set->room; i++)
		if (set->slots[i])
			*find(slots, room, set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->room = room;
}

bool nameset_add(struct nameset *set, const char *name, size_t length)
{
	if (!set->room && getrandom(set->key, sizeof set->key, 0) != sizeof set->key)
		abort(); // cannot fail since Linux 3.17
	if (set->count >= set->room / 4 * 3)
		grow(set);
	uint64_t print = fingerprint(set, name, length);
	uint64_t *slot = find(set->slots, set->room, print);
	if (*slot)
		return false;
	*slot = print;
	set->count++;
	return true;
}

bool nameset_has(const struct nameset *set, const char *name, size_t length)
{
	return set->room && *find(set->slots, set->room, fingerprint(set, name, length));
}

void nameset_free(struct nameset *set)
{
	free(set->slots);
	*set = (struct nameset){ 0 };
}
