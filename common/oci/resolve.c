// resolve.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/buf.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/config.h"
#include "oci/manifest.h"
#include "oci/ref.h"
#include "oci/resolve.h"

// ---- the platform asked for ----

struct wanted {
	const struct platform *platform;
	bool demanded; // by the user; else it is only this machine's
};

static int judge_wanted(const json_t *record, const struct resolve_request *request, struct wanted *w, struct err *e)
{
	const json_t *asked = jsonio_get_object(record, "platform", e);
	const char *os = jsonio_find_text(asked, "os"), *architecture = jsonio_find_text(asked, "architecture");
	if (e->status)
		return -1;
	*w = (struct wanted){ request->platform, request->platform || asked };
	if (!w->platform && asked)
		w->platform = os && architecture ? platform_find(os, architecture, jsonio_find_text(asked, "variant")) : NULL;
	else if (!w->platform)
		w->platform = platform_host();
	return w->platform ? 0 : err_set(e, STATUS_MALFORMED, "field 'platform': not a platform this program knows");
}

// ---- what is told about an image ----

// `busybox:1.36` names a repository and a tag as Docker completes them; `v1` names nothing.
static void add_local_name(json_t *record, json_t *labels)
{
	struct err ignored = { 0 };
	const char *tag = jsonio_find_text(record, "tag");
	if (!tag || !strpbrk(tag, "/:"))
		return;
	mem_auto char *text = mem_format("docker://%s", tag);
	jsonio_auto json_t *parsed = ref_parse(text, &ignored);
	if (!parsed)
		return;
	json_object_set(record, "name", json_object_get(parsed, "name"));
	if (json_object_get(parsed, "tag"))
		json_object_set(labels, "version", json_object_get(parsed, "tag"));
}

static void add_names(json_t *record, const json_t *platform)
{
	const char *os = jsonio_find_text(platform, "os"), *architecture = jsonio_find_text(platform, "architecture");
	const struct platform *known = platform_find(os, architecture, jsonio_find_text(platform, "variant"));
	json_t *labels = json_object();
	if (!jsonio_find_text(record, "name"))
		add_local_name(record, labels);
	else if (jsonio_find_text(record, "tag"))
		json_object_set(labels, "version", json_object_get(record, "tag"));
	json_object_set_new(labels, "os", json_string(os));
	if (known)
		json_object_set_new(labels, "arch", json_string(known->appc));
	json_object_set_new(record, "labels", labels);
}

// ---- one image ----

static json_t *read_platform(struct source *s, const struct manifest *m, struct err *e)
{
	struct descriptor d;
	buf_auto text = { 0 };
	config_auto config = { 0 };
	if (descriptor_parse(manifest_config(m), "config", &d, e) < 0)
		return NULL;
	if (!manifest_is_config_type(d.media_type)) {
		err_set(e, STATUS_REFUSED, "an artifact of the type '%s', no image", d.media_type);
		return NULL;
	}
	if (source_small_blob(s, &d, CONFIG_BYTES_MAX, &text, e) < 0 ||
		config_parse(buf_text(&text), text.length, json_array_size(manifest_layers(m)), &config, e) < 0)
		return NULL;
	return config_platform(&config);
}

// `digest` is the one under which the place has the manifest.
static int add_image(struct source *s, const json_t *record, const struct manifest *m, const struct source_document *d,
	const char *digest, json_t *out, struct err *e)
{
	jsonio_auto json_t *platform = read_platform(s, m, e);
	if (!platform)
		return -1;
	json_t *image = json_copy((json_t *)(uintptr_t)record);
	json_object_set_new(image, "manifest", descriptor_json(m->media_type, digest, (int64_t)d->text.length));
	json_object_set(image, "config", manifest_config(m));
	json_object_set(image, "layers", manifest_layers(m));
	json_object_set(image, "platform", platform);
	add_names(image, platform);
	json_array_append_new(out, image);
	return 0;
}

static int add_entry(struct source *s, const json_t *record, const json_t *entry, json_t *out, struct err *e)
{
	struct descriptor of;
	manifest_auto m = { 0 };
	source_document_auto d = { 0 };
	if (descriptor_parse(entry, "manifests", &of, e) < 0 || source_manifest_of(s, &of, &d, e) < 0 ||
		manifest_parse(buf_text(&d.text), d.text.length, d.media_type, &m, e) < 0)
		return -1;
	if (m.is_index)
		return err_set(e, STATUS_REFUSED, "an index within an index: name the inner one by its digest");
	return add_image(s, record, &m, &d, of.digest, out, e);
}

// ---- an index ----

// What an index may list besides images: attestations of an unknown platform, artifacts.
static bool is_image(const json_t *entry)
{
	const json_t *platform = json_object_get(entry, "platform");
	const char *os = jsonio_find_text(platform, "os"), *type = jsonio_find_text(entry, "mediaType");
	return os && strcmp(os, "unknown") != 0 && !json_object_get(entry, "artifactType") &&
		(!strcmp(type, MEDIA_MANIFEST) || !strcmp(type, MEDIA_DOCKER_MANIFEST));
}

static int add_all(struct source *s, const json_t *record, const struct manifest *m, json_t *out, struct err *e)
{
	size_t i, before = json_array_size(out);
	json_t *entry;
	json_array_foreach(manifest_entries(m), i, entry)
		if (is_image(entry) && add_entry(s, record, entry, out, e) < 0)
			return -1;
	return json_array_size(out) > before ? 0 : err_set(e, STATUS_NOT_FOUND, "an index without images");
}

static int add_from_index(struct source *s, const json_t *record, const struct manifest *m, const struct source_document *d,
	const char *digest, const struct wanted *w, bool all, json_t *out, struct err *e)
{
	jsonio_auto json_t *with_index = json_copy((json_t *)(uintptr_t)record);
	json_object_set_new(with_index, "index", descriptor_json(m->media_type, digest, (int64_t)d->text.length));
	if (all)
		return add_all(s, with_index, m, out, e);
	const json_t *entry = manifest_choose(m, w->platform, e);
	return entry ? add_entry(s, with_index, entry, out, e) : -1;
}

static int judge_single(const json_t *image, const struct wanted *w, struct err *e)
{
	const json_t *platform = json_object_get(image, "platform");
	if (!w->demanded || manifest_fits(platform, w->platform))
		return 0;
	return err_set(e, STATUS_NOT_FOUND, "no image for the platform %s/%s: the only one is for %s/%s", w->platform->os,
		w->platform->architecture, jsonio_find_text(platform, "os"), jsonio_find_text(platform, "architecture"));
}

static int resolve(struct source *s, const json_t *record, const struct resolve_request *request, json_t *out, struct err *e)
{
	struct wanted w;
	manifest_auto m = { 0 };
	source_document_auto d = { 0 };
	const char *reference =
		jsonio_find_text(record, "digest") ? jsonio_find_text(record, "digest") : jsonio_find_text(record, "tag");
	if (judge_wanted(record, request, &w, e) < 0 || source_manifest(s, reference, &d, e) < 0 ||
		manifest_parse(buf_text(&d.text), d.text.length, d.media_type, &m, e) < 0)
		return -1;
	const char *digest = jsonio_find_text(record, "digest") ? jsonio_find_text(record, "digest") : d.digest;
	if (m.is_index)
		return add_from_index(s, record, &m, &d, digest, &w, request->all, out, e);
	if (add_image(s, record, &m, &d, digest, out, e) < 0)
		return -1;
	return request->all ? 0 : judge_single(json_array_get(out, json_array_size(out) - 1), &w, e);
}

int resolve_image(struct source *s, const json_t *record, const struct resolve_request *request, json_t *out, struct err *e)
{
	const char *digest = jsonio_get_text(record, "digest", e), *ref = e->status ? NULL : jsonio_get_text(record, "ref", e);
	jsonio_get_text(record, "tag", e);
	if (e->status)
		return -1;
	if (digest && !digest_valid(digest, NULL, NULL))
		return err_set(e, STATUS_MALFORMED, "field 'digest': not a sha256: or sha512: digest");
	if (resolve(s, record, request, out, e) == 0)
		return 0;
	return ref ? err_context(e, "'%s'", ref) : -1;
}
