# What a build costs, and how that is kept down, in one place. Every source includes some of the C++
# library, so that is compiled once for all. And most of what an optimising compiler does for a
# source is done again for the next: so the sources of a room are compiled several at a time.
# Sources that define the same names, or that ask for other options, stay alone.
target_precompile_headers(echo PRIVATE <algorithm> <array> <atomic> <cerrno> <chrono> <cstdint>
  <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <span> <sstream> <stdexcept>
  <stop_token> <string> <string_view> <thread> <utility> <variant> <vector>)
get_property(libraries GLOBAL PROPERTY ECHOMUX_LIBRARIES)
list(REMOVE_ITEM libraries echo)
foreach(target IN LISTS libraries ITEMS echomux floor_server)
  target_precompile_headers(${target} REUSE_FROM echo)
endforeach()
# clang-tidy looks at each source by itself.
if(NOT CMAKE_CXX_CLANG_TIDY)
  set_target_properties(bench_command claims echo echomux harness_bench harness_load harness_machine
    harness_server harness_text harness report reproduce
    PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 16)
endif()
# What runs once, before or after anything is measured, is optimised only as far as that costs little;
# and so are the gallery's servers, which are looked at for what they do wrong.
foreach(target IN ITEMS bench_command command_line echomux gallery_servers harness harness_machine harness_text report)
  target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-Og>)
endforeach()
if(ECHOMUX_TESTS)
  target_precompile_headers(conformance_test PRIVATE <gmock/gmock.h> <gtest/gtest.h>)
  foreach(test IN ITEMS claims_test command_line_test endurance_test harness_test model_test
          report_test)
    target_precompile_headers(${test} REUSE_FROM conformance_test)
  endforeach()
  foreach(test IN ITEMS claims_test cli_test command_line_test conformance_test corpus_test echo_test
          endurance_test fault_matrix_test harness_test model_test report_test)
    target_compile_options(${test} PRIVATE -O0)
  endforeach()
endif()
