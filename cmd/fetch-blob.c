// fetch-blob - bring the bytes of images into the store
// SPDX-License-Identifier: Apache-2.0
//
// stdin: image records with endpoints (from discover or ref-parse), an id, a digest, or the manifest of an OCI image (from reg-resolve).
// stdout: the same with blob, signature and, for an App Container Image, id, name, labels and dependencies from its manifest. 1 when the
// bytes or the manifest are not those asked for.
#include <string.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/msg.h"
#include "base/progress.h"
#include "base/record.h"
#include "image/acifetch.h"
#include "image/codeclimits.h"
#include "image/image.h"
#include "image/ocifetch.h"
#include "image/ociimage.h"
#include "image/ocisignatures.h"
#include "image/pull.h"
#include "image/storecmd.h"
#include "image/storetrust.h"
#include "image/wanted.h"
#include "net/http.h"
#include "oci/descriptor.h"
#include "oci/lookaside.h"
#include "oci/registry.h"

static struct {
	const char *pull_policy, *lookaside;
	bool foreign;
	int64_t jobs;
} user = { .pull_policy = "new", .jobs = 3 };

static struct acifetch fetching = { .signature_fd = -1, .limit = (int64_t)64 << 30, .limits = &codeclimits_asked };
static struct origins origins; // of OCI images

static const struct cmd_option options[] = {
	CMD_GROUP(storecmd_options),
	CMD_GROUP(storetrust_options),
	CMD_CHOICE(0, "pull-policy", &user.pull_policy, "never|new|update",
		"new, the default: only what is not in the store; update: ask whether there is a newer one"),
	CMD_FLAG(0, "no-signature", &fetching.no_signature, "ask for no signature: the images cannot be verified"),
	CMD_TEXT(0, "signature", "FILE", &fetching.signature, "the signature of the one image there is"),
	CMD_TEXT(0, "lookaside", "URL", &user.lookaside, "where signatures of images in registries lie, file:DIR or https://..."),
	CMD_TEXT(0, "media-type", "TYPE", &fetching.media_type,
		"what the bytes are, where they are no image: none is read for a manifest"),
	CMD_FLAG(0, "foreign-layers", &user.foreign, "fetch layers that lie elsewhere than their image from there"),
	CMD_NUMBER('j', "jobs", "N", &user.jobs, 1, PULL_JOBS_MAX, "fetch N blobs of a registry at once; 3 unless told"),
	CMD_SIZE(0, "max-download", &fetching.limit, "of one image as served; 64G unless told"),
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

// ---- what is opened before the sandbox closes ----

static int open_places(const json_t *records, struct sandbox *sandbox, struct err *e)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		if (ociimage_is(record))
			origin_add(&origins, record, sandbox);
		else
			acifetch_open_local(&fetching, record);
	fetching.signature_fd = fetching.signature ? io_open_input(fetching.signature, e) : -1;
	return fetching.signature && fetching.signature_fd < 0 ? -1 : 0;
}

static void close_places(void)
{
	acifetch_close(&fetching);
	origins_free(&origins);
	if (fetching.signature_fd >= 0)
		close(fetching.signature_fd);
}

// ---- fetching ----

static int fetch_oci_signatures(struct store *s, json_t *record, struct err *e)
{
	if (fetching.no_signature) {
		image_add_insecure(record, "image");
		return 0;
	}
	struct err gone = { 0 };
	struct source *from = http_is_offline() && !origin_is_local(record) ? NULL : origin_find(&origins, record, &gone);
	return from ? ocisignatures_fetch(s, from, record, e) : 0; // its blobs are in the store: so are the signatures it names
}

static int fetch_layers(struct store *s, json_t *record, struct err *e)
{
	const struct ocifetch f = { s, &origins, user.foreign, fetching.limit, (size_t)user.jobs };
	const char *ref = jsonio_find_text(record, "ref");
	for (const char *const *check = http_insecure(); origin_is_registry(record) && *check; check++)
		image_add_insecure(record, *check);
	if (ocifetch_image(&f, record, e) == 0 && fetch_oci_signatures(s, record, e) == 0)
		return 0;
	return ref ? err_context(e, "'%s'", ref) : -1;
}

// A reference to a registry or a layout, of which only reg-resolve can say what it means now.
static bool is_unresolved(const json_t *record)
{
	return jsonio_find_text(record, "registry") || jsonio_find_text(record, "path");
}

static int absent(const json_t *record, struct err *e)
{
	const char *what = jsonio_find_text(record, "id");
	what = what ? what : is_unresolved(record) ? jsonio_find_text(record, "ref") : jsonio_find_text(record, "name");
	err_set(e, STATUS_NOT_FOUND, "'%s': not in the store, and nothing says where to fetch it", what ? what : "image");
	return jsonio_find_text(record, "id")
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
static void add_signature(json_t *record)
{
	struct err e = { 0 };
	size_t i;
	json_t *endpoint;
	ssize_t off = place_in_insecure(record, "image");
	jsonio_auto json_t *signature = NULL;
	const char *from = jsonio_find_text(json_object_get(record, "source"), "url");
	if (off < 0 || fetching.no_signature || json_object_get(record, "signature") || !strcmp(user.pull_policy, "never"))
		return;
	json_array_foreach(json_object_get(record, "endpoints"), i, endpoint)
		if (from && !strcmp(from, jsonio_find_text(endpoint, "url")) && !signature &&
			acifetch_signature(&fetching, endpoint, &signature, &e) < 0)
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
		add_signature(record);
		return store_renew_blob(s, d.digest, d.size, e);
	}
	bool update = !strcmp(user.pull_policy, "update"), never = !strcmp(user.pull_policy, "never");
	jsonio_auto json_t *stored = blob || jsonio_find_text(record, "digest") ? NULL : wanted_find_stored(s, record, e);
	if (e->status)
		return -1;
	size_t endpoints = json_array_size(json_object_get(record, "endpoints"));
	if (stored && (!update || jsonio_find_text(record, "id") || !endpoints)) {
		wanted_use_stored(record, stored);
		return 0;
	}
	if (!endpoints)
		return absent(record, e);
	if (never && !wanted_is_file(record))
		return err_set(e, STATUS_NOT_FOUND, "'%s': not in the store, and --pull-policy is never",
			jsonio_find_text(record, "ref"));
	if (fetching.no_signature)
		image_add_insecure(record, "image");
	for (const char *const *check = http_insecure(); *check; check++)
		image_add_insecure(record, *check);
	return acifetch_image(&fetching, record, stored, e);
}

static int fetch_all(json_t *records, struct err *e)
{
	struct sandbox sandbox = { .fork = true };
	if (fetching.signature && json_array_size(records) != 1)
		return err_set(e, STATUS_USAGE, "option --signature: for one image, but %zu are to be fetched",
			json_array_size(records));
	trust_auto trust = { 0 };
	bool needs_login = origin_needs_network(records);
	if ((needs_login ? registry_prepare(&sandbox, e) : http_prepare(&sandbox, e)) < 0 ||
		open_places(records, &sandbox, e) < 0 || storetrust_load(&trust, e) < 0)
		return -1;
	struct store *s = fetching.store = storecmd_open(STORECMD_CREATE, &sandbox, e);
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
	if (fetching.no_signature && fetching.signature)
		cmd_usage("options --no-signature and --signature exclude each other");
	if (user.lookaside && lookaside_check(user.lookaside, &e) < 0)
		cmd_usage("option --lookaside: %s", e.text);
	origins.limits = &codeclimits_asked;
	origins.lookaside = user.lookaside;
	origins.signatures = !fetching.no_signature;
	jsonio_auto json_t *records = image_read_all("image", &e);
	if (records && fetching.no_signature)
		msg_warn("signature verification has been disabled");
	if (!records || fetch_all(records, &e) < 0)
		return cmd_fail(&e);
	registry_end();
	close_places();
	record_write_all(records);
	return cmd_finish();
}
