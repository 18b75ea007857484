// image.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/record.h"
#include "image/image.h"

// ---- the fields that programs act on ----

static int not_of_type(const char *field, const char *type, struct err *e)
{
	return err_set(e, STATUS_MALFORMED, "record: field '%s': not %s", field, type);
}

static int check_fields(const json_t *record, struct err *e)
{
	static const char *const texts[] = { "ref", "transport", "name", "registry", "repository", "tag", "digest", "path", "id",
		"diff_id", "imported", "used" };
	static const char *const objects[] = { "labels", "platform", "blob", "signature", "index", "manifest", "config", "source",
		"app", "derived_from" };
	static const char *const arrays[] = { "layers", "verified", "insecure", "endpoints", "keys", "defaults", "dependencies",
		"signatures", "referrers" };
	const json_t *value;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++)
		if ((value = json_object_get(record, texts[i])) && !json_is_string(value))
			return not_of_type(texts[i], "a string", e);
	for (size_t i = 0; i < ARRAY_LENGTH(objects); i++)
		if ((value = json_object_get(record, objects[i])) && !json_is_object(value))
			return not_of_type(objects[i], "an object", e);
	for (size_t i = 0; i < ARRAY_LENGTH(arrays); i++)
		if ((value = json_object_get(record, arrays[i])) && !json_is_array(value))
			return not_of_type(arrays[i], "an array", e);
	if ((value = json_object_get(record, "pinned")) && !json_is_boolean(value))
		return not_of_type("pinned", "true or false", e);
	return 0;
}

static int check_verified(const json_t *entry, size_t at, struct err *e)
{
	static const char *const texts[] = { "by", "digest", "fingerprint", "identity", "prefix" };
	mem_auto char *field = mem_format("verified[%zu]", at);
	const json_t *value;
	if (!json_is_object(entry))
		return not_of_type(field, "an object", e);
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		mem_auto char *member = mem_format("%s.%s", field, texts[i]);
		if ((value = json_object_get(entry, texts[i])) && !json_is_string(value))
			return not_of_type(member, "a string", e);
	}
	return 0;
}

int image_check(const json_t *record, struct err *e)
{
	const char *label;
	size_t i;
	json_t *value;
	if (check_fields(record, e) < 0)
		return -1;
	json_object_foreach(json_object_get(record, "labels"), label, value)
		if (!json_is_string(value))
			return not_of_type("labels", "an object of strings", e);
	json_array_foreach(json_object_get(record, "insecure"), i, value)
		if (!json_is_string(value))
			return not_of_type("insecure", "an array of strings", e);
	json_array_foreach(json_object_get(record, "verified"), i, value)
		if (check_verified(value, i, e) < 0)
			return -1;
	return 0;
}

json_t *image_read_all(const char *kinds, struct err *e)
{
	jsonio_auto json_t *records = record_read_all(kinds, e);
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		if (image_check(record, e) < 0)
			return NULL;
	return json_incref(records);
}

json_t *image_read(const char *kinds, struct err *e)
{
	jsonio_auto json_t *record = record_read(kinds, e);
	return record && image_check(record, e) == 0 ? json_incref(record) : NULL;
}

json_t *image_read_file(const char *path, const char *kinds, struct err *e)
{
	mem_auto char *subject = strcmp(path, "-") ? mem_format("'%s'", path) : NULL;
	io_auto int fd = io_open_input(path, e);
	jsonio_auto json_t *record = fd < 0 ? NULL : record_read_from(fd, subject, kinds, e);
	return record && image_check(record, e) == 0 ? json_incref(record) : NULL;
}

// ---- what it says about verification ----

const char *image_digest(const json_t *record)
{
	const json_t *carrier = json_object_get(record, "manifest");
	if (!carrier)
		carrier = json_object_get(record, "blob");
	return json_string_value(json_object_get(carrier, "digest"));
}

const json_t *image_verified(const json_t *record)
{
	const char *digest = image_digest(record);
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(record, "verified"), i, entry) {
		const char *about = json_string_value(json_object_get(entry, "digest"));
		const char *by = json_string_value(json_object_get(entry, "by")); // what nobody checked does not count
		if (digest && about && by && *by && !strcmp(about, digest))
			return entry;
	}
	return NULL;
}

static json_t *array_of(json_t *record, const char *key)
{
	json_t *array = json_object_get(record, key);
	if (!json_is_array(array)) {
		array = json_array();
		json_object_set_new(record, key, array);
	}
	return array;
}

void image_add_verified(json_t *record, json_t *entry)
{
	json_array_append_new(array_of(record, "verified"), entry);
}

void image_add_insecure(json_t *record, const char *check)
{
	json_t *array = array_of(record, "insecure");
	size_t i;
	json_t *old;
	json_array_foreach(array, i, old)
		if (json_is_string(old) && !strcmp(json_string_value(old), check))
			return;
	json_array_append_new(array, json_string(check));
}

bool image_is_signed_by(const json_t *entry)
{
	const char *by = json_string_value(json_object_get(entry, "by"));
	return by && (!strcmp(by, "openpgp") || !strcmp(by, "cosign") || !strcmp(by, "simple-signing"));
}

void image_drop_signed(json_t *record)
{
	json_t *entries = json_object_get(record, "verified");
	for (size_t i = json_array_size(entries); i-- > 0;)
		if (image_is_signed_by(json_array_get(entries, i)))
			json_array_remove(entries, i);
}

static void drop_text(json_t *array, const char *text)
{
	for (size_t i = json_array_size(array); i-- > 0;) {
		const char *item = json_string_value(json_array_get(array, i));
		if (item && !strcmp(item, text))
			json_array_remove(array, i);
	}
}

void image_set_signed(json_t *record, json_t *entry)
{
	image_drop_signed(record);
	image_add_verified(record, entry);
	drop_text(json_object_get(record, "insecure"), "image"); // the check that was once left out has been made
}

int image_require_verified(json_t *record, bool unverified, struct err *e)
{
	if (image_verified(record))
		return 0;
	const char *name = json_string_value(json_object_get(record, "name"));
	if (!unverified) {
		err_set(e, STATUS_REFUSED, "'%s': not verified: the record has no verified entry for this digest",
			name ? name : "image");
		const char *caller = getenv("TACKLE_CALLER");
		if (caller && !strcmp(caller, "rkt")) // the cure is in its words, not in ours
			return err_hint(e, "if you trust who signed it: rkt trust --prefix %s", name ? name : "PREFIX");
		return err_hint(e, "put verify-sig before this stage, or use --unverified");
	}
	msg_warn("'%s': not verified, used all the same", name ? name : "image");
	image_add_insecure(record, "verified");
	return 0;
}

// ---- what it was made from ----

void image_derive(json_t *record, const json_t *from)
{
	static const char *const kept[] = { "ref", "app", "insecure" };
	jsonio_auto json_t *old = json_copy((json_t *)(uintptr_t)from);
	for (size_t i = 0; i < ARRAY_LENGTH(kept); i++)
		if (json_object_get(from, kept[i]))
			json_object_set(record, kept[i], json_object_get(from, kept[i]));
	json_object_del(old, "app");
	json_object_del(old, "part");
	json_object_del(old, "of");
	json_object_set(record, "derived_from", old);
}
