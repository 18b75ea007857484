// SHA-256 and SHA-512 (FIPS 180-4) over streams. Results are digests as digest.h spells them.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/digest.h"

struct hash; // one running computation

struct hash *hash_start(enum digest_algorithm algorithm);
void hash_add(struct hash *h, const void *data, size_t length);
// Ends the computation and frees h. Writes the digest as text; returns text.
char *hash_finish(struct hash *h, char text[static DIGEST_TEXT_MAX]);
void hash_free(struct hash *h); // abandons it; NULL is fine

// The digest of length bytes, as text. Returns text.
char *hash_bytes(enum digest_algorithm algorithm, const void *data, size_t length, char text[static DIGEST_TEXT_MAX]);

// The digest of everything from fd to its end, and how many bytes that was (size may be NULL). Returns 0 or -1.
int hash_stream(enum digest_algorithm algorithm, int fd, char text[static DIGEST_TEXT_MAX], int64_t *size, struct err *e);

#endif
