// clientfile.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "base/msg.h"
#include "tuf/clientfile.h"

int clientfile_fetch(struct client *c, const char *role, int64_t version, int64_t limit, struct received *out, struct err *e)
{
	buf_auto bytes = { 0 };
	int result = remote_metadata(c->remote, role, version, (size_t)limit, &bytes, e);
	if (result)
		return result < 0 ? err_context(e, "%s", role) : result;
	return received_parse(out, role, &bytes, e);
}

bool clientfile_local(struct client *c, const char *role, int64_t limit, const struct keys_set *keys, struct received *out)
{
	struct err why = { 0 };
	buf_auto bytes = { 0 };
	if (!trusted_read(&c->trusted, role, (size_t)limit, &bytes))
		return false;
	if (!received_parse(out, role, &bytes, &why) && !received_check_signatures(out, keys, &why))
		return true;
	msg_verbose("the local file of '%s' is not used: %s", role, why.text);
	received_free(out);
	return false;
}

bool clientfile_local_by_root(struct client *c, const char *role, int64_t limit, struct received *out)
{
	keys_auto keys = { 0 };
	return !received_keys(&c->root, role, &keys, &(struct err){ 0 }) && clientfile_local(c, role, limit, &keys, out);
}

static int64_t listed_limit(const struct received_entry *entry, int64_t otherwise)
{
	return entry->length >= 0 ? entry->length : otherwise;
}

int clientfile_fetch_listed(struct client *c, const char *role, const struct received_entry *entry, int64_t limit,
	const struct keys_set *keys, struct received *out, struct err *e)
{
	buf_auto bytes = { 0 };
	int64_t version = client_consistent(c) ? entry->version : 0;
	int result = remote_metadata(c->remote, role, version, (size_t)listed_limit(entry, limit), &bytes, e);
	if (result > 0)
		return err_set(e, STATUS_NOT_FOUND, "%s: version %" PRId64 " is listed, but the repository does not have it",
			role, entry->version);
	if (result < 0)
		return err_context(e, "%s", role);
	if (entry->hashes && received_check_hashes(entry->hashes, buf_text(&bytes), bytes.length, role, e) < 0)
		return -1;
	if (received_parse(out, role, &bytes, e) < 0 || received_check_signatures(out, keys, e) < 0)
		return -1;
	return received_check_version(out, entry->version, e);
}

bool clientfile_local_listed(struct client *c, const char *role, const struct received_entry *entry, int64_t limit,
	const struct keys_set *keys, struct received *out)
{
	struct err why = { 0 };
	received_auto local = { 0 };
	if (!clientfile_local(c, role, listed_limit(entry, limit), keys, &local))
		return false;
	if (local.version != entry->version ||
		(entry->hashes && received_check_hashes(entry->hashes, local.bytes.data, local.bytes.length, role, &why) < 0) ||
		role_expired(local.expires, c->now))
		return false;
	received_move(out, &local);
	return true;
}
