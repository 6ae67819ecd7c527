# SPDX-License-Identifier: Apache-2.0
# Emulated boards, whose partition is a memory of 16 MiB (snippets/ocre-storage). QEMU
# keeps that memory in a file of the build's folder, so that it outlives a reset and
# QEMU itself.
#
# On Cortex-M the memory is the PSRAM, and its file flash.bin; the `ocre` program can
# read and write it in between. On RISC-V it is the end of the only RAM, and the file
# ram.bin holds the whole of it: the partition begins after 224 MiB.

set(partition_bytes 16777216)
set(partition_address)
set(memory_bytes ${partition_bytes})
set(file flash.bin)
if(CONFIG_BOARD_MPS2_AN385 OR CONFIG_BOARD_MPS2_AN386)
  set(partition_address 0x21000000)
elseif(CONFIG_BOARD_MPS2_AN521 OR CONFIG_BOARD_MPS2_AN521_CPU0)
  set(partition_address 0x80000000)
elseif(CONFIG_BOARD_QEMU_RISCV32)
  set(partition_address 0x8e000000)
  set(memory_bytes 268435456)
  set(file ram.bin)
  # One RAM has code and data: a warning of newer linkers, which twister makes an error.
  zephyr_ld_options(-Wl,--no-warn-rwx-segments)
endif()
if(partition_address)
  dt_nodelabel(partition NODELABEL storage_partition)
  if(partition)
    ocre_storage_partition(size block address)
    if(size EQUAL partition_bytes AND address EQUAL partition_address)
      set_property(GLOBAL PROPERTY OCRE_EMULATED_FLASH ${file})
      # Read where Zephyr makes the command that starts QEMU, later on.
      set(QEMU_EXTRA_FLAGS
        ${QEMU_EXTRA_FLAGS}
        -machine memory-backend=ocre_memory
        -object memory-backend-file,id=ocre_memory,size=${memory_bytes},share=on,mem-path=${CMAKE_BINARY_DIR}/${file}
        PARENT_SCOPE
      )
    endif()
  endif()
endif()
