/* SPDX-License-Identifier: MIT */
#include "tools/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void json_init(struct json *j, FILE *out, enum json_style style)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
	j->style = style;
}

void json_deinit(struct json *j)
{
	assert(j->done && !j->depth);
	fputc('\n', j->out);
}

static void new_line(struct json *j)
{
	if (j->style == JSON_COMPACT)
		return;
	fputc('\n', j->out);
	for (unsigned int i = 0; i < j->depth; i++)
		fputs("  ", j->out);
}

/* What stands before a member: the comma after the previous one, and a line of its own. */
static void member_begin(struct json *j)
{
	struct json_level *level = &j->levels[j->depth - 1];

	if (level->any)
		fputc(',', j->out);
	level->any = true;
	new_line(j);
}

static void value_begin(struct json *j)
{
	assert(!j->done);
	if (!j->depth)
		return;
	if (j->levels[j->depth - 1].array) {
		assert(!j->key_written);
		member_begin(j);
	} else {
		assert(j->key_written);
		j->key_written = false;
	}
}

static void value_end(struct json *j)
{
	if (!j->depth)
		j->done = true;
}

static void container_begin(struct json *j, bool array)
{
	value_begin(j);
	assert(j->depth < JSON_DEPTH_MAX);
	fputc(array ? '[' : '{', j->out);
	j->levels[j->depth++] = (struct json_level){ .array = array };
}

static void container_end(struct json *j, bool array)
{
	bool any;

	assert(j->depth && j->levels[j->depth - 1].array == array && !j->key_written);
	any = j->levels[--j->depth].any;
	if (any)
		new_line(j);
	fputc(array ? ']' : '}', j->out);
	value_end(j);
}

void json_object_begin(struct json *j)
{
	container_begin(j, false);
}

void json_object_end(struct json *j)
{
	container_end(j, false);
}

void json_array_begin(struct json *j)
{
	container_begin(j, true);
}

void json_array_end(struct json *j)
{
	container_end(j, true);
}

/*
 * Length of the valid UTF-8 sequence at @s (@len >= 1 bytes are there); for an ill-formed one, 0, and
 * in @bad how many bytes belong to it (the longest prefix that could have begun a sequence, or 1).
 */
static size_t utf8_sequence(const unsigned char *s, size_t len, size_t *bad)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t need;

	*bad = 1;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	if (s[0] < 0xe0)
		need = 2;
	else if (s[0] < 0xf0)
		need = 3;
	else
		need = 4;
	/* The second byte decides about overlong forms, surrogates and the end of Unicode. */
	if (s[0] == 0xe0)
		lo = 0xa0;
	else if (s[0] == 0xed)
		hi = 0x9f;
	else if (s[0] == 0xf0)
		lo = 0x90;
	else if (s[0] == 0xf4)
		hi = 0x8f;
	for (size_t i = 1; i < need; i++) {
		if (i >= len || s[i] < lo || s[i] > hi) {
			*bad = i;
			return 0;
		}
		lo = 0x80;
		hi = 0xbf;
	}
	return need;
}

static void quote(FILE *out, const char *text, size_t text_len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t len = text_len;

	fputc('"', out);
	while (len) {
		size_t bad, n = utf8_sequence(s, len, &bad);

		if (!n) {
			fputs("\\ufffd", out);
			n = bad;
		} else if (n > 1) {
			fwrite(s, 1, n, out);
		} else {
			switch (s[0]) {
			case '"':
				fputs("\\\"", out);
				break;
			case '\\':
				fputs("\\\\", out);
				break;
			case '\b':
				fputs("\\b", out);
				break;
			case '\f':
				fputs("\\f", out);
				break;
			case '\n':
				fputs("\\n", out);
				break;
			case '\r':
				fputs("\\r", out);
				break;
			case '\t':
				fputs("\\t", out);
				break;
			default:
				if (s[0] < 0x20 || s[0] == 0x7f)
					fprintf(out, "\\u%04x", s[0]);
				else
					fputc(s[0], out);
			}
		}
		s += n;
		len -= n;
	}
	fputc('"', out);
}

void json_key(struct json *j, const char *key)
{
	assert(j->depth && !j->levels[j->depth - 1].array && !j->key_written);
	member_begin(j);
	quote(j->out, key, strlen(key));
	fputs(j->style == JSON_COMPACT ? ":" : ": ", j->out);
	j->key_written = true;
}

void json_string_n(struct json *j, const char *text, size_t len)
{
	value_begin(j);
	quote(j->out, text, len);
	value_end(j);
}

void json_string(struct json *j, const char *text)
{
	json_string_n(j, text, strlen(text));
}

void json_u64(struct json *j, uint64_t value)
{
	value_begin(j);
	fprintf(j->out, "%" PRIu64, value);
	value_end(j);
}

void json_i64(struct json *j, int64_t value)
{
	value_begin(j);
	fprintf(j->out, "%" PRId64, value);
	value_end(j);
}

static void word(struct json *j, const char *text)
{
	value_begin(j);
	fputs(text, j->out);
	value_end(j);
}

void json_bool(struct json *j, bool value)
{
	word(j, value ? "true" : "false");
}

void json_null(struct json *j)
{
	word(j, "null");
}

void json_key_string(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_string(j, text);
}

void json_key_u64(struct json *j, const char *key, uint64_t value)
{
	json_key(j, key);
	json_u64(j, value);
}

void json_key_i64(struct json *j, const char *key, int64_t value)
{
	json_key(j, key);
	json_i64(j, value);
}

void json_key_bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	json_bool(j, value);
}

void json_key_null(struct json *j, const char *key)
{
	json_key(j, key);
	json_null(j);
}

void json_key_object_begin(struct json *j, const char *key)
{
	json_key(j, key);
	json_object_begin(j);
}

void json_key_array_begin(struct json *j, const char *key)
{
	json_key(j, key);
	json_array_begin(j);
}
