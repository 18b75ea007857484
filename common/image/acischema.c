// The schema of an ImageManifest (aci.md, "Image Manifest Schema"; types.md), as tables for schema.h. aci.h
// says what the public functions promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <strings.h>

#include "base/date.h"
#include "base/mem.h"
#include "image/aci.h"
#include "image/isolator.h"
#include "oci/acname.h"
#include "oci/platform.h"

#define KNOWN_MAJOR      "0." // of acVersion: the specification ended at 0.8 (rkt:T-007)
#define DEPENDENCIES_MAX 1000 // rkt:I-036

// ---- types ----

// A run of digits without a leading zero. Returns what follows it, or NULL.
static const char *skip_number(const char *at)
{
	size_t n = strspn(at, "0123456789");
	return n && (*at != '0' || n == 1) ? at + n : NULL;
}

// Identifiers joined by dots: letters, digits, hyphens; with `strict` none that is a number with a leading
// zero.
static const char *skip_identifiers(const char *at, bool strict)
{
	static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-";
	for (;; at++) {
		size_t n = strspn(at, allowed);
		if (!n || (strict && n > 1 && *at == '0' && strspn(at, "0123456789") == n))
			return NULL;
		at += n;
		if (*at != '.')
			return at;
	}
}

static bool is_semver(const char *at)
{
	for (int i = 0; i < 3; i++) {
		at = skip_number(at);
		if (!at || (i < 2 && *at++ != '.'))
			return false;
	}
	if (*at == '-')
		at = skip_identifiers(at + 1, true);
	if (at && *at == '+')
		at = skip_identifiers(at + 1, false);
	return at && !*at;
}

static void check_version(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (!text)
		return;
	if (!is_semver(text))
		schema_bad(s, "not a version by Semantic Versioning 2");
	else if (strncmp(text, KNOWN_MAJOR, strlen(KNOWN_MAJOR)) != 0)
		schema_tell(s, STATUS_MALFORMED, "a major version that is not known: %.20s: expected 0.x", text);
}

static void check_kind(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && strcmp(text, "ImageManifest") != 0)
		schema_bad(s, "not ImageManifest");
}

static void check_image_id(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && !acname_is_image_id(text))
		schema_bad(s, "not sha512- and 128 lower-case hex digits");
}

static void check_size(struct schema *s, const json_t *value)
{
	schema_integer(s, value, 0, INT64_MAX);
}

// ---- labels and annotations: lists of name and value ----

static const char *value_of(const json_t *list, const char *name)
{
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		const char *text = json_string_value(json_object_get(item, "name"));
		if (text && !strcmp(text, name))
			return json_string_value(json_object_get(item, "value"));
	}
	return NULL;
}

static void check_label_name(struct schema *s, const json_t *value)
{
	const char *text = json_string_value(value);
	schema_identifier(s, value);
	if (text && !strcmp(text, "name"))
		schema_bad(s, "a label cannot be called name");
}

static void check_label(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "name", true, check_label_name },
		{ "value", true, schema_string },
		{ 0 },
	};
	schema_object(s, value, fields);
}

static void check_labels(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_label);
	schema_unique(s, value, "name");
	const char *os = value_of(value, "os"), *arch = value_of(value, "arch");
	if (arch && !os)
		schema_bad(s, "arch without os");
	if (os && !platform_in_appc(os, arch))
		schema_tell(s, STATUS_MALFORMED, "not an operating system and architecture of the specification: %.40s/%.40s", os,
			arch ? arch : "");
}

// http or https, a host, no blanks or control characters.
static bool is_web_url(const char *text)
{
	size_t scheme = !strncasecmp(text, "https://", 8) ? 8 : !strncasecmp(text, "http://", 7) ? 7 : 0;
	if (!scheme || !text[scheme] || strchr("/?#:", text[scheme]))
		return false;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == '\x7f')
			return false;
	return true;
}

static void check_annotation(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "name", true, schema_identifier },
		{ "value", true, schema_string },
		{ 0 },
	};
	schema_object(s, value, fields);
	const char *name = json_string_value(json_object_get(value, "name"));
	const char *text = json_string_value(json_object_get(value, "value"));
	if (!name || !text)
		return;
	int64_t seconds;
	if (!strcmp(name, "created") && !date_parse(text, &seconds))
		schema_bad(s, "created is not a time by RFC 3339");
	if ((!strcmp(name, "homepage") || !strcmp(name, "documentation")) && !is_web_url(text))
		schema_tell(s, STATUS_MALFORMED, "%s is not an http or https URL", name);
}

void aci_check_annotations(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_annotation);
	schema_unique(s, value, "name");
}

// ---- app ----

static void check_exec(struct schema *s, const json_t *value)
{
	schema_list(s, value, schema_string);
	const char *program = json_string_value(json_array_get(value, 0));
	if (json_is_array(value) && (!json_array_size(value) || (program && !*program)))
		schema_bad(s, "empty");
}

static void check_gid(struct schema *s, const json_t *value)
{
	schema_integer(s, value, 0, UINT32_MAX - 1);
}

static void check_gids(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_gid);
}

static void check_event(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && strcmp(text, "pre-start") != 0 && strcmp(text, "post-stop") != 0)
		schema_bad(s, "neither pre-start nor post-stop");
}

static void check_handler(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "name", true, check_event },
		{ "exec", true, check_exec },
		{ 0 },
	};
	schema_object(s, value, fields);
}

static void check_handlers(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_handler);
	schema_unique(s, value, "name");
}

static void check_variable_name(struct schema *s, const json_t *value)
{
	static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-";
	const char *text = schema_text(s, value);
	if (text && (!*text || text[strspn(text, allowed)]))
		schema_bad(s, "not of letters, digits, `_`, `.` and `-`");
}

static void check_variable(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "name", true, check_variable_name },
		{ "value", true, schema_string },
		{ 0 },
	};
	schema_object(s, value, fields);
}

static void check_environment(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_variable);
	schema_unique(s, value, "name");
}

static void check_mount_point(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "name", true, schema_name },
		{ "path", true, schema_absolute_path },
		{ "readOnly", false, schema_flag },
		{ 0 },
	};
	schema_object(s, value, fields);
}

static void check_mount_points(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_mount_point);
}

static void check_port_number(struct schema *s, const json_t *value)
{
	schema_integer(s, value, 1, 65535);
}

static void check_port(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "name", true, schema_name },
		{ "protocol", true, schema_filled_string },
		{ "port", true, check_port_number },
		{ "count", false, check_port_number },
		{ "socketActivated", false, schema_flag },
		{ 0 },
	};
	schema_object(s, value, fields);
	json_int_t port = json_integer_value(json_object_get(value, "port"));
	json_int_t count = json_integer_value(json_object_get(value, "count"));
	if (port >= 1 && port <= 65535 && count >= 1 && count <= 65535 && port + count - 1 > 65535)
		schema_bad(s, "the range of ports ends above 65535");
}

static void check_ports(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_port);
	schema_unique(s, value, "name");
}

static void check_string_map(struct schema *s, const json_t *value)
{
	if (!json_is_object(value)) {
		schema_bad(s, "not an object");
		return;
	}
	const char *key;
	json_t *member;
	json_object_foreach((json_t *)value, key, member)
		if (!json_is_string(member))
			schema_tell(s, STATUS_MALFORMED, "'%.60s' is not a string", key);
}

void aci_check_app(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "exec", false, check_exec },
		{ "user", true, schema_filled_string },
		{ "group", true, schema_filled_string },
		{ "supplementaryGIDs", false, check_gids },
		{ "eventHandlers", false, check_handlers },
		{ "workingDirectory", false, schema_absolute_path },
		{ "environment", false, check_environment },
		{ "isolators", false, isolator_check_list },
		{ "mountPoints", false, check_mount_points },
		{ "ports", false, check_ports },
		{ "userAnnotations", false, check_string_map },
		{ "userLabels", false, check_string_map },
		{ 0 },
	};
	schema_object(s, value, fields);
}

// ---- the rest of the manifest ----

static void check_dependency(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "imageName", true, schema_identifier },
		{ "imageID", false, check_image_id },
		{ "labels", false, check_labels },
		{ "size", false, check_size },
		{ 0 },
	};
	schema_object(s, value, fields);
}

static void check_dependencies(struct schema *s, const json_t *value)
{
	if (json_array_size(value) > DEPENDENCIES_MAX)
		schema_tell(s, STATUS_LIMIT, "%zu: more than the limit of %d", json_array_size(value), DEPENDENCIES_MAX);
	else
		schema_list(s, value, check_dependency);
}

static void check_whitelist_entry(struct schema *s, const json_t *value)
{
	const char *text = json_string_value(value);
	schema_absolute_path(s, value);
	for (const char *at = text; at && (at = strstr(at, "/..")); at += 3)
		if (!at[3] || at[3] == '/')
			schema_bad(s, "a path with `..`");
}

static void check_whitelist(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_whitelist_entry);
}

void aci_check(const json_t *manifest, struct findings *findings)
{
	static const struct schema_field fields[] = {
		{ "acKind", true, check_kind },
		{ "acVersion", true, check_version },
		{ "name", true, schema_identifier },
		{ "labels", false, check_labels },
		{ "app", false, aci_check_app },
		{ "dependencies", false, check_dependencies },
		{ "pathWhitelist", false, check_whitelist },
		{ "annotations", false, aci_check_annotations },
		{ 0 },
	};
	struct schema s = { .subject = "manifest", .findings = findings };
	schema_object(&s, manifest, fields);
	buf_free(&s.path);
}

int aci_check_manifest(const json_t *manifest, struct err *e)
{
	struct findings findings = { 0 };
	aci_check(manifest, &findings);
	int failed = findings_error(&findings, e);
	findings_free(&findings);
	return failed;
}
