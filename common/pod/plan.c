// plan.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "pod/caps.h"
#include "pod/environ.h"
#include "pod/fields.h"
#include "pod/plan.h"

char *plan_volume_directory(const char *app, const char *volume)
{
	return app ? mem_format("apps/%s/volumes/%s", app, volume) : mem_format("volumes/%s", volume);
}

int plan_identity(int fd, char text[static PLAN_IDENTITY_MAX])
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	snprintf(text, PLAN_IDENTITY_MAX, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return 0;
}

static bool is_set(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static int copy_arguments(const json_t *array, const char *what, struct texts *out, struct err *e)
{
	size_t i;
	json_t *item;
	json_array_foreach(array, i, item) {
		if (!json_is_string(item))
			return err_set(e, STATUS_MALFORMED, "%s: not an array of strings", what);
		texts_add(out, json_string_value(item));
	}
	return 0;
}

static int make_handlers(struct plan_app *app, const json_t *json, struct err *e)
{
	const json_t *handlers = json_object_get(json, "eventHandlers");
	const json_t *before = fields_find(handlers, "name", "pre-start"), *after = fields_find(handlers, "name", "post-stop");
	if (copy_arguments(json_object_get(before, "exec"), "pre-start", &app->pre_start, e) < 0)
		return -1;
	return copy_arguments(json_object_get(after, "exec"), "post-stop", &app->post_stop, e);
}

static void make_groups(struct plan_app *app, const json_t *gids)
{
	size_t i;
	json_t *gid;
	app->gids = mem_alloc((json_array_size(gids) + 1) * sizeof *app->gids);
	json_array_foreach(gids, i, gid)
		app->gids[app->gid_count++] = (gid_t)json_integer_value(gid);
}

static int make_mount(const struct plan *p, const json_t *app, const json_t *json, struct plan_mount *m, struct err *e)
{
	const char *name = fields_text(app, "name"), *volume_name = fields_text(json, "volume");
	const json_t *own = json_object_get(json, "appVolume");
	const json_t *volume = own ? own : fields_find(json_object_get(p->manifest, "volumes"), "name", volume_name);
	const char *kind = fields_text(volume, "kind");
	m->target = fields_text(json, "path");
	m->source = fields_text(volume, "source");
	if (!kind || !m->target || !volume_name || (!strcmp(kind, "host") && !m->source))
		return err_set(e, STATUS_MALFORMED, "app '%s': a mount without its volume", name);
	const json_t *point = fields_find(json_object_get(json_object_get(app, "app"), "mountPoints"), "path", m->target);
	m->read_only = is_set(volume, "readOnly") || is_set(point, "readOnly");
	m->recursive = !json_is_false(json_object_get(volume, "recursive"));
	if (!strcmp(kind, "empty")) {
		m->source = NULL;
		m->directory = plan_volume_directory(own ? name : NULL, volume_name);
	} else {
		m->identity = fields_text(json_object_get(p->runtime, "sources"), m->source);
	}
	return 0;
}

static int make_mounts(const struct plan *p, struct plan_app *app, const json_t *json, struct err *e)
{
	const json_t *mounts = json_object_get(json, "mounts");
	size_t i;
	json_t *mount;
	app->mounts = mem_alloc((json_array_size(mounts) + 1) * sizeof *app->mounts);
	json_array_foreach(mounts, i, mount)
		if (make_mount(p, json, mount, &app->mounts[app->mount_count++], e) < 0)
			return -1;
	return 0;
}

static int make_app(const struct plan *p, struct plan_app *app, const json_t *json, struct err *e)
{
	const json_t *section = json_object_get(json, "app");
	const json_t *isolators = json_object_get(section, "isolators");
	app->name = fields_text(json, "name");
	app->user = fields_text(section, "user");
	app->group = fields_text(section, "group");
	if (!app->name || !app->user || !app->group)
		return err_set(e, STATUS_MALFORMED, "an app without name, user or group");
	app->directory = fields_text(section, "workingDirectory");
	app->read_only = is_set(json, "readOnlyRootFS");
	app->no_new_privileges =
		json_is_true(json_object_get(fields_find(isolators, "name", "os/linux/no-new-privileges"), "value"));
	make_groups(app, json_object_get(section, "supplementaryGIDs"));
	environ_finish(json_object_get(section, "environment"), app->name, &app->environment);
	if (copy_arguments(json_object_get(section, "exec"), "exec", &app->exec, e) < 0 || make_handlers(app, section, e) < 0 ||
		caps_of_isolators(isolators, &app->capabilities, e) < 0 || make_mounts(p, app, json, e) < 0)
		return -1;
	return app->exec.count ? 0 : err_set(e, STATUS_MALFORMED, "app '%s': nothing to run", app->name);
}

int plan_make(struct plan *p, const char *uuid, json_t *manifest, json_t *runtime, struct err *e)
{
	*p = (struct plan){ .manifest = manifest, .runtime = runtime };
	if (!manifest || !runtime)
		return -1;
	const char *hostname = fields_text(runtime, "hostname");
	p->hostname = hostname ? mem_text(hostname) : mem_format("rkt-%s", uuid);
	const json_t *apps = json_object_get(manifest, "apps");
	p->follow_links = is_set(runtime, "followLinks");
	p->apps = mem_alloc((json_array_size(apps) + 1) * sizeof *p->apps);
	size_t i;
	json_t *app;
	json_array_foreach(apps, i, app)
		if (make_app(p, &p->apps[p->app_count++], app, e) < 0)
			return -1;
	return p->app_count ? 0 : err_set(e, STATUS_MALFORMED, "pod \"%s\": no apps", uuid);
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->app_count; i++) {
		struct plan_app *app = &p->apps[i];
		for (size_t m = 0; m < app->mount_count; m++)
			free(app->mounts[m].directory);
		free(app->mounts);
		free(app->gids);
		texts_free(&app->exec);
		texts_free(&app->pre_start);
		texts_free(&app->post_stop);
		texts_free(&app->environment);
	}
	free(p->apps);
	free(p->hostname);
	json_decref(p->manifest);
	json_decref(p->runtime);
}
