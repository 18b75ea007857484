// app.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "pod/app.h"
#include "pod/caps.h"
#include "pod/environ.h"
#include "pod/identity.h"
#include "pod/ns.h"
#include "pod/seal.h"

static void add_default(struct texts *environment, const char *name, const char *value)
{
	if (value && !environ_get(environment, name))
		texts_take(environment, mem_format("%s=%s", name, value));
}

// The host has more users than the pod could be given: said with the name of what is missing (rkt:A-058).
static int check_alone(const struct plan_app *app, const struct app_identity *identity, struct err *e)
{
	if (!identity->alone || (identity->uid == 0 && identity->gid == 0 && !app->gid_count))
		return 0;
	err_set(e, STATUS_SYSTEM,
		"user %u, group %u: not in the pod's user namespace: no subordinate range in /etc/subuid and /etc/subgid",
		(unsigned)identity->uid, (unsigned)identity->gid);
	return -1;
}

int app_identify(const struct plan_app *app, bool alone, struct app_identity *identity, struct err *e)
{
	struct identity found = { 0 };
	io_auto int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	io_auto int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*identity = (struct app_identity){ .alone = alone };
	int failed = identity_find(root, proc, app->user, app->group, &found, e);
	identity->uid = found.uid;
	identity->gid = found.gid;
	for (size_t i = 0; i < app->environment.count; i++)
		texts_add(&identity->environment, app->environment.items[i]);
	add_default(&identity->environment, "HOME", found.home ? found.home : "/");
	add_default(&identity->environment, "USER", found.name);
	add_default(&identity->environment, "LOGNAME", found.name);
	add_default(&identity->environment, "SHELL", found.shell);
	identity_free(&found);
	return failed ? -1 : check_alone(app, identity, e);
}

static int take_rights(const struct plan_app *app, const struct app_identity *identity, struct err *e)
{
	if (!identity->alone && setgroups(app->gid_count, app->gids) < 0)
		return err_system(e, "cannot set its groups");
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
		return err_system(e, "cannot become group %u", (unsigned)identity->gid);
	if (caps_bound(app->capabilities, e) < 0)
		return -1;
	if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return err_system(e, "cannot become user %u", (unsigned)identity->uid);
	if (caps_settle(app->capabilities, e) < 0)
		return -1;
	// The change of user may have made us dumpable, by fs.suid_dumpable, and with us who shares our memory (rkt:X-08).
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_system(e, "cannot keep its memory to itself");
	if (app->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_system(e, "cannot give up new privileges");
	return 0;
}

// Inside the root by descriptor, never through a magic link of procfs (rkt:X-02).
static int enter_directory(const char *path, struct err *e)
{
	io_auto int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	io_auto int fd = root < 0 ? -1 : ns_open_in_root(root, path, O_PATH | O_DIRECTORY);
	if (fd < 0 || fchdir(fd) < 0)
		return err_system(e, "can't change to working directory '%s'", path);
	return 0;
}

bool app_programs(const struct texts *argv, const struct texts *environment, struct texts *paths)
{
	const char *name = argv->items[0];
	if (strchr(name, '/')) {
		texts_add(paths, name);
		return *name == '/';
	}
	for (const char *at = environ_get(environment, "PATH"); at && *name; at = strchr(at, ':'), at = at ? at + 1 : NULL)
		if (*at == '/')
			texts_take(paths, mem_format("%.*s/%s", (int)strcspn(at, ":"), at, name));
	return true;
}

// Executes one file. Returns, with errno: ENOENT only where there is no such file.
static void try_exec(const struct plan_app *app, const char *path, const struct texts *argv, const struct texts *environment)
{
	if (app->guarded && !seal_allows(path))
		return;
	execve(path, argv->items, environment->items);
	if (errno == ENOENT && !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW))
		errno = EACCES; // the file is there, its interpreter is not
}

// No shell, whatever the file holds. Returns with errno.
static void exec_first(const struct plan_app *app, const struct texts *argv, const struct texts *environment)
{
	texts_auto paths = { 0 };
	int why = ENOENT;
	app_programs(argv, environment, &paths);
	for (size_t i = 0; i < paths.count; i++) {
		try_exec(app, paths.items[i], argv, environment);
		if (errno != ENOENT && errno != ENOTDIR)
			why = errno;
	}
	errno = why;
}

int app_become(const struct plan_app *app, const struct app_identity *identity, const struct texts *argv, const sigset_t *mask,
	struct err *e)
{
	setsid(); // no terminal can be reached from the pod, and no terminal sends it signals
	if (take_rights(app, identity, e) < 0 || enter_directory(app->directory ? app->directory : "/", e) < 0)
		return -1;
	if (sigprocmask(SIG_SETMASK, mask, NULL) < 0)
		return err_system(e, "cannot set the signal mask");
	exec_first(app, argv, &identity->environment);
	enum status status = errno == ENOENT ? STATUS_NO_COMMAND : STATUS_CANNOT_EXEC;
	err_system(e, "cannot execute '%s'", argv->items[0]);
	e->status = status;
	return -1;
}
