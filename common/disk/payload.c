// payload.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"
#include "disk/payload.h"

enum { PIPE_ROOM = 1 << 20 };

struct lane { // one thread
	struct run *run;
	struct xts *xts;
	unsigned char *data; // PAYLOAD_PIECE bytes
	pthread_cond_t turn; // of piece n, waited for at n % count: no two pieces in flight share it
	pthread_t thread;
};

struct piece {
	int64_t number;
	int64_t at;    // in the data
	size_t length; // with what was filled up
	bool last;     // the announced end
};

struct run {
	const struct payload *p; // a copy: lanes may outlive a call that failed
	struct payload asked;
	int64_t start; // where the data begin in a file that can be read anywhere, else -1
	pthread_mutex_t lock;
	pthread_cond_t readable; // a stream may be read
	pthread_cond_t workable; // one lane fewer is in the cipher
	pthread_cond_t ending;   // a lane ended, or left the cipher
	int64_t taken;           // pieces whose reading has begun
	int64_t turn;            // the piece to be written next
	bool reading;            // a stream is read by one lane at a time
	int working;             // lanes in the cipher
	bool ended;              // nothing is left to be read
	size_t lanes_left;
	struct err error; // of the first lane that failed
	struct lane lanes[PAYLOAD_JOBS_MAX + 2];
	size_t count;
};

// ---- what can be told without threads ----

int64_t payload_left(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		return -1;
	off_t here = lseek(fd, 0, SEEK_CUR);
	off_t end = S_ISREG(st.st_mode) ? st.st_size : lseek(fd, 0, SEEK_END);
	if (here < 0 || end < 0 || lseek(fd, here, SEEK_SET) < 0)
		return -1;
	return end > here ? end - here : 0;
}

int payload_default_jobs(void)
{
	return proc_processors(PAYLOAD_JOBS_MAX);
}

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

// ---- reading ----

static bool is_hole(int fd, int64_t at, size_t length)
{
	off_t next = lseek(fd, at, SEEK_DATA);
	return next < 0 ? errno == ENXIO : next >= at + (int64_t)length;
}

static bool is_skipped(const struct run *r, int64_t at, size_t length)
{
	bool is_free;
	return freemap_part(r->p->skip, at, at + (int64_t)length, &is_free) == at + (int64_t)length && is_free;
}

static ssize_t read_piece(const struct run *r, unsigned char *data, size_t length, int64_t at)
{
	int fd = r->p->in;
	if (is_skipped(r, at, length))
		return (ssize_t)length;
	if (r->start < 0)
		return io_read_full(fd, data, length);
	if (!is_hole(fd, r->start + at, length))
		return io_read_full_at(fd, data, length, r->start + at);
	memset(data, 0, length);
	return (ssize_t)length;
}

static int wrong_length(const struct run *r, int64_t found, struct err *e)
{
	const struct payload *p = r->p;
	if (found > p->in_bytes)
		return err_set(e, STATUS_MALFORMED, "%s: more than the %" PRId64 " bytes announced", p->subject, p->in_bytes);
	return err_set(e, STATUS_MALFORMED, "%s: truncated: %" PRId64 " of %" PRId64 " bytes", p->subject, found, p->in_bytes);
}

static int ends_within_sector(const struct run *r, int64_t found, struct err *e)
{
	return err_set(e, STATUS_MALFORMED, "%s: truncated: it ends within a sector, at %" PRId64 " bytes", r->p->subject, found);
}

// At the announced end: nothing may follow, and of a file nothing may be gone (a hole is not read, so it would not be missed).
static int check_end(const struct run *r, struct err *e)
{
	unsigned char byte;
	int64_t end = r->p->in_bytes;
	ssize_t last = r->start < 0 ? 1 : io_read_full_at(r->p->in, &byte, 1, r->start + end - 1);
	ssize_t more = r->start < 0 ? io_read_full(r->p->in, &byte, 1) : io_read_full_at(r->p->in, &byte, 1, r->start + end);
	if (last < 0 || more < 0)
		return err_system(e, "%s: cannot read", r->p->subject);
	return !last ? wrong_length(r, end - 1, e) : more ? wrong_length(r, end + 1, e) : 0;
}

// Reads one piece of the announced length. Returns 0 or -1.
static int read_announced(const struct run *r, struct piece *piece, unsigned char *data, struct err *e)
{
	int64_t left = r->p->in_bytes - piece->at;
	size_t want = left < PAYLOAD_PIECE ? (size_t)left : PAYLOAD_PIECE;
	ssize_t n = read_piece(r, data, want, piece->at);
	if (n < 0)
		return err_system(e, "%s: cannot read", r->p->subject);
	if ((size_t)n < want)
		return wrong_length(r, piece->at + n, e);
	piece->last = left == (int64_t)want;
	piece->length = round_up(want, r->p->sector);
	memset(data + want, 0, piece->length - want);
	return piece->last ? check_end(r, e) : 0;
}

// Reads one piece of a stream that ends when it ends; a length of 0 is its end.
static int read_unannounced(const struct run *r, struct piece *piece, unsigned char *data, struct err *e)
{
	ssize_t n = read_piece(r, data, PAYLOAD_PIECE, piece->at);
	if (n < 0)
		return err_system(e, "%s: cannot read", r->p->subject);
	if ((size_t)n % r->p->sector)
		return ends_within_sector(r, piece->at + n, e);
	piece->length = (size_t)n;
	return 0;
}

// Takes the next piece and reads it. False when there is none, or one has failed.
static bool take(struct run *r, struct piece *piece, unsigned char *data, struct err *e)
{
	bool stream = r->start < 0;
	pthread_mutex_lock(&r->lock);
	while (stream && r->reading && !r->ended && !r->error.status)
		pthread_cond_wait(&r->readable, &r->lock);
	bool known = r->p->in_bytes >= 0;
	*piece = (struct piece){ .number = r->taken, .at = r->taken * PAYLOAD_PIECE };
	r->ended = r->ended || (known && piece->at >= r->p->in_bytes);
	bool go = !r->ended && !r->error.status;
	r->taken += go;
	r->reading = r->reading || go;
	pthread_mutex_unlock(&r->lock);
	if (!go)
		return false;
	int failed = known ? read_announced(r, piece, data, e) : read_unannounced(r, piece, data, e);
	pthread_mutex_lock(&r->lock);
	r->reading = false;
	r->ended = r->ended || failed || piece->last || !piece->length;
	if (r->ended)
		pthread_cond_broadcast(&r->readable);
	else
		pthread_cond_signal(&r->readable);
	pthread_mutex_unlock(&r->lock);
	return !failed && piece->length;
}

// ---- the cipher and writing ----

static int cipher(const struct run *r, const struct lane *l, const struct piece *piece, struct err *e)
{
	int64_t end = piece->at + (int64_t)piece->length, next;
	for (int64_t at = piece->at; at < end; at = next) {
		bool is_free;
		next = freemap_part(r->p->skip, at, end, &is_free);
		unsigned char *data = l->data + (at - piece->at);
		if (is_free)
			memset(data, 0, (size_t)(next - at));
		else if (xts_run(l->xts, data, (size_t)(next - at), at, e) < 0)
			return -1;
	}
	return 0;
}

static int work(struct run *r, struct lane *l, const struct piece *piece, struct err *e)
{
	pthread_mutex_lock(&r->lock);
	while (r->working >= r->p->jobs && !r->error.status)
		pthread_cond_wait(&r->workable, &r->lock);
	bool go = !r->error.status;
	r->working += go;
	pthread_mutex_unlock(&r->lock);
	if (!go)
		return -1;
	int failed = cipher(r, l, piece, e);
	pthread_mutex_lock(&r->lock);
	r->working--;
	pthread_cond_signal(&r->workable);
	if (r->error.status)
		pthread_cond_signal(&r->ending);
	pthread_mutex_unlock(&r->lock);
	return failed;
}

// How much of it goes out.
static size_t out_length(const struct payload *p, const struct piece *piece)
{
	if (p->in_bytes < 0 || piece->at + (int64_t)piece->length <= p->out_bytes)
		return piece->length;
	return p->out_bytes > piece->at ? (size_t)(p->out_bytes - piece->at) : 0;
}

static int write_piece(const struct run *r, const unsigned char *data, const struct piece *piece, struct err *e)
{
	const struct payload *p = r->p;
	if (piece->last && p->arrived && p->arrived(p->context, e) < 0)
		return -1;
	return io_write_all(p->out, data, out_length(p, piece)) < 0 ? err_system(e, "stdout: cannot write") : 0;
}

static pthread_cond_t *turn_of(struct run *r, int64_t number)
{
	return &r->lanes[number % (int64_t)r->count].turn;
}

// Waits for the piece's turn and writes it. -1 also when another lane has failed, then with e untouched.
static int give(struct run *r, const unsigned char *data, const struct piece *piece, struct err *e)
{
	pthread_mutex_lock(&r->lock);
	while (r->turn != piece->number && !r->error.status)
		pthread_cond_wait(turn_of(r, piece->number), &r->lock);
	bool go = !r->error.status;
	pthread_mutex_unlock(&r->lock);
	if (!go || write_piece(r, data, piece, e) < 0)
		return -1;
	pthread_mutex_lock(&r->lock);
	r->turn++;
	if (r->p->moved)
		r->p->moved(r->p->context, (int64_t)out_length(r->p, piece));
	pthread_cond_signal(turn_of(r, r->turn));
	pthread_mutex_unlock(&r->lock);
	return 0;
}

// Every lane stops where it waits.
static void fail(struct run *r, const struct err *e)
{
	pthread_mutex_lock(&r->lock);
	if (!r->error.status)
		r->error = *e;
	pthread_cond_broadcast(&r->readable);
	pthread_cond_broadcast(&r->workable);
	for (size_t i = 0; i < r->count; i++)
		pthread_cond_broadcast(&r->lanes[i].turn);
	pthread_mutex_unlock(&r->lock);
}

static void *carry(void *lane)
{
	struct lane *l = lane;
	struct run *r = l->run;
	struct piece piece;
	struct err e = { 0 };
	while (take(r, &piece, l->data, &e) && work(r, l, &piece, &e) == 0 && give(r, l->data, &piece, &e) == 0)
		;
	if (e.status)
		fail(r, &e);
	pthread_mutex_lock(&r->lock);
	r->lanes_left--;
	pthread_cond_signal(&r->ending);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

// ---- the run ----

static size_t lanes_wanted(const struct payload *p)
{
	size_t wanted = (size_t)p->jobs + 2;
	int64_t pieces = p->in_bytes < 0 ? INT64_MAX : (p->in_bytes + PAYLOAD_PIECE - 1) / PAYLOAD_PIECE;
	return pieces < (int64_t)wanted ? (size_t)pieces : wanted;
}

static int prepare(struct run *r, struct err *e)
{
	const struct payload *p = r->p;
	r->count = lanes_wanted(p);
	for (size_t i = 0; i < r->count; i++) {
		struct lane *l = &r->lanes[i];
		*l = (struct lane){ .run = r, .xts = xts_open(p->key, p->encrypt, p->sector, e) };
		if (!l->xts)
			return -1;
		pthread_cond_init(&l->turn, NULL);
		if (posix_memalign((void **)&l->data, 4096, PAYLOAD_PIECE))
			return err_set(e, STATUS_SYSTEM, "out of memory");
	}
	return 0;
}

static void start(struct run *r)
{
	struct err e = { 0 };
	r->lanes_left = r->count; // no thread yet: no lock
	for (size_t i = 0; i < r->count && !e.status; i++)
		if ((errno = pthread_create(&r->lanes[i].thread, NULL, carry, &r->lanes[i])))
			err_system(&e, "cannot start a thread");
	if (e.status)
		fail(r, &e);
}

// Waits until a lane ends, and each second that nothing moved says so, since whoever watches wants to see the time go on.
static void watch(struct run *r)
{
	struct timespec until;
	int64_t turn = r->turn;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	if (pthread_cond_timedwait(&r->ending, &r->lock, &until) == ETIMEDOUT && r->turn == turn && r->p->moved)
		r->p->moved(r->p->context, 0);
}

// A lane that waits for a pipe cannot be told to stop: after a failure it is not waited for, and what it uses stays. None may be in the
// cipher then, since the process is about to end and OpenSSL with it.
static int finish(struct run *r, struct err *e)
{
	pthread_mutex_lock(&r->lock);
	while (r->error.status ? r->working > 0 : r->lanes_left > 0)
		watch(r);
	bool failed = r->error.status != STATUS_OK;
	if (failed)
		*e = r->error;
	pthread_mutex_unlock(&r->lock);
	if (failed)
		return -1;
	for (size_t i = 0; i < r->count; i++) {
		pthread_join(r->lanes[i].thread, NULL);
		xts_close(r->lanes[i].xts);
		free(r->lanes[i].data);
	}
	if (r->start >= 0)
		lseek(r->p->in, 0, SEEK_END); // where a reader would have ended
	free(r);
	return 0;
}

// A pipe holds 64 KiB unless told: a part of a piece, and a switch of processes for each. Linux allows everyone PIPE_ROOM. Where it is
// no pipe nothing happens.
static void widen_pipe(int fd)
{
	if (fcntl(fd, F_GETPIPE_SZ) < PIPE_ROOM && fcntl(fd, F_SETPIPE_SZ, PIPE_ROOM) < 0)
		return;
}

int payload_run(const struct payload *p, struct err *e)
{
	struct run *r = mem_alloc(sizeof *r);
	int64_t left = payload_left(p->in);
	r->asked = *p;
	r->p = &r->asked;
	r->start = left < 0 ? -1 : (int64_t)lseek(p->in, 0, SEEK_CUR);
	if (left >= 0 && p->in_bytes < 0)
		r->asked.in_bytes = r->asked.out_bytes = left;
	if (left >= 0 && left != r->p->in_bytes)
		return wrong_length(r, left, e);
	if (p->in_bytes < 0 && left > 0 && left % (int64_t)p->sector)
		return ends_within_sector(r, left, e);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->readable, NULL);
	pthread_cond_init(&r->workable, NULL);
	pthread_cond_init(&r->ending, NULL);
	widen_pipe(p->in);
	widen_pipe(p->out);
	if (prepare(r, e) < 0)
		return -1;
	start(r);
	return finish(r, e);
}
