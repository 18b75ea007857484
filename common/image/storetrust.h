// A stored image is as verified as its key is trusted now (rkt:F-13): programs that hand out stored records load the trust directories
// first, and every `verified` entry by a key that no longer covers the image's name is dropped on the way out.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_STORETRUST_H
#define IMAGE_STORETRUST_H

#include "base/cmd.h"
#include "image/store.h"
#include "image/trust.h"

extern const struct cmd_option storetrust_options[]; // --trust, as CMD_GROUP

// Reads the trust directories, as --trust and the environment say; before the sandbox closes. Returns 0 or -1.
int storetrust_load(struct trust *trust, struct err *e);

#define trust_auto __attribute__((cleanup(trust_free))) struct trust // freed when the scope ends

// Sets the filter; trust is borrowed until store_close.
void storetrust_apply(struct store *s, const struct trust *trust);

#endif
