/* SPDX-License-Identifier: MIT */
#include "traces/trace/raw_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)256 << 10)
#define TAKE_MAX ((uint64_t)64 << 20)

static struct error *error_of_system(const char *name, const char *verb)
{
	return error_create(ERROR_OS, name, 0, 0, "cannot be %s: %s", verb, strerror(errno));
}

static struct error *write_whole(int fd, const char *name, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_create(ERROR_OS, name, 0, 0,
					    "cannot be unpacked to a temporary file: %s",
					    strerror(errno));
		data += n;
		size -= (size_t)n;
	}
	return NULL;
}

/* The stream as an unlinked file, what @t has read of it in front. */
static struct error *spill(struct trace *t, struct raw_file *ret)
{
	const char *folder = getenv("TMPDIR");
	struct error *err;
	uint8_t *piece;
	char path[4096];
	size_t n;

	snprintf(path, sizeof(path), "%s/mmreplay-XXXXXX", folder && *folder ? folder : "/tmp");
	ret->fd = mkstemp(path);
	if (ret->fd < 0)
		return error_of_system(path, "made");
	unlink(path);
	piece = malloc(PIECE_BYTES);
	if (!piece)
		return error_no_memory();
	err = write_whole(ret->fd, ret->name, t->head, t->head_size);
	ret->size = t->head_size;
	while (!err) {
		err = input_stream_read(t->stream, piece, PIECE_BYTES, &n);
		if (err || !n)
			break;
		err = write_whole(ret->fd, ret->name, piece, n);
		ret->size += n;
	}
	free(piece);
	return err;
}

struct error *raw_file_open(struct trace *t, struct raw_file *ret)
{
	const uint8_t *bytes;
	struct stat st;
	size_t size;

	*ret = (struct raw_file){ .name = input_stream_name(t->stream), .fd = -1 };
	bytes = input_stream_bytes(t->stream, &size);
	if (bytes) {
		ret->bytes = bytes;
		ret->size = size;
		return NULL;
	}
	if (t->path && input_stream_packing(t->stream) == INPUT_PLAIN) {
		ret->fd = open(t->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (ret->fd < 0 || fstat(ret->fd, &st))
			return error_of_system(ret->name, "opened");
		if (S_ISREG(st.st_mode)) {
			ret->size = (uint64_t)st.st_size;
			return NULL;
		}
		close(ret->fd);
	}
	return spill(t, ret);
}

void raw_file_of_bytes(const char *name, uint8_t *bytes, uint64_t size, bool big_endian,
		       struct raw_file *ret)
{
	*ret = (struct raw_file){ .name = name,
				  .fd = -1,
				  .bytes = bytes,
				  .owned = bytes,
				  .size = size,
				  .big_endian = big_endian };
}

void raw_file_deinit(struct raw_file *file)
{
	if (file->name && file->fd >= 0)
		close(file->fd);
	free(file->owned);
	*file = (struct raw_file){ .fd = -1 };
}

struct error *raw_file_read(const struct raw_file *file, uint64_t offset, void *to, size_t size)
{
	uint8_t *p = to;

	if (offset > file->size || size > file->size - offset)
		return error_create(ERROR_CORRUPT, file->name, 0, 0,
				    "is cut off: %zu bytes at %llu are beyond its end", size,
				    (unsigned long long)offset);
	if (file->bytes) {
		memcpy(p, file->bytes + offset, size);
		return NULL;
	}
	while (size) {
		ssize_t n = pread(file->fd, p, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_of_system(file->name, "read");
		if (!n)
			return error_create(ERROR_CORRUPT, file->name, 0, 0,
					    "became shorter while it was read");
		p += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return NULL;
}

static uint64_t number(const uint8_t *p, unsigned int size, bool big_endian)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value = value << 8 | p[big_endian ? i : size - 1 - i];
	return value;
}

uint16_t raw_u16(const void *p, bool big_endian)
{
	return (uint16_t)number(p, 2, big_endian);
}

uint32_t raw_u32(const void *p, bool big_endian)
{
	return (uint32_t)number(p, 4, big_endian);
}

uint64_t raw_u64(const void *p, bool big_endian)
{
	return number(p, 8, big_endian);
}

void raw_take(struct raw_cursor *c, void *to, size_t size)
{
	if (!c->err)
		c->err = raw_file_read(c->file, c->offset, to, size);
	if (c->err)
		memset(to, 0, size);
	else
		c->offset += size;
}

uint16_t raw_take_u16(struct raw_cursor *c)
{
	uint8_t bytes[2];

	raw_take(c, bytes, sizeof(bytes));
	return raw_u16(bytes, c->file->big_endian);
}

uint32_t raw_take_u32(struct raw_cursor *c)
{
	uint8_t bytes[4];

	raw_take(c, bytes, sizeof(bytes));
	return raw_u32(bytes, c->file->big_endian);
}

uint64_t raw_take_u64(struct raw_cursor *c)
{
	uint8_t bytes[8];

	raw_take(c, bytes, sizeof(bytes));
	return raw_u64(bytes, c->file->big_endian);
}

char *raw_take_bytes(struct raw_cursor *c, uint64_t size)
{
	char *ret;

	if (c->err)
		return NULL;
	if (size > TAKE_MAX) {
		c->err = error_create(ERROR_LIMIT, c->file->name, 0, 0,
				      "has a part of %llu bytes where 64 MiB is the limit",
				      (unsigned long long)size);
		return NULL;
	}
	/* Before memory is taken for what is not there. */
	if (c->offset > c->file->size || size > c->file->size - c->offset) {
		c->err = raw_file_read(c->file, c->file->size, NULL, 1);
		return NULL;
	}
	ret = malloc(size + 1);
	if (!ret) {
		c->err = error_no_memory();
		return NULL;
	}
	raw_take(c, ret, size);
	if (c->err) {
		free(ret);
		return NULL;
	}
	ret[size] = '\0';
	return ret;
}

void raw_take_text(struct raw_cursor *c, char *to, size_t room)
{
	for (size_t i = 0; i < room; i++) {
		raw_take(c, to + i, 1);
		if (!to[i])
			return;
	}
	to[room - 1] = '\0';
	raw_refuse(c, "has a name that does not end");
}

void raw_skip(struct raw_cursor *c, uint64_t size)
{
	if (c->err)
		return;
	if (c->offset > c->file->size || size > c->file->size - c->offset)
		c->err = raw_file_read(c->file, c->file->size, NULL, 1);
	else
		c->offset += size;
}

void raw_refuse(struct raw_cursor *c, const char *sentence)
{
	if (!c->err)
		c->err = error_create(ERROR_FORMAT, c->file->name, 0, 0, "%s", sentence);
}
