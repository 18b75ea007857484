// Pod manifests (App Container Specification, pods.md; rkt:P-001 to P-011): holding one to its form, and reifying it.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_MANIFEST_H
#define POD_MANIFEST_H

#include <jansson.h>

#include "base/err.h"

#define MANIFEST_VERSION "0.8.11" // acVersion of those we write

// STATUS_MALFORMED with the path of the field.
int manifest_check(const json_t *manifest, struct err *e);

// A new manifest without apps; volumes is an array, stolen.
json_t *manifest_new(json_t *volumes);

// The array at object[key], made when it is missing; borrowed.
json_t *manifest_array(json_t *object, const char *key);

// Meets every mount point of one app of the manifest, whose app section is in place: by its mounts, by the volume of that name, or
// by an empty volume of its own, with a warning (rkt, P-010). Then apps[].mounts is complete, a {"volume", "path"} each,
// `appVolume` beside where the volume is the app's alone. status is what a mount without volume ends with: STATUS_USAGE or
// STATUS_MALFORMED. Targets that overlap, or lie in what every app has, are STATUS_USAGE (rkt:E-003).
int manifest_meet(json_t *manifest, json_t *app, enum status status, struct err *e);

// The volume that an element of apps[].mounts means; borrowed, NULL when there is none.
json_t *manifest_volume_of(const json_t *manifest, const json_t *mount);

// Warns of volumes that no app uses (rkt:A-040).
void manifest_tell_unused(const json_t *manifest);

#endif
