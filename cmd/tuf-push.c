// tuf-push - publish a TUF repository
// SPDX-License-Identifier: Apache-2.0
//
// DIRECTORY: metadata as tuf-timestamp left it; PLACE: where clients read it. Everything is read and checked before the first byte is
// written: signatures of the top-level roles, versions, hashes, expiry, and that the place is not newer (1). Targets come first, then
// delegated roles, then the top-level ones, the timestamp last, so that readers never meet half a change (dtuf:O12).
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/date.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/progress.h"
#include "crypto/hash.h"
#include "oci/descriptor.h"
#include "tuf/canon.h"
#include "tuf/names.h"
#include "tuf/publish.h"
#include "tuf/remote.h"
#include "tuf/role.h"

static struct {
	const char *targets;
	bool replace, unchained;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "targets", "DIR", &user.targets,
		"publish the data of the targets, too, which is there as tuf-add --targets puts it"),
	CMD_FLAG(0, "replace", &user.replace, "also where what is published is newer, or another repository"),
	CMD_FLAG(0, "unchained", &user.unchained, "a root need not be signed by the one before: who trusts that is cut off"),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-push",
	.operands = "DIRECTORY PLACE",
	.summary = "publish a TUF repository",
	.reads = CMD_NONE,
	.writes = CMD_NONE,
	.least_operands = 2,
	.most_operands = 2,
	.options = options,
};

struct tree { // what shall be published
	const char *directory;
	int targets; // directory of the data, or -1
	struct role root, snapshot;
	struct buf timestamp, snapshot_text;
	bool consistent;
	int64_t now;
	struct publish place;
	struct progress progress;
};

// ---- metadata ----

static int read_file(const struct tree *t, const char *role, int64_t version, struct buf *text, struct role *r, struct err *e)
{
	mem_auto char *name = names_role_file(role, version);
	mem_auto char *path = mem_format("%s/%s", t->directory, name);
	mem_auto char *subject = mem_format("'%s'", path);
	text->length = 0;
	if (io_read_file(path, ROLE_OWN_BYTES_MAX, text, e) < 0)
		return -1;
	return r ? role_parse(buf_text(text), text->length, subject, r, e) : 0;
}

static int check_signed(const struct role *by, const struct role *r, const char *role, struct err *e)
{
	keys_auto set = { 0 };
	buf_auto payload = { 0 };
	role_payload(r, &payload);
	return role_keys(by, role, &set, e) < 0 ? -1
						: keys_check(&set, role, role_signatures(r), payload.data, payload.length, e);
}

static int check_current(const struct tree *t, const struct role *r, const char *role, struct err *e)
{
	char date[DATE_TEXT_MAX];
	if (strcmp(role_type_name(r->type), names_is_top_level(role) ? role : "targets") != 0)
		return err_set(e, STATUS_REFUSED, "%s: metadata of type %s", role, role_type_name(r->type));
	if (role_expired(r->expires, t->now))
		return err_set(e, STATUS_REFUSED, "%s: expired at %s", role, date_format(r->expires, date));
	return 0;
}

// All roots up to the newest, each signed by itself and by the one before.
static int check_roots(struct tree *t, struct err *e)
{
	buf_auto text = { 0 };
	role_auto newest = { 0 };
	if (read_file(t, "root", 0, &text, &newest, e) < 0)
		return -1;
	for (int64_t v = 1; v <= newest.version; v++) {
		role_auto r = { 0 };
		if (read_file(t, "root", v, &text, &r, e) < 0)
			return e->status == STATUS_NOT_FOUND && v == newest.version
				? err_hint(e, "root.json is not complete: it lacks signatures")
				: -1;
		if (r.type != ROLE_ROOT || r.version != v)
			return err_set(e, STATUS_REFUSED, "'%" PRId64 ".root.json': not version %" PRId64 " of a root", v, v);
		if (check_signed(&r, &r, "root", e) < 0 ||
			(v > 1 && !user.unchained && check_signed(&t->root, &r, "root", e) < 0))
			return err_context(e, "'%" PRId64 ".root.json'", v);
		role_free(&t->root);
		t->root = r;
		r = (struct role){ 0 };
	}
	t->consistent = json_is_true(json_object_get(t->root.body, "consistent_snapshot"));
	return check_current(t, &t->root, "root", e);
}

static int64_t file_version(const struct tree *t, int64_t version)
{
	return t->consistent ? version : 0;
}

// Whether the text is what another file lists it as.
static int check_listed(const json_t *entry, const char *role, const struct role *r, const struct buf *text, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	const json_t *length = json_object_get(entry, "length");
	const char *hash = json_string_value(json_object_get(json_object_get(entry, "hashes"), "sha256"));
	hash_bytes(DIGEST_SHA256, text->data, text->length, digest);
	if (r->version != json_integer_value(json_object_get(entry, "version")))
		return err_set(e, STATUS_REFUSED, "%s: version %" PRId64 ", but %" PRId64 " is listed", role, r->version,
			(int64_t)json_integer_value(json_object_get(entry, "version")));
	if ((length && json_integer_value(length) < (json_int_t)text->length) ||
		(hash && strcmp(hash, strchr(digest, ':') + 1) != 0))
		return err_set(e, STATUS_REFUSED,
			"%s: not the bytes that are listed: it changed after tuf-snapshot or tuf-timestamp", role);
	return 0;
}

static int check_top(struct tree *t, struct err *e)
{
	role_auto timestamp = { 0 };
	if (read_file(t, "timestamp", 0, &t->timestamp, &timestamp, e) < 0 ||
		check_signed(&t->root, &timestamp, "timestamp", e) < 0 || check_current(t, &timestamp, "timestamp", e) < 0)
		return -1;
	const json_t *entry = json_object_get(json_object_get(timestamp.body, "meta"), "snapshot.json");
	int64_t version = json_integer_value(json_object_get(entry, "version"));
	if (read_file(t, "snapshot", file_version(t, version), &t->snapshot_text, &t->snapshot, e) < 0 ||
		check_listed(entry, "snapshot", &t->snapshot, &t->snapshot_text, e) < 0 ||
		check_signed(&t->root, &t->snapshot, "snapshot", e) < 0)
		return -1;
	return check_current(t, &t->snapshot, "snapshot", e);
}

// ---- the roles that the snapshot lists ----

typedef int visit(struct tree *t, const char *role, const struct role *r, const struct buf *text, struct err *e);

static int each_role(struct tree *t, visit *f, struct err *e)
{
	const char *name;
	json_t *entry;
	json_object_foreach(json_object_get(t->snapshot.body, "meta"), name, entry) {
		size_t n = strlen(name);
		buf_auto text = { 0 };
		role_auto r = { 0 };
		if (n < 6 || strcmp(name + n - 5, ".json") != 0)
			return err_set(e, STATUS_REFUSED, "snapshot: lists '%s', which is no metadata file", name);
		mem_auto char *role = mem_text_n(name, n - 5);
		int64_t version = json_integer_value(json_object_get(entry, "version"));
		if (read_file(t, role, file_version(t, version), &text, &r, e) < 0 ||
			check_listed(entry, role, &r, &text, e) < 0 || f(t, role, &r, &text, e) < 0)
			return -1;
	}
	return 0;
}

// ---- the data of targets ----

static int open_data(const struct tree *t, const char *path, const char *hash, int64_t size, struct err *e)
{
	struct stat st;
	mem_auto char *hashed = remote_target_file(path, hash);
	mem_auto char *plain = remote_target_file(path, NULL);
	io_auto int fd = openat(t->targets, hashed, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fd = openat(t->targets, plain, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, STATUS_NOT_FOUND, "the target '%s': no data at '%s'", path, hashed);
	if (st.st_size != size)
		return err_set(e, STATUS_REFUSED, "the target '%s': %lld bytes: expected %" PRId64, path, (long long)st.st_size,
			size);
	return io_steal(fd);
}

static int put_blobs(struct tree *t, const struct buf *manifest, struct err *e)
{
	size_t i;
	json_t *layer;
	jsonio_auto json_t *m = jsonio_parse(manifest->data, manifest->length, "manifest", e);
	json_array_foreach(json_object_get(m, "layers"), i, layer) {
		struct descriptor d;
		if (descriptor_parse(layer, "layers", &d, e) < 0)
			return -1;
		const char *hash = strchr(d.digest, ':') + 1;
		mem_auto char *path = mem_format("blobs/sha256/%s", hash);
		io_auto int fd = openat(t->targets, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			return err_open(e, path);
		if (publish_blob(&t->place, fd, hash, d.size, e) < 0)
			return -1;
	}
	return m ? 0 : -1;
}

static int put_target(struct tree *t, const char *path, const char *hash, int64_t size, bool several, bool write, struct err *e)
{
	buf_auto manifest = { 0 };
	io_auto int fd = open_data(t, path, hash, size, e);
	if (fd < 0 || !write)
		return fd < 0 ? -1 : 0;
	progress_add(&t->progress, size);
	if (!several)
		return publish_target(&t->place, path, fd, hash, size, e);
	if (io_read_stream(fd, JSONIO_BYTES_MAX, path, &manifest, e) < 0)
		return -1;
	char digest[DIGEST_TEXT_MAX];
	hash_bytes(DIGEST_SHA256, buf_text(&manifest), manifest.length, digest);
	if (strcmp(digest + strlen("sha256:"), hash) != 0)
		return err_set(e, STATUS_REFUSED, "the target '%s': digest mismatch: expected sha256:%s, found %s", path, hash,
			digest);
	if (put_blobs(t, &manifest, e) < 0)
		return -1;
	return publish_manifest(&t->place, path, &manifest, hash, e);
}

static int each_target(struct tree *t, const struct role *r, bool write, struct err *e)
{
	struct canon_span key, value;
	struct canon_walk walk = canon_walk_start(r->targets.data, r->targets.length);
	while (canon_walk_next(&walk, &key, &value)) {
		mem_auto char *path = canon_unquote(&key);
		jsonio_auto json_t *target = jsonio_parse(value.text, value.length, "target", e);
		if (!target || role_check_target(target, e) < 0)
			return err_context(e, "the target '%s'", path);
		const char *hash = json_string_value(json_object_get(json_object_get(target, "hashes"), "sha256"));
		mem_auto char *digest = mem_format("sha256:%s", hash ? hash : "");
		if (!digest_valid(digest, NULL, NULL))
			return err_set(e, STATUS_REFUSED, "the target '%s': no sha256 is listed", path);
		bool several = json_object_get(json_object_get(target, "custom"), "blobs");
		if (put_target(t, path, digest + strlen("sha256:"), json_integer_value(json_object_get(target, "length")),
			    several, write, e) < 0)
			return -1;
	}
	return 0;
}

// ---- visits ----

static int check_role(struct tree *t, const char *role, const struct role *r, const struct buf *text, struct err *e)
{
	(void)text;
	if (!strcmp(role, "targets") && check_signed(&t->root, r, "targets", e) < 0)
		return -1;
	if (check_current(t, r, role, e) < 0)
		return -1;
	return t->targets < 0 ? 0 : each_target(t, r, false, e);
}

static int put_data(struct tree *t, const char *role, const struct role *r, const struct buf *text, struct err *e)
{
	(void)role;
	(void)text;
	return each_target(t, r, true, e);
}

static int put_delegated(struct tree *t, const char *role, const struct role *r, const struct buf *text, struct err *e)
{
	return strcmp(role, "targets") ? publish_metadata(&t->place, role, file_version(t, r->version), text, e) : 0;
}

static int put_targets_role(struct tree *t, const char *role, const struct role *r, const struct buf *text, struct err *e)
{
	return strcmp(role, "targets") ? 0 : publish_metadata(&t->place, role, file_version(t, r->version), text, e);
}

// ---- the verb ----

// 1 when this very timestamp is published already.
static int check_newer(struct tree *t, struct err *e)
{
	buf_auto text = { 0 };
	role_auto published = { 0 };
	role_auto ours = { 0 };
	int absent = publish_timestamp(&t->place, ROLE_TIMESTAMP_BYTES_MAX, &text, e);
	if (absent || user.replace)
		return absent < 0 ? -1 : 0;
	if (text.length == t->timestamp.length && !memcmp(text.data, t->timestamp.data, text.length))
		return 0;
	if (role_parse(buf_text(&text), text.length, "the published timestamp", &published, e) < 0 ||
		role_parse(t->timestamp.data, t->timestamp.length, "timestamp", &ours, e) < 0)
		return -1;
	if (published.version < ours.version)
		return 0;
	err_set(e, STATUS_REFUSED,
		"timestamp %" PRId64 " is published, and this is %" PRId64 ": somebody else published meanwhile",
		published.version, ours.version);
	return err_hint(e, "make a newer one of what is published, or --replace it");
}

static int put_roots(struct tree *t, struct err *e)
{
	buf_auto text = { 0 };
	for (int64_t v = 1; v <= t->root.version; v++)
		if (read_file(t, "root", v, &text, NULL, e) < 0 || publish_metadata(&t->place, "root", v, &text, e) < 0)
			return -1;
	return 0;
}

static int push(struct tree *t, struct err *e)
{
	if (check_roots(t, e) < 0 || check_top(t, e) < 0 || each_role(t, check_role, e) < 0)
		return -1;
	if (!t->consistent && t->place.index)
		return err_set(e, STATUS_REFUSED, "without consistent snapshots it can be published in file:DIR only");
	if (check_newer(t, e) < 0 || (t->targets >= 0 && each_role(t, put_data, e) < 0) || each_role(t, put_delegated, e) < 0 ||
		put_roots(t, e) < 0 ||
		publish_metadata(&t->place, "snapshot", file_version(t, t->snapshot.version), &t->snapshot_text, e) < 0 ||
		each_role(t, put_targets_role, e) < 0 || publish_metadata(&t->place, "timestamp", 0, &t->timestamp, e) < 0)
		return -1;
	return publish_commit(&t->place, e);
}

static int open_tree(struct tree *t, const char *place, struct sandbox *s, struct err *e)
{
	texts_add(&s->reads, t->directory);
	if (user.targets) {
		texts_add(&s->reads, user.targets);
		t->targets = open(user.targets, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (t->targets < 0)
			return err_open(e, user.targets);
	}
	return publish_open(&t->place, place, s, e) < 0 ? -1 : sandbox_enter(s, e);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	struct tree t = { .directory = what.items[0], .targets = -1, .now = date_now(), .place = { .directory = -1 } };
	progress_start(&t.progress, what.items[0], -1);
	int failed = open_tree(&t, what.items[1], &sandbox, &e) < 0 || push(&t, &e) < 0;
	if (failed)
		progress_abort(&t.progress);
	else
		progress_end(&t.progress);
	publish_close(&t.place);
	role_free(&t.root);
	role_free(&t.snapshot);
	buf_free(&t.timestamp);
	buf_free(&t.snapshot_text);
	if (t.targets >= 0)
		close(t.targets);
	return failed ? cmd_fail(&e) : cmd_finish();
}
