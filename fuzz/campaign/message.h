/* SPDX-License-Identifier: MIT */
/*
 * Message: what the processes of a campaign tell each other, over pipes.
 *
 * A kind, some texts or bytes (parts) and some numbers.  A writer that dies in the middle leaves half a
 * message, which its reader drops: what was told before stands.
 */
#ifndef FUZZ_CAMPAIGN_MESSAGE_H
#define FUZZ_CAMPAIGN_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum message_kind {
	/* numbers: executions, refused, milliseconds, coverage; parts: target */
	MESSAGE_WORK,
	MESSAGE_KEPT, /* an input that did something new; parts: target, input */
	/* numbers: executions so far, of that worker on that target; parts: target, id, facts, text, input */
	MESSAGE_FINDING,
	MESSAGE_SHRUNK, /* numbers: of the group; parts: text, input */
	MESSAGE_LOOKED, /* numbers: hash of an input that needs no other look; parts: target */
	MESSAGE_ERROR, /* what keeps the writer from its work; parts: file, sentence */
	MESSAGE_KIND_COUNT
};

#define MESSAGE_PARTS_MAX 5
#define MESSAGE_NUMBERS_MAX 5
/* A message with more bytes is none of ours. */
#define MESSAGE_BYTES_MAX ((size_t)8 << 20)

struct message_part {
	const void *data;
	size_t size;
};

struct message {
	enum message_kind kind;
	uint64_t numbers[MESSAGE_NUMBERS_MAX];
	/* Of a message that was read, each has a NUL behind its bytes. */
	struct message_part parts[MESSAGE_PARTS_MAX];
};

struct message_part message_part_text(const char *text);

/* Writes all of it; false: the reader is gone, or there is no memory. */
bool message_write(int fd, const struct message *m);

/* What has arrived on one pipe.  Starts zeroed. */
struct message_reader {
	uint8_t *data;
	size_t size, room, at;
	bool broken; /* what came is none of ours; nothing more is read */
};

/* Takes in what there is on @fd, without waiting if it does not block.  False at its end. */
bool message_reader_fill(struct message_reader *r, int fd);
/* The next whole message; false when there is none yet.  Valid until the next fill. */
bool message_reader_next(struct message_reader *r, struct message *ret);
void message_reader_deinit(struct message_reader *r);

#endif
