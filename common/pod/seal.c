// seal.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "pod/app.h"
#include "pod/caps.h"
#include "pod/ns.h"
#include "pod/seal.h"

#define SEALS       (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define IN_ONE_TREE (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)

// ---- whether it is due ----

// The head of an ELF file; false for all other files.
static bool read_head(int fd, Elf64_Ehdr *head)
{
	return pread(fd, head, sizeof *head, 0) == sizeof *head && !memcmp(head->e_ident, ELFMAG, SELFMAG);
}

// Whether the kernel itself runs it: a program of another architecture has an interpreter, by binfmt_misc.
static bool is_native(int fd, const Elf64_Ehdr *own)
{
	Elf64_Ehdr head;
	return read_head(fd, &head) && head.e_ident[EI_CLASS] == own->e_ident[EI_CLASS] && head.e_machine == own->e_machine;
}

// Whether all that can be meant by the app's program is native. What is not there now will not be there later.
static bool runs_native(const struct plan_app *app, int pod, const Elf64_Ehdr *own)
{
	mem_auto char *tree = mem_format("apps/%s/rootfs", app->name);
	io_auto int root = ns_open_at(pod, tree, O_PATH | O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	struct texts paths = { 0 };
	bool native = root >= 0 && app_programs(&app->exec, &app->environment, &paths);
	for (size_t i = 0; native && i < paths.count; i++) {
		io_auto int fd = ns_open_at(root, paths.items[i], O_RDONLY | O_NONBLOCK | O_NOCTTY, IN_ONE_TREE);
		native = fd < 0 ? errno == ENOENT || errno == ENOTDIR : is_native(fd, own);
	}
	texts_free(&paths);
	return native;
}

static bool is_harmless(const struct plan_app *app, int pod, const Elf64_Ehdr *own)
{
	return !(app->capabilities & ~CAPS_DEFAULT) && !app->pre_start.count && !app->post_stop.count && !app->mount_count &&
		runs_native(app, pod, own);
}

static bool is_sealed(int exe)
{
	int seals = fcntl(exe, F_GET_SEALS);
	return seals >= 0 && (seals & SEALS) == SEALS;
}

bool seal_is_due(struct plan *plan, int pod)
{
	io_auto int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	Elf64_Ehdr own;
	if (exe < 0 || fstat(exe, &st) < 0 || !read_head(exe, &own))
		return true; // which then fails, with the reason
	// In a pod, user 0 is the caller: without privileges that matters only for a program of the caller's own.
	if (is_sealed(exe) || (geteuid() != 0 && st.st_uid != geteuid() && access("/proc/self/exe", W_OK) < 0))
		return false;
	for (size_t i = 0; i < plan->app_count; i++)
		if (!is_harmless(&plan->apps[i], pod, &own))
			return true;
	for (size_t i = 0; i < plan->app_count; i++)
		plan->apps[i].guarded = true;
	return false;
}

bool seal_allows(const char *path)
{
	io_auto int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	io_auto int fd = root < 0 ? -1 : ns_open_at(root, path, O_PATH, IN_ONE_TREE);
	return fd >= 0;
}

// ---- the copy ----

static int copy_sealed(int exe, struct err *e)
{
	io_auto int copy = memfd_create("pod-exec", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;
	if (copy < 0 || fstat(exe, &st) < 0)
		return err_system(e, "cannot copy this program");
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(copy, exe, NULL, (size_t)left);
		if (n <= 0)
			return err_system(e, "cannot copy this program");
		left -= n;
	}
	if (fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		return err_system(e, "cannot seal the copy of this program");
	return io_steal(copy);
}

int seal_restart(char *const *argv, struct err *e)
{
	io_auto int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (exe < 0)
		return err_system(e, "cannot open this program");
	io_auto int copy = copy_sealed(exe, e);
	if (copy < 0)
		return -1;
	fexecve(copy, argv, environ);
	return err_system(e, "cannot run the sealed copy of this program");
}
