# SPDX-License-Identifier: MIT
#
# Read by ctest, before the tests of a project that called memprof_wrap_tests: puts `memprof check`
# in front of their commands. Needs memprof_check, memprof_program, memprof_below, memprof_match and
# memprof_exclude, as that function writes them.
if(COMMAND _add_test)
  return() # once is enough
endif()

# TRUE in WANTED if the test is one of those to wrap.
function(memprof_wants wanted name program)
  set(${wanted} TRUE PARENT_SCOPE)
  string(FIND "${program}" "${memprof_below}" at)
  if(NOT at EQUAL 0 OR program STREQUAL memprof_program OR
      (memprof_match AND NOT name MATCHES "${memprof_match}") OR
      (memprof_exclude AND name MATCHES "${memprof_exclude}"))
    set(${wanted} FALSE PARENT_SCOPE)
  endif()
endfunction()

function(add_test name program)
  memprof_wants(wanted "${name}" "${program}")
  set(code "_add_test([==[${name}]==]")
  if(wanted)
    foreach(word IN LISTS memprof_check)
      string(APPEND code " [==[${word}]==]")
    endforeach()
  endif()
  # As they are: empty ones, and such with semicolons.
  math(EXPR last "${ARGC} - 1")
  foreach(i RANGE 1 ${last})
    string(APPEND code " [==[${ARGV${i}}]==]")
  endforeach()
  cmake_language(EVAL CODE "${code})")
endfunction()
