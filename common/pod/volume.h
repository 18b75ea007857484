// Volumes and mounts as the user gives them, turned into what a pod manifest has (pods.md, "volumes", "mounts"; rkt: ).
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_VOLUME_H
#define POD_VOLUME_H

#include <jansson.h>

#include "base/err.h"

// `NAME,kind=host,source=/ABS[,readOnly=BOOL][,recursive=BOOL]` or `NAME,kind=empty[,mode=OCTAL][,uid=N][,gid=N][,readOnly=BOOL]`.
// A new reference, or NULL with STATUS_USAGE.
json_t *volume_parse(const char *text, struct err *e);

// `volume=NAME,target=/PATH` as {"volume", "path"}. A new reference, or NULL with STATUS_USAGE.
json_t *volume_parse_mount(const char *text, struct err *e);

// The path without doubled and trailing slashes and `.`; NULL when it is not absolute, has `..`, or is the root itself. Malloced.
char *volume_clean_path(const char *path);

#endif
