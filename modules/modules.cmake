# SPDX-License-Identifier: Apache-2.0
# Where Zephyr finds what the modules leave to others.
set(ZEPHYR_WASM_MICRO_RUNTIME_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR}/wamr-project)
set(ZEPHYR_WASM_MICRO_RUNTIME_KCONFIG ${CMAKE_CURRENT_LIST_DIR}/wamr-project/Kconfig)
