// manifest.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/buf.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/manifest.h"

// ---- media types ----

static const struct type {
	const char *name;
	bool is_index;
} types[] = {
	{ MEDIA_MANIFEST, false },
	{ MEDIA_INDEX, true },
	{ MEDIA_DOCKER_MANIFEST, false },
	{ MEDIA_DOCKER_INDEX, true },
};

static const struct type *find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(types); i++)
		if (!strcmp(name, types[i].name))
			return &types[i];
	return NULL;
}

bool manifest_is_type(const char *media_type)
{
	return find_type(media_type) != NULL;
}

bool manifest_is_config_type(const char *media_type)
{
	return !strcmp(media_type, MEDIA_CONFIG) || !strcmp(media_type, MEDIA_DOCKER_CONFIG);
}

bool manifest_is_foreign(const char *media_type)
{
	return strstr(media_type, ".nondistributable.") || strstr(media_type, ".foreign.");
}

static bool is_schema1(const char *media_type)
{
	return !strncmp(media_type, "application/vnd.docker.distribution.manifest.v1+", 48);
}

static int refuse_schema1(struct err *e)
{
	err_set(e, STATUS_REFUSED, "manifest: Docker schema 1, which names no config and whose digest covers only a part of it");
	return err_hint(e, "push the image again with a Docker of this decade, or copy it with skopeo");
}

int manifest_refuse_schema1(const char *media_type, struct err *e)
{
	return is_schema1(media_type) ? refuse_schema1(e) : 0;
}

// ---- what it is ----

static bool says_nothing(const char *told)
{
	return !*told || !strcmp(told, "application/json") || !strcmp(told, MEDIA_BYTES) || !strcmp(told, "text/plain");
}

// The type under which it came, without parameters; *type is NULL when nothing useful was said.
static int judge_told(const char *told, const struct type **type, struct err *e)
{
	size_t n = told ? strcspn(told, "; \t") : 0;
	mem_auto char *plain = told ? mem_text_n(told, n) : mem_text("");
	*type = NULL;
	if (manifest_refuse_schema1(plain, e) < 0)
		return -1;
	if (says_nothing(plain))
		return 0;
	*type = find_type(plain);
	return *type ? 0
		     : err_set(e, STATUS_REFUSED, "manifest: of the media type '%s', which is no manifest of an image", plain);
}

// Of a manifest that says nothing about itself, as umoci writes them, the members tell.
static const struct type *guess(const json_t *json)
{
	const char *config = json_string_value(json_object_get(json_object_get(json, "config"), "mediaType"));
	if (json_object_get(json, "manifests"))
		return find_type(MEDIA_INDEX);
	return find_type(config && !strcmp(config, MEDIA_DOCKER_CONFIG) ? MEDIA_DOCKER_MANIFEST : MEDIA_MANIFEST);
}

// NULL with e filled.
static const struct type *judge_type(const json_t *json, const struct type *told, struct err *e)
{
	const char *own = jsonio_get_text(json, "mediaType", e);
	const struct type *type = own ? find_type(own) : told ? told : guess(json);
	if (e->status)
		err_context(e, "manifest");
	else if (own && is_schema1(own))
		refuse_schema1(e);
	else if (!type)
		err_set(e, STATUS_REFUSED, "manifest: it calls itself '%s', which is no manifest of an image", own);
	else if (told && told != type)
		err_set(e, STATUS_REFUSED, "manifest: media type: it came as '%s' and calls itself '%s'", told->name, own);
	return e->status ? NULL : type;
}

static const struct members {
	const char *due[3], *wrong[4]; // ended by NULL
} members_of[] = {
	{ { "config", "layers" }, { "manifests", "fsLayers" } },
	{ { "manifests" }, { "config", "layers", "fsLayers" } },
};

// Members of the other kind make it two things at once.
static int judge_members(const json_t *json, const struct type *type, struct err *e)
{
	const struct members *members = &members_of[type->is_index];
	for (const char *const *due = members->due; *due; due++)
		if (!json_object_get(json, *due))
			return err_set(e, STATUS_MALFORMED, "manifest: field '%s': missing", *due);
	for (const char *const *wrong = members->wrong; *wrong; wrong++)
		if (json_object_get(json, *wrong))
			return err_set(e, STATUS_REFUSED, "manifest: of the type '%s', but with a field '%s': two things at once",
				type->name, *wrong);
	return 0;
}

static int judge_version(const json_t *json, struct err *e)
{
	const json_t *version = json_object_get(json, "schemaVersion");
	if (!json_is_integer(version))
		return err_set(e, STATUS_MALFORMED, "manifest: field 'schemaVersion': %s",
			version ? "not an integer" : "missing");
	if (json_integer_value(version) == 1)
		return refuse_schema1(e);
	return json_integer_value(version) == 2 ? 0 : err_set(e, STATUS_REFUSED, "manifest: of an unknown schema version");
}

// ---- descriptors ----

static int judge_descriptor(const json_t *json, const char *what, struct err *e)
{
	struct descriptor d;
	if (descriptor_parse(json, what, &d, e) < 0)
		return err_context(e, "manifest");
	if (!json_object_get(json, "mediaType") || !*d.media_type)
		return err_set(e, STATUS_MALFORMED, "manifest: field '%s.mediaType': missing", what);
	return d.size < 0 ? err_set(e, STATUS_MALFORMED, "manifest: field '%s.size': missing", what) : 0;
}

static int judge_list(const json_t *json, const char *key, size_t most, struct err *e)
{
	const json_t *list = json_object_get(json, key), *item;
	size_t i;
	if (!json_is_array(list))
		return err_set(e, STATUS_MALFORMED, "manifest: field '%s': not an array", key);
	if (json_array_size(list) > most)
		return err_set(e, STATUS_LIMIT, "manifest: field '%s': more than %zu", key, most);
	json_array_foreach(list, i, item) {
		mem_auto char *what = mem_format("%s[%zu]", key, i);
		if (judge_descriptor(item, what, e) < 0)
			return -1;
	}
	return 0;
}

static int judge(const json_t *json, const struct type *told, struct manifest *m, struct err *e)
{
	if (!json_is_object(json))
		return err_set(e, STATUS_MALFORMED, "manifest: not a JSON object");
	if (judge_version(json, e) < 0)
		return -1;
	const struct type *type = judge_type(json, told, e);
	if (!type || judge_members(json, type, e) < 0)
		return -1;
	m->is_index = type->is_index;
	m->media_type = type->name;
	if (type->is_index)
		return judge_list(json, "manifests", MANIFEST_ENTRIES_MAX, e);
	return judge_descriptor(json_object_get(json, "config"), "config", e) < 0
		? -1
		: judge_list(json, "layers", MANIFEST_LAYERS_MAX, e);
}

int manifest_parse(const char *text, size_t length, const char *told, struct manifest *m, struct err *e)
{
	const struct type *type;
	*m = (struct manifest){ 0 };
	if (judge_told(told, &type, e) < 0)
		return -1;
	if (length > MANIFEST_BYTES_MAX)
		return err_set(e, STATUS_LIMIT, "manifest: larger than the limit of %zu bytes", MANIFEST_BYTES_MAX);
	m->json = jsonio_parse(text, length, "manifest", e);
	if (m->json && judge(m->json, type, m, e) == 0)
		return 0;
	manifest_free(m);
	return -1;
}

void manifest_free(struct manifest *m)
{
	json_decref(m->json);
	*m = (struct manifest){ 0 };
}

json_t *manifest_config(const struct manifest *m)
{
	return json_object_get(m->json, "config");
}

json_t *manifest_layers(const struct manifest *m)
{
	return json_object_get(m->json, "layers");
}

json_t *manifest_entries(const struct manifest *m)
{
	return json_object_get(m->json, "manifests");
}

bool manifest_lists(const struct manifest *m, const char *digest)
{
	size_t i;
	json_t *entry;
	json_array_foreach(m->is_index ? manifest_entries(m) : NULL, i, entry)
		if (!strcmp(json_string_value(json_object_get(entry, "digest")), digest))
			return true;
	return false;
}

// ---- platforms ----

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

// The variant that an architecture without one has.
static const char *usual_variant(const char *architecture)
{
	static const char *const usual[][2] = { { "amd64", "v1" }, { "arm64", "v8" }, { "arm", "v7" } };
	for (size_t i = 0; i < ARRAY_LENGTH(usual); i++)
		if (!strcmp(architecture, usual[i][0]))
			return usual[i][1];
	return "";
}

// How well it fits, the more the better; 0 for not at all. A variant `vN` runs on `vM` with M >= N.
static int fit(const json_t *platform, const struct platform *wanted)
{
	if (strcmp(text_of(platform, "os"), wanted->os) != 0 ||
		strcmp(text_of(platform, "architecture"), wanted->architecture) != 0)
		return 0;
	const char *usual = usual_variant(wanted->architecture), *has = text_of(platform, "variant");
	const char *asked = wanted->variant ? wanted->variant : usual;
	has = *has ? has : usual;
	if (!strcmp(has, asked))
		return 100;
	bool comparable = has[0] == 'v' && asked[0] == 'v' && strlen(has) == 2 && strlen(asked) == 2;
	return comparable && has[1] >= '1' && has[1] < asked[1] ? has[1] - '0' : 0;
}

bool manifest_fits(const json_t *platform, const struct platform *wanted)
{
	return fit(platform, wanted) > 0;
}

static int none_fits(const json_t *entries, const struct platform *wanted, struct err *e)
{
	buf_auto list = { 0 };
	size_t i;
	json_t *entry;
	json_array_foreach(entries, i, entry) {
		const json_t *platform = json_object_get(entry, "platform");
		const char *variant = text_of(platform, "variant");
		if (platform && list.length < 500)
			buf_add_format(&list, "%s%s/%s%s%s", list.length ? ", " : "", text_of(platform, "os"),
				text_of(platform, "architecture"), *variant ? "/" : "", variant);
	}
	err_set(e, STATUS_NOT_FOUND, "no image for the platform %s/%s%s%s", wanted->os, wanted->architecture,
		wanted->variant ? "/" : "", wanted->variant ? wanted->variant : "");
	return list.length ? err_hint(e, "there is: %s", buf_text(&list)) : -1;
}

json_t *manifest_choose(const struct manifest *index, const struct platform *wanted, struct err *e)
{
	const json_t *entries = manifest_entries(index);
	json_t *best = NULL, *entry;
	int best_fit = 0;
	size_t i;
	json_array_foreach(entries, i, entry) {
		const json_t *platform = json_object_get(entry, "platform");
		int fits = platform ? fit(platform, wanted) : json_array_size(entries) == 1;
		if (fits > best_fit) {
			best = entry;
			best_fit = fits;
		}
	}
	if (!best)
		none_fits(entries, wanted, e);
	return best;
}
