# A program at a terminal of its own, whose questions a test answers.
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034  # status and screen are for the caller

# on_terminal ANSWERS COMMAND...: runs it. Each line of ANSWERS is typed when a question ($QUESTION, a pattern) stands there; at their
# end the terminal is closed. What was shown is left in $screen, without carriage returns; the status in $status.
QUESTION='*@((yes/no)\? |ssphrase: |assword: )'
on_terminal() {
	local answers=$1 text='' asked=0 quoted
	shift
	printf -v quoted '%q ' "$@"
	screen='' status=0
	# script(1) runs it by $SHELL, and another shell than bash would lose the functions a test exports.
	coproc TERMINAL { SHELL=$BASH exec script -qefc "exec bash -c $(printf %q "$quoted")" /dev/null 2>&1; }
	# Copies: bash closes its own descriptors as soon as the process is gone, with output still unread.
	local pid=$TERMINAL_PID in out
	exec {in}>&"${TERMINAL[1]}" {out}<&"${TERMINAL[0]}"
	while text='' && IFS= read -r -d '' -n 1 text <&"$out"; do
		screen+=$text
		# shellcheck disable=SC2053 # a pattern
		[[ $screen == $QUESTION ]] || continue
		asked=$((asked + 1))
		if ((asked <= $(wc -l <<<"$answers"))) && [[ -n $answers ]]; then
			printf '%s\n' "$(sed -n "${asked}p" <<<"$answers")" >&"$in"
		else
			printf '\004' >&"$in"
		fi
	done
	exec {in}>&- {out}<&-
	wait "$pid" || status=$?
	screen=${screen//$'\r'/}
}
