/* SPDX-License-Identifier: Apache-2.0 */
/* Prints a line out of memory of malloc and sleeps. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	char *line = malloc(64);

	if (line == NULL) {
		return 1;
	}
	strcpy(line, "ready\n");
	(void)write(1, line, strlen(line));
	for (;;) {
		sleep(3600);
	}
}
