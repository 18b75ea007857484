// Unit tests of what fills a directory: the stage around it, the tree in it, and the filter of paths.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// A case names only the fields it is about.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#include "base/io.h"
#include "base/mem.h"
#include "image/stage.h"
#include "image/tree.h"
#include "image/whitelist.h"

// A directory of the test's own, open; removed by its end.
struct place {
	char name[32];
	int fd;
};

static struct place make_place(void)
{
	struct place p = { .name = "/tmp/tackle-unit.XXXXXX" };
	assert_non_null(mkdtemp(p.name));
	p.fd = open(p.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p.fd >= 0);
	return p;
}

static void leave_place(struct place *p)
{
	struct err e = { 0 };
	assert_int_equal(stage_remove(AT_FDCWD, p->name, &e), 0);
	close(p->fd);
}

static void whitelists(void **unused)
{
	(void)unused;
	static const struct {
		const char *json, *path;
		bool directory, allowed;
	} cases[] = {
		{ "{}", "a", false, true }, { "{\"pathWhitelist\":[]}", "a", false, true },
		{ "{\"pathWhitelist\":[\"/a/b\"]}", "a/b", false, true }, { "{\"pathWhitelist\":[\"/a/b\"]}", "a", true, true },
		{ "{\"pathWhitelist\":[\"/a/b\"]}", "a", false, false },
		{ "{\"pathWhitelist\":[\"/a/b\"]}", "a/bc", false, false },
		{ "{\"pathWhitelist\":[\"/a/b\"]}", "a/b/c", false, false },
		{ "{\"pathWhitelist\":[\"/a/b\"]}", ".", true, true },
		{ "{\"pathWhitelist\":[\"/a//b/./\"]}", "a/b", true, true },
		{ "{\"pathWhitelist\":[\"/a/\"]}", "a/b", false, false },
		{ "{\"pathWhitelist\":[\"/a-b\",\"/a/x\",\"/a.b\"]}", "a", true, true }, // `-` and `.` sort before `/`
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		struct whitelist w = { 0 };
		json_t *manifest = json_loads(cases[i].json, 0, NULL);
		assert_int_equal(whitelist_read(&w, manifest, &e), 0);
		if (whitelist_allows(&w, cases[i].path, cases[i].directory) != cases[i].allowed)
			fail_msg("case %zu", i);
		whitelist_free(&w);
		json_decref(manifest);
	}
	struct err e = { 0 };
	struct whitelist w = { 0 };
	json_t *climbing = json_loads("{\"pathWhitelist\":[\"/ok\",\"/../etc\"]}", 0, NULL);
	assert_int_equal(whitelist_read(&w, climbing, &e), -1);
	assert_int_equal(e.status, STATUS_MALFORMED);
	whitelist_free(&w);
	json_decref(climbing);
}

static void stages(void **unused)
{
	(void)unused;
	struct place p = make_place();
	struct stage s, other;
	struct err e = { 0 };
	assert_int_equal(stage_begin(&s, p.fd, "x", &e), 0);
	assert_int_equal(mkdirat(s.fd, "in", 0755), 0);
	assert_int_not_equal(faccessat(p.fd, "x", F_OK, 0), 0);
	assert_int_equal(stage_begin(&other, p.fd, "x", &e), 0); // leaves the locked one alone
	assert_int_equal(faccessat(s.fd, "in", F_OK, 0), 0);
	assert_int_equal(stage_commit(&s, &e), 0);
	assert_int_equal(faccessat(p.fd, "x/in", F_OK, 0), 0);
	assert_int_equal(stage_commit(&other, &e), -1); // the other was first
	assert_int_equal(e.status, STATUS_REFUSED);
	assert_int_equal(stage_begin(&s, p.fd, "x", &e), -1);
	assert_int_equal(mkdirat(p.fd, ".x.0123456789abcdef", 0700), 0); // of a killed run
	assert_int_equal(mkdirat(p.fd, ".x.notours", 0700), 0);
	assert_int_equal(stage_remove(p.fd, "x", &e), 0);
	assert_int_equal(stage_begin(&s, p.fd, "x", &e), 0);
	assert_int_not_equal(faccessat(p.fd, ".x.0123456789abcdef", F_OK, 0), 0);
	assert_int_equal(faccessat(p.fd, ".x.notours", F_OK, 0), 0);
	stage_discard(&s);
	stage_discard(&s);
	leave_place(&p);
}

// Deeper than descriptors last, with modes that keep their owner out; a symlink inside is not followed.
static void removes_deep_trees(void **unused)
{
	(void)unused;
	struct place p = make_place();
	struct err e = { 0 };
	int fd = dup(p.fd);
	for (int i = 0; i < 3000; i++) {
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		int below = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_int_equal(symlinkat(p.name, below, "link"), 0);
		if (i % 500 == 0)
			fchmod(fd, 0);
		close(fd);
		fd = below;
	}
	close(fd);
	io_auto int outside = openat(p.fd, "keep", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(stage_remove(p.fd, "d", &e), 0);
	assert_int_equal(faccessat(p.fd, "keep", F_OK, 0), 0);
	assert_int_equal(stage_remove(p.fd, "d", &e), 0); // nothing there
	fchmod(p.fd, 0700);
	leave_place(&p);
}

static void trees(void **unused)
{
	(void)unused;
	static const struct {
		struct tar_entry entry;
		enum status status;
	} cases[] = {
		{ { TAR_DIRECTORY, .path = "d", .mode = 0500, .mtime = 5 }, STATUS_OK },
		{ { TAR_FIFO, .path = "d/fifo", .mode = 0600 }, STATUS_OK },
		{ { TAR_SYMLINK, .path = "link", .link = "/" }, STATUS_OK },
		{ { TAR_DIRECTORY, .path = "link/below", .mode = 0755, .mtime = 6 }, STATUS_OK }, // link becomes a directory
		{ { TAR_SYMLINK, .path = "../out", .link = "x" }, STATUS_MALFORMED },
		{ { TAR_SYMLINK, .path = "/tmp/out", .link = "x" }, STATUS_MALFORMED },
		{ { TAR_SYMLINK, .path = ".", .link = "x" }, STATUS_MALFORMED },
		{ { TAR_HARD_LINK, .path = "hard", .link = "d/fifo" }, STATUS_MALFORMED },
		{ { TAR_HARD_LINK, .path = "hard", .link = "none" }, STATUS_MALFORMED },
		{ { TAR_CHAR_DEVICE, .path = "null", .major = 1, .minor = 3 }, STATUS_REFUSED },
	};
	struct place p = make_place();
	const struct tree_options options = { .bytes = 1000 };
	struct tree *t = tree_open(p.fd, &options);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		struct tar_entry entry = cases[i].entry;
		entry.uid = geteuid();
		entry.gid = getegid();
		tree_put(t, &entry, entry.path, entry.link ? entry.link : "", NULL, &e);
		if (e.status != cases[i].status)
			fail_msg("case %zu: %s", i, e.text);
	}
	struct err e = { 0 };
	assert_int_equal(tree_finish(t, &e), 0);
	tree_close(t);
	struct stat st;
	assert_int_equal(fstatat(p.fd, "d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0500);
	assert_int_equal(st.st_mtime, 5);
	assert_int_equal(fstatat(p.fd, "link/below", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mtime, 6);
	leave_place(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whitelists),
		cmocka_unit_test(stages),
		cmocka_unit_test(removes_deep_trees),
		cmocka_unit_test(trees),
	};
	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
