// Tokens for registries (the distribution project's token authentication and OAuth 2 specifications; dtuf:D45, dtuf:D48, dtuf:O21): a
// registry's challenge names a realm, which gives a token for a scope to who logs in there, or to anyone.
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_TOKEN_H
#define OCI_TOKEN_H

#include "base/err.h"
#include "net/challenge.h"
#include "net/credentials.h"

struct token_request {
	const char *registry;              // the https URL that challenged
	bool local;                        // it is on this machine or link: its realm may be, too
	const struct challenge *challenge; // its realm is asked
	const char *scope;                 // scopes separated by blanks, or NULL for none
	const struct credential *login;    // or NULL
	const char *auth_host;             // asked in place of the realm's host, or NULL
};

// A token, malloced, or NULL. The realm is asked by https only. A login goes to another host than the registry's own only over verified
// TLS and when the challenge came by it, or when auth_host names that host (rkt:F-04, dtuf:A14); else the token is asked for without.
char *token_get(const struct token_request *q, struct err *e);

#endif
