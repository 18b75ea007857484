// remote.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/msg.h"
#include "oci/registry.h"
#include "tuf/bars.h"
#include "tuf/remote.h"
#include "tuf/remoteoci.h"
#include "tuf/remoteplain.h"
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

struct half { // metadata/ or targets/
	struct remoteplain plain;
	struct remoteoci *oci; // then plain is nowhere
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

bool remote_is_place(const char *text)
{
	return remoteplain_is_url(text) || tufoci_is_registry(text) || !strncmp(text, "file:", 5) || !strncmp(text, "oci:", 4);
}

// Once, however many are there, and before the first is opened, since a token given is for that one.
int remote_prepare_network(const char *place, struct sandbox *s, struct err *e)
{
	static bool prepared;
	if (prepared || !(remoteplain_is_url(place) || tufoci_is_registry(place)))
		return 0;
	prepared = true;
	http_cap_redirects(REMOTE_REDIRECTS_MAX);
	return registry_prepare(s, e);
}

// `own` is the place of this half; else it is below the repository.
static int open_half(struct half *h, const char *own, const char *repository, const char *name, struct sandbox *s, struct err *e)
{
	const char *place = own ? own : repository;
	if (!place)
		return 0;
	if (remote_prepare_network(place, s, e) < 0)
		return -1;
	if (strncmp(place, "oci:", 4) != 0 && !tufoci_is_registry(place))
		return remoteplain_open(&h->plain, place, own ? NULL : name, s, e);
	h->oci = remoteoci_open(place, s, e);
	return h->oci ? 0 : -1;
}

static int open_mirror(struct remote *r, const char *repository, const char *metadata, const char *targets, struct sandbox *s,
	struct err *e)
{
	r->mirrors = mem_resize(r->mirrors, r->count + 1, sizeof *r->mirrors);
	struct mirror *m = &r->mirrors[r->count++];
	*m = (struct mirror){ { { NULL, -1 }, NULL }, { { NULL, -1 }, NULL } };
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

static void close_mirror(struct mirror *m)
{
	remoteplain_close(&m->metadata.plain);
	remoteplain_close(&m->targets.plain);
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

static int read_metadata(const struct half *h, const char *role, int64_t version, struct remote_request *q, struct err *e)
{
	if (!h->oci)
		return remoteplain_metadata(&h->plain, role, version, q, e);
	int result = remoteoci_metadata(h->oci, role, version, q, e);
	return result < 0 && e->status == STATUS_NOT_FOUND ? 1 : result;
}

int remote_metadata(struct remote *r, const char *role, int64_t version, size_t limit, struct buf *out, struct err *e)
{
	int result = -1;
	struct remote_request q = { .limit = (int64_t)limit, .sink = http_to_buf, .restart = http_empty_buf, .context = out };
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
	return h->oci ? remoteoci_former(h->oci, role, version) : remoteplain_former(&h->plain, role, version);
}

int remote_target(struct remote *r, size_t mirror, const char *path, const char *hash, struct remote_request *q, struct err *e)
{
	const struct half *h = &r->mirrors[mirror].targets;
	return h->oci ? remoteoci_data(h->oci, path, hash, q, e) : remoteplain_target(&h->plain, path, hash, q, e);
}

int remote_manifest(struct remote *r, size_t mirror, const char *path, const char *hash, struct remote_request *q, struct err *e)
{
	const struct half *h = &r->mirrors[mirror].targets;
	return h->oci ? remoteoci_manifest(h->oci, hash, q, e) : remoteplain_target(&h->plain, path, hash, q, e);
}

int remote_blob(struct remote *r, size_t mirror, const char *hash, struct remote_request *q, struct err *e)
{
	const struct half *h = &r->mirrors[mirror].targets;
	return h->oci ? remoteoci_data(h->oci, NULL, hash, q, e) : remoteplain_blob(&h->plain, hash, q, e);
}

int64_t remote_target_size(const struct remote *r, const char *path, const char *hash, struct err *e)
{
	return remoteplain_target_size(&r->mirrors[0].targets.plain, path, hash, e);
}

int64_t remote_blob_size(struct remote *r, const char *hash, struct err *e)
{
	const struct half *h = &r->mirrors[0].targets;
	return h->oci ? remoteoci_blob_size(h->oci, hash, e) : remoteplain_blob_size(&h->plain, hash, e);
}

int remote_ask_target(struct remote *r, const char *path, const char *hash, struct err *e)
{
	const struct half *h = &r->mirrors[0].targets;
	return h->oci ? remoteoci_ask(h->oci, path, hash, e) : remoteplain_ask(&h->plain, path, hash, e);
}
