// Credentials the operator keeps per host in auth.d, JSON files as rkt's (rkt:C-016, rkt:A-057):
//
//   {"rktKind":"auth", "rktVersion":"v1", "domains":["example.com"], "type":"basic",
//   "credentials":{"user":"u", "password":"p"}}
//   {"rktKind":"auth", "rktVersion":"v1", "domains":["example.com:8443"], "type":"oauth",
//   "credentials":{"token":"t"}}
//
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_AUTH_H
#define NET_AUTH_H

#include "base/err.h"
#include "base/texts.h"

struct auth;

// Reads every *.json of these directories, each in lexical order; what comes later replaces what came earlier
// for the same domain. A directory that does not exist holds none; one that path_open_state refuses, or a
// file that group or others may read, is STATUS_REFUSED. Files of another rktKind are passed over. Returns
// NULL on failure.
struct auth *auth_load(const struct texts *directories, struct err *e);

// The value of Authorization for this HOST[:PORT] (url_host), or NULL. Owned by a. A secret: never to be
// shown.
const char *auth_header(const struct auth *a, const char *host);

// That value for a user and a password. Malloced; a secret.
char *auth_basic(const char *user, const char *password);
void auth_free(struct auth *a); // wipes; NULL is fine

#endif
