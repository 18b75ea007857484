// A map file: which repositories are asked for which targets, and how many of them have to agree (TAP 4). It is the user's own, and lists
// repositories, each with its mirrors, and mappings, of which the first that matches and is agreed on decides.
// SPDX-License-Identifier: Apache-2.0
#ifndef TUF_MAP_H
#define TUF_MAP_H

#include "tuf/client.h"

struct map;

// Reads the file and opens every repository in it: its metadata is in `directory`, below F(its name), and its mirrors are not opened when it
// is `local`. A repository that cannot be opened fails when it is asked. STATUS_MALFORMED for a file that is none, STATUS_USAGE for a mirror
// that is none. Call it before sandbox_enter.
struct map *map_open(const char *file, const char *directory, bool local, struct sandbox *s, struct err *e);
void map_close(struct map *m); // NULL is fine

// The repositories in the order of their names: the name, NULL past the last; and the client, brought up to date by `update` when it was
// not in this run, NULL on failure.
typedef int map_update(struct client *c, struct err *e);
const char *map_name(const struct map *m, size_t i);
struct client *map_client(struct map *m, size_t i, map_update *update, struct err *e);

struct map_found {               // free with map_found_free
	json_t *target;          // what the first of those that agree says, with `repositories`, their names
	struct client **clients; // theirs, in this order; borrowed
	size_t count;
};

// Looks a target up. They agree when length, hashes and the number of blobs (dtuf:B3) are the same. Where a mapping is not agreed on the
// next that matches is asked, unless it is terminating; but where a repository could not be asked and the others are too few the search
// fails as that did, so that nobody turns it to another one by cutting a line. STATUS_NOT_FOUND when none has it, STATUS_REFUSED when they
// do not agree.
int map_find(struct map *m, const char *path, map_update *update, struct map_found *found, struct err *e);
void map_found_free(struct map_found *f);

#endif
