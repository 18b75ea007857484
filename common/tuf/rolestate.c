// rolestate.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "base/date.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "tuf/rolestate.h"

static json_t *count(const struct received *r, const struct keys_set *keys, int64_t *signatures, int64_t *usable)
{
	json_t *missing = json_array();
	mem_auto bool *counted = mem_alloc(keys->count + 1);
	*signatures = *usable = 0;
	for (size_t i = 0; i < keys->count; i++) {
		const struct keys_entry *k = &keys->items[i];
		bool has = received_is_signed_by(r, k);
		*usable += k->key.pkey && k->same_as == i;
		*signatures += has && !counted[k->same_as];
		counted[k->same_as] = counted[k->same_as] || has;
	}
	for (size_t i = 0; i < keys->count; i++)
		if (!counted[keys->items[i].same_as])
			json_array_append_new(missing, json_string(keys->items[i].id));
	return missing;
}

json_t *rolestate_record(const struct received *r, const struct received *delegator, int64_t now, struct err *e)
{
	keys_auto keys = { 0 };
	int64_t signatures, usable;
	char expires[DATE_TEXT_MAX];
	if (received_keys(delegator, r->role, &keys, e) < 0)
		return NULL;
	struct err why = { 0 };
	if (received_check_signatures(r, &keys, &why) < 0 && why.status == STATUS_MALFORMED) {
		*e = why;
		return NULL;
	}
	jsonio_auto json_t *missing = count(r, &keys, &signatures, &usable);
	json_t *record = json_pack("{s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I}", "kind", "role", "role", r->role, "version",
		(json_int_t)r->version, "expires", date_format(r->expires, expires), "left", (json_int_t)(r->expires - now),
		"signed", (json_int_t)signatures, "threshold", (json_int_t)keys.threshold, "keys", (json_int_t)usable);
	if (signatures < keys.threshold)
		json_object_set(record, "missing", missing);
	return record;
}
