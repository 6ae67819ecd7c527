# SPDX-License-Identifier: Apache-2.0
# Application in Rust with Zephyr's module `lang-rust`: its static library has this module's
# crates in it, so CONFIG_OCRE_STATICLIB is off.

# Gives Cargo the variables with the capacities of Kconfig. Comes before
# `rust_cargo_application()`.
function(ocre_rust_application)
  if(NOT CONFIG_RUST OR CONFIG_OCRE_STATICLIB)
    message(FATAL_ERROR "ocre: an application in Rust needs CONFIG_RUST=y and CONFIG_OCRE_STATICLIB=n")
  endif()
  ocre_rust_environment(environment ${DOTCONFIG})
  # That function has no parameter for variables, and custom commands have one launcher. A shell
  # reads it, so a value with spaces needs its quotes.
  list(JOIN environment "\" \"" environment)
  set_property(DIRECTORY PROPERTY RULE_LAUNCH_CUSTOM "${CMAKE_COMMAND} -E env \"${environment}\"")
  # Some objects of libgcc do not say that they need no executable stack, of which the linker warns.
  zephyr_ld_options(-Wl,-z,noexecstack)
endfunction()
