// Where image records say that their bytes are, opened before the sandbox closes: one source per place, however many records name it.
// A registry is asked only when something is wanted from it; registry_prepare comes before.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ORIGIN_H
#define IMAGE_ORIGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/sandbox.h"
#include "image/codec.h"
#include "oci/source.h"

struct origin {
	char *place; // `TRANSPORT:PATH`, or docker:HOST/REPOSITORY
	struct source source;
	struct err failed; // why there is none
};

struct origins { // zero at the start
	struct origin *items;
	size_t count;
	const struct codec_limits *limits; // of compressed archives; NULL for the defaults
	bool signatures;                   // those of images in registries are wanted, too ...
	const char *lookaside;             // ... from there, as lookaside_check takes it; NULL for where registriesd.h says
};

// Whether the record's transport is a place on this machine: oci, oci-archive, docker-archive, dir.
bool origin_is_local(const json_t *record);

// Whether it is a repository of a registry, docker://.
bool origin_is_registry(const json_t *record);
bool origin_needs_network(const json_t *records); // whether one of these is

// Opens the place of this record, unless it is open; what went wrong is told by origin_find, since a record whose blobs are in
// the store needs it no more. The sandbox gets what reading from it takes. Call it while the process has one thread.
void origin_add(struct origins *o, const json_t *record, struct sandbox *sandbox);

// The source of this record, borrowed; NULL with e filled.
struct source *origin_find(struct origins *o, const json_t *record, struct err *e);

void origins_free(struct origins *o);
#define origins_auto __attribute__((cleanup(origins_free))) struct origins

#endif
