// The index of the store's images from the inside, for what goes through all of it: index.json, checking, sweeping. Others use store.h.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_STOREINDEX_H
#define IMAGE_STOREINDEX_H

#include "base/texts.h"
#include "crypto/digest.h"
#include "image/store.h"

#define STORE_KEY_MAX (sizeof "" + 128) // hex digits and a NUL; 128 digits for an id, 64 for a digest

// The key of a record's image. STATUS_MALFORMED when it has neither an id nor a sha256: digest.
int store_key(const json_t *record, char key[static STORE_KEY_MAX], struct err *e);

// `sha512-HEX` or `sha256:HEX`, as a user may give it back; malloced.
char *store_key_text(const char *key);

// The keys of all images, sorted.
int store_keys(struct store *s, struct texts *keys, struct err *e);

// The record of one image. STATUS_NOT_FOUND when there is none, STATUS_MALFORMED for one that is damaged. New reference.
json_t *store_read_image(struct store *s, const char *key, struct err *e);

// Whether the record's file is as it was written: STATUS_REFUSED when a bit of it is another.
int store_check_record(struct store *s, const char *key, struct err *e);

// Whether such a failure to read a record means that its file is damaged, and not that the system failed or that there is none.
bool store_is_damage(const struct err *e);

// Removes a record that store_check_record or store_read_image finds damaged; one that was written anew meanwhile stays. Whoever wants
// its blobs renews their time first.
int store_remove_damaged(struct store *s, const char *key, struct err *e);

// Every descriptor of a record that names a blob of the store, each sha256: and valid; a new array.
json_t *store_blobs_of(const json_t *record, struct err *e);

// The sha256: digest that the alias of these 128 hex digits names, whether or not that blob is there. -1 when there is none, or it
// is damaged.
int store_follow_alias(struct store *s, const char *hex, char sha256[static DIGEST_TEXT_MAX]);

// The directory below the store that lists the images of this name; malloced. No two names share one.
char *store_names_directory(const char *name);

#endif
