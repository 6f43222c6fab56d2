/* SPDX-License-Identifier: MIT */
#include "traces/unpack.h"

#include <stdlib.h>
#include <string.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* Working memory an xz or zstd file may ask of its unpacker; their highest ordinary levels fit. */
#define UNPACK_MEMORY_MAX ((uint64_t)192 << 20)
#define UNPACK_WINDOW_LOG_MAX 27

struct unpacker {
	char *name;
	enum input_packing packing;
	/* Inside of a member or frame, as opposed to between two. */
	bool inside;
	uint64_t made; /* bytes, for messages */
	union {
		z_stream gzip;
		lzma_stream xz;
		ZSTD_DStream *zstd;
	} as;
};

enum input_packing unpack_detect(const uint8_t *data, size_t size)
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

struct error *unpacker_create(const char *name, enum input_packing packing, struct unpacker **ret)
{
	struct unpacker *u = calloc(1, sizeof(*u));
	bool ok = false;

	if (!u)
		return error_no_memory();
	u->name = strdup(name);
	u->packing = packing;
	u->inside = true;
	switch (packing) {
	case INPUT_GZIP:
		ok = inflateInit2(&u->as.gzip, 15 + 16) == Z_OK;
		break;
	case INPUT_XZ:
		ok = lzma_stream_decoder(&u->as.xz, UNPACK_MEMORY_MAX, LZMA_CONCATENATED) ==
		     LZMA_OK;
		break;
	case INPUT_ZSTD:
		u->as.zstd = ZSTD_createDStream();
		ok = u->as.zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(
					   u->as.zstd, ZSTD_d_windowLogMax, UNPACK_WINDOW_LOG_MAX));
		break;
	case INPUT_PLAIN:
		break;
	}
	if (!ok || !u->name) {
		unpacker_destroy(u);
		return error_no_memory();
	}
	*ret = u;
	return NULL;
}

void unpacker_destroy(struct unpacker *u)
{
	if (!u)
		return;
	switch (u->packing) {
	case INPUT_GZIP:
		inflateEnd(&u->as.gzip);
		break;
	case INPUT_XZ:
		lzma_end(&u->as.xz);
		break;
	case INPUT_ZSTD:
		ZSTD_freeDStream(u->as.zstd);
		break;
	case INPUT_PLAIN:
		break;
	}
	free(u->name);
	free(u);
}

/* "cut off" and "damaged" are what a user can act on; the library's own words seldom add to it. */
static struct error *error_cut_off(const struct unpacker *u, const char *what)
{
	return error_create(
		ERROR_CORRUPT, u->name, 0, 0,
		"the %s data is cut off: it ends after %llu unpacked bytes, in the middle", what,
		(unsigned long long)u->made);
}

static struct error *error_damaged(const struct unpacker *u, const char *what, const char *detail)
{
	return error_create(ERROR_CORRUPT, u->name, 0, 0,
			    "the %s data is damaged (after %llu unpacked bytes: %s)", what,
			    (unsigned long long)u->made, detail);
}

static void took(struct unpack_step *step, size_t n)
{
	step->in += n;
	step->in_size -= n;
}

static void gave(struct unpacker *u, struct unpack_step *step, size_t n)
{
	step->out += n;
	step->out_room -= n;
	u->made += n;
}

static struct error *step_gzip(struct unpacker *u, struct unpack_step *step, bool *end_ret)
{
	z_stream *stream = &u->as.gzip;
	size_t piece, room;
	int status;

	if (!u->inside) {
		/* After a member: another one, or padding with NUL bytes as gzip allows. */
		while (step->in_size && !*step->in)
			took(step, 1);
		if (!step->in_size) {
			*end_ret = step->in_last;
			return NULL;
		}
		if (inflateReset(stream) != Z_OK)
			return error_no_memory();
		u->inside = true;
	}
	/* zlib counts in unsigned int. */
	piece = step->in_size < (1 << 30) ? step->in_size : 1 << 30;
	room = step->out_room < (1 << 30) ? step->out_room : 1 << 30;
	stream->next_in = (Bytef *)(uintptr_t)step->in;
	stream->avail_in = (uInt)piece;
	stream->next_out = step->out;
	stream->avail_out = (uInt)room;
	status = inflate(stream, Z_NO_FLUSH);
	took(step, piece - stream->avail_in);
	gave(u, step, room - stream->avail_out);
	if (status == Z_STREAM_END) {
		u->inside = false;
		return NULL;
	}
	if (status == Z_MEM_ERROR)
		return error_no_memory();
	if (status != Z_OK && status != Z_BUF_ERROR)
		return error_damaged(u, "gzip",
				     stream->msg ? stream->msg : "unknown preset dictionary");
	if (step->in_last && !step->in_size && step->out_room)
		return error_cut_off(u, "gzip");
	return NULL;
}

static struct error *step_xz(struct unpacker *u, struct unpack_step *step, bool *end_ret)
{
	lzma_stream *stream = &u->as.xz;
	lzma_ret status;

	stream->next_in = step->in;
	stream->avail_in = step->in_size;
	stream->next_out = step->out;
	stream->avail_out = step->out_room;
	status = lzma_code(stream, step->in_last ? LZMA_FINISH : LZMA_RUN);
	took(step, step->in_size - stream->avail_in);
	gave(u, step, step->out_room - stream->avail_out);
	switch (status) {
	case LZMA_OK:
		return NULL;
	case LZMA_STREAM_END:
		*end_ret = true;
		return NULL;
	case LZMA_MEM_ERROR:
		return error_no_memory();
	case LZMA_MEMLIMIT_ERROR:
		return error_create(ERROR_UNSUPPORTED, u->name, 0, 0,
				    "unpacking this xz file takes more than %u MiB of memory",
				    (unsigned int)(UNPACK_MEMORY_MAX >> 20));
	case LZMA_BUF_ERROR:
		return step->in_last ? error_cut_off(u, "xz") : NULL;
	case LZMA_OPTIONS_ERROR:
		return error_create(ERROR_UNSUPPORTED, u->name, 0, 0,
				    "this xz file uses options that liblzma does not know");
	default:
		return error_damaged(u, "xz",
				     status == LZMA_FORMAT_ERROR ? "no xz stream follows"
								 : "its check does not match");
	}
}

static struct error *step_zstd(struct unpacker *u, struct unpack_step *step, bool *end_ret)
{
	ZSTD_inBuffer in = { .src = step->in, .size = step->in_size, .pos = 0 };
	ZSTD_outBuffer out = { .dst = step->out, .size = step->out_room, .pos = 0 };
	size_t status;

	if (!u->inside && !step->in_size) {
		*end_ret = step->in_last;
		return NULL;
	}
	status = ZSTD_decompressStream(u->as.zstd, &out, &in);
	took(step, in.pos);
	gave(u, step, out.pos);
	if (ZSTD_isError(status) &&
	    ZSTD_getErrorCode(status) == ZSTD_error_frameParameter_windowTooLarge)
		return error_create(ERROR_UNSUPPORTED, u->name, 0, 0,
				    "unpacking this zstd file takes more than %u MiB of memory",
				    1U << (UNPACK_WINDOW_LOG_MAX - 20));
	if (ZSTD_isError(status))
		return error_damaged(u, "zstd", ZSTD_getErrorName(status));
	/* 0: a frame ended here, and all of it is out. */
	u->inside = status != 0;
	if (u->inside && step->in_last && !step->in_size && step->out_room)
		return error_cut_off(u, "zstd");
	return NULL;
}

struct error *unpacker_step(struct unpacker *u, struct unpack_step *step, bool *end_ret)
{
	*end_ret = false;
	switch (u->packing) {
	case INPUT_GZIP:
		return step_gzip(u, step, end_ret);
	case INPUT_XZ:
		return step_xz(u, step, end_ret);
	case INPUT_ZSTD:
		return step_zstd(u, step, end_ret);
	case INPUT_PLAIN:
		break;
	}
	return NULL;
}
