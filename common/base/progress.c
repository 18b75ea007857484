// progress.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"

enum { REDRAW_MS = 100, PLAIN_MS = 30000, PERCENT_MS = 60000 };

static const char *mode = "auto";
static const char *label_given;
static int64_t records_to = -1;

const struct cmd_option progress_options[] = {
	CMD_CHOICE(0, "progress", &mode, "auto|bar|blobs|plain|none",
		"how to show progress; auto: a bar on a terminal, else plain"),
	CMD_NUMBER(0, "progress-fd", "FD", &records_to, 0, 1023, "write progress as JSON lines to this descriptor"),
	CMD_TEXT(0, "label", "TEXT", &label_given, "the name that progress shows"),
	CMD_END,
};

bool progress_shows_blobs(void)
{
	return msg_verbosity >= 0 && !strcmp(mode, "blobs");
}

static bool draws_bar(void)
{
	if (msg_verbosity < 0 || (strcmp(mode, "auto") != 0 && strcmp(mode, "bar") != 0))
		return false;
	const char *term = getenv("TERM");
	return !strcmp(mode, "bar") || (isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0);
}

static bool draws_plain(void)
{
	return msg_verbosity >= 0 && strcmp(mode, "none") != 0 && strcmp(mode, "blobs") != 0 && !draws_bar();
}

static void add_amounts(struct buf *out, const struct progress *p)
{
	buf_add_size(out, p->done);
	if (p->total >= 0) {
		buf_add_byte(out, '/');
		buf_add_size(out, p->total);
	}
	int64_t spent = date_monotonic() - p->started;
	if (spent >= 2000 && p->done > 0) {
		buf_add_text(out, ", ");
		buf_add_size(out, p->done * 1000 / spent);
		buf_add_text(out, "/s");
		if (p->total > p->done)
			buf_add_format(out, ", %" PRId64 " s left",
				(int64_t)((double)(p->total - p->done) * (double)spent / (double)p->done / 1000));
	}
}

static size_t columns(void)
{
	struct winsize size;
	const char *given = getenv("COLUMNS");
	unsigned long wanted = given ? strtoul(given, NULL, 10) : 0;
	if (wanted > 20 && wanted < 1000)
		return wanted;
	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 20 ? size.ws_col : 80;
}

static void draw_bar(const struct progress *p, const char *end)
{
	buf_auto amounts = { 0 };
	buf_auto line = { 0 };
	add_amounts(&amounts, p);
	buf_add_byte(&line, '\r');
	msg_escape(&line, p->label, strlen(p->label));
	size_t used = line.length + amounts.length + 6;
	size_t room = columns() > used + 10 ? columns() - used : 10;
	if (room > 46)
		room = 46;
	size_t full = p->total > 0 ? (size_t)((double)room * (double)p->done / (double)p->total) : 0;
	buf_add_text(&line, ": [");
	for (size_t i = 0; i < room; i++)
		buf_add_byte(&line, i < full ? '=' : ' ');
	buf_add_format(&line, "] %s\x1b[K%s", buf_text(&amounts), end);
	if (io_write_all(STDERR_FILENO, line.data, line.length) < 0)
		return; // progress is a courtesy
}

static void draw_blob(const struct progress *p, bool ended, const char *end)
{
	int percent = ended ? 100 : p->total > 0 ? (int)((double)p->done * 100 / (double)p->total) : 0;
	mem_auto char *line = mem_format("\r%s %d%% %" PRId64 "/%" PRId64 "%s", p->blob, percent, p->done, p->total, end);
	if (io_write_all(records_to >= 0 ? (int)records_to : STDERR_FILENO, line, strlen(line)) < 0)
		return; // progress is a courtesy
}

static void write_progress_record(const struct progress *p, bool ended)
{
	jsonio_auto json_t *record = json_pack("{s:s, s:s, s:I, s:b}", "kind", "progress", "label", p->label, "bytes",
		(json_int_t)p->done, "ended", (int)ended);
	if (!record)
		return;
	if (p->total >= 0)
		json_object_set_new(record, "total", json_integer((json_int_t)p->total));
	mem_auto char *text = jsonio_text(record);
	dprintf((int)records_to, "%s\n", text);
}

void progress_note(const char *format, ...)
{
	char text[ERR_TEXT_MAX];
	buf_auto line = { 0 };
	va_list args;
	if (!draws_bar() && !draws_plain())
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	msg_escape(&line, text, strlen(text));
	buf_add_byte(&line, '\n');
	if (io_write_all(STDERR_FILENO, line.data, line.length) < 0)
		return; // progress is a courtesy
}

// For eyes and programs: a bar, a record.
static void show(struct progress *p, bool ended)
{
	p->shown = date_monotonic();
	if (*p->blob && progress_shows_blobs())
		draw_blob(p, ended, ended ? "\n" : "");
	if (!p->label)
		return;
	if (records_to >= 0 && !progress_shows_blobs())
		write_progress_record(p, ended);
	if (draws_bar())
		draw_bar(p, ended ? "\n" : "");
}

// For logs: now and then a line.
static void tell(struct progress *p, bool ended)
{
	buf_auto amounts = { 0 };
	p->lined = date_monotonic();
	if (p->percent) {
		progress_note("%s: %d%% complete", p->label,
			p->total > 0 ? (int)((double)p->done * 100 / (double)p->total) : 100);
		return;
	}
	if (ended)
		buf_add_size(&amounts, p->done);
	else
		add_amounts(&amounts, p);
	progress_note("%s: %s", p->label, buf_text(&amounts));
}

static void start(struct progress *p)
{
	if (p->label && label_given)
		p->label = label_given;
	p->started = p->lined = date_monotonic();
	show(p, false);
}

void progress_start(struct progress *p, const char *label, int64_t total)
{
	*p = (struct progress){ .label = label, .total = total };
	start(p);
}

void progress_start_blob(struct progress *p, const char *label, const char *digest, int64_t total)
{
	*p = (struct progress){ .label = label, .total = total };
	snprintf(p->blob, sizeof p->blob, "%s", digest);
	start(p);
}

void progress_start_percent(struct progress *p, const char *label, int64_t total)
{
	progress_start(p, label, total);
	p->percent = true;
	p->told = !strcmp(mode, "plain");
	if (p->told && draws_plain())
		tell(p, false);
}

void progress_add(struct progress *p, int64_t bytes)
{
	p->done += bytes;
	int64_t now = date_monotonic();
	if (now - p->shown >= REDRAW_MS)
		show(p, false);
	if (p->label && now - p->lined >= (p->percent ? PERCENT_MS : PLAIN_MS) && draws_plain())
		tell(p, false);
}

void progress_end(struct progress *p)
{
	show(p, true);
	if (p->told && draws_plain())
		tell(p, true);
}

void progress_abort(struct progress *p)
{
	if (p->label && draws_bar())
		draw_bar(p, "\n");
	if (*p->blob && progress_shows_blobs())
		draw_blob(p, false, "\n");
}
