/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * @brief Ocre: containers of WebAssembly, from OCI images on a littlefs partition.
 *
 * Every function may be called from any thread, and none from an interrupt. Text
 * is UTF-8 and ends with NUL. Functions return 0 or a negative errno, and each
 * but ocre_init() answers -ENODEV until that has succeeded.
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

/** Bytes that hold any refusal, with what it is about, NUL included. */
#define OCRE_TEXT_BYTES 160

/** Bytes that hold any code of docs/errors.md, NUL included. */
#define OCRE_CODE_BYTES 40

/** @name States of a container
 * @{
 */
#define OCRE_CREATED 0u /**< It has not run since it was made or started again. */
#define OCRE_RUNNING 1u /**< It has a thread. */
#define OCRE_PAUSED  2u /**< Its guest is held. */
#define OCRE_EXITED  3u /**< Its guest ended by itself, with a code. */
#define OCRE_TRAPPED 4u /**< Its guest did what WebAssembly forbids. */
#define OCRE_KILLED  5u /**< It was ended from outside. */
#define OCRE_FAILED  6u /**< Its guest's first instruction was never run. */
#define OCRE_RESTARTING 7u /**< Its last run is over, and it will be started again. */
#define OCRE_CRASH_LOOP 8u /**< It has failed too often to be started again by itself. */
/** @} */

/** Where a container is in its life. */
struct ocre_status {
	/** One of the states. */
	uint32_t state;
	/** After its end: the exit code where it exited, 134 after a trap, 137 after a
	 * kill, 1 after a failed start. */
	int32_t code;
	/** Why it trapped, was killed or failed: a code of docs/errors.md; else "". */
	char reason[OCRE_CODE_BYTES];
};

/** @name Options of a container
 * @{
 */
#define OCRE_ATTACHED        1u /**< The console shows what it writes. */
#define OCRE_PREFER_PORTABLE 2u /**< Portable code, where the image has AOT code too. */
#define OCRE_TEMPORARY       4u /**< Without a record: gone, with its files, after a reboot. */
/** @} */

/** @name When a container is started again by itself
 *
 * A second after its run, then after twice as long each time it fails again, up to 5 minutes. Not
 * after ocre_stop() or ocre_kill(), until somebody starts it; but at boot what is to run always is
 * started whatever it was, unless it was never started or has failed too often.
 * @{
 */
#define OCRE_RESTART_NO         0u /**< Never. */
#define OCRE_RESTART_ON_FAILURE 1u /**< After a run that did not exit with 0. */
#define OCRE_RESTART_ALWAYS     2u /**< After every run. */
/** @} */

/** What a container is created with. All zero is a good default. */
struct ocre_options {
	/** Its name: `[a-z0-9][a-z0-9._-]*`, at most 32 bytes; NULL to have one made up,
	 * which takes a source of randomness. */
	const char *name;
	/** The guest's arguments, after its name. */
	const char *const *arguments;
	/** `NAME=value`, on top of the image's. */
	const char *const *environment;
	/** What the image gets of what it asks for: names of permissions. */
	const char *const *permissions;
	/** `SRC:DST` or `SRC:DST:ro`: folders of the partition that it is given besides
	 * its own. */
	const char *const *mounts;
	/** How many arguments, at most 32. */
	uint32_t argument_count;
	/** How many variables, at most 32. */
	uint32_t environment_count;
	/** How many permissions. */
	uint32_t permission_count;
	/** How many mounts, at most 4. */
	uint32_t mount_count;
	/** Most bytes of linear memory; 0 for CONFIG_OCRE_MEMORY_LIMIT. */
	uint32_t memory_bytes;
	/** Most bytes that its files may take; 0 for no limit. */
	uint32_t disk_bytes;
	/** Bytes of stack for interpreted frames; 0 for CONFIG_OCRE_GUEST_STACK_SIZE. */
	uint32_t stack_bytes;
	/** Longest run, in milliseconds; 0 for no limit. */
	uint32_t time_limit_ms;
	/** 0 is CONFIG_OCRE_PRIORITY_FIRST, and so on to CONFIG_OCRE_PRIORITY_LAST; so is the
	 * order in which containers are started at boot. */
	uint32_t priority;
	/** OCRE_ATTACHED, OCRE_PREFER_PORTABLE, OCRE_TEMPORARY. */
	uint32_t flags;
	/** When it is started again. */
	uint32_t restart;
	/** With OCRE_RESTART_ON_FAILURE, how often in a row at most, up to 255; 0 for 10. */
	uint32_t restart_most;
	/** Most instructions that it may execute, up to 2147483647; 0 for no limit. Its portable
	 * code is taken then, because AOT code is not counted. */
	uint32_t instructions;
};

/**
 * @brief Mounts the storage partition, if CONFIG_OCRE_MOUNT says so, takes up the
 * containers that were there before the reboot, starts the runtime, and then those containers
 * that are to run by themselves. Once it has succeeded, calling it again does nothing.
 *
 * @retval 0 Everything else here can be called.
 * @retval -EBUSY It is being called by another thread, or has failed before.
 * @retval -EIO The partition does not mount, or can't be read.
 * @retval -ENOMEM The engine does not start in CONFIG_OCRE_HEAP_SIZE bytes.
 */
int ocre_init(void);

/**
 * @brief Tells the runtime the date, for guests that ask for it.
 *
 * @param unix_ns Nanoseconds since 1970-01-01 UTC.
 */
void ocre_set_date(uint64_t unix_ns);

/**
 * @brief Judges an image: whether it is what it claims to be and may run here.
 *
 * @param image `name`, `name:tag`, either with `@sha256:…`, or a digest alone.
 * @param text Gets at most OCRE_TEXT_BYTES: the code of the refusal and what it is
 * about; "" where the image is accepted. May be NULL.
 * @retval 0 It may run.
 * @retval -EINVAL @p image is malformed.
 * @retval -ENOEXEC It is refused.
 */
int ocre_image_verify(const char *image, char *text);

/**
 * @brief Shows the name of each image on the partition.
 *
 * @param visit Answers 0 to see no more. It must not use images.
 * @retval -ENOENT There is no list of images.
 * @retval -EIO The list can't be read.
 */
int ocre_image_list(int (*visit)(void *context, const char *name), void *context);

/**
 * @brief Judges an image and creates a container of it, which does not run yet, and is
 * there after a reboot too unless it is OCRE_TEMPORARY.
 *
 * @param options NULL for the defaults. Nothing of it is kept.
 * @param text As for ocre_image_verify().
 * @retval -EINVAL Image, name, an argument, a variable, a permission or a mount is malformed, or
 * what is to be mounted is the runtime's own, or a policy makes no sense, or there is AOT code
 * alone and a limit of instructions.
 * @retval -E2BIG Arguments, environment or mounts are too long.
 * @retval -ENOEXEC The image is refused.
 * @retval -EEXIST Another container has that name, or a record on the partition that
 * can't be read.
 * @retval -ENFILE There are as many containers as CONFIG_OCRE_CONTAINERS.
 * @retval -ENOSPC The partition is full.
 * @retval -EIO The partition does not do its part.
 */
int ocre_create(const char *image, const struct ocre_options *options,
		ocre_container_t *container, char *text);

/**
 * @brief Starts a container, also one that has run before, and returns when its
 * guest's first instruction is next.
 *
 * @retval -ENOEXEC It can't start; ocre_status() says why.
 * @retval -EBUSY It is running or paused, or a container that runs has a folder that is
 * mounted in it.
 * @retval -ENOENT There is no such container.
 */
int ocre_start(ocre_container_t container);

/**
 * @brief Asks a container to end, kills it after a time of grace, and waits for its
 * end.
 *
 * @retval -ESRCH It is not running.
 * @retval -EAGAIN It does not end although killed.
 * @retval -ENOENT There is no such container.
 */
int ocre_stop(ocre_container_t container, uint32_t grace_ms);

/**
 * @brief Starts a container from its beginning; one that runs is stopped first, as by
 * ocre_stop().
 *
 * @retval -EAGAIN It does not end although killed.
 * @retval -ENOEXEC It can't start; ocre_status() says why.
 * @retval -EBUSY A container that runs has a folder that is mounted in it.
 * @retval -ENOENT There is no such container.
 */
int ocre_restart(ocre_container_t container, uint32_t grace_ms);

/**
 * @brief Holds a container's guest: it goes on to its next loop or call, or to the end of
 * the host call that it waits in, and no further. Its time limit does not wait.
 *
 * @retval -ESRCH It is not running.
 * @retval -EBUSY It is paused.
 * @retval -ENOENT There is no such container.
 */
int ocre_pause(ocre_container_t container);

/**
 * @brief Lets a paused container's guest go on.
 *
 * @retval -EBUSY It is not paused.
 * @retval -ENOENT There is no such container.
 */
int ocre_unpause(ocre_container_t container);

/**
 * @brief Kills a container: returns at once, and its run ends soon.
 *
 * @retval -ESRCH It is not running.
 * @retval -ENOENT There is no such container.
 */
int ocre_kill(ocre_container_t container);

/** Wait without a limit. */
#define OCRE_FOREVER UINT32_MAX

/**
 * @brief Waits for the end of a container's run, and of those that follow by themselves; where
 * it rests, returns at once.
 *
 * @retval 0 @p status, if not NULL, says how it ended.
 * @retval -EAGAIN It runs on after @p timeout_ms.
 * @retval -ESRCH It has not been started.
 * @retval -ENOENT There is no such container, or it was removed meanwhile.
 */
int ocre_wait(ocre_container_t container, uint32_t timeout_ms, struct ocre_status *status);

/**
 * @brief Tells where a container is in its life.
 *
 * @retval -ENOENT There is no such container.
 */
int ocre_status(ocre_container_t container, struct ocre_status *status);

/**
 * @brief Removes a container with its log and its files.
 *
 * @param force Not 0: one that runs is killed first.
 * @retval -EBUSY It is running or paused.
 * @retval -EAGAIN It does not end although killed.
 * @retval -EIO Its files can't be removed; it is still there.
 * @retval -ENOENT There is no such container.
 */
int ocre_remove(ocre_container_t container, int force);

/**
 * @brief The container of that name.
 *
 * @retval -ENOENT There is none.
 */
int ocre_find(const char *name, ocre_container_t *container);

/**
 * @brief Shows every container.
 *
 * @param visit Answers 0 to see no more.
 */
int ocre_list(int (*visit)(void *context, ocre_container_t container, const char *name),
	      void *context);

/**
 * @brief Shows what a container wrote to its outputs and is still kept.
 *
 * @param lines How many of the last lines; 0 for all.
 * @param visit Gets one line, or a part of one of at most 256 bytes, with its newline
 * and without NUL; `stream` is 1 for stdout, 2 for stderr. Answers 0 to see no more.
 * @retval -ENOENT There is no such container.
 */
int ocre_logs(ocre_container_t container, uint32_t lines,
	      int (*visit)(void *context, int stream, const char *text, uint32_t bytes),
	      void *context);

/**
 * @brief Has @p changed called after a container's state has changed, on whatever
 * thread has changed it: it must return soon, and neither start, stop nor remove a
 * container. One function at a time; NULL for none.
 */
void ocre_on_change(void (*changed)(void *context), void *context);

/**
 * @brief Runs a command as the shell does: `{"image", "verify", "hello"}`.
 *
 * @param write Takes each piece of output, without NUL; `error` is not 0 for what
 * went wrong.
 * @param interrupted Asked again and again: not 0 ends a command that waits. May be
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
