// Credential helpers in docker's protocol: `docker-credential-NAME get`, the server's address on stdin, JSON on stdout. A helper needs the
// user's whole world (a keyring, an agent, a browser), the program that asks it is confined: so a child that was forked before the
// sandbox closed runs it, which takes nothing but a server's address for one of the helpers the user configured.
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_CREDHELPER_H
#define NET_CREDHELPER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/texts.h"

bool credhelper_name_is_valid(const char *name); // letters, digits and ._- : it becomes part of a program's name

// Forks the child for these names. Call it while the process has one thread, before sandbox_enter.
int credhelper_start(const struct texts *names, struct err *e);

// What the helper wrote, into answer: 1; 0 when it has no login for the server, or -1.
int credhelper_ask(const char *name, const char *server, struct buf *answer, struct err *e);
void credhelper_end(void);

#endif
