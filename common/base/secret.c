// secret.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"
#include "base/secret.h"

enum { SECRET_MAX = 4096 }; // bytes of a passphrase

void secret_guard(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void secret_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->room);
	buf_free(b);
}

static void split_lines(const struct buf *text, struct buf *first, struct buf *second)
{
	size_t n = strcspn(buf_text(text), "\r\n");
	buf_add(first, buf_text(text), n);
	const char *next = strchr(buf_text(text) + n, '\n');
	if (next)
		buf_add(second, next + 1, strcspn(next + 1, "\r\n"));
}

int secret_lines_from_file(const char *path, struct buf *first, struct buf *second, struct err *e)
{
	secret_auto text = { 0 };
	if (io_read_secret(path, SECRET_MAX, &text, e) < 0)
		return -1;
	split_lines(&text, first, second);
	return 0;
}

int secret_lines_from_descriptor(int fd, struct buf *first, struct buf *second, struct err *e)
{
	secret_auto text = { 0 };
	if (io_read_stream(fd, SECRET_MAX, "the secret's descriptor", &text, e) < 0)
		return -1;
	split_lines(&text, first, second);
	return 0;
}

int secret_from_file(const char *path, struct buf *out, struct err *e)
{
	secret_auto rest = { 0 };
	if (secret_lines_from_file(path, out, &rest, e) < 0)
		return -1;
	return out->length ? 0 : err_set(e, STATUS_REFUSED, "'%s': an empty secret", path);
}

int secret_from_descriptor(int fd, struct buf *out, struct err *e)
{
	secret_auto rest = { 0 };
	if (secret_lines_from_descriptor(fd, out, &rest, e) < 0)
		return -1;
	return out->length ? 0 : err_set(e, STATUS_REFUSED, "descriptor %d: an empty secret", fd);
}

// The terminal's state while echo is off, for the signal handler.
static struct {
	int fd; // -1 until it is opened, then for the life of the process
	struct termios before;
} terminal = { .fd = -1 };

void secret_open_terminal(void)
{
	if (terminal.fd < 0)
		terminal.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static void restore_and_die(int signal_number)
{
	tcsetattr(terminal.fd, TCSAFLUSH, &terminal.before);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static const int fatal[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static int read_line(struct buf *out, struct err *e)
{
	char c;
	ssize_t n;
	while ((n = read(terminal.fd, &c, 1)) == 1 && c != '\n')
		if (out->length < SECRET_MAX)
			buf_add_byte(out, c);
	return n < 0 ? err_system(e, "the terminal: cannot read") : 0;
}

int secret_ask(const char *prompt, struct buf *out, struct err *e)
{
	secret_open_terminal();
	int fd = terminal.fd;
	if (fd < 0 || tcgetattr(fd, &terminal.before) < 0) {
		err_set(e, STATUS_USAGE, "a passphrase is needed and there is no terminal to ask on");
		return err_hint(e, "give it in a file or by a descriptor");
	}
	struct sigaction handler = { .sa_handler = restore_and_die }, old[sizeof fatal / sizeof *fatal];
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		sigaction(fatal[i], &handler, &old[i]);
	struct termios silent = terminal.before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	silent.c_lflag |= ECHONL;
	tcsetattr(fd, TCSAFLUSH, &silent);
	buf_reserve(out, SECRET_MAX); // so that growing leaves no copy behind
	int failed =
		io_write_all(fd, prompt, strlen(prompt)) < 0 ? err_system(e, "the terminal: cannot write") : read_line(out, e);
	tcsetattr(fd, TCSAFLUSH, &terminal.before);
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		sigaction(fatal[i], &old[i], NULL);
	return failed;
}
