// Fuzz target of base/date and base/utf8: a time that parses is printed so that it parses to the same second.
// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/date.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// From year 0 to 9999: beyond, date_format clamps.
static bool is_printable(int64_t seconds)
{
	return seconds >= -62167219200 && seconds <= 253402300799;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mem_auto char *text = mem_text_n((const char *)data, size);
	int64_t seconds, again, milliseconds;
	char printed[DATE_TEXT_MAX];
	if (date_parse(text, &seconds) && is_printable(seconds) &&
		(!date_parse(date_format(seconds, printed), &again) || again != seconds))
		abort();
	if (date_parse_duration(text, &milliseconds) && milliseconds < 0)
		abort();
	buf_auto shown = { 0 };
	msg_escape(&shown, text, size);
	if (!utf8_valid(buf_text(&shown), shown.length))
		abort();
	return 0;
}
