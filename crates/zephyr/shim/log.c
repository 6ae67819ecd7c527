/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include <zephyr/kernel.h>
#include <zephyr/logging/log.h>
#include <zephyr/logging/log_ctrl.h>

LOG_MODULE_REGISTER(ocre, CONFIG_OCRE_LOG_LEVEL);

void ocre_port_log(uint32_t level, const uint8_t *text, uint32_t bytes)
{
	switch (level) {
	case 1:
		LOG_ERR("%.*s", (int)bytes, (const char *)text);
		break;
	case 2:
		LOG_WRN("%.*s", (int)bytes, (const char *)text);
		break;
	case 3:
		LOG_INF("%.*s", (int)bytes, (const char *)text);
		break;
	default:
		LOG_DBG("%.*s", (int)bytes, (const char *)text);
		break;
	}
}

void ocre_port_panic(const uint8_t *file, uint32_t bytes, uint32_t line)
{
	LOG_PANIC();
	if (IS_ENABLED(CONFIG_OCRE_PANIC_LOCATION)) {
		printk("ocre: panic at %.*s:%u\n", (int)bytes, (const char *)file, line);
	} else {
		printk("ocre: panic; CONFIG_OCRE_PANIC_LOCATION=y prints its location\n");
	}
	k_panic();
}
