// reg-push - put images in a registry or an image layout
// SPDX-License-Identifier: Apache-2.0
//
// stdin: image records of OCI images, their blobs in the store or where reg-resolve found them. operand: where to. stdout: the records, with
// the reference there. Blobs go first, then manifests, the tag last (OCI distribution specification, "Push").
#include <stdlib.h>
#include <string.h>

#include "base/cmd.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "base/record.h"
#include "image/image.h"
#include "image/ociimage.h"
#include "image/origin.h"
#include "image/push.h"
#include "image/storecmd.h"
#include "oci/ref.h"
#include "oci/registry.h"
#include "oci/sourceregistry.h"

static struct {
	bool alone, index;
	int64_t jobs;
} user = { .jobs = 3 };

static const struct cmd_option options[] = {
	CMD_FLAG(0, "index", &user.index, "the whole index that led to the image, with all platforms"),
	CMD_FLAG(0, "image-only", &user.alone, "leave signatures and other referrers behind"),
	CMD_NUMBER('j', "jobs", "N", &user.jobs, 1, PUSH_JOBS_MAX, "upload N blobs at once; 3 unless told"),
	CMD_GROUP(registry_upload_options),
	CMD_GROUP(storecmd_options),
	CMD_GROUP(registry_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "reg-push",
	.operands = "DESTINATION",
	.summary = "put images in a registry or an image layout",
	.reads = CMD_RECORDS,
	.writes = CMD_RECORDS,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

// ---- from and to where ----

static bool is_layout(const json_t *to)
{
	return !strcmp(jsonio_find_text(to, "transport"), "oci");
}

static json_t *parse_destination(const char *operand, struct err *e)
{
	jsonio_auto json_t *to = !strncmp(operand, "oci:", 4) ? ref_parse(operand, e) : ref_parse_registry(operand, e);
	if (!to)
		return NULL;
	if (is_layout(to) && !jsonio_find_text(to, "tag")) {
		err_set(e, STATUS_USAGE, "'%s': no name for the image in the layout", operand);
		err_hint(e, "%s:NAME", operand);
		return NULL;
	}
	return json_incref(to);
}

static int open_target(struct target *t, const json_t *to, struct sandbox *sandbox, struct err *e)
{
	if (is_layout(to))
		return target_open_layout(t, jsonio_find_text(to, "path"), sandbox, e);
	struct registry *r =
		registry_open(jsonio_find_text(to, "registry"), jsonio_find_text(to, "repository"), REGISTRY_PUSH, e);
	if (r)
		target_open_registry(t, r);
	return r ? 0 : -1;
}

// The repository that blobs can be mounted from, where the record's is another of the same registry.
static const char *mount_source(struct target *t, const json_t *record, const json_t *to)
{
	if (is_layout(to) || !origin_is_registry(record))
		return NULL;
	return registry_mount_from(t->context, jsonio_find_text(record, "registry"), jsonio_find_text(record, "repository"));
}

// A token is for the scopes it was asked with.
static void add_scopes(struct target *t, const json_t *records, const json_t *to)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		mount_source(t, record, to);
}

// ---- one record ----

static const json_t *what_goes(const json_t *record, bool as_index, struct err *e)
{
	const json_t *descriptor = json_object_get(record, as_index ? "index" : "manifest");
	if (!descriptor)
		err_set(e, STATUS_REFUSED, "'%s': no index led to this image",
			jsonio_find_text(record, "ref") ? jsonio_find_text(record, "ref") : "image");
	return descriptor;
}

static int check_digest(const json_t *to, const json_t *descriptor, struct err *e)
{
	const char *wanted = jsonio_find_text(to, "digest"), *is = jsonio_find_text(descriptor, "digest");
	if (!wanted || !strcmp(wanted, is))
		return 0;
	return err_set(e, STATUS_REFUSED, "'%s': digest mismatch: expected %s, found %s", jsonio_find_text(to, "ref"), wanted,
		is);
}

static void describe(json_t *record, const json_t *to, const json_t *descriptor, json_t *referrers)
{
	static const char *const places[] = { "registry", "repository", "path", "tag", "digest", "pinned" };
	static const char *const taken[] = { "ref", "transport", "registry", "repository", "path", "tag" };
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++)
		json_object_del(record, places[i]);
	for (size_t i = 0; i < ARRAY_LENGTH(taken); i++)
		if (json_object_get(to, taken[i]))
			json_object_set(record, taken[i], json_object_get(to, taken[i]));
	if (!is_layout(to))
		json_object_set(record, "digest", json_object_get(descriptor, "digest"));
	if (json_array_size(referrers))
		json_object_set(record, "referrers", referrers);
	for (const char *const *check = http_insecure(); *check; check++)
		image_add_insecure(record, *check);
}

static int push(struct push *p, struct origins *origins, json_t *record, const json_t *to, bool as_index, struct err *e)
{
	struct err unknown = { 0 };
	jsonio_auto json_t *descriptor = json_incref((json_t *)(uintptr_t)what_goes(record, as_index, e));
	if (!descriptor || check_digest(to, descriptor, e) < 0)
		return -1;
	p->source = origin_find(origins, record, &unknown);
	if (!p->source && unknown.status != STATUS_USAGE && !user.alone)
		msg_warn("signatures stay behind: %s", unknown.text);
	const char *from = jsonio_find_text(record, "transport");
	p->source_has_tags = from && (!strcmp(from, "docker") || !strcmp(from, "oci") || !strcmp(from, "oci-archive"));
	p->mount_from = mount_source(p->target, record, to);
	p->referrers = json_array();
	int result = push_manifest(p, descriptor, jsonio_find_text(to, "digest") ? NULL : jsonio_find_text(to, "tag"), e);
	if (!result)
		describe(record, to, descriptor, p->referrers);
	json_decref(p->referrers);
	const char *ref = jsonio_find_text(to, "ref");
	return result < 0 ? err_context(e, "'%s'", ref) : 0;
}

// Several records are the platforms of one index: only that can have the name.
static int check_records(const json_t *records, struct err *e)
{
	size_t i;
	json_t *record, *first = json_object_get(json_array_get(records, 0), "index");
	json_array_foreach(records, i, record) {
		if (!ociimage_is(record))
			return err_set(e, STATUS_REFUSED, "'%s': no manifest: %s",
				jsonio_find_text(record, "ref") ? jsonio_find_text(record, "ref") : "image",
				jsonio_find_text(record, "registry") || jsonio_find_text(record, "path")
					? "put reg-resolve before this stage"
					: "only an OCI image can be put there");
		if (i && !(first && json_equal(first, json_object_get(record, "index"))))
			return err_set(e, STATUS_REFUSED, "%zu images for one name, and not of one index",
				json_array_size(records));
	}
	return 0;
}

static int push_all(json_t *records, const json_t *to, struct err *e)
{
	struct sandbox sandbox = { 0 };
	struct target target = { 0 };
	origins_auto origins = { 0 };
	jsonio_auto json_t *done = json_object();
	size_t i;
	json_t *record;
	bool network = !is_layout(to) || origin_needs_network(records), as_index = user.index || json_array_size(records) > 1;
	if (check_records(records, e) < 0 || (network && registry_prepare(&sandbox, e) < 0) ||
		open_target(&target, to, &sandbox, e) < 0)
		return -1;
	json_array_foreach(records, i, record)
		origin_add(&origins, record, &sandbox);
	add_scopes(&target, records, to);
	const char *tmp = getenv("TMPDIR");
	texts_add(&sandbox.writes, tmp && *tmp ? tmp : "/tmp"); // what comes straight from another place passes through there
	store_auto *s = storecmd_open(STORECMD_RESUME, &sandbox, e);
	mem_auto char *place =
		is_layout(to) ? NULL : mem_format("%s/%s", jsonio_find_text(to, "registry"), jsonio_find_text(to, "repository"));
	struct push p = { .store = s,
		.target = &target,
		.place = place,
		.jobs = (size_t)user.jobs,
		.alone = user.alone,
		.done = done };
	json_array_foreach(records, i, record)
		if (e->status || push(&p, &origins, record, to, as_index, e) < 0)
			break;
	target_close(&target);
	return e->status ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	jsonio_auto json_t *records = image_read_all("image", &e);
	jsonio_auto json_t *to = records ? parse_destination(operands.items[0], &e) : NULL;
	if (!to || push_all(records, to, &e) < 0)
		return cmd_fail(&e);
	registry_end();
	record_write_all(records);
	return cmd_finish();
}
