// base64: base64url without padding (RFC 4648 section 5, RFC 7515 appendix C), strictly: no `=`, no blanks, no non-zero trailing bits.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_B64_H
#define CRYPTO_B64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

void b64_encode(const void *data, size_t length, struct buf *out); // appends
bool b64_decode(const char *text, size_t length, struct buf *out); // appends; false, and out as before, when text is not it

// The same for base64 with padding (RFC 4648 section 4), as strictly.
bool b64_decode_padded(const char *text, size_t length, struct buf *out);

#endif
