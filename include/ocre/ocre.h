/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Ocre: containers of WebAssembly, from OCI images on a littlefs partition.
 *
 * Every function may be called from any thread, and none from an interrupt. Text
 * is UTF-8 and ends with NUL. Functions return 0 or a negative errno, and all but
 * ocre_init() return -ENODEV until that has succeeded.
 */
#ifndef OCRE_OCRE_H_
#define OCRE_OCRE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A container. A handle is never used again for another one; 0 is none. */
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
#define OCRE_RESTARTING 7u /**< The last run is over, and the next one will start. */
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
#define OCRE_PREFER_PORTABLE 2u /**< Portable code, where the image has AOT code too. */
#define OCRE_TEMPORARY       4u /**< Without a record: gone, with its files, after a reboot. */
/** @} */

/** @name Restart policies of a container
 *
 * A container is started again a second after its run, then after twice as long each time it fails
 * again, up to 5 minutes. After ocre_stop() or ocre_kill() it is not, until somebody starts it.
 * At boot a container with OCRE_RESTART_ALWAYS is started whatever its state was, unless it was
 * never started or has failed too often.
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
 * @brief Mounts the storage partition, if CONFIG_OCRE_MOUNT says so, restores the containers from
 * before the reboot, starts the runtime, and then the containers that their restart policies
 * select. After a success, another call does nothing.
 *
 * @retval 0 Every other function can be called.
 * @retval -EBUSY Another thread is in the function, or it has failed before.
 * @retval -EIO The partition does not mount, or can't be read.
 * @retval -ENOMEM The engine does not start in CONFIG_OCRE_HEAP_SIZE bytes.
 */
int ocre_init(void);

/**
 * @brief Sets the date, for guests that ask for it and for the records of containers.
 *
 * @param unix_ns Nanoseconds since 1970-01-01 UTC.
 */
void ocre_set_date(uint64_t unix_ns);

/**
 * @brief Judges an image: checks that it is what it claims to be and may run here.
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
 * @retval -ENOENT There is no list of images.
 * @retval -EIO The list can't be read.
 */
int ocre_image_list(int (*visit)(void *context, const char *name), void *context);

/**
 * @brief Judges an image and creates a container of it, which does not run yet, and survives a
 * reboot unless it is OCRE_TEMPORARY.
 *
 * @param options Options, which are copied; NULL for the defaults.
 * @param text As for ocre_image_verify().
 * @retval -EINVAL Image, name, an argument, a variable, a permission or a mount is malformed, or
 * a folder to be mounted is the runtime's own, or the restart policy is not valid, or more memory
 * is asked for than this device allows, or the image has only AOT code and there is a limit of
 * instructions.
 * @retval -E2BIG Arguments, environment or mounts are too long.
 * @retval -ENOEXEC The image is refused.
 * @retval -EEXIST Another container has that name, or a record on the partition that
 * can't be read.
 * @retval -ENFILE There are as many containers as CONFIG_OCRE_CONTAINERS.
 * @retval -ENOSPC The partition is full.
 * @retval -EIO The partition fails.
 */
int ocre_create(const char *image, const struct ocre_options *options,
		ocre_container_t *container, char *text);

/**
 * @brief Starts a container, also one that has run before, and returns when its
 * guest's first instruction is next.
 *
 * @retval -ENOEXEC The container can't start; ocre_status() has the reason.
 * @retval -EBUSY The container is running or paused, or a running container has a folder of its
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
 * @brief Starts a container from its beginning; a running one is stopped first, as by
 * ocre_stop().
 *
 * @retval -EAGAIN The container does not end although killed.
 * @retval -ENOEXEC The container can't start; ocre_status() has the reason.
 * @retval -EBUSY A running container has a folder of its mounts.
 * @retval -ENOENT There is no such container.
 */
int ocre_restart(ocre_container_t container, uint32_t grace_ms);

/**
 * @brief Holds a container's guest at its next loop or call, or at the end of the host call that
 * it waits in. Its time limit does not wait.
 *
 * @retval -ESRCH The container is not running.
 * @retval -EBUSY The container is paused.
 * @retval -ENOENT There is no such container.
 */
int ocre_pause(ocre_container_t container);

/**
 * @brief Lets a paused container's guest go on.
 *
 * @retval -EBUSY The container is not paused.
 * @retval -ENOENT There is no such container.
 */
int ocre_unpause(ocre_container_t container);

/**
 * @brief Kills a container: returns at once, and its run ends soon.
 *
 * @retval -ESRCH The container is not running.
 * @retval -ENOENT There is no such container.
 */
int ocre_kill(ocre_container_t container);

/** Time limit of a wait without an end. */
#define OCRE_FOREVER UINT32_MAX

/**
 * @brief Waits until a container rests: for the end of its run, and of the restarts that follow.
 *
 * @param timeout_ms Longest wait, in milliseconds, or OCRE_FOREVER.
 * @param status Gets the status after the end. May be NULL.
 * @retval 0 The container rests.
 * @retval -EAGAIN The container runs on after @p timeout_ms.
 * @retval -ESRCH The container has not been started.
 * @retval -ENOENT There is no such container, or it was removed meanwhile.
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
 */
int ocre_list(int (*visit)(void *context, ocre_container_t container, const char *name),
	      void *context);

/**
 * @brief Shows the output of a container that its log keeps.
 *
 * @param lines Number of the last lines to show; 0 for all.
 * @param visit Gets one line, or a part of one of at most 256 bytes, with its newline
 * and without NUL; `stream` is 1 for stdout, 2 for stderr. Returns 0 to end the output.
 * @retval -ENOENT There is no such container.
 */
int ocre_logs(ocre_container_t container, uint32_t lines,
	      int (*visit)(void *context, int stream, const char *text, uint32_t bytes),
	      void *context);

/**
 * @brief Registers a function that is called after each change of a container's state, on the
 * thread that has changed it.
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
 * @param interrupted Called again and again: not 0 ends a command that waits. May be
 * NULL.
 * @return The exit status: 0 done, 1 refused or failed, 2 bad usage; of `run`, the
 * guest's own.
 * @retval -EINVAL A word is not UTF-8, or there are more than 32.
 */
int ocre_command(const char *const *words, uint32_t count,
		 void (*write)(void *context, int error, const char *text, uint32_t bytes),
		 int (*interrupted)(void *context), void *context);

#ifdef __cplusplus
}
#endif

#endif /* OCRE_OCRE_H_ */
