# SPDX-License-Identifier: MIT
#
# Leak tests for ctest. Needs memprof_EXECUTABLE, as find_package(memprof) sets it.
#
#     memprof_add_test(NAME <name> COMMAND <program> [<argument>..] [<limit>..])
#
# is add_test, with the program run by `memprof check`: the test fails as it would by itself, and
# else if a limit is passed. The program may be an executable target that exists already.
#
#     memprof_wrap_tests([ALL] [MATCH <regex>] [EXCLUDE <regex>] [<limit>..])
#
# does this to the tests that the project has anyway, wherever they are added: to those whose
# programs are built by the project, or with ALL to every one. MATCH and EXCLUDE are about the names
# of tests. To be called in the top directory; only what ctest does changes, not the build.
#
# Limits are options of `memprof check` (memprof(1), memprof-report(1)):
#     MAX_LEAK <size>  MAX_LEAK_PER_STACK <size>  MAX_PEAK <size>  MAX_ALLOCS <n>  TOLERANCE <pct>
#     REPEAT <n>  ONLY <globs>  SKIP <globs>  KEEP_DUMPS <dir>  BASELINE <file>
#     SUPPRESSIONS <file>..  LIMITS <file>..  OPTIONS <option>..
# Relative files are those of the source directory. Without a limit nothing may leak.
#
# Properties of tests mean what they do without, of the program: one that WILL_FAIL passes if its program
# fails and the gate does not; a SKIP_RETURN_CODE is the program's, never the gate's; a
# PASS_REGULAR_EXPRESSION is looked for, and the test fails if the gate does.

set(_memprof_one MAX_LEAK MAX_LEAK_PER_STACK MAX_PEAK MAX_ALLOCS TOLERANCE REPEAT ONLY SKIP
  KEEP_DUMPS BASELINE)
set(_memprof_many SUPPRESSIONS LIMITS OPTIONS)

# The last line of the gate's report, if it failed.
set(_memprof_failed ", [1-9][0-9]* of [0-9]+ checks failed")

# The command of `memprof check` for the parsed arguments ARG_*, up to the program, in VARIABLE.
macro(_memprof_command variable)
  set(${variable} "${memprof_EXECUTABLE}" check)
  foreach(_memprof_name ${_memprof_one})
    if(DEFINED ARG_${_memprof_name})
      set(_memprof_value "${ARG_${_memprof_name}}")
      if(_memprof_name STREQUAL "BASELINE")
        get_filename_component(_memprof_value "${_memprof_value}" ABSOLUTE)
      endif()
      string(TOLOWER "--${_memprof_name}" _memprof_option)
      string(REPLACE "_" "-" _memprof_option "${_memprof_option}")
      list(APPEND ${variable} "${_memprof_option}=${_memprof_value}")
    endif()
  endforeach()
  foreach(_memprof_name SUPPRESSIONS LIMITS)
    string(TOLOWER "--${_memprof_name}" _memprof_option)
    foreach(_memprof_value ${ARG_${_memprof_name}})
      get_filename_component(_memprof_value "${_memprof_value}" ABSOLUTE)
      list(APPEND ${variable} "${_memprof_option}=${_memprof_value}")
    endforeach()
  endforeach()
  list(APPEND ${variable} ${ARG_OPTIONS} --)
  if(ARG_UNPARSED_ARGUMENTS OR ARG_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "memprof: '${ARG_UNPARSED_ARGUMENTS}${ARG_KEYWORDS_MISSING_VALUES}': is no "
      "argument of ${CMAKE_CURRENT_FUNCTION}, or lacks its value")
  endif()
endmacro()

# Properties by which ctest would not take a failure of the gate for one, which may be set after the
# test was added: as in memprof-wrap.cmake.
function(_memprof_mind_properties name failed)
  set(judged FAIL_REGULAR_EXPRESSION)
  get_property(fails TEST "${name}" PROPERTY WILL_FAIL)
  if(fails)
    set(judged PASS_REGULAR_EXPRESSION)
    set_property(TEST "${name}" APPEND PROPERTY ENVIRONMENT MEMPROF_CHECK_WILL_FAIL=1)
  endif()
  get_property(skip TEST "${name}" PROPERTY SKIP_RETURN_CODE)
  if(NOT "${skip}" STREQUAL "")
    set_property(TEST "${name}" APPEND PROPERTY ENVIRONMENT "MEMPROF_CHECK_SKIP_STATUS=${skip}")
  endif()
  get_property(passes TEST "${name}" PROPERTY PASS_REGULAR_EXPRESSION)
  if(passes)
    set_property(TEST "${name}" APPEND PROPERTY ${judged} "${failed}")
  endif()
endfunction()

function(memprof_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "" "NAME;WORKING_DIRECTORY;${_memprof_one}"
    "COMMAND;${_memprof_many}")
  if(NOT DEFINED ARG_NAME OR NOT DEFINED ARG_COMMAND)
    message(FATAL_ERROR "memprof_add_test: expected NAME and COMMAND")
  endif()
  _memprof_command(check)
  list(GET ARG_COMMAND 0 program)
  # Arguments as they are: empty ones, and such with semicolons.
  set(code "add_test(NAME [==[${ARG_NAME}]==] COMMAND")
  foreach(word IN LISTS check ARG_COMMAND)
    if(word STREQUAL program AND TARGET ${program})
      set(word $<TARGET_FILE:${program}>)
    endif()
    string(APPEND code " [==[${word}]==]")
  endforeach()
  if(DEFINED ARG_WORKING_DIRECTORY)
    string(APPEND code " WORKING_DIRECTORY [==[${ARG_WORKING_DIRECTORY}]==]")
  endif()
  cmake_language(EVAL CODE "${code})
    cmake_language(DEFER CALL _memprof_mind_properties [==[${ARG_NAME}]==] [==[${_memprof_failed}]==])")
endfunction()

function(memprof_wrap_tests)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "ALL" "MATCH;EXCLUDE;${_memprof_one}" "${_memprof_many}")
  _memprof_command(check)
  if(NOT CMAKE_CURRENT_SOURCE_DIR STREQUAL CMAKE_SOURCE_DIR)
    message(FATAL_ERROR "memprof_wrap_tests: expected to be called in the top directory")
  endif()
  # ctest itself reads this file before it reads the tests.
  set(file "${CMAKE_BINARY_DIR}/memprof-wrap.cmake")
  set(below "${CMAKE_BINARY_DIR}/")
  if(ARG_ALL)
    set(below "")
  endif()
  file(WRITE "${file}.new"
    "set(memprof_check [==[${check}]==])\nset(memprof_below [==[${below}]==])\n"
    "set(memprof_match [==[${ARG_MATCH}]==])\nset(memprof_exclude [==[${ARG_EXCLUDE}]==])\n"
    "set(memprof_program [==[${memprof_EXECUTABLE}]==])\n"
    "set(memprof_failed [==[${_memprof_failed}]==])\n"
    "include([==[${_memprof_wrap_file}]==])\n")
  file(RENAME "${file}.new" "${file}")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${file}")
endfunction()

set(_memprof_wrap_file "${CMAKE_CURRENT_LIST_DIR}/memprof-wrap.cmake")
