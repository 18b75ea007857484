// Keys as TUF metadata lists them, who of them must sign a role, and whether they did.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_KEYS_H
#define TUF_KEYS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/key.h"

#define KEYS_ID_MAX (2 * 32 + 1)

struct keys_entry {
	char *id;       // as received: a label, not necessarily a hash (dtuf:K6)
	struct key key; // pkey NULL where type, scheme or value is unknown: such a key signs nothing (dtuf:K10)
	size_t same_as; // index of the first entry with this public key: its own unless two ids name one key (dtuf:S14)
	json_t *object; // as the metadata has it, owned
};

struct keys_set { // who may sign a role; free with keys_free
	struct keys_entry *items;
	size_t count;
	int64_t threshold; // at least 1
};

// Reads the keys of one role: `keys` maps ids to key objects, `role` has `keyids` and `threshold`. Ids without a key object, and an id
// listed again, are left out. STATUS_MALFORMED for wrong types or a threshold below 1, STATUS_LIMIT for more than 1024 keys.
int keys_read(const json_t *keys, const json_t *role, struct keys_set *set, struct err *e);
void keys_free(struct keys_set *set);
#define keys_auto __attribute__((cleanup(keys_free))) struct keys_set

const struct keys_entry *keys_find(const struct keys_set *set, const char *id);            // NULL when it is not listed
const struct keys_entry *keys_find_key(const struct keys_set *set, const struct key *key); // by its public half

// The key object of the public half, as our own metadata has it (dtuf:K5), a new reference; and its keyid (dtuf:K6).
json_t *keys_object(const struct key *k);
void keys_id(const struct key *k, char hex[static KEYS_ID_MAX]);

// Signs a payload with the scheme of the key's type; appends the signature in hex. STATUS_SYSTEM.
int keys_sign(const struct key *k, const void *payload, size_t length, struct buf *hex, struct err *e);

// Whether the signature, in hex or raw, is by this key over the payload.
bool keys_good(const struct keys_entry *k, const void *payload, size_t length, const char *hex);
bool keys_good_raw(const struct keys_entry *k, const void *payload, size_t length, const void *signature, size_t size);

// How many different keys of the set made a good signature among `signatures`, the array of a metadata file. Those by others, empty
// or wrong ones are passed over. -1: STATUS_MALFORMED for an array of another form, STATUS_REFUSED for a keyid occurring twice
// (dtuf:S14).
int64_t keys_count(const struct keys_set *set, const json_t *signatures, const void *payload, size_t length, struct err *e);

// 0 when as many as the threshold signed; else -1 with the numbers, STATUS_REFUSED, or as keys_count. `role` names it in the message.
int keys_check(const struct keys_set *set, const char *role, const json_t *signatures, const void *payload, size_t length,
	struct err *e);

#endif
