// Tokens on stdin, one a line.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_TOKENS_H
#define CRYPTO_TOKENS_H

#include "crypto/jose.h"

// Called with each line, without its newline; -1 ends the reading with its error.
typedef int tokens_visit(const char *line, size_t length, void *context, struct err *e);

// Reads stdin to its end. Nothing at all, or a last line without newline, is STATUS_MALFORMED, STATUS_LIMIT when it was too long for a token
// anyway; a longer line reaches `visit` cut, but still longer than JOSE_TOKEN_MAX. An error record of an earlier stage becomes e->upstream
// (law 5).
int tokens_each(tokens_visit *visit, void *context, struct err *e);

#endif
