/* SPDX-License-Identifier: Apache-2.0 */
/* Sensors, by devicetree alias. */
#include "port.h"

#include <zephyr/drivers/sensor.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#define MILLION 1000000

/* Words of 32 channels. */
#define WORDS DIV_ROUND_UP(SENSOR_CHAN_ALL, 32)

/* Most values that a driver writes: the quaternion of Zephyr 4.1 and later. */
#define MOST_VALUES 4

/* Value that no driver writes. */
#define UNWRITTEN INT32_MIN

static const struct device *const sensors[] = {
#define ALIASED(number)                                                                            \
	IF_ENABLED(DT_NODE_HAS_STATUS(DT_ALIAS(sensor##number), okay),                             \
		   (DEVICE_DT_GET(DT_ALIAS(sensor##number)),))
	ALIASED(0) ALIASED(1) ALIASED(2) ALIASED(3)
	ALIASED(4) ALIASED(5) ALIASED(6) ALIASED(7)
	NULL,
};

#define SENSORS (ARRAY_SIZE(sensors) - 1)

/* The channels of each sensor, a bit for each: asked for once, because drivers complain of
 * those that they don't have. All zero where they are not known yet. */
static uint32_t channels[ARRAY_SIZE(sensors)][WORDS];

/* Guards them; and a sample is fetched and then looked at, by one thread at a time. */
static K_MUTEX_DEFINE(lock);

static const struct device *numbered(uint32_t sensor)
{
	const struct device *device = sensor < SENSORS ? sensors[sensor] : NULL;

	return device != NULL && device_is_ready(device) ? device : NULL;
}

/* True where a sensor has a channel of one value, not of three or four that are read
 * together: newer versions of Zephyr have more of those. */
static bool is_single(const struct device *device, enum sensor_channel channel)
{
	struct sensor_value values[MOST_VALUES] = {[1] = {UNWRITTEN, UNWRITTEN}};

	return sensor_channel_get(device, channel, values) == 0 && values[1].val1 == UNWRITTEN &&
	       values[1].val2 == UNWRITTEN;
}

uint32_t ocre_port_sensors(void)
{
	return SENSORS;
}

const char *ocre_port_sensor_name(uint32_t sensor)
{
	return sensor < SENSORS ? sensors[sensor]->name : NULL;
}

/* Under the lock. */
static bool has_channel(uint32_t sensor, uint32_t channel)
{
	return (channels[sensor][channel / 32] & BIT(channel % 32)) != 0;
}

/* Under the lock: true where the channels are known now. */
static bool find_channels(const struct device *device, uint32_t sensor)
{
	for (size_t word = 0; word < WORDS; word++) {
		if (channels[sensor][word] != 0) {
			return true;
		}
	}
	/* Some drivers know a channel only once something was measured. */
	if (sensor_sample_fetch(device) != 0) {
		return false;
	}
	for (uint32_t channel = 0; channel < SENSOR_CHAN_ALL; channel++) {
		if (is_single(device, (enum sensor_channel)channel)) {
			channels[sensor][channel / 32] |= BIT(channel % 32);
		}
	}
	return true;
}

int32_t ocre_port_sensor_channel(uint32_t sensor, uint32_t index)
{
	const struct device *device = numbered(sensor);
	int32_t found = OCRE_PORT_ABSENT;

	if (device == NULL) {
		return OCRE_PORT_ABSENT;
	}
	k_mutex_lock(&lock, K_FOREVER);
	(void)find_channels(device, sensor);
	for (uint32_t channel = 0; channel < SENSOR_CHAN_ALL && found < 0; channel++) {
		if (has_channel(sensor, channel) && index-- == 0) {
			found = (int32_t)channel;
		}
	}
	k_mutex_unlock(&lock);
	return found;
}

int32_t ocre_port_sensor_read(uint32_t sensor, uint32_t channel, int64_t *millionths)
{
	const struct device *device = numbered(sensor);
	struct sensor_value values[MOST_VALUES];
	int result = 0;

	if (device == NULL || channel >= SENSOR_CHAN_ALL) {
		return OCRE_PORT_ABSENT;
	}
	k_mutex_lock(&lock, K_FOREVER);
	if (find_channels(device, sensor) && !has_channel(sensor, channel)) {
		result = OCRE_PORT_ABSENT;
	} else if (sensor_sample_fetch(device) != 0 ||
		   sensor_channel_get(device, (enum sensor_channel)channel, values) != 0) {
		result = OCRE_PORT_FAILED;
	}
	k_mutex_unlock(&lock);
	if (result == 0) {
		*millionths = (int64_t)values[0].val1 * MILLION + values[0].val2;
	}
	return result;
}
