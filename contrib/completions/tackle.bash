# Completion for bash: options come from each program's own --help, so that this file never needs to know them.
# Source it, or install it as /usr/share/bash-completion/completions/tackle with a link per program.
# SPDX-License-Identifier: Apache-2.0

_tackle() {
	local program=$1 word=$2 before=$3 help choices
	COMPREPLY=()
	if [[ $program == tackle && $COMP_CWORD -gt 1 ]]; then
		program=${COMP_WORDS[1]}
	fi
	help=$(command "${program##*/}" --help 2>/dev/null) || return
	# The argument of an option with fixed choices: `--format records|names`.
	choices=$(sed -n "s/^ .*$before \([a-z0-9]*|[a-z0-9|]*\).*/\1/p" <<<"$help")
	if [[ $before == --* && -n $choices ]]; then
		mapfile -t COMPREPLY < <(compgen -W "${choices//|/ }" -- "$word")
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(grep -oE '^ +(-., )?--[a-z0-9-]+' <<<"$help" | grep -oE -- '--[a-z0-9-]+')" -- "$word")
	elif [[ $program == tackle ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(command tackle --format=names 2>/dev/null)" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

mapfile -t _tackle_names < <(command tackle --format=names 2>/dev/null)
complete -o filenames -F _tackle tackle "${_tackle_names[@]}"
unset _tackle_names
