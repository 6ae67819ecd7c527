/* SPDX-License-Identifier: Apache-2.0 */
/* A guest at a light and a button of the board. */
#include "containers.h"
#include "testing.h"

#include <zephyr/drivers/gpio.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

#ifdef CONFIG_GPIO_EMUL
#include <zephyr/drivers/gpio/gpio_emul.h>
#endif

static const struct gpio_dt_spec light = GPIO_DT_SPEC_GET(DT_ALIAS(led0), gpios);

ZTEST_SUITE(pins, NULL, runtime_started, NULL, containers_removed_after, NULL);

/* What the board's light shows. */
static int is_lit(void)
{
#ifdef CONFIG_GPIO_EMUL
	return gpio_emul_output_get(light.port, light.pin);
#else
	/* The register of the lights reads as it was written. */
	return gpio_pin_get_dt(&light);
#endif
}

ZTEST(pins, test_a_guest_blinks_and_leaves_the_light_off)
{
	ocre_container_t container =
		container_granted("blinky", "blinky", "3 20", "gpio timers");
	struct ocre_status status = {.state = OCRE_RUNNING};
	int changes = 0, before = 0;

	while (status.state == OCRE_RUNNING) {
		int now = is_lit();

		zassert_true(now == 0 || now == 1);
		changes += now != before;
		before = now;
		k_msleep(1);
		zassert_ok(ocre_status(container, &status));
	}
	changes += is_lit() != before;
	zassert_false(is_lit());
	container_wrote(container, "led0 on\nled0 off\nled0 on\nled0 off\nled0 on\nled0 off\n");
	container_ended(&status, OCRE_EXITED, 0, "");
	zassert_equal(changes, 6, "%d", changes);
}

ZTEST(pins, test_a_light_goes_off_when_its_container_is_killed_and_then_is_another_ones)
{
	struct ocre_status status;
	ocre_container_t first = container_granted("blinky", "first", "9999 20", "gpio timers");
	ocre_container_t second;

	while (!is_lit()) {
		k_msleep(1);
	}
	second = container_granted("blinky", "second", "1 1", "gpio timers");
	zassert_ok(ocre_wait(second, 10000, &status));
	container_wrote(second, "blinky: led0: it is in use\n");
	container_ended(&status, OCRE_EXITED, 1, "");
	while (!is_lit()) {
		k_msleep(1);
	}
	zassert_ok(ocre_kill(first));
	zassert_ok(ocre_wait(first, 1000, &status));
	container_ended(&status, OCRE_KILLED, 137, "kill");
	zassert_false(is_lit());
	zassert_ok(ocre_remove(second, 0));
	second = container_granted("blinky", "second", "1 1", "gpio timers");
	zassert_ok(ocre_wait(second, 10000, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
}

#ifdef CONFIG_GPIO_EMUL
static const struct gpio_dt_spec button = GPIO_DT_SPEC_GET(DT_ALIAS(sw0), gpios);

/* It is active low. */
static void press(int down)
{
	zassert_ok(gpio_emul_input_set(button.port, button.pin, !down));
}

/* Not where the button can't be watched, */
ZTEST(pins, test_the_port_keeps_its_promises)
{
	char failure[OCRE_TEXT_BYTES] = "";

	zassert_ok(ocre_test_conformance(CONFORMANCE_GPIO, failure), "%s", failure);
}

/* nor pressed. */
ZTEST(pins, test_a_button_wakes_the_guest_that_watches_it)
{
	struct ocre_status status;
	ocre_container_t container;

	container = container_granted("blinky", "blinky", "1 60000", "gpio timers");
	/* Longer than it needs until it watches, far less than a minute. */
	k_msleep(500);
	press(0);
	press(1);
	zassert_ok(ocre_wait(container, 1000, &status));
	container_wrote(container, "sw0 pressed\n");
	container_ended(&status, OCRE_EXITED, 0, "");
	/* It is the same again: nothing is left of the first run. */
	zassert_ok(ocre_start(container));
	zassert_equal(ocre_wait(container, 500, NULL), -EAGAIN);
	press(0);
	press(1);
	zassert_ok(ocre_wait(container, 1000, &status));
	container_ended(&status, OCRE_EXITED, 0, "");
}
#endif
