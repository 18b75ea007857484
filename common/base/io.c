// io.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

void io_close_indirect(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

// From *at, or with NULL from where fd stands.
static ssize_t read_full(int fd, void *data, size_t length, const int64_t *at)
{
	size_t done = 0;
	while (done < length) {
		char *next = (char *)data + done;
		ssize_t n = at ? pread(fd, next, length - done, *at + (int64_t)done) : read(fd, next, length - done);
		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t io_read_full(int fd, void *data, size_t length)
{
	return read_full(fd, data, length, NULL);
}

ssize_t io_read_full_at(int fd, void *data, size_t length, int64_t at)
{
	return read_full(fd, data, length, &at);
}

int io_write_all(int fd, const void *data, size_t length)
{
	const char *at = data;
	while (length) {
		ssize_t n = write(fd, at, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

int io_read_stream(int fd, size_t limit, const char *subject, struct buf *out, struct err *e)
{
	size_t start = out->length;
	for (;;) {
		size_t left = limit - (out->length - start);
		size_t want = left < IO_CHUNK ? left + 1 : IO_CHUNK;
		buf_reserve(out, want);
		ssize_t n = read(fd, out->data + out->length, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_system(e, "%s: cannot read", subject);
		out->length += (size_t)n;
		out->data[out->length] = '\0';
		if (n == 0)
			return 0;
		if (out->length - start > limit)
			return err_set(e, STATUS_LIMIT, "%s: longer than the limit of %zu bytes", subject, limit);
	}
}

int io_open_input(const char *path, struct err *e)
{
	if (!strcmp(path, "-")) {
		int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? err_system(e, "stdin: cannot open") : fd;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_open(e, path);
	struct stat st;
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode)) {
		close(fd);
		errno = EISDIR;
		return err_open(e, path);
	}
	return fd;
}

int io_read_file(const char *path, size_t limit, struct buf *out, struct err *e)
{
	io_auto int fd = io_open_input(path, e);
	if (fd < 0)
		return -1;
	mem_auto char *subject = !strcmp(path, "-") ? mem_text("stdin") : mem_format("'%s'", path);
	return io_read_stream(fd, limit, subject, out, e);
}

int io_check_secret(const char *path, const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode) || !(st->st_mode & 077))
		return 0;
	err_set(e, STATUS_REFUSED, "'%s': holds a secret but group or others may use it: mode %04o", path,
		(unsigned)(st->st_mode & 07777));
	return err_hint(e, "chmod 600 '%s'", path);
}

int io_read_secret(const char *path, size_t limit, struct buf *out, struct err *e)
{
	io_auto int fd = io_open_input(path, e);
	if (fd < 0)
		return -1;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_system(e, "'%s': cannot stat", path);
	if (strcmp(path, "-") != 0 && io_check_secret(path, &st, e) < 0)
		return -1;
	mem_auto char *subject = mem_format("'%s'", path);
	return io_read_stream(fd, limit, subject, out, e);
}

int io_spool(struct err *e)
{
	const char *directory = getenv("TMPDIR");
	if (!directory || !*directory)
		directory = "/tmp";
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd >= 0)
		return fd;
	mem_auto char *name = mem_format("%s/tackle.XXXXXX", directory);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return err_system(e, "'%s': cannot make a temporary file", directory);
	unlink(name);
	return fd;
}

// A name beside the final one that no other process picks: `.NAME.` and 64 random bits.
static char *aside_name(const char *name)
{
	unsigned long long random = 0;
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = (unsigned long long)getpid();
	const char *base = path_base(name);
	return mem_format("%.*s.%.200s.%016llx", (int)(base - name), name, base, random);
}

// The directory part of name, for O_TMPFILE and for syncing.
static int open_parent(int directory, const char *name)
{
	mem_auto char *parent = path_parent(name);
	return openat(directory, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int io_create(struct io_output *o, int directory, const char *name, mode_t mode, struct err *e)
{
	*o = (struct io_output){ .fd = -1, .directory = directory, .name = mem_text(name) };
	io_auto int parent = open_parent(directory, name);
	if (parent >= 0)
		o->fd = openat(parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	if (o->fd < 0) { // a file system without O_TMPFILE
		o->aside = aside_name(name);
		o->fd = openat(directory, o->aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	}
	if (o->fd >= 0)
		return 0;
	err_system(e, "'%s': cannot create", name);
	if (errno == ENOENT)
		e->status = STATUS_NOT_FOUND;
	free(o->aside);
	free(o->name);
	*o = (struct io_output){ .fd = -1 };
	return -1;
}

static int link_nameless(const struct io_output *o, int directory, const char *name)
{
	char self[64];
	snprintf(self, sizeof self, "/proc/self/fd/%d", o->fd);
	return linkat(AT_FDCWD, self, directory, name, AT_SYMLINK_FOLLOW);
}

// Where nothing is there yet it gets its name at once, and a kill leaves nothing else.
static int give_name(struct io_output *o)
{
	if (!o->aside) {
		if (!link_nameless(o, o->directory, o->name))
			return 0;
		if (errno != EEXIST)
			return -1;
		o->aside = aside_name(o->name);
		if (link_nameless(o, o->directory, o->aside))
			return -1;
	}
	return renameat(o->directory, o->aside, o->directory, o->name);
}

int io_commit(struct io_output *o, struct err *e)
{
	io_auto int parent = open_parent(o->directory, o->name);
	bool done = !fsync(o->fd) && !give_name(o);
	if (!done)
		err_system(e, "'%s': cannot write", o->name);
	else if (parent >= 0 && fsync(parent) < 0 && errno != EINVAL) {
		err_system(e, "'%s': cannot sync its directory", o->name);
		done = false;
	} else {
		free(o->aside);
		o->aside = NULL;
	}
	io_discard(o);
	return done ? 0 : -1;
}

// A file system without RENAME_NOREPLACE: look first, and lose a race at worst.
static int rename_new(int from, const char *name, int to, const char *new_name)
{
	if (!renameat2(from, name, to, new_name, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL)
		return -1;
	if (faccessat(to, new_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return renameat(from, name, to, new_name);
	errno = EEXIST;
	return -1;
}

int io_link_new(struct io_output *o, int directory, const char *name)
{
	int failed = o->aside ? rename_new(o->directory, o->aside, directory, name) : link_nameless(o, directory, name);
	if (failed)
		return errno == EEXIST ? 1 : -1;
	free(o->aside);
	o->aside = NULL;
	return 0;
}

void io_discard(struct io_output *o)
{
	if (o->aside)
		unlinkat(o->directory, o->aside, 0);
	if (o->fd >= 0)
		close(o->fd);
	free(o->aside);
	free(o->name);
	*o = (struct io_output){ .fd = -1 };
}

int io_write_file(int directory, const char *name, mode_t mode, const void *data, size_t length, struct err *e)
{
	struct io_output o;
	if (io_create(&o, directory, name, mode, e) < 0)
		return -1;
	if (io_write_all(o.fd, data, length) == 0)
		return io_commit(&o, e);
	err_system(e, "'%s': cannot write", name);
	io_discard(&o);
	return -1;
}
