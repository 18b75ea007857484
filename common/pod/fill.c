// fill.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/date.h"
#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/msg.h"
#include "image/aci.h"
#include "oci/platform.h"
#include "pod/caps.h"
#include "pod/environ.h"
#include "pod/fields.h"
#include "pod/fill.h"
#include "pod/manifest.h"
#include "pod/place.h"
#include "pod/plan.h"
#include "pod/request.h"
#include "pod/rootfs.h"

static int check_platform(const json_t *image, struct err *e)
{
	const json_t *labels = json_object_get(image, "labels");
	const char *os = fields_text(fields_find(labels, "name", "os"), "value");
	const char *arch = fields_text(fields_find(labels, "name", "arch"), "value");
	const char *host = platform_host()->appc;
	if ((os && strcmp(os, "linux") != 0) || (arch && strcmp(arch, host) != 0))
		return err_set(e, STATUS_REFUSED, "'%s': the image is for %s/%s, this is linux/%s", fields_text(image, "name"),
			os ? os : "?", arch ? arch : "?", host);
	return 0;
}

static int layer_environment(const struct fill *f, json_t *section, struct err *e)
{
	json_t *all = json_array(), *variable;
	size_t i;
	if (f->inherit)
		environ_inherit(all, f->inherited, e);
	json_array_foreach(json_object_get(section, "environment"), i, variable)
		environ_set(all, fields_text(variable, "name"), fields_text(variable, "value"));
	if (!e->status && f->variables_file)
		environ_read_file(all, f->variables_file, e);
	for (i = 0; !e->status && i < f->variables.count; i++)
		environ_assign(all, f->variables.items[i], e);
	json_object_set_new(section, "environment", all);
	return e->status ? -1 : 0;
}

// The app section: the pod manifest's own, else the image's, changed as the user asked.
static int make_section(const struct fill *f, json_t *app, json_t *image, const json_t *request, struct err *e)
{
	json_t *section = json_object_get(app, "app");
	if (!section)
		section = json_object_get(image, "app");
	json_t *made = section ? json_incref(section) : json_pack("{s:s, s:s}", "user", "0", "group", "0");
	json_object_set_new(app, "app", made);
	if (layer_environment(f, made, e) < 0 || request_apply(request, made, e) < 0)
		return err_context(e, "app '%s'", fields_text(app, "name"));
	json_t *own = json_object_get(app, "image"), *labels = json_object_get(image, "labels");
	json_object_set(own, "name", json_object_get(image, "name"));
	if (labels)
		json_object_set(own, "labels", labels);
	return 0;
}

// One line for each isolator that pod-exec does nothing for (rkt:H-001).
static void tell_ignored(const json_t *app)
{
	static const char *const enforced[] = { CAPS_RETAIN_SET, CAPS_REMOVE_SET, "os/linux/no-new-privileges" };
	size_t i;
	json_t *isolator;
	json_array_foreach(json_object_get(json_object_get(app, "app"), "isolators"), i, isolator) {
		const char *name = fields_text(isolator, "name");
		bool known = !name;
		for (size_t k = 0; k < ARRAY_LENGTH(enforced); k++)
			known = known || !strcmp(name, enforced[k]);
		if (!known)
			msg_warn("app '%s': isolator '%s': not enforced", fields_text(app, "name"), name);
	}
}

// What a volume is behind its source, once for all apps. Returns whether it is a directory, or -1.
static int examine_source(struct fill *f, const char *source, struct err *e)
{
	char identity[PLAN_IDENTITY_MAX];
	struct stat st;
	io_auto int fd = rootfs_open_source(source, f->follow_links, e);
	if (fd < 0)
		return -1;
	if (plan_identity(fd, identity) < 0 || fstat(fd, &st) < 0)
		return err_system(e, "volume source '%s': cannot stat", source);
	json_object_set_new(f->sources, source, json_string(identity));
	return S_ISDIR(st.st_mode);
}

static int place_mounts(struct fill *f, const json_t *app, int root, struct err *e)
{
	const char *name = fields_text(app, "name");
	size_t i;
	json_t *mount;
	json_array_foreach(json_object_get(app, "mounts"), i, mount) {
		const json_t *volume = manifest_volume_of(f->manifest, mount);
		const char *source = fields_text(volume, "source");
		bool own = json_object_get(mount, "appVolume") != NULL;
		mem_auto char *directory = plan_volume_directory(own ? name : NULL, fields_text(mount, "volume"));
		int is_directory = 1;
		if (!strcmp(fields_text(volume, "kind"), "host"))
			is_directory = examine_source(f, source, e);
		else if (place_volume(f->pod->fd, directory, volume, f->rendering.numeric_owners, e) < 0)
			return -1;
		if (is_directory < 0 || place_target(root, fields_text(mount, "path"), is_directory, e) < 0)
			return err_context(e, "app '%s'", name);
	}
	return 0;
}

static json_t *read_image_manifest(int directory, struct err *e)
{
	buf_auto text = { 0 };
	io_auto int fd = openat(directory, "manifest", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		err_system(e, "the image's manifest: cannot open");
		return NULL;
	}
	if (io_read_stream(fd, ACI_MANIFEST_MAX, "the image's manifest", &text, e) < 0)
		return NULL;
	json_t *manifest = jsonio_parse(buf_text(&text), text.length, "the image's manifest", e);
	if (manifest && aci_check_manifest(manifest, e) < 0) {
		json_decref(manifest);
		return NULL;
	}
	return manifest;
}

static int prepare_app(struct fill *f, int apps, json_t *record, json_t *app, struct err *e)
{
	const char *name = fields_text(app, "name");
	if (render_image(f->store, record, apps, name, &f->rendering, e) < 0)
		return -1;
	io_auto int directory = openat(apps, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return err_system(e, "app '%s': cannot open its directory", name);
	jsonio_auto json_t *image = read_image_manifest(directory, e);
	if (!image || check_platform(image, e) < 0 || make_section(f, app, image, json_object_get(record, "app"), e) < 0)
		return -1;
	tell_ignored(app);
	if (manifest_meet(f->manifest, app, f->mount_fault, e) < 0)
		return -1;
	io_auto int root = openat(directory, "rootfs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return err_system(e, "app '%s': cannot open its root", name);
	return place_mounts(f, app, root, e) < 0 || place_system(root, &f->resolv, e) < 0 ? -1 : 0;
}

static int write_json(const struct fill *f, const char *name, const json_t *value, struct err *e)
{
	mem_auto char *text = jsonio_text(value);
	return state_write(f->pod, name, text, e);
}

static int write_runtime(const struct fill *f, struct err *e)
{
	char now[DATE_TEXT_MAX];
	jsonio_auto json_t *runtime = json_pack("{s:s, s:O, s:b}", "created", date_format(date_now(), now), "sources", f->sources,
		"followLinks", f->follow_links);
	if (f->hostname)
		json_object_set_new(runtime, "hostname", json_string(f->hostname));
	return write_json(f, "runtime", runtime, e);
}

static int fill_apps(struct fill *f, struct err *e)
{
	if (mkdirat(f->pod->fd, "apps", 0755) < 0)
		return err_system(e, "pod \"%s\": cannot make 'apps'", f->pod->uuid);
	io_auto int apps = openat(f->pod->fd, "apps", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	size_t i;
	json_t *app;
	json_array_foreach(json_object_get(f->manifest, "apps"), i, app)
		if (prepare_app(f, apps, json_array_get(f->records, i), app, e) < 0)
			return -1;
	return 0;
}

int fill_pod(struct fill *f, struct err *e)
{
	f->sources = json_object();
	int failed = fill_apps(f, e);
	if (!failed) {
		manifest_tell_unused(f->manifest);
		failed = write_json(f, "pod", f->manifest, e) < 0 || write_runtime(f, e) < 0 ? -1 : 0;
	}
	json_decref(f->sources);
	return failed;
}
