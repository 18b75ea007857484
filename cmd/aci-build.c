// aci-build - build an App Container Image from a manifest and a root filesystem
// SPDX-License-Identifier: Apache-2.0
//
// stdin: nothing, or the manifest with `--manifest -`. stdout: the image (App Container Specification, aci.md, "Image Archives");
// with --output the image record of the file written. 6 when the manifest breaks the specification: then not a byte is written.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/progress.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "base/utf8.h"
#include "image/aci.h"
#include "image/archive.h"
#include "image/packtree.h"
#include "oci/descriptor.h"
#include "oci/platform.h"
#include "oci/ref.h"

static struct {
	const char *manifest, *name, *platform, *user, *group, *working_dir, *compress;
	struct texts exec, environment, mount_points, open_ports, dependencies, annotations;
} user = { .compress = "gzip" };

static const struct cmd_option options[] = {
	CMD_TEXT(0, "manifest", "FILE", &user.manifest, "the ImageManifest to start from; `-` is stdin"),
	CMD_TEXT(0, "name", "NAME[:VERSION][,LABEL=VALUE...]", &user.name, "the image's name, and labels"),
	CMD_TEXT('p', "platform", "OS/ARCH", &user.platform, "the labels os and arch; either spelling"),
	CMD_TEXTS(0, "exec", "WORD", &user.exec, "the program and, repeated, its arguments"),
	CMD_TEXT(0, "user", "USER", &user.user, "whom the app runs as; 0 unless told"),
	CMD_TEXT(0, "group", "GROUP", &user.group, "its group; 0 unless told"),
	CMD_TEXT(0, "working-dir", "DIR", &user.working_dir, "where the app starts"),
	CMD_TEXTS(0, "environment", "NAME=VALUE", &user.environment, "a variable of the app; repeatable"),
	CMD_TEXTS(0, "mount-point", "NAME=PATH[:ro]", &user.mount_points, "where the app expects a volume; repeatable"),
	CMD_TEXTS(0, "open-port", "NAME=PORT[/PROTOCOL]", &user.open_ports, "a port the app listens on; repeatable"),
	CMD_TEXTS(0, "dependency", "NAME[:VERSION][,LABEL=VALUE...]", &user.dependencies, "an image it stands on; repeatable"),
	CMD_TEXTS(0, "annotation", "NAME=VALUE", &user.annotations, "an annotation of the image; repeatable"),
	CMD_CHOICE(0, "compress", &user.compress, "gzip|none", "how the image is compressed; gzip unless told"),
	CMD_GROUP(archive_jobs_options),
	CMD_GROUP(archive_options),
	CMD_GROUP(packtree_options),
	CMD_GROUP(progress_options),
	CMD_END,
};

static struct cmd cmd = {
	.name = "aci-build",
	.operands = "ROOTFS",
	.summary = "build an App Container Image from a manifest and a root filesystem",
	.reads = CMD_NONE,
	.writes = CMD_BYTES,
	.least_operands = 1,
	.most_operands = 1,
	.options = options,
};

// ---- options into the manifest ----

static json_t *string_of(const char *option, const char *text)
{
	if (!utf8_valid(text, strlen(text)))
		cmd_usage("option --%s: not UTF-8: '%s'", option, text);
	return json_string(text);
}

// The list at object[key], made when there is none. What is no list stays as it is, for the check to tell.
static json_t *list_at(json_t *object, const char *key)
{
	json_t *list = json_object_get(object, key);
	if (list && !json_is_null(list))
		return list;
	json_object_set_new(object, key, json_array());
	return json_object_get(object, key);
}

// Puts an object with a name into a list of such, in place of one with the same name. Steals item.
static void put_named(json_t *list, json_t *item)
{
	size_t i;
	json_t *old;
	json_array_foreach(list, i, old) {
		if (json_equal(json_object_get(old, "name"), json_object_get(item, "name"))) {
			json_array_set_new(list, i, item);
			return;
		}
	}
	if (json_array_append_new(list, item) < 0)
		return; // no list: the check tells
}

// NAME=REST. Returns {"name": NAME}; rest points into text.
static json_t *named(const char *option, const char *text, const char **rest)
{
	const char *equals = strchr(text, '=');
	if (!equals || equals == text)
		cmd_usage("option --%s: not NAME=VALUE: '%s'", option, text);
	mem_auto char *name = mem_text_n(text, (size_t)(equals - text));
	*rest = equals + 1;
	return json_pack("{s:o}", "name", string_of(option, name));
}

static void put_values(json_t *object, const char *key, const char *option, const struct texts *values)
{
	for (size_t i = 0; i < values->count; i++) {
		const char *value;
		json_t *item = named(option, values->items[i], &value);
		json_object_set_new(item, "value", string_of(option, value));
		put_named(list_at(object, key), item);
	}
}

static void put_labels(json_t *object, const json_t *labels)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)labels, name, value)
		put_named(list_at(object, "labels"), json_pack("{s:s, s:O}", "name", name, "value", value));
}

// A name with version and labels as `ref-parse` takes it; any other kind of reference is a usage error.
static json_t *parse_image_name(const char *option, const char *text)
{
	struct err e = { 0 };
	json_t *ref = ref_parse(text, &e);
	if (!ref)
		cmd_usage("option --%s: %s", option, e.text);
	if (strcmp(json_string_value(json_object_get(ref, "transport")), "appc") != 0)
		cmd_usage("option --%s: not the name of an App Container Image: '%s'", option, text);
	return ref;
}

static void put_name(json_t *manifest)
{
	if (!user.name)
		return;
	jsonio_auto json_t *ref = parse_image_name("name", user.name);
	json_object_set(manifest, "name", json_object_get(ref, "name"));
	put_labels(manifest, json_object_get(ref, "labels"));
}

static void put_platform(json_t *manifest)
{
	struct err e = { 0 };
	const struct platform *platform = user.platform ? platform_parse(user.platform, &e) : NULL;
	if (e.status)
		cmd_usage("option --platform: %s", e.text);
	if (!platform)
		return;
	jsonio_auto json_t *labels = json_pack("{s:s, s:s}", "os", platform->os, "arch", platform->appc);
	put_labels(manifest, labels);
}

static void put_dependencies(json_t *manifest)
{
	for (size_t i = 0; i < user.dependencies.count; i++) {
		jsonio_auto json_t *ref = parse_image_name("dependency", user.dependencies.items[i]);
		json_t *item = json_pack("{s:O}", "imageName", json_object_get(ref, "name"));
		put_labels(item, json_object_get(ref, "labels"));
		json_array_append_new(list_at(manifest, "dependencies"), item);
	}
}

static void put_mount_points(json_t *app)
{
	for (size_t i = 0; i < user.mount_points.count; i++) {
		const char *path;
		json_t *item = named("mount-point", user.mount_points.items[i], &path);
		size_t length = strlen(path);
		bool read_only = length > 3 && !strcmp(path + length - 3, ":ro");
		mem_auto char *alone = mem_text_n(path, length - (read_only ? 3 : 0));
		json_object_set_new(item, "path", string_of("mount-point", alone));
		if (read_only)
			json_object_set_new(item, "readOnly", json_true());
		put_named(list_at(app, "mountPoints"), item);
	}
}

static void put_ports(json_t *app)
{
	for (size_t i = 0; i < user.open_ports.count; i++) {
		const char *rest;
		char *end = NULL;
		json_t *item = named("open-port", user.open_ports.items[i], &rest);
		long long number =
			*rest >= '0' && *rest <= '9' ? strtoll(rest, &end, 10) : 0; // its range is the schema's to check
		if (!end || (*end && *end != '/'))
			cmd_usage("option --open-port: not NAME=PORT or NAME=PORT/PROTOCOL: '%s'", user.open_ports.items[i]);
		const char *protocol = *end ? end + 1 : "tcp";
		json_object_set_new(item, "port", json_integer(number));
		json_object_set_new(item, "protocol", string_of("open-port", protocol));
		put_named(list_at(app, "ports"), item);
	}
}

static void put_text(json_t *object, const char *key, const char *option, const char *text)
{
	if (text)
		json_object_set_new(object, key, string_of(option, text));
}

static void put_exec(json_t *app)
{
	json_t *words = json_array();
	for (size_t i = 0; i < user.exec.count; i++)
		json_array_append_new(words, string_of("exec", user.exec.items[i]));
	if (user.exec.count)
		json_object_set(app, "exec", words);
	json_decref(words);
}

// The app's section comes into being with the first option about it; it must say who it runs as.
static void put_app(json_t *manifest)
{
	bool asked = user.exec.count || user.user || user.group || user.working_dir || user.environment.count ||
		user.mount_points.count || user.open_ports.count;
	if (!asked)
		return;
	if (!json_is_object(json_object_get(manifest, "app")))
		json_object_set_new(manifest, "app", json_object());
	json_t *app = json_object_get(manifest, "app");
	put_exec(app);
	put_text(app, "user", "user", user.user);
	put_text(app, "group", "group", user.group);
	put_text(app, "workingDirectory", "working-dir", user.working_dir);
	put_values(app, "environment", "environment", &user.environment);
	put_mount_points(app);
	put_ports(app);
	if (!json_object_get(app, "user"))
		json_object_set_new(app, "user", json_string("0"));
	if (!json_object_get(app, "group"))
		json_object_set_new(app, "group", json_string("0"));
}

// ---- the manifest ----

static int tell_findings(const json_t *manifest, struct err *e)
{
	struct findings findings = { 0 };
	aci_check(manifest, &findings);
	int failed = findings_error(&findings, e);
	for (size_t i = 0; !failed && i < findings.count; i++)
		msg_warn("%s", findings.items[i].text);
	findings_free(&findings);
	return failed;
}

// The manifest as text and as tree. Without a change by an option the text is the file's, byte for byte.
static json_t *make_manifest(struct buf *text, struct err *e)
{
	if (user.manifest && io_read_file(user.manifest, ACI_MANIFEST_MAX, text, e) < 0)
		return NULL;
	json_t *manifest = user.manifest ? jsonio_parse(buf_text(text), text->length, "manifest", e)
					 : json_pack("{s:s, s:s}", "acKind", "ImageManifest", "acVersion", "0.8.11");
	if (!manifest)
		return NULL;
	jsonio_auto json_t *given = json_deep_copy(manifest);
	put_name(manifest);
	put_platform(manifest);
	put_app(manifest);
	put_dependencies(manifest);
	put_values(manifest, "annotations", "annotation", &user.annotations);
	if (!user.manifest || !json_equal(given, manifest)) {
		mem_auto char *compact = jsonio_text(manifest);
		buf_free(text);
		buf_add_text(text, compact);
	}
	if (text->length > ACI_MANIFEST_MAX)
		err_set(e, STATUS_LIMIT, "manifest: longer than the limit of %zu bytes", ACI_MANIFEST_MAX);
	else if (tell_findings(manifest, e) == 0)
		return manifest;
	json_decref(manifest);
	return NULL;
}

// ---- the image ----

static int build(struct archive *archive, const struct buf *manifest, int rootfs, const char *name, struct err *e)
{
	struct progress progress;
	struct tarwrite out = { .sink = archive_sink, .context = archive };
	struct packtree tree = { .out = &out, .prefix = "rootfs", .room = archive_room, .progress = &progress };
	struct tar_entry entry = { .type = TAR_FILE,
		.path = "manifest",
		.mode = 0644,
		.size = (int64_t)manifest->length,
		.mtime = packtree_time() };
	progress_start(&progress, name, -1);
	int failed = tarwrite_entry(&out, &entry, e) < 0 || tarwrite_data(&out, manifest->data, manifest->length, e) < 0 ||
		packtree_write(&tree, rootfs, name, e) < 0 || tarwrite_end(&out, e) < 0;
	progress_end(&progress);
	return failed ? -1 : 0;
}

static void write_image_record(const json_t *manifest, const struct archive_result *result)
{
	mem_auto char *id = mem_format("sha512-%s", digest_digits(result->tar));
	jsonio_auto json_t *record = aci_record(id, manifest);
	json_object_set_new(record, "blob", descriptor_json(MEDIA_ACI, result->digest, result->size));
	record_write(record);
}

static int run(const char *name, struct err *e)
{
	struct sandbox sandbox = { 0 };
	struct archive_result result;
	buf_auto text = { 0 };
	io_auto int rootfs = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rootfs < 0)
		return err_open(e, name);
	jsonio_auto json_t *manifest = make_manifest(&text, e);
	if (!manifest)
		return -1;
	const struct archive_form form = { .codec = strcmp(user.compress, "gzip") ? CODEC_NONE : CODEC_GZIP,
		.inner = DIGEST_SHA512 };
	struct archive *archive = archive_open(&form, &sandbox, e);
	if (!archive)
		return -1;
	texts_add(&sandbox.reads, name);
	if (sandbox_enter(&sandbox, e) < 0 || archive_start(archive, e) < 0 || build(archive, &text, rootfs, name, e) < 0) {
		archive_discard(archive);
		return -1;
	}
	if (archive_finish(archive, &result, e) < 0)
		return -1;
	if (archive_to_file())
		write_image_record(manifest, &result);
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	packtree_check_options();
	if (!user.manifest && !user.name)
		cmd_usage("neither --manifest nor --name");
	if (archive_to_file())
		cmd.writes = CMD_RECORD; // so that a failure, too, goes down the pipe
	if (run(operands.items[0], &e) < 0)
		return cmd_fail(&e);
	return cmd_finish();
}
