// Where a TUF repository is published: `file:DIR`, a plain tree with metadata/ and targets/, or `oci:DIR`, an OCI image layout. One writer
// at a time; readers see the state before or after, since the timestamp (in a layout index.json) comes last (dtuf:O12).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_PUBLISH_H
#define TUF_PUBLISH_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sandbox.h"

struct publish {         // close with publish_close
	int directory;   // of it, locked; -1 when it is none
	json_t *index;   // of a layout
	json_t *tags;    // tag to position in index
	json_t *layers;  // tag to the layers that its next manifest shall have
	char *timestamp; // of a tree: the text to be written last
};

// Makes it when it is not there, waits for other writers, and allows it in the sandbox. STATUS_USAGE for another kind of place.
int publish_open(struct publish *p, const char *where, struct sandbox *s, struct err *e);
void publish_close(struct publish *p);

// The timestamp that is published, appended; 1 when there is none.
int publish_timestamp(struct publish *p, size_t limit, struct buf *out, struct err *e);

// One blob of a target of several: size bytes of fd from its start, which must have this sha256, in hex (dtuf:B10). What is there is
// not written again (dtuf:O13). STATUS_REFUSED when fd holds other bytes.
int publish_blob(struct publish *p, int fd, const char *hash, int64_t size, struct err *e);

// A blob that is there, for reading; STATUS_NOT_FOUND.
int publish_open_blob(struct publish *p, const char *hash, struct err *e);

// A target that is one blob, and one that is a manifest of blobs put before (dtuf:B2, B3).
int publish_target(struct publish *p, const char *path, int fd, const char *hash, int64_t size, struct err *e);
int publish_manifest(struct publish *p, const char *path, const struct buf *manifest, const char *hash, struct err *e);

// Takes a target away: its name, not the blobs that others may use. 1 when it is not there.
int publish_drop_target(struct publish *p, const char *path, const char *hash, struct err *e);

// A metadata file of a role; version 0 for one without. Of a layout's roles the version before stays readable (dtuf:O3, O4).
int publish_metadata(struct publish *p, const char *role, int64_t version, const struct buf *text, struct err *e);

// Makes it so.
int publish_commit(struct publish *p, struct err *e);

#endif
