// Signatures that lie beside an image in its registry, layout or directory: found by the names cosign or containers/image gave them,
// brought into the store.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_OCISIGNATURES_H
#define IMAGE_OCISIGNATURES_H

#include <jansson.h>

#include "base/err.h"
#include "image/store.h"
#include "oci/source.h"

#define OCISIGNATURES_MAX        100 // of one image, and referrers that may be such; each may cost a question to the registry
#define OCISIGNATURES_ANNOTATION "dev.cosignproject.cosign/signature"
#define OCISIGNATURES_ARTIFACT   "application/vnd.dev.cosign.artifact.sig.v1+json"

// Looks for signatures of the record's manifest, and of the index that led to it: the image with the tag sha256-HEX.sig, and the
// manifests of that artifact type among those that refer to it (referrers.h). Their statements go into the store and, as descriptors with
// their annotations, into `signatures` of the record; so do, as they are, the signed messages (MEDIA_SIGNATURE) that source_signature
// finds. Without any, the field goes. Nothing is judged.
int ocisignatures_fetch(struct store *s, struct source *from, json_t *record, struct err *e);

#endif
