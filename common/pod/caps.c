// caps.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/jsonio.h"
#include "image/isolator.h"
#include "pod/caps.h"

static int set_of(const json_t *isolator, const char *kind, uint64_t *set, struct err *e)
{
	const json_t *list = json_object_get(json_object_get(isolator, "value"), "set");
	if (!json_is_array(list))
		return err_set(e, STATUS_MALFORMED, "isolator '%s': value.set: not an array", kind);
	size_t i;
	json_t *item;
	*set = 0;
	json_array_foreach(list, i, item) {
		const char *name = json_string_value(item);
		int number = name ? isolator_capability(name) : -1;
		if (number < 0)
			return err_set(e, STATUS_MALFORMED, "isolator '%s': not a capability: '%s'", kind, name ? name : "?");
		*set |= UINT64_C(1) << number;
	}
	return 0;
}

int caps_of_isolators(const json_t *isolators, uint64_t *set, struct err *e)
{
	bool retains = false, removes = false;
	uint64_t retained = 0, removed = 0;
	size_t i;
	json_t *isolator;
	json_array_foreach(isolators, i, isolator) {
		const char *name = json_string_value(json_object_get(isolator, "name"));
		bool retain = name && !strcmp(name, CAPS_RETAIN_SET), remove = name && !strcmp(name, CAPS_REMOVE_SET);
		if ((retain || remove) && set_of(isolator, name, retain ? &retained : &removed, e) < 0)
			return -1;
		retains = retains || retain;
		removes = removes || remove;
	}
	if (retains && removes)
		return err_set(e, STATUS_MALFORMED, "isolators: both %s and %s", CAPS_RETAIN_SET, CAPS_REMOVE_SET);
	*set = retains ? retained : CAPS_DEFAULT & ~removed;
	return 0;
}

int caps_bound(uint64_t set, struct err *e)
{
	for (int number = 0; number < 64; number++)
		if (!(set >> number & 1) && prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0) {
			if (errno == EINVAL) // the kernel has no capability of this number, nor of a higher one
				break;
			return err_system(e, "cannot drop capability %d", number);
		}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return err_system(e, "cannot clear the ambient capabilities");
	return 0;
}

int caps_settle(uint64_t set, struct err *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	if (syscall(SYS_capget, &header, data) < 0)
		return err_system(e, "cannot get the capabilities");
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(set >> 32 * i); // only what is still there may be asked for
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0; // rkt:X-11
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return err_system(e, "cannot set the capabilities");
	return 0;
}
