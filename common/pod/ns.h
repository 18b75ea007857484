// Namespaces and the system calls around them that libc does not wrap.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_NS_H
#define POD_NS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

// openat2(2), O_CLOEXEC always. resolve: what linux/openat2.h calls RESOLVE_*. Returns a descriptor, or -1 with errno set.
int ns_open_at(int directory, const char *path, int flags, uint64_t resolve);

// A path of an image, below the directory `root` and as seen from there: `..` and symbolic links stay inside, magic links of procfs
// are not followed. As ns_open_at.
int ns_open_in_root(int root, const char *path, int flags);

// fork(2) into new namespaces (CLONE_NEW*). pidfd may be NULL. Returns as fork.
pid_t ns_fork(uint64_t namespaces, int *pidfd);

// Whether the caller's own user namespace has no ids but its own, as `unshare --map-root-user` makes it: groups cannot be set there.
bool ns_denies_groups(void);

// Maps the users and groups of the process `pid`, the child of this one that made itself a user namespace: 0 is the caller, 1 and up
// are the caller's subordinate ids (subuid(5), subgid(5)), set by newuidmap and newgidmap. Without a range, or without these
// programs, 0 is all there is: *whole is false then and *why (malloced) says what is missing, by name (rkt:A-058, rkt:E-013).
int ns_map_users(pid_t pid, bool *whole, char **why, struct err *e);

// Moves this process, which must have one thread, into a user namespace of its own, mapped as ns_map_users does.
int ns_enter_users(bool *whole, char **why, struct err *e);

#endif
