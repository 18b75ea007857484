// cmd.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cmd.h"
#include "base/date.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/record.h"

#define HELP_WIDTH  79 // of 80 columns
#define HELP_INDENT 28 // where the phrases of the help start

static const struct cmd *current; // set once by cmd_start
static bool wants_help, wants_version;
static bool verbose_dummy;

static const struct cmd_option common_options[] = {
	CMD_FLAG('q', "quiet", &verbose_dummy, "say nothing but errors and warnings"),
	CMD_FLAG('v', "verbose", &verbose_dummy, "say more; repeatable"),
	CMD_FLAG('h', "help", &wants_help, "show this help"),
	CMD_FLAG('V', "version", &wants_version, "show the version; with -v the libraries, too"),
	CMD_END,
};

// ---- help ----

static const char *medium_name(enum cmd_medium medium)
{
	static const char *const names[] = { "none", "record", "records", "json", "bytes", "lines" };
	return names[medium];
}

// Puts `text` behind what stands on the line, wrapped, every further line indented.
static void wrap(struct buf *out, size_t column, size_t indent, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, " ");
		if (column > indent && column + n > HELP_WIDTH) {
			buf_add_format(out, "\n%*s", (int)indent, "");
			column = indent;
		}
		buf_add(out, text, n);
		column += n;
		text += n;
		while (*text == ' ') {
			text++;
			if (column < HELP_WIDTH && column + 1 + strcspn(text, " ") <= HELP_WIDTH) {
				buf_add_byte(out, ' ');
				column++;
			} else {
				column = HELP_WIDTH;
			}
		}
	}
	buf_add_byte(out, '\n');
}

static void help_option(struct buf *out, const struct cmd_option *o)
{
	buf_auto left = { 0 };
	if (o->letter)
		buf_add_format(&left, "  -%c, --%s", o->letter, o->name);
	else
		buf_add_format(&left, "      --%s", o->name);
	if (o->argument)
		buf_add_format(&left, " %s", o->argument);
	buf_add_text(out, buf_text(&left));
	size_t column = left.length;
	if (column + 2 > HELP_INDENT) {
		buf_add_byte(out, '\n');
		column = 0;
	}
	buf_add_format(out, "%*s", (int)(HELP_INDENT - column), "");
	wrap(out, HELP_INDENT, HELP_INDENT, o->help);
}

static void help_options(struct buf *out, const struct cmd_option *options)
{
	for (const struct cmd_option *o = options; o && o->type != CMD_OPTION_END; o++) {
		if (o->type == CMD_OPTION_GROUP)
			help_options(out, o->group);
		else
			help_option(out, o);
	}
}

static _Noreturn void show_help(void)
{
	buf_auto out = { 0 };
	buf_auto usage = { 0 };
	buf_add_format(&usage, "usage: %s [options] %s", current->name, current->operands);
	wrap(&out, 0, 8, usage.data);
	wrap(&out, 0, 0, current->summary);
	buf_add_byte(&out, '\n');
	help_options(&out, current->options);
	help_options(&out, common_options);
	buf_add_format(&out, "\nreads %s%s, writes %s; the manual: man %s\n", medium_name(current->reads),
		current->empty_input ? " (may be empty)" : "", medium_name(current->writes), current->name);
	fputs(out.data, stdout);
	buf_free(&out);
	buf_free(&usage);
	exit(cmd_finish());
}

static int show_library(struct dl_phdr_info *info, size_t size, void *shown)
{
	(void)size;
	const char *base = strrchr(info->dlpi_name, '/');
	mem_auto char *real = base ? realpath(info->dlpi_name, NULL) : NULL;
	if (real && strncmp(base + 1, "ld-", 3) != 0)
		*(bool *)shown = printf("  %s\n", strrchr(real, '/') + 1) > 0;
	return 0;
}

static _Noreturn void show_version(void)
{
	printf("%s (tackle) %s\n", current->name, TACKLE_VERSION);
	bool shown = false;
	if (msg_verbosity > 0)
		dl_iterate_phdr(show_library, &shown);
	if (msg_verbosity > 0 && !shown)
		printf("  linked statically with libc %s\n", gnu_get_libc_version());
	exit(cmd_finish());
}

// ---- the end ----

// An error record goes where the next stage looks for the product: not to a person, not into a byte stream.
static void write_error_record(const char *line)
{
	if (!current || current->writes == CMD_BYTES || current->writes == CMD_NONE || isatty(STDOUT_FILENO))
		return;
	printf("%s\n", line);
	if (fflush(stdout))
		return; // the failure is already told; the next stage sees no input
}

// A fatal path need not free memory: the leak checker of a sanitised build judges success only.
static bool failed;

#ifdef __SANITIZE_ADDRESS__
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return failed;
}
#endif

int cmd_fail(const struct err *e)
{
	failed = true;
	if (e->upstream) {
		write_error_record(e->upstream);
		free(e->upstream);
		return (int)e->status;
	}
	enum status status = e->status ? e->status : STATUS_SYSTEM;
	msg_error("%s", e->text);
	if (e->hint[0])
		msg_hint("%s", e->hint);
	buf_auto shown = { 0 };
	msg_escape(&shown, e->text, strlen(e->text));
	mem_auto char *line = record_error_text(status, current ? current->name : msg_program, buf_text(&shown));
	write_error_record(line);
	return (int)status;
}

_Noreturn void cmd_usage(const char *format, ...)
{
	struct err e = { 0 };
	char text[ERR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	err_set(&e, STATUS_USAGE, "%s: see %s --help", text, current->name);
	exit(cmd_fail(&e));
}

int cmd_finish(void)
{
	if (fflush(stdout) || close(STDOUT_FILENO) < 0) {
		msg_error("stdout: cannot write: %s", strerror(errno));
		failed = true;
		return STATUS_SYSTEM;
	}
	return STATUS_OK;
}

// ---- parsing ----

static const struct cmd_option *find(const struct cmd_option *options, char letter, const char *name, size_t length)
{
	for (const struct cmd_option *o = options; o && o->type != CMD_OPTION_END; o++) {
		if (o->type == CMD_OPTION_GROUP) {
			const struct cmd_option *inner = find(o->group, letter, name, length);
			if (inner)
				return inner;
		} else if (name ? strlen(o->name) == length && !memcmp(o->name, name, length) : o->letter == letter) {
			return o;
		}
	}
	return NULL;
}

static const struct cmd_option *find_anywhere(char letter, const char *name, size_t length)
{
	const struct cmd_option *o = find(current->options, letter, name, length);
	return o ? o : find(common_options, letter, name, length);
}

static bool parse_number(const char *text, int64_t least, int64_t most, int64_t *out)
{
	char *end;
	errno = 0;
	intmax_t n = strtoimax(text, &end, 10);
	*out = n;
	bool digits = (*text >= '0' && *text <= '9') || (*text == '-' && text[1] >= '0' && text[1] <= '9');
	return digits && !*end && !errno && n >= least && n <= most;
}

static bool parse_size(const char *text, int64_t *out)
{
	static const char units[] = "KMGT";
	char *end;
	errno = 0;
	uintmax_t n = strtoumax(text, &end, 10);
	if (*text < '0' || *text > '9' || errno)
		return false;
	const char *unit = *end ? strchr(units, *end) : NULL;
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;
	if ((*end && !unit) || (unit && end[1]) || n > (uintmax_t)INT64_MAX >> shift)
		return false;
	*out = (int64_t)(n << shift);
	return true;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t n = strlen(text);
	for (const char *at = choices; n && at; at = strchr(at, '|'), at = at ? at + 1 : NULL)
		if (!strncmp(at, text, n) && (at[n] == '|' || !at[n]))
			return true;
	return false;
}

static void take(const struct cmd_option *o, const char *value)
{
	switch (o->type) {
	case CMD_OPTION_TEXT:
		*(const char **)o->target = value;
		break;
	case CMD_OPTION_TEXTS:
		texts_add(o->target, value);
		break;
	case CMD_OPTION_NUMBER:
		if (!parse_number(value, o->least, o->most, o->target))
			cmd_usage("option --%s: not a number from %" PRId64 " to %" PRId64 ": '%s'", o->name, o->least, o->most,
				value);
		break;
	case CMD_OPTION_SIZE:
		if (!parse_size(value, o->target))
			cmd_usage("option --%s: not a number of bytes: '%s'", o->name, value);
		break;
	case CMD_OPTION_DURATION:
		if (!date_parse_duration(value, o->target))
			cmd_usage("option --%s: not a length of time such as 90s or 1h30m: '%s'", o->name, value);
		break;
	case CMD_OPTION_CHOICE:
		if (!is_choice(o->choices, value))
			cmd_usage("option --%s: '%s' is none of %s", o->name, value, o->choices);
		*(const char **)o->target = value;
		break;
	case CMD_OPTION_FLAG:
		if (o->letter == 'v' && o->target == &verbose_dummy)
			msg_verbosity = msg_verbosity < 0 ? 1 : msg_verbosity + 1;
		else if (o->target == &verbose_dummy)
			msg_verbosity = -1;
		else
			*(bool *)o->target = true;
		break;
	case CMD_OPTION_END:
	case CMD_OPTION_GROUP:
		break;
	}
}

// `--name`, `--name=value` or `--name value`. Returns how many further arguments it used.
static int parse_long(char **argv)
{
	const char *name = argv[0] + 2;
	size_t length = strcspn(name, "=");
	const struct cmd_option *o = find_anywhere(0, name, length);
	if (!o)
		cmd_usage("unknown option '--%.*s'", (int)length, name);
	bool attached = name[length] == '=';
	if (!o->argument && attached)
		cmd_usage("option --%s takes no argument", o->name);
	if (!o->argument || attached) {
		take(o, attached ? name + length + 1 : "");
		return 0;
	}
	if (!argv[1])
		cmd_usage("option --%s needs an argument", o->name);
	take(o, argv[1]);
	return 1;
}

// `-abc`, `-ovalue` or `-o value`. Returns how many further arguments it used.
static int parse_letters(char **argv)
{
	for (const char *at = argv[0] + 1; *at; at++) {
		const struct cmd_option *o = find_anywhere(*at, NULL, 0);
		if (!o)
			cmd_usage("unknown option '-%c'", *at);
		if (!o->argument) {
			take(o, "");
			continue;
		}
		if (at[1]) {
			take(o, at + 1);
			return 0;
		}
		if (!argv[1])
			cmd_usage("option -%c needs an argument", *at);
		take(o, argv[1]);
		return 1;
	}
	return 0;
}

// Descriptors 0 to 2 always exist, so that no file of ours lands on them. A missing stdout fails on write, as it should.
static void open_standard_descriptors(void)
{
	static const int modes[] = { O_RDONLY, O_RDONLY, O_WRONLY };
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd)
			_exit(STATUS_SYSTEM);
}

// Jansson would seed the hashes of its objects from a file that the sandbox closes; an attacker must not know the seed.
static void seed_objects(void)
{
	size_t seed = 0;
	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == sizeof seed)
		json_object_seed(seed | 1);
}

struct cmd_operands cmd_start(const struct cmd *cmd, int argc, char **argv)
{
	open_standard_descriptors();
	seed_objects();
	current = cmd;
	const char *caller = getenv("TACKLE_CALLER");
	msg_program = caller && *caller ? caller : cmd->name;
	int kept = 1;
	for (int i = 1; i < argc; i++) {
		bool operand = argv[i][0] != '-' || !argv[i][1];
		if (operand)
			argv[kept++] = argv[i];
		if (!strcmp(argv[i], "--") || (operand && cmd->runs_command)) {
			while (++i < argc)
				argv[kept++] = argv[i];
			break;
		}
		if (!operand)
			i += argv[i][1] == '-' ? parse_long(argv + i) : parse_letters(argv + i);
	}
	argv[kept] = NULL;
	if (wants_help)
		show_help();
	if (wants_version)
		show_version();
	struct cmd_operands operands = { kept - 1, argv + 1 };
	if (operands.count < cmd->least_operands)
		cmd_usage("missing operand");
	if (cmd->most_operands >= 0 && operands.count > cmd->most_operands)
		cmd_usage("too many operands: '%s'", operands.items[cmd->most_operands]);
	return operands;
}
