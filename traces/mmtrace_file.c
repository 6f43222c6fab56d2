/* SPDX-License-Identifier: MIT */
#include "traces/mmtrace_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "traces/input.h"

/* ---- a plain file ---- */

struct file {
	int fd;
	uint64_t size;
};

static size_t read_file(void *ctx, void *buf, size_t size, struct error **err_ret)
{
	const struct file *file = ctx;
	ssize_t n;

	do {
		n = read(file->fd, buf, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		*err_ret =
			error_create(ERROR_OS, NULL, 0, 0, "cannot be read: %s", strerror(errno));
		return 0;
	}
	return (size_t)n;
}

static struct error *seek_file(void *ctx, uint64_t offset, uint64_t *size_ret)
{
	const struct file *file = ctx;

	if (offset > file->size)
		offset = file->size;
	if (lseek(file->fd, (off_t)offset, SEEK_SET) < 0)
		return error_create(ERROR_OS, NULL, 0, 0, "cannot be read: %s", strerror(errno));
	*size_ret = file->size;
	return NULL;
}

static void close_file(void *ctx)
{
	struct file *file = ctx;

	close(file->fd);
	free(file);
}

static struct error *open_plain(int fd, uint64_t size, const char *path,
				struct mmtrace_reader **ret)
{
	struct file *file = malloc(sizeof(*file));

	if (!file) {
		close(fd);
		return error_no_memory();
	}
	*file = (struct file){ fd, size };
	return mmtrace_reader_create(
		(struct mmtrace_source){
			.read = read_file, .seek = seek_file, .close = close_file, .ctx = file },
		path, ret);
}

/* ---- a stream ---- */

struct stream {
	struct input_stream *stream;
	bool owned;
	uint8_t head[MMTRACE_MAGIC_BYTES * 2];
	size_t head_size, head_at;
};

static size_t read_stream(void *ctx, void *buf, size_t size, struct error **err_ret)
{
	struct stream *s = ctx;
	size_t n = s->head_size - s->head_at;

	if (n) {
		n = n < size ? n : size;
		memcpy(buf, s->head + s->head_at, n);
		s->head_at += n;
		return n;
	}
	*err_ret = input_stream_read(s->stream, buf, size, &n);
	return *err_ret ? 0 : n;
}

static void close_stream(void *ctx)
{
	struct stream *s = ctx;

	if (s->owned)
		input_stream_close(s->stream);
	free(s);
}

static struct error *open_stream(struct input_stream *stream, bool owned, const void *head,
				 size_t head_size, struct mmtrace_reader **ret)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		if (owned)
			input_stream_close(stream);
		return error_no_memory();
	}
	assert(head_size <= sizeof(s->head));
	*s = (struct stream){ .stream = stream, .owned = owned, .head_size = head_size };
	memcpy(s->head, head, head_size);
	return mmtrace_reader_create(
		(struct mmtrace_source){ .read = read_stream, .close = close_stream, .ctx = s },
		input_stream_name(stream), ret);
}

struct error *mmtrace_stream_open(struct input_stream *stream, const void *head, size_t head_size,
				  struct mmtrace_reader **ret)
{
	return open_stream(stream, false, head, head_size, ret);
}

/* A file that is packed as a whole. */
static struct error *open_packed(const char *path, struct mmtrace_reader **ret)
{
	struct input_stream *stream;
	struct error *err = input_stream_open(path, &stream);
	uint8_t head[MMTRACE_MAGIC_BYTES];
	size_t size = 0, n = 1;

	if (err)
		return err;
	while (!err && n && size < sizeof(head)) {
		err = input_stream_read(stream, head + size, sizeof(head) - size, &n);
		size += err ? 0 : n;
	}
	if (!err && mmtrace_is(head, size))
		return open_stream(stream, true, head, size, ret);
	input_stream_close(stream);
	/* Damaged so early it is nothing that could be told; who reads it as something else will say so. */
	if (err && err->code == ERROR_CORRUPT) {
		error_destroy(err);
		err = NULL;
	}
	return err;
}

static struct error *error_of_system(const char *path, int number)
{
	return error_create(number == ENOENT || number == ENOTDIR ? ERROR_NOT_FOUND : ERROR_OS,
			    path, 0, 0, "cannot be opened: %s", strerror(number));
}

struct error *mmtrace_file_open(const char *path, struct mmtrace_reader **ret)
{
	uint8_t begin[MMTRACE_MAGIC_BYTES];
	struct stat st;
	ssize_t n;
	int fd;

	*ret = NULL;
	if (!strcmp(path, "-"))
		return NULL;
	if (stat(path, &st))
		return error_of_system(path, errno);
	if (!S_ISREG(st.st_mode))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return error_of_system(path, errno);
	n = pread(fd, begin, sizeof(begin), 0);
	if (n > 0 && mmtrace_is(begin, (size_t)n))
		return open_plain(fd, (uint64_t)st.st_size, path, ret);
	close(fd);
	if (n > 0 && unpack_detect(begin, (size_t)n) != INPUT_PLAIN)
		return open_packed(path, ret);
	return NULL;
}
