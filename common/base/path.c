// path.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"

static const char *environment(const char *name)
{
	const char *value = getenv(name);
	return value && *value ? value : NULL;
}

// $XDG_x_HOME/tackle, with the default the XDG Base Directory specification gives. A relative value is ignored, as it says.
static char *xdg(const char *variable, const char *below_home)
{
	const char *base = environment(variable);
	if (base && *base == '/')
		return mem_format("%s/tackle", base);
	const char *home = environment("HOME");
	return mem_format("%s/%s/tackle", home ? home : "", below_home);
}

static char *state(const char *option, const char *variable, const char *name)
{
	if (option)
		return mem_text(option);
	if (environment(variable))
		return mem_text(environment(variable));
	if (geteuid() == 0)
		return mem_format("/var/lib/tackle/%s", name);
	mem_auto char *data = xdg("XDG_DATA_HOME", ".local/share");
	return mem_format("%s/%s", data, name);
}

char *path_store(const char *option)
{
	return state(option, "TACKLE_STORE", "store");
}

char *path_pods(const char *option)
{
	return state(option, "TACKLE_PODS", "pods");
}

void path_trust(const struct texts *options, struct texts *out)
{
	for (size_t i = 0; i < options->count; i++)
		texts_add(out, options->items[i]);
	const char *list = environment("TACKLE_TRUST");
	if (options->count)
		return;
	for (const char *at = list; at && *at;) {
		size_t n = strcspn(at, ":");
		if (n)
			texts_take(out, mem_text_n(at, n));
		at += n + (at[n] == ':');
	}
	if (list)
		return;
	texts_add(out, "/usr/lib/tackle");
	texts_add(out, "/etc/tackle");
	if (geteuid() != 0)
		texts_take(out, xdg("XDG_CONFIG_HOME", ".config"));
}

char *path_share(void)
{
	const char *given = environment("TACKLE_SHARE");
	if (given)
		return mem_text(given);
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n > 0) {
		self[n] = '\0';
		char *slash = strrchr(self, '/');
		*slash = '\0';
		// Two levels up from build/bin of the source tree, and from libexec/tackle of an installation, wherever that was moved.
		static const char *const places[] = { "share", "share/tackle" };
		for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
			mem_auto char *share = mem_format("%s/../../%s", self, places[i]);
			mem_auto char *probe = mem_format("%s/schema", share);
			if (!access(probe, F_OK))
				return mem_steal(share);
		}
	}
	return mem_text(TACKLE_SHARE_DIR);
}

char *path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	return !slash ? mem_text(".") : mem_text_n(path, slash == path ? 1 : (size_t)(slash - path));
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

int path_make(const char *directory, mode_t mode, struct err *e)
{
	mem_auto char *copy = mem_text(directory);
	for (char *slash = copy + 1; *copy && (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return err_system(e, "'%s': cannot make the directory", copy);
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return err_system(e, "'%s': cannot make the directory", directory);
	return 0;
}

int path_check_state(int fd, const char *path, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_system(e, "'%s': cannot stat", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(e, STATUS_REFUSED, "'%s': refused: belongs to user %u, expected root or the caller", path,
			(unsigned)st.st_uid);
	if (st.st_mode & 022)
		return err_set(e, STATUS_REFUSED, "'%s': refused: writable by group or others: mode %04o", path,
			(unsigned)(st.st_mode & 07777));
	return 0;
}

int path_open_state(const char *directory, bool create, mode_t mode, struct err *e)
{
	if (create && path_make(directory, mode, e) < 0)
		return -1;
	io_auto int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return err_set(e, STATUS_REFUSED, "'%s': refused: a symbolic link or no directory", directory);
	if (fd < 0)
		return err_open(e, directory);
	if (path_check_state(fd, directory, e) < 0)
		return -1;
	return io_steal(fd);
}

int path_open_beneath(int directory, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC), .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	int fd;
	do
		fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
	while (fd < 0 && errno == EAGAIN); // a rename somewhere raced with the resolution
	return fd;
}
