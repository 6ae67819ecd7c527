/* SPDX-License-Identifier: Apache-2.0 */
/* greedy: a guest whose memory is nearly four pages. */
#include <stdint.h>

static volatile uint8_t all[4 * 65536 - 4096];

int main(void)
{
	all[sizeof(all) - 1] = 1;
	return all[0];
}
