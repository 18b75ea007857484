// App Container image discovery (App Container Specification, discovery.md): from an image name to the URLs
// of its image, its signature and its keys, by meta tags of the page at that name (rkt:C-001 to rkt:C-018).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_DISCOVERY_H
#define IMAGE_DISCOVERY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define DISCOVERY_PAGE_MAX ((size_t)1 << 20) // bytes of a page
#define DISCOVERY_TAGS_MAX ((size_t)1000)    // discovery tags of a page

// The discovery tags of an HTML page, in order, as an array of {"tag", "prefix", "uri"}; tag is ac-discovery
// or ac-discovery-pubkeys. Anything else is passed over: a page without tags gives an empty array. More than
// DISCOVERY_TAGS_MAX is STATUS_LIMIT. Parses hostile bytes: confined does it in a child that has nothing. New
// reference or NULL.
json_t *discovery_scan(const char *html, size_t length, struct err *e);
json_t *discovery_scan_confined(const char *html, size_t length, struct err *e);

// A template with {name}, {ext} and the labels filled in, percent-encoded; malloced. NULL with e->status 0
// when a variable is left over; NULL with STATUS_USAGE for a label value that would leave its place in a
// path, STATUS_REFUSED for a URL that url_check refuses or that has `..` segments.
char *discovery_expand(const char *template, const char *name, const json_t *labels, const char *ext, struct err *e);

struct discovery {
	json_t *endpoints; // [{"url", "signature"}], in the order of the tags
	json_t *keys;      // ["url"]
};

// Asks https://NAME?ac-discovery=1 and the paths above it, up to the host. With keys_only a page counts when
// it names keys, else when it gives an endpoint. Returns 0, or -1: STATUS_NOT_FOUND `found no ACI meta tags`,
// and as http_get, but 4xx leads to the path above.
int discovery_run(const char *name, const json_t *labels, bool keys_only, struct discovery *d, struct err *e);
void discovery_free(struct discovery *d);

#endif
