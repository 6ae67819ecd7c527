/* SPDX-License-Identifier: Apache-2.0 */
/* Runs one container from C, to its end. */
#include <ocre/ocre.h>
#include <zephyr/kernel.h>

static const char *const states[] = {
	"created", "running", "paused",     "exited",     "trapped",
	"killed",  "failed",  "restarting", "crash loop",
};

int main(void)
{
	static const char *const arguments[] = {"Zephyr"};
	const struct ocre_options options = {
		.name = "greeter",
		.arguments = arguments,
		.argument_count = ARRAY_SIZE(arguments),
		/* It is made anew at each boot: after a reset or a power cut it is not
		 * there, and its name is free. */
		.flags = OCRE_ATTACHED | OCRE_TEMPORARY,
	};
	char refusal[OCRE_TEXT_BYTES];
	struct ocre_status status;
	ocre_container_t container;
	int result = ocre_init();

	if (result != 0) {
		printk("ocre does not start: %d\n", result);
		return 0;
	}
	result = ocre_create("greeter", &options, &container, refusal);
	if (result != 0) {
		printk("no container of greeter: %d %s\n", result, refusal);
		return 0;
	}
	result = ocre_start(container);
	if (result == 0) {
		result = ocre_wait(container, OCRE_FOREVER, &status);
	} else {
		/* Why is in its status. */
		result = ocre_status(container, &status);
	}
	if (result == 0) {
		printk("greeter ended: %s, code %d%s%s\n", states[status.state], status.code,
		       status.reason[0] != '\0' ? ", " : "", status.reason);
	}
	(void)ocre_remove(container, 0);
	return 0;
}
