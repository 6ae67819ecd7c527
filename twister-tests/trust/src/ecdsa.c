/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier of signatures by itself: what it accepts, and what it costs. */
#include "containers.h"
#include "port.h"

#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/ztest.h>

ZTEST_SUITE(ecdsa, NULL, runtime_started, NULL, NULL, NULL);

/* RFC 6979, A.2.5: the public key, the digest of "sample", and the signature with SHA-256. */
static const uint8_t point[65] = {
	0x04,
	0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31,
	0xc9, 0x61, 0xeb, 0x74, 0xc6, 0x35, 0x6d, 0x68,
	0xc0, 0x49, 0xb8, 0x92, 0x3b, 0x61, 0xfa, 0x6c,
	0xe6, 0x69, 0x62, 0x2e, 0x60, 0xf2, 0x9f, 0xb6,
	0x79, 0x03, 0xfe, 0x10, 0x08, 0xb8, 0xbc, 0x99,
	0xa4, 0x1a, 0xe9, 0xe9, 0x56, 0x28, 0xbc, 0x64,
	0xf2, 0xf1, 0xb2, 0x0c, 0x2d, 0x7e, 0x9f, 0x51,
	0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22, 0x99,
};
static const uint8_t digest[32] = {
	0xaf, 0x2b, 0xdb, 0xe1, 0xaa, 0x9b, 0x6e, 0xc1,
	0xe2, 0xad, 0xe1, 0xd6, 0x94, 0xf4, 0x1f, 0xc7,
	0x1a, 0x83, 0x1d, 0x02, 0x68, 0xe9, 0x89, 0x15,
	0x62, 0x11, 0x3d, 0x8a, 0x62, 0xad, 0xd1, 0xbf,
};
static const uint8_t signature[64] = {
	0xef, 0xd4, 0x8b, 0x2a, 0xac, 0xb6, 0xa8, 0xfd,
	0x11, 0x40, 0xdd, 0x9c, 0xd4, 0x5e, 0x81, 0xd6,
	0x9d, 0x2c, 0x87, 0x7b, 0x56, 0xaa, 0xf9, 0x91,
	0xc3, 0x4d, 0x0e, 0xa8, 0x4e, 0xaf, 0x37, 0x16,
	0xf7, 0xcb, 0x1c, 0x94, 0x2d, 0x65, 0x7c, 0x41,
	0xd4, 0x36, 0xc7, 0xa1, 0xb6, 0xe2, 0x9f, 0x65,
	0xf3, 0xe9, 0x00, 0xdb, 0xb9, 0xaf, 0xf4, 0x06,
	0x4d, 0xc4, 0xab, 0x2f, 0x84, 0x3a, 0xcd, 0xa8,
};

ZTEST(ecdsa, test_a_published_signature_is_accepted)
{
	zassert_equal(ocre_port_verify_ecdsa(point, digest, signature), 1);
}

ZTEST(ecdsa, test_a_change_of_any_byte_is_refused)
{
	uint8_t changed[65];

	/* A part of the bytes: each verification takes a second on an emulated board. */
	for (size_t i = 0; i < sizeof(digest); i += 8) {
		memcpy(changed, digest, sizeof(digest));
		changed[i] ^= 0x10;
		zassert_equal(ocre_port_verify_ecdsa(point, changed, signature), 0, "%zu", i);
	}
	for (size_t i = 1; i < sizeof(signature); i += 16) {
		memcpy(changed, signature, sizeof(signature));
		changed[i] ^= 0x01;
		zassert_equal(ocre_port_verify_ecdsa(point, digest, changed), 0, "%zu", i);
	}
	/* No point of the curve. */
	for (size_t i = 1; i < sizeof(point); i += 8) {
		memcpy(changed, point, sizeof(point));
		changed[i] ^= 0x80;
		zassert_equal(ocre_port_verify_ecdsa(changed, digest, signature), 0, "%zu", i);
	}
}

ZTEST(ecdsa, test_zero_and_numbers_beyond_the_order_are_refused)
{
	uint8_t changed[64];

	for (size_t half = 0; half < sizeof(changed); half += 32) {
		for (int value = 0; value <= 0xff; value += 0xff) {
			memcpy(changed, signature, sizeof(signature));
			memset(changed + half, value, 32);
			zassert_equal(ocre_port_verify_ecdsa(point, digest, changed), 0);
		}
	}
	memset(changed, 0, sizeof(changed));
	zassert_equal(ocre_port_verify_ecdsa(point, digest, changed), 0);
}

#ifndef CONFIG_ARCH_POSIX

/* -- cost ------------------------------------------------------------------------ */

/* Most bytes of stack for a verification. */
#define MOST_STACK_BYTES 4096

static K_THREAD_STACK_DEFINE(stack, 12288);
static struct k_thread thread;

static void verify_point(void)
{
	zassert_equal(ocre_port_verify_ecdsa(point, digest, signature), 1);
}

static void verify_unsigned(void)
{
	ocre_image_verify("unsigned", NULL);
}

static void verify_signed(void)
{
	zassert_ok(ocre_image_verify("signed", NULL));
}

static void entry(void *work, void *cycles, void *unused)
{
	uint32_t begin = k_cycle_get_32();

	ARG_UNUSED(unused);
	((void (*)(void))work)();
	*(uint32_t *)cycles = k_cycle_get_32() - begin;
}

static size_t cost(void (*work)(void), const char *name)
{
	uint32_t cycles;
	size_t left;

	k_thread_create(&thread, stack, K_THREAD_STACK_SIZEOF(stack), entry, (void *)work, &cycles,
			NULL, 1, 0, K_NO_WAIT);
	k_thread_join(&thread, K_FOREVER);
	zassert_ok(k_thread_stack_space_get(&thread, &left));
	TC_PRINT("%s: %u bytes of stack, %u us\n", name, (uint32_t)(thread.stack_info.size - left),
		 k_cyc_to_us_near32(cycles));
	return thread.stack_info.size - left;
}

/* Time is counted in instructions there: docs/trust.md has the numbers. */
ZTEST(ecdsa, test_the_stack_is_bounded)
{
	zassert_true(cost(verify_point, "ECDSA") <= MOST_STACK_BYTES);
	cost(verify_unsigned, "verdict on an unsigned image");
	cost(verify_signed, "verdict on a signed image");
}

#endif
