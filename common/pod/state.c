// state.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/texts.h"
#include "pod/state.h"

#define UUID_LENGTH (STATE_UUID_MAX - 1)

static const char *const directories[STATE_COUNT] = { "embryo", "prepare", "prepared", "run", "exited-garbage", "garbage" };

struct pod_path {
	char text[64]; // STATE/UUID
};

static struct pod_path path_of(enum state state, const char *uuid)
{
	struct pod_path p;
	snprintf(p.text, sizeof p.text, "%s/%s", directories[state], uuid);
	return p;
}

const char *state_directory(enum state state)
{
	return directories[state];
}

int state_open(const char *directory, bool create, struct err *e)
{
	io_auto int fd = path_open_state(directory, create, 0700, e);
	for (size_t i = 0; fd >= 0 && create && i < STATE_COUNT; i++)
		if (mkdirat(fd, directories[i], 0700) < 0 && errno != EEXIST)
			return err_system(e, "'%s/%s': cannot make the directory", directory, directories[i]);
	return io_steal(fd);
}

static int make_uuid(char uuid[static STATE_UUID_MAX], struct err *e)
{
	unsigned char r[16];
	if (getrandom(r, sizeof r, 0) != sizeof r)
		return err_system(e, "no random bytes");
	r[6] = (r[6] & 0x0f) | 0x40; // version 4
	r[8] = (r[8] & 0x3f) | 0x80; // variant of RFC 4122
	snprintf(uuid, STATE_UUID_MAX, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2],
		r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
	return 0;
}

int state_create(int pods, struct state_pod *pod, struct err *e)
{
	*pod = (struct state_pod){ .state = STATE_EMBRYO, .fd = -1 };
	if (make_uuid(pod->uuid, e) < 0)
		return -1;
	struct pod_path p = path_of(STATE_EMBRYO, pod->uuid);
	if (mkdirat(pods, p.text, 0700) < 0)
		return err_system(e, "pod \"%s\": cannot make its directory", pod->uuid);
	pod->fd = openat(pods, p.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (pod->fd < 0 || flock(pod->fd, LOCK_EX | LOCK_NB) < 0)
		return err_system(e, "pod \"%s\": cannot lock it", pod->uuid);
	return state_move(pods, pod, STATE_PREPARE, e);
}

int state_move(int pods, struct state_pod *pod, enum state to, struct err *e)
{
	struct pod_path old = path_of(pod->state, pod->uuid), new = path_of(to, pod->uuid);
	if (renameat2(pods, old.text, pods, new.text, RENAME_NOREPLACE) < 0)
		return err_system(e, "pod \"%s\": cannot move it from %s to %s", pod->uuid, directories[pod->state],
			directories[to]);
	pod->state = to;
	return 0;
}

bool state_is_uuid(const char *text)
{
	for (size_t i = 0; i < UUID_LENGTH; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (!text[i] || !strchr(dash ? "-" : "0123456789abcdef", text[i]))
			return false;
	}
	return !text[UUID_LENGTH];
}

// Adds every pod of one state whose UUID starts with prefix.
static void collect(int pods, enum state state, const char *prefix, struct texts *found)
{
	int fd = openat(pods, directories[state], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		io_close_indirect(&fd);
		return;
	}
	for (struct dirent *d; (d = readdir(dir));)
		if (state_is_uuid(d->d_name) && !strncmp(d->d_name, prefix, strlen(prefix)) && !texts_has(found, d->d_name))
			texts_add(found, d->d_name);
	closedir(dir);
}

// The same for a whole UUID, which needs no search.
static void look_up(int pods, const char *uuid, struct texts *found)
{
	for (int state = 0; state < STATE_COUNT && !found->count; state++)
		if (!faccessat(pods, path_of(state, uuid).text, F_OK, AT_SYMLINK_NOFOLLOW))
			texts_add(found, uuid);
}

static int ambiguous(const char *text, const struct texts *found, struct err *e)
{
	buf_auto list = { 0 };
	for (size_t i = 0; i < found->count; i++)
		buf_add_format(&list, "%s%s", i ? ", " : "", found->items[i]);
	return err_set(e, STATUS_USAGE, "pod \"%s\": fits several: %s", text, buf_text(&list));
}

int state_find(int pods, const char *text, char uuid[static STATE_UUID_MAX], struct err *e)
{
	if (strlen(text) < STATE_PREFIX_MIN)
		return err_set(e, STATUS_USAGE, "pod \"%s\": a UUID is shortened to at least %d characters", text,
			STATE_PREFIX_MIN);
	struct texts found = { 0 };
	if (state_is_uuid(text))
		look_up(pods, text, &found);
	for (int state = 0; state < STATE_COUNT && !state_is_uuid(text); state++)
		collect(pods, state, text, &found);
	int failed = 0;
	if (!found.count)
		failed = err_set(e, STATUS_NOT_FOUND, "no matches found for \"%s\"", text);
	else if (found.count > 1)
		failed = ambiguous(text, &found, e);
	else
		memcpy(uuid, found.items[0], STATE_UUID_MAX);
	texts_free(&found);
	return failed;
}

int state_take_prepared(int pods, const char *uuid, struct state_pod *pod, struct err *e)
{
	*pod = (struct state_pod){ .state = STATE_PREPARED, .fd = -1 };
	memcpy(pod->uuid, uuid, STATE_UUID_MAX);
	struct pod_path p = path_of(STATE_PREPARED, uuid);
	io_auto int fd = openat(pods, p.text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	// Who gets the lock after the winner let it go finds the pod moved: both ways there is one winner.
	bool ours = fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB) && !state_move(pods, pod, STATE_RUN, &(struct err){ 0 });
	if (!ours)
		return err_set(e, STATUS_REFUSED, "pod \"%s\" is not prepared", uuid);
	pod->fd = io_steal(fd);
	return 0;
}

int state_write(const struct state_pod *pod, const char *name, const char *text, struct err *e)
{
	mem_auto char *aside = mem_format(".%s.new", name);
	io_auto int fd = openat(pod->fd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || io_write_all(fd, text, strlen(text)) < 0 || renameat(pod->fd, aside, pod->fd, name) < 0)
		return err_system(e, "pod \"%s\": cannot write '%s'", pod->uuid, name);
	return 0;
}

int state_read(const struct state_pod *pod, const char *name, struct buf *out, struct err *e)
{
	io_auto int fd = openat(pod->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_system(e, "pod \"%s\": cannot open '%s'", pod->uuid, name);
	return io_read_stream(fd, JSONIO_BYTES_MAX, name, out, e);
}
