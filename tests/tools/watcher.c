// watcher - reads the command line and the environment of every process there is, over and over, until SIGTERM, for the texts on its
// standard input, one a line. Then it says `N rounds` and, for each process that had one, `hit PID FILE TEXT`.
// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXTS = 16, LINE = 4096, BYTES = 1 << 20 };

static volatile sig_atomic_t stopped;
static char texts[TEXTS][LINE], bytes[BYTES];

static void stop(int signal_number)
{
	stopped = signal_number;
}

static void look(const char *pid, const char *file, int count)
{
	char path[300];
	snprintf(path, sizeof path, "/proc/%s/%s", pid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
	if (fd >= 0)
		close(fd);
	for (int i = 0; n > 0 && i < count; i++)
		if (memmem(bytes, (size_t)n, texts[i], strlen(texts[i])))
			printf("hit %s %s %s\n", pid, file, texts[i]);
}

int main(void)
{
	int count = 0;
	unsigned rounds = 0;
	while (count < TEXTS && fgets(texts[count], LINE, stdin)) {
		texts[count][strcspn(texts[count], "\n")] = '\0';
		count += texts[count][0] != '\0';
	}
	signal(SIGTERM, stop);
	for (; !stopped; rounds++) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;
		while ((entry = readdir(proc)))
			if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && atoi(entry->d_name) != getpid()) {
				look(entry->d_name, "cmdline", count);
				look(entry->d_name, "environ", count);
			}
		closedir(proc);
		usleep(1000); // the shortest process here lives for some milliseconds
	}
	printf("%u rounds\n", rounds);
	return fflush(stdout) ? 1 : 0;
}
