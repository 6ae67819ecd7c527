# SPDX-License-Identifier: Apache-2.0
# The libgcc of RISC-V with 32 bits.
#
# Debian's GCC 12 for riscv64-unknown-elf has one for rv32imac, but takes that of 64
# bits for rv32imac_zicsr_zifencei, as Zephyr names the same processor: the firmware
# does not link. A compiler with a library for the whole name is left alone.

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
  ocre_libgcc_folder(default)
  ocre_libgcc_folder(of_whole ${whole})
  ocre_libgcc_folder(of_plain ${plain})
  if(of_whole STREQUAL default AND NOT of_plain STREQUAL default)
    zephyr_ld_options(-L${of_plain})
  endif()
endif()
