// The config of an image (image-spec config.md; Docker's image JSON has the same members): for which platform it is, how it runs, and
// what its layers must be once they are uncompressed.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_CONFIG_H
#define OCI_CONFIG_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

#define CONFIG_BYTES_MAX ((size_t)8 << 20)

struct config {           // zero at the start
	json_t *json;     // all of it
	json_t *diff_ids; // borrowed: of rootfs, one digest per layer, each valid
};

// `layers` is how many layers the manifest has: as many diff_ids are due. STATUS_MALFORMED, STATUS_LIMIT.
int config_parse(const char *text, size_t length, size_t layers, struct config *c, struct err *e);
void config_free(struct config *c);
#define config_auto __attribute__((cleanup(config_free))) struct config

json_t *config_platform(const struct config *c); // {os, architecture, variant}; a new reference
const char *config_diff_id(const struct config *c, size_t layer);

#endif
