// packtree.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/texts.h"
#include "image/packtree.h"

enum {
	DEPTH_MAX = 1000,  // directories in one another; each keeps a descriptor open. tar.h's limit for readers is 1024
	XATTR_MAX = 65536, // the kernel's limit for a list of names and for a value
};

static struct {
	const char *owner, *mtime;
	bool one_file_system;
	int64_t uid, gid; // -1 to keep each file's
	int64_t time;     // of every entry, with mtime
} user = { .uid = -1, .gid = -1 };

const struct cmd_option packtree_options[] = {
	CMD_TEXT(0, "owner", "UID:GID", &user.owner, "the owner of every entry, in numbers; without it each file's"),
	CMD_TEXT(0, "mtime", "TIME", &user.mtime, "the modification time of every entry, by RFC 3339"),
	CMD_FLAG(0, "one-file-system", &user.one_file_system, "leave out what is mounted below the directory"),
	CMD_END,
};

// A number that can be an owner, and what follows it. False for anything else.
static bool parse_id(const char *text, char **end, int64_t *id)
{
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*id = strtoll(text, end, 10);
	return !errno && *id < UINT32_MAX;
}

void packtree_check_options(void)
{
	char *end;
	bool good = !user.owner ||
		(parse_id(user.owner, &end, &user.uid) && *end == ':' && parse_id(end + 1, &end, &user.gid) && !*end);
	if (!good)
		cmd_usage("option --owner: not two numbers such as 0:0: '%s'", user.owner);
	if (user.mtime && !date_parse(user.mtime, &user.time))
		cmd_usage("option --mtime: not a time such as 2026-01-31T00:00:00Z: '%s'", user.mtime);
}

struct walk {
	const struct packtree *tree;
	struct buf path; // of the entry in the archive
	json_t *links;   // `DEVICE:INODE` of a file with several names: the path it was written under
	dev_t device;    // of the tree's root
	int64_t latest;  // SOURCE_DATE_EPOCH, or INT64_MAX
	struct tar_xattr *xattrs;
	size_t xattr_count;
};

static int changed(const struct walk *w, struct err *e)
{
	return err_set(e, STATUS_TEMPORARY, "'%s': changed while it was read", buf_text(&w->path));
}

// An error of a call about the current entry; one that is gone has changed.
static int call_failed(const struct walk *w, const char *what, struct err *e)
{
	if (errno == ENOENT || errno == ESTALE)
		return changed(w, e);
	return err_system(e, "'%s': cannot %s", buf_text(&w->path), what);
}

// ---- entries ----

static void forget_xattrs(struct walk *w)
{
	for (size_t i = 0; i < w->xattr_count; i++) {
		free((char *)w->xattrs[i].name);
		free((char *)w->xattrs[i].value);
	}
	w->xattr_count = 0;
}

static bool is_kept(const char *name)
{
	return !strncmp(name, "user.", 5) || !strcmp(name, "security.capability");
}

static int read_xattr(struct walk *w, int fd, const char *name, struct err *e)
{
	mem_auto char *value = mem_alloc(XATTR_MAX);
	ssize_t n = fgetxattr(fd, name, value, XATTR_MAX);
	if (n < 0)
		return errno == ENODATA ? changed(w, e) : call_failed(w, "read its extended attributes", e);
	w->xattrs = mem_resize(w->xattrs, w->xattr_count + 1, sizeof *w->xattrs);
	w->xattrs[w->xattr_count++] = (struct tar_xattr){ mem_text(name), mem_text_n(value, (size_t)n), (size_t)n };
	return 0;
}

// The extended attributes worth keeping (rkt:I-006, rkt:U-19): the user's, and file capabilities.
static int read_xattrs(struct walk *w, int fd, struct err *e)
{
	char few[1024];
	ssize_t n = flistxattr(fd, few, sizeof few);
	mem_auto char *many = n < 0 && errno == ERANGE ? mem_alloc(XATTR_MAX) : NULL;
	const char *names = many ? many : few;
	if (many)
		n = flistxattr(fd, many, XATTR_MAX);
	if (n < 0)
		return errno == ENOTSUP ? 0 : call_failed(w, "list its extended attributes", e);
	for (const char *name = names; name < names + n; name += strlen(name) + 1)
		if (is_kept(name) && read_xattr(w, fd, name, e) < 0)
			return -1;
	return 0;
}

static struct tar_entry entry_of(const struct walk *w, const struct stat *st, enum tar_type type)
{
	struct tar_entry entry = {
		.type = type,
		.path = buf_text(&w->path),
		.link = "",
		.mode = st->st_mode & 07777,
		.uid = user.uid >= 0 ? user.uid : st->st_uid,
		.gid = user.gid >= 0 ? user.gid : st->st_gid,
		.mtime = st->st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.xattrs = w->xattrs,
		.xattr_count = w->xattr_count,
	};
	if (user.mtime || entry.mtime >= w->latest) {
		entry.mtime = user.mtime ? user.time : w->latest;
		entry.mtime_ns = 0;
	}
	return entry;
}

static bool same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

// ---- regular files ----

// Bytes from `at` up to which nothing is stored, 0 where something is. Files without holes are not asked.
static int64_t hole_at(int fd, const struct stat *st, int64_t at)
{
	if (st->st_blocks * 512 >= st->st_size)
		return 0;
	int64_t data = lseek(fd, at, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? st->st_size - at : 0;
	return (data < st->st_size ? data : st->st_size) - at;
}

// All st_size bytes, read straight to where they go out. A hole is written without being read.
static int copy_data(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	int64_t hole_until = 0;
	for (int64_t at = 0; at < st->st_size;) {
		size_t room;
		void *to = w->tree->room(w->tree->out->context, &room);
		int64_t left = st->st_size - at;
		if (at >= hole_until)
			hole_until = at + hole_at(fd, st, at);
		if (at < hole_until)
			left = hole_until - at;
		size_t want = left < (int64_t)room ? (size_t)left : room;
		ssize_t n = (ssize_t)want;
		if (at < hole_until)
			memset(to, 0, want);
		else
			n = pread(fd, to, want, at);
		if (n < 0)
			return call_failed(w, "read", e);
		if (n == 0)
			return changed(w, e);
		if (tarwrite_data(w->tree->out, to, (size_t)n, e) < 0)
			return -1;
		at += n;
		progress_add(w->tree->progress, n);
	}
	return 0;
}

static int write_file(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	struct stat after;
	if (read_xattrs(w, fd, e) < 0)
		return -1;
	struct tar_entry entry = entry_of(w, st, TAR_FILE);
	entry.size = st->st_size;
	int failed = tarwrite_entry(w->tree->out, &entry, e) < 0 || copy_data(w, fd, st, e) < 0;
	forget_xattrs(w);
	if (failed)
		return -1;
	if (fstat(fd, &after) < 0)
		return call_failed(w, "stat", e);
	return same_content(st, &after) ? 0 : changed(w, e);
}

// The path under which this file was written before; else it is remembered under the current one, and NULL.
static const char *earlier_name(struct walk *w, const struct stat *st)
{
	char key[64];
	snprintf(key, sizeof key, "%jx:%jx", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	const char *earlier = json_string_value(json_object_get(w->links, key));
	if (!earlier)
		json_object_set_new_nocheck(w->links, key, json_stringn_nocheck(w->path.data, w->path.length));
	return earlier;
}

static int add_file(struct walk *w, int handle, const struct stat *st, struct err *e)
{
	const char *earlier = st->st_nlink > 1 ? earlier_name(w, st) : NULL;
	if (earlier) {
		struct tar_entry entry = entry_of(w, st, TAR_HARD_LINK);
		entry.link = earlier;
		return tarwrite_entry(w->tree->out, &entry, e);
	}
	// The handle is known to be a regular file: opening the name again could meet a device put in its place.
	char self[64];
	snprintf(self, sizeof self, "/proc/self/fd/%d", handle);
	io_auto int fd = open(self, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? call_failed(w, "open", e) : write_file(w, fd, st, e);
}

// ---- the others ----

static int add_symlink(struct walk *w, int handle, const struct stat *st, struct err *e)
{
	char target[PATH_MAX + 1];
	ssize_t n = readlinkat(handle, "", target, sizeof target);
	if (n < 0)
		return call_failed(w, "read the symlink", e);
	if (n > PATH_MAX)
		return err_set(e, STATUS_LIMIT, "'%s': the target of the symlink is too long", buf_text(&w->path));
	target[n] = '\0';
	struct tar_entry entry = entry_of(w, st, TAR_SYMLINK);
	entry.link = target;
	return tarwrite_entry(w->tree->out, &entry, e);
}

static int add_special(struct walk *w, const struct stat *st, struct err *e)
{
	if (S_ISSOCK(st->st_mode)) {
		msg_warn("'%s': a socket: left out, since no tar can hold it", buf_text(&w->path));
		return 0;
	}
	struct tar_entry entry = entry_of(w, st,
		S_ISFIFO(st->st_mode)          ? TAR_FIFO
			: S_ISCHR(st->st_mode) ? TAR_CHAR_DEVICE
					       : TAR_BLOCK_DEVICE);
	if (!S_ISFIFO(st->st_mode)) {
		entry.major = major(st->st_rdev);
		entry.minor = minor(st->st_rdev);
	}
	return tarwrite_entry(w->tree->out, &entry, e);
}

// ---- directories ----

static int add_directory(struct walk *w, int fd, int depth, struct err *e);

static int add_named(struct walk *w, int directory, const char *name, int depth, struct err *e)
{
	struct stat st;
	io_auto int handle = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (handle < 0 || fstat(handle, &st) < 0)
		return call_failed(w, "open", e);
	if (S_ISREG(st.st_mode))
		return add_file(w, handle, &st, e);
	if (S_ISLNK(st.st_mode))
		return add_symlink(w, handle, &st, e);
	if (!S_ISDIR(st.st_mode))
		return add_special(w, &st, e);
	io_auto int fd = openat(handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(io_steal(handle)); // one descriptor a level
	return fd < 0 ? call_failed(w, "open", e) : add_directory(w, fd, depth + 1, e);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(struct walk *w, int fd, struct texts *names, struct err *e)
{
	mem_auto char *some = mem_alloc(IO_CHUNK);
	ssize_t n;
	while ((n = getdents64(fd, some, IO_CHUNK)) > 0)
		for (char *at = some; at < some + n; at += ((struct dirent64 *)at)->d_reclen) {
			const char *name = ((struct dirent64 *)at)->d_name;
			if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
				texts_add(names, name);
		}
	if (n < 0)
		return call_failed(w, "list", e);
	if (names->count)
		qsort(names->items, names->count, sizeof *names->items, by_bytes);
	return 0;
}

// Goes on with each name in turn on the path.
static int add_names(struct walk *w, int fd, const struct texts *names, int depth, struct err *e)
{
	bool top = !strcmp(buf_text(&w->path), ".");
	size_t length = top ? 0 : w->path.length;
	for (size_t i = 0; i < names->count; i++) {
		w->path.length = length;
		if (!top)
			buf_add_byte(&w->path, '/');
		buf_add_text(&w->path, names->items[i]);
		if ((int64_t)w->path.length > tar_default_limits.name)
			return err_set(e, STATUS_LIMIT, "'%.200s...': a path longer than %" PRId64 " bytes", buf_text(&w->path),
				tar_default_limits.name);
		if (add_named(w, fd, names->items[i], depth, e) < 0)
			return -1;
	}
	w->path.length = length;
	buf_add_text(&w->path, top ? "." : "");
	return 0;
}

static int add_directory(struct walk *w, int fd, int depth, struct err *e)
{
	struct stat st, after;
	if (depth > DEPTH_MAX)
		return err_set(e, STATUS_LIMIT, "'%.200s...': deeper than %d directories", buf_text(&w->path), DEPTH_MAX);
	if (fstat(fd, &st) < 0 || read_xattrs(w, fd, e) < 0)
		return e->status ? -1 : call_failed(w, "stat", e);
	struct tar_entry entry = entry_of(w, &st, TAR_DIRECTORY);
	int failed = tarwrite_entry(w->tree->out, &entry, e);
	forget_xattrs(w);
	if (failed)
		return -1;
	if (depth == 0)
		w->device = st.st_dev;
	if (user.one_file_system && st.st_dev != w->device)
		return 0;
	struct texts names = { 0 };
	failed = read_names(w, fd, &names, e) < 0 || add_names(w, fd, &names, depth, e) < 0;
	texts_free(&names);
	if (failed)
		return -1;
	if (fstat(fd, &after) < 0)
		return call_failed(w, "stat", e);
	return same_content(&st, &after) ? 0 : changed(w, e);
}

// As many descriptors as the deepest tree needs, where the system lets us.
static void allow_descriptors(void)
{
	struct rlimit limit;
	const rlim_t wanted = DEPTH_MAX + 64;
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		setrlimit(RLIMIT_NOFILE, &limit); // without it a deep tree fails with EMFILE
	}
}

// SOURCE_DATE_EPOCH: nothing in the archive is younger (reproducible-builds.org, "SOURCE_DATE_EPOCH").
static int64_t latest_time(void)
{
	return getenv("SOURCE_DATE_EPOCH") ? date_of_build() : INT64_MAX;
}

int64_t packtree_time(void)
{
	int64_t latest = latest_time();
	return user.mtime ? user.time : latest == INT64_MAX ? 0 : latest;
}

int packtree_write(const struct packtree *p, int directory, const char *name, struct err *e)
{
	struct walk w = { .tree = p, .links = json_object(), .latest = latest_time() };
	buf_add_text(&w.path, *p->prefix ? p->prefix : ".");
	allow_descriptors();
	io_auto int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); // a position of its own
	int failed = fd < 0 ? err_system(e, "cannot open") : add_directory(&w, fd, 0, e);
	if (failed)
		err_context(e, "'%s'", name);
	json_decref(w.links);
	forget_xattrs(&w);
	free(w.xattrs);
	buf_free(&w.path);
	return failed;
}
