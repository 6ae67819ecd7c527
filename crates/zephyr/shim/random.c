/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

/* rand32.h became random.h in Zephyr 3.5; CSPRING became CSPRNG in 3.6. */
#if __has_include(<zephyr/random/random.h>)
#include <zephyr/random/random.h>
#else
#include <zephyr/random/rand32.h>
#endif

int32_t ocre_port_random(uint8_t *buffer, uint32_t bytes)
{
#if defined(CONFIG_CSPRNG_ENABLED) || defined(CONFIG_CSPRING_ENABLED)
	return sys_csrand_get(buffer, bytes) == 0;
#else
	(void)buffer;
	(void)bytes;
	return 0;
#endif
}
