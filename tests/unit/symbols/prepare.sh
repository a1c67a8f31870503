#!/bin/sh
# SPDX-License-Identifier: MIT
# prepare.sh WAY PROGRAM DIRECTORY TEST: takes the debug information of a copy of PROGRAM apart in
# the way that is asked for, then runs TEST (test_variant) on the copy.
set -eu
way=$1 program=$2 directory=$3 test=$4
rm -rf "$directory"
mkdir -p "$directory/bin" "$directory/debug"
copy=$directory/bin/program
cp "$program" "$copy"
id=$(readelf -n "$copy" | sed -n 's/.*Build ID: //p')
separate() { # where the debug information goes
    mkdir -p "$(dirname "$1")"
    objcopy --only-keep-debug "$copy" "$1"
    strip -s "$copy"
}
case $way in
debuglink)
    separate "$directory/bin/program.debug"
    (cd "$directory/bin" && objcopy --add-gnu-debuglink=program.debug program)
    "$test" full "$copy" ;;
debuglink_hidden)
    # without a build-id, so that the CRC decides
    objcopy --remove-section=.note.gnu.build-id "$copy"
    separate "$directory/bin/.debug/program.debug"
    objcopy --add-gnu-debuglink="$directory/bin/.debug/program.debug" "$copy"
    "$test" full "$copy" ;;
build_id)
    rest=${id#??}
    separate "$directory/debug/.build-id/${id%"$rest"}/$rest.debug"
    "$test" full "$copy" "$directory/debug" ;;
root)
    separate "$directory/debug/usr/lib/debug/$directory/bin/program.debug"
    objcopy --add-gnu-debuglink="$directory/debug/usr/lib/debug/$directory/bin/program.debug" "$copy"
    "$test" full "$copy" "$directory/debug" ;;
symbols)
    strip --strip-debug "$copy"
    "$test" symbols "$copy" ;;
nothing)
    strip -s "$copy"
    "$test" nothing "$copy" ;;
minidebug)
    nm "$copy" --format=posix --defined-only | awk '$2 ~ /[TtW]/ { print $1 }' >"$directory/keep"
    objcopy -S --remove-section=.gdb_index --remove-section=.comment \
        --keep-symbols="$directory/keep" "$copy" "$directory/mini"
    strip -s "$copy"
    xz -f "$directory/mini"
    objcopy --add-section=.gnu_debugdata="$directory/mini.xz" "$copy"
    "$test" symbols "$copy" ;;
dwz)
    # What the two programs have in common moves to a third file.
    cp "$program" "$directory/bin/other"
    (cd "$directory/bin" && dwz -m "$directory/debug/common.debug" program other)
    readelf -S "$copy" | grep -q gnu_debugaltlink
    "$test" full "$copy" ;;
esac
