// The token that a disk of ours carries in its LUKS2 header, beside the key slots (brkt:E7, brkt:E9): where its key is to be had, and how
// many bytes were encrypted. Anyone can read it.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_BRKTTOKEN_H
#define DISK_BRKTTOKEN_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/jose.h"

#define BRKTTOKEN_TYPE "brkt"

enum {
	BRKTTOKEN_URL_MAX = 2048,
	BRKTTOKEN_JWT_MAX = 4096,
	BRKTTOKEN_MAX = 8192, // the whole, as compact JSON: the rest of the metadata must find room beside it
};

// Whether the members that this kit knows are well formed; others are let be. *data_size is -1 when it announces none.
// STATUS_MALFORMED, or STATUS_LIMIT for one that is too long.
int brkttoken_check(const json_t *token, int64_t *data_size, struct err *e);

// The token for a disk of this size: `wanted` with what we add; NULL stands for a disk whose key the user keeps. `wanted` must name url and
// key_id. Malloced compact JSON, or NULL.
char *brkttoken_make(const json_t *wanted, int64_t data_size, struct err *e);

#endif
