// tuf-pull - copy a TUF repository, verified
// SPDX-License-Identifier: Apache-2.0
//
// From where --repo says to PLACE, which is as for tuf-push: all roots, all roles that are delegated to, and the targets they list, each byte
// checked as a client checks it before it is written, and written as it was received (dtuf:O10). What PLACE has is not fetched. 1 for
// what a client would refuse, and when PLACE holds something newer. The order of writing is that of tuf-push (dtuf:O12).
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/progress.h"
#include "oci/registry.h"
#include "tuf/clientcmd.h"
#include "tuf/publishindex.h"
#include "tuf/targetget.h"

static struct {
	const char *targets;
} user;

static const struct cmd_option options[] = {
	CMD_TEXT(0, "targets-place", "PLACE", &user.targets, "where the targets go, when not there"),
	CMD_GROUP(targetget_options),
	CMD_GROUP(clientcmd_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tuf-pull",
	.operands = "PLACE",
	.summary = "copy a TUF repository, verified",
	.reads = CMD_NONE,
	.writes = CMD_NONE,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

struct pull {
	struct client c;
	struct publish place, targets_place;
	struct publish *targets; // one of the two
	int spool;               // where a blob waits until it is known to be good
};

// ---- roles ----

typedef int visit(struct pull *p, const struct received *role, const struct received *delegator, struct err *e);

struct walk {
	struct pull *p;
	visit *f;
	json_t *visited;
};

// Each role once, verified with the keys of the delegator that leads to it first.
static int walk_role(void *context, const struct received *delegator, const char *role, size_t index, struct err *e)
{
	struct walk *w = context;
	received_auto own = { 0 };
	(void)index;
	if (json_object_get(w->visited, role))
		return 0;
	json_object_set_new(w->visited, role, json_true());
	if (client_delegated(&w->p->c, delegator, role, &own, e) < 0 || w->f(w->p, &own, delegator, e) < 0)
		return -1;
	return client_each_delegation(&w->p->c, &own, walk_role, w, e);
}

static int each_delegated(struct pull *p, visit *f, struct err *e)
{
	jsonio_auto json_t *visited = json_object();
	struct walk w = { p, f, visited };
	return client_each_delegation(&p->c, &p->c.targets, walk_role, &w, e);
}

// ---- targets ----

struct source_blob { // where a blob comes from, if it is needed
	struct pull *p;
	const struct targetget *g;
	size_t which;
	bool fetched; // it is in the spool
};

static int open_blob(void *context, struct err *e)
{
	struct source_blob *s = context;
	int *spool = &s->p->spool;
	if (!s->fetched && (ftruncate(*spool, 0) < 0 || lseek(*spool, 0, SEEK_SET) < 0))
		return err_system(e, "temporary file: cannot empty");
	if (!s->fetched && targetget_fetch_blob(&s->p->c, s->g, s->which, *spool, e) < 0)
		return -1;
	s->fetched = true;
	return target_open_file(spool, e);
}

static int put_blob(struct source_blob *from, const char *digest, struct err *e)
{
	const struct targetget *g = from->g;
	struct target_blob b = { .digest = digest, .size = g->blobs[from->which].size, .open = open_blob, .open_context = from };
	return g->several ? publish_blob(from->p->targets, &b, e) : publish_target(from->p->targets, g->path, &b, e);
}

static int put_several(struct pull *p, const struct targetget *g, struct err *e)
{
	if (g->is_schema1 && !publish_is_tree(p->targets)) // dtuf:O18
		return err_set(e, STATUS_REFUSED, "its manifest is of Docker's schema 1, which is written to file:DIR only");
	for (size_t i = 0; i < g->count; i++) {
		struct source_blob from = { p, g, i, false };
		if (put_blob(&from, g->blobs[i].digest, e) < 0)
			return -1;
	}
	return 0;
}

// Under each name that it is to have.
static int put_names(struct pull *p, const struct targetget *g, char (*digests)[DIGEST_TEXT_MAX], size_t n, struct err *e)
{
	struct source_blob from = { p, g, 0, false };
	for (size_t i = 0; i < n; i++)
		if ((g->several ? publish_manifest(p->targets, g->path, &g->manifest, digests[i], e)
				: put_blob(&from, digests[i], e)) < 0)
			return -1;
	return 0;
}

static int put_target(struct pull *p, const json_t *target, struct publishindex *index, struct err *e)
{
	struct targetget g = { 0 };
	char digests[PUBLISH_DIGESTS][DIGEST_TEXT_MAX];
	const char *path = json_string_value(json_object_get(target, "path"));
	size_t n = publish_digests(p->targets, target, digests, e);
	int failed = !n || targetget_blobs(&p->c, target, &g, e) < 0 || (g.several && put_several(p, &g, e) < 0) ||
		put_names(p, &g, digests, n, e) < 0;
	if (!failed)
		publishindex_add(index, path, digests[0], json_integer_value(json_object_get(target, "length")), g.several);
	targetget_free(&g);
	return failed ? err_context(e, "target '%s'", path) : 0;
}

static int put_all(struct pull *p, const struct received *r, struct publishindex *index, struct err *e)
{
	struct scan_part key = { 0 }, value;
	for (struct scan_cursor c = scan_open(r->targets); scan_next(&c, &key, &value);) {
		mem_auto char *path = scan_text(key);
		jsonio_auto json_t *target = received_target(r, path, e);
		if (!target)
			return -1;
		json_object_set_new(target, "path", json_string(path));
		if (put_target(p, target, index, e) < 0)
			return -1;
	}
	return 0;
}

static int put_targets(struct pull *p, const struct received *r, const struct received *delegator, struct err *e)
{
	(void)delegator;
	struct publishindex index;
	publishindex_start(&index, r->role);
	int result = put_all(p, r, &index, e);
	if (!result && p->targets != &p->place)
		result = publishindex_put(&index, p->targets, e);
	publishindex_free(&index);
	return result;
}

// ---- metadata ----

// The version before, for readers that are about to ask for it (dtuf:O3). It is a courtesy: what is not signed by the same keys stays behind.
static int put_former(struct pull *p, const struct received *r, const struct keys_set *keys, struct err *e)
{
	struct err why = { 0 };
	buf_auto bytes = { 0 };
	received_auto former = { 0 };
	int64_t version = client_consistent(&p->c) ? remote_former(p->c.remote, r->role, r->version) : 0;
	if (!version || remote_metadata(p->c.remote, r->role, version, role_bytes_max(r->type), &bytes, &why) ||
		received_parse(&former, r->role, &bytes, &why) < 0 || former.version != version ||
		received_check_signatures(&former, keys, &why) < 0)
		return 0;
	return publish_former(&p->place, r->role, version, &former.bytes, e);
}

static int put_role(struct pull *p, const struct received *r, const struct received *delegator, struct err *e)
{
	keys_auto keys = { 0 };
	if (received_keys(delegator, r->role, &keys, e) < 0 || put_former(p, r, &keys, e) < 0)
		return -1;
	return publish_metadata(&p->place, r->role, client_consistent(&p->c) ? r->version : 0, &r->bytes, e);
}

// All roots that are there, from the first on. Those after the trusted one the client has followed; of those before, a client that trusts
// one judges by itself.
static int put_roots(struct pull *p, struct err *e)
{
	bool begun = false;
	for (int64_t v = 1; v <= p->c.root.version; v++) {
		buf_auto bytes = { 0 };
		received_auto root = { 0 };
		int result = remote_metadata(p->c.remote, "root", v, ROLE_ROOT_BYTES_MAX, &bytes, e);
		if (result > 0 && !begun)
			continue;
		begun = true;
		if (result > 0)
			return err_set(e, STATUS_NOT_FOUND, "root: the repository has no version %" PRId64, v);
		if (result < 0 || received_parse(&root, "root", &bytes, e) < 0 || received_check(&root, &root, e) < 0)
			return err_context(e, "root: version %" PRId64, v);
		if (root.version != v ||
			(v == p->c.root.version &&
				(root.bytes.length != p->c.root.bytes.length ||
					memcmp(root.bytes.data, p->c.root.bytes.data, root.bytes.length) != 0)))
			return err_set(e, STATUS_REFUSED, "root: version %" PRId64 " is another than the one that is trusted", v);
		if (publish_metadata(&p->place, "root", v, &root.bytes, e) < 0)
			return -1;
	}
	return 0;
}

// ---- the verb ----

static int check_newer(struct pull *p, struct err *e)
{
	buf_auto text = { 0 };
	role_auto there = { 0 };
	const struct buf *ours = &p->c.timestamp.bytes;
	int absent = publish_timestamp(&p->place, ROLE_TIMESTAMP_BYTES_MAX, &text, e);
	if (absent || (text.length == ours->length && !memcmp(text.data, ours->data, text.length)))
		return absent < 0 ? -1 : 0;
	if (role_parse(buf_text(&text), text.length, "the timestamp of the place", &there, e) < 0)
		return -1;
	if (there.version < p->c.timestamp.version)
		return 0;
	return err_set(e, STATUS_REFUSED, "the place has timestamp %" PRId64 ", and the repository %" PRId64 ": it would go back",
		there.version, p->c.timestamp.version);
}

static int pull(struct pull *p, struct err *e)
{
	const struct client *c = &p->c;
	if (clientcmd_update(&p->c, e) < 0 || check_newer(p, e) < 0)
		return -1;
	if (!client_consistent(c) && (publish_plain_names(&p->place, e) < 0 || publish_plain_names(p->targets, e) < 0))
		return -1;
	if (put_targets(p, &c->targets, &c->root, e) < 0 || each_delegated(p, put_targets, e) < 0 ||
		(p->targets != &p->place && publish_commit(p->targets, e) < 0) || each_delegated(p, put_role, e) < 0 ||
		put_roots(p, e) < 0 || put_role(p, &c->snapshot, &c->root, e) < 0 || put_role(p, &c->targets, &c->root, e) < 0 ||
		publish_metadata(&p->place, "timestamp", 0, &c->timestamp.bytes, e) < 0)
		return -1;
	return publish_commit(&p->place, e);
}

static int open_places(struct pull *p, const char *place, struct sandbox *s, struct err *e)
{
	if (publish_open(&p->place, place, PUBLISH_TO_PUT, s, e) < 0 ||
		(user.targets && publish_open(&p->targets_place, user.targets, PUBLISH_TO_PUT, s, e) < 0))
		return -1;
	p->targets = user.targets ? &p->targets_place : &p->place;
	const char *from;
	for (size_t i = 0; (from = remote_targets_place(i)); i++)
		publish_mount_from(p->targets, from);
	p->spool = io_spool(e);
	return p->spool < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct pull p = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands what = cmd_start(&cmd, argc, argv);
	if (!remote_is_given() || http_is_offline())
		cmd_usage("option --repo: missing, or --offline");
	int failed =
		open_places(&p, what.items[0], &sandbox, &e) < 0 || clientcmd_open(&p.c, &sandbox, &e) < 0 || pull(&p, &e) < 0;
	publish_close(&p.place);
	publish_close(&p.targets_place);
	if (failed)
		return cmd_fail(&e);
	clientcmd_close(&p.c);
	close(p.spool);
	return cmd_finish();
}
