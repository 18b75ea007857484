// lookaside.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/http.h"
#include "net/url.h"
#include "oci/lookaside.h"
#include "oci/source.h"

// The directory of a file: URL, or NULL.
static const char *directory_of(const char *url)
{
	if (strncmp(url, "file:", 5) != 0)
		return NULL;
	return strncmp(url, "file:///", 8) ? url + 5 : url + 7;
}

int lookaside_check(const char *url, struct err *e)
{
	const char *directory = directory_of(url);
	if (directory)
		return *directory ? 0 : err_set(e, STATUS_USAGE, "no directory behind file:");
	if (url_check(url, e) == 0 && !strpbrk(url, "?#"))
		return 0;
	return err_set(e, STATUS_USAGE, "expected file:DIR, or https:// or http:// without a login or a query");
}

int lookaside_open(struct lookaside *l, const char *url, struct err *e)
{
	const char *directory = directory_of(url);
	*l = (struct lookaside){ .files = { .fd = -1 } };
	if (directory && files_open_directory(&l->files, directory, e) < 0)
		return err_context(e, "lookaside");
	l->url = mem_text(url);
	for (size_t n = strlen(url); n && l->url[n - 1] == '/';)
		l->url[--n] = '\0';
	return 0;
}

void lookaside_close(struct lookaside *l)
{
	if (l->url)
		files_close(&l->files);
	free(l->url);
	*l = (struct lookaside){ 0 };
}

static int get(const char *url, struct buf *out, struct err *e)
{
	struct http_response response;
	int failed = http_get_all(url, SOURCE_SIGNATURE_MAX, out, &response, e);
	long code = response.code;
	http_response_free(&response);
	if (!failed)
		return 1;
	if (code != 404)
		return err_context(e, "lookaside");
	*e = (struct err){ 0 };
	return 0;
}

int lookaside_read(struct lookaside *l, const char *repository, const char *digest, int number, struct buf *out, struct err *e)
{
	mem_auto char *path = mem_format("%s@%s/signature-%d", repository, digest, number);
	*strrchr(path, ':') = '=';
	if (l->files.fd >= 0)
		return files_read_if_there(&l->files, path, SOURCE_SIGNATURE_MAX, out, e);
	mem_auto char *url = mem_format("%s/%s", l->url, path);
	return get(url, out, e);
}
