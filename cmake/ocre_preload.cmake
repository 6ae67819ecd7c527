# SPDX-License-Identifier: Apache-2.0
# Images that are on the storage partition from the start.
#
# An application calls these after find_package(Zephyr); with the last call the
# partition is full of what all of them said. The build then makes
#
#   ocre-flash.bin   the partition, of the devicetree's sizes, with the images
#   ocre-flash.hex   the same for its address, to be written to a board
#   flash.bin        a copy that the simulator and the emulator run from, and write to
#   ocre-merged.hex  the partition and the firmware, for a board (ocre_merge.cmake)
#
# in the build's folder. The copy is made anew when the images change, or when it
# is removed.

include(${CMAKE_CURRENT_LIST_DIR}/ocre_guest_heap.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/ocre_merge.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/ocre_program.cmake)

# ocre_guest(<name> <source>... [MEMORY <bytes>] [STACK <bytes>] [HEAP <bytes>]
#            [FULL_PRINTF] [OPTIONS <option>...])
#
# Compiles C sources with clang and wasi-libc to ocre/<name>.wasm in the current
# binary directory.
#
# MEMORY       linear memory at the start and at most, rounded up to pages of 65536
#              bytes; as much as is used otherwise. A guest that never grows its memory
#              gets only what it uses of its last page.
# STACK        stack in it, 2048 bytes otherwise. It lies first: its overflow is a trap.
# HEAP         heap in it for malloc, such as 4096 or 8K; 8K otherwise. A guest without
#              malloc has none. With "grow", malloc is wasi-libc's, which grows the memory.
# FULL_PRINTF  printf with the conversions of wasi-libc, such as %f. Otherwise it has
#              those of integers, characters, texts and pointers.
# OPTIONS      for the compiler and linker
function(ocre_guest name)
  cmake_parse_arguments(PARSE_ARGV 1 GUEST "FULL_PRINTF" "MEMORY;STACK;HEAP" "OPTIONS")
  set(sources ${GUEST_UNPARSED_ARGUMENTS})
  if(NOT sources)
    message(FATAL_ERROR "ocre: ocre_guest(${name}) names no source")
  endif()
  list(TRANSFORM sources PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/]")
  if(NOT GUEST_STACK)
    set(GUEST_STACK 2048)
  endif()
  if(NOT DEFINED GUEST_HEAP)
    set(GUEST_HEAP 8K)
    if("HEAP" IN_LIST GUEST_KEYWORDS_MISSING_VALUES)
      set(GUEST_HEAP "")
    endif()
  endif()
  ocre_guest_heap(heap ${name} "${GUEST_HEAP}")
  set(memory)
  if(GUEST_MEMORY)
    math(EXPR bytes "(${GUEST_MEMORY} + 65535) / 65536 * 65536")
    set(memory -Wl,--initial-memory=${bytes},--max-memory=${bytes})
  endif()

  ocre_guest_compiler(clang)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/ocre/${name}.wasm)
  # Parts of the SDK, which come before those of wasi-libc.
  set(parts ${CMAKE_CURRENT_BINARY_DIR}/ocre/${name}.parts)
  file(MAKE_DIRECTORY ${parts})
  set(objects)
  foreach(part heap small memory folders)
    set(options -Oz -std=c11 -fno-builtin -D_GNU_SOURCE)
    if(part STREQUAL "heap")
      if(heap STREQUAL "grow")
        continue()
      endif()
      list(APPEND options -DOCRE_HEAP_BYTES=${heap})
    elseif(part STREQUAL "memory")
      list(APPEND options -mbulk-memory)
    elseif(part STREQUAL "small" AND GUEST_FULL_PRINTF)
      list(APPEND options -DOCRE_FULL_PRINTF)
    endif()
    set(source ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../sdk/c/${part}.c)
    add_custom_command(
      OUTPUT ${parts}/${part}.o
      COMMAND ${clang} --target=wasm32-wasi ${options} -c -o ${parts}/${part}.o ${source}
      DEPENDS ${source}
      VERBATIM
    )
    list(APPEND objects ${parts}/${part}.o)
  endforeach()
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${clang} --target=wasm32-wasi -Oz -std=c11 -Wall -Wextra
      -MD -MF ${output}.d -MT ${output}
      -Wl,--export=__heap_base,--export=__data_end,--stack-first
      -Wl,-zstack-size=${GUEST_STACK},--strip-all ${memory}
      ${GUEST_OPTIONS} -o ${output} ${sources} ${objects}
    DEPENDS ${sources} ${objects}
    DEPFILE ${output}.d
    COMMENT "Compiling the guest ${name}"
    VERBATIM
  )
endfunction()

# Sets `out` to a clang that was tried: it has its linker, run-time library and libc.
function(ocre_guest_compiler out)
  find_program(OCRE_GUEST_CLANG clang DOC "The C compiler for guests")
  set(advice "install a clang with wasm-ld, wasi-libc and its run-time library for \
wasm32 (Debian, Ubuntu: apt-get install clang lld wasi-libc libclang-rt-dev-wasm32), \
or set OCRE_GUEST_CLANG")
  if(NOT OCRE_GUEST_CLANG)
    message(FATAL_ERROR "ocre: there is no clang for guests: ${advice}")
  endif()
  if(NOT OCRE_GUEST_CLANG_TRIED STREQUAL OCRE_GUEST_CLANG)
    set(probe ${CMAKE_BINARY_DIR}/ocre/probe)
    file(WRITE ${probe}.c "#include <stdio.h>\nint main(void) { return puts(\"\"); }\n")
    execute_process(
      COMMAND ${OCRE_GUEST_CLANG} --target=wasm32-wasi ${probe}.c -o ${probe}.wasm
      RESULT_VARIABLE failed
      ERROR_VARIABLE said
    )
    if(failed)
      message(FATAL_ERROR "ocre: ${OCRE_GUEST_CLANG} compiles no guests: ${advice}\n${said}")
    endif()
    set(OCRE_GUEST_CLANG_TRIED ${OCRE_GUEST_CLANG} CACHE INTERNAL "")
  endif()
  set(${out} ${OCRE_GUEST_CLANG} PARENT_SCOPE)
endfunction()

# Warns once where AOT code is wanted and this board does not run any. A build that has
# CONFIG_OCRE_AOT=n by choice gets no warning.
function(ocre_explain_no_aot)
  get_property(explained GLOBAL PROPERTY OCRE_NO_AOT_EXPLAINED)
  if(explained)
    return()
  endif()
  set_property(GLOBAL PROPERTY OCRE_NO_AOT_EXPLAINED TRUE)
  if(NOT CONFIG_OCRE_AOT_CPU)
    message(WARNING "ocre: no AOT code is made: it does not run on this processor")
  elseif(CONFIG_ARM_MPU AND NOT CONFIG_CPU_HAS_ARM_MPU)
    message(WARNING "ocre: no AOT code is made: it needs an MPU of Arm, or CONFIG_ARM_MPU=n")
  endif()
endfunction()

# ocre_image(<name>[:<tag>] WASM <file> [NO_WASM] [AOT] [AOT_FILE <file>...]
#            [BLOB <file>[=<title>]...] [ENV <K>=<V>...] [ENTRY <function>]
#            [PERMISSION <name>...] [SIGN <key>...] [SEQUENCE <number>])
#
# Puts an image on the partition.
#
# WASM        the module: of ocre_guest(), by its name or path, or any other file
# AOT         also compiled for this board, unless Kconfig leaves AOT code out
# NO_WASM     the module itself is left out: only AOT code is in the image
# AOT_FILE    code for other machines, made by `ocre aot`
# BLOB        files that the container finds in /image
# SIGN        PEM files with private keys, each of which signs the image: keys for
#             development, because the build has to read them
# SEQUENCE    number of the signatures that orders the images of one name
# the others  as in `ocre image pack`
function(ocre_image name)
  cmake_parse_arguments(PARSE_ARGV 1 IMAGE "AOT;NO_WASM" "WASM;ENTRY;SEQUENCE"
    "AOT_FILE;BLOB;ENV;PERMISSION;SIGN")
  if(IMAGE_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "ocre: ocre_image(${name}) does not know ${IMAGE_UNPARSED_ARGUMENTS}")
  endif()
  if(IMAGE_AOT AND NOT CONFIG_OCRE_AOT)
    ocre_explain_no_aot()
    set(IMAGE_AOT FALSE)
  endif()
  if(NOT IMAGE_WASM AND (IMAGE_AOT OR NOT IMAGE_AOT_FILE))
    message(FATAL_ERROR "ocre: ocre_image(${name}) names no WASM")
  endif()
  if(IMAGE_NO_WASM AND NOT IMAGE_AOT AND NOT IMAGE_AOT_FILE)
    message(FATAL_ERROR "ocre: ocre_image(${name}) has no code: NO_WASM, and no AOT code")
  endif()
  ocre_program(program program_depends)
  if(NOT name MATCHES ":")
    string(APPEND name ":latest")
  endif()
  string(MAKE_C_IDENTIFIER ${name} id)
  set(folder ${CMAKE_BINARY_DIR}/ocre/images/${id})
  set(depends ${program_depends})
  set(options)
  set(commands)

  if(IMAGE_WASM)
    set(wasm ${IMAGE_WASM})
    if(NOT IS_ABSOLUTE ${wasm})
      set(guest ${CMAKE_CURRENT_BINARY_DIR}/ocre/${wasm}.wasm)
      get_source_file_property(is_guest ${guest} GENERATED)
      if(is_guest)
        set(wasm ${guest})
      else()
        set(wasm ${CMAKE_CURRENT_SOURCE_DIR}/${wasm})
      endif()
    endif()
    list(APPEND depends ${wasm})
    if(NOT IMAGE_NO_WASM)
      list(APPEND options --wasm ${wasm})
    endif()
  endif()
  if(IMAGE_AOT)
    ocre_aot_target(target cpu)
    list(APPEND commands COMMAND ${program} aot --target ${target} ${cpu} ${wasm} -o ${folder}.aot)
    list(APPEND IMAGE_AOT_FILE ${folder}.aot)
  endif()
  foreach(file IN LISTS IMAGE_AOT_FILE)
    get_filename_component(file ${file} ABSOLUTE)
    list(APPEND options --aot ${file})
    if(NOT file STREQUAL ${folder}.aot)
      list(APPEND depends ${file})
    endif()
  endforeach()
  foreach(blob IN LISTS IMAGE_BLOB)
    string(REGEX REPLACE "=[^=]*$" "" file ${blob})
    string(REGEX REPLACE "^.*=" "" title ${blob})
    get_filename_component(path ${file} ABSOLUTE)
    if(title STREQUAL blob)
      get_filename_component(title ${file} NAME)
    endif()
    list(APPEND options --blob ${path}=${title})
    list(APPEND depends ${path})
  endforeach()
  foreach(value IN LISTS IMAGE_ENV)
    list(APPEND options --env ${value})
  endforeach()
  foreach(value IN LISTS IMAGE_PERMISSION)
    list(APPEND options --permission ${value})
  endforeach()
  if(IMAGE_ENTRY)
    list(APPEND options --entry ${IMAGE_ENTRY})
  endif()

  set(signatures)
  if(DEFINED IMAGE_SEQUENCE)
    set(sequence --sequence ${IMAGE_SEQUENCE})
  endif()
  foreach(key IN LISTS IMAGE_SIGN)
    get_filename_component(key ${key} ABSOLUTE)
    list(APPEND depends ${key})
    list(APPEND signatures
      COMMAND ${program} image sign --key ${key} ${sequence} oci:${folder}:${name})
  endforeach()
  if(DEFINED IMAGE_SEQUENCE AND NOT IMAGE_SIGN)
    message(FATAL_ERROR "ocre: ocre_image(${name}) has a SEQUENCE and no SIGN")
  endif()

  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/ocre/images)
  add_custom_command(
    OUTPUT ${folder}.packed
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${folder}
    ${commands}
    COMMAND ${program} image pack --tag ${name} --output ${folder} ${options}
    ${signatures}
    COMMAND ${CMAKE_COMMAND} -E touch ${folder}.packed
    DEPENDS ${depends}
    COMMENT "Packing the image ${name}"
    VERBATIM
  )
  get_property(images GLOBAL PROPERTY OCRE_PRELOADED)
  if(NOT images)
    # When the application has said all.
    cmake_language(DEFER DIRECTORY ${CMAKE_SOURCE_DIR} CALL ocre_preloaded_flash)
  endif()
  if(folder IN_LIST images)
    message(FATAL_ERROR "ocre: ocre_image(${name}) is said twice")
  endif()
  set_property(GLOBAL APPEND PROPERTY OCRE_PRELOADED ${folder})
endfunction()

# ocre_containers(<file>)
#
# Puts containers of those images on the partition: each line is `create …`, as on
# the device, or `start NAME`, for one that runs from the first boot on.
function(ocre_containers file)
  get_property(said GLOBAL PROPERTY OCRE_PRELOADED_CONTAINERS)
  if(said)
    message(FATAL_ERROR "ocre: ocre_containers(${file}): there are those of ${said}")
  endif()
  get_filename_component(file ${file} ABSOLUTE)
  set_property(GLOBAL PROPERTY OCRE_PRELOADED_CONTAINERS ${file})
endfunction()

# Sets `target` to the name that `ocre aot` has for this board, and `cpu` to its
# further options. crates/zephyr/src/target.rs takes code for the same.
function(ocre_aot_target target cpu)
  set(options)
  ocre_rust_target(rust)
  if(rust MATCHES "^(x86_64|riscv32)")
    set(name ${CMAKE_MATCH_1})
  elseif(rust MATCHES "^i686")
    set(name i386)
  elseif(rust STREQUAL thumbv8m.main-none-eabi)
    set(name thumbv8m)
  elseif(rust MATCHES "^(thumbv7m|thumbv7em)-none-eabi$")
    set(name ${CMAKE_MATCH_1})
  elseif(rust STREQUAL thumbv7em-none-eabihf)
    set(name thumbv7em-eabihf)
  elseif(rust STREQUAL thumbv8m.main-none-eabihf)
    set(name thumbv8m-eabihf)
  else()
    message(FATAL_ERROR "ocre: no AOT code can be made for ${rust}: set CONFIG_OCRE_AOT=n")
  endif()
  if(CONFIG_CPU_CORTEX_M7)
    set(options --cpu cortex-m7)
  endif()
  set(${target} ${name} PARENT_SCOPE)
  set(${cpu} ${options} PARENT_SCOPE)
endfunction()

# Sets `out` to the address at which the CPU, and so a programmer, sees a flash. A flash
# behind a QSPI controller has a chip select for an address, and no size. The window to
# such a flash is the controller's second register, as for Nordic's nrf-qspi.
function(ocre_flash_base out flash)
  set(index 0)
  dt_reg_size(bytes PATH ${flash})
  if(bytes STREQUAL NONE)
    get_filename_component(controller ${flash} DIRECTORY)
    dt_num_regs(registers PATH ${controller})
    if(registers GREATER 1)
      set(flash ${controller})
      set(index 1)
    endif()
  endif()
  dt_reg_addr(base PATH ${flash} INDEX ${index})
  set(${out} ${base} PARENT_SCOPE)
endfunction()

# Sets the partition's size, block size and address in bytes, from devicetree. Where
# it does not say the latter two, OCRE_FLASH_BLOCK_SIZE and OCRE_FLASH_ADDRESS have to.
function(ocre_storage_partition size block address)
  dt_nodelabel(partition NODELABEL storage_partition)
  if(NOT partition)
    message(FATAL_ERROR "ocre: devicetree has no partition labelled storage_partition; \
for some boards the snippet ocre-storage adds it: west build -S ocre-storage")
  endif()
  dt_reg_size(bytes PATH ${partition})
  # As it is written: the address that dt_reg_addr() gives is, since Zephyr 4.4, that of the
  # CPU on some boards.
  dt_prop(offset PATH ${partition} PROPERTY reg INDEX 0)
  # Since Zephyr 4.4 a board need not have a node "partitions" in between.
  get_filename_component(flash ${partition} DIRECTORY)
  dt_num_regs(registers PATH ${flash})
  if(NOT registers)
    get_filename_component(flash ${flash} DIRECTORY)
  endif()
  ocre_flash_base(base ${flash})

  zephyr_get(OCRE_FLASH_BLOCK_SIZE)
  if(NOT OCRE_FLASH_BLOCK_SIZE)
    dt_prop(OCRE_FLASH_BLOCK_SIZE PATH ${flash} PROPERTY "erase-block-size")
  endif()
  if(NOT OCRE_FLASH_BLOCK_SIZE)
    # The littlefs of the firmware takes the same.
    foreach(option NORDIC_QSPI_NOR SPI_NOR)
      if(NOT OCRE_FLASH_BLOCK_SIZE)
        set(OCRE_FLASH_BLOCK_SIZE ${CONFIG_${option}_FLASH_LAYOUT_PAGE_SIZE})
      endif()
    endforeach()
  endif()
  if(NOT OCRE_FLASH_BLOCK_SIZE)
    message(FATAL_ERROR "ocre: ${flash} has no erase-block-size: set OCRE_FLASH_BLOCK_SIZE")
  endif()

  zephyr_get(OCRE_FLASH_ADDRESS)
  if(NOT DEFINED OCRE_FLASH_ADDRESS)
    # The snippet's simulated flash lies in a memory of that label.
    dt_nodelabel(memory NODELABEL ocre_flash_memory)
    if(memory AND flash MATCHES "flash_sim@")
      dt_reg_addr(base PATH ${memory})
    endif()
    math(EXPR OCRE_FLASH_ADDRESS "${base} + ${offset}" OUTPUT_FORMAT HEXADECIMAL)
  endif()
  math(EXPR bytes "${bytes}")
  set(${size} ${bytes} PARENT_SCOPE)
  set(${block} ${OCRE_FLASH_BLOCK_SIZE} PARENT_SCOPE)
  set(${address} ${OCRE_FLASH_ADDRESS} PARENT_SCOPE)
endfunction()

# Makes the files of all images that were said.
function(ocre_preloaded_flash)
  get_property(images GLOBAL PROPERTY OCRE_PRELOADED)
  ocre_program(program program_depends)
  ocre_storage_partition(size block address)
  set(bin ${CMAKE_BINARY_DIR}/ocre-flash.bin)
  set(hex ${CMAKE_BINARY_DIR}/ocre-flash.hex)
  set(contents)
  set(depends ${program_depends} ${DOTCONFIG})
  foreach(image IN LISTS images)
    list(APPEND contents --image ${image})
    list(APPEND depends ${image}.packed)
  endforeach()
  get_property(containers GLOBAL PROPERTY OCRE_PRELOADED_CONTAINERS)
  if(containers)
    list(APPEND contents --containers ${containers})
    list(APPEND depends ${containers})
  endif()
  add_custom_command(
    OUTPUT ${bin} ${hex}
    COMMAND ${CMAKE_COMMAND} -E rm -f ${bin} ${hex}
    COMMAND ${program} flash create --zephyr-build ${CMAKE_BINARY_DIR} --size ${size}
      --block-size ${block} --address ${address} ${contents} -o ${bin} -o ${hex}
    DEPENDS ${depends}
    COMMENT "Preloading the storage partition"
    VERBATIM
  )
  set(files ${bin} ${hex})
  get_property(emulated GLOBAL PROPERTY OCRE_EMULATED_FLASH)
  if("${emulated}" STREQUAL "ram.bin")
    set(ram ${CMAKE_BINARY_DIR}/ram.bin)
    add_custom_command(
      OUTPUT ${ram}
      COMMAND dd if=/dev/null of=${ram} bs=1048576 count=0 seek=256
      COMMAND dd if=${bin} of=${ram} bs=1048576 seek=224 conv=notrunc
      DEPENDS ${bin}
      VERBATIM
    )
    list(APPEND files ${ram})
  elseif(CONFIG_ARCH_POSIX OR emulated)
    set(copy ${CMAKE_BINARY_DIR}/flash.bin)
    add_custom_command(
      OUTPUT ${copy}
      COMMAND ${CMAKE_COMMAND} -E copy ${bin} ${copy}
      DEPENDS ${bin}
      VERBATIM
    )
    list(APPEND files ${copy})
  else()
    ocre_merged_files(merged ${hex})
    list(APPEND files ${merged})
  endif()
  add_custom_target(ocre_flash ALL DEPENDS ${files})
  foreach(run run_native run_qemu debugserver_qemu)
    if(TARGET ${run})
      add_dependencies(${run} ocre_flash)
    endif()
  endforeach()
endfunction()
