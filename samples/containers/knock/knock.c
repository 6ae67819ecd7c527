/* SPDX-License-Identifier: Apache-2.0 */
/*
 * knock PART [SENSOR]
 *
 * Calls each function of one part of the guest API, "system", "timers", "messaging",
 * "gpio" or "sensors", and prints what each answers, so that it can be seen which
 * doors are open. "sensors" looks for one of that name too. Exits with the number of
 * answers that were EPERM.
 *
 * It imports all of the guest API.
 */
#include "../../../sdk/c/ocre.h"

#include <stdio.h>
#include <string.h>

enum { PERM = -1, USAGE = 100 };

static int refused;

/* No printf: its code would be half of the guest. */
static void say(const char *what, int answer)
{
	char text[12];
	char *at = text + sizeof(text) - 1;
	unsigned int size = answer < 0 ? 0u - (unsigned int)answer : (unsigned int)answer;

	*at = '\0';
	do {
		*--at = (char)('0' + size % 10);
		size /= 10;
	} while (size != 0);
	if (answer < 0) {
		*--at = '-';
	}
	fputs(what, stdout);
	fputs(" ", stdout);
	puts(at);
	refused += answer == PERM;
}

#define CALL(function, ...) say(#function, (int)function(__VA_ARGS__))

static void knock_system(void)
{
	struct ocre_names names;
	struct ocre_event event;

	CALL(ocre_uname, &names);
	puts(names.system);
	puts(names.node);
	CALL(ocre_sleep, 1);
	CALL(ocre_next_event, &event);
	CALL(ocre_wait_event, 1);
	CALL(ocre_lost_events);
	CALL(ocre_register_dispatcher, OCRE_EVENT_TIMER, "ticked");
	CALL(ocre_register_dispatcher, OCRE_EVENT_GPIO, "changed");
	CALL(ocre_register_dispatcher, OCRE_EVENT_SENSOR, "measured");
	CALL(ocre_register_dispatcher, OCRE_EVENT_MESSAGE, "told");
}

static void knock_timers(void)
{
	struct ocre_event event = {0};
	int remaining;

	CALL(ocre_timer_create, 1);
	CALL(ocre_timer_start, 1, 60000, 0);
	remaining = ocre_timer_get_remaining(1);
	say("ocre_timer_get_remaining", remaining > 0 ? 1 : remaining);
	CALL(ocre_timer_stop, 1);
	CALL(ocre_timer_start, 1, 10, 0);
	CALL(ocre_wait_event, 20);
	CALL(ocre_next_event, &event);
	say("timer", (int)event.id);
	CALL(ocre_timer_delete, 1);
}

static void knock_messaging(void)
{
	struct ocre_event event = {0};

	CALL(ocre_subscribe_message, "knock/+");
	CALL(ocre_publish_message, "knock/door", "text/plain", "who's there?", 12);
	CALL(ocre_next_event, &event);
	if (event.type == OCRE_EVENT_MESSAGE) {
		puts(ocre_message_topic(&event));
		puts(ocre_message_content_type(&event));
		puts(ocre_message_payload(&event));
		say("bytes", (int)event.payload_len);
	}
	CALL(ocre_message_free, &event);
}

/* Beside the pins that have names. */
static void knock_gpio(void)
{
	CALL(ocre_gpio_init);
	CALL(ocre_gpio_configure, 0, 4, OCRE_GPIO_OUTPUT);
	CALL(ocre_gpio_pin_set, 0, 4, 1);
	CALL(ocre_gpio_pin_get, 0, 4);
	CALL(ocre_gpio_pin_toggle, 0, 4);
	CALL(ocre_gpio_pin_get, 0, 4);
	CALL(ocre_gpio_configure, 0, 5, OCRE_GPIO_INPUT);
	CALL(ocre_gpio_register_callback, 0, 5);
	CALL(ocre_gpio_unregister_callback, 0, 5);
	CALL(ocre_gpio_configure_by_name, "led0", OCRE_GPIO_OUTPUT);
	CALL(ocre_gpio_set_by_name, "led0", 1);
	CALL(ocre_gpio_get_by_name, "led0");
	CALL(ocre_gpio_toggle_by_name, "led0");
	CALL(ocre_gpio_get_by_name, "led0");
	CALL(ocre_gpio_configure_by_name, "sw0", OCRE_GPIO_INPUT);
	CALL(ocre_gpio_register_callback_by_name, "sw0");
	CALL(ocre_gpio_unregister_callback_by_name, "sw0");
}

static int thousandths(double measured)
{
	return measured == PERM ? PERM : (int)(measured * 1000.0);
}

#define MEASURE(function, ...) say(#function, thousandths(function(__VA_ARGS__)))

static void knock_sensors(const char *name)
{
	int channel;

	CALL(ocre_sensors_init);
	CALL(ocre_sensors_discover);
	CALL(ocre_sensors_open, 0);
	CALL(ocre_sensors_get_handle, 0);
	CALL(ocre_sensors_get_channel_count, 0);
	channel = ocre_sensors_get_channel_type(0, 0);
	say("ocre_sensors_get_channel_type", channel);
	MEASURE(ocre_sensors_read, 0, channel);
	CALL(ocre_sensors_open_by_name, name);
	CALL(ocre_sensors_get_handle_by_name, name);
	CALL(ocre_sensors_get_channel_count_by_name, name);
	channel = ocre_sensors_get_channel_type_by_name(name, 0);
	say("ocre_sensors_get_channel_type_by_name", channel);
	MEASURE(ocre_sensors_read_by_name, name, channel);
}

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "";

	if (strcmp(part, "system") == 0) {
		knock_system();
	} else if (strcmp(part, "timers") == 0) {
		knock_timers();
	} else if (strcmp(part, "messaging") == 0) {
		knock_messaging();
	} else if (strcmp(part, "gpio") == 0) {
		knock_gpio();
	} else if (strcmp(part, "sensors") == 0) {
		knock_sensors(argc > 2 ? argv[2] : "");
	} else {
		return USAGE;
	}
	return refused;
}
