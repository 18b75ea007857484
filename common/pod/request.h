// What the user asks for one app, beyond what its image says: the `app` object of an image record (tackle-records(5)).
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_REQUEST_H
#define POD_REQUEST_H

#include <jansson.h>

#include "base/err.h"

// Enters `KEY=VALUE` of --app in the object. STATUS_USAGE.
int request_set(json_t *request, const char *assignment, struct err *e);

// Holds an `app` object, wherever it came from, to its form. STATUS_USAGE, as it says what a user asked for.
int request_check(const json_t *request, struct err *e);

// Changes an app section of appc's accordingly: exec and its arguments, user, groups, directory, capabilities, annotations. The
// environment is set last (rkt:A-036). STATUS_USAGE when nothing is left to run (rkt:I-012).
int request_apply(const json_t *request, json_t *section, struct err *e);

#endif
