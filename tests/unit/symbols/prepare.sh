#!/bin/sh
# SPDX-License-Identifier: MIT
# prepare.sh WAY PROGRAM DIRECTORY TEST: takes the debug information of a copy of PROGRAM apart in
# the way that is asked for, then runs TEST (test_variant) on the copy.
set -eu
way=$1 program=$2 directory=$3 test=$4
rm -rf "$directory"
mkdir -p "$directory/bin" "$directory/debug"
copy=$directory/bin/program
case $way in split_* | clang*) # PROGRAM is the directory of the sources here
    cd "$directory/bin"
    for part in sample shared probe nolines; do
        case $way in
        split_*) lines=-gsplit-dwarf ;;
        clang) lines=-gdwarf-5 ;;
        clang4) lines=-gdwarf-4 ;;
        esac
        [ "$way" != split_package ] || lines="$lines -gdwarf-4" # dwp 2.40 crashes on 5
        [ $part != nolines ] || lines=-g0
        # shellcheck disable=SC2086
        "${CC:-cc}" -D_GNU_SOURCE -DASM_FILE="\"$program/assembly.S\"" -g -O2 $lines \
            -c "$program/$part.c" -o $part.o
    done
    "${CC:-cc}" -g -c "$program/assembly.S" -o assembly.o
    "${CC:-cc}" ./*.o -o program ;;
*)
    cp "$program" "$copy" ;;
esac
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
only_debug)
    # as on another machine than the program's: nothing but its debug file, by build-id
    rest=${id#??}
    separate "$directory/debug/.build-id/${id%"$rest"}/$rest.debug"
    "$test" full "$copy" "$directory/debug" "/nowhere/program" "$id" ;;
finding)
    cp "$copy" "$directory/bin/whole"
    objcopy --only-keep-debug "$copy" "$directory/program.debug"
    strip -s "$copy"
    "$test" "$directory" "$id" ;;
clang*)
    "$test" full "$copy" ;;
split_missing)
    rm ./*.dwo
    "$test" outer "$copy" ;;
split_package)
    # not read by every libdw: then as if they were missing
    dwp -e program -o program.dwp
    rm ./*.dwo
    "$test" outer "$copy" || "$test" full "$copy" ;;
split_beside)
    # moved together, so that only the place beside the program is left
    mkdir "$directory/moved"
    mv program ./*.dwo "$directory/moved"
    "$test" full "$directory/moved/program" ;;
dwz)
    # What the two programs have in common moves to a third file.
    cp "$program" "$directory/bin/other"
    (cd "$directory/bin" && dwz -m "$directory/debug/common.debug" program other)
    readelf -S "$copy" | grep -q gnu_debugaltlink
    "$test" full "$copy"
    # found below a debug root when it is not where it was
    mkdir "$directory/moved"
    mv "$directory/debug/common.debug" "$directory/moved"
    "$test" full "$copy" "$directory/moved" ;;
esac
