// How a TUF repository lies in an OCI repository, of a registry or a layout on disk (dtuf:O1 to O10), interoperable with the layout of
// Docker's go-tuf-mirror: metadata and targets are layers of image manifests under tags, each with its file name as annotation.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_TUFOCI_H
#define TUF_TUFOCI_H

#include <jansson.h>
#include <stdint.h>

#include "base/buf.h"
#include "oci/registry.h"
#include "oci/source.h"

#define TUFOCI_METADATA     "application/vnd.tuf.metadata+json"
#define TUFOCI_TARGET       "application/vnd.tuf.target"
#define TUFOCI_FILENAME     "tuf.io/filename"
#define TUFOCI_LATEST       "latest"
#define TUFOCI_EMPTY        "{}" // the config of every manifest
#define TUFOCI_EMPTY_DIGEST "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

// Whether this names a repository of a registry: `docker://[HOST[:PORT]/]NAME`.
bool tufoci_is_registry(const char *place);

// That repository, opened for these actions; nothing is asked yet. NULL with STATUS_USAGE, also for a name with a tag or a digest: a TUF
// repository has many.
struct registry *tufoci_registry(const char *place, const char *actions, struct err *e);

// registry_mount_from of such a place, malloced; NULL for a place of another kind, too.
char *tufoci_mount_from(struct registry *to, const char *place);

// The tag of a role, `latest` for the top-level ones, and of a target whose sha256 is `hash` (dtuf:O5, O8). Malloced.
char *tufoci_role_tag(const char *role);
char *tufoci_target_tag(const char *path, const char *hash);

// A layer, annotated with a file name unless that is NULL; and a manifest of layers (taken over), with that annotation of its own unless
// NULL. manifest is appended in the one form that we write, so that the same layers always have the same digest.
json_t *tufoci_layer(const char *media_type, const char *digest, int64_t size, const char *filename);
void tufoci_manifest(json_t *layers, const char *filename, struct buf *manifest);

// The manifest of a target that is one blob, appended (dtuf:O5).
void tufoci_target_manifest(const char *path, const char *digest, int64_t size, struct buf *manifest);

// The layers of the manifest under a tag; a new reference. NULL with STATUS_NOT_FOUND when there is no such tag.
json_t *tufoci_layers(struct source *s, const char *tag, struct err *e);

// The layer that has this file name; borrowed, NULL when there is none.
const json_t *tufoci_find(const json_t *layers, const char *filename);

// Of the layers `V.NAME` with another version than `but`, the one with the highest; borrowed, NULL when there is none.
const json_t *tufoci_newest(const json_t *layers, const char *name, int64_t but);
int64_t tufoci_version(const json_t *layer); // that V; 0 for none and for NULL

#endif
