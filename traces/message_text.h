/* SPDX-License-Identifier: MIT */
/*
 * Message text: any message of record.proto as text, and back.
 *
 * It is the text format of protobuf, which other tools read too.  For people it is laid out so:
 *
 *	step { kind: RESERVE line: 12 base_addr: 0x1000 size: 0x400 name: "setup_arch+0x1f" }
 *	run {
 *	  kind: "ZONE_RANGE"
 *	  line: [210, 211, 212]
 *	}
 *
 * A message of single values alone takes one line.  uint64 fields, which are addresses and sizes
 * mostly, are hexadecimal from 10 on unless their name ends with _kb or _count; all else is decimal.
 * Only fields that are present are written, in the order of their numbers.
 */
#ifndef TRACES_MESSAGE_TEXT_H
#define TRACES_MESSAGE_TEXT_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "engine/error.h"
#include "engine/sink.h"

/* Writes the fields of @message, each line after @indent blanks. */
void message_text_write(const ProtobufCMessage *message, unsigned int indent,
			const struct sink *sink);

/*
 * Reads a message of type @descriptor from @len bytes at @text.  "#" begins a comment, commas and
 * semicolons may stand after a value.  The message is taken from @allocator (NULL: malloc) and ends
 * with protobuf_c_message_free_unpacked().
 *
 * Errors have line and column: ERROR_SYNTAX; ERROR_RANGE (a number or an enum value that does not
 * exist); ERROR_LIMIT (nested too deep, or more than the allocator gives); ERROR_NO_MEMORY.
 */
struct error *message_text_read(const ProtobufCMessageDescriptor *descriptor, const char *text,
				size_t len, ProtobufCAllocator *allocator, ProtobufCMessage **ret);

#endif
