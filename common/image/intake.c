// intake.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "crypto/hash.h"
#include "image/intake.h"

// Blocks stay in the cache the cores share until both sides are done with them; enough of them that a pause of one side, as when the
// server has its core, does not stop the other.
enum { BLOCK = 256 * 1024, BLOCKS = 16, FEED_PIPE = 1024 * 1024 };

// Written back this often while more comes, or the fsync at the end would wait for all of it.
enum { WRITEBACK = 8 * 1024 * 1024 };

struct intake {
	int fd;
	int feed; // to the child, -1 without one
	bool scans;
	const struct codec_limits *limits;
	int feed_source; // the child's end
	struct sandbox_child child;
	struct hash *sha256, *sha512;
	int64_t size, written_back;

	char *blocks[BLOCKS];
	size_t filled[BLOCKS]; // bytes of a block that is handed over
	size_t in_block;       // bytes in the one being filled
	unsigned given, taken; // blocks handed over and done with, ever
	bool ended, child_left, threaded;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

// ---- the other core: hashes and feeds ----

static void consume(struct intake *in, const char *data, size_t length)
{
	hash_add(in->sha256, data, length);
	if (in->sha512)
		hash_add(in->sha512, data, length);
	if (in->feed >= 0 && !in->child_left && io_write_all(in->feed, data, length) < 0)
		__atomic_store_n(&in->child_left, true, __ATOMIC_RELAXED);
}

static void *consumer(void *context)
{
	struct intake *in = context;
	pthread_mutex_lock(&in->lock);
	for (;;) {
		while (in->taken == in->given && !in->ended)
			pthread_cond_wait(&in->changed, &in->lock);
		if (in->taken == in->given)
			break;
		unsigned at = in->taken % BLOCKS;
		pthread_mutex_unlock(&in->lock);
		consume(in, in->blocks[at], in->filled[at]);
		pthread_mutex_lock(&in->lock);
		in->taken++;
		if (in->given - in->taken <= BLOCKS / 2) // worth waking the other side for
			pthread_cond_signal(&in->changed);
	}
	pthread_mutex_unlock(&in->lock);
	return NULL;
}

// A child that ended early must be an error of write, not a signal: blocked here, it is forgotten with the thread.
static int start_thread(struct intake *in, struct err *e)
{
	sigset_t pipes, before;
	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipes, &before);
	errno = pthread_create(&in->thread, NULL, consumer, in);
	in->threaded = !errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return in->threaded ? 0 : err_system(e, "cannot start a thread");
}

static void hand_over(struct intake *in)
{
	in->filled[in->given % BLOCKS] = in->in_block;
	in->in_block = 0;
	pthread_mutex_lock(&in->lock);
	in->given++;
	pthread_cond_signal(&in->changed);
	pthread_mutex_unlock(&in->lock);
}

// The block being filled, or the next one as soon as the other core is done with it.
static char *free_block(struct intake *in)
{
	unsigned at = in->given % BLOCKS;
	if (!in->in_block) {
		pthread_mutex_lock(&in->lock);
		while (in->given - in->taken == BLOCKS)
			pthread_cond_wait(&in->changed, &in->lock);
		pthread_mutex_unlock(&in->lock);
	}
	if (!in->blocks[at])
		in->blocks[at] = mem_alloc(BLOCK);
	return in->blocks[at];
}

static void join(struct intake *in)
{
	if (!in->threaded)
		return;
	pthread_mutex_lock(&in->lock);
	in->ended = true;
	pthread_cond_signal(&in->changed);
	pthread_mutex_unlock(&in->lock);
	pthread_join(in->thread, NULL);
	in->threaded = false;
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
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->changed, NULL);
	in->sha256 = hash_start(DIGEST_SHA256);
	in->sha512 = sha512 ? hash_start(DIGEST_SHA512) : NULL;
	if ((!in->scans || start_child(in, e) == 0) && start_thread(in, e) == 0)
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

// A hint, which some file systems do not take: what decides is the fsync when the blob gets its name.
static void start_writeback(struct intake *in)
{
	if (in->size - in->written_back < WRITEBACK)
		return;
	sync_file_range(in->fd, in->written_back, in->size - in->written_back, SYNC_FILE_RANGE_WRITE);
	in->written_back = in->size;
}

// The file is written while the other core reads the same block.
static int write_block(struct intake *in, bool stored, struct err *e)
{
	const char *block = in->blocks[in->given % BLOCKS];
	size_t length = in->in_block;
	hand_over(in);
	if (!stored && io_write_all(in->fd, block, length) < 0)
		return err_system(e, "cannot write to the store");
	in->size += (int64_t)length;
	if (!stored)
		start_writeback(in);
	return check_child(in, e);
}

int intake_add(struct intake *in, const void *data, size_t length, struct err *e)
{
	const char *at = data;
	while (length) {
		char *block = free_block(in);
		size_t n = BLOCK - in->in_block < length ? BLOCK - in->in_block : length;
		memcpy(block + in->in_block, at, n);
		in->in_block += n;
		at += n;
		length -= n;
		if (in->in_block == BLOCK && write_block(in, false, e) < 0)
			return -1;
	}
	return 0;
}

int intake_add_stored(struct intake *in, int64_t length, struct err *e)
{
	while (length) {
		char *block = free_block(in);
		ssize_t n = io_read_full(in->fd, block, length < BLOCK ? (size_t)length : BLOCK);
		if (n <= 0)
			return err_set(e, STATUS_SYSTEM, "cannot read the part that is there");
		in->in_block = (size_t)n;
		length -= n;
		if (write_block(in, true, e) < 0)
			return -1;
	}
	return 0;
}

int intake_flush(struct intake *in, struct err *e)
{
	return in->in_block ? write_block(in, false, e) : 0;
}

static void release(struct intake *in)
{
	for (size_t i = 0; i < BLOCKS; i++)
		free(in->blocks[i]);
	pthread_mutex_destroy(&in->lock);
	pthread_cond_destroy(&in->changed);
	free(in);
}

int intake_finish(struct intake *in, struct intake_result *result, struct err *e)
{
	int failed = intake_flush(in, e);
	*result = (struct intake_result){ .size = in->size };
	join(in);
	if (failed) {
		intake_abort(in, e);
		return -1;
	}
	if (in->feed >= 0)
		close(in->feed);
	hash_finish(in->sha256, result->sha256);
	if (in->sha512)
		hash_finish(in->sha512, result->sha512);
	buf_auto text = { 0 };
	if (in->scans)
		failed = sandbox_child_finish(&in->child, ACI_SCAN_TEXT_MAX, &text, e) < 0 ||
			aci_scan_receive(&text, &result->scan, e) < 0;
	release(in);
	return failed ? -1 : 0;
}

void intake_abort(struct intake *in, struct err *e)
{
	struct err told = { 0 };
	buf_auto text = { 0 };
	if (!in)
		return;
	join(in);
	bool asked = in->child_left; // it ended before its input did, so it has something to say
	if (in->feed >= 0)
		close(in->feed);
	if (in->scans && sandbox_child_finish(&in->child, ACI_SCAN_TEXT_MAX, &text, &told) < 0 && asked)
		*e = told;
	hash_free(in->sha256);
	hash_free(in->sha512);
	release(in);
}
