// Which images pods use (rkt:F-20), as far as the store must know: an image of a pod that is prepared or running is not removed.
// Reads DIR/{prepare,prepared,run}/UUID/pod, pod manifests of the App Container Specification (pods.md, "apps").
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_PODUSE_H
#define IMAGE_PODUSE_H

#include <jansson.h>

#include "base/err.h"

// An object: whole image id to the UUID of a pod that uses it. A directory that does not exist holds no pods; a pod whose manifest
// cannot be read is an error, since it may use anything. New reference or NULL.
json_t *poduse_images(const char *pods, struct err *e);

#endif
