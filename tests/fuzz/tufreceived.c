// Fuzz target of tuf/received and, with it, tuf/role, tuf/delegation and tuf/keys: a metadata file of any role is taken apart or refused,
// and what was taken apart answers every question of a client.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "tuf/names.h"
#include "tuf/received.h"
#include "tuf/rolestate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct received *r)
{
	static const char *const roles[] = { "root", "timestamp", "snapshot", "targets", "role", "bin-0" };
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
		struct err e = { 0 };
		struct received_entry entry;
		if (received_entry(r, roles[i], &entry) && entry.hashes)
			received_check_hashes(entry.hashes, "x", 1, "x", &e);
		keys_auto keys = { 0 };
		if (received_keys(r, roles[i], &keys, &e) == 0 && received_check_signatures(r, &keys, &e) == 0 &&
			keys.threshold < 1)
			abort();
	}
	struct err e = { 0 };
	json_t *target = received_target(r, "a", &e);
	if (target && e.status)
		abort();
	json_decref(target);
	json_decref(rolestate_record(r, r, 0, &e));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const roles[] = { "root", "timestamp", "snapshot", "targets", "role" };
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
		struct err e = { 0 };
		struct buf bytes = { 0 };
		received_auto r = { 0 };
		buf_add(&bytes, data, size);
		if (received_parse(&r, roles[i], &bytes, &e) < 0) {
			if (!e.status)
				abort();
			continue;
		}
		if (r.version < 1)
			abort();
		ask(&r);
	}
	return 0;
}
