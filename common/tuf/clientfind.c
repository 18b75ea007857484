// The search of client.h for one target through the delegations (dtuf:S19 to S23).
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tuf/client.h"
#include "tuf/delegation.h"

struct waiting { // a role that the search has still to visit, with the keys of the delegation that led to it
	char *role;
	struct keys_set keys;
};

struct search {
	struct client *c;
	const char *path;
	char hash[NAMES_HASH_MAX];
	struct waiting *stack; // the next one last
	size_t count;
	struct texts visited;
};

static void drop(struct search *s, size_t keep)
{
	for (; s->count > keep; s->count--) {
		free(s->stack[s->count - 1].role);
		keys_free(&s->stack[s->count - 1].keys);
	}
}

static int push(struct search *s, const struct received *delegator, const char *role, struct err *e)
{
	struct waiting w = { .role = mem_text(role) };
	if (received_keys(delegator, role, &w.keys, e) < 0) {
		free(w.role);
		return -1;
	}
	s->stack = mem_resize(s->stack, s->count + 1, sizeof *s->stack);
	s->stack[s->count++] = w;
	return 0;
}

// The first delegated is to be visited first: it has to lie on top.
static void turn(struct search *s, size_t first)
{
	for (size_t i = first, j = s->count; i + 1 < j; i++, j--) {
		struct waiting w = s->stack[i];
		s->stack[i] = s->stack[j - 1];
		s->stack[j - 1] = w;
	}
}

// A terminating delegation: whatever waits below `first` is not asked any more.
static void forget(struct search *s, size_t *first)
{
	for (size_t i = 0; i < *first; i++) {
		free(s->stack[i].role);
		keys_free(&s->stack[i].keys);
	}
	s->count -= *first;
	memmove(s->stack, s->stack + *first, s->count * sizeof *s->stack);
	*first = 0;
}

// Those of its delegations that cover the path, and no more than may still be visited.
static int push_delegations(struct search *s, const struct received *r, struct err *e)
{
	size_t i, first = s->count;
	json_t *role;
	const json_t *delegations = json_object_get(r->body, "delegations");
	mem_auto char *bin = delegation_bin(delegations, s->hash);
	if (bin)
		return push(s, r, bin, e);
	json_array_foreach(json_object_get(delegations, "roles"), i, role) {
		const char *name = json_string_value(json_object_get(role, "name"));
		if (!delegation_covers(role, s->path, s->hash))
			continue;
		if (!texts_has(&s->visited, name) && push(s, r, name, e) < 0)
			return -1;
		if (json_is_true(json_object_get(role, "terminating"))) {
			if (s->count)
				forget(s, &first);
			break;
		}
		if (s->count - first > (size_t)client_max_roles())
			break;
	}
	turn(s, first);
	return 0;
}

// The target, if this role has it; else its delegations wait. NULL, with e filled on failure.
static json_t *visit(struct search *s, const struct received *r, struct err *e)
{
	json_t *target = received_target(r, s->path, e);
	if (target) {
		json_object_set_new(target, "path", json_string(s->path));
		json_object_set_new(target, "role", json_string(r->role));
	} else if (!e->status) {
		push_delegations(s, r, e);
	}
	return target;
}

static json_t *visit_next(struct search *s, struct err *e)
{
	json_t *target = NULL;
	struct waiting next = s->stack[--s->count];
	if (!texts_has(&s->visited, next.role)) {
		texts_add(&s->visited, next.role);
		const struct received *r = client_role(s->c, next.role, &next.keys, e);
		target = r ? visit(s, r, e) : NULL;
	}
	free(next.role);
	keys_free(&next.keys);
	return target;
}

int client_ask(struct client *c, const char *path, json_t **target, struct err *e)
{
	struct search s = { .c = c, .path = path };
	if (names_check_target(path, e) < 0)
		return -1;
	names_path_hash(path, s.hash);
	*target = visit(&s, &c->targets, e);
	while (!*target && !e->status && s.count && s.visited.count < (size_t)client_max_roles())
		*target = visit_next(&s, e);
	int result = *target ? 0 : e->status ? err_context(e, "target '%s'", path) : 1;
	if (result > 0)
		err_set(e, STATUS_NOT_FOUND, "target '%s': no role that may speak for it has it", path);
	if (result > 0 && s.count)
		err_hint(e, "%" PRId64 " delegated roles were visited: see --max-roles", client_max_roles());
	drop(&s, 0);
	free(s.stack);
	texts_free(&s.visited);
	return result;
}

json_t *client_find(struct client *c, const char *path, struct err *e)
{
	json_t *target = NULL;
	client_ask(c, path, &target, e);
	return target;
}
