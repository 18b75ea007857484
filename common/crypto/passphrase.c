// passphrase.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"
#include "crypto/passphrase.h"

static const char *file;
static int64_t descriptor = -1;

const struct cmd_option passphrase_options[] = {
	CMD_TEXT(0, "passphrase-file", "FILE", &file, "the passphrase is the first line of this file"),
	CMD_NUMBER(0, "passphrase-fd", "FD", &descriptor, 0, 1023, "the passphrase is the first line from this descriptor"),
	CMD_END,
};

bool passphrase_is_given(void)
{
	if (file && descriptor >= 0)
		cmd_usage("--passphrase-file and --passphrase-fd exclude each other");
	return file || descriptor >= 0;
}

void passphrase_allow(struct sandbox *s)
{
	if (file)
		texts_add(&s->reads, file);
	if (!passphrase_is_given())
		secret_open_terminal();
}

int passphrase_get(void *prompt, struct buf *out, struct err *e)
{
	if (!passphrase_is_given())
		return secret_ask(prompt, out, e);
	return file ? secret_from_file(file, out, e) : secret_from_descriptor((int)descriptor, out, e);
}

int passphrase_get_twice(struct buf *first, struct buf *second, struct err *e)
{
	return file ? secret_lines_from_file(file, first, second, e)
		    : secret_lines_from_descriptor((int)descriptor, first, second, e);
}
