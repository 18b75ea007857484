// Discovery pages: HTML to tags, and each tag's URI as a template.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "image/discovery.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct err e = { 0 };
	json_t *tags = discovery_scan((const char *)data, length, &e);
	json_t *labels = json_pack("{s:s, s:s}", "version", "1.0+x", "os", "linux");
	size_t i;
	json_t *tag;
	json_array_foreach(tags, i, tag) {
		struct err why = { 0 };
		free(discovery_expand(json_string_value(json_object_get(tag, "uri")), "example.com/app", labels, "aci", &why));
	}
	json_decref(labels);
	json_decref(tags);
	return 0;
}
