// What the programs that read a repository as a client have in common: their options, and the start of each run.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_CLIENTCMD_H
#define TUF_CLIENTCMD_H

#include "tuf/client.h"

// --tuf --root, those of remote.h, client.h and http.h, for their tables; and --no-refresh --only-targets-expiry for those that may
// work from what is there.
extern const struct cmd_option clientcmd_options[], clientcmd_local_options[];

// Opens the repository and the directory, enters the sandbox (s may hold more), sets the root that --root gives. Ends the process where
// options are missing.
int clientcmd_open(struct client *c, struct sandbox *s, struct err *e);

// The top-level roles: refreshed, or with --no-refresh or --offline as they are in the directory.
int clientcmd_update(struct client *c, struct err *e);

bool clientcmd_only_root(void); // --root was given, and no repository: nothing but that is to be done

void clientcmd_close(struct client *c); // also ends the network

#endif
