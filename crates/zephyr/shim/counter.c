/* SPDX-License-Identifier: Apache-2.0 */
#include "port.h"

#include <ocre/counter.h>

int32_t ocre_port_counter_read(const uint8_t *name, uint64_t *number)
{
	return ocre_counter_read(name, number);
}

int32_t ocre_port_counter_raise(const uint8_t *name, uint64_t number)
{
	return ocre_counter_raise(name, number);
}
