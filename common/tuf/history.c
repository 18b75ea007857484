// history.h says what this promises.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "base/io.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "tuf/history.h"
#include "tuf/names.h"
#include "tuf/role.h"

static bool has_snapshot(const char *directory, const struct role *timestamp)
{
	buf_auto text = { 0 };
	char digest[DIGEST_TEXT_MAX];
	const json_t *entry = json_object_get(json_object_get(timestamp->body, "meta"), "snapshot.json");
	const char *hash = json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	int64_t version = json_integer_value(json_object_get(entry, "version"));
	mem_auto char *name = names_role_file("snapshot", version);
	mem_auto char *path = mem_format("%s/%s", directory, name);
	if (!hash || version < 1 || io_read_file(path, ROLE_OWN_BYTES_MAX, &text, &(struct err){ 0 }) < 0)
		return true;
	return !strcmp(digest_digits(hash_bytes(DIGEST_SHA256, buf_text(&text), text.length, digest)), hash);
}

int history_check(const struct buf *published, const struct buf *ours, const char *directory, struct err *e)
{
	role_auto before = { 0 };
	role_auto after = { 0 };
	if (published->length == ours->length && !memcmp(published->data, ours->data, ours->length))
		return 0;
	if (role_parse(published->data, published->length, "the published timestamp", &before, e) < 0 ||
		role_parse(ours->data, ours->length, "timestamp", &after, e) < 0)
		return -1;
	if (before.version >= after.version)
		return err_set(e, STATUS_REFUSED,
			"timestamp %" PRId64 " is published, and this is %" PRId64 ": somebody else published meanwhile",
			before.version, after.version);
	return has_snapshot(directory, &before) ? 0
						: err_set(e, STATUS_REFUSED,
							  "the published snapshot is not of this repository's history: "
							  "somebody else published meanwhile");
}
