// Images in an archive as `docker save` writes it (moby's image specification v1.2, "Combined Image JSON + Filesystem Changeset
// Format"): manifest.json with the names, configs and layers. It has no manifest of the other kind, so one is made: always the same for
// the same archive.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_SOURCEDOCKER_H
#define OCI_SOURCEDOCKER_H

#include "oci/files.h"
#include "oci/source.h"

// The files are s's from then on, also on failure. A tag is a name of RepoTags, completed as Docker does; NULL is the only image.
// Uncompressed layers are taken to be what the config says they are: who fetches them finds out.
int sourcedocker_open(struct source *s, struct files *files, struct err *e);

#endif
