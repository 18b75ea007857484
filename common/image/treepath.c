// treepath.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "image/treepath.h"

#define IMPLIED_MODE 0755 // of a directory that no entry tells about; its time is 0: the same for the same archive (rkt:U-12)
#define FILLABLE     0700
#define OPEN_MOST    64 // an archive may nest deeper than descriptors last: those further up are opened again when needed

struct level {
	size_t length; // of its path, which is a prefix of t->here
	int fd;        // -1: closed as yet
	uint32_t mode; // when it is left
	bool set_mode; // it has another one while it is filled
	struct timespec mtime;
};

struct treepath {
	struct keeper *keep;
	struct buf here;
	struct level *levels; // the root is the first
	size_t count, room;
	uid_t root_uid;
	gid_t root_gid;
};

static int open_beneath(int directory, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_DIRECTORY | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;
	do
		fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
	while (fd < 0 && errno == EAGAIN); // a rename somewhere raced with the resolution
	return fd;
}

struct treepath *treepath_open(int root, struct keeper *keep)
{
	struct treepath *t = mem_alloc(sizeof *t);
	t->keep = keep;
	t->room = 16;
	t->levels = mem_resize(NULL, t->room, sizeof *t->levels);
	t->levels[t->count++] = (struct level){ .fd = root, .mode = IMPLIED_MODE, .set_mode = true };
	t->root_uid = keep->uid;
	t->root_gid = keep->gid;
	return t;
}

static struct level *top(struct treepath *t)
{
	return &t->levels[t->count - 1];
}

static const char *here(struct treepath *t)
{
	return t->here.length ? buf_text(&t->here) : ".";
}

// The descriptor of the innermost level.
static int top_fd(struct treepath *t, struct err *e)
{
	struct level *level = top(t);
	if (level->fd < 0)
		level->fd = open_beneath(t->levels[0].fd, here(t), O_RDONLY);
	return level->fd < 0 ? err_system(e, "'%s': cannot open the directory", here(t)) : level->fd;
}

static void cut_here(struct treepath *t, size_t length)
{
	t->here.length = length;
	if (t->here.data)
		t->here.data[length] = '\0';
}

// ---- leaving ----

static void drop_top(struct treepath *t)
{
	struct level *level = top(t);
	if (level->fd >= 0)
		close(level->fd);
	t->count--;
	cut_here(t, top(t)->length);
}

static int settle_top(struct treepath *t, struct err *e)
{
	const struct level *level = top(t);
	int fd = top_fd(t, e);
	if (fd < 0)
		return -1;
	if (level->set_mode && fchmod(fd, level->mode) < 0)
		return err_system(e, "'%s': cannot set its mode", here(t));
	return attributes_set_times(fd, NULL, level->mtime, here(t), e);
}

static int leave(struct treepath *t, struct err *e)
{
	if (settle_top(t, e) < 0)
		return -1;
	drop_top(t);
	return 0;
}

int treepath_finish(struct treepath *t, struct err *e)
{
	struct attributes a = { .mode = t->levels[0].mode, .special = t->levels[0].mode & ATTRIBUTES_SPECIAL };
	while (t->count > 1)
		if (leave(t, e) < 0)
			return -1;
	if (t->root_uid != t->keep->uid || t->root_gid != t->keep->gid) {
		int result = fchown(t->levels[0].fd, t->root_uid, t->root_gid);
		if (attributes_owner_result(t->keep, result, &a, ".", e) < 0)
			return -1;
		t->levels[0].mode = a.mode;
	}
	return settle_top(t, e);
}

void treepath_free(struct treepath *t)
{
	if (!t)
		return;
	while (t->count > 1)
		drop_top(t);
	free(t->levels);
	buf_free(&t->here);
	free(t);
}

// ---- entering ----

// A directory of that name, whatever was there before. 1 when it is new and has the mode, 0 when it was one.
static int make_directory(int directory, const char *name, mode_t mode, const char *path, struct err *e)
{
	if (!mkdirat(directory, name, mode))
		return 1;
	struct stat st;
	if (errno == EEXIST && !fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (S_ISDIR(st.st_mode))
			return 0;
		if (!unlinkat(directory, name, 0) && !mkdirat(directory, name, mode))
			return 1;
	}
	return err_system(e, "'%s': cannot make it", path);
}

// Opens a directory that was there, to be filled and handing nothing down; level keeps what it has, to be given back. Its owner,
// without privileges, may have to take the right first.
static int open_again(int directory, const char *name, struct level *level, struct stat *st)
{
	level->fd = open_beneath(directory, name, O_RDONLY);
	bool locked = level->fd < 0 && errno == EACCES;
	if (locked && !fstatat(directory, name, st, AT_SYMLINK_NOFOLLOW) &&
		!fchmodat(directory, name, FILLABLE, AT_SYMLINK_NOFOLLOW))
		level->fd = open_beneath(directory, name, O_RDONLY);
	if (level->fd < 0 || (!locked && fstat(level->fd, st) < 0))
		return -1;
	level->mode = st->st_mode & 07777;
	level->mtime = st->st_mtim;
	level->set_mode = locked || level->mode & ATTRIBUTES_SPECIAL || (level->mode & FILLABLE) != FILLABLE;
	return level->set_mode ? fchmod(level->fd, (level->mode & 01777) | FILLABLE) : 0;
}

// Adds a level below the innermost one. t->here has its path already.
static void push(struct treepath *t, const struct level *level)
{
	if (t->count == t->room) {
		t->room *= 2;
		t->levels = mem_resize(t->levels, t->room, sizeof *t->levels);
	}
	t->levels[t->count] = *level;
	t->levels[t->count++].length = t->here.length;
	if (t->count > OPEN_MOST + 1) {
		struct level *far = &t->levels[t->count - 1 - OPEN_MOST];
		if (far->fd >= 0)
			close(far->fd);
		far->fd = -1;
	}
}

// Enters `name` below the innermost level, making it with this mode where it is missing: 1 when it is new, 0 when it was there and
// *st tells what it is.
static int enter_one(struct treepath *t, const char *name, size_t length, mode_t mode, struct stat *st, struct err *e)
{
	int above = top_fd(t, e);
	size_t old = t->here.length;
	if (above < 0)
		return -1;
	if (old)
		buf_add_byte(&t->here, '/');
	size_t start = t->here.length;
	buf_add(&t->here, name, length);
	struct level level = { .fd = -1, .mode = mode };
	const char *own = buf_text(&t->here) + start;
	int made = make_directory(above, own, mode, here(t), e);
	bool opened = false;
	if (made > 0)
		opened = (level.fd = open_beneath(above, own, O_RDONLY)) >= 0;
	else if (made == 0)
		opened = open_again(above, own, &level, st) == 0;
	if (opened) {
		push(t, &level);
		return made;
	}
	if (made >= 0)
		err_system(e, "'%s': cannot open the directory", here(t));
	if (level.fd >= 0)
		close(level.fd);
	cut_here(t, old);
	return -1;
}

static bool is_here(const struct treepath *t, const char *path, size_t length)
{
	return t->here.length == length && (!length || !memcmp(t->here.data, path, length));
}

// Leaves what does not lie on the way to this path.
static int go_up(struct treepath *t, const char *path, size_t length, struct err *e)
{
	size_t n;
	while ((n = top(t)->length) && (n > length || memcmp(t->here.data, path, n) != 0 || (n < length && path[n] != '/')))
		if (leave(t, e) < 0)
			return -1;
	return 0;
}

int treepath_enter(struct treepath *t, const char *path, size_t length, struct err *e)
{
	struct stat unused;
	if (length && is_here(t, path, length))
		return top_fd(t, e);
	if (go_up(t, path, length, e) < 0)
		return -1;
	while (t->here.length < length) {
		const char *name = path + t->here.length + (t->here.length > 0), *end = path + length;
		const char *slash = memchr(name, '/', (size_t)(end - name));
		size_t n = (size_t)((slash ? slash : end) - name);
		if (enter_one(t, name, n, IMPLIED_MODE, &unused, e) < 0)
			return -1;
	}
	return top_fd(t, e);
}

int treepath_look(struct treepath *t, const char *path, size_t length)
{
	if (is_here(t, path, length) && top(t)->fd >= 0)
		return fcntl(top(t)->fd, F_DUPFD_CLOEXEC, 0);
	mem_auto char *wanted = length ? mem_text_n(path, length) : mem_text(".");
	return open_beneath(t->levels[0].fd, wanted, O_PATH);
}

// ---- an entry ----

static int put_root(struct treepath *t, const struct tar_entry *entry, const struct attributes *a, struct err *e)
{
	if (go_up(t, "", 0, e) < 0)
		return -1;
	t->levels[0].mode = a->mode;
	t->levels[0].mtime = (struct timespec){ .tv_sec = entry->mtime, .tv_nsec = entry->mtime_ns };
	t->root_uid = a->chown ? (uid_t)entry->uid : t->keep->uid;
	t->root_gid = a->chown ? (gid_t)entry->gid : t->keep->gid;
	return attributes_set_xattrs(t->keep, t->levels[0].fd, entry->xattrs, entry->xattr_count, ".", e);
}

int treepath_put(struct treepath *t, const struct tar_entry *entry, struct attributes *a, const char *path, struct err *e)
{
	if (!strcmp(path, "."))
		return put_root(t, entry, a, e);
	const char *slash = strrchr(path, '/');
	if (treepath_enter(t, path, slash ? (size_t)(slash - path) : 0, e) < 0)
		return -1;
	// Its final mode at once, where it lets us fill it; the whole tree is hidden behind the mode of its root as yet.
	bool fillable = !a->special && (a->mode & FILLABLE) == FILLABLE;
	const char *name = slash ? slash + 1 : path;
	struct stat st = { .st_uid = t->keep->uid, .st_gid = t->keep->gid };
	int made = enter_one(t, name, strlen(name), fillable ? a->mode : FILLABLE, &st, e);
	if (made < 0)
		return -1;
	struct level *level = top(t);
	uid_t uid = a->chown ? (uid_t)entry->uid : t->keep->uid;
	gid_t gid = a->chown ? (gid_t)entry->gid : t->keep->gid;
	if ((uid != st.st_uid || gid != st.st_gid) &&
		attributes_owner_result(t->keep, fchown(level->fd, uid, gid), a, path, e) < 0)
		return -1;
	if (!made && attributes_clear_xattrs(t->keep, level->fd, path, e) < 0)
		return -1;
	if (a->xattrs && attributes_set_xattrs(t->keep, level->fd, entry->xattrs, entry->xattr_count, path, e) < 0)
		return -1;
	level->mode = a->mode;
	level->set_mode = !made || !fillable;
	level->mtime = (struct timespec){ .tv_sec = entry->mtime, .tv_nsec = entry->mtime_ns };
	return 0;
}
