// Reading JSON whose form was checked before: what is missing or of another type reads as NULL.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_FIELDS_H
#define POD_FIELDS_H

#include <jansson.h>

const char *fields_text(const json_t *object, const char *key); // borrowed

// The element of an array of objects whose text at `key` is `value`; borrowed.
json_t *fields_find(const json_t *array, const char *key, const char *value);

#endif
