# SPDX-License-Identifier: Apache-2.0

# ocre_rust_guest(<name>...)
#
# Builds guests of samples/containers that are in Rust, for ocre_image(... WASM <name>).
function(ocre_rust_guest)
  find_program(CARGO cargo REQUIRED)
  cmake_path(SET top NORMALIZE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../..)
  set(folder ${top}/samples/containers)
  set(built ${CMAKE_CURRENT_BINARY_DIR}/rust-guests)
  set(packages)
  set(outputs)
  set(copies)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/ocre)
  foreach(name IN LISTS ARGV)
    set(wasm ${CMAKE_CURRENT_BINARY_DIR}/ocre/${name}.wasm)
    list(APPEND packages --package ${name})
    list(APPEND outputs ${wasm})
    list(APPEND copies COMMAND ${CMAKE_COMMAND} -E copy
      ${built}/wasm32-wasip1/release/${name}.wasm ${wasm})
  endforeach()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
    ${folder}/*.rs ${folder}/*.toml ${top}/sdk/rust/*)
  add_custom_command(
    OUTPUT ${outputs}
    # What is set for the firmware's build is not meant for guests.
    COMMAND ${CMAKE_COMMAND} -E env --unset=RUSTFLAGS --unset=CARGO_TARGET_DIR
      ${CARGO} build --quiet --release --locked --target-dir ${built} ${packages}
    ${copies}
    DEPENDS ${sources}
    WORKING_DIRECTORY ${folder}
    COMMENT "Building guests in Rust"
    VERBATIM
  )
endfunction()
