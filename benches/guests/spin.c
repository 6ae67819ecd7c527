/* SPDX-License-Identifier: Apache-2.0 */
/* Never ends by itself. */
#include <stdint.h>

__attribute__((export_name("_start"))) void
start(void)
{
    for (volatile uint32_t i = 0;; i++)
        ;
}
