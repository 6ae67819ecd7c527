/* SPDX-License-Identifier: Apache-2.0 */
/* What a small firmware calls; it is built and measured, not run. */
#include <ocre/ocre.h>

int main(void)
{
	char refusal[OCRE_TEXT_BYTES];
	struct ocre_status status;
	ocre_container_t container;

	if (ocre_init() != 0 || ocre_create("main", NULL, &container, refusal) != 0 ||
	    ocre_start(container) != 0) {
		return 1;
	}
	(void)ocre_wait(container, OCRE_FOREVER, &status);
	return status.code;
}
