/* SPDX-License-Identifier: MIT */
/*
 * Input: see input.h.
 *
 * Reading goes in two steps: the stored bytes into one buffer, then, if they begin like a packed
 * file, through an unpacker into a second one.  Both buffers grow by doubling up to their limit, so
 * a small file that unpacks without end costs at most the limit in memory and in time.
 *
 * A stream keeps one piece of stored bytes instead, and unpacks it into whatever room its caller has.
 */
#include "traces/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static struct error *unpack(const char *name, enum input_packing packing, const uint8_t *data,
			    size_t size, struct buffer *out)
{
	struct unpack_step step = { .in = data, .in_size = size, .in_last = true };
	struct unpacker *unpacker;
	struct error *err;
	bool end = false;

	err = unpacker_create(name, packing, &unpacker);
	if (err)
		return err;
	while (!err && !end) {
		if (!buffer_make_room(out)) {
			err = error_no_memory();
			break;
		}
		step.out = out->data + out->size;
		step.out_room = buffer_room(out);
		err = unpacker_step(unpacker, &step, &end);
		out->size = (size_t)(step.out - out->data);
		if (out->size > out->max) {
			error_destroy(err);
			err = error_too_large(name, out->max, " when unpacked");
		}
	}
	unpacker_destroy(unpacker);
	return err;
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
	enum input_packing packing = unpack_detect(stored->data, stored->size);
	size_t stored_size = stored->size;
	struct buffer out = { .max = limit_or_default(limits ? limits->bytes_max : 0) };
	struct error *err = NULL;
	char *name_copy;

	if (packing != INPUT_PLAIN) {
		err = unpack(name, packing, stored->data, stored->size, &out);
	} else if (stored->size > out.max) {
		err = error_too_large(name, out.max, "");
	} else {
		out = *stored;
		stored->data = NULL;
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

bool input_is_lasting(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 &&
	       (stat(path, &st) || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
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

/* ---- streams ---- */

/* Stored bytes read at a time. */
#define STREAM_PIECE_BYTES ((size_t)128 << 10)

struct input_stream {
	char *name;
	int fd; /* -1: @stored is the whole */
	bool fd_owned;
	/* What is left of the stored bytes at hand, and whether more follow. */
	const uint8_t *stored;
	size_t stored_size;
	bool stored_last;
	uint8_t *piece; /* STREAM_PIECE_BYTES for a file; NULL for bytes in memory */
	struct unpacker *unpacker; /* NULL: plain */
	enum input_packing packing;
	bool end;
	struct error *failed; /* told once what came before it is out */
	/* What it was made of; NULL for a file. */
	const uint8_t *bytes;
	size_t byte_count;
};

/* Reads a file into @room bytes at @to; *@ret is 0 at its end. */
static struct error *read_some(struct input_stream *s, void *to, size_t room, size_t *ret)
{
	ssize_t n;

	do
		n = read(s->fd, to, room);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return error_of_system(s->name, "read", errno);
	*ret = (size_t)n;
	return NULL;
}

/* More stored bytes after those at hand, which are moved to the front of the piece. */
static struct error *stream_fill(struct input_stream *s)
{
	struct error *err;
	size_t n = 0;

	if (s->stored_size && s->stored != s->piece)
		memmove(s->piece, s->stored, s->stored_size);
	s->stored = s->piece;
	err = read_some(s, s->piece + s->stored_size, STREAM_PIECE_BYTES - s->stored_size, &n);
	if (err)
		return err;
	s->stored_size += n;
	s->stored_last = !n;
	return NULL;
}

static struct error *stream_begin(struct input_stream *s)
{
	struct error *err;

	while (!s->stored_last && s->stored_size < UNPACK_DETECT_BYTES) {
		err = stream_fill(s);
		if (err)
			return err;
	}
	s->packing = unpack_detect(s->stored, s->stored_size);
	return s->packing == INPUT_PLAIN ? NULL
					 : unpacker_create(s->name, s->packing, &s->unpacker);
}

/* NULL without memory. */
static struct input_stream *stream_create(const char *name)
{
	struct input_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fd = -1;
	s->name = strdup(name);
	if (!s->name) {
		free(s);
		return NULL;
	}
	return s;
}

struct error *input_stream_open(const char *path, struct input_stream **ret)
{
	bool is_stdin = !strcmp(path, "-");
	struct input_stream *s = stream_create(is_stdin ? "<stdin>" : path);
	struct error *err;
	struct stat st;

	if (!s)
		return error_no_memory();
	s->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	s->fd_owned = !is_stdin;
	s->piece = malloc(STREAM_PIECE_BYTES);
	s->stored = s->piece;
	if (s->fd < 0)
		err = error_of_system(path, "opened", errno);
	else if (!s->piece)
		err = error_no_memory();
	else if (fstat(s->fd, &st))
		err = error_of_system(s->name, "read", errno);
	else if (S_ISDIR(st.st_mode))
		err = error_of_system(s->name, "read", EISDIR);
	else
		err = stream_begin(s);
	if (err) {
		input_stream_close(s);
		return err;
	}
	*ret = s;
	return NULL;
}

struct error *input_stream_from_bytes(const char *name, const void *data, size_t size,
				      struct input_stream **ret)
{
	struct input_stream *s = stream_create(name);
	struct error *err;

	if (!s)
		return error_no_memory();
	s->bytes = s->stored = data;
	s->byte_count = s->stored_size = size;
	s->stored_last = true;
	err = stream_begin(s);
	if (err) {
		input_stream_close(s);
		return err;
	}
	*ret = s;
	return NULL;
}

/* Plain bytes: those at hand first, then straight from the file. */
static struct error *stream_read_plain(struct input_stream *s, void *to, size_t room, size_t *ret)
{
	size_t n = s->stored_size < room ? s->stored_size : room;

	if (!n && !s->stored_last)
		return read_some(s, to, room, ret);
	if (n)
		memcpy(to, s->stored, n);
	s->stored += n;
	s->stored_size -= n;
	*ret = n;
	return NULL;
}

struct error *input_stream_read(struct input_stream *s, void *to, size_t room, size_t *ret)
{
	struct unpack_step step = { .out = to, .out_room = room };
	struct error *err = s->failed;

	s->failed = NULL;
	if (!s->unpacker)
		return stream_read_plain(s, to, room, ret);
	while (!err && !s->end && step.out == to) {
		size_t before = s->stored_size;

		step.in = s->stored;
		step.in_size = s->stored_size;
		step.in_last = s->stored_last;
		err = unpacker_step(s->unpacker, &step, &s->end);
		s->stored = step.in;
		s->stored_size = step.in_size;
		/* It neither took nor gave: it wants to see more. */
		if (!err && !s->end && !s->stored_last && step.out == to &&
		    s->stored_size == before)
			err = stream_fill(s);
	}
	if (err && step.out == to)
		return err;
	s->failed = err;
	*ret = (size_t)(step.out - (uint8_t *)to);
	return NULL;
}

const char *input_stream_name(const struct input_stream *s)
{
	return s->name;
}

const uint8_t *input_stream_bytes(const struct input_stream *s, size_t *size_ret)
{
	if (!s->bytes || s->packing != INPUT_PLAIN)
		return NULL;
	*size_ret = s->byte_count;
	return s->bytes;
}

enum input_packing input_stream_packing(const struct input_stream *s)
{
	return s->packing;
}

void input_stream_close(struct input_stream *s)
{
	if (!s)
		return;
	if (s->fd >= 0 && s->fd_owned)
		close(s->fd);
	unpacker_destroy(s->unpacker);
	error_destroy(s->failed);
	free(s->piece);
	free(s->name);
	free(s);
}
