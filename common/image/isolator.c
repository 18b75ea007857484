// isolator.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "image/isolator.h"

// In the order of linux/capability.h.
static const char *const capabilities[] = { "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID",
	"CAP_KILL", "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST",
	"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
	"CAP_CHECKPOINT_RESTORE" };

int isolator_capability(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(capabilities); i++)
		if (!strcmp(name, capabilities[i]))
			return (int)i;
	return -1;
}

// ---- quantities ----

// What a suffix multiplies by, as numerator over denominator; false for a suffix that does not exist.
static bool parse_suffix(const char *suffix, int64_t *times, int64_t *over)
{
	static const char units[] = "KMGTPE";
	*times = *over = 1;
	if (!*suffix)
		return true;
	if (!strcmp(suffix, "m")) {
		*over = 1000;
		return true;
	}
	const char *unit = strchr(units, *suffix);
	bool binary = suffix[1] == 'i' && !suffix[2];
	if (!unit || (suffix[1] && !binary))
		return false;
	for (const char *u = units; u <= unit; u++)
		*times *= binary ? 1024 : 1000;
	return true;
}

bool isolator_quantity(const char *text, int64_t scale, int64_t *out)
{
	__int128 value = 0, over = 1;
	size_t digits = 0;
	bool point = false;
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point && digits); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		if (++digits > 19) // more than any use has, and no overflow below
			return false;
		value = value * 10 + (*text - '0');
		over *= point ? 10 : 1;
	}
	int64_t times, divisor;
	if (!digits || text[-1] == '.' || !parse_suffix(text, &times, &divisor))
		return false;
	if (value > (__int128)INT64_MAX * over / times / scale) // also keeps the products below 2^127
		return false;
	value = value * times * scale;
	over *= divisor;
	value = (value + over - 1) / over;
	*out = (int64_t)value;
	return value <= INT64_MAX;
}

static void check_quantity(struct schema *s, const json_t *value)
{
	int64_t out;
	const char *text = schema_text(s, value);
	if (text && !isolator_quantity(text, 1000, &out) && !isolator_quantity(text, 1, &out))
		schema_bad(s, "not a quantity such as 250m, 1.5G or 128Mi");
}

// ---- the values of the isolators that the specification knows ----

static void check_must_be_true(struct schema *s, const json_t *value)
{
	if (!json_is_true(value))
		schema_bad(s, "not true");
}

static void check_resource(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "request", false, check_quantity },
		{ "limit", false, check_quantity },
		{ "default", false, schema_flag },
		{ 0 },
	};
	schema_object(s, value, fields);
	if (json_is_object(value) && !json_object_get(value, "limit") && !json_object_get(value, "request"))
		schema_bad(s, "neither request nor limit");
}

static void check_default_limit(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "default", true, check_must_be_true },
		{ "limit", true, check_quantity },
		{ "request", false, check_quantity },
		{ 0 },
	};
	schema_object(s, value, fields);
}

static void check_capability(struct schema *s, const json_t *value)
{
	const char *text = schema_text(s, value);
	if (text && isolator_capability(text) < 0)
		schema_tell(s, STATUS_MALFORMED, "not a capability: '%.40s'", text);
}

static void check_capability_set(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_capability);
}

static void check_capabilities(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = { { "set", true, check_capability_set }, { 0 } };
	schema_object(s, value, fields);
}

static void check_call_set(struct schema *s, const json_t *value)
{
	schema_list(s, value, schema_filled_string);
	if (json_is_array(value) && !json_array_size(value))
		schema_bad(s, "empty");
}

static void check_seccomp(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "set", true, check_call_set },
		{ "errno", false, schema_string },
		{ 0 },
	};
	schema_object(s, value, fields);
}

static void check_selinux(struct schema *s, const json_t *value)
{
	static const struct schema_field fields[] = {
		{ "user", true, schema_filled_string },
		{ "role", true, schema_filled_string },
		{ "type", true, schema_filled_string },
		{ "level", true, schema_filled_string },
		{ 0 },
	};
	schema_object(s, value, fields);
}

static void check_pod_only(struct schema *s, const json_t *value)
{
	(void)value;
	schema_tell(s, STATUS_OK, "only a pod may have this isolator");
}

static const struct {
	const char *name;
	schema_check *check;
	const char *excludes; // must not stand beside it
} known[] = {
	{ "resource/cpu", check_resource, NULL },
	{ "resource/memory", check_resource, NULL },
	{ "resource/block-bandwidth", check_default_limit, NULL },
	{ "resource/block-iops", check_default_limit, NULL },
	{ "resource/network-bandwidth", check_default_limit, NULL },
	{ "os/linux/capabilities-remove-set", check_capabilities, "os/linux/capabilities-retain-set" },
	{ "os/linux/capabilities-retain-set", check_capabilities, NULL },
	{ "os/linux/seccomp-remove-set", check_seccomp, "os/linux/seccomp-retain-set" },
	{ "os/linux/seccomp-retain-set", check_seccomp, NULL },
	{ "os/linux/selinux-context", check_selinux, NULL },
	{ "os/linux/no-new-privileges", schema_flag, NULL },
	{ "os/unix/sysctl", check_pod_only, NULL },
};

static void check_isolator(struct schema *s, const json_t *value)
{
	struct schema_field fields[] = { { "name", true, schema_identifier }, { "value", true, schema_any }, { 0 } };
	const char *name = json_string_value(json_object_get(value, "name"));
	for (size_t i = 0; name && i < ARRAY_LENGTH(known); i++)
		if (!strcmp(name, known[i].name))
			fields[1].check = known[i].check;
	schema_object(s, value, fields);
}

static size_t count_of(const json_t *list, const char *name)
{
	size_t i, count = 0;
	json_t *item;
	json_array_foreach(list, i, item) {
		const char *text = json_string_value(json_object_get(item, "name"));
		count += text && !strcmp(text, name);
	}
	return count;
}

void isolator_check_list(struct schema *s, const json_t *value)
{
	schema_list(s, value, check_isolator);
	for (size_t i = 0; i < ARRAY_LENGTH(known); i++) {
		size_t count = count_of(value, known[i].name);
		if (count > 1)
			schema_tell(s, STATUS_MALFORMED, "%s is there twice", known[i].name);
		if (count && known[i].excludes && count_of(value, known[i].excludes))
			schema_tell(s, STATUS_MALFORMED, "%s and %s exclude each other", known[i].name, known[i].excludes);
	}
}
