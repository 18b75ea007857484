// OpenPGP: any bytes as keys and as signatures; what is found lies inside the bytes, and fingerprints are fingerprints.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crypto/pgp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void hold(int condition)
{
	if (!condition)
		abort();
}

static void read_keys(const struct buf *binary)
{
	struct err e = { 0 };
	struct pgp_keys keys;
	if (pgp_read_keys(binary, &keys, &e) < 0)
		return;
	hold(keys.count > 0);
	for (size_t i = 0; i < keys.count; i++) {
		hold(pgp_is_fingerprint(keys.items[i].fingerprint));
		hold(keys.items[i].start + keys.items[i].length <= binary->length);
	}
	buf_auto strong = { 0 };
	struct pgp_keys kept;
	hold(pgp_drop_weak(binary, &strong, &e) == 0 && pgp_read_keys(&strong, &kept, &e) == 0 && kept.count == keys.count);
	for (size_t i = 0; i < kept.count; i++)
		hold(!kept.items[i].weakly_bound);
	pgp_free_keys(&kept);
	pgp_free_keys(&keys);
}

static void read_signatures(const struct buf *binary)
{
	struct err e = { 0 };
	struct pgp_signatures all;
	struct pgp_keys none = { 0 };
	if (pgp_read_signatures(binary, &all, &e) < 0)
		return;
	hold(all.count > 0);
	for (size_t i = 0; i < all.count; i++) {
		hold(all.items[i].start + all.items[i].length <= binary->length);
		hold(!pgp_find_issuer(&none, &all.items[i]));
	}
	pgp_free_signatures(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct err e = { 0 };
	buf_auto binary = { 0 };
	if (pgp_binary(data, length, &binary, &e) < 0)
		return 0;
	hold(pgp_recognise(data, length));
	read_keys(&binary);
	read_signatures(&binary);
	return 0;
}
