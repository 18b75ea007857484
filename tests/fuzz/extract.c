// Archives made into files: whatever their bytes, nothing outside the target changes, and the target can be removed again. The first
// byte says how small the pieces are and which options are on.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "base/io.h"
#include "base/mem.h"
#include "image/stage.h"
#include "image/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static const char *const watched[] = { ".", "outside", "outside/marker", "outside/link", "outside/fifo", "outside/directory" };
static const char secret[] = "secret";

static struct stat before[ARRAY_LENGTH(watched)];
static int base = -1;

static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "extract: %s\n", what);
	abort();
}

// The directory with what nothing may touch, on a file system in memory where there is one.
static void prepare(void)
{
	const char *tmp = getenv("TMPDIR");
	static char path[4096];
	snprintf(path, sizeof path, "%s/tackle-extract.XXXXXX", tmp ? tmp : "/tmp");
	need(mkdtemp(path) != NULL, "no directory to work in");
	base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(base >= 0 && mkdirat(base, "outside", 0755) == 0 && mkdirat(base, "outside/directory", 0755) == 0, "cannot prepare");
	io_auto int marker = openat(base, "outside/marker", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	need(write(marker, secret, sizeof secret) == sizeof secret, "cannot prepare");
	need(symlinkat("marker", base, "outside/link") == 0 && mkfifoat(base, "outside/fifo", 0600) == 0, "cannot prepare");
	need(fchdir(base) == 0, "cannot prepare"); // so that a relative name that is used leads to what is watched
}

static void look(struct stat state[])
{
	for (size_t i = 0; i < ARRAY_LENGTH(watched); i++)
		need(fstatat(base, watched[i], &state[i], AT_SYMLINK_NOFOLLOW) == 0, watched[i]);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_nlink == b->st_nlink && a->st_uid == b->st_uid &&
		a->st_gid == b->st_gid && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void extract(int target, struct archive *source, uint8_t choice)
{
	static const struct tar_limits limits = { .entries = 1000, .name = 4096, .depth = 100, .pax = 65536 };
	const struct tree_options options = { .setuid = choice & 1,
		.devices = choice & 2,
		.capabilities = choice & 4,
		.owners = (choice & 8) && geteuid() == 0,
		.bytes = 1 << 20 };
	struct tar_reader *r = tar_open_pieces(archive_lend, source, &limits);
	struct tree *t = tree_open(target, &options);
	struct tar_entry entry;
	struct err e = { 0 };
	int got;
	while ((got = tar_next(r, &entry, &e)) > 0 && tree_put(t, &entry, entry.path, entry.link, r, &e) == 0)
		;
	if (got == 0)
		tree_finish(t, &e);
	need(got == 0 || e.status != STATUS_OK, "a failure without a reason");
	tree_close(t);
	tar_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct stat after[ARRAY_LENGTH(watched)], was, is;
	struct err e = { 0 };
	char text[sizeof secret] = "";
	if (length < 2)
		return 0;
	if (base < 0)
		prepare();
	need(mkdirat(base, "target", 0700) == 0, "cannot make the target");
	look(before);
	io_auto int target = openat(base, "target", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(target >= 0 && fstat(target, &was) == 0, "cannot open the target");
	char *bytes = mem_alloc(length);
	memcpy(bytes, data + 1, length - 1);
	archive_mend(bytes, length - 1);
	extract(target, &(struct archive){ bytes, length - 1, (size_t)(data[0] >> 4) * 128 + 1 }, data[0]);
	free(bytes);
	look(after);
	for (size_t i = 0; i < ARRAY_LENGTH(watched); i++)
		need(same(&before[i], &after[i]), watched[i]);
	io_auto int marker = openat(base, "outside/marker", O_RDONLY | O_CLOEXEC);
	need(read(marker, text, sizeof text) == sizeof text && !strcmp(text, secret), "the marker's content");
	need(fstatat(base, "target", &is, AT_SYMLINK_NOFOLLOW) == 0 && is.st_ino == was.st_ino && S_ISDIR(is.st_mode),
		"the target");
	need(stage_remove(base, "target", &e) == 0, "the target cannot be removed");
	return 0;
}
