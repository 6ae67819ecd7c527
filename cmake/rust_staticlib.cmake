# SPDX-License-Identifier: Apache-2.0
# Builds a Rust package of this repository as a static library for the CPU that the
# image is for, and links it.

include(${CMAKE_CURRENT_LIST_DIR}/cargo_folder.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/trusted_keys.cmake)

set(OCRE_DIR ${CMAKE_CURRENT_LIST_DIR}/..)

# Sets `out` to Rust's name of the target. Cortex-M0, M0+ and M1 are missing, as they
# have no atomic exchange, and M23, as WAMR's AOT loader has no name for it.
function(ocre_rust_target out)
  if(CONFIG_ARCH_POSIX)
    if(NOT CONFIG_64BIT)
      set(target i686-unknown-linux-gnu)
    else()
      set(target ${CMAKE_HOST_SYSTEM_PROCESSOR}-unknown-linux-gnu)
    endif()
  elseif(CONFIG_CPU_CORTEX_M3)
    set(target thumbv7m-none-eabi)
  elseif(CONFIG_CPU_CORTEX_M4 OR CONFIG_CPU_CORTEX_M7)
    set(target thumbv7em-none-eabi)
  elseif(CONFIG_CPU_CORTEX_M33 OR CONFIG_CPU_CORTEX_M55)
    set(target thumbv8m.main-none-eabi)
  elseif(CONFIG_RISCV AND NOT CONFIG_64BIT)
    set(target riscv32imac-unknown-none-elf)
    if(NOT CONFIG_RISCV_ISA_EXT_A)
      # Its atomic exchange is in crates/zephyr/shim/atomics.c.
      string(REPLACE imac imc target ${target})
    endif()
  else()
    message(FATAL_ERROR "ocre: no Rust target is known for this CPU")
  endif()
  if(CONFIG_FP_HARDABI)
    string(REGEX REPLACE "-eabi$" "-eabihf" target ${target})
  endif()
  set(${out} ${target} PARENT_SCOPE)
endfunction()

# Sets `out` to a file in `folder` that describes the target as Rust does, with two
# changes. Rust's own core library for Arm has a frame pointer in each function, and so
# more code. And Rust leaves out atomic exchange where the CPU has no instruction for it;
# here the compiler calls functions instead. What `rustc` prints and takes there may
# change from version to version; which version that is, rust-toolchain.toml says.
function(ocre_rust_target_description out target folder)
  find_program(RUSTC rustc REQUIRED)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env RUSTC_BOOTSTRAP=1
      ${RUSTC} -Z unstable-options --print target-spec-json --target ${target}
    WORKING_DIRECTORY ${OCRE_DIR}
    OUTPUT_VARIABLE description
    COMMAND_ERROR_IS_FATAL ANY
  )
  string(JSON description SET "${description}" frame-pointer "\"may-omit\"")
  if(target MATCHES "^riscv32imc-")
    string(JSON description SET "${description}" atomic-cas true)
  endif()
  file(CONFIGURE OUTPUT ${folder}/${target}.json CONTENT "${description}\n" @ONLY)
  set(${out} ${folder}/${target}.json PARENT_SCOPE)
endfunction()

# Sets `out` to the folder of the sources of Rust's own libraries.
function(ocre_rust_library_dir out)
  find_program(RUSTC rustc REQUIRED)
  execute_process(
    COMMAND ${RUSTC} --print sysroot
    WORKING_DIRECTORY ${OCRE_DIR}
    OUTPUT_VARIABLE sysroot
    OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY
  )
  set(library ${sysroot}/lib/rustlib/src/rust/library)
  if(NOT EXISTS ${library}/core)
    message(FATAL_ERROR "ocre: CONFIG_OCRE_RUST_CORE_FROM_SOURCE needs the sources of Rust's core library: "
      "run `rustup component add rust-src` in ${OCRE_DIR}, or set the option to n")
  endif()
  set(${out} ${library} PARENT_SCOPE)
endfunction()

# Sets `out` to the variables from which the crates take their capacities, and `crates/zephyr`
# the other options in the file `kconfig`.
function(ocre_rust_environment out kconfig)
  foreach(switch HINTS JSON)
    if(CONFIG_OCRE_COMMAND_${switch})
      set(${switch} 1)
    else()
      set(${switch} 0)
    endif()
  endforeach()
  ocre_trusted_keys(keys)
  foreach(option SIGNATURES INTERPRETER AOT)
    string(TOLOWER ${option} name)
    set(${name} 0)
    if(CONFIG_OCRE_${option})
      set(${name} 1)
    endif()
  endforeach()
  set(${out}
    OCRE_KCONFIG=${kconfig}
    WAMR_ROOT_DIR=${OCRE_WAMR_ROOT_DIR}
    OCRE_MAX_CONTAINERS=${CONFIG_OCRE_CONTAINERS}
    OCRE_LOG_BYTES=${CONFIG_OCRE_LOG_SIZE}
    OCRE_MAX_EVENTS=${CONFIG_OCRE_EVENTS}
    OCRE_MAX_DOCUMENT=${CONFIG_OCRE_DOCUMENT_SIZE}
    OCRE_MAX_CONFIG=${CONFIG_OCRE_CONFIG_SIZE}
    OCRE_DEFAULT_MEMORY=${CONFIG_OCRE_MEMORY_LIMIT}
    OCRE_DEFAULT_STACK=${CONFIG_OCRE_GUEST_STACK_SIZE}
    OCRE_DEFAULT_THREAD_STACK=${CONFIG_OCRE_THREAD_STACK_SIZE}
    # Empty, and so left out, where the part is switched off.
    OCRE_MAX_TIMERS=${CONFIG_OCRE_TIMERS_MAX}
    OCRE_INBOX_BYTES=${CONFIG_OCRE_INBOX_SIZE}
    OCRE_MAX_PINS=${CONFIG_OCRE_GPIO_PINS}
    OCRE_MAX_CHANGES=${CONFIG_OCRE_GPIO_CHANGES}
    OCRE_MAX_SENSORS=${CONFIG_OCRE_SENSORS_MAX}
    OCRE_SIGNATURES=${signatures}
    OCRE_HAS_INTERPRETER=${interpreter}
    OCRE_HAS_AOT=${aot}
    OCRE_TRUSTED_KEYS=${keys}
    OCRE_SENTENCES=0
    "OCRE_LINEAR_MEMORY=${CONFIG_OCRE_LINEAR_MEMORY_NAME}"
    OCRE_HINTS=${HINTS}
    OCRE_JSON=${JSON}
    # Those of a board are real, or its own simulator drives them.
    OCRE_SIMULATED_DEVICES=0
    PARENT_SCOPE
  )
endfunction()

# Builds `package` and links it to `library`: plainly, because only what the C
# shims call is to be in the image.
function(ocre_rust_staticlib library package)
  find_program(CARGO cargo REQUIRED)
  ocre_rust_target(target)
  # Of the thresholds that were tried the one that makes the smallest code.
  set(flags "-C llvm-args=-inline-threshold=30")
  if(NOT CONFIG_OCRE_SHA256_UNROLLED)
    string(APPEND flags " --cfg sha2_backend=\"soft\" --cfg sha2_backend_soft=\"compact\"")
  endif()
  if(CONFIG_OCRE_RUST_CORE_FROM_SOURCE)
    ocre_rust_library_dir(rust_library)
    # What a panic says of its place is the same on each machine.
    string(APPEND flags " --remap-path-prefix=${rust_library}/=")
    if(NOT CONFIG_OCRE_PANIC_LOCATION)
      # Nothing prints what `Debug` makes either.
      string(APPEND flags " -Z location-detail=none -Z fmt-debug=none")
    endif()
  endif()

  # All that the library is made of but its sources.
  file(STRINGS ${DOTCONFIG} options REGEX "^CONFIG_(OCRE_|CPU_CORTEX_|RISCV=)")
  list(JOIN options "\n" options)
  ocre_cargo_folder(target_dir ${CMAKE_CURRENT_BINARY_DIR}/cargo
    "${target}\n${flags}\n${OCRE_WAMR_ROOT_DIR}\n${options}")
  set(kconfig ${target_dir}/kconfig)
  file(CONFIGURE OUTPUT ${kconfig} CONTENT "${options}\n" @ONLY)
  string(REPLACE - _ name ${package})
  set(archive ${target_dir}/${target}/firmware/lib${name}.a)
  set(target_arguments --target ${target})
  if(CONFIG_OCRE_RUST_CORE_FROM_SOURCE)
    ocre_rust_target_description(description ${target} ${target_dir})
    set(target_arguments --target ${description} -Z json-target-spec
      -Z build-std=core -Z build-std-features=optimize_for_size)
    set(bootstrap RUSTC_BOOTSTRAP=1)
  endif()

  string(TOUPPER CARGO_TARGET_${target}_RUSTFLAGS flags_variable)
  string(REPLACE - _ flags_variable ${flags_variable})
  string(REPLACE . _ flags_variable ${flags_variable})

  ocre_rust_environment(environment ${kconfig})
  add_custom_target(${package}_cargo
    COMMAND ${CMAKE_COMMAND} -E env
      CARGO_TARGET_DIR=${target_dir}
      "${flags_variable}=${flags}"
      ${environment}
      ${bootstrap}
      ${CARGO} build --quiet --profile firmware ${target_arguments}
      --manifest-path ${OCRE_DIR}/Cargo.toml --package ${package} --locked
    BYPRODUCTS ${archive}
    WORKING_DIRECTORY ${OCRE_DIR}
    COMMENT "Building ${package} for ${target}"
    USES_TERMINAL
    VERBATIM
  )
  add_library(${package} STATIC IMPORTED GLOBAL)
  set_target_properties(${package} PROPERTIES IMPORTED_LOCATION ${archive})
  add_dependencies(${package} ${package}_cargo)
  # The compiler's own library first: the linker takes the first routine that it meets, and
  # those for floats are assembly there, where Rust's are compiled for size.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_link_libraries(${library} PRIVATE -lgcc)
    # Some of its objects do not say that they need no executable stack, of which the linker warns.
    zephyr_ld_options(-Wl,-z,noexecstack)
  endif()
  target_link_libraries(${library} PRIVATE ${package})
endfunction()

# Sets `out` to the folder of a package that Cargo.lock pins.
function(ocre_cargo_package_dir out package)
  find_program(CARGO cargo REQUIRED)
  execute_process(
    COMMAND ${CARGO} metadata --format-version 1 --locked
      --manifest-path ${OCRE_DIR}/Cargo.toml
    OUTPUT_VARIABLE metadata
    COMMAND_ERROR_IS_FATAL ANY
  )
  if(NOT metadata MATCHES "\"manifest_path\":\"([^\"]*/${package}-[^/\"]*)/Cargo.toml\"")
    message(FATAL_ERROR "ocre: Cargo.lock has no package ${package}")
  endif()
  set(${out} ${CMAKE_MATCH_1} PARENT_SCOPE)
endfunction()
