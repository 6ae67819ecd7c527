/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract between ocre-zephyr and Zephyr.
 *
 * Promised: only fixed-width integers and pointers cross it, because
 * the compilers of the two sides disagree about the width of an enum. Text is
 * bytes and their number. Every function may be called from any thread, and
 * none from an interrupt, unless it says otherwise.
 *
 * `cargo xtask generate` writes crates/zephyr/src/sys/port.rs from this file.
 */
#ifndef OCRE_PORT_H
#define OCRE_PORT_H

#include <stdint.h>

/* Status of a failed operation on the partition. */
#define OCRE_PORT_NOT_FOUND (-1)
#define OCRE_PORT_EXISTS (-2)
#define OCRE_PORT_NOT_DIRECTORY (-3)
#define OCRE_PORT_IS_DIRECTORY (-4)
#define OCRE_PORT_NOT_EMPTY (-5)
#define OCRE_PORT_NO_SPACE (-6)
#define OCRE_PORT_NAME_TOO_LONG (-7)
#define OCRE_PORT_INVALID (-8)
#define OCRE_PORT_NO_MEMORY (-9)
#define OCRE_PORT_CORRUPT (-10)
#define OCRE_PORT_IO (-11)

/* Modes of opening a file. */
#define OCRE_PORT_READ 1u
#define OCRE_PORT_WRITE 2u
#define OCRE_PORT_CREATE 4u
#define OCRE_PORT_EXCLUSIVE 8u
#define OCRE_PORT_TRUNCATE 16u
#define OCRE_PORT_APPEND 32u

/* Origin of a seek. */
#define OCRE_PORT_SEEK_START 0u
#define OCRE_PORT_SEEK_CURRENT 1u
#define OCRE_PORT_SEEK_END 2u

/* The storage partition, only with CONFIG_OCRE_MOUNT. Mounts it at CONFIG_OCRE_MOUNT_POINT: 0, or
 * -EILSEQ, -ENODATA or -EIO as of ocre_init(). */
int32_t ocre_port_mount(void);
int32_t ocre_port_unmount(void);
/* Formats the unmounted partition: 0, or -EBUSY or -EIO as of ocre_format(). */
int32_t ocre_port_format(void);
/* Returns 1 after a format since boot. */
int32_t ocre_port_formatted(void);
/* Result of the last mount; 0 before the first. */
int32_t ocre_port_mount_failure(void);

/*
 * Files and folders. Paths begin with '/' and are relative to the mount point.
 * Functions return a status, or a count where documented.
 */
int32_t ocre_port_open(const uint8_t *path, uint32_t path_bytes, uint32_t mode,
		       void **file);
/* Returns the number of bytes read. */
int32_t ocre_port_read(void *file, uint8_t *buffer, uint32_t bytes);
/* Returns the number of bytes written. */
int32_t ocre_port_write(void *file, const uint8_t *bytes, uint32_t count);
int32_t ocre_port_seek(void *file, int64_t offset, uint32_t from,
		       uint64_t *position);
int32_t ocre_port_size(void *file, uint64_t *size);
int32_t ocre_port_truncate(void *file, uint64_t size);
int32_t ocre_port_sync(void *file);
/* Ends the handle, whatever the result. */
int32_t ocre_port_close(void *file);
/* Ends the handle; unsynced data is lost. */
void ocre_port_discard(void *file);
/* `directory` becomes 1 for a folder, 0 for a file. */
int32_t ocre_port_metadata(const uint8_t *path, uint32_t path_bytes,
			   uint32_t *directory, uint64_t *size);
int32_t ocre_port_create_dir(const uint8_t *path, uint32_t path_bytes);
int32_t ocre_port_remove(const uint8_t *path, uint32_t path_bytes);
int32_t ocre_port_rename(const uint8_t *from, uint32_t from_bytes,
			 const uint8_t *to, uint32_t to_bytes);
/* Returns 0 to stop. */
typedef int32_t (*ocre_port_entry)(void *context, const uint8_t *name,
				   uint32_t name_bytes, uint32_t directory,
				   uint64_t size);
int32_t ocre_port_read_dir(const uint8_t *path, uint32_t path_bytes,
			   ocre_port_entry entry, void *context);
int32_t ocre_port_space(uint64_t *total, uint64_t *free, uint32_t *block);

/* Microseconds since boot. */
uint64_t ocre_port_uptime_us(void);
/* Nanoseconds since 1970-01-01 UTC; 0 while the date is unknown. */
uint64_t ocre_port_wall_ns(void);
void ocre_port_set_wall_ns(uint64_t now);

/* 0 where the system has no source of randomness that is fit for secrets. */
int32_t ocre_port_random(uint8_t *buffer, uint32_t bytes);

/* Returns 1 for an ECDSA signature on P-256: a point of 65 bytes that begins with 4 (SEC 1), a
 * digest of 32 bytes, and r and s in 32 bytes each. Only with CONFIG_OCRE_TRUSTED_KEYS. */
int32_t ocre_port_verify_ecdsa(const uint8_t *point, const uint8_t *digest,
			       const uint8_t *signature);

/* Counter of sequences under the SHA-256 of an image name: see ocre::port::Counter. They return 0,
 * or a negative number where that failed. Only with CONFIG_OCRE_SEQUENCE_COUNTER. */
int32_t ocre_port_counter_read(const uint8_t *name, uint64_t *number);
int32_t ocre_port_counter_raise(const uint8_t *name, uint64_t number);

/* Locks, in memory that is zero before its first use. */
#define OCRE_PORT_LOCK_WORDS 8
void ocre_port_lock(uintptr_t *lock);
/* Returns 1, or 0 where the lock is held. */
int32_t ocre_port_try_lock(uintptr_t *lock);
void ocre_port_unlock(uintptr_t *lock);

/* Threads of containers, by slot: see ocre::port::Threads. */
#define OCRE_PORT_NEVER 0xffffffffffffffffu
/* Returns 1, or 0 where there is no stack of that size. The slot after the last
 * container's is the supervisor's own, and more urgent than the others. */
int32_t ocre_port_spawn(uint32_t slot, const uint8_t *name, uint32_t name_bytes,
			uint32_t stack_bytes, uint32_t priority);
int32_t ocre_port_sleep(uint32_t slot, uint64_t until_us);
void ocre_port_wake(uint32_t slot);
uint32_t ocre_port_await_change(uint32_t seen, uint64_t until_us);
void ocre_port_announce(void);
/* Microseconds that a slot's thread has computed; UINT64_MAX where not counted. */
uint64_t ocre_port_computed_us(uint32_t slot);
/* Feeds the task watchdog; returns the microseconds until the next feed is due. Only
 * with CONFIG_OCRE_TASK_WDT. */
uint32_t ocre_port_beat(void);
/* Entry point of a container's thread; implemented in Rust. */
void ocre_thread_main(uint32_t slot);
/* The lowest address that the calling thread may use as stack; NULL if unknown. */
uint8_t *ocre_port_stack_boundary(void);

/* Shows bytes that a container wrote; `stream` is 1 or 2. */
void ocre_port_console_write(uint32_t stream, const uint8_t *bytes,
			     uint32_t count);
/* Returns the number of bytes read; 0 at the end of input; negative where no input
 * has come yet. */
int32_t ocre_port_console_read(uint8_t *buffer, uint32_t bytes);

/* Word of a command, and its help, for the shell. */
struct ocre_shell_word {
	char word[16];
	char help[80];
};
/* Operand after a word. */
#define OCRE_SHELL_NOTHING 0
#define OCRE_SHELL_IMAGE 1
#define OCRE_SHELL_CONTAINER 2
#define OCRE_SHELL_GROUP 3
/* Writes word number `place`, in alphabetical order, of the commands or of those about images.
 * Returns the kind of operand after it, or a negative number where there is no such word.
 * Implemented in Rust. */
int32_t ocre_shell_word(uint32_t on_images, uint32_t place, struct ocre_shell_word *word);

/* Status of a failed operation on a pin or a sensor. */
#define OCRE_PORT_ABSENT (-1)
#define OCRE_PORT_UNSUPPORTED (-2)
#define OCRE_PORT_FAILED (-3)

/* Pins: see ocre::port::devices::Gpio. Only with CONFIG_OCRE_GPIO. */
#define OCRE_PORT_GPIO_OFF 0u
#define OCRE_PORT_GPIO_INPUT 1u
#define OCRE_PORT_GPIO_OUTPUT 2u
/* The line in bits 0 to 7, the port in bits 8 to 15. */
int32_t ocre_port_gpio_find(const uint8_t *name, uint32_t name_bytes);
int32_t ocre_port_gpio_configure(uint32_t port, uint32_t line, uint32_t direction);
int32_t ocre_port_gpio_write(uint32_t port, uint32_t line, uint32_t active);
/* Returns 1 for an active pin, else 0. */
int32_t ocre_port_gpio_read(uint32_t port, uint32_t line);
/* `watcher` is UINT32_MAX to end the watch. */
int32_t ocre_port_gpio_watch(uint32_t port, uint32_t line, uint32_t watcher);
/* Returns a change, with the new level in bit 16. */
int32_t ocre_port_gpio_take(uint32_t watcher);
uint32_t ocre_port_gpio_lost(uint32_t watcher);
void ocre_port_gpio_forget(uint32_t watcher);

/* Sensors: see ocre::port::devices::Sensors. Only with CONFIG_OCRE_SENSORS. */
uint32_t ocre_port_sensors(void);
/* Stays for ever; NULL where there is no such sensor. */
const char *ocre_port_sensor_name(uint32_t sensor);
int32_t ocre_port_sensor_channel(uint32_t sensor, uint32_t index);
int32_t ocre_port_sensor_read(uint32_t sensor, uint32_t channel, int64_t *millionths);

/* Takes a line of log; levels are those of the crate `log`: 1 is an error. */
void ocre_port_log(uint32_t level, const uint8_t *text, uint32_t bytes);
/* Prints the place of a Rust panic, and halts the system. */
void ocre_port_panic(const uint8_t *file, uint32_t bytes, uint32_t line);

#endif
