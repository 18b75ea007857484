// tuf-push - publish a TUF repository
// SPDX-License-Identifier: Apache-2.0
//
// DIRECTORY: metadata as tuf-timestamp left it; PLACE: where clients read it. Before the first byte is written everything is judged as by
// tuf-lint (dtuf:R21): for a client with no state, for one at the state of the place, and that the place is not newer (1). Targets come
// first, then delegated roles, then the top-level ones, the timestamp last, so that readers never meet half a change (dtuf:O12).
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
#include "oci/registry.h"
#include "tuf/canon.h"
#include "tuf/history.h"
#include "tuf/lint.h"
#include "tuf/names.h"
#include "tuf/publishindex.h"
#include "tuf/remote.h"
#include "tuf/role.h"
#include "tuf/targetget.h"

static struct {
	const char *targets, *targets_place;
	int64_t first_root;
	bool replace, dry_run;
} user = { .first_root = 1 };

static const struct cmd_option options[] = {
	CMD_TEXT(0, "targets", "DIR", &user.targets,
		"publish the data of the targets, too, which is there as tuf-add --targets puts it"),
	CMD_TEXT(0, "targets-place", "PLACE", &user.targets_place, "where the targets go, when not there"),
	CMD_FLAG(0, "replace", &user.replace, "also where what is published is newer, or another repository"),
	CMD_NUMBER(0, "first-root", "N", &user.first_root, 1, INT64_MAX,
		"clients were given root N; who trusts an older one is cut off"),
	CMD_FLAG('n', "dry-run", &user.dry_run, "only judge it"),
	CMD_GROUP(registry_options),
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
	int64_t roots;
	struct role snapshot;
	struct buf timestamp;
	bool consistent;
	struct lint_place *lint;
	struct publish place, targets_place;
	struct publish *to; // where targets go: one of the two
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

static int read_top(struct tree *t, struct err *e)
{
	buf_auto text = { 0 };
	role_auto root = { 0 };
	role_auto timestamp = { 0 };
	if (read_file(t, "root", t->roots, &text, &root, e) < 0 ||
		role_parse(t->timestamp.data, t->timestamp.length, "timestamp", &timestamp, e) < 0)
		return -1;
	t->consistent = role_is_consistent(root.body);
	const json_t *entry = json_object_get(json_object_get(timestamp.body, "meta"), "snapshot.json");
	int64_t version = json_integer_value(json_object_get(entry, "version"));
	return read_file(t, "snapshot", t->consistent ? version : 0, &text, &t->snapshot, e);
}

// ---- the roles that the snapshot lists ----

typedef int visit(struct tree *t, const char *role, int64_t version, struct err *e);

static int each_role(struct tree *t, visit *f, struct err *e)
{
	const char *name;
	json_t *entry;
	json_object_foreach(json_object_get(t->snapshot.body, "meta"), name, entry) {
		mem_auto char *role = names_stem(name);
		if (!role)
			return err_set(e, STATUS_REFUSED, "snapshot: lists '%s', which is no metadata file", name);
		int64_t version = t->consistent ? json_integer_value(json_object_get(entry, "version")) : 0;
		if (strcmp(role, "root") != 0 && f(t, role, version, e) < 0)
			return -1;
	}
	return 0;
}

// ---- the data of targets ----

static int open_data(const struct tree *t, const char *path, const char *hash, int64_t size, struct err *e)
{
	struct stat st;
	mem_auto char *hashed = names_target_file(path, hash);
	mem_auto char *plain = names_target_file(path, NULL);
	io_auto int fd = openat(t->targets, hashed, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fd = openat(t->targets, plain, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, STATUS_NOT_FOUND, "no data at '%s'", hashed);
	if (st.st_size != size)
		return err_set(e, STATUS_REFUSED, "%lld bytes: expected %" PRId64, (long long)st.st_size, size);
	return io_steal(fd);
}

static int put_blobs(struct tree *t, const struct targetget *g, struct err *e)
{
	for (size_t i = 0; i < g->count; i++) {
		const char *hash = digest_digits(g->blobs[i].digest);
		mem_auto char *path = mem_format("blobs/sha256/%s", hash);
		io_auto int fd = openat(t->targets, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			return err_open(e, path);
		struct target_blob b = { .digest = g->blobs[i].digest,
			.size = g->blobs[i].size,
			.open = target_open_file,
			.open_context = &fd };
		if (publish_blob(t->to, &b, e) < 0)
			return -1;
	}
	return 0;
}

static int read_manifest(int fd, const char *path, const char *expected, struct buf *manifest, struct err *e)
{
	enum digest_algorithm algorithm = DIGEST_SHA256;
	char digest[DIGEST_TEXT_MAX];
	if (io_read_stream(fd, JSONIO_BYTES_MAX, path, manifest, e) < 0)
		return -1;
	digest_valid(expected, &algorithm, NULL);
	hash_bytes(algorithm, buf_text(manifest), manifest->length, digest);
	return !strcmp(digest, expected) ? 0
					 : err_set(e, STATUS_REFUSED, "digest mismatch: expected %s, found %s", expected, digest);
}

static int put_under(struct tree *t, const char *path, const char *digest, const json_t *target, struct err *e)
{
	buf_auto manifest = { 0 };
	int64_t size = json_integer_value(json_object_get(target, "length"));
	io_auto int fd = open_data(t, path, digest_digits(digest), size, e);
	if (fd < 0)
		return -1;
	progress_add(&t->progress, size);
	struct target_blob b = { .digest = digest, .size = size, .open = target_open_file, .open_context = &fd };
	if (!json_is_integer(role_target_blobs(target)))
		return publish_target(t->to, path, &b, e);
	struct targetget g = { .target = target, .path = path };
	int failed = read_manifest(fd, path, digest, &manifest, e) < 0 || targetget_manifest(&g, &manifest, e) < 0 ||
		put_blobs(t, &g, e) < 0;
	targetget_free(&g);
	return failed ? -1 : publish_manifest(t->to, path, &manifest, digest, e);
}

static int put_target(struct tree *t, const char *path, const json_t *target, struct publishindex *index, struct err *e)
{
	char digests[PUBLISH_DIGESTS][DIGEST_TEXT_MAX];
	size_t n = role_check_target(target, e) < 0 ? 0 : publish_digests(t->to, target, digests, e);
	for (size_t i = 0; i < n; i++)
		if (put_under(t, path, digests[i], target, e) < 0)
			return -1;
	if (n)
		publishindex_add(index, path, digests[0], json_integer_value(json_object_get(target, "length")),
			json_is_integer(role_target_blobs(target)));
	return n ? 0 : -1;
}

static int put_targets(struct tree *t, const struct role *r, struct publishindex *index, struct err *e)
{
	struct canon_span key, value;
	struct canon_walk walk = canon_walk_start(r->targets.data, r->targets.length);
	while (canon_walk_next(&walk, &key, &value)) {
		mem_auto char *path = canon_unquote(&key);
		jsonio_auto json_t *target = jsonio_parse(value.text, value.length, "target", e);
		if (!target || put_target(t, path, target, index, e) < 0)
			return err_context(e, "the target '%s'", path);
	}
	return 0;
}

static int put_data(struct tree *t, const char *role, int64_t version, struct err *e)
{
	buf_auto text = { 0 };
	role_auto r = { 0 };
	struct publishindex index;
	if (read_file(t, role, version, &text, &r, e) < 0)
		return -1;
	publishindex_start(&index, role);
	int result = put_targets(t, &r, &index, e);
	if (!result && t->to != &t->place)
		result = publishindex_put(&index, t->to, e);
	publishindex_free(&index);
	return result;
}

// ---- metadata, written ----

static int64_t former_version(const struct tree *t, const char *role, int64_t version)
{
	io_auto int directory = open(t->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory < 0 ? 0 : names_former_version(directory, role, version);
}

// The version before, as it is here, for a place that has published none (dtuf:O3, O24).
static int put_former(struct tree *t, const char *role, int64_t version, struct err *e)
{
	buf_auto text = { 0 };
	int64_t former = publish_is_tree(&t->place) || !strcmp(role, "root") ? 0 : former_version(t, role, version);
	if (!former)
		return 0;
	return read_file(t, role, former, &text, NULL, e) < 0 ? -1 : publish_former(&t->place, role, former, &text, e);
}

static int put_metadata(struct tree *t, const char *role, int64_t version, struct err *e)
{
	buf_auto text = { 0 };
	if (read_file(t, role, version, &text, NULL, e) < 0 || put_former(t, role, version, e) < 0)
		return -1;
	return publish_metadata(&t->place, role, version, &text, e);
}

static int put_delegated(struct tree *t, const char *role, int64_t version, struct err *e)
{
	return strcmp(role, "targets") ? put_metadata(t, role, version, e) : 0;
}

static int put_targets_role(struct tree *t, const char *role, int64_t version, struct err *e)
{
	return strcmp(role, "targets") ? 0 : put_metadata(t, role, version, e);
}

static int each_root(struct tree *t, visit *f, struct err *e)
{
	for (int64_t v = 1; v <= t->roots; v++)
		if (f(t, "root", v, e) < 0)
			return -1;
	return 0;
}

// ---- judging ----

// 1 when a timestamp is published, and 0 when none is, or shall be compared.
static int check_newer(struct tree *t, struct err *e)
{
	buf_auto published = { 0 };
	int absent = publish_timestamp(&t->place, ROLE_TIMESTAMP_BYTES_MAX, &published, e);
	if (absent || user.replace)
		return absent < 0 ? -1 : 0;
	if (history_check(&published, &t->timestamp, t->directory, e) == 0)
		return 1;
	return e->status == STATUS_REFUSED ? err_hint(e, "make a newer one of what is published, or --replace it") : -1;
}

static int check_clients(struct tree *t, bool published, struct err *e)
{
	struct lint l = { .now = date_now(),
		.first_root = user.first_root,
		.data = t->targets < 0 ? LINT_DATA_UNSEEN : LINT_DATA_THERE,
		.only_new = !published };
	int failed = lint_tree(t->lint, &l, e) < 0 || lint_judge(&l, t->directory, e) < 0;
	if (!failed && l.newest_root != t->roots) {
		failed = err_set(e, STATUS_REFUSED, "'root.json' is version %" PRId64 ", and complete is %" PRId64, t->roots,
			l.newest_root);
		err_hint(e, "root.json is not complete: it lacks signatures");
	}
	lint_free(&l);
	return failed ? -1 : 0;
}

// What nothing delegates to, and roots before the first, clients do not ask for, and they are published all the same.
static int check_file(struct tree *t, const char *role, int64_t version, struct err *e)
{
	mem_auto char *name = names_role_file(role, version);
	mem_auto char *path = mem_format("%s/%s", t->directory, name);
	return access(path, R_OK) < 0 ? err_open(e, path) : 0;
}

// By root.json, which a publisher has; what was published, and pulled from there, has roots with a version alone.
static int find_newest_root(struct tree *t, struct err *e)
{
	buf_auto text = { 0 };
	role_auto root = { 0 };
	if (read_file(t, "root", 0, &text, &root, e) == 0) {
		t->roots = root.version;
		return 0;
	}
	t->roots = e->status == STATUS_NOT_FOUND ? former_version(t, "root", 0) : 0;
	if (t->roots)
		*e = (struct err){ 0 };
	return t->roots ? 0 : -1;
}

static int check(struct tree *t, struct err *e)
{
	if (find_newest_root(t, e) < 0 || read_file(t, "timestamp", 0, &t->timestamp, NULL, e) < 0)
		return -1;
	int published = check_newer(t, e);
	if (published < 0 || check_clients(t, published, e) < 0 || read_top(t, e) < 0 || each_root(t, check_file, e) < 0 ||
		each_role(t, check_file, e) < 0)
		return -1;
	return t->consistent || (publish_plain_names(&t->place, e) == 0 && publish_plain_names(t->to, e) == 0) ? 0 : -1;
}

// ---- the verb ----

static int push(struct tree *t, struct err *e)
{
	if (check(t, e) < 0 || user.dry_run)
		return user.dry_run && !e->status ? 0 : -1;
	if ((t->targets >= 0 && each_role(t, put_data, e) < 0) || (t->to != &t->place && publish_commit(t->to, e) < 0) ||
		each_role(t, put_delegated, e) < 0 || each_root(t, put_metadata, e) < 0 ||
		put_metadata(t, "snapshot", t->consistent ? t->snapshot.version : 0, e) < 0 ||
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
	mem_auto char *metadata = mem_format("file:%s", t->directory);
	mem_auto char *targets = user.targets ? mem_format("file:%s", user.targets) : NULL;
	if (publish_open(&t->place, place, PUBLISH_TO_PUT, s, e) < 0 ||
		(user.targets_place && publish_open(&t->targets_place, user.targets_place, PUBLISH_TO_PUT, s, e) < 0))
		return -1;
	t->to = user.targets_place ? &t->targets_place : &t->place;
	t->lint = lint_open(remote_open_at(NULL, metadata, targets, s, e), place, s, e);
	return t->lint ? sandbox_enter(s, e) : -1;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	struct tree t = { .directory = what.items[0], .targets = -1 };
	progress_start(&t.progress, what.items[0], -1);
	int failed = open_tree(&t, what.items[1], &sandbox, &e) < 0 || push(&t, &e) < 0;
	if (failed)
		progress_abort(&t.progress);
	else
		progress_end(&t.progress);
	publish_close(&t.place);
	publish_close(&t.targets_place);
	lint_close(t.lint);
	registry_end();
	role_free(&t.snapshot);
	buf_free(&t.timestamp);
	if (t.targets >= 0)
		close(t.targets);
	return failed ? cmd_fail(&e) : cmd_finish();
}
