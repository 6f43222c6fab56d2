/* SPDX-License-Identifier: MIT */
/*
 * Strings: copies of pieces of text that live and end together.
 */
#ifndef TRACES_STRINGS_H
#define TRACES_STRINGS_H

#include <stddef.h>

struct strings_chunk;

/* Zeroed is empty. */
struct strings {
	struct strings_chunk *chunks;
};

/* A NUL-terminated copy, valid until strings_deinit(); NULL without memory. */
const char *strings_add(struct strings *strings, const char *text, size_t len);
void strings_deinit(struct strings *strings);

#endif
