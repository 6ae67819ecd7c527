/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels.h"

enum {
	SIEVE_LIMIT = 48 * 1024,
	MATRIX = 44,
	CRC_BYTES = 16 * 1024,
	SORT_ITEMS = 8 * 1024,
	SHA_BYTES = 4 * 1024,
};

/* One buffer for all: the whole guest fits one 64 KiB page of memory. */
static union {
	uint8_t bytes[SIEVE_LIMIT];
	uint32_t words[SORT_ITEMS];
	double matrix[3][MATRIX][MATRIX];
} data;

/* Rounds are chained through this, so that none can be left out. */
static uint32_t mix(uint32_t sum, uint32_t value)
{
	return (sum ^ value) * 0x01000193u;
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Eratosthenes: byte stores with a stride. */
static uint32_t sieve(uint32_t rounds)
{
	uint32_t sum = 1;

	while (rounds-- > 0) {
		uint32_t primes = 0;

		for (uint32_t i = 0; i < SIEVE_LIMIT; i++) {
			data.bytes[i] = 1;
		}
		for (uint32_t i = 2; i < SIEVE_LIMIT; i++) {
			if (data.bytes[i] == 0) {
				continue;
			}
			primes++;
			for (uint32_t j = i * 2; j < SIEVE_LIMIT; j += i) {
				data.bytes[j] = 0;
			}
		}
		sum = mix(sum, primes);
	}
	return sum;
}

/* Dense product of doubles: floating point and nested loops. */
static uint32_t matmul(uint32_t rounds)
{
	double (*a)[MATRIX] = data.matrix[0];
	double (*b)[MATRIX] = data.matrix[1];
	double (*c)[MATRIX] = data.matrix[2];
	uint32_t sum = 1;

	for (uint32_t round = 0; round < rounds; round++) {
		double trace = 0;

		for (uint32_t i = 0; i < MATRIX; i++) {
			for (uint32_t j = 0; j < MATRIX; j++) {
				a[i][j] = (double)(i + j + round);
				b[i][j] = (double)(i * j % 7) + 0.5;
			}
		}
		for (uint32_t i = 0; i < MATRIX; i++) {
			for (uint32_t j = 0; j < MATRIX; j++) {
				double dot = 0;

				for (uint32_t k = 0; k < MATRIX; k++) {
					dot += a[i][k] * b[k][j];
				}
				c[i][j] = dot;
			}
		}
		for (uint32_t i = 0; i < MATRIX; i++) {
			trace += c[i][i];
		}
		sum = mix(sum, (uint32_t)trace);
	}
	return sum;
}

/* Bit by bit: shifts and branches, no memory to speak of. */
static uint32_t crc(uint32_t rounds)
{
	uint32_t sum = 0xffffffffu;

	for (uint32_t i = 0; i < CRC_BYTES; i++) {
		data.bytes[i] = (uint8_t)(i * 31);
	}
	while (rounds-- > 0) {
		for (uint32_t i = 0; i < CRC_BYTES; i++) {
			sum ^= data.bytes[i];
			for (int bit = 0; bit < 8; bit++) {
				sum = (sum & 1) != 0 ? (sum >> 1) ^ 0xedb88320u : sum >> 1;
			}
		}
	}
	return ~sum;
}

static uint32_t fib_of(uint32_t n)
{
	return n < 2 ? n : fib_of(n - 1) + fib_of(n - 2);
}

/* The naive recursion: nothing but calls. */
static uint32_t fib(uint32_t rounds)
{
	uint32_t sum = 1;

	for (uint32_t round = 0; round < rounds; round++) {
		sum = mix(sum, fib_of(22 + (round & 1)));
	}
	return sum;
}

static void sift_down(uint32_t root, uint32_t end)
{
	uint32_t value = data.words[root];

	for (uint32_t child = root * 2 + 1; child < end; child = root * 2 + 1) {
		if (child + 1 < end && data.words[child] < data.words[child + 1]) {
			child++;
		}
		if (data.words[child] <= value) {
			break;
		}
		data.words[root] = data.words[child];
		root = child;
	}
	data.words[root] = value;
}

/* Heapsort: loads and stores that no one can predict. */
static uint32_t sort(uint32_t rounds)
{
	uint32_t state = 2463534242u;
	uint32_t sum = 1;

	while (rounds-- > 0) {
		for (uint32_t i = 0; i < SORT_ITEMS; i++) {
			data.words[i] = next_random(&state);
		}
		for (uint32_t i = SORT_ITEMS / 2; i-- > 0;) {
			sift_down(i, SORT_ITEMS);
		}
		for (uint32_t end = SORT_ITEMS - 1; end > 0; end--) {
			uint32_t largest = data.words[0];

			data.words[0] = data.words[end];
			data.words[end] = largest;
			sift_down(0, end);
		}
		for (uint32_t i = 0; i < SORT_ITEMS; i++) {
			sum = mix(sum, data.words[i]);
		}
	}
	return sum;
}

static uint32_t rotate(uint32_t word, int by)
{
	return word >> by | word << (32 - by);
}

/* FIPS 180-4, 4.2.2 and 6.2. */
static void sha256_block(uint32_t state[8], const uint8_t *block)
{
	static const uint32_t k[64] = {
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
		0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
		0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
		0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
		0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
		0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
		0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
		0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
		0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
		0xc67178f2,
	};
	uint32_t w[64];
	uint32_t s[8];

	for (int i = 0; i < 16; i++) {
		w[i] = (uint32_t)block[i * 4] << 24 | (uint32_t)block[i * 4 + 1] << 16 |
		       (uint32_t)block[i * 4 + 2] << 8 | block[i * 4 + 3];
	}
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15];
		uint32_t b = w[i - 2];

		w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] +
		       (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
	}
	for (int i = 0; i < 8; i++) {
		s[i] = state[i];
	}
	for (int i = 0; i < 64; i++) {
		uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
			      ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
		uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
			      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

		for (int j = 7; j > 0; j--) {
			s[j] = s[j - 1];
		}
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++) {
		state[i] += s[i];
	}
}

/* The compression function over a buffer: rotations, additions, a table. */
static uint32_t sha256(uint32_t rounds)
{
	uint32_t state[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	for (uint32_t i = 0; i < SHA_BYTES; i++) {
		data.bytes[i] = (uint8_t)(i * 31);
	}
	while (rounds-- > 0) {
		for (uint32_t at = 0; at < SHA_BYTES; at += 64) {
			sha256_block(state, data.bytes + at);
		}
	}
	return state[0];
}

const struct kernel kernels[KERNELS] = {
	{"sieve", sieve, 40},   {"matmul", matmul, 40}, {"crc", crc, 20},
	{"fib", fib, 40},       {"sort", sort, 8},      {"sha256", sha256, 500},
};
