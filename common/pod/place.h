// The places in a pod's directory that its apps will need: empty volumes, the targets of mounts, /etc/hosts. Made while nothing runs
// in the pod; all of an image's paths are resolved inside its tree.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_PLACE_H
#define POD_PLACE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

// An empty volume at `path` below the pod's directory, by its mode, uid and gid; owners: these can be set. One that is there stays.
int place_volume(int pod, const char *path, const json_t *volume, bool owners, struct err *e);

// Makes sure that something can be mounted at `path` of the tree: a directory or, else, a file, made with its parents, root's, 0755.
// What is in the way is told, and replaced where it is of the other kind (rkt:E-002).
int place_target(int root, const char *path, bool directory, struct err *e);

// /proc, /sys and /dev as directories of the tree's root; /etc/hosts and /etc/resolv.conf where it has none, the latter with these
// bytes (rkt:O-001, O-002, B-015, X-07).
int place_system(int root, const struct buf *resolv, struct err *e);

#endif
