/* SPDX-License-Identifier: Apache-2.0 */
/* A device for the shell: everything else is the command "ocre". */
#include <ocre/ocre.h>
#include <zephyr/kernel.h>

int main(void)
{
	int result = ocre_init();

	if (result != 0) {
		printk("ocre does not start: %d\n", result);
	}
	return 0;
}
