/* SPDX-License-Identifier: MIT */
/*
 * A streaming JSON writer.
 *
 * Keys appear in the order in which they are written, integers are written in full (64 bits, never
 * as text or in exponent form), and the same calls give the same bytes on every host.  Strings are
 * bytes that are mostly UTF-8: what is not valid UTF-8 becomes U+FFFD, one per maximal ill-formed
 * part, so the output is always valid JSON.
 *
 * Nesting is checked by assertion: a value without its key, or a missing end, is a bug of the caller.
 * Write errors stay in the FILE (ferror) and are the business of whoever closes it.
 */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 32

enum json_style {
	JSON_PRETTY, /* one value a line, two blanks per level */
	JSON_COMPACT, /* one line, no blanks: for JSON lines */
};

struct json {
	FILE *out;
	enum json_style style;
	unsigned int depth;
	bool key_written; /* the next call must write its value */
	bool done; /* the one top value is complete */
	struct json_level {
		bool array;
		bool any; /* at least one member written */
	} levels[JSON_DEPTH_MAX];
};

void json_init(struct json *j, FILE *out, enum json_style style);
/* Ends the text with a newline.  The top value must be complete. */
void json_deinit(struct json *j);

void json_object_begin(struct json *j);
void json_object_end(struct json *j);
void json_array_begin(struct json *j);
void json_array_end(struct json *j);

/* The key of the value written next. */
void json_key(struct json *j, const char *key);

void json_string(struct json *j, const char *text);
/* May hold any bytes, zeros too. */
void json_string_n(struct json *j, const char *text, size_t len);
void json_u64(struct json *j, uint64_t value);
void json_i64(struct json *j, int64_t value);
void json_bool(struct json *j, bool value);
void json_null(struct json *j);

/* A key and its value in one call. */
void json_key_string(struct json *j, const char *key, const char *text);
void json_key_u64(struct json *j, const char *key, uint64_t value);
void json_key_i64(struct json *j, const char *key, int64_t value);
void json_key_bool(struct json *j, const char *key, bool value);
void json_key_null(struct json *j, const char *key);
void json_key_object_begin(struct json *j, const char *key);
void json_key_array_begin(struct json *j, const char *key);

#endif
