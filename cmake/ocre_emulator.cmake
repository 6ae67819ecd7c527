# SPDX-License-Identifier: Apache-2.0
# The emulated Cortex-M3, whose partition is its PSRAM (snippets/ocre-storage): QEMU
# keeps that memory in the file flash.bin of the build's folder, so that it outlives
# a reset and QEMU itself, and the `ocre` program can read and write it in between.

set(psram_bytes 16777216)
if(CONFIG_BOARD_MPS2_AN385)
  dt_nodelabel(partition NODELABEL storage_partition)
  if(partition)
    ocre_storage_partition(size block address)
    if(size EQUAL psram_bytes AND address EQUAL 0x21000000)
      set_property(GLOBAL PROPERTY OCRE_EMULATED_FLASH TRUE)
      # Read where Zephyr makes the command that starts QEMU, later on.
      set(QEMU_EXTRA_FLAGS
        ${QEMU_EXTRA_FLAGS}
        -machine memory-backend=ocre_flash
        -object memory-backend-file,id=ocre_flash,size=${psram_bytes},share=on,mem-path=${CMAKE_BINARY_DIR}/flash.bin
        PARENT_SCOPE
      )
    endif()
  endif()
endif()
