// lintplace.h says what these promise, and lint.h what lint_open and lint_close do.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "tuf/lintplace.h"

struct lint_place {
	struct remote *tree, *older; // older is NULL where the older state is a client's directory
	struct trusted state;        // that directory
};

// A tree has metadata/; a client's directory has root.json.
static int open_older(struct lint_place *p, const char *from, struct sandbox *s, struct err *e)
{
	mem_auto char *metadata = mem_format("%s/metadata", from);
	mem_auto char *tree = mem_format("file:%s", from);
	bool is_place = remote_is_place(from);
	if (!is_place && access(metadata, X_OK) < 0)
		return trusted_open(&p->state, from, false, s, e);
	p->older = remote_open_at(is_place ? from : tree, NULL, NULL, s, e);
	return p->older ? 0 : -1;
}

struct lint_place *lint_open(struct remote *tree, const char *from, struct sandbox *s, struct err *e)
{
	struct lint_place *p = mem_alloc(sizeof *p);
	trusted_open_memory(&p->state);
	p->tree = tree;
	if (p->tree && (!from || open_older(p, from, s, e) == 0))
		return p;
	lint_close(p);
	return NULL;
}

struct remote *lintplace_tree(const struct lint_place *p)
{
	return p->tree;
}

void lint_close(struct lint_place *p)
{
	if (!p)
		return;
	remote_close(p->tree);
	remote_close(p->older);
	trusted_close(&p->state);
	free(p);
}

// ---- clients ----

// A client goes as far as the tree lets it. 0 or -1, as client_refresh.
static int run(struct client *c, struct remote *tree, int64_t now, struct err *e)
{
	int64_t before;
	c->remote = tree;
	c->now = now;
	do { // more new roots than one run follows take several
		before = c->root.version;
		if (client_refresh(c, e) < 0)
			return -1;
	} while (c->root.version > before);
	return 0;
}

static int start(struct client *c, struct remote *tree, int64_t first_root, struct err *e)
{
	buf_auto root = { 0 };
	if (client_open(c, NULL, NULL, false, NULL, e) < 0)
		return -1;
	int result = remote_metadata(tree, "root", first_root, ROLE_ROOT_BYTES_MAX, &root, e);
	if (result > 0)
		return err_set(e, STATUS_NOT_FOUND, "there is no '%" PRId64 ".root.json'", first_root);
	return result < 0 ? -1 : client_set_root(c, &root, e);
}

static bool said_before(const struct lint *l, const char *text)
{
	for (size_t i = 0; i < l->errors.count; i++)
		if (strstr(text, l->errors.items[i]) || strstr(l->errors.items[i], text))
			return true;
	return false;
}

static void tell(struct lint *l, const char *who, const struct err *why)
{
	if (!said_before(l, why->text))
		texts_take(&l->errors, mem_format("%s: %s", who, why->text));
}

static void run_new(const struct lint_place *p, struct lint *l)
{
	struct client c;
	struct err why = { 0 };
	if (start(&c, p->tree, l->first_root, &why) < 0 || run(&c, p->tree, l->now, &why) < 0)
		tell(l, "a client with no state", &why);
	client_close(&c);
}

// At a time when nothing was expired. 1 when nobody can be there, as its roots all came before the first that clients were given.
static int load_older_tree(const struct lint_place *p, const struct lint *l, struct client *c, struct err *e)
{
	int failed = start(c, p->older, l->first_root, e);
	if (failed && e->status == STATUS_NOT_FOUND && l->first_root > 1) {
		*e = (struct err){ 0 };
		return 1;
	}
	return failed || run(c, p->older, 0, e) < 0 ? err_context(e, "the older tree") : 0;
}

// Brings a client to the older state; 1 when there can be none.
static int load_older(const struct lint_place *p, const struct lint *l, struct client *c, struct err *e)
{
	buf_auto bytes = { 0 };
	if (p->older)
		return load_older_tree(p, l, c, e);
	if (client_open(c, NULL, NULL, false, NULL, e) < 0)
		return -1;
	for (enum role_type t = ROLE_ROOT; t <= ROLE_TARGETS; t++)
		if (trusted_read(&p->state, role_type_name(t), ROLE_OWN_BYTES_MAX, &bytes))
			trusted_write(&c->trusted, role_type_name(t), &bytes, e);
	return client_load_root(c, e) < 0 ? err_context(e, "the older state") : 0;
}

int lintplace_run(const struct lint_place *p, struct lint *l, struct err *e)
{
	struct client c;
	struct err why = { 0 };
	run_new(p, l);
	if (l->only_new || (!p->older && p->state.directory < 0))
		return 0;
	int failed = load_older(p, l, &c, e);
	if (!failed && run(&c, p->tree, l->now, &why) < 0)
		tell(l, "a client at the older state", &why);
	client_close(&c);
	return failed < 0 ? -1 : 0;
}
