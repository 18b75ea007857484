// sandbox-gen - writes the seccomp filters of sandbox.c as a C header on stdout; runs at build time only.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/filter.h>
#include <unistd.h>

enum { NETWORK = 1, SPAWN = 2, WRITE = 4, FORK = 8, PROFILES = 16 };

// What every program of the kit may do: memory, threads, time, and use of descriptors; opening is Landlock's business.
static const char *const always[] = { "read", "readv", "pread64", "preadv", "preadv2", "write", "writev", "pwrite64", "pwritev",
	"pwritev2", "close", "close_range", "lseek", "fstat", "stat", "lstat", "newfstatat", "statx", "access", "faccessat",
	"faccessat2", "open", "openat", "openat2", "readlink", "readlinkat", "getdents64", "fcntl", "flock", "dup", "dup2",
	"dup3", "pipe", "pipe2", "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	"eventfd2", "ftruncate", "fallocate", "fadvise64", "readahead", "copy_file_range", "splice", "tee", "vmsplice",
	"sendfile", "fsync", "fdatasync", "sync_file_range", "fstatfs", "statfs", "getxattr", "lgetxattr", "fgetxattr",
	"listxattr", "llistxattr", "flistxattr", "memfd_create", "mmap", "mprotect", "munmap", "mremap", "madvise", "brk",
	"mlock", "mlock2", "munlock", "mincore", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait",
	"sigaltstack", "futex", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "sched_yield",
	"sched_getaffinity", "sched_setaffinity", "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid",
	"getresuid", "getresgid", "getgroups", "getpgrp", "getpgid", "getsid", "getrlimit", "prlimit64", "setrlimit", "getrusage",
	"sysinfo", "uname", "umask", "getcwd", "chdir", "fchdir", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
	"gettimeofday", "time", "times", "getrandom", "tgkill", "exit", "exit_group", "restart_syscall", "prctl", "arch_prctl",
	"getcpu", "membarrier", "ioctl", "timer_create", "timer_settime", "timer_delete", "timerfd_create", "timerfd_settime",
	"alarm", "setitimer", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "wait4",
	"waitid", "pidfd_open", "pidfd_send_signal" };
static const char *const writing[] = { "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2",
	"link", "linkat", "symlink", "symlinkat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown",
	"lchown", "fchown", "fchownat", "utimensat", "futimesat", "utimes", "setxattr", "lsetxattr", "fsetxattr", "removexattr",
	"lremovexattr", "fremovexattr", "truncate", "syncfs", "creat", "setfsuid", "setfsgid", "capget", "capset" };
static const char *const networking[] = { "socket", "connect", "bind", "getsockname", "getpeername", "getsockopt", "setsockopt",
	"sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown", "socketpair", "listen", "accept",
	"accept4" };
static const char *const forking[] = { "fork", "vfork" };
static const char *const spawning[] = { "fork", "vfork", "execve", "execveat", "kill", "setpgid", "setsid" };

static void allow(scmp_filter_ctx filter, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);
		if (number != __NR_SCMP_ERROR && number >= 0) // a call that this architecture lacks cannot be made either
			seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
}

// A thread is always allowed, a process or a namespace is not. The flags of clone3 lie in memory where a filter cannot look:
// ENOSYS makes libc fall back to clone.
static void allow_clone(scmp_filter_ctx filter, int profile)
{
	const unsigned long namespaces =
		CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
	seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (profile & (SPAWN | FORK))
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces, 0));
	else
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

static void emit(int profile)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	allow(filter, always, sizeof always / sizeof *always);
	allow_clone(filter, profile);
	if (profile & WRITE)
		allow(filter, writing, sizeof writing / sizeof *writing);
	if (profile & NETWORK)
		allow(filter, networking, sizeof networking / sizeof *networking);
	if (profile & FORK)
		allow(filter, forking, sizeof forking / sizeof *forking);
	if (profile & SPAWN)
		allow(filter, spawning, sizeof spawning / sizeof *spawning);
	FILE *bytes = tmpfile();
	if (!bytes || seccomp_export_bpf(filter, fileno(bytes)) < 0)
		exit(1);
	struct sock_filter line;
	printf("static struct sock_filter filter_%d[] = {\n", profile);
	for (rewind(bytes); fread(&line, sizeof line, 1, bytes) == 1;)
		printf("\t{ 0x%x, %u, %u, 0x%x },\n", line.code, line.jt, line.jf, line.k);
	printf("};\n");
	fclose(bytes);
	seccomp_release(filter);
}

int main(void)
{
	printf("// Made by sandbox-gen. The index is SANDBOX_NETWORK | SANDBOX_SPAWN | SANDBOX_WRITE | SANDBOX_FORK.\n"
	       "enum { SANDBOX_NETWORK = %d, SANDBOX_SPAWN = %d, SANDBOX_WRITE = %d, SANDBOX_FORK = %d };\n",
		NETWORK, SPAWN, WRITE, FORK);
	for (int profile = 0; profile < PROFILES; profile++)
		emit(profile);
	printf("static const struct sock_fprog filters[] = {\n");
	for (int profile = 0; profile < PROFILES; profile++)
		printf("\t{ sizeof filter_%d / sizeof *filter_%d, filter_%d },\n", profile, profile, profile);
	printf("};\n");
	return fflush(stdout) ? 1 : 0;
}
