/* SPDX-License-Identifier: MIT */
/*
 * Tests of input: each kind of packing made here, whole, in several members, cut off everywhere,
 * damaged everywhere, and larger than allowed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "traces/input.h"

struct bytes {
	uint8_t *data;
	size_t size;
};

typedef struct bytes (*pack_fn)(const uint8_t *data, size_t size);

static struct bytes pack_plain(const uint8_t *data, size_t size)
{
	struct bytes ret = { malloc(size + 1), size };

	assert_non_null(ret.data);
	memcpy(ret.data, data, size);
	return ret;
}

static struct bytes pack_gzip(const uint8_t *data, size_t size)
{
	struct bytes ret = { malloc(size + size / 100 + 64), size + size / 100 + 64 };
	z_stream stream = { 0 };

	assert_non_null(ret.data);
	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.next_in = (Bytef *)(uintptr_t)data;
	stream.avail_in = (uInt)size;
	stream.next_out = ret.data;
	stream.avail_out = (uInt)ret.size;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	ret.size -= stream.avail_out;
	deflateEnd(&stream);
	return ret;
}

static struct bytes pack_xz(const uint8_t *data, size_t size)
{
	size_t room = lzma_stream_buffer_bound(size);
	struct bytes ret = { malloc(room), 0 };

	assert_non_null(ret.data);
	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, data, size, ret.data,
						 &ret.size, room),
			 LZMA_OK);
	return ret;
}

static struct bytes pack_zstd(const uint8_t *data, size_t size)
{
	size_t room = ZSTD_compressBound(size);
	struct bytes ret = { malloc(room), 0 };
	ZSTD_CCtx *context = ZSTD_createCCtx();

	assert_non_null(ret.data);
	assert_non_null(context);
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	ret.size = ZSTD_compress2(context, ret.data, room, data, size);
	assert_false(ZSTD_isError(ret.size));
	ZSTD_freeCCtx(context);
	return ret;
}

static const struct packing {
	const char *name;
	enum input_packing packing;
	pack_fn pack;
} packings[] = {
	{ "plain", INPUT_PLAIN, pack_plain },
	{ "gzip", INPUT_GZIP, pack_gzip },
	{ "xz", INPUT_XZ, pack_xz },
	{ "zstd", INPUT_ZSTD, pack_zstd },
};

#define PACKINGS (sizeof(packings) / sizeof(packings[0]))

static struct bytes join(struct bytes a, struct bytes b)
{
	struct bytes ret = { malloc(a.size + b.size), a.size + b.size };

	assert_non_null(ret.data);
	memcpy(ret.data, a.data, a.size);
	memcpy(ret.data + a.size, b.data, b.size);
	free(a.data);
	free(b.data);
	return ret;
}

/* Reads a stream to its end or an error in pieces of @room; the caller frees. */
static struct error *drain(struct input_stream *stream, size_t room, struct bytes *ret)
{
	size_t capacity = 4096;

	*ret = (struct bytes){ malloc(capacity), 0 };
	assert_non_null(ret->data);
	for (;;) {
		struct error *err;
		size_t n;

		if (ret->size + room > capacity) {
			capacity = capacity * 2 + room;
			ret->data = realloc(ret->data, capacity);
			assert_non_null(ret->data);
		}
		err = input_stream_read(stream, ret->data + ret->size, room, &n);
		if (err)
			return err;
		assert_true(n <= room);
		ret->size += n;
		if (!n)
			return NULL;
	}
}

/* Bytes that are not packed can be had as they lie, however far they are read. */
static void expect_whole(const struct input_stream *stream, enum input_packing packing,
			 const struct bytes *stored)
{
	const uint8_t *whole;
	size_t size = 0;

	whole = input_stream_bytes(stream, &size);
	assert_ptr_equal(whole, packing == INPUT_PLAIN ? stored->data : NULL);
	assert_int_equal(size, whole ? stored->size : 0);
}

/* The same from a stream. */
static void expect_stream(struct bytes stored, enum input_packing packing, const void *want,
			  size_t size)
{
	static const size_t rooms[] = { 1, 1000, 1 << 20 };

	/* Byte by byte takes long. */
	for (size_t i = size > 1000; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		struct input_stream *stream;
		struct bytes got;

		assert_null(input_stream_from_bytes("name", stored.data, stored.size, &stream));
		assert_int_equal(input_stream_packing(stream), packing);
		assert_string_equal(input_stream_name(stream), "name");
		expect_whole(stream, packing, &stored);
		assert_null(drain(stream, rooms[i], &got));
		expect_whole(stream, packing, &stored);
		assert_int_equal(got.size, size);
		if (size)
			assert_memory_equal(got.data, want, size);
		free(got.data);
		input_stream_close(stream);
	}
}

/* Reads @stored and expects @want of it. */
static void expect_bytes(struct bytes stored, enum input_packing packing, const void *want,
			 size_t size)
{
	struct input input = { 0 };
	struct error *err;

	err = input_from_bytes("name", stored.data, stored.size, NULL, &input);
	if (err)
		fail_msg("%s", err->message);
	assert_string_equal(input.name, "name");
	assert_int_equal(input.packing, packing);
	assert_int_equal(input.stored_size, stored.size);
	assert_int_equal(input.size, size);
	if (size)
		assert_memory_equal(input.data, want, size);
	/* The NUL that is not counted. */
	assert_int_equal(input.data[input.size], 0);
	input_deinit(&input);
	assert_null(input.data);
	input_deinit(&input);
	expect_stream(stored, packing, want, size);
}

static void expect_error(struct error *err, enum error_code code, const char *file,
			 const char *words)
{
	assert_non_null(err);
	if (err->code != code || !strstr(err->message, words))
		fail_msg("got error %d: %s", err->code, err->message);
	assert_non_null(err->file);
	assert_string_equal(err->file, file);
	error_destroy(err);
}

/* Text that neither repeats at once nor resists packing. */
static struct bytes sample(size_t size)
{
	struct bytes ret = { malloc(size + 32), size };
	uint32_t x = 1;
	size_t n = 0;

	assert_non_null(ret.data);
	while (n < size) {
		x = x * 1664525 + 1013904223;
		n += (size_t)snprintf((char *)ret.data + n, 32, "[%5u.%06u] %x\n", x >> 28,
				      x >> 12 & 0xfffff, x >> 20);
	}
	return ret;
}

static void unpacks_by_content(void **state)
{
	static const size_t sizes[] = { 0, 1, 100, 65534, 65535, 65536, 65537, 1000000 };
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct bytes data = sample(sizes[i]);

		for (j = 0; j < PACKINGS; j++) {
			struct bytes stored = packings[j].pack(data.data, data.size);

			expect_bytes(stored, packings[j].packing, data.data, data.size);
			free(stored.data);
		}
		free(data.data);
	}
}

static void unpacks_members_one_after_another(void **state)
{
	struct bytes data = sample(300000);
	size_t j;

	(void)state;
	for (j = 1; j < PACKINGS; j++) {
		pack_fn pack = packings[j].pack;
		struct bytes stored = join(pack(data.data, 100000), pack(data.data + 100000, 0));

		stored = join(stored, pack(data.data + 100000, 200000));
		expect_bytes(stored, packings[j].packing, data.data, data.size);
		free(stored.data);
	}
	free(data.data);
}

static void allows_padding_and_skippable_frames(void **state)
{
	static const uint8_t zeroes[512];
	static const uint8_t skippable[] = { 0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c' };
	struct bytes stored;

	(void)state;
	stored = join(pack_gzip((const uint8_t *)"hello", 5), pack_plain(zeroes, sizeof(zeroes)));
	expect_bytes(stored, INPUT_GZIP, "hello", 5);
	free(stored.data);
	/* xz pads in multiples of four. */
	stored = join(pack_xz((const uint8_t *)"hello", 5), pack_plain(zeroes, 8));
	expect_bytes(stored, INPUT_XZ, "hello", 5);
	free(stored.data);
	stored = join(pack_plain(skippable, sizeof(skippable)),
		      pack_zstd((const uint8_t *)"hello", 5));
	expect_bytes(stored, INPUT_ZSTD, "hello", 5);
	free(stored.data);
}

/* One layer is undone: what comes out is not looked at. */
static void unpacks_once(void **state)
{
	struct bytes inner = pack_gzip((const uint8_t *)"hello", 5);
	struct bytes outer = pack_zstd(inner.data, inner.size);

	(void)state;
	expect_bytes(outer, INPUT_ZSTD, inner.data, inner.size);
	free(inner.data);
	free(outer.data);
}

static void refuses_what_is_cut_off(void **state)
{
	struct bytes data = sample(2000);
	size_t i, j;

	(void)state;
	for (j = 1; j < PACKINGS; j++) {
		struct bytes stored = packings[j].pack(data.data, data.size);

		/* Before that it does not look packed. */
		for (i = 6; i < stored.size; i++) {
			struct input input = { 0 };

			expect_error(input_from_bytes("name", stored.data, i, NULL, &input),
				     ERROR_CORRUPT, "name", "is cut off");
			assert_null(input.data);
		}
		free(stored.data);
	}
	free(data.data);
}

/* No change of one byte gives other data: an error, or a byte of the header that means nothing. */
static void refuses_what_is_damaged(void **state)
{
	struct bytes data = sample(2000);
	size_t i, j, errors;

	(void)state;
	for (j = 1; j < PACKINGS; j++) {
		struct bytes stored = packings[j].pack(data.data, data.size);

		errors = 0;
		for (i = 6; i < stored.size; i++) {
			struct input input = { 0 };
			struct error *err;

			stored.data[i] ^= 0x15;
			err = input_from_bytes("name", stored.data, stored.size, NULL, &input);
			stored.data[i] ^= 0x15;
			if (err) {
				errors++;
				assert_null(input.data);
				assert_string_equal(err->file, "name");
				error_destroy(err);
				continue;
			}
			assert_int_equal(input.size, data.size);
			assert_memory_equal(input.data, data.data, data.size);
			input_deinit(&input);
		}
		assert_true(errors + 10 >= stored.size - 6);
		free(stored.data);
	}
	free(data.data);
}

static void refuses_rubbish_behind(void **state)
{
	static const char rubbish[] = "something else, as long as a header at least";
	size_t j;

	(void)state;
	for (j = 1; j < PACKINGS; j++) {
		struct input input = { 0 };
		struct bytes stored = join(packings[j].pack((const uint8_t *)"hello", 5),
					   pack_plain((const uint8_t *)rubbish, sizeof(rubbish)));

		expect_error(input_from_bytes("name", stored.data, stored.size, NULL, &input),
			     ERROR_CORRUPT, "name", "is damaged");
		free(stored.data);
	}
}

static void keeps_to_its_limits(void **state)
{
	const size_t size = 200000;
	struct bytes data = sample(size);
	size_t j;

	(void)state;
	for (j = 0; j < PACKINGS; j++) {
		struct bytes stored = packings[j].pack(data.data, size);
		struct input_limits limits = {
			.stored_bytes_max = stored.size,
			.bytes_max = size,
		};
		struct input input = { 0 };

		assert_null(input_from_bytes("name", stored.data, stored.size, &limits, &input));
		input_deinit(&input);
		limits.bytes_max = size - 1;
		expect_error(input_from_bytes("name", stored.data, stored.size, &limits, &input),
			     ERROR_LIMIT, "name", "is larger than 199999 bytes");
		limits.bytes_max = size;
		limits.stored_bytes_max = stored.size - 1;
		expect_error(input_from_bytes("name", stored.data, stored.size, &limits, &input),
			     ERROR_LIMIT, "name", "is larger than");
		free(stored.data);
	}
	free(data.data);
}

/* 64 MiB of nothing in a few KiB: the limit of 1 MiB is what is spent on it. */
static void survives_a_bomb(void **state)
{
	const size_t size = (size_t)64 << 20;
	uint8_t *zeroes = calloc(size, 1);
	struct input_limits limits = { .bytes_max = 1 << 20 };
	size_t j;

	(void)state;
	assert_non_null(zeroes);
	for (j = 1; j < PACKINGS; j++) {
		struct bytes stored = packings[j].pack(zeroes, size);
		struct input input = { 0 };

		assert_true(stored.size < 1 << 17);
		expect_error(input_from_bytes("bomb", stored.data, stored.size, &limits, &input),
			     ERROR_LIMIT, "bomb", "is larger than 1 MiB when unpacked, the limit");
		free(stored.data);
	}
	free(zeroes);
}

/* A frame whose window is 2 GiB: the header alone could make us take that. */
static void refuses_huge_windows(void **state)
{
	static const uint8_t frame[] = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 1, 0, 0 };
	struct input input = { 0 };

	(void)state;
	expect_error(input_from_bytes("name", frame, sizeof(frame), NULL, &input),
		     ERROR_UNSUPPORTED, "name", "takes more than 128 MiB of memory");
}

/* ---- Files ---- */

static char dir[256];

static const char *in_dir(const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const void *data, size_t size)
{
	FILE *file = fopen(in_dir(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static int make_dir(void **state)
{
	const char *top = getenv("TEST_TMPDIR");

	(void)state;
	snprintf(dir, sizeof(dir), "%s/input_test.XXXXXX", top ? top : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = { "plain", "packed", "large", "secret", "pipe" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_dir(names[i]));
	rmdir(in_dir("folder"));
	return rmdir(dir);
}

static void reads_files(void **state)
{
	struct bytes stored = pack_xz((const uint8_t *)"hello", 5);
	struct input input = { 0 };

	(void)state;
	write_file("plain", "hello", 5);
	assert_null(input_read(in_dir("plain"), NULL, &input));
	assert_string_equal(input.name, in_dir("plain"));
	assert_int_equal(input.size, 5);
	assert_int_equal(input.packing, INPUT_PLAIN);
	assert_memory_equal(input.data, "hello", 6);
	input_deinit(&input);

	/* The name does not say that it is packed. */
	write_file("packed", stored.data, stored.size);
	assert_null(input_read(in_dir("packed"), NULL, &input));
	assert_int_equal(input.packing, INPUT_XZ);
	assert_memory_equal(input.data, "hello", 6);
	input_deinit(&input);
	free(stored.data);
}

static void says_why_it_cannot_read(void **state)
{
	struct input_limits limits = { .stored_bytes_max = 4096 };
	struct input input = { 0 };
	char large[8192] = "";

	(void)state;
	expect_error(input_read(in_dir("absent"), NULL, &input), ERROR_NOT_FOUND, in_dir("absent"),
		     "cannot be opened: No such file or directory");
	expect_error(input_read(dir, NULL, &input), ERROR_OS, dir,
		     "cannot be read: Is a directory");
	write_file("large", large, sizeof(large));
	expect_error(input_read(in_dir("large"), &limits, &input), ERROR_LIMIT, in_dir("large"),
		     "is larger than 4096 bytes, the limit");
	/* Endless, and its size says 0. */
	limits.stored_bytes_max = 1 << 20;
	expect_error(input_read("/dev/zero", &limits, &input), ERROR_LIMIT, "/dev/zero",
		     "is larger than 1 MiB, the limit");
	assert_null(input.data);
}

static void says_what_is_forbidden(void **state)
{
	struct input input = { 0 };

	(void)state;
	if (!geteuid()) {
		print_message("skipped: nothing is forbidden to the superuser\n");
		skip();
	}
	write_file("secret", "x", 1);
	assert_int_equal(chmod(in_dir("secret"), 0), 0);
	expect_error(input_read(in_dir("secret"), NULL, &input), ERROR_OS, in_dir("secret"),
		     "cannot be opened: Permission denied");
}

static void reads_standard_input(void **state)
{
	int saved = dup(STDIN_FILENO), ends[2];
	struct input input = { 0 };
	struct error *err;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "hello", 5), 5);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	err = input_read("-", NULL, &input);
	if (saved >= 0) {
		dup2(saved, STDIN_FILENO);
		close(saved);
	}
	assert_null(err);
	assert_string_equal(input.name, "<stdin>");
	assert_memory_equal(input.data, "hello", 6);
	input_deinit(&input);
}

static void tells_absent_from_wrong(void **state)
{
	struct input input = { 0 };
	bool absent = true;
	char path[512];

	(void)state;
	write_file("plain", "hello", 5);
	assert_null(input_read_in(dir, "plain", NULL, &absent, &input));
	assert_false(absent);
	assert_string_equal(input.name, in_dir("plain"));
	input_deinit(&input);
	/* A folder named with its slash. */
	snprintf(path, sizeof(path), "%s/", dir);
	assert_null(input_read_in(path, "plain", NULL, &absent, &input));
	assert_false(absent);
	assert_string_equal(input.name, in_dir("plain"));
	input_deinit(&input);

	assert_null(input_read_in(dir, "absent", NULL, &absent, &input));
	assert_true(absent);
	assert_null(input.data);
	/* A folder inside that is missing is as good as the file. */
	absent = false;
	assert_null(input_read_in(dir, "absent/file", NULL, &absent, &input));
	assert_true(absent);

	absent = false;
	snprintf(path, sizeof(path), "%s", in_dir("absent"));
	expect_error(input_read_in(path, "plain", NULL, &absent, &input), ERROR_NOT_FOUND, path,
		     "cannot be opened: No such file or directory");
	snprintf(path, sizeof(path), "%s", in_dir("plain"));
	expect_error(input_read_in(path, "plain", NULL, &absent, &input), ERROR_NOT_FOUND, path,
		     "cannot be opened: Not a directory");
	assert_int_equal(mkdir(in_dir("folder"), 0700), 0);
	snprintf(path, sizeof(path), "%s", in_dir("folder"));
	expect_error(input_read_in(dir, "folder", NULL, &absent, &input), ERROR_OS, path,
		     "cannot be read: Is a directory");
	assert_false(absent);
}

/* Files longer than the piece a stream holds, in rooms that do not fit it. */
static void streams_files(void **state)
{
	struct bytes data = sample(3000000);
	size_t j;

	(void)state;
	for (j = 0; j < PACKINGS; j++) {
		struct bytes stored = packings[j].pack(data.data, data.size), got;
		char path[] = "/tmp/input_test.XXXXXX";
		struct input_stream *stream;
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, stored.data, stored.size), (ssize_t)stored.size);
		close(fd);
		assert_true(stored.size > 300000);
		assert_null(input_stream_open(path, &stream));
		assert_int_equal(input_stream_packing(stream), packings[j].packing);
		assert_null(drain(stream, 70001, &got));
		assert_int_equal(got.size, data.size);
		assert_memory_equal(got.data, data.data, data.size);
		input_stream_close(stream);
		free(got.data);

		/* Cut off: what came before is right, and then an error. */
		assert_int_equal(truncate(path, (off_t)stored.size - 20), 0);
		assert_null(input_stream_open(path, &stream));
		if (j)
			expect_error(drain(stream, 70001, &got), ERROR_CORRUPT, path, "is cut off");
		else
			assert_null(drain(stream, 70001, &got));
		assert_true(got.size <= data.size && got.size > 200000);
		assert_memory_equal(got.data, data.data, got.size);
		input_stream_close(stream);
		free(got.data);
		unlink(path);
		free(stored.data);
	}
	free(data.data);
}

/* Streams say of damaged data what input_from_bytes() says. */
static void streams_refuse_alike(void **state)
{
	struct bytes data = sample(700);
	size_t i, j;

	(void)state;
	for (j = 1; j < PACKINGS; j++) {
		struct bytes stored = packings[j].pack(data.data, data.size);

		for (i = 6; i < stored.size; i++) {
			struct error *err, *whole;
			struct input_stream *stream;
			struct input input = { 0 };
			struct bytes got;

			stored.data[i] ^= 0x15;
			whole = input_from_bytes("name", stored.data, stored.size, NULL, &input);
			assert_null(
				input_stream_from_bytes("name", stored.data, stored.size, &stream));
			err = drain(stream, 1 << 20, &got);
			stored.data[i] ^= 0x15;
			assert_int_equal(!err, !whole);
			if (err) {
				assert_int_equal(err->code, whole->code);
				assert_string_equal(err->file, "name");
			}
			error_destroy(err);
			error_destroy(whole);
			input_deinit(&input);
			input_stream_close(stream);
			free(got.data);
		}
		free(stored.data);
	}
	free(data.data);
}

static void streams_say_why_not(void **state)
{
	struct input_stream *stream;

	(void)state;
	expect_error(input_stream_open("/nonexistent/file", &stream), ERROR_NOT_FOUND,
		     "/nonexistent/file", "cannot be opened");
	expect_error(input_stream_open("/", &stream), ERROR_OS, "/", "cannot be read");
	input_stream_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unpacks_by_content),
		cmocka_unit_test(unpacks_members_one_after_another),
		cmocka_unit_test(allows_padding_and_skippable_frames),
		cmocka_unit_test(unpacks_once),
		cmocka_unit_test(refuses_what_is_cut_off),
		cmocka_unit_test(refuses_what_is_damaged),
		cmocka_unit_test(refuses_rubbish_behind),
		cmocka_unit_test(keeps_to_its_limits),
		cmocka_unit_test(survives_a_bomb),
		cmocka_unit_test(refuses_huge_windows),
		cmocka_unit_test(reads_files),
		cmocka_unit_test(says_why_it_cannot_read),
		cmocka_unit_test(says_what_is_forbidden),
		cmocka_unit_test(reads_standard_input),
		cmocka_unit_test(tells_absent_from_wrong),
		cmocka_unit_test(streams_files),
		cmocka_unit_test(streams_refuse_alike),
		cmocka_unit_test(streams_say_why_not),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
