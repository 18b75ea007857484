// YAML that people wrote, into libyaml's tree of nodes: aliases are nodes that two name, so nothing grows.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_YAMLIO_H
#define BASE_YAMLIO_H

#include <stddef.h>
#include <yaml.h>

#include "base/err.h"

// Parses the first document; yaml_document_delete frees it. STATUS_MALFORMED with `subject: line N: why`; STATUS_LIMIT for more
// than 64 levels.
int yamlio_parse(const char *text, size_t length, const char *subject, yaml_document_t *document, struct err *e);

// The first member of this name. Borrowed; NULL for none, and for what is no mapping.
const yaml_node_t *yamlio_member(yaml_document_t *document, const yaml_node_t *mapping, const char *name);

// The text of a scalar. Borrowed; NULL for any other node, for one with a NUL in its text, and for NULL.
const char *yamlio_text(const yaml_node_t *node);

#endif
