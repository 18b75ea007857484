// Logins for registries, from the files that containers and docker programs share (containers-auth.json(5), docker's config.json). Searched
// in this order, the first that has one decides (dtuf:O20):
//
//   --authfile, REGISTRY_AUTH_FILE, $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json,
//   $DOCKER_CONFIG/config.json or ~/.docker/config.json
//
// and in each credHelpers, then credsStore, then auths; of their keys the most specific: HOST/PATH/REPOSITORY, HOST/PATH, HOST.
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_CREDENTIALS_H
#define NET_CREDENTIALS_H

#include "base/cmd.h"
#include "base/err.h"

extern const struct cmd_option credentials_options[]; // --authfile --login --registry-token

struct credential {
	char *user, *password; // both, or neither
	char *token;           // an identity token, to be exchanged for a registry's token; or NULL
};

// Reads the files, and starts the child that asks helpers when there are any. Call it before sandbox_enter, with one thread. What is wrong
// with a file is told when a login is looked for in it.
int credentials_prepare(struct err *e);

// 1 with a login for HOST[:PORT] and the repository (may be NULL), 0 when there is none, or -1. Forget it afterwards. A file that holds a
// secret and that group or others may read is STATUS_REFUSED.
int credentials_find(const char *host, const char *repository, struct credential *c, struct err *e);
void credentials_forget(struct credential *c); // wipes

// The token of --registry-token, to be sent without being asked; or NULL. It and --login are for one registry: the first host that this is
// called with. Records may name any other.
const char *credentials_token(const char *host);

void credentials_end(void);

// `docker.io` for each of the names that Docker's own registry has had, else the host itself.
const char *credentials_host(const char *host);

#endif
