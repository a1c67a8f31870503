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

# Where ctest would not take a failure of the gate for one. With a PASS_REGULAR_EXPRESSION it takes no
# notice of a command's status: there the gate's last line tells. The status of a test that WILL_FAIL,
# or with a SKIP_RETURN_CODE, tells if `memprof check` knows of that (memprof(1)). What is given
# twice ctest adds up.
function(set_tests_properties name)
  get_property(wrapped GLOBAL PROPERTY "memprof wraps ${name}")
  set(code "_set_tests_properties([==[${name}]==]")
  math(EXPR last "${ARGC} - 1")
  foreach(i RANGE 1 ${last})
    string(APPEND code " [==[${ARGV${i}}]==]")
  endforeach()
  # Behind the names, of which there may be several.
  set(i 1)
  while(i LESS last AND NOT "=${ARGV${i}}" STREQUAL "=PROPERTIES")
    math(EXPR i "${i} + 1")
  endwhile()
  math(EXPR i "${i} + 1")
  while(i LESS last)
    math(EXPR next "${i} + 1")
    set("given_${ARGV${i}}" "${ARGV${next}}")
    math(EXPR i "${i} + 2")
  endwhile()
  set(judged FAIL_REGULAR_EXPRESSION)
  if(wrapped AND given_WILL_FAIL)
    set(judged PASS_REGULAR_EXPRESSION) # by which it fails
    string(APPEND code " ENVIRONMENT MEMPROF_CHECK_WILL_FAIL=1")
  endif()
  if(wrapped AND DEFINED given_SKIP_RETURN_CODE)
    string(APPEND code " ENVIRONMENT [==[MEMPROF_CHECK_SKIP_STATUS=${given_SKIP_RETURN_CODE}]==]")
  endif()
  if(wrapped AND DEFINED given_PASS_REGULAR_EXPRESSION)
    string(APPEND code " ${judged} [==[${memprof_failed}]==]")
  endif()
  cmake_language(EVAL CODE "${code})")
endfunction()
