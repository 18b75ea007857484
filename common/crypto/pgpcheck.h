// The verdict on a detached OpenPGP signature, by another program: sqv, else gpgv. It gets keys and
// signatures as bytes that were read once, and the signed data through a pipe, so that what the caller hashes
// and what is judged are the same bytes. No home directory, no agent, no socket.
// SPDX-License-Identifier: Apache-2.0
#ifndef CRYPTO_PGPCHECK_H
#define CRYPTO_PGPCHECK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "crypto/pgp.h"

enum pgpcheck_program { PGPCHECK_ANY, PGPCHECK_SQV, PGPCHECK_GPGV };

#define PGPCHECK_CHUNK ((size_t)256 << 10) // bytes that are handed over at once

struct pgpcheck { // one running verifier
	enum pgpcheck_program program;
	pid_t pid;
	int data;             // the pipe that becomes its stdin; -1 with a file
	int verdict, remarks; // files that its stdout and stderr go to
	char *ring;           // the buffers of pgpcheck_buffer
	size_t turn;          // which of them comes next
};

// Starts it with these keys and signatures, both in binary form. PGPCHECK_ANY takes sqv where it is installed. `file` is the signed data
// where it is a file that cannot change meanwhile, read by the verifier from its start without being copied; else -1, and the data is fed.
// STATUS_SYSTEM when there is no verifier. The caller ignores SIGPIPE while it feeds.
int pgpcheck_start(struct pgpcheck *c, enum pgpcheck_program program, const struct buf *keys, const struct buf *signatures,
	int file, struct err *e);

// The next buffer to fill, PGPCHECK_CHUNK bytes; it stays as it is until as many have been handed out as the pipe may hold.
char *pgpcheck_buffer(struct pgpcheck *c);

// Hands over the first bytes of the buffer last given: its pages go into the pipe, nothing is copied, so the caller may still read but
// not change them. Every buffer but the last must be full. With a file it does
// nothing. Returns 0, or -1 with errno; EPIPE: it has made up its mind.
int pgpcheck_feed(struct pgpcheck *c, size_t length);

// Ends the data, waits, and puts the fingerprint of the primary key whose signature is good into
// `fingerprint`. Of several one good one suffices. Returns 0, or -1 with STATUS_REFUSED and the verifier's
// reason.
int pgpcheck_end(struct pgpcheck *c, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e);
void pgpcheck_stop(struct pgpcheck *c); // gives up; harmless after pgpcheck_end

// Reads what `gpgv --status-fd` wrote: GnuPG, doc/DETAILS, "Format of the --status-fd output". As
// pgpcheck_end.
int pgpcheck_read_status(const char *text, size_t length, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e);

// A memory file with these bytes, to be opened by another program as /proc/self/fd/N. Returns a descriptor or
// -1.
int pgpcheck_file(const char *name, const void *data, size_t length, struct err *e);

#endif
