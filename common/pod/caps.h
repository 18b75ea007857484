// Linux capabilities as appc's isolators name them (ace.md, "Isolators"; rkt:H-006).
// SPDX-License-Identifier: Apache-2.0
#ifndef POD_CAPS_H
#define POD_CAPS_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

#define CAPS_RETAIN_SET "os/linux/capabilities-retain-set"
#define CAPS_REMOVE_SET "os/linux/capabilities-remove-set"

// CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT MKNOD AUDIT_WRITE SETFCAP
#define CAPS_DEFAULT UINT64_C(0xa80425fb)

// The bounding set of an app with these isolators (an array, may be NULL): the default, without a remove-set, or a retain-set in
// its place. STATUS_MALFORMED for both at once and for a name that is no capability.
int caps_of_isolators(const json_t *isolators, uint64_t *set, struct err *e);

// Takes every other capability out of this process for good: bounding set, and inheritable and ambient, which end up empty. To be
// called as user 0 of the namespace; keeps what it needs to change its user afterwards.
int caps_bound(uint64_t set, struct err *e);

// After the user was changed: what is left is permitted and effective for user 0, and nothing for others.
int caps_settle(uint64_t set, struct err *e);

#endif
