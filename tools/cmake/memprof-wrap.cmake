# SPDX-License-Identifier: MIT
#
# Read by ctest, before the tests of a project that called memprof_wrap_tests: puts `memprof check`
# in front of their commands. Needs memprof_check, memprof_program, memprof_below, memprof_match,
# memprof_exclude and memprof_failed, as that function writes them.
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
    set_property(GLOBAL PROPERTY "memprof wraps ${name}" TRUE)
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

# ctest takes no notice of a command's status where it has a PASS_REGULAR_EXPRESSION: there the gate's
# last line tells that the test failed.
function(set_tests_properties name)
  get_property(wrapped GLOBAL PROPERTY "memprof wraps ${name}")
  set(passes FALSE)
  set(code "_set_tests_properties([==[${name}]==]")
  math(EXPR last "${ARGC} - 1")
  foreach(i RANGE 1 ${last})
    string(APPEND code " [==[${ARGV${i}}]==]")
    if("=${ARGV${i}}" STREQUAL "=PASS_REGULAR_EXPRESSION")
      set(passes TRUE)
    endif()
  endforeach()
  if(wrapped AND passes)
    string(APPEND code " FAIL_REGULAR_EXPRESSION [==[${memprof_failed}]==]")
  endif()
  cmake_language(EVAL CODE "${code})")
endfunction()
