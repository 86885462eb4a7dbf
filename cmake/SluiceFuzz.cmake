# tests/fuzz/NAME.cpp is the libFuzzer program fuzz_NAME; its seeds lie in tests/fuzz/corpus/NAME/.
# The smoke tests begin with the seeds alone and try the same inputs each time; tools/fuzz looks for new ones.
set(SLUICE_FUZZ_SEED 1 CACHE STRING "What the inputs of the fuzz smoke tests are drawn from (0: others each time)")
set(SLUICE_FUZZ_SECONDS "" CACHE STRING "How long each fuzz smoke test takes (empty: a minute, shared by all)")

file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/*.cpp")
list(LENGTH sources count)
if(count EQUAL 0)
  return()
endif()
set(seconds "${SLUICE_FUZZ_SECONDS}")
if(seconds STREQUAL "")
  math(EXPR seconds "60 / ${count}")
  if(seconds LESS 2)
    set(seconds 2)
  endif()
endif()
math(EXPR patience "${seconds} + 100")

foreach(source IN LISTS sources)
  get_filename_component(name "${source}" NAME_WE)
  add_executable(fuzz_${name} "${source}")
  sluice_target(fuzz_${name})
  target_link_libraries(fuzz_${name} PRIVATE sluice_stack sluice_http sluice_tls sluice_ws sluice_lab)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  if(name STREQUAL "messages")  # of the tools, which are not built here
    target_sources(fuzz_messages PRIVATE "${PROJECT_SOURCE_DIR}/tools/messages.cpp" "${PROJECT_SOURCE_DIR}/tools/sha256.cpp")
    target_link_libraries(fuzz_messages PRIVATE OpenSSL::Crypto)
  endif()

  # What libFuzzer finds goes into the first folder, and is where it would go on: so that is made anew each time, and
  # not read again meanwhile. It also tries words that the program has compared, addresses too: those must be the same.
  set(found "${PROJECT_BINARY_DIR}/smoke/${name}")
  set(arguments -seed=${SLUICE_FUZZ_SEED} -reload=0 -max_total_time=${seconds} -timeout=10 -rss_limit_mb=2048
    -print_final_stats=1 "-artifact_prefix=${PROJECT_BINARY_DIR}/crash-${name}-")
  if(EXISTS "${PROJECT_SOURCE_DIR}/tests/fuzz/${name}.dict")
    list(APPEND arguments "-dict=${PROJECT_SOURCE_DIR}/tests/fuzz/${name}.dict")
  endif()
  list(APPEND arguments "${found}")
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
    list(APPEND arguments "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name}")
  endif()
  add_test(NAME fuzz_${name}
    COMMAND sh -c "rm -rf \"$0\" && mkdir -p \"$0\" && setarch -R true && exec setarch -R \"$@\" || exec \"$@\""
      "${found}" $<TARGET_FILE:fuzz_${name}> ${arguments})
  set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz TIMEOUT ${patience})
endforeach()
