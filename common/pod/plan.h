// What pod-exec carries out, read from the reified pod manifest and the runtime file of a prepared pod.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_PLAN_H
#define POD_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/texts.h"

struct plan_mount {
	const char *target; // in the app
	const char *source; // a path of the host, or NULL for an empty volume
	char *directory;    // of an empty volume, below the pod's directory
	bool read_only, recursive;
	const char *identity; // device:inode the source had when it was prepared, or NULL (rkt:X-18)
};

struct plan_app { // strings are borrowed from the manifest unless malloced
	const char *name;
	struct texts exec, pre_start, post_stop; // argument vectors; empty where there is no handler
	struct texts environment;                // NAME=VALUE, the defaults and the protected variables included
	const char *user, *group;
	gid_t *gids;
	size_t gid_count;
	const char *directory; // its working directory
	uint64_t capabilities; // its bounding set
	bool no_new_privileges;
	bool read_only;
	bool guarded; // pod/seal.h
	struct plan_mount *mounts;
	size_t mount_count;
};

struct plan {
	json_t *manifest, *runtime; // owned
	char *hostname;
	bool follow_links; // sources of volumes may be reached by symbolic links
	struct plan_app *apps;
	size_t app_count;
};

// Takes both over, also on failure. STATUS_MALFORMED where they are not as pod-prepare writes them.
int plan_make(struct plan *p, const char *uuid, json_t *manifest, json_t *runtime, struct err *e);
void plan_free(struct plan *p);

// The directory of an empty volume below the pod's directory: one of the pod (app NULL) or of one app alone. Malloced.
char *plan_volume_directory(const char *app, const char *volume);

// What identifies the file behind a descriptor, as the runtime file keeps it.
#define PLAN_IDENTITY_MAX 48
int plan_identity(int fd, char text[static PLAN_IDENTITY_MAX]);

#endif
