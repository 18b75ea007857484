// Blobs of a registry into the store, several at once, with one display for all.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_PULL_H
#define IMAGE_PULL_H

#include <stddef.h>
#include <stdint.h>

#include "image/store.h"
#include "oci/descriptor.h"
#include "oci/registry.h"

#define PULL_JOBS_MAX 64

struct pull { // zero at the start, then what the caller sets
	struct store *store;
	size_t jobs;
	int64_t limit; // bytes of one blob
	struct pull_item *items;
	size_t count;
};

// One more blob to fetch; what it needs of `d` is copied. A digest that is there already counts once.
void pull_add(struct pull *p, struct registry *from, const struct descriptor *d, const char *label);

// Fetches them all, hashed and checked. The first failure stops the others, whose partial downloads stay for the next run, and is the one
// told. Call it while the process has one thread.
int pull_run(struct pull *p, struct err *e);

void pull_free(struct pull *p);
#define pull_auto __attribute__((cleanup(pull_free))) struct pull

#endif
