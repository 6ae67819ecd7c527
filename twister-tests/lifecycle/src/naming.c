/* SPDX-License-Identifier: Apache-2.0 */
/* What a container may be created with, and how it is found. */
#include "containers.h"

#include <errno.h>
#include <string.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(naming, NULL, runtime_started, NULL, containers_removed_after, NULL);

static int make(const struct ocre_options *options)
{
	ocre_container_t container = 0;
	int result = ocre_create("actor", options, &container, NULL);

	zassert_equal(result == 0, container != 0);
	return result;
}

static int named(const char *name)
{
	return make(&(struct ocre_options){.name = name});
}

ZTEST(naming, test_a_name_has_its_letters_and_its_length)
{
	static const char *const bad[] = {
		"", "A", "-a", ".a", "_a", "a/b", "a b", "..", "\xc3\xa4",
		"a23456789012345678901234567890123",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		zassert_equal(named(bad[i]), -EINVAL, "%s", bad[i]);
	}
	zassert_equal(containers_count(), 0);
	zassert_ok(named("a2345678901234567890123456789012"));
	zassert_ok(named("0.a_b-c"));
}

ZTEST(naming, test_a_name_belongs_to_one_container)
{
	ocre_container_t found;

	zassert_ok(named("twice"));
	zassert_equal(named("twice"), -EEXIST);
	zassert_ok(ocre_find("twice", &found));
	zassert_ok(ocre_remove(found, 0));
	zassert_equal(ocre_find("twice", &found), -ENOENT);
	zassert_ok(named("twice"));
}

/* Neither board has a source of randomness that is fit for secrets. */
ZTEST(naming, test_a_name_is_needed_where_none_can_be_made_up)
{
	zassert_equal(named(NULL), IS_ENABLED(CONFIG_CSPRNG_ENABLED) ? 0 : -EINVAL);
}

ZTEST(naming, test_there_are_as_many_containers_as_configured)
{
	char name[] = "0";
	ocre_container_t found;

	for (int i = 0; i < CONFIG_OCRE_CONTAINERS; i++, name[0]++) {
		zassert_ok(named(name));
	}
	zassert_equal(containers_count(), CONFIG_OCRE_CONTAINERS);
	zassert_equal(named("more"), -ENFILE);
	zassert_ok(ocre_find("1", &found));
	zassert_ok(ocre_remove(found, 0));
	zassert_ok(named("more"));
	zassert_equal(named("still-more"), -ENFILE);
}

ZTEST(naming, test_a_handle_is_never_another_containers)
{
	ocre_container_t old, new;
	struct ocre_status status;

	zassert_ok(named("old"));
	zassert_ok(ocre_find("old", &old));
	zassert_ok(ocre_remove(old, 0));
	for (int i = 0; i < 40; i++) {
		zassert_ok(named("new"));
		zassert_ok(ocre_find("new", &new));
		zassert_not_equal(new, old);
		zassert_ok(ocre_status(new, &status));
		zassert_equal(ocre_status(old, &status), -ENOENT);
		zassert_equal(ocre_start(old), -ENOENT);
		zassert_equal(ocre_kill(old), -ENOENT);
		zassert_equal(ocre_stop(old, 0), -ENOENT);
		zassert_equal(ocre_wait(old, 0, &status), -ENOENT);
		zassert_equal(ocre_logs(old, 0, NULL, NULL), -ENOENT);
		zassert_equal(ocre_remove(old, 1), -ENOENT);
		old = new;
		zassert_ok(ocre_remove(new, 0));
	}
	zassert_equal(ocre_status(0, &status), -ENOENT);
	zassert_equal(ocre_status(UINT64_MAX, &status), -ENOENT);
}

ZTEST(naming, test_a_function_that_is_missing_is_refused)
{
	static const char *const words[] = {"version"};
	ocre_container_t container;

	zassert_ok(named("a"));
	zassert_ok(ocre_find("a", &container));
	zassert_equal(ocre_image_list(NULL, NULL), -EINVAL);
	zassert_equal(ocre_list(NULL, NULL), -EINVAL);
	zassert_equal(ocre_logs(container, 0, NULL, NULL), -EINVAL);
	zassert_equal(ocre_command(words, 1, NULL, NULL, NULL), -EINVAL);
	zassert_ok(ocre_remove(container, 0));
}

ZTEST(naming, test_a_list_that_is_missing_is_refused)
{
	static const struct ocre_options missing[] = {
		{.name = "a", .argument_count = 1},
		{.name = "a", .environment_count = 1},
		{.name = "a", .permission_count = 1},
		{.name = "a", .mount_count = 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		zassert_equal(make(&missing[i]), -EINVAL, "%zu", i);
	}
}

ZTEST(naming, test_arguments_and_environment_have_their_limits)
{
	static char long_word[4096];
	static const char *const plain[] = {"word"};
	static const char *const huge[] = {long_word};
	static const char *const nothing[] = {NULL};
	static const char *const no_value[] = {"NAME"};
	static const char *const not_text[] = {"\xff"};
	struct ocre_options options = {.name = "a"};

	memset(long_word, 'x', sizeof(long_word) - 1);
	options.arguments = huge;
	options.argument_count = 1;
	zassert_equal(make(&options), -E2BIG);
	options.arguments = nothing;
	zassert_equal(make(&options), -EINVAL);
	options.arguments = not_text;
	zassert_equal(make(&options), -EINVAL);
	options.arguments = plain;
	options.argument_count = 0;
	options.environment = no_value;
	options.environment_count = 1;
	zassert_equal(make(&options), -EINVAL);
	options.environment_count = 0;
	options.permissions = plain;
	options.permission_count = 1;
	zassert_equal(make(&options), -EINVAL);
	options.permission_count = 0;
	options.memory_bytes = CONFIG_OCRE_MEMORY_LIMIT + 1;
	zassert_equal(make(&options), -EINVAL);
	options.memory_bytes = 0;
	zassert_ok(make(&options));
}

ZTEST(naming, test_an_image_that_is_not_there_makes_no_container)
{
	ocre_container_t container = 7;
	char refusal[OCRE_TEXT_BYTES];

	zassert_equal(ocre_create("absent", NULL, &container, refusal), -ENOEXEC);
	zassert_equal(strncmp(refusal, "reference-not-found", 19), 0, "%s", refusal);
	zassert_equal(ocre_create("Not A Name", NULL, &container, refusal), -EINVAL);
	zassert_not_equal(refusal[0], '\0');
	zassert_equal(ocre_create(NULL, NULL, &container, NULL), -EINVAL);
	zassert_equal(ocre_create("actor", NULL, NULL, NULL), -EINVAL);
	zassert_equal(containers_count(), 0);
}
