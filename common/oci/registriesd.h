// Where the signatures of images in registries lie by the files that skopeo and podman read, too (containers-registries.d(5)).
// SPDX-License-Identifier: Apache-2.0
#ifndef OCI_REGISTRIESD_H
#define OCI_REGISTRIESD_H

#include "base/err.h"

// The lookaside of the narrowest section that covers the repository (sections for a single tag are not looked at): of the files *.yaml in
// $XDG_CONFIG_HOME/containers/registries.d or, where this is not there, in /etc/containers/registries.d. Without any section the directory
// that skopeo signs into by default. Malloced; NULL for none, or with STATUS_MALFORMED or STATUS_LIMIT for a file that is not as it must be.
char *registriesd_lookaside(const char *registry, const char *repository, struct err *e);

#endif
