// jsonio.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"

void jsonio_drop_indirect(json_t **value)
{
	json_decref(*value);
}

// Jansson's own texts quote the input, so only its code is used.
static const char *why(enum json_error_code code)
{
	switch (code) {
	case json_error_premature_end_of_input:
		return "the value ends too early";
	case json_error_end_of_input_expected:
		return "something follows the value";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return "a NUL character";
	case json_error_duplicate_key:
		return "the same key twice in one object";
	case json_error_numeric_overflow:
		return "a number out of range";
	case json_error_stack_overflow:
		return "nested too deep";
	default:
		return "not JSON";
	}
}

// Depth is checked before Jansson recurses, and independently of its own compiled-in limit.
static bool too_deep(const char *text, size_t length)
{
	int depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < length; i++) {
		char c = text[i];
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
		} else if (c == '"') {
			quoted = true;
		} else if (c == '{' || c == '[') {
			if (++depth > JSONIO_DEPTH_MAX)
				return true;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return false;
}

json_t *jsonio_parse(const char *text, size_t length, const char *subject, struct err *e)
{
	if (too_deep(text, length)) {
		err_set(e, STATUS_LIMIT, "%s: JSON nested deeper than %d levels", subject, JSONIO_DEPTH_MAX);
		return NULL;
	}
	if (length && memchr(text, 0, length)) { // behind a number Jansson passes over one
		err_set(e, STATUS_MALFORMED, "%s: bad JSON: a NUL character", subject);
		return NULL;
	}
	json_error_t error;
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!value)
		err_set(e, STATUS_MALFORMED, "%s: %d:%d: bad JSON: %s", subject, error.line, error.column,
			why(json_error_code(&error)));
	return value;
}

json_t *jsonio_read_file(const char *path, struct err *e)
{
	buf_auto text = { 0 };
	if (io_read_file(path, JSONIO_BYTES_MAX, &text, e) < 0)
		return NULL;
	mem_auto char *subject = !strcmp(path, "-") ? mem_text("stdin") : mem_format("'%s'", path);
	return jsonio_parse(buf_text(&text), text.length, subject, e);
}

static int append(const char *data, size_t length, void *out)
{
	buf_add(out, data, length);
	return 0;
}

char *jsonio_text(const json_t *value)
{
	struct buf out = { 0 };
	json_dump_callback(value, append, &out, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	return buf_steal(&out);
}

static json_t *member(const json_t *object, const char *key, int type, const char *type_name, struct err *e)
{
	json_t *value = json_object_get(object, key);
	if (!value || json_is_null(value))
		return NULL;
	if ((int)json_typeof(value) == type)
		return value;
	err_set(e, STATUS_MALFORMED, "field '%s': not %s", key, type_name);
	return NULL;
}

const char *jsonio_get_text(const json_t *object, const char *key, struct err *e)
{
	return json_string_value(member(object, key, JSON_STRING, "a string", e));
}

json_t *jsonio_get_object(const json_t *object, const char *key, struct err *e)
{
	return member(object, key, JSON_OBJECT, "an object", e);
}

json_t *jsonio_get_array(const json_t *object, const char *key, struct err *e)
{
	return member(object, key, JSON_ARRAY, "an array", e);
}

int jsonio_get_size(const json_t *object, const char *key, int64_t fallback, int64_t *out, struct err *e)
{
	json_t *value = json_object_get(object, key);
	*out = fallback;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return err_set(e, STATUS_MALFORMED, "field '%s': not a whole number of at least 0", key);
	*out = json_integer_value(value);
	return 0;
}

int jsonio_get_bool(const json_t *object, const char *key, bool fallback, bool *out, struct err *e)
{
	json_t *value = json_object_get(object, key);
	*out = fallback;
	if (!value || json_is_null(value))
		return 0;
	if (!json_is_boolean(value))
		return err_set(e, STATUS_MALFORMED, "field '%s': not true or false", key);
	*out = json_is_true(value);
	return 0;
}

const char *jsonio_find_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *jsonio_need_text(const json_t *object, const char *key, struct err *e)
{
	json_t *value = json_object_get(object, key);
	if (!value || json_is_null(value)) {
		err_set(e, STATUS_MALFORMED, "field '%s': missing", key);
		return NULL;
	}
	return jsonio_get_text(object, key, e);
}
