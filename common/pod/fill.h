// Filling a pod's directory: the rendered images, the places its apps need, the reified manifest (pods.md) and what pod-exec must know
// besides, in the file `runtime`.
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_FILL_H
#define POD_FILL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/texts.h"
#include "image/render.h"
#include "image/store.h"
#include "pod/state.h"

struct fill {                        // all borrowed
	const struct state_pod *pod; // in the state `prepare`, locked
	struct store *store;
	const json_t *records; // of the images, one per app; what is asked for the app is in `app`
	json_t *manifest;      // as far as it was asked for; completed here
	struct render_options rendering;
	struct buf resolv;          // what /etc/resolv.conf holds where an image has none
	enum status mount_fault;    // what a mount without volume ends with
	const char *hostname;       // NULL: the default
	bool follow_links;          // sources of volumes may be reached by symbolic links
	bool inherit;               // the environment, lowest layer first (rkt:A-036): this process's variables,
	const char *inherited;      // or those of this file; then the image's;
	const char *variables_file; // then those of this file, or NULL;
	struct texts variables;     // then these, NAME=VALUE; then those of the app
	json_t *sources;            // made here: what the sources of host volumes are (rkt:X-18)
};

// After a failure the pod is to be removed.
int fill_pod(struct fill *f, struct err *e);

#endif
