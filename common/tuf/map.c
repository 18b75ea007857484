// map.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "tuf/map.h"
#include "tuf/names.h"

struct repository {
	const char *name; // borrowed from the file
	struct client client;
	struct err failed; // why it cannot be asked
	bool updated;
};

struct map {
	json_t *file;
	struct repository *repositories;
	size_t count;
};

// ---- the form of the file ----

static int check_texts(const json_t *list, const char *what, struct err *e)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item)
		if (!json_string_length(item))
			return err_set(e, STATUS_MALFORMED, "%s[%zu]: not a text, or an empty one", what, i);
	return json_array_size(list) ? 0 : err_set(e, STATUS_MALFORMED, "%s: not a list, or an empty one", what);
}

static int check_repositories(const json_t *repositories, struct err *e)
{
	const char *name;
	json_t *places;
	json_object_foreach((json_t *)(uintptr_t)repositories, name, places) {
		if (!*name)
			return err_set(e, STATUS_MALFORMED, "repositories: an empty name");
		if (check_texts(places, name, e) < 0)
			return err_context(e, "repositories");
	}
	return json_object_size(repositories) ? 0 : err_set(e, STATUS_MALFORMED, "repositories: not an object, or an empty one");
}

// One that is named twice would count twice.
static int check_names(const json_t *names, const json_t *repositories, struct err *e)
{
	size_t i;
	json_t *item;
	jsonio_auto json_t *seen = json_object();
	json_array_foreach(names, i, item) {
		const char *name = json_string_value(item);
		if (!json_object_get(repositories, name))
			return err_set(e, STATUS_MALFORMED, "repositories[%zu]: '%s' is none of the repositories", i, name);
		if (json_object_get(seen, name))
			return err_set(e, STATUS_MALFORMED, "repositories[%zu]: '%s' is listed twice", i, name);
		json_object_set_new(seen, name, json_true());
	}
	return 0;
}

static int check_mapping(const json_t *mapping, const json_t *repositories, struct err *e)
{
	const json_t *names = json_object_get(mapping, "repositories"), *threshold = json_object_get(mapping, "threshold");
	if (check_texts(json_object_get(mapping, "paths"), "paths", e) < 0 || check_texts(names, "repositories", e) < 0 ||
		check_names(names, repositories, e) < 0)
		return -1;
	if (!json_is_integer(threshold) || json_integer_value(threshold) < 1 ||
		json_integer_value(threshold) > (json_int_t)json_array_size(names))
		return err_set(e, STATUS_MALFORMED, "threshold: expected 1 to %zu, the number of its repositories",
			json_array_size(names));
	return json_is_boolean(json_object_get(mapping, "terminating"))
		? 0
		: err_set(e, STATUS_MALFORMED, "terminating: expected true or false");
}

static int check_file(const json_t *file, struct err *e)
{
	size_t i;
	json_t *mapping;
	const json_t *repositories = json_object_get(file, "repositories"), *mappings = json_object_get(file, "mapping");
	if (check_repositories(repositories, e) < 0)
		return -1;
	if (!json_array_size(mappings))
		return err_set(e, STATUS_MALFORMED, "mapping: not a list, or an empty one");
	json_array_foreach(mappings, i, mapping)
		if (check_mapping(mapping, repositories, e) < 0)
			return err_context(e, "mapping[%zu]", i);
	return 0;
}

// ---- repositories ----

static int by_name(const void *left, const void *right)
{
	const struct repository *a = left, *b = right;
	return strcmp(a->name, b->name);
}

static void open_repository(struct repository *r, const json_t *places, const char *directory, bool local, struct sandbox *s)
{
	size_t i;
	json_t *place;
	buf_auto path = { 0 };
	texts_auto mirrors = { 0 };
	json_array_foreach(places, i, place)
		texts_add(&mirrors, json_string_value(place));
	buf_add_format(&path, "%s/", directory);
	names_file(r->name, &path);
	struct remote *remote = local ? NULL : remote_open_mirrors(&mirrors, s, &r->failed);
	if (local || remote)
		client_open(&r->client, buf_text(&path), remote, false, s, &r->failed);
	if (r->failed.status)
		err_context(&r->failed, "repository '%s'", r->name);
}

// In the order of their names, so that two programs with other maps do not wait for each other's locks.
static int open_repositories(struct map *m, const char *directory, bool local, struct sandbox *s, struct err *e)
{
	const char *name;
	json_t *places, *repositories = json_object_get(m->file, "repositories");
	m->repositories = mem_alloc(json_object_size(repositories) * sizeof *m->repositories);
	json_object_foreach(repositories, name, places) {
		m->repositories[m->count] = (struct repository){ .name = name };
		trusted_open_memory(&m->repositories[m->count++].client.trusted);
	}
	qsort(m->repositories, m->count, sizeof *m->repositories, by_name);
	for (size_t i = 0; i < m->count; i++) {
		struct repository *r = &m->repositories[i];
		open_repository(r, json_object_get(repositories, r->name), directory, local, s);
		if (r->failed.status == STATUS_USAGE) {
			*e = r->failed;
			return -1;
		}
	}
	return 0;
}

struct map *map_open(const char *file, const char *directory, bool local, struct sandbox *s, struct err *e)
{
	struct map *m = mem_alloc(sizeof *m);
	m->file = jsonio_read_file(file, e);
	if (m->file && check_file(m->file, e) < 0)
		err_context(e, "'%s'", file);
	if (!e->status && open_repositories(m, directory, local, s, e) == 0)
		return m;
	map_close(m);
	return NULL;
}

void map_close(struct map *m)
{
	for (size_t i = 0; m && i < m->count; i++) {
		remote_close(m->repositories[i].client.remote);
		client_close(&m->repositories[i].client);
	}
	if (!m)
		return;
	json_decref(m->file);
	free(m->repositories);
	free(m);
}

const char *map_name(const struct map *m, size_t i)
{
	return i < m->count ? m->repositories[i].name : NULL;
}

struct client *map_client(struct map *m, size_t i, map_update *update, struct err *e)
{
	struct repository *r = &m->repositories[i];
	if (!r->failed.status && !r->updated &&
		(client_load_root(&r->client, &r->failed) < 0 || update(&r->client, &r->failed) < 0))
		err_context(&r->failed, "repository '%s'", r->name);
	r->updated = true;
	if (!r->failed.status)
		return &r->client;
	*e = r->failed;
	return NULL;
}

// ---- one mapping ----

struct answer {
	struct client *client;
	json_t *target;
	const char *name;
};

struct poll { // the repositories of a mapping
	struct answer *answers;
	size_t count;
	struct err failed; // of the first that could not be asked
};

static bool agree(const json_t *a, const json_t *b)
{
	const json_t *blobs_a = role_target_blobs(a), *blobs_b = role_target_blobs(b);
	return json_equal(json_object_get(a, "length"), json_object_get(b, "length")) &&
		json_equal(json_object_get(a, "hashes"), json_object_get(b, "hashes")) &&
		(blobs_a ? json_equal(blobs_a, blobs_b) : !blobs_b);
}

// Those that say the same as the newest answer; taken into found when they are enough.
static bool is_enough(const struct poll *p, json_int_t threshold, struct map_found *found)
{
	size_t count = 0;
	json_t *names = json_array();
	const json_t *last = p->answers[p->count - 1].target;
	struct client **clients = mem_alloc(p->count * sizeof *clients);
	for (size_t i = 0; i < p->count; i++) {
		const struct answer *a = &p->answers[i];
		if (!agree(a->target, last))
			continue;
		if (!count)
			found->target = a->target;
		clients[count++] = a->client;
		json_array_append_new(names, json_string(a->name));
	}
	found->clients = clients;
	found->count = count;
	if ((json_int_t)count >= threshold) {
		json_object_set_new(json_incref(found->target), "repositories", names);
		return true;
	}
	json_decref(names);
	free(clients);
	*found = (struct map_found){ 0 };
	return false;
}

static size_t index_of(const struct map *m, const char *name)
{
	size_t i = 0;
	while (strcmp(m->repositories[i].name, name) != 0)
		i++;
	return i;
}

static void ask(struct map *m, const char *name, const char *path, map_update *update, struct poll *p)
{
	struct err e = { 0 };
	json_t *target = NULL;
	struct client *c = map_client(m, index_of(m, name), update, &e);
	int result = c ? client_ask(c, path, &target, &e) : -1;
	if (!result)
		p->answers[p->count++] = (struct answer){ c, target, name };
	if (result >= 0)
		return;
	if (c)
		err_context(&e, "repository '%s'", name);
	if (p->failed.status)
		msg_warn("%s", p->failed.text);
	p->failed = e;
}

// 0, or 1 when it is not agreed on, with the reason in e, or -1.
static int poll(struct map *m, const json_t *mapping, const char *path, map_update *update, struct map_found *found,
	struct err *e)
{
	size_t i;
	json_t *name;
	bool done = false;
	const json_t *names = json_object_get(mapping, "repositories");
	json_int_t threshold = json_integer_value(json_object_get(mapping, "threshold"));
	struct poll p = { .answers = mem_alloc(json_array_size(names) * sizeof *p.answers) };
	json_array_foreach(names, i, name) {
		size_t before = p.count;
		ask(m, json_string_value(name), path, update, &p);
		done = p.count > before && is_enough(&p, threshold, found);
		if (done)
			break;
	}
	if (p.failed.status && done)
		msg_warn("%s", p.failed.text);
	else if (p.failed.status)
		*e = p.failed;
	else if (!done && p.count)
		err_set(e, STATUS_REFUSED,
			"target '%s': the repositories do not agree: %zu have it, and %" JSON_INTEGER_FORMAT " must say the same",
			path, p.count, threshold);
	else if (!done && !e->status)
		err_set(e, STATUS_NOT_FOUND, "target '%s': no repository that may speak for it has it", path);
	int result = done ? 0 : p.failed.status ? -1 : 1;
	for (i = 0; i < p.count; i++)
		json_decref(p.answers[i].target);
	free(p.answers);
	return result;
}

static bool covers(const json_t *mapping, const char *path)
{
	size_t i;
	json_t *pattern;
	json_array_foreach(json_object_get(mapping, "paths"), i, pattern)
		if (names_match_whole(json_string_value(pattern), path))
			return true;
	return false;
}

int map_find(struct map *m, const char *path, map_update *update, struct map_found *found, struct err *e)
{
	size_t i;
	json_t *mapping;
	struct err why = { 0 };
	*found = (struct map_found){ 0 };
	if (names_check_target(path, e) < 0)
		return -1;
	json_array_foreach(json_object_get(m->file, "mapping"), i, mapping) {
		if (!covers(mapping, path))
			continue;
		int result = poll(m, mapping, path, update, found, &why);
		if (!result)
			return 0;
		if (result < 0 || json_is_true(json_object_get(mapping, "terminating")))
			break;
	}
	if (!why.status)
		err_set(&why, STATUS_NOT_FOUND, "target '%s': no mapping covers it", path);
	*e = why;
	return -1;
}

void map_found_free(struct map_found *f)
{
	json_decref(f->target);
	free(f->clients);
	*f = (struct map_found){ 0 };
}
