// trusted.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "tuf/names.h"
#include "tuf/trusted.h"

static int take_lock(struct trusted *t, const char *path, struct err *e)
{
	t->lock = openat(t->directory, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (t->lock < 0)
		return err_system(e, "'%s/lock': cannot open", path);
	while (flock(t->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_system(e, "'%s/lock': cannot lock", path);
	return 0;
}

int trusted_open(struct trusted *t, const char *path, bool write, struct sandbox *s, struct err *e)
{
	*t = (struct trusted){ .directory = path_open_state(path, write, 0755, e), .lock = -1 };
	if (t->directory < 0 || (write && take_lock(t, path, e) < 0)) {
		trusted_close(t);
		return -1;
	}
	texts_add(write ? &s->writes : &s->reads, path);
	return 0;
}

void trusted_close(struct trusted *t)
{
	if (t->lock >= 0)
		close(t->lock);
	if (t->directory >= 0)
		close(t->directory);
	for (size_t i = 0; i < t->count; i++) {
		free(t->files[i].role);
		buf_free(&t->files[i].bytes);
	}
	free(t->files);
	trusted_open_memory(t);
}

// ---- in memory ----

void trusted_open_memory(struct trusted *t)
{
	*t = (struct trusted){ .directory = -1, .lock = -1 };
}

static struct buf *find(const struct trusted *t, const char *role)
{
	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->files[i].role, role))
			return &t->files[i].bytes;
	return NULL;
}

static struct buf *add(struct trusted *t, const char *role)
{
	t->files = mem_resize(t->files, t->count + 1, sizeof *t->files);
	t->files[t->count++] = (struct trusted_file){ mem_text(role), { 0 } };
	return &t->files[t->count - 1].bytes;
}

static int keep(struct trusted *t, const char *role, const struct buf *bytes)
{
	struct buf *old = find(t, role), *there = old ? old : add(t, role);
	there->length = 0;
	buf_add(there, bytes->data, bytes->length);
	return 0;
}

static bool recall(const struct trusted *t, const char *role, size_t limit, struct buf *out)
{
	const struct buf *there = find(t, role);
	if (!there || !there->length || there->length > limit)
		return false;
	buf_add(out, there->data, there->length);
	return true;
}

// ---- a directory ----

bool trusted_read(const struct trusted *t, const char *role, size_t limit, struct buf *out)
{
	struct stat st;
	out->length = 0;
	if (t->directory < 0)
		return recall(t, role, limit, out);
	mem_auto char *name = names_role_file(role, 0);
	io_auto int fd = openat(t->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && (size_t)st.st_size <= limit &&
		io_read_stream(fd, limit, name, out, &(struct err){ 0 }) == 0;
}

int trusted_write(struct trusted *t, const char *role, const struct buf *bytes, struct err *e)
{
	if (t->directory < 0)
		return keep(t, role, bytes);
	mem_auto char *name = names_role_file(role, 0);
	return io_write_file(t->directory, name, 0644, bytes->data, bytes->length, e);
}

int trusted_remove(struct trusted *t, const char *role, struct err *e)
{
	if (t->directory < 0)
		return keep(t, role, &(struct buf){ 0 });
	mem_auto char *name = names_role_file(role, 0);
	if (unlinkat(t->directory, name, 0) < 0 && errno != ENOENT)
		return err_system(e, "'%s': cannot remove", name);
	return 0;
}
