// volume.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/texts.h"
#include "base/utf8.h"
#include "oci/acname.h"
#include "pod/volume.h"

#define ID_MAX 4294967294L

static void split(const char *text, struct texts *parts)
{
	for (;; text++) {
		size_t n = strcspn(text, ",");
		texts_take(parts, mem_text_n(text, n));
		text += n;
		if (!*text)
			return;
	}
}

static json_t *parse_flag(const char *value)
{
	if (!strcmp(value, "true"))
		return json_true();
	return strcmp(value, "false") ? NULL : json_false();
}

static json_t *parse_id(const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);
	return *value < '0' || *value > '9' || *end || n > ID_MAX ? NULL : json_integer(n);
}

static json_t *parse_mode(const char *value)
{
	size_t n = strspn(value, "01234567");
	return n && n <= 4 && !value[n] ? json_string(value) : NULL;
}

static json_t *parse_source(const char *value)
{
	return *value == '/' ? json_string(value) : NULL;
}

static json_t *parse_kind(const char *value)
{
	return strcmp(value, "host") && strcmp(value, "empty") ? NULL : json_string(value);
}

static const struct {
	const char *key, *kind; // the kind it goes with, NULL for either
	json_t *(*parse)(const char *value);
} keys[] = { { "kind", NULL, parse_kind }, { "readOnly", NULL, parse_flag }, { "source", "host", parse_source },
	{ "recursive", "host", parse_flag }, { "mode", "empty", parse_mode }, { "uid", "empty", parse_id },
	{ "gid", "empty", parse_id } };

// Puts one KEY=VALUE into the volume. Returns NULL, or why not.
static const char *set_key(json_t *volume, const char *part)
{
	size_t n = strcspn(part, "=");
	for (size_t i = 0; part[n] && i < ARRAY_LENGTH(keys); i++) {
		if (strlen(keys[i].key) != n || memcmp(keys[i].key, part, n) != 0)
			continue;
		json_t *value = keys[i].parse(part + n + 1);
		if (!value)
			return "a bad value";
		if (json_object_get(volume, keys[i].key)) {
			json_decref(value);
			return "given twice";
		}
		json_object_set_new(volume, keys[i].key, value);
		return NULL;
	}
	return "an unknown key";
}

// Whether every key goes with the kind, and what the kind needs is there. Returns NULL, or what is wrong.
static const char *check_kind(const json_t *volume)
{
	const char *kind = json_string_value(json_object_get(volume, "kind"));
	if (!kind)
		return "no kind: kind=host or kind=empty";
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		if (keys[i].kind && strcmp(keys[i].kind, kind) != 0 && json_object_get(volume, keys[i].key))
			return "a key of another kind of volume";
	if (!strcmp(kind, "host") && !json_object_get(volume, "source"))
		return "no source";
	return NULL;
}

json_t *volume_parse(const char *text, struct err *e)
{
	struct texts parts = { 0 };
	split(text, &parts);
	json_t *volume = json_pack("{s:s}", "name", utf8_valid(text, strlen(text)) ? parts.items[0] : "");
	const char *why = acname_is_name(parts.items[0]) ? NULL : "the name is not an AC Name";
	const char *part = NULL;
	for (size_t i = 1; !why && i < parts.count; i++)
		why = set_key(volume, part = parts.items[i]);
	if (why && part)
		err_set(e, STATUS_USAGE, "volume '%s': '%s': %s", text, part, why);
	else if (why || (why = check_kind(volume)))
		err_set(e, STATUS_USAGE, "volume '%s': %s", text, why);
	texts_free(&parts);
	if (!why)
		return volume;
	json_decref(volume);
	return NULL;
}

json_t *volume_parse_mount(const char *text, struct err *e)
{
	struct texts parts = { 0 };
	const char *name = NULL, *target = NULL;
	json_t *mount = NULL;
	split(text, &parts);
	bool ok = parts.count == 2;
	for (size_t i = 0; ok && i < parts.count; i++) {
		if (!strncmp(parts.items[i], "volume=", 7))
			name = parts.items[i] + 7;
		else if (!strncmp(parts.items[i], "target=", 7))
			target = parts.items[i] + 7;
	}
	if (name && target && acname_is_name(name) && *target == '/')
		mount = json_pack("{s:s, s:s}", "volume", name, "path", target);
	if (!mount)
		err_set(e, STATUS_USAGE, "mount '%s': expected volume=NAME,target=/PATH", text);
	texts_free(&parts);
	return mount;
}

char *volume_clean_path(const char *path)
{
	struct buf clean = { 0 };
	bool ok = *path == '/';
	while (ok && *path) {
		path += strspn(path, "/");
		size_t n = strcspn(path, "/");
		ok = !(n == 2 && path[0] == '.' && path[1] == '.');
		if (n && !(n == 1 && *path == '.')) {
			buf_add_byte(&clean, '/');
			buf_add(&clean, path, n);
		}
		path += n;
	}
	if (ok && clean.length)
		return buf_steal(&clean);
	buf_free(&clean);
	return NULL;
}
