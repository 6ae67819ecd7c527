/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Functions of the runtime for a container, besides WASI.
 *
 * Functions return 0, the documented result, or an errno with Linux's number,
 * negated. Most functions need a permission that the image asks for and the
 * operator grants. Without the permission, the result is -1 (EPERM).
 * docs/permissions.md lists the permissions.
 */
#ifndef OCRE_GUEST_H
#define OCRE_GUEST_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OCRE_IMPORT(name) __attribute__((import_module("env"), import_name(#name))) name

/* --- Without a permission --- */

/** Texts about the runtime, each ended by NUL. */
struct ocre_names {
	char system[65];
	char node[65]; /**< The container's name. */
	char release[65];
	char version[65];
	char machine[65];
	char domain[65];
};
/* Imported as "uname", which is another function in C's library. */
int __attribute__((import_module("env"), import_name("uname")))
ocre_uname(struct ocre_names *names);

/** Sleeps. A kill ends the sleep at once. */
int OCRE_IMPORT(ocre_sleep)(int milliseconds);

/** @name Kinds of events
 * @{
 */
#define OCRE_EVENT_TIMER   0u /**< `id` is the timer. */
#define OCRE_EVENT_GPIO    1u /**< `id` is the pin, `port` its port, `state` its level. */
#define OCRE_EVENT_SENSOR  2u
#define OCRE_EVENT_MESSAGE 3u /**< `id` counts the container's messages. */
/** @} */

/** Event. For a message, three members are addresses: use ocre_message_*(). */
struct ocre_event {
	uint32_t type;
	uint32_t id;
	uint32_t port;
	uint32_t state;
	uint32_t extra;
	uint32_t payload_len;
};

/** Takes the next event, and writes each member to a separate address. Returns -42 if
 * there is no event, -12 if messages must be freed first. */
int OCRE_IMPORT(ocre_get_event)(uint32_t *type, uint32_t *id, uint32_t *port, uint32_t *state,
				uint32_t *extra, uint32_t *payload_len);

/** Waits for an event, at most the given milliseconds, or without limit if negative.
 * Returns -110 after a timeout. Not in Ocre. */
int OCRE_IMPORT(ocre_wait_event)(int milliseconds);

/** Number of events lost because the guest was too slow. Not in Ocre. */
int OCRE_IMPORT(ocre_lost_events)(void);

/** Accepted for guests that name a function to handle their events. The runtime never
 * calls it. */
int OCRE_IMPORT(ocre_register_dispatcher)(uint32_t type, const char *function);

/** Like ocre_get_event(), into a structure. */
static inline int ocre_next_event(struct ocre_event *event)
{
	return ocre_get_event(&event->type, &event->id, &event->port, &event->state,
			      &event->extra, &event->payload_len);
}

/* --- With the permission "timers" --- */

/** Creates a timer; numbers begin at 1. Returns -16 if the timer exists. */
int OCRE_IMPORT(ocre_timer_create)(int id);
/** Sends an event after 1 to 65535 ms; periodically if `periodic` is not 0. */
int OCRE_IMPORT(ocre_timer_start)(int id, int milliseconds, int periodic);
int OCRE_IMPORT(ocre_timer_stop)(int id);
int OCRE_IMPORT(ocre_timer_delete)(int id);
/** Milliseconds until the timer sends its next event; 0 for a stopped timer. */
int OCRE_IMPORT(ocre_timer_get_remaining)(int id);

/* --- With the permission "messaging" --- */

/** Sends a message to all containers that have subscribed to a matching topic. Returns
 * -2 if there is none, -90 if the message is too long. */
int OCRE_IMPORT(ocre_publish_message)(const char *topic, const char *content_type,
				      const void *payload, int payload_len);
/** Subscribes to topics. Topics have levels, "a/b"; "+" matches any one level, "#"
 * all that follow, and "a/" everything below "a". */
int OCRE_IMPORT(ocre_subscribe_message)(const char *topic);
/** Frees the memory of a message. */
int OCRE_IMPORT(ocre_messaging_free_module_event_data)(uint32_t topic, uint32_t content_type,
							uint32_t payload);

static inline const char *ocre_message_topic(const struct ocre_event *event)
{
	return (const char *)(uintptr_t)event->port;
}

static inline const char *ocre_message_content_type(const struct ocre_event *event)
{
	return (const char *)(uintptr_t)event->state;
}

/** Payload of `payload_len` bytes, followed by a NUL. */
static inline const void *ocre_message_payload(const struct ocre_event *event)
{
	return (const void *)(uintptr_t)event->extra;
}

/** Frees the memory of a message. Call after the last use. */
static inline int ocre_message_free(const struct ocre_event *event)
{
	return ocre_messaging_free_module_event_data(event->port, event->state, event->extra);
}

/* --- With the permission "gpio" --- */

#define OCRE_GPIO_INPUT  0
#define OCRE_GPIO_OUTPUT 1

int OCRE_IMPORT(ocre_gpio_init)(void);
/** Configures a pin for this container, until the end of the run. Returns -16 if
 * another container uses the pin. */
int OCRE_IMPORT(ocre_gpio_configure)(int port, int pin, int direction);
int OCRE_IMPORT(ocre_gpio_pin_set)(int port, int pin, int state);
/** Level of a pin, 1 or 0. */
int OCRE_IMPORT(ocre_gpio_pin_get)(int port, int pin);
int OCRE_IMPORT(ocre_gpio_pin_toggle)(int port, int pin);
/** Starts or stops events for each change of an input. */
int OCRE_IMPORT(ocre_gpio_register_callback)(int port, int pin);
int OCRE_IMPORT(ocre_gpio_unregister_callback)(int port, int pin);
/* The same by name, such as "led0". */
int OCRE_IMPORT(ocre_gpio_configure_by_name)(const char *name, int direction);
int OCRE_IMPORT(ocre_gpio_set_by_name)(const char *name, int state);
int OCRE_IMPORT(ocre_gpio_get_by_name)(const char *name);
int OCRE_IMPORT(ocre_gpio_toggle_by_name)(const char *name);
int OCRE_IMPORT(ocre_gpio_register_callback_by_name)(const char *name);
int OCRE_IMPORT(ocre_gpio_unregister_callback_by_name)(const char *name);

/* --- With the permission "sensors" --- */

int OCRE_IMPORT(ocre_sensors_init)(void);
/** Number of sensors; they are numbered from 0. */
int OCRE_IMPORT(ocre_sensors_discover)(void);
int OCRE_IMPORT(ocre_sensors_open)(int sensor);
int OCRE_IMPORT(ocre_sensors_get_handle)(int sensor);
int OCRE_IMPORT(ocre_sensors_get_channel_count)(int sensor);
/** Quantity that the channel measures, by Zephyr's number: 13 is the temperature. */
int OCRE_IMPORT(ocre_sensors_get_channel_type)(int sensor, int index);
/** Measured value, or an errno, negated. */
double OCRE_IMPORT(ocre_sensors_read)(int sensor, int channel);
int OCRE_IMPORT(ocre_sensors_open_by_name)(const char *name);
int OCRE_IMPORT(ocre_sensors_get_handle_by_name)(const char *name);
int OCRE_IMPORT(ocre_sensors_get_channel_count_by_name)(const char *name);
int OCRE_IMPORT(ocre_sensors_get_channel_type_by_name)(const char *name, int index);
double OCRE_IMPORT(ocre_sensors_read_by_name)(const char *name, int channel);

#ifdef __cplusplus
}
#endif

#endif
