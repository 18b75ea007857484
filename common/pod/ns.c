// ns.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"
#include "pod/ns.h"

#define RANGE_FILE_MAX ((size_t)4 << 20) // of /etc/subuid, in bytes

int ns_open_at(int directory, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve };
	return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int ns_open_in_root(int root, const char *path, int flags)
{
	return ns_open_at(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

pid_t ns_fork(uint64_t namespaces, int *pidfd)
{
	struct clone_args args = { .flags = namespaces | (pidfd ? CLONE_PIDFD : 0),
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD };
	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

// ---- users ----

struct range {
	unsigned long start, count; // count 0: there is none
};

// The first range of `NAME:START:COUNT` lines whose name is the user's or the number of the user.
static struct range find_range(const char *text, const char *name, uid_t uid)
{
	char number[16];
	snprintf(number, sizeof number, "%u", (unsigned)uid);
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t n = strcspn(line, ":\n");
		bool ours = line[n] == ':' &&
			((strlen(name) == n && !memcmp(line, name, n)) || (strlen(number) == n && !memcmp(line, number, n)));
		char *rest = NULL;
		struct range r = { .start = ours ? strtoul(line + n + 1, &rest, 10) : 0 };
		if (rest && *rest == ':')
			r.count = strtoul(rest + 1, NULL, 10);
		if (r.count)
			return r;
	}
	return (struct range){ 0 };
}

// By /etc/passwd alone: the name service of libc cannot be had in a static program. Others are found by their number.
static const char *caller_name(void)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;
	while (file && (entry = fgetpwent(file)) && entry->pw_uid != getuid())
		;
	if (file)
		fclose(file);
	return entry ? entry->pw_name : "";
}

static struct range range_of_caller(const char *file)
{
	buf_auto text = { 0 };
	struct err ignored = { 0 };
	if (io_read_file(file, RANGE_FILE_MAX, &text, &ignored) < 0)
		return (struct range){ 0 };
	return find_range(buf_text(&text), caller_name(), getuid());
}

// Runs newuidmap or newgidmap. Returns whether the map is set.
static bool map_range(const char *program, pid_t pid, unsigned own, struct range r)
{
	char numbers[4][16];
	snprintf(numbers[0], sizeof numbers[0], "%d", (int)pid);
	snprintf(numbers[1], sizeof numbers[1], "%u", own);
	snprintf(numbers[2], sizeof numbers[2], "%lu", r.start);
	snprintf(numbers[3], sizeof numbers[3], "%lu", r.count);
	const char *argv[] = { program, numbers[0], "0", numbers[1], "1", "1", numbers[2], numbers[3], NULL };
	struct proc p = { .argv = argv, .in = -1, .out = -1, .err = -1 };
	struct err ignored = { 0 };
	pid_t child = proc_start(&p, &ignored);
	return child > 0 && proc_wait(child, &ignored) == 0;
}

static int write_proc(pid_t pid, const char *name, const char *text, struct err *e)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	io_auto int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || io_write_all(fd, text, strlen(text)) < 0)
		return err_system(e, "'%s': cannot write", path);
	return 0;
}

bool ns_denies_groups(void)
{
	char text[8] = "";
	io_auto int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && io_read_full(fd, text, sizeof text - 1) > 0 && !strncmp(text, "deny", 4);
}

static int map_self_only(pid_t pid, struct err *e)
{
	char users[32], groups[32];
	snprintf(users, sizeof users, "0 %u 1", (unsigned)getuid());
	snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getgid());
	if (write_proc(pid, "setgroups", "deny", e) < 0 || write_proc(pid, "uid_map", users, e) < 0)
		return -1;
	return write_proc(pid, "gid_map", groups, e);
}

// What stands in the way of a whole map, or NULL after the map was set.
static char *map_whole(pid_t pid)
{
	static const char *const files[] = { "/etc/subuid", "/etc/subgid" };
	struct range ranges[2];
	for (int i = 0; i < 2; i++) {
		ranges[i] = range_of_caller(files[i]);
		if (!ranges[i].count)
			return mem_format("%s has no range for user '%s' (%u)", files[i], caller_name(), (unsigned)getuid());
	}
	// The groups first: a map of users alone could not be taken back.
	if (!map_range("newgidmap", pid, getgid(), ranges[1]))
		return mem_text("newgidmap is missing or refused the range in /etc/subgid");
	if (!map_range("newuidmap", pid, getuid(), ranges[0]))
		return mem_text("newuidmap is missing or refused the range in /etc/subuid");
	return NULL;
}

int ns_map_users(pid_t pid, bool *whole, char **why, struct err *e)
{
	*why = map_whole(pid);
	*whole = !*why;
	return *whole ? 0 : map_self_only(pid, e);
}

// The process that stays outside and writes the maps of its parent, once the parent says that it is in.
static _Noreturn void map_parent(int ready, int answer)
{
	struct err e = { 0 };
	bool whole = false;
	char *why = NULL;
	char byte;
	if (io_read_full(ready, &byte, 1) != 1)
		_exit(STATUS_SYSTEM);
	int failed = ns_map_users(getppid(), &whole, &why, &e);
	const char *text = failed ? e.text : whole ? "" : why;
	_exit(io_write_all(answer, text, strlen(text)) < 0 || failed ? STATUS_SYSTEM : STATUS_OK);
}

int ns_enter_users(bool *whole, char **why, struct err *e)
{
	int ready[2], answer[2];
	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(answer, O_CLOEXEC) < 0)
		return err_system(e, "cannot make a pipe");
	pid_t helper = fork();
	if (helper == 0) {
		close(ready[1]);
		map_parent(ready[0], answer[1]);
	}
	close(ready[0]);
	close(answer[1]);
	int failed = helper < 0 ? err_system(e, "cannot fork") : 0;
	if (!failed && unshare(CLONE_NEWUSER) < 0)
		failed = err_system(e, "cannot make a user namespace");
	if (!failed && io_write_all(ready[1], "", 1) < 0)
		failed = err_system(e, "cannot map the users");
	close(ready[1]);
	buf_auto text = { 0 };
	if (!failed)
		failed = io_read_stream(answer[0], ERR_TEXT_MAX, "the user map", &text, e);
	close(answer[0]);
	int status = helper < 0 ? 0 : proc_wait(helper, failed ? &(struct err){ 0 } : e);
	if (!failed && status != 0)
		failed = err_set(e, STATUS_SYSTEM, "%s", text.length ? buf_text(&text) : "cannot map the users");
	*whole = !text.length;
	*why = failed || *whole ? NULL : buf_steal(&text);
	return failed;
}
