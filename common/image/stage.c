// stage.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "image/stage.h"

#define RANDOM_DIGITS 16

static bool is_dots(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

// A directory to list and empty: made accessible first, since an archive may have set any mode. NULL when it is no directory.
static DIR *open_to_empty(int directory, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(directory, name, flags);
	if (fd < 0 && errno == EACCES && !fchmodat(directory, name, 0700, AT_SYMLINK_NOFOLLOW))
		fd = openat(directory, name, flags);
	struct stat st;
	if (fd >= 0 && !fstat(fd, &st) && (st.st_mode & 0700) != 0700)
		fchmod(fd, 0700);
	return fd < 0 ? NULL : fdopendir(fd);
}

// The directories being emptied, from the outermost. An archive may nest deeper than descriptors last: what lies below DEEPEST
// is moved up into the outermost one and met again there.
#define DEEPEST 64

struct removal {
	struct level {
		DIR *list;
		char *name; // below the level before
	} levels[DEEPEST];
	int depth;
	unsigned moved; // how many were moved up
	bool again;     // one of them after the outermost directory was last listed from its start
};

static int fail_remove(const char *name, struct err *e)
{
	return err_system(e, "'%s': cannot remove", name);
}

static int move_up(struct removal *r, const char *name, struct err *e)
{
	char new[32];
	snprintf(new, sizeof new, ".removing.%u", r->moved++);
	r->again = true;
	if (renameat(dirfd(r->levels[DEEPEST - 1].list), name, dirfd(r->levels[0].list), new) < 0)
		return fail_remove(name, e);
	return 0;
}

// Removes an entry, or enters it when it is a directory that is not empty.
static int remove_entry(struct removal *r, int directory, const char *name, struct err *e)
{
	if (!unlinkat(directory, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return fail_remove(name, e);
	if (!unlinkat(directory, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return fail_remove(name, e);
	DIR *list = open_to_empty(directory, name);
	if (!list)
		return fail_remove(name, e);
	if (r->depth < DEEPEST) {
		r->levels[r->depth++] = (struct level){ list, mem_text(name) };
		return 0;
	}
	closedir(list);
	return move_up(r, name, e);
}

// The innermost directory was listed to its end: removes it, or lists it again when directories were moved into it.
static int leave(struct removal *r, int directory, struct err *e)
{
	struct level *top = &r->levels[r->depth - 1];
	if (r->depth == 1 && r->again) {
		r->again = false;
		rewinddir(top->list);
		return 0;
	}
	closedir(top->list);
	r->depth--;
	int above = r->depth ? dirfd(r->levels[r->depth - 1].list) : directory;
	int result = unlinkat(above, top->name, AT_REMOVEDIR) && errno != ENOENT ? fail_remove(top->name, e) : 0;
	free(top->name);
	return result;
}

int stage_remove(int directory, const char *name, struct err *e)
{
	struct removal r = { 0 };
	int result = remove_entry(&r, directory, name, e);
	while (r.depth && result == 0) {
		DIR *list = r.levels[r.depth - 1].list;
		struct dirent *entry = readdir(list);
		if (!entry)
			result = leave(&r, directory, e);
		else if (!is_dots(entry->d_name))
			result = remove_entry(&r, dirfd(list), entry->d_name, e);
	}
	for (; r.depth; r.depth--) {
		closedir(r.levels[r.depth - 1].list);
		free(r.levels[r.depth - 1].name);
	}
	return result;
}

// ---- the sibling ----

static char *aside_prefix(const char *name)
{
	return mem_format(".%.200s.", name);
}

static bool is_aside(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);
	return !strncmp(name, prefix, n) && strlen(name) == n + RANDOM_DIGITS &&
		strspn(name + n, "0123456789abcdef") == RANDOM_DIGITS;
}

// A sibling that nobody holds locked is the leftover of a killed run. What cannot be removed is left: it is only a leftover.
static void remove_leftovers(int parent, const char *prefix)
{
	int fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	for (struct dirent *entry; list && (entry = readdir(list));) {
		if (!is_aside(entry->d_name, prefix))
			continue;
		io_auto int old = openat(parent, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		struct stat st;
		struct err ignored = { 0 };
		if (old >= 0 && !fstat(old, &st) && st.st_uid == geteuid() && !flock(old, LOCK_EX | LOCK_NB))
			stage_remove(parent, entry->d_name, &ignored);
	}
	if (list)
		closedir(list);
}

static int check_target(int parent, const char *name, struct err *e)
{
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_system(e, "'%s': cannot look", name);
	io_auto int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno != ENOTDIR && errno != ELOOP)
		return err_system(e, "'%s': cannot open", name);
	DIR *list = fd < 0 ? NULL : fdopendir(io_steal(fd));
	bool empty = list != NULL;
	for (struct dirent *entry; empty && (entry = readdir(list));)
		empty = is_dots(entry->d_name);
	if (list)
		closedir(list);
	return empty ? 0 : err_set(e, STATUS_REFUSED, "'%s': exists and is not an empty directory", name);
}

// Makes and locks the directory. A run that removes leftovers may take it in the instant before the lock: then once more.
static int make_aside(struct stage *s, const char *prefix, struct err *e)
{
	for (;;) {
		unsigned long long random = 0;
		if (getrandom(&random, sizeof random, 0) != sizeof random)
			return err_system(e, "cannot get random bytes");
		free(s->aside);
		s->aside = mem_format("%s%016llx", prefix, random);
		if (mkdirat(s->parent, s->aside, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return err_system(e, "'%s': cannot make a directory beside it", s->name);
		}
		s->fd = openat(s->parent, s->aside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		struct stat ours, named;
		if (s->fd >= 0 && !flock(s->fd, LOCK_EX) && !fstat(s->fd, &ours) &&
			!fstatat(s->parent, s->aside, &named, AT_SYMLINK_NOFOLLOW) && ours.st_ino == named.st_ino)
			return 0;
		if (s->fd < 0 && errno != ENOENT)
			return err_system(e, "'%s': cannot open the directory beside it", s->name);
		close(s->fd);
		s->fd = -1;
	}
}

// What the parent hands down (a setgid bit, a group, default ACLs) must not reach the tree.
static int make_plain(const struct stage *s, struct err *e)
{
	if (fchown(s->fd, (uid_t)-1, getegid()) < 0 || fchmod(s->fd, 0700) < 0)
		return err_system(e, "'%s': cannot set the mode of the directory beside it", s->name);
	fremovexattr(s->fd, "system.posix_acl_default");
	return 0;
}

int stage_begin(struct stage *s, int parent, const char *name, struct err *e)
{
	*s = (struct stage){ .parent = parent, .fd = -1, .name = mem_text(name) };
	mem_auto char *prefix = aside_prefix(name);
	if (check_target(parent, name, e) < 0)
		goto failed;
	remove_leftovers(parent, prefix);
	if (make_aside(s, prefix, e) == 0 && make_plain(s, e) == 0)
		return 0;
failed:
	stage_discard(s);
	return -1;
}

int stage_commit(struct stage *s, struct err *e)
{
	int result = 0;
	if (renameat(s->parent, s->aside, s->parent, s->name) < 0) {
		bool taken = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR;
		result = err_system(e, "'%s': cannot rename the filled directory to it", s->name);
		if (taken)
			e->status = STATUS_REFUSED;
	} else {
		free(s->aside);
		s->aside = NULL;
	}
	stage_discard(s);
	return result;
}

void stage_discard(struct stage *s)
{
	struct err ignored = { 0 };
	if (s->aside && s->fd >= 0)
		stage_remove(s->parent, s->aside, &ignored);
	if (s->fd >= 0)
		close(s->fd);
	free(s->name);
	free(s->aside);
	*s = (struct stage){ .fd = -1 };
}
