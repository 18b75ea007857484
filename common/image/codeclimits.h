// The limits of decompression as the user sets them: --max-size, --max-ratio and --max-window of every program that reads archives.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGE_CODECLIMITS_H
#define IMAGE_CODECLIMITS_H

#include "base/cmd.h"
#include "image/codec.h"

extern const struct cmd_option codeclimits_options[]; // as CMD_GROUP

extern struct codec_limits codeclimits_asked; // codec_default_limits and what the options changed

#endif
