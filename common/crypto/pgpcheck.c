// pgpcheck.h says what these promise. The reading of gpgv's status lines is pgpstatus.c's.
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "base/proc.h"
#include "crypto/pgpcheck.h"

#define PIPE_BYTES     ((size_t)1 << 20)                 // what any user's pipe may hold
#define RING_CHUNKS    (PIPE_BYTES / PGPCHECK_CHUNK + 1) // when one comes round again, a pipe full of others has followed it
#define MEMORY_MAX     ((rlim_t)64 << 20)                // bytes of the verifier's address space, libraries and all ...
#define MEMORY_PER_KEY 32                                // ... and for each byte of a key file what reading it takes
#define VERDICT_MAX    ((size_t)1 << 20)                 // bytes of stdout or stderr that are looked at

int pgpcheck_file(const char *name, const void *data, size_t length, struct err *e)
{
	io_auto int fd = memfd_create(name, MFD_CLOEXEC);
	if (fd < 0 || io_write_all(fd, data, length) < 0)
		return err_system(e, "openpgp: cannot make a memory file");
	return io_steal(fd);
}

// For the verifier, which inherits it: a file that does not fit is read in pieces instead of being mapped as a whole.
static void bound_memory(size_t keys, struct rlimit *old)
{
	getrlimit(RLIMIT_AS, old);
	rlim_t bound = MEMORY_MAX + MEMORY_PER_KEY * keys;
#ifdef __SANITIZE_ADDRESS__ // whose own memory is far beyond any bound
	bound = RLIM_INFINITY;
#endif
	struct rlimit lower = { .rlim_cur = old->rlim_cur < bound ? old->rlim_cur : bound, .rlim_max = old->rlim_max };
	setrlimit(RLIMIT_AS, &lower);
}

// The programs' own configuration, agents and translations stay out.
static pid_t start(const struct pgpcheck *c, int in, int keys, int signatures, struct err *e)
{
	char key_path[64], signature_path[64];
	snprintf(key_path, sizeof key_path, "/proc/self/fd/%d", keys);
	snprintf(signature_path, sizeof signature_path, "/proc/self/fd/%d", signatures);
	const char *const sqv[] = { "sqv", "-v", "--keyring", key_path, "--", signature_path, "/dev/stdin", NULL };
	const char *const gpgv[] = { "gpgv", "--homedir", "/nonexistent", "--status-fd", "1", "--keyring", key_path, "--",
		signature_path, "-", NULL };
	const char *path = getenv("PATH");
	mem_auto char *path_setting = mem_format("PATH=%s", path ? path : "/usr/bin:/bin");
	const char *const environment[] = { path_setting, "HOME=/nonexistent", "LC_ALL=C", "RUST_BACKTRACE=0", NULL };
	const int keep[] = { keys, signatures, -1 };
	struct proc p = { .argv = c->program == PGPCHECK_SQV ? sqv : gpgv,
		.environment = environment,
		.in = in,
		.out = c->verdict,
		.err = c->remarks,
		.keep = keep };
	return proc_start(&p, e);
}

static int start_either(struct pgpcheck *c, enum pgpcheck_program wanted, int in, int keys, int signatures, struct err *e)
{
	for (c->program = PGPCHECK_SQV; c->program <= PGPCHECK_GPGV; c->program++) {
		if (wanted != PGPCHECK_ANY && wanted != c->program)
			continue;
		if ((c->pid = start(c, in, keys, signatures, e)) > 0)
			return 0;
	}
	err_context(e, "openpgp: no verifier");
	e->status = STATUS_SYSTEM;
	return err_hint(e, "install sqv or gpgv");
}

// The pipe to be fed. Returns its reading end, or -1.
static int make_pipe(struct pgpcheck *c, struct err *e)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_system(e, "openpgp: cannot make a pipe");
	fcntl(ends[1], F_SETPIPE_SZ, (int)PIPE_BYTES); // faster, not needed: a smaller one holds less of the ring
	c->data = ends[1];
	return ends[0];
}

static int prepare(struct pgpcheck *c, struct err *e)
{
	c->verdict = pgpcheck_file("verdict", "", 0, e);
	c->remarks = pgpcheck_file("remarks", "", 0, e);
	if (c->verdict < 0 || c->remarks < 0)
		return -1;
	c->ring = mmap(NULL, RING_CHUNKS * PGPCHECK_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return c->ring == MAP_FAILED ? err_system(e, "openpgp: cannot allocate") : 0;
}

int pgpcheck_start(struct pgpcheck *c, enum pgpcheck_program program, const struct buf *keys, const struct buf *signatures,
	int file, struct err *e)
{
	*c = (struct pgpcheck){ .pid = -1, .data = -1, .verdict = -1, .remarks = -1 };
	io_auto int key_file = pgpcheck_file("keys", keys->data, keys->length, e);
	io_auto int signature_file = key_file < 0 ? -1 : pgpcheck_file("signatures", signatures->data, signatures->length, e);
	if (signature_file < 0)
		return -1;
	io_auto int pipe_end = -1;
	struct rlimit old;
	bool ready = prepare(c, e) == 0 && (file >= 0 || (pipe_end = make_pipe(c, e)) >= 0);
	bound_memory(keys->length, &old);
	bool started = ready && start_either(c, program, file >= 0 ? file : pipe_end, key_file, signature_file, e) == 0;
	setrlimit(RLIMIT_AS, &old);
	if (!started)
		pgpcheck_stop(c);
	return started ? 0 : -1;
}

void pgpcheck_stop(struct pgpcheck *c)
{
	int *fds[] = { &c->data, &c->verdict, &c->remarks };
	for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
		io_close_indirect(fds[i]);
		*fds[i] = -1;
	}
	if (c->ring && c->ring != MAP_FAILED)
		munmap(c->ring, RING_CHUNKS * PGPCHECK_CHUNK); // pages that are still in the pipe live on there
	c->ring = NULL;
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		proc_wait(c->pid, &(struct err){ 0 });
	}
	c->pid = -1;
}

char *pgpcheck_buffer(struct pgpcheck *c)
{
	return c->ring + c->turn % RING_CHUNKS * PGPCHECK_CHUNK;
}

int pgpcheck_feed(struct pgpcheck *c, size_t length)
{
	struct iovec rest = { .iov_base = pgpcheck_buffer(c), .iov_len = length };
	c->turn++;
	while (c->data >= 0 && rest.iov_len) {
		ssize_t n = vmsplice(c->data, &rest, 1, 0);
		if (n < 0 && (errno == ENOSYS || errno == EINVAL)) // not every sandbox that runs Linux programs has it
			n = write(c->data, rest.iov_base, rest.iov_len);
		if (n < 0 && errno != EINTR)
			return -1;
		rest.iov_base = (char *)rest.iov_base + (n > 0 ? n : 0);
		rest.iov_len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int read_back(int fd, struct buf *out, struct err *e)
{
	lseek(fd, 0, SEEK_SET);
	return io_read_stream(fd, VERDICT_MAX, "the verifier's answer", out, e);
}

// sqv prints the fingerprints of the certificates whose signatures are good, one a line, and ends with 0.
static int read_fingerprint(const struct buf *verdict, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	const char *line = buf_text(verdict);
	size_t n = strcspn(line, "\n");
	if (n < PGP_FINGERPRINT_MAX) {
		for (size_t i = 0; i < n; i++)
			fingerprint[i] = (char)tolower((unsigned char)line[i]);
		fingerprint[n] = '\0';
		if (pgp_is_fingerprint(fingerprint))
			return 0;
	}
	fingerprint[0] = '\0';
	return err_set(e, STATUS_SYSTEM, "openpgp: cannot read what sqv wrote");
}

// sqv's reason, on one line: all it says but the count at the end.
static int refuse(const struct buf *remarks, struct err *e)
{
	buf_auto reason = { 0 };
	for (const char *line = buf_text(remarks); *line;) {
		size_t n = strcspn(line, "\n");
		size_t blanks = strspn(line, " ");
		bool counts = strstr(line, " signatures are valid") && strstr(line, " signatures are valid") < line + n;
		if (n > blanks && !counts) {
			buf_add_text(&reason, reason.length ? " " : "");
			buf_add(&reason, line + blanks, n - blanks);
		}
		line += n + (line[n] == '\n');
	}
	return err_set(e, STATUS_REFUSED, "openpgp: bad signature: %s", reason.length ? buf_text(&reason) : "sqv gave no reason");
}

int pgpcheck_end(struct pgpcheck *c, char fingerprint[static PGP_FINGERPRINT_MAX], struct err *e)
{
	buf_auto verdict = { 0 };
	buf_auto remarks = { 0 };
	io_close_indirect(&c->data);
	c->data = -1;
	int status = proc_wait(c->pid, e);
	c->pid = -1;
	int failed = status < 0 || read_back(c->verdict, &verdict, e) < 0 || read_back(c->remarks, &remarks, e) < 0;
	pgpcheck_stop(c);
	if (failed)
		return -1;
	if (status >= STATUS_CANNOT_EXEC)
		return err_set(e, STATUS_SYSTEM, "openpgp: the verifier ended with status %d", status);
	if (c->program == PGPCHECK_GPGV)
		return pgpcheck_read_status(buf_text(&verdict), verdict.length, fingerprint, e);
	return status == 0 ? read_fingerprint(&verdict, fingerprint, e) : refuse(&remarks, e);
}
