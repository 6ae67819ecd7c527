/* SPDX-License-Identifier: Apache-2.0 */
/* Each function of the guest API, called by a guest that has the permission for it and
 * by one that has not. */
#include "containers.h"

#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(functions, NULL, runtime_started, NULL, containers_removed_after, NULL);

/* Where a pin's controller can't interrupt, watching it is not supported (ENOTSUP), and what is
 * not watched can't be watched no longer (EINVAL). */
#ifdef CONFIG_ARCH_POSIX
#define WATCHED(how)                                                                               \
	"ocre_gpio_register_callback" how " 0\n"                                                   \
	"ocre_gpio_unregister_callback" how " 0\n"
#else
#define WATCHED(how)                                                                               \
	"ocre_gpio_register_callback" how " -95\n"                                                 \
	"ocre_gpio_unregister_callback" how " -22\n"
#endif

static const struct part {
	const char *words;
	const char *permission;
	/* What a guest with the permission sees; how many functions refuse one without. */
	const char *answers;
	int refusals;
} parts[] = {
	{
		"timers",
		"timers",
		"ocre_timer_create 0\nocre_timer_start 0\nocre_timer_get_remaining 1\n"
		"ocre_timer_stop 0\nocre_timer_start 0\nocre_wait_event 0\nocre_next_event 0\n"
		"timer 1\nocre_timer_delete 0\n",
		6,
	},
	{
		"messaging",
		"messaging",
		"ocre_subscribe_message 0\nocre_publish_message 0\nocre_next_event 0\nknock/door\n"
		"text/plain\nwho's there?\nbytes 12\nocre_message_free 0\n",
		3,
	},
	{
		"gpio",
		"gpio",
		"ocre_gpio_init 0\nocre_gpio_configure 0\nocre_gpio_pin_set 0\n"
		"ocre_gpio_pin_get 1\nocre_gpio_pin_toggle 0\nocre_gpio_pin_get 0\n"
		"ocre_gpio_configure 0\n" WATCHED("") "ocre_gpio_configure_by_name 0\n"
		"ocre_gpio_set_by_name 0\nocre_gpio_get_by_name 1\nocre_gpio_toggle_by_name 0\n"
		"ocre_gpio_get_by_name 0\nocre_gpio_configure_by_name 0\n" WATCHED("_by_name"),
		17,
	},
	/* Its answers are in sensors.c. */
	{"sensors", "sensors", NULL, 12},
};

ZTEST(functions, test_without_a_permission_a_guest_knows_where_it_is)
{
	ocre_container_t container = container_granted("modest", "modest", "system", "");

	zassert_ok(ocre_wait(container, OCRE_FOREVER, NULL));
	container_wrote(container, "ocre_uname 0\nOcre\nmodest\nocre_sleep 0\n"
				   "ocre_next_event -42\nocre_wait_event -110\n"
				   "ocre_lost_events 0\nocre_register_dispatcher -1\n"
				   "ocre_register_dispatcher -1\nocre_register_dispatcher -1\n"
				   "ocre_register_dispatcher -1\n");
}

ZTEST(functions, test_each_answers_a_guest_with_its_permission)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		struct ocre_status status;
		ocre_container_t container;

		if (parts[i].answers == NULL) {
			continue;
		}
		container = container_granted("knock", "a", parts[i].words, parts[i].permission);
		zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
		container_wrote(container, parts[i].answers);
		container_ended(&status, OCRE_EXITED, 0, "");
		zassert_ok(ocre_remove(container, 0));
	}
}

ZTEST(functions, test_each_refuses_a_guest_without_its_permission)
{
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		char others[64] = "";

		for (size_t other = 0; other < ARRAY_SIZE(parts); other++) {
			if (other != i) {
				strcat(strcat(others, parts[other].permission), " ");
			}
		}
		/* Not granted, and granted but not asked for. */
		for (int asked = 0; asked < 2; asked++) {
			struct ocre_status status;
			ocre_container_t container =
				container_granted(asked ? "knock" : "modest", "a", parts[i].words,
						  asked ? others : parts[i].permission);

			zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
			container_ended(&status, OCRE_EXITED, parts[i].refusals, "");
			zassert_ok(ocre_remove(container, 0));
		}
	}
}
