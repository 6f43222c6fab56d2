/* SPDX-License-Identifier: MIT */
/*
 * Unpack: gzip, xz and zstd data undone piece by piece, in a bounded amount of memory.
 *
 * Several members or frames after each other are one input, as their tools have it.  zlib, liblzma
 * and libzstd check what they unpack (CRC-32 or better; zstd only if the file was made with a
 * checksum).
 */
#ifndef TRACES_UNPACK_H
#define TRACES_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

enum input_packing {
	INPUT_PLAIN,
	INPUT_GZIP,
	INPUT_XZ,
	INPUT_ZSTD,
};

/* As many first bytes as unpack_detect() can make use of. */
#define UNPACK_DETECT_BYTES 6

/* What data is, by its first bytes. */
enum input_packing unpack_detect(const uint8_t *data, size_t size);

struct unpacker;

/* @packing is not INPUT_PLAIN; errors will name the file @name, which is copied. */
struct error *unpacker_create(const char *name, enum input_packing packing, struct unpacker **ret);
/* Accepts NULL. */
void unpacker_destroy(struct unpacker *u);

/* One step's input and output; the counts move on as far as the step came. */
struct unpack_step {
	const uint8_t *in;
	size_t in_size;
	bool in_last; /* nothing follows these bytes */
	uint8_t *out;
	size_t out_room; /* at least 1 */
};

/*
 * Unpacks as much as there is input and room for.  *@end_ret is set once all is out: only after a
 * step with in_last.  A step that takes and makes nothing, and is no end, wants more input.
 *
 * Errors: ERROR_CORRUPT (damaged or cut off), ERROR_UNSUPPORTED (needs more memory than we allow, or
 * options that the library does not know), ERROR_NO_MEMORY.  What was made before stands.
 */
struct error *unpacker_step(struct unpacker *u, struct unpack_step *step, bool *end_ret);

#endif
