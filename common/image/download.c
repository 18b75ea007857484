// download.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/progress.h"
#include "crypto/hash.h"
#include "image/download.h"
#include "net/url.h"

enum { STATE_MAX = 64 * 1024 };

struct run { // one download_run
	struct store *store;
	const struct download_request *request;
	struct download *download;
	struct http_response response;
	struct intake *intake;
	struct progress progress;
	bool shows;          // progress has begun
	int64_t counted;     // bytes that `told` knows of
	int64_t limit;       // bytes: of the request, and not more than the size it names
	bool content_failed; // the sink said no
	bool limited;
};

// ---- the partial file and its state ----

// Opens and locks the partial file. Returns 0, 1 when another process is at it, or -1.
static int open_partial(struct run *r, struct err *e)
{
	struct io_output *o = &r->download->o;
	struct stat opened, named;
	for (;;) {
		o->fd = openat(o->directory, o->aside, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
		if (o->fd < 0 || fstat(o->fd, &opened) < 0)
			return err_system(e, "'%s/%s': cannot open", store_path(r->store), o->aside);
		if (!S_ISREG(opened.st_mode))
			return err_set(e, STATUS_REFUSED, "'%s/%s': not a regular file", store_path(r->store), o->aside);
		if (flock(o->fd, LOCK_EX | LOCK_NB) < 0)
			return 1;
		bool same = fstatat(o->directory, o->aside, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == opened.st_ino;
		if (same)
			return 0;
		close(o->fd); // it became a blob between open and lock
	}
}

// Where the bytes go: the URL's partial file or, where that is in use or of no use, a nameless one.
static int open_file(struct run *r, struct err *e)
{
	struct download *d = r->download;
	char digest[DIGEST_TEXT_MAX];
	if (r->request->source >= 0)
		return store_create_blob(r->store, &d->o, e);
	const char *name = r->request->ask ? r->request->digest : r->request->url;
	hash_bytes(DIGEST_SHA256, name, strlen(name), digest);
	const char *hex = digest_digits(digest);
	d->o = (struct io_output){ .fd = -1, .directory = store_directory(r->store) };
	d->o.name = mem_format("partial/%s", hex);
	d->o.aside = mem_text(d->o.name);
	int busy = open_partial(r, e);
	if (!busy) {
		d->state = mem_format("partial/%s.json", hex);
		return 0;
	}
	free(mem_steal(d->o.aside)); // it is the other's
	io_discard(&d->o);
	return busy < 0 ? -1 : store_create_blob(r->store, &d->o, e);
}

// The validator of the bytes that are there, malloced, or NULL.
static char *read_state(const struct run *r)
{
	struct err ignored = { 0 };
	buf_auto text = { 0 };
	const char *name = r->download->state;
	io_auto int fd = name ? openat(r->download->o.directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	if (fd < 0 || io_read_stream(fd, STATE_MAX, name, &text, &ignored) < 0)
		return NULL;
	jsonio_auto json_t *state = jsonio_parse(buf_text(&text), text.length, name, &ignored);
	const char *url = jsonio_get_text(state, "url", &ignored);
	const char *validator = jsonio_get_text(state, "validator", &ignored);
	return url && validator && !strcmp(url, r->request->url) ? mem_text(validator) : NULL;
}

static void forget_state(const struct download *d)
{
	if (d->state)
		unlinkat(d->o.directory, d->state, 0);
}

// Best effort: without it the next process begins again.
static void write_state(const struct run *r)
{
	struct err ignored = { 0 };
	if (!r->download->state || r->request->ask)
		return;
	if (!r->response.validator) {
		forget_state(r->download);
		return;
	}
	jsonio_auto json_t *state = json_pack("{s:s, s:s}", "url", r->request->url, "validator", r->response.validator);
	mem_auto char *text = jsonio_text(state);
	io_write_file(r->download->o.directory, r->download->state, 0644, text, strlen(text), &ignored);
}

// ---- what http_get and the reading of a file do with the bytes ----

static int begin_intake(struct run *r, struct err *e)
{
	enum digest_algorithm algorithm = DIGEST_SHA256;
	if (r->request->digest)
		digest_valid(r->request->digest, &algorithm, NULL);
	r->intake = intake_start(r->download->o.fd, algorithm == DIGEST_SHA512, r->request->limits, e);
	return r->intake ? 0 : -1;
}

static int tell(struct run *r, int64_t bytes, struct err *e)
{
	if (r->request->told)
		return r->request->told(r->request->told_context, bytes, e);
	progress_add(&r->progress, bytes);
	return 0;
}

static int on_data(void *context, const void *data, size_t length, struct err *e)
{
	struct run *r = context;
	r->counted += (int64_t)length;
	if (tell(r, (int64_t)length, e) < 0)
		return -1;
	if (intake_add(r->intake, data, length, e) == 0)
		return 0;
	r->content_failed = true;
	return -1;
}

static int on_restart(void *context, struct err *e)
{
	struct run *r = context;
	struct err ignored = { 0 };
	intake_abort(mem_steal(r->intake), &ignored);
	if (lseek(r->download->o.fd, 0, SEEK_SET) < 0 || ftruncate(r->download->o.fd, 0) < 0)
		return err_system(e, "cannot empty the partial file");
	return begin_intake(r, e);
}

static void on_begin(void *context, int64_t total, int64_t from)
{
	struct run *r = context;
	if (!from)
		write_state(r);
	if (!r->shows && !r->request->told)
		progress_start(&r->progress, r->request->label, total);
	if (r->request->told)
		r->request->told(r->request->told_context, from - r->counted, &(struct err){ 0 });
	r->counted = from;
	r->shows = r->progress.told = true;
	r->progress.total = total;
	r->progress.done = from;
}

static int get(struct run *r, struct err *e)
{
	struct stat st;
	mem_auto char *validator = r->request->ask ? NULL : read_state(r);
	bool goes_on = validator || r->request->ask;
	if (fstat(r->download->o.fd, &st) < 0 || (!goes_on && ftruncate(r->download->o.fd, 0) < 0))
		return err_system(e, "cannot look at the partial file");
	int64_t have = goes_on && st.st_size <= r->limit ? st.st_size : 0;
	if (have < st.st_size && ftruncate(r->download->o.fd, 0) < 0)
		return err_system(e, "cannot empty the partial file");
	if (have && intake_add_stored(r->intake, have, e) < 0) {
		r->content_failed = true;
		return -1;
	}
	struct http_request q = { .url = r->request->url,
		.limit = r->limit,
		.resume_from = have,
		.by_digest = r->request->ask,
		.validator = have ? validator : r->request->validator,
		.sink = on_data,
		.context = r,
		.restart = on_restart,
		.begin = on_begin };
	if (r->request->ask && have && have == r->request->size) { // and nothing is left to ask for
		on_begin(r, have, have);
		return 0;
	}
	int result =
		r->request->ask ? r->request->ask(r->request->ask_context, &q, &r->response, e) : http_get(&q, &r->response, e);
	r->download->validator = mem_text(r->response.code == 416 ? validator : r->response.validator);
	r->download->unchanged = !result && r->response.code == 304;
	return result;
}

static int copy(struct run *r, struct err *e)
{
	struct stat st;
	int source = r->request->source;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	ssize_t n;
	int64_t total = 0;
	bool regular = fstat(source, &st) == 0 && S_ISREG(st.st_mode);
	if (lseek(source, 0, SEEK_SET) < 0 && errno != ESPIPE)
		return err_system(e, "cannot read");
	on_begin(r, regular ? st.st_size : -1, 0);
	r->progress.told = false; // nothing is downloaded
	while ((n = io_read_full(source, chunk, IO_CHUNK)) > 0) {
		total += n;
		if (total > r->limit) {
			r->content_failed = true;
			return err_set(e, STATUS_LIMIT, "longer than the limit of %" PRId64 " bytes", r->limit);
		}
		if (on_data(r, chunk, (size_t)n, e) < 0)
			return -1;
	}
	return n < 0 ? err_system(e, "cannot read") : 0;
}

// ---- the verdict ----

static int check(const struct download_request *q, const struct intake_result *is, struct err *e)
{
	if (q->size >= 0 && is->size != q->size)
		return err_set(e, STATUS_REFUSED, "size mismatch: expected %" PRId64 " bytes, found %" PRId64, q->size, is->size);
	const char *found = q->digest && !strncmp(q->digest, "sha512", 6) ? is->sha512 : is->sha256;
	if (q->digest && strcmp(q->digest, found) != 0)
		return err_set(e, STATUS_REFUSED, "digest mismatch: expected %s, found %s", q->digest, found);
	return 0;
}

static int settle(struct run *r, int got, struct err *e)
{
	struct download *d = r->download;
	r->limited = got < 0 && e->status == STATUS_LIMIT;
	bool of_body = r->shows || r->response.announced > r->limit;
	if (r->limited && of_body && r->limit == r->request->size)
		err_set(e, STATUS_REFUSED, "size mismatch: expected %" PRId64 " bytes, more came", r->request->size);
	bool own_display = r->shows && !r->request->told;
	if (own_display && got < 0)
		progress_abort(&r->progress);
	else if (own_display)
		progress_end(&r->progress);
	if (got < 0 || d->unchanged) {
		d->failed_on_way = got < 0 && !r->content_failed && !r->limited;
		intake_abort(mem_steal(r->intake), e);
		return got;
	}
	return intake_finish(mem_steal(r->intake), &d->is, e) < 0 ? -1 : check(r->request, &d->is, e);
}

void download_keep(struct download *d)
{
	struct stat st;
	bool useful = d->state && d->o.fd >= 0 && fstat(d->o.fd, &st) == 0 && st.st_size > 0 &&
		(d->by_digest || !faccessat(d->o.directory, d->state, F_OK, 0));
	if (useful) {
		free(mem_steal(d->o.aside));
		free(mem_steal(d->state));
	}
	download_discard(d);
}

int download_run(struct store *s, const struct download_request *request, struct download *d, struct err *e)
{
	struct run r = { .store = s, .request = request, .download = d };
	r.limit = request->size >= 0 && request->size < request->limit ? request->size : request->limit;
	*d = (struct download){ .o.fd = -1, .by_digest = request->ask };
	if (open_file(&r, e) < 0 || begin_intake(&r, e) < 0) {
		download_discard(d);
		return -1;
	}
	int got = request->source >= 0 ? copy(&r, e) : get(&r, e);
	int result = settle(&r, got, e);
	http_response_free(&r.response);
	if (result < 0 && (got == 0 || r.content_failed)) {
		mem_auto char *shown = url_shown(request->url);
		err_context(e, "'%.200s'", shown);
	}
	bool hopeless = e->status == STATUS_MALFORMED || e->status == STATUS_LIMIT; // it would only fail in the same way again
	if (result < 0 && d->failed_on_way && !hopeless)
		download_keep(d);
	else if (result < 0 || d->unchanged)
		download_discard(d);
	return result;
}

int download_commit(struct store *s, struct download *d, struct err *e)
{
	forget_state(d);
	free(mem_steal(d->state));
	return store_commit_blob(s, &d->o, d->is.sha256, e);
}

void download_discard(struct download *d)
{
	if (d->o.fd >= 0)
		forget_state(d);
	io_discard(&d->o);
	json_decref(mem_steal(d->is.scan.manifest));
	free(mem_steal(d->validator));
	free(mem_steal(d->state));
}
