// manifest.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "image/aci.h"
#include "image/schema.h"
#include "oci/acname.h"
#include "pod/fields.h"
#include "pod/manifest.h"
#include "pod/volume.h"

json_t *manifest_array(json_t *object, const char *key)
{
	json_t *array = json_object_get(object, key);
	if (!array) {
		array = json_array();
		json_object_set_new(object, key, array);
	}
	return array;
}

json_t *manifest_new(json_t *volumes)
{
	return json_pack("{s:s, s:s, s:[], s:o}", "acKind", "PodManifest", "acVersion", MANIFEST_VERSION, "apps", "volumes",
		volumes);
}

// ---- form ----

static void check_kind(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && strcmp(text, "PodManifest") != 0)
		schema_bad(s, "not PodManifest");
}

static void check_version(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && strncmp(text, "0.", 2) != 0)
		schema_bad(s, "not a version 0.x.y");
}

static void check_id(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && !acname_is_short_id(text))
		schema_bad(s, "not an image id");
}

static void check_image(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = { { "name", false, schema_identifier }, { "id", true, check_id },
		{ "labels", false, schema_any }, { 0 } };
	schema_object(s, value, fields);
}

static void check_owner(struct schema *s, const json_t *value)
{
	if (!schema_integer(s, value, 0, 4294967294))
		return; // told
}

static void check_mode(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	size_t n = text ? strspn(text, "01234567") : 0;
	if (text && (!n || n > 4 || text[n]))
		schema_bad(s, "not an octal mode");
}

static void check_volume(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = { { "name", true, schema_name }, { "kind", true, schema_filled_string },
		{ "source", false, schema_absolute_path }, { "readOnly", false, schema_flag },
		{ "recursive", false, schema_flag }, { "mode", false, check_mode }, { "uid", false, check_owner },
		{ "gid", false, check_owner }, { 0 } };
	schema_object(s, value, fields);
	const char *kind = fields_text(value, "kind");
	if (kind && strcmp(kind, "empty") != 0 && strcmp(kind, "host") != 0)
		schema_bad(s, "kind is neither empty nor host");
	else if (kind && !strcmp(kind, "host") && !json_object_get(value, "source"))
		schema_bad(s, "a host volume without source");
}

static void check_mount(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = { { "volume", true, schema_name }, { "path", false, schema_filled_string },
		{ "mountPoint", false, schema_name }, { "appVolume", false, check_volume }, { 0 } };
	schema_object(s, value, fields);
	if (!json_object_get(value, "path") && !json_object_get(value, "mountPoint"))
		schema_bad(s, "neither path nor mountPoint");
}

static void check_mounts(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_mount);
}

static void check_app(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = { { "name", true, schema_name }, { "image", true, check_image },
		{ "app", false, aci_check_app }, { "readOnlyRootFS", false, schema_flag }, { "mounts", false, check_mounts },
		{ "annotations", false, aci_check_annotations }, { 0 } };
	schema_object(s, value, fields);
}

static void check_apps(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_app);
	schema_unique(s, value, "name");
	if (json_is_array(value) && !json_array_size(value))
		schema_bad(s, "no apps");
}

static void check_volumes(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_volume);
	schema_unique(s, value, "name");
}

static void check_port_number(struct schema *s, const json_t *value)
{
	if (!schema_integer(s, value, 1, 65535))
		return; // told
}

static void check_port(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = { { "name", true, schema_name }, { "hostPort", true, check_port_number },
		{ "hostIP", false, schema_string }, { "podPort", false, schema_any }, { 0 } };
	schema_object(s, value, fields);
}

static void check_ports(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_port);
	schema_unique(s, value, "name");
}

static void check_strings(struct schema *s, const json_t *value)
{
	const char *key;
	json_t *item;
	if (!json_is_object(value))
		schema_bad(s, "not an object");
	json_object_foreach((json_t *)value, key, item)
		if (!json_is_string(item))
			schema_bad(s, "a value that is not a string");
}

int manifest_check(const json_t *manifest, struct err *e)
{
	static const struct schema_field fields[] = { { "acKind", true, check_kind }, { "acVersion", true, check_version },
		{ "apps", true, check_apps }, { "volumes", false, check_volumes }, { "isolators", false, schema_any },
		{ "annotations", false, aci_check_annotations }, { "ports", false, check_ports },
		{ "userAnnotations", false, check_strings }, { "userLabels", false, check_strings }, { 0 } };
	struct findings findings = { 0 };
	struct schema s = { .subject = "pod manifest", .findings = &findings };
	schema_object(&s, manifest, fields);
	buf_free(&s.path);
	int failed = findings_error(&findings, e);
	findings_free(&findings);
	return failed;
}

// ---- mounts ----

json_t *manifest_volume_of(const json_t *manifest, const json_t *mount)
{
	json_t *own = json_object_get(mount, "appVolume");
	return own ? own : fields_find(json_object_get(manifest, "volumes"), "name", fields_text(mount, "volume"));
}

// `a` is `b` or a directory above it.
static bool is_above(const char *a, const char *b)
{
	size_t n = strlen(a);
	return !strncmp(a, b, n) && (!b[n] || b[n] == '/');
}

static int check_targets(const json_t *mounts, const char *app, struct err *e)
{
	static const char *const ours[] = { "/proc", "/sys", "/dev" };
	size_t i, k;
	json_t *one, *other;
	json_array_foreach(mounts, i, one) {
		const char *path = fields_text(one, "path");
		for (size_t o = 0; o < ARRAY_LENGTH(ours); o++)
			if (is_above(ours[o], path))
				return err_set(e, STATUS_USAGE, "app '%s': mount target '%s': every app has its own %s", app,
					path, ours[o]);
		json_array_foreach(mounts, k, other)
			if (k != i && is_above(path, fields_text(other, "path")))
				return err_set(e, STATUS_USAGE, "app '%s': mount targets overlap: '%s' and '%s'", app, path,
					fields_text(other, "path"));
	}
	return 0;
}

// The path a mount means, cleaned; malloced, NULL with e filled.
static char *target_of(const json_t *mount, const json_t *points, const char *app, enum status status, struct err *e)
{
	const char *path = fields_text(mount, "path"), *name = fields_text(mount, "mountPoint");
	if (!path)
		path = fields_text(fields_find(points, "name", name), "path");
	char *clean = path ? volume_clean_path(path) : NULL;
	if (!clean)
		err_set(e, status, "app '%s': bad mount target '%s'", app, path ? path : name);
	return clean;
}

// Puts the mount at this path in the list, in place of an earlier one there (rkt:R-002).
static void put_mount(json_t *mounts, const char *path, const json_t *volume, json_t *own)
{
	json_t *mount = fields_find(mounts, "path", path);
	if (!mount)
		json_array_append_new(mounts, mount = json_pack("{s:s}", "path", path));
	json_object_set(mount, "volume", (json_t *)volume);
	json_object_del(mount, "appVolume");
	if (own)
		json_object_set(mount, "appVolume", own);
}

static int put_given(const json_t *manifest, const json_t *app, json_t *mounts, enum status status, struct err *e)
{
	const char *name = fields_text(app, "name");
	const json_t *points = json_object_get(json_object_get(app, "app"), "mountPoints");
	size_t i;
	json_t *given;
	json_array_foreach(json_object_get(app, "mounts"), i, given) {
		if (!manifest_volume_of(manifest, given))
			return err_set(e, status, "app '%s': no volume '%s' for its mount", name, fields_text(given, "volume"));
		mem_auto char *path = target_of(given, points, name, status, e);
		if (!path)
			return -1;
		put_mount(mounts, path, json_object_get(given, "volume"), json_object_get(given, "appVolume"));
	}
	return 0;
}

static int put_missing(const json_t *manifest, const json_t *app, json_t *mounts, struct err *e)
{
	const char *name = fields_text(app, "name");
	size_t i;
	json_t *point;
	json_array_foreach(json_object_get(json_object_get(app, "app"), "mountPoints"), i, point) {
		mem_auto char *path = target_of(point, NULL, name, STATUS_MALFORMED, e);
		if (!path)
			return -1;
		json_object_set_new(point, "path", json_string(path));
		json_t *volume = json_object_get(point, "name"), *own = NULL;
		if (fields_find(mounts, "path", path))
			continue;
		if (!fields_find(json_object_get(manifest, "volumes"), "name", json_string_value(volume))) {
			msg_warn("app '%s': no volume for its mount point '%s': an empty one is used", name,
				json_string_value(volume));
			own = json_pack("{s:O, s:s}", "name", volume, "kind", "empty");
		}
		put_mount(mounts, path, volume, own);
		json_decref(own);
	}
	return 0;
}

int manifest_meet(json_t *manifest, json_t *app, enum status status, struct err *e)
{
	jsonio_auto json_t *mounts = json_array();
	if (put_given(manifest, app, mounts, status, e) < 0 || put_missing(manifest, app, mounts, e) < 0)
		return -1;
	json_object_set(app, "mounts", mounts);
	return check_targets(mounts, fields_text(app, "name"), e);
}

void manifest_tell_unused(const json_t *manifest)
{
	size_t i, k;
	json_t *volume, *app;
	json_array_foreach(json_object_get(manifest, "volumes"), i, volume) {
		bool used = false;
		json_array_foreach(json_object_get(manifest, "apps"), k, app)
			used = used || fields_find(json_object_get(app, "mounts"), "volume", fields_text(volume, "name"));
		if (!used)
			msg_warn("volume '%s': no app uses it", fields_text(volume, "name"));
	}
}
