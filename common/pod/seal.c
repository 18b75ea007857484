// seal.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "pod/seal.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool is_sealed(int exe)
{
	int seals = fcntl(exe, F_GET_SEALS);
	return seals >= 0 && (seals & SEALS) == SEALS;
}

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

int seal_self(char **argv, struct err *e)
{
	io_auto int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (exe < 0 || fstat(exe, &st) < 0)
		return err_system(e, "cannot open this program");
	// In a pod, user 0 is the caller: without privileges that matters only for a program of the caller's own.
	if (is_sealed(exe) || (geteuid() != 0 && st.st_uid != geteuid() && access("/proc/self/exe", W_OK) < 0))
		return 0;
	io_auto int copy = copy_sealed(exe, e);
	if (copy < 0)
		return -1;
	fexecve(copy, argv, environ);
	return err_system(e, "cannot run the sealed copy of this program");
}
