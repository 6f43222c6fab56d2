/* SPDX-License-Identifier: MIT */
/*
 * mmtrace: see mmtrace.h, and docs/FORMAT.md for every byte.
 *
 * Reading goes on after damage in this way.
 *
 *   1. A block's head has a hash of its own.  Where a head is expected and none is whole, the bytes
 *	are searched for the next one (marker, hash, a number not seen yet).
 *   2. A whole head whose payload is damaged: if another whole head stands where the payload ends,
 *	only bytes were changed and the payload is passed over.  If not, bytes are missing or too
 *	many, and the search begins right behind the head.
 *   3. Heads are numbered, so that the number of what was lost is known.
 *
 * Heads made up inside payloads could make step 2 hash the same bytes again and again; after
 * RESCAN_BYTES_MAX of that, sizes are believed and time stays linear.
 */
#include "traces/mmtrace.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>

#include "traces/arena.h"
#include "traces/record.pb-c.h"

#define FILE_HEAD_BYTES 16
#define BLOCK_HEAD_BYTES 40
#define TRAILER_BYTES 16

/* Part of the format only in so far as equal input is to give equal bytes. */
#define ZSTD_LEVEL 15
/* Events are many: this is four times as fast, for a tenth more bytes. */
#define ZSTD_LEVEL_EVENTS 7

#define PACKED_BYTES_MAX ((uint32_t)ZSTD_COMPRESSBOUND(MMTRACE_BLOCK_BYTES_MAX))
/* What the message of one block may take in memory. */
#define MESSAGE_MEMORY_MAX ((size_t)96 << 20)
#define RESCAN_BYTES_MAX ((uint64_t)64 << 20)
/* Of a file that are in memory at first, unless it is smaller. */
#define WINDOW_BYTES ((size_t)64 << 10)

static const uint8_t file_magic[8] = { 0x89, 'M', 'M', 'T', '\r', '\n', 0x1a, '\n' };
static const uint8_t block_marker[4] = { 0xb1, 'M', 'M', 'B' };
static const uint8_t trailer_magic[8] = { 0x89, 'M', 'M', 'T', 'E', 'N', 'D', '\n' };

static_assert((int)MMTRACE_HEADER == (int)MMTRACE__BLOCK_TYPE__BLOCK_HEADER &&
		      (int)MMTRACE_BOOT_INPUT == (int)MMTRACE__BLOCK_TYPE__BLOCK_BOOT_INPUT &&
		      (int)MMTRACE_ANSWERS == (int)MMTRACE__BLOCK_TYPE__BLOCK_ANSWERS &&
		      (int)MMTRACE_NOTES == (int)MMTRACE__BLOCK_TYPE__BLOCK_NOTES &&
		      (int)MMTRACE_OPERATIONS == (int)MMTRACE__BLOCK_TYPE__BLOCK_OPERATIONS &&
		      (int)MMTRACE_EVENTS == (int)MMTRACE__BLOCK_TYPE__BLOCK_EVENTS &&
		      (int)MMTRACE_STRINGS == (int)MMTRACE__BLOCK_TYPE__BLOCK_STRINGS &&
		      (int)MMTRACE_EVENT_INDEX == (int)MMTRACE__BLOCK_TYPE__BLOCK_EVENT_INDEX &&
		      (int)MMTRACE_EVENT_TOTALS == (int)MMTRACE__BLOCK_TYPE__BLOCK_EVENT_TOTALS &&
		      (int)MMTRACE_PICTURE == (int)MMTRACE__BLOCK_TYPE__BLOCK_PICTURE &&
		      (int)MMTRACE_END == (int)MMTRACE__BLOCK_TYPE__BLOCK_END,
	      "the two lists of block types are one");

static const struct {
	unsigned int type;
	const char *name;
	const ProtobufCMessageDescriptor *message;
} types[] = {
	{ MMTRACE_HEADER, "header", &mmtrace__header__descriptor },
	{ MMTRACE_BOOT_INPUT, "boot input", &mmtrace__boot_input__descriptor },
	{ MMTRACE_ANSWERS, "answers", &mmtrace__answers__descriptor },
	{ MMTRACE_NOTES, "notes", &mmtrace__notes__descriptor },
	{ MMTRACE_OPERATIONS, "operations", &mmtrace__operations__descriptor },
	{ MMTRACE_EVENTS, "events", &mmtrace__events__descriptor },
	{ MMTRACE_STRINGS, "strings", &mmtrace__strings__descriptor },
	{ MMTRACE_EVENT_INDEX, "event index", &mmtrace__event_index__descriptor },
	{ MMTRACE_EVENT_TOTALS, "event totals", &mmtrace__event_totals__descriptor },
	{ MMTRACE_PICTURE, "picture", &mmtrace__picture__descriptor },
	{ MMTRACE_END, "end", &mmtrace__end__descriptor },
};

const char *mmtrace_type_name(unsigned int type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

const ProtobufCMessageDescriptor *mmtrace_message(unsigned int type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].message;
	return NULL;
}

bool mmtrace_is(const void *data, size_t size)
{
	/* What follows in the magic tells whether the file was changed as if it were text. */
	return size >= sizeof(file_magic) && !memcmp(data, file_magic, 4);
}

/* ---- little-endian numbers ---- */

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v & 0xffff);
	put16(p + 2, v >> 16);
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static unsigned int get16(const uint8_t *p)
{
	return p[0] | (unsigned int)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* ---- heads ---- */

struct head {
	unsigned int type, flags;
	uint32_t number, items;
	uint32_t packed_bytes, bytes;
	uint64_t payload_hash;
};

static void file_head_write(uint8_t p[FILE_HEAD_BYTES])
{
	memcpy(p, file_magic, 8);
	put32(p + 8, MMTRACE_VERSION);
	put32(p + 12, (uint32_t)XXH64(p, 12, 0));
}

static void head_write(const struct head *h, uint8_t p[BLOCK_HEAD_BYTES])
{
	memcpy(p, block_marker, 4);
	put16(p + 4, h->type);
	put16(p + 6, h->flags);
	put32(p + 8, h->number);
	put32(p + 12, h->items);
	put32(p + 16, h->packed_bytes);
	put32(p + 20, h->bytes);
	put64(p + 24, h->payload_hash);
	put64(p + 32, XXH64(p, 32, 0));
}

/* False when there is no whole head. */
static bool head_read(const uint8_t p[BLOCK_HEAD_BYTES], struct head *ret)
{
	if (memcmp(p, block_marker, 4) || get64(p + 32) != XXH64(p, 32, 0))
		return false;
	*ret = (struct head){
		.type = get16(p + 4),
		.flags = get16(p + 6),
		.number = get32(p + 8),
		.items = get32(p + 12),
		.packed_bytes = get32(p + 16),
		.bytes = get32(p + 20),
		.payload_hash = get64(p + 24),
	};
	return true;
}

/* ---- writing ---- */

struct mmtrace_writer {
	struct sink sink;
	ZSTD_CCtx *zstd;
	uint8_t *message, *packed; /* scratch */
	size_t message_room, packed_room;
	struct mmtrace_written written;
	uint64_t items;
	/* The index. */
	uint32_t *types, *bytes, *block_items;
	size_t index_room;
	bool ended;
};

static bool make_room(uint8_t **buf, size_t *room, size_t wanted)
{
	uint8_t *grown;

	if (wanted <= *room)
		return true;
	grown = realloc(*buf, wanted);
	if (!grown)
		return false;
	*buf = grown;
	*room = wanted;
	return true;
}

struct error *mmtrace_writer_create(struct sink sink, struct mmtrace_writer **ret)
{
	struct mmtrace_writer *w = calloc(1, sizeof(*w));

	if (w)
		w->zstd = ZSTD_createCCtx();
	if (!w || !w->zstd) {
		free(w);
		return error_no_memory();
	}
	mmtrace_writer_restart(w, sink);
	*ret = w;
	return NULL;
}

void mmtrace_writer_restart(struct mmtrace_writer *w, struct sink sink)
{
	uint8_t head[FILE_HEAD_BYTES];

	w->sink = sink;
	w->ended = false;
	w->items = 0;
	file_head_write(head);
	sink_write(&w->sink, (const char *)head, sizeof(head));
	w->written = (struct mmtrace_written){ .bytes = sizeof(head) };
}

void mmtrace_writer_destroy(struct mmtrace_writer *w)
{
	if (!w)
		return;
	ZSTD_freeCCtx(w->zstd);
	free(w->message);
	free(w->packed);
	free(w->types);
	free(w->bytes);
	free(w->block_items);
	free(w);
}

static bool index_make_room(struct mmtrace_writer *w)
{
	uint32_t **columns[] = { &w->types, &w->bytes, &w->block_items };
	size_t room = w->index_room ? w->index_room * 2 : 16;

	if (w->written.blocks < w->index_room)
		return true;
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		uint32_t *grown = realloc(*columns[i], room * sizeof(*grown));

		if (!grown)
			return false;
		*columns[i] = grown;
	}
	w->index_room = room;
	return true;
}

struct error *mmtrace_write(struct mmtrace_writer *w, enum mmtrace_type type, unsigned int flags,
			    uint32_t items, const ProtobufCMessage *message)
{
	size_t bytes = protobuf_c_message_get_packed_size(message), packed;
	uint64_t number = w->written.blocks;
	uint8_t head[BLOCK_HEAD_BYTES];

	assert(!w->ended);
	if (bytes > MMTRACE_BLOCK_BYTES_MAX)
		return error_create_block(ERROR_LIMIT, NULL, (int64_t)number,
					  "a message of %zu bytes is larger than %u MiB, the limit",
					  bytes, MMTRACE_BLOCK_BYTES_MAX >> 20);
	if (number > MMTRACE_BLOCKS_MAX || (number == MMTRACE_BLOCKS_MAX && type != MMTRACE_END))
		return error_create_block(ERROR_LIMIT, NULL, (int64_t)number,
					  "there are more than %u blocks, the limit",
					  (unsigned int)MMTRACE_BLOCKS_MAX);
	if (!index_make_room(w) || !make_room(&w->message, &w->message_room, bytes + 1) ||
	    !make_room(&w->packed, &w->packed_room, ZSTD_compressBound(bytes)))
		return error_no_memory();
	protobuf_c_message_pack(message, w->message);
	ZSTD_CCtx_setParameter(w->zstd, ZSTD_c_compressionLevel,
			       type == MMTRACE_EVENTS ? ZSTD_LEVEL_EVENTS : ZSTD_LEVEL);
	packed = ZSTD_compress2(w->zstd, w->packed, w->packed_room, w->message, bytes);
	if (ZSTD_isError(packed))
		return error_no_memory(); /* nothing else can fail: the room is enough */
	head_write(&(struct head){ .type = type,
				   .flags = flags,
				   .number = (uint32_t)number,
				   .items = items,
				   .packed_bytes = (uint32_t)packed,
				   .bytes = (uint32_t)bytes,
				   .payload_hash = XXH64(w->packed, packed, 0) },
		   head);
	sink_write(&w->sink, (const char *)head, sizeof(head));
	sink_write(&w->sink, (const char *)w->packed, packed);
	w->types[number] = type;
	w->bytes[number] = (uint32_t)(sizeof(head) + packed);
	w->block_items[number] = items;
	w->items += items;
	w->written.blocks++;
	w->written.bytes += sizeof(head) + packed;
	w->written.message_bytes += bytes;
	return NULL;
}

struct error *mmtrace_write_end(struct mmtrace_writer *w)
{
	Mmtrace__End end = MMTRACE__END__INIT;
	uint64_t offset = w->written.bytes;
	uint8_t trailer[TRAILER_BYTES];
	struct error *err;

	/* Room first: the columns may move while the block is written. */
	if (!index_make_room(w))
		return error_no_memory();
	end.has_item_count = 1;
	end.item_count = w->items;
	end.n_block_type = end.n_block_bytes = end.n_block_items = w->written.blocks;
	end.block_type = w->types;
	end.block_bytes = w->bytes;
	end.block_items = w->block_items;
	err = mmtrace_write(w, MMTRACE_END, 0, (uint32_t)w->written.blocks, &end.base);
	if (err)
		return err;
	put64(trailer, offset);
	memcpy(trailer + 8, trailer_magic, 8);
	sink_write(&w->sink, (const char *)trailer, sizeof(trailer));
	w->written.bytes += sizeof(trailer);
	w->ended = true;
	return NULL;
}

struct mmtrace_written mmtrace_written(const struct mmtrace_writer *w)
{
	return w->written;
}

/* ---- reading: what unpacks ---- */

struct mmtrace_unpacker {
	ZSTD_DCtx *zstd;
};

struct mmtrace_unpacker *mmtrace_unpacker_create(void)
{
	struct mmtrace_unpacker *u = malloc(sizeof(*u));

	if (!u)
		return NULL;
	u->zstd = ZSTD_createDCtx();
	if (!u->zstd) {
		free(u);
		return NULL;
	}
	return u;
}

void mmtrace_unpacker_destroy(struct mmtrace_unpacker *u)
{
	if (!u)
		return;
	ZSTD_freeDCtx(u->zstd);
	free(u);
}

/* ---- reading: the window ---- */

struct bytes {
	const uint8_t *data;
	size_t left;
	size_t at; /* of @data in the whole */
};

struct mmtrace_reader {
	struct mmtrace_source source;
	struct bytes bytes; /* of mmtrace_reader_create_bytes() */
	char *name;

	/* The window: @len bytes from @offset of the file on, at buf + start. */
	uint8_t *buf;
	size_t start, len, room, first_room;
	uint64_t offset;
	bool source_ended;
	struct error *source_error;

	uint64_t expected; /* number of the next block */
	bool searching; /* the bytes at hand belong to a block that was reported already */
	bool end_seen, done;
	uint64_t end_offset;
	uint64_t items;
	uint64_t rescan_left;

	uint8_t *data; /* the message of the block given last */
	size_t data_room;
	struct mmtrace_unpacker *unpacker; /* from the first block on */
	bool unpacker_lent;
	struct arena arena;
	struct mmtrace_block block;
	struct error *error, *first;
	struct mmtrace_summary summary;

	/* Of mmtrace_load_index(). */
	struct mmtrace_index index;
	uint32_t *index_types, *index_items;
	uint64_t *index_offsets;
	bool sought; /* blocks were passed over or given twice */
};

/* Tries to have at least @wanted bytes in the window; returns how many there are. */
static size_t fill(struct mmtrace_reader *r, size_t wanted)
{
	while (r->len < wanted && !r->source_ended) {
		size_t n;

		if (r->start + r->len == r->room) {
			if (r->start >= r->room / 2 && r->start) {
				memmove(r->buf, r->buf + r->start, r->len);
				r->start = 0;
			} else if (!make_room(&r->buf, &r->room,
					      r->room ? r->room * 2 : r->first_room)) {
				r->source_error = error_no_memory();
				r->source_ended = true;
				break;
			}
		}
		n = r->source.read(r->source.ctx, r->buf + r->start + r->len,
				   r->room - r->start - r->len, &r->source_error);
		assert(n <= r->room - r->start - r->len);
		r->len += n;
		r->source_ended = !n;
	}
	return r->len;
}

static void consume(struct mmtrace_reader *r, size_t n)
{
	assert(n <= r->len);
	r->start += n;
	r->len -= n;
	r->offset += n;
	if (!r->len)
		r->start = 0;
}

static const uint8_t *window(const struct mmtrace_reader *r)
{
	return r->buf + r->start;
}

static size_t read_bytes(void *ctx, void *buf, size_t size, struct error **err_ret)
{
	struct bytes *bytes = ctx;
	size_t n = size < bytes->left ? size : bytes->left;

	(void)err_ret;
	if (n)
		memcpy(buf, bytes->data, n);
	bytes->data += n;
	bytes->left -= n;
	bytes->at += n;
	return n;
}

static struct error *seek_bytes(void *ctx, uint64_t offset, uint64_t *size_ret)
{
	struct bytes *bytes = ctx;
	size_t size = bytes->at + bytes->left;
	size_t to = offset < size ? (size_t)offset : size;

	bytes->data = bytes->data - bytes->at + to;
	bytes->at = to;
	bytes->left = size - to;
	*size_ret = size;
	return NULL;
}

static struct error *read_file_head(struct mmtrace_reader *r)
{
	uint8_t good[FILE_HEAD_BYTES];
	uint32_t version;

	fill(r, FILE_HEAD_BYTES);
	if (r->source_error) {
		struct error *err = r->source_error;

		r->source_error = NULL;
		return error_in_file(err, r->name);
	}
	if (!mmtrace_is(window(r), r->len))
		return error_create(ERROR_FORMAT, r->name, 0, 0,
				    "is no mmtrace file: it does not begin like one");
	if (memcmp(window(r), file_magic, 8))
		return error_create(ERROR_CORRUPT, r->name, 0, 0,
				    "line ends were changed, as if it were a text");
	if (r->len < FILE_HEAD_BYTES)
		return error_create(ERROR_CORRUPT, r->name, 0, 0,
				    "is cut off: it ends within its head");
	file_head_write(good);
	version = get32(window(r) + 8);
	if (get32(window(r) + 12) != (uint32_t)XXH64(window(r), 12, 0))
		return error_create(ERROR_CORRUPT, r->name, 0, 0,
				    "the head of the file is damaged");
	if (version != MMTRACE_VERSION)
		return error_create(ERROR_UNSUPPORTED, r->name, 0, 0,
				    "is an mmtrace file of version %" PRIu32
				    "; version %d is known here",
				    version, MMTRACE_VERSION);
	consume(r, FILE_HEAD_BYTES);
	return NULL;
}

/* Takes the source of @r, made by reader_new(), from its head on. */
static struct error *reader_begin(struct mmtrace_reader *r, struct mmtrace_reader **ret)
{
	struct error *err = read_file_head(r);

	if (err)
		mmtrace_reader_destroy(r);
	else
		*ret = r;
	return err;
}

static struct mmtrace_reader *reader_new(const char *name)
{
	struct mmtrace_reader *r = calloc(1, sizeof(*r));
	size_t size = strlen(name) + 1;

	if (!r)
		return NULL;
	r->rescan_left = RESCAN_BYTES_MAX;
	r->first_room = WINDOW_BYTES;
	r->arena = arena_init(MESSAGE_MEMORY_MAX);
	r->name = malloc(size);
	if (!r->name) {
		mmtrace_reader_destroy(r);
		return NULL;
	}
	memcpy(r->name, name, size);
	return r;
}

struct error *mmtrace_reader_create(struct mmtrace_source source, const char *name,
				    struct mmtrace_reader **ret)
{
	struct mmtrace_reader *r = reader_new(name);

	if (!r) {
		if (source.close)
			source.close(source.ctx);
		return error_no_memory();
	}
	r->source = source;
	return reader_begin(r, ret);
}

struct error *mmtrace_reader_create_bytes(const void *data, size_t size, const char *name,
					  struct mmtrace_reader **ret)
{
	struct mmtrace_reader *r = reader_new(name);

	if (!r)
		return error_no_memory();
	r->bytes = (struct bytes){ data, size, 0 };
	/* A byte more, so that the end is seen without growing. */
	if (size < WINDOW_BYTES)
		r->first_room = size + 1;
	r->source = (struct mmtrace_source){
		.read = read_bytes,
		.seek = seek_bytes,
		.ctx = &r->bytes,
	};
	return reader_begin(r, ret);
}

void mmtrace_reader_destroy(struct mmtrace_reader *r)
{
	if (!r)
		return;
	if (r->source.close)
		r->source.close(r->source.ctx);
	error_destroy(r->source_error);
	error_destroy(r->error);
	error_destroy(r->first);
	if (!r->unpacker_lent)
		mmtrace_unpacker_destroy(r->unpacker);
	arena_deinit(&r->arena);
	free(r->index_types);
	free(r->index_items);
	free(r->index_offsets);
	free(r->name);
	free(r->buf);
	free(r->data);
	free(r);
}

void mmtrace_reader_lend(struct mmtrace_reader *r, struct mmtrace_unpacker *u)
{
	assert(!r->unpacker);
	r->unpacker = u;
	r->unpacker_lent = u != NULL;
}

/* ---- reading: damage ---- */

static struct error *copy_error(const struct error *err)
{
	struct error *copy;

	if (err->block >= 0)
		return error_create_block(err->code, err->file, err->block, "%s", err->message);
	copy = error_create(err->code, err->file, err->line, err->column, "%s", err->message);
	return copy;
}

/* Takes @err as what is wrong with @count blocks. */
static void report(struct mmtrace_reader *r, uint64_t count, struct error *err)
{
	error_destroy(r->error);
	r->error = error_in_file(err, r->name);
	if (!r->first)
		r->first = copy_error(r->error);
	r->summary.first = r->first;
	r->summary.damaged += count;
	r->block.error = r->error;
}

/* Moves the window on to the next whole head, @ret, of a block not seen yet; false: none is left. */
static bool search(struct mmtrace_reader *r, struct head *ret)
{
	while (fill(r, BLOCK_HEAD_BYTES) >= BLOCK_HEAD_BYTES) {
		size_t last = r->len - BLOCK_HEAD_BYTES;
		const uint8_t *p = memchr(window(r), block_marker[0], last + 1);

		if (!p) {
			consume(r, last + 1);
			continue;
		}
		consume(r, (size_t)(p - window(r)));
		if (head_read(window(r), ret) && ret->number >= r->expected)
			return true;
		consume(r, 1);
	}
	consume(r, r->len);
	return false;
}

/* The block whose head stands in the window is damaged: leaves what comes after it in the window. */
static void pass_over(struct mmtrace_reader *r, const struct head *h)
{
	size_t size = BLOCK_HEAD_BYTES + (size_t)h->packed_bytes;
	struct head next;

	r->expected = (uint64_t)h->number + 1;
	if (h->packed_bytes <= PACKED_BYTES_MAX && fill(r, size + BLOCK_HEAD_BYTES) >= size) {
		bool known = r->len >= size + BLOCK_HEAD_BYTES &&
			     head_read(window(r) + size, &next) && next.number >= r->expected;

		if (known || size > r->rescan_left) {
			consume(r, size);
			return;
		}
		r->rescan_left -= size;
	}
	consume(r, BLOCK_HEAD_BYTES);
	r->searching = true;
}

/* No whole head stands where one ought to. */
static void lost_place(struct mmtrace_reader *r)
{
	uint64_t number = r->expected, bytes = r->offset;
	bool silent = r->searching, found;
	struct head h;

	r->block.number = (uint32_t)number;
	r->searching = false;
	found = search(r, &h);
	bytes = r->offset - bytes;
	if (!found && r->source_error) {
		report(r, 1, r->source_error);
		r->source_error = NULL;
		r->done = true;
		return;
	}
	if (!found) {
		r->done = true;
		if (!silent)
			report(r, 1,
			       error_create_block(ERROR_CORRUPT, r->name, (int64_t)number,
						  bytes < BLOCK_HEAD_BYTES
							  ? "the file is cut off: it has no end"
							  : "the rest of the file is damaged"));
		return;
	}
	if (silent)
		return; /* what is missing before it is told next */
	if (h.number == number) {
		report(r, 0,
		       error_create(ERROR_CORRUPT, r->name, 0, 0,
				    "%" PRIu64 " bytes before block %" PRIu64 " belong to no block",
				    bytes, number));
		return;
	}
	if (h.number == number + 1)
		report(r, 1,
		       error_create_block(ERROR_CORRUPT, r->name, (int64_t)number,
					  "the head of the block is damaged"));
	else
		report(r, h.number - number,
		       error_create_block(ERROR_CORRUPT, r->name, (int64_t)number,
					  "this block and all up to block %" PRIu32 " are damaged",
					  h.number - 1));
	r->expected = h.number;
}

static void report_missing(struct mmtrace_reader *r, uint32_t next)
{
	uint64_t number = r->expected;

	r->block.number = (uint32_t)number;
	if (next == number + 1)
		report(r, 1,
		       error_create_block(ERROR_CORRUPT, r->name, (int64_t)number,
					  "the block is missing"));
	else
		report(r, next - number,
		       error_create_block(ERROR_CORRUPT, r->name, (int64_t)number,
					  "this block and all up to block %" PRIu32 " are missing",
					  next - 1));
	r->expected = next;
}

/* Unpacks the payload at @packed.  NULL, or what is wrong with it. */
static struct error *unpack_payload(struct mmtrace_reader *r, const struct head *h,
				    const uint8_t *packed)
{
	unsigned long long said;
	size_t n;

	if (XXH64(packed, h->packed_bytes, 0) != h->payload_hash)
		return error_create_block(ERROR_CORRUPT, r->name, h->number,
					  "the bytes of the block are damaged");
	said = ZSTD_getFrameContentSize(packed, h->packed_bytes);
	if (said != h->bytes)
		return error_create_block(ERROR_CORRUPT, r->name, h->number,
					  "the block does not unpack to the %" PRIu32
					  " bytes that its head tells",
					  h->bytes);
	if (!r->unpacker)
		r->unpacker = mmtrace_unpacker_create();
	if (!r->unpacker || !make_room(&r->data, &r->data_room, (size_t)h->bytes + 1))
		return error_no_memory();
	n = ZSTD_decompressDCtx(r->unpacker->zstd, r->data, h->bytes, packed, h->packed_bytes);
	if (ZSTD_isError(n) || n != h->bytes)
		return error_create_block(
			ERROR_CORRUPT, r->name, h->number, "the block cannot be unpacked: %s",
			ZSTD_isError(n) ? ZSTD_getErrorName(n) : "it is too short");
	return NULL;
}

/* The head of a block beyond what any block may have; NULL if it is not. */
static struct error *check_head(const struct mmtrace_reader *r, const struct head *h)
{
	if (h->packed_bytes > PACKED_BYTES_MAX || h->bytes > MMTRACE_BLOCK_BYTES_MAX)
		return error_create_block(ERROR_LIMIT, r->name, h->number,
					  "the block tells of %" PRIu32 " bytes, %" PRIu32
					  " packed; %u MiB is the limit",
					  h->bytes, h->packed_bytes, MMTRACE_BLOCK_BYTES_MAX >> 20);
	if (h->flags & ~(unsigned int)MMTRACE_ESSENTIAL)
		return error_create_block(ERROR_UNSUPPORTED, r->name, h->number,
					  "the block has flags (%#x) that are not known here",
					  h->flags);
	return NULL;
}

static struct error *check_end(struct mmtrace_reader *r, const struct head *h)
{
	const ProtobufCMessage *message;
	const Mmtrace__End *end;
	struct error *err = mmtrace_unpack(r, &mmtrace__end__descriptor, &message);

	if (!message)
		return err;
	end = (const Mmtrace__End *)message;
	if (end->n_block_type != h->number || end->n_block_bytes != h->number ||
	    end->n_block_items != h->number || h->items != h->number ||
	    (!r->summary.damaged && !r->sought && end->item_count != r->items))
		return error_create_block(ERROR_CORRUPT, r->name, h->number,
					  "the index does not agree with the blocks of the file");
	return NULL;
}

/* What follows the end: the trailer, and nothing. */
static void read_trailer(struct mmtrace_reader *r)
{
	size_t n = fill(r, TRAILER_BYTES + 1);

	r->done = true;
	/* Where bytes were lost or added the end is not where it was; that was reported. */
	if (n == TRAILER_BYTES && !memcmp(window(r) + 8, trailer_magic, 8) &&
	    (r->first || get64(window(r)) == r->end_offset)) {
		r->summary.complete = !r->first && !r->sought;
		return;
	}
	r->block.number = (uint32_t)r->expected;
	if (r->source_error) {
		report(r, 0, r->source_error);
		r->source_error = NULL;
		return;
	}
	report(r, 0,
	       error_create(ERROR_CORRUPT, r->name, 0, 0, "%s",
			    n < TRAILER_BYTES	? "is cut off: it ends within its trailer"
			    : n > TRAILER_BYTES ? "there is more after the end of the file"
						: "the trailer of the file is damaged"));
}

/* The block whose head stands in the window.  It is whole, or reported. */
static void read_block(struct mmtrace_reader *r, const struct head *h)
{
	size_t size = BLOCK_HEAD_BYTES + (size_t)h->packed_bytes;
	struct error *err = check_head(r, h);

	r->block.number = h->number;
	if (!err && fill(r, size) < size) {
		if (r->source_error) {
			err = r->source_error;
			r->source_error = NULL;
		} else {
			err = error_create_block(ERROR_CORRUPT, r->name, h->number,
						 "the block is cut off: %zu of %zu bytes are there",
						 r->len, size);
		}
	}
	if (!err)
		err = unpack_payload(r, h, window(r) + BLOCK_HEAD_BYTES);
	if (err) {
		report(r, 1, err);
		pass_over(r, h);
		return;
	}
	r->block = (struct mmtrace_block){
		.number = h->number,
		.type = h->type,
		.flags = h->flags,
		.items = h->items,
		.stored_bytes = (uint32_t)size,
		.offset = r->offset,
		.data = r->data,
		.size = h->bytes,
	};
	r->summary.whole++;
	r->expected = (uint64_t)h->number + 1;
	consume(r, size);
	if (h->type != MMTRACE_END) {
		r->items += h->items;
		return;
	}
	r->end_seen = true;
	r->end_offset = r->block.offset;
	err = check_end(r, h);
	if (err && !r->block.error) {
		r->summary.whole--;
		report(r, 1, err);
	} else {
		error_destroy(err);
	}
}

bool mmtrace_next(struct mmtrace_reader *r, struct mmtrace_block *ret)
{
	arena_reset(&r->arena);
	r->block = (struct mmtrace_block){ 0 };
	while (!r->done) {
		struct head h;

		if (r->end_seen)
			read_trailer(r);
		else if (r->searching || fill(r, BLOCK_HEAD_BYTES) < BLOCK_HEAD_BYTES ||
			 !head_read(window(r), &h) || h.number < r->expected)
			lost_place(r);
		else if (h.number > r->expected)
			report_missing(r, h.number);
		else
			read_block(r, &h);
		if (r->block.error || r->block.data) {
			*ret = r->block;
			return true;
		}
	}
	return false;
}

struct error *mmtrace_unpack(struct mmtrace_reader *r, const ProtobufCMessageDescriptor *descriptor,
			     const ProtobufCMessage **ret)
{
	ProtobufCAllocator allocator = arena_allocator(&r->arena);
	struct error *err;

	assert(r->block.data && !r->block.error);
	arena_reset(&r->arena);
	*ret = protobuf_c_message_unpack(descriptor, &allocator, r->block.size, r->block.data);
	if (*ret)
		return NULL;
	if (r->arena.out_of_memory)
		return error_no_memory();
	err = error_create_block(ERROR_CORRUPT, r->name, r->block.number,
				 "the block holds no %s message", descriptor->short_name);
	r->summary.whole--;
	report(r, 1, copy_error(err));
	return err;
}

/* ---- seeking ---- */

/* Goes on at @offset, where block @number stands. */
static struct error *jump(struct mmtrace_reader *r, uint64_t offset, uint64_t number,
			  uint64_t *size_ret)
{
	struct error *err = r->source.seek(r->source.ctx, offset, size_ret);

	if (err)
		return error_in_file(err, r->name);
	error_destroy(r->source_error);
	r->source_error = NULL;
	r->source_ended = r->searching = r->end_seen = r->done = false;
	r->start = r->len = 0;
	r->offset = offset;
	r->expected = number;
	arena_reset(&r->arena);
	r->block = (struct mmtrace_block){ 0 };
	return NULL;
}

static struct error *no_index(const struct mmtrace_reader *r)
{
	return error_create(ERROR_CORRUPT, r->name, 0, 0,
			    "has no whole index at its end: it is cut off or damaged");
}

static struct error *keep_index(struct mmtrace_reader *r, const Mmtrace__End *end)
{
	size_t count = end->n_block_type;
	uint32_t *block_types = malloc((count + 1) * sizeof(*block_types));
	uint32_t *items = malloc((count + 1) * sizeof(*items));
	uint64_t *offsets = malloc((count + 1) * sizeof(*offsets)), at = FILE_HEAD_BYTES;

	if (!block_types || !items || !offsets) {
		free(block_types);
		free(items);
		free(offsets);
		return error_no_memory();
	}
	for (size_t i = 0; i < count; i++) {
		block_types[i] = end->block_type[i];
		items[i] = end->block_items[i];
		offsets[i] = at;
		at += end->block_bytes[i];
	}
	r->index_types = block_types;
	r->index_items = items;
	r->index_offsets = offsets;
	r->index = (struct mmtrace_index){ (uint32_t)count, block_types, items, offsets };
	return NULL;
}

/* Finds the end by the trailer and keeps what it tells. */
static struct error *read_index(struct mmtrace_reader *r)
{
	uint64_t size, at;
	struct error *err = jump(r, 0, 0, &size);
	ProtobufCAllocator allocator;
	const ProtobufCMessage *message;
	const Mmtrace__End *end;
	struct head h;

	if (err)
		return err;
	if (size < FILE_HEAD_BYTES + BLOCK_HEAD_BYTES + TRAILER_BYTES)
		return no_index(r);
	err = jump(r, size - TRAILER_BYTES, 0, &size);
	if (err)
		return err;
	if (fill(r, TRAILER_BYTES) < TRAILER_BYTES || memcmp(window(r) + 8, trailer_magic, 8))
		return no_index(r);
	at = get64(window(r));
	if (at >= size)
		return no_index(r);
	err = jump(r, at, 0, &size);
	if (err)
		return err;
	if (fill(r, BLOCK_HEAD_BYTES) < BLOCK_HEAD_BYTES || !head_read(window(r), &h) ||
	    h.type != MMTRACE_END || h.packed_bytes > PACKED_BYTES_MAX ||
	    h.bytes > MMTRACE_BLOCK_BYTES_MAX ||
	    fill(r, BLOCK_HEAD_BYTES + (size_t)h.packed_bytes) < BLOCK_HEAD_BYTES + h.packed_bytes)
		return no_index(r);
	err = unpack_payload(r, &h, window(r) + BLOCK_HEAD_BYTES);
	if (err)
		return err;
	allocator = arena_allocator(&r->arena);
	message =
		protobuf_c_message_unpack(&mmtrace__end__descriptor, &allocator, h.bytes, r->data);
	end = (const Mmtrace__End *)message;
	if (!end || end->n_block_type != h.number || end->n_block_bytes != h.number ||
	    end->n_block_items != h.number)
		return no_index(r);
	return keep_index(r, end);
}

struct error *mmtrace_load_index(struct mmtrace_reader *r, const struct mmtrace_index **ret)
{
	bool begun = r->offset != FILE_HEAD_BYTES;
	struct error *err, *back;
	uint64_t size;

	if (!r->source.seek)
		return error_create(ERROR_UNSUPPORTED, r->name, 0, 0,
				    "cannot be read anywhere but from its start on");
	err = r->index.offsets ? NULL : read_index(r);
	back = jump(r, FILE_HEAD_BYTES, 0, &size);
	r->sought |= begun;
	if (err) {
		error_destroy(back);
		return err;
	}
	if (!back)
		*ret = &r->index;
	return back;
}

struct error *mmtrace_seek(struct mmtrace_reader *r, uint32_t number)
{
	uint64_t size;

	assert(r->index.offsets && number < r->index.count);
	r->sought = true;
	return jump(r, r->index.offsets[number], number, &size);
}

struct mmtrace_summary mmtrace_summary(const struct mmtrace_reader *r)
{
	return r->summary;
}
