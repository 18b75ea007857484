// stopwatch - run a command N times in a row and print the seconds all took and the largest resident set of one, in KiB
// SPDX-License-Identifier: Apache-2.0
//
// stopwatch N COMMAND [ARGUMENT ...]: stdin and stdout of the command are the caller's, except that stdout goes to /dev/null. Ends
// with 1 when a run fails, so that no table holds the time of a failure. Nothing of the kit is linked: its own start must be cheap.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(const posix_spawn_file_actions_t *actions, char **argv, long *kib)
{
	pid_t pid;
	int error = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
	if (error) {
		fprintf(stderr, "stopwatch: '%s': %s\n", argv[0], strerror(error));
		return -1;
	}
	int status;
	struct rusage used;
	while (wait4(pid, &status, 0, &used) < 0)
		if (errno != EINTR)
			return -1;
	if (used.ru_maxrss > *kib)
		*kib = used.ru_maxrss;
	if (status)
		fprintf(stderr, "stopwatch: '%s': wait status %#x\n", argv[0], (unsigned)status);
	return status ? -1 : 0;
}

int main(int argc, char **argv)
{
	int runs = argc > 2 ? atoi(argv[1]) : 0;
	if (runs < 1) {
		fputs("usage: stopwatch N COMMAND [ARGUMENT ...]\n", stderr);
		return 2;
	}
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	long kib = 0;
	double start = now();
	for (int i = 0; i < runs; i++)
		if (run(&actions, argv + 2, &kib) < 0)
			return 1;
	printf("%.6f %ld\n", now() - start, kib);
	return 0;
}
