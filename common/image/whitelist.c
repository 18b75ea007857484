// whitelist.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "image/whitelist.h"

// The form in which an archive has it: no slash at either end or doubled, no `.`; NULL when it climbs.
static char *canonical(const char *path)
{
	struct buf out = { 0 };
	while (*path) {
		size_t n = strcspn(path, "/");
		if (n == 2 && !memcmp(path, "..", 2)) {
			buf_free(&out);
			return NULL;
		}
		if (n && !(n == 1 && *path == '.')) {
			if (out.length)
				buf_add_byte(&out, '/');
			buf_add(&out, path, n);
		}
		path += n + (path[n] == '/');
	}
	return out.length ? buf_steal(&out) : mem_text("");
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int whitelist_read(struct whitelist *w, const json_t *manifest, struct err *e)
{
	const json_t *list = json_object_get(manifest, "pathWhitelist");
	w->paths = mem_resize(NULL, json_array_size(list), sizeof *w->paths);
	size_t i;
	json_t *item;
	json_array_foreach(list, i, item) {
		const char *text = json_string_value(item);
		char *path = text ? canonical(text) : NULL;
		if (!path)
			return err_set(e, STATUS_MALFORMED, "pathWhitelist: '%s' leads out of the image", text ? text : "");
		w->paths[w->count++] = path;
	}
	qsort(w->paths, w->count, sizeof *w->paths, compare);
	return 0;
}

void whitelist_free(struct whitelist *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->paths[i]);
	free(w->paths);
	*w = (struct whitelist){ 0 };
}

// The first listed path that is not before the key.
static const char *at_or_behind(const struct whitelist *w, const char *key)
{
	size_t low = 0, high = w->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(w->paths[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->count ? w->paths[low] : NULL;
}

bool whitelist_allows(const struct whitelist *w, const char *path, bool directory)
{
	if (!w->count || !strcmp(path, "."))
		return true;
	const char *found = at_or_behind(w, path);
	if (!found) // nor is one behind `path/`
		return false;
	if (!strcmp(found, path))
		return true;
	if (!directory)
		return false;
	mem_auto char *below = mem_format("%s/", path);
	found = at_or_behind(w, below);
	return found && !strncmp(found, below, strlen(below));
}
