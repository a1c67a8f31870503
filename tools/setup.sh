#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs what is missing of the packages for a purpose:
#
#     tools/setup.sh build      compile memprof
#     tools/setup.sh demo       build, and run tools/demo.sh
#     tools/setup.sh test       build, and run tools/test.sh
#     tools/setup.sh coverage   build, and run tools/coverage.sh
#     tools/setup.sh bench      build, and run tools/bench/run.py
#     tools/setup.sh chroot     run tools/chroot-test.sh
#     tools/setup.sh aarch64    build, and run tools/check-aarch64.sh
#
# Needs Debian 12 or an Ubuntu with the same package names, and root or sudo if anything is missing.
# Touches no network if nothing is. With -n it only prints what it would install.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

# The package lists: here and nowhere else.
build=(
    build-essential cmake ninja-build pkg-config
    libunwind-dev               # the library: call stacks
    libjansson-dev libzstd-dev uthash-dev # the tool: dumps, compressed dumps, tables
    libdw-dev libelf-dev libiberty-dev # the tool: debug information, names
    scdoc                       # man pages
)
demo=(jq)
check=(
    libcmocka-dev clang python3 python3-jsonschema       # unit tests, checks of dumps
    clang-format clang-tidy cppcheck shellcheck          # lint
    valgrind                                             # counts to agree with
    jq sqlite3 lua5.4 libxml2-utils git perl             # programs to profile
    redis-server redis-tools procps findutils            # the same, and a server
    libjemalloc2 libtcmalloc-minimal4 libmimalloc2.0     # other allocators
    libjemalloc-dev                                      # one to be linked statically
    fakechroot libfaketime                               # others that interpose
    elfutils libdebuginfod1 binutils dwz xz-utils zstd   # debug information of all kinds; dumps
)
coverage=(llvm) # with all that the tests need
bench=(
    python3 valgrind heaptrack libgoogle-perftools4       # the tool that measures; peers
    jq sqlite3 lua5.4 libxml2-utils perl clang            # programs to measure
    redis-server redis-tools                              # the same, and a server
)
chroot=(debootstrap git)
aarch64=(gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user python3 python3-jsonschema)

usage() {
    sed -n '3,14s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

# Prints those of the given packages that are not installed.
missing() {
    local package
    for package in "$@"; do
        # shellcheck disable=SC2016 # dpkg-query's own syntax
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s\n' "$package"
    done
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "not root, and there is no sudo: install these packages yourself, then run this again"
    fi
}

# A package that brings a service must not start it here: only its program is wanted. A policy of
# the machine's own, if there is one, stays in force.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    if [ ! -e "$policy" ]; then
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
}

install_packages() {
    say "fetching the lists of packages"
    quietly as_root apt-get update
    say "installing: $*"
    forbid_services
    quietly as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"
    # Nor may it start at the next boot.
    case " $* " in
    *" redis-server "*) as_root update-rc.d redis-server disable >/dev/null 2>&1 || true ;;
    esac
}

dry_run=false
if [ "${1-}" = -n ]; then
    dry_run=true
    shift
fi
[ $# -eq 1 ] || usage
case $1 in
build) wanted=("${build[@]}") ;;
demo) wanted=("${build[@]}" "${demo[@]}") ;;
test) wanted=("${build[@]}" "${check[@]}") ;;
coverage) wanted=("${build[@]}" "${check[@]}" "${coverage[@]}") ;;
bench) wanted=("${build[@]}" "${bench[@]}") ;;
chroot) wanted=("${chroot[@]}") ;;
aarch64) wanted=("${build[@]}" "${aarch64[@]}") ;;
*) usage ;;
esac

command -v apt-get >/dev/null ||
    die "this is not Debian or Ubuntu: install by hand what stands for: ${wanted[*]}"
mapfile -t absent < <(missing "${wanted[@]}")
if [ ${#absent[@]} -eq 0 ]; then
    say "all ${#wanted[@]} packages for '$1' are installed"
elif $dry_run; then
    printf '%s\n' "${absent[@]}"
else
    install_packages "${absent[@]}"
fi
