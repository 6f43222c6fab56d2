/* SPDX-License-Identifier: MIT */
/*
 * Message text: see message_text.h.
 *
 * Writing walks the struct by its descriptor.  Reading makes the bytes of the message, field by field,
 * and lets protobuf-c unpack them: so there is one way only by which structs are built.
 */
#include "traces/message_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "traces/message_field.h"

#define DEPTH_MAX 16
#define LINE_COLUMNS 100

/* ---- writing ---------------------------------------------------------------------------------- */

/* Where value number @i of @field is. */
static const void *value_at(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field,
			    unsigned int i)
{
	const void *p = field_at(m, field);

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		p = *(const void *const *)p;
	return (const char *)p + i * field_value_bytes(field);
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && !strcmp(name + len - end_len, end);
}

static bool is_decimal(const ProtobufCFieldDescriptor *field)
{
	return ends_with(field->name, "_kb") || ends_with(field->name, "_count");
}

static void write_quoted(const uint8_t *p, size_t len, const struct sink *sink)
{
	sink_puts(sink, "\"");
	for (size_t i = 0; i < len; i++) {
		char c = (char)p[i];

		if (c == '"' || c == '\\')
			sink_printf(sink, "\\%c", c);
		else if (p[i] >= ' ' && p[i] < 127)
			sink_write(sink, &c, 1);
		else
			sink_printf(sink, "\\%03o", (unsigned int)p[i]);
	}
	sink_puts(sink, "\"");
}

/* One value that is no message. */
static void write_scalar(const ProtobufCFieldDescriptor *field, const void *p,
			 const struct sink *sink)
{
	const ProtobufCBinaryData *data;
	const ProtobufCEnumValue *value;
	uint64_t n;

	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		sink_printf(sink, "%" PRId32, *(const int32_t *)p);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		sink_printf(sink, "%" PRId64, *(const int64_t *)p);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		sink_printf(sink, "%" PRIu32, *(const uint32_t *)p);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		n = *(const uint64_t *)p;
		if (n < 10 || is_decimal(field))
			sink_printf(sink, "%" PRIu64, n);
		else
			sink_printf(sink, "%#" PRIx64, n);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		sink_puts(sink, *(const protobuf_c_boolean *)p ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		value = protobuf_c_enum_descriptor_get_value(field->descriptor, *(const int *)p);
		if (value)
			sink_puts(sink, value->name);
		else
			sink_printf(sink, "%d", *(const int *)p);
		break;
	case PROTOBUF_C_TYPE_STRING:
		write_quoted(*(const uint8_t *const *)p, strlen(*(const char *const *)p), sink);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		data = p;
		write_quoted(data->data, data->len, sink);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
	case PROTOBUF_C_TYPE_MESSAGE:
		break; /* no fractions in our messages; messages are written by the caller */
	}
}

/* Only single values: such a message is written on one line. */
static bool is_flat(const ProtobufCMessageDescriptor *d)
{
	for (unsigned int i = 0; i < d->n_fields; i++)
		if (d->fields[i].label == PROTOBUF_C_LABEL_REPEATED ||
		    d->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			return false;
	return true;
}

static void write_message(const ProtobufCMessage *m, unsigned int indent, bool flat,
			  const struct sink *sink);

static void write_submessage(const char *name, const ProtobufCMessage *m, unsigned int indent,
			     const struct sink *sink)
{
	if (is_flat(m->descriptor)) {
		sink_printf(sink, "%*s%s {", (int)indent, "", name);
		write_message(m, 0, true, sink);
		sink_puts(sink, " }\n");
	} else {
		sink_printf(sink, "%*s%s {\n", (int)indent, "", name);
		write_message(m, indent + 2, false, sink);
		sink_printf(sink, "%*s}\n", (int)indent, "");
	}
}

/* "name: [1, 2, 3]", over several lines when it is long. */
static void write_column(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field,
			 unsigned int count, unsigned int indent, const struct sink *sink)
{
	struct sink_text text = { 0 };
	struct sink to_text = sink_to_text(&text);
	size_t column = indent + strlen(field->name) + 3;

	sink_printf(sink, "%*s%s: [", (int)indent, "", field->name);
	for (unsigned int i = 0; i < count; i++) {
		size_t len;

		sink_text_clear(&text);
		write_scalar(field, value_at(m, field, i), &to_text);
		len = text.len;
		if (i && column + len + 3 > LINE_COLUMNS) {
			sink_printf(sink, ",\n%*s", (int)indent + 4, "");
			column = indent + 4;
		} else if (i) {
			sink_puts(sink, ", ");
			column += 2;
		}
		sink_write(sink, sink_text_string(&text), len);
		column += len;
	}
	sink_puts(sink, "]\n");
	sink_text_deinit(&text);
}

static void write_message(const ProtobufCMessage *m, unsigned int indent, bool flat,
			  const struct sink *sink)
{
	const ProtobufCMessageDescriptor *d = m->descriptor;

	for (unsigned int f = 0; f < d->n_fields; f++) {
		const ProtobufCFieldDescriptor *field = &d->fields[f];
		unsigned int count = (unsigned int)field_values(m, field);

		if (!count)
			continue;
		if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
			for (unsigned int i = 0; i < count; i++)
				write_submessage(field->name,
						 *(ProtobufCMessage *const *)value_at(m, field, i),
						 indent, sink);
		} else if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			write_column(m, field, count, indent, sink);
		} else if (flat) {
			sink_printf(sink, " %s: ", field->name);
			write_scalar(field, value_at(m, field, 0), sink);
		} else {
			sink_printf(sink, "%*s%s: ", (int)indent, "", field->name);
			write_scalar(field, value_at(m, field, 0), sink);
			sink_puts(sink, "\n");
		}
	}
}

void message_text_write(const ProtobufCMessage *message, unsigned int indent,
			const struct sink *sink)
{
	write_message(message, indent, false, sink);
}

/* ---- reading ---------------------------------------------------------------------------------- */

struct parser {
	const char *start, *p, *end;
	unsigned int depth;
};

static struct error *fail_at(const struct parser *s, const char *at, enum error_code code,
			     const char *format, ...) ERROR_PRINTF(4, 5);
static struct error *fail_at(const struct parser *s, const char *at, enum error_code code,
			     const char *format, ...)
{
	uint32_t line = 1, column = 1;
	struct error *err;
	va_list args;

	for (const char *p = s->start; p < at; p++) {
		column++;
		if (*p == '\n') {
			line++;
			column = 1;
		}
	}
	va_start(args, format);
	err = error_create_va(code, NULL, line, column, format, args);
	va_end(args);
	return err;
}

static void skip_blanks(struct parser *s)
{
	while (s->p < s->end) {
		if (*s->p == '#') {
			while (s->p < s->end && *s->p != '\n')
				s->p++;
		} else if (strchr(" \t\r\n\v\f", *s->p) && *s->p) {
			s->p++;
		} else {
			break;
		}
	}
}

/* Passes over @c and the blanks behind it, if it is next. */
static bool take(struct parser *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	skip_blanks(s);
	return true;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '+' || c == '-';
}

/* A name or a number, with the blanks behind it. */
static size_t take_word(struct parser *s, const char **ret)
{
	const char *word = s->p;
	size_t len;

	while (s->p < s->end && is_word(*s->p))
		s->p++;
	len = (size_t)(s->p - word);
	skip_blanks(s);
	*ret = word;
	return len;
}

static void put_varint(const struct sink *out, uint64_t v)
{
	char bytes[10];
	size_t n = 0;

	do {
		bytes[n++] = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		v >>= 7;
	} while (v);
	sink_write(out, bytes, n);
}

static void put_fixed(const struct sink *out, uint64_t v, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++) {
		char c = (char)(v >> (8 * i));

		sink_write(out, &c, 1);
	}
}

static void put_key(const struct sink *out, const ProtobufCFieldDescriptor *field,
		    unsigned int wire)
{
	put_varint(out, (uint64_t)field->id << 3 | wire);
}

static bool parse_number(const char *word, size_t len, bool *negative, uint64_t *ret)
{
	unsigned int base = 10;
	uint64_t n = 0;

	*negative = len && *word == '-';
	if (*negative) {
		word++;
		len--;
	}
	if (len > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
		base = 16;
		word += 2;
		len -= 2;
	}
	if (!len)
		return false;
	for (; len; word++, len--) {
		unsigned int digit =
			*word >= '0' && *word <= '9'   ? (unsigned int)(*word - '0')
			: *word >= 'a' && *word <= 'f' ? (unsigned int)(*word - 'a' + 10)
			: *word >= 'A' && *word <= 'F' ? (unsigned int)(*word - 'A' + 10)
						       : 99;

		if (digit >= base || n > (UINT64_MAX - digit) / base)
			return false;
		n = n * base + digit;
	}
	*ret = n;
	return true;
}

static bool word_is(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && !memcmp(word, text, len);
}

static bool parse_enum(const ProtobufCEnumDescriptor *d, const char *word, size_t len, int *ret)
{
	for (unsigned int i = 0; i < d->n_values; i++) {
		if (word_is(word, len, d->values[i].name)) {
			*ret = d->values[i].value;
			return true;
		}
	}
	return false;
}

/* An integer, bool or enum, as it is stored without its key. */
static struct error *read_number(struct parser *s, const ProtobufCFieldDescriptor *field,
				 const struct sink *out)
{
	const char *at = s->p, *word;
	size_t len = take_word(s, &word);
	bool negative = false;
	uint64_t n = 0, max = UINT64_MAX, min = 0; /* min: of the negative ones, without the sign */
	int value;

	if (!len)
		return fail_at(s, at, ERROR_SYNTAX, "%s needs a value", field->name);
	if (field->type == PROTOBUF_C_TYPE_BOOL) {
		if (word_is(word, len, "true") || word_is(word, len, "1"))
			n = 1;
		else if (!word_is(word, len, "false") && !word_is(word, len, "0"))
			return fail_at(s, at, ERROR_RANGE, "%s is true or false", field->name);
		put_varint(out, n);
		return NULL;
	}
	if (field->type == PROTOBUF_C_TYPE_ENUM) {
		const ProtobufCEnumDescriptor *d = field->descriptor;

		/* By number too, as a value without a name is written. */
		if (parse_number(word, len, &negative, &n) && n <= INT32_MAX)
			value = negative ? -(int)n : (int)n;
		else if (!parse_enum(d, word, len, &value))
			return fail_at(s, at, ERROR_RANGE, "there is no %s '%.*s'", d->short_name,
				       (int)(len < 60 ? len : 60), word);
		put_varint(out, (uint64_t)(int64_t)value);
		return NULL;
	}
	if (!parse_number(word, len, &negative, &n))
		return fail_at(s, at, ERROR_SYNTAX, "%s is a number, not '%.*s'", field->name,
			       (int)(len < 60 ? len : 60), word);
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		max = UINT32_MAX;
		break;
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		max = INT32_MAX;
		min = (uint64_t)INT32_MAX + 1;
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		max = INT64_MAX;
		min = (uint64_t)INT64_MAX + 1;
		break;
	default:
		break;
	}
	if (n > (negative ? min : max))
		return fail_at(s, at, ERROR_RANGE, "%s cannot be '%.*s'", field->name,
			       (int)(len < 60 ? len : 60), word);
	if (negative)
		n = 0 - n;
	switch (field->type) {
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SINT64:
		n = n << 1 ^ (n >> 63 ? UINT64_MAX : 0);
		put_varint(out, n);
		break;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
		put_fixed(out, n, 4);
		break;
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
		put_fixed(out, n, 8);
		break;
	default:
		put_varint(out, n);
	}
	return NULL;
}

/* "text", with the escapes that writing makes and those of C. */
static struct error *read_quoted(struct parser *s, const ProtobufCFieldDescriptor *field,
				 const struct sink *out)
{
	static const char plain[] = "\"'\\nrtabfv", meant[] = "\"'\\\n\r\t\a\b\f\v";
	const char *at = s->p;
	struct sink_text text = { 0 };
	struct sink to_text = sink_to_text(&text);
	struct error *err = NULL;
	char quote;

	if (s->p == s->end || (*s->p != '"' && *s->p != '\''))
		return fail_at(s, at, ERROR_SYNTAX, "%s is a text in quotes", field->name);
	quote = *s->p++;
	while (!err) {
		const char *known;
		char c;

		if (s->p == s->end || *s->p == '\n') {
			err = fail_at(s, at, ERROR_SYNTAX, "the text does not end");
			break;
		}
		c = *s->p++;
		if (c == quote)
			break;
		if (c == '\\' && s->p < s->end) {
			c = *s->p++;
			known = c ? strchr(plain, c) : NULL;
			if (known) {
				c = meant[known - plain];
			} else if (c >= '0' && c <= '7') {
				unsigned int n = (unsigned int)(c - '0');

				for (int i = 0;
				     i < 2 && s->p < s->end && *s->p >= '0' && *s->p <= '7'; i++)
					n = n * 8 + (unsigned int)(*s->p++ - '0');
				c = (char)n;
			} else {
				err = fail_at(s, s->p - 1, ERROR_SYNTAX,
					      "there is no such escape in a text");
			}
		}
		sink_write(&to_text, &c, 1);
	}
	skip_blanks(s);
	put_varint(out, text.len);
	sink_write(out, sink_text_string(&text), text.len);
	if (!err && text.out_of_memory)
		err = error_no_memory();
	sink_text_deinit(&text);
	return err;
}

static struct error *read_fields(struct parser *s, const ProtobufCMessageDescriptor *d, bool nested,
				 const struct sink *out);

static struct error *read_submessage(struct parser *s, const ProtobufCFieldDescriptor *field,
				     const struct sink *out)
{
	struct sink_text text = { 0 };
	struct sink to_text = sink_to_text(&text);
	struct error *err;

	if (!take(s, '{'))
		return fail_at(s, s->p, ERROR_SYNTAX, "'{' is expected after %s", field->name);
	if (s->depth == DEPTH_MAX)
		return fail_at(s, s->p, ERROR_LIMIT, "messages are nested deeper than %d",
			       DEPTH_MAX);
	s->depth++;
	err = read_fields(s, field->descriptor, true, &to_text);
	s->depth--;
	put_key(out, field, 2);
	put_varint(out, text.len);
	sink_write(out, sink_text_string(&text), text.len);
	if (!err && text.out_of_memory)
		err = error_no_memory();
	sink_text_deinit(&text);
	return err;
}

static unsigned int wire_type(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return 1;
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_BYTES:
		return 2;
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return 5;
	default:
		return 0;
	}
}

static struct error *read_value(struct parser *s, const ProtobufCFieldDescriptor *field,
				const struct sink *out)
{
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return read_submessage(s, field, out);
	put_key(out, field, wire_type(field));
	return wire_type(field) == 2 ? read_quoted(s, field, out) : read_number(s, field, out);
}

static struct error *read_field(struct parser *s, const ProtobufCMessageDescriptor *d,
				const struct sink *out)
{
	const char *at = s->p, *word;
	size_t len = take_word(s, &word);
	const ProtobufCFieldDescriptor *field = NULL;
	struct error *err = NULL;
	bool colon;

	if (!len)
		return fail_at(s, at, ERROR_SYNTAX, "the name of a field is expected");
	for (unsigned int i = 0; i < d->n_fields && !field; i++)
		if (word_is(word, len, d->fields[i].name))
			field = &d->fields[i];
	if (!field)
		return fail_at(s, at, ERROR_SYNTAX, "%s has no field '%.*s'", d->short_name,
			       (int)(len < 60 ? len : 60), word);
	colon = take(s, ':');
	if (!colon && field->type != PROTOBUF_C_TYPE_MESSAGE)
		return fail_at(s, s->p, ERROR_SYNTAX, "':' is expected after %s", field->name);
	if (field->label != PROTOBUF_C_LABEL_REPEATED || !take(s, '['))
		return read_value(s, field, out);
	if (take(s, ']'))
		return NULL;
	do {
		err = read_value(s, field, out);
	} while (!err && take(s, ','));
	if (!err && !take(s, ']'))
		err = fail_at(s, s->p, ERROR_SYNTAX, "',' or ']' is expected");
	return err;
}

static struct error *read_fields(struct parser *s, const ProtobufCMessageDescriptor *d, bool nested,
				 const struct sink *out)
{
	for (;;) {
		struct error *err;

		if (nested && take(s, '}'))
			return NULL;
		if (s->p == s->end)
			return nested ? fail_at(s, s->p, ERROR_SYNTAX, "'}' is missing") : NULL;
		err = read_field(s, d, out);
		if (err)
			return err;
		if (!take(s, ','))
			take(s, ';');
	}
}

struct error *message_text_read(const ProtobufCMessageDescriptor *descriptor, const char *text,
				size_t len, ProtobufCAllocator *allocator, ProtobufCMessage **ret)
{
	struct parser s = { .start = text, .p = text, .end = text + len };
	struct sink_text bytes = { 0 };
	struct sink out = sink_to_text(&bytes);
	struct error *err;

	skip_blanks(&s);
	err = read_fields(&s, descriptor, false, &out);
	if (!err && bytes.out_of_memory)
		err = error_no_memory();
	if (!err) {
		ProtobufCMessage *message =
			protobuf_c_message_unpack(descriptor, allocator, bytes.len,
						  (const uint8_t *)sink_text_string(&bytes));

		if (message)
			*ret = message;
		else
			err = error_create(ERROR_LIMIT, NULL, 0, 0,
					   "the message takes more memory than there is");
	}
	sink_text_deinit(&bytes);
	return err;
}
