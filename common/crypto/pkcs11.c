// pkcs11.h says what these promise. Both sides of the socket between a program and the child that has the token.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/pkcs11.h"
#include "crypto/token11.h"

enum { ANSWER_MAX = 64 * 1024, REQUEST_MAX = 1 << 30 }; // bytes; metadata of one's own has at most as many

struct pkcs11 {
	char *uri;
	int fd; // to the child
	struct pkcs11 *next;
};
static struct pkcs11 *children;

bool pkcs11_is_uri(const char *path)
{
	return !strncmp(path, "pkcs11:", 7);
}

// ---- messages: a length, and as many bytes; the first says what it is ----

static int put(int fd, char kind, const void *data, size_t length)
{
	uint64_t size = length + 1;
	return io_write_all(fd, &size, sizeof size) < 0 || io_write_all(fd, &kind, 1) < 0 ? -1 : io_write_all(fd, data, length);
}

static int get(int fd, size_t limit, struct buf *out)
{
	uint64_t size;
	if (io_read_full(fd, &size, sizeof size) != sizeof size || !size || size > limit)
		return -1;
	buf_reserve(out, size);
	if (io_read_full(fd, out->data, size) != (ssize_t)size)
		return -1;
	out->length = size;
	out->data[size] = '\0';
	return 0;
}

// ---- the child ----

static int answer(int fd, const struct err *e, const char *data, size_t length)
{
	return e->status ? put(fd, (char)e->status, e->text, strlen(e->text)) : put(fd, 0, data, length);
}

static int answer_open(int fd, const char *uri, struct token11 **t)
{
	struct err e = { 0 };
	secret_auto pin = { 0 };
	if (get(fd, ANSWER_MAX, &pin) < 0)
		return -1;
	jsonio_auto json_t *jwk = token11_open(uri, buf_text(&pin) + 1, t, &e);
	mem_auto char *text = jwk ? jsonio_text(jwk) : NULL;
	return answer(fd, &e, text, text ? strlen(text) : 0) < 0 || e.status ? -1 : 0;
}

static int answer_sign(int fd, const struct token11 *t)
{
	struct err e = { 0 };
	buf_auto request = { 0 };
	buf_auto signature = { 0 };
	if (get(fd, REQUEST_MAX, &request) < 0)
		return -1;
	token11_sign(t, request.data[0], request.data + 1, request.length - 1, &signature, &e);
	return answer(fd, &e, buf_text(&signature), signature.length);
}

// Until the other side goes.
_Noreturn static void serve(int fd, const char *uri)
{
	struct token11 *t = NULL;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i <= STDERR_FILENO; i++) // a pipe to others must not stay open, nor a module write there
		dup2(null, i);
	if (answer_open(fd, uri, &t) == 0)
		while (answer_sign(fd, t) == 0)
			continue;
	token11_close(t);
	_exit(0);
}

int pkcs11_prepare(const char *uri, struct err *e)
{
	int pair[2];
	for (const struct pkcs11 *p = children; p; p = p->next)
		if (!strcmp(p->uri, uri))
			return 0;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_system(e, "'%s': cannot make a socket", uri);
	pid_t child = fork();
	if (child < 0)
		return err_system(e, "'%s': cannot fork", uri);
	if (!child) {
		close(pair[0]);
		serve(pair[1], uri);
	}
	close(pair[1]);
	struct pkcs11 *p = mem_alloc(sizeof *p);
	*p = (struct pkcs11){ mem_text(uri), pair[0], children };
	children = p;
	return 0;
}

// ---- the program ----

// A module that died is a failure, not the end of this process.
static int exchange(const struct pkcs11 *p, char kind, const void *data, size_t length, struct buf *out, struct err *e)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	sigaction(SIGPIPE, &ignore, &before);
	int failed = put(p->fd, kind, data, length);
	sigaction(SIGPIPE, &before, NULL);
	if (failed || get(p->fd, ANSWER_MAX, out) < 0)
		return err_set(e, STATUS_SYSTEM, "'%s': the module of the token died", p->uri);
	if (out->data[0])
		return err_set(e, (enum status)out->data[0], "'%s': %.*s", p->uri, (int)out->length - 1, out->data + 1);
	return 0;
}

int pkcs11_open(const char *uri, key_passphrase *ask, void *context, struct key *k, struct err *e)
{
	secret_auto pin = { 0 };
	buf_auto jwk = { 0 };
	struct pkcs11 *p = children;
	while (p && strcmp(p->uri, uri) != 0)
		p = p->next;
	if (!p)
		return err_set(e, STATUS_SYSTEM, "'%s': nothing was prepared for it", uri);
	if (ask(context, &pin, e) < 0 || exchange(p, 0, pin.data, pin.length, &jwk, e) < 0)
		return -1;
	jsonio_auto json_t *public = jsonio_parse(jwk.data + 1, jwk.length - 1, uri, e);
	if (!public || key_from_jwk(public, k, e) < 0)
		return err_context(e, "'%s'", uri);
	k->is_private = true;
	k->token = p;
	return 0;
}

int pkcs11_sign(const struct pkcs11 *p, bool pkcs1, const void *data, size_t length, struct buf *signature, struct err *e)
{
	buf_auto answer = { 0 };
	if (exchange(p, pkcs1 ? 1 : 0, data, length, &answer, e) < 0)
		return -1;
	buf_add(signature, answer.data + 1, answer.length - 1);
	return 0;
}
