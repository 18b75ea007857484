// packtree.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"
#include "image/packtree.h"

static struct {
	const char *owner, *mtime;
	struct treewalk_options walk;
} user = { .walk = { .uid = -1, .gid = -1 } };

const struct cmd_option packtree_options[] = {
	CMD_TEXT(0, "owner", "UID:GID", &user.owner, "the owner of every entry, in numbers; without it each file's"),
	CMD_TEXT(0, "mtime", "TIME", &user.mtime, "the modification time of every entry, by RFC 3339"),
	CMD_FLAG(0, "one-file-system", &user.walk.one_file_system, "leave out what is mounted below the directory"),
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
	struct err e = { 0 };
	char *end;
	bool good = !user.owner ||
		(parse_id(user.owner, &end, &user.walk.uid) && *end == ':' && parse_id(end + 1, &end, &user.walk.gid) && !*end);
	if (!good)
		cmd_usage("option --owner: not two numbers such as 0:0: '%s'", user.owner);
	// Nothing in the archive is younger (reproducible-builds.org, "SOURCE_DATE_EPOCH").
	int limited = date_source_epoch(&user.walk.latest, &e);
	if (limited < 0)
		cmd_usage("%s", e.text);
	if (!limited)
		user.walk.latest = INT64_MAX;
	user.walk.same_time = user.mtime != NULL;
	if (user.mtime && !date_parse(user.mtime, &user.walk.time))
		cmd_usage("option --mtime: not a time such as 2026-01-31T00:00:00Z: '%s'", user.mtime);
}

const struct treewalk_options *packtree_asked(void)
{
	return &user.walk;
}

int64_t packtree_time(void)
{
	return user.walk.same_time ? user.walk.time : user.walk.latest == INT64_MAX ? 0 : user.walk.latest;
}

// ---- the data of a file ----

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
static int copy_data(const struct packtree *p, const char *path, int fd, const struct stat *st, struct err *e)
{
	int64_t hole_until = 0;
	for (int64_t at = 0; at < st->st_size;) {
		size_t room;
		void *to = p->room(p->out->context, &room);
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
			return treewalk_call_failed(path, "read", e);
		if (n == 0)
			return treewalk_changed(path, e);
		if (tarwrite_data(p->out, to, (size_t)n, e) < 0)
			return -1;
		at += n;
		progress_add(p->progress, n);
	}
	return 0;
}

int packtree_visit(void *packtree, const struct tar_entry *entry, int fd, const struct stat *st, struct err *e)
{
	const struct packtree *p = packtree;
	if (tarwrite_entry(p->out, entry, e) < 0)
		return -1;
	return entry->type == TAR_FILE ? copy_data(p, entry->path, fd, st, e) : 0;
}

int packtree_write(const struct packtree *p, int directory, const char *name, struct err *e)
{
	const struct treewalk how = { .options = &user.walk,
		.prefix = p->prefix,
		.visit = packtree_visit,
		.context = (void *)(uintptr_t)p };
	return treewalk(&how, directory, name, e);
}
