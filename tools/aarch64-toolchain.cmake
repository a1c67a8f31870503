# SPDX-License-Identifier: MIT
# Compiles for aarch64 with Debian's cross compilers, against the Debian packages that are unpacked
# below the directory MEMPROF_SYSROOT. What is linked runs under qemu-user, with the libraries below
# MEMPROF_RUNTIME (default: the same). See check-aarch64.sh.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MEMPROF_SYSROOT MEMPROF_RUNTIME)
if(NOT MEMPROF_RUNTIME)
  set(MEMPROF_RUNTIME ${MEMPROF_SYSROOT})
endif()
set(triplet aarch64-linux-gnu)
set(CMAKE_C_COMPILER ${triplet}-gcc)
set(CMAKE_CXX_COMPILER ${triplet}-g++)
set(CMAKE_LIBRARY_ARCHITECTURE ${triplet})
set(CMAKE_SYSROOT ${MEMPROF_SYSROOT})

# Programs are this machine's; everything else the sysroot's.
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${MEMPROF_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
  ${MEMPROF_SYSROOT}/usr/lib/${triplet}/pkgconfig:${MEMPROF_SYSROOT}/usr/share/pkgconfig)

# Programs find their libraries under the names that these have here, so that what a program tells of
# itself is right on this machine, too.
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--dynamic-linker=${MEMPROF_RUNTIME}/lib/ld-linux-aarch64.so.1 \
-Wl,--disable-new-dtags \
-Wl,-rpath,${MEMPROF_RUNTIME}/lib/${triplet}:${MEMPROF_RUNTIME}/usr/lib/${triplet}")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64)
