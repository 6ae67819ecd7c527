/* SPDX-License-Identifier: Apache-2.0 */
#include "reboot.h"

#include <zephyr/kernel.h>
#include <zephyr/sys/reboot.h>

void suite_reboot(void)
{
	/* What was printed is to be out. */
	k_msleep(100);
	sys_reboot(SYS_REBOOT_COLD);
}
