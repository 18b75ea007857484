// acifetch.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "image/acifetch.h"
#include "image/download.h"
#include "image/image.h"
#include "image/wanted.h"
#include "net/http.h"
#include "net/url.h"
#include "oci/descriptor.h"

#define SIGNATURE_MAX ((int64_t)64 << 10) // bytes; a signature takes at most a few KiB

// ---- local files ----

static void open_local(struct acifetch *f, const char *url)
{
	if (!url || strncmp(url, "file:", 5) != 0)
		return;
	f->locals = mem_resize(f->locals, f->local_count + 1, sizeof *f->locals);
	struct acifetch_local *l = &f->locals[f->local_count++];
	l->url = mem_text(url);
	l->fd = open(url + 5, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	l->why = errno;
}

void acifetch_open_local(struct acifetch *f, const json_t *record)
{
	size_t i;
	json_t *endpoint;
	json_array_foreach(json_object_get(record, "endpoints"), i, endpoint) {
		if (!wanted_is_file(record))
			break;
		open_local(f, jsonio_find_text(endpoint, "url"));
		if (!f->no_signature && !f->signature)
			open_local(f, jsonio_find_text(endpoint, "signature"));
	}
}

static int find_local(const struct acifetch *f, const char *url, struct err *e)
{
	for (size_t i = 0; i < f->local_count; i++) {
		if (strcmp(f->locals[i].url, url) != 0)
			continue;
		if (f->locals[i].fd >= 0)
			return f->locals[i].fd;
		errno = f->locals[i].why;
		return err_open(e, url + 5);
	}
	return err_set(e, STATUS_REFUSED, "'%s': a file, but the reference is none", url);
}

void acifetch_close(struct acifetch *f)
{
	for (size_t i = 0; i < f->local_count; i++) {
		if (f->locals[i].fd >= 0)
			close(f->locals[i].fd);
		free(f->locals[i].url);
	}
	free(f->locals);
	f->locals = NULL;
	f->local_count = 0;
}

// ---- signatures ----

// Fetches one signature: 1 when it is in the store, 0 when it is absent (404), -1.
static int fetch_signature(struct store *s, const char *url, int file, json_t **descriptor, struct err *e)
{
	char digest[DIGEST_TEXT_MAX];
	buf_auto bytes = { 0 };
	if (file >= 0) {
		if (io_read_stream(file, SIGNATURE_MAX, url, &bytes, e) < 0)
			return -1;
	} else {
		struct http_response response;
		mem_auto char *shown = url_shown(url);
		progress_note("Downloading signature from %s", shown);
		int got = http_get_all(url, SIGNATURE_MAX, &bytes, &response, e);
		long code = response.code;
		http_response_free(&response);
		if (got < 0 && code == 404) {
			*e = (struct err){ 0 };
			return 0;
		}
		if (got < 0)
			return -1;
	}
	if (store_put_blob(s, buf_text(&bytes), bytes.length, digest, e) < 0)
		return -1;
	*descriptor = descriptor_json(MEDIA_SIGNATURE, digest, (int64_t)bytes.length);
	return 1;
}

// The other name a signature may have: x.sig for x.aci (rkt:A-025). Malloced, or NULL.
static char *other_signature(const char *url)
{
	size_t n = strlen(url);
	return n > 4 && !strcmp(url + n - 4, ".aci") ? mem_format("%.*s.sig", (int)(n - 4), url) : NULL;
}

int acifetch_signature(const struct acifetch *f, const json_t *endpoint, json_t **descriptor, struct err *e)
{
	const char *url = jsonio_find_text(endpoint, "signature");
	if (f->no_signature)
		return 0;
	if (f->signature_fd >= 0)
		return fetch_signature(f->store, f->signature, f->signature_fd, descriptor, e) < 0 ? -1 : 0;
	if (!url)
		return 0;
	if (!strncmp(url, "file:", 5)) {
		int file = find_local(f, url, e);
		if (file < 0 && e->status == STATUS_NOT_FOUND) {
			*e = (struct err){ 0 };
			return 0;
		}
		return file < 0 || fetch_signature(f->store, url, file, descriptor, e) < 0 ? -1 : 0;
	}
	int got = fetch_signature(f->store, url, -1, descriptor, e);
	mem_auto char *other = got ? NULL : other_signature(jsonio_find_text(endpoint, "url"));
	return got < 0 || (other && fetch_signature(f->store, other, -1, descriptor, e) < 0) ? -1 : 0;
}

// ---- fetching ----

// What the bytes are: as asked for, else as the record says, else an App Container Image.
static const char *media_type(const struct acifetch *f, const json_t *record)
{
	const char *type = jsonio_find_text(json_object_get(record, "blob"), "mediaType");
	return f->media_type ? f->media_type : type ? type : MEDIA_ACI;
}

static bool is_aci(const struct acifetch *f, const json_t *record)
{
	return !strcmp(media_type(f, record), MEDIA_ACI);
}

static void describe(const struct acifetch *f, json_t *record, const struct download *d, const char *url, json_t *signature)
{
	const char *asked = jsonio_find_text(record, "digest");
	json_t *blob = descriptor_json(media_type(f, record), d->is.sha256, d->is.size);
	json_object_set_new(record, "blob", blob);
	jsonio_auto json_t *of_manifest = d->is.scan.manifest ? aci_record(d->is.scan.id, d->is.scan.manifest) : NULL;
	if (of_manifest)
		json_object_update(record, of_manifest);
	json_object_del(record, "signature");
	if (signature)
		json_object_set(record, "signature", signature);
	json_t *source = json_pack("{s:s}", "url", url);
	if (d->validator)
		json_object_set_new(source, "validator", json_string(d->validator));
	json_object_set_new(record, "source", source);
	json_object_del(record, "defaults");
	if (asked) // the user's own reference named the bytes
		image_add_verified(record, json_pack("{s:s, s:s}", "by", "digest", "digest", d->is.sha256));
}

// The bytes of one endpoint, its signature, and only then the record.
static int take(const struct acifetch *f, json_t *record, const json_t *endpoint, struct download *d, struct err *e)
{
	jsonio_auto json_t *signature = NULL;
	if (d->is.scan.manifest && wanted_check_manifest(record, &d->is.scan, e) < 0)
		return -1;
	if (is_aci(f, record) && acifetch_signature(f, endpoint, &signature, e) < 0) {
		d->failed_on_way = e->status != STATUS_LIMIT;
		if (e->status == STATUS_TEMPORARY || e->status == STATUS_TIMEOUT)
			download_keep(d);
		return -1;
	}
	if (download_commit(f->store, d, e) < 0)
		return -1;
	if (d->is.sha512[0] && store_alias_blob(f->store, d->is.sha512, d->is.sha256, e) < 0)
		return -1;
	describe(f, record, d, jsonio_find_text(endpoint, "url"), signature);
	return 0;
}

// Returns 0, or -1 with *next set when another endpoint may do better.
static int fetch_endpoint(const struct acifetch *f, json_t *record, const json_t *stored, const json_t *endpoint, bool *next,
	struct err *e)
{
	const json_t *blob = json_object_get(record, "blob");
	const json_t *source = json_object_get(stored, "source");
	const char *url = jsonio_find_text(endpoint, "url"), *from = jsonio_find_text(source, "url");
	const char *digest =
		jsonio_find_text(record, "digest") ? jsonio_find_text(record, "digest") : jsonio_find_text(blob, "digest");
	struct download_request q = { .url = url,
		.source = -1,
		.label = is_aci(f, record) ? "Downloading aci" : "Downloading blob",
		.limit = f->limit,
		.size = -1,
		.digest = digest,
		.limits = is_aci(f, record) ? f->limits : NULL };
	if (json_is_integer(json_object_get(blob, "size")))
		q.size = json_integer_value(json_object_get(blob, "size"));
	if (from && !strcmp(from, url))
		q.validator = jsonio_find_text(source, "validator");
	if (!strncmp(url, "file:", 5) && (q.source = find_local(f, url, e)) < 0)
		return -1;
	struct download d;
	int result = download_run(f->store, &q, &d, e);
	if (!result && d.unchanged)
		wanted_use_stored(record, stored);
	else if (!result)
		result = take(f, record, endpoint, &d, e);
	*next = result < 0 && d.failed_on_way && e->status != STATUS_TIMEOUT;
	download_discard(&d);
	return result;
}

int acifetch_image(const struct acifetch *f, json_t *record, const json_t *stored, struct err *e)
{
	jsonio_auto json_t *endpoints = json_incref(json_object_get(record, "endpoints"));
	struct err first = { 0 };
	size_t i;
	json_t *endpoint;
	json_array_foreach(endpoints, i, endpoint) {
		bool next = false;
		*e = (struct err){ 0 };
		if (!fetch_endpoint(f, record, stored, endpoint, &next, e))
			return 0;
		if (!first.status)
			first = *e;
		if (!next)
			return -1;
		if (i + 1 < json_array_size(endpoints))
			msg_warn("%s: trying the next endpoint", e->text);
	}
	*e = first;
	return -1;
}
