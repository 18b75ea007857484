// Images in files: an OCI image layout (image-spec image-layout.md), a directory or an archive of one, and skopeo's `dir:`.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_SOURCELAYOUT_H
#define OCI_SOURCELAYOUT_H

#include "oci/files.h"
#include "oci/source.h"

// oci-layout and index.json are read at once. The files are s's from then on, also on failure. A tag is a name of index.json; NULL is
// its only entry.
int sourcelayout_open(struct source *s, struct files *files, struct err *e);

// manifest.json, and blobs by the hexadecimal digits of their digests.
int sourcelayout_open_dir(struct source *s, struct files *files, struct err *e);

#endif
