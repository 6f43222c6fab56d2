/* SPDX-License-Identifier: MIT */
/*
 * Error: see error.h.  An error is one allocation; the sentence lies behind the struct, and only
 * the file's name, which can be added later, is its own.
 */
#include "engine/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shared by all, so it cannot be written to; what would change an error looks for it first. */
static const struct error no_memory = {
	.code = ERROR_NO_MEMORY,
	.block = -1,
	.message = "out of memory",
};

struct error *error_no_memory(void)
{
	return (struct error *)&no_memory;
}

static char *copy_string(const char *s)
{
	size_t size = strlen(s) + 1;
	char *copy = malloc(size);

	if (copy)
		memcpy(copy, s, size);
	return copy;
}

struct error *error_create_va(enum error_code code, const char *file, uint32_t line,
			      uint32_t column, const char *format, va_list args)
{
	struct error *err;
	va_list again;
	char *message;
	int len;

	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0)
		len = 0;

	err = malloc(sizeof(*err) + (size_t)len + 1);
	if (!err)
		return error_no_memory();
	message = (char *)(err + 1);
	message[0] = '\0';
	vsnprintf(message, (size_t)len + 1, format, args);
	*err = (struct error){
		.code = code,
		.line = line,
		.column = column,
		.block = -1,
		.message = message,
	};
	return error_in_file(err, file);
}

struct error *error_create(enum error_code code, const char *file, uint32_t line, uint32_t column,
			   const char *format, ...)
{
	struct error *err;
	va_list args;

	va_start(args, format);
	err = error_create_va(code, file, line, column, format, args);
	va_end(args);
	return err;
}

struct error *error_create_block(enum error_code code, const char *file, int64_t block,
				 const char *format, ...)
{
	struct error *err;
	va_list args;

	va_start(args, format);
	err = error_create_va(code, file, 0, 0, format, args);
	va_end(args);
	if (err != &no_memory)
		err->block = block;
	return err;
}

void error_destroy(struct error *err)
{
	if (!err || err == &no_memory)
		return;
	free(err->file);
	free(err);
}

struct error *error_in_file(struct error *err, const char *file)
{
	if (!err || err == &no_memory || err->file || !file)
		return err;
	err->file = copy_string(file);
	if (!err->file) {
		error_destroy(err);
		return error_no_memory();
	}
	return err;
}

struct error *error_in_block(struct error *err, const char *file, int64_t block)
{
	struct error *named;

	if (!err || err == &no_memory || err->block >= 0)
		return err;
	named = error_create_block(err->code, file, block, "%s", err->message);
	error_destroy(err);
	return named;
}

size_t error_format(const struct error *err, char *buf, size_t size)
{
	/* Room for ":line:column" or ": block N", and ": ". */
	char place[64] = "";
	const char *file = err->file ? err->file : "";
	const char *colon = err->file ? ": " : "";
	int len;

	if (err->block >= 0)
		snprintf(place, sizeof(place), "%sblock %" PRId64 ": ", colon, err->block);
	else if (err->line && err->column)
		snprintf(place, sizeof(place), "%s%" PRIu32 ":%" PRIu32 ": ",
			 err->file ? ":" : "line ", err->line, err->column);
	else if (err->line)
		snprintf(place, sizeof(place), "%s%" PRIu32 ": ", err->file ? ":" : "line ",
			 err->line);
	else
		snprintf(place, sizeof(place), "%s", colon);
	len = snprintf(buf, size, "%s%s%s", file, place, err->message);
	return len < 0 ? 0 : (size_t)len;
}
