# A library: echomux_library(NAME SOURCE… LINKS LIBRARY… USES LIBRARY…)
# What it links, its users have too; what it uses, only its own sources see.
function(echomux_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS;USES")
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC project_options ${arg_LINKS} PRIVATE ${arg_USES})
  set_property(GLOBAL APPEND PROPERTY ECHOMUX_LIBRARIES ${name})
endfunction()

# A program of tests, each of which ctest runs by itself:
# echomux_test(NAME SOURCE… LINKS LIBRARY… PROPERTIES PROPERTY VALUE…)
# The name of a test's suite tells what it needs of the machine: one that FillsBuffers fills the
# system's TCP memory, so that two at a time would wait in vain; one that RunsAlone measures. COST has
# what takes long begin first, so that nothing is left to wait for at the end.
function(echomux_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS;PROPERTIES")
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE test_support fmt::fmt ${arg_LINKS})
  add_dependencies(${name} echomux odd_server)
  set(common WORKING_DIRECTORY ${PROJECT_BINARY_DIR} DISCOVERY_TIMEOUT 60
             PROPERTIES TIMEOUT ${ECHOMUX_TEST_TIMEOUT} ${arg_PROPERTIES})
  gtest_discover_tests(${name} TEST_FILTER -*FillsBuffers*:*RunsAlone* ${common})
  gtest_discover_tests(${name} TEST_FILTER *FillsBuffers* TEST_LIST ${name}_filling ${common}
                       LABELS fills_buffers RESOURCE_LOCK tcp_memory COST 100)
  gtest_discover_tests(${name} TEST_FILTER *RunsAlone* TEST_LIST ${name}_alone ${common}
                       LABELS runs_alone RUN_SERIAL TRUE)
endfunction()
