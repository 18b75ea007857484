// config.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "oci/config.h"

static int judge_rootfs(struct config *c, size_t layers, struct err *e)
{
	const json_t *rootfs = jsonio_get_object(c->json, "rootfs", e);
	const char *type = jsonio_get_text(rootfs, "type", e);
	c->diff_ids = jsonio_get_array(rootfs, "diff_ids", e);
	if (e->status)
		return -1;
	if (!type || strcmp(type, "layers") != 0)
		return err_set(e, STATUS_MALFORMED, "field 'rootfs.type': not layers");
	if (json_array_size(c->diff_ids) != layers)
		return err_set(e, STATUS_MALFORMED, "field 'rootfs.diff_ids': %zu, but the manifest has %zu layers",
			json_array_size(c->diff_ids), layers);
	for (size_t i = 0; i < layers; i++) {
		const char *id = config_diff_id(c, i);
		if (!id || !digest_valid(id, NULL, NULL))
			return err_set(e, STATUS_MALFORMED, "field 'rootfs.diff_ids[%zu]': not a digest", i);
	}
	return 0;
}

int config_parse(const char *text, size_t length, size_t layers, struct config *c, struct err *e)
{
	*c = (struct config){ 0 };
	if (length > CONFIG_BYTES_MAX)
		return err_set(e, STATUS_LIMIT, "config: larger than the limit of %zu bytes", CONFIG_BYTES_MAX);
	c->json = jsonio_parse(text, length, "config", e);
	if (!c->json)
		return -1;
	if (!json_is_object(c->json))
		err_set(e, STATUS_MALFORMED, "config: not a JSON object");
	else if (!jsonio_need_text(c->json, "os", e) || !jsonio_need_text(c->json, "architecture", e) ||
		(jsonio_get_text(c->json, "variant", e), e->status) || judge_rootfs(c, layers, e) < 0)
		err_context(e, "config");
	else
		return 0;
	config_free(c);
	return -1;
}

void config_free(struct config *c)
{
	json_decref(c->json);
	*c = (struct config){ 0 };
}

json_t *config_platform(const struct config *c)
{
	json_t *platform = json_pack("{s:O, s:O}", "os", json_object_get(c->json, "os"), "architecture",
		json_object_get(c->json, "architecture"));
	json_t *variant = json_object_get(c->json, "variant");
	if (json_is_string(variant) && *json_string_value(variant))
		json_object_set(platform, "variant", variant);
	return platform;
}

const char *config_diff_id(const struct config *c, size_t layer)
{
	return json_string_value(json_array_get(c->diff_ids, layer));
}
