# cmake --install: headers, libraries and a package, so that find_package(sluice) gives sluice::stack, ::tun, ::http, ::tls, ::ws and
# ::lab.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/sluice")

install(TARGETS sluice_stack sluice_tun sluice_http sluice_tls sluice_ws sluice_lab EXPORT sluice_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY stack tun http ws lab DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sluice FILES_MATCHING PATTERN "*.hpp")
install(EXPORT sluice_targets NAMESPACE sluice:: DESTINATION ${package_dir})

configure_package_config_file(cmake/sluice-config.cmake.in "${PROJECT_BINARY_DIR}/sluice-config.cmake"
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/sluice-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/sluice-config.cmake" "${PROJECT_BINARY_DIR}/sluice-config-version.cmake"
  DESTINATION ${package_dir})
