// remote.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "net/url.h"
#include "oci/registry.h"
#include "tuf/bars.h"
#include "tuf/names.h"
#include "tuf/remote.h"
#include "tuf/remoteoci.h"
#include "tuf/tufoci.h"

static struct {
	struct texts repositories;
	const char *metadata, *targets;
} user;

const struct cmd_option remote_options[] = {
	CMD_TEXTS(0, "repo", "REPOSITORY", &user.repositories,
		"file:DIR, oci:DIR, docker://HOST/NAME or a URL; repeatable: mirrors"),
	CMD_TEXT(0, "metadata-url", "PLACE", &user.metadata, "where the metadata is, when not there"),
	CMD_TEXT(0, "targets-url", "PLACE", &user.targets, "where the targets are, when not there"),
	CMD_END,
};

struct half {      // metadata/ or targets/
	char *url; // ends in one `/`; NULL for a directory
	int directory;
	struct remoteoci *oci; // then both others are none
};

struct mirror {
	struct half metadata, targets;
};

struct remote {
	struct mirror *mirrors;
	size_t count;
};

bool remote_is_given(void)
{
	return user.repositories.count || user.metadata;
}

const char *remote_targets_place(size_t mirror)
{
	if (!mirror && user.targets)
		return user.targets;
	return mirror < user.repositories.count ? user.repositories.items[mirror] : NULL;
}

size_t remote_mirrors(const struct remote *r)
{
	return r->count;
}

// ---- opening ----

static bool is_url(const char *place)
{
	return !strncmp(place, "https://", 8) || !strncmp(place, "http://", 7);
}

bool remote_is_place(const char *text)
{
	return is_url(text) || tufoci_is_registry(text) || !strncmp(text, "file:", 5) || !strncmp(text, "oci:", 4);
}

// Once, however many are there, and before the first is opened, since a token given is for that one.
int remote_prepare_network(const char *place, struct sandbox *s, struct err *e)
{
	static bool prepared;
	if (prepared || !(is_url(place) || tufoci_is_registry(place)))
		return 0;
	prepared = true;
	http_cap_redirects(REMOTE_REDIRECTS_MAX);
	return registry_prepare(s, e);
}

static int open_directory(struct half *h, const char *path, bool required, struct sandbox *s, struct err *e)
{
	texts_add(&s->reads, path);
	h->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return h->directory < 0 && required ? err_open(e, path) : 0;
}

// `own` is the place of this half; else it is below the repository. targets/ may be missing where only metadata is wanted.
static int open_half(struct half *h, const char *own, const char *repository, const char *name, struct sandbox *s, struct err *e)
{
	const char *place = own ? own : repository;
	h->directory = -1;
	if (!place)
		return 0;
	if (remote_prepare_network(place, s, e) < 0)
		return -1;
	size_t n = strlen(place);
	bool slash = n && place[n - 1] == '/';
	if (is_url(place)) {
		h->url = mem_format("%s%s%s%s", place, slash ? "" : "/", own ? "" : name, own ? "" : "/");
		return url_check(h->url, e);
	}
	if (!strncmp(place, "oci:", 4) || tufoci_is_registry(place)) {
		h->oci = remoteoci_open(place, s, e);
		return h->oci ? 0 : -1;
	}
	if (strncmp(place, "file:", 5) != 0)
		return err_set(e, STATUS_USAGE, "'%s': not a repository: expected file:DIR, oci:DIR, docker://HOST/NAME or a URL",
			place);
	mem_auto char *path = own ? mem_text(place + 5) : mem_format("%s/%s", place + 5, name);
	return open_directory(h, path, own || !strcmp(name, "metadata"), s, e);
}

static int open_mirror(struct remote *r, const char *repository, const char *metadata, const char *targets, struct sandbox *s,
	struct err *e)
{
	r->mirrors = mem_resize(r->mirrors, r->count + 1, sizeof *r->mirrors);
	struct mirror *m = &r->mirrors[r->count++];
	*m = (struct mirror){ { NULL, -1, NULL }, { NULL, -1, NULL } };
	if (open_half(&m->metadata, metadata, repository, "metadata", s, e) < 0)
		return -1;
	m->targets.oci = targets || metadata ? NULL : m->metadata.oci;
	return m->targets.oci ? 0 : open_half(&m->targets, targets, repository, "targets", s, e);
}

// A mirror for each place; without places one of what the other two name.
static struct remote *open_mirrors(const struct texts *places, const char *metadata, const char *targets, struct sandbox *s,
	struct err *e)
{
	struct remote *r = mem_alloc(sizeof *r);
	int failed = places->count ? 0 : open_mirror(r, NULL, metadata, targets, s, e);
	for (size_t i = 0; i < places->count && !failed; i++)
		failed = open_mirror(r, places->items[i], metadata, targets, s, e);
	if (!failed)
		return r;
	remote_close(r);
	return NULL;
}

struct remote *remote_open(struct sandbox *s, struct err *e)
{
	if (user.repositories.count <= 1 || (!user.metadata && !user.targets))
		return open_mirrors(&user.repositories, user.metadata, user.targets, s, e);
	err_set(e, STATUS_USAGE, "options --metadata-url and --targets-url: for one --repo, not for several");
	return NULL;
}

struct remote *remote_open_mirrors(const struct texts *places, struct sandbox *s, struct err *e)
{
	return open_mirrors(places, NULL, NULL, s, e);
}

struct remote *remote_open_at(const char *repository, const char *metadata, const char *targets, struct sandbox *s, struct err *e)
{
	texts_auto places = { 0 };
	if (repository)
		texts_add(&places, repository);
	return open_mirrors(&places, metadata, targets, s, e);
}

static void close_half(struct half *h)
{
	free(h->url);
	if (h->directory >= 0)
		close(h->directory);
}

static void close_mirror(struct mirror *m)
{
	close_half(&m->metadata);
	close_half(&m->targets);
	if (m->targets.oci != m->metadata.oci) // else both are below one place
		remoteoci_close(m->targets.oci);
	remoteoci_close(m->metadata.oci);
}

void remote_close(struct remote *r)
{
	for (size_t i = 0; r && i < r->count; i++)
		close_mirror(&r->mirrors[i]);
	if (r)
		free(r->mirrors);
	free(r);
	texts_free(&user.repositories);
}

// ---- reading ----

static int open_file(const struct half *h, const char *file, struct err *e)
{
	struct stat st;
	io_auto int fd = h->directory < 0 ? -1 : path_open_beneath(h->directory, file, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return h->directory < 0 ? err_set(e, STATUS_NOT_FOUND, "'%s': nothing says where it is", file)
					: err_open(e, file);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, STATUS_REFUSED, "'%s': not a regular file", file);
	return io_steal(fd);
}

static int read_file(const struct half *h, const char *file, const struct remote_request *q, struct err *e)
{
	struct stat st;
	ssize_t n;
	int64_t left = q->limit - q->resume_from;
	io_auto int fd = open_file(h, file, e);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (lseek(fd, q->resume_from, SEEK_SET) < 0)
		return err_system(e, "'%s': cannot seek", file);
	if (q->begin)
		q->begin(q->context, st.st_size, q->resume_from);
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	while ((n = io_read_full(fd, chunk, IO_CHUNK)) > 0) {
		if (n > left)
			return err_set(e, STATUS_LIMIT, "'%s': more than %lld bytes", file, (long long)q->limit);
		if (q->sink(q->context, chunk, (size_t)n, e) < 0)
			return -1;
		left -= n;
	}
	return n < 0 ? err_system(e, "'%s': cannot read", file) : 0;
}

static int read_url(const char *url, struct remote_request *q, long *code, struct err *e)
{
	struct http_response response;
	struct http_request request = { .url = url,
		.limit = q->limit,
		.sink = q->sink,
		.restart = q->restart,
		.begin = q->begin,
		.context = q->context,
		.resume_from = q->validator ? q->resume_from : 0,
		.validator = q->resume_from ? q->validator : NULL };
	int result = http_get(&request, &response, e);
	*code = response.code;
	if (response.validator) {
		free(q->validator);
		q->validator = mem_text(response.validator);
	}
	http_response_free(&response);
	return result;
}

static int add_to_buf(void *context, const void *data, size_t length, struct err *e)
{
	(void)e;
	buf_add(context, data, length);
	return 0;
}

static int empty_buf(void *context, struct err *e)
{
	(void)e;
	((struct buf *)context)->length = 0;
	return 0;
}

static int read_metadata(const struct half *h, const char *role, int64_t version, struct remote_request *q, struct err *e)
{
	long code = 0;
	int result;
	if (h->url) {
		mem_auto char *name = names_role_url(role, version);
		mem_auto char *url = mem_format("%s%s", h->url, name);
		result = read_url(url, q, &code, e);
		free(q->validator);
		q->validator = NULL;
	} else if (h->oci) {
		result = remoteoci_metadata(h->oci, role, version, q, e);
	} else {
		mem_auto char *name = names_role_file(role, version);
		result = read_file(h, name, q, e);
	}
	bool none = h->url ? code == 404 || code == 403 : e->status == STATUS_NOT_FOUND;
	if (result < 0 && none && (e->status == STATUS_NOT_FOUND || e->status == STATUS_NOT_AUTHORISED))
		return 1;
	return result;
}

int remote_metadata(struct remote *r, const char *role, int64_t version, size_t limit, struct buf *out, struct err *e)
{
	int result = -1;
	struct remote_request q = { .limit = (int64_t)limit, .sink = add_to_buf, .restart = empty_buf, .context = out };
	for (size_t i = 0; i < r->count; i++) {
		struct err why = { 0 };
		out->length = 0;
		int got = read_metadata(&r->mirrors[i].metadata, role, version, &q, &why);
		if (!got)
			bars_whole(out->data, out->length);
		if (!got || (got > 0 && !strcmp(role, "root")))
			return got;
		if (i + 1 < r->count)
			msg_warn("%s: trying the next mirror", why.text);
		if (got < 0 && result < 0)
			*e = why;
		if (got > 0)
			result = got;
	}
	if (result > 0)
		*e = (struct err){ 0 };
	return result;
}

int64_t remote_former(struct remote *r, const char *role, int64_t version)
{
	const struct half *h = &r->mirrors[0].metadata;
	if (h->oci)
		return remoteoci_former(h->oci, role, version);
	return h->url ? 0 : names_former_version(h->directory, role, version);
}

char *remote_target_file(const char *path, const char *hash)
{
	struct buf out = { 0 };
	const char *base = names_is_plain_path(path) ? path_base(path) : NULL;
	if (base)
		buf_add(&out, path, (size_t)(base - path));
	if (hash)
		buf_add_format(&out, "%s.", hash);
	if (base)
		buf_add_text(&out, base);
	else
		names_file(path, &out);
	return buf_steal(&out);
}

// What is at `url_name` below the URL, or at `file_name` below the directory.
static int read_data(const struct half *h, const char *url_name, const char *file_name, struct remote_request *q, struct err *e)
{
	long code;
	if (!h->url)
		return read_file(h, file_name, q, e);
	mem_auto char *url = mem_format("%s%s", h->url, url_name);
	return read_url(url, q, &code, e);
}

static int read_target(const struct half *h, const char *path, const char *hash, struct remote_request *q, struct err *e)
{
	mem_auto char *url_name = names_target_url(path, hash);
	mem_auto char *file_name = remote_target_file(path, hash);
	return read_data(h, url_name, file_name, q, e);
}

int remote_target(struct remote *r, size_t mirror, const char *path, const char *hash, struct remote_request *q, struct err *e)
{
	const struct half *h = &r->mirrors[mirror].targets;
	return h->oci ? remoteoci_data(h->oci, path, hash, q, e) : read_target(h, path, hash, q, e);
}

int remote_manifest(struct remote *r, size_t mirror, const char *path, const char *hash, struct remote_request *q, struct err *e)
{
	const struct half *h = &r->mirrors[mirror].targets;
	return h->oci ? remoteoci_manifest(h->oci, hash, q, e) : read_target(h, path, hash, q, e);
}

static char *blob_file(const char *hash)
{
	return mem_format("blobs/sha256/%s", hash);
}

int remote_blob(struct remote *r, size_t mirror, const char *hash, struct remote_request *q, struct err *e)
{
	mem_auto char *name = blob_file(hash);
	const struct half *h = &r->mirrors[mirror].targets;
	return h->oci ? remoteoci_data(h->oci, NULL, hash, q, e) : read_data(h, name, name, q, e);
}

static int64_t size_of(const struct remote *r, const char *file, struct err *e)
{
	struct stat st;
	io_auto int fd = open_file(&r->mirrors[0].targets, file, e);
	if (fd < 0)
		return -1;
	return fstat(fd, &st) < 0 ? err_system(e, "'%s'", file) : st.st_size;
}

int64_t remote_target_size(const struct remote *r, const char *path, const char *hash, struct err *e)
{
	mem_auto char *name = remote_target_file(path, hash);
	return size_of(r, name, e);
}

static int ask_url(const char *url, int64_t *size, struct err *e)
{
	struct http_response response;
	struct http_request q = { .url = url, .method = "HEAD" };
	int result = http_get(&q, &response, e);
	*size = response.announced;
	http_response_free(&response);
	return result;
}

int64_t remote_blob_size(struct remote *r, const char *hash, struct err *e)
{
	int64_t size;
	mem_auto char *name = blob_file(hash);
	const struct half *h = &r->mirrors[0].targets;
	if (h->oci)
		return remoteoci_blob_size(h->oci, hash, e);
	if (!h->url)
		return size_of(r, name, e);
	mem_auto char *url = mem_format("%s%s", h->url, name);
	if (ask_url(url, &size, e) < 0)
		return -1;
	return size >= 0 ? size : err_set(e, STATUS_REFUSED, "'%s': the server does not tell its length", url);
}

int remote_ask_target(struct remote *r, const char *path, const char *hash, struct err *e)
{
	int64_t size;
	const struct half *h = &r->mirrors[0].targets;
	if (h->oci)
		return remoteoci_ask(h->oci, path, hash, e);
	if (!h->url)
		return remote_target_size(r, path, hash, e) < 0 ? -1 : 0;
	mem_auto char *name = names_target_url(path, hash);
	mem_auto char *url = mem_format("%s%s", h->url, name);
	return ask_url(url, &size, e);
}
