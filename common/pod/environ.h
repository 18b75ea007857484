// The environment of an app: its layers (rkt:A-036) and what it always has (ace.md, "Execution Environment"; rkt:E-008, E-009).
// Kept as appc's array of {"name", "value"} until it is handed to execve(2).
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_ENVIRON_H
#define POD_ENVIRON_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/texts.h"

#define ENVIRON_DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

bool environ_is_name(const char *name, size_t length); // letters, digits, `_ . -`, at least one (rkt:I-018)

// Sets one variable in the array, in place of an earlier one of that name.
void environ_set(json_t *array, const char *name, const char *value);

// Sets NAME=VALUE as the user gave it. STATUS_USAGE for a bad name or a value that is not UTF-8.
int environ_assign(json_t *array, const char *assignment, struct err *e);

// Sets what a file of NAME=VALUE lines says (rkt:R-001). STATUS_MALFORMED with the number of the line.
int environ_read_file(json_t *array, const char *path, struct err *e);

// Sets every variable of this process or, where a path is given, of a file as /proc/PID/environ is one. Those that appc's array
// cannot hold are passed over, with a warning.
int environ_inherit(json_t *array, const char *path, struct err *e);

// All of `array` as NAME=VALUE; PATH where it is missing, AC_APP_NAME and container whatever it says.
void environ_finish(const json_t *array, const char *app, struct texts *out);

// The value of a variable in such a list; borrowed, NULL when it is not set.
const char *environ_get(const struct texts *environment, const char *name);

#endif
