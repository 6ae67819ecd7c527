# SPDX-License-Identifier: Apache-2.0
# Where Zephyr finds the build of the modules that bring none of their own.
set(ZEPHYR_WASM_MICRO_RUNTIME_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR}/wasm-micro-runtime)
