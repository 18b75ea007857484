// image.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/msg.h"
#include "image/image.h"

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
		if (digest && about && !strcmp(about, digest))
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

int image_require_verified(json_t *record, bool unverified, struct err *e)
{
	if (image_verified(record))
		return 0;
	const char *name = json_string_value(json_object_get(record, "name"));
	if (!unverified) {
		err_set(e, STATUS_REFUSED, "'%s': not verified: the record has no verified entry for this digest",
			name ? name : "image");
		return err_hint(e, "put verify-sig before this stage, or use --unverified");
	}
	msg_warn("'%s': not verified, used all the same", name ? name : "image");
	image_add_insecure(record, "verified");
	return 0;
}
