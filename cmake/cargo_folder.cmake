# SPDX-License-Identifier: Apache-2.0
# Where Cargo builds: in the build's folder, or, where OCRE_CARGO_DIR names a folder,
# by -D or in the environment, in one below it, which all builds share that make the
# same of the same sources. Cargo lets one build after the other into it.

# Sets `out` to the folder: `own` unless it is shared. `made_of` is the text of all
# that what is built there depends on besides sources.
function(ocre_cargo_folder out own made_of)
  zephyr_get(OCRE_CARGO_DIR)
  if(OCRE_CARGO_DIR)
    string(SHA256 key "${CMAKE_CURRENT_FUNCTION_LIST_DIR}\n${made_of}")
    string(SUBSTRING ${key} 0 16 key)
    set(${out} ${OCRE_CARGO_DIR}/${key} PARENT_SCOPE)
  else()
    set(${out} ${own} PARENT_SCOPE)
  endif()
endfunction()
