// treelayer.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/texts.h"
#include "image/layers.h"
#include "image/stage.h"
#include "image/treelayer.h"

#define LINKS_MAX 255 // symlinks on one way; the kernel follows 40

// ---- finding the way ----

static void add_component(struct buf *out, const char *name, size_t length)
{
	if (out->length)
		buf_add_byte(out, '/');
	buf_add(out, name, length);
}

static void go_up(struct buf *out)
{
	char *slash = out->length ? memrchr(out->data, '/', out->length) : NULL;
	out->length = slash ? (size_t)(slash - out->data) : 0;
}

// The target of a symlink `name` in the directory; its length, or -1 when it is none.
static ssize_t read_link(struct treepath *t, const struct buf *directory, const char *name, char target[static PATH_MAX])
{
	io_auto int fd = treepath_look(t, buf_text(directory), directory->length);
	return fd < 0 ? -1 : readlinkat(fd, name, target, PATH_MAX);
}

// Takes one component; the target of a symlink goes before what is left.
static int step(struct treepath *t, struct buf *out, struct buf *left, size_t *links, struct err *e)
{
	char target[PATH_MAX];
	size_t n = strcspn(left->data, "/");
	mem_auto char *name = mem_text_n(left->data, n);
	mem_auto char *rest = mem_text(left->data + n + (left->data[n] == '/'));
	left->length = 0;
	if (!strncmp(name, LAYERS_WHITEOUT_PREFIX, strlen(LAYERS_WHITEOUT_PREFIX)))
		return err_set(e, STATUS_MALFORMED, "a symbolic link to a whiteout on the way: '%s'", name);
	if (!strcmp(name, "..")) {
		go_up(out);
	} else if (*name && strcmp(name, ".") != 0) {
		ssize_t length = read_link(t, out, name, target);
		if (length < 0)
			add_component(out, name, n);
		else if (++*links > LINKS_MAX)
			return err_set(e, STATUS_MALFORMED, "'%s': a chain of more than %d symbolic links", name, LINKS_MAX);
		else if (*target == '/')
			out->length = 0;
		buf_add(left, target, length < 0 ? 0 : (size_t)length);
		buf_add_byte(left, '/');
	}
	buf_add_text(left, rest);
	return 0;
}

int treelayer_resolve(struct treepath *t, const char *path, size_t length, struct buf *out, struct err *e)
{
	size_t links = 0;
	buf_auto left = { 0 };
	out->length = 0;
	io_auto int fd = treepath_look(t, path, length);
	bool straight = fd >= 0 || !length; // there, and no symlink on the way
	buf_add(straight ? out : &left, path, length);
	while (left.length)
		if (step(t, out, &left, &links, e) < 0)
			return -1;
	buf_add(out, "", 0); // ends the text where it may have become shorter
	return 0;
}

// ---- removing ----

static int list(int directory, struct texts *names, struct err *e)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (!d)
		return err_system(e, "cannot list a directory");
	for (const struct dirent *entry; (entry = readdir(d));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			texts_add(names, entry->d_name);
	closedir(d);
	return 0;
}

struct removal {
	struct treepath *path;
	treelayer_keeps *keeps;
	void *context;
};

static int clear(const struct removal *r, const char *path, struct err *e);

// One name in the directory that is entered.
static int remove_one(const struct removal *r, const char *directory, const char *name, struct err *e)
{
	struct stat st;
	mem_auto char *path = *directory ? mem_format("%s/%s", directory, name) : mem_text(name);
	int fd = treepath_enter(r->path, directory, strlen(directory), e);
	if (fd < 0)
		return -1;
	if (!r->keeps(r->context, path, strlen(path)))
		return stage_remove(fd, name, e);
	bool is_directory = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
	return is_directory ? clear(r, path, e) : 0;
}

// No descriptor is held while it goes down, since a tree may be deeper than descriptors last.
static int clear(const struct removal *r, const char *path, struct err *e)
{
	texts_auto names = { 0 };
	int fd = treepath_enter(r->path, path, strlen(path), e);
	if (fd < 0 || list(fd, &names, e) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (remove_one(r, path, names.items[i], e) < 0)
			return -1;
	return 0;
}

int treelayer_remove(struct treepath *t, const char *path, bool inside, treelayer_keeps *keeps, void *context, struct err *e)
{
	const struct removal r = { t, keeps, context };
	const char *slash = strrchr(path, '/');
	mem_auto char *directory = inside ? mem_text(path) : mem_text_n(path, slash ? (size_t)(slash - path) : 0);
	// Entering would make it.
	io_auto int there = treepath_look(t, directory, strlen(directory));
	struct stat st;
	if (there < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : err_system(e, "'%s': cannot open", directory);
	if (inside)
		return clear(&r, directory, e);
	const char *name = slash ? slash + 1 : path;
	return fstatat(there, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : remove_one(&r, directory, name, e);
}
