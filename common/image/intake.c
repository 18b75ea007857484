// intake.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "crypto/hash.h"
#include "image/fanout.h"
#include "image/intake.h"

// Written back this often while more comes, or the fsync at the end would wait for all of it.
enum { FEED_PIPE = 1024 * 1024, WRITEBACK = 8 * 1024 * 1024 };

struct intake {
	int fd;
	int feed; // to the child, -1 without one
	bool scans;
	const struct codec_limits *limits;
	int feed_source; // the child's end
	struct sandbox_child child;
	struct hash *sha256, *sha512;
	int64_t size;   // bytes that were added
	int64_t stored; // of them, at their start: in the file already
	int64_t written, written_back;
	bool child_left;
	struct fanout *fanout;
};

// ---- the consumers ----

static int hash_and_feed(void *context, const void *data, size_t length, struct err *e)
{
	(void)e;
	struct intake *in = context;
	hash_add(in->sha256, data, length);
	if (in->sha512)
		hash_add(in->sha512, data, length);
	if (in->feed >= 0 && !in->child_left && io_write_all(in->feed, data, length) < 0)
		__atomic_store_n(&in->child_left, true, __ATOMIC_RELAXED);
	return 0;
}

// A hint, which some file systems do not take: what decides is the fsync when the blob gets its name.
static void start_writeback(struct intake *in)
{
	if (in->written - in->written_back < WRITEBACK)
		return;
	sync_file_range(in->fd, in->written_back, in->written - in->written_back, SYNC_FILE_RANGE_WRITE);
	in->written_back = in->written;
}

// No piece holds bytes that are stored and others that are not.
static int write_out(void *context, const void *data, size_t length, struct err *e)
{
	struct intake *in = context;
	bool stored = in->written < in->stored;
	if (!stored && io_write_all(in->fd, data, length) < 0)
		return err_system(e, "cannot write to the store");
	in->written += (int64_t)length;
	if (stored)
		in->written_back = in->written;
	start_writeback(in);
	return 0;
}

// A child that ended early must be an error of write, not a signal: blocked here, it is forgotten with the thread.
static int start_threads(struct intake *in, struct err *e)
{
	const struct fanout_consumer consumers[] = { { hash_and_feed, in }, { write_out, in } };
	sigset_t pipes, before;
	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipes, &before);
	in->fanout = fanout_start(consumers, ARRAY_LENGTH(consumers), e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return in->fanout ? 0 : -1;
}

// ---- the child ----

static int scan(void *context, int out, struct err *e)
{
	struct intake *in = context;
	close(in->feed); // or the end of the bytes would never be seen
	close(in->fd);   // nor its lock given up
	return aci_scan_send(aci_source_fd, &in->feed_source, in->limits, out, e);
}

static int start_child(struct intake *in, struct err *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_system(e, "cannot make a pipe");
	fcntl(ends[1], F_SETPIPE_SZ, FEED_PIPE);
	in->feed_source = ends[0];
	in->feed = ends[1];
	int failed = sandbox_child_start(&in->child, scan, in, e);
	close(in->feed_source);
	return failed;
}

struct intake *intake_start(int fd, bool sha512, const struct codec_limits *limits, struct err *e)
{
	struct intake *in = mem_alloc(sizeof *in);
	in->fd = fd;
	in->feed = -1;
	in->limits = limits;
	in->scans = limits != NULL;
	in->child = (struct sandbox_child){ .pid = -1, .out = -1, .report = -1 };
	in->sha256 = hash_start(DIGEST_SHA256);
	in->sha512 = sha512 ? hash_start(DIGEST_SHA512) : NULL;
	if ((!in->scans || start_child(in, e) == 0) && start_threads(in, e) == 0)
		return in;
	intake_abort(in, e);
	return NULL;
}

// ---- the caller's side ----

static int check_child(const struct intake *in, struct err *e)
{
	bool left = __atomic_load_n(&in->child_left, __ATOMIC_RELAXED);
	return left ? err_set(e, STATUS_MALFORMED, "not a whole App Container Image") : 0;
}

int intake_add(struct intake *in, const void *data, size_t length, struct err *e)
{
	in->size += (int64_t)length;
	return fanout_add(in->fanout, data, length, e) < 0 ? -1 : check_child(in, e);
}

int intake_add_stored(struct intake *in, int64_t length, struct err *e)
{
	in->stored = length;
	while (in->size < length) {
		size_t room;
		char *piece = fanout_room(in->fanout, &room);
		int64_t left = length - in->size;
		ssize_t n = io_read_full(in->fd, piece, left < (int64_t)room ? (size_t)left : room);
		if (n <= 0)
			return err_set(e, STATUS_SYSTEM, "cannot read the part that is there");
		if (intake_add(in, piece, (size_t)n, e) < 0)
			return -1;
	}
	return fanout_cut(in->fanout, e);
}

static int join(struct intake *in, struct err *e)
{
	struct fanout *fanout = mem_steal(in->fanout);
	return fanout ? fanout_finish(fanout, e) : 0;
}

int intake_finish(struct intake *in, struct intake_result *result, struct err *e)
{
	*result = (struct intake_result){ .size = in->size };
	if (join(in, e) < 0) {
		intake_abort(in, e);
		return -1;
	}
	if (in->feed >= 0)
		close(in->feed);
	hash_finish(in->sha256, result->sha256);
	if (in->sha512)
		hash_finish(in->sha512, result->sha512);
	buf_auto text = { 0 };
	int failed = 0;
	if (in->scans)
		failed = sandbox_child_finish(&in->child, ACI_SCAN_TEXT_MAX, &text, e) < 0 ||
			aci_scan_receive(&text, &result->scan, e) < 0;
	free(in);
	return failed ? -1 : 0;
}

void intake_abort(struct intake *in, struct err *e)
{
	struct err told = { 0 }, ignored = { 0 };
	buf_auto text = { 0 };
	if (!in)
		return;
	join(in, &ignored);
	bool asked = in->child_left; // it ended before its input did, so it has something to say
	if (in->feed >= 0)
		close(in->feed);
	if (in->scans && sandbox_child_finish(&in->child, ACI_SCAN_TEXT_MAX, &text, &told) < 0 && asked)
		*e = told;
	hash_free(in->sha256);
	hash_free(in->sha512);
	free(in);
}
