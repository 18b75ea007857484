// registry.h says what these promise: uploads (distribution-spec, "Pushing blobs").
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "net/url.h"
#include "oci/registry.h"
#include "oci/target.h"

static struct {
	int64_t chunk;
} user = { .chunk = (int64_t)64 << 20 };

const struct cmd_option registry_upload_options[] = {
	CMD_SIZE(0, "chunk-size", &user.chunk, "upload longer blobs to a registry in pieces; 64M unless told"),
	CMD_END,
};

struct upload { // one blob on its way
	struct registry *r;
	struct target_blob *b;
	char *url; // where it goes on, malloced; NULL before it is begun
	bool not_local;
	bool in_one;       // the registry does not take pieces
	int64_t chunk, at; // at: how much the registry has
	int fd;
};

static bool in_pieces(const struct upload *u)
{
	return !u->in_one && u->b->size > u->chunk;
}

static void tell(const struct upload *u, int64_t bytes)
{
	if (bytes && u->b->told)
		u->b->told(u->b->told_context, bytes);
}

// ---- what is there ----

static int ask_blob(struct registry *r, const char *digest, int64_t *size, struct err *e)
{
	struct http_response response = { 0 };
	mem_auto char *url = registry_blob_url(r, digest, e);
	struct http_request q = { .url = url, .method = "HEAD" };
	int result = url ? registry_ask(r, &q, &response, e) : -1;
	*size = response.announced;
	http_response_free(&response);
	return result;
}

int64_t registry_blob_size(struct registry *r, const char *digest, struct err *e)
{
	int64_t size;
	if (ask_blob(r, digest, &size, e) < 0)
		return -1;
	return size >= 0 ? size : err_set(e, STATUS_REFUSED, "blob %s: the registry does not tell its size", digest);
}

int registry_has_blob(struct registry *r, const char *digest, struct err *e)
{
	int64_t size;
	int result = ask_blob(r, digest, &size, e);
	if (result < 0 && e->status == STATUS_NOT_FOUND) {
		*e = (struct err){ 0 };
		return 0;
	}
	return result < 0 ? -1 : 1;
}

// ---- the steps of an upload ----

static bool later(const struct err *e)
{
	return e->status == STATUS_TEMPORARY;
}

// Each answer says where the next request goes, relative or absolute.
static int take_location(struct upload *u, const struct http_response *response, struct err *e)
{
	char *next = registry_onward(response, http_header(response, "Location", 0), false, e);
	if (!next)
		return -1;
	free(u->url);
	u->url = next;
	u->not_local = !response->local;
	return 0;
}

static int ask(struct upload *u, const char *method, const char *url, const struct http_body *body, const char *const *headers,
	struct http_response *response, struct err *e)
{
	struct http_request q = { .url = url,
		.method = method,
		.body = body,
		.headers = headers,
		.once = true,
		.not_local = u->not_local };
	return registry_ask(u->r, &q, response, e);
}

// Returns 1 when the blob was mounted, 0 with an upload begun, -1.
static int start(struct upload *u, struct err *e)
{
	static const struct http_body nothing = { .data = "" };
	struct http_response response;
	buf_auto path = { 0 };
	buf_add_text(&path, "blobs/uploads/");
	if (u->b->mount_from) {
		buf_add_format(&path, "?mount=%s&from=", u->b->digest);
		url_add_escaped(&path, u->b->mount_from);
	}
	mem_auto char *url = registry_url(u->r, buf_text(&path), e);
	if (!url)
		return -1;
	struct http_request q = { .url = url, .method = "POST", .body = &nothing, .repeatable = true };
	int result = registry_ask(u->r, &q, &response, e);
	if (!result && response.code == 201 && u->b->mount_from)
		result = 1;
	else if (!result)
		result = take_location(u, &response, e);
	const char *least = http_header(&response, "OCI-Chunk-Min-Length", 0);
	int64_t wanted = least ? strtoll(least, NULL, 10) : 0;
	u->chunk = wanted > user.chunk ? wanted : user.chunk;
	http_response_free(&response);
	return result;
}

static char *final_url(const struct upload *u)
{
	struct buf url = { 0 };
	buf_add_format(&url, "%s%cdigest=", u->url, strchr(u->url, '?') ? '&' : '?');
	url_add_escaped(&url, u->b->digest);
	return buf_steal(&url);
}

// The end of an upload: what is left, and the digest. An answer that got lost is asked for again by looking for the blob.
static int finish(struct upload *u, struct err *e)
{
	struct http_response response;
	struct http_body body = { .data = u->at == u->b->size ? "" : NULL,
		.fd = u->fd,
		.from = u->at,
		.length = u->b->size - u->at,
		.sent = u->b->told,
		.context = u->b->told_context };
	mem_auto char *url = final_url(u);
	int result = ask(u, "PUT", url, &body, NULL, &response, e);
	http_response_free(&response);
	struct err ignored = { 0 };
	if (result < 0 && e->status == STATUS_TEMPORARY && registry_has_blob(u->r, u->b->digest, &ignored) == 1) {
		*e = (struct err){ 0 };
		result = 0;
	}
	return result;
}

// `0-LAST`: *at is behind it, unless it is nothing that can be.
static void take_range(const struct http_response *response, int64_t least, int64_t most, int64_t *at)
{
	const char *range = http_header(response, "Range", 0);
	if (range && !strncmp(range, "bytes=", 6))
		range += 6;
	if (!range || strncmp(range, "0-", 2) != 0)
		return;
	int64_t end = strtoll(range + 2, NULL, 10) + 1;
	if (end >= least && end <= most)
		*at = end;
}

static void remember(const struct upload *u)
{
	if (u->b->remember && in_pieces(u))
		u->b->remember(u->b->memory, u->at ? u->url : NULL);
}

static int send_piece(struct upload *u, struct err *e)
{
	struct http_response response;
	int64_t length = u->b->size - u->at < u->chunk ? u->b->size - u->at : u->chunk;
	struct http_body body = { .fd = u->fd,
		.from = u->at,
		.length = length,
		.sent = u->b->told,
		.context = u->b->told_context };
	mem_auto char *range = mem_format("Content-Range: %" PRId64 "-%" PRId64, u->at, u->at + length - 1);
	const char *const headers[] = { range, NULL };
	int result = ask(u, "PATCH", u->url, &body, headers, &response, e);
	if (!result)
		result = take_location(u, &response, e);
	if (!result) {
		int64_t sent_to = u->at + length, kept = sent_to;
		take_range(&response, u->at + 1, sent_to, &kept);
		tell(u, kept - sent_to);
		u->at = kept;
		remember(u);
	}
	http_response_free(&response);
	return result;
}

// How far it came. Returns 1; 0 when the registry knows nothing of it, or no more; or -1 when that cannot be known now.
static int ask_offset(struct upload *u, struct err *e)
{
	struct http_response response;
	int64_t kept = 0;
	struct http_request q = { .url = u->url, .not_local = u->not_local };
	buf_auto ignored = { 0 };
	http_into(&q, &ignored, 65536);
	int failed = registry_ask(u->r, &q, &response, e), known = failed && later(e) ? -1 : 0;
	if (response.code == 204 || response.code == 200) {  // for http_get 204 is no good answer
		take_range(&response, 2, u->b->size, &kept); // `0-0` says nothing: some registries mean no byte by it
		known = !http_header(&response, "Location", 0) || take_location(u, &response, &(struct err){ 0 }) == 0;
	}
	http_response_free(&response);
	if (known < 0)
		return -1;
	*e = (struct err){ 0 };
	if (!known)
		return 0;
	tell(u, kept - u->at);
	u->at = kept;
	remember(u);
	return 1;
}

static void forget(struct upload *u)
{
	tell(u, -u->at);
	u->at = 0;
	free(mem_steal(u->url));
	remember(u);
}

// ---- the whole ----

// Sends the blob by the upload that was begun.
static int send_blob(struct upload *u, struct err *e)
{
	int64_t failures = 0;
	while (in_pieces(u) && u->at < u->b->size) {
		if (send_piece(u, e) == 0) {
			failures = 0;
			continue;
		}
		if (!later(e) || failures++ >= http_retries())
			return -1;
		msg_info("blob %.19s: %s: going on with the upload", u->b->digest, e->text);
		struct err ignored = { 0 };
		if (http_pause(failures - 1, 0, &ignored) < 0 || ask_offset(u, &ignored) <= 0)
			return -1;
		*e = (struct err){ 0 };
	}
	return finish(u, e);
}

// What an earlier attempt or process began. No login goes to another host than the registry's, so nothing of another host is gone on with.
// Returns as ask_offset.
static int take_up(struct upload *u, struct err *e)
{
	if (!u->url && u->b->recall && in_pieces(u)) {
		mem_auto char *where = u->b->recall(u->b->memory);
		mem_auto char *own = where ? registry_url(u->r, "blobs/uploads/", e) : NULL;
		if (where && !own)
			return -1;
		if (where && url_same_origin(where, own))
			u->url = mem_steal(where);
	}
	int known = u->url ? ask_offset(u, e) : 0;
	if (!known)
		forget(u);
	return known;
}

// Returns 0, or -1 with *again set when another attempt may do better.
static int attempt(struct upload *u, bool *again, struct err *e)
{
	*again = false;
	int known = take_up(u, e), started = known ? 0 : start(u, e);
	if (started > 0) {
		u->b->how = TARGET_MOUNTED;
		tell(u, u->b->size);
		return 0;
	}
	if (known < 0 || started < 0 || (u->fd < 0 && (u->fd = u->b->open(u->b->open_context, e)) < 0))
		return -1;
	if (u->at)
		msg_info("blob %.19s: going on at %" PRId64 " of %" PRId64 " bytes", u->b->digest, u->at, u->b->size);
	int result = send_blob(u, e);
	if (result == 0) {
		u->at = 0;
		remember(u);
		return 0;
	}
	bool refused = e->status == STATUS_REFUSED, pieces = in_pieces(u);
	*again = later(e) || e->status == STATUS_NOT_FOUND || (refused && (known || (pieces && u->at <= u->chunk)));
	if (!pieces || refused || e->status == STATUS_NOT_FOUND) // or it is of other bytes, or got lost
		forget(u);
	u->in_one |= refused && !known && *again;
	return -1;
}

int registry_put_blob(struct registry *r, struct target_blob *b, struct err *e)
{
	struct upload u = { .r = r, .b = b, .chunk = user.chunk, .fd = -1 };
	bool again = true;
	int there = registry_has_blob(r, b->digest, e);
	if (there > 0)
		tell(&u, b->size);
	b->how = there > 0 ? TARGET_THERE : TARGET_SENT;
	if (there)
		return there < 0 ? -1 : 0;
	int result = attempt(&u, &again, e);
	for (int64_t i = 0; result < 0 && again && i < http_retries(); i++) {
		msg_info("blob %.19s: %s: %s", b->digest, e->text, u.url ? "going on with the upload" : "beginning again");
		*e = (struct err){ 0 };
		result = http_pause(i, 0, e) < 0 ? -1 : attempt(&u, &again, e);
	}
	if (result < 0)
		tell(&u, -u.at);
	free(u.url);
	if (u.fd >= 0)
		close(u.fd);
	return result;
}
