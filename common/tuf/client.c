// client.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tuf/client.h"
#include "tuf/clientfile.h"
#include "tuf/delegation.h"

static struct {
	int64_t roots, roles, root_bytes, timestamp_bytes, snapshot_bytes, targets_bytes;
} user = { 256, 32, ROLE_ROOT_BYTES_MAX, ROLE_TIMESTAMP_BYTES_MAX, ROLE_SNAPSHOT_BYTES_MAX, ROLE_TARGETS_BYTES_MAX };

const struct cmd_option client_limits[] = {
	CMD_NUMBER(0, "max-roots", "N", &user.roots, 1, 1000000, "follow at most N new roots in one run; 256 unless told"),
	CMD_NUMBER(0, "max-roles", "N", &user.roles, 0, 1000000,
		"visit at most N delegated roles for one target; 32 unless told"),
	CMD_SIZE(0, "max-root-bytes", &user.root_bytes, "the longest root; 512000 unless told"),
	CMD_SIZE(0, "max-timestamp-bytes", &user.timestamp_bytes, "the longest timestamp; 16384 unless told"),
	CMD_SIZE(0, "max-snapshot-bytes", &user.snapshot_bytes,
		"the longest snapshot whose length is not signed; 2000000 unless told"),
	CMD_SIZE(0, "max-targets-bytes", &user.targets_bytes, "the same of a targets role; 5000000 unless told"),
	CMD_END,
};

int64_t client_max_roles(void)
{
	return user.roles;
}

bool client_consistent(const struct client *c)
{
	return role_is_consistent(c->root.body);
}

int client_open(struct client *c, const char *directory, struct remote *remote, bool write, struct sandbox *s, struct err *e)
{
	*c = (struct client){ .remote = remote, .now = date_now() };
	trusted_open_memory(&c->trusted);
	return directory ? trusted_open(&c->trusted, directory, remote || write, s, e) : 0;
}

void client_close(struct client *c)
{
	trusted_close(&c->trusted);
	received_free(&c->root);
	received_free(&c->timestamp);
	received_free(&c->snapshot);
	received_free(&c->targets);
	for (size_t i = 0; i < CLIENT_ROLES_KEPT; i++)
		received_free(&c->roles[i]);
}

static int rolled_back(struct err *e, const char *role, int64_t known, int64_t found)
{
	return err_set(e, STATUS_REFUSED, "%s: rolled back: version %" PRId64 " was known, now it is %" PRId64, role, known,
		found);
}

// ---- root ----

int client_load_root(struct client *c, struct err *e)
{
	buf_auto bytes = { 0 };
	received_free(&c->root);
	if (!trusted_read(&c->trusted, "root", (size_t)user.root_bytes, &bytes)) {
		err_set(e, STATUS_NOT_FOUND, "no trusted root: the directory has no root.json that can be read");
		return err_hint(e, "give the first one with --root");
	}
	if (received_parse(&c->root, "root", &bytes, e) < 0 || received_check(&c->root, &c->root, e) < 0) {
		received_free(&c->root);
		return err_context(e, "the trusted root");
	}
	return 0;
}

// Takes a root over. It is persisted at once (dtuf:S5), unless it is one of before the root that is there.
static int trust_root(struct client *c, struct received *root, struct err *e)
{
	if (root->version >= c->known_root && trusted_write(&c->trusted, "root", &root->bytes, e) < 0)
		return -1;
	received_move(&c->root, root);
	return 0;
}

int client_set_root(struct client *c, struct buf *bytes, struct err *e)
{
	received_auto root = { 0 };
	if (received_parse(&root, "root", bytes, e) < 0 || received_check(&root, &root, e) < 0)
		return -1;
	if (!client_load_root(c, &(struct err){ 0 }))
		c->known_root = c->root.version;
	return trust_root(c, &root, e);
}

// Whether a root lists each of these keys for its own role, and each signed it (dtuf:D35).
static bool is_by(const struct received *root, const struct key *keys, size_t count)
{
	keys_auto all = { 0 };
	struct err unused = { 0 };
	if (received_keys(root, "root", &all, &unused) < 0 || received_check_signatures(root, &all, &unused) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct keys_entry *listed = keys_find_key(&all, &keys[i]);
		if (!listed || !received_is_signed_by(root, listed))
			return false;
	}
	return true;
}

int client_find_root(struct client *c, const struct key *keys, size_t count, struct err *e)
{
	for (int64_t version = 1; version <= user.roots; version++) {
		received_auto root = { 0 };
		int result = clientfile_fetch(c, "root", version, user.root_bytes, &root, e);
		if (result < 0)
			return -1;
		if (result > 0)
			break;
		if (root.version != version || !is_by(&root, keys, count))
			continue;
		struct buf bytes = root.bytes;
		root.bytes = (struct buf){ 0 };
		return client_set_root(c, &bytes, e);
	}
	return err_set(e, STATUS_REFUSED, "no root of this repository lists the given keys and is signed by each of them");
}

// One step of the chain: 0, or 1 at its end, or -1.
static int next_root(struct client *c, struct err *e)
{
	received_auto root = { 0 };
	int64_t version = c->root.version + 1;
	int result = clientfile_fetch(c, "root", version, user.root_bytes, &root, e);
	if (result)
		return result;
	if (received_check(&root, &c->root, e) < 0)
		return err_context(e, "version %" PRId64 " by the keys of version %" PRId64, root.version, c->root.version);
	if (received_check(&root, &root, e) < 0)
		return err_context(e, "version %" PRId64 " by its own keys", root.version);
	return received_check_version(&root, version, e) < 0 ? -1 : trust_root(c, &root, e);
}

// Whether another set of keyids or another threshold is asked of a role.
static bool rotated(const json_t *before, const json_t *after, const char *role)
{
	const json_t *old = json_object_get(json_object_get(before, "roles"), role);
	const json_t *new = json_object_get(json_object_get(after, "roles"), role);
	return !json_equal(json_object_get(old, "keyids"), json_object_get(new, "keyids")) ||
		!json_equal(json_object_get(old, "threshold"), json_object_get(new, "threshold"));
}

// Fast-forward recovery (dtuf:S7).
static int recover(struct client *c, const json_t *start, struct err *e)
{
	static const char *const roles[] = { "timestamp", "snapshot" };
	bool lost = false;
	for (size_t i = 0; i < ARRAY_LENGTH(roles); i++) {
		received_auto local = { 0 };
		if (rotated(start, c->root.body, roles[i]))
			lost = lost || !clientfile_local_by_root(c, roles[i], ROLE_OWN_BYTES_MAX, &local);
	}
	for (size_t i = 0; lost && i < ARRAY_LENGTH(roles); i++)
		if (trusted_remove(&c->trusted, roles[i], e) < 0)
			return -1;
	return 0;
}

static int update_root(struct client *c, struct err *e)
{
	int result = 0;
	jsonio_auto json_t *start = json_incref(c->root.body);
	for (int64_t i = 0; i < user.roots && !result; i++)
		result = next_root(c, e);
	// What follows holds also when the chain broke off: the root is persisted already.
	if (recover(c, start, result < 0 ? &(struct err){ 0 } : e) < 0 || result < 0)
		return -1;
	if (c->root.version < c->known_root)
		return rolled_back(e, "root", c->known_root, c->root.version);
	return received_check_expiry(&c->root, c->now, e);
}

// ---- timestamp ----

static int check_timestamp(struct client *c, const struct received *local, const struct received *new, struct err *e)
{
	struct received_entry known, listed;
	if (received_check(new, &c->root, e) < 0)
		return -1;
	if (!local->role)
		return received_check_expiry(new, c->now, e);
	if (new->version < local->version)
		return rolled_back(e, "timestamp", local->version, new->version);
	if (new->version == local->version)
		return 0;
	received_entry(local, "snapshot", &known);
	received_entry(new, "snapshot", &listed);
	if (listed.version < known.version)
		return rolled_back(e, "timestamp: snapshot", known.version, listed.version);
	return received_check_expiry(new, c->now, e);
}

static int update_timestamp(struct client *c, struct err *e)
{
	received_auto local = { 0 };
	received_auto new = { 0 };
	clientfile_local_by_root(c, "timestamp", user.timestamp_bytes, &local);
	int result = clientfile_fetch(c, "timestamp", 0, user.timestamp_bytes, &new, e);
	if (result > 0)
		return err_set(e, STATUS_NOT_FOUND, "timestamp: the repository has none");
	if (result < 0 || check_timestamp(c, &local, &new, e) < 0)
		return -1;
	if (local.role && local.version == new.version) {
		received_move(&c->timestamp, &local);
		return received_check_expiry(&c->timestamp, c->now, e);
	}
	if (trusted_write(&c->trusted, "timestamp", &new.bytes, e) < 0)
		return -1;
	received_move(&c->timestamp, &new);
	return 0;
}

// ---- snapshot ----

// Every file known before is still listed, and not in a lower version (dtuf:S12).
static int check_rollback(const struct received *local, const struct received *new, struct err *e)
{
	const char *name;
	json_t *entry;
	const json_t *meta = json_object_get(new->body, "meta");
	json_object_foreach(json_object_get(local->body, "meta"), name, entry) {
		const json_t *now = json_object_get(meta, name);
		int64_t known = json_integer_value(json_object_get(entry, "version"));
		if (!now)
			return err_set(e, STATUS_REFUSED, "snapshot: rolled back: '%s' was listed, and is not now", name);
		if (json_integer_value(json_object_get(now, "version")) < known) {
			rolled_back(e, name, known, json_integer_value(json_object_get(now, "version")));
			return err_context(e, "snapshot");
		}
	}
	return 0;
}

static int update_snapshot(struct client *c, struct err *e)
{
	keys_auto keys = { 0 };
	received_auto local = { 0 };
	received_auto new = { 0 };
	struct received_entry entry;
	received_entry(&c->timestamp, "snapshot", &entry);
	if (received_keys(&c->root, "snapshot", &keys, e) < 0)
		return -1;
	bool known = clientfile_local(c, "snapshot", ROLE_OWN_BYTES_MAX, &keys, &local);
	if (known && local.version == entry.version && !role_expired(local.expires, c->now)) {
		received_move(&c->snapshot, &local);
		return 0;
	}
	if (clientfile_fetch_listed(c, "snapshot", &entry, user.snapshot_bytes, &keys, &new, e) < 0 ||
		(known && check_rollback(&local, &new, e) < 0) || received_check_expiry(&new, c->now, e) < 0 ||
		trusted_write(&c->trusted, "snapshot", &new.bytes, e) < 0)
		return -1;
	received_move(&c->snapshot, &new);
	return 0;
}

// ---- targets and what it delegates to ----

// Local, else from the network; out is verified with these keys.
static int update_listed(struct client *c, const char *role, const struct keys_set *keys, struct received *out, struct err *e)
{
	received_auto new = { 0 };
	struct received_entry entry;
	if (!received_entry(&c->snapshot, role, &entry))
		return err_set(e, STATUS_REFUSED, "%s: the snapshot does not list this role", role);
	if (clientfile_local_listed(c, role, &entry, user.targets_bytes, keys, out))
		return 0;
	if (!c->remote)
		return err_set(e, STATUS_NOT_FOUND, "%s: not among the local metadata in version %" PRId64 ", or expired", role,
			entry.version);
	if (clientfile_fetch_listed(c, role, &entry, user.targets_bytes, keys, &new, e) < 0 ||
		received_check_expiry(&new, c->now, e) < 0 || trusted_write(&c->trusted, role, &new.bytes, e) < 0)
		return -1;
	received_move(out, &new);
	return 0;
}

const struct received *client_role(struct client *c, const char *role, const struct keys_set *keys, struct err *e)
{
	for (size_t i = 0; i < CLIENT_ROLES_KEPT; i++)
		if (c->roles[i].role && !strcmp(c->roles[i].role, role))
			return received_check_signatures(&c->roles[i], keys, e) < 0 ? NULL : &c->roles[i];
	received_auto new = { 0 };
	if (update_listed(c, role, keys, &new, e) < 0)
		return NULL;
	struct received *place = &c->roles[c->next_role];
	c->next_role = (c->next_role + 1) % CLIENT_ROLES_KEPT;
	received_move(place, &new);
	return place;
}

int client_delegated(struct client *c, const struct received *delegator, const char *role, struct received *out, struct err *e)
{
	keys_auto keys = { 0 };
	return received_keys(delegator, role, &keys, e) < 0 ? -1 : update_listed(c, role, &keys, out, e);
}

int client_each_delegation(const struct client *c, const struct received *delegator, client_visit *visit, void *context,
	struct err *e)
{
	size_t i;
	const char *name;
	json_t *item;
	const json_t *delegations = json_object_get(delegator->body, "delegations");
	json_array_foreach(json_object_get(delegations, "roles"), i, item)
		if (visit(context, delegator, json_string_value(json_object_get(item, "name")), i, e) < 0)
			return -1;
	if (!delegation_bins(delegations, NULL, NULL))
		return 0;
	json_object_foreach(json_object_get(c->snapshot.body, "meta"), name, item) {
		mem_auto char *role = names_stem(name);
		if (role && delegation_find(delegations, role) && visit(context, delegator, role, 0, e) < 0)
			return -1;
	}
	return 0;
}

// ---- the whole ----

int client_refresh(struct client *c, struct err *e)
{
	if (update_root(c, e) < 0 || update_timestamp(c, e) < 0 || update_snapshot(c, e) < 0)
		return -1;
	return client_delegated(c, &c->root, "targets", &c->targets, e);
}

static int load_local(struct client *c, const char *role, int64_t limit, bool fresh, struct received *out, struct err *e)
{
	if (!clientfile_local_by_root(c, role, limit, out)) {
		err_set(e, STATUS_NOT_FOUND, "%s: not among the local metadata", role);
		return err_hint(e, "run tuf-refresh");
	}
	return fresh ? received_check_expiry(out, c->now, e) : 0;
}

int client_load(struct client *c, bool only_targets, struct err *e)
{
	struct received_entry entry;
	bool all = !only_targets;
	if ((all && received_check_expiry(&c->root, c->now, e) < 0) ||
		load_local(c, "timestamp", user.timestamp_bytes, all, &c->timestamp, e) < 0 ||
		load_local(c, "snapshot", ROLE_OWN_BYTES_MAX, all, &c->snapshot, e) < 0)
		return -1;
	received_entry(&c->timestamp, "snapshot", &entry);
	if (received_check_version(&c->snapshot, entry.version, e) < 0 ||
		load_local(c, "targets", ROLE_OWN_BYTES_MAX, true, &c->targets, e) < 0)
		return -1;
	if (!received_entry(&c->snapshot, "targets", &entry))
		return err_set(e, STATUS_REFUSED, "targets: the snapshot does not list this role");
	return received_check_version(&c->targets, entry.version, e);
}
