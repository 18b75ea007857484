// AES-256-XTS over sectors as dm-crypt's aes-xts-plain64 does it (IEEE 1619): the tweak of a sector is the 64-bit count of 512-byte
// units from the start of the data, little-endian, whatever the size of a sector (brkt:E5).
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_XTS_H
#define DISK_XTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { XTS_KEY = 64 }; // bytes: one half encrypts, the other makes the tweaks

struct xts; // one direction with one key; used by one thread at a time

// NULL when OpenSSL cannot, or refuses the key because its halves are equal (STATUS_REFUSED). The key is copied.
struct xts *xts_open(const unsigned char key[static XTS_KEY], bool encrypt, size_t sector, struct err *e);
void xts_close(struct xts *x); // wipes its copy of the key; NULL is fine

// In place; length is a multiple of the sector, `at` is where data lies, in bytes from the start, a multiple of it, too.
int xts_run(struct xts *x, unsigned char *data, size_t length, int64_t at, struct err *e);

#endif
