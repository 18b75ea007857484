// fields.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "pod/fields.h"

const char *fields_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

json_t *fields_find(const json_t *array, const char *key, const char *value)
{
	size_t i;
	json_t *item;
	json_array_foreach(array, i, item) {
		const char *found = fields_text(item, key);
		if (found && value && !strcmp(found, value))
			return item;
	}
	return NULL;
}
