// What a kind of place to publish in has to do; as publish.h says of each. Not for others than publish*.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_PUBLISHKIND_H
#define TUF_PUBLISHKIND_H

#include <jansson.h>

#include "oci/source.h"
#include "tuf/publish.h"

struct publish_kind {
	void (*mount_from)(void *context, const char *place); // NULL where nothing can be
	void (*plain_names)(void *context);                   // NULL where there are none
	int (*timestamp)(void *context, size_t limit, struct buf *out, struct err *e);
	int (*blob)(void *context, struct target_blob *b, struct err *e);
	int (*target)(void *context, const char *path, struct target_blob *b, struct err *e);
	int (*manifest)(void *context, const char *path, const struct buf *manifest, const char *digest, struct err *e);
	int (*index)(void *context, const char *role, const struct buf *index, struct err *e);
	int (*drop)(void *context, const char *path, const char *digest, struct err *e);
	int (*metadata)(void *context, const char *role, int64_t version, const struct buf *text, struct err *e);
	int (*former)(void *context, const char *role, int64_t version, const struct buf *text, struct err *e);
	int (*commit)(void *context, struct err *e);
	void (*close)(void *context);
};

int publishtree_open(struct publish *p, int directory, const char *path, struct err *e); // the directory is taken over, as below

// A place of manifests under tags: what a layout and a registry have to do for publishoci.c, which knows what is to lie where.
struct publish_tags {
	// The manifest under a tag as it is now, in d; 1 when there is none.
	int (*read)(void *context, const char *tag, struct source_document *d, struct err *e);
	int (*blob)(void *context, struct target_blob *b, struct err *e);
	// Has the tag lead to this manifest, whose blobs are there: at once, or with commit.
	int (*put)(void *context, const char *tag, const char *media_type, const struct buf *manifest, struct err *e);
	int (*drop)(void *context, const char *tag, struct err *e);
	int (*commit)(void *context, struct err *e);
	void (*close)(void *context);
};

// The context is taken over; the source of the blobs there are is part of it.
void publishoci_open(struct publish *p, const struct publish_tags *tags, void *context, struct source *blobs);

int publishlayout_open(struct publish *p, int directory, const char *path, struct err *e);
int publishregistry_open(struct publish *p, const char *where, enum publish_for for_what, struct err *e);

#endif
