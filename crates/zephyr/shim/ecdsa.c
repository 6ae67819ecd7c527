/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#ifdef CONFIG_OCRE_ECDSA_PSA

#include <psa/crypto.h>

int32_t ocre_port_verify_ecdsa(const uint8_t *point, const uint8_t *digest,
			       const uint8_t *signature)
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t key;
	psa_status_t status;

	/* Repeated calls do nothing. */
	if (psa_crypto_init() != PSA_SUCCESS) {
		return 0;
	}
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_256));
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
	if (psa_import_key(&attributes, point, 65, &key) != PSA_SUCCESS) {
		return 0;
	}
	status = psa_verify_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 32, signature, 64);
	psa_destroy_key(key);
	return status == PSA_SUCCESS;
}

#else

#include <p256-m.h>

int32_t ocre_port_verify_ecdsa(const uint8_t *point, const uint8_t *digest,
			       const uint8_t *signature)
{
	/* The library takes the two coordinates alone. */
	return p256_ecdsa_verify(signature, point + 1, digest, 32) == P256_SUCCESS;
}

#endif
