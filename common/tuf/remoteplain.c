// remoteplain.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "net/url.h"
#include "tuf/names.h"
#include "tuf/remoteplain.h"

// ---- opening ----

bool remoteplain_is_url(const char *place)
{
	return !strncmp(place, "https://", 8) || !strncmp(place, "http://", 7);
}

static int open_directory(struct remoteplain *p, const char *path, bool required, struct sandbox *s, struct err *e)
{
	texts_add(&s->reads, path);
	p->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->directory < 0 && required ? err_open(e, path) : 0;
}

int remoteplain_open(struct remoteplain *p, const char *place, const char *below, struct sandbox *s, struct err *e)
{
	size_t n = strlen(place);
	if (remoteplain_is_url(place)) {
		p->url = mem_format("%s%s%s%s", place, place[n - 1] == '/' ? "" : "/", below ? below : "", below ? "/" : "");
		return url_check(p->url, e);
	}
	if (strncmp(place, "file:", 5) != 0)
		return err_set(e, STATUS_USAGE, "'%s': not a repository: expected file:DIR, oci:DIR, docker://HOST/NAME or a URL",
			place);
	mem_auto char *path = below ? mem_format("%s/%s", place + 5, below) : mem_text(place + 5);
	return open_directory(p, path, !below || !strcmp(below, "metadata"), s, e);
}

void remoteplain_close(struct remoteplain *p)
{
	free(p->url);
	if (p->directory >= 0)
		close(p->directory);
}

// ---- one file ----

static int open_file(const struct remoteplain *p, const char *file, struct err *e)
{
	struct stat st;
	io_auto int fd = p->directory < 0 ? -1 : path_open_beneath(p->directory, file, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return p->directory < 0 ? err_set(e, STATUS_NOT_FOUND, "'%s': nothing says where it is", file)
					: err_open(e, file);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, STATUS_REFUSED, "'%s': not a regular file", file);
	return io_steal(fd);
}

static int read_file(const struct remoteplain *p, const char *file, const struct remote_request *q, struct err *e)
{
	struct stat st;
	ssize_t n;
	int64_t left = q->limit - q->resume_from;
	io_auto int fd = open_file(p, file, e);
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

static int read_below(const struct remoteplain *p, const char *name, struct remote_request *q, long *code, struct err *e)
{
	mem_auto char *url = mem_format("%s%s", p->url, name);
	return read_url(url, q, code, e);
}

// ---- what is there ----

int remoteplain_metadata(const struct remoteplain *p, const char *role, int64_t version, struct remote_request *q, struct err *e)
{
	long code = 0;
	if (!p->url) {
		mem_auto char *file = names_role_file(role, version);
		int result = read_file(p, file, q, e);
		return result < 0 && e->status == STATUS_NOT_FOUND ? 1 : result;
	}
	mem_auto char *name = names_role_url(role, version);
	int result = read_below(p, name, q, &code, e);
	free(q->validator);
	q->validator = NULL;
	bool none = (code == 404 || code == 403) && (e->status == STATUS_NOT_FOUND || e->status == STATUS_NOT_AUTHORISED);
	return result < 0 && none ? 1 : result;
}

int64_t remoteplain_former(const struct remoteplain *p, const char *role, int64_t version)
{
	return p->url ? 0 : names_former_version(p->directory, role, version);
}

int remoteplain_target(const struct remoteplain *p, const char *path, const char *hash, struct remote_request *q, struct err *e)
{
	long code;
	mem_auto char *name = p->url ? names_target_url(path, hash) : names_target_file(path, hash);
	return p->url ? read_below(p, name, q, &code, e) : read_file(p, name, q, e);
}

static char *blob_name(const char *hash)
{
	return mem_format("blobs/sha256/%s", hash);
}

int remoteplain_blob(const struct remoteplain *p, const char *hash, struct remote_request *q, struct err *e)
{
	long code;
	mem_auto char *name = blob_name(hash);
	return p->url ? read_below(p, name, q, &code, e) : read_file(p, name, q, e);
}

// ---- what is said of it ----

static int64_t file_size(const struct remoteplain *p, const char *file, struct err *e)
{
	struct stat st;
	io_auto int fd = open_file(p, file, e);
	if (fd < 0)
		return -1;
	return fstat(fd, &st) < 0 ? err_system(e, "'%s'", file) : st.st_size;
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

int64_t remoteplain_target_size(const struct remoteplain *p, const char *path, const char *hash, struct err *e)
{
	mem_auto char *file = names_target_file(path, hash);
	return file_size(p, file, e);
}

int64_t remoteplain_blob_size(const struct remoteplain *p, const char *hash, struct err *e)
{
	int64_t size;
	mem_auto char *name = blob_name(hash);
	if (!p->url)
		return file_size(p, name, e);
	mem_auto char *url = mem_format("%s%s", p->url, name);
	if (ask_url(url, &size, e) < 0)
		return -1;
	return size >= 0 ? size : err_set(e, STATUS_REFUSED, "'%s': the server does not tell its length", url);
}

int remoteplain_ask(const struct remoteplain *p, const char *path, const char *hash, struct err *e)
{
	int64_t size;
	if (!p->url)
		return remoteplain_target_size(p, path, hash, e) < 0 ? -1 : 0;
	mem_auto char *name = names_target_url(path, hash);
	mem_auto char *url = mem_format("%s%s", p->url, name);
	return ask_url(url, &size, e);
}
