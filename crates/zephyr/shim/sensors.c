/* SPDX-License-Identifier: Apache-2.0 */
/* Sensors, by devicetree alias. */
#include "port.h"

#include <zephyr/drivers/sensor.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/util.h>

#define MILLION 1000000

/* What a driver writes at most: channels of three came with newer versions. */
#define MOST_VALUES 3

static const struct device *const sensors[] = {
#define ALIASED(number)                                                                            \
	IF_ENABLED(DT_NODE_HAS_STATUS(DT_ALIAS(sensor##number), okay),                             \
		   (DEVICE_DT_GET(DT_ALIAS(sensor##number)),))
	ALIASED(0) ALIASED(1) ALIASED(2) ALIASED(3)
	ALIASED(4) ALIASED(5) ALIASED(6) ALIASED(7)
	NULL,
};

#define SENSORS (ARRAY_SIZE(sensors) - 1)

/* A sample is fetched and then looked at, by one thread at a time. */
static K_MUTEX_DEFINE(lock);

static const struct device *numbered(uint32_t sensor)
{
	const struct device *device = sensor < SENSORS ? sensors[sensor] : NULL;

	return device != NULL && device_is_ready(device) ? device : NULL;
}

/* Whether a channel has one value, and is not three that are read together. */
static bool is_single(int channel)
{
	return channel != SENSOR_CHAN_ACCEL_XYZ && channel != SENSOR_CHAN_GYRO_XYZ &&
	       channel != SENSOR_CHAN_MAGN_XYZ;
}

uint32_t ocre_port_sensors(void)
{
	return SENSORS;
}

const char *ocre_port_sensor_name(uint32_t sensor)
{
	return sensor < SENSORS ? sensors[sensor]->name : NULL;
}

int32_t ocre_port_sensor_channel(uint32_t sensor, uint32_t index)
{
	const struct device *device = numbered(sensor);
	struct sensor_value values[MOST_VALUES];
	int32_t found = OCRE_PORT_ABSENT;

	if (device == NULL) {
		return OCRE_PORT_ABSENT;
	}
	k_mutex_lock(&lock, K_FOREVER);
	/* Some drivers know a channel only once something was measured. */
	(void)sensor_sample_fetch(device);
	for (int channel = 0; channel < SENSOR_CHAN_ALL && found < 0; channel++) {
		if (is_single(channel) && sensor_channel_get(device, channel, values) == 0 &&
		    index-- == 0) {
			found = channel;
		}
	}
	k_mutex_unlock(&lock);
	return found;
}

int32_t ocre_port_sensor_read(uint32_t sensor, uint32_t channel, int64_t *millionths)
{
	const struct device *device = numbered(sensor);
	struct sensor_value values[MOST_VALUES];
	int fetched;
	int result;

	if (device == NULL || channel >= SENSOR_CHAN_ALL || !is_single((int)channel)) {
		return OCRE_PORT_ABSENT;
	}
	k_mutex_lock(&lock, K_FOREVER);
	fetched = sensor_sample_fetch(device);
	result = sensor_channel_get(device, (enum sensor_channel)channel, values);
	k_mutex_unlock(&lock);
	if (result != 0) {
		return OCRE_PORT_ABSENT;
	}
	if (fetched != 0) {
		return OCRE_PORT_FAILED;
	}
	*millionths = (int64_t)values[0].val1 * MILLION + values[0].val2;
	return 0;
}
