// publishfile.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "crypto/hash.h"
#include "tuf/publishfile.h"

// The directories of a path below ours. A descriptor of the last one.
static int open_parent(int top, const char *path, struct err *e)
{
	io_auto int at = fcntl(top, F_DUPFD_CLOEXEC, 0);
	mem_auto char *copy = mem_text(path);
	char *part = copy;
	for (char *slash; at >= 0 && (slash = strchr(part, '/')); part = slash + 1) {
		*slash = '\0';
		if (mkdirat(at, part, 0755) < 0 && errno != EEXIST)
			return err_system(e, "'%s': cannot make the directory", path);
		int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return err_set(e, STATUS_REFUSED, "'%s': a symbolic link or no directory is in its way", path);
		close(at);
		at = next;
	}
	return at < 0 ? err_system(e, "'%s'", path) : io_steal(at);
}

bool publishfile_is_there(int top, const char *path, int64_t size)
{
	struct stat st;
	return !fstatat(top, path, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) && st.st_size == size;
}

int publishfile_open(int top, const char *path, struct err *e)
{
	int fd = openat(top, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? err_open(e, path) : fd;
}

bool publishfile_has(int top, const char *path, const void *data, size_t length)
{
	buf_auto there = { 0 };
	struct err why = { 0 };
	io_auto int fd = publishfile_is_there(top, path, (int64_t)length) ? publishfile_open(top, path, &why) : -1;
	return fd >= 0 && !io_read_stream(fd, length, path, &there, &why) && there.length == length &&
		!memcmp(buf_text(&there), data, length);
}

int publishfile_write(int top, const char *path, const void *data, size_t length, bool later, struct err *e)
{
	struct io_output o;
	io_auto int parent = open_parent(top, path, e);
	if (parent < 0 || io_create(&o, parent, path_base(path), 0644, e) < 0)
		return -1;
	if (io_write_all(o.fd, data, length) < 0) {
		err_system(e, "'%s': cannot write", path);
		io_discard(&o);
		return -1;
	}
	if (!later || io_link_new(&o, parent, path_base(path)) != 0)
		return io_commit(&o, e);
	io_discard(&o);
	return 0;
}

int publishfile_sync(int top, struct err *e)
{
	return syncfs(top) < 0 ? err_system(e, "cannot sync what was written") : 0;
}

static int copy_checked(int from, int to, const char *path, const struct target_blob *b, struct err *e)
{
	ssize_t n = 0;
	int64_t copied = 0;
	char digest[DIGEST_TEXT_MAX];
	enum digest_algorithm algorithm = DIGEST_SHA256;
	digest_valid(b->digest, &algorithm, NULL);
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	struct hash *h = hash_start(algorithm);
	bool good = lseek(from, 0, SEEK_SET) == 0;
	while (good && (n = io_read_full(from, chunk, IO_CHUNK)) > 0) {
		hash_add(h, chunk, (size_t)n);
		copied += n;
		good = io_write_all(to, chunk, (size_t)n) == 0;
		if (b->told)
			b->told(b->told_context, n);
	}
	hash_finish(h, digest);
	if (!good || n < 0)
		return err_system(e, "'%s': cannot copy", path);
	if (copied != b->size || strcmp(digest, b->digest) != 0)
		return err_set(e, STATUS_REFUSED, "'%s': digest mismatch: expected %s, found %s: did the data change?", path,
			b->digest, digest);
	return 0;
}

bool publishfile_has_digest(int top, const char *path, const char *digest)
{
	int64_t size;
	char found[DIGEST_TEXT_MAX];
	enum digest_algorithm algorithm;
	io_auto int fd = publishfile_open(top, path, &(struct err){ 0 });
	return fd >= 0 && digest_valid(digest, &algorithm, NULL) &&
		hash_stream(algorithm, fd, found, &size, &(struct err){ 0 }) == 0 && !strcmp(found, digest);
}

static int copy_new(int top, const char *path, struct target_blob *b, struct err *e)
{
	struct io_output o;
	io_auto int from = b->open(b->open_context, e);
	io_auto int parent = from < 0 ? -1 : open_parent(top, path, e);
	if (parent < 0 || io_create(&o, parent, path_base(path), 0644, e) < 0)
		return -1;
	if (copy_checked(from, o.fd, path, b, e) == 0)
		return io_commit(&o, e);
	io_discard(&o);
	return -1;
}

int publishfile_replace(int top, const char *path, struct target_blob *b, struct err *e)
{
	b->how = TARGET_SENT;
	return b->open ? copy_new(top, path, b, e) : err_set(e, STATUS_NOT_FOUND, "'%s': not there", path);
}

int publishfile_copy(int top, const char *path, struct target_blob *b, struct err *e)
{
	bool there = publishfile_is_there(top, path, b->size);
	b->how = there ? TARGET_THERE : TARGET_SENT;
	if (!there && !b->open)
		return err_set(e, STATUS_NOT_FOUND, "'%s': not there", path);
	if (there && b->told)
		b->told(b->told_context, b->size);
	return there ? 0 : copy_new(top, path, b, e);
}

bool publishfile_link(int top, const char *from, const char *path)
{
	io_auto int parent = open_parent(top, path, &(struct err){ 0 });
	return parent >= 0 && linkat(top, from, parent, path_base(path), 0) == 0;
}
