# SPDX-License-Identifier: Apache-2.0
# One file with firmware and storage partition, for a board whose programmer writes both.
#
#   ocre-merged.hex   zephyr.hex and ocre-flash.hex
#   ocre-merged.uf2   the same, where the firmware is a UF2 file too
#
# The step fails if the two files have an address in common. Boards without zephyr.hex get
# no merged file: their tools write files at offsets in the flash, as Espressif's do, or
# they are emulated. Nor do builds whose firmware is signed or has TF-M beside it: other
# files are written to the board then.

# Sets `out` to the merged files of a build whose partition is the file `flash`.
function(ocre_merged_files out flash)
  set(${out} "" PARENT_SCOPE)
  if(NOT CONFIG_BUILD_OUTPUT_HEX OR CONFIG_BOOTLOADER_MCUBOOT OR CONFIG_BUILD_WITH_TFM)
    return()
  endif()
  set(firmware ${CMAKE_BINARY_DIR}/zephyr/${CONFIG_KERNEL_BIN_NAME}.hex)
  set(merged ${CMAKE_BINARY_DIR}/ocre-merged.hex)
  add_custom_command(
    OUTPUT ${merged}
    COMMAND ${PYTHON_EXECUTABLE} ${ZEPHYR_BASE}/scripts/build/mergehex.py
      --overlap error -o ${merged} ${firmware} ${flash}
    DEPENDS zephyr_final ${firmware} ${flash}
    COMMENT "Merging the firmware and the storage partition"
    VERBATIM
  )
  set(files ${merged})
  if(CONFIG_BUILD_OUTPUT_UF2)
    set(uf2 ${CMAKE_BINARY_DIR}/ocre-merged.uf2)
    add_custom_command(
      OUTPUT ${uf2}
      COMMAND ${PYTHON_EXECUTABLE} ${ZEPHYR_BASE}/scripts/build/uf2conv.py
        -c -f ${CONFIG_BUILD_OUTPUT_UF2_FAMILY_ID} -o ${uf2} ${merged}
      DEPENDS ${merged}
      COMMENT "Converting the merged file to UF2"
      VERBATIM
    )
    list(APPEND files ${uf2})
  endif()
  set(${out} ${files} PARENT_SCOPE)
endfunction()
