# examples/NAME.cpp is the program build/<preset>/examples/NAME (target example_NAME).
file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*.cpp")
foreach(source IN LISTS sources)
  get_filename_component(name "${source}" NAME_WE)
  add_executable(example_${name} "${source}")
  sluice_target(example_${name})
  target_link_libraries(example_${name} PRIVATE sluice_stack sluice_tun sluice_http sluice_ws sluice_lab)
  set_target_properties(example_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/examples")
endforeach()
