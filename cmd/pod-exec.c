// pod-exec - run a prepared pod and end with the status of its app
// SPDX-License-Identifier: Apache-2.0
//
// stdin: the pod record, unless a UUID is given. stdout: what the apps write, nothing of ours. Ends as the app ends, or as the
// one of several that failed first; 128+n when signal n told us to (ace.md, pods.md; rkt: ).
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/date.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/record.h"
#include "pod/forward.h"
#include "pod/init.h"
#include "pod/ns.h"
#include "pod/output.h"
#include "pod/seal.h"
#include "pod/state.h"

#define OUTPUTS    2 // of each app
#define NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS)

static struct {
	const char *pods;
	int64_t log_limit;
} user = { .log_limit = 16 << 20 };

static const struct cmd_option options[] = {
	CMD_SIZE(0, "log-limit", &user.log_limit, "keep at most this much of each output of each app; 16M unless told"),
	CMD_TEXT(0, "pods", "DIR", &user.pods, "the pods directory; that of the record unless told"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "pod-exec",
	.operands = "[UUID]",
	.summary = "run a prepared pod and end with the status of its app",
	.reads = CMD_RECORD,
	.writes = CMD_BYTES,
	.most_operands = 1,
	.options = options,
};

struct run {
	struct state_pod pod;
	struct plan plan;
	struct output *outputs; // OUTPUTS for each app
	int (*ends)[OUTPUTS];   // the apps' sides of them
	pid_t init;             // the pod's first process
	int report;             // where init tells what happens
	int *statuses;          // of each app, -1 while it runs
	int first_failure;      // the status of the app that failed first
};

// ---- taking the pod ----

// The record says which pod and where: DIR/STATE/UUID.
static int pod_of_record(char **pods, char uuid[static STATE_UUID_MAX], struct err *e)
{
	jsonio_auto json_t *record = record_read("pod", e);
	const char *text = record ? jsonio_need_text(record, "uuid", e) : NULL;
	const char *directory = text ? jsonio_get_text(record, "dir", e) : NULL;
	if (!text || e->status)
		return -1;
	if (!state_is_uuid(text))
		return err_set(e, STATUS_MALFORMED, "stdin: field 'uuid': not a UUID");
	memcpy(uuid, text, STATE_UUID_MAX);
	if (directory && !user.pods)
		*pods = mem_text(directory);
	for (int levels = 0; *pods && levels < 2; levels++) {
		char *slash = strrchr(*pods, '/');
		if (!slash || slash == *pods)
			return err_set(e, STATUS_MALFORMED, "stdin: field 'dir': not the directory of a pod");
		*slash = '\0';
	}
	return 0;
}

static json_t *read_json(const struct state_pod *pod, const char *name, struct err *e)
{
	buf_auto text = { 0 };
	if (state_read(pod, name, &text, e) < 0)
		return NULL;
	return jsonio_parse(buf_text(&text), text.length, name, e);
}

// Starts over from a sealed copy. What the record said, which is read by now, is said by the arguments.
static int restart(const char *pods, const char *uuid, struct err *e)
{
	texts_auto argv = { 0 };
	texts_add(&argv, cmd.name);
	if (msg_verbosity < 0)
		texts_add(&argv, "-q");
	for (int i = 0; i < msg_verbosity; i++)
		texts_add(&argv, "-v");
	texts_take(&argv, mem_format("--log-limit=%jd", (intmax_t)user.log_limit));
	texts_take(&argv, mem_format("--pods=%s", pods));
	texts_add(&argv, uuid);
	return seal_restart(argv.items, e);
}

static int take_pod(const char *operand, struct run *r, struct err *e)
{
	char uuid[STATE_UUID_MAX];
	mem_auto char *pods = NULL;
	if (!operand && pod_of_record(&pods, uuid, e) < 0)
		return -1;
	if (!pods)
		pods = path_pods(user.pods);
	io_auto int directory = state_open(pods, false, e);
	if (directory < 0 || (operand && state_find(directory, operand, uuid, e) < 0))
		return -1;
	if (state_take_prepared(directory, uuid, &r->pod, e) < 0)
		return -1;
	json_t *manifest = read_json(&r->pod, "pod", e);
	json_t *runtime = manifest ? read_json(&r->pod, "runtime", e) : NULL;
	if (plan_make(&r->plan, uuid, manifest, runtime, e) < 0)
		return -1;
	if (!seal_is_due(&r->plan, r->pod.fd))
		return 0;
	if (state_move(directory, &r->pod, STATE_PREPARED, e) < 0)
		return -1;
	return restart(pods, uuid, e);
}

// ---- starting it ----

static char *arguments; // the memory that argv points into: the kernel shows it to all
static size_t arguments_length;

static void find_arguments(int argc, char **argv)
{
	arguments = argv[0];
	for (int i = 0; i < argc && argv[i] == arguments + arguments_length; i++)
		arguments_length += strlen(argv[i]) + 1;
}

static int make_pipes(struct run *r, int *report_end, struct err *e)
{
	static const char *const names[OUTPUTS] = { "stdout", "stderr" };
	size_t count = r->plan.app_count;
	r->outputs = mem_alloc(count * OUTPUTS * sizeof *r->outputs);
	r->ends = mem_alloc(count * sizeof *r->ends);
	r->statuses = mem_alloc(count * sizeof *r->statuses);
	int fds[2];
	for (size_t i = 0; i < count * OUTPUTS; i++) {
		const char *app = r->plan.apps[i / OUTPUTS].name;
		if (pipe2(fds, O_CLOEXEC) < 0)
			return err_system(e, "cannot make a pipe");
		r->statuses[i / OUTPUTS] = -1;
		r->ends[i / OUTPUTS][i % OUTPUTS] = fds[1];
		r->outputs[i] = (struct output){ .from = fds[0],
			.to = i % OUTPUTS ? STDERR_FILENO : STDOUT_FILENO,
			.pod = r->pod.fd,
			.log = mem_format("apps/%s/%s", app, names[i % OUTPUTS]),
			.log_fd = -1,
			.log_left = user.log_limit,
			.app = count > 1 ? app : NULL };
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_system(e, "cannot make a pipe");
	r->report = fds[0];
	*report_end = fds[1];
	return 0;
}

// How this program was called, and where it lies, is none of the pod's business, whose first process init is.
static void forget_arguments(void)
{
	size_t length = strlen(cmd.name);
	memset(arguments, 0, arguments_length);
	memcpy(arguments, cmd.name, length < arguments_length ? length : arguments_length - 1);
}

// Forks init into its namespaces; go is the pipe at which it waits until its users are mapped, NULL where they need not be.
static int fork_init(struct run *r, int report_end, const int *go, struct err *e)
{
	sigset_t all, mask;
	if (fchdir(r->pod.fd) < 0)
		return err_system(e, "pod \"%s\": cannot enter its directory", r->pod.uuid);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	pid_t pid = ns_fork(NAMESPACES | (go ? CLONE_NEWUSER : 0), NULL);
	if (pid == 0) {
		forget_arguments();
		close(r->report);
		if (go)
			close(go[1]);
		struct init in = { .plan = &r->plan,
			.report = report_end,
			.outputs = r->ends,
			.go = go ? go[0] : -1,
			.mask = &mask };
		init_run(&in);
	}
	if (pid < 0)
		err_system(e, "cannot make the pod's namespaces");
	r->init = pid;
	if (pid > 0) {
		forward_signals(pid);
		sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return pid < 0 ? -1 : 0;
}

// As fork_init for a caller without privileges: in a user namespace (rkt:E-013).
static int fork_mapped_init(struct run *r, int report_end, struct err *e)
{
	int go[2];
	bool whole = false;
	mem_auto char *why = NULL;
	if (pipe2(go, O_CLOEXEC) < 0)
		return err_system(e, "cannot make a pipe");
	int failed = fork_init(r, report_end, go, e);
	close(go[0]);
	if (!failed)
		failed = ns_map_users(r->init, &whole, &why, e);
	if (!failed && !whole)
		msg_verbose("the pod has no user but 0: %s", why);
	char byte = whole ? INIT_GO_WHOLE : INIT_GO_ALONE;
	if (!failed && io_write_all(go[1], &byte, 1) < 0)
		failed = err_system(e, "cannot start the pod");
	close(go[1]);
	return failed;
}

static int start(struct run *r, struct err *e)
{
	int report_end = -1;
	if (make_pipes(r, &report_end, e) < 0)
		return -1;
	int failed = geteuid() == 0 ? fork_init(r, report_end, NULL, e) : fork_mapped_init(r, report_end, e);
	close(report_end);
	for (size_t i = 0; i < r->plan.app_count * OUTPUTS; i++)
		close(r->ends[i / OUTPUTS][i % OUTPUTS]);
	if (failed)
		return -1;
	char now[DATE_TEXT_MAX];
	mem_auto char *text = mem_format("{\"pid\":%d,\"started\":\"%s\"}\n", (int)r->init, date_format(date_now(), now));
	return state_write(&r->pod, "started", text, e);
}

// ---- watching it ----

static void note_end(struct run *r, int app, int status)
{
	r->statuses[app] = status;
	if (status && !r->first_failure)
		r->first_failure = status;
}

static void take_report(struct run *r)
{
	struct init_report report;
	if (io_read_full(r->report, &report, sizeof report) != sizeof report) {
		close(r->report);
		r->report = -1;
		return;
	}
	if (report.event == INIT_FAILED && report.app < 0)
		msg_error("pod \"%s\": %s", r->pod.uuid, report.text);
	else if (report.event == INIT_FAILED)
		msg_error("app '%s': %s", r->plan.apps[report.app].name, report.text);
	else if (report.event == INIT_ENDED)
		note_end(r, report.app, report.value);
	else
		for (int i = 0; i < OUTPUTS; i++)
			r->outputs[report.app * OUTPUTS + i].pid = report.value;
}

// Until every pipe has ended, which they do when the last process of the pod is gone. What init reports goes first: a process is
// reported before it can write.
static void watch(struct run *r)
{
	size_t count = r->plan.app_count * OUTPUTS;
	struct pollfd *fds = mem_alloc((count + 1) * sizeof *fds);
	for (;;) {
		bool open = r->report >= 0;
		fds[count] = (struct pollfd){ .fd = r->report, .events = POLLIN };
		for (size_t i = 0; i < count; i++) {
			fds[i] = (struct pollfd){ .fd = r->outputs[i].from, .events = POLLIN };
			open = open || fds[i].fd >= 0;
		}
		if (!open)
			break;
		if (poll(fds, count + 1, -1) < 0)
			continue;
		for (; fds[count].revents && r->report >= 0; poll(&fds[count], 1, 0))
			take_report(r);
		for (size_t i = 0; i < count; i++)
			if (fds[i].revents)
				output_pump(&r->outputs[i]);
	}
	free(fds);
}

// Init is gone; an app it could not speak for ended as init did.
static void reap_init(struct run *r)
{
	int wait_status = 0;
	while (waitpid(r->init, &wait_status, 0) < 0 && errno == EINTR)
		;
	forward_finish();
	int status = WIFSIGNALED(wait_status) ? STATUS_SIGNAL + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
	for (size_t i = 0; i < r->plan.app_count; i++)
		if (r->statuses[i] < 0)
			note_end(r, (int)i, status ? status : STATUS_SYSTEM);
}

static int write_status(const struct run *r, struct err *e)
{
	char now[DATE_TEXT_MAX];
	jsonio_auto json_t *status = json_pack("{s:s, s:{}}", "ended", date_format(date_now(), now), "apps");
	for (size_t i = 0; i < r->plan.app_count; i++)
		json_object_set_new(json_object_get(status, "apps"), r->plan.apps[i].name, json_integer(r->statuses[i]));
	mem_auto char *text = jsonio_text(status);
	return state_write(&r->pod, "status", text, e);
}

// What did not reach our output or the logs is told, and is a failure where the apps had none.
static int check_outputs(const struct run *r, struct err *e)
{
	for (size_t i = 0; i < r->plan.app_count * OUTPUTS; i++) {
		const struct output *o = &r->outputs[i];
		if (o->log_lost)
			msg_warn("'%s': cannot write: %s", o->log, strerror(o->log_lost));
		if (o->lost && o->lost != EPIPE) {
			errno = o->lost;
			return err_system(e, "%s: cannot write", o->to == STDOUT_FILENO ? "stdout" : "stderr");
		}
		if (o->lost)
			return err_set(e, STATUS_SYSTEM, "%s: closed before the end",
				o->to == STDOUT_FILENO ? "stdout" : "stderr");
	}
	return 0;
}

static int run_pod(struct run *r, struct err *e)
{
	if (start(r, e) < 0)
		return -1;
	watch(r);
	reap_init(r);
	if (write_status(r, e) < 0)
		return -1;
	return r->first_failure || forward_told() ? 0 : check_outputs(r, e);
}

static void free_run(struct run *r)
{
	for (size_t i = 0; r->outputs && i < r->plan.app_count * OUTPUTS; i++)
		output_free(&r->outputs[i]);
	free(r->outputs);
	free(r->ends);
	free(r->statuses);
	plan_free(&r->plan);
	io_close_indirect(&r->pod.fd);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct run r = { .pod = { .fd = -1 } };
	find_arguments(argc, argv);
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	if (take_pod(operands.items[0], &r, &e) < 0 || run_pod(&r, &e) < 0)
		return cmd_fail(&e);
	int told = forward_told(), status = told ? STATUS_SIGNAL + told : r.first_failure;
	free_run(&r);
	return status ? status : cmd_finish();
}
