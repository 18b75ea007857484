// wanted.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "image/image.h"
#include "image/wanted.h"
#include "oci/acname.h"

bool wanted_is_file(const json_t *record)
{
	const char *transport = jsonio_find_text(record, "transport");
	return transport && !strcmp(transport, "file");
}

// ---- what was asked for ----

// A label that was only filled in for discovery is no demand, nor is the version latest (rkt:C-010).
static bool is_demand(const json_t *record, const char *label, const char *value)
{
	size_t i;
	json_t *name;
	json_array_foreach(json_object_get(record, "defaults"), i, name)
		if (json_is_string(name) && !strcmp(json_string_value(name), label))
			return false;
	return strcmp(label, "version") != 0 || strcmp(value, "latest") != 0;
}

static json_t *labels_asked(const json_t *record)
{
	json_t *asked = json_object();
	const char *label;
	json_t *value;
	json_object_foreach(json_object_get(record, "labels"), label, value)
		if (json_is_string(value) && is_demand(record, label, json_string_value(value)))
			json_object_set(asked, label, value);
	return asked;
}

// The manifest must be the one that was asked for (rkt:C-015).
int wanted_check_manifest(const json_t *record, const struct aci_scan *scan, struct err *e)
{
	const char *name = jsonio_find_text(record, "name"), *id = jsonio_find_text(record, "id"), *label;
	const char *found = aci_name(scan->manifest);
	jsonio_auto json_t *asked = labels_asked(record);
	jsonio_auto json_t *labels = aci_labels(scan->manifest);
	json_t *value;
	if (name && strcmp(name, found) != 0)
		return err_set(e, STATUS_REFUSED, "requested name \"%s\" differs from fetched aci name: \"%s\"", name, found);
	if (id && strcmp(id, scan->id) != 0)
		return err_set(e, STATUS_REFUSED, "requested id %s differs from fetched aci id: %s", id, scan->id);
	json_object_foreach(asked, label, value) {
		const char *wanted = json_string_value(value), *has = jsonio_find_text(labels, label);
		if (!has)
			return err_set(e, STATUS_REFUSED,
				"requested value for label \"%s\": \"%s\": fetched aci has no such label", label, wanted);
		if (strcmp(has, wanted) != 0)
			return err_set(e, STATUS_REFUSED,
				"requested value for label \"%s\": \"%s\" differs from fetched aci label value: \"%s\"", label,
				wanted, has);
	}
	return 0;
}

int wanted_check(const json_t *record, struct err *e)
{
	const char *id = jsonio_get_text(record, "id", e);
	const char *name = e->status ? NULL : jsonio_get_text(record, "name", e);
	const char *digest = e->status ? NULL : jsonio_get_text(record, "digest", e);
	if (!e->status)
		jsonio_get_object(record, "labels", e);
	const json_t *endpoints = e->status ? NULL : jsonio_get_array(record, "endpoints", e);
	size_t i;
	json_t *endpoint;
	json_array_foreach(endpoints, i, endpoint)
		if (!jsonio_find_text(endpoint, "url"))
			err_set(e, STATUS_MALFORMED, "field 'endpoints[%zu].url': missing", i);
	if (e->status)
		return -1;
	if (id && !acname_is_short_id(id))
		return err_set(e, STATUS_MALFORMED, "field 'id': not an image id");
	if (digest && !digest_valid(digest, NULL, NULL))
		return err_set(e, STATUS_MALFORMED, "field 'digest': not a sha256: or sha512: digest");
	if (!id && !name && !endpoints && !json_object_get(record, "blob"))
		return err_set(e, STATUS_MALFORMED, "field 'name': missing: nothing says which image is meant");
	return 0;
}

// ---- what the store has ----

// An image of the store without demands on its platform, where the request was for this machine's.
static bool fits_defaults(const json_t *record, const json_t *stored)
{
	static const char *const platform[] = { "os", "arch" };
	for (size_t i = 0; i < ARRAY_LENGTH(platform); i++) {
		const char *wanted = jsonio_find_text(json_object_get(record, "labels"), platform[i]);
		const char *has = jsonio_find_text(json_object_get(stored, "labels"), platform[i]);
		if (wanted && has && strcmp(wanted, has) != 0)
			return false;
	}
	return true;
}

static json_t *find_by_url(struct store *s, const char *url, struct err *e)
{
	texts_auto damaged = { 0 }; // stands in the way of no other image
	jsonio_auto json_t *all = store_list(s, &damaged, e);
	size_t i;
	json_t *stored;
	json_array_foreach(all, i, stored) {
		const char *from = jsonio_find_text(json_object_get(stored, "source"), "url");
		if (from && !strcmp(from, url))
			return json_incref(stored);
	}
	return NULL;
}

json_t *wanted_find_stored(struct store *s, const json_t *record, struct err *e)
{
	struct err absent = { 0 };
	const char *id = jsonio_find_text(record, "id"), *name = jsonio_find_text(record, "name");
	json_t *stored = NULL;
	if (id) {
		stored = store_find_id(s, id, &absent);
	} else if (name) {
		jsonio_auto json_t *asked = labels_asked(record);
		stored = store_find_name(s, name, asked, &absent);
	} else if (!wanted_is_file(record)) {
		const char *url = jsonio_find_text(json_array_get(json_object_get(record, "endpoints"), 0), "url");
		stored = url ? find_by_url(s, url, &absent) : NULL;
	}
	bool usable = stored && fits_defaults(record, stored) && image_digest(stored) && store_has_blob(s, image_digest(stored));
	if (usable)
		return stored;
	json_decref(stored);
	if (absent.status && absent.status != STATUS_NOT_FOUND)
		*e = absent;
	return NULL;
}

// The store's record says what the image is, the request what it is for.
void wanted_use_stored(json_t *record, const json_t *stored)
{
	static const char *const of_request[] = { "app", "ref", "transport", "insecure", "part", "of" };
	const char *key;
	size_t i;
	json_t *value, *check;
	json_object_foreach((json_t *)(uintptr_t)stored, key, value) {
		bool kept = false;
		for (i = 0; i < ARRAY_LENGTH(of_request); i++)
			kept = kept || (!strcmp(key, of_request[i]) && json_object_get(record, key));
		if (!kept)
			json_object_set(record, key, value);
	}
	json_array_foreach(json_object_get(stored, "insecure"), i, check)
		if (json_is_string(check))
			image_add_insecure(record, json_string_value(check));
	json_object_del(record, "defaults");
}
