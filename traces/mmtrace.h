/* SPDX-License-Identifier: MIT */
/*
 * mmtrace: the stored form, as blocks.  docs/FORMAT.md tells it for people who write other tools.
 *
 *	file	head (magic, version, check), blocks, trailer
 *	block	head (marker, type, flags, number, items, sizes, hashes), payload
 *	payload	one protobuf message of record.proto, packed by zstd
 *
 * This layer knows blocks, not what they mean: boot_store.h makes a boot log of them.  It is made for
 * streams.  A writer keeps nothing but the index of the blocks it wrote, a reader one block.
 *
 * A reader that meets damage says which block it struck, and goes on with the next whole one.  Sizes
 * are checked before memory is taken for them; a file that lies about them costs no more than an
 * honest one.
 */
#ifndef TRACES_MMTRACE_H
#define TRACES_MMTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "engine/error.h"
#include "engine/sink.h"

/* Version of the framing.  New block types and new fields of messages leave it as it is. */
#define MMTRACE_VERSION 1
/* Most bytes of a message; what a writer never exceeds and a reader refuses. */
#define MMTRACE_BLOCK_BYTES_MAX ((uint32_t)8 << 20)
/* Most blocks of a file: its index has to fit into a block. */
#define MMTRACE_BLOCKS_MAX ((uint32_t)1 << 19)

/* Types of blocks: enum BlockType of record.proto. */
enum mmtrace_type {
	MMTRACE_HEADER = 1,
	MMTRACE_BOOT_INPUT = 2,
	MMTRACE_ANSWERS = 3,
	MMTRACE_NOTES = 4,
	MMTRACE_OPERATIONS = 5,
	/* 16 to 31: page-allocation traces. */
	MMTRACE_EVENTS = 16,
	MMTRACE_STRINGS = 17,
	MMTRACE_EVENT_INDEX = 18,
	MMTRACE_EVENT_TOTALS = 19,
	MMTRACE_PICTURE = 20,
	MMTRACE_END = 255,
};
/* "header", "boot input" ...; NULL for a type that is not known here. */
const char *mmtrace_type_name(unsigned int type);

enum mmtrace_flag {
	/* Without this block the file makes no sense: who does not know its type must refuse. */
	MMTRACE_ESSENTIAL = 1,
};

/* As many first bytes tell whether it is a stored file. */
#define MMTRACE_MAGIC_BYTES 8
/* Do the bytes begin like a stored file?  They may turn out to be damaged. */
bool mmtrace_is(const void *data, size_t size);

/* ---- writing ---- */

struct mmtrace_writer;

/*
 * Writes the head of a file to @sink, which is copied and must work until the writer ends.  Whether
 * the bytes arrived is the sink's knowledge.
 */
struct error *mmtrace_writer_create(struct sink sink, struct mmtrace_writer **ret);
/*
 * Begins another file with the same writer, whatever became of the one before it: for those who write very
 * many.
 */
void mmtrace_writer_restart(struct mmtrace_writer *w, struct sink sink);
/* Accepts NULL.  A file that was not ended stays without its end. */
void mmtrace_writer_destroy(struct mmtrace_writer *w);

/*
 * Writes @message as one block of @items items, flags of enum mmtrace_flag.  ERROR_LIMIT: it has
 * more than MMTRACE_BLOCK_BYTES_MAX bytes, or there are too many blocks.
 */
struct error *mmtrace_write(struct mmtrace_writer *w, enum mmtrace_type type, unsigned int flags,
			    uint32_t items, const ProtobufCMessage *message);
/* Writes the index and the trailer.  Nothing may follow. */
struct error *mmtrace_write_end(struct mmtrace_writer *w);

/* Blocks and bytes written so far, and the bytes of the messages before packing. */
struct mmtrace_written {
	uint64_t blocks, bytes, message_bytes;
};
struct mmtrace_written mmtrace_written(const struct mmtrace_writer *w);

/* ---- reading ---- */

/* Where the bytes come from. */
struct mmtrace_source {
	/*
	 * Puts up to @size bytes (at least 1) into @buf and returns how many; 0 is the end, or a
	 * failure if *@err_ret is set.
	 */
	size_t (*read)(void *ctx, void *buf, size_t size, struct error **err_ret);
	/* What is read next stands at @offset; *@size_ret is the size of the whole.  NULL: cannot. */
	struct error *(*seek)(void *ctx, uint64_t offset, uint64_t *size_ret);
	/* Ends it, with the reader or when no reader could be made; NULL: nothing is to be done. */
	void (*close)(void *ctx);
	void *ctx;
};

/*
 * What unpacks blocks.  To make one takes longer than to read a small file: who reads very many has one for
 * all of them, by turns or at once, but in one thread.
 */
struct mmtrace_unpacker;
/* NULL without memory. */
struct mmtrace_unpacker *mmtrace_unpacker_create(void);
/* Accepts NULL.  No reader may have it any more. */
void mmtrace_unpacker_destroy(struct mmtrace_unpacker *u);

struct mmtrace_reader;

/*
 * Reads the head.  @name is what errors call the file; it is copied.  ERROR_FORMAT: not such a file;
 * ERROR_UNSUPPORTED: a newer version; ERROR_CORRUPT.
 */
struct error *mmtrace_reader_create(struct mmtrace_source source, const char *name,
				    struct mmtrace_reader **ret);
/* The same for bytes in memory, which must stay until the reader ends. */
struct error *mmtrace_reader_create_bytes(const void *data, size_t size, const char *name,
					  struct mmtrace_reader **ret);
void mmtrace_reader_destroy(struct mmtrace_reader *r);
/* Before the first block: @r unpacks with @u, which is borrowed; NULL, or not called: with its own. */
void mmtrace_reader_lend(struct mmtrace_reader *r, struct mmtrace_unpacker *u);

struct mmtrace_block {
	/* NULL, or what is wrong: the fields below are then void, except @number.  Borrowed. */
	const struct error *error;
	uint32_t number; /* counted from 0 */
	unsigned int type; /* enum mmtrace_type, or a number not known here */
	unsigned int flags;
	uint32_t items;
	uint32_t stored_bytes; /* with the head */
	uint64_t offset; /* of the head in the file */
	/* The message, unpacked from zstd; valid until the next call. */
	const uint8_t *data;
	uint32_t size;
};

/*
 * The next block, or the next damaged place.  False at the end of the file.  The index at the end is
 * checked and handed out like any block.
 */
bool mmtrace_next(struct mmtrace_reader *r, struct mmtrace_block *ret);

/*
 * Unpacks the message of the block that mmtrace_next() gave last.  It lives until the next call of
 * either; NULL with an error.  A message that does not parse is ERROR_CORRUPT, and the block counts as damaged.
 */
struct error *mmtrace_unpack(struct mmtrace_reader *r, const ProtobufCMessageDescriptor *descriptor,
			     const ProtobufCMessage **ret);

/* Where the blocks before the end are, by their number. */
struct mmtrace_index {
	uint32_t count;
	const uint32_t *types, *items;
	const uint64_t *offsets;
};

/*
 * Reads the index at the end of the file; after it mmtrace_next() begins again with block 0.  The index
 * is borrowed until the reader ends.  ERROR_UNSUPPORTED: the source cannot seek; ERROR_CORRUPT: the file
 * has no whole end, and is to be read from its start on as before.
 */
struct error *mmtrace_load_index(struct mmtrace_reader *r, const struct mmtrace_index **ret);
/*
 * Block @number is what mmtrace_next() gives next; the index has been loaded and has it.  What was
 * passed over is not counted as missing, and the summary is never complete again.  Going back to
 * the start by mmtrace_load_index() is the same if blocks were read before.
 */
struct error *mmtrace_seek(struct mmtrace_reader *r, uint32_t number);

/* What was read so far. */
struct mmtrace_summary {
	uint64_t whole; /* blocks */
	uint64_t damaged; /* blocks that are damaged or missing */
	bool complete; /* the end was met, and everything it counts was there */
	const struct error *first; /* the first damage, or NULL; valid until the next call */
};
struct mmtrace_summary mmtrace_summary(const struct mmtrace_reader *r);

/* The message of a block type; NULL for a type that is not known here. */
const ProtobufCMessageDescriptor *mmtrace_message(unsigned int type);

#endif
