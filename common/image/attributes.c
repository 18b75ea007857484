// attributes.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "image/attributes.h"

static void lose(struct tree_lost *lost, const char *path)
{
	if (!lost->count++)
		snprintf(lost->first, sizeof lost->first, "%s", path);
}

const struct keeper attributes_all = { .options = { .capabilities = true, .owners = true } };

bool attributes_keep_xattr(const struct keeper *k, const char *name)
{
	if (!strcmp(name, "security.capability"))
		return k->options.capabilities && k->options.owners;
	return !strncmp(name, "user.", 5) && strncmp(name, "user.overlay.", 13) != 0; // rkt:U-06
}

// An owner that could not be kept takes the setuid bits along: they would lend the caller's identity instead.
static void drop_special(struct keeper *k, struct attributes *a, const char *path)
{
	if (a->special)
		lose(&k->lost.setuid, path);
	a->special = false;
	a->mode &= ~(uint32_t)ATTRIBUTES_SPECIAL;
}

struct attributes attributes_of(struct keeper *k, const struct tar_entry *entry, const char *path)
{
	struct attributes a = { .mode = entry->mode };
	bool mine = entry->uid == k->uid && entry->gid == k->gid, lost = !mine && !k->options.owners;
	a.chown = k->options.owners && !mine;
	a.special = entry->mode & ATTRIBUTES_SPECIAL && entry->type != TAR_SYMLINK;
	if (lost)
		lose(&k->lost.owners, path);
	if (lost || (!k->options.setuid && entry->type != TAR_DIRECTORY)) // on a directory they lend nobody's rights
		drop_special(k, &a, path);
	for (size_t i = 0; i < entry->xattr_count; i++) {
		bool kept = attributes_keep_xattr(k, entry->xattrs[i].name) &&
			(entry->type == TAR_FILE || entry->type == TAR_DIRECTORY);
		a.xattrs |= kept;
		if (!kept)
			lose(&k->lost.xattrs, path);
	}
	return a;
}

int attributes_owner_result(struct keeper *k, int result, struct attributes *a, const char *path, struct err *e)
{
	if (result == 0)
		return 0;
	if (errno != EINVAL && errno != EPERM)
		return err_system(e, "'%s': cannot set its owner", path);
	lose(&k->lost.owners, path);
	drop_special(k, a, path);
	return 0;
}

int attributes_set_xattrs(struct keeper *k, int fd, const struct tar_xattr *xattrs, size_t count, const char *path, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		const struct tar_xattr *x = &xattrs[i];
		if (!attributes_keep_xattr(k, x->name) || !fsetxattr(fd, x->name, x->value, x->length, 0))
			continue;
		if (errno != ENOTSUP && errno != EPERM)
			return err_system(e, "'%s': cannot set its attribute '%s'", path, x->name);
		lose(&k->lost.xattrs, path);
	}
	return 0;
}

int attributes_clear_xattrs(struct keeper *k, int fd, const char *path, struct err *e)
{
	char names[XATTR_LIST_MAX];
	ssize_t n = flistxattr(fd, names, sizeof names);
	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1)
		if (attributes_keep_xattr(k, name) && fremovexattr(fd, name) < 0 && errno != ENODATA)
			return err_system(e, "'%s': cannot remove its attribute '%s'", path, name);
	return 0;
}

int attributes_set_times(int directory, const char *name, struct timespec mtime, const char *path, struct err *e)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, mtime };
	if ((name ? utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) : futimens(directory, times)) < 0)
		return err_system(e, "'%s': cannot set its time", path);
	return 0;
}
