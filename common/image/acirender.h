// Rendering an App Container Image: its dependencies in their order, each filtered by its own pathWhitelist and those of its
// dependants, then itself (aci.md, "dependencies"; rkt:I-030 to I-036).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ACIRENDER_H
#define IMAGE_ACIRENDER_H

#include "base/buf.h"
#include "image/render.h"

#define ACIRENDER_DEPTH_MAX  64   // levels of dependencies
#define ACIRENDER_PASSES_MAX 1000 // images rendered for one, an image twice counting twice

// Where the files go.
struct acirender_sink {
	// One entry of a rootfs: its path there, and for a hard link the other file's. It may read the data from r.
	int (*put)(void *context, const struct tar_entry *entry, const char *path, const char *link, struct tar_reader *r,
		struct err *e);
	// Around the files of each image, in order; at its end their digest was right. Both may be NULL.
	int (*begin)(void *context, struct err *e);
	int (*end)(void *context, struct err *e);
	void (*left_out)(void *context); // for each entry that a whitelist leaves out; may be NULL
	void *context;
};

struct acirender_manifest { // zero at the start
	struct buf text;    // the bytes as they came
	int64_t mtime;      // of its entry, in seconds
};

// Hands over the rootfs of the image and its dependencies, and the image's own manifest. Every digest of every image was checked when it
// returns 0.
int acirender(struct store *s, const json_t *record, const struct acirender_sink *sink, const struct render_options *options,
	struct acirender_manifest *manifest, struct err *e);

// Hands over the image's own files alone, all of them.
int acirender_own(struct store *s, const json_t *record, const struct acirender_sink *sink, const struct render_options *options,
	struct err *e);

#endif
