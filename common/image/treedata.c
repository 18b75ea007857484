// treedata.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "image/attributes.h"
#include "image/fanout.h"
#include "image/treedata.h"

// Larger files gain nothing: writing them is most of their time, and the copy costs. Files are handed over a few at a time, since a
// wake-up costs as much as a small file; what is under way bounds the descriptors (FANOUT_PIECES times this).
enum { SMALL = 32 * 1024, TOGETHER = 8 };

struct treedata {
	struct fanout *fanout;
	int gathered; // files in the piece that is not handed over yet
};

struct job { // lies in a piece of the fanout
	int fd;
	size_t length; // of the job, to where the next one begins
	size_t path;   // bytes of it with its NUL, behind which the data follow
	size_t size;
	struct timespec mtime;
	char text[];
};

static size_t job_length(size_t path, size_t size)
{
	size_t n = sizeof(struct job) + path + size;
	return (n + _Alignof(struct job) - 1) & -_Alignof(struct job);
}

// ---- the second thread ----

static int write_file(const struct job *j, struct err *e)
{
	if (j->size && io_write_all(j->fd, j->text + j->path, j->size) < 0)
		return err_system(e, "'%s': cannot write", j->text);
	return attributes_set_times(j->fd, NULL, j->mtime, j->text, e);
}

static int take(void *context, const void *data, size_t length, struct err *e)
{
	(void)context;
	int failed = 0;
	for (size_t at = 0; at < length;) {
		const struct job *j = (const void *)((const char *)data + at);
		if (!failed)
			failed = write_file(j, e);
		close(j->fd);
		at += j->length;
	}
	return failed;
}

// ---- the first ----

struct treedata *treedata_start(struct err *e)
{
	const struct fanout_consumer writer = { .take = take };
	struct fanout *fanout = fanout_start(&writer, 1, e);
	if (!fanout)
		return NULL;
	struct treedata *t = mem_alloc(sizeof *t);
	t->fanout = fanout;
	return t;
}

bool treedata_takes(int64_t size, const char *path)
{
	return size <= SMALL && strlen(path) < SMALL;
}

static int hand_over(struct treedata *t, struct err *e)
{
	t->gathered = 0;
	return fanout_cut(t->fanout, e);
}

// The bytes of a sparse file's holes are zeros here: it is small.
static int copy_data(char *to, size_t size, struct tar_reader *r, struct err *e)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = tar_read(r, to + done, size - done, e);
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int treedata_give(struct treedata *t, int fd, int64_t size, struct timespec mtime, const char *path, struct tar_reader *r,
	struct err *e)
{
	io_auto int owned = fd;
	const size_t path_size = strlen(path) + 1, length = job_length(path_size, (size_t)size);
	size_t room;
	struct job *j = fanout_room(t->fanout, &room);
	if (room < length) {
		if (hand_over(t, e) < 0)
			return -1;
		j = fanout_room(t->fanout, &room);
	}
	*j = (struct job){ .fd = fd, .length = length, .path = path_size, .size = (size_t)size, .mtime = mtime };
	memcpy(j->text, path, path_size);
	if (copy_data(j->text + path_size, (size_t)size, r, e) < 0)
		return -1;
	io_steal(owned);
	if (fanout_add(t->fanout, j, length, e) < 0)
		return -1;
	return ++t->gathered < TOGETHER ? 0 : hand_over(t, e);
}

int treedata_finish(struct treedata *t, struct err *e)
{
	int failed = fanout_finish(t->fanout, e);
	free(t);
	return failed;
}
