// Image manifests: any JSON must be judged, and what is found good must have a name and labels.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/jsonio.h"
#include "image/aci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct err e = { 0 };
	json_t *manifest = jsonio_parse((const char *)data, length, "manifest", &e);
	if (!manifest)
		return 0;
	if (aci_check_manifest(manifest, &e) == 0) {
		json_t *labels = aci_labels(manifest);
		if (!aci_name(manifest) || !json_is_object(labels))
			abort();
		json_decref(labels);
	}
	json_decref(manifest);
	return 0;
}
