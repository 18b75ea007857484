// environ.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/utf8.h"
#include "pod/environ.h"

bool environ_is_name(const char *name, size_t length)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	return length && strspn(name, allowed) >= length;
}

void environ_set(json_t *array, const char *name, const char *value)
{
	size_t i;
	json_t *item;
	json_array_foreach(array, i, item) {
		const char *old = json_string_value(json_object_get(item, "name"));
		if (old && !strcmp(old, name)) {
			json_object_set_new(item, "value", json_string(value));
			return;
		}
	}
	json_array_append_new(array, json_pack("{s:s, s:s}", "name", name, "value", value));
}

// NULL, or why this is no assignment.
static const char *assign(json_t *array, const char *text)
{
	size_t n = strcspn(text, "=");
	if (!text[n])
		return "no '='";
	if (!environ_is_name(text, n))
		return "a name of other than letters, digits, '_', '.' and '-'";
	if (!utf8_valid(text, strlen(text)))
		return "a value that is not UTF-8";
	mem_auto char *name = mem_text_n(text, n);
	environ_set(array, name, text + n + 1);
	return NULL;
}

int environ_assign(json_t *array, const char *assignment, struct err *e)
{
	const char *why = assign(array, assignment);
	return why ? err_set(e, STATUS_USAGE, "environment variable '%s': %s", assignment, why) : 0;
}

int environ_read_file(json_t *array, const char *path, struct err *e)
{
	buf_auto text = { 0 };
	if (io_read_file(path, JSONIO_BYTES_MAX, &text, e) < 0)
		return -1;
	if (strlen(buf_text(&text)) != text.length)
		return err_set(e, STATUS_MALFORMED, "'%s': a NUL byte in an environment file", path);
	size_t number = 1;
	for (char *line = text.data, *next; line && *line; line = next, number++) {
		size_t n = strcspn(line, "\n");
		next = line + n + (line[n] == '\n');
		line[n] = '\0';
		if (!line[strspn(line, " \t\r")] || *line == '#' || *line == ';')
			continue;
		const char *why = assign(array, line);
		if (why)
			return err_set(e, STATUS_MALFORMED, "'%s': line %zu: %s", path, number, why);
	}
	return 0;
}

static void inherit(json_t *array, const char *variable)
{
	const char *why = assign(array, variable);
	if (why)
		msg_warn("inherited variable '%.*s': not passed on: %s", (int)strcspn(variable, "="), variable, why);
}

int environ_inherit(json_t *array, const char *path, struct err *e)
{
	buf_auto text = { 0 };
	if (path && io_read_file(path, JSONIO_BYTES_MAX, &text, e) < 0)
		return -1;
	for (size_t at = 0; at < text.length; at += strlen(text.data + at) + 1)
		inherit(array, text.data + at);
	for (char **variable = environ; !path && *variable; variable++)
		inherit(array, *variable);
	return 0;
}

const char *environ_get(const struct texts *environment, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < environment->count; i++)
		if (!strncmp(environment->items[i], name, n) && environment->items[i][n] == '=')
			return environment->items[i] + n + 1;
	return NULL;
}

void environ_finish(const json_t *array, const char *app, struct texts *out)
{
	size_t i;
	json_t *item;
	json_array_foreach(array, i, item) {
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *value = json_string_value(json_object_get(item, "value"));
		if (name && value && strcmp(name, "AC_APP_NAME") && strcmp(name, "AC_METADATA_URL") && strcmp(name, "container"))
			texts_take(out, mem_format("%s=%s", name, value));
	}
	if (!environ_get(out, "PATH"))
		texts_add(out, "PATH=" ENVIRON_DEFAULT_PATH);
	texts_take(out, mem_format("AC_APP_NAME=%s", app));
	texts_add(out, "container=tackle");
}
