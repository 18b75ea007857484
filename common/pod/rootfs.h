// The root an app sees: its rendered tree with volumes, /proc, /sys and a private /dev, in a mount namespace of its own
// (appc OS-SPEC.md; rkt:O-001, rkt:O-003). Everything of the image is reached by descriptors that do not leave the tree, and no
// file system but the devices themselves allows device nodes: with MKNOD in the default set an app could make one otherwise.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_ROOTFS_H
#define POD_ROOTFS_H

#include <stdbool.h>

#include "base/err.h"
#include "pod/plan.h"

// Makes app's root the root of this process, which is in a mount namespace and a process namespace of its own (both new) and may
// mount in it. Its working directory must be the pod's: unlike a descriptor, that went along into the new namespace. mapped: the
// user namespace is new, too. Returns 0 or -1; after a failure the process is of no further use.
int rootfs_enter(const struct plan *plan, const struct plan_app *app, bool mapped, struct err *e);

// Makes an empty, read-only directory the root of this process: for one that needs none.
int rootfs_enter_nothing(struct err *e);

// Opens the source of a host volume (O_PATH): absolute, without symbolic links unless follow_links. STATUS_NOT_FOUND when it does
// not exist (rkt:E-004), STATUS_REFUSED for a symbolic link (rkt:E-005). Returns a descriptor or -1.
int rootfs_open_source(const char *source, bool follow_links, struct err *e);

#endif
