// Image references as users write them, for every transport, turned into an image record (tackle-records(5)).
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_REF_H
#define OCI_REF_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

// Parses, in this order (rkt:A-030):
//   sha512-HEX                          {"id"}            an image of the store, 2 to 128 digits
//   /PATH ./PATH ../PATH file:PATH      {"endpoints"}     a file; its signature is PATH.asc
//   https://URL http://URL              {"endpoints"}     its signature is URL.asc
//   docker://[HOST[:PORT]/]NAME[:TAG][@DIGEST]  {"name", "registry", "repository", "tag", "digest"}   as Docker expands it
//   oci:DIR[:REF] oci-archive:FILE[:REF] docker-archive:FILE[:REF] dir:DIR, each with [@DIGEST]   {"path", "tag", "digest"}
//   NAME[:VERSION][,LABEL=VALUE...]     {"name", "labels"}   an App Container image, to be discovered
// The record also has kind, ref (the text) and transport (id, file, https, http, docker, oci, oci-archive, docker-archive, dir,
// appc). Nothing is opened or looked up. Returns a new reference, or NULL with STATUS_USAGE.
json_t *ref_parse(const char *text, struct err *e);

// The same for the operands of the registry programs: `docker://` may be left out, and another transport is STATUS_USAGE.
json_t *ref_parse_registry(const char *text, struct err *e);

// Whether text is a repository name, tag or digest of the OCI distribution specification ("Pulling manifests").
bool ref_is_repository(const char *text);    // [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/...)*, at most 255 bytes
bool ref_is_registry_name(const char *text); // HOST:PORT or HOST[:PORT]/REPOSITORY, in lower case: the start of an image's name
bool ref_is_tag(const char *text);           // [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}

#endif
