// namelist.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "base/record.h"
#include "oci/namelist.h"

static struct {
	const char *format;
	bool null;
} user = { .format = "records" };

const struct cmd_option namelist_options[] = {
	CMD_CHOICE(0, "format", &user.format, "records|names|refs", "names, or whole references, a line each"),
	CMD_FLAG('0', "null", &user.null, "end each name with NUL; implies --format names"),
	CMD_END,
};

void namelist_write(json_t *records, const char *key)
{
	size_t i;
	json_t *record;
	if (!user.null && !strcmp(user.format, "records")) {
		record_write_all(records);
		return;
	}
	if (!strcmp(user.format, "refs"))
		key = "ref";
	json_array_foreach(records, i, record)
		printf("%s%c", json_string_value(json_object_get(record, key)), user.null ? '\0' : '\n');
}
