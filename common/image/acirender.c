// acirender.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "image/aci.h"
#include "image/acirender.h"
#include "image/image.h"
#include "image/pass.h"
#include "image/whitelist.h"

struct rendering {
	struct store *store;
	const struct acirender_sink *sink;
	const struct render_options *options;
	int passes;
	bool told; // which dependency failed: the innermost is enough
};

// An image on the way down to a dependency: what lies above it decides about its paths, too.
struct level {
	const struct level *above;
	const json_t *record;
	struct acirender_manifest came;
	json_t *manifest;
	struct whitelist whitelist;
	int depth;
};

static void level_free(struct level *level)
{
	buf_free(&level->came.text);
	json_decref(level->manifest);
	whitelist_free(&level->whitelist);
}

// ---- one archive ----

// The first pass over an image takes its manifest, and its files at once if the manifest comes before them and wants nothing
// else: then `takes` is still set at its end. Else a second pass takes the files.
struct aci_pass {
	const struct acirender_sink *sink;
	bool takes; // else files are passed over
	struct level *level;
	bool second, has_manifest, has_rootfs;
};

// The manifest's content: a good one, and of the image that the record names.
static int parse_manifest(struct level *level, struct err *e)
{
	const char *name = json_string_value(json_object_get(level->record, "name"));
	const struct buf *text = &level->came.text;
	level->manifest = jsonio_parse(buf_text(text), text->length, "manifest", e);
	if (!level->manifest || aci_check_manifest(level->manifest, e) < 0)
		return -1;
	if (name && strcmp(name, aci_name(level->manifest)) != 0)
		return err_set(e, STATUS_REFUSED, "the image's manifest names another one: '%s'", aci_name(level->manifest));
	return 0;
}

static bool allowed(const struct level *level, const char *path, bool directory)
{
	for (; level; level = level->above)
		if (!whitelist_allows(&level->whitelist, path, directory))
			return false;
	return true;
}

static int begin(const struct acirender_sink *sink, struct err *e)
{
	return sink->begin ? sink->begin(sink->context, e) : 0;
}

static int end(const struct acirender_sink *sink, struct err *e)
{
	return sink->end ? sink->end(sink->context, e) : 0;
}

static int take_manifest(struct aci_pass *p, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	if (entry->type != TAR_FILE || p->has_manifest)
		return err_set(e, STATUS_MALFORMED, "manifest: not one regular file");
	if (entry->size > (int64_t)ACI_MANIFEST_MAX)
		return err_set(e, STATUS_LIMIT, "manifest: larger than the limit of %zu bytes", ACI_MANIFEST_MAX);
	p->has_manifest = true;
	if (p->second)
		return 0;
	struct buf *text = &p->level->came.text;
	p->level->came.mtime = entry->mtime;
	buf_reserve(text, (size_t)entry->size);
	ssize_t n;
	while ((n = tar_read(r, text->data + text->length, (size_t)entry->size - text->length, e)) > 0)
		text->length += (size_t)n;
	text->data[text->length] = '\0';
	if (n < 0 || parse_manifest(p->level, e) < 0)
		return -1;
	p->takes &= aci_stands_alone(p->level->manifest);
	return p->takes ? begin(p->sink, e) : 0;
}

// The path below rootfs/, NULL for what lies beside it.
static const char *below_rootfs(const char *path)
{
	if (strncmp(path, "rootfs", 6) != 0 || (path[6] != '/' && path[6]))
		return NULL;
	return path[6] ? path + 7 : ".";
}

static int put_below_rootfs(struct aci_pass *p, const struct tar_entry *entry, const char *path, struct tar_reader *r,
	struct err *e)
{
	bool directory = entry->type == TAR_DIRECTORY;
	if (!strcmp(path, ".")) {
		if (!directory)
			return err_set(e, STATUS_MALFORMED, "rootfs: not a directory");
		p->has_rootfs = true;
	}
	if (!p->has_manifest && !p->second)
		p->takes = false;
	if (!p->takes)
		return 0;
	if (!allowed(p->level, path, directory)) {
		if (p->sink->left_out)
			p->sink->left_out(p->sink->context);
		return 0;
	}
	const char *link = entry->type == TAR_HARD_LINK ? below_rootfs(entry->link) : entry->link;
	if (!link)
		return err_set(e, STATUS_MALFORMED, "'%s': a hard link out of rootfs: to '%s'", entry->path, entry->link);
	return p->sink->put(p->sink->context, entry, path, link, r, e);
}

static int visit(void *context, const struct tar_entry *entry, struct tar_reader *r, struct err *e)
{
	struct aci_pass *p = context;
	if (!strcmp(entry->path, "manifest"))
		return take_manifest(p, entry, r, e);
	if (!strcmp(entry->path, ".") && entry->type == TAR_DIRECTORY)
		return 0;
	const char *path = below_rootfs(entry->path);
	if (!path)
		return err_set(e, STATUS_MALFORMED, "'%s': only manifest and rootfs/ belong into an image", entry->path);
	return put_below_rootfs(p, entry, path, r, e);
}

static int read_archive(struct rendering *r, struct aci_pass *p, struct err *e)
{
	if (pass_over_image(r->store, p->level->record, r->options, visit, p, e) < 0)
		return -1;
	if (!p->has_manifest || !p->has_rootfs)
		return err_set(e, STATUS_MALFORMED, "%s: missing in the image", p->has_manifest ? "rootfs" : "manifest");
	return 0;
}

// ---- dependencies ----

static bool has_labels(const json_t *record, json_t *wanted)
{
	const char *name;
	json_t *value;
	json_object_foreach(wanted, name, value)
		if (!json_equal(json_object_get(json_object_get(record, "labels"), name), value))
			return false;
	return true;
}

// The dependency's record in the store, by id or else by name and labels; both must fit. A new reference, or NULL.
static json_t *find_dependency(const struct rendering *r, const json_t *dependency, struct err *e)
{
	const char *name = json_string_value(json_object_get(dependency, "imageName"));
	const char *id = json_string_value(json_object_get(dependency, "imageID"));
	jsonio_auto json_t *labels = aci_labels(dependency);
	jsonio_auto json_t *record = id ? store_find_id(r->store, id, e) : store_find_name(r->store, name, labels, e);
	if (!record)
		return NULL;
	const char *found = json_string_value(json_object_get(record, "name"));
	const char *found_id = json_string_value(json_object_get(record, "id"));
	if (!found || strcmp(found, name) != 0 || !has_labels(record, labels) ||
		(id && (!found_id || strcmp(id, found_id) != 0))) {
		err_set(e, STATUS_REFUSED, "the image with this id has another name or other labels");
		return NULL;
	}
	const json_t *size = json_object_get(dependency, "size"),
		     *stored = json_object_get(json_object_get(record, "blob"), "size");
	if (size && json_integer_value(stored) > json_integer_value(size)) {
		err_set(e, STATUS_LIMIT, "larger than its dependant says: %" JSON_INTEGER_FORMAT " bytes",
			json_integer_value(size));
		return NULL;
	}
	if (!r->options->unverified && !image_verified(record)) {
		err_set(e, STATUS_REFUSED, "not verified: its record in the store has no verified entry");
		return NULL;
	}
	store_mark_used(r->store, record);
	return json_incref(record);
}

static bool same_image(const json_t *a, const json_t *b)
{
	const char *x = image_digest(a), *y = image_digest(b);
	return x && y && !strcmp(x, y);
}

static const char *name_of(const struct level *level)
{
	const char *name = json_string_value(json_object_get(level->record, "name"));
	return name ? name : "?";
}

// Who depends on whom, from the image that comes twice down to itself.
static int refuse_cycle(const struct level *level, const struct level *same, struct err *e)
{
	mem_auto char *chain = mem_text(name_of(level));
	for (const struct level *at = level->above;; at = at->above) {
		char *longer = mem_format("%s -> %s", name_of(at), chain);
		free(chain);
		chain = longer;
		if (at == same)
			break;
	}
	return err_set(e, STATUS_MALFORMED, "dependencies: a cycle: %s", chain);
}

static int check_descent(const struct level *level, struct err *e)
{
	if (level->depth > ACIRENDER_DEPTH_MAX)
		return err_set(e, STATUS_LIMIT, "dependencies: deeper than the limit of %d levels", ACIRENDER_DEPTH_MAX);
	for (const struct level *above = level->above; above; above = above->above)
		if (same_image(above->record, level->record))
			return refuse_cycle(level, above, e);
	return 0;
}

static int render_level(struct rendering *r, struct level *level, struct err *e);

static int render_dependencies(struct rendering *r, const struct level *level, struct err *e)
{
	size_t i;
	json_t *dependency;
	json_array_foreach(json_object_get(level->manifest, "dependencies"), i, dependency) {
		jsonio_auto json_t *record = find_dependency(r, dependency, e);
		struct level below = { .above = level, .record = record, .depth = level->depth + 1 };
		int result = !record || check_descent(&below, e) < 0 ? -1 : render_level(r, &below, e);
		level_free(&below);
		if (result < 0 && r->told)
			return -1;
		r->told = result < 0;
		if (result < 0)
			return err_context(e, "dependency '%s'", json_string_value(json_object_get(dependency, "imageName")));
	}
	return 0;
}

static int render_level(struct rendering *r, struct level *level, struct err *e)
{
	struct aci_pass first = { .sink = r->sink, .takes = true, .level = level };
	struct aci_pass second = { .sink = r->sink, .takes = true, .level = level, .second = true };
	if (++r->passes > ACIRENDER_PASSES_MAX)
		return err_set(e, STATUS_LIMIT, "dependencies: more than the limit of %d images", ACIRENDER_PASSES_MAX);
	if (read_archive(r, &first, e) < 0)
		return -1;
	if (!first.takes &&
		(whitelist_read(&level->whitelist, level->manifest, e) < 0 || render_dependencies(r, level, e) < 0 ||
			begin(r->sink, e) < 0 || read_archive(r, &second, e) < 0))
		return -1;
	return end(r->sink, e);
}

int acirender(struct store *s, const json_t *record, const struct acirender_sink *sink, const struct render_options *options,
	struct acirender_manifest *manifest, struct err *e)
{
	struct rendering r = { .store = s, .sink = sink, .options = options };
	struct level top = { .record = record };
	int result = render_level(&r, &top, e);
	*manifest = top.came;
	top.came = (struct acirender_manifest){ 0 };
	level_free(&top);
	return result;
}

int acirender_own(struct store *s, const json_t *record, const struct acirender_sink *sink, const struct render_options *options,
	struct err *e)
{
	struct rendering r = { .store = s, .sink = sink, .options = options };
	struct level top = { .record = record };
	struct aci_pass all = { .sink = sink, .takes = true, .level = &top, .second = true };
	return begin(sink, e) < 0 || read_archive(&r, &all, e) < 0 ? -1 : end(sink, e);
}
