// reg-tags - list the tags of repositories
// SPDX-License-Identifier: Apache-2.0
//
// operands: repositories, as in docker://. stdout: a tag record for each tag, sorted (OCI distribution specification,
// "Listing Tags"). 3 when there is no such repository.
#include "base/cmd.h"
#include "base/jsonio.h"
#include "base/mem.h"
#include "oci/namelist.h"
#include "oci/ref.h"
#include "oci/registry.h"

static struct {
	int64_t max_names;
} user = { .max_names = 1000000 };

static const struct cmd_option options[] = {
	CMD_GROUP(namelist_options),
	CMD_NUMBER(0, "max-names", "N", &user.max_names, 1, 100000000, "take at most N tags; 1000000 unless told"),
	CMD_GROUP(registry_options),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "reg-tags",
	.operands = "REPOSITORY ...",
	.summary = "list the tags of repositories",
	.reads = CMD_NONE,
	.writes = CMD_RECORDS,
	.least_operands = 1,
	.most_operands = -1,
	.options = options,
};

static void add_tag(json_t *records, const json_t *repository, const char *tag)
{
	const char *name = jsonio_find_text(repository, "registry"), *path = jsonio_find_text(repository, "repository");
	json_array_append_new(records,
		json_pack("{s:s, s:o, s:s, s:s, s:s, s:o}", "kind", "tag", "name", json_sprintf("%s/%s", name, path), "registry",
			name, "repository", path, "tag", tag, "ref", json_sprintf("docker://%s/%s:%s", name, path, tag)));
}

static int list(const char *operand, json_t *records, struct err *e)
{
	texts_auto tags = { 0 };
	jsonio_auto json_t *ref = ref_parse_registry(operand, e);
	struct registry *r = ref
		? registry_open(jsonio_find_text(ref, "registry"), jsonio_find_text(ref, "repository"), REGISTRY_PULL, e)
		: NULL;
	int result = r ? registry_tags(r, (size_t)user.max_names, &tags, e) : -1;
	registry_close(r);
	for (size_t i = 0; !result && i < tags.count; i++)
		add_tag(records, ref, tags.items[i]);
	return result;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct sandbox sandbox = { 0 };
	struct cmd_operands repositories = cmd_start(&cmd, argc, argv);
	jsonio_auto json_t *records = json_array();
	if (registry_prepare(&sandbox, &e) < 0 || sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	for (int i = 0; i < repositories.count; i++)
		if (list(repositories.items[i], records, &e) < 0)
			return cmd_fail(&e);
	registry_end();
	namelist_write(records, "tag");
	return cmd_finish();
}
