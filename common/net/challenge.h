// WWW-Authenticate (RFC 9110, section 11.6.1): which ways in a server offers.
// SPDX-License-Identifier: Apache-2.0
#ifndef NET_CHALLENGE_H
#define NET_CHALLENGE_H

#include <stdbool.h>

#include "base/err.h"

struct challenge {
	bool basic;  // offered
	bool bearer; // offered; the first one counts
	char *realm, *service, *scope,
		*error; // of Bearer (RFC 6750 and the distribution project's token specification); malloced or NULL
};

// Adds what one header line offers; a line may have several challenges, other schemes are passed over. STATUS_MALFORMED when it breaks
// the grammar or says a parameter twice.
int challenge_add(struct challenge *c, const char *line, struct err *e);
void challenge_free(struct challenge *c);

#endif
