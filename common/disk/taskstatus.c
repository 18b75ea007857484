// taskstatus.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "disk/taskstatus.h"

enum { EVERY_MS = 1000 };

int taskstatus_write(struct taskstatus *t, const char *state, const char *failure_code, struct err *e)
{
	if (!t->path)
		return 0;
	t->state = state;
	t->written_at = date_monotonic();
	jsonio_auto json_t *json = json_pack("{s:s, s:I, s:I, s:s?}", "state", state, "bytes_written", (json_int_t)t->done,
		"bytes_total", (json_int_t)t->total, "failure_code", failure_code);
	mem_auto char *text = jsonio_text(json);
	mem_auto char *aside = mem_format("%s.new", t->path);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_system(e, "'%s': cannot create", aside);
	bool written = dprintf(fd, "%s\n", text) == (int)strlen(text) + 1; // not synced: nothing is decided by it
	if (close(fd) < 0 || !written || rename(aside, t->path) < 0) {
		err_system(e, "'%s': cannot write", t->path);
		unlink(aside);
		return -1;
	}
	return 0;
}

void taskstatus_add(struct taskstatus *t, int64_t bytes)
{
	t->done += bytes;
	if (t->path && date_monotonic() - t->written_at >= EVERY_MS)
		taskstatus_write(t, t->state, NULL, &(struct err){ 0 });
}
