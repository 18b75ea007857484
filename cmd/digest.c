// digest - print the digest of bytes, or check them against one
// SPDX-License-Identifier: Apache-2.0
//
// stdin or the files: any bytes, also none. stdout: one blob record per input with its digest (OCI image specification,
// descriptor.md) and size; with --check nothing is written and 1 means that the bytes are others.
#include <stdio.h>
#include <string.h>

#include "base/cmd.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/record.h"
#include "base/sandbox.h"
#include "crypto/hash.h"

static struct {
	const char *algorithm;
	const char *expected;
	const char *format;
} user = { .algorithm = "sha256", .format = "records" };

static const struct cmd_option options[] = {
	CMD_CHOICE(0, "alg", &user.algorithm, "sha256|sha512", "the hash function; sha256 unless told"),
	CMD_TEXT(0, "check", "DIGEST", &user.expected, "write nothing; end with 1 when the bytes have another digest"),
	CMD_CHOICE(0, "format", &user.format, "records|names", "names prints the digests alone, a line each"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "digest",
	.operands = "[FILE ...]",
	.summary = "print the digest of bytes, or check them against one",
	.reads = CMD_BYTES,
	.writes = CMD_RECORDS,
	.empty_input = true,
	.most_operands = -1,
	.options = options,
};

static char dash[] = "-";
static char *standard_input[] = { dash, NULL };

static enum digest_algorithm algorithm_asked(void)
{
	enum digest_algorithm algorithm = strcmp(user.algorithm, "sha512") ? DIGEST_SHA256 : DIGEST_SHA512;
	if (user.expected && !digest_valid(user.expected, &algorithm, NULL))
		cmd_usage("option --check: not a sha256: or sha512: digest");
	return algorithm;
}

// Every file is opened before the sandbox closes, so that their names need no permission in it.
static int *open_inputs(struct cmd_operands files, struct err *e)
{
	mem_auto int *fds = mem_alloc((size_t)(files.count + 1) * sizeof *fds);
	for (int i = 0; i < files.count; i++)
		if ((fds[i] = io_open_input(files.items[i], e)) < 0)
			return NULL;
	return mem_steal(fds);
}

static int digest(int fd, const char *name, enum digest_algorithm algorithm, json_t *records, struct err *e)
{
	char text[DIGEST_TEXT_MAX];
	int64_t size;
	if (hash_stream(algorithm, fd, text, &size, e) < 0)
		return err_context(e, "'%s'", name);
	if (user.expected && strcmp(user.expected, text) != 0)
		return err_set(e, STATUS_REFUSED, "'%s': digest mismatch: expected %s, found %s", name, user.expected, text);
	jsonio_auto json_t *blob = json_pack("{s:s, s:I}", "digest", text, "size", (json_int_t)size);
	json_array_append_new(records, json_pack("{s:s, s:O}", "kind", "blob", "blob", blob));
	return 0;
}

static void print_names(const json_t *records)
{
	size_t i;
	json_t *record;
	json_array_foreach(records, i, record)
		puts(json_string_value(json_object_get(json_object_get(record, "blob"), "digest")));
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct cmd_operands files = cmd_start(&cmd, argc, argv);
	enum digest_algorithm algorithm = algorithm_asked();
	if (!files.count)
		files = (struct cmd_operands){ 1, standard_input };
	mem_auto int *fds = open_inputs(files, &e);
	struct sandbox sandbox = { 0 };
	if (!fds || sandbox_enter(&sandbox, &e) < 0)
		return cmd_fail(&e);
	jsonio_auto json_t *records = json_array();
	for (int i = 0; i < files.count; i++)
		if (digest(fds[i], files.items[i], algorithm, records, &e) < 0)
			return cmd_fail(&e);
	if (!user.expected && !strcmp(user.format, "names"))
		print_names(records);
	else if (!user.expected)
		record_write_all(records);
	return cmd_finish();
}
