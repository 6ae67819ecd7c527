/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a line with printf and sleeps. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argv;
	printf("ready %d\n", argc);
	fflush(stdout);
	for (;;) {
		sleep(3600);
	}
}
