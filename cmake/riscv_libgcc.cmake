# SPDX-License-Identifier: Apache-2.0
# The libgcc of RISC-V with 32 bits.
#
# Debian's GCC 12 for riscv64-unknown-elf has one for rv32imac, but takes that of 64
# bits for rv32imac_zicsr_zifencei, as Zephyr names the same processor: the firmware
# does not link. For rv32imc there is none either; the one for rv32im runs there too. A
# compiler with a library for the whole name is left alone.

function(ocre_libgcc_folder out)
  execute_process(
    COMMAND ${CMAKE_C_COMPILER} ${ARGN} -print-libgcc-file-name
    OUTPUT_VARIABLE file
    OUTPUT_STRIP_TRAILING_WHITESPACE
  )
  get_filename_component(folder "${file}" DIRECTORY)
  set(${out} "${folder}" PARENT_SCOPE)
endfunction()

if(CONFIG_RISCV AND NOT CONFIG_64BIT AND CMAKE_C_COMPILER_ID STREQUAL GNU)
  set(whole ${TOOLCHAIN_C_FLAGS})
  list(FILTER whole INCLUDE REGEX "^-m(arch|abi)=")
  string(REGEX REPLACE "_z[a-z0-9_]*" "" plain "${whole}")
  string(REGEX REPLACE "(march=rv32ima?f?d?)c" "\\1" uncompressed "${plain}")
  ocre_libgcc_folder(default)
  ocre_libgcc_folder(of_whole ${whole})
  ocre_libgcc_folder(of_plain ${plain})
  if(of_plain STREQUAL default)
    ocre_libgcc_folder(of_plain ${uncompressed})
  endif()
  if(of_whole STREQUAL default AND NOT of_plain STREQUAL default)
    zephyr_ld_options(-L${of_plain})
    # Zephyr 3.7 and earlier name the wrong folder in front of all options.
    set(LIB_INCLUDE_DIR "-L\"${of_plain}\"" ${LIB_INCLUDE_DIR} PARENT_SCOPE)
  endif()
endif()
