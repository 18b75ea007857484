// tackle - list the programs of the kit, or run one of them
// SPDX-License-Identifier: Apache-2.0
//
// Reads nothing. Without operands stdout gets one line per program that lies beside this one, by family; its summary is what its own
// --help says, so there is no list to keep. With operands the process becomes that program.
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cmd.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sandbox.h"
#include "base/texts.h"

#define HELP_MAX    ((size_t)64 * 1024) // no help is as long
#define NAME_COLUMN 18                  // of the list: longer names push their summary right

static struct {
	bool exec_path;
	const char *format;
} user = { .format = "table" };

static const struct cmd_option options[] = {
	CMD_FLAG(0, "exec-path", &user.exec_path, "print the directory that holds the programs"),
	CMD_CHOICE(0, "format", &user.format, "table|names", "names prints the names alone, a line each"),
	CMD_END,
};

static const struct cmd cmd = {
	.name = "tackle",
	.operands = "[NAME [ARGUMENT ...]]",
	.summary = "list the programs of the kit, or run one of them",
	.reads = CMD_NONE,
	.writes = CMD_LINES,
	.runs_command = true,
	.most_operands = -1,
	.options = options,
};

// The first pattern that matches a name decides; the names of a new program's family hold for it, too.
static const struct family {
	const char *title;
	const char *patterns[8];
} families[] = {
	{ "find", { "ref-parse", "discover" } },
	{ "fetch", { "fetch-*" } },
	{ "trust", { "verify-*", "trust-*", "key-show", "policy-*" } },
	{ "archive", { "unpack", "pack", "flatten", "digest", "aci-*", "oci-*" } },
	{ "store", { "store-*" } },
	{ "registry", { "reg-*" } },
	{ "tuf", { "tuf-*" } },
	{ "keys and tokens", { "key-gen", "key-pub", "jwk", "jwt-*" } },
	{ "pods", { "pod-*", "netns-*", "metadata-*" } },
	{ "disk", { "disk-*" } },
	{ "cloud", { "key-*", "userdata-*", "ec2-*", "ebs-*", "gce-*", "gcs-*" } },
	{ "other", { "*" } },
};

static const struct family *family_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LENGTH(families); i++)
		for (const char *const *pattern = families[i].patterns; *pattern; pattern++)
			if (!fnmatch(*pattern, name, 0))
				return &families[i];
	return NULL;
}

// Where this executable lies, whatever link it was called by; malloced.
static char *own_directory(struct err *e)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
	if (n <= 0) {
		err_system(e, "'/proc/self/exe': cannot read the link");
		return NULL;
	}
	path[n] = '\0';
	*strrchr(path, '/') = '\0';
	return mem_text(path);
}

// The phrase between usage and options in the help of a program of ours; malloced. NULL when it is none.
static char *summary_of(const char *directory, const char *name)
{
	mem_auto char *path = mem_format("%s/%s", directory, name);
	mem_auto char *usage = mem_format("usage: %s ", name);
	struct proc program = { .argv = (const char *const[]){ path, "--help", NULL }, .in = -1, .out = -1, .err = -1 };
	struct err unused = { 0 };
	buf_auto help = { 0 };
	if (proc_run(&program, "", 0, HELP_MAX, &help, &unused) != 0 || strncmp(buf_text(&help), usage, strlen(usage)) != 0)
		return NULL;
	char *start = strchr(help.data, '\n');
	while (start && start[1] == ' ') // the usage goes on
		start = strchr(start + 1, '\n');
	char *end = start ? strstr(start + 1, "\n\n") : NULL;
	if (!end)
		return NULL;
	*end = '\0';
	for (char *at = start + 1; *at; at++)
		if (*at == '\n')
			*at = ' ';
	return mem_text(start + 1);
}

static int is_program(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strcmp(entry->d_name, cmd.name) != 0 && !strchr(entry->d_name, '.');
}

struct program {
	const char *name; // borrowed from the directory's entries
	char *summary;
};

static void print_family(const struct family *family, const struct program *programs, size_t count, bool *first)
{
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		if (family_of(programs[i].name) != family)
			continue;
		if (!any)
			printf("%s%s\n", *first ? "" : "\n", family->title);
		any = true;
		*first = false;
		printf("  %-*s %s\n", NAME_COLUMN, programs[i].name, programs[i].summary);
	}
}

static void print_programs(const struct program *programs, size_t count)
{
	bool first = true;
	for (size_t i = 0; !strcmp(user.format, "names") && i < count; i++)
		puts(programs[i].name);
	for (size_t i = 0; strcmp(user.format, "names") != 0 && i < ARRAY_LENGTH(families); i++)
		print_family(&families[i], programs, count, &first);
}

static int list(const char *directory, struct err *e)
{
	struct dirent **entries;
	int n = scandir(directory, &entries, is_program, alphasort);
	if (n < 0)
		return err_system(e, "'%s': cannot read", directory);
	mem_auto struct program *programs = mem_alloc((size_t)n * sizeof *programs);
	size_t count = 0;
	for (int i = 0; i < n; i++)
		if ((programs[count].summary = summary_of(directory, entries[i]->d_name)))
			programs[count++].name = entries[i]->d_name;
	print_programs(programs, count);
	for (size_t i = 0; i < count; i++)
		free(programs[i].summary);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return 0;
}

static int list_confined(const char *directory, struct err *e)
{
	struct sandbox sandbox = { .spawn = true };
	texts_add(&sandbox.executes, directory);
	return sandbox_enter(&sandbox, e) < 0 ? -1 : list(directory, e);
}

// Becomes the program; returns only when that fails.
static int run(const char *directory, char **argv, struct err *e)
{
	mem_auto char *path = mem_format("%s/%s", directory, argv[0]);
	if (strchr(argv[0], '/') || argv[0][0] == '.')
		return err_set(e, STATUS_NO_COMMAND, "'%s': not the name of a program of the kit", argv[0]);
	execv(path, argv);
	int reason = errno;
	err_set(e, reason == ENOENT ? STATUS_NO_COMMAND : STATUS_CANNOT_EXEC, "'%s': cannot run it: %s", argv[0],
		strerror(reason));
	return err_hint(e, "tackle without operands lists the programs");
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct cmd_operands operands = cmd_start(&cmd, argc, argv);
	if (operands.count && !*operands.items[0])
		cmd_usage("the name of a program is empty");
	if (user.exec_path && operands.count)
		cmd_usage("option --exec-path takes no operands");
	mem_auto char *directory = own_directory(&e);
	if (!directory)
		return cmd_fail(&e);
	if (user.exec_path)
		puts(directory);
	else if ((operands.count ? run(directory, operands.items, &e) : list_confined(directory, &e)) < 0)
		return cmd_fail(&e);
	return cmd_finish();
}
