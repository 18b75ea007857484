// sandbox.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "sandbox_filters.h"

#ifdef __SANITIZE_ADDRESS__
static const bool enforced = false;
#else
static const bool enforced = true;
#endif

// The bits of the newest Landlock ABI used here; Debian 12's kernel header knows fewer.
enum {
	ACCESS_EXECUTE = 1 << 0,
	ACCESS_WRITE_FILE = 1 << 1,
	ACCESS_READ_FILE = 1 << 2,
	ACCESS_READ_DIRECTORY = 1 << 3,
	ACCESS_REFER = 1 << 13,
	ACCESS_TRUNCATE = 1 << 14,
	ACCESS_IOCTL_DEVICE = 1 << 15,
	ACCESS_ABI_1 = (1 << 13) - 1,
	ACCESS_ON_FILES = ACCESS_EXECUTE | ACCESS_WRITE_FILE | ACCESS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEVICE,
	SCOPE_ABSTRACT_SOCKET = 1 << 0,
	SCOPE_SIGNAL = 1 << 1,
};

struct ruleset { // struct landlock_ruleset_attr of ABI 6
	uint64_t files, network, scopes;
};

static uint64_t accesses_of(int abi)
{
	return ACCESS_ABI_1 | (abi >= 2 ? ACCESS_REFER : 0) | (abi >= 3 ? ACCESS_TRUNCATE : 0) |
		(abi >= 5 ? ACCESS_IOCTL_DEVICE : 0);
}

static int allow_below(int ruleset, const char *path, uint64_t access, struct err *e)
{
	io_auto int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno != EMFILE && errno != ENFILE)
		return 0; // what does not exist needs no permission
	struct stat st;
	if (fd >= 0 && !fstat(fd, &st) && !S_ISDIR(st.st_mode))
		access &= ACCESS_ON_FILES;
	struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = fd };
	// A pipe behind /dev/fd is on no file system that Landlock guards: EBADFD says that it needs no permission.
	if (fd < 0 || (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0 && errno != EBADFD))
		return err_system(e, "'%s': cannot allow it in the sandbox", path);
	return 0;
}

static int enter_landlock(const struct sandbox *s, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return 0;
	struct ruleset attributes = { .files = accesses_of((int)abi) };
	size_t size = abi >= 6 ? sizeof attributes : abi >= 4 ? offsetof(struct ruleset, scopes) : sizeof attributes.files;
	attributes.scopes = abi >= 6 ? SCOPE_ABSTRACT_SOCKET | (s->spawn ? 0 : SCOPE_SIGNAL) : 0;
	io_auto int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
	if (ruleset < 0)
		return err_system(e, "cannot make a Landlock ruleset");
	const uint64_t reading = ACCESS_READ_FILE | ACCESS_READ_DIRECTORY;
	for (size_t i = 0; i < s->reads.count; i++)
		if (allow_below(ruleset, s->reads.items[i], reading, e) < 0)
			return -1;
	for (size_t i = 0; i < s->executes.count; i++)
		if (allow_below(ruleset, s->executes.items[i], reading | ACCESS_EXECUTE, e) < 0)
			return -1;
	if (s->spawn &&
		allow_below(ruleset, "/dev/null", ACCESS_READ_FILE | ACCESS_WRITE_FILE, e) < 0) // what proc.h gives for -1
		return -1;
	for (size_t i = 0; i < s->writes.count; i++)
		if (allow_below(ruleset, s->writes.items[i], attributes.files & ~(uint64_t)ACCESS_EXECUTE, e) < 0)
			return -1;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_system(e, "cannot enter the Landlock sandbox");
	return 0;
}

static int enter_seccomp(const struct sandbox *s, struct err *e)
{
	int profile = (s->network ? SANDBOX_NETWORK : 0) | (s->spawn ? SANDBOX_SPAWN : 0) |
		(s->writes.count ? SANDBOX_WRITE : 0) | (s->fork ? SANDBOX_FORK : 0);
	struct sock_fprog filter = filters[profile];
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0 && errno != ENOSYS && errno != EINVAL)
		return err_system(e, "cannot enter the seccomp sandbox");
	return 0;
}

int sandbox_enter(struct sandbox *s, struct err *e)
{
	static const char *const for_network[] = { "/etc", "/usr/lib/ssl", "/usr/share", "/usr/local/share",
		"/run/systemd/resolve", "/usr/lib", "/lib", "/lib64", "/dev/urandom", "/proc/sys/net" };
	static const char *const for_spawn[] = { "/etc", "/proc/self" };
	static const char *const programs[] = { "/usr", "/lib", "/lib64", "/bin", "/sbin" }; // and what loads them
	int failed = 0;
	if (enforced) {
		for (size_t i = 0; s->network && i < ARRAY_LENGTH(for_network); i++)
			texts_add(&s->reads, for_network[i]);
		for (size_t i = 0; s->spawn && i < ARRAY_LENGTH(for_spawn); i++)
			texts_add(&s->reads, for_spawn[i]);
		for (size_t i = 0; s->spawn && i < ARRAY_LENGTH(programs); i++)
			texts_add(&s->executes, programs[i]);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			failed = err_system(e, "cannot give up new privileges");
		failed = failed || enter_landlock(s, e) < 0 || enter_seccomp(s, e) < 0;
	}
	texts_free(&s->reads);
	texts_free(&s->writes);
	texts_free(&s->executes);
	return failed ? -1 : 0;
}

// What the parent is connected to is none of the child's business.
static void close_sockets(void)
{
	struct stat st;
	for (int fd = 3; fd < 1024; fd++)
		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			close(fd);
}

// The child sends its bytes through one pipe and, if it failed, its struct err through another.
static _Noreturn void work_confined(int (*work)(void *, int, struct err *), void *context, int out, int report)
{
	struct sandbox nothing = { 0 };
	struct err e = { 0 };
	close_sockets();
	if (sandbox_enter(&nothing, &e) < 0 || work(context, out, &e) < 0) {
		e.upstream = NULL;
		_exit(io_write_all(report, &e, sizeof e) < 0 ? STATUS_SYSTEM : STATUS_REFUSED);
	}
	_exit(STATUS_OK);
}

int sandbox_child_start(struct sandbox_child *c, int (*work)(void *context, int out_fd, struct err *e), void *context,
	struct err *e)
{
	int out[2], report[2];
	*c = (struct sandbox_child){ .pid = -1, .out = -1, .report = -1 };
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_system(e, "cannot make a pipe");
	if (pipe2(report, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return err_system(e, "cannot make a pipe");
	}
	c->pid = fork();
	if (c->pid == 0)
		work_confined(work, context, out[1], report[1]);
	close(out[1]);
	close(report[1]);
	c->out = out[0];
	c->report = report[0];
	return c->pid < 0 ? err_system(e, "cannot fork") : 0;
}

int sandbox_child_finish(struct sandbox_child *c, size_t limit, struct buf *output, struct err *e)
{
	int failed = c->pid < 0 ? -1 : io_read_stream(c->out, limit, "a confined child", output, e);
	if (c->out >= 0)
		close(c->out); // a child that writes on gets SIGPIPE
	struct err told = { 0 };
	ssize_t n = c->pid < 0 ? 0 : io_read_full(c->report, &told, sizeof told);
	if (c->report >= 0)
		close(c->report);
	int status = 0;
	while (c->pid > 0 && waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	*c = (struct sandbox_child){ .pid = -1, .out = -1, .report = -1 };
	if (failed)
		return -1;
	if (n == sizeof told) {
		told.upstream = NULL;
		*e = told;
		return -1;
	}
	if (status != 0)
		return err_set(e, STATUS_MALFORMED, "the confined child that reads the input died");
	return 0;
}

int sandbox_child(int (*work)(void *context, int out_fd, struct err *e), void *context, size_t limit, struct buf *output,
	struct err *e)
{
	struct sandbox_child c;
	int started = sandbox_child_start(&c, work, context, e);
	return sandbox_child_finish(&c, limit, output, e) < 0 || started < 0 ? -1 : 0;
}
