// files.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "oci/files.h"

static int open_in_directory(struct files *f, const char *path, struct files_extent *x, struct err *e)
{
	struct stat st;
	io_auto int fd = path_open_beneath(f->fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_open(e, path);
	if (fstat(fd, &st) < 0)
		return err_system(e, "'%s': cannot look", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, STATUS_MALFORMED, "'%s': not a regular file", path);
	*x = (struct files_extent){ .fd = io_steal(fd), .size = st.st_size, .own = true };
	return 0;
}

int files_open_directory(struct files *f, const char *path, struct err *e)
{
	*f = (struct files){ .open = open_in_directory, .subject = mem_format("'%s'", path) };
	f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd >= 0)
		return 0;
	files_close(f);
	return err_open(e, path);
}

void files_close(struct files *f)
{
	if (f->close)
		f->close(f);
	if (f->fd >= 0)
		close(f->fd);
	free(f->subject);
	*f = (struct files){ .fd = -1 };
}

int files_open(struct files *f, const char *path, struct files_extent *x, struct err *e)
{
	return f->open(f, path, x, e);
}

void files_release(struct files_extent *x)
{
	if (x->own)
		close(x->fd);
}

static int append(void *buf, const void *data, size_t length, struct err *e)
{
	(void)e;
	buf_add(buf, data, length);
	return 0;
}

int files_read(struct files *f, const char *path, size_t limit, struct buf *out, struct err *e)
{
	struct files_extent x;
	if (files_open(f, path, &x, e) < 0)
		return -1;
	int failed = x.size > (int64_t)limit ? err_set(e, STATUS_LIMIT, "'%s': larger than the limit of %zu bytes", path, limit)
					     : files_copy(&x, 0, append, out, e);
	files_release(&x);
	return failed;
}

int files_read_if_there(struct files *f, const char *path, size_t limit, struct buf *out, struct err *e)
{
	if (files_read(f, path, limit, out, e) == 0)
		return 1;
	if (e->status != STATUS_NOT_FOUND)
		return err_context(e, "%s", f->subject);
	*e = (struct err){ 0 };
	return 0;
}

int files_copy(const struct files_extent *x, int64_t from, files_sink *sink, void *context, struct err *e)
{
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	while (from < x->size) {
		size_t most = x->size - from < (int64_t)IO_CHUNK ? (size_t)(x->size - from) : IO_CHUNK;
		ssize_t n = pread(x->fd, chunk, most, x->offset + from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, "cannot read");
		if (!n)
			return err_set(e, STATUS_MALFORMED, "the file became shorter while it was read");
		if (sink(context, chunk, (size_t)n, e) < 0)
			return -1;
		from += n;
	}
	return 0;
}
