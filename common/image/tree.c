// tree.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/interrupt.h"
#include "base/io.h"
#include "base/mem.h"
#include "image/attributes.h"
#include "image/stage.h"
#include "image/tree.h"

#define PARENT_MODE 0755 // of a directory that no entry tells about

// What is told of a directory when all its entries are made. The last of a path counts.
struct directory {
	char *path;
	size_t order;
	uint32_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
	bool mode_set;            // already, when it was made
	struct tar_xattr *xattrs; // kept ones, one allocation; NULL for none
	size_t xattr_count;
};

struct tree {
	int root;
	struct keeper keep;
	int64_t bytes;
	struct buf here; // path of the directory that `fd` is, "" for the root
	int fd;          // -1: not open; the root's is not kept here
	struct directory *directories;
	size_t count, room;
	bool replaced; // an entry took the place of another: a noted directory may be none any more
};

const struct tree_losses *tree_losses(const struct tree *t)
{
	return &t->keep.lost;
}

static void forget_here(struct tree *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	t->here.length = 0;
}

static void keep_here(struct tree *t, int fd, const char *path, size_t length)
{
	forget_here(t);
	t->fd = fd;
	buf_add(&t->here, path, length);
}

void tree_close(struct tree *t)
{
	if (!t)
		return;
	forget_here(t);
	buf_free(&t->here);
	for (size_t i = 0; i < t->count; i++) {
		free(t->directories[i].path);
		free(t->directories[i].xattrs);
	}
	free(t->directories);
	free(t);
}

static int cannot_make(const char *path, struct err *e)
{
	return err_system(e, "'%s': cannot make it", path);
}

// ---- finding the directory of an entry ----

static int open_beneath(int directory, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd;
	do
		fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
	while (fd < 0 && errno == EAGAIN); // a rename somewhere raced with the resolution
	return fd;
}

static void note_directory(struct tree *t, const struct directory *d, const char *path, size_t length)
{
	if (t->count == t->room) {
		t->room = t->room ? 2 * t->room : 256;
		t->directories = mem_resize(t->directories, t->room, sizeof *t->directories);
	}
	t->directories[t->count] = *d;
	t->directories[t->count].path = mem_text_n(path, length);
	t->directories[t->count].order = t->count;
	t->count++;
}

// One that no entry tells about, so far. Its time is none in particular, but the same for the same archive (rkt:U-12).
static void note_implied(struct tree *t, const char *path, size_t length)
{
	const struct directory implied = { .mode = PARENT_MODE, .uid = t->keep.uid, .gid = t->keep.gid };
	note_directory(t, &implied, path, length);
}

struct tree *tree_open(int root, const struct tree_options *options)
{
	struct tree *t = mem_alloc(sizeof *t);
	t->root = root;
	t->fd = -1;
	t->keep = (struct keeper){ .options = *options, .uid = geteuid(), .gid = getegid() };
	umask(0); // modes are the archive's
	note_implied(t, ".", 1);
	return t;
}

// A directory of that name at the end of this, whatever was there before. 1 when it is new and has the mode, 0 when it was one.
static int make_directory(struct tree *t, int directory, const char *name, mode_t mode, const char *path, struct err *e)
{
	if (!mkdirat(directory, name, mode))
		return 1;
	struct stat st;
	if (errno != EEXIST || fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return cannot_make(path, e);
	if (S_ISDIR(st.st_mode))
		return 0;
	t->replaced = true;
	if (unlinkat(directory, name, 0) < 0 || mkdirat(directory, name, mode) < 0)
		return cannot_make(path, e);
	return 1;
}

// Goes down from the root, component by component, making what is missing and replacing what is no directory.
static int open_made(struct tree *t, const char *path, size_t length, struct err *e)
{
	io_auto int fd = dup(t->root);
	mem_auto char *copy = mem_text_n(path, length);
	for (char *at = copy; fd >= 0 && at;) {
		char *slash = strchr(at, '/');
		if (slash)
			*slash = '\0';
		int made = make_directory(t, fd, at, PARENT_MODE, copy, e);
		if (made < 0)
			return -1;
		if (made)
			note_implied(t, path, slash ? (size_t)(slash - copy) : length);
		int next = open_beneath(fd, at);
		if (next < 0)
			return err_system(e, "'%s': cannot open the directory", copy);
		close(fd);
		fd = next;
		at = slash ? slash + 1 : NULL;
		if (slash)
			*slash = '/';
	}
	return fd < 0 ? err_system(e, "cannot duplicate a descriptor") : io_steal(fd);
}

// The directory of this path, if it is one. The descriptor stays the tree's; the last one is kept, since the entries of a
// directory follow each other.
static int open_here(struct tree *t, const char *path, size_t length)
{
	size_t known = t->here.length;
	if (t->fd >= 0 && known == length && !memcmp(t->here.data, path, length))
		return t->fd;
	mem_auto char *wanted = mem_text_n(path, length);
	bool below = t->fd >= 0 && known < length && path[known] == '/' && !memcmp(t->here.data, path, known);
	int fd = below ? open_beneath(t->fd, wanted + known + 1) : open_beneath(t->root, wanted);
	if (fd >= 0)
		keep_here(t, fd, path, length);
	return fd;
}

// The directory a path lies in, made if need be, and its name there. -1 with e filled.
static int directory_of(struct tree *t, const char *path, const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	if (!slash)
		return t->root;
	size_t length = (size_t)(slash - path);
	int fd = open_here(t, path, length);
	if (fd >= 0)
		return fd;
	fd = open_made(t, path, length, e);
	if (fd >= 0)
		keep_here(t, fd, path, length);
	return fd;
}

// Takes away what is at the place of a new entry.
static int clear_place(struct tree *t, int directory, const char *name, struct err *e)
{
	t->replaced = true;
	return stage_remove(directory, name, e);
}

// ---- the kinds of entries ----

static struct timespec mtime_of(const struct tar_entry *entry)
{
	return (struct timespec){ .tv_sec = entry->mtime, .tv_nsec = entry->mtime_ns };
}

static int copy_data(struct tree *t, int fd, const struct tar_entry *entry, const char *path, struct tar_reader *r, struct err *e)
{
	if (entry->size > t->keep.options.bytes - t->bytes)
		return err_set(e, STATUS_LIMIT, "'%s': the files together are larger than the limit of %" PRId64 " bytes", path,
			t->keep.options.bytes);
	t->bytes += entry->size;
	const char *data = "";
	int64_t n;
	while ((n = tar_borrow(r, &data, e)) > 0) {
		bool ok = data ? !io_write_all(fd, data, (size_t)n) : lseek(fd, n, SEEK_CUR) >= 0;
		if (!ok)
			return err_system(e, "'%s': cannot write", path);
		if (!data && ftruncate(fd, lseek(fd, 0, SEEK_CUR)) < 0)
			return err_system(e, "'%s': cannot write", path);
		if (interrupt_check(e) < 0)
			return -1;
	}
	return n < 0 ? -1 : 0;
}

// Owner, bits, attributes and time of a file that is open: in this order, since writing and chown clear the bits.
static int finish_file(struct tree *t, int fd, const struct tar_entry *entry, struct attributes *a, const char *path,
	struct err *e)
{
	if (a->chown && attributes_owner_result(&t->keep, fchown(fd, (uid_t)entry->uid, (gid_t)entry->gid), a, path, e) < 0)
		return -1;
	if (a->xattrs && attributes_set_xattrs(&t->keep, fd, entry->xattrs, entry->xattr_count, path, e) < 0)
		return -1;
	if ((a->special || a->xattrs) && fchmod(fd, a->mode) < 0)
		return err_system(e, "'%s': cannot set its mode", path);
	return attributes_set_times(fd, NULL, mtime_of(entry), path, e);
}

static int put_file(struct tree *t, int directory, const char *name, const struct tar_entry *entry, struct attributes *a,
	const char *path, struct tar_reader *r, struct err *e)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	// Attributes can be set only on a file that its mode lets us write.
	mode_t mode = a->xattrs ? 0600 : a->mode & ~(uint32_t)ATTRIBUTES_SPECIAL;
	io_auto int fd = openat(directory, name, flags, mode);
	if (fd < 0 && errno == EEXIST) { // never into what is there: it may have other names (rkt:U-17)
		if (clear_place(t, directory, name, e) < 0)
			return -1;
		fd = openat(directory, name, flags, mode);
	}
	if (fd < 0)
		return cannot_make(path, e);
	if (copy_data(t, fd, entry, path, r, e) < 0)
		return -1;
	return finish_file(t, fd, entry, a, path, e);
}

// Symlinks, fifos and devices: made by name, never opened.
static int make_special(int directory, const char *name, const struct tar_entry *entry, uint32_t mode)
{
	switch (entry->type) {
	case TAR_SYMLINK:
		return symlinkat(entry->link, directory, name);
	case TAR_FIFO:
		return mknodat(directory, name, S_IFIFO | mode, 0);
	case TAR_CHAR_DEVICE:
		return mknodat(directory, name, S_IFCHR | mode, makedev(entry->major, entry->minor));
	default:
		return mknodat(directory, name, S_IFBLK | mode, makedev(entry->major, entry->minor));
	}
}

static int put_special(struct tree *t, int directory, const char *name, const struct tar_entry *entry, struct attributes *a,
	const char *path, struct err *e)
{
	bool device = entry->type == TAR_CHAR_DEVICE || entry->type == TAR_BLOCK_DEVICE;
	if (device && !(t->keep.options.devices && t->keep.options.owners)) {
		err_set(e, STATUS_REFUSED, "'%s': a device node", path);
		return t->keep.options.owners ? err_hint(e, "--devices makes them") : -1;
	}
	uint32_t mode = a->mode & ~(uint32_t)ATTRIBUTES_SPECIAL;
	int result = make_special(directory, name, entry, mode);
	if (result < 0 && errno == EEXIST) {
		if (clear_place(t, directory, name, e) < 0)
			return -1;
		result = make_special(directory, name, entry, mode);
	}
	if (result < 0 && errno == EPERM && device)
		return err_set(e, STATUS_REFUSED, "'%s': a device node, which the kernel does not let this user make", path);
	if (result < 0)
		return cannot_make(path, e);
	if (a->chown) {
		result = fchownat(directory, name, (uid_t)entry->uid, (gid_t)entry->gid, AT_SYMLINK_NOFOLLOW);
		if (attributes_owner_result(&t->keep, result, a, path, e) < 0)
			return -1;
	}
	return attributes_set_times(directory, name, mtime_of(entry), path, e);
}

static bool leaves_root(const char *path)
{
	if (*path == '/')
		return true;
	for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
		if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || !at[2]))
			return true;
	return false;
}

// A second name for a regular file that is in this tree already, and for nothing else (rkt:U-17, U-04).
static int put_hard_link(struct tree *t, const char *path, const char *link, struct err *e)
{
	const char *name, *target;
	if (leaves_root(link) || !strcmp(link, "."))
		return err_set(e, STATUS_MALFORMED, "'%s': a hard link out of the archive: to '%s'", path, link);
	int directory = directory_of(t, link, &target, e);
	io_auto int from = directory < 0 ? -1 : dup(directory);
	if (from < 0)
		return directory < 0 ? -1 : err_system(e, "cannot duplicate a descriptor");
	struct stat st;
	if (fstatat(from, target, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, STATUS_MALFORMED, "'%s': a hard link to what is no file of the archive before it: '%s'", path,
			link);
	if (!strcmp(path, link))
		return err_set(e, STATUS_MALFORMED, "'%s': a hard link to itself", path);
	directory = directory_of(t, path, &name, e);
	if (directory < 0)
		return -1;
	int result = linkat(from, target, directory, name, 0);
	if (result < 0 && errno == EEXIST) {
		if (clear_place(t, directory, name, e) < 0)
			return -1;
		result = linkat(from, target, directory, name, 0);
	}
	return result < 0 ? cannot_make(path, e) : 0;
}

// The attributes a directory keeps, in one allocation with their texts: the entry's own are gone when they are set.
static void copy_xattrs(struct tree *t, const struct tar_entry *entry, struct directory *d)
{
	size_t bytes = 0;
	for (size_t i = 0; i < entry->xattr_count; i++)
		if (attributes_keep_xattr(&t->keep, entry->xattrs[i].name)) {
			bytes += sizeof *d->xattrs + strlen(entry->xattrs[i].name) + 1 + entry->xattrs[i].length;
			d->xattr_count++;
		}
	d->xattrs = mem_alloc(bytes);
	char *text = (char *)(d->xattrs + d->xattr_count);
	struct tar_xattr *to = d->xattrs;
	for (size_t i = 0; i < entry->xattr_count; i++) {
		const struct tar_xattr *x = &entry->xattrs[i];
		if (!attributes_keep_xattr(&t->keep, x->name))
			continue;
		size_t n = strlen(x->name) + 1;
		*to++ = (struct tar_xattr){ memcpy(text, x->name, n), memcpy(text + n, x->value, x->length), x->length };
		text += n + x->length;
	}
}

static int put_directory(struct tree *t, const struct tar_entry *entry, struct attributes *a, const char *path, struct err *e)
{
	struct directory d = { .mode = a->mode, .uid = t->keep.uid, .gid = t->keep.gid, .mtime = mtime_of(entry) };
	// Its final mode at once, where it lets us fill it; the whole tree is hidden behind the mode of its root as yet.
	bool fillable = !a->special && (a->mode & 0700) == 0700;
	if (strcmp(path, ".") != 0) {
		const char *name;
		int directory = directory_of(t, path, &name, e);
		int made = directory < 0 ? -1 : make_directory(t, directory, name, fillable ? a->mode : 0700, path, e);
		if (made < 0)
			return -1;
		d.mode_set = made && fillable;
	}
	if (a->chown) {
		d.uid = (uid_t)entry->uid;
		d.gid = (gid_t)entry->gid;
	}
	if (a->xattrs)
		copy_xattrs(t, entry, &d);
	note_directory(t, &d, path, strlen(path));
	return 0;
}

int tree_put(struct tree *t, const struct tar_entry *entry, const char *path, const char *link, struct tar_reader *r,
	struct err *e)
{
	if (interrupt_check(e) < 0)
		return -1;
	if (leaves_root(path))
		return err_set(e, STATUS_MALFORMED, "'%s': an entry that leads out of the target", path);
	if (!strcmp(path, ".") && entry->type != TAR_DIRECTORY)
		return err_set(e, STATUS_MALFORMED, "'%s': the root of the archive is no directory", path);
	if (entry->type == TAR_HARD_LINK) // what its entry says of owner, mode and time was said of the file before
		return put_hard_link(t, path, link, e);
	struct attributes a = attributes_of(&t->keep, entry, path);
	if (entry->type == TAR_DIRECTORY)
		return put_directory(t, entry, &a, path, e);
	const char *name;
	int directory = directory_of(t, path, &name, e);
	if (directory < 0)
		return -1;
	return entry->type == TAR_FILE ? put_file(t, directory, name, entry, &a, path, r, e)
				       : put_special(t, directory, name, entry, &a, path, e);
}

// ---- directories at the end ----

// Parents before what they hold, the root before all.
static int by_path(const void *a, const void *b)
{
	const struct directory *x = a, *y = b;
	int order = strcmp(strcmp(x->path, ".") ? x->path : "", strcmp(y->path, ".") ? y->path : "");
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

// With its parent's descriptor, which siblings share: for one that certainly is what was made.
static int finish_plain_directory(struct tree *t, const struct directory *d, struct err *e)
{
	const char *slash = strrchr(d->path, '/');
	int parent = slash ? open_here(t, d->path, (size_t)(slash - d->path)) : t->root;
	const char *name = slash ? slash + 1 : d->path;
	struct attributes none = { 0 };
	if (parent < 0)
		return err_system(e, "'%s': cannot open its parent", d->path);
	if (d->uid != t->keep.uid || d->gid != t->keep.gid) {
		int result = fchownat(parent, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW);
		if (attributes_owner_result(&t->keep, result, &none, d->path, e) < 0)
			return -1;
	}
	return attributes_set_times(parent, name, d->mtime, d->path, e);
}

static int finish_directory(struct tree *t, const struct directory *d, struct err *e)
{
	if (d->mode_set && !d->xattr_count && !t->replaced)
		return finish_plain_directory(t, d, e);
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	io_auto int fd = (int)syscall(SYS_openat2, t->root, d->path, &how, sizeof how);
	if (fd < 0)
		return 0; // a later entry took its place
	struct attributes a = { .mode = d->mode, .special = d->mode & ATTRIBUTES_SPECIAL };
	if ((d->uid != t->keep.uid || d->gid != t->keep.gid) &&
		attributes_owner_result(&t->keep, fchown(fd, d->uid, d->gid), &a, d->path, e) < 0)
		return -1;
	if (attributes_set_xattrs(&t->keep, fd, d->xattrs, d->xattr_count, d->path, e) < 0)
		return -1;
	if (fchmod(fd, a.mode) < 0)
		return err_system(e, "'%s': cannot set its mode", d->path);
	return attributes_set_times(fd, NULL, d->mtime, d->path, e);
}

int tree_finish(struct tree *t, struct err *e)
{
	forget_here(t);
	qsort(t->directories, t->count, sizeof *t->directories, by_path);
	for (size_t i = t->count; i--;) { // backwards: what lies deeper first, while its parents still let us in
		bool last = i + 1 == t->count || strcmp(t->directories[i].path, t->directories[i + 1].path) != 0;
		if (last && finish_directory(t, &t->directories[i], e) < 0)
			return -1;
	}
	return 0;
}
