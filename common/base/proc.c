// proc.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"

// In the child, between fork and exec: only async-signal-safe calls. Reports errno through `report`.
static _Noreturn void become(const struct proc *p, int report)
{
	int from[3] = { p->in, p->out, p->err };
	for (int i = 0; i < 3; i++) { // first out of the way of 0 to 2, then into place
		int fd = from[i] >= 0 ? from[i] : open("/dev/null", i ? O_WRONLY : O_RDONLY);
		from[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	int pipe_end = fcntl(report, F_DUPFD_CLOEXEC, 3);
	bool ok = pipe_end >= 0;
	for (int i = 0; i < 3; i++)
		ok = ok && dup2(from[i], i) == i;
	ok = ok && close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
	for (const int *k = p->keep; k && *k >= 0; k++)
		fcntl(*k, F_SETFD, 0);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (ok)
		execvpe(p->argv[0], (char *const *)p->argv, p->environment ? (char *const *)p->environment : environ);
	int why = errno;
	if (write(pipe_end, &why, sizeof why) < 0)
		_exit(STATUS_CANNOT_EXEC);
	_exit(STATUS_NO_COMMAND);
}

pid_t proc_start(const struct proc *p, struct err *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_system(e, "%s: cannot make a pipe", p->argv[0]);
	pid_t pid = fork();
	if (pid == 0)
		become(p, ends[1]);
	close(ends[1]);
	int why = 0;
	ssize_t n = pid < 0 ? -1 : io_read_full(ends[0], &why, sizeof why);
	close(ends[0]);
	if (pid < 0)
		return err_system(e, "%s: cannot fork", p->argv[0]);
	if (n == 0)
		return pid;
	waitpid(pid, NULL, 0);
	errno = why;
	err_system(e, "%s: cannot run", p->argv[0]);
	if (why == ENOENT)
		e->status = STATUS_NOT_FOUND;
	return -1;
}

int proc_wait(pid_t pid, struct err *e)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_system(e, "cannot wait for a child");
	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_SIGNAL + WTERMSIG(status);
}

// Feeds and drains at once, so that neither side waits for the other. Returns 0 or -1.
static int exchange(int to, const char *input, size_t length, int from, size_t limit, struct buf *output, struct err *e)
{
	size_t start = output->length;
	fcntl(to, F_SETFL, O_NONBLOCK);
	for (;;) {
		struct pollfd fds[] = { { .fd = from, .events = POLLIN }, { .fd = length ? to : -1, .events = POLLOUT } };
		if (!length && to >= 0) {
			close(to);
			to = -1;
		}
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_system(e, "cannot poll");
		if (fds[1].revents) {
			ssize_t n = write(to, input, length);
			bool gone = n < 0 && errno != EAGAIN && errno != EINTR; // it need not read all it is given
			input += n > 0 ? n : 0;
			length = gone ? 0 : length - (size_t)(n > 0 ? n : 0);
		}
		if (!fds[0].revents)
			continue;
		buf_reserve(output, 65536);
		ssize_t n = read(from, output->data + output->length, 65536);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return err_system(e, "cannot read from a child");
		output->length += n > 0 ? (size_t)n : 0;
		output->data[output->length] = '\0';
		if (output->length - start > limit)
			return err_set(e, STATUS_LIMIT, "a child wrote more than %zu bytes", limit);
	}
	if (to >= 0)
		close(to);
	return 0;
}

int proc_run(const struct proc *p, const void *input, size_t length, size_t limit, struct buf *output, struct err *e)
{
	int in[2], out[2];
	if (pipe2(in, O_CLOEXEC) < 0)
		return err_system(e, "%s: cannot make a pipe", p->argv[0]);
	if (pipe2(out, O_CLOEXEC) < 0) {
		close(in[0]);
		close(in[1]);
		return err_system(e, "%s: cannot make a pipe", p->argv[0]);
	}
	struct proc child = *p;
	child.in = in[0];
	child.out = out[1];
	pid_t pid = proc_start(&child, e);
	close(in[0]);
	close(out[1]);
	if (pid < 0) {
		close(in[1]);
		close(out[0]);
		return -1;
	}
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;
	sigaction(SIGPIPE, &ignore, &old);
	int failed = exchange(in[1], input, length, out[0], limit, output, e);
	sigaction(SIGPIPE, &old, NULL);
	close(out[0]);
	if (failed)
		kill(pid, SIGKILL);
	int status = proc_wait(pid, failed ? &(struct err){ 0 } : e);
	return failed ? -1 : status;
}

int proc_processors(int most)
{
	cpu_set_t cpus;
	int n = sched_getaffinity(0, sizeof cpus, &cpus) < 0 ? 1 : CPU_COUNT(&cpus);
	return n < 1 ? 1 : n > most ? most : n;
}
