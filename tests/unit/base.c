// Unit tests of common/base, as tables of one-line cases.
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/date.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/proc.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "base/utf8.h"

static void dates(void **unused)
{
	(void)unused;
	static const struct {
		const char *text;
		int64_t seconds; // -1: refused
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-22T01:31:06Z", 1795311066 },
		{ "2000-02-29T12:00:00+01:00", 951822000 },
		{ "2016-12-31T23:59:60Z", 1483228800 },
		{ "1999-12-31t23:59:59.999z", 946684799 },
		{ "1900-02-29T00:00:00Z", -1 },
		{ "2026-13-01T00:00:00Z", -1 },
		{ "2026-01-01 00:00:00Z", -1 },
		{ "2026-01-01T00:00:00", -1 },
		{ "2026-01-01T00:00:00Z ", -1 },
		{ "2026-01-01T24:00:00Z", -1 },
		{ "", -1 },
		{ "2026-01-01T00:00:00.Z", -1 },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		int64_t got = -1;
		bool ok = date_parse(cases[i].text, &got);
		assert_int_equal(ok, cases[i].seconds >= 0);
		if (ok)
			assert_int_equal(got, cases[i].seconds);
	}
	char text[DATE_TEXT_MAX];
	assert_string_equal(date_format(1795311066, text), "2026-11-22T01:31:06Z");
	assert_string_equal(date_format(INT64_MAX, text), "9999-12-31T23:59:59Z");
}

static void durations(void **unused)
{
	(void)unused;
	static const struct {
		const char *text;
		int64_t milliseconds; // -1: refused
	} cases[] = {
		{ "0", 0 },
		{ "90", 90000 },
		{ "30m0s", 1800000 },
		{ "1h30m", 5400000 },
		{ "1.5s", 1500 },
		{ "250ms", 250 },
		{ "7d", 604800000 },
		{ "1w", 604800000 },
		{ "", -1 },
		{ "s", -1 },
		{ "1x", -1 },
		{ "-1s", -1 },
		{ "1e3s", -1 },
		{ "0x10s", -1 },
		{ "1s ", -1 },
		{ "99999999999999999999", -1 },
		{ "1.2.3s", -1 },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		int64_t got = -1;
		assert_int_equal(date_parse_duration(cases[i].text, &got), cases[i].milliseconds >= 0);
		if (cases[i].milliseconds >= 0)
			assert_int_equal(got, cases[i].milliseconds);
	}
}

static void json_is_strict(void **unused)
{
	(void)unused;
	static const struct {
		const char *text;
		enum status status;
	} cases[] = {
		{ "{}", 0 },
		{ " [1,2] ", 0 },
		{ "9223372036854775807", 0 },
		{ "\"\\u00e9\"", 0 },
		{ "", STATUS_MALFORMED },
		{ "{\"a\":1,\"a\":2}", STATUS_MALFORMED },
		{ "{\"a\":1,\"\\u0061\":2}", STATUS_MALFORMED },
		{ "NaN", STATUS_MALFORMED },
		{ "Infinity", STATUS_MALFORMED },
		{ "1 2", STATUS_MALFORMED },
		{ "{} x", STATUS_MALFORMED },
		{ "'a'", STATUS_MALFORMED },
		{ "[1,]", STATUS_MALFORMED },
		{ "\"\xff\"", STATUS_MALFORMED },
		{ "\"\\ud800\"", STATUS_MALFORMED },
		{ "\"\\u0000\"", STATUS_MALFORMED },
		{ "9223372036854775808", STATUS_MALFORMED },
		{ "01", STATUS_MALFORMED },
		{ "/**/1", STATUS_MALFORMED },
		{ "\"a\nb\"", STATUS_MALFORMED },
		{ "\xef\xbb\xbf{}", STATUS_MALFORMED },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		jsonio_auto json_t *value = jsonio_parse(cases[i].text, strlen(cases[i].text), "case", &e);
		assert_int_equal(e.status, cases[i].status);
		assert_int_equal(value != NULL, cases[i].status == 0);
	}
	char deep[JSONIO_DEPTH_MAX + 1];
	memset(deep, '[', sizeof deep);
	struct err e = { 0 };
	assert_null(jsonio_parse(deep, sizeof deep, "deep", &e));
	assert_int_equal(e.status, STATUS_LIMIT);
	assert_null(jsonio_parse("[1\0]", 4, "case", &e));
	assert_null(jsonio_parse("1\0", 2, "case", &e));
}

static void json_errors_hide_the_text(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	const char *secret = "{\"password\": hunter2}";
	assert_null(jsonio_parse(secret, strlen(secret), "file", &e));
	assert_null(strstr(e.text, "hunter2"));
	assert_non_null(strstr(e.text, "file: 1:"));
}

static void messages_escape(void **unused)
{
	(void)unused;
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain \xc3\xa9", "plain \xc3\xa9" },
		{ "\x1b[31m", "\\x1b[31m" },
		{ "a\nb\tc", "a\\nb\\tc" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },
		{ "\xc2\x9b", "\\xc2\\x9b" },
		{ "\x7f", "\\x7f" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		buf_auto out = { 0 };
		msg_escape(&out, cases[i].in, strlen(cases[i].in));
		assert_string_equal(buf_text(&out), cases[i].out);
	}
}

static struct record_reader reader_of(const char *text)
{
	int ends[2];
	assert_return_code(pipe2(ends, O_CLOEXEC), errno);
	assert_return_code(io_write_all(ends[1], text, strlen(text)), errno);
	close(ends[1]);
	return (struct record_reader){ .fd = ends[0], .kinds = "image blob" };
}

static void records(void **unused)
{
	(void)unused;
	static const struct {
		const char *text;
		int count;
		enum status status;
	} cases[] = {
		{ "", 0, 0 },
		{ "{\"kind\":\"image\"}\n", 1, 0 },
		{ "{\"kind\":\"image\"}\n{\"kind\":\"blob\"}\n", 2, 0 },
		{ "{\"kind\":\"image\"}", 0, STATUS_MALFORMED },
		{ "{\"kind\":\"imag\"}\n", 0, STATUS_MALFORMED },
		{ "{\"kind\":\"image\",\"part\":1,\"of\":2}\n", 1, STATUS_MALFORMED },
		{ "{\"kind\":\"image\",\"part\":1,\"of\":2}\n{\"kind\":\"image\",\"part\":2,\"of\":2}\n", 2, 0 },
		{ "{\"kind\":\"image\",\"part\":1,\"of\":2}\n{\"kind\":\"image\",\"part\":1,\"of\":2}\n", 1, STATUS_MALFORMED },
		{ "{\"kind\":\"image\",\"part\":2,\"of\":2}\n", 0, STATUS_MALFORMED },
		{ "{\"kind\":\"image\"}\n{\"kind\":\"error\",\"status\":5}\n", 1, STATUS_TEMPORARY },
		{ "{\"kind\":\"error\"}\n", 0, STATUS_MALFORMED },
		{ "{\"kind\":\"error\",\"status\":0}\n", 0, STATUS_MALFORMED },
		{ "\n", 0, STATUS_MALFORMED },
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct err e = { 0 };
		struct record_reader reader = reader_of(cases[i].text);
		json_t *record;
		int count = 0;
		for (; (record = record_next(&reader, &e)); count++)
			json_decref(record);
		assert_int_equal(count, cases[i].count);
		assert_int_equal(e.status, cases[i].status);
		assert_int_equal(e.upstream != NULL, e.status == STATUS_TEMPORARY);
		free(e.upstream);
		close(reader.fd);
		record_reader_free(&reader);
	}
}

static void output_appears_whole_or_not_at_all(void **unused)
{
	(void)unused;
	char directory[] = "/tmp/tackle-unit.XXXXXX";
	assert_non_null(mkdtemp(directory));
	io_auto int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e = { 0 };
	struct io_output o;
	assert_int_equal(io_create(&o, fd, "a", 0644, &e), 0);
	assert_int_equal(io_write_all(o.fd, "one", 3), 0);
	assert_int_not_equal(faccessat(fd, "a", F_OK, 0), 0);
	io_discard(&o);
	assert_int_not_equal(faccessat(fd, "a", F_OK, 0), 0);
	for (int round = 0; round < 2; round++) { // the second replaces the first
		assert_int_equal(io_create(&o, fd, "a", 0644, &e), 0);
		assert_int_equal(io_write_all(o.fd, round ? "second" : "one", round ? 6 : 3), 0);
		assert_int_equal(io_commit(&o, &e), 0);
	}
	struct stat st;
	assert_int_equal(fstatat(fd, "a", &st, 0), 0);
	assert_int_equal(st.st_size, 6);
	assert_int_equal(io_create(&o, fd, "missing/a", 0644, &e), -1);
	assert_int_equal(e.status, STATUS_NOT_FOUND);
	unlinkat(fd, "a", 0);
	assert_int_equal(rmdir(directory), 0); // nothing else was left
}

static void children(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	buf_auto out = { 0 };
	const char *const cat[] = { "cat", NULL };
	struct proc p = { .argv = cat, .in = -1, .out = -1, .err = -1 };
	mem_auto char *big = mem_alloc(1 << 20);
	memset(big, 'x', 1 << 20);
	assert_int_equal(proc_run(&p, big, 1 << 20, 2 << 20, &out, &e), 0);
	assert_int_equal(out.length, 1 << 20);
	buf_free(&out);
	assert_int_equal(proc_run(&p, big, 1 << 20, 100, &out, &e), -1);
	assert_int_equal(e.status, STATUS_LIMIT);
	const char *const missing[] = { "no-such-program-here", NULL };
	p.argv = missing;
	assert_int_equal(proc_run(&p, NULL, 0, 1, &out, &e), -1);
	assert_int_equal(e.status, STATUS_NOT_FOUND);
	io_auto int stray = fcntl(STDIN_FILENO, F_DUPFD, 700),
		    kept = fcntl(STDERR_FILENO, F_DUPFD, 800); // both without O_CLOEXEC
	const char *const listing[] = { "sh", "-c", "for f in 0 1 2 3 4 5 6 700 800; do [ -e /proc/$$/fd/$f ] && echo $f; done",
		NULL };
	p.argv = listing;
	buf_free(&out);
	p.keep = (const int[]){ kept, -1 };
	assert_int_equal(proc_run(&p, NULL, 0, 4096, &out, &e), 0);
	assert_string_equal(buf_text(&out), "0\n1\n2\n800\n");
	assert_true(stray >= 700);
	p.keep = NULL;
	const char *const killed[] = { "sh", "-c", "kill -9 $$", NULL };
	p.argv = killed;
	assert_int_equal(proc_run(&p, NULL, 0, 1, &out, &e), 137);
}

// ---- the sandbox: each forbidden act is tried in a child that entered it ----

enum { ACT_READ, ACT_WRITE, ACT_SOCKET, ACT_FORK, ACT_CHMOD, ACT_RUN, ACT_RUN_COPY, ACT_THREADLESS };

static char copy_of_true[] = "/tmp/tackle-unit-XXXXXX"; // an executable file where no programs are

static bool runs(const char *path)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		execl(path, path, (char *)NULL);
		_exit(1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool act(int what)
{
	switch (what) {
	case ACT_READ:
		return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
	case ACT_WRITE:
		return open("/tmp/tackle-unit-forbidden", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
	case ACT_SOCKET:
		return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
	case ACT_FORK: {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		return pid > 0 && waitpid(pid, NULL, 0) == pid;
	}
	case ACT_CHMOD:
		return chmod("/tmp", 01777) == 0;
	case ACT_RUN:
		return runs("/bin/true");
	case ACT_RUN_COPY:
		return runs(copy_of_true);
	default:
		return getpid() > 0;
	}
}

// Whether the act succeeds inside: 1 yes, 0 no.
static int inside(struct sandbox *s, int what)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct err e = { 0 };
		if (sandbox_enter(s, &e) < 0)
			_exit(77);
		_exit(act(what) ? 1 : 0);
	}
	int status = 0;
	waitpid(pid, &status, 0);
	texts_free(&s->reads);
	texts_free(&s->writes);
	texts_free(&s->executes);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void sandbox_denies(void **unused)
{
	(void)unused;
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	static const int forbidden[] = { ACT_READ, ACT_WRITE, ACT_SOCKET, ACT_FORK, ACT_CHMOD };
	for (size_t i = 0; i < ARRAY_LENGTH(forbidden); i++) {
		assert_int_equal(inside(&(struct sandbox){ 0 }, forbidden[i]), 0);
		assert_true(act(forbidden[i])); // and without it the act succeeds here
	}
	unlink("/tmp/tackle-unit-forbidden");
	assert_int_equal(inside(&(struct sandbox){ 0 }, ACT_THREADLESS), 1);
	struct sandbox reads = { 0 }, writes = { 0 };
	texts_add(&reads.reads, "/etc");
	assert_int_equal(inside(&reads, ACT_READ), 1);
	texts_add(&reads.reads, "/etc");
	assert_int_equal(inside(&reads, ACT_WRITE), 0);
	texts_add(&writes.writes, "/tmp");
	assert_int_equal(inside(&writes, ACT_WRITE), 1);
	texts_add(&writes.writes, "/tmp");
	assert_int_equal(inside(&writes, ACT_READ), 0);
	unlink("/tmp/tackle-unit-forbidden");
	assert_int_equal(inside(&(struct sandbox){ .network = true }, ACT_SOCKET), 1);
	assert_int_equal(inside(&(struct sandbox){ .network = true }, ACT_FORK), 0);
	assert_int_equal(inside(&(struct sandbox){ .spawn = true }, ACT_FORK), 1);
	assert_int_equal(inside(&(struct sandbox){ .spawn = true }, ACT_SOCKET), 0);
	assert_int_equal(inside(&(struct sandbox){ .fork = true }, ACT_FORK), 1);
	assert_int_equal(inside(&(struct sandbox){ .fork = true }, ACT_SOCKET), 0);
}

static void sandbox_executes_programs_only(void **unused)
{
	(void)unused;
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	struct err e = { 0 };
	buf_auto bytes = { 0 };
	int fd = mkstemp(copy_of_true);
	assert_int_equal(io_read_file("/bin/true", (size_t)1 << 20, &bytes, &e), 0);
	assert_int_equal(io_write_all(fd, bytes.data, bytes.length), 0);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	assert_true(act(ACT_RUN_COPY));
	struct sandbox reads = { .spawn = true }, executes = { .spawn = true };
	texts_add(&reads.reads, "/tmp");
	assert_int_equal(inside(&reads, ACT_RUN_COPY), 0);
	assert_int_equal(inside(&(struct sandbox){ .spawn = true }, ACT_RUN), 1);
	assert_int_equal(inside(&(struct sandbox){ .fork = true }, ACT_RUN), 0);
	texts_add(&executes.executes, "/tmp");
	assert_int_equal(inside(&executes, ACT_RUN_COPY), 1);
	unlink(copy_of_true);
}

static int confined_work(void *context, int out, struct err *e)
{
	const char *what = context;
	if (!strcmp(what, "die"))
		abort();
	if (!strcmp(what, "fail"))
		return err_set(e, STATUS_REFUSED, "told no");
	return io_write_all(out, what, strlen(what)) < 0 ? err_system(e, "write") : 0;
}

static void confined_children(void **unused)
{
	(void)unused;
	buf_auto out = { 0 };
	struct err e = { 0 };
	assert_int_equal(sandbox_child(confined_work, (void *)"hello", 5, &out, &e), 0);
	assert_string_equal(buf_text(&out), "hello");
	assert_int_equal(sandbox_child(confined_work, (void *)"too long", 5, &out, &e), -1);
	assert_int_equal(e.status, STATUS_LIMIT);
	assert_int_equal(sandbox_child(confined_work, (void *)"fail", 5, &out, &e), -1);
	assert_int_equal(e.status, STATUS_REFUSED);
	assert_string_equal(e.text, "told no");
	assert_int_equal(sandbox_child(confined_work, (void *)"die", 5, &out, &e), -1);
	assert_int_equal(e.status, STATUS_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),
		cmocka_unit_test(durations),
		cmocka_unit_test(json_is_strict),
		cmocka_unit_test(json_errors_hide_the_text),
		cmocka_unit_test(messages_escape),
		cmocka_unit_test(records),
		cmocka_unit_test(output_appears_whole_or_not_at_all),
		cmocka_unit_test(children),
		cmocka_unit_test(sandbox_denies),
		cmocka_unit_test(sandbox_executes_programs_only),
		cmocka_unit_test(confined_children),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
