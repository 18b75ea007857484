// Where state lives (DESIGN section 4) and how its directories are opened: by descriptor, once, no symlink, not writable by others.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/texts.h"

// Each is what the option said, else the environment variable, else the default of this user; malloced.
char *path_store(const char *option); // TACKLE_STORE, /var/lib/tackle/store or $XDG_DATA_HOME/tackle/store
char *path_pods(const char *option);  // TACKLE_PODS, /var/lib/tackle/pods or $XDG_DATA_HOME/tackle/pods

// The trust directories, later ones mask earlier ones: the options in order, else TACKLE_TRUST (colon-separated), else
// /usr/lib/tackle, /etc/tackle and, for others than root, $XDG_CONFIG_HOME/tackle.
void path_trust(const struct texts *options, struct texts *out);

// Where the data files of this installation are (share/): TACKLE_SHARE, else ../share beside the running program's bin
// directory, else the directory it was configured with. Malloced.
char *path_share(void);

// Opens a directory that holds state, made with its parents (mode) when create is set. Refused (STATUS_REFUSED): a symlink
// at its end, an owner other than root and the caller, group or others with write permission. Returns a descriptor or -1.
int path_open_state(const char *directory, bool create, mode_t mode, struct err *e);

// The rule about owner and mode alone, for a file or directory open already; path is for the message. Returns 0 or -1.
int path_check_state(int fd, const char *path, struct err *e);

// The directory that holds `path`: "." for a name alone. Malloced.
char *path_parent(const char *path);

// Its name there, what follows the last slash; a pointer into `path`.
const char *path_base(const char *path);

// openat(2) that never leaves the directory: no `..`, absolute path or symlink leads out of it, no magic link is followed.
// Returns an O_CLOEXEC descriptor, or -1 with errno.
int path_open_beneath(int directory, const char *path, int flags);

// mkdir -p. Returns 0 or -1.
int path_make(const char *directory, mode_t mode, struct err *e);

#endif
