# SPDX-License-Identifier: Apache-2.0

# ocre_guest_heap(<variable> <guest> <heap>)
#
# Sets the variable to the bytes of a heap such as 4096, 8K or 1M, or to "grow". Other values
# end the configuration.
function(ocre_guest_heap out guest heap)
  set(bytes grow)
  if(NOT "${heap}" STREQUAL "grow")
    set(bytes 0)
    if("${heap}" MATCHES "^([1-9][0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?[0-9]?)([KM]?)$")
      set(unit 1)
      if(CMAKE_MATCH_2 STREQUAL "K")
        set(unit 1024)
      elseif(CMAKE_MATCH_2 STREQUAL "M")
        set(unit 1048576)
      endif()
      math(EXPR bytes "${CMAKE_MATCH_1} * ${unit}")
    endif()
    if(bytes LESS 1 OR bytes GREATER 1073741824)
      message(FATAL_ERROR "ocre: ocre_guest(${guest}): HEAP is 1 to 1073741824 bytes, such as \
4096 or 8K, or grow; it is \"${heap}\"")
    endif()
  endif()
  set(${out} ${bytes} PARENT_SCOPE)
endfunction()
