# The exercises: the server of each is a program of its own, so that one that doesn't compile keeps
# nobody from the others.

# What 'echomux serve' does, for one server that isn't echomux's.
add_library(exercise_main STATIC course/exercise_main.cpp)
takes_options(exercise_main)
target_link_libraries(exercise_main PUBLIC echo)

function(add_exercise target folder source)
  add_executable(${target} ${folder}/${source})
  # The C library then checks the descriptors that FD_SET is given; it needs some optimisation.
  target_compile_options(${target} PRIVATE -O1 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  target_link_libraries(${target} PRIVATE exercise_main)
  set_target_properties(${target} PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/${folder}
                        OUTPUT_NAME server)
endfunction()

# A sentence of each says where a check has failed; what has no server.cpp is about figures.
file(GLOB folders RELATIVE ${PROJECT_SOURCE_DIR}/course/exercises CONFIGURE_DEPENDS
     course/exercises/*)
set(exercises "")
foreach(exercise IN LISTS folders)
  list(APPEND exercises ${exercise})
  if(EXISTS ${PROJECT_SOURCE_DIR}/course/exercises/${exercise}/server.cpp)
    add_exercise(exercise_${exercise} course/exercises/${exercise} server.cpp)
    add_exercise(solution_${exercise} course/solutions/${exercise} server.cpp)
  else()
    add_custom_target(exercise_${exercise})
  endif()
endforeach()
add_custom_target(exercise_eighth_backend)
add_exercise(solution_eighth_backend course/solutions/eighth_backend eighth_server.cpp)
# It is called as a solution of the others is.
target_compile_definitions(solution_eighth_backend PRIVATE serve_eighth=serve_exercise)

# Checks that only exercises need; most are those of the conformance suite.
add_executable(exercise_checks course/checks/exercise_checks.cpp tests/support/conformance.cpp)
target_link_libraries(exercise_checks PRIVATE test_support fault_support)
add_dependencies(exercise_checks echomux)

# Each check fails for the starter, where it should, and passes for the solution. Their waits make
# them slow, and not what they compute.
find_package(Python3 COMPONENTS Interpreter REQUIRED)
if(NOT ECHOMUX_SANITIZE)
  foreach(exercise IN LISTS exercises ITEMS eighth_backend)
    foreach(side IN ITEMS starter solution)
      add_test(NAME exercises/${exercise}/${side}
               COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/course/check_test.py
                       ${exercise} ${side} ${PROJECT_BINARY_DIR})
      set_tests_properties(exercises/${exercise}/${side} PROPERTIES
                           TIMEOUT ${ECHOMUX_TEST_TIMEOUT} SKIP_RETURN_CODE 77)
    endforeach()
    # What has no server measures.
    if(NOT TARGET solution_${exercise})
      set_tests_properties(exercises/${exercise}/solution PROPERTIES LABELS runs_alone RUN_SERIAL TRUE)
    endif()
    # The eighth comes to all checks.
    set(checks Fills)
    if(NOT exercise STREQUAL "eighth_backend")
      file(READ ${PROJECT_SOURCE_DIR}/course/exercises/${exercise}/checks.json checks)
    endif()
    if(checks MATCHES "Fills")
      set_tests_properties(exercises/${exercise}/solution PROPERTIES ${fills_memory})
    endif()
  endforeach()
endif()
add_test(NAME glossary
         COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/course/glossary_test.py)
