/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sums
 *
 * One line for each kind of work that a compiler can get wrong, with what came out:
 * the same lines, whatever runs them.
 */
#include "guest.h"

#include <math.h>

/* Values the compiler can't see through. */
static volatile uint32_t seed = 0x2545f491;
static volatile double half = 0.5;
static volatile float third = 1.0f / 3;

static uint32_t state;

/* Marsaglia's xorshift. */
static uint32_t next(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static uint64_t bits_of(double value)
{
	union {
		double value;
		uint64_t bits;
	} both = {value};

	return both.bits;
}

static uint32_t bits_of_single(float value)
{
	union {
		float value;
		uint32_t bits;
	} both = {value};

	return both.bits;
}

static uint64_t integers(void)
{
	uint32_t sum = 0;

	for (int i = 0; i < 500; i++) {
		uint32_t a = next(), b = next() | 1;

		sum += a * b + a / b + a % b + (uint32_t)((int32_t)a / (int32_t)b);
		sum ^= a << (b & 31) | a >> (b & 31);
		sum += (uint32_t)((int32_t)a >> (b & 31));
		sum += (uint32_t)(__builtin_clz(b) + __builtin_ctz(b) + __builtin_popcount(a));
	}
	return sum;
}

static uint64_t long_integers(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 500; i++) {
		uint64_t a = (uint64_t)next() << 32 | next(), b = (uint64_t)next() << 16 | 1;

		sum += a * b + a / b + a % b + (uint64_t)((int64_t)a / (int64_t)b);
		sum ^= a << (b & 63) | a >> (b >> 8 & 63);
		sum += (uint64_t)((int64_t)a >> (b >> 8 & 63));
		sum += (uint64_t)(__builtin_clzll(b) + __builtin_popcountll(a));
	}
	return sum;
}

static uint64_t doubles(void)
{
	double sum = half;

	for (int i = 0; i < 200; i++) {
		double a = (double)(int32_t)next(), b = (double)next() + 1;

		sum = sum * half + a / b - a * 0x1p-20;
		sum += floor(a / 7) - ceil(b / 7) + trunc(a / 3) + rint(b / 3);
		sum += sqrt(b) + fabs(a) + (a < b ? 1 : -1) + copysign(half, a);
	}
	return bits_of(sum);
}

static uint64_t singles(void)
{
	float sum = third;

	for (int i = 0; i < 200; i++) {
		float a = (float)(int32_t)next(), b = (float)next() + 1;

		sum = sum * third + a / b - a * 0x1p-20f;
		sum += floorf(a / 7) + sqrtf(b) + fabsf(a) + (a < b ? 1 : -1);
	}
	return bits_of_single(sum);
}

static uint64_t conversions(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 200; i++) {
		double a = (double)(int32_t)next() * half;
		float b = (float)next() * third;

		sum += (uint64_t)(int64_t)(a * 1024) + (uint64_t)(int64_t)b;
		sum += (uint32_t)(int32_t)(a * half) + bits_of((double)b);
		sum += bits_of_single((float)a) + bits_of((double)(int64_t)sum);
		sum += bits_of((double)sum) + bits_of_single((float)sum);
	}
	return sum;
}

static uint64_t memory(void)
{
	static uint8_t bytes[256];
	uint64_t sum = 0;

	for (int i = 0; i < 256; i++) {
		bytes[i] = (uint8_t)next();
	}
	for (int i = 0; i < 200; i++) {
		uint32_t at = next() % 248;
		uint16_t small;
		uint32_t middle;
		uint64_t large;

		/* At any address, aligned or not. */
		__builtin_memcpy(&small, bytes + at, sizeof(small));
		__builtin_memcpy(&middle, bytes + at, sizeof(middle));
		__builtin_memcpy(&large, bytes + at, sizeof(large));
		sum += large + middle + (uint64_t)(int16_t)small + (uint64_t)(int8_t)bytes[at];
		large ^= sum;
		__builtin_memcpy(bytes + 248 - at, &large, sizeof(large));
	}
	return sum;
}

static uint32_t add(uint32_t a, uint32_t b)
{
	return a + b;
}

static uint32_t mix(uint32_t a, uint32_t b)
{
	return a ^ (b << 7 | b >> 25);
}

static uint32_t scale(uint32_t a, uint32_t b)
{
	return a * 31 + b;
}

static uint64_t indirect_calls(void)
{
	static uint32_t (*const volatile functions[])(uint32_t, uint32_t) = {add, mix, scale};
	uint32_t sum = 0;

	for (int i = 0; i < 300; i++) {
		sum = functions[next() % 3](sum, next());
	}
	return sum;
}

static __attribute__((noinline)) uint32_t fibonacci(uint32_t n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static const struct {
	const char *name;
	uint64_t (*sum)(void);
} works[] = {
	{"integers", integers},
	{"long-integers", long_integers},
	{"doubles", doubles},
	{"singles", singles},
	{"conversions", conversions},
	{"memory", memory},
	{"indirect-calls", indirect_calls},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
		state = seed;
		guest_report(works[i].name, works[i].sum());
	}
	guest_report("recursion", fibonacci(seed % 2 + 14));
	return 0;
}
