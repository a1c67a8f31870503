#!/bin/bash
# SPDX-License-Identifier: MIT
# Checks the library for aarch64 on another machine, under qemu-user:
#
#     tools/check-aarch64.sh [BUILD-DIR]      default: build; holds this machine's memprof-report
#
# Cross-compiles the library, its unit tests and the samples against arm64 packages of Debian, which
# are unpacked in a temporary directory (some 100 MB of downloads; nothing of this machine is changed
# but for the packages of `tools/setup.sh aarch64`). Runs the unit tests, then samples with
# MEMPROF_VERIFY=1, whose dumps this machine's memprof-report reads. Then the same with return
# addresses that are signed, on the libraries of a newer Debian, which sign theirs, too. Prints what
# failed, and exits with 1 if anything did. MEMPROF_AARCH64_KEEP=1: leave the directory there.
#
# A unit test may fail there for the want of what its emulator lacks (may_fail, below), and a program that
# knows nothing of the library must have shown that it does (tests/unit/preload/emulator.c): qemu-user
# 7.2 takes MADV_WIPEONFORK and does nothing, so that a child of fork is not noticed; keeps no limits of
# address space; maps nothing twice by mremap, by which a vault grows; has no seccomp; populates nothing by
# madvise; and its smaps are the emulator's. libunwind's plain walk, which stacks are compared with, crashes where a program uses the
# frame pointer for something else. Beyond that, pages are of 4 KiB, and there is no vdso, so that a
# trampoline of signals is met only outside of loaded objects. And no figure of time.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

suite=bookworm newer=trixie # the second with a libunwind that reads tables of signed code
packages=(libc6-dev libstdc++6 libunwind-dev libjansson-dev libcmocka-dev libdw-dev libelf-dev
    uthash-dev libiberty-dev libzstd-dev)
# What the tests need of the machine, by the names that preload_emulator prints.
declare -A may_fail=(
    [a_child_begins_anew]=wipe-on-fork
    [a_child_has_the_stack_with_room]=wipe-on-fork
    [a_child_may_be_left_out]=wipe-on-fork
    [a_child_opens_the_locks_of_others]=wipe-on-fork
    [a_child_that_cannot_leave_the_vault_stops]=wipe-on-fork
    [a_shut_in_child_is_left_out]=wipe-on-fork
    [resize_in_a_child]=wipe-on-fork
    [resize_in_a_child_that_has_begun]=wipe-on-fork
    [the_reserve_is_for_when_there_is_nothing_else]=address-space-limit
    [a_child_has_all_of_it]=address-space-limit
    [a_share_is_of_the_limit_in_force]=address-space-limit
    [without_memory_all_count_as_the_first]=address-space-limit
    [without_memory_there_is_no_copy]=address-space-limit
    [it_grows]=map-twice
    [a_child_writes_elsewhere]=map-twice
    [a_shut_one_spills]=map-twice
    [copies_are_given_up_last_first]=map-twice
    [what_was_mapped_since_is_the_childs_own]=map-twice
    [memory_that_came_later_is_followed]=map-twice
    [calls_are_held_back]=seccomp
    [random_filters]=seccomp
    [areas_are_those_of_maps]=smaps
    [forks_that_were_jumped_out_of]=smaps
    [stacks_are_libunwinds]=plain-walk
    [its_walk_is_the_plain_walk]=plain-walk
    [what_is_filled_is_resident]=populate
    [huge_pages_that_come_slowly_are_the_last]=populate
)

report=$(realpath "${1:-$root/build}")/memprof-report
[ -x "$report" ] || die "'$report': no such program: build it first"
"$root/tools/setup.sh" aarch64
work=$(mktemp -d "${TMPDIR:-/tmp}/memprof-aarch64.XXXXXX")
failures=0

# shellcheck disable=SC2317 # called by the trap
clean_up() {
    if [ "${MEMPROF_AARCH64_KEEP:-0}" = 1 ]; then
        say "all is left in $work"
    else
        rm -rf "$work"
    fi
}
trap clean_up EXIT

failed() {
    printf 'check-aarch64.sh: %s\n' "$*" >&2
    failures=$((failures + 1))
}

# The Debian mirror that this machine's apt uses.
mirror() {
    # shellcheck disable=SC2016 # apt's own syntax
    apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        awk '$2 == "main" && !/security/ { sub("^mirror\\+", "", $1); print $1; exit }'
}

# Unpacks SUITE's packages, and what they depend on, into DIR, with an apt of its own.
unpack() { # SUITE DIR
    local apt=$work/apt-$1 system=$2 link
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$system"
    : >"$apt/status"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
        "$(mirror)" "$1" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures "arm64";
APT::Sandbox::User "";
Dir::State::Lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "-";
END
    say "unpacking arm64 packages of $1"
    apt-get -c "$apt/apt.conf" -qq update
    apt-get -c "$apt/apt.conf" -qq -y --no-install-recommends --download-only \
        install "${packages[@]}" >/dev/null
    for package in "$apt"/cache/archives/*.deb; do
        dpkg -x "$package" "$system"
    done
    # As an installed system: everything below usr, and links that stay inside.
    if [ -d "$system/lib" ]; then
        cp -a "$system/lib/." "$system/usr/lib/"
        rm -r "${system:?}/lib"
    fi
    ln -s usr/lib "$system/lib"
    find "$system" -lname '/*' | while IFS= read -r link; do
        ln -sfnr "$system$(readlink "$link")" "$link"
    done
}

build() { # DIR CMAKE-ARGUMENT..
    local build=$1
    shift
    say "building ${build##*/}"
    cmake -S "$root" -B "$build" -G Ninja -DMEMPROF_DEV=ON -DMEMPROF_SYSROOT="$work/$suite" \
        -DCMAKE_TOOLCHAIN_FILE="$root/tools/aarch64-toolchain.cmake" "$@" >"$work/configure.log" ||
        { cat "$work/configure.log" && false; }
    cmake --build "$build" --target libmemprof.so unit-preload preload_emulator tests/samples/all \
        >"$work/build.log" || { cat "$work/build.log" && false; }
}

# Whether all tests of NAMES, one a line, lack what they need among MISSING.
may_all_fail() { # NAMES MISSING
    local name
    while IFS= read -r name; do
        grep -qxF "${may_fail[$name]-nothing}" <<<"$2" || return 1
    done <<<"$1"
}

unit_tests() { # BUILD MODULE..
    local build=$1 module tests=$1/tests/unit/preload output status names missing
    shift
    missing=$(qemu-aarch64 "$tests/preload_emulator" 2>/dev/null)
    say "not on this machine: ${missing//$'\n'/, }"
    for module in "$@"; do
        status=0
        # Into a file: what a test that failed has left running would keep a pipe open.
        (cd "$tests" && timeout 300 qemu-aarch64 "./unit-preload-$module" >"$work/output" 2>&1) ||
            status=$?
        output=$(<"$work/output")
        # Each failure is told twice: as it happens and at the end.
        names=$(sed -nE 's/^\[  FAILED  \] ([a-z_0-9]+)$/\1/p' <<<"$output" | sort -u)
        if [ "$status" -ne 0 ] && { [ -z "$names" ] || ! may_all_fail "$names" "$missing"; }; then
            printf '%s\n' "$output" >&2
            failed "${build##*/}: unit-preload-$module"
        fi
        printf '%-24s %s\n' "$module" "${names:+but for }${names:-fine}" | paste -sd ' ' -
    done
}

# Runs a sample below the library and has its dump read here. CONDITION: on the dump, as Python.
sample() { # BUILD CONDITION SAMPLE ARGUMENT..
    local build=$1 condition=$2 dump=$work/dump.json
    shift 2
    rm -f "$dump"
    timeout 300 qemu-aarch64 -E LD_PRELOAD="$build/libmemprof.so" -E MEMPROF_OUT="$dump" \
        -E MEMPROF_VERIFY=1 "$build/tests/samples/$1" "${@:2}" >/dev/null ||
        failed "${build##*/}: $*: its exit status is $?"
    if ! /usr/bin/python3 -B "$root/tests/validate_dump.py" "$dump" >&2; then
        failed "${build##*/}: $*: the dump is not sound"
    elif ! "$report" "$dump" >"$work/report" || ! grep -q ', aarch64,' "$work/report"; then
        failed "${build##*/}: $*: the report does not read the dump"
    elif ! /usr/bin/python3 - "$dump" "$condition" "$*" <<'END'; then
import json, sys
dump = json.load(open(sys.argv[1]))
totals, verify = dump["totals"], dump["verify"]
print("%-24s %d stacks compared, %d different, %d truncated" % (
    sys.argv[3], verify["compared"], verify["different"], totals["truncated_stack_count"]))
sys.exit(not eval(sys.argv[2]))
END
        failed "${build##*/}: $*: not: $condition"
    fi
}

exact='verify["compared"] > 500 and verify["different"] == totals["truncated_stack_count"] == 0'
unpack "$suite" "$work/$suite"
unpack "$newer" "$work/$newer"

build "$work/plain"
mapfile -t modules < <(cd "$work/plain/tests/unit/preload" && printf '%s\n' unit-preload-* |
    sed 's/^unit-preload-//')
unit_tests "$work/plain" "${modules[@]}"
for variant in frames frames_pointer "random_alloc 11 2000 8" "cxx_program fail" signals jumps \
    small_blocks; do
    # shellcheck disable=SC2086 # words
    sample "$work/plain" "$exact" $variant
done

# Signed return addresses. libunwind 1.6 cannot read their tables: stacks are cut, and not compared.
build "$work/signed-old" -DCMAKE_C_FLAGS=-mbranch-protection=standard \
    -DCMAKE_CXX_FLAGS=-mbranch-protection=standard
say "expected: all stacks truncated, and different, by the libunwind of $suite"
sample "$work/signed-old" 'totals["truncated_stack_count"] == totals["alloc_count"] > 500' frames
build "$work/signed" -DCMAKE_C_FLAGS=-mbranch-protection=standard \
    -DCMAKE_CXX_FLAGS=-mbranch-protection=standard -DMEMPROF_RUNTIME="$work/$newer"
unit_tests "$work/signed" stack rules recorder threads dump sites
# Not `signals`: that libunwind takes longer for a signal's stack than until the next one comes.
for variant in frames frames_pointer "random_alloc 11 2000 8" "cxx_program fail" jumps; do
    # shellcheck disable=SC2086 # words
    sample "$work/signed" "$exact" $variant
done

[ "$failures" -eq 0 ] || die "$failures failed"
say "all that can be checked here is fine"
