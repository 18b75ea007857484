// targetget.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "crypto/hash.h"
#include "oci/descriptor.h"
#include "tuf/partial.h"
#include "tuf/targetget.h"
#include "tuf/tufoci.h"

enum { ALGORITHMS = 2 };

static struct {
	bool schema1;
} user;

const struct cmd_option targetget_options[] = {
	CMD_FLAG(0, "schema1", &user.schema1, "also targets whose blobs a manifest of Docker's schema 1 lists"),
	CMD_END,
};

struct expected {                       // of one object on the remote
	const char *what;               // for messages
	const char *hashes[ALGORITHMS]; // hex by algorithm, NULL where none was signed
	int64_t size;
};

struct transfer {
	const struct expected *expected;
	int fd;
	off_t start; // where the object begins in fd
	struct hash *hashes[ALGORITHMS];
	struct progress progress;
};

static const char *signed_hash(const json_t *hashes, enum digest_algorithm a)
{
	return json_string_value(json_object_get(hashes, digest_name(a)));
}

// sha256 comes first (dtuf:S24).
static const char *preferred(const struct expected *x)
{
	return x->hashes[DIGEST_SHA256] ? x->hashes[DIGEST_SHA256] : x->hashes[DIGEST_SHA512];
}

static void start_hashes(struct transfer *t)
{
	for (enum digest_algorithm a = DIGEST_SHA256; a <= DIGEST_SHA512; a++) {
		hash_free(t->hashes[a]);
		t->hashes[a] = t->expected->hashes[a] ? hash_start(a) : NULL;
	}
}

// ---- the callbacks of a transfer ----

static int take(void *context, const void *data, size_t length, struct err *e)
{
	struct transfer *t = context;
	for (int a = 0; a < ALGORITHMS; a++)
		if (t->hashes[a])
			hash_add(t->hashes[a], data, length);
	progress_add(&t->progress, (int64_t)length);
	return io_write_all(t->fd, data, length) < 0 ? err_system(e, "'%s': cannot write", t->expected->what) : 0;
}

static int restart(void *context, struct err *e)
{
	struct transfer *t = context;
	start_hashes(t);
	t->progress.done = 0;
	if (ftruncate(t->fd, t->start) < 0 || lseek(t->fd, t->start, SEEK_SET) < 0)
		return err_system(e, "'%s': cannot begin again", t->expected->what);
	return 0;
}

static int check(struct transfer *t, struct err *e)
{
	const struct expected *x = t->expected;
	off_t size = lseek(t->fd, 0, SEEK_CUR) - t->start;
	if (size != x->size)
		return err_set(e, STATUS_REFUSED, "%s: length mismatch: expected %" PRId64 ", found %" PRId64, x->what, x->size,
			(int64_t)size);
	for (enum digest_algorithm a = DIGEST_SHA256; a <= DIGEST_SHA512; a++) {
		char digest[DIGEST_TEXT_MAX];
		if (!t->hashes[a])
			continue;
		const char *found = digest_digits(hash_finish(t->hashes[a], digest));
		t->hashes[a] = NULL;
		if (strcmp(found, x->hashes[a]) != 0)
			return err_set(e, STATUS_REFUSED, "%s: %s mismatch: expected %s, found %s", x->what, digest_name(a),
				x->hashes[a], found);
	}
	return 0;
}

// ---- one object ----

typedef int ask(struct client *c, size_t mirror, const void *of, struct remote_request *q, struct err *e);

// From one mirror, going on behind what an earlier run kept. Where it breaks off, what came is kept for a later one.
static int fetch_rest(struct client *c, size_t mirror, ask *from, const void *of, struct transfer *t, bool *resumed,
	struct err *e)
{
	struct remote_request q = { .limit = t->expected->size, .sink = take, .restart = restart, .context = t };
	if (restart(t, e) < 0)
		return -1;
	q.resume_from = partial_load(&c->trusted, preferred(t->expected), take, t, &q.validator);
	*resumed = q.resume_from > 0;
	int result = from(c, mirror, of, &q, e) < 0 ? -1 : check(t, e);
	if (result < 0 && (e->status == STATUS_TEMPORARY || e->status == STATUS_TIMEOUT))
		partial_save(&c->trusted, preferred(t->expected), q.validator, t->fd, t->start);
	else
		partial_drop(&c->trusted, preferred(t->expected));
	free(q.validator);
	return result;
}

static int fetch_from(struct client *c, size_t mirror, ask *from, const void *of, struct transfer *t, struct err *e)
{
	bool resumed = false;
	int result = fetch_rest(c, mirror, from, of, t, &resumed, e);
	if (!result || !resumed || e->status != STATUS_REFUSED)
		return result;
	*e = (struct err){ 0 }; // the part that was kept may be to blame, and is gone now
	return fetch_rest(c, mirror, from, of, t, &resumed, e);
}

static int fetch(struct client *c, ask *from, const void *of, const struct expected *x, int fd, struct err *e)
{
	struct transfer t = { .expected = x, .fd = fd, .start = lseek(fd, 0, SEEK_CUR) };
	int result = -1;
	mem_auto char *digest =
		mem_format("%s:%s", digest_name(x->hashes[DIGEST_SHA256] ? DIGEST_SHA256 : DIGEST_SHA512), preferred(x));
	progress_start_blob(&t.progress, x->what, digest, x->size);
	for (size_t i = 0; i < remote_mirrors(c->remote) && result < 0; i++) {
		if (i)
			msg_warn("%s: trying the next mirror", e->text);
		*e = (struct err){ 0 };
		result = fetch_from(c, i, from, of, &t, e);
	}
	for (int a = 0; a < ALGORITHMS; a++)
		hash_free(t.hashes[a]);
	if (result < 0)
		progress_abort(&t.progress);
	else
		progress_end(&t.progress);
	return result;
}

static int expect_target(const json_t *target, struct expected *x, struct err *e)
{
	const json_t *hashes = json_object_get(target, "hashes");
	*x = (struct expected){ json_string_value(json_object_get(target, "path")),
		{ signed_hash(hashes, DIGEST_SHA256), signed_hash(hashes, DIGEST_SHA512) },
		json_integer_value(json_object_get(target, "length")) };
	if (preferred(x))
		return 0;
	return err_set(e, STATUS_REFUSED, "target '%s': none of its hashes is known here: expected sha256 or sha512", x->what);
}

static int ask_target(struct client *c, size_t mirror, const void *of, struct remote_request *q, struct err *e)
{
	const struct expected *x = of;
	return remote_target(c->remote, mirror, x->what, client_consistent(c) ? preferred(x) : NULL, q, e);
}

// The older dtuf kept the manifests of targets as blobs. A registry that is asked for such a manifest signs it, and it is another.
static int ask_manifest(struct client *c, size_t mirror, const void *of, struct remote_request *q, struct err *e)
{
	const struct expected *x = of;
	int result = remote_manifest(c->remote, mirror, x->what, client_consistent(c) ? preferred(x) : NULL, q, e);
	struct err why = { 0 };
	bool may_be_blob = e->status == STATUS_NOT_FOUND || (user.schema1 && e->status == STATUS_REFUSED);
	if (!result || !may_be_blob || remote_blob(c->remote, mirror, preferred(x), q, &why) < 0)
		return result;
	*e = why;
	return 0;
}

static int ask_blob(struct client *c, size_t mirror, const void *of, struct remote_request *q, struct err *e)
{
	return remote_blob(c->remote, mirror, of, q, e);
}

static int need_remote(const struct client *c, const char *path, struct err *e)
{
	return c->remote ? 0 : err_set(e, STATUS_NOT_FOUND, "target '%s': not here, and no repository is to be asked", path);
}

// ---- several blobs ----

static void keep_blob(struct targetget *g, const char *digest, int64_t size)
{
	struct targetget_blob blob = { .size = size };
	snprintf(blob.digest, sizeof blob.digest, "%s", digest);
	g->blobs = mem_resize(g->blobs, g->count + 1, sizeof *g->blobs);
	g->blobs[g->count++] = blob;
}

static int add_blob(struct targetget *g, const json_t *layer, const char *layer_type, struct err *e)
{
	const json_t *size = json_object_get(layer, "size");
	const char *digest = json_string_value(json_object_get(layer, "digest"));
	const char *type = json_string_value(json_object_get(layer, "mediaType"));
	if (!type || strcmp(type, layer_type) != 0 || !digest_is_sha256(digest) || !json_is_integer(size) ||
		json_integer_value(size) < 0)
		return err_set(e, STATUS_REFUSED, "target '%s': its manifest has a layer that is no blob of a target", g->path);
	keep_blob(g, digest, json_integer_value(size));
	return 0;
}

// In the order of the list, which is the older dtuf's; in an image the last layer would come first.
static int add_blobs_schema1(struct targetget *g, const json_t *manifest, struct err *e)
{
	size_t i;
	json_t *layer;
	if (!user.schema1)
		return err_set(e, STATUS_REFUSED, "target '%s': its manifest is of Docker's schema 1", g->path);
	g->is_schema1 = true;
	json_array_foreach(json_object_get(manifest, "fsLayers"), i, layer) {
		const char *digest = json_string_value(json_object_get(layer, "blobSum"));
		if (!digest_is_sha256(digest))
			return err_set(e, STATUS_REFUSED, "target '%s': its manifest lists what is no sha256", g->path);
		keep_blob(g, digest, -1);
	}
	return 0;
}

static int add_blobs(struct targetget *g, const json_t *manifest, struct err *e)
{
	size_t i;
	json_t *layer;
	const char *own = json_string_value(json_object_get(manifest, "mediaType"));
	bool is_older = own && !strcmp(own, MEDIA_DOCKER_MANIFEST); // the older dtuf's, from schema 2 on
	if (json_integer_value(json_object_get(manifest, "schemaVersion")) == 1)
		return add_blobs_schema1(g, manifest, e);
	json_array_foreach(json_object_get(manifest, "layers"), i, layer)
		if (add_blob(g, layer, is_older ? MEDIA_BYTES : TUFOCI_TARGET, e) < 0)
			return -1;
	return 0;
}

int targetget_manifest(struct targetget *g, const struct buf *text, struct err *e)
{
	json_int_t blobs = json_integer_value(role_target_blobs(g->target));
	jsonio_auto json_t *manifest = jsonio_parse(buf_text(text), text->length, g->path, e);
	if (!manifest || add_blobs(g, manifest, e) < 0)
		return -1;
	if ((json_int_t)g->count == blobs)
		return 0;
	return err_set(e, STATUS_REFUSED, "target '%s': signed were %" JSON_INTEGER_FORMAT " blobs, its manifest has %zu",
		g->path, blobs, g->count);
}

static int ask_sizes(struct client *c, struct targetget *g, struct err *e)
{
	for (size_t i = 0; i < g->count && g->is_schema1; i++) {
		g->blobs[i].size = remote_blob_size(c->remote, digest_digits(g->blobs[i].digest), e);
		if (g->blobs[i].size < 0)
			return err_context(e, "target '%s'", g->path);
	}
	return 0;
}

static int fetch_manifest(struct client *c, struct targetget *g, const struct expected *x, struct err *e)
{
	if (x->size > TARGETGET_MANIFEST_MAX)
		return err_set(e, STATUS_LIMIT, "target '%s': its manifest has more than %" PRId64 " bytes", g->path,
			TARGETGET_MANIFEST_MAX);
	io_auto int memory = memfd_create("manifest", MFD_CLOEXEC);
	if (memory < 0)
		return err_system(e, "target '%s': no memory for its manifest", g->path);
	if (need_remote(c, g->path, e) < 0 || fetch(c, ask_manifest, x, x, memory, e) < 0)
		return -1;
	if (lseek(memory, 0, SEEK_SET) < 0)
		return err_system(e, "target '%s': cannot rewind its manifest", g->path);
	if (io_read_stream(memory, (size_t)TARGETGET_MANIFEST_MAX, g->path, &g->manifest, e) < 0)
		return -1;
	return targetget_manifest(g, &g->manifest, e) < 0 ? -1 : ask_sizes(c, g, e);
}

int targetget_blobs(struct client *c, const json_t *target, struct targetget *g, struct err *e)
{
	struct expected x;
	*g = (struct targetget){ .target = target, .several = json_is_integer(role_target_blobs(target)) };
	if (expect_target(target, &x, e) < 0)
		return -1;
	g->path = x.what;
	if (g->several)
		return fetch_manifest(c, g, &x, e);
	enum digest_algorithm a = x.hashes[DIGEST_SHA256] ? DIGEST_SHA256 : DIGEST_SHA512;
	g->blobs = mem_alloc(sizeof *g->blobs);
	g->blobs[g->count++].size = x.size;
	snprintf(g->blobs[0].digest, sizeof g->blobs[0].digest, "%s:%s", digest_name(a), x.hashes[a]);
	return 0;
}

int targetget_ask(struct client *c, const struct targetget *g, struct err *e)
{
	struct expected x;
	if (g->several || !c->remote)
		return 0;
	if (expect_target(g->target, &x, e) < 0)
		return -1;
	return remote_ask_target(c->remote, g->path, client_consistent(c) ? preferred(&x) : NULL, e) < 0
		? err_context(e, "target '%s'", g->path)
		: 0;
}

void targetget_free(struct targetget *g)
{
	free(g->blobs);
	buf_free(&g->manifest);
	*g = (struct targetget){ 0 };
}

int targetget_fetch_blob(struct client *c, const struct targetget *g, size_t which, int fd, struct err *e)
{
	struct expected x;
	if (need_remote(c, g->path, e) < 0 || expect_target(g->target, &x, e) < 0)
		return -1;
	if (!g->several)
		return fetch(c, ask_target, &x, &x, fd, e);
	const char *hex = digest_digits(g->blobs[which].digest);
	const struct expected blob = { g->blobs[which].digest, { hex, NULL }, g->blobs[which].size };
	return fetch(c, ask_blob, hex, &blob, fd, e);
}

int targetget_fetch(struct client *c, const struct targetget *g, int fd, struct err *e)
{
	for (size_t i = 0; i < g->count; i++)
		if (targetget_fetch_blob(c, g, i, fd, e) < 0)
			return -1;
	return 0;
}

// ---- what is there already ----

// The next object in fd is this one.
static bool reads(int fd, const struct expected *x, char *chunk)
{
	struct hash *hashes[ALGORITHMS];
	int64_t left = x->size;
	ssize_t n = 1;
	bool same = true;
	for (enum digest_algorithm a = DIGEST_SHA256; a <= DIGEST_SHA512; a++)
		hashes[a] = x->hashes[a] ? hash_start(a) : NULL;
	for (; left > 0 && n > 0; left -= n) {
		n = io_read_full(fd, chunk, left < (int64_t)IO_CHUNK ? (size_t)left : IO_CHUNK);
		for (int a = 0; a < ALGORITHMS && n > 0; a++)
			if (hashes[a])
				hash_add(hashes[a], chunk, (size_t)n);
	}
	for (int a = 0; a < ALGORITHMS; a++) {
		char digest[DIGEST_TEXT_MAX];
		if (x->hashes[a])
			same = !strcmp(digest_digits(hash_finish(hashes[a], digest)), x->hashes[a]) && same;
	}
	return same && !left && n >= 0;
}

bool targetget_is(const struct targetget *g, int fd)
{
	struct stat st;
	struct expected x;
	int64_t size = 0;
	mem_auto char *chunk = mem_alloc(IO_CHUNK);
	for (size_t i = 0; i < g->count; i++)
		size += g->blobs[i].size;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size != size ||
		expect_target(g->target, &x, &(struct err){ 0 }) < 0)
		return false;
	if (!g->several)
		return reads(fd, &x, chunk);
	for (size_t i = 0; i < g->count; i++) {
		const struct expected blob = { "", { digest_digits(g->blobs[i].digest), NULL }, g->blobs[i].size };
		if (!reads(fd, &blob, chunk))
			return false;
	}
	return true;
}
