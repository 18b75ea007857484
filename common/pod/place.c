// place.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "pod/ns.h"
#include "pod/place.h"

// ---- volumes ----

// mkdir -p of our own path below the pod's directory. Returns a descriptor of the last directory, or -1.
static int make_own(int pod, const char *path)
{
	int at = fcntl(pod, F_DUPFD_CLOEXEC, 3);
	while (at >= 0 && *path) {
		size_t n = strcspn(path, "/");
		mem_auto char *name = mem_text_n(path, n);
		int next = mkdirat(at, name, 0755) < 0 && errno != EEXIST
			? -1
			: openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(at);
		at = next;
		path += n + (path[n] == '/');
	}
	return at;
}

int place_volume(int pod, const char *path, const json_t *volume, bool owners, struct err *e)
{
	const char *mode = json_string_value(json_object_get(volume, "mode"));
	json_int_t uid = json_integer_value(json_object_get(volume, "uid")),
		   gid = json_integer_value(json_object_get(volume, "gid"));
	io_auto int fd = make_own(pod, path);
	if (fd < 0)
		return err_system(e, "'%s': cannot make the empty volume", path);
	if (!owners && (uid || gid))
		return err_set(e, STATUS_SYSTEM,
			"'%s': user %lld, group %lld: no subordinate range for them in /etc/subuid and /etc/subgid", path,
			(long long)uid, (long long)gid);
	if (owners && fchown(fd, (uid_t)uid, (gid_t)gid) < 0)
		return err_system(e, "'%s': cannot give it to user %lld, group %lld", path, (long long)uid, (long long)gid);
	if (fchmod(fd, mode ? (mode_t)strtoul(mode, NULL, 8) : 0755) < 0)
		return err_system(e, "'%s': cannot set its mode", path);
	return 0;
}

// ---- targets ----

// The directory that holds the last component of path, and that component.
static int open_parent(int root, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	mem_auto char *parent = slash == path ? mem_text("/") : mem_text_n(path, (size_t)(slash - path));
	*name = slash + 1;
	return ns_open_in_root(root, parent, O_RDONLY | O_DIRECTORY);
}

static int make_directory(int root, const char *path)
{
	const char *name;
	io_auto int parent = open_parent(root, path, &name);
	return parent < 0 ? -1 : mkdirat(parent, name, 0755);
}

static int make_parents(int root, const char *path, struct err *e)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		mem_auto char *above = mem_text_n(path, (size_t)(slash - path));
		io_auto int fd = ns_open_in_root(root, above, O_PATH | O_DIRECTORY);
		if (fd < 0 && (errno != ENOENT || make_directory(root, above) < 0))
			return err_system(e, "mount target '%s': cannot make '%s'", path, above);
	}
	return 0;
}

static bool is_empty(int root, const char *path)
{
	int fd = ns_open_in_root(root, path, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t entries = 0;
	while (dir && readdir(dir))
		entries++;
	if (dir)
		closedir(dir);
	else
		io_close_indirect(&fd);
	return entries <= 2; // . and ..
}

// What stands at path itself, a link that leads nowhere too, makes way.
static int replace(int root, const char *path, bool directory, struct err *e)
{
	const char *name;
	io_auto int parent = open_parent(root, path, &name);
	struct stat st;
	if (parent < 0)
		return err_system(e, "mount target '%s': cannot open its directory", path);
	if (!fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW)) {
		msg_warn("mount target '%s': replaced by a %s", path, directory ? "directory" : "file");
		if (unlinkat(parent, name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0)
			return err_system(e, "mount target '%s': cannot replace what is there", path);
	}
	if (directory)
		return mkdirat(parent, name, 0755) < 0 ? err_system(e, "mount target '%s': cannot make it", path) : 0;
	io_auto int file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return file < 0 ? err_system(e, "mount target '%s': cannot make it", path) : 0;
}

int place_target(int root, const char *path, bool directory, struct err *e)
{
	if (make_parents(root, path, e) < 0)
		return -1;
	io_auto int there = ns_open_in_root(root, path, O_PATH);
	struct stat st;
	if (there < 0 || fstat(there, &st) < 0 || S_ISDIR(st.st_mode) != directory)
		return replace(root, path, directory, e);
	if (directory && !is_empty(root, path))
		msg_warn("mount target '%s': what the image has there is covered", path);
	return 0;
}

// ---- what every app has ----

static int place_directory(int root, const char *name, struct err *e)
{
	struct stat st;
	if (!fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode))
		return 0;
	if (unlinkat(root, name, 0) < 0 && errno != ENOENT)
		return err_system(e, "the image's /%s: cannot replace it", name);
	if (mkdirat(root, name, 0755) < 0)
		return err_system(e, "the image's /%s: cannot make it", name);
	return 0;
}

static int place_file(int root, const char *path, const char *data, size_t length, struct err *e)
{
	const char *name;
	io_auto int there = ns_open_in_root(root, path, O_PATH);
	if (there >= 0)
		return 0;
	if (make_parents(root, path, e) < 0)
		return -1;
	io_auto int parent = open_parent(root, path, &name);
	if (parent >= 0 && unlinkat(parent, name, 0) < 0 && errno != ENOENT) // a link that leads nowhere
		return err_system(e, "the image's %s: cannot replace it", path);
	io_auto int fd = parent < 0 ? -1 : openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || io_write_all(fd, data, length) < 0)
		return err_system(e, "the image's %s: cannot write it", path);
	return 0;
}

int place_system(int root, const struct buf *resolv, struct err *e)
{
	static const char *const directories[] = { "proc", "sys", "dev" };
	static const char hosts[] = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
	for (size_t i = 0; i < ARRAY_LENGTH(directories); i++)
		if (place_directory(root, directories[i], e) < 0)
			return -1;
	if (place_file(root, "/etc/hosts", hosts, sizeof hosts - 1, e) < 0)
		return -1;
	return resolv->length ? place_file(root, "/etc/resolv.conf", resolv->data, resolv->length, e) : 0;
}
