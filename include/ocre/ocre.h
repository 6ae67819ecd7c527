/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Ocre: WebAssembly containers from OCI images on a littlefs partition.
 *
 * Call the functions from any thread, but not from an interrupt. Text is UTF-8 and
 * ends with NUL. Functions return 0 or a negative errno. Before ocre_init() succeeds,
 * all other functions but ocre_format() and ocre_formatted() return -ENODEV.
 */
#ifndef OCRE_OCRE_H_
#define OCRE_OCRE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Handle of a container. Handles are never reused; 0 is no container. */
typedef uint64_t ocre_container_t;

/** Bytes that hold any refusal, with its location, NUL included. */
#define OCRE_TEXT_BYTES 160

/** Bytes that hold any code of docs/errors.md, NUL included. */
#define OCRE_CODE_BYTES 40

/** @name States of a container
 * @{
 */
#define OCRE_CREATED 0u /**< The container has not run since it was created or started again. */
#define OCRE_RUNNING 1u /**< The container has a thread. */
#define OCRE_PAUSED  2u /**< The guest is held. */
#define OCRE_EXITED  3u /**< The guest exited, with a code. */
#define OCRE_TRAPPED 4u /**< An error of the guest ended the run. */
#define OCRE_KILLED  5u /**< The run was ended from outside. */
#define OCRE_FAILED  6u /**< The guest's first instruction was never run. */
#define OCRE_RESTARTING 7u /**< The last run is over, and a restart is pending. */
#define OCRE_CRASH_LOOP 8u /**< The container has failed too often to be started again. */
/** @} */

/** Status of a container. */
struct ocre_status {
	/** State: OCRE_CREATED to OCRE_CRASH_LOOP. */
	uint32_t state;
	/** Exit code after the end of a run: the guest's own, 134 after a trap, 137 after a
	 * kill, 1 after a failed start. */
	int32_t code;
	/** Reason for a trap, a kill or a failure: a code of docs/errors.md; else "". */
	char reason[OCRE_CODE_BYTES];
};

/** @name Options of a container
 * @{
 */
#define OCRE_ATTACHED        1u /**< The console shows the container's output. */
#define OCRE_PREFER_PORTABLE 2u /**< Prefer portable code to AOT code. */
#define OCRE_TEMPORARY       4u /**< No record: a reboot removes the container and its files. */
/** @} */

/** @name Restart policies of a container
 *
 * The first restart follows one second after the end of a run. Each further failure in a row
 * doubles the delay, up to 5 minutes. After ocre_stop() or ocre_kill() there is no restart until
 * ocre_start(). At boot, a container with OCRE_RESTART_ALWAYS starts, unless the container was
 * never started or is in a crash loop.
 * @{
 */
#define OCRE_RESTART_NO         0u /**< Never. */
#define OCRE_RESTART_ON_FAILURE 1u /**< After a run that did not exit with 0. */
#define OCRE_RESTART_ALWAYS     2u /**< After every run. */
/** @} */

/** Options of a new container. All zero is a good default. */
struct ocre_options {
	/** Name: `[a-z0-9][a-z0-9._-]*`, at most 32 bytes; NULL for a generated name,
	 * which takes a source of randomness. */
	const char *name;
	/** Arguments of the guest, after its name. */
	const char *const *arguments;
	/** Environment variables, `NAME=value`, on top of the image's. */
	const char *const *environment;
	/** Names of the granted permissions. */
	const char *const *permissions;
	/** Mounts, `SRC:DST` or `SRC:DST:ro`: folders of the partition besides the container's
	 * own. */
	const char *const *mounts;
	/** Number of arguments, at most 32. */
	uint32_t argument_count;
	/** Number of environment variables, at most 32. */
	uint32_t environment_count;
	/** Number of granted permissions. */
	uint32_t permission_count;
	/** Number of mounts, at most 4. */
	uint32_t mount_count;
	/** Most bytes of linear memory; 0 for CONFIG_OCRE_MEMORY_LIMIT. */
	uint32_t memory_bytes;
	/** Most bytes of files; 0 for no limit. */
	uint32_t disk_bytes;
	/** Bytes of stack for interpreted frames; 0 for CONFIG_OCRE_GUEST_STACK_SIZE. */
	uint32_t stack_bytes;
	/** Longest run, in milliseconds; 0 for no limit. */
	uint32_t time_limit_ms;
	/** Priority: 0 is CONFIG_OCRE_PRIORITY_FIRST, and so on to CONFIG_OCRE_PRIORITY_LAST;
	 * also the order in which containers are started at boot. */
	uint32_t priority;
	/** Flags: OCRE_ATTACHED, OCRE_PREFER_PORTABLE, OCRE_TEMPORARY. */
	uint32_t flags;
	/** Restart policy: OCRE_RESTART_NO, OCRE_RESTART_ON_FAILURE or OCRE_RESTART_ALWAYS. */
	uint32_t restart;
	/** Most restarts in a row with OCRE_RESTART_ON_FAILURE, up to 255; 0 for 10. */
	uint32_t restart_most;
	/** Most instructions of the guest, up to 2147483647; 0 for no limit. With a limit, portable
	 * code is taken, because AOT code is not counted. */
	uint32_t instructions;
};

/**
 * @brief Starts the runtime.
 *
 * With CONFIG_OCRE_MOUNT, mounts the storage partition; a blank partition is formatted first, see
 * ocre_formatted(). Restores the containers from before the reboot, and starts containers according
 * to their restart policies. After a success, another call does nothing. After an error of the
 * partition, another call tries again.
 *
 * @retval 0 The other functions are ready.
 * @retval -EILSEQ The partition is neither a valid littlefs nor blank: damaged, or the data of
 * another program. It is left unchanged, unless CONFIG_OCRE_MOUNT_FORMAT_DAMAGED is set.
 * ocre_format() makes a partition of it that mounts.
 * @retval -ENODATA The partition is blank, and CONFIG_OCRE_MOUNT_FORMAT is not set.
 * @retval -EIO The flash can't be read or written, the file system fails, or another one is mounted
 * at CONFIG_OCRE_MOUNT_POINT.
 * @retval -EBUSY Another thread is in this function or ocre_format(), or an earlier call has
 * returned -ENOMEM.
 * @retval -ENOMEM The engine does not start in CONFIG_OCRE_HEAP_SIZE bytes.
 */
int ocre_init(void);

/**
 * @brief Formats the storage partition, blank or not: all images, containers and files are lost.
 * Only before ocre_init() has succeeded.
 *
 * @retval 0 The partition is empty; ocre_init() mounts it.
 * @retval -EBUSY The runtime runs, another thread is in this function or ocre_init(), or another
 * file system is mounted at CONFIG_OCRE_MOUNT_POINT.
 * @retval -EIO The flash can't be written.
 * @retval -ENODEV CONFIG_OCRE_MOUNT is not set.
 */
int ocre_format(void);

/**
 * @brief Tells whether ocre_init() or ocre_format() has formatted the partition since boot.
 *
 * @return 1 after a format, else 0.
 */
int ocre_formatted(void);

/**
 * @brief Sets the date for guests and for container records.
 *
 * @param unix_ns Nanoseconds since 1970-01-01 UTC.
 */
void ocre_set_date(uint64_t unix_ns);

/**
 * @brief Judges an image: verifies the content, and checks that this device can run the image.
 *
 * @param image `name`, `name:tag`, either with `@sha256:…`, or a digest alone.
 * @param text Gets at most OCRE_TEXT_BYTES: the code of the refusal and its location; ""
 * where the image is accepted. May be NULL.
 * @retval 0 The image may run.
 * @retval -EINVAL @p image is malformed.
 * @retval -ENOEXEC The image is refused.
 */
int ocre_image_verify(const char *image, char *text);

/**
 * @brief Shows the name of each image on the partition.
 *
 * @param visit Returns 0 to end the list. The function must not use images.
 * @retval -EINVAL @p visit is NULL.
 * @retval -ENOENT The partition has no index of images.
 * @retval -EIO The index can't be read.
 */
int ocre_image_list(int (*visit)(void *context, const char *name), void *context);

/**
 * @brief Judges an image and creates a container from the image, without starting the container.
 * The container survives a reboot, except with OCRE_TEMPORARY.
 *
 * @param options Options, which are copied; NULL for the defaults.
 * @param text As for ocre_image_verify(); also the code of any other error of the container.
 * @retval -EINVAL Image, name, an argument, a variable, a permission or a mount is malformed; a
 * list is NULL and its number is not 0; a mount's source belongs to the runtime; the restart policy
 * is not valid; or a limit is larger than the device allows (memory: CONFIG_OCRE_MEMORY_LIMIT;
 * instructions: 2147483647).
 * @retval -E2BIG Arguments, environment or mounts are too long.
 * @retval -ENOEXEC The image is refused, or has only AOT code and there is a limit on instructions.
 * @retval -EEXIST Another container, or an unreadable record on the partition, has this name.
 * @retval -ENFILE All CONFIG_OCRE_CONTAINERS slots are in use.
 * @retval -ENOSPC The partition is full.
 * @retval -EIO The partition fails.
 */
int ocre_create(const char *image, const struct ocre_options *options,
		ocre_container_t *container, char *text);

/**
 * @brief Starts a created or ended container. Returns once the code is loaded, before the guest's
 * first instruction.
 *
 * @retval -ENOEXEC The container can't start; ocre_status() has the reason.
 * @retval -EBUSY The container is running or paused, or a running container uses a folder of the
 * mounts.
 * @retval -ENOENT There is no such container.
 */
int ocre_start(ocre_container_t container);

/**
 * @brief Sends a container a stop request, kills it after the grace period, and waits for its
 * end.
 *
 * @param grace_ms Grace period, in milliseconds.
 * @retval -ESRCH The container is not running.
 * @retval -EAGAIN The container does not end although killed.
 * @retval -ENOENT There is no such container.
 */
int ocre_stop(ocre_container_t container, uint32_t grace_ms);

/**
 * @brief Restarts a container. A running container is stopped first, as by ocre_stop().
 *
 * @retval -EAGAIN The container does not end although killed.
 * @retval -ENOEXEC The container can't start; ocre_status() has the reason.
 * @retval -EBUSY A running container uses a folder of the mounts.
 * @retval -ENOENT There is no such container.
 */
int ocre_restart(ocre_container_t container, uint32_t grace_ms);

/**
 * @brief Pauses a container at the next safe point: a loop, a call, or the end of a host call. The
 * time limit keeps running.
 *
 * @retval -ESRCH The container is not running.
 * @retval -EBUSY The container is paused.
 * @retval -ENOENT There is no such container.
 */
int ocre_pause(ocre_container_t container);

/**
 * @brief Resumes a paused container.
 *
 * @retval -EBUSY The container is not paused.
 * @retval -ENOENT There is no such container.
 */
int ocre_unpause(ocre_container_t container);

/**
 * @brief Kills a container. Returns at once; the run ends soon after.
 *
 * @retval -ESRCH The container is not running.
 * @retval -ENOENT There is no such container.
 */
int ocre_kill(ocre_container_t container);

/** Time limit of a wait without an end. */
#define OCRE_FOREVER 0xffffffffu

/**
 * @brief Waits until a container rests: for the end of the run and of all restarts by policy.
 *
 * @param timeout_ms Longest wait, in milliseconds, or OCRE_FOREVER.
 * @param status Gets the status after the end. May be NULL.
 * @retval 0 The container rests.
 * @retval -EAGAIN The container still runs after @p timeout_ms.
 * @retval -ESRCH The container has never been started.
 * @retval -ENOENT There is no such container, or the container was removed during the wait.
 */
int ocre_wait(ocre_container_t container, uint32_t timeout_ms, struct ocre_status *status);

/**
 * @brief Gets the status of a container.
 *
 * @retval -ENOENT There is no such container.
 */
int ocre_status(ocre_container_t container, struct ocre_status *status);

/**
 * @brief Removes a container with its log and its files.
 *
 * @param force Not 0: a running container is killed first.
 * @retval -EBUSY The container is running or paused.
 * @retval -EAGAIN The container does not end although killed.
 * @retval -EIO The files can't be removed; the container still exists.
 * @retval -ENOENT There is no such container.
 */
int ocre_remove(ocre_container_t container, int force);

/**
 * @brief Finds a container by its name.
 *
 * @retval -ENOENT There is no such container.
 */
int ocre_find(const char *name, ocre_container_t *container);

/**
 * @brief Shows every container.
 *
 * @param visit Returns 0 to end the list.
 * @retval -EINVAL @p visit is NULL.
 */
int ocre_list(int (*visit)(void *context, ocre_container_t container, const char *name),
	      void *context);

/**
 * @brief Passes the log of a container to a function.
 *
 * @param lines Number of the last lines to show; 0 for all.
 * @param visit Gets one log record: a line, or a part of a long line, of at most 256 bytes, with
 * the newline and without NUL. `stream` is 1 for stdout, 2 for stderr. Returns 0 to end the output.
 * @retval -EINVAL @p visit is NULL.
 * @retval -ENOENT There is no such container.
 */
int ocre_logs(ocre_container_t container, uint32_t lines,
	      int (*visit)(void *context, int stream, const char *text, uint32_t bytes),
	      void *context);

/**
 * @brief Registers a function for state changes of containers. The call comes after each change,
 * on the thread that made the change.
 *
 * @param changed Function, one at a time; NULL for none. It must return soon, and neither start,
 * stop nor remove a container.
 * @param context Argument of @p changed.
 */
void ocre_on_change(void (*changed)(void *context), void *context);

/**
 * @brief Runs a command as the shell does: `{"image", "verify", "hello"}`.
 *
 * @param write Takes each piece of output, without NUL; `error` is not 0 for errors, warnings
 * and notes.
 * @param interrupted Polled while a command waits: a result other than 0 ends the command. May be
 * NULL.
 * @return The exit code: 0 done, 1 refused or failed, 2 usage error; for `run`, the guest's exit
 * code.
 * @retval -EINVAL A word is not UTF-8, there are more than 32, or @p words or @p write is NULL.
 */
int ocre_command(const char *const *words, uint32_t count,
		 void (*write)(void *context, int error, const char *text, uint32_t bytes),
		 int (*interrupted)(void *context), void *context);

#ifdef __cplusplus
}
#endif

#endif /* OCRE_OCRE_H_ */
