// What a signature in a registry is over: the "simple signing" JSON of the containers project (containers-signature(5)), which cosign
// took over (its SIGNATURE_SPEC). Strict: `critical` has the members of the format and no others, so that a statement this reader does
// not know cannot be passed over.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_SIMPLESIGNING_H
#define OCI_SIMPLESIGNING_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "crypto/digest.h"

#define SIMPLESIGNING_MAX   ((size_t)64 << 10) // bytes of one statement
#define SIMPLESIGNING_MEDIA "application/vnd.dev.cosign.simplesigning.v1+json"

#define SIMPLESIGNING_COSIGN "cosign container image signature" // values of critical.type
#define SIMPLESIGNING_ATOMIC "atomic container signature"

struct simplesigning {                // borrowed from the JSON it was read from
	const char *digest;           // of the manifest or index that it vouches for
	const char *docker_reference; // as which image
	bool exact; // with a tag or digest of its own, as those of the containers project; cosign names repositories
};

// Takes a statement of this type apart. STATUS_REFUSED when it is of another type or says more than it may, STATUS_MALFORMED. That of the
// containers project has `critical` and `optional` and nothing beside them.
int simplesigning_read(const json_t *statement, const char *type, struct simplesigning *s, struct err *e);

// Whether docker_reference names this repository (`HOST/REPOSITORY`, normalised as ref_parse does) and, where it has a tag, this one; an
// exact one must have it (matchRepoDigestOrExact of containers-policy.json(5)). With a NULL tag, when the image was asked for by its digest,
// the repository decides. STATUS_REFUSED saying what it names.
int simplesigning_check_reference(const struct simplesigning *s, const char *name, const char *tag, struct err *e);

#endif
