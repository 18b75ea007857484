// descriptor.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "base/jsonio.h"
#include "crypto/digest.h"
#include "oci/descriptor.h"

int descriptor_parse(const json_t *json, const char *what, struct descriptor *d, struct err *e)
{
	if (!json_is_object(json))
		return err_set(e, STATUS_MALFORMED, "field '%s': %s", what, json ? "not an object" : "missing");
	d->media_type = jsonio_get_text(json, "mediaType", e);
	d->digest = jsonio_need_text(json, "digest", e);
	if (e->status || jsonio_get_size(json, "size", -1, &d->size, e) < 0)
		return err_context(e, "field '%s'", what);
	if (!digest_valid(d->digest, NULL, NULL))
		return err_set(e, STATUS_MALFORMED, "field '%s': not a sha256: or sha512: digest", what);
	if (!d->media_type)
		d->media_type = MEDIA_BYTES;
	return 0;
}

int descriptor_read(const json_t *object, const char *key, struct descriptor *d, struct err *e)
{
	const json_t *json = jsonio_get_object(object, key, e);
	return e->status ? -1 : descriptor_parse(json, key, d, e);
}

json_t *descriptor_json(const char *media_type, const char *digest, int64_t size)
{
	return json_pack("{s:s, s:s, s:I}", "mediaType", media_type, "digest", digest, "size", (json_int_t)size);
}
