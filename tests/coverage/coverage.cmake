# SPDX-License-Identifier: MIT
# Line coverage, with clang: every program and library leaves what it counted below coverage/ of the
# build directory, whatever way it ends. tools/coverage.sh runs the tests and prints the figures.

# memprof_count_lines(<library>..): what is to be injected, and so cannot count as programs do.
function(memprof_count_lines)
  if(NOT MEMPROF_COVERAGE)
    return()
  endif()
  foreach(library ${ARGN})
    set(counters ${PROJECT_SOURCE_DIR}/tests/coverage/counters.c)
    target_sources(${library} PRIVATE ${counters})
    set_source_files_properties(${counters} TARGET_DIRECTORY ${library} PROPERTIES COMPILE_OPTIONS
      "-fno-profile-instr-generate;-fno-coverage-mapping;-Wno-reserved-identifier")
    target_compile_definitions(${library} PRIVATE
      COVERAGE_FILE="${PROJECT_BINARY_DIR}/coverage/${library}.profraw")
    target_link_options(${library} PRIVATE -fprofile-instr-generate)
  endforeach()
endfunction()

# What is counted, in the library and elsewhere.
add_library(memprof_counted INTERFACE)
if(MEMPROF_COVERAGE)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "MEMPROF_COVERAGE needs clang: configure with -DCMAKE_C_COMPILER=clang")
  endif()
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/coverage)
  # %c: counters in a file that is mapped, so that no end is too sudden. %m: one for each program.
  target_compile_definitions(memprof_counted INTERFACE MEMPROF_COUNTED)
  target_compile_options(memprof_counted INTERFACE
    -fprofile-instr-generate=${PROJECT_BINARY_DIR}/coverage/%c%m.profraw
    -fcoverage-mapping "SHELL:-mllvm -runtime-counter-relocation")
  target_link_libraries(memprof_sanitize INTERFACE memprof_counted)
  target_link_options(memprof_sanitize INTERFACE -fprofile-instr-generate)
endif()
