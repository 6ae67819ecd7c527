# SPDX-License-Identifier: Apache-2.0
# Files of the keys that the firmware trusts.

# Writes the absolute path of each file of CONFIG_OCRE_TRUSTED_KEYS to a line of
# `ocre/trusted_keys` in the build's folder, and sets `out` to the path of that file, empty where there
# are no keys; `ocre flash create --zephyr-build` reads it too.
function(ocre_trusted_keys out)
  set(list ${CMAKE_BINARY_DIR}/ocre/trusted_keys)
  set(paths)
  separate_arguments(files UNIX_COMMAND "${CONFIG_OCRE_TRUSTED_KEYS}")
  foreach(file IN LISTS files)
    get_filename_component(path "${file}" ABSOLUTE BASE_DIR ${APPLICATION_SOURCE_DIR})
    if(NOT EXISTS "${path}")
      message(FATAL_ERROR "ocre: CONFIG_OCRE_TRUSTED_KEYS: there is no file ${path}")
    endif()
    string(APPEND paths "${path}\n")
  endforeach()
  if((CONFIG_OCRE_POLICY_SIGNED OR CONFIG_OCRE_POLICY_PINNED)
      AND "${paths}${CONFIG_OCRE_PINNED_DIGESTS}" STREQUAL "")
    message(FATAL_ERROR "ocre: the policy for images lets none run: set CONFIG_OCRE_TRUSTED_KEYS or \
CONFIG_OCRE_PINNED_DIGESTS, or choose another policy")
  endif()
  file(CONFIGURE OUTPUT ${list} CONTENT "${paths}" @ONLY)
  if("${paths}" STREQUAL "")
    # Builds without keys share their results.
    set(list)
  endif()
  set(${out} ${list} PARENT_SCOPE)
endfunction()
