// Where the passphrase of a private key comes from: a file, a descriptor, else the terminal.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_PASSPHRASE_H
#define CRYPTO_PASSPHRASE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cmd.h"
#include "base/sandbox.h"

// --passphrase-file and --passphrase-fd, for the option table of every program that reads or makes a private key.
extern const struct cmd_option passphrase_options[];

// What passphrase_get will need, allowed in the sandbox or opened before it: the file named, else the terminal.
void passphrase_allow(struct sandbox *s);

bool passphrase_is_given(void); // by one of the options; both are a usage error

// The passphrase, appended to out: from the options, else asked on the terminal with `prompt` (a string).
// A key_passphrase of key.h.
int passphrase_get(void *prompt, struct buf *out, struct err *e);

// Both lines of what an option names, for who wants a passphrase confirmed. Either may come out empty.
int passphrase_get_twice(struct buf *first, struct buf *second, struct err *e);

#endif
