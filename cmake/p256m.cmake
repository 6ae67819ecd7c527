# SPDX-License-Identifier: Apache-2.0
# p256-m: ECDSA over P-256, from the sources of Mbed TLS, without the rest of Mbed TLS.

# Adds the verifier of signatures to the current library.
function(ocre_p256m_sources)
  # Where Mbed TLS 3 and 4 have it.
  foreach(folder
      ${ZEPHYR_MBEDTLS_MODULE_DIR}/3rdparty
      ${ZEPHYR_MBEDTLS_MODULE_DIR}/tf-psa-crypto/drivers
      ${ZEPHYR_TF_PSA_CRYPTO_MODULE_DIR}/drivers)
    if(EXISTS ${folder}/p256-m/p256-m/p256-m.c)
      set(p256m ${folder}/p256-m/p256-m)
    endif()
  endforeach()
  if(NOT p256m)
    message(FATAL_ERROR "ocre: CONFIG_OCRE_TRUSTED_KEYS needs p256-m, which the module mbedtls has \
from Mbed TLS 3.5 on: add mbedtls to the workspace, or enable a PSA Crypto API and \
CONFIG_OCRE_ECDSA_PSA")
  endif()
  set(source ${p256m}/p256-m.c)
  zephyr_library_sources(ecdsa.c ${source})
  zephyr_library_include_directories(
    ${p256m}
    ${ZEPHYR_MBEDTLS_MODULE_DIR}/include
  )
  # The library is empty without the first. A verification has no secrets, so the time of a
  # multiplication may depend on the numbers: with the second it takes one instruction.
  set_source_files_properties(${source} PROPERTIES
    COMPILE_DEFINITIONS "MBEDTLS_PSA_P256M_DRIVER_ENABLED;MUL64_IS_CONSTANT_TIME")
  if(CONFIG_ARM AND NOT (CONFIG_CPU_CORTEX_M4 OR CONFIG_CPU_CORTEX_M7 OR CONFIG_ARMV8_M_DSP))
    # Without DSP instructions, the library's own assembly takes constant time, and 2.6 times as many
    # instructions as the compiler's code.
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -U__ARM_ARCH_PROFILE)
  endif()
endfunction()
