// credhelper.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/secret.h"
#include "net/credhelper.h"

enum { SERVER_MAX = 1024, ANSWER_MAX = 64 * 1024 };

struct question {
	uint32_t helper; // in the list of names
	char server[SERVER_MAX];
};

struct reply {       // before the bytes of the answer
	int32_t got; // 1, 0 or -1
	int32_t status;
	uint32_t length; // of the answer or, for -1, of the message
};

static const struct texts *helpers;
static int channel = -1;
static pid_t child = -1;

bool credhelper_name_is_valid(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
	return n && n < 100 && !name[n];
}

// ---- in the child ----

static int run(const char *name, const char *server, struct buf *answer, struct err *e)
{
	mem_auto char *program = mem_format("docker-credential-%s", name);
	const char *const argv[] = { program, "get", NULL };
	struct proc p = { .argv = argv, .in = -1, .out = -1, .err = STDERR_FILENO };
	int status = proc_run(&p, server, strlen(server), ANSWER_MAX, answer, e);
	if (status == 0)
		return 1;
	bool absent =
		answer->length && strstr(buf_text(answer), "credentials not found"); // the protocol has but this text for it
	if (status > 0 && absent)
		return 0;
	return status < 0 ? -1 : err_set(e, STATUS_NOT_AUTHORISED, "%s: it failed with status %d", program, status);
}

static void reply_to(int to, const struct question *q)
{
	struct err e = { 0 };
	secret_auto answer = { 0 };
	struct reply r = { .got = -1 };
	if (q->helper < helpers->count)
		r.got = run(helpers->items[q->helper], q->server, &answer, &e);
	const char *bytes = r.got < 0 ? e.text : buf_text(&answer);
	r.status = (int32_t)e.status;
	r.length = r.got < 0 ? (uint32_t)strlen(e.text) : (uint32_t)answer.length;
	if (io_write_all(to, &r, sizeof r) < 0 || io_write_all(to, bytes, r.length) < 0)
		_exit(STATUS_SYSTEM);
}

static _Noreturn void serve(int from)
{
	struct question q;
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(nothing, STDIN_FILENO); // who reads our stdout waits for the program alone
	dup2(nothing, STDOUT_FILENO);
	dup2(from, 3);
	close_range(4, ~0u, 0);
	while (io_read_full(3, &q, sizeof q) == sizeof q && memchr(q.server, 0, SERVER_MAX))
		reply_to(3, &q);
	_exit(STATUS_OK);
}

// ---- in the program ----

int credhelper_start(const struct texts *names, struct err *e)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_system(e, "cannot make a socket for the credential helpers");
	helpers = names;
	child = fork();
	if (child == 0)
		serve(ends[1]);
	close(ends[1]);
	channel = ends[0];
	return child < 0 ? err_system(e, "cannot fork") : 0;
}

int credhelper_ask(const char *name, const char *server, struct buf *answer, struct err *e)
{
	struct question q = { 0 };
	struct reply r;
	while (q.helper < helpers->count && strcmp(helpers->items[q.helper], name) != 0)
		q.helper++;
	if (strlen(server) >= SERVER_MAX)
		return err_set(e, STATUS_LIMIT, "'%.80s...': too long for a credential helper", server);
	memcpy(q.server, server, strlen(server) + 1);
	if (io_write_all(channel, &q, sizeof q) < 0 || io_read_full(channel, &r, sizeof r) != sizeof r || r.length > ANSWER_MAX)
		return err_set(e, STATUS_SYSTEM, "docker-credential-%s: no answer", name);
	buf_reserve(answer, r.length);
	if (io_read_full(channel, answer->data + answer->length, r.length) != (ssize_t)r.length)
		return err_set(e, STATUS_SYSTEM, "docker-credential-%s: no answer", name);
	answer->length += r.length;
	answer->data[answer->length] = '\0';
	return r.got < 0 ? err_set(e, (enum status)r.status, "%s", answer->data) : r.got;
}

void credhelper_end(void)
{
	if (channel >= 0)
		close(channel);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	channel = child = -1;
}
