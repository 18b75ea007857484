// Fuzz target of oci/ref, oci/platform and oci/acname: a reference is a record or a usage error, and its fields keep their grammar.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "oci/acname.h"
#include "oci/platform.h"
#include "oci/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_field(const json_t *record, const char *key, bool (*valid)(const char *))
{
	const json_t *value = json_object_get(record, key);
	if (value && !valid(json_string_value(value)))
		abort();
}

static bool is_digest(const char *text)
{
	return digest_valid(text, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mem_auto char *text = mem_text_n((const char *)data, size);
	struct err e = { 0 };
	jsonio_auto json_t *record = ref_parse(text, &e);
	if (!record && e.status != STATUS_USAGE)
		abort();
	check_field(record, "repository", ref_is_repository);
	check_field(record, "digest", is_digest);
	check_field(record, "id", acname_is_short_id);
	struct err unused = { 0 };
	const struct platform *platform = platform_parse(text, &unused);
	if (platform)
		json_decref(platform_json(platform));
	return 0;
}
