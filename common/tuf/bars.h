// Metadata and manifests as bars of their own, for who asked for one of each file (dtuf:D56).
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_BARS_H
#define TUF_BARS_H

#include <stddef.h>

// A file that came or went as a whole.
void bars_whole(const void *data, size_t length);

#endif
