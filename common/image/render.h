// Making a root filesystem from an image: one archive, or an App Container Image on top of its dependencies (aci.md, "dependencies"
// and "pathWhitelist"). Extraction is our own, on directory descriptors with openat2, and never leaves the target.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_RENDER_H
#define IMAGE_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/digest.h"
#include "image/codec.h"
#include "image/store.h"
#include "image/tar.h"

struct render_options {
	bool layout;         // keep an ACI's manifest: target/manifest and target/rootfs; else target is the root filesystem
	bool setuid;         // keep setuid and setgid bits; dropping any is told once
	bool devices;        // make device nodes, where the caller may; else they are refused
	bool capabilities;   // restore security.capability
	bool numeric_owners; // chown; needs root or a user namespace; without it every file is the caller's
	bool sync;           // to disk before the rename: survives a power failure, not only a kill
	bool unverified;     // take dependencies that are not verified
	struct codec_limits codec;
	struct tar_limits tar;
	int64_t bytes; // what all files together may take, default 1 TiB
};
extern const struct render_options render_defaults;

// Fills `name` below the directory `parent` with the image of this record, whose blobs are in the store: into a hidden sibling
// first, which is renamed when every digest matched, and removed on failure. name is absent or an empty directory; else
// STATUS_REFUSED. The manifest's name must be the record's; dependencies are found in the store, rendered in the order of aci.md and
// verified too. What could not be kept (owners, bits, attributes) is told once each. Dies by SIGINT, SIGTERM or SIGHUP, after
// removing what it made. Returns 0 or -1.
int render_image(struct store *s, const json_t *record, int parent, const char *name, const struct render_options *options,
	struct err *e);

// The same for one bare tar, compressed or not, that nothing has verified, from a descriptor to its end.
int render_tar(int fd, int parent, const char *name, const struct render_options *options, struct err *e);

#endif
