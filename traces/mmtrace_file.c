/* SPDX-License-Identifier: MIT */
#include "traces/mmtrace_file.h"

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

/* ---- a file that is packed as a whole ---- */

struct unpacked {
	struct input input;
	size_t at;
};

static size_t read_unpacked(void *ctx, void *buf, size_t size, struct error **err_ret)
{
	struct unpacked *u = ctx;
	size_t n = u->input.size - u->at;

	(void)err_ret;
	if (n > size)
		n = size;
	memcpy(buf, u->input.data + u->at, n);
	u->at += n;
	return n;
}

static struct error *seek_unpacked(void *ctx, uint64_t offset, uint64_t *size_ret)
{
	struct unpacked *u = ctx;

	u->at = offset < u->input.size ? (size_t)offset : u->input.size;
	*size_ret = u->input.size;
	return NULL;
}

static void close_unpacked(void *ctx)
{
	struct unpacked *u = ctx;

	input_deinit(&u->input);
	free(u);
}

static struct error *open_packed(const char *path, struct mmtrace_reader **ret)
{
	struct unpacked *u = calloc(1, sizeof(*u));
	struct error *err;

	if (!u)
		return error_no_memory();
	err = input_read(path, NULL, &u->input);
	if (err) {
		free(u);
		return err;
	}
	if (!mmtrace_is(u->input.data, u->input.size)) {
		close_unpacked(u);
		return NULL;
	}
	return mmtrace_reader_create((struct mmtrace_source){ .read = read_unpacked,
							      .seek = seek_unpacked,
							      .close = close_unpacked,
							      .ctx = u },
				     path, ret);
}

static struct error *error_of_system(const char *path, int number)
{
	return error_create(number == ENOENT || number == ENOTDIR ? ERROR_NOT_FOUND : ERROR_OS,
			    path, 0, 0, "cannot be opened: %s", strerror(number));
}

struct error *mmtrace_file_open(const char *path, struct mmtrace_reader **ret)
{
	static const uint8_t packed[][6] = {
		{ 0x1f, 0x8b },
		{ 0xfd, '7', 'z', 'X', 'Z', 0 },
		{ 0x28, 0xb5, 0x2f, 0xfd },
	};
	static const size_t packed_bytes[] = { 2, 6, 4 };
	uint8_t begin[8];
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
	for (size_t i = 0; i < sizeof(packed_bytes) / sizeof(packed_bytes[0]); i++)
		if (n >= (ssize_t)packed_bytes[i] && !memcmp(begin, packed[i], packed_bytes[i]))
			return open_packed(path, ret);
	return NULL;
}
