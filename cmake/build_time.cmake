# What a build costs, and how that is kept down, in one place. Every source includes some of the C++
# library, so that is compiled once for all. And most of what an optimising compiler does for a
# source is done again for the next: so the sources of a room are compiled several at a time.
# Sources that define the same names, or that ask for other options, stay alone.
set(common_headers <algorithm> <array> <atomic> <cerrno> <chrono> <cstdint> <filesystem> <fstream>
  <functional> <map> <memory> <mutex> <optional> <span> <sstream> <stdexcept> <stop_token> <string>
  <string_view> <thread> <utility> <variant> <vector>)
target_precompile_headers(echo PRIVATE ${common_headers})
get_property(libraries GLOBAL PROPERTY ECHOMUX_LIBRARIES)
list(REMOVE_ITEM libraries echo exercise_main)
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
# Programs that only CI and few users build share what is precompiled, too.
foreach(program IN ITEMS soak hostile_peers million accept_time client_cost cost_beside_idle cost_over_floor
        harness_proof memory_per_connection peers_over_floor sensitivity select_poll_over_epoll
        stream_throughput odd_server)
  target_precompile_headers(${program} REUSE_FROM echo)
endforeach()
if(TARGET echomux-mpi)
  target_precompile_headers(echomux-mpi REUSE_FROM echo)
endif()
if(ECHOMUX_TESTS)
  # What tests compute is little, and that of GoogleTest they instantiate is the same in each.
  target_precompile_headers(conformance_test PRIVATE <gmock/gmock.h> <gtest/gtest.h> <fmt/format.h>
    ${common_headers})
  get_property(tests GLOBAL PROPERTY ECHOMUX_TEST_PROGRAMS)
  foreach(test IN LISTS tests ITEMS exercise_checks)
    target_compile_options(${test} PRIVATE -O0)
    if(NOT test STREQUAL conformance_test)
      target_precompile_headers(${test} REUSE_FROM conformance_test)
    endif()
  endforeach()
  foreach(program IN ITEMS enter fault_matrix model_run)
    target_precompile_headers(${program} REUSE_FROM echo)
  endforeach()
  foreach(target IN ITEMS enter fault_matrix model_run)
    target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-Og>)
  endforeach()
  if(NOT CMAKE_CXX_CLANG_TIDY)
    list(REMOVE_ITEM tests endurance_test gallery_test)  # their sources define the same names
    set_target_properties(${tests} exercise_checks fault_support fuzz_targets model_support test_support
      PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 10)
  endif()
endif()
