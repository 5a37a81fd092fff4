# Writes files' contents as constants of a C++ header:
#   cmake -D OUT=HEADER -D NAMESPACE=NAME -D "PARTS=name=FILE|name=FILE,FILE" -P embed.cmake
# Several files to one name are put one after the other. As characters, for the standard doesn't
# promise string literals beyond 65,536.
set(text "// Made by tools/embed.cmake.\n#pragma once\n\n#include <string_view>\n\n")
string(APPEND text "namespace ${NAMESPACE} {\n")
string(REPLACE "|" ";" parts "${PARTS}")
foreach(part IN LISTS parts)
  string(REGEX MATCH "^([a-z0-9_]+)=(.*)$" matched "${part}")
  set(name ${CMAKE_MATCH_1})
  string(REPLACE "," ";" files "${CMAKE_MATCH_2}")
  set(bytes "")
  foreach(file IN LISTS files)
    file(READ "${file}" hex HEX)
    string(APPEND bytes "${hex}")
  endforeach()
  string(REGEX REPLACE "(..)" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND text "inline constexpr char ${name}_bytes[] = {${bytes}'\\0'};\n")
  string(APPEND text
         "inline constexpr std::string_view ${name}{${name}_bytes, sizeof(${name}_bytes) - 1};\n")
endforeach()
string(APPEND text "}  // namespace ${NAMESPACE}\n")
file(WRITE "${OUT}" "${text}")
