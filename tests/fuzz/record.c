// Fuzz target of base/jsonio and base/record: whatever comes in, one verdict comes out, and what was accepted survives being written
// and read again unchanged.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#include "base/jsonio.h"
#include "base/mem.h"
#include "base/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	jsonio_auto json_t *value = jsonio_parse((const char *)data, size, "input", &e);
	if (!value != (e.status != STATUS_OK))
		abort();
	if (!value)
		return;
	mem_auto char *text = jsonio_text(value);
	jsonio_auto json_t *again = jsonio_parse(text, strlen(text), "output", &e);
	if (!again || !json_equal(value, again))
		abort();
}

static void check_records(const uint8_t *data, size_t size)
{
	int fd = memfd_create("records", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	struct record_reader reader = { .fd = fd, .kinds = "image blob" };
	struct err e = { 0 };
	json_t *record;
	while ((record = record_next(&reader, &e)))
		json_decref(record);
	record_reader_free(&reader);
	free(e.upstream);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_value(data, size);
	check_records(data, size);
	return 0;
}
