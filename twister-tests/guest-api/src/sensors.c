/* SPDX-License-Identifier: Apache-2.0 */
/* A guest at a sensor: where there is one, an emulated magnetometer. */
#include "containers.h"
#include "testing.h"

#include <stdio.h>
#include <string.h>
#include <zephyr/fs/fs.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(sensors, NULL, runtime_started, NULL, containers_removed_after, NULL);

static void port_keeps_its_promises(void)
{
	char failure[OCRE_TEXT_BYTES] = "";

	zassert_ok(ocre_test_conformance(CONFORMANCE_SENSORS, failure), "%s", failure);
}

#if DT_NODE_HAS_STATUS(DT_ALIAS(sensor0), okay)
#include <akm09918c_emul.h>
#include <akm09918c_reg.h>
#include <zephyr/drivers/emul.h>
#include <zephyr/drivers/sensor.h>

#define NODE DT_ALIAS(sensor0)

/* The field that the sensor is in, in its own unit of 1500 microgauss. */
static void put_in_field(int16_t x, int16_t y, int16_t z)
{
	const struct emul *emul = EMUL_DT_GET(NODE);
	const uint8_t is_measured = AKM09918C_ST1_DRDY;
	const uint8_t field[] = {x, x >> 8, y, y >> 8, z, z >> 8};

	akm09918c_emul_set_reg(emul, AKM09918C_REG_HXL, field, sizeof(field));
	akm09918c_emul_set_reg(emul, AKM09918C_REG_ST1, &is_measured, sizeof(is_measured));
}

/* Again and again by itself: measured once, the emulator has nothing more. */
static void measure_always(void)
{
	const struct sensor_value often = {.val1 = 100};

	zassert_ok(sensor_attr_set(DEVICE_DT_GET(NODE), SENSOR_CHAN_MAGN_XYZ,
				   SENSOR_ATTR_SAMPLING_FREQUENCY, &often));
}

ZTEST(sensors, test_the_port_keeps_its_promises)
{
	measure_always();
	put_in_field(1, 2, 3);
	port_keeps_its_promises();
}

ZTEST(sensors, test_each_function_answers_what_the_sensor_measures)
{
	struct ocre_status status;
	ocre_container_t container;
	char words[32], expected[512];

	measure_always();
	put_in_field(1000, -2000, 1);
	snprintf(words, sizeof(words), "sensors %s", DEVICE_DT_NAME(NODE));
	container = container_granted("knock", "a", words, "sensors");
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	snprintf(expected, sizeof(expected),
		 "ocre_sensors_init 0\nocre_sensors_discover 1\nocre_sensors_open 0\n"
		 "ocre_sensors_get_handle 0\nocre_sensors_get_channel_count 3\n"
		 "ocre_sensors_get_channel_type %d\nocre_sensors_read 1500\n"
		 "ocre_sensors_open_by_name 0\nocre_sensors_get_handle_by_name 0\n"
		 "ocre_sensors_get_channel_count_by_name 3\n"
		 "ocre_sensors_get_channel_type_by_name %d\n"
		 "ocre_sensors_read_by_name 1500\n",
		 SENSOR_CHAN_MAGN_X, SENSOR_CHAN_MAGN_X);
	container_wrote(container, expected);
	container_ended(&status, OCRE_EXITED, 0, "");
}

ZTEST(sensors, test_what_is_measured_gets_into_a_containers_file)
{
	static const char line[] = "0.8=-3.000 0.9=0.003 0.10=1.500\n";
	struct ocre_status status;
	struct fs_file_t file;
	char twice[2 * sizeof(line)] = "", found[3 * sizeof(line)] = "";
	ocre_container_t container;

	strcat(strcat(twice, line), line);
	measure_always();
	put_in_field(-2000, 2, 1000);
	container = container_granted("sensor-logger", "logger", "2 10", "sensors timers");
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	container_wrote(container, twice);
	container_ended(&status, OCRE_EXITED, 0, "");
	fs_file_t_init(&file);
	zassert_ok(fs_open(&file, CONFIG_OCRE_MOUNT_POINT "/data/logger/measured.csv", FS_O_READ));
	zassert_equal(fs_read(&file, found, sizeof(found) - 1), strlen(twice));
	zassert_ok(fs_close(&file));
	zassert_equal(strcmp(found, twice), 0, "%s", found);
}

#else

ZTEST(sensors, test_a_board_without_sensors_says_so)
{
	ocre_container_t container = container_granted("knock", "a", "sensors x", "sensors");

	port_keeps_its_promises();
	zassert_ok(ocre_wait(container, OCRE_FOREVER, NULL));
	container_wrote(container, "ocre_sensors_init 0\nocre_sensors_discover 0\n"
				   "ocre_sensors_open -22\nocre_sensors_get_handle -22\n"
				   "ocre_sensors_get_channel_count -22\n"
				   "ocre_sensors_get_channel_type -22\n"
				   "ocre_sensors_read -22000\nocre_sensors_open_by_name -2\n"
				   "ocre_sensors_get_handle_by_name -2\n"
				   "ocre_sensors_get_channel_count_by_name -2\n"
				   "ocre_sensors_get_channel_type_by_name -2\n"
				   "ocre_sensors_read_by_name -2000\n");
}
#endif
