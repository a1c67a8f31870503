# SPDX-License-Identifier: MIT
# What makes faults harder to exploit, as far as the compiler has it: for the tools, which read files
# that may come from anywhere, all of it; for the injected library what costs an allocation nothing.
include(CheckCCompilerFlag)
set(CMAKE_REQUIRED_FLAGS -Werror) # clang takes another processor's flags, and warns
check_c_compiler_flag(-fcf-protection=full MEMPROF_HAVE_CF_PROTECTION)
check_c_compiler_flag(-mbranch-protection=standard MEMPROF_HAVE_BRANCH_PROTECTION)
unset(CMAKE_REQUIRED_FLAGS)

# Compiled with more, the sanitizers' runs would show less.
add_library(memprof_hardened INTERFACE)
target_compile_options(memprof_hardened INTERFACE -fPIE)
if(NOT MEMPROF_SANITIZE)
  target_compile_options(memprof_hardened INTERFACE -fstack-protector-strong
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>
    $<$<BOOL:${MEMPROF_HAVE_CF_PROTECTION}>:-fcf-protection=full>
    $<$<BOOL:${MEMPROF_HAVE_BRANCH_PROTECTION}>:-mbranch-protection=standard>)
endif()
target_link_options(memprof_hardened INTERFACE -pie -Wl,-z,relro -Wl,-z,now
  -Wl,-z,noexecstack)

# Functions with arrays of characters are protected: none of these is on the way of an allocation.
# The code is fit for shadow stacks as it is, which takes no instruction; not marked so, it would
# have them turned off for the whole program.
add_library(memprof_hardened_library INTERFACE)
target_compile_options(memprof_hardened_library INTERFACE -fstack-protector
  $<$<BOOL:${MEMPROF_HAVE_CF_PROTECTION}>:-fcf-protection=return>)
target_link_options(memprof_hardened_library INTERFACE -Wl,-z,relro -Wl,-z,now
  -Wl,-z,noexecstack $<$<BOOL:${MEMPROF_HAVE_CF_PROTECTION}>:-Wl,-z,shstk>)
