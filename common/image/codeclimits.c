// codeclimits.h says what these promise.
// SPDX-License-Identifier: Apache-2.0
#include "image/codeclimits.h"

struct codec_limits codeclimits_asked = CODEC_DEFAULT_LIMITS;

const struct cmd_option codeclimits_options[] = {
	CMD_SIZE(0, "max-size", &codeclimits_asked.output, "of an uncompressed archive; 1T unless told"),
	CMD_NUMBER(0, "max-ratio", "N", &codeclimits_asked.ratio, 1, INT64_MAX,
		"of uncompressed to compressed bytes; 1000 unless told"),
	CMD_SIZE(0, "max-window", &codeclimits_asked.memory, "memory for decompression; 64M unless told"),
	CMD_END,
};
