// output.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "pod/output.h"

static void keep(struct output *o, const char *data, size_t length)
{
	static const char notice[] = "\n[tackle: the limit of this log is reached, the rest is not kept]\n";
	if (o->log_fd < 0 && !o->log_lost) {
		o->log_fd = openat(o->pod, o->log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
		o->log_lost = o->log_fd < 0 ? errno : 0;
	}
	if (o->log_lost || o->log_left < 0)
		return;
	size_t n = length <= (size_t)o->log_left ? length : (size_t)o->log_left;
	bool failed = io_write_all(o->log_fd, data, n) < 0;
	o->log_left -= (int64_t)n;
	if (!failed && n < length) {
		o->log_left = -1;
		failed = io_write_all(o->log_fd, notice, sizeof notice - 1) < 0;
	}
	o->log_lost = failed ? errno : 0;
}

static void pass(struct output *o, const char *data, size_t length)
{
	if (!o->lost && io_write_all(o->to, data, length) < 0)
		o->lost = errno;
}

// One write(2) per line, so that lines of several apps never mix, whoever else writes there.
static void pass_line(struct output *o, const char *data, size_t length)
{
	buf_auto whole = { 0 };
	buf_add_format(&whole, "%s[%d]: ", o->app, (int)o->pid);
	buf_add(&whole, data, length);
	if (!length || data[length - 1] != '\n')
		buf_add_byte(&whole, '\n');
	pass(o, whole.data, whole.length);
}

static void pass_lines(struct output *o, const char *data, size_t length)
{
	buf_add(&o->line, data, length);
	size_t at = 0;
	while (at < o->line.length) {
		const char *start = o->line.data + at, *newline = memchr(start, '\n', o->line.length - at);
		size_t n = newline ? (size_t)(newline + 1 - start) : o->line.length - at;
		if (n > OUTPUT_LINE_MAX)
			n = OUTPUT_LINE_MAX;
		else if (!newline && n < OUTPUT_LINE_MAX)
			break;
		pass_line(o, start, n);
		at += n;
	}
	if (at)
		memmove(o->line.data, o->line.data + at, o->line.length - at);
	o->line.length -= at;
}

static void end(struct output *o)
{
	if (o->line.length)
		pass_line(o, o->line.data, o->line.length);
	o->line.length = 0;
	close(o->from);
	o->from = -1;
}

void output_pump(struct output *o)
{
	char data[65536];
	ssize_t n = read(o->from, data, sizeof data);
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		end(o);
		return;
	}
	keep(o, data, (size_t)n);
	if (o->app)
		pass_lines(o, data, (size_t)n);
	else
		pass(o, data, (size_t)n);
	if (o->lost)
		end(o);
}

void output_free(struct output *o)
{
	io_close_indirect(&o->from);
	io_close_indirect(&o->log_fd);
	free(o->log);
	buf_free(&o->line);
	*o = (struct output){ .from = -1, .log_fd = -1 };
}
