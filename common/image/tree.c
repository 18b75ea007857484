// tree.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/io.h"
#include "base/mem.h"
#include "image/attributes.h"
#include "image/stage.h"
#include "image/tree.h"
#include "image/treedata.h"
#include "image/treepath.h"

struct tree {
	struct treepath *path; // to the directory that is being filled
	struct treedata *data; // from the first small file on
	struct keeper keep;
	int64_t bytes;
};

const struct tree_losses *tree_losses(const struct tree *t)
{
	return &t->keep.lost;
}

struct treepath *tree_path(struct tree *t)
{
	return t->path;
}

static int cannot_make(const char *path, struct err *e)
{
	return err_system(e, "'%s': cannot make it", path);
}

struct tree *tree_open(int root, const struct tree_options *options)
{
	struct tree *t = mem_alloc(sizeof *t);
	t->keep = (struct keeper){ .options = *options, .uid = geteuid(), .gid = getegid() };
	t->path = treepath_open(root, &t->keep);
	umask(0); // modes are the archive's
	return t;
}

int tree_finish(struct tree *t, struct err *e)
{
	if (t->data && treedata_finish(mem_steal(t->data), e) < 0)
		return -1;
	return treepath_finish(t->path, e);
}

void tree_close(struct tree *t)
{
	struct err ignored = { 0 };
	if (!t)
		return;
	if (t->data)
		treedata_finish(t->data, &ignored);
	treepath_free(t->path);
	free(t);
}

// The directory a path lies in, made if need be, and its name there. -1 with e filled.
static int directory_of(struct tree *t, const char *path, const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	return treepath_enter(t->path, path, slash ? (size_t)(slash - path) : 0, e);
}

// ---- the kinds of entries ----

static struct timespec mtime_of(const struct tar_entry *entry)
{
	return (struct timespec){ .tv_sec = entry->mtime, .tv_nsec = entry->mtime_ns };
}

static int count_bytes(struct tree *t, const struct tar_entry *entry, const char *path, struct err *e)
{
	if (entry->size > t->keep.options.bytes - t->bytes)
		return err_set(e, STATUS_LIMIT, "'%s': the files together are larger than the limit of %" PRId64 " bytes", path,
			t->keep.options.bytes);
	t->bytes += entry->size;
	return 0;
}

static int copy_data(int fd, const char *path, struct tar_reader *r, struct err *e)
{
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

// Bits, attributes and time of a file that is open and has its owner: in this order, since writing and chown clear the bits.
static int finish_file(struct tree *t, int fd, const struct tar_entry *entry, struct attributes *a, const char *path,
	struct err *e)
{
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
		if (stage_remove(directory, name, e) < 0)
			return -1;
		fd = openat(directory, name, flags, mode);
	}
	if (fd < 0)
		return cannot_make(path, e);
	if (count_bytes(t, entry, path, e) < 0)
		return -1;
	if (a->chown && attributes_owner_result(&t->keep, fchown(fd, (uid_t)entry->uid, (gid_t)entry->gid), a, path, e) < 0)
		return -1;
	if (!a->special && !a->xattrs && treedata_takes(entry->size, path)) {
		if (!t->data && !(t->data = treedata_start(e)))
			return -1;
		return treedata_give(t->data, io_steal(fd), entry->size, mtime_of(entry), path, r, e);
	}
	return copy_data(fd, path, r, e) < 0 ? -1 : finish_file(t, fd, entry, a, path, e);
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
		if (stage_remove(directory, name, e) < 0)
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

bool tree_leaves_root(const char *path)
{
	if (*path == '/')
		return true;
	for (const char *at = path; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
		if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || !at[2]))
			return true;
	return false;
}

static bool is_at_or_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);
	return !strncmp(path, directory, length) && (!path[length] || path[length] == '/');
}

// A second name for a regular file that is in this tree already, and for nothing else (rkt:U-17, U-04).
static int put_hard_link(struct tree *t, const char *path, const char *link, struct err *e)
{
	const char *name, *target;
	if (tree_leaves_root(link) || !strcmp(link, "."))
		return err_set(e, STATUS_MALFORMED, "'%s': a hard link out of the archive: to '%s'", path, link);
	const char *slash = strrchr(link, '/');
	target = slash ? slash + 1 : link;
	io_auto int from = treepath_look(t->path, link, slash ? (size_t)(slash - link) : 0);
	struct stat st;
	if (from < 0 || fstatat(from, target, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, STATUS_MALFORMED, "'%s': a hard link to what is no file of the archive before it: '%s'", path,
			link);
	if (is_at_or_below(link, path) || is_at_or_below(path, link)) // making room for the one would remove the other
		return err_set(e, STATUS_MALFORMED, "'%s': a hard link to itself, or to what is above or below it: '%s'", path,
			link);
	int directory = directory_of(t, path, &name, e);
	if (directory < 0)
		return -1;
	int result = linkat(from, target, directory, name, 0);
	if (result < 0 && errno == EEXIST) {
		if (stage_remove(directory, name, e) < 0)
			return -1;
		result = linkat(from, target, directory, name, 0);
	}
	return result < 0 ? cannot_make(path, e) : 0;
}

int tree_put(struct tree *t, const struct tar_entry *entry, const char *path, const char *link, struct tar_reader *r,
	struct err *e)
{
	if (interrupt_check(e) < 0)
		return -1;
	if (tree_leaves_root(path))
		return err_set(e, STATUS_MALFORMED, "'%s': an entry that leads out of the target", path);
	if (!strcmp(path, ".") && entry->type != TAR_DIRECTORY)
		return err_set(e, STATUS_MALFORMED, "'%s': the root of the archive is no directory", path);
	if (entry->type == TAR_HARD_LINK) // what its entry says of owner, mode and time was said of the file before
		return put_hard_link(t, path, link, e);
	struct attributes a = attributes_of(&t->keep, entry, path);
	if (entry->type == TAR_DIRECTORY)
		return treepath_put(t->path, entry, &a, path, e);
	const char *name;
	int directory = directory_of(t, path, &name, e);
	if (directory < 0)
		return -1;
	return entry->type == TAR_FILE ? put_file(t, directory, name, entry, &a, path, r, e)
				       : put_special(t, directory, name, entry, &a, path, e);
}
