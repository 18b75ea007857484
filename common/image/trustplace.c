// trustplace.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "base/path.h"
#include "image/trustplace.h"
#include "oci/acname.h"
#include "oci/ref.h"

static struct {
	const char *prefix;
	bool root;
	struct texts trust;
} user;

const struct cmd_option trustplace_options[] = {
	CMD_TEXT(0, "prefix", "P", &user.prefix, "for images named P and below P/"),
	CMD_FLAG(0, "root", &user.root, "for every image"),
	CMD_TEXTS(0, "trust", "DIR", &user.trust, "a trust directory; repeatable, the last one is changed"),
	CMD_END,
};

void trustplace_read(struct trustplace *place)
{
	if (user.prefix && user.root)
		cmd_usage("--root and --prefix usage mutually exclusive");
	if (!user.prefix && !user.root)
		cmd_usage("trust would be unbounded: give --prefix P, or --root for every image");
	if (user.prefix && strstr(user.prefix, "://"))
		cmd_usage("--prefix must not contain a URL scheme, omit https://");
	if (user.prefix && !acname_is_identifier(user.prefix) && !ref_is_registry_name(user.prefix))
		cmd_usage("option --prefix: '%s' is neither an AC Identifier nor HOST[:PORT][/REPOSITORY]", user.prefix);
	*place = (struct trustplace){ .prefix = user.prefix };
	path_trust(&user.trust, &place->directories);
	if (!place->directories.count)
		cmd_usage("no trust directory: TACKLE_TRUST names none");
	place->directory = place->directories.items[place->directories.count - 1];
}
