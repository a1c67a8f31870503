# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash completion for memprof(1).

_memprof() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=""
    local verbs="run check"
    local options="--out --sample --max-overhead --max-depth --follow --interval --signal --dump-at
        --leak-check --mmap --scopes --verify --verbose --repeat --only --skip --keep-dumps --quiet --help --version"
    local i

    # After the verb and its options it is the command's turn.
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --mmap | --verify | --quiet | -q | --help | --version | --*=*) ;;
        =) ((i++)) ;;
        --)
            ((i++))
            break
            ;;
        -*) ((i++)) ;;
        *) break ;;
        esac
    done
    if [[ $COMP_CWORD -gt 1 && ($i -lt $COMP_CWORD || ($i -eq $COMP_CWORD && $prev == --)) ]] &&
        declare -F _command_offset >/dev/null; then
        _command_offset "$i"
        return
    fi

    # "--option=value" arrives as three words.
    if [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    elif [[ $cur == = ]]; then
        cur=""
    fi
    COMPREPLY=()
    case $prev in
    --follow) words="all fork exec none" ;;
    --leak-check) words="none live" ;;
    --verbose) words="0 1 2" ;;
    --sample) words="0 64k 512k 1m" ;;
    --signal)
        mapfile -t COMPREPLY < <(compgen -A signal -- "$cur")
        return
        ;;
    --max-overhead | --max-depth | --interval | --dump-at | --scopes | --repeat | --only | --skip) return ;;
    --keep-dumps)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --out | -o)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    *)
        if [[ $cur == -* ]]; then
            words=$options
        elif [[ $COMP_CWORD -eq 1 ]]; then
            words=$verbs
        else
            mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
            return
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _memprof memprof
