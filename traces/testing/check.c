/* SPDX-License-Identifier: MIT */
#include "traces/testing/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)

void check_ok(struct error *err)
{
	char text[512];

	if (!err)
		return;
	error_format(err, text, sizeof(text));
	error_destroy(err);
	fail_msg("%s", text);
}

void check_error(struct error *err, enum error_code code, uint32_t line, uint32_t column)
{
	char text[512];

	if (!err) {
		fail_msg("there is no error");
		return;
	}
	if (err->code != code || err->line != line || err->column != column) {
		error_format(err, text, sizeof(text));
		fail_msg("code %d, expected %d at %u:%u: %s", (int)err->code, (int)code, line,
			 column, text);
	}
	error_destroy(err);
}

char *check_read(const char *path, size_t *len_ret)
{
	FILE *f = fopen(path, "rb");
	char *data = malloc(FILE_BYTES_MAX + 1);
	size_t len;

	if (!f || !data)
		fail_msg("%s cannot be read", path);
	len = fread(data, 1, FILE_BYTES_MAX, f);
	fclose(f);
	data[len] = '\0';
	*len_ret = len;
	return data;
}

void check_errors(const struct check_row *rows, size_t count,
		  struct error *(*read)(const char *text, size_t len))
{
	for (size_t i = 0; i < count; i++)
		check_error(read(rows[i].text, strlen(rows[i].text)), rows[i].code, rows[i].line,
			    rows[i].column);
}
