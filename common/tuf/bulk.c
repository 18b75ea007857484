// bulk.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/record.h"
#include "tuf/assemble.h"
#include "tuf/bulk.h"
#include "tuf/canon.h"
#include "tuf/delegation.h"
#include "tuf/names.h"

enum { BIN_DIGITS = 8 }; // of its number, in hex, before the path in a sorting key

// ---- which file a target belongs to ----

static const json_t *delegations(const struct bulk *b)
{
	return json_object_get(b->file.body, "delegations");
}

static int by_prefix(const void *a, const void *b)
{
	return strcmp(((const struct bulk_prefix *)a)->text, ((const struct bulk_prefix *)b)->text);
}

// Hash bins are delegations that go by hash prefixes alone.
static void read_prefixes(struct bulk *b)
{
	size_t i, j;
	json_t *role, *prefix;
	const json_t *roles = json_object_get(delegations(b), "roles");
	json_array_foreach(roles, i, role) {
		if (!json_object_get(role, "path_hash_prefixes")) {
			b->prefix_count = 0;
			return;
		}
		json_array_foreach(json_object_get(role, "path_hash_prefixes"), j, prefix) {
			if (!(b->prefix_count & (b->prefix_count - 1)))
				b->prefixes = mem_resize(b->prefixes, 2 * b->prefix_count + 1, sizeof *b->prefixes);
			b->prefixes[b->prefix_count++] = (struct bulk_prefix){ json_string_value(prefix), i };
		}
	}
	if (b->prefix_count)
		qsort(b->prefixes, b->prefix_count, sizeof *b->prefixes, by_prefix);
}

static const struct bulk_prefix *find_prefix(const struct bulk *b, const char hash[static NAMES_HASH_MAX])
{
	for (size_t n = 1; n < NAMES_HASH_MAX; n++) {
		char start[NAMES_HASH_MAX];
		memcpy(start, hash, n);
		start[n] = '\0';
		const struct bulk_prefix *found =
			bsearch(&(struct bulk_prefix){ start, 0 }, b->prefixes, b->prefix_count, sizeof *b->prefixes, by_prefix);
		if (found)
			return found;
	}
	return NULL;
}

static int bin_of(const struct bulk *b, const char *path, uint32_t *bin, struct err *e)
{
	char hash[NAMES_HASH_MAX];
	int bits;
	*bin = 0;
	if (delegation_bins(delegations(b), NULL, &bits)) {
		names_path_hash(path, hash);
		*bin = names_bin(hash, bits);
	} else if (b->prefix_count) {
		names_path_hash(path, hash);
		const struct bulk_prefix *found = find_prefix(b, hash);
		if (!found)
			return err_set(e, STATUS_REFUSED, "the target '%s': no hash bin takes it", path);
		*bin = (uint32_t)found->role;
	}
	return 0;
}

// The role of a bin; NULL where targets belong to the role itself.
static char *bin_role(const struct bulk *b, uint32_t bin)
{
	const char *prefix;
	int bits;
	if (delegation_bins(delegations(b), &prefix, &bits))
		return names_bin_role(prefix, bits, bin);
	const json_t *role = b->prefix_count ? json_array_get(json_object_get(delegations(b), "roles"), bin) : NULL;
	return mem_text(json_string_value(json_object_get(role, "name")));
}

// ---- collecting ----

int bulk_open(struct bulk *b, const char *path, const char *role, const char *delegator, struct err *e)
{
	*b = (struct bulk){ .path = path, .delegator = delegator, .changes = runs_new(RUNS_MEMORY) };
	if (draft_read(path, &b->file, e) < 0 || role_expect(&b->file, ROLE_TARGETS, path, e) < 0)
		return -1;
	b->role = role ? mem_text(role) : strcmp(path, "-") ? draft_role(path, e) : mem_text("targets");
	read_prefixes(b);
	return b->role ? 0 : -1;
}

void bulk_free(struct bulk *b)
{
	free(b->role);
	free(b->prefixes);
	role_free(&b->file);
	runs_free(b->changes);
	*b = (struct bulk){ 0 };
}

int bulk_change(struct bulk *b, const char *path, const json_t *target, struct err *e)
{
	uint32_t bin;
	buf_auto key = { 0 };
	buf_auto value = { 0 };
	if (names_check_target(path, e) < 0 || bin_of(b, path, &bin, e) < 0)
		return -1;
	if (target && (role_check_target(target, e) < 0 || canon_value(target, CANON_FILE, &value, e) < 0))
		return err_context(e, "the target '%s'", path);
	buf_add_format(&key, "%0*" PRIx32, BIN_DIGITS, bin);
	buf_add_text(&key, path);
	struct canon_span k = { key.data, key.length }, v = { buf_text(&value), value.length };
	return runs_add(b->changes, &k, &v, e);
}

// ---- merging ----

struct merge { // the changes as they come, one ahead; of several for one target the last
	struct bulk *bulk;
	struct buf key, value; // key empty at the end
	struct canon_span next_key, next_value;
	int more;
};

static int advance(struct merge *m, struct err *e)
{
	m->key.length = 0;
	while (m->more > 0) {
		bool same = m->key.length == m->next_key.length && !memcmp(m->key.data, m->next_key.text, m->key.length);
		if (m->key.length && !same)
			break;
		m->key.length = m->value.length = 0;
		buf_add(&m->key, m->next_key.text, m->next_key.length);
		buf_add(&m->value, m->next_value.text, m->next_value.length);
		m->more = runs_next(m->bulk->changes, &m->next_key, &m->next_value, e);
	}
	return m->more < 0 ? -1 : 0;
}

static void put(struct buf *out, const struct canon_span *key, const struct canon_span *value)
{
	if (out->length > 1)
		buf_add_byte(out, ',');
	buf_add(out, key->text, key->length);
	buf_add_byte(out, ':');
	buf_add(out, value->text, value->length);
}

static bool in_bin(const struct merge *m, const char *bin)
{
	return m->key.length && !memcmp(m->key.data, bin, BIN_DIGITS);
}

// The targets of one file, and the changes that belong to it, side by side.
static int merge_targets(struct merge *m, const char *bin, struct role *r, struct err *e)
{
	struct canon_span key, value;
	struct canon_walk walk = canon_walk_start(r->targets.data, r->targets.length);
	struct buf merged = { 0 };
	buf_reserve(&merged, r->targets.length);
	buf_add_byte(&merged, '{');
	bool there = canon_walk_next(&walk, &key, &value);
	while (there || in_bin(m, bin)) {
		buf_auto quoted = { 0 };
		if (in_bin(m, bin))
			canon_quote(m->key.data + BIN_DIGITS, &quoted);
		struct canon_span changed = { quoted.data, quoted.length }, to = { buf_text(&m->value), m->value.length };
		int order = !there ? 1 : !quoted.length ? -1 : canon_compare(&key, &changed);
		if (order < 0)
			put(&merged, &key, &value);
		else if (to.length)
			put(&merged, &changed, &to);
		else if (order > 0 && m->bulk->strict)
			err_set(e, STATUS_NOT_FOUND, "no target '%s'", m->key.data + BIN_DIGITS);
		if (e->status || (order >= 0 && advance(m, e) < 0)) {
			buf_free(&merged);
			return -1;
		}
		if (order <= 0)
			there = canon_walk_next(&walk, &key, &value);
	}
	buf_add_byte(&merged, '}');
	buf_free(&r->targets);
	r->targets = merged;
	return 0;
}

// The file of the bin at hand, which need not be there yet.
static int change_bin(struct merge *m, const char *bin, const char *role, const char *path, struct err *e)
{
	role_auto r = { 0 };
	keys_auto set = { 0 };
	if (access(path, F_OK) < 0)
		assemble_new(ROLE_TARGETS, &r);
	else if (draft_read(path, &r, e) < 0)
		return -1;
	if (role_expect(&r, ROLE_TARGETS, path, e) < 0 || merge_targets(m, bin, &r, e) < 0 || draft_change(&r, path, role, e) < 0)
		return -1;
	draft_expire(&r, draft_lifetime(ROLE_TARGETS));
	if (draft_has_keys() &&
		(role_keys(&m->bulk->file, role, &set, e) < 0 || draft_sign(&r, &set, e) < 0 || draft_all_used(e) < 0))
		return -1;
	return draft_write_unsynced(&r, path, e);
}

static int change_bins(struct merge *m, struct err *e)
{
	while (m->key.length) {
		char bin[BIN_DIGITS + 1];
		memcpy(bin, m->key.data, BIN_DIGITS);
		bin[BIN_DIGITS] = '\0';
		mem_auto char *role = bin_role(m->bulk, (uint32_t)strtoul(bin, NULL, 16));
		mem_auto char *name = names_role_file(role, 0);
		mem_auto char *path = draft_beside(m->bulk->path, name);
		if (change_bin(m, bin, role, path, e) < 0)
			return -1;
	}
	return draft_sync(m->bulk->path, e);
}

static int change_role(struct merge *m, struct err *e)
{
	struct bulk *b = m->bulk;
	if (merge_targets(m, "00000000", &b->file, e) < 0 || draft_change(&b->file, b->path, b->role, e) < 0)
		return -1;
	draft_expire(&b->file, draft_lifetime(ROLE_TARGETS));
	return draft_finish(&b->file, b->path, b->role, b->delegator, e);
}

int bulk_apply(struct bulk *b, struct err *e)
{
	struct merge m = { .bulk = b };
	mem_auto char *first = bin_role(b, 0);
	if (first && !strcmp(b->path, "-"))
		return err_set(e, STATUS_USAGE, "targets in bins are in other files: name the file, not stdin");
	if (runs_sort(b->changes, e) < 0)
		return -1;
	m.more = runs_next(b->changes, &m.next_key, &m.next_value, e);
	int failed = m.more < 0 || advance(&m, e) < 0 || (first ? change_bins(&m, e) : change_role(&m, e)) < 0;
	buf_free(&m.key);
	buf_free(&m.value);
	return failed ? -1 : 0;
}

// ---- changes from a list ----

static int change_by(struct bulk *b, const json_t *record, json_t *(*target_of)(const json_t *), struct err *e)
{
	const char *path = jsonio_need_text(record, "path", e);
	jsonio_auto json_t *target = path && target_of ? target_of(record) : NULL;
	return path ? bulk_change(b, path, target, e) : -1;
}

int bulk_read(struct bulk *b, const char *path, const char *role, const char *delegator,
	json_t *(*target_of)(const json_t *record), struct err *e)
{
	struct record_reader reader = { .fd = STDIN_FILENO };
	json_t *record = record_next(&reader, e);
	if (!record && !e->status)
		err_set(e, STATUS_MALFORMED, "no input: an earlier stage failed");
	if (record && !json_object_get(record, "path"))
		err_set(e, STATUS_MALFORMED, "stdin: record 1: field 'path': missing");
	if (!e->status)
		bulk_open(b, path, role, delegator, e);
	while (!e->status && record) {
		if (change_by(b, record, target_of, e) < 0)
			err_context(e, "stdin: record %zu", reader.count);
		json_decref(record);
		record = e->status ? NULL : record_next(&reader, e);
	}
	json_decref(record);
	record_reader_free(&reader);
	return e->status ? -1 : 0;
}
