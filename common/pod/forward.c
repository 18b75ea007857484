// forward.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "pod/forward.h"

enum {
	GRACE = 10, // seconds between SIGTERM and SIGKILL
	STUCK = 1,  // after SIGKILL, when our own output blocks
};

static volatile sig_atomic_t told; // the signal
static volatile sig_atomic_t killed;
static volatile pid_t watched;

// All is done in the handlers, so that it works while a write to our output blocks.
static void on_signal(int signal)
{
	if (!told) {
		told = signal;
		kill(watched, SIGTERM);
		alarm(GRACE);
	}
}

static void on_alarm(int signal)
{
	(void)signal;
	if (killed)
		_exit(STATUS_SIGNAL + told);
	killed = 1;
	kill(watched, SIGKILL);
	alarm(STUCK);
}

void forward_signals(pid_t to)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;
	watched = to;
	sigaddset(&action.sa_mask, SIGALRM);
	for (size_t i = 0; i < ARRAY_LENGTH(signals); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN) // nohup stays nohup
			sigaction(signals[i], &action, NULL);
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm }, NULL);
}

int forward_told(void)
{
	return told;
}

void forward_finish(void)
{
	alarm(0);
}
