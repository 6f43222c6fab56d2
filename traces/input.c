/* SPDX-License-Identifier: MIT */
/*
 * Input: see input.h.
 *
 * Reading goes in two steps: the stored bytes into one buffer, then, if they begin like a packed
 * file, through an unpacker into a second one.  Both buffers grow by doubling up to their limit, so
 * a small file that unpacks without end costs at most the limit in memory and in time.
 *
 * Each unpacker takes the stored bytes and appends to a struct buffer.  zlib, liblzma and libzstd
 * check what they unpack (CRC-32 or better; zstd only if the file was made with a checksum).
 */
#include "traces/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* Working memory an xz or zstd file may ask of its unpacker; their highest ordinary levels fit. */
#define UNPACK_MEMORY_MAX ((uint64_t)192 << 20)
#define UNPACK_WINDOW_LOG_MAX 27

struct buffer {
	uint8_t *data;
	size_t size;
	size_t capacity;
	/* Never holds more than this. */
	size_t max;
};

/* Its limit stays. */
static void buffer_deinit(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){ .max = buffer->max };
}

/*
 * Makes room for at least one byte more, and one for the NUL.  At its limit the room is one single
 * byte beyond it: whoever fills it has met an input that is too large.
 */
static bool buffer_make_room(struct buffer *buffer)
{
	size_t capacity = buffer->capacity;
	uint8_t *data;

	if (buffer->size + 1 < capacity)
		return true;
	capacity = capacity ? capacity * 2 : 64 << 10;
	if (capacity > buffer->max + 2)
		capacity = buffer->max + 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		return false;
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

static size_t buffer_room(const struct buffer *buffer)
{
	return buffer->capacity - buffer->size - 1;
}

static struct error *error_too_large(const char *name, size_t max, const char *unpacked)
{
	if (max >= (1 << 20) && max % (1 << 20) == 0)
		return error_create(ERROR_LIMIT, name, 0, 0, "is larger than %zu MiB%s, the limit",
				    max >> 20, unpacked);
	return error_create(ERROR_LIMIT, name, 0, 0, "is larger than %zu bytes%s, the limit", max,
			    unpacked);
}

static struct error *error_unpacked_too_large(const char *name, size_t max)
{
	return error_too_large(name, max, " when unpacked");
}

/* "cut off" and "damaged" are what a user can act on; the library's own words seldom add to it. */
static struct error *error_cut_off(const char *name, const char *what, size_t good)
{
	return error_create(
		ERROR_CORRUPT, name, 0, 0,
		"the %s data is cut off: it ends after %zu unpacked bytes, in the middle", what,
		good);
}

static struct error *error_damaged(const char *name, const char *what, size_t good,
				   const char *detail)
{
	return error_create(ERROR_CORRUPT, name, 0, 0,
			    "the %s data is damaged (after %zu unpacked bytes: %s)", what, good,
			    detail);
}

static struct error *unpack_gzip(const char *name, const uint8_t *data, size_t size,
				 struct buffer *out)
{
	z_stream stream = { 0 };
	struct error *err = NULL;
	size_t used = 0;
	bool inside = true;
	int status;

	if (inflateInit2(&stream, 15 + 16) != Z_OK)
		return error_no_memory();
	while (!err) {
		size_t piece = size - used, room;

		if (!inside) {
			/* After a member: another one, or padding with NUL bytes as gzip allows. */
			while (used < size && !data[used])
				used++;
			if (used == size)
				break;
			if (inflateReset(&stream) != Z_OK) {
				err = error_no_memory();
				break;
			}
			inside = true;
			piece = size - used;
		}
		if (!buffer_make_room(out)) {
			err = error_no_memory();
			break;
		}
		/* zlib counts in unsigned int. */
		piece = piece < (1 << 30) ? piece : 1 << 30;
		room = buffer_room(out);
		room = room < (1 << 30) ? room : 1 << 30;
		stream.next_in = (Bytef *)(uintptr_t)(data + used);
		stream.avail_in = (uInt)piece;
		stream.next_out = out->data + out->size;
		stream.avail_out = (uInt)room;
		status = inflate(&stream, Z_NO_FLUSH);
		used += piece - stream.avail_in;
		out->size += room - stream.avail_out;
		if (out->size > out->max)
			err = error_unpacked_too_large(name, out->max);
		else if (status == Z_STREAM_END)
			inside = false;
		else if (status == Z_MEM_ERROR)
			err = error_no_memory();
		else if (status == Z_BUF_ERROR ||
			 (status == Z_OK && used == size && stream.avail_out))
			err = error_cut_off(name, "gzip", out->size);
		else if (status != Z_OK)
			err = error_damaged(name, "gzip", out->size,
					    stream.msg ? stream.msg : "unknown preset dictionary");
	}
	inflateEnd(&stream);
	return err;
}

static struct error *unpack_xz(const char *name, const uint8_t *data, size_t size,
			       struct buffer *out)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	struct error *err = NULL;
	lzma_ret status;

	status = lzma_stream_decoder(&stream, UNPACK_MEMORY_MAX, LZMA_CONCATENATED);
	if (status != LZMA_OK)
		return error_no_memory();
	stream.next_in = data;
	stream.avail_in = size;
	for (;;) {
		size_t room;

		if (!buffer_make_room(out)) {
			err = error_no_memory();
			break;
		}
		room = buffer_room(out);
		stream.next_out = out->data + out->size;
		stream.avail_out = room;
		status = lzma_code(&stream, LZMA_FINISH);
		out->size += room - stream.avail_out;
		if (out->size > out->max) {
			err = error_unpacked_too_large(name, out->max);
			break;
		}
		if (status == LZMA_STREAM_END)
			break;
		if (status == LZMA_OK)
			continue;
		if (status == LZMA_MEM_ERROR)
			err = error_no_memory();
		else if (status == LZMA_MEMLIMIT_ERROR)
			err = error_create(
				ERROR_UNSUPPORTED, name, 0, 0,
				"unpacking this xz file takes more than %u MiB of memory",
				(unsigned int)(UNPACK_MEMORY_MAX >> 20));
		else if (status == LZMA_BUF_ERROR)
			err = error_cut_off(name, "xz", out->size);
		else if (status == LZMA_OPTIONS_ERROR)
			err = error_create(ERROR_UNSUPPORTED, name, 0, 0,
					   "this xz file uses options that liblzma does not know");
		else
			err = error_damaged(name, "xz", out->size,
					    status == LZMA_FORMAT_ERROR
						    ? "no xz stream follows"
						    : "its check does not match");
		break;
	}
	lzma_end(&stream);
	return err;
}

static struct error *unpack_zstd(const char *name, const uint8_t *data, size_t size,
				 struct buffer *out)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = { .src = data, .size = size, .pos = 0 };
	struct error *err = NULL;

	if (!stream)
		return error_no_memory();
	ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, UNPACK_WINDOW_LOG_MAX);
	for (;;) {
		ZSTD_outBuffer piece;
		size_t status;

		if (!buffer_make_room(out)) {
			err = error_no_memory();
			break;
		}
		piece = (ZSTD_outBuffer){
			.dst = out->data + out->size,
			.size = buffer_room(out),
			.pos = 0,
		};
		status = ZSTD_decompressStream(stream, &piece, &in);
		out->size += piece.pos;
		if (out->size > out->max) {
			err = error_unpacked_too_large(name, out->max);
			break;
		}
		if (ZSTD_isError(status) &&
		    ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge) {
			err = error_create(
				ERROR_UNSUPPORTED, name, 0, 0,
				"unpacking this zstd file takes more than %u MiB of memory",
				1U << (UNPACK_WINDOW_LOG_MAX - 20));
			break;
		}
		if (ZSTD_isError(status)) {
			err = error_damaged(name, "zstd", out->size, ZSTD_getErrorName(status));
			break;
		}
		/* 0: a frame ended here, and all of it is out. */
		if (!status && in.pos == in.size)
			break;
		if (in.pos == in.size && piece.pos < piece.size) {
			err = error_cut_off(name, "zstd", out->size);
			break;
		}
	}
	ZSTD_freeDStream(stream);
	return err;
}

static enum input_packing detect_packing(const uint8_t *data, size_t size)
{
	static const uint8_t xz[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };
	static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };

	if (size >= 3 && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8)
		return INPUT_GZIP;
	if (size >= sizeof(xz) && !memcmp(data, xz, sizeof(xz)))
		return INPUT_XZ;
	if (size >= sizeof(zstd) && !memcmp(data, zstd, sizeof(zstd)))
		return INPUT_ZSTD;
	/* pzstd and others put a skippable frame (0x184d2a50 to 0x184d2a5f) in front. */
	if (size >= 4 && (data[0] & 0xf0) == 0x50 && data[1] == 0x2a && data[2] == 0x4d &&
	    data[3] == 0x18)
		return INPUT_ZSTD;
	return INPUT_PLAIN;
}

static size_t limit_or_default(size_t limit)
{
	if (!limit)
		return INPUT_BYTES_MAX;
	/* Two bytes of room beyond it have to be countable. */
	return limit < SIZE_MAX - 2 ? limit : SIZE_MAX - 2;
}

/* Takes the bytes of @stored over, whatever happens. */
static struct error *finish(const char *name, struct buffer *stored,
			    const struct input_limits *limits, struct input *ret)
{
	enum input_packing packing = detect_packing(stored->data, stored->size);
	size_t stored_size = stored->size;
	struct buffer out = { .max = limit_or_default(limits ? limits->bytes_max : 0) };
	struct error *err = NULL;
	char *name_copy;

	switch (packing) {
	case INPUT_PLAIN:
		if (stored->size > out.max) {
			err = error_too_large(name, out.max, "");
		} else {
			out = *stored;
			stored->data = NULL;
		}
		break;
	case INPUT_GZIP:
		err = unpack_gzip(name, stored->data, stored->size, &out);
		break;
	case INPUT_XZ:
		err = unpack_xz(name, stored->data, stored->size, &out);
		break;
	case INPUT_ZSTD:
		err = unpack_zstd(name, stored->data, stored->size, &out);
		break;
	}
	buffer_deinit(stored);
	if (err) {
		buffer_deinit(&out);
		return err;
	}

	name_copy = strdup(name);
	if (!name_copy || !buffer_make_room(&out)) {
		free(name_copy);
		buffer_deinit(&out);
		return error_no_memory();
	}
	out.data[out.size] = '\0';
	*ret = (struct input){
		.name = name_copy,
		.data = out.data,
		.size = out.size,
		.packing = packing,
		.stored_size = stored_size,
	};
	return NULL;
}

static struct error *error_of_system(const char *name, const char *verb, int number)
{
	return error_create(number == ENOENT || number == ENOTDIR ? ERROR_NOT_FOUND : ERROR_OS,
			    name, 0, 0, "cannot be %s: %s", verb, strerror(number));
}

/* Reads @fd to its end, and leaves it open. */
static struct error *read_fd(int fd, const char *name, const struct input_limits *limits,
			     struct input *ret)
{
	struct buffer stored = {
		.max = limit_or_default(limits ? limits->stored_bytes_max : 0),
	};
	struct stat st;

	if (fstat(fd, &st))
		return error_of_system(name, "read", errno);
	if (S_ISDIR(st.st_mode))
		return error_of_system(name, "read", EISDIR);
	/* Say so at once, without reading up to the limit. */
	if (S_ISREG(st.st_mode) && (uintmax_t)st.st_size > stored.max)
		return error_too_large(name, stored.max, "");

	for (;;) {
		ssize_t n;

		if (!buffer_make_room(&stored)) {
			buffer_deinit(&stored);
			return error_no_memory();
		}
		n = read(fd, stored.data + stored.size, buffer_room(&stored));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int number = errno;

			buffer_deinit(&stored);
			return error_of_system(name, "read", number);
		}
		if (!n)
			break;
		stored.size += (size_t)n;
		if (stored.size > stored.max) {
			buffer_deinit(&stored);
			return error_too_large(name, stored.max, "");
		}
	}
	return finish(name, &stored, limits, ret);
}

struct error *input_read(const char *path, const struct input_limits *limits, struct input *ret)
{
	struct error *err;
	int fd;

	if (!strcmp(path, "-"))
		return read_fd(STDIN_FILENO, "<stdin>", limits, ret);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_of_system(path, "opened", errno);
	err = read_fd(fd, path, limits, ret);
	close(fd);
	return err;
}

struct error *input_read_in(const char *dir, const char *name, const struct input_limits *limits,
			    bool *absent_ret, struct input *ret)
{
	size_t dir_len = strlen(dir), size = dir_len + strlen(name) + 2;
	struct error *err;
	struct stat st;
	char *path;

	path = malloc(size);
	if (!path)
		return error_no_memory();
	memcpy(path, dir, dir_len);
	if (!dir_len || dir[dir_len - 1] != '/')
		path[dir_len++] = '/';
	memcpy(path + dir_len, name, strlen(name) + 1);

	err = input_read(path, limits, ret);
	free(path);
	if (!err) {
		*absent_ret = false;
		return NULL;
	}
	if (err->code != ERROR_NOT_FOUND)
		return err;
	/* Nothing there: is it the file or the whole folder that is missing? */
	error_destroy(err);
	if (stat(dir, &st))
		return error_of_system(dir, "opened", errno);
	if (!S_ISDIR(st.st_mode))
		return error_of_system(dir, "opened", ENOTDIR);
	*absent_ret = true;
	return NULL;
}

struct error *input_from_bytes(const char *name, const uint8_t *data, size_t size,
			       const struct input_limits *limits, struct input *ret)
{
	struct buffer stored = {
		.max = limit_or_default(limits ? limits->stored_bytes_max : 0),
	};

	if (size > stored.max)
		return error_too_large(name, stored.max, "");
	stored.data = malloc(size + 2);
	if (!stored.data)
		return error_no_memory();
	stored.capacity = size + 2;
	stored.size = size;
	if (size)
		memcpy(stored.data, data, size);
	return finish(name, &stored, limits, ret);
}

void input_deinit(struct input *input)
{
	free(input->name);
	free(input->data);
	*input = (struct input){ 0 };
}
