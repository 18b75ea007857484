// registry.h says what these promise: manifests.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/hash.h"
#include "oci/manifest.h"
#include "oci/ref.h"
#include "oci/registry.h"

#define ACCEPTED                                                                                                       \
	"Accept: application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, " \
	"application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"

static char *manifest_url(struct registry *r, const char *reference, struct err *e)
{
	if (!ref_is_tag(reference) && !digest_valid(reference, NULL, NULL)) {
		err_set(e, STATUS_USAGE, "'%.200s': neither a tag nor a digest", reference);
		return NULL;
	}
	mem_auto char *path = mem_format("manifests/%s", reference);
	return registry_url(r, path, e);
}

// By the algorithm of a digest that is expected, else sha256.
static int expect(const char *expected, const char *what, const struct buf *text, struct err *e)
{
	char found[DIGEST_TEXT_MAX];
	enum digest_algorithm algorithm;
	if (!expected || !digest_valid(expected, &algorithm, NULL))
		return 0;
	hash_bytes(algorithm, buf_text(text), text->length, found);
	if (!strcmp(expected, found))
		return 0;
	return err_set(e, STATUS_REFUSED, "digest mismatch: expected %s%s, found %s", expected, what, found);
}

int registry_manifest(struct registry *r, const char *reference, struct buf *text, char **media_type,
	char digest[static DIGEST_TEXT_MAX], struct err *e)
{
	static const char *const headers[] = { ACCEPTED, NULL };
	struct http_response response;
	mem_auto char *url = manifest_url(r, reference, e);
	struct http_request q = { .url = url, .headers = headers };
	*media_type = NULL;
	if (!url)
		return -1;
	text->length = 0;
	http_into(&q, text, MANIFEST_BYTES_MAX);
	int result = registry_ask(r, &q, &response, e);
	if (!result &&
		(manifest_refuse_schema1(response.media_type ? response.media_type : "", e) < 0 ||
			expect(reference, "", text, e) < 0 ||
			expect(http_header(&response, "Docker-Content-Digest", 0), " by the registry's own word", text, e) < 0))
		result = err_context(e, "'%s'", url);
	if (!result) {
		*media_type = mem_steal(response.media_type);
		hash_bytes(DIGEST_SHA256, buf_text(text), text->length, digest);
	}
	http_response_free(&response);
	return result;
}

static int simple(struct registry *r, const char *method, const char *reference, const struct http_body *body,
	struct http_response *response, struct err *e)
{
	static const char *const headers[] = { ACCEPTED, NULL };
	mem_auto char *url = manifest_url(r, reference, e);
	struct http_request q = { .url = url, .method = method, .headers = headers, .body = body };
	*response = (struct http_response){ 0 };
	return url ? registry_ask(r, &q, response, e) : -1;
}

int registry_has_manifest(struct registry *r, const char *reference, struct err *e)
{
	struct http_response response;
	int result = simple(r, "HEAD", reference, NULL, &response, e);
	http_response_free(&response);
	if (result < 0 && e->status == STATUS_NOT_FOUND) {
		*e = (struct err){ 0 };
		return 0;
	}
	return result < 0 ? -1 : 1;
}

int registry_put_manifest(struct registry *r, const char *reference, const char *media_type, const struct buf *text, bool *lists,
	struct err *e)
{
	struct http_response response;
	struct http_body body = { .data = buf_text(text), .length = (int64_t)text->length, .media_type = media_type };
	int result = simple(r, "PUT", reference, &body, &response, e);
	if (!result && expect(http_header(&response, "Docker-Content-Digest", 0), " by the registry's own word", text, e) < 0)
		result = err_context(e, "'%s'", response.final_url);
	if (lists)
		*lists = !result && http_header(&response, "OCI-Subject", 0);
	http_response_free(&response);
	return result;
}
