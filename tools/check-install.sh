#!/bin/bash
# SPDX-License-Identifier: MIT
# Installs a build below a directory of its own and uses what is there as somebody else would:
#
#     tools/check-install.sh BUILD-DIR LIBDIR        LIBDIR as CMake calls it, such as lib/x86_64-linux-gnu
#
# Exits with 1 at the first thing that is missing or does not work.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname "$0")/common.sh"

[ $# -eq 2 ] || die "usage: tools/check-install.sh BUILD-DIR LIBDIR"
build_dir=$1
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT

cmake --install "$build_dir" --prefix "$prefix" >/dev/null
for file in "$2/libmemprof.so" bin/memprof bin/memprof-report include/memprof/memprof.h \
    include/memprof/dump.schema.json "$2/pkgconfig/memprof.pc" share/man/man1/memprof-report.1 share/man/man1/memprof.1 \
    share/man/man5/memprof-gate.5 share/man/man7/libmemprof.7 share/bash-completion/completions/memprof-report \
    share/bash-completion/completions/memprof "$2/cmake/memprof/memprof-config-version.cmake"; do
    [ -s "$prefix/$file" ] || die "'$file': was not installed"
done

# The client API: nothing to link against, and dumps when the library is there.
cat >"$prefix/client.c" <<'EOF'
#include <memprof/memprof.h>
#include <stdlib.h>
int main(void)
{
    void *block = malloc(1000);
    int status = memprof_dump(NULL);
    free(block);
    return status;
}
EOF
export PKG_CONFIG_PATH=$prefix/$2/pkgconfig
flags=$(pkg-config --define-variable=prefix="$prefix" \
    --define-variable=includedir="$prefix/include" --cflags memprof)
# shellcheck disable=SC2086 # flags are words
cc -g $flags "$prefix/client.c" -o "$prefix/client"
"$prefix/client" && die "memprof_dump() returned 0 without the library"

# The bare name is enough where the loader looks, and the installed report reads what it wrote.
LD_LIBRARY_PATH=$prefix/$2 LD_PRELOAD=libmemprof.so MEMPROF_OUT=$prefix/%n.json "$prefix/client"
dumps=("$prefix"/*.json)
[ ${#dumps[@]} -eq 2 ] || die "expected a dump by memprof_dump() and one at exit: ${dumps[*]}"
"$prefix/bin/memprof-report" lines "${dumps[0]}" >"$prefix/lines"
grep -q 'malloc(1000)' "$prefix/lines" || die "the report does not show the line that allocated"

# So does the installed launcher, with nothing said about where the library is, also by a link.
ln -s "$prefix/bin/memprof" "$prefix/link"
"$prefix/link" run -o "$prefix/launched.json" "$prefix/client"
[ -s "$prefix/launched.json" ] || die "the installed launcher did not find the library"

# Another project finds the package, and its test is run by the launcher.
mkdir "$prefix/project"
cat >"$prefix/project/CMakeLists.txt" <<'EOF'
cmake_minimum_required(VERSION 3.20)
project(client C)
find_package(memprof 0.1 REQUIRED)
add_executable(client ../client.c)
target_link_libraries(client PRIVATE memprof::client)
enable_testing()
memprof_add_test(NAME client COMMAND client MAX_LEAK 0)
EOF
cmake -S "$prefix/project" -B "$prefix/project/build" "-DCMAKE_PREFIX_PATH=$prefix" >/dev/null
cmake --build "$prefix/project/build" >/dev/null
ctest --test-dir "$prefix/project/build" -V >"$prefix/project/log" ||
    die "the installed CMake package: $(tail -n 20 "$prefix/project/log")"
grep -q 'passed: client' "$prefix/project/log" || die "the test was not run by memprof check"
