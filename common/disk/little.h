// Little-endian numbers at any place in bytes read from a disk.
// SPDX-License-Identifier: Apache-2.0
#ifndef DISK_LITTLE_H
#define DISK_LITTLE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t little16(const unsigned char *at)
{
	uint16_t n;
	memcpy(&n, at, sizeof n);
	return le16toh(n);
}

static inline uint32_t little32(const unsigned char *at)
{
	uint32_t n;
	memcpy(&n, at, sizeof n);
	return le32toh(n);
}

static inline uint64_t little64(const unsigned char *at)
{
	uint64_t n;
	memcpy(&n, at, sizeof n);
	return le64toh(n);
}

#endif
