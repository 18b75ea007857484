// interrupt.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/mem.h"

static const int watched[] = { SIGINT, SIGTERM, SIGHUP };
static volatile sig_atomic_t caught;
static struct sigaction before[ARRAY_LENGTH(watched)];

static void note(int number)
{
	caught = number;
}

void interrupt_watch(void)
{
	struct sigaction action = { .sa_handler = note }; // no SA_RESTART: a wait shall end
	for (size_t i = 0; i < ARRAY_LENGTH(watched); i++) {
		sigaction(watched[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(watched[i], &action, NULL);
	}
}

int interrupt_check(struct err *e)
{
	return caught ? err_set(e, STATUS_SIGNAL + (enum status)caught, "interrupted: %s", strsignal(caught)) : 0;
}

void interrupt_end(void)
{
	for (size_t i = 0; i < ARRAY_LENGTH(watched); i++)
		sigaction(watched[i], &before[i], NULL);
	if (caught)
		raise(caught);
}
