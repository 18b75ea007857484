// request.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "image/isolator.h"
#include "oci/acname.h"
#include "pod/caps.h"
#include "pod/environ.h"
#include "pod/request.h"
#include "pod/volume.h"

enum form { FORM_TEXT, FORM_NAME, FORM_TEXTS, FORM_PAIRS, FORM_NUMBERS, FORM_MOUNTS, FORM_FLAG, FORM_CAPABILITIES };

static const struct {
	const char *option, *field;
	enum form form;
} keys[] = {
	{ "name", "name", FORM_NAME },
	{ "exec", "exec", FORM_TEXT },
	{ "arg", "args", FORM_TEXTS },
	{ "environment", "environment", FORM_PAIRS },
	{ "user", "user", FORM_TEXT },
	{ "group", "group", FORM_TEXT },
	{ "supplementary-gid", "supplementaryGIDs", FORM_NUMBERS },
	{ "working-dir", "workingDirectory", FORM_TEXT },
	{ "mount", "mounts", FORM_MOUNTS },
	{ "readonly-rootfs", "readonlyRootfs", FORM_FLAG },
	{ "caps-retain", "capsRetain", FORM_CAPABILITIES },
	{ "caps-remove", "capsRemove", FORM_CAPABILITIES },
	{ "user-annotation", "userAnnotations", FORM_PAIRS },
	{ "user-label", "userLabels", FORM_PAIRS },
};

// ---- from --app ----

static json_t *member(json_t *request, const char *field, json_t *(*make)(void))
{
	json_t *value = json_object_get(request, field);
	if (!value) {
		value = make();
		json_object_set_new(request, field, value);
	}
	return value;
}

static int set_pair(json_t *pairs, const char *field, const char *text, struct err *e)
{
	size_t n = strcspn(text, "=");
	if (!n || !text[n])
		return err_set(e, STATUS_USAGE, "%s '%s': not NAME=VALUE", field, text);
	mem_auto char *name = mem_text_n(text, n);
	json_object_set_new(pairs, name, json_string(text + n + 1));
	return 0;
}

static int set_number(json_t *numbers, const char *text, struct err *e)
{
	char *end;
	long long n = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || *end)
		return err_set(e, STATUS_USAGE, "supplementary-gid '%s': not a number", text);
	json_array_append_new(numbers, json_integer(n));
	return 0;
}

static int set_mount(json_t *mounts, const char *text, struct err *e)
{
	jsonio_auto json_t *mount = volume_parse_mount(text, e);
	if (!mount)
		return -1;
	json_object_set(mount, "target", json_object_get(mount, "path"));
	json_object_del(mount, "path");
	json_array_append(mounts, mount);
	return 0;
}

static void set_list(json_t *list, const char *text)
{
	for (;; text++) {
		size_t n = strcspn(text, ",");
		if (n)
			json_array_append_new(list, json_stringn(text, n));
		text += n;
		if (!*text)
			return;
	}
}

static int set_value(json_t *request, size_t key, const char *value, struct err *e)
{
	const char *field = keys[key].field;
	switch (keys[key].form) {
	case FORM_TEXTS:
		return json_array_append_new(member(request, field, json_array), json_string(value));
	case FORM_PAIRS:
		return set_pair(member(request, field, json_object), keys[key].option, value, e);
	case FORM_NUMBERS:
		return set_number(member(request, field, json_array), value, e);
	case FORM_MOUNTS:
		return set_mount(member(request, field, json_array), value, e);
	case FORM_CAPABILITIES:
		set_list(member(request, field, json_array), value);
		return 0;
	case FORM_FLAG:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return err_set(e, STATUS_USAGE, "%s '%s': not true or false", keys[key].option, value);
		return json_object_set_new(request, field, json_boolean(!strcmp(value, "true")));
	case FORM_TEXT:
	case FORM_NAME:
		break;
	}
	return json_object_set_new(request, field, json_string(value));
}

int request_set(json_t *request, const char *assignment, struct err *e)
{
	size_t n = strcspn(assignment, "=");
	if (!utf8_valid(assignment, strlen(assignment)))
		return err_set(e, STATUS_USAGE, "option --app: '%s': not UTF-8", assignment);
	for (size_t i = 0; assignment[n] && i < ARRAY_LENGTH(keys); i++)
		if (strlen(keys[i].option) == n && !memcmp(keys[i].option, assignment, n))
			return set_value(request, i, assignment + n + 1, e);
	return err_set(e, STATUS_USAGE, "option --app: '%s': not KEY=VALUE with a known key", assignment);
}

// ---- the form ----

static bool all(const json_t *array, bool (*good)(const json_t *item))
{
	size_t i;
	json_t *item;
	json_array_foreach(array, i, item)
		if (!good(item))
			return false;
	return json_is_array(array);
}

static bool is_text(const json_t *item)
{
	return json_is_string(item);
}

static bool is_id(const json_t *item)
{
	return json_is_integer(item) && json_integer_value(item) >= 0 && json_integer_value(item) < 4294967295;
}

static bool is_capability(const json_t *item)
{
	return json_is_string(item) && isolator_capability(json_string_value(item)) >= 0;
}

static bool is_mount(const json_t *item)
{
	const char *volume = json_string_value(json_object_get(item, "volume"));
	const char *target = json_string_value(json_object_get(item, "target"));
	return volume && acname_is_name(volume) && target && *target == '/';
}

static bool is_pairs(const json_t *object)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)object, key, value)
		if (!json_is_string(value))
			return false;
	return json_is_object(object);
}

static bool has_form(const json_t *value, enum form form)
{
	switch (form) {
	case FORM_TEXT:
		return json_string_length(value) > 0;
	case FORM_NAME:
		return json_is_string(value) && acname_is_name(json_string_value(value));
	case FORM_TEXTS:
		return all(value, is_text);
	case FORM_PAIRS:
		return is_pairs(value);
	case FORM_NUMBERS:
		return all(value, is_id);
	case FORM_MOUNTS:
		return all(value, is_mount);
	case FORM_FLAG:
		return json_is_boolean(value);
	case FORM_CAPABILITIES:
		return all(value, is_capability);
	}
	return false;
}

int request_check(const json_t *request, struct err *e)
{
	if (!json_is_object(request))
		return err_set(e, STATUS_MALFORMED, "app: not an object");
	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		const json_t *value = json_object_get(request, keys[i].field);
		if (value && !has_form(value, keys[i].form))
			return err_set(e, keys[i].form == FORM_CAPABILITIES ? STATUS_MALFORMED : STATUS_USAGE,
				"app.%s: not as it must be", keys[i].field);
	}
	const char *directory = json_string_value(json_object_get(request, "workingDirectory")), *name;
	if (directory && *directory != '/')
		return err_set(e, STATUS_USAGE, "app.workingDirectory '%s': not absolute", directory);
	json_t *value;
	json_object_foreach(json_object_get(request, "environment"), name, value)
		if (!environ_is_name(name, strlen(name)))
			return err_set(e, STATUS_USAGE,
				"app.environment '%s': a name of other than letters, digits, '_', '.' and '-'", name);
	if (json_object_get(request, "capsRetain") && json_object_get(request, "capsRemove"))
		return err_set(e, STATUS_MALFORMED, "app: both capsRetain and capsRemove");
	return 0;
}

// ---- carrying it out ----

static void replace(const json_t *request, json_t *section, const char *field)
{
	json_t *value = json_object_get(request, field);
	if (value)
		json_object_set(section, field, value);
}

static void apply_exec(const json_t *request, json_t *section)
{
	json_t *program = json_object_get(request, "exec"), *args = json_object_get(request, "args");
	json_t *old = json_object_get(section, "exec"), *exec = json_array();
	if (program)
		json_array_append(exec, program);
	else if (old)
		json_array_extend(exec, old);
	if (args && json_array_size(exec))
		json_array_extend(exec, args); // rkt:A-033
	json_object_set_new(section, "exec", exec);
}

// The user's set takes the place of both that the image may have.
static void apply_capabilities(const json_t *request, json_t *section)
{
	json_t *retain = json_object_get(request, "capsRetain"), *remove = json_object_get(request, "capsRemove");
	if (!retain && !remove)
		return;
	json_t *isolators = json_array(), *isolator;
	size_t i;
	json_array_foreach(json_object_get(section, "isolators"), i, isolator) {
		const char *name = json_string_value(json_object_get(isolator, "name"));
		if (name && strcmp(name, CAPS_RETAIN_SET) != 0 && strcmp(name, CAPS_REMOVE_SET) != 0)
			json_array_append(isolators, isolator);
	}
	json_array_append_new(isolators,
		json_pack("{s:s, s:{s:O}}", "name", retain ? CAPS_RETAIN_SET : CAPS_REMOVE_SET, "value", "set",
			retain ? retain : remove));
	json_object_set_new(section, "isolators", isolators);
}

static void apply_pairs(const json_t *request, json_t *section, const char *field)
{
	json_t *pairs = json_object_get(request, field);
	if (pairs)
		json_object_update(member(section, field, json_object), pairs);
}

int request_apply(const json_t *request, json_t *section, struct err *e)
{
	static const char *const replaced[] = { "user", "group", "supplementaryGIDs", "workingDirectory" };
	for (size_t i = 0; i < ARRAY_LENGTH(replaced); i++)
		replace(request, section, replaced[i]);
	apply_exec(request, section);
	apply_capabilities(request, section);
	apply_pairs(request, section, "userAnnotations");
	apply_pairs(request, section, "userLabels");
	const char *name;
	json_t *value, *environment = member(section, "environment", json_array);
	json_object_foreach(json_object_get(request, "environment"), name, value)
		environ_set(environment, name, json_string_value(value));
	if (!json_array_size(json_object_get(section, "exec")))
		return err_set(e, STATUS_USAGE, "the image says nothing to run: exec is needed");
	return 0;
}
