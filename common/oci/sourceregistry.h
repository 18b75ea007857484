// A repository of a registry as a source of images.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_SOURCEREGISTRY_H
#define OCI_SOURCEREGISTRY_H

#include "oci/lookaside.h"
#include "oci/registry.h"
#include "oci/source.h"

// HOST[:PORT] and repository as in a record of docker://. No tag is `latest`. Nothing is asked yet.
int sourceregistry_open(struct source *s, const char *host, const char *repository, struct err *e);

// The same of a repository that is open already, perhaps for more than reading; it becomes the source's. It has no lookaside.
void sourceregistry_take(struct source *s, struct registry *r);

// Its signatures lie there; the lookaside is the source's from then on.
void sourceregistry_set_lookaside(struct source *s, struct lookaside *lookaside);

// The registry of such a source, borrowed; NULL for another source.
struct registry *sourceregistry_of(const struct source *s);

#endif
