// proxy - an HTTP proxy with CONNECT, for tests
// SPDX-License-Identifier: Apache-2.0
//
// proxy PORT LOG: listens at 127.0.0.1, goes to the background, and adds a line `METHOD TARGET` to LOG for each request.
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool send_all(int to, const char *data, size_t length)
{
	while (length) {
		ssize_t n = write(to, data, length);
		if (n <= 0)
			return false;
		data += n;
		length -= (size_t)n;
	}
	return true;
}

// Whether something came and went on.
static bool pass_on(int from, int to)
{
	char chunk[65536];
	ssize_t n = read(from, chunk, sizeof chunk);
	return n > 0 && send_all(to, chunk, (size_t)n);
}

static void relay(int client, int server)
{
	struct pollfd ends[] = { { .fd = client, .events = POLLIN }, { .fd = server, .events = POLLIN } };
	while (poll(ends, 2, -1) > 0)
		if ((ends[0].revents && !pass_on(client, server)) || (ends[1].revents && !pass_on(server, client)))
			return;
}

static int dial(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
	if (getaddrinfo(host, port, &hints, &found) != 0)
		return -1;
	int fd = socket(found->ai_family, found->ai_socktype, 0);
	return fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0 ? fd : -1;
}

static void serve(int client, int log)
{
	char request[65536], method[16], target[4096], host[256] = "", port[8] = "80";
	size_t have = 0;
	while (have < sizeof request - 1 && !memmem(request, have, "\r\n\r\n", 4)) {
		ssize_t n = read(client, request + have, sizeof request - 1 - have);
		if (n <= 0)
			return;
		have += (size_t)n;
	}
	request[have] = '\0';
	if (sscanf(request, "%15s %4095s", method, target) != 2)
		return;
	dprintf(log, "%s %s\n", method, target);
	bool tunnel = !strcmp(method, "CONNECT");
	sscanf(target, tunnel ? "%255[^:/]:%7[0-9]" : "http://%255[^:/]:%7[0-9]", host, port);
	int server = dial(host, port);
	if (server < 0)
		dprintf(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	else if (tunnel ? send_all(client, "HTTP/1.1 200 OK\r\n\r\n", 19) : send_all(server, request, have))
		relay(client, server);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[1])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int log = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (log < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 64) < 0)
		return 1;
	signal(SIGCHLD, SIG_IGN);
	if (daemon(1, 1) < 0)
		return 1;
	for (;;) {
		int client = accept(listener, NULL, NULL);
		if (client >= 0 && fork() == 0) {
			serve(client, log);
			_exit(0);
		}
		close(client);
	}
}
