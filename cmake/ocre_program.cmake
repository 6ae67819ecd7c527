# SPDX-License-Identifier: Apache-2.0
# The `ocre` program that runs on the PC which builds the firmware.
#
# Where OCRE_PROGRAM names one, by -D or in the environment, that is taken: several
# builds can share it. Otherwise Cargo builds one (cargo_folder.cmake says where),
# which takes minutes the first time. For AOT code the program starts the compiler
# beside it, `ocre-aot`, which Cargo builds too.

include(${CMAKE_CURRENT_LIST_DIR}/cargo_folder.cmake)

# Sets `program` to its path, and `depends` to what a command that runs it depends on.
function(ocre_program program depends)
  zephyr_get(OCRE_PROGRAM)
  if(OCRE_PROGRAM)
    if(NOT EXISTS ${OCRE_PROGRAM} OR IS_DIRECTORY ${OCRE_PROGRAM})
      message(FATAL_ERROR "ocre: OCRE_PROGRAM names \"${OCRE_PROGRAM}\", which is no file")
    endif()
    set(${program} ${OCRE_PROGRAM} PARENT_SCOPE)
    # AOT code changes with the compiler, where there is one.
    get_filename_component(folder ${OCRE_PROGRAM} REALPATH)
    get_filename_component(folder ${folder} DIRECTORY)
    set(compiler ${folder}/ocre-aot)
    if(NOT EXISTS ${compiler})
      set(compiler)
    endif()
    set(${depends} ${OCRE_PROGRAM} ${compiler} PARENT_SCOPE)
    return()
  endif()

  set(root ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/..)
  ocre_cargo_folder(target_dir ${CMAKE_BINARY_DIR}/ocre/cargo program)
  set(built ${target_dir}/release/ocre)
  set(compiler ${target_dir}/release/ocre-aot)
  if(NOT TARGET ocre_program)
    find_program(CARGO cargo REQUIRED)
    # Cargo knows what is out of date; it leaves the file alone if nothing is.
    add_custom_target(ocre_program
      COMMAND ${CMAKE_COMMAND} -E env --unset=CC --unset=CXX --unset=CFLAGS --unset=CXXFLAGS
        ${CARGO} build --quiet --release --locked --package ocre-cli --bins
        --manifest-path ${root}/Cargo.toml --target-dir ${target_dir}
      BYPRODUCTS ${built} ${compiler}
      WORKING_DIRECTORY ${root}
      COMMENT "Building the ocre program for this PC"
      USES_TERMINAL
      VERBATIM
    )
  endif()
  set(${program} ${built} PARENT_SCOPE)
  set(${depends} ocre_program ${built} ${compiler} PARENT_SCOPE)
endfunction()
