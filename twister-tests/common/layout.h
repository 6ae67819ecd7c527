/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images that are wrong in one way, made on the mounted partition out of one that is
 * right: with Zephyr's file system API, behind the runtime's back.
 *
 * layout_take() makes an image the only one in the list of images. Each change of a
 * document writes it under its new digest, and corrects those that point to it.
 * layout_give_back() undoes everything. All of them fail the test that calls them
 * where they can't.
 */
#ifndef SUITE_LAYOUT_H
#define SUITE_LAYOUT_H

#include <stdint.h>

/* What of an image is meant. */
enum layout_part {
	LAYOUT_MARKER,
	LAYOUT_INDEX,
	LAYOUT_MANIFEST,
	LAYOUT_CONFIG,
	LAYOUT_CODE,
};

/* An image with one manifest, by its name and tag; then it is "sample:latest". */
void layout_take(const char *name);
void layout_give_back(void);

/* Replaces the first `from` in a document by `to`. */
void layout_edit(enum layout_part part, const char *from, const char *to);

/* Replaces all of a part; what points to it is corrected. */
void layout_replace(enum layout_part part, const void *bytes, uint32_t count);

/* The code's bytes, to be changed and replaced; there are `*count`. */
uint8_t *layout_code(uint32_t *count);

/* What flash, or somebody else, does: nothing is corrected. */
void layout_remove(enum layout_part part);
void layout_garble(enum layout_part part);
void layout_cut(enum layout_part part);

#endif
