# How every target of the tree is compiled: standard, warnings, sanitizers, coverage, ccache.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# An archive needs no other archive: a broken room stops only those who link it.
set(CMAKE_OPTIMIZE_DEPENDENCIES ON)

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
  endif()
  find_program(SLUICE_CCACHE ccache)
  if(SLUICE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # One cache serves every checkout: paths count from the root, and where the build tree lies counts for nothing.
    set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1
      "${SLUICE_CCACHE}")
  endif()
endif()

if(CMAKE_UNITY_BUILD)
  # Sources are included by their whole path then; __FILE__ does without the tree's place, so ccache serves every checkout.
  add_compile_options("-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=")
endif()

if((SLUICE_FUZZ OR SLUICE_COVERAGE) AND NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  message(FATAL_ERROR "SLUICE_FUZZ and SLUICE_COVERAGE need clang (use the presets fuzz and coverage)")
endif()
if(SLUICE_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
if(SLUICE_SANITIZE)
  # vptr checks need RTTI, which stack/ does without.
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
  if(SLUICE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr)
    add_link_options(-fno-sanitize=vptr)
  endif()
endif()
if(SLUICE_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

# True when objects carry no instrumentation: what is installed, and what the symbol test looks at.
set(SLUICE_PLAIN ON)
if(SLUICE_FUZZ OR SLUICE_SANITIZE OR SLUICE_COVERAGE)
  set(SLUICE_PLAIN OFF)
endif()

# The warnings of our own code; never inherited by those who use us.
function(sluice_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    $<$<BOOL:${SLUICE_WARNINGS_AS_ERRORS}>:-Werror>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 sees an overlapping copy in every std::string that begins with a literal (its bug 105651), and members not
    # yet made where an initialiser may throw. stack/, which does not throw, asks for the second one again.
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-maybe-uninitialized)
  endif()
endfunction()
