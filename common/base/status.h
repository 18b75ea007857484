// The exit statuses every program shares; tackle-status(7) explains them to users.
// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum status {
	STATUS_OK = 0,             // done; a check said yes
	STATUS_REFUSED = 1,        // understood, and the answer is no
	STATUS_USAGE = 2,          // the command line is wrong
	STATUS_NOT_FOUND = 3,      // what was named does not exist
	STATUS_NOT_AUTHORISED = 4, // credentials missing or not accepted
	STATUS_TEMPORARY = 5,      // the same call may succeed later
	STATUS_MALFORMED = 6,      // input is empty, truncated or breaks its format
	STATUS_LIMIT = 7,          // a stated limit was reached
	STATUS_SYSTEM = 8,         // the system failed: disk, memory, kernel
	STATUS_TIMEOUT = 124,      // a time given by the user ran out
	STATUS_CANNOT_EXEC = 126,  // the command was found but cannot be executed
	STATUS_NO_COMMAND = 127,   // the command was not found
	STATUS_SIGNAL = 128,       // plus the number of the signal that ended a command
};

#endif
