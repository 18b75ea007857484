// fetch-blob - bring the bytes of images into the store
// SPDX-License-Identifier: Apache-2.0
//
// stdin: image records with endpoints (from discover or ref-parse), an id, a digest, or the manifest of an OCI image (from reg-resolve).
// stdout: the same with blob, signature and, for an App Container Image, id, name, labels and dependencies from its manifest. 1 when the
// bytes or the manifest are not those asked for.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "base/record.h"
#include "crypto/digest.h"
#include "image/codeclimits.h"
#include "image/download.h"
#include "image/image.h"
#include "image/ocifetch.h"
#include "image/ociimage.h"
#include "image/ocisignatures.h"
#include "image/pull.h"
#include "image/wanted.h"
#include "image/storecmd.h"
#include "image/storetrust.h"
#include "net/http.h"
#include "net/url.h"
#include "oci/descriptor.h"
#include "oci/lookaside.h"
#include "oci/registry.h"

#define SIGNATURE_MAX ((int64_t)64 << 10) // a signature takes at most a few KiB

static struct {
	const char *pull_policy, *signature, *media_type, *lookaside;
	bool no_signature, foreign;
	int64_t max_download, jobs;
} user = { .pull_policy = "new", .max_download = (int64_t)64 << 30, .jobs = 3 };

static const struct cmd_option options[] = {
	CMD_GROUP(storecmd_options),
	CMD_GROUP(storetrust_options),
	CMD_CHOICE(0, "pull-policy", &user.pull_policy, "never|new|update",
		"new, the default: only what is not in the store; update: ask whether there is a newer one"),
	CMD_FLAG(0, "no-signature", &user.no_signature, "ask for no signature: the images cannot be verified"),
	CMD_TEXT(0, "signature", "FILE", &user.signature, "the signature of the one image there is"),
	CMD_TEXT(0, "lookaside", "URL", &user.lookaside, "where signatures of images in registries lie, file:DIR or https://..."),
	CMD_TEXT(0, "media-type", "TYPE", &user.media_type,
		"what the bytes are, where they are no image: none is read for a manifest"),
	CMD_FLAG(0, "foreign-layers", &user.foreign, "fetch layers that lie elsewhere than their image from there"),
	CMD_NUMBER('j', "jobs", "N", &user.jobs, 1, PULL_JOBS_MAX, "fetch N blobs of a registry at once; 3 unless told"),
	CMD_SIZE(0, "max-download", &user.max_download, "of one image as served; 64G unless told"),
	CMD_GROUP(codeclimits_options),
	CMD_GROUP(registry_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "fetch-blob",
	.operands = "",
	.summary = "bring the bytes of images into the store",
	.reads = CMD_RECORDS,
	.writes = CMD_RECORDS,
	.options = options,
};

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void set_text(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, json_string(value));
}

// ---- local files: opened before the sandbox closes, so that their names need no permission in it ----

static struct local {
	char *url;
	int fd, why; // errno where fd is -1
} * locals;
static size_t local_count;
static struct origins origins; // of OCI images
static int user_signature = -1;

static void open_local(const char *url)
{
	if (!url || strncmp(url, "file:", 5) != 0)
		return;
	locals = mem_resize(locals, local_count + 1, sizeof *locals);
	struct local *l = &locals[local_count++];
	l->url = mem_text(url);
	l->fd = open(url + 5, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	l->why = errno;
}

static int open_locals(const json_t *records, struct sandbox *sandbox, struct err *e)
{
	size_t i, j;
	json_t *record, *endpoint;
	json_array_foreach(records, i, record) {
		if (ociimage_is(record))
			origin_add(&origins, record, sandbox);
		json_array_foreach(json_object_get(record, "endpoints"), j, endpoint) {
			if (!wanted_is_file(record))
				break;
			open_local(text_of(endpoint, "url"));
			if (!user.no_signature && !user.signature)
				open_local(text_of(endpoint, "signature"));
		}
	}
	user_signature = user.signature ? io_open_input(user.signature, e) : -1;
	return user.signature && user_signature < 0 ? -1 : 0;
}

static int find_local(const char *url, struct err *e)
{
	for (size_t i = 0; i < local_count; i++) {
		if (strcmp(locals[i].url, url) != 0)
			continue;
		if (locals[i].fd >= 0)
			return locals[i].fd;
		errno = locals[i].why;
		return err_open(e, url + 5);
	}
	return err_set(e, STATUS_REFUSED, "'%s': a file, but the reference is none", url);
}

static void close_locals(void)
{
	for (size_t i = 0; i < local_count; i++) {
		if (locals[i].fd >= 0)
			close(locals[i].fd);
		free(locals[i].url);
	}
	free(locals);
	origins_free(&origins);
	if (user_signature >= 0)
		close(user_signature);
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

// Leaves *descriptor NULL when there is no signature: verify-sig decides what that means.
static int find_signature(struct store *s, const json_t *endpoint, json_t **descriptor, struct err *e)
{
	const char *url = text_of(endpoint, "signature");
	if (user.no_signature)
		return 0;
	if (user_signature >= 0)
		return fetch_signature(s, user.signature, user_signature, descriptor, e) < 0 ? -1 : 0;
	if (!url)
		return 0;
	if (!strncmp(url, "file:", 5)) {
		int file = find_local(url, e);
		if (file < 0 && e->status == STATUS_NOT_FOUND) {
			*e = (struct err){ 0 };
			return 0;
		}
		return file < 0 || fetch_signature(s, url, file, descriptor, e) < 0 ? -1 : 0;
	}
	int got = fetch_signature(s, url, -1, descriptor, e);
	mem_auto char *other = got ? NULL : other_signature(text_of(endpoint, "url"));
	return got < 0 || (other && fetch_signature(s, other, -1, descriptor, e) < 0) ? -1 : 0;
}

// ---- fetching ----

// What the bytes are: as asked for, else as the record says, else an App Container Image.
static const char *media_type(const json_t *record)
{
	const char *type = text_of(json_object_get(record, "blob"), "mediaType");
	return user.media_type ? user.media_type : type ? type : MEDIA_ACI;
}

static bool is_aci(const json_t *record)
{
	return !strcmp(media_type(record), MEDIA_ACI);
}

static void describe_image(json_t *record, const struct aci_scan *scan)
{
	json_t *dependencies = json_object_get(scan->manifest, "dependencies");
	set_text(record, "id", scan->id);
	set_text(record, "name", aci_name(scan->manifest));
	json_object_set_new(record, "labels", aci_labels(scan->manifest));
	if (json_array_size(dependencies))
		json_object_set(record, "dependencies", dependencies);
}

static void describe(json_t *record, const struct download *d, const char *url, json_t *signature)
{
	const char *asked = text_of(record, "digest");
	json_t *blob = descriptor_json(media_type(record), d->is.sha256, d->is.size);
	json_object_set_new(record, "blob", blob);
	if (d->is.scan.manifest)
		describe_image(record, &d->is.scan);
	json_object_del(record, "signature");
	if (signature)
		json_object_set(record, "signature", signature);
	json_t *source = json_pack("{s:s}", "url", url);
	if (d->validator)
		set_text(source, "validator", d->validator);
	json_object_set_new(record, "source", source);
	json_object_del(record, "defaults");
	if (asked) // the user's own reference named the bytes
		image_add_verified(record, json_pack("{s:s, s:s}", "by", "digest", "digest", d->is.sha256));
}

// The bytes of one endpoint, its signature, and only then the record.
static int take(struct store *s, json_t *record, const json_t *endpoint, struct download *d, struct err *e)
{
	jsonio_auto json_t *signature = NULL;
	if (d->is.scan.manifest && wanted_check_manifest(record, &d->is.scan, e) < 0)
		return -1;
	if (is_aci(record) && find_signature(s, endpoint, &signature, e) < 0) {
		d->failed_on_way = e->status != STATUS_LIMIT;
		if (e->status == STATUS_TEMPORARY || e->status == STATUS_TIMEOUT)
			download_keep(d);
		return -1;
	}
	if (download_commit(s, d, e) < 0)
		return -1;
	if (d->is.sha512[0] && store_alias_blob(s, d->is.sha512, d->is.sha256, e) < 0)
		return -1;
	describe(record, d, text_of(endpoint, "url"), signature);
	return 0;
}

// Returns 0, or -1 with *next set when another endpoint may do better.
static int fetch_endpoint(struct store *s, json_t *record, const json_t *stored, const json_t *endpoint, bool *next,
	struct err *e)
{
	const json_t *blob = json_object_get(record, "blob");
	const json_t *source = json_object_get(stored, "source");
	const char *url = text_of(endpoint, "url"), *from = text_of(source, "url");
	const char *digest = text_of(record, "digest") ? text_of(record, "digest") : text_of(blob, "digest");
	struct download_request q = { .url = url,
		.source = -1,
		.label = is_aci(record) ? "Downloading aci" : "Downloading blob",
		.limit = user.max_download,
		.size = -1,
		.digest = digest,
		.limits = is_aci(record) ? &codeclimits_asked : NULL };
	if (json_is_integer(json_object_get(blob, "size")))
		q.size = json_integer_value(json_object_get(blob, "size"));
	if (from && !strcmp(from, url))
		q.validator = text_of(source, "validator");
	if (!strncmp(url, "file:", 5) && (q.source = find_local(url, e)) < 0)
		return -1;
	struct download d;
	int result = download_run(s, &q, &d, e);
	if (!result && d.unchanged)
		wanted_use_stored(record, stored);
	else if (!result)
		result = take(s, record, endpoint, &d, e);
	*next = result < 0 && d.failed_on_way && e->status != STATUS_TIMEOUT;
	download_discard(&d);
	return result;
}

// The endpoints in their order (rkt:C-013); the first failure is the one told.
static int fetch_any(struct store *s, json_t *record, const json_t *stored, struct err *e)
{
	jsonio_auto json_t *endpoints = json_incref(json_object_get(record, "endpoints"));
	struct err first = { 0 };
	size_t i;
	json_t *endpoint;
	json_array_foreach(endpoints, i, endpoint) {
		bool next = false;
		*e = (struct err){ 0 };
		if (!fetch_endpoint(s, record, stored, endpoint, &next, e))
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

static int fetch_oci_signatures(struct store *s, json_t *record, struct err *e)
{
	if (user.no_signature) {
		image_add_insecure(record, "image");
		return 0;
	}
	struct err gone = { 0 };
	struct source *from = http_is_offline() && !origin_is_local(record) ? NULL : origin_find(&origins, record, &gone);
	return from ? ocisignatures_fetch(s, from, record, e) : 0; // its blobs are in the store: so are the signatures it names
}

static int fetch_layers(struct store *s, json_t *record, struct err *e)
{
	const struct ocifetch f = { s, &origins, user.foreign, user.max_download, (size_t)user.jobs };
	const char *ref = text_of(record, "ref");
	for (const char *const *check = http_insecure(); origin_is_registry(record) && *check; check++)
		image_add_insecure(record, *check);
	if (ocifetch_image(&f, record, e) == 0 && fetch_oci_signatures(s, record, e) == 0)
		return 0;
	return ref ? err_context(e, "'%s'", ref) : -1;
}

// A reference to a registry or a layout, of which only reg-resolve can say what it means now.
static bool is_unresolved(const json_t *record)
{
	return text_of(record, "registry") || text_of(record, "path");
}

static int absent(const json_t *record, struct err *e)
{
	const char *what = text_of(record, "id");
	what = what ? what : is_unresolved(record) ? text_of(record, "ref") : text_of(record, "name");
	err_set(e, STATUS_NOT_FOUND, "'%s': not in the store, and nothing says where to fetch it", what ? what : "image");
	return text_of(record, "id")
		? -1
		: err_hint(e, "put %s before this stage", is_unresolved(record) ? "reg-resolve" : "discover");
}

// The place of a check among those that were switched off, or -1.
static ssize_t place_in_insecure(const json_t *record, const char *check)
{
	size_t i;
	json_t *item;
	json_array_foreach(json_object_get(record, "insecure"), i, item)
		if (!strcmp(json_string_value(item), check))
			return (ssize_t)i;
	return -1;
}

// An image that was fetched without its signature gets it now, so that it can be verified without being fetched again (rkt:F-13). It is in
// the store whether or not that succeeds: what a missing signature means is verify-sig's to say.
static void add_signature(struct store *s, json_t *record)
{
	struct err e = { 0 };
	size_t i;
	json_t *endpoint;
	ssize_t off = place_in_insecure(record, "image");
	jsonio_auto json_t *signature = NULL;
	const char *from = text_of(json_object_get(record, "source"), "url");
	if (off < 0 || user.no_signature || json_object_get(record, "signature") || !strcmp(user.pull_policy, "never"))
		return;
	json_array_foreach(json_object_get(record, "endpoints"), i, endpoint)
		if (from && !strcmp(from, text_of(endpoint, "url")) && !signature &&
			find_signature(s, endpoint, &signature, &e) < 0)
			msg_warn("%s: the image stays without its signature", e.text);
	if (!signature)
		return;
	json_object_set(record, "signature", signature);
	json_array_remove(json_object_get(record, "insecure"), (size_t)off);
}

static int fetch(struct store *s, json_t *record, struct err *e)
{
	if (ociimage_is(record))
		return fetch_layers(s, record, e);
	if (is_unresolved(record))
		return absent(record, e);
	if (wanted_check(record, e) < 0)
		return -1;
	const json_t *blob = json_object_get(record, "blob");
	struct descriptor d;
	if (blob && descriptor_read(record, "blob", &d, e) < 0)
		return -1;
	if (blob && store_has_blob(s, d.digest)) {
		add_signature(s, record);
		return store_renew_blob(s, d.digest, d.size, e);
	}
	bool update = !strcmp(user.pull_policy, "update"), never = !strcmp(user.pull_policy, "never");
	jsonio_auto json_t *stored = blob || text_of(record, "digest") ? NULL : wanted_find_stored(s, record, e);
	if (e->status)
		return -1;
	size_t endpoints = json_array_size(json_object_get(record, "endpoints"));
	if (stored && (!update || text_of(record, "id") || !endpoints)) {
		wanted_use_stored(record, stored);
		return 0;
	}
	if (!endpoints)
		return absent(record, e);
	if (never && !wanted_is_file(record))
		return err_set(e, STATUS_NOT_FOUND, "'%s': not in the store, and --pull-policy is never", text_of(record, "ref"));
	if (user.no_signature)
		image_add_insecure(record, "image");
	for (const char *const *check = http_insecure(); *check; check++)
		image_add_insecure(record, *check);
	return fetch_any(s, record, stored, e);
}

static int fetch_all(json_t *records, struct err *e)
{
	struct sandbox sandbox = { .fork = true };
	if (user.signature && json_array_size(records) != 1)
		return err_set(e, STATUS_USAGE, "option --signature: for one image, but %zu are to be fetched",
			json_array_size(records));
	trust_auto trust = { 0 };
	bool needs_login = origin_needs_network(records);
	if ((needs_login ? registry_prepare(&sandbox, e) : http_prepare(&sandbox, e)) < 0 ||
		open_locals(records, &sandbox, e) < 0 || storetrust_load(&trust, e) < 0)
		return -1;
	struct store *s = storecmd_open(STORECMD_CREATE, &sandbox, e);
	if (s)
		storetrust_apply(s, &trust); // an image that is there already is as verified as its key is trusted now
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		if (!s || fetch(s, record, e) < 0)
			break;
	store_close(s);
	return e->status ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	cmd_start(&cmd, argc, argv);
	if (user.no_signature && user.signature)
		cmd_usage("options --no-signature and --signature exclude each other");
	if (user.lookaside && lookaside_check(user.lookaside, &e) < 0)
		cmd_usage("option --lookaside: %s", e.text);
	origins.limits = &codeclimits_asked;
	origins.lookaside = user.lookaside;
	origins.signatures = !user.no_signature;
	jsonio_auto json_t *records = image_read_all("image", &e);
	if (records && user.no_signature)
		msg_warn("signature verification has been disabled");
	if (!records || fetch_all(records, &e) < 0)
		return cmd_fail(&e);
	registry_end();
	close_locals();
	record_write_all(records);
	return cmd_finish();
}
