// delegation.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "tuf/delegation.h"
#include "tuf/keys.h"

static int check_strings(const json_t *array, const char *key, struct err *e)
{
	size_t i;
	json_t *item;
	if (!json_is_array(array))
		return err_set(e, STATUS_MALFORMED, "field '%s': not an array", key);
	json_array_foreach(array, i, item)
		if (!json_is_string(item))
			return err_set(e, STATUS_MALFORMED, "field '%s': not strings", key);
	return 0;
}

static int check_keys(const json_t *keys, const json_t *role, struct err *e)
{
	keys_auto set = { 0 };
	return keys_read(keys, role, &set, e);
}

static int check_role(const json_t *keys, const json_t *role, json_t *seen, struct err *e)
{
	bool terminating;
	const json_t *paths = json_object_get(role, "paths"), *prefixes = json_object_get(role, "path_hash_prefixes");
	const char *name = jsonio_need_text(role, "name", e);
	if (!name || names_check_role(name, e) < 0)
		return -1;
	if (json_object_get(seen, name))
		return err_set(e, STATUS_REFUSED, "two delegations to the role '%s'", name);
	json_object_set_new(seen, name, json_true());
	if (paths && prefixes)
		return err_set(e, STATUS_REFUSED, "the delegation to '%s' has both paths and path_hash_prefixes", name);
	if (!paths && !prefixes)
		return err_set(e, STATUS_MALFORMED, "the delegation to '%s' has neither paths nor path_hash_prefixes", name);
	if (check_strings(paths ? paths : prefixes, paths ? "paths" : "path_hash_prefixes", e) < 0 ||
		jsonio_get_bool(role, "terminating", false, &terminating, e) < 0 || check_keys(keys, role, e) < 0)
		return err_context(e, "the delegation to '%s'", name);
	return 0;
}

static int check_bins(const json_t *keys, const json_t *bins, struct err *e)
{
	const json_t *bits = json_object_get(bins, "bit_length");
	const char *prefix = jsonio_need_text(bins, "name_prefix", e);
	if (!prefix || names_check_role(prefix, e) < 0)
		return -1;
	if (!json_is_integer(bits) || json_integer_value(bits) < 1 || json_integer_value(bits) > NAMES_BIN_BITS_MAX)
		return err_set(e, STATUS_MALFORMED, "field 'bit_length': not a whole number from 1 to %d", NAMES_BIN_BITS_MAX);
	return check_keys(keys, bins, e);
}

int delegation_check(const json_t *delegations, struct err *e)
{
	size_t i;
	json_t *role;
	if (!json_is_object(delegations))
		return err_set(e, STATUS_MALFORMED, "field 'delegations': not an object");
	const json_t *keys = json_object_get(delegations, "keys"), *roles = json_object_get(delegations, "roles");
	const json_t *bins = json_object_get(delegations, "succinct_roles");
	if (!roles == !bins)
		return err_set(e, roles ? STATUS_REFUSED : STATUS_MALFORMED,
			"field 'delegations': expected either roles or succinct_roles");
	if (bins)
		return check_bins(keys, bins, e) < 0 ? err_context(e, "field 'succinct_roles'") : 0;
	if (!json_is_array(roles))
		return err_set(e, STATUS_MALFORMED, "field 'roles': not an array");
	jsonio_auto json_t *seen = json_object();
	json_array_foreach(roles, i, role)
		if (check_role(keys, role, seen, e) < 0)
			return -1;
	return 0;
}

bool delegation_bins(const json_t *delegations, const char **prefix, int *bits)
{
	const json_t *bins = json_object_get(delegations, "succinct_roles");
	if (!bins)
		return false;
	if (prefix)
		*prefix = json_string_value(json_object_get(bins, "name_prefix"));
	if (bits)
		*bits = (int)json_integer_value(json_object_get(bins, "bit_length"));
	return true;
}

char *delegation_bin(const json_t *delegations, const char hash[static NAMES_HASH_MAX])
{
	const char *prefix;
	int bits;
	return delegation_bins(delegations, &prefix, &bits) ? names_bin_role(prefix, bits, names_bin(hash, bits)) : NULL;
}

static bool is_bin(const char *role, const char *prefix, int bits)
{
	size_t n = strlen(prefix);
	if (strncmp(role, prefix, n) != 0 || role[n] != '-')
		return false;
	const char *hex = role + n + 1;
	size_t digits = strlen(hex);
	if (digits != (size_t)(bits + 3) / 4 || strspn(hex, "0123456789abcdef") != digits)
		return false;
	return strtoull(hex, NULL, 16) >> bits == 0;
}

// Hash bins are thousands of roles, asked for in the order in which they are listed: a search goes on where the last one ended.
static const json_t *find_role(const json_t *roles, const char *name)
{
	static _Thread_local size_t last;
	size_t count = json_array_size(roles);
	for (size_t i = 0; i < count; i++) {
		size_t at = (last + i) % count;
		const json_t *role = json_array_get(roles, at);
		if (!strcmp(json_string_value(json_object_get(role, "name")), name)) {
			last = at;
			return role;
		}
	}
	return NULL;
}

const json_t *delegation_find(const json_t *delegations, const char *role)
{
	const char *prefix;
	int bits;
	if (delegation_bins(delegations, &prefix, &bits))
		return is_bin(role, prefix, bits) ? json_object_get(delegations, "succinct_roles") : NULL;
	return find_role(json_object_get(delegations, "roles"), role);
}

bool delegation_covers(const json_t *role, const char *path, const char hash[static NAMES_HASH_MAX])
{
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(role, "paths"), i, item)
		if (names_match(json_string_value(item), path))
			return true;
	json_array_foreach(json_object_get(role, "path_hash_prefixes"), i, item) {
		const char *prefix = json_string_value(item);
		if (!strncmp(hash, prefix, strlen(prefix)))
			return true;
	}
	return false;
}
