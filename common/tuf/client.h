// A TUF client: the workflow of section 5 of the specification (1.0.34), as dtuf:S1 to S30 settle it.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_CLIENT_H
#define TUF_CLIENT_H

#include "base/cmd.h"
#include "tuf/received.h"
#include "tuf/remote.h"
#include "tuf/trusted.h"

// The limits of dtuf:S, changeable: --max-roots --max-roles --max-root-bytes --max-timestamp-bytes --max-snapshot-bytes
// --max-targets-bytes.
extern const struct cmd_option client_limits[];

enum { CLIENT_ROLES_KEPT = 8 };

struct client {
	struct trusted trusted;
	struct remote *remote; // borrowed; NULL: local metadata alone
	int64_t now;           // taken once (dtuf:S2)
	int64_t known_root;    // version of the root that another one is to replace
	struct received root, timestamp, snapshot, targets;
	struct received roles[CLIENT_ROLES_KEPT]; // delegated ones of this run, verified anew by each lookup (dtuf:S23)
	size_t next_role;
};

// Takes the time and opens the directory of trusted metadata; with a remote, or to `write` a root, it is made when absent, and locked. Call it before
// sandbox_enter. Without a directory what is trusted is kept in memory.
int client_open(struct client *c, const char *directory, struct remote *remote, bool write, struct sandbox *s, struct err *e);
void client_close(struct client *c);

// Loads the trusted root. STATUS_NOT_FOUND when there is none; what does not meet its own threshold is STATUS_REFUSED (dtuf:S3).
int client_load_root(struct client *c, struct err *e);

// Makes this file the trusted root, if it is a root that meets its own threshold (dtuf:S32, D36). Takes bytes over. Where a root of a
// higher version is trusted already, that stays until client_refresh came as far from this one (dtuf:D37).
int client_set_root(struct client *c, struct buf *bytes, struct err *e);

// client_set_root with the first root of the repository that lists every one of these keys and is signed by each (dtuf:D35).
int client_find_root(struct client *c, const struct key *keys, size_t count, struct err *e);

// Updates the top-level roles from the trusted root on, which one of the three above has set (dtuf:S4 to S13). What was trusted on the
// way stays, whatever fails later. STATUS_REFUSED for a bad signature, a rollback, an expiry; STATUS_MALFORMED, STATUS_LIMIT, and what
// remote.h has.
int client_refresh(struct client *c, struct err *e);

// The top-level roles as they are in the directory, verified from the trusted root on, without a request (dtuf:S30). `only_targets`: of the
// expiries, only that of targets counts (dtuf:D40).
int client_load(struct client *c, bool only_targets, struct err *e);

// Looks a target up (dtuf:S19 to S23): its metadata with `path` and `role` added, a new reference. NULL on failure; STATUS_NOT_FOUND when
// no role has it.
json_t *client_find(struct client *c, const char *path, struct err *e);

// The same, where `no` is an answer: 0 with *target, 1 when no role has it, as e then says, or -1.
int client_ask(struct client *c, const char *path, json_t **target, struct err *e);

// A delegated role, verified with these keys: local, or fetched. Borrowed, until CLIENT_ROLES_KEPT others were asked for.
const struct received *client_role(struct client *c, const char *role, const struct keys_set *keys, struct err *e);

// A role that this one delegates to, verified with the keys that it lists; the caller's.
int client_delegated(struct client *c, const struct received *delegator, const char *role, struct received *out, struct err *e);

// Visits the roles that one delegates to in their order, with that as index; of succinct bins those that the snapshot lists, since there
// may be 2^32. Ends with -1 at the first visit that does.
typedef int client_visit(void *context, const struct received *delegator, const char *role, size_t index, struct err *e);
int client_each_delegation(const struct client *c, const struct received *delegator, client_visit *visit, void *context,
	struct err *e);

int64_t client_max_roles(void); // of one lookup

bool client_consistent(const struct client *c); // whether the repository has consistent snapshots

#endif
