/* SPDX-License-Identifier: MIT */
/*
 * Shrink: the smallest input that still shows something.
 *
 * Of a message, any that protobuf-c describes:
 *
 *   1. Parts are left out: elements of lists, fields that need not be there, with all that is in them.
 *      In the end no single one can be left out any more (traces/minimise.h).
 *   2. Numbers become simpler: nothing, fewer bits, rounder, smaller, until none can any more.
 *
 * Of plain bytes: bytes are left out.  The same input and answers give the same result.
 */
#ifndef FUZZ_CAMPAIGN_SHRINK_H
#define FUZZ_CAMPAIGN_SHRINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "engine/error.h"

/* Does it still show?  One of the two is given, as the input is. */
struct shrink_question {
	bool (*message)(void *ctx, const ProtobufCMessage *message);
	bool (*bytes)(void *ctx, const uint8_t *data, size_t size);
	void *ctx;
	uint64_t tests_max; /* what came out by then is the result; 0: no limit */
};

struct shrink_result {
	uint8_t *data; /* the caller frees */
	size_t size;
	uint64_t tests;
	bool proven; /* nothing more can be left out; otherwise tests_max was reached */
};

/*
 * Shrinks @data, a message of @descriptor, or plain bytes where that is NULL.  ERROR_FORMAT: it is no such
 * message; ERROR_RANGE: it does not show in the first place; ERROR_NO_MEMORY.
 */
struct error *shrink(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
		     const struct shrink_question *question, struct shrink_result *ret);

#endif
