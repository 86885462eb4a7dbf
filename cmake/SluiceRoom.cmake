# A room is a folder; its .cpp files are its sources, found by themselves. A room without sources is an empty library.
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/empty_room.cpp" CONTENT "// Stands in for a room that has headers only.\n")

# Sets <out> to the .cpp files directly in <folder> (relative to the root), or to an empty one.
function(sluice_sources out folder)
  file(GLOB found CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.cpp")
  if(NOT found)
    set(found "${PROJECT_BINARY_DIR}/empty_room.cpp")
  endif()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# Includes from the root, C++20 and our warnings. As objects are position-independent, a function that others see might
# be replaced when the program starts: g++ inlines no call of it unless it is told that nobody does that.
function(sluice_target target)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/sluice>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_compile_options(${target} PRIVATE
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<CONFIG:Release,RelWithDebInfo>>:-fno-semantic-interposition>)
  sluice_warnings(${target})
  sluice_stand_alone(${target})
endfunction()

# With CMAKE_UNITY_BUILD the compiler sees eight sources of a target as one, which takes it less than half the time.
# Those of cmake/alone.txt stay alone: they name things as a neighbour does.
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/alone.txt" sluice_alone REGEX "^[^#]")
list(TRANSFORM sluice_alone PREPEND "${PROJECT_SOURCE_DIR}/")
function(sluice_stand_alone target)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    get_filename_component(source "${source}" ABSOLUTE)
    if(source IN_LIST sluice_alone)
      set_source_files_properties("${source}" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
    endif()
  endforeach()
endfunction()

# For rooms of small functions that call each other: when optimised, all sources of the target are one, and such calls are
# inlined. (It is no gain where strings are: the compiler then inlines less of those.)
function(sluice_whole target)
  if(SLUICE_PLAIN AND CMAKE_BUILD_TYPE MATCHES "^Rel")
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  endif()
endfunction()

# A static library sluice_<name> of the folder <name>, known as sluice::<name> here and once installed.
function(sluice_room name)
  sluice_sources(sources ${name})
  add_library(sluice_${name} STATIC ${sources} ${ARGN})
  add_library(sluice::${name} ALIAS sluice_${name})
  set_target_properties(sluice_${name} PROPERTIES EXPORT_NAME ${name})
  sluice_target(sluice_${name})
endfunction()
