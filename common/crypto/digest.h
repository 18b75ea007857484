// Digests as text: `sha256:` or `sha512:` and lower-case hex (OCI image specification, descriptor.md, "Digests"). Nothing is
// computed here, so that who only reads digests does not load a cryptographic library.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_DIGEST_H
#define CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum digest_algorithm { DIGEST_SHA256, DIGEST_SHA512 };

#define DIGEST_BYTES_MAX 64
#define DIGEST_TEXT_MAX  (sizeof "sha512:" + 2 * DIGEST_BYTES_MAX) // with its NUL

// Whether text is a digest this kit accepts: `sha256:` or `sha512:` and exactly 64 or 128 lower-case hex digits (rkt:F-01).
// The only way to get from a received digest to a path. algorithm and hex (a pointer into text) may be NULL.
bool digest_valid(const char *text, enum digest_algorithm *algorithm, const char **hex);

bool digest_is_sha256(const char *text); // a valid one

// The hex digits of a digest that is valid; a pointer into it.
const char *digest_digits(const char *digest);

const char *digest_name(enum digest_algorithm algorithm);              // `sha256`
size_t digest_bytes(enum digest_algorithm algorithm);                  // of the binary form
void digest_hex(const unsigned char *bytes, size_t length, char *hex); // 2 * length digits and a NUL

#endif
