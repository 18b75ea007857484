// What the programs that read a repository as a client have in common: their options, and the start of each run.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_CLIENTCMD_H
#define TUF_CLIENTCMD_H

#include "tuf/map.h"

// --tuf --root, those of remote.h, client.h and registry.h, for their tables; and --no-refresh --only-targets-expiry for those that may
// work from what is there.
extern const struct cmd_option clientcmd_options[], clientcmd_local_options[];

// --map FILE: several repositories instead, whose metadata is in directories below that of --tuf. Then the client that the functions below
// take is none.
extern const struct cmd_option clientcmd_map_options[];

// Opens the repository and the directory, enters the sandbox (s may hold more), sets the root that --root gives. Ends the process where
// options are missing.
int clientcmd_open(struct client *c, struct sandbox *s, struct err *e);

// The top-level roles: refreshed, or with --no-refresh or --offline as they are in the directory.
int clientcmd_update(struct client *c, struct err *e);

// The repositories one after the other, each updated: without --map one that has no name. NULL past the last, or with e filled on failure.
// Where --root was given and no repository, that is all that is done.
struct client *clientcmd_repository(struct client *c, size_t i, const char **name, struct err *e);

// client_find, the client updated before its first; or with --map map_find.
int clientcmd_find(struct client *c, const char *path, struct map_found *found, struct err *e);

void clientcmd_close(struct client *c); // also ends the network

#endif
