// simplesigning.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/ref.h"
#include "oci/simplesigning.h"

// The object at object[key], which has exactly these members.
static const json_t *read_exactly(const json_t *object, const char *key, const char *const members[], size_t count, struct err *e)
{
	const json_t *found = jsonio_get_object(object, key, e);
	if (!found && !e->status)
		err_set(e, STATUS_MALFORMED, "signed statement: no member '%s'", key);
	for (size_t i = 0; !e->status && i < count; i++)
		if (!json_object_get(found, members[i]))
			err_set(e, STATUS_MALFORMED, "signed statement: no member '%s' in '%s'", members[i], key);
	if (!e->status && json_object_size(found) != count)
		err_set(e, STATUS_REFUSED, "signed statement: '%s' says more than this program understands", key);
	return e->status ? NULL : found;
}

// What is optional may be there, but not be something else; a member nobody knows is passed over.
static int check_optional(const json_t *statement, struct err *e)
{
	int64_t timestamp;
	const json_t *optional = jsonio_get_object(statement, "optional", e);
	if (!e->status && (!optional || json_object_size(statement) != 2))
		return err_set(e, STATUS_MALFORMED, "signed statement: expected the members 'critical' and 'optional'");
	if (!e->status)
		jsonio_get_text(optional, "creator", e);
	return e->status ? -1 : jsonio_get_size(optional, "timestamp", 0, &timestamp, e);
}

int simplesigning_read(const json_t *statement, const char *type, struct simplesigning *s, struct err *e)
{
	static const char *const members[] = { "identity", "image", "type" }, *const in_image[] = { "docker-manifest-digest" },
				 *const in_identity[] = { "docker-reference" };
	const json_t *critical = read_exactly(statement, "critical", members, ARRAY_LENGTH(members), e);
	const json_t *image = critical ? read_exactly(critical, "image", in_image, 1, e) : NULL;
	const json_t *identity = image ? read_exactly(critical, "identity", in_identity, 1, e) : NULL;
	const char *is = identity ? jsonio_need_text(critical, "type", e) : NULL;
	if (!is)
		return -1;
	if (strcmp(is, type) != 0)
		return err_set(e, STATUS_REFUSED, "signed statement: not of the type '%s'", type);
	s->digest = jsonio_need_text(image, in_image[0], e);
	s->docker_reference = s->digest ? jsonio_need_text(identity, in_identity[0], e) : NULL;
	s->exact = !strcmp(type, SIMPLESIGNING_ATOMIC);
	if (!s->docker_reference || (s->exact && check_optional(statement, e) < 0))
		return -1;
	return digest_valid(s->digest, NULL, NULL) ? 0 : err_set(e, STATUS_MALFORMED, "signed statement: not a digest");
}

// Whether the text itself has a tag: the parser adds one where there is none.
static bool has_tag(const char *reference)
{
	const char *slash = strrchr(reference, '/');
	return strchr(slash ? slash : reference, ':');
}

static int check_tag(const struct simplesigning *s, const json_t *parsed, const char *tag, struct err *e)
{
	bool by_digest = strchr(s->docker_reference, '@');
	const char *is_tag = json_string_value(json_object_get(parsed, "tag"));
	if (!by_digest && (has_tag(s->docker_reference) ? !strcmp(is_tag, tag) : !s->exact))
		return 0;
	return err_set(e, STATUS_REFUSED, "the signature is for another tag: docker-reference: expected '%s', found '%s'", tag,
		by_digest                              ? "a digest"
			: has_tag(s->docker_reference) ? is_tag
						       : "none");
}

int simplesigning_check_reference(const struct simplesigning *s, const char *name, const char *tag, struct err *e)
{
	struct err unread = { 0 };
	mem_auto char *text = mem_format("docker://%s", s->docker_reference);
	jsonio_auto json_t *parsed = ref_parse(text, &unread);
	if (!parsed || (!s->exact && strchr(s->docker_reference, '@')))
		return err_set(e, STATUS_MALFORMED, "signed statement: docker-reference: not a repository with an optional tag");
	const char *is_name = json_string_value(json_object_get(parsed, "name"));
	if (strcmp(is_name, name) != 0)
		return err_set(e, STATUS_REFUSED,
			"the signature is for another image: docker-reference: expected '%s', found '%s'", name, is_name);
	return tag ? check_tag(s, parsed, tag, e) : 0;
}
