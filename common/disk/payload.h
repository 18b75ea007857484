// The data of a disk on their way through AES-XTS. Each piece is carried by one thread through three gates: it is read, encrypted or
// decrypted, and written, in order. So reading, the cipher and writing overlap, a piece stays in one processor's cache, and the output
// does not depend on the number of threads. Memory: PAYLOAD_PIECE for each of jobs + 2 threads.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_PAYLOAD_H
#define DISK_PAYLOAD_H

#include "base/err.h"
#include "disk/freemap.h"
#include "disk/xts.h"

enum { PAYLOAD_PIECE = 512 << 10, PAYLOAD_JOBS_MAX = 64 }; // bytes; threads

struct payload {
	int in, out; // neither is ever moved: a pipe will do. Of a regular file the holes are not read
	const unsigned char *key;
	bool encrypt;
	size_t sector;
	int64_t in_bytes; // that must come, no more and no fewer; a last part of a sector is filled with zeros. -1: up to the end
	int64_t out_bytes;          // that go out of them
	const struct freemap *skip; // parts that are not read, and come out as zeros that nobody encrypted; NULL for none
	int jobs;                   // pieces that may be in the cipher at once
	const char *subject;        // what `in` is called in messages
	// Called once, when all input has come and is as long as announced, before the last piece goes out: until then nobody can take the
	// output for whole. May be NULL. Not called when in_bytes is -1.
	int (*arrived)(void *context, struct err *e);
	// After each piece written, and with 0 each second without one; one call at a time. May be NULL.
	void (*moved)(void *context, int64_t bytes);
	void *context;
};

// Starts the threads behind the caller's sandbox. Input of another length is STATUS_MALFORMED. After a failure threads may still run:
// end the process.
int payload_run(const struct payload *p, struct err *e);

// How many bytes a regular file or block device holds from here to its end, or -1 when that cannot be told.
int64_t payload_left(int fd);

int payload_default_jobs(void); // the processors this process may use, at most PAYLOAD_JOBS_MAX

#endif
