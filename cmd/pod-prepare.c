// pod-prepare - make a pod from images, ready to be run once
// SPDX-License-Identifier: Apache-2.0
//
// stdin: one image record per app, verified and in the store, with what is asked for it in its `app` object; nothing with
// --pod-manifest. stdout: one pod record. 1 means that an image or the source of a volume is refused (pods.md, aci.md; rkt:R-016).
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "image/image.h"
#include "image/stage.h"
#include "image/store.h"
#include "image/storetrust.h"
#include "oci/acname.h"
#include "pod/fields.h"
#include "pod/fill.h"
#include "pod/manifest.h"
#include "pod/ns.h"
#include "pod/request.h"
#include "pod/state.h"
#include "pod/volume.h"

#define RESOLV_MAX ((size_t)64 * 1024) // bytes of the host's /etc/resolv.conf

static struct {
	const char *pods, *store, *hostname, *manifest, *inherited, *variables_file, *uuid_file;
	struct texts apps, volumes, mounts, variables, annotations, labels;
	bool inherit, unverified, follow_links;
} user;

static const struct cmd_option options[] = {
	CMD_TEXTS(0, "app", "N:KEY=VALUE", &user.apps, "ask something for the Nth app; the manual lists the keys"),
	CMD_TEXT(0, "environment-of", "FILE", &user.inherited, "what --inherit-env gives, as in /proc/PID/environ"),
	CMD_TEXT(0, "hostname", "NAME", &user.hostname, "the pod's host name; rkt-UUID unless told"),
	CMD_FLAG(0, "inherit-env", &user.inherit, "give the variables of this process to the apps"),
	CMD_FLAG(0, "insecure-paths", &user.follow_links, "follow symbolic links in the sources of host volumes"),
	CMD_TEXTS(0, "mount", "volume=NAME,target=PATH", &user.mounts, "mount a volume at PATH in every app"),
	CMD_TEXT(0, "pod-manifest", "FILE", &user.manifest, "make the pod this manifest describes; stdin is not read"),
	CMD_TEXT(0, "pods", "DIR", &user.pods, "the pods directory"),
	CMD_TEXTS(0, "set-env", "NAME=VALUE", &user.variables, "set a variable in every app"),
	CMD_TEXT(0, "set-env-file", "FILE", &user.variables_file, "set variables from a file of NAME=VALUE lines"),
	CMD_TEXT(0, "store", "DIR", &user.store, "the store"),
	CMD_GROUP(storetrust_options),
	CMD_FLAG(0, "unverified", &user.unverified, "take images that nothing has verified"),
	CMD_TEXTS(0, "user-annotation", "NAME=VALUE", &user.annotations, "put an annotation into the pod manifest"),
	CMD_TEXTS(0, "user-label", "NAME=VALUE", &user.labels, "put a label into the pod manifest"),
	CMD_TEXT(0, "uuid-file-save", "FILE", &user.uuid_file, "write the pod's UUID to a file, too"),
	CMD_TEXTS(0, "volume", "VOLUME", &user.volumes, "NAME,kind=host,source=/ABS or NAME,kind=empty; see the manual"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "pod-prepare",
	.operands = "",
	.summary = "make a pod from images, ready to be run once",
	.reads = CMD_RECORDS,
	.writes = CMD_RECORD,
	.options = options,
};

struct work {
	int pods;
	struct store *store;
	struct trust trust; // which stored images still count as verified
	json_t *records;    // one per app, in order
	json_t *manifest;   // of the pod, as far as it is made
	struct state_pod pod;
	struct buf resolv;
	bool owners; // files can have the owners the image gives them
};

// ---- what is asked ----

// The volumes of the command line, by unique names.
static json_t *ask_volumes(struct err *e)
{
	json_t *volumes = json_array();
	for (size_t i = 0; i < user.volumes.count && !e->status; i++) {
		json_t *volume = volume_parse(user.volumes.items[i], e);
		if (volume && fields_find(volumes, "name", fields_text(volume, "name")))
			err_set(e, STATUS_USAGE, "volume '%s': given twice", fields_text(volume, "name"));
		if (volume)
			json_array_append_new(volumes, volume);
	}
	return volumes;
}

// N:KEY=VALUE into the Nth record.
static int ask_app(json_t *records, const char *text, struct err *e)
{
	char *rest;
	unsigned long n = strtoul(text, &rest, 10);
	json_t *record = json_array_get(records, n - 1);
	if (*text < '0' || *text > '9' || *rest != ':')
		return err_set(e, STATUS_USAGE, "option --app: '%s': not N:KEY=VALUE", text);
	if (!n || !record)
		return err_set(e, STATUS_USAGE, "option --app: '%s': there are %zu apps", text, json_array_size(records));
	json_t *request = jsonio_get_object(record, "app", e);
	if (e->status)
		return -1;
	if (!request) {
		request = json_object();
		json_object_set_new(record, "app", request);
	}
	return request_set(request, rest + 1, e);
}

// --name, else the last element of the image's name, with what an AC Name cannot have made `-` (rkt:R-007). Malloced.
static char *app_name(const json_t *record, struct err *e)
{
	const char *asked = fields_text(json_object_get(record, "app"), "name"), *name = fields_text(record, "name");
	if (!asked && !name) {
		err_set(e, STATUS_MALFORMED, "stdin: field 'name': missing");
		return NULL;
	}
	const char *slash = asked ? NULL : strrchr(name, '/');
	char *made = mem_text(asked ? asked : slash ? slash + 1 : name);
	for (char *c = made; !asked && *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789", *c))
			*c = '-';
	if (acname_is_name(made))
		return made;
	err_set(e, asked ? STATUS_USAGE : STATUS_MALFORMED, "app name '%s': not an AC Name", made);
	free(made);
	return NULL;
}

// The element of the pod manifest for one record.
static json_t *ask_one(json_t *record, const json_t *apps, struct err *e)
{
	json_t *request = json_object_get(record, "app"), *given;
	if (request && request_check(request, e) < 0)
		return NULL;
	mem_auto char *name = app_name(record, e);
	if (name && fields_find(apps, "name", name)) {
		err_set(e, STATUS_USAGE, "multiple apps with name %s", name);
		err_hint(e, "give one of them another name");
	}
	json_t *mounts = e->status ? NULL : json_array();
	for (size_t i = 0; mounts && i < user.mounts.count && !e->status; i++) {
		json_t *mount = volume_parse_mount(user.mounts.items[i], e);
		if (mount)
			json_array_append_new(mounts, mount);
	}
	if (e->status) {
		json_decref(mounts);
		return NULL;
	}
	size_t i;
	json_array_foreach(json_object_get(request, "mounts"), i, given)
		json_array_append_new(mounts,
			json_pack("{s:O, s:O}", "volume", json_object_get(given, "volume"), "path",
				json_object_get(given, "target")));
	json_t *app = json_pack("{s:s, s:{s:O?, s:O?}, s:o}", "name", name, "image", "name", json_object_get(record, "name"),
		"id", json_object_get(record, "id"), "mounts", mounts);
	if (json_is_true(json_object_get(request, "readonlyRootfs")))
		json_object_set_new(app, "readOnlyRootFS", json_true());
	return app;
}

static int ask_pairs(json_t *manifest, const char *key, const struct texts *pairs, struct err *e)
{
	json_t *object = json_object();
	for (size_t i = 0; i < pairs->count; i++) {
		size_t n = strcspn(pairs->items[i], "=");
		mem_auto char *name = mem_text_n(pairs->items[i], n);
		if (!n || !pairs->items[i][n] || json_object_set_new(object, name, json_string(pairs->items[i] + n + 1)) < 0)
			err_set(e, STATUS_USAGE, "'%s': not NAME=VALUE", pairs->items[i]);
	}
	if (pairs->count)
		json_object_set(manifest, key, object);
	json_decref(object);
	return e->status ? -1 : 0;
}

// The manifest that records and command line ask for.
static int ask_by_records(struct work *w, struct err *e)
{
	for (size_t i = 0; i < user.apps.count && !e->status; i++)
		ask_app(w->records, user.apps.items[i], e);
	if (e->status)
		return -1;
	w->manifest = manifest_new(ask_volumes(e));
	size_t i;
	json_t *record, *apps = json_object_get(w->manifest, "apps");
	json_array_foreach(w->records, i, record) {
		json_t *app = e->status ? NULL : ask_one(record, apps, e);
		if (app)
			json_array_append_new(apps, app);
	}
	return e->status ? -1 : 0;
}

// The manifest the user wrote, whose images the store has.
static int ask_by_manifest(struct work *w, struct err *e)
{
	if (user.apps.count || user.volumes.count || user.mounts.count)
		cmd_usage("--pod-manifest excludes --app, --volume and --mount");
	w->records = json_array();
	w->manifest = jsonio_read_file(user.manifest, e);
	if (!w->manifest || manifest_check(w->manifest, e) < 0)
		return -1;
	size_t i;
	json_t *app;
	json_array_foreach(json_object_get(w->manifest, "apps"), i, app) {
		json_t *record = store_find_id(w->store, fields_text(json_object_get(app, "image"), "id"), e);
		if (!record)
			return err_context(e, "app '%s'", fields_text(app, "name"));
		json_array_append_new(w->records, record);
	}
	return 0;
}

static int ask(struct work *w, struct err *e)
{
	if ((user.manifest ? ask_by_manifest(w, e) : ask_by_records(w, e)) < 0)
		return -1;
	size_t i;
	json_t *record;
	json_array_foreach(w->records, i, record)
		if (image_require_verified(record, user.unverified, e) < 0)
			return -1;
	if (ask_pairs(w->manifest, "userAnnotations", &user.annotations, e) < 0)
		return -1;
	return ask_pairs(w->manifest, "userLabels", &user.labels, e);
}

// ---- the pod ----

static int save_uuid(const struct work *w, struct err *e)
{
	mem_auto char *line = mem_format("%s\n", w->pod.uuid);
	return user.uuid_file ? io_write_file(AT_FDCWD, user.uuid_file, 0644, line, strlen(line), e) : 0;
}

static void abandon(struct work *w)
{
	struct err ignored = { 0 };
	io_auto int directory = openat(w->pods, state_directory(w->pod.state), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory >= 0 && stage_remove(directory, w->pod.uuid, &ignored) < 0)
		msg_warn("pod \"%s\": cannot remove what is left of it: %s", w->pod.uuid, ignored.text);
}

static int fill(const struct work *w, struct err *e)
{
	struct fill f = { .pod = &w->pod,
		.store = w->store,
		.records = w->records,
		.manifest = w->manifest,
		.rendering = render_defaults,
		.resolv = w->resolv,
		.mount_fault = user.manifest ? STATUS_MALFORMED : STATUS_USAGE,
		.hostname = user.hostname,
		.follow_links = user.follow_links,
		.inherit = user.inherit,
		.inherited = user.inherited,
		.variables_file = user.variables_file,
		.variables = user.variables };
	f.rendering.layout = f.rendering.setuid = true;
	f.rendering.sync = false; // a pod that was being prepared does not outlive a crash of the machine
	f.rendering.unverified = user.unverified;
	f.rendering.numeric_owners = w->owners;
	return fill_pod(&f, e);
}

static int prepare(struct work *w, struct err *e)
{
	if (state_create(w->pods, &w->pod, e) < 0)
		return -1;
	if (fill(w, e) == 0 && save_uuid(w, e) == 0 && state_move(w->pods, &w->pod, STATE_PREPARED, e) == 0)
		return 0;
	abandon(w);
	return -1;
}

static void write_record(const struct work *w, const char *pods)
{
	mem_auto char *real = realpath(pods, NULL);
	mem_auto char *directory = mem_format("%s/%s/%s", real ? real : pods, state_directory(w->pod.state), w->pod.uuid);
	jsonio_auto json_t *record =
		json_pack("{s:s, s:s, s:s, s:[]}", "kind", "pod", "uuid", w->pod.uuid, "dir", directory, "apps");
	size_t i, k;
	json_t *item, *check;
	json_array_foreach(json_object_get(w->manifest, "apps"), i, item)
		json_array_append(json_object_get(record, "apps"), json_object_get(item, "name"));
	json_array_foreach(w->records, i, item)
		json_array_foreach(json_object_get(item, "insecure"), k, check)
			if (json_is_string(check))
				image_add_insecure(record, json_string_value(check));
	if (user.follow_links)
		image_add_insecure(record, "paths");
	record_write(record);
}

// ---- start ----

static int confine(const char *pods, const char *store, struct err *e)
{
	struct sandbox sandbox = { 0 };
	mem_auto char *uuid_directory = user.uuid_file ? mem_text(user.uuid_file) : NULL;
	char *slash = uuid_directory ? strrchr(uuid_directory, '/') : NULL;
	if (slash)
		slash[slash == uuid_directory] = '\0';
	texts_add(&sandbox.reads, store);
	texts_add(&sandbox.writes, pods);
	if (uuid_directory)
		texts_add(&sandbox.writes, slash ? uuid_directory : ".");
	const char *const files[] = { user.manifest, user.inherited, user.variables_file };
	for (size_t i = 0; i < ARRAY_LENGTH(files); i++)
		if (files[i])
			texts_add(&sandbox.reads, files[i]);
	sandbox.fork = true;
	return sandbox_enter(&sandbox, e);
}

// A caller without privileges works in a user namespace, so that files can have the owners the image gives them (rkt:E-013).
static int enter_users(struct work *w, struct err *e)
{
	bool whole = true;
	mem_auto char *why = NULL;
	if (geteuid() != 0 && ns_enter_users(&whole, &why, e) < 0)
		return -1;
	w->owners = whole;
	if (!whole)
		msg_warn("every file of the pod is the caller's: %s", why);
	return 0;
}

static int start(struct work *w, const char *pods, const char *store, struct err *e)
{
	struct err absent = { 0 };
	umask(022);
	if (io_read_file("/etc/resolv.conf", RESOLV_MAX, &w->resolv, &absent) < 0)
		w->resolv.length = 0;
	w->pods = state_open(pods, true, e);
	if (w->pods < 0 || storetrust_load(&w->trust, e) < 0 || !(w->store = store_open(store, false, e)) ||
		enter_users(w, e) < 0)
		return -1;
	storetrust_apply(w->store, &w->trust); // a stored image is as verified as its key is trusted now
	return confine(pods, store, e);
}

static void finish(struct work *w)
{
	if (w->store)
		store_close(w->store);
	trust_free(&w->trust);
	json_decref(w->records);
	json_decref(w->manifest);
	buf_free(&w->resolv);
	io_close_indirect(&w->pod.fd);
	io_close_indirect(&w->pods);
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	cmd_start(&cmd, argc, argv);
	struct work w = { .pods = -1, .pod = { .fd = -1 } };
	mem_auto char *pods = path_pods(user.pods);
	mem_auto char *store = path_store(user.store);
	if (!user.manifest && !(w.records = image_read_all("image", &e)))
		return cmd_fail(&e);
	if (start(&w, pods, store, &e) < 0 || ask(&w, &e) < 0 || prepare(&w, &e) < 0)
		return cmd_fail(&e);
	write_record(&w, pods);
	finish(&w);
	return cmd_finish();
}
