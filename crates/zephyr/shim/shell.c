/* SPDX-License-Identifier: Apache-2.0 */
/* The command "ocre" of the Zephyr shell: words in, output through the shell's
 * own printer, completion of commands, images and containers. */
#include "console.h"

#include <errno.h>
#include <ocre/ocre.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>

/* Every libc agrees on the errnos that the C API gives. */
BUILD_ASSERT(ENOENT == 2 && ESRCH == 3 && EIO == 5 && E2BIG == 7 && ENOEXEC == 8);
BUILD_ASSERT(EAGAIN == 11 && ENOMEM == 12 && EBUSY == 16 && EEXIST == 17 && ENODEV == 19);
BUILD_ASSERT(EINVAL == 22 && ENFILE == 23 && ENOSPC == 28);

/* One name for completion; the shell asks for one at a time and wants it to stay
 * until it asks for the next. */
#define NAME_BYTES 128

struct nth {
	size_t left;
	char *name;
};

static void print(void *context, int error, const char *text, uint32_t bytes)
{
	shell_fprintf(context, error ? SHELL_ERROR : SHELL_NORMAL, "%.*s", (int)bytes, text);
}

static int interrupted(void *context)
{
	return ocre_console_interrupted(context);
}

static int command(const struct shell *shell, size_t count, char **words)
{
	int result;

	if (count == 1) {
		static const char *const help[] = {"help"};

		return ocre_command(help, 1, print, NULL, (void *)shell);
	}
	ocre_console_attach(shell);
	result = ocre_command((const char *const *)words + 1, count - 1, print, interrupted,
			      (void *)shell);
	ocre_console_attach(NULL);
	if (result == -ENODEV) {
		shell_error(shell, "ocre is not started: ocre_init() has not succeeded");
	}
	return result;
}

static int take_image(void *context, const char *name)
{
	struct nth *nth = context;

	if (nth->left-- != 0) {
		return 1;
	}
	(void)strncpy(nth->name, name, NAME_BYTES - 1);
	return 0;
}

static int take_container(void *context, ocre_container_t container, const char *name)
{
	ARG_UNUSED(container);
	return take_image(context, name);
}

static void offer(struct shell_static_entry *entry, const struct nth *nth)
{
	entry->syntax = nth->name[0] != '\0' ? nth->name : NULL;
	entry->handler = NULL;
	entry->help = NULL;
	entry->subcmd = NULL;
}

static void image_names(size_t index, struct shell_static_entry *entry)
{
	static char name[NAME_BYTES];
	struct nth nth = {.left = index, .name = name};

	memset(name, 0, sizeof(name));
	(void)ocre_image_list(take_image, &nth);
	offer(entry, &nth);
}

static void container_names(size_t index, struct shell_static_entry *entry)
{
	static char name[NAME_BYTES];
	struct nth nth = {.left = index, .name = name};

	memset(name, 0, sizeof(name));
	(void)ocre_list(take_container, &nth);
	offer(entry, &nth);
}

SHELL_DYNAMIC_CMD_CREATE(images, image_names);
SHELL_DYNAMIC_CMD_CREATE(containers, container_names);

/* The shell calls the deepest command that has a handler, which is always "ocre"
 * itself: the rest is there for help and completion. */
#define COMMAND(name, names, help) SHELL_CMD(name, names, help, NULL)

SHELL_STATIC_SUBCMD_SET_CREATE(image_commands,
			       COMMAND(verify, &images, "Judge an image"),
			       SHELL_SUBCMD_SET_END);

SHELL_STATIC_SUBCMD_SET_CREATE(
	commands,
	COMMAND(create, &images, "Make a container of an image"),
	COMMAND(help, NULL, "Say what commands there are"),
	COMMAND(image, &image_commands, "Images"),
	COMMAND(info, NULL, "What this device is and has"),
	COMMAND(inspect, &containers, "All about a container"),
	COMMAND(kill, &containers, "End a container"),
	COMMAND(logs, &containers, "What a container wrote"),
	COMMAND(ps, NULL, "List containers"),
	COMMAND(rm, &containers, "Remove a container"),
	COMMAND(run, &images, "Make a container of an image and run it"),
	COMMAND(start, &containers, "Run a container"),
	COMMAND(stop, &containers, "Ask a container to end"),
	COMMAND(version, NULL, "The version"),
	COMMAND(wait, &containers, "Wait for a container's end"),
	SHELL_SUBCMD_SET_END);

SHELL_CMD_ARG_REGISTER(ocre, &commands, "Containers of WebAssembly", command, 1, 30);
