# A library: echomux_library(NAME SOURCE… LINKS LIBRARY… USES LIBRARY…)
# What it links, its users have too; what it uses, only its own sources see.
function(echomux_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS;USES")
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC project_options ${arg_LINKS} PRIVATE ${arg_USES})
  set_property(GLOBAL APPEND PROPERTY ECHOMUX_LIBRARIES ${name})
endfunction()

# TCP memory, in MiB, from which on the kernel saves: tests that fill it would wait for each other in
# vain. So each says how much it fills, and ctest starts no more at a time than there is room for.
set(tcp_memory_mib 256)
if(EXISTS /proc/sys/net/ipv4/tcp_mem)
  file(STRINGS /proc/sys/net/ipv4/tcp_mem pages REGEX "^[0-9]+[ \t]+[0-9]+")
  string(REGEX REPLACE "^[0-9]+[ \t]+([0-9]+).*" "\\1" pages "${pages}")
  math(EXPR mib "${pages} / 256")
  if(mib GREATER tcp_memory_mib)
    set(tcp_memory_mib ${mib})
  endif()
endif()
file(WRITE ${PROJECT_BINARY_DIR}/tcp_memory.json "{\"version\": {\"major\": 1, \"minor\": 0}, \
\"local\": [{\"tcp_memory_mib\": [{\"id\": \"0\", \"slots\": ${tcp_memory_mib}}]}]}\n")
set(fills_buffers LABELS fills_buffers RESOURCE_GROUPS tcp_memory_mib:20)
set(fills_memory LABELS fills_buffers RESOURCE_GROUPS tcp_memory_mib:256 COST 100)

# A program of tests, each of which ctest runs by itself:
# echomux_test(NAME SOURCE… LINKS LIBRARY… PROPERTIES PROPERTY VALUE…)
# The name of a test's suite tells what it needs of the machine: one that FillsBuffers fills those of
# some connections, one that FillsMemory those of many, and one that RunsAlone measures. COST has what
# takes long begin first, so that nothing is left to wait for at the end.
function(echomux_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS;PROPERTIES")
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE test_support fmt::fmt ${arg_LINKS})
  add_dependencies(${name} echomux odd_server)
  set_property(GLOBAL APPEND PROPERTY ECHOMUX_TEST_PROGRAMS ${name})
  set(properties_of_FillsBuffers ${fills_buffers})
  set(properties_of_FillsMemory ${fills_memory})
  set(properties_of_RunsAlone LABELS runs_alone RUN_SERIAL TRUE)
  foreach(kind IN ITEMS FillsBuffers FillsMemory RunsAlone others)
    set(filter *${kind}*)
    if(kind STREQUAL others)
      set(filter -*FillsBuffers*:*FillsMemory*:*RunsAlone*)
    endif()
    gtest_discover_tests(${name} TEST_FILTER ${filter} TEST_LIST ${name}_${kind}
                         WORKING_DIRECTORY ${PROJECT_BINARY_DIR} DISCOVERY_TIMEOUT 60
                         PROPERTIES TIMEOUT ${ECHOMUX_TEST_TIMEOUT} ${properties_of_${kind}}
                                    ${arg_PROPERTIES})
  endforeach()
endfunction()
