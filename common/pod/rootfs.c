// rootfs.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "pod/ns.h"
#include "pod/rootfs.h"

#define NOTHING_BUT_DATA (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

// ---- mounts as descriptors ----

static int set_attributes(int mount, uint64_t attributes, bool recursive)
{
	struct mount_attr attr = { .attr_set = attributes };
	return mount_setattr(mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr);
}

struct setting {
	const char *key, *value;
};

// A new file system that is not mounted anywhere yet. Returns a descriptor, or -1 with errno set.
static int make_filesystem(const char *type, const struct setting *settings, uint64_t attributes)
{
	io_auto int context = fsopen(type, FSOPEN_CLOEXEC);
	if (context < 0)
		return -1;
	for (const struct setting *s = settings; s && s->key; s++)
		if (fsconfig(context, FSCONFIG_SET_STRING, s->key, s->value, 0) < 0)
			return -1;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC, (unsigned)attributes);
}

static int clone_mount(int directory, const char *path, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
	return open_tree(directory, path, flags | (*path ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH));
}

static int attach(int mount, int target)
{
	return move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

// One of the directories pod-prepare made sure of, itself and not what a link points to (rkt:X-07).
static int open_own_directory(int root, const char *name)
{
	return ns_open_at(root, name, O_PATH | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

// Makes the file system and mounts it. Returns its descriptor, or -1.
static int mount_new(int root, const char *name, const char *type, const struct setting *settings, uint64_t attributes,
	struct err *e)
{
	io_auto int target = open_own_directory(root, name);
	io_auto int mount = target < 0 ? -1 : make_filesystem(type, settings, attributes);
	if (mount < 0 || attach(mount, target) < 0)
		return err_system(e, "cannot mount %s", name);
	return io_steal(mount);
}

// ---- /dev ----

// A mount of the host's own device, checked to be it (rkt:X-04).
static int clone_device(const char *path, unsigned major, unsigned minor)
{
	int fd = clone_mount(AT_FDCWD, path, false);
	struct stat st;
	if (fd >= 0 && !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == makedev(major, minor))
		return fd;
	io_close_indirect(&fd);
	errno = ENODEV;
	return -1;
}

// Mounts it at `name` of a directory of ours, where an empty file is made for it.
static int show_device(int device, int directory, const char *name)
{
	io_auto int place = openat(directory, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	return place < 0 ? -1 : attach(device, place);
}

static int show_null(int null, int directory, const char *name)
{
	io_auto int same = clone_mount(null, "", false);
	return same < 0 ? -1 : show_device(same, directory, name);
}

static int fill_dev(int dev, int null, struct err *e)
{
	static const struct {
		const char *path;
		unsigned major, minor;
	} devices[] = { { "/dev/zero", 1, 5 }, { "/dev/full", 1, 7 }, { "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 },
		{ "/dev/tty", 5, 0 } };
	static const struct {
		const char *name, *to;
	} links[] = { { "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
		{ "stderr", "/proc/self/fd/2" }, { "ptmx", "pts/ptmx" } };
	for (size_t i = 0; i < ARRAY_LENGTH(devices); i++) {
		io_auto int device = clone_device(devices[i].path, devices[i].major, devices[i].minor);
		if (device < 0 || show_device(device, dev, strrchr(devices[i].path, '/') + 1) < 0)
			return err_system(e, "cannot show %s", devices[i].path);
	}
	if (show_null(null, dev, "null") < 0 ||
		show_null(null, dev, "console") < 0) // without a terminal the console swallows all
		return err_system(e, "cannot show /dev/null and /dev/console");
	for (size_t i = 0; i < ARRAY_LENGTH(links); i++)
		if (symlinkat(links[i].to, dev, links[i].name) < 0)
			return err_system(e, "cannot make /dev/%s", links[i].name);
	if (mkdirat(dev, "pts", 0755) < 0 || mkdirat(dev, "shm", 0755) < 0)
		return err_system(e, "cannot make /dev/pts and /dev/shm");
	return 0;
}

static int mount_dev(int root, int null, struct err *e)
{
	static const struct setting small[] = { { "mode", "0755" }, { "size", "65536" }, { NULL, NULL } };
	static const struct setting own[] = { { "mode", "0620" }, { "ptmxmode", "0666" }, { NULL, NULL } };
	static const struct setting shared[] = { { "mode", "1777" }, { NULL, NULL } };
	io_auto int dev = mount_new(root, "dev", "tmpfs", small, NOTHING_BUT_DATA, e);
	if (dev < 0 || fill_dev(dev, null, e) < 0)
		return -1;
	io_auto int pts = mount_new(dev, "pts", "devpts", own, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, e);
	io_auto int shm = pts < 0 ? -1 : mount_new(dev, "shm", "tmpfs", shared, NOTHING_BUT_DATA, e);
	return shm < 0 ? -1 : 0;
}

// ---- /proc and /sys ----

// Covers a file of a file system we mounted with /dev/null, where the kernel has it.
static int mask_file(int directory, const char *name, int null)
{
	io_auto int place = ns_open_at(directory, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (place < 0)
		return errno == ENOENT ? 0 : -1;
	io_auto int mount = clone_mount(null, "", false);
	return mount < 0 ? -1 : attach(mount, place);
}

static int mount_proc(int root, int null, struct err *e)
{
	static const char *const masked[] = { "kcore", "keys", "sysrq-trigger", "timer_list", "kallsyms", "config.gz" };
	io_auto int proc = mount_new(root, "proc", "proc", NULL, NOTHING_BUT_DATA, e);
	if (proc < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LENGTH(masked); i++)
		if (mask_file(proc, masked[i], null) < 0)
			return err_system(e, "cannot mask /proc/%s", masked[i]);
	io_auto int sys = openat(proc, "sys", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	io_auto int same = sys < 0 ? -1 : clone_mount(sys, "", false);
	if (same < 0 || set_attributes(same, MOUNT_ATTR_RDONLY, false) < 0 || attach(same, sys) < 0)
		return err_system(e, "cannot make /proc/sys read-only");
	return 0;
}

// The network of the host belongs to another user namespace than a mapped pod, which then cannot mount a sysfs of its own.
static int mount_sys(int root, bool mapped, struct err *e)
{
	static const struct setting nothing[] = { { "mode", "0555" }, { "size", "4096" }, { NULL, NULL } };
	io_auto int target = open_own_directory(root, "sys");
	io_auto int sys = target < 0 ? -1
		: mapped             ? clone_mount(AT_FDCWD, "/sys", true)
				     : make_filesystem("sysfs", NULL, NOTHING_BUT_DATA | MOUNT_ATTR_RDONLY);
	if (sys < 0 || (mapped && set_attributes(sys, NOTHING_BUT_DATA | MOUNT_ATTR_RDONLY, true) < 0) || attach(sys, target) < 0)
		return err_system(e, "cannot mount /sys");
	io_auto int firmware = openat(sys, "firmware", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (firmware < 0)
		return 0;
	io_auto int empty = make_filesystem("tmpfs", nothing, NOTHING_BUT_DATA | MOUNT_ATTR_RDONLY);
	if (empty < 0 || attach(empty, firmware) < 0)
		return err_system(e, "cannot mask /sys/firmware");
	return 0;
}

// ---- volumes ----

int rootfs_open_source(const char *source, bool follow_links, struct err *e)
{
	int fd = ns_open_at(AT_FDCWD, source, O_PATH, RESOLVE_NO_MAGICLINKS | (follow_links ? 0 : RESOLVE_NO_SYMLINKS));
	if (fd >= 0)
		return fd;
	if (errno == ELOOP && !follow_links)
		return err_set(e, STATUS_REFUSED, "volume source '%s': refused: a symbolic link in its path", source);
	bool missing = errno == ENOENT || errno == ENOTDIR;
	err_system(e, "volume source '%s': cannot open", source);
	if (missing)
		e->status = STATUS_NOT_FOUND;
	return -1;
}

static int open_volume(int pod, const struct plan *plan, const struct plan_mount *m, struct err *e)
{
	if (!m->source) {
		int fd = ns_open_at(pod, m->directory, O_PATH | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
		return fd < 0 ? err_system(e, "empty volume '%s': cannot open", m->directory) : fd;
	}
	io_auto int fd = rootfs_open_source(m->source, plan->follow_links, e);
	char found[PLAN_IDENTITY_MAX];
	if (fd >= 0 && m->identity && (plan_identity(fd, found) < 0 || strcmp(found, m->identity) != 0))
		return err_set(e, STATUS_REFUSED, "volume source '%s': refused: another file since the pod was prepared",
			m->source);
	return io_steal(fd);
}

static int mount_volume(int pod, const struct plan *plan, const struct plan_mount *m, int target, struct err *e)
{
	io_auto int source = open_volume(pod, plan, m, e);
	if (source < 0)
		return -1;
	struct stat st;
	bool device = !fstat(source, &st) && (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)); // named by the user: it shall work
	uint64_t attributes = (device ? 0 : MOUNT_ATTR_NODEV) | (m->read_only ? MOUNT_ATTR_RDONLY : 0);
	io_auto int mount = clone_mount(source, "", m->recursive);
	if (mount < 0 || set_attributes(mount, attributes, m->recursive) < 0 || attach(mount, target) < 0)
		return err_system(e, "cannot mount a volume at '%s'", m->target);
	return 0;
}

// All places are found before the first volume is mounted, so that no volume can bend the way to another (rkt:X-03).
static int mount_volumes(int pod, int root, const struct plan *plan, const struct plan_app *app, struct err *e)
{
	int *targets = mem_alloc((app->mount_count + 1) * sizeof *targets);
	size_t found = 0;
	int failed = 0;
	for (; !failed && found < app->mount_count; found += !failed)
		if ((targets[found] = ns_open_in_root(root, app->mounts[found].target, O_PATH)) < 0)
			failed = err_system(e, "cannot open the mount target '%s'", app->mounts[found].target);
	for (size_t i = 0; !failed && i < found; i++)
		failed = mount_volume(pod, plan, &app->mounts[i], targets[i], e);
	while (found)
		close(targets[--found]);
	mem_free_indirect(&targets);
	return failed;
}

// ---- the root ----

// Nothing mounted from here on reaches another namespace, nor the other way round.
static int make_private(struct err *e)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };
	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof attr) < 0)
		return err_system(e, "cannot make the mounts private");
	return 0;
}

static int become_root(int root, struct err *e)
{
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_system(e, "cannot change the root");
	return 0;
}

// The rendered tree as a mount of its own, in its place. Returns a descriptor of its root, or -1.
static int mount_tree(int pod, const struct plan_app *app, struct err *e)
{
	mem_auto char *path = mem_format("apps/%s/rootfs", app->name);
	io_auto int place = ns_open_at(pod, path, O_PATH | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	io_auto int root = place < 0 ? -1 : clone_mount(place, "", false);
	if (root < 0 || set_attributes(root, MOUNT_ATTR_NODEV, false) < 0 || attach(root, place) < 0)
		return err_system(e, "cannot mount '%s'", path);
	return io_steal(root);
}

int rootfs_enter(const struct plan *plan, const struct plan_app *app, bool mapped, struct err *e)
{
	if (make_private(e) < 0)
		return -1;
	io_auto int pod = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	io_auto int root = mount_tree(pod, app, e);
	if (root < 0 || mount_volumes(pod, root, plan, app, e) < 0)
		return -1;
	io_auto int null = clone_device("/dev/null", 1, 3);
	if (null < 0)
		return err_system(e, "'/dev/null': not the device it must be");
	if (mount_proc(root, null, e) < 0 || mount_sys(root, mapped, e) < 0 || mount_dev(root, null, e) < 0)
		return -1;
	if (app->read_only && set_attributes(root, MOUNT_ATTR_RDONLY, false) < 0)
		return err_system(e, "cannot make the root read-only");
	return become_root(root, e);
}

int rootfs_enter_nothing(struct err *e)
{
	static const struct setting settings[] = { { "mode", "0555" }, { "size", "4096" }, { NULL, NULL } };
	if (make_private(e) < 0)
		return -1;
	io_auto int place = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC); // any directory will do
	io_auto int root = make_filesystem("tmpfs", settings, NOTHING_BUT_DATA | MOUNT_ATTR_RDONLY);
	if (place < 0 || root < 0 || attach(root, place) < 0)
		return err_system(e, "cannot mount an empty root");
	return become_root(root, e);
}
