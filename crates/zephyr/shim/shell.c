/* SPDX-License-Identifier: Apache-2.0 */
/* The command "ocre" of the Zephyr shell: words in, output through the shell's
 * own printer, completion of commands, images and containers. */
#include "console.h"
#include "port.h"

#include <errno.h>
#include <ocre/ocre.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/shell/shell.h>

/* Every libc agrees on the errnos that the C API gives. */
BUILD_ASSERT(ENOENT == 2 && ESRCH == 3 && EIO == 5 && E2BIG == 7 && ENOEXEC == 8);
BUILD_ASSERT(EAGAIN == 11 && ENOMEM == 12 && EBUSY == 16 && EEXIST == 17 && ENODEV == 19);
BUILD_ASSERT(EINVAL == 22 && ENFILE == 23 && ENOSPC == 28);

/* Names for completion. The shell asks for them by number, one after the other,
 * wants them sorted, and wants each to stay until it asks for the next. */
#define NAME_BYTES 128

/* The shell completes one word at a time. */
static struct {
	/* Lists the things to complete. */
	int (*list)(void);
	/* Last name that was completed, and its index. */
	char name[NAME_BYTES];
	size_t index;
	/* First name behind it. */
	char next[NAME_BYTES];
} names;

/* A command's output comes in pieces as small as a character, and each call of the
 * shell's printer sends colours along. */
struct output {
	const struct shell *shell;
	int error;
	size_t used;
	char text[64];
};

static void flush(struct output *output)
{
	if (output->used != 0) {
		shell_fprintf(output->shell, output->error ? SHELL_ERROR : SHELL_NORMAL, "%.*s",
			      (int)output->used, output->text);
		output->used = 0;
	}
}

static void print(void *context, int error, const char *text, uint32_t bytes)
{
	struct output *output = context;

	if (error != output->error) {
		flush(output);
		output->error = error;
	}
	for (uint32_t at = 0; at < bytes; at++) {
		output->text[output->used++] = text[at];
		if (text[at] == '\n' || output->used == sizeof(output->text)) {
			flush(output);
		}
	}
}

/* Called while a command waits: shows its output so far. */
static int interrupted(void *context)
{
	struct output *output = context;

	flush(output);
	return ocre_console_interrupted(output->shell);
}

/* Before the runtime has started: formats the partition and starts the runtime, or says why there
 * is none. */
static int not_ready(const struct shell *shell, size_t count, char **words)
{
	const char *reason;
	int result = -ENODEV, failure;

	if (count == 3 && strcmp(words[1], "format") == 0 && strcmp(words[2], "--yes") == 0) {
		result = ocre_format();
		if (result == 0) {
			result = ocre_init();
		}
		if (result == 0) {
			return 0;
		}
	}
	failure = IS_ENABLED(CONFIG_OCRE_MOUNT) ? ocre_port_mount_failure() : 0;
	if (failure == 0) {
		reason = "ocre_init() has not succeeded";
	} else if (failure == -EILSEQ) {
		reason = "partition damaged";
	} else if (!IS_ENABLED(CONFIG_OCRE_MOUNT_FORMAT) && failure == -ENODATA) {
		reason = "partition blank";
	} else {
		reason = "partition unreadable";
	}
	shell_error(shell, "ocre is not ready: %s\nhint: `ocre format --yes` deletes all data", reason);
	return result;
}

static int command(const struct shell *shell, size_t count, char **words)
{
	static const char *const help[] = {"help"};
	struct output output = {.shell = shell};
	int result;

	if (count == 1) {
		result = ocre_command(help, 1, print, NULL, &output);
	} else {
		ocre_console_attach(shell);
		result = ocre_command((const char *const *)words + 1, count - 1, print,
				      interrupted, &output);
		ocre_console_attach(NULL);
	}
	flush(&output);
	return result == -ENODEV ? not_ready(shell, count, words) : result;
}

static int take_image(void *context, const char *name)
{
	ARG_UNUSED(context);
	if (strcmp(name, names.name) > 0 &&
	    (names.next[0] == '\0' || strcmp(name, names.next) < 0) && strlen(name) < NAME_BYTES) {
		strcpy(names.next, name);
	}
	return 1;
}

static int take_container(void *context, ocre_container_t container, const char *name)
{
	ARG_UNUSED(container);
	return take_image(context, name);
}

static int list_images(void)
{
	return ocre_image_list(take_image, NULL);
}

static int list_containers(void)
{
	return ocre_list(take_container, NULL);
}

/* Goes on to the next name; empty after the last. */
static void advance(void)
{
	names.next[0] = '\0';
	if (names.list() != 0) {
		names.next[0] = '\0';
	}
	memcpy(names.name, names.next, NAME_BYTES);
}

static void offer(int (*list)(void), size_t index, struct shell_static_entry *entry)
{
	if (index == 0 || index != names.index + 1 || list != names.list) {
		names.list = list;
		names.name[0] = '\0';
		for (size_t before = 0; before < index; before++) {
			advance();
			if (names.name[0] == '\0') {
				break;
			}
		}
	}
	/* Behind the last there is none, not the first again. */
	if (index == 0 || names.name[0] != '\0') {
		advance();
	}
	names.index = index;
	entry->syntax = names.name[0] != '\0' ? names.name : NULL;
	entry->handler = NULL;
	entry->help = NULL;
	entry->subcmd = NULL;
}

static void image_names(size_t index, struct shell_static_entry *entry)
{
	offer(list_images, index, entry);
}

static void container_names(size_t index, struct shell_static_entry *entry)
{
	offer(list_containers, index, entry);
}

SHELL_DYNAMIC_CMD_CREATE(images, image_names);
SHELL_DYNAMIC_CMD_CREATE(containers, container_names);

static void command_words(bool on_images, size_t index, struct shell_static_entry *entry);

static void words_of_images(size_t index, struct shell_static_entry *entry)
{
	command_words(true, index, entry);
}

static void words(size_t index, struct shell_static_entry *entry)
{
	command_words(false, index, entry);
}

SHELL_DYNAMIC_CMD_CREATE(image_commands, words_of_images);
SHELL_DYNAMIC_CMD_CREATE(commands, words);

/* The shell calls the deepest command that has a handler, which is always "ocre"
 * itself: the rest is there for help and completion. In the order of the alphabet,
 * in which the shell looks for completions. */
static void command_words(bool on_images, size_t index, struct shell_static_entry *entry)
{
	/* One for each level, as the help tells of a word and of those behind it. */
	static struct ocre_shell_word levels[2];
	static const union shell_cmd_entry *const behind[] = {
		[OCRE_SHELL_NOTHING] = NULL,
		[OCRE_SHELL_IMAGE] = &images,
		[OCRE_SHELL_CONTAINER] = &containers,
		[OCRE_SHELL_GROUP] = &image_commands,
	};
	struct ocre_shell_word *level = &levels[on_images];
	int32_t follows = ocre_shell_word(on_images, index, level);

	*entry = (struct shell_static_entry){0};
	if (follows >= 0) {
		entry->syntax = level->word;
		entry->help = level->help;
		entry->subcmd = behind[follows];
	}
}

/* As many words as the core takes, and "ocre". */
SHELL_CMD_ARG_REGISTER(ocre, &commands,
		       "WebAssembly containers; \"ocre help COMMAND\" explains a command",
		       command, 1, 32);
