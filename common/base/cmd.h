// One program of the kit: its option table, its help, its start and its end. The table is the only source of parsing, --help
// and completions; the man page is checked against it.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_CMD_H
#define BASE_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/texts.h"

enum cmd_option_type {
	CMD_OPTION_END,
	CMD_OPTION_FLAG,     // bool: set to true
	CMD_OPTION_TEXT,     // const char *: the argument, in argv; the last one wins
	CMD_OPTION_TEXTS,    // struct texts: one more each time
	CMD_OPTION_NUMBER,   // int64_t: least to most
	CMD_OPTION_SIZE,     // int64_t: bytes, with K M G T for powers of 1024
	CMD_OPTION_DURATION, // int64_t: milliseconds, from `90`, `1.5s`, `30m0s`, `7d`
	CMD_OPTION_CHOICE,   // const char *: one of `choices`, separated by |
	CMD_OPTION_GROUP,    // the rows of another table stand here
};

struct cmd_option {
	enum cmd_option_type type;
	char letter; // 0 for none; one letter means one thing in the whole kit
	const char *name;
	const char *argument; // its name in the help
	const char *help;     // a phrase, lower case, no full stop
	void *target;         // its value before cmd_start is the default
	int64_t least, most;
	const char *choices;
	const struct cmd_option *group;
};

// clang-format off
#define CMD_FLAG(letter, name, target, help) \
	{ CMD_OPTION_FLAG, letter, name, NULL, help, target, 0, 0, NULL, NULL }
#define CMD_TEXT(letter, name, argument, target, help) \
	{ CMD_OPTION_TEXT, letter, name, argument, help, target, 0, 0, NULL, NULL }
#define CMD_TEXTS(letter, name, argument, target, help) \
	{ CMD_OPTION_TEXTS, letter, name, argument, help, target, 0, 0, NULL, NULL }
#define CMD_NUMBER(letter, name, argument, target, least, most, help) \
	{ CMD_OPTION_NUMBER, letter, name, argument, help, target, least, most, NULL, NULL }
#define CMD_SIZE(letter, name, target, help) \
	{ CMD_OPTION_SIZE, letter, name, "BYTES", help, target, 0, 0, NULL, NULL }
#define CMD_DURATION(letter, name, target, help) \
	{ CMD_OPTION_DURATION, letter, name, "TIME", help, target, 0, 0, NULL, NULL }
#define CMD_CHOICE(letter, name, target, choices, help) \
	{ CMD_OPTION_CHOICE, letter, name, choices, help, target, 0, 0, choices, NULL }
#define CMD_GROUP(group) { CMD_OPTION_GROUP, 0, NULL, NULL, NULL, NULL, 0, 0, NULL, group }
#define CMD_END { CMD_OPTION_END, 0, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL }
// clang-format on

// What goes through stdin or stdout. tests/contract.bats reads it from the help.
enum cmd_medium {
	CMD_NONE,
	CMD_RECORD,  // exactly one JSON object on a line
	CMD_RECORDS, // several, at least one
	CMD_JSON,    // one JSON value that is not a record of ours (a manifest, TUF metadata, claims)
	CMD_BYTES,   // a blob, tar or disk stream: no error record ever goes out
	CMD_LINES,   // text lines for people or xargs
};

struct cmd {
	const char *name;
	const char *operands; // the synopsis behind [options], or ""
	const char *summary;  // one phrase, lower case, no full stop: it becomes the man page's .Nd and README's table
	enum cmd_medium reads, writes;
	bool empty_input;  // zero bytes on stdin are legal
	bool runs_command; // ends by exec of its operands: parsing stops at the first operand
	int least_operands;
	int most_operands; // -1 for no limit
	const struct cmd_option *options;
};

struct cmd_operands {
	int count;
	char **items; // NULL-terminated, in argv
};

// Parses the command line into the targets of the table. --help and --version end the process with 0; a wrong command line
// ends it with STATUS_USAGE, one line on stderr and, law 5, an error record. -v and -q set msg_verbosity. Where TACKLE_CALLER
// is set, messages start with that name: a wrapper speaks with one voice. The error record names the program all the same.
struct cmd_operands cmd_start(const struct cmd *cmd, int argc, char **argv);

// Tells a failure: message and hint on stderr (nothing when e->upstream is set), the error record on stdout unless that is a
// terminal or a byte stream. Frees e->upstream. Returns the status for main to return.
int cmd_fail(const struct err *e);

// Ends a usage error that the table cannot see (options that exclude each other). Does not return.
_Noreturn void cmd_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Flushes and closes stdout. Returns STATUS_OK, or STATUS_SYSTEM after a message: the only normal way out of main.
int cmd_finish(void);

#endif
