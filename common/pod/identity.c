// identity.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/mem.h"
#include "pod/identity.h"
#include "pod/ns.h"

#define ID_MAX 4294967294UL // 2^32-1 means "no change" to the kernel

static bool parse_id(const char *text, size_t length, unsigned long *id)
{
	*id = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*id = *id * 10 + (unsigned long)(text[i] - '0');
		if (*id > ID_MAX)
			return false;
	}
	return length > 0;
}

// Splits one line. name:password:id[:group:comment:home:shell]
static bool parse_line(const char *line, const char *end, bool wants_group, struct identity_entry *entry)
{
	const char *fields[7] = { 0 };
	size_t lengths[7] = { 0 };
	size_t count = 0;
	while (count < 7) {
		const char *colon = memchr(line, ':', (size_t)(end - line));
		fields[count] = line;
		lengths[count++] = (size_t)((colon ? colon : end) - line);
		if (!colon)
			break;
		line = colon + 1;
	}
	*entry = (struct identity_entry){ .name = fields[0],
		.name_length = lengths[0],
		.home = fields[5],
		.home_length = lengths[5],
		.shell = fields[6],
		.shell_length = lengths[6] };
	if (count < 3 || !lengths[0] || !parse_id(fields[2], lengths[2], &entry->id))
		return false;
	return !wants_group || (count > 3 && parse_id(fields[3], lengths[3], &entry->group));
}

bool identity_next(const char **at, const char *end, bool wants_group, struct identity_entry *entry)
{
	while (*at < end) {
		const char *line = *at, *newline = memchr(line, '\n', (size_t)(end - line));
		*at = newline ? newline + 1 : end;
		if (parse_line(line, newline ? newline : end, wants_group, entry))
			return true;
	}
	return false;
}

// By name or, where name is NULL, by id.
static bool find(const struct buf *file, bool wants_group, const char *name, unsigned long id, struct identity_entry *entry)
{
	const char *at = buf_text(file), *end = at + file->length;
	while (identity_next(&at, end, wants_group, entry)) {
		bool same_name = name && strlen(name) == entry->name_length && !memcmp(name, entry->name, entry->name_length);
		if (name ? same_name : entry->id == id)
			return true;
	}
	return false;
}

// A regular file of the image, looked at before it is opened: nothing else is ever opened. A missing file reads as empty.
static int read_regular(int root, int proc, const char *path, struct buf *out, struct err *e)
{
	io_auto int place = ns_open_in_root(root, path, O_PATH);
	if (place < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	struct stat st;
	if (place < 0 || fstat(place, &st) < 0)
		return err_system(e, "the image's %s: cannot open", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, STATUS_SYSTEM, "the image's %s: not a regular file", path);
	if (st.st_size > (off_t)IDENTITY_FILE_MAX)
		return err_set(e, STATUS_SYSTEM, "the image's %s: larger than the limit of %zu bytes", path, IDENTITY_FILE_MAX);
	char self[32];
	snprintf(self, sizeof self, "self/fd/%d", place);
	io_auto int fd = openat(proc, self, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_system(e, "the image's %s: cannot read", path);
	return io_read_stream(fd, IDENTITY_FILE_MAX, path, out, e);
}

// The owner of a path of the image (rkt:X-17: resolved inside it).
static int owner_of(int root, const char *path, struct stat *st, struct err *e)
{
	io_auto int fd = ns_open_in_root(root, path, O_PATH);
	if (fd < 0 || fstat(fd, st) < 0)
		return err_system(e, "the owner of '%s' in the image", path);
	return 0;
}

static void take_details(struct identity *id, const struct identity_entry *entry)
{
	id->name = mem_text_n(entry->name, entry->name_length);
	id->home = entry->home_length ? mem_text_n(entry->home, entry->home_length) : NULL;
	id->shell = entry->shell_length ? mem_text_n(entry->shell, entry->shell_length) : NULL;
}

static int find_user(int root, int proc, const char *user, struct identity *id, struct err *e)
{
	buf_auto passwd = { 0 };
	struct identity_entry entry;
	struct stat st;
	unsigned long number;
	if (read_regular(root, proc, "/etc/passwd", &passwd, e) < 0)
		return -1;
	if (*user == '/') {
		if (owner_of(root, user, &st, e) < 0)
			return -1;
		number = st.st_uid;
	} else if (find(&passwd, true, user, 0, &entry)) {
		number = entry.id;
	} else if (!parse_id(user, strlen(user), &number)) {
		return err_set(e, STATUS_SYSTEM, "user '%s': not known in the image", user);
	}
	id->uid = (uid_t)number;
	if (find(&passwd, true, NULL, number, &entry))
		take_details(id, &entry);
	return 0;
}

static int find_group(int root, int proc, const char *group, struct identity *id, struct err *e)
{
	buf_auto file = { 0 };
	struct identity_entry entry;
	struct stat st;
	unsigned long number;
	if (*group == '/') {
		if (owner_of(root, group, &st, e) < 0)
			return -1;
		id->gid = st.st_gid;
		return 0;
	}
	if (read_regular(root, proc, "/etc/group", &file, e) < 0)
		return -1;
	if (find(&file, false, group, 0, &entry))
		number = entry.id;
	else if (!parse_id(group, strlen(group), &number))
		return err_set(e, STATUS_SYSTEM, "group '%s': not known in the image", group);
	id->gid = (gid_t)number;
	return 0;
}

int identity_find(int root, int proc, const char *user, const char *group, struct identity *id, struct err *e)
{
	*id = (struct identity){ 0 };
	if (find_user(root, proc, user, id, e) < 0)
		return -1;
	return find_group(root, proc, group, id, e);
}

void identity_free(struct identity *id)
{
	free(id->name);
	free(id->home);
	free(id->shell);
	*id = (struct identity){ 0 };
}
