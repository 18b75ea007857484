// hostile - an HTTP server that misbehaves as the URL says, for tests
// SPDX-License-Identifier: Apache-2.0
//
// hostile PORT DIR LOG: answers http://HOST:PORT/KEY=VALUE,.../FILE with DIR/FILE, and adds a line `FILE OFFSET` to LOG for each body,
// which starts at that offset. The keys:
//   first=N       misbehave in the first N requests for this URL only; then serve well
//   code=N        answer with this status          retry=S     and Retry-After
//   cut=N         close after N bytes of the body  lie=N       Content-Length is N
//   etag=X        the validator, misbehaving       then=X      the validator when serving well; `e` unless told
//   norange=1     ignore Range                     shift=N     answer a range that starts N bytes off
//   slow=MS       a byte every MS milliseconds     endless=1   a body without end
//   headers=N     N bytes of header lines          line=N      one header line of N bytes
//   garbage=1     no HTTP at all
// Good answers honour Range and If-Range.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNTERS = 4096 };

static const char *directory;
static int log_fd;
static unsigned *counters; // requests per URL, shared by all children

static const char *value_of(const char *options, const char *key)
{
	static char value[64];
	size_t n = strlen(key);
	for (const char *at = options; at && *at && *at != '/'; at = strpbrk(at, ",/"), at = at && *at == ',' ? at + 1 : NULL)
		if (!strncmp(at, key, n) && at[n] == '=') {
			snprintf(value, sizeof value, "%.*s", (int)strcspn(at + n + 1, ",/ "), at + n + 1);
			return value;
		}
	return NULL;
}

static long number(const char *options, const char *key, long fallback)
{
	const char *value = value_of(options, key);
	return value ? atol(value) : fallback;
}

static unsigned count(const char *path)
{
	unsigned hash = 5381;
	for (; *path; path++)
		hash = hash * 33 + (unsigned char)*path;
	return __atomic_add_fetch(&counters[hash % COUNTERS], 1, __ATOMIC_RELAXED);
}

static void send_all(int to, const void *data, size_t length)
{
	const char *at = data;
	while (length) {
		ssize_t n = write(to, at, length);
		if (n <= 0)
			exit(0);
		at += n;
		length -= (size_t)n;
	}
}

static void send_filler(int to, long length)
{
	static char filler[65536];
	memset(filler, 'x', sizeof filler);
	for (; length != 0; length -= length > 0 ? (length < 65536 ? length : 65536) : 0)
		send_all(to, filler, length < 0 || length > 65536 ? 65536 : (size_t)length);
}

static void send_headers(const char *options, FILE *head)
{
	for (long left = number(options, "headers", 0); left > 0; left -= 100)
		fprintf(head, "X-%06ld: %090d\r\n", left, 0);
	long line = number(options, "line", 0);
	if (line)
		fprintf(head, "X-Line: %0*d\r\n", (int)line, 0);
}

static void send_body(int to, const char *options, int file, off_t from, off_t size)
{
	char chunk[65536];
	long cut = number(options, "cut", -1), slow = number(options, "slow", 0);
	if (cut >= 0 && size > from + cut)
		size = from + cut;
	while (from < size) {
		size_t want = slow ? 1 : sizeof chunk;
		ssize_t n = pread(file, chunk, want < (size_t)(size - from) ? want : (size_t)(size - from), from);
		if (n <= 0)
			return;
		send_all(to, chunk, (size_t)n);
		from += n;
		usleep((useconds_t)slow * 1000);
	}
}

// The line of the request that starts with this, or NULL.
static const char *request_header(const char *request, const char *name)
{
	const char *at = strcasestr(request, name);
	return at ? at + strlen(name) : NULL;
}

static void serve_file(int to, const char *options, const char *name, const char *etag, const char *request)
{
	char path[8192], quoted[80];
	struct stat st;
	snprintf(path, sizeof path, "%s/%s", directory, name);
	int file = open(path, O_RDONLY);
	if (file < 0 || fstat(file, &st) < 0) {
		dprintf(to, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
		return;
	}
	snprintf(quoted, sizeof quoted, "\"%s\"", etag);
	const char *range = request_header(request, "\r\nRange: bytes="), *guard = request_header(request, "\r\nIf-Range: ");
	bool partial = range && !number(options, "norange", 0) && (!guard || !strncmp(guard, quoted, strlen(quoted)));
	off_t from = partial ? atol(range) : 0;
	FILE *head = fdopen(dup(to), "w");
	off_t told = from + number(options, "shift", 0);
	if (partial)
		fprintf(head, "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %ld-%ld/%ld\r\n", (long)told,
			(long)st.st_size - 1, (long)st.st_size);
	else
		fprintf(head, "HTTP/1.1 200 OK\r\n");
	if (*etag)
		fprintf(head, "ETag: %s\r\n", quoted);
	send_headers(options, head);
	fprintf(head, "Content-Length: %ld\r\nConnection: close\r\n\r\n", number(options, "lie", (long)(st.st_size - from)));
	fclose(head);
	dprintf(log_fd, "%s %ld\n", name, (long)from);
	send_body(to, options, file, from, st.st_size);
}

static void answer(int to)
{
	char request[65536], path[4096], validator[64];
	size_t have = 0;
	while (have < sizeof request - 1 && !memmem(request, have, "\r\n\r\n", 4)) {
		ssize_t n = read(to, request + have, sizeof request - 1 - have);
		if (n <= 0)
			return;
		have += (size_t)n;
	}
	request[have] = '\0';
	if (sscanf(request, "GET /%4095s", path) != 1)
		return;
	const char *slash = strchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	bool bad = count(path) <= (unsigned)number(path, "first", 1 << 30);
	const char *etag = value_of(path, bad ? "etag" : "then");
	snprintf(validator, sizeof validator, "%s", etag ? etag : "e");
	long code = bad ? number(path, "code", 0) : 0;
	if (bad && number(path, "garbage", 0)) {
		dprintf(to, "SSH-2.0-hello\r\n");
	} else if (code) {
		dprintf(to, "HTTP/1.1 %ld Code\r\nRetry-After: %ld\r\nConnection: close\r\n%s\r\n", code,
			number(path, "retry", 0), number(path, "endless", 0) ? "" : "Content-Length: 0\r\n");
		if (number(path, "endless", 0))
			send_filler(to, -1);
	} else if (bad && number(path, "endless", 0)) {
		dprintf(to, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
		send_filler(to, -1);
	} else {
		serve_file(to, bad ? path : "", name, validator, request);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	directory = argv[2];
	log_fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	counters = mmap(NULL, COUNTERS * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	signal(SIGCHLD, SIG_IGN);
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])) };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 64) < 0)
		return 1;
	if (daemon(1, 1) < 0)
		return 1;
	for (;;) {
		int peer = accept(listener, NULL, NULL);
		if (peer < 0)
			continue;
		if (fork() == 0) {
			answer(peer);
			shutdown(peer, SHUT_WR);
			_exit(0);
		}
		close(peer);
	}
}
