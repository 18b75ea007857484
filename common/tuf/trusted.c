// trusted.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
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
	*t = (struct trusted){ path_open_state(path, write, 0755, e), -1 };
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
	*t = (struct trusted){ -1, -1 };
}

bool trusted_read(const struct trusted *t, const char *role, size_t limit, struct buf *out)
{
	struct stat st;
	mem_auto char *name = names_role_file(role, 0);
	io_auto int fd = openat(t->directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	out->length = 0;
	return fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && (size_t)st.st_size <= limit &&
		io_read_stream(fd, limit, name, out, &(struct err){ 0 }) == 0;
}

int trusted_write(const struct trusted *t, const char *role, const struct buf *bytes, struct err *e)
{
	mem_auto char *name = names_role_file(role, 0);
	struct io_output o;
	if (io_create(&o, t->directory, name, 0644, e) < 0)
		return -1;
	if (io_write_all(o.fd, bytes->data, bytes->length) < 0) {
		err_system(e, "'%s': cannot write", name);
		io_discard(&o);
		return -1;
	}
	return io_commit(&o, e);
}

int trusted_remove(const struct trusted *t, const char *role, struct err *e)
{
	mem_auto char *name = names_role_file(role, 0);
	if (unlinkat(t->directory, name, 0) < 0 && errno != ENOENT)
		return err_system(e, "'%s': cannot remove", name);
	return 0;
}
