// Isolators of apps and pods (App Container Specification, ace.md, "Isolators"; rkt:H-002, rkt:H-004,
// rkt:H-006, rkt:H-008).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_ISOLATOR_H
#define IMAGE_ISOLATOR_H

#include <stdint.h>

#include "image/schema.h"

// A quantity such as `128974848`, `125952Ki`, `1.5G`, `0.3` or `250m`, in units of 1/scale (1 for bytes, 1000
// for milli-cores), rounded up. Returns false for anything else, negative ones and what does not fit.
bool isolator_quantity(const char *text, int64_t scale, int64_t *out);

// The kernel's number of a capability by its name (`CAP_CHOWN` is 0), or -1.
int isolator_capability(const char *name);

// An app's `isolators`: each an AC Identifier with a value, and those the specification knows of the right
// shape, once, and not in contradiction to each other.
schema_check isolator_check_list;

#endif
