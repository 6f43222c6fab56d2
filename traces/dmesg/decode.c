/* SPDX-License-Identifier: MIT */
/*
 * Decode: see decode.h.
 *
 * 1. Bytes that are no text are refused: by the first bytes of well-known formats, or because more
 *    than a quarter of a sample is neither UTF-8 nor a usual control character.  NUL bytes do not
 *    count: logs have runs of them after a power cut.
 * 2. UTF-16, if a byte order mark says so, becomes UTF-8.
 * 3. A sample tells whether the file is quoted-printable or HTML.  Both must be clear: nearly every
 *    "=" or no bare "<", because undoing what was never done damages a log.
 *    JSON it is if an object comes first and messages are found by the names that log programs give
 *    them; of each line only the message stays.
 * 4. Line by line, what needs no change is handed out in place; the rest is copied and cleaned.
 */
#include "traces/dmesg/decode.h"

#include <stdlib.h>
#include <string.h>

#include "traces/scan.h"

/* How much is looked at to find out what a file is, at its head, its middle and its tail. */
#define SAMPLE_BYTES ((size_t)128 << 10)
/* A line that has to be changed and is longer is cut. */
#define SCRATCH_BYTES_MAX ((size_t)1 << 20)
#define TAG_BYTES_MAX 256

/* Is a byte one that text has as it is? */
enum byte_class {
	BYTE_PLAIN,
	/* Escape, backspace, carriage return, NUL and other control characters. */
	BYTE_CONTROL,
	/* Begins a two-byte character that may be the no-break space. */
	BYTE_C2,
};

static enum byte_class classify(uint8_t c)
{
	if ((c < 0x20 && c != '\t') || c == 0x7f)
		return BYTE_CONTROL;
	return c == 0xc2 ? BYTE_C2 : BYTE_PLAIN;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* ---- Is it text? ---- */

struct magic {
	const char *bytes;
	size_t size;
	const char *what;
};

#define MAGIC(bytes, what)                     \
	{                                      \
		bytes, sizeof(bytes) - 1, what \
	}

static const struct magic magics[] = {
	MAGIC("\x7f"
	      "ELF",
	      "an ELF file (a program, a kernel or a core dump)"),
	MAGIC("\x89PNG\r\n", "a PNG picture"),
	MAGIC("\xff\xd8\xff", "a JPEG picture"),
	MAGIC("GIF8", "a GIF picture"),
	MAGIC("%PDF-", "a PDF document"),
	MAGIC("PK\x03\x04", "a zip archive"),
	MAGIC("\x1f\x8b", "gzip data inside the file"),
	MAGIC("\xfd"
	      "7zXZ",
	      "xz data inside the file"),
	MAGIC("\x28\xb5\x2f\xfd", "zstd data inside the file"),
	MAGIC("BZh", "bzip2 data; unpack it first"),
	MAGIC("\x04\x22\x4d\x18", "lz4 data; unpack it first"),
	MAGIC("LPKSHHRH", "a systemd journal; export it with journalctl -k first"),
	MAGIC("PERFILE2", "a perf.data file"),
	MAGIC("\x17\x08\x44tracing", "a trace.dat file; export it with trace-cmd report first"),
	MAGIC("SQLite format 3", "an SQLite database"),
};

static void locate(const uint8_t *data, size_t pos, uint32_t *line_ret, uint32_t *column_ret)
{
	const uint8_t *p = data, *end = data + pos, *lf;
	uint32_t line = 1;

	while ((lf = memchr(p, '\n', (size_t)(end - p)))) {
		line++;
		p = lf + 1;
	}
	*line_ret = line;
	*column_ret = (uint32_t)(end - p) + 1;
}

/* Length of the UTF-8 character at @p; 0 if there is none. */
static size_t utf8_len(const uint8_t *p, size_t size)
{
	size_t len, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] < 0xe0)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] < 0xf0)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] < 0xf5)
		len = 4;
	else
		return 0;
	if (len > size)
		return 0;
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

struct text_sample {
	size_t odd;
	size_t nuls;
	size_t total;
	/* Offset of the first odd byte. */
	size_t first_odd;
};

static void sample_text(const uint8_t *data, size_t from, size_t to, struct text_sample *sample)
{
	size_t i = from, len;

	while (i < to) {
		bool odd = false;
		uint8_t c;

		len = scan_plain_len((const char *)data + i, to - i);
		sample->total += len;
		i += len;
		if (i == to)
			break;
		c = data[i];
		len = 1;
		if (!c)
			sample->nuls++;
		else if (c < 0x20)
			odd = !(c == '\t' || c == '\n' || c == '\r' || c == '\b' || c == '\a' ||
				c == '\f' || c == 0x1b);
		else if (c >= 0x80) {
			len = utf8_len(data + i, to - i);
			odd = !len;
			len += odd;
		}
		if (odd && !sample->odd++)
			sample->first_odd = i;
		sample->total++;
		i += len;
	}
}

static struct error *check_text(const uint8_t *data, size_t size)
{
	struct text_sample sample = { 0 };
	uint32_t line, column;
	size_t i;

	for (i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (size >= magics[i].size && !memcmp(data, magics[i].bytes, magics[i].size))
			return error_create(ERROR_FORMAT, NULL, 1, 1, "is not text but %s",
					    magics[i].what);

	if (size <= 3 * SAMPLE_BYTES) {
		sample_text(data, 0, size, &sample);
	} else {
		sample_text(data, 0, SAMPLE_BYTES, &sample);
		sample_text(data, size / 2, size / 2 + SAMPLE_BYTES, &sample);
		sample_text(data, size - SAMPLE_BYTES, size, &sample);
	}
	if (sample.nuls == sample.total)
		return error_create(ERROR_FORMAT, NULL, 1, 1, "holds nothing but NUL bytes");
	if (sample.odd * 4 > sample.total - sample.nuls) {
		locate(data, sample.first_odd, &line, &column);
		return error_create(
			ERROR_FORMAT, NULL, line, column,
			"is not text: byte 0x%02x is the first of %zu that text does not have",
			data[sample.first_odd], sample.odd);
	}
	return NULL;
}

/* ---- Whole-file conversions ---- */

static size_t put_utf8(uint8_t *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* A lone surrogate becomes U+FFFD; half a unit at the end is dropped. */
static struct error *convert_utf16(struct decoder *decoder, bool big_endian)
{
	const uint8_t *in = decoder->data + 2;
	size_t units = (decoder->size - 2) / 2, i, n = 0;
	/* Three bytes a unit is the worst case. */
	uint8_t *out = malloc(units * 3 + 1);

	if (!out)
		return error_no_memory();
	for (i = 0; i < units; i++) {
		uint32_t c = (uint32_t)in[2 * i + big_endian] | (uint32_t)in[2 * i + !big_endian]
									<< 8;

		if (c >= 0xd800 && c < 0xe000) {
			uint32_t low = 0;

			if (c < 0xdc00 && i + 1 < units)
				low = (uint32_t)in[2 * i + 2 + big_endian] |
				      (uint32_t)in[2 * i + 2 + !big_endian] << 8;
			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i++;
			} else {
				c = 0xfffd;
			}
		}
		n += put_utf8(out + n, c);
	}
	decoder->converted = out;
	decoder->data = out;
	decoder->size = n;
	return NULL;
}

/*
 * Quoted-printable: every "=" is followed by two upper-case hex digits or ends its line.  A kernel
 * log as it is breaks that at once ("root=/dev/sda1", "nid=-1"), so one exception in twenty is
 * allowed, for a mail with some other part.
 */
static bool looks_quoted_printable(const uint8_t *data, size_t size)
{
	const uint8_t *p = data, *end = data + size;
	size_t good = 0, bad = 0, marks = 0;

	while ((p = memchr(p, '=', (size_t)(end - p)))) {
		p++;
		if (end - p >= 2 && hex_digit((char)p[0]) >= 0 && hex_digit((char)p[1]) >= 0) {
			good++;
			/* "=3D" is what "=" itself becomes. */
			marks += p[0] == '3' && p[1] == 'D';
		} else if (p == end || *p == '\n' || (*p == '\r' && end - p > 1 && p[1] == '\n')) {
			good++;
			marks += p < end;
		} else {
			bad++;
		}
	}
	return marks >= 2 && good >= 20 * bad;
}

/* HTML: ">" or "<" appear as entities, and hardly ever as they are, except around tags. */
static bool looks_html(const uint8_t *data, size_t size)
{
	const uint8_t *p, *end = data + size;
	size_t entities = 0, bare = 0, tags = 0;

	for (p = data; (p = memchr(p, '&', (size_t)(end - p))); p++)
		entities += end - p >= 4 && (!memcmp(p, "&lt;", 4) || !memcmp(p, "&gt;", 4));
	if (entities < 2)
		return false;
	for (p = data; (p = memchr(p, '<', (size_t)(end - p))); p++) {
		if (end - p > 1 && ((p[1] | 0x20) >= 'a' && (p[1] | 0x20) <= 'z'))
			tags++;
		else if (end - p > 1 && (p[1] == '/' || p[1] == '!'))
			tags++;
		else
			bare++;
	}
	for (p = data; (p = memchr(p, '>', (size_t)(end - p))); p++)
		bare++;
	bare = bare > tags ? bare - tags : 0;
	return bare * 10 <= entities;
}

/* ---- JSON ---- */

/* The string at @p, which starts with a quotation mark: its end, behind the second one; or @end. */
static const char *json_string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\';
	return p < end ? p + 1 : end;
}

static const char *json_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static bool json_is(const char *p, const char *end, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(end - p) == len + 2 && !memcmp(p + 1, text, len);
}

/*
 * {"log":"MESSAGE\n","stream":"stdout","time":"..."}		docker
 * {"MESSAGE":"MESSAGE","SYSLOG_IDENTIFIER":"kernel", ...}	journalctl -o json
 *          "msg": "MESSAGE"					dmesg --json, one member a line
 * {"labels":{...},"line":"MESSAGE","timestamp":"..."}		logcli -o jsonl
 * Finds the message of a line, with its quotation marks.  False: there is none, or another program's.
 */
static bool json_message(const char *p, const char *end, const char **ret, const char **end_ret)
{
	static const char *const names[] = { "log", "MESSAGE", "msg", "line", "message" };
	bool found = false, kernel = true;

	while (p < end) {
		const char *key = p, *key_end, *value, *value_end;

		if (*p++ != '"')
			continue;
		key_end = json_string_end(key, end);
		p = json_blanks(key_end, end);
		if (p == end || *p != ':')
			continue;
		value = json_blanks(p + 1, end);
		if (value == end || *value != '"')
			continue;
		p = value_end = json_string_end(value, end);
		if (json_is(key, key_end, "SYSLOG_IDENTIFIER"))
			kernel = json_is(value, value_end, "kernel");
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !found; i++) {
			if (!json_is(key, key_end, names[i]))
				continue;
			found = true;
			*ret = value;
			*end_ret = value_end;
		}
	}
	return found && kernel;
}

/* An object comes first, and three lines at least have a message in it. */
static bool looks_json(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *unused, *unused_end;
	unsigned int found = 0;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	if (p == end || *p != '{')
		return false;
	while (p < end && found < 3) {
		const char *feed = memchr(p, '\n', (size_t)(end - p));
		const char *line_end = feed ? feed : end;

		found += json_message(p, line_end, &unused, &unused_end);
		p = feed ? feed + 1 : end;
	}
	return found == 3;
}

struct error *decoder_init(struct decoder *decoder, const uint8_t *data, size_t size)
{
	struct error *err;
	size_t sample;

	*decoder = (struct decoder){ .data = data, .size = size };
	if (!size)
		return error_create(ERROR_FORMAT, NULL, 0, 0, "is empty");
	if (size >= 4 &&
	    ((data[0] == 0xff && data[1] == 0xfe) || (data[0] == 0xfe && data[1] == 0xff))) {
		err = convert_utf16(decoder, data[0] == 0xfe);
		if (err)
			return err;
	} else if (size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3)) {
		decoder->data += 3;
		decoder->size -= 3;
	}
	if (decoder->size)
		err = check_text(decoder->data, decoder->size);
	else
		err = error_create(ERROR_FORMAT, NULL, 0, 0, "is empty");
	if (err) {
		decoder_deinit(decoder);
		return err;
	}

	sample = decoder->size < 8 * SAMPLE_BYTES ? decoder->size : 8 * SAMPLE_BYTES;
	decoder->quoted_printable = looks_quoted_printable(decoder->data, sample);
	decoder->html = looks_html(decoder->data, sample);
	decoder->json = looks_json(decoder->data, sample);
	decoder->cr_ends_lines = !memchr(decoder->data, '\n', decoder->size) &&
				 memchr(decoder->data, '\r', decoder->size);
	return NULL;
}

void decoder_deinit(struct decoder *decoder)
{
	free(decoder->converted);
	free(decoder->scratch);
	free(decoder->columns);
	*decoder = (struct decoder){ 0 };
}

void decoder_rewind(struct decoder *decoder)
{
	decoder->pos = 0;
	decoder->line = 0;
}

/* ---- Line by line ---- */

/* Length of the terminal's escape sequence at @p, which starts with ESC. */
static size_t escape_len(const char *p, size_t size)
{
	size_t i = 2;

	if (size < 2)
		return size;
	switch (p[1]) {
	case '[':
		while (i < size && p[i] >= 0x20 && p[i] <= 0x3f)
			i++;
		/* Broken: it is only clear that ESC does not belong here. */
		if (i == size || p[i] < 0x40 || p[i] > 0x7e)
			return 1;
		return i + 1;
	case ']':
	case 'P':
	case '_':
	case '^':
	case 'X':
		for (; i < size && i < TAG_BYTES_MAX; i++) {
			if (p[i] == '\a')
				return i + 1;
			if (p[i] == 0x1b && i + 1 < size && p[i + 1] == '\\')
				return i + 2;
		}
		return 1;
	case '(':
	case ')':
	case '*':
	case '+':
	case '#':
	case '%':
	case ' ':
		return size < 3 ? size : 3;
	default:
		return p[1] >= 0x30 && p[1] <= 0x7e ? 2 : 1;
	}
}

/*
 * The entity or tag at @p becomes at most one byte, stored in *@byte_ret (0: none).  Returns how
 * many bytes it has; 0: it is neither.
 */
static size_t html_len(const char *p, size_t size, char *byte_ret)
{
	static const struct {
		const char *name;
		size_t len;
		char byte;
	} entities[] = {
		{ "&lt;", 4, '<' },   { "&gt;", 4, '>' },    { "&amp;", 5, '&' },
		{ "&quot;", 6, '"' }, { "&apos;", 6, '\'' }, { "&nbsp;", 6, ' ' },
	};
	size_t i;

	if (p[0] == '<') {
		if (size < 2 || !((p[1] >= 'a' && p[1] <= 'z') || (p[1] >= 'A' && p[1] <= 'Z') ||
				  p[1] == '/' || p[1] == '!'))
			return 0;
		*byte_ret = 0;
		for (i = 2; i < size && i < TAG_BYTES_MAX; i++)
			if (p[i] == '>')
				return i + 1;
		return 0;
	}
	for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		if (size >= entities[i].len && !memcmp(p, entities[i].name, entities[i].len)) {
			*byte_ret = entities[i].byte;
			return entities[i].len;
		}
	}
	if (size >= 4 && p[1] == '#') {
		unsigned int value = 0;

		for (i = 2; i < size && i < 6 && p[i] >= '0' && p[i] <= '9'; i++)
			value = value * 10 + (unsigned int)(p[i] - '0');
		if (i > 2 && i < size && p[i] == ';' && value >= 0x20 && value < 0x7f) {
			*byte_ret = (char)value;
			return i + 1;
		}
	}
	return 0;
}

static bool needs_cleaning(const struct decoder *decoder, const char *p, size_t len)
{
	size_t i;

	for (i = scan_plain_len(p, len); i < len; i += 1 + scan_plain_len(p + i + 1, len - i - 1)) {
		uint8_t c = (uint8_t)p[i];

		if (classify(c) == BYTE_CONTROL)
			return true;
		if (c == 0xc2 && i + 1 < len && (uint8_t)p[i + 1] == 0xa0)
			return true;
	}
	if (decoder->html && (memchr(p, '&', len) || memchr(p, '<', len)))
		return true;
	return decoder->json || (decoder->quoted_printable && memchr(p, '=', len));
}

/* A source line as far as it is in the decoder's scratch. */
struct copy {
	char *text;
	uint32_t *columns;
	size_t len;
	size_t max;
	bool cut;
};

static uint32_t column_number(size_t column)
{
	return column < UINT32_MAX ? (uint32_t)column : UINT32_MAX;
}

static void put(struct copy *to, char c, size_t column)
{
	if (to->len == to->max) {
		to->cut = true;
		return;
	}
	to->text[to->len] = c;
	to->columns[to->len++] = column_number(column);
}

/*
 * Appends a raw line, decoded if it is quoted-printable.  @column: where all of it is said to
 * stand, for a line that continues another; 0: each byte where it stands.
 */
static void copy_line(const struct decoder *decoder, const char *p, size_t len, size_t column,
		      struct copy *to)
{
	size_t i = 0, n;

	if (!decoder->quoted_printable) {
		n = len < to->max - to->len ? len : to->max - to->len;
		memcpy(to->text + to->len, p, n);
		for (; i < n; i++)
			to->columns[to->len + i] = column_number(column ? column : i + 1);
		to->len += n;
		to->cut |= n < len;
		return;
	}
	while (i < len && !to->cut) {
		char c = p[i];

		n = 1;
		if (decoder->quoted_printable && c == '=' && len - i >= 3 &&
		    hex_digit(p[i + 1]) >= 0 && hex_digit(p[i + 2]) >= 0) {
			c = (char)(hex_digit(p[i + 1]) * 16 + hex_digit(p[i + 2]));
			n = 3;
			/* Lines that were encoded along with their ends. */
			if (c == '\n')
				c = '\r';
		}
		put(to, c, column ? column : i + 1);
		i += n;
	}
}

/* A backspace takes the character before it away, as a terminal does; not beyond a return. */
static void rub_out(struct copy *to)
{
	while (to->len && ((uint8_t)to->text[to->len - 1] & 0xc0) == 0x80)
		to->len--;
	if (to->len && to->text[to->len - 1] != '\r')
		to->len--;
}

/* Leaves of the copy the message alone, with its escapes undone. */
static void take_json_message(struct copy *copy)
{
	const char *p, *end;
	bool found = json_message(copy->text, copy->text + copy->len, &p, &end);

	copy->len = 0;
	if (!found)
		return;
	if (end[-1] == '"')
		end--;
	for (p++; p < end; p++) {
		uint32_t column = copy->columns[p - copy->text];
		char c = *p;

		if (c == '\\' && p + 1 < end) {
			static const char letters[] = "nrtbf", bytes[] = "\r\r\t\b ";
			const char *at = strchr(letters, *++p);

			/* A line feed ends a message, as a carriage return does inside a line. */
			c = at && *at ? bytes[at - letters] : *p;
			if (*p == 'u' && end - p > 4) {
				unsigned int value = 0;

				for (int i = 1; i <= 4; i++) {
					int digit =
						hex_digit((char)(p[i] & ~(p[i] >= 'a' ? 0x20 : 0)));

					value = value * 16 + (unsigned int)(digit < 0 ? 0 : digit);
				}
				p += 4;
				c = value < 0x80 ? (char)value : '?';
			}
		}
		put(copy, c, column);
	}
}

/* Cleans the copy in its place: it only becomes shorter. */
static void clean(const struct decoder *decoder, struct copy *copy)
{
	const char *p = copy->text;
	size_t len = copy->len, i = 0, n;

	copy->len = 0;
	while (i < len) {
		uint32_t column;
		char c;

		/* Entities and tags begin with printable characters. */
		n = decoder->html ? 0 : scan_plain_len(p + i, len - i);
		if (n) {
			memmove(copy->text + copy->len, p + i, n);
			memmove(copy->columns + copy->len, copy->columns + i,
				n * sizeof(*copy->columns));
			copy->len += n;
			i += n;
			continue;
		}
		c = p[i];
		column = copy->columns[i];
		n = 1;
		if (decoder->html && (c == '&' || c == '<')) {
			n = html_len(p + i, len - i, &c);
			if (!n) {
				c = p[i];
				n = 1;
			}
		} else if (c == 0x1b) {
			n = escape_len(p + i, len - i);
			c = 0;
		} else if ((uint8_t)c == 0xc2 && i + 1 < len && (uint8_t)p[i + 1] == 0xa0) {
			/* The no-break space: mail programs put it where two blanks were. */
			c = ' ';
			n = 2;
		}

		if (c == '\b')
			rub_out(copy);
		else if (c == '\r' || classify((uint8_t)c) != BYTE_CONTROL)
			put(copy, c, column);
		i += n;
	}
}

static bool grow_scratch(struct decoder *decoder, size_t size)
{
	char *scratch;
	uint32_t *columns;

	if (size <= decoder->scratch_size)
		return true;
	if (size < 4096)
		size = 4096;
	size *= 2;
	if (size > SCRATCH_BYTES_MAX)
		size = SCRATCH_BYTES_MAX;
	scratch = realloc(decoder->scratch, size);
	if (scratch)
		decoder->scratch = scratch;
	columns = realloc(decoder->columns, size * sizeof(*columns));
	if (columns)
		decoder->columns = columns;
	if (!scratch || !columns)
		return false;
	decoder->scratch_size = size;
	return true;
}

/* The next raw line without its end. */
static bool raw_line(struct decoder *decoder, const char **line_ret, size_t *len_ret)
{
	const char *p = (const char *)decoder->data + decoder->pos, *end;
	size_t rest = decoder->size - decoder->pos, len;

	if (!rest)
		return false;
	end = memchr(p, decoder->cr_ends_lines ? '\r' : '\n', rest);
	len = end ? (size_t)(end - p) : rest;
	decoder->pos += len + (end != NULL);
	decoder->line++;
	while (len && p[len - 1] == '\r')
		len--;
	*line_ret = p;
	*len_ret = len;
	return true;
}

/* In quoted-printable, "=" at the end of a line says that it goes on; blanks after it are lost. */
static bool soft_break(const struct decoder *decoder, const char *p, size_t *len)
{
	size_t n = *len;

	if (!decoder->quoted_printable)
		return false;
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (!n || p[n - 1] != '=')
		return false;
	*len = n - 1;
	return true;
}

bool decoder_next(struct decoder *decoder, struct source_line *ret, struct error **err_ret)
{
	struct copy copy = { 0 };
	size_t len, column = 0;
	const char *p;
	bool more;

	if (!raw_line(decoder, &p, &len))
		return false;
	*ret = (struct source_line){ .line = decoder->line, .span = 1 };
	if (!needs_cleaning(decoder, p, len)) {
		ret->text = p;
		ret->len = len;
		return true;
	}
	do {
		size_t want;

		more = soft_break(decoder, p, &len);
		want = len < SCRATCH_BYTES_MAX - copy.len ? copy.len + len : SCRATCH_BYTES_MAX;
		if (!grow_scratch(decoder, want)) {
			*err_ret = error_no_memory();
			return false;
		}
		copy.text = decoder->scratch;
		copy.columns = decoder->columns;
		copy.max = decoder->scratch_size;
		copy_line(decoder, p, len, column, &copy);
		/* What follows stands where the first line breaks. */
		if (!column)
			column = len + 1;
	} while (more && raw_line(decoder, &p, &len) && ++ret->span);
	if (decoder->json)
		take_json_message(&copy);
	clean(decoder, &copy);
	while (copy.len && copy.text[copy.len - 1] == '\r')
		copy.len--;
	ret->text = copy.len ? copy.text : p;
	ret->len = copy.len;
	ret->columns = copy.len ? copy.columns : NULL;
	ret->cut = copy.cut;
	return true;
}
