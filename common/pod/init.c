// init.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "pod/app.h"
#include "pod/init.h"
#include "pod/ns.h"
#include "pod/rootfs.h"

#define BECOME_STACK ((size_t)128 * 1024) // no path of become() needs a tenth of it
#define REPORT_FD    3                    // where a keeper has the report pipe; nothing else is open behind 2

static_assert(sizeof(struct init_report) <= PIPE_BUF, "a report is written at once");

static void tell(int pipe, enum init_event event, int app, int value, const char *text)
{
	struct init_report r = { .event = event, .app = app, .value = value };
	if (text)
		memcpy(r.text, text, strnlen(text, sizeof r.text - 1));
	if (io_write_all(pipe, &r, sizeof r) < 0) // nobody listens: pod-exec is gone, and we shall be in a moment
		return;
}

static int status_of(int wait_status)
{
	return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : STATUS_SIGNAL + WTERMSIG(wait_status);
}

// ---- one app ----

struct keeper {
	const struct init *in;
	const struct plan_app *app;
	int index;
	struct app_identity identity;
	bool terminated; // SIGTERM came
};

// Waits for one child while it reaps all others and hands SIGTERM on. Returns the child's status.
static int wait_for(struct keeper *k, pid_t child)
{
	sigset_t awaited;
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	sigaddset(&awaited, SIGTERM);
	for (;;) {
		int wait_status;
		pid_t pid = waitpid(-1, &wait_status, WNOHANG);
		if (pid == child)
			return status_of(wait_status);
		if (pid > 0)
			continue;
		if (sigwaitinfo(&awaited, NULL) == SIGTERM) {
			k->terminated = true;
			kill(child, SIGTERM);
		}
	}
}

struct start {
	struct keeper *k;
	const struct texts *argv;
};

static int become(void *data)
{
	const struct start *start = data;
	const struct keeper *k = start->k;
	struct err e = { 0 };
	if (k->in->plan->app_count > 1) // the number goes into the prefix of its lines
		tell(REPORT_FD, INIT_STARTED, k->index, getpid(), NULL);
	app_become(k->app, &k->identity, start->argv, k->in->mask, &e);
	tell(REPORT_FD, INIT_FAILED, k->index, (int)e.status, e.text);
	return (int)e.status; // which clone(3) makes its end
}

// Runs a handler or the app itself. Returns its status. The child has no memory of its own until it becomes the program: a copy
// would take longer than all it does.
static int run(struct keeper *k, const struct texts *argv)
{
	static _Alignas(16) char stack[BECOME_STACK];
	struct start start = { k, argv };
	pid_t child = clone(become, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
	if (child > 0)
		return wait_for(k, child);
	struct err e = { 0 };
	err_system(&e, "cannot fork");
	tell(REPORT_FD, INIT_FAILED, k->index, (int)e.status, e.text);
	return (int)e.status;
}

// The app between its handlers (rkt:I-016). Returns the app's status.
static int run_all(struct keeper *k)
{
	int status = k->app->pre_start.count ? run(k, &k->app->pre_start) : 0;
	if (status) {
		tell(REPORT_FD, INIT_FAILED, k->index, status, "its pre-start handler failed");
		return status;
	}
	if (k->terminated)
		return STATUS_SIGNAL + SIGTERM;
	status = run(k, &k->app->exec);
	int after = k->app->post_stop.count ? run(k, &k->app->post_stop) : 0;
	if (after)
		tell(REPORT_FD, INIT_FAILED, k->index, after, "its post-stop handler failed");
	return status;
}

// Leaves open: /dev/null, the app's outputs and the report pipe. What pointed out of the app's root is gone (rkt:X-02).
static int tidy_descriptors(const struct init *in, int index, struct err *e)
{
	int from[] = { open("/dev/null", O_RDWR | O_CLOEXEC), in->outputs[index][0], in->outputs[index][1], in->report };
	for (size_t i = 0; i < ARRAY_LENGTH(from); i++) // first out of each other's way
		if (from[i] < 0 || (from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, REPORT_FD + 1)) < 0)
			return err_system(e, "cannot arrange the descriptors");
	for (int i = 0; i < REPORT_FD; i++)
		if (dup2(from[i], i) < 0)
			return err_system(e, "cannot arrange the descriptors");
	if (dup3(from[REPORT_FD], REPORT_FD, O_CLOEXEC) < 0 || close_range(REPORT_FD + 1, ~0U, 0) < 0)
		return err_system(e, "cannot close the descriptors");
	return 0;
}

static void keep(const struct init *in, int index)
{
	struct err e = { 0 };
	struct keeper k = { .in = in, .app = &in->plan->apps[index], .index = index };
	int report = in->report, status;
	bool ready = rootfs_enter(in->plan, k.app, in->go >= 0, &e) >= 0 && tidy_descriptors(in, index, &e) >= 0;
	if (ready)
		report = REPORT_FD;
	if (ready && app_identify(k.app, in->alone, &k.identity, &e) >= 0) {
		status = run_all(&k);
	} else {
		status = (int)e.status;
		tell(report, INIT_FAILED, index, status, e.text);
	}
	tell(report, INIT_ENDED, index, status, NULL);
}

// ---- the pod ----

// Starts one keeper per app, each with a copy of our mount namespace. Returns how many run.
static size_t start_keepers(const struct init *in, pid_t *keepers)
{
	size_t running = 0;
	for (size_t i = 0; i < in->plan->app_count; i++) {
		keepers[i] = ns_fork(CLONE_NEWNS, NULL);
		if (keepers[i] == 0) {
			keep(in, (int)i);
			_exit(STATUS_OK);
		}
		if (keepers[i] > 0) {
			running++;
			continue;
		}
		struct err e = { 0 };
		err_system(&e, "cannot fork");
		tell(in->report, INIT_FAILED, (int)i, (int)e.status, e.text);
		tell(in->report, INIT_ENDED, (int)i, (int)e.status, NULL);
	}
	return running;
}

static bool is_keeper(const struct init *in, pid_t *keepers, pid_t pid, int *index)
{
	for (size_t i = 0; i < in->plan->app_count; i++)
		if (keepers[i] == pid) {
			keepers[i] = 0;
			*index = (int)i;
			return true;
		}
	return false;
}

static void keep_several(const struct init *in)
{
	pid_t *keepers = mem_alloc(in->plan->app_count * sizeof *keepers);
	size_t running = start_keepers(in, keepers);
	struct err e = { 0 };
	if (rootfs_enter_nothing(&e) < 0)
		tell(in->report, INIT_FAILED, -1, (int)e.status, e.text);
	sigset_t awaited;
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	sigaddset(&awaited, SIGTERM);
	while (running && !e.status) {
		int wait_status, index;
		pid_t pid = waitpid(-1, &wait_status, WNOHANG);
		if (pid > 0 && is_keeper(in, keepers, pid, &index)) {
			running--;
			if (wait_status) // an app killed its keeper: it ends like this
				tell(in->report, INIT_ENDED, index, status_of(wait_status), NULL);
		} else if (pid <= 0 && sigwaitinfo(&awaited, NULL) == SIGTERM) {
			for (size_t i = 0; i < in->plan->app_count; i++)
				if (keepers[i] > 0)
					kill(keepers[i], SIGTERM);
		}
	}
	free(keepers);
}

// Whether pod-exec died before it could take us along.
static bool is_orphan(const struct init *in)
{
	struct pollfd report = { .fd = in->report };
	return poll(&report, 1, 0) > 0;
}

_Noreturn void init_run(struct init *in)
{
	char byte = INIT_GO_WHOLE;
	struct err e = { 0 };
	if (in->go >= 0 && io_read_full(in->go, &byte, 1) != 1)
		_exit(STATUS_SYSTEM);
	in->alone = byte == INIT_GO_ALONE || ns_denies_groups();
	// From here on nothing in the pod can trace this process, read its memory or reach through its descriptors (rkt:X-08).
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || is_orphan(in))
		_exit(STATUS_SYSTEM);
	umask(022);
	if (sethostname(in->plan->hostname, strlen(in->plan->hostname)) < 0) {
		err_system(&e, "cannot set the host name");
		tell(in->report, INIT_FAILED, -1, (int)e.status, e.text);
		_exit((int)e.status);
	}
	if (in->plan->app_count == 1)
		keep(in, 0);
	else
		keep_several(in);
	_exit(STATUS_OK);
}
