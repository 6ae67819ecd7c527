/* SPDX-License-Identifier: Apache-2.0 */
#include "other_language.h"

#include <ocre/ocre.h>

static int count_one(void *context, ocre_container_t container, const char *name)
{
	(void)container;
	(void)name;
	*static_cast<int *>(context) += 1;
	return 1;
}

int other_language_count(void)
{
	int count = 0;

	return ocre_list(count_one, &count) == 0 ? count : -1;
}
