# SPDX-License-Identifier: Apache-2.0
# What every suite is built with; included before Zephyr is found.
set(KCONFIG_ROOT ${CMAKE_CURRENT_LIST_DIR}/Kconfig)
list(APPEND EXTRA_CONF_FILE ${CMAKE_CURRENT_LIST_DIR}/suite.conf)
if("${BOARD}$ENV{BOARD}" MATCHES "^(mps2|qemu)")
  set(emulated TRUE)
endif()
