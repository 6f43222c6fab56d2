/* SPDX-License-Identifier: MIT */
/*
 * The sample is a file of several small blocks, one of them of a type that nobody knows.  Damage is
 * done to every byte of it, and the expectation is always the same: every block that was not touched
 * arrives, and the one that was is named.
 */
#include "traces/mmtrace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>

#include "traces/record.pb-c.h"
#include "traces/testing/check.h"
#include "traces/testing/robust.h"

#define HEAD_BYTES 40
#define BLOCKS 6 /* of the sample, with the end */
#define UNKNOWN_TYPE 77

struct sample {
	struct sink_text file;
	size_t start[BLOCKS + 1]; /* where each block begins; the last: the trailer */
};

static struct error *write_note(struct mmtrace_writer *w, enum mmtrace_type type, const char *text)
{
	Mmtrace__Notes notes = MMTRACE__NOTES__INIT;
	Mmtrace__Note note = MMTRACE__NOTE__INIT, *list[] = { &note };

	note.has_text = 1;
	note.text = (ProtobufCBinaryData){ strlen(text), (uint8_t *)(uintptr_t)text };
	notes.n_note = 1;
	notes.note = list;
	return mmtrace_write(w, type, 0, 1, &notes.base);
}

static void write_sample(struct sample *s, struct mmtrace_writer *w)
{
	static const char *const texts[BLOCKS - 1] = { "first", "the second one", "third", "fourth",
						       "the fifth and last" };

	for (int i = 0; i < BLOCKS - 1; i++) {
		s->start[i] = s->file.len;
		check_ok(write_note(w, i == 2 ? (enum mmtrace_type)UNKNOWN_TYPE : MMTRACE_NOTES,
				    texts[i]));
	}
	s->start[BLOCKS - 1] = s->file.len;
	check_ok(mmtrace_write_end(w));
	s->start[BLOCKS] = s->file.len - 16;
	assert_int_equal(mmtrace_written(w).blocks, BLOCKS);
	assert_int_equal(mmtrace_written(w).bytes, s->file.len);
}

static void make_sample(struct sample *s)
{
	struct mmtrace_writer *w;

	memset(s, 0, sizeof(*s));
	check_ok(mmtrace_writer_create(sink_to_text(&s->file), &w));
	write_sample(s, w);
	mmtrace_writer_destroy(w);
}

/* ---- what a reader sees ---- */

struct seen {
	bool whole[BLOCKS];
	unsigned int delivered;
	unsigned int errors;
	int64_t first_block; /* of the first error; -2: there was none */
	enum error_code first_code;
	struct mmtrace_summary summary; /* without ->first */
	struct error *open_error;
};

/* Compares a block that arrived with that of the sample. */
static void check_block(const struct sample *s, const struct mmtrace_block *b)
{
	const char *head = s->file.data + s->start[b->number];
	size_t stored = s->start[b->number + 1] - s->start[b->number];
	char data[4096];
	size_t n = ZSTD_decompress(data, sizeof(data), head + HEAD_BYTES, stored - HEAD_BYTES);

	assert_int_equal(b->stored_bytes, stored);
	assert_int_equal(b->size, n);
	assert_memory_equal(b->data, data, n);
	assert_int_equal(b->type, b->number == BLOCKS - 1 ? MMTRACE_END
				  : b->number == 2	  ? UNKNOWN_TYPE
							  : MMTRACE_NOTES);
	assert_int_equal(b->items, b->number == BLOCKS - 1 ? BLOCKS - 1 : 1);
}

static void read_all(const struct sample *s, struct mmtrace_reader *r, struct seen *ret)
{
	struct mmtrace_block b;

	while (mmtrace_next(r, &b)) {
		if (b.error) {
			if (!ret->errors++) {
				ret->first_block = b.error->block;
				ret->first_code = b.error->code;
				assert_string_equal(b.error->file, "sample");
			}
			continue;
		}
		ret->delivered++;
		if (s) {
			assert_true(b.number < BLOCKS);
			assert_false(ret->whole[b.number]);
			ret->whole[b.number] = true;
			check_block(s, &b);
		}
	}
	/* The end stays the end. */
	assert_false(mmtrace_next(r, &b));
	ret->summary = mmtrace_summary(r);
	assert_int_equal(ret->summary.whole, ret->delivered);
	assert_int_equal(!ret->summary.first, !ret->errors);
	if (ret->errors) {
		assert_int_equal(ret->summary.first->block, ret->first_block);
		assert_false(ret->summary.complete);
	}
	ret->summary.first = NULL;
}

/* @s: what is expected of whole blocks; NULL: nothing. */
static struct seen look(const struct sample *s, const void *data, size_t size)
{
	struct seen seen = { .first_block = -2 };
	uint8_t *copy = malloc(size ? size : 1);
	struct mmtrace_reader *r;

	/* Memory of exactly its size, so that the sanitizers see a byte too far. */
	assert_non_null(copy);
	if (size)
		memcpy(copy, data, size);
	seen.open_error = mmtrace_reader_create_bytes(copy, size, "sample", &r);
	if (!seen.open_error) {
		read_all(s, r, &seen);
		mmtrace_reader_destroy(r);
	}
	free(copy);
	return seen;
}

static void expect_all_but(const struct seen *seen, int block, size_t at)
{
	for (int i = 0; i < BLOCKS; i++)
		if (seen->whole[i] != (i != block))
			fail_msg("damage at %zu in block %d: block %d %s", at, block, i,
				 seen->whole[i] ? "arrived" : "did not arrive");
}

/* The block that byte @at belongs to; BLOCKS: the trailer, -1: the head of the file. */
static int block_of(const struct sample *s, size_t at)
{
	int i = -1;

	while (i < BLOCKS && at >= s->start[i + 1])
		i++;
	return i;
}

/* ---- whole files ---- */

static void test_reads_what_was_written(void **state)
{
	struct sample s;
	struct seen seen;

	(void)state;
	make_sample(&s);
	assert_true(mmtrace_is(s.file.data, s.file.len));
	seen = look(&s, s.file.data, s.file.len);
	assert_null(seen.open_error);
	assert_int_equal(seen.delivered, BLOCKS);
	assert_int_equal(seen.errors, 0);
	assert_int_equal(seen.summary.damaged, 0);
	assert_true(seen.summary.complete);
	sink_text_deinit(&s.file);
}

static void test_same_input_gives_same_bytes(void **state)
{
	struct sample a, b;

	(void)state;
	make_sample(&a);
	make_sample(&b);
	assert_int_equal(a.file.len, b.file.len);
	assert_memory_equal(a.file.data, b.file.data, a.file.len);
	sink_text_deinit(&a.file);
	sink_text_deinit(&b.file);
}

/* A writer that begins again does not know of the file before, whether that was ended or not. */
static void test_writer_begins_again(void **state)
{
	struct sample once, again = { 0 };
	struct sink_text other = { 0 };
	struct mmtrace_writer *w;

	(void)state;
	make_sample(&once);
	check_ok(mmtrace_writer_create(sink_to_text(&other), &w));
	check_ok(write_note(w, MMTRACE_NOTES, "of another file"));
	for (int i = 0; i < 2; i++) {
		sink_text_clear(&again.file);
		mmtrace_writer_restart(w, sink_to_text(&again.file));
		write_sample(&again, w);
		assert_int_equal(again.file.len, once.file.len);
		assert_memory_equal(again.file.data, once.file.data, once.file.len);
	}
	mmtrace_writer_destroy(w);
	sink_text_deinit(&other);
	sink_text_deinit(&again.file);
	sink_text_deinit(&once.file);
}

static void test_a_file_of_no_blocks_but_its_end(void **state)
{
	struct sink_text file = { 0 };
	struct mmtrace_writer *w;
	struct seen seen;

	(void)state;
	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
	seen = look(NULL, file.data, file.len);
	assert_true(seen.summary.complete);
	assert_int_equal(seen.delivered, 1);
	sink_text_deinit(&file);
}

/* The layout is little-endian and fixed: these are the bytes of FORMAT.md. */
static void test_layout(void **state)
{
	static const uint8_t file_head[16] = { 0x89, 'M', 'M', 'T', '\r', '\n', 0x1a, '\n',
					       1,    0,	  0,   0,   0xa1, 0xbc, 0x5f, 0x28 };
	struct sample s;
	const uint8_t *p;

	(void)state;
	make_sample(&s);
	p = (const uint8_t *)s.file.data;
	assert_memory_equal(p, file_head, 16);
	p += s.start[1];
	assert_memory_equal(p, "\xb1MMB\x04\0\0\0\x01\0\0\0\x01\0\0\0", 16);
	assert_int_equal(p[16] | p[17] << 8, s.start[2] - s.start[1] - HEAD_BYTES);
	p = (const uint8_t *)s.file.data + s.start[BLOCKS];
	assert_int_equal(p[0] | p[1] << 8, s.start[BLOCKS - 1]);
	assert_memory_equal(p + 8, "\x89MMTEND\n", 8);
	sink_text_deinit(&s.file);
}

/* ---- damage ---- */

static void test_every_truncation(void **state)
{
	struct sample s;

	(void)state;
	make_sample(&s);
	for (size_t len = 0; len < s.file.len; len++) {
		struct seen seen = look(&s, s.file.data, len);
		int cut = block_of(&s, len);

		if (len < 16) {
			assert_non_null(seen.open_error);
			assert_int_equal(seen.open_error->code,
					 len < 8 ? ERROR_FORMAT : ERROR_CORRUPT);
			error_destroy(seen.open_error);
			continue;
		}
		for (int i = 0; i < BLOCKS; i++)
			assert_int_equal(seen.whole[i], i < cut);
		assert_int_equal(seen.errors, 1);
		assert_int_equal(seen.first_block, cut == BLOCKS ? -1 : cut);
		assert_int_equal(seen.first_code, ERROR_CORRUPT);
		assert_false(seen.summary.complete);
	}
	sink_text_deinit(&s.file);
}

static void check_damage(const struct sample *s, const void *data, size_t size, size_t at)
{
	struct seen seen = look(s, data, size);
	int hit = block_of(s, at);

	if (hit < 0) {
		if (!seen.open_error)
			fail_msg("damage at %zu, in the head of the file, was not seen", at);
		error_destroy(seen.open_error);
		return;
	}
	assert_null(seen.open_error);
	expect_all_but(&seen, hit, at);
	assert_int_equal(seen.errors, 1);
	assert_int_equal(seen.summary.damaged, hit < BLOCKS);
	assert_int_equal(seen.first_block, hit == BLOCKS ? -1 : hit);
}

static void test_every_bit_turned(void **state)
{
	struct sample s;

	(void)state;
	make_sample(&s);
	for (size_t at = 0; at < s.file.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			s.file.data[at] ^= (char)(1 << bit);
			check_damage(&s, s.file.data, s.file.len, at);
			s.file.data[at] ^= (char)(1 << bit);
		}
	}
	sink_text_deinit(&s.file);
}

static void test_every_byte_taken_out(void **state)
{
	struct sample s;
	char *copy;

	(void)state;
	make_sample(&s);
	copy = malloc(s.file.len);
	assert_non_null(copy);
	for (size_t at = 0; at < s.file.len; at++) {
		memcpy(copy, s.file.data, at);
		memcpy(copy + at, s.file.data + at + 1, s.file.len - at - 1);
		/* The block before the trailer moves, and with it what the trailer says. */
		if (block_of(&s, at) < BLOCKS - 1 && block_of(&s, at) >= 0) {
			struct seen seen = look(NULL, copy, s.file.len - 1);

			assert_int_equal(seen.delivered, BLOCKS - 1);
			assert_int_equal(seen.first_block, block_of(&s, at));
		} else {
			check_damage(&s, copy, s.file.len - 1, at);
		}
	}
	free(copy);
	sink_text_deinit(&s.file);
}

static void test_every_byte_doubled(void **state)
{
	struct sample s;
	char *copy;

	(void)state;
	make_sample(&s);
	copy = malloc(s.file.len + 1);
	assert_non_null(copy);
	for (size_t at = s.start[0]; at < s.start[BLOCKS - 1]; at++) {
		struct seen seen;
		int hit = block_of(&s, at);
		size_t first = s.start[hit], size = s.start[hit + 1] - first;
		bool odd;

		memcpy(copy, s.file.data, at + 1);
		memcpy(copy + at + 1, s.file.data + at, s.file.len - at);
		/* The first and the last byte leave a whole block, with an odd byte beside it. */
		odd = !memcmp(copy + first, s.file.data + first, size) ||
		      !memcmp(copy + first + 1, s.file.data + first, size);
		seen = look(NULL, copy, s.file.len + 1);
		assert_int_equal(seen.delivered, odd ? BLOCKS : BLOCKS - 1);
		assert_int_equal(seen.first_block, odd ? -1 : hit);
	}
	free(copy);
	sink_text_deinit(&s.file);
}

/* A file without its blocks [first, end). */
static void test_missing_blocks(void **state)
{
	struct sample s;
	char *copy;

	(void)state;
	make_sample(&s);
	copy = malloc(s.file.len);
	assert_non_null(copy);
	for (int first = 0; first < BLOCKS; first++) {
		for (int end = first + 1; end < BLOCKS; end++) {
			size_t at = s.start[first], gap = s.start[end] - at;
			struct seen seen;

			memcpy(copy, s.file.data, at);
			memcpy(copy + at, s.file.data + at + gap, s.file.len - at - gap);
			seen = look(NULL, copy, s.file.len - gap);
			assert_int_equal(seen.delivered, BLOCKS - (end - first));
			assert_int_equal(seen.summary.damaged, end - first);
			assert_int_equal(seen.first_block, first);
		}
	}
	free(copy);
	sink_text_deinit(&s.file);
}

/* The same block twice is handed out once. */
static void test_a_repeated_block(void **state)
{
	struct sample s;
	struct seen seen;
	size_t size;
	char *copy;

	(void)state;
	make_sample(&s);
	size = s.start[2] - s.start[1];
	copy = malloc(s.file.len + size);
	assert_non_null(copy);
	memcpy(copy, s.file.data, s.start[2]);
	memcpy(copy + s.start[2], s.file.data + s.start[1], s.file.len - s.start[1]);
	seen = look(NULL, copy, s.file.len + size);
	assert_int_equal(seen.delivered, BLOCKS);
	assert_int_equal(seen.first_block, -1);
	free(copy);
	sink_text_deinit(&s.file);
}

static void test_more_behind_the_end(void **state)
{
	struct sample s;
	struct seen seen;

	(void)state;
	make_sample(&s);
	sink_to_text(&s.file).write(&s.file, "x", 1);
	seen = look(&s, s.file.data, s.file.len);
	assert_int_equal(seen.delivered, BLOCKS);
	assert_int_equal(seen.first_block, -1);
	sink_text_deinit(&s.file);
}

static void read_any(const uint8_t *data, size_t len)
{
	struct seen seen = look(NULL, data, len);

	error_destroy(seen.open_error);
}

static void test_any_damage(void **state)
{
	struct sample s;

	(void)state;
	make_sample(&s);
	robust_damage(read_any, s.file.data, s.file.len, 1, 20000);
	sink_text_deinit(&s.file);
}

/* ---- files that lie: every hash is right ---- */

static void put(char *p, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		p[i] = (char)(v >> (8 * i));
}

static void seal(char *head)
{
	put(head + 32, XXH64(head, 32, 0), 8);
}

static struct seen lie(size_t offset, uint64_t value, int bytes)
{
	struct sample s;
	struct seen seen;
	char *head;

	make_sample(&s);
	head = s.file.data + s.start[1];
	put(head + offset, value, bytes);
	seal(head);
	seen = look(NULL, s.file.data, s.file.len);
	assert_null(seen.open_error);
	sink_text_deinit(&s.file);
	return seen;
}

static void expect_lie(struct seen seen, enum error_code code, const char *what)
{
	if (seen.delivered != BLOCKS - 1 || seen.first_block != 1 || seen.first_code != code ||
	    seen.summary.damaged != 1)
		fail_msg("%s: %u delivered, code %d at block %d", what, seen.delivered,
			 (int)seen.first_code, (int)seen.first_block);
}

static void test_lying_heads(void **state)
{
	(void)state;
	expect_lie(lie(16, 0xffffffff, 4), ERROR_LIMIT, "packed size of 4 GiB");
	expect_lie(lie(16, 1 << 23, 4), ERROR_CORRUPT, "packed size beyond the file");
	expect_lie(lie(16, 1, 4), ERROR_CORRUPT, "packed size too small");
	expect_lie(lie(16, 0, 4), ERROR_CORRUPT, "packed size 0");
	expect_lie(lie(20, 0xffffffff, 4), ERROR_LIMIT, "size of 4 GiB");
	expect_lie(lie(20, MMTRACE_BLOCK_BYTES_MAX, 4), ERROR_CORRUPT, "the largest size");
	expect_lie(lie(20, 0, 4), ERROR_CORRUPT, "size 0");
	expect_lie(lie(24, 0, 8), ERROR_CORRUPT, "hash 0");
	expect_lie(lie(6, 2, 2), ERROR_UNSUPPORTED, "flags of a later time");
}

/* What a head says beside sizes is passed on, and the index at the end catches it. */
static void test_lying_items(void **state)
{
	struct seen seen = lie(12, 1000, 4);

	(void)state;
	assert_int_equal(seen.delivered, BLOCKS - 1);
	assert_int_equal(seen.first_block, BLOCKS - 1);
}

static void test_lying_number(void **state)
{
	struct seen seen = lie(8, 0xffffffff, 4);

	(void)state;
	/* Nothing can come after the last number there is; all the same nothing is silent. */
	assert_int_equal(seen.first_block, 1);
	assert_true(seen.summary.damaged > 0);
	assert_false(seen.summary.complete);
}

/* One block of @packed, which says it has @bytes bytes, and nothing behind it. */
static struct seen look_at_payload(const void *packed, size_t size, size_t bytes)
{
	struct sample s;
	struct seen seen;
	char *file = malloc(16 + HEAD_BYTES + size), *head = file + 16;

	assert_non_null(file);
	make_sample(&s);
	memcpy(file, s.file.data, 16);
	sink_text_deinit(&s.file);
	memcpy(head, "\xb1MMB", 4);
	put(head + 4, MMTRACE_NOTES, 2);
	put(head + 6, 0, 2);
	put(head + 8, 0, 4);
	put(head + 12, 0, 4);
	put(head + 16, size, 4);
	put(head + 20, bytes, 4);
	put(head + 24, XXH64(packed, size, 0), 8);
	seal(head);
	memcpy(head + HEAD_BYTES, packed, size);
	seen = look(NULL, file, 16 + HEAD_BYTES + size);
	free(file);
	return seen;
}

static void test_payloads_that_do_not_unpack(void **state)
{
	char packed[64], twice[128];
	size_t n = ZSTD_compress(packed, sizeof(packed), "some bytes", 10, 3);

	(void)state;
	assert_int_equal(look_at_payload(packed, n, 10).delivered, 1);
	assert_int_equal(look_at_payload(packed, n, 9).delivered, 0);
	assert_int_equal(look_at_payload(packed, n, 11).delivered, 0);
	assert_int_equal(look_at_payload("no zstd here", 12, 10).delivered, 0);
	assert_int_equal(look_at_payload("", 0, 0).delivered, 0);
	/* Two frames, of which the first alone tells a size. */
	memcpy(twice, packed, n);
	memcpy(twice + n, packed, n);
	assert_int_equal(look_at_payload(twice, 2 * n, 10).delivered, 0);
}

/*
 * Heads within the payload of a damaged block, each of which claims all that follows.  Hashing every
 * one of those payloads would take hours.
 */
static void test_heads_within_a_payload(void **state)
{
	size_t size = (size_t)8 << 20, at = 16;
	struct sample s;
	struct seen seen;
	uint32_t number = 0;
	char *file = malloc(size);

	(void)state;
	assert_non_null(file);
	make_sample(&s);
	memcpy(file, s.file.data, 16);
	memset(file + 16, 0, size - 16);
	for (; at + HEAD_BYTES <= size; at += HEAD_BYTES) {
		char *head = file + at;

		memcpy(head, "\xb1MMB", 4);
		put(head + 4, MMTRACE_NOTES, 2);
		put(head + 8, number++, 4);
		put(head + 16, size - at - HEAD_BYTES, 4);
		put(head + 20, 1, 4);
		seal(head);
	}
	seen = look(NULL, file, size);
	assert_int_equal(seen.delivered, 0);
	assert_int_equal(seen.first_block, 0);
	free(file);
	sink_text_deinit(&s.file);
}

/* 4 million empty notes in 8 MiB, which would be hundreds of MiB in memory. */
static void test_a_message_that_wants_memory(void **state)
{
	size_t size = MMTRACE_BLOCK_BYTES_MAX, room = ZSTD_compressBound(size), n;
	char *message = malloc(size), *packed = malloc(room);
	const ProtobufCMessage *unpacked;
	struct mmtrace_writer *w;
	struct mmtrace_reader *r;
	struct mmtrace_block b;
	struct sink_text file = { 0 };
	char head[HEAD_BYTES] = "\xb1MMB";

	(void)state;
	assert_non_null(message);
	assert_non_null(packed);
	for (size_t i = 0; i < size; i += 2) {
		message[i] = 0x0a;
		message[i + 1] = 0;
	}
	n = ZSTD_compress(packed, room, message, size, 3);
	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	mmtrace_writer_destroy(w);
	put(head + 4, MMTRACE_NOTES, 2);
	put(head + 16, n, 4);
	put(head + 20, size, 4);
	put(head + 24, XXH64(packed, n, 0), 8);
	seal(head);
	sink_to_text(&file).write(&file, head, sizeof(head));
	sink_to_text(&file).write(&file, packed, n);
	check_ok(mmtrace_reader_create_bytes(file.data, file.len, "sample", &r));
	assert_true(mmtrace_next(r, &b));
	assert_null(b.error);
	check_error(mmtrace_unpack(r, &mmtrace__notes__descriptor, &unpacked), ERROR_CORRUPT, 0, 0);
	assert_int_equal(mmtrace_summary(r).damaged, 1);
	assert_int_equal(mmtrace_summary(r).whole, 0);
	mmtrace_reader_destroy(r);
	sink_text_deinit(&file);
	free(message);
	free(packed);
}

static void test_no_message_of_that_type(void **state)
{
	const ProtobufCMessage *unpacked;
	struct mmtrace_reader *r;
	struct mmtrace_block b;
	struct sample s;

	(void)state;
	make_sample(&s);
	check_ok(mmtrace_reader_create_bytes(s.file.data, s.file.len, "sample", &r));
	assert_true(mmtrace_next(r, &b));
	check_ok(mmtrace_unpack(r, &mmtrace__notes__descriptor, &unpacked));
	assert_int_equal(((const Mmtrace__Notes *)unpacked)->note[0]->text.len, 5);
	assert_true(mmtrace_next(r, &b));
	/* Field 1 of Answers is a number, that of Notes a message. */
	check_error(mmtrace_unpack(r, &mmtrace__answers__descriptor, &unpacked), ERROR_CORRUPT, 0,
		    0);
	assert_int_equal(mmtrace_summary(r).first->block, 1);
	mmtrace_reader_destroy(r);
	sink_text_deinit(&s.file);
}

/* One that unpacks for two readers, block by block in turns, and for a third that meets damage. */
static void test_readers_share_what_unpacks(void **state)
{
	struct mmtrace_unpacker *unpacker = mmtrace_unpacker_create();
	struct seen seen = { .first_block = -2 };
	struct mmtrace_reader *readers[2], *r;
	struct mmtrace_block b;
	struct sample s;

	(void)state;
	assert_non_null(unpacker);
	make_sample(&s);
	for (int k = 0; k < 2; k++) {
		check_ok(mmtrace_reader_create_bytes(s.file.data, s.file.len, "sample",
						     &readers[k]));
		mmtrace_reader_lend(readers[k], unpacker);
	}
	for (int i = 0; i < BLOCKS * 2; i++) {
		assert_true(mmtrace_next(readers[i % 2], &b));
		assert_null(b.error);
		assert_int_equal(b.number, i / 2);
		check_block(&s, &b);
	}
	mmtrace_reader_destroy(readers[0]);
	mmtrace_reader_destroy(readers[1]);
	s.file.data[s.start[1] + HEAD_BYTES] ^= 1;
	check_ok(mmtrace_reader_create_bytes(s.file.data, s.file.len, "sample", &r));
	mmtrace_reader_lend(r, unpacker);
	read_all(&s, r, &seen);
	assert_int_equal(seen.delivered, BLOCKS - 1);
	assert_int_equal(seen.first_block, 1);
	mmtrace_reader_destroy(r);
	mmtrace_unpacker_destroy(unpacker);
	sink_text_deinit(&s.file);
}

/* ---- heads of files ---- */

static void expect_open(const void *data, size_t size, enum error_code code)
{
	struct seen seen = look(NULL, data, size);

	check_error(seen.open_error, code, 0, 0);
}

static void test_what_is_no_file_of_ours(void **state)
{
	char head[16];
	struct sample s;

	(void)state;
	make_sample(&s);
	memcpy(head, s.file.data, 16);
	expect_open("", 0, ERROR_FORMAT);
	expect_open("[    0.000000] Linux version", 28, ERROR_FORMAT);
	/* As after a transfer as text. */
	expect_open("\x89MMT\n\x1a\n\1\0\0\0\0\0\0\0\0", 16, ERROR_CORRUPT);
	put(head + 8, 2, 4);
	expect_open(head, 16, ERROR_CORRUPT);
	put(head + 12, XXH64(head, 12, 0), 4);
	expect_open(head, 16, ERROR_UNSUPPORTED);
	sink_text_deinit(&s.file);
}

/* ---- streams ---- */

struct drops {
	const char *data;
	size_t size, at, piece;
	size_t fail_at; /* SIZE_MAX: never */
};

static size_t read_drops(void *ctx, void *buf, size_t size, struct error **err_ret)
{
	struct drops *d = ctx;
	size_t n = d->size - d->at;

	n = n < size ? n : size;
	n = n < d->piece ? n : d->piece;
	if (d->at + n > d->fail_at) {
		*err_ret = error_create(ERROR_OS, NULL, 0, 0, "the disk failed");
		return 0;
	}
	memcpy(buf, d->data + d->at, n);
	d->at += n;
	return n;
}

static void test_bytes_in_pieces(void **state)
{
	struct sample s;

	(void)state;
	make_sample(&s);
	for (size_t piece = 1; piece < 60; piece++) {
		struct drops d = { s.file.data, s.file.len, 0, piece, SIZE_MAX };
		struct seen seen = { .first_block = -2 };
		struct mmtrace_reader *r;

		check_ok(mmtrace_reader_create(
			(struct mmtrace_source){ .read = read_drops, .ctx = &d }, "sample", &r));
		read_all(&s, r, &seen);
		mmtrace_reader_destroy(r);
		assert_true(seen.summary.complete);
	}
	sink_text_deinit(&s.file);
}

static void test_a_source_that_fails(void **state)
{
	struct sample s;

	(void)state;
	make_sample(&s);
	for (size_t at = 0; at < s.file.len; at++) {
		struct drops d = { s.file.data, s.file.len, 0, 1, at };
		struct seen seen = { .first_block = -2 };
		struct mmtrace_reader *r;
		struct error *err;

		err = mmtrace_reader_create(
			(struct mmtrace_source){ .read = read_drops, .ctx = &d }, "sample", &r);
		if (err) {
			assert_true(at < 16);
			check_error(err, ERROR_OS, 0, 0);
			continue;
		}
		read_all(&s, r, &seen);
		mmtrace_reader_destroy(r);
		assert_int_equal(seen.errors, 1);
		assert_int_equal(seen.first_code, ERROR_OS);
		assert_int_equal(seen.delivered, block_of(&s, at));
	}
	sink_text_deinit(&s.file);
}

/* ---- seeking ---- */

static void test_index(void **state)
{
	const struct mmtrace_index *index;
	struct mmtrace_reader *r;
	struct mmtrace_block b;
	struct sample s;
	struct seen seen = { 0 };

	(void)state;
	make_sample(&s);
	check_ok(mmtrace_reader_create_bytes(s.file.data, s.file.len, "sample", &r));
	check_ok(mmtrace_load_index(r, &index));
	assert_int_equal(index->count, BLOCKS - 1);
	for (uint32_t i = 0; i < index->count; i++) {
		assert_int_equal(index->offsets[i], s.start[i]);
		assert_int_equal(index->items[i], 1);
		assert_int_equal(index->types[i], i == 2 ? UNKNOWN_TYPE : MMTRACE_NOTES);
	}
	/* To each block from each, backwards too, and on from there. */
	for (uint32_t from = 0; from < index->count; from++) {
		for (uint32_t to = 0; to < index->count; to++) {
			check_ok(mmtrace_seek(r, from));
			assert_true(mmtrace_next(r, &b));
			assert_null(b.error);
			check_ok(mmtrace_seek(r, to));
			for (uint32_t i = to; i < BLOCKS; i++) {
				assert_true(mmtrace_next(r, &b));
				assert_null(b.error);
				assert_int_equal(b.number, i);
				check_block(&s, &b);
			}
			assert_false(mmtrace_next(r, &b));
		}
	}
	assert_false(mmtrace_summary(r).complete);
	mmtrace_reader_destroy(r);

	/* The index alone leaves nothing out. */
	check_ok(mmtrace_reader_create_bytes(s.file.data, s.file.len, "sample", &r));
	check_ok(mmtrace_load_index(r, &index));
	read_all(&s, r, &seen);
	assert_true(seen.summary.complete);
	assert_int_equal(seen.delivered, BLOCKS);
	mmtrace_reader_destroy(r);
	sink_text_deinit(&s.file);
}

/* Where the end is gone or not to be reached there is no index, and the rest reads as ever. */
static void test_no_index(void **state)
{
	const struct mmtrace_index *index;
	struct mmtrace_reader *r;
	struct sample s;

	(void)state;
	make_sample(&s);
	for (size_t cut = 16; cut < s.file.len; cut++) {
		struct seen seen = { 0 };

		check_ok(mmtrace_reader_create_bytes(s.file.data, cut, "sample", &r));
		check_error(mmtrace_load_index(r, &index), ERROR_CORRUPT, 0, 0);
		read_all(&s, r, &seen);
		for (int i = 0; i < BLOCKS; i++)
			assert_int_equal(seen.whole[i], s.start[i + 1] <= cut);
		mmtrace_reader_destroy(r);
	}
	sink_text_deinit(&s.file);
}

/* ---- what a writer refuses ---- */

static void test_a_message_too_large(void **state)
{
	size_t size = (size_t)MMTRACE_BLOCK_BYTES_MAX + 1;
	Mmtrace__Header header = MMTRACE__HEADER__INIT;
	struct sink_text file = { 0 };
	struct mmtrace_writer *w;
	uint8_t *text = calloc(1, size);

	(void)state;
	assert_non_null(text);
	header.has_source_name = 1;
	header.source_name = (ProtobufCBinaryData){ size, text };
	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	check_error(mmtrace_write(w, MMTRACE_HEADER, 0, 1, &header.base), ERROR_LIMIT, 0, 0);
	/* It left nothing behind. */
	assert_int_equal(file.len, 16);
	header.source_name.len = size - 1 - 5;
	check_ok(mmtrace_write(w, MMTRACE_HEADER, 0, 1, &header.base));
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
	assert_true(look(NULL, file.data, file.len).summary.complete);
	sink_text_deinit(&file);
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_what_was_written),
		cmocka_unit_test(test_same_input_gives_same_bytes),
		cmocka_unit_test(test_writer_begins_again),
		cmocka_unit_test(test_a_file_of_no_blocks_but_its_end),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_every_bit_turned),
		cmocka_unit_test(test_every_byte_taken_out),
		cmocka_unit_test(test_every_byte_doubled),
		cmocka_unit_test(test_missing_blocks),
		cmocka_unit_test(test_a_repeated_block),
		cmocka_unit_test(test_more_behind_the_end),
		cmocka_unit_test(test_any_damage),
		cmocka_unit_test(test_lying_heads),
		cmocka_unit_test(test_lying_items),
		cmocka_unit_test(test_lying_number),
		cmocka_unit_test(test_payloads_that_do_not_unpack),
		cmocka_unit_test(test_heads_within_a_payload),
		cmocka_unit_test(test_a_message_that_wants_memory),
		cmocka_unit_test(test_no_message_of_that_type),
		cmocka_unit_test(test_readers_share_what_unpacks),
		cmocka_unit_test(test_what_is_no_file_of_ours),
		cmocka_unit_test(test_bytes_in_pieces),
		cmocka_unit_test(test_a_source_that_fails),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_no_index),
		cmocka_unit_test(test_a_message_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
