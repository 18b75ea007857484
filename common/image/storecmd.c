// storecmd.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "base/path.h"
#include "image/layoutindex.h"
#include "image/storecmd.h"

static const char *directory;

const struct cmd_option storecmd_options[] = {
	CMD_TEXT(0, "store", "DIR", &directory, "the store; else TACKLE_STORE or this user's own"),
	CMD_END,
};

struct store *storecmd_open(enum storecmd_use use, struct sandbox *also, struct err *e)
{
	mem_auto char *path = path_store(directory);
	struct store *s = store_open(path, use == STORECMD_CREATE, e);
	bool needless = use == STORECMD_IF_THERE || use == STORECMD_RESUME;
	if (!s && needless && e->status == STATUS_NOT_FOUND) {
		*e = (struct err){ 0 };
		sandbox_enter(also, e);
		return NULL;
	}
	if (!s) {
		texts_free(&also->reads);
		texts_free(&also->writes);
		return NULL;
	}
	store_allow(s, also, use >= STORECMD_WRITE || (use == STORECMD_FOLLOW && layoutindex_is_behind(s)));
	if (use == STORECMD_RESUME)
		texts_take(&also->writes, mem_format("/proc/self/fd/%d/partial", store_directory(s)));
	if (sandbox_enter(also, e) == 0)
		return s;
	store_close(s);
	return NULL;
}
