// Fuzz target of oci/manifest and oci/config: what is accepted keeps what their headers promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>

#include "crypto/digest.h"
#include "oci/config.h"
#include "oci/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_descriptor(const json_t *json)
{
	struct err e = { 0 };
	struct descriptor d;
	if (descriptor_parse(json, "x", &d, &e) < 0 || d.size < 0)
		abort();
}

static void check_list(const json_t *list, size_t most)
{
	size_t i;
	json_t *item;
	if (!json_is_array(list) || json_array_size(list) > most)
		abort();
	json_array_foreach(list, i, item)
		check_descriptor(item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const told[] = { NULL, MEDIA_MANIFEST, MEDIA_DOCKER_INDEX, "application/json; charset=utf-8" };
	struct err e = { 0 };
	manifest_auto m = { 0 };
	const char *type = size ? told[data[0] % 4] : NULL;
	const char *text = (const char *)data + (size > 0);
	size -= size > 0;
	if (manifest_parse(text, size, type, &m, &e) == 0) {
		const json_t *config = manifest_config(&m), *layers = manifest_layers(&m), *entries = manifest_entries(&m);
		if (m.is_index) {
			struct err ignored = { 0 };
			check_list(entries, MANIFEST_ENTRIES_MAX);
			manifest_choose(&m, platform_host(), &ignored);
		} else {
			check_descriptor(config);
			check_list(layers, MANIFEST_LAYERS_MAX);
		}
		if (m.is_index ? config || layers : entries != NULL)
			abort();
	} else if (!e.status || m.json)
		abort();
	e = (struct err){ 0 };
	config_auto c = { 0 };
	if (config_parse(text, size, 1, &c, &e) == 0) {
		if (!digest_valid(config_diff_id(&c, 0), NULL, NULL))
			abort();
		json_decref(config_platform(&c));
	} else if (!e.status)
		abort();
	return 0;
}
