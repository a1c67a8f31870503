# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# bash completion for memprof-report(1).

_memprof_report() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=""
    local verbs="summary lines leaks tree diff baseline check"
    local options="--format --output --self --mmap --bottom-up --value --by --depth --all --frames --sort --columns --limit
        --file --function --unit --color --project-root --source-root --debug-root --debuginfod
        --debuginfod-budget --no-demangle --quiet --help --version
        --max-leak --max-leak-per-stack --max-peak --max-allocs --limits --baseline --tolerance
        --update-baseline --errors-for-leak-kinds --per-iteration --suppressions --gen-suppressions
        --fail-on-unused-suppressions --count-runtime --junit --sarif --markdown --gitlab --tap --github
        --repeated --dry-run"
    local columns="mem-usage increment occurrences peak max-live allocated freed temporary avg-size
        lifetime blocks threads"

    # "--option=value" arrives as three words.
    if [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    elif [[ $cur == = ]]; then
        cur=""
    fi
    COMPREPLY=()
    case $prev in
    --format) words="text json csv markdown" ;;
    --color) words="auto always never" ;;
    --unit) words="B KiB MiB GiB" ;;
    --value) words="peak live blocks allocated count" ;;
    --by) words="stack line function" ;;
    --sort | --columns) words=$columns ;;
    --errors-for-leak-kinds) words="definite indirect possible reachable live all" ;;
    --max-leak | --max-leak-per-stack | --max-peak | --max-allocs | --tolerance | --per-iteration) return ;;
    --limit | --depth | --frames | --function | --debuginfod-budget) return ;;
    --project-root | --source-root | --debug-root)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    --file | --output | -o | --limits | --baseline | --suppressions | --junit | --sarif | --markdown) ;;
    --gitlab | --tap) ;;
    *)
        if [[ $cur == -* ]]; then
            words=$options
        elif [[ $COMP_CWORD -eq 1 ]]; then
            words=$verbs
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    if [[ $cur != -* && ($COMP_CWORD -eq 1 || -z $words) ]]; then
        local -a paths
        mapfile -t paths < <(compgen -f -- "$cur")
        COMPREPLY+=("${paths[@]}")
        compopt -o filenames 2>/dev/null || true # fails where no completion is going on
    fi
}
complete -F _memprof_report memprof-report
