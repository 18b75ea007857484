// The files of a tar archive, read from where they lie in it: an archive of a gigabyte costs what its headers cost.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_TARFILES_H
#define IMAGE_TARFILES_H

#include "image/codec.h"
#include "oci/files.h"

// A compressed archive is uncompressed to a nameless temporary file first. The headers are read in a confined child. Symbolic and hard
// links to files of the archive are followed in it; a name that comes twice is refused (STATUS_MALFORMED), since two readers would
// take two different files for it. Call it while the process has one thread.
int tarfiles_open(struct files *f, const char *path, const struct codec_limits *limits, struct err *e);

#endif
