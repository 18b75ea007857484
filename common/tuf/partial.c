// partial.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "tuf/partial.h"

enum { HEAD_MAX = 1024, WORTHWHILE = 64 * 1024 };

static const char file_name[] = "partial";

// Opens what is kept, positioned behind its head, if it is of this object. -1 when it is not.
static int open_kept(const struct trusted *t, const char *hash, char head[HEAD_MAX])
{
	struct stat st;
	size_t n = strlen(hash);
	io_auto int fd = openat(t->directory, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	ssize_t got = io_read_full(fd, head, HEAD_MAX - 1);
	head[got > 0 ? got : 0] = '\0';
	char *end = strchr(head, '\n');
	if (!end || strncmp(head, hash, n) != 0 || head[n] != ' ' || end == head + n + 1)
		return -1;
	*end = '\0';
	return lseek(fd, end + 1 - head, SEEK_SET) < 0 ? -1 : io_steal(fd);
}

int64_t partial_load(const struct trusted *t, const char *hash, http_sink *sink, void *context, char **validator)
{
	char head[HEAD_MAX];
	int64_t total = 0;
	ssize_t n;
	*validator = NULL;
	io_auto int fd = open_kept(t, hash, head);
	if (fd < 0)
		return 0;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	for (; (n = io_read_full(fd, chunk, IO_CHUNK)) > 0; total += n)
		if (sink(context, chunk, (size_t)n, &(struct err){ 0 }) < 0)
			break;
	*validator = mem_text(head + strlen(hash) + 1);
	return total;
}

static int copy(int from, off_t start, int to)
{
	ssize_t n;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	while ((n = io_read_full_at(from, chunk, IO_CHUNK, start)) > 0) {
		if (io_write_all(to, chunk, (size_t)n) < 0)
			return -1;
		start += n;
	}
	return n < 0 ? -1 : 0;
}

void partial_save(const struct trusted *t, const char *hash, const char *validator, int fd, off_t start)
{
	struct stat st;
	struct io_output o;
	struct err ignored = { 0 };
	if (!validator || strlen(hash) + strlen(validator) + 3 > HEAD_MAX || fstat(fd, &st) < 0 ||
		st.st_size - start < WORTHWHILE || io_create(&o, t->directory, file_name, 0600, &ignored) < 0)
		return;
	mem_auto char *head = mem_format("%s %s\n", hash, validator);
	if (io_write_all(o.fd, head, strlen(head)) < 0 || copy(fd, start, o.fd) < 0)
		io_discard(&o);
	else
		io_commit(&o, &ignored);
}

void partial_drop(const struct trusted *t, const char *hash)
{
	char head[HEAD_MAX];
	io_auto int fd = open_kept(t, hash, head);
	if (fd >= 0)
		unlinkat(t->directory, file_name, 0);
}
