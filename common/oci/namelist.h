// The lists of the registry programs: records, or names for people and xargs.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_NAMELIST_H
#define OCI_NAMELIST_H

#include <jansson.h>

#include "base/cmd.h"

extern const struct cmd_option namelist_options[]; // --format -0

// Writes each record, or its member `key`, or its `ref`.
void namelist_write(json_t *records, const char *key);

#endif
