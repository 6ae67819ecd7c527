/* SPDX-License-Identifier: Apache-2.0 */
/* Shorter ways to do with containers what most tests do. Each fails the test that
 * calls it where the C API does not answer as expected. */
#ifndef SUITE_CONTAINERS_H
#define SUITE_CONTAINERS_H

#include <ocre/ocre.h>
#include <stdbool.h>

/* Interpreted. */
#define PORTABLE OCRE_PREFER_PORTABLE

/*
 * Most milliseconds from a kill to its being told, which is when the guest has ended
 * and that is recorded on the partition. The emulated Cortex-M3 executes 8 million
 * instructions a second, of which littlefs takes most: see README.md.
 */
#ifdef CONFIG_ARCH_POSIX
#define KILL_MS 100
#else
#define KILL_MS 500
#endif

/* A new container of an image; the guest's words are parted by blanks. */
ocre_container_t container_made(const char *image, const char *name, const char *words,
				uint32_t flags);

/* The same, started. */
ocre_container_t container_started(const char *image, const char *name, const char *words,
				   uint32_t flags);

/* The same, with permissions: their names, parted by blanks. */
ocre_container_t container_granted(const char *image, const char *name, const char *words,
				   const char *permissions);

/* The same, run to its end; still there, to be looked at. */
ocre_container_t container_run(const char *image, const char *name, const char *words,
			       uint32_t flags, struct ocre_status *status);

/* Fails unless a container has ended in that way. */
void container_ended(const struct ocre_status *status, uint32_t state, int32_t code,
		     const char *reason);

/* Fails unless that is all that a container wrote. */
void container_wrote(ocre_container_t container, const char *expected);

/* Removes all containers, also those that run. */
void containers_removed(void);

/* How many containers there are. */
int containers_count(void);

/* Starts the runtime: the set-up of a suite. */
void *runtime_started(void);

/* Removes all containers, and the listener of changes: the end of each test. */
void containers_removed_after(void *fixture);

#endif
