// The store: an OCI image layout that skopeo and umoci open (OCI Image Specification, image-layout.md), blobs under blobs/sha256
// only, and beside it our own index, one small file per image:
//
//   oci-layout index.json blobs/sha256/HEX   as the specification says; index.json follows in batches and before store-list ends
//   images/KEY.json                          the record of one image, and its digest on a second line; published by rename; its
//                                            mtime is when the image was used
//   names/Q(NAME)/KEY                        an empty file: finds images by name without reading the others
//   sha512/HEX128                            the sha256 digest of the blob whose sha512 this is
//   partial/                                 downloads to be resumed, and where uploads go on
//   pending                                  a line per image that index.json does not show as it is now
//   lock index.lock                          what store-gc and the writer of index.json hold
//
// KEY is the 128 hex digits of an image id, or the 64 of the digest of an image without one (an OCI image, a bare tar).
// Directories are 0755 and files 0644 as in any layout (less what the umask takes), locks 0600. Any number of processes may use
// it at once; a kill at any instant leaves it clean.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/io.h"
#include "base/sandbox.h"
#include "oci/descriptor.h"

struct store;

// Opens the store in this directory; with create it is made when absent, else its absence is STATUS_NOT_FOUND.
// The directory is opened once, by descriptor, by the rules of path_open_state; one that holds something else is STATUS_REFUSED.
struct store *store_open(const char *directory, bool create, struct err *e);
void store_close(struct store *s); // NULL is fine
void store_close_indirect(struct store **s);
#define store_auto __attribute__((cleanup(store_close_indirect))) struct store // `store_auto *s = ...;` closes it with the scope
int store_directory(const struct store *s);                                    // the descriptor, owned by s
const char *store_path(const struct store *s);                                 // as the user said it, for messages

// Enters the store in what the sandbox leaves open: to read it, or to write to it as well. The directory that is open counts, not
// what its name means by then.
void store_allow(const struct store *s, struct sandbox *sandbox, bool write);

// A blob for reading, by its sha256: or sha512: digest. STATUS_NOT_FOUND when absent. Its bytes are NOT checked: whoever reads
// them hashes them and acts only on a match. size may be NULL. Returns a descriptor or -1.
int store_open_blob(struct store *s, const char *digest, int64_t *size, struct err *e);
bool store_has_blob(struct store *s, const char *digest);

// As store_open_blob, and STATUS_REFUSED when the blob has another size than the descriptor says.
int store_open_described(struct store *s, const struct descriptor *d, struct err *e);

// A small blob as a whole, hashed and checked. More than limit bytes: STATUS_LIMIT; another digest: STATUS_REFUSED.
int store_read_blob(struct store *s, const char *digest, size_t limit, struct buf *out, struct err *e);

// A new blob: write its bytes to o->fd and hash them on the way, then commit under the sha256 digest they turned out to have, or
// io_discard(o). A blob that is there already is kept and only its time is renewed (store-gc's grace counts from it). A file of
// partial/ is committed the same way, by a struct with its descriptor, store_directory(s) and `partial/NAME` as `aside`: it moves.
int store_create_blob(struct store *s, struct io_output *o, struct err *e);
int store_commit_blob(struct store *s, struct io_output *o, const char *digest, struct err *e); // closes and forgets o either way
int store_put_blob(struct store *s, const void *data, size_t length, char digest[],
	struct err *e); // a small one at once; digest gets DIGEST_TEXT_MAX
int store_alias_blob(struct store *s, const char *sha512, const char *sha256, struct err *e); // so that sha512: finds it

// Removing and renewing exclude each other: store-gc holds the store's lock with LOCK_EX while it looks at the time of a blob
// and unlinks it, whoever renews the time of one holds it with LOCK_SH. Returns a descriptor to close, or -1.
int store_lock(struct store *s, int operation, struct err *e);

// Whether the blob is there with this size (-1 for any), and from now on as young as a new one: 0, or -1 with STATUS_NOT_FOUND or,
// for another size, STATUS_REFUSED.
int store_renew_blob(struct store *s, const char *digest, int64_t size, struct err *e);

// From here on every record that comes out passes through this first; storetrust.h has the one that matters.
typedef void store_filter(json_t *record, const void *context);
void store_set_filter(struct store *s, store_filter *filter, const void *context);
void store_filter_record(const struct store *s, json_t *record);

// Publishes a record as an image; every blob it names must be there (STATUS_NOT_FOUND). Replaces the record of the same image,
// whose time of import stays. The record gets `imported` and `used`. Call layoutindex_follow after the last.
int store_add_image(struct store *s, json_t *record, struct err *e);

// One image by its whole or shortened id, or by the sha256: digest of an image without one. STATUS_NOT_FOUND; STATUS_USAGE listing
// the matches when ambiguous. New reference.
json_t *store_find_id(struct store *s, const char *id, struct err *e);

// The newest image of this name whose labels include all of `labels` (an object; may be NULL); by import time. New reference or
// NULL with STATUS_NOT_FOUND.
json_t *store_find_name(struct store *s, const char *name, const json_t *labels, struct err *e);

// What a user calls an image of the store: an id as above, a sha256: digest, or NAME[:VERSION][,LABEL=VALUE...]. The first is the
// one that is meant, the second all that fit, newest first. New reference or NULL; what is none of these is STATUS_USAGE.
json_t *store_find(struct store *s, const char *operand, struct err *e);
json_t *store_match(struct store *s, const char *operand, struct err *e);

// All image records, sorted by id. With `damaged` one that cannot be read is left out, and what is wrong with it is added there; else it
// is STATUS_MALFORMED or STATUS_LIMIT. New reference.
json_t *store_list(struct store *s, struct texts *damaged, struct err *e);
int store_remove_image(struct store *s, const char *id, struct err *e); // its whole id, or digest as above

// Notes that the image of this record is used now; best effort, since its user may only be allowed to read the store.
void store_mark_used(struct store *s, const json_t *record);

#endif
