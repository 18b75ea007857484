// schema.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "image/schema.h"
#include "oci/acname.h"

#define SHOWN_KEY 60 // bytes of a hostile key in a path

static void findings_add_list(struct findings *f, enum status status, const char *format, va_list args)
{
	char text[ERR_TEXT_MAX];
	size_t *told = status == STATUS_OK ? &f->warnings : &f->errors;
	if (*told > FINDINGS_MAX)
		return;
	if ((*told)++ == FINDINGS_MAX)
		snprintf(text, sizeof text, "more of this kind are not shown");
	else
		vsnprintf(text, sizeof text, format, args);
	if (f->count == f->room) {
		f->room = f->room ? f->room * 2 : 8;
		f->items = mem_resize(f->items, f->room, sizeof *f->items);
	}
	f->items[f->count++] = (struct finding){ status, mem_text(text) };
}

void findings_add(struct findings *f, enum status status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	findings_add_list(f, status, format, args);
	va_end(args);
}

int findings_error(const struct findings *f, struct err *e)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].status != STATUS_OK)
			return err_set(e, f->items[i].status, "%s", f->items[i].text);
	return 0;
}

void findings_free(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->items[i].text);
	free(f->items);
	*f = (struct findings){ 0 };
}

void schema_tell(struct schema *s, enum status status, const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	const char *path = buf_text(&s->path);
	findings_add(s->findings, status, "%s: %s%s%s", s->subject, path, *path ? ": " : "", text);
}

void schema_bad(struct schema *s, const char *why)
{
	schema_tell(s, STATUS_MALFORMED, "%s", why);
}

static void leave(struct schema *s, size_t length)
{
	s->path.length = length;
	if (s->path.data)
		s->path.data[length] = '\0';
}

// Looks at a member with its name on the path.
static void check_member(struct schema *s, const char *key, const json_t *value, schema_check *check)
{
	size_t length = s->path.length;
	buf_add_format(&s->path, "%s%.*s", length ? "." : "", SHOWN_KEY, key);
	if (!value || json_is_null(value))
		schema_bad(s, "missing");
	else
		check(s, value);
	leave(s, length);
}

static bool is_known(const struct schema_field *fields, const char *key)
{
	for (; fields->name; fields++)
		if (!strcmp(fields->name, key))
			return true;
	return false;
}

static void unknown_field(struct schema *s, const json_t *value)
{
	(void)value;
	schema_tell(s, STATUS_OK, "a field the specification does not know");
}

void schema_object(struct schema *s, const json_t *value, const struct schema_field *fields)
{
	if (!json_is_object(value)) {
		schema_bad(s, "not an object");
		return;
	}
	for (const struct schema_field *f = fields; f->name; f++) {
		const json_t *member = json_object_get(value, f->name);
		if (f->required || (member && !json_is_null(member)))
			check_member(s, f->name, member, f->check);
	}
	const char *key;
	json_t *member;
	json_object_foreach((json_t *)value, key, member)
		if (!is_known(fields, key) && !json_is_null(member))
			check_member(s, key, member, unknown_field);
}

void schema_list(struct schema *s, const json_t *value, schema_check *element)
{
	if (!json_is_array(value)) {
		schema_bad(s, "not an array");
		return;
	}
	size_t length = s->path.length;
	for (size_t i = 0; i < json_array_size(value) && s->findings->errors <= FINDINGS_MAX; i++) {
		buf_add_format(&s->path, "[%zu]", i);
		element(s, json_array_get(value, i));
		leave(s, length);
	}
}

void schema_unique(struct schema *s, const json_t *list, const char *key)
{
	json_t *seen = json_object();
	size_t i, length = s->path.length;
	json_t *item;
	json_array_foreach(list, i, item) {
		const char *text = json_string_value(json_object_get(item, key));
		if (!text)
			continue;
		if (json_object_get(seen, text)) {
			buf_add_format(&s->path, "[%zu].%s", i, key);
			schema_tell(s, STATUS_MALFORMED, "'%.*s' is there twice", SHOWN_KEY, text);
			leave(s, length);
		}
		json_object_set_new_nocheck(seen, text, json_true());
	}
	json_decref(seen);
}

const char *schema_text(struct schema *s, const json_t *value)
{
	if (!json_is_string(value))
		schema_bad(s, "not a string");
	return json_string_value(value);
}

bool schema_integer(struct schema *s, const json_t *value, json_int_t least, json_int_t most)
{
	bool fits = json_is_integer(value) && json_integer_value(value) >= least && json_integer_value(value) <= most;
	if (!fits)
		schema_tell(s, STATUS_MALFORMED, "not from %lld to %lld", (long long)least, (long long)most);
	return fits;
}

void schema_any(struct schema *s, const json_t *value)
{
	(void)s;
	(void)value;
}

void schema_string(struct schema *s, const json_t *value)
{
	schema_text(s, value);
}

void schema_filled_string(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && !*text)
		schema_bad(s, "empty");
}

void schema_flag(struct schema *s, const json_t *value)
{
	if (!json_is_boolean(value))
		schema_bad(s, "not true or false");
}

void schema_identifier(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && !acname_is_identifier(text))
		schema_tell(s, STATUS_MALFORMED, "not an AC Identifier: '%.*s'", SHOWN_KEY, text);
}

void schema_name(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && !acname_is_name(text))
		schema_tell(s, STATUS_MALFORMED, "not an AC Name: '%.*s'", SHOWN_KEY, text);
}

void schema_absolute_path(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && *text != '/')
		schema_bad(s, "not an absolute path");
}
