# What "cmake --install build --prefix P" puts where, and the package that "cpack" makes of it.
# Targets "echomux" and "floor_server" are to be built before; nothing else is needed.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(zsh_folder site-functions)
if(ECHOMUX_PACKAGE STREQUAL deb)
  set(zsh_folder vendor-completions)
  install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
endif()
set(documents ${PROJECT_BINARY_DIR}/generated/echomux)
install(TARGETS echomux)
install(TARGETS floor_server DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/echomux)
install(FILES ${documents}.man DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 RENAME echomux.1)
install(FILES ${documents}.bash RENAME echomux
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${documents}.zsh RENAME _echomux
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/${zsh_folder})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the echomux maintainers <echomux@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "nodejs, librsvg2-bin, gnuplot-nox")
include(CPack)
