// OCI content descriptors (OCI Image Specification, descriptor.md): mediaType, digest, size and, passed through, all else.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_DESCRIPTOR_H
#define OCI_DESCRIPTOR_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

#define MEDIA_ACI       "application/vnd.appc.image.aci"
#define MEDIA_SIGNATURE "application/pgp-signature"
#define MEDIA_BYTES     "application/octet-stream"
#define MEDIA_TAR       "application/vnd.oci.image.layer.v1.tar" // image-spec layer.md: a root filesystem, uncompressed
#define MEDIA_MANIFEST  "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_INDEX     "application/vnd.oci.image.index.v1+json"
#define MEDIA_CONFIG    "application/vnd.oci.image.config.v1+json"
#define MEDIA_EMPTY     "application/vnd.oci.empty.v1+json"

#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_INDEX    "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG   "application/vnd.docker.container.image.v1+json"

struct descriptor {             // borrowed from the JSON it was read from
	const char *media_type; // never NULL: MEDIA_BYTES where the JSON has none
	const char *digest;     // valid by digest_valid
	int64_t size;           // bytes; -1 where the JSON has none
};

// Reads the descriptor at object[key]. STATUS_MALFORMED when it is missing or any of the three is not as it must be.
int descriptor_read(const json_t *object, const char *key, struct descriptor *d, struct err *e);

// The same of a descriptor that lies elsewhere; `what` names the place in messages.
int descriptor_parse(const json_t *json, const char *what, struct descriptor *d, struct err *e);

json_t *descriptor_json(const char *media_type, const char *digest, int64_t size); // a new reference

#endif
