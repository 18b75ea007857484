// The verdict on cosign's signatures by the keys in PEM that are trusted for a name (rkt:A-026).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_VERIFYCOSIGN_H
#define IMAGE_VERIFYCOSIGN_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "image/trust.h"

struct verifycosign { // zero at the start
	struct trust covering;
	struct key *keys; // one for each of covering
	size_t count;
};

// Reads the keys in PEM that cover the name; without one count is 0. STATUS_REFUSED for a file that holds another key than it is named by.
int verifycosign_load(struct verifycosign *v, const struct trust *t, const char *name, struct err *e);
void verifycosign_free(struct verifycosign *v);

// The `verified` entry, about `digest`, of the signature that this descriptor carries over the statement. A new reference, or NULL with
// STATUS_REFUSED when none of the keys made it.
json_t *verifycosign_judge(const struct verifycosign *v, const json_t *descriptor, const struct buf *statement,
	const char *digest, struct err *e);

#endif
