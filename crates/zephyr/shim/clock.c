/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include <zephyr/kernel.h>

/* Offset from the time since boot to the date, in nanoseconds; 0 while unknown. */
static uint64_t epoch_ns;
static struct k_spinlock lock;

uint64_t ocre_port_uptime_us(void)
{
	return k_ticks_to_us_floor64((uint64_t)k_uptime_ticks());
}

uint64_t ocre_port_wall_ns(void)
{
	uint64_t up = ocre_port_uptime_us() * NSEC_PER_USEC;
	k_spinlock_key_t key = k_spin_lock(&lock);
	uint64_t epoch = epoch_ns;

	k_spin_unlock(&lock, key);
	return epoch != 0 ? epoch + up : 0;
}

void ocre_port_set_wall_ns(uint64_t now)
{
	uint64_t up = ocre_port_uptime_us() * NSEC_PER_USEC;
	k_spinlock_key_t key = k_spin_lock(&lock);

	epoch_ns = now > up ? now - up : 0;
	k_spin_unlock(&lock, key);
}
