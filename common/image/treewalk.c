// treewalk.h says what these promise.
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
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/texts.h"
#include "image/attributes.h"
#include "image/treewalk.h"

enum {
	DEPTH_MAX = 1000,  // directories in one another; each keeps a descriptor open. tar.h's limit for readers is 1024
	XATTR_MAX = 65536, // the kernel's limit for a list of names and for a value
};

struct walk {
	const struct treewalk *how;
	const struct treewalk_options *options;
	struct buf path; // of the entry in the archive
	json_t *links;   // `DEVICE:INODE` of a file with several names: the path it was met under
	dev_t device;    // of the tree's root
	struct tar_xattr *xattrs;
	size_t xattr_count;
};

int treewalk_changed(const char *path, struct err *e)
{
	return err_set(e, STATUS_TEMPORARY, "'%s': changed while it was read", path);
}

int treewalk_call_failed(const char *path, const char *what, struct err *e)
{
	if (errno == ENOENT || errno == ESTALE)
		return treewalk_changed(path, e);
	return err_system(e, "'%s': cannot %s", path, what);
}

int treewalk_check_length(const char *path, struct err *e)
{
	if ((int64_t)strlen(path) <= tar_default_limits.name)
		return 0;
	return err_set(e, STATUS_LIMIT, "'%.200s...': a path longer than %" PRId64 " bytes", path, tar_default_limits.name);
}

static int changed(const struct walk *w, struct err *e)
{
	return treewalk_changed(buf_text(&w->path), e);
}

static int call_failed(const struct walk *w, const char *what, struct err *e)
{
	return treewalk_call_failed(buf_text(&w->path), what, e);
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
		if (attributes_keep_xattr(&attributes_all, name) && read_xattr(w, fd, name, e) < 0)
			return -1;
	return 0;
}

static struct tar_entry entry_of(const struct walk *w, const struct stat *st, enum tar_type type)
{
	const struct treewalk_options *o = w->options;
	struct tar_entry entry = {
		.type = type,
		.path = buf_text(&w->path),
		.link = "",
		.mode = st->st_mode & 07777,
		.uid = o->uid >= 0 ? o->uid : st->st_uid,
		.gid = o->gid >= 0 ? o->gid : st->st_gid,
		.mtime = st->st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.xattrs = w->xattrs,
		.xattr_count = w->xattr_count,
	};
	if (o->same_time || entry.mtime >= o->latest) {
		entry.mtime = o->same_time ? o->time : o->latest;
		entry.mtime_ns = 0;
	}
	return entry;
}

static int visit(struct walk *w, const struct tar_entry *entry, int fd, const struct stat *st, struct err *e)
{
	return w->how->visit(w->how->context, entry, fd, st, e);
}

static bool same_content(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

// ---- regular files ----

static int visit_file(struct walk *w, int fd, const struct stat *st, struct err *e)
{
	struct stat after;
	if (read_xattrs(w, fd, e) < 0)
		return -1;
	struct tar_entry entry = entry_of(w, st, TAR_FILE);
	entry.size = st->st_size;
	int failed = visit(w, &entry, fd, st, e);
	forget_xattrs(w);
	if (failed)
		return -1;
	if (fstat(fd, &after) < 0)
		return call_failed(w, "stat", e);
	return same_content(st, &after) ? 0 : changed(w, e);
}

// The path under which this file was met before; else it is remembered under the current one, and NULL.
static const char *earlier_name(struct walk *w, const struct stat *st)
{
	char key[64];
	snprintf(key, sizeof key, "%jx:%jx", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	const char *earlier = json_string_value(json_object_get(w->links, key));
	if (!earlier)
		json_object_set_new_nocheck(w->links, key, json_stringn_nocheck(w->path.data, w->path.length));
	return earlier;
}

static int meet_file(struct walk *w, int handle, const struct stat *st, struct err *e)
{
	const char *earlier = st->st_nlink > 1 ? earlier_name(w, st) : NULL;
	if (earlier) {
		struct tar_entry entry = entry_of(w, st, TAR_HARD_LINK);
		entry.link = earlier;
		return visit(w, &entry, -1, st, e);
	}
	// The handle is known to be a regular file: opening the name again could meet a device put in its place.
	char self[64];
	snprintf(self, sizeof self, "/proc/self/fd/%d", handle);
	io_auto int fd = open(self, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) // not the file, which the handle holds
		return err_set(e, STATUS_SYSTEM, "'%s': cannot open: /proc is not mounted", buf_text(&w->path));
	return fd < 0 ? call_failed(w, "open", e) : visit_file(w, fd, st, e);
}

// ---- the others ----

static int meet_symlink(struct walk *w, int handle, const struct stat *st, struct err *e)
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
	return visit(w, &entry, -1, st, e);
}

static int meet_special(struct walk *w, const struct stat *st, struct err *e)
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
	return visit(w, &entry, -1, st, e);
}

// ---- directories ----

static int meet_directory(struct walk *w, int fd, int depth, struct err *e);

static int meet_named(struct walk *w, int directory, const char *name, int depth, struct err *e)
{
	struct stat st;
	io_auto int handle = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (handle < 0 || fstat(handle, &st) < 0)
		return call_failed(w, "open", e);
	if (S_ISREG(st.st_mode))
		return meet_file(w, handle, &st, e);
	if (S_ISLNK(st.st_mode))
		return meet_symlink(w, handle, &st, e);
	if (!S_ISDIR(st.st_mode))
		return meet_special(w, &st, e);
	io_auto int fd = openat(handle, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(io_steal(handle)); // one descriptor a level
	return fd < 0 ? call_failed(w, "open", e) : meet_directory(w, fd, depth + 1, e);
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
	texts_sort(names);
	return 0;
}

// Goes on with each name in turn on the path.
static int meet_names(struct walk *w, int fd, const struct texts *names, int depth, struct err *e)
{
	bool top = !strcmp(buf_text(&w->path), ".");
	size_t length = top ? 0 : w->path.length;
	for (size_t i = 0; i < names->count; i++) {
		w->path.length = length;
		if (!top)
			buf_add_byte(&w->path, '/');
		buf_add_text(&w->path, names->items[i]);
		if (treewalk_check_length(buf_text(&w->path), e) < 0)
			return -1;
		bool wanted = !w->how->wants || w->how->wants(w->how->context, buf_text(&w->path));
		if (wanted && meet_named(w, fd, names->items[i], depth, e) < 0)
			return -1;
	}
	w->path.length = length;
	buf_add_text(&w->path, top ? "." : "");
	return 0;
}

static int meet_directory(struct walk *w, int fd, int depth, struct err *e)
{
	struct stat st, after;
	if (depth > DEPTH_MAX)
		return err_set(e, STATUS_LIMIT, "'%.200s...': deeper than %d directories", buf_text(&w->path), DEPTH_MAX);
	if (fstat(fd, &st) < 0 || read_xattrs(w, fd, e) < 0)
		return e->status ? -1 : call_failed(w, "stat", e);
	struct tar_entry entry = entry_of(w, &st, TAR_DIRECTORY);
	int failed = visit(w, &entry, -1, &st, e);
	forget_xattrs(w);
	if (failed)
		return -1;
	if (depth == 0)
		w->device = st.st_dev;
	if (w->options->one_file_system && st.st_dev != w->device)
		return 0;
	struct texts names = { 0 };
	failed = read_names(w, fd, &names, e) < 0 || meet_names(w, fd, &names, depth, e) < 0;
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

int treewalk(const struct treewalk *how, int directory, const char *name, struct err *e)
{
	struct walk w = { .how = how, .options = how->options, .links = json_object() };
	buf_add_text(&w.path, *how->prefix ? how->prefix : ".");
	allow_descriptors();
	io_auto int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); // a position of its own
	int failed = fd < 0 ? err_system(e, "cannot open") : meet_directory(&w, fd, 0, e);
	if (failed)
		err_context(e, "'%s'", name);
	json_decref(w.links);
	forget_xattrs(&w);
	free(w.xattrs);
	buf_free(&w.path);
	return failed;
}
