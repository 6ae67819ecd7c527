/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins, and names by devicetree alias. The controllers with the node labels gpio0 to
 * gpio7, or gpioa to gpioh, have the numbers from 0; behind those come the others that
 * have a named pin, each by the first of its names, so that a pin has one number.
 */
#include "port.h"

#include <string.h>
#include <zephyr/drivers/gpio.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#define PORTS 8
#define NOBODY UINT32_MAX

#define PORT(letter, number)                                                                       \
	COND_CODE_1(DT_NODE_HAS_STATUS(DT_NODELABEL(gpio##number), okay),                          \
		    (DEVICE_DT_GET(DT_NODELABEL(gpio##number))),                                   \
		    (DEVICE_DT_GET_OR_NULL(DT_NODELABEL(gpio##letter))))

static const struct device *const ports[PORTS] = {
	PORT(a, 0), PORT(b, 1), PORT(c, 2), PORT(d, 3), PORT(e, 4), PORT(f, 5), PORT(g, 6), PORT(h, 7),
};

static const struct named {
	const char *name;
	struct gpio_dt_spec spec;
} names[] = {
#define NAMED(alias)                                                                               \
	IF_ENABLED(DT_NODE_HAS_PROP(DT_ALIAS(alias), gpios),                                       \
		   ({STRINGIFY(alias), GPIO_DT_SPEC_GET(DT_ALIAS(alias), gpios)},))
	NAMED(led0) NAMED(led1) NAMED(led2) NAMED(led3)
	NAMED(sw0) NAMED(sw1) NAMED(sw2) NAMED(sw3)
	{NULL, {NULL, 0, 0}},
};

/* The last thing that happened to a watched pin, in the order of its happening. */
struct change {
	uint8_t port;
	uint8_t line;
	uint8_t active;
};

static struct kept {
	struct change changes[CONFIG_OCRE_GPIO_CHANGES];
	uint8_t first;
	uint8_t count;
	uint32_t lost;
} kept[CONFIG_OCRE_CONTAINERS];

static struct watch {
	struct gpio_callback callback;
	uint32_t watcher;
	uint8_t port;
	uint8_t line;
	bool used;
} watches[CONFIG_OCRE_GPIO_PINS];

/* Guards both of the above; also from interrupts. */
static struct k_spinlock lock;

static int32_t status(int result)
{
	switch (result) {
	case 0:
		return 0;
	case -ENOTSUP:
	case -ENOSYS:
		return OCRE_PORT_UNSUPPORTED;
	default:
		return OCRE_PORT_FAILED;
	}
}

#define NAMES (ARRAY_SIZE(names) - 1)

/* PORTS + NAMES for a device that is the port of no pin. */
static uint32_t number_of(const struct device *device)
{
	uint32_t port = 0;

	while (port < PORTS && ports[port] != device) {
		port++;
	}
	while (port >= PORTS && port < PORTS + NAMES && names[port - PORTS].spec.port != device) {
		port++;
	}
	return port;
}

/* NULL where there is no such pin. */
static const struct device *pin(uint32_t port, uint32_t line)
{
	const struct device *device = NULL;
	const struct gpio_driver_config *config;

	if (port < PORTS) {
		device = ports[port];
	} else if (port < PORTS + NAMES) {
		device = names[port - PORTS].spec.port;
	}
	if (device == NULL || number_of(device) != port || !device_is_ready(device) ||
	    line >= 32) {
		return NULL;
	}
	config = device->config;
	return (config->port_pin_mask & BIT(line)) != 0 ? device : NULL;
}

/* Devicetree flags of a pin that has a name. */
static gpio_dt_flags_t flags_of(const struct device *device, uint32_t line)
{
	for (const struct named *named = names; named->name != NULL; named++) {
		if (named->spec.port == device && named->spec.pin == line) {
			return named->spec.dt_flags;
		}
	}
	return 0;
}

int32_t ocre_port_gpio_find(const uint8_t *name, uint32_t name_bytes)
{
	for (const struct named *named = names; named->name != NULL; named++) {
		if (strlen(named->name) != name_bytes ||
		    memcmp(named->name, name, name_bytes) != 0) {
			continue;
		}
		return (int32_t)(number_of(named->spec.port) << 8 | named->spec.pin);
	}
	return OCRE_PORT_ABSENT;
}

static void changed(const struct device *device, struct gpio_callback *callback,
		    gpio_port_pins_t pins)
{
	struct watch *watch = CONTAINER_OF(callback, struct watch, callback);
	int level = gpio_pin_get(device, watch->line);
	k_spinlock_key_t key = k_spin_lock(&lock);
	uint32_t watcher = watch->used ? watch->watcher : NOBODY;

	ARG_UNUSED(pins);
	if (watcher < CONFIG_OCRE_CONTAINERS) {
		struct kept *here = &kept[watcher];

		if (here->count == CONFIG_OCRE_GPIO_CHANGES) {
			here->first = (here->first + 1) % CONFIG_OCRE_GPIO_CHANGES;
			here->count--;
			here->lost++;
		}
		here->changes[(here->first + here->count) % CONFIG_OCRE_GPIO_CHANGES] =
			(struct change){watch->port, watch->line, level > 0};
		here->count++;
	}
	k_spin_unlock(&lock, key);
	if (watcher != NOBODY) {
		ocre_port_wake(watcher);
	}
}

static struct watch *find_watch(uint32_t port, uint32_t line)
{
	for (size_t i = 0; i < ARRAY_SIZE(watches); i++) {
		if (watches[i].used && watches[i].port == port && watches[i].line == line) {
			return &watches[i];
		}
	}
	return NULL;
}

/* Zephyr would call a function that a controller without interrupts does not have. */
static int trigger(const struct device *device, uint32_t line, gpio_flags_t edges)
{
	const struct gpio_driver_api *api = device->api;

	if (api->pin_interrupt_configure == NULL) {
		return -ENOTSUP;
	}
	return gpio_pin_interrupt_configure(device, line, edges);
}

static void unwatch(const struct device *device, uint32_t port, uint32_t line)
{
	struct watch *watch = find_watch(port, line);
	k_spinlock_key_t key;

	if (watch == NULL) {
		return;
	}
	(void)trigger(device, line, GPIO_INT_DISABLE);
	(void)gpio_remove_callback(device, &watch->callback);
	key = k_spin_lock(&lock);
	watch->used = false;
	k_spin_unlock(&lock, key);
}

int32_t ocre_port_gpio_configure(uint32_t port, uint32_t line, uint32_t direction)
{
	const struct device *device = pin(port, line);
	gpio_flags_t flags;
	int result;

	if (device == NULL) {
		return OCRE_PORT_ABSENT;
	}
	unwatch(device, port, line);
	flags = flags_of(device, line);
	switch (direction) {
	case OCRE_PORT_GPIO_INPUT:
		if ((flags & (GPIO_PULL_UP | GPIO_PULL_DOWN)) != 0) {
			return status(gpio_pin_configure(device, line, GPIO_INPUT | flags));
		}
		result = gpio_pin_configure(device, line, GPIO_INPUT | GPIO_PULL_UP | flags);
		/* Not every controller has one. */
		return status(result == 0 ? 0
					  : gpio_pin_configure(device, line, GPIO_INPUT | flags));
	case OCRE_PORT_GPIO_OUTPUT:
		return status(gpio_pin_configure(device, line, GPIO_OUTPUT_INACTIVE | flags));
	default:
		result = gpio_pin_configure(device, line, GPIO_DISCONNECTED);
		return status(result == 0 ? 0 : gpio_pin_configure(device, line, GPIO_INPUT));
	}
}

int32_t ocre_port_gpio_write(uint32_t port, uint32_t line, uint32_t active)
{
	const struct device *device = pin(port, line);

	return device == NULL ? OCRE_PORT_ABSENT
			      : status(gpio_pin_set(device, line, active != 0));
}

int32_t ocre_port_gpio_read(uint32_t port, uint32_t line)
{
	const struct device *device = pin(port, line);
	int level;

	if (device == NULL) {
		return OCRE_PORT_ABSENT;
	}
	level = gpio_pin_get(device, line);
	return level < 0 ? status(level) : level;
}

int32_t ocre_port_gpio_watch(uint32_t port, uint32_t line, uint32_t watcher)
{
	const struct device *device = pin(port, line);
	struct watch *watch = NULL;
	int result;

	if (device == NULL) {
		return OCRE_PORT_ABSENT;
	}
	unwatch(device, port, line);
	if (watcher == NOBODY) {
		return 0;
	}
	K_SPINLOCK(&lock) {
		for (size_t i = 0; i < ARRAY_SIZE(watches) && watch == NULL; i++) {
			if (!watches[i].used) {
				watch = &watches[i];
				watch->used = true;
				watch->watcher = watcher;
				watch->port = (uint8_t)port;
				watch->line = (uint8_t)line;
			}
		}
	}
	if (watch == NULL) {
		return OCRE_PORT_FAILED;
	}
	gpio_init_callback(&watch->callback, changed, BIT(line));
	result = gpio_add_callback(device, &watch->callback);
	if (result == 0) {
		result = trigger(device, line, GPIO_INT_EDGE_BOTH);
	}
	if (result != 0) {
		unwatch(device, port, line);
	}
	return status(result);
}

int32_t ocre_port_gpio_take(uint32_t watcher)
{
	int32_t taken = OCRE_PORT_ABSENT;

	if (watcher >= CONFIG_OCRE_CONTAINERS) {
		return taken;
	}
	K_SPINLOCK(&lock) {
		struct kept *here = &kept[watcher];

		if (here->count != 0) {
			const struct change *change = &here->changes[here->first];

			taken = (int32_t)((uint32_t)change->active << 16 |
					  (uint32_t)change->port << 8 | change->line);
			here->first = (here->first + 1) % CONFIG_OCRE_GPIO_CHANGES;
			here->count--;
		}
	}
	return taken;
}

uint32_t ocre_port_gpio_lost(uint32_t watcher)
{
	uint32_t lost = 0;

	if (watcher < CONFIG_OCRE_CONTAINERS) {
		K_SPINLOCK(&lock) {
			lost = kept[watcher].lost;
		}
	}
	return lost;
}

void ocre_port_gpio_forget(uint32_t watcher)
{
	if (watcher < CONFIG_OCRE_CONTAINERS) {
		K_SPINLOCK(&lock) {
			kept[watcher].first = 0;
			kept[watcher].count = 0;
			kept[watcher].lost = 0;
		}
	}
}
