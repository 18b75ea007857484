// rolekeys.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tuf/names.h"
#include "tuf/rolekeys.h"

void rolekeys_allow(const struct texts *settings, struct sandbox *s)
{
	for (size_t i = 0; i < settings->count; i++) {
		const char *equals = strchr(settings->items[i], '=');
		texts_add(&s->reads, equals ? equals + 1 : settings->items[i]);
	}
}

const char *rolekeys_split(const char *setting, char **role, struct err *e)
{
	const char *equals = strchr(setting, '=');
	*role = equals ? mem_text_n(setting, (size_t)(equals - setting)) : NULL;
	if (equals && equals[1] && names_is_top_level(*role))
		return equals + 1;
	free(*role);
	*role = NULL;
	err_set(e, STATUS_USAGE, "'%s': expected root, targets, snapshot or timestamp, an equals sign and a value", setting);
	return NULL;
}

static bool has_id(const json_t *ids, const char *id)
{
	size_t i;
	json_t *item;
	json_array_foreach(ids, i, item)
		if (!strcmp(json_string_value(item), id))
			return true;
	return false;
}

int rolekeys_put(json_t *keys, json_t *ids, const char *path, struct err *e)
{
	key_auto key = { 0 };
	char id[KEYS_ID_MAX];
	if (key_read_public(path, &key, e) < 0)
		return -1;
	keys_id(&key, id);
	if (!json_object_get(keys, id))
		json_object_set_new(keys, id, keys_object(&key));
	if (!has_id(ids, id))
		json_array_append_new(ids, json_string(id));
	return 0;
}

static json_t *role_of(struct role *root, const char *name)
{
	return json_object_get(json_object_get(root->body, "roles"), name);
}

int rolekeys_add(struct role *root, const char *setting, struct err *e)
{
	mem_auto char *name = NULL;
	const char *path = rolekeys_split(setting, &name, e);
	return path ? rolekeys_put(json_object_get(root->body, "keys"), json_object_get(role_of(root, name), "keyids"), path, e)
		    : -1;
}

// The id that the role lists this key under: the text itself, or of the public key in the file it names.
static char *find_id(struct role *root, const char *name, const char *text, struct err *e)
{
	keys_auto set = { 0 };
	key_auto key = { 0 };
	if (role_keys(root, name, &set, e) < 0)
		return NULL;
	const struct keys_entry *entry = keys_find(&set, text);
	if (!entry && key_read_public(text, &key, e) < 0)
		return NULL;
	entry = entry ? entry : keys_find_key(&set, &key);
	if (!entry)
		err_set(e, STATUS_NOT_FOUND, "the role %s does not list the key '%s'", name, text);
	return entry ? mem_text(entry->id) : NULL;
}

int rolekeys_drop(struct role *root, const char *setting, struct err *e)
{
	size_t i;
	json_t *item;
	mem_auto char *name = NULL;
	const char *text = rolekeys_split(setting, &name, e);
	mem_auto char *id = text ? find_id(root, name, text, e) : NULL;
	if (!id)
		return -1;
	json_t *ids = json_object_get(role_of(root, name), "keyids");
	json_array_foreach(ids, i, item)
		if (!strcmp(json_string_value(item), id)) {
			json_array_remove(ids, i);
			break;
		}
	return 0;
}

int rolekeys_threshold(struct role *root, const char *setting, struct err *e)
{
	mem_auto char *name = NULL;
	const char *text = rolekeys_split(setting, &name, e);
	if (!text)
		return -1;
	size_t digits = strspn(text, "0123456789");
	long threshold = digits && digits <= 9 && !text[digits] ? strtol(text, NULL, 10) : 0;
	if (threshold < 1)
		return err_set(e, STATUS_USAGE, "'%s': not a threshold of at least 1", setting);
	json_object_set_new(role_of(root, name), "threshold", json_integer(threshold));
	return 0;
}

static void forget_unlisted(json_t *keys, json_t *roles)
{
	const char *id, *name;
	void *next;
	json_t *object, *role;
	json_object_foreach_safe(keys, next, id, object)
	{
		bool listed = false;
		json_object_foreach(roles, name, role)
			listed = listed || has_id(json_object_get(role, "keyids"), id);
		if (!listed)
			json_object_del(keys, id);
	}
}

int rolekeys_finish(struct role *root, struct err *e)
{
	const char *name;
	json_t *role, *roles = json_object_get(root->body, "roles");
	json_object_foreach(roles, name, role) {
		json_int_t threshold = json_integer_value(json_object_get(role, "threshold"));
		size_t keys = json_array_size(json_object_get(role, "keyids"));
		if (threshold > (json_int_t)keys)
			return err_set(e, STATUS_REFUSED,
				"the role %s needs %" PRId64 " keys and lists %zu: nobody could sign it", name,
				(int64_t)threshold, keys);
	}
	forget_unlisted(json_object_get(root->body, "keys"), roles);
	return 0;
}
