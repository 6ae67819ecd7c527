/* SPDX-License-Identifier: Apache-2.0 */
/* What WAMR needs to know of Zephyr's types. Its own Zephyr platform asks for
 * networking headers, and rounds all executable memory up to 4 KiB. */
#ifndef OCRE_WAMR_PLATFORM_INTERNAL_H
#define OCRE_WAMR_PLATFORM_INTERNAL_H

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zephyr/kernel.h>

#ifdef CONFIG_MINIMAL_LIBC
/* The mathematics that minimal libc lacks: WAMR brings its own. */
double sqrt(double x);
double floor(double x);
double ceil(double x);
double rint(double x);
double fmin(double x, double y);
double fmax(double x, double y);
double fabs(double x);
double trunc(double x);
float sqrtf(float x);
float floorf(float x);
float ceilf(float x);
float rintf(float x);
float fminf(float x, float y);
float fmaxf(float x, float y);
float fabsf(float x);
float truncf(float x);
#ifndef isnan
#define isnan(x) __builtin_isnan(x)
#endif
#ifndef signbit
#define signbit(x) __builtin_signbit(x)
#endif
#else
#include <math.h>
#endif

/* Minimal libc has these two. */
#define BH_HAS_SQRT
#define BH_HAS_SQRTF

typedef k_tid_t korp_tid;
typedef struct k_thread korp_thread;
typedef struct k_mutex korp_mutex;
typedef struct k_condvar korp_cond;
typedef struct k_sem korp_sem;
typedef struct k_mutex korp_rwlock;

/* WAMR's headers name these even where files are left out. */
typedef int os_file_handle;
typedef int os_raw_file_handle;
typedef int os_dir_stream;
typedef int os_poll_file_handle;
typedef unsigned int os_nfds_t;
typedef int64_t os_timespec;

static inline os_file_handle os_get_invalid_handle(void)
{
	return -1;
}

static inline int os_sched_yield(void)
{
	k_yield();
	return 0;
}

/* Memory is handed out in these units, so small ones waste none. */
static inline int os_getpagesize(void)
{
	return 64;
}

#define BH_APPLET_PRESERVED_STACK_SIZE 2048
#define BH_THREAD_DEFAULT_PRIORITY CONFIG_OCRE_PRIORITY_LAST

#ifndef PATH_MAX
#define PATH_MAX 256
#endif

#endif
