# Writes a header with the commit that SOURCE_DIR is at, marked "-dirty" when tracked files were
# changed since, or "unknown" where git can't tell. Leaves an up-to-date HEADER alone.

# Run as: cmake -D SOURCE_DIR=… -D HEADER=… -P git_commit.cmake
cmake_minimum_required(VERSION 3.25)

function(git output status)
  execute_process(COMMAND git --no-optional-locks -C ${SOURCE_DIR} ${ARGN}
                  OUTPUT_VARIABLE text OUTPUT_STRIP_TRAILING_WHITESPACE
                  RESULT_VARIABLE result ERROR_QUIET)
  set(${output} "${text}" PARENT_SCOPE)
  set(${status} "${result}" PARENT_SCOPE)
endfunction()

set(commit "unknown")
# A copy without its history may lie within a checkout of something else.
git(ignored tracked ls-files --error-unmatch CMakeLists.txt)
git(head found rev-parse --short=12 HEAD)
if(tracked STREQUAL "0" AND found STREQUAL "0")
  set(commit ${head})
  git(changes asked status --porcelain --untracked-files=no .)
  if(NOT changes STREQUAL "")
    string(APPEND commit "-dirty")
  endif()
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "#define ECHOMUX_GIT_COMMIT \"${commit}\"\n" @ONLY)
