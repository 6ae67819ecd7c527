/* SPDX-License-Identifier: Apache-2.0 */
/* Rust's standard library, its files, time, environment, chance and streams, over WASI
 * and the partition's littlefs, interpreted and as AOT code. */
#include "containers.h"

#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(stdlib, NULL, runtime_started, NULL, containers_removed_after, NULL);

static void works(uint32_t flags)
{
	static const char *const words[] = {"PLANET=Mars", "MOON="};
	const struct ocre_options options = {
		.name = "stdlib",
		.arguments = words,
		.argument_count = ARRAY_SIZE(words),
		.environment = words,
		.environment_count = ARRAY_SIZE(words),
		.disk_bytes = 262144,
		.flags = flags,
	};
	struct ocre_status status;
	ocre_container_t container;

	zassert_ok(ocre_create("stdlib", &options, &container, NULL));
	zassert_ok(ocre_start(container));
	zassert_ok(ocre_wait(container, OCRE_FOREVER, &status));
	container_wrote(container,
			"env: ok\nfiles: ok\nfolders: ok\nrefusals: ok\ntime: ok\nchance: ok\n"
			"to stderr\nto stdout\nstreams: ok\n");
	container_ended(&status, OCRE_EXITED, 0, "");
}

ZTEST(stdlib, test_it_works_interpreted)
{
	works(PORTABLE);
}

#ifdef CONFIG_OCRE_AOT
ZTEST(stdlib, test_it_works_as_aot_code)
{
	works(0);
}
#endif
