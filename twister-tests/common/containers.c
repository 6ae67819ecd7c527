/* SPDX-License-Identifier: Apache-2.0 */
#include "containers.h"

#include <string.h>
#include <zephyr/ztest.h>

#define WORDS 8
#define OUTPUT_BYTES 4096

/* Words that are parted by blanks. */
struct words {
	const char *list[WORDS];
	uint32_t count;
	char text[128];
};

static void part(struct words *parted, const char *words)
{
	char *word;

	zassert_true(strlen(words) < sizeof(parted->text));
	strcpy(parted->text, words);
	parted->count = 0;
	word = parted->text;
	while (*word != '\0') {
		char *end = strchr(word, ' ');

		if (end == word) {
			word++;
			continue;
		}
		zassert_true(parted->count < WORDS);
		parted->list[parted->count++] = word;
		if (end == NULL) {
			break;
		}
		*end = '\0';
		word = end + 1;
	}
}

static ocre_container_t made(const char *image, const char *name, const char *words,
			     const char *permissions, uint32_t flags)
{
	char refusal[OCRE_TEXT_BYTES] = "";
	struct words arguments, granted;
	ocre_container_t container = 0;

	part(&arguments, words);
	part(&granted, permissions);

	const struct ocre_options options = {
		.name = name,
		.arguments = arguments.list,
		.argument_count = arguments.count,
		.permissions = granted.list,
		.permission_count = granted.count,
		.flags = flags,
	};

	zassert_ok(ocre_create(image, &options, &container, refusal), "%s: %s", image, refusal);
	zassert_not_equal(container, 0);
	return container;
}

ocre_container_t container_made(const char *image, const char *name, const char *words,
				uint32_t flags)
{
	return made(image, name, words, "", flags);
}

ocre_container_t container_granted(const char *image, const char *name, const char *words,
				   const char *permissions)
{
	ocre_container_t container = made(image, name, words, permissions, 0);

	zassert_ok(ocre_start(container));
	return container;
}

ocre_container_t container_started(const char *image, const char *name, const char *words,
				   uint32_t flags)
{
	ocre_container_t container = container_made(image, name, words, flags);

	zassert_ok(ocre_start(container));
	return container;
}

ocre_container_t container_run(const char *image, const char *name, const char *words,
			       uint32_t flags, struct ocre_status *status)
{
	ocre_container_t container = container_started(image, name, words, flags);

	zassert_ok(ocre_wait(container, OCRE_FOREVER, status));
	return container;
}

void container_ended(const struct ocre_status *status, uint32_t state, int32_t code,
		     const char *reason)
{
	zassert_true(status->state == state && status->code == code &&
			     strcmp(status->reason, reason) == 0,
		     "state %u, code %d, reason \"%s\"; expected %u, %d, \"%s\"", status->state,
		     status->code, status->reason, state, code, reason);
}

static char output[OUTPUT_BYTES];
static size_t output_bytes;

static int take_output(void *context, int stream, const char *text, uint32_t bytes)
{
	ARG_UNUSED(context);
	ARG_UNUSED(stream);
	zassert_true(output_bytes + bytes < sizeof(output));
	memcpy(output + output_bytes, text, bytes);
	output_bytes += bytes;
	return 1;
}

void container_wrote(ocre_container_t container, const char *expected)
{
	output_bytes = 0;
	zassert_ok(ocre_logs(container, 0, take_output, NULL));
	output[output_bytes] = '\0';
	zassert_equal(strcmp(output, expected), 0, "\"%s\", expected \"%s\"", output, expected);
}

static int take_one(void *context, ocre_container_t container, const char *name)
{
	ARG_UNUSED(name);
	*(ocre_container_t *)context = container;
	return 0;
}

static int count_one(void *context, ocre_container_t container, const char *name)
{
	ARG_UNUSED(container);
	ARG_UNUSED(name);
	(*(int *)context)++;
	return 1;
}

void containers_removed(void)
{
	for (;;) {
		ocre_container_t one = 0;

		zassert_ok(ocre_list(take_one, &one));
		if (one == 0) {
			return;
		}
		zassert_ok(ocre_remove(one, 1));
	}
}

int containers_count(void)
{
	int count = 0;

	zassert_ok(ocre_list(count_one, &count));
	return count;
}

void *runtime_started(void)
{
	zassert_ok(ocre_init());
	return NULL;
}

void containers_removed_after(void *fixture)
{
	ARG_UNUSED(fixture);
	ocre_on_change(NULL, NULL);
	containers_removed();
}
