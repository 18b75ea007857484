# Launch tokens taken apart without any program of ours.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

part() { # part N: the decoded Nth part of the token on stdin
	local text
	text=$(cut -d. -f"$1")
	while ((${#text} % 4)); do text+='='; done
	basenc --base64url -d <<<"$text"
}
