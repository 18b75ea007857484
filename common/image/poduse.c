// poduse.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/path.h"
#include "image/poduse.h"

// A pod without a manifest is one that is being made, and has no image yet.
static int add_pod(int state, const char *uuid, json_t *images, struct err *e)
{
	buf_auto text = { 0 };
	mem_auto char *path = mem_format("%s/pod", uuid);
	mem_auto char *subject = mem_format("pod %s: its manifest", uuid);
	io_auto int fd = openat(state, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0)
		return err_system(e, "%s: cannot open", subject);
	jsonio_auto json_t *manifest = NULL;
	if (io_read_stream(fd, JSONIO_BYTES_MAX, subject, &text, e) < 0 ||
		!(manifest = jsonio_parse(buf_text(&text), text.length, subject, e)))
		return -1;
	size_t i;
	json_t *app;
	json_array_foreach(json_object_get(manifest, "apps"), i, app) {
		const char *id = json_string_value(json_object_get(json_object_get(app, "image"), "id"));
		if (id)
			json_object_set_new(images, id, json_string(uuid));
	}
	return 0;
}

static int add_state(int pods, const char *state, json_t *images, struct err *e)
{
	int fd = openat(pods, state, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory)
		return errno == ENOENT ? 0 : err_system(e, "pods '%s': cannot open", state);
	int failed = 0;
	for (const struct dirent *entry; !failed && (entry = readdir(directory));)
		failed = entry->d_name[0] == '.' ? 0 : add_pod(fd, entry->d_name, images, e);
	closedir(directory);
	return failed;
}

json_t *poduse_images(const char *pods, struct err *e)
{
	static const char *const states[] = { "prepare", "prepared", "run" };
	jsonio_auto json_t *images = json_object();
	io_auto int fd = path_open_state(pods, false, 0, e);
	if (fd < 0 && e->status == STATUS_NOT_FOUND) {
		*e = (struct err){ 0 };
		return json_incref(images);
	}
	for (size_t i = 0; fd >= 0 && i < ARRAY_LENGTH(states); i++)
		if (add_state(fd, states[i], images, e) < 0)
			return NULL;
	return fd < 0 ? NULL : json_incref(images);
}
