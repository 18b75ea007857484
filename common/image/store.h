// The store: an OCI image layout that skopeo and umoci open (OCI Image Specification, image-layout.md), blobs under blobs/sha256
// only, and beside it our own index, one small file per image:
//
//   oci-layout index.json blobs/sha256/HEX   as the specification says; index.json follows in batches and before store-list ends
//   images/HEX128.json                       the image record of the image with this id, published by rename
//   names/Q(NAME)/HEX128                     an empty file: finds images by name without reading the others
//   sha512/HEX128                            the sha256 digest of the blob whose sha512 this is
//   partial/                                 downloads to be resumed
//
// Any number of processes may use it at once; a kill at any instant leaves it clean.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"

struct store;

// Opens the store in this directory; with create it is made when absent, else its absence is STATUS_NOT_FOUND.
// The directory is opened once, by descriptor, by the rules of path_open_state.
struct store *store_open(const char *directory, bool create, struct err *e);
void store_close(struct store *s);
int store_directory(const struct store *s); // the descriptor, owned by s

// A blob for reading, by its sha256: or sha512: digest. STATUS_NOT_FOUND when absent. Its bytes are NOT checked: whoever reads
// them hashes them and acts only on a match. size may be NULL. Returns a descriptor or -1.
int store_open_blob(struct store *s, const char *digest, int64_t *size, struct err *e);
bool store_has_blob(struct store *s, const char *digest);

// A small blob as a whole, hashed and checked. More than limit bytes: STATUS_LIMIT; another digest: STATUS_REFUSED.
int store_read_blob(struct store *s, const char *digest, size_t limit, struct buf *out, struct err *e);

// A new blob: write its bytes to o->fd and hash them on the way, then commit under the sha256 digest they turned out to have, or
// io_discard(o). A blob that is there already is kept and only its time is renewed (store-gc's grace counts from it).
int store_create_blob(struct store *s, struct io_output *o, struct err *e);
int store_commit_blob(struct store *s, struct io_output *o, const char *digest, struct err *e);
int store_put_blob(struct store *s, const void *data, size_t length, char digest[], struct err *e); // a small one at once; digest gets DIGEST_TEXT_MAX
int store_alias_blob(struct store *s, const char *sha512, const char *sha256, struct err *e);       // so that sha512: finds it

// Publishes a record as an image; every blob it names must be there. Replaces the record of the same id.
int store_add_image(struct store *s, const json_t *record, struct err *e);

// One image by its whole or shortened id. STATUS_NOT_FOUND; STATUS_USAGE listing the matches when ambiguous. New reference.
json_t *store_find_id(struct store *s, const char *id, struct err *e);

// The newest image of this name whose labels include all of `labels` (an object; may be NULL); by import time. New reference or
// NULL with STATUS_NOT_FOUND.
json_t *store_find_name(struct store *s, const char *name, const json_t *labels, struct err *e);

// All image records, sorted by id. New reference.
json_t *store_list(struct store *s, struct err *e);
int store_remove_image(struct store *s, const char *id, struct err *e);

#endif
