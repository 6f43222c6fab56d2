/* SPDX-License-Identifier: MIT */
/*
 * Log text: see text.h.
 *
 * 1. decode.h turns the bytes into source lines of plain text.
 * 2. A first pass over a sample of lines finds out what they have in common (struct prefix_shape,
 *    struct wrap): what most lines have can be told from what one message happens to say.
 * 3. A second pass takes each line apart: prefix.h separates what stands before the message; a
 *    carriage return or a second stamp in the middle makes two messages of one line; a line without
 *    prefix may belong to the one before it.
 * 4. Each message is noted in its boot; what came before the kernel, found out only when the kernel
 *    speaks, is taken out again.
 *
 * Shapes known, each with or without the ones before it, quoted in a mail or not:
 *
 *	[    0.000000] MESSAGE				dmesg, serial console
 *	[    0.000000][    T0] MESSAGE			CONFIG_PRINTK_CALLER; a blank between is fine
 *	<6>[    0.000000] MESSAGE, <6>MESSAGE, <30>	dmesg -r
 *	kern  :info  : [    0.000000] MESSAGE		dmesg -x
 *	[Sat Nov 21 03:37:00 2026] MESSAGE		dmesg -T, translated days and months too
 *	[Nov21 03:37] MESSAGE, [  +0.000001] MESSAGE	dmesg -H, -e, -d
 *	2026-11-21T03:37:00,000000+00:00 MESSAGE	dmesg --time-format iso
 *	6,339,5140900,-;MESSAGE				/dev/kmsg
 *	Nov 21 03:37:00 host kernel: MESSAGE		journalctl -k, syslog; kernel[0]: too
 *	2026-11-21T03:37:00+0000 host kernel: MESSAGE	-o short-iso, rsyslog; -precise, -unix, -full
 *	[    0.000000] host kernel: MESSAGE		-o short-monotonic
 *	Sat Nov 21 03:37:00 2026 kern.info kernel: M.	logread
 *	10:00:00.123 MESSAGE, [2021-01-01 10:00:00] M.	terminal programs
 *	> MESSAGE, > > MESSAGE, | MESSAGE		mail
 *	{"log":"MESSAGE\n", ...}, {"MESSAGE":"MESSAGE"}	docker, journalctl -o json, dmesg --json, jsonl
 *	guest  | M., DATE stdout F M., {a="b"} M.	containers; or any words before the stamp in most lines
 *	[    0.000000@0], (0)[0:swapper], c0, ...	vendors' kernels: see prefix.c
 *
 * Joining what a mail program wrapped is guarded, because a wrong join hides a line:
 *   a line that is unmistakably unfinished (see is_unfinished()) takes the next one that has no
 *     prefix and follows directly;
 *   in a file that is clearly wrapped (see struct wrap), any line with a prefix takes the next one
 *     without, if that one's first word had no room on it;
 *   in a file that was broken behind blanks (see struct soft_fold), any line that ends in one takes the
 *     next one without prefix, if that one's first word had no room on it;
 *   in a file that a terminal broke at its last column (see struct fold), any full line with a
 *     prefix takes the next one without.
 */
#include "traces/dmesg/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "traces/dmesg/decode.h"
#include "traces/dmesg/prefix.h"
#include "traces/scan.h"

/* Source lines looked at in the first pass. */
#define SAMPLE_LINES 32768
/* Mail programs wrap at one of these widths, most of them not above the usual. */
#define WRAP_COLUMNS_MIN 40
#define WRAP_COLUMNS_NARROW 64
#define WRAP_COLUMNS_USUAL 80
#define WRAP_COLUMNS_MAX 120
#define WRAP_BUCKETS 128
/* The width is made smaller by so much at the most to be that of more lines. */
#define WRAP_SLACK 3
/* Terminals have one of these widths. */
#define FOLD_COLUMNS_MIN 40
#define FOLD_COLUMNS_MAX 255
/* Source lines one message was wrapped to at the most. */
#define JOINED_SPAN_MAX 12
/* Messages an architecture prints before its banner at the most. */
#define PREAMBLE_LINES_MAX 64
/* So many stamps below the one before make a boot of it. */
#define RESET_LINES 8
#define NS_PER_SEC 1000000000ULL

/*
 * Was the file wrapped?  If so, there is a width that each line before one without prefix would have
 * exceeded with one more word, and no line is longer.  (Where it is below WRAP_COLUMNS_USUAL, lines
 * between are often left whole, but not below WRAP_COLUMNS_NARROW.)  Lengths are in columns, without quotes; the last bucket holds
 * what is longer.
 */
struct wrap {
	/* Lines with prefix, by length. */
	size_t lines[WRAP_BUCKETS];
	/* Lines without prefix behind one with, by what the first word would have made of that. */
	size_t pairs[WRAP_BUCKETS];
	/* The width; 0: not wrapped. */
	size_t width;
};

/*
 * Was the file broken in the middle of words, as a terminal does?  If so, no line is longer than some
 * width, and nearly all lines before one without prefix are that long; or shorter by one, if there was
 * a blank that was lost.  Lines that are much alike look so when a mail program wrapped them, too, but
 * that leaves no blank at the start of a line.  Lengths are with quotes; the last bucket holds what is
 * longer.
 */
struct fold {
	/* Lines, with prefix or without, by length. */
	size_t lines[FOLD_COLUMNS_MAX + 2];
	/* Those of them with prefix that stand before one without. */
	size_t broken[FOLD_COLUMNS_MAX + 2];
	/* Lines that begin with a blank behind those. */
	size_t blanks;
	/* The width; 0: not broken. */
	size_t width;
};

/*
 * Was the file broken behind blanks, and were they kept, as "fold -s" does?  If so, no line is longer than
 * the width, and what follows a line that ends in a blank begins with a word for which there was no room:
 * two signs at once, so that lines without any prefix can be joined too.
 */
struct soft_fold {
	size_t longest;
	/* Lines that were broken. */
	size_t broken;
	/* Lines without prefix behind one that ends in a blank, by what the first word makes of that. */
	size_t pairs[FOLD_COLUMNS_MAX + 2];
	/* The width; 0: not broken like this. */
	size_t width;
};

/* A terminal counts columns; other programs count a tab as one. */
enum { FOLD_BY_COLUMNS, FOLD_BY_BYTES, FOLD_KINDS };

struct builder {
	struct log_text *text;
	size_t lines_size;
	size_t boots_size;
	size_t arena_len;
	size_t arena_size;
	struct prefix_shape shape;
	struct wrap wrap;
	struct fold folds[FOLD_KINDS];
	/* Which of them the file was; NULL: neither. */
	const struct fold *fold;
	struct soft_fold soft_folds[FOLD_KINDS];
	/* Likewise. */
	const struct soft_fold *soft_fold;
	/* The kernel has spoken. */
	bool started;
	/* A line that only a boot loader prints was seen before that. */
	bool firmware_seen;
	/* "Linux version" was seen in the current boot, and not only "Booting Linux". */
	bool version_seen;
	/* The next message starts a boot: the journal says so. */
	bool boot_announced;
	uint64_t last_time_ns;
	/*
	 * The stamps fell to zero at log line @reset_at from @reset_from_ns (0: they did not), where
	 * a boot without banner may begin.
	 */
	size_t reset_at;
	uint64_t reset_from_ns;
	/*
	 * What the last message came from: last source line, columns of that without quotes and
	 * blanks at its end, quoted or not.  Line 0: nothing may be joined to it.
	 */
	uint32_t tail_line;
	size_t tail_len;
	bool tail_quoted;
	/* Its length as it stands there, as @fold and @soft_fold count; whether it ends in a blank. */
	size_t tail_full_len;
	size_t tail_soft_len;
	bool tail_blank;
	/* Its prefix, if it was a record of /dev/kmsg: a wrapped one may have several lines. */
	struct prefix tail_record;
};

/* Where a message comes from. */
struct origin {
	const struct source_line *source;
	/* Offset in the source line. */
	size_t offset;
	const struct prefix *prefix;
	uint8_t flags;
	uint32_t span;
};

static bool starts_with(const char *text, size_t len, const char *start)
{
	size_t n;

	if (!len || *text != *start)
		return false;
	n = strlen(start);
	return len >= n && !memcmp(text, start, n);
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && !memcmp(text + len - n, end, n);
}

/* Messages are short: their text in the arena ends in NUL. */
static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t trimmed_len(const char *text, size_t len)
{
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return len;
}

/* How wide @text is on a terminal: a tab leads to the next multiple of eight. */
static size_t columns_of(const char *text, size_t len)
{
	size_t i = scan_plain_len(text, len), columns = i;

	for (; i < len; i++) {
		if (text[i] == '\t')
			columns |= 7;
		/* What follows in a character of several bytes takes no place. */
		columns += ((uint8_t)text[i] & 0xc0) != 0x80;
	}
	return columns;
}

static size_t fold_len(int kind, const char *text, size_t len)
{
	return kind == FOLD_BY_COLUMNS ? columns_of(text, len) : len;
}

static size_t first_word(const char *text, size_t len, size_t *len_ret)
{
	size_t start = 0, end;

	while (start < len && (text[start] == ' ' || text[start] == '\t'))
		start++;
	for (end = start; end < len && text[end] != ' ' && text[end] != '\t'; end++)
		;
	*len_ret = end - start;
	return start;
}

/* Columns that have to be free for the first word of @source to stand on the line before: its blank too. */
static size_t room_wanted(const struct source_line *source)
{
	size_t word_len, start = first_word(source->text, source->len, &word_len);

	return start + word_len + (start + word_len < source->len);
}

/* Makes room for one more element. */
static bool grow(void **array, size_t *size, size_t used, size_t element_size)
{
	size_t new_size = *size ? *size * 2 : 256;
	void *new_array;

	if (used < *size)
		return true;
	new_array = realloc(*array, new_size * element_size);
	if (!new_array)
		return false;
	*array = new_array;
	*size = new_size;
	return true;
}

/* ---- First pass ---- */

/* Three wrapped lines at least, with few that contradict; the largest such width joins least. */
static void wrap_finish(struct wrap *wrap)
{
	size_t width, too_long = 0, wrapped = 0, others = 0, i;

	for (i = 0; i < WRAP_BUCKETS; i++) {
		too_long += i > WRAP_COLUMNS_MAX ? wrap->lines[i] : 0;
		wrapped += i > WRAP_COLUMNS_MAX ? wrap->pairs[i] : 0;
		others += i > WRAP_COLUMNS_MAX ? 0 : wrap->pairs[i];
	}
	for (width = WRAP_COLUMNS_MAX; width >= WRAP_COLUMNS_MIN; width--) {
		if (wrapped >= 3 && others * 10 <= wrapped && too_long * 5 <= wrapped) {
			wrap->width = width;
			break;
		}
		wrapped += wrap->pairs[width];
		others -= wrap->pairs[width];
		/* Only a wide line is left whole by some programs. */
		if (width > WRAP_COLUMNS_USUAL || width < WRAP_COLUMNS_NARROW)
			too_long += wrap->lines[width];
		for (i = WRAP_COLUMNS_NARROW;
		     width == WRAP_COLUMNS_NARROW && i <= WRAP_COLUMNS_USUAL; i++)
			too_long += wrap->lines[i];
	}
	if (!wrap->width)
		return;
	/* Long words hide it: it is not more than the longest line. */
	for (; width > WRAP_COLUMNS_MIN && !wrap->lines[width]; width--)
		others -= wrap->pairs[width];
	wrap->width = width;
	/* Programs differ in whether the last column is used, and a blank at the end counted. */
	for (i = 1; others && i <= WRAP_SLACK; i++) {
		others -= wrap->pairs[width - i + 1];
		if (wrap->pairs[width - i + 1])
			wrap->width = width - i;
	}
}

/* Three broken lines at least; a line as long as the screen that is whole is an exception. */
static void fold_finish(struct fold *fold)
{
	size_t width = FOLD_COLUMNS_MAX + 1, full, all = 0, i;

	while (width && !fold->lines[width])
		width--;
	if (width < FOLD_COLUMNS_MIN || width > FOLD_COLUMNS_MAX)
		return;
	for (i = 0; i <= width; i++)
		all += fold->broken[i];
	full = fold->broken[width] + fold->broken[width - 1];
	if (fold->broken[width] >= 3 && fold->blanks && (all - full) * 10 <= full)
		fold->width = width;
}

/* Three of them at least; a line of its own may end in a blank as well. */
static void soft_fold_finish(struct soft_fold *fold)
{
	size_t others = 0;

	if (fold->longest < FOLD_COLUMNS_MIN || fold->longest > FOLD_COLUMNS_MAX)
		return;
	for (size_t i = 0; i < FOLD_COLUMNS_MAX + 2; i++)
		*(i > fold->longest ? &fold->broken : &others) += fold->pairs[i];
	if (fold->broken >= 3 && others * 4 <= fold->broken)
		fold->width = fold->longest;
}

static void count_length(size_t *buckets, size_t count, size_t len)
{
	buckets[len < count ? len : count - 1]++;
}

static struct error *take_census(struct builder *b, struct decoder *decoder)
{
	const struct prefix_shape permissive = { .permissive = true };
	struct prefix_census census = { 0 };
	struct source_line source;
	struct error *err = NULL;
	/* Length of the line before if it has a prefix, or else 0; as counted by wrap and by fold. */
	size_t before = 0, before_full[FOLD_KINDS], full[FOLD_KINDS];
	/* The same of the line before if it ends in a blank. */
	size_t before_blank[FOLD_KINDS] = { 0 }, before_line = 0;

	while (decoder->line < SAMPLE_LINES && decoder_next(decoder, &source, &err)) {
		size_t len = trimmed_len(source.text, source.len), word_len, columns;
		struct prefix prefix;

		if (!len || source.line != before_line + 1)
			memset(before_blank, 0, sizeof(before_blank));
		before_line = source.line + source.span - 1;
		if (!len) {
			before = 0;
			continue;
		}
		for (int k = 0; k < FOLD_KINDS; k++) {
			full[k] = fold_len(k, source.text, source.len);
			count_length(b->folds[k].lines, FOLD_COLUMNS_MAX + 2, full[k]);
		}
		prefix_parse(source.text, source.len, &permissive, &prefix);
		prefix_census_add(&census, &prefix);
		for (int k = 0; k < FOLD_KINDS; k++) {
			struct soft_fold *fold = &b->soft_folds[k];

			if (full[k] > fold->longest)
				fold->longest = full[k];
			if (before_blank[k] && !(prefix.parts & PREFIX_STRONG))
				count_length(fold->pairs, FOLD_COLUMNS_MAX + 2,
					     before_blank[k] + room_wanted(&source));
			before_blank[k] = len < source.len ? full[k] : 0;
		}
		len = len > prefix.quote_len ? len - prefix.quote_len : 0;
		if (prefix.parts & PREFIX_STRONG) {
			columns = columns_of(source.text + prefix.quote_len, len);
			count_length(b->wrap.lines, WRAP_BUCKETS, columns);
			before = columns;
			memcpy(before_full, full, sizeof(full));
			continue;
		}
		if (before && len) {
			first_word(source.text + prefix.quote_len, len, &word_len);
			count_length(b->wrap.pairs, WRAP_BUCKETS, before + 1 + word_len);
			for (int k = 0; k < FOLD_KINDS; k++) {
				count_length(b->folds[k].broken, FOLD_COLUMNS_MAX + 2,
					     before_full[k]);
				b->folds[k].blanks += *source.text == ' ';
			}
		}
		before = 0;
	}
	decoder_rewind(decoder);
	prefix_shape_init(&b->shape, &census);
	wrap_finish(&b->wrap);
	for (int k = FOLD_KINDS - 1; k >= 0; k--) {
		fold_finish(&b->folds[k]);
		if (b->folds[k].width)
			b->fold = &b->folds[k];
		soft_fold_finish(&b->soft_folds[k]);
		if (b->soft_folds[k].width &&
		    (!b->soft_fold || b->soft_folds[k].broken >= b->soft_fold->broken))
			b->soft_fold = &b->soft_folds[k];
	}
	return err;
}

/* ---- Boots ---- */

static struct log_boot *current_boot(const struct builder *b)
{
	return &b->text->boots[b->text->nboots - 1];
}

static struct error *open_boot(struct builder *b, size_t first)
{
	struct log_text *text = b->text;

	/* A boot of no lines is none. */
	if (text->nboots && current_boot(b)->first == first)
		return NULL;
	if (!grow((void **)&text->boots, &b->boots_size, text->nboots, sizeof(*text->boots)))
		return error_no_memory();
	text->boots[text->nboots++] = (struct log_boot){ .first = first, .banner = SIZE_MAX };
	b->version_seen = false;
	b->last_time_ns = 0;
	return NULL;
}

/* Takes lines [@from, @to) out: they were not the kernel's. */
static void drop_lines(struct builder *b, size_t from, size_t to)
{
	struct log_text *text = b->text;
	size_t i = to, span = 0;

	if (from == to)
		return;
	/* A source line whose rest stays is kept as a whole. */
	if (to < text->nlines && !text->lines[to].span) {
		while (i > from && !text->lines[i - 1].span)
			i--;
		if (i > from) {
			text->lines[to].span = text->lines[i - 1].span;
			text->lines[to].flags |= text->lines[i - 1].flags & LOG_LINE_JOINED;
			text->lines[i - 1].span = 0;
		}
	}
	for (i = from; i < to; i++)
		span += text->lines[i].span;
	text->counts.firmware_lines += span;
	memmove(text->lines + from, text->lines + to, (text->nlines - to) * sizeof(*text->lines));
	text->nlines -= to - from;
}

static bool is_version_banner(const struct log_line *line)
{
	return starts_with(line->text, line->len, "Linux version ") && line->len > 14 &&
	       is_digit(line->text[14]);
}

static bool is_banner(const struct log_line *line)
{
	return is_version_banner(line) ||
	       starts_with(line->text, line->len, "Booting Linux on physical CPU ");
}

/* A line without prefix that only firmware or a boot loader prints. */
static bool is_firmware(const struct log_line *line)
{
	static const char *const words[] = {
		"U-Boot",     "BIOS",	    "GRUB",	  "coreboot",	     "barebox",
		"RedBoot",    "iPXE",	    "EFI stub",	  "Starting kernel", "Uncompressing ",
		"Decompress", "Bootloader", "bootloader", "DRAM:",	     "Hit any key",
		"ntry ",      "OpenSBI",    "PuTTY log",  "CFE version",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (has(line->text, words[i]))
			return true;
	return false;
}

/*
 * Opens a boot whose first line is @index, and takes out what firmware printed before it.  Returns
 * by how many lines it moved.
 */
static struct error *open_boot_after_firmware(struct builder *b, size_t index, size_t lowest,
					      size_t *moved_ret)
{
	const struct log_line *lines = b->text->lines;
	size_t first = index;

	if (b->shape.strong)
		while (first > lowest && !(lines[first - 1].flags & LOG_LINE_PREFIXED))
			first--;
	drop_lines(b, first, index);
	*moved_ret = index - first;
	return open_boot(b, first);
}

static struct error *note_banner(struct builder *b, size_t index)
{
	struct log_text *text = b->text;
	const struct log_line *line = &text->lines[index];
	bool version = is_version_banner(line);
	struct log_boot *boot = current_boot(b);
	size_t lowest = boot->banner == SIZE_MAX ? boot->first : boot->banner + 1;
	size_t head = index, moved;
	struct error *err;

	/* "Booting Linux on physical CPU", then "Linux version". */
	if (boot->banner != SIZE_MAX && version && !b->version_seen &&
	    index - boot->banner <= PREAMBLE_LINES_MAX) {
		b->version_seen = true;
		return NULL;
	}

	/* What was printed before the banner, all at about the time 0. */
	if (line->has_time)
		while (head > lowest && text->lines[head - 1].has_time &&
		       text->lines[head - 1].time_ns <= line->time_ns)
			head--;
	if (boot->banner == SIZE_MAX &&
	    (head == boot->first ||
	     (!line->has_time && index - boot->first <= PREAMBLE_LINES_MAX))) {
		boot->banner = index;
		b->version_seen = version;
		return NULL;
	}

	err = open_boot_after_firmware(b, head, lowest, &moved);
	if (err)
		return err;
	current_boot(b)->banner = index - moved;
	b->version_seen = version;
	return NULL;
}

/*
 * A boot without banner begins where the stamps fall to zero, and stay below what they were.  They
 * rise again at once if only the clock of another CPU was not set yet:
 *	[    2.310000] x86: Booting SMP configuration:
 *	[    0.000000] masked ExtINT on CPU#1
 *	[    2.320000] x86: Booted up 1 node, 2 CPUs
 */
static struct error *note_time(struct builder *b, size_t index)
{
	const struct log_line *line = &b->text->lines[index];
	size_t moved;

	if (!line->has_time)
		return NULL;
	if (!b->reset_from_ns) {
		if (!line->time_ns && b->last_time_ns >= NS_PER_SEC) {
			b->reset_at = index;
			b->reset_from_ns = b->last_time_ns;
		}
		return NULL;
	}
	if (line->time_ns < b->reset_from_ns &&
	    (!line->time_ns || index - b->reset_at < RESET_LINES))
		return NULL;
	if (line->time_ns >= b->reset_from_ns) {
		b->reset_from_ns = 0;
		return NULL;
	}
	b->reset_from_ns = 0;
	return open_boot_after_firmware(b, b->reset_at, current_boot(b)->first + 1, &moved);
}

/* The last line is new: which boot is it of? */
static struct error *note_line(struct builder *b)
{
	struct log_text *text = b->text;
	size_t index = text->nlines - 1;
	const struct log_line *line = &text->lines[index];
	bool prefixed = line->flags & LOG_LINE_PREFIXED;
	bool banner = is_banner(line);
	struct error *err;

	/* "cat /proc/version" at the console of a running kernel is no boot. */
	if (banner && !prefixed && b->started && b->shape.strong)
		banner = false;

	if (!b->started) {
		if (banner || (prefixed && b->shape.strong)) {
			b->started = true;
			if (prefixed || b->firmware_seen) {
				drop_lines(b, 0, index);
				index = 0;
			}
		} else if (!b->firmware_seen) {
			b->firmware_seen = is_firmware(line);
		}
	}
	if (!text->nboots || b->boot_announced) {
		err = open_boot(b, text->nboots ? index : 0);
		if (err)
			return err;
		b->boot_announced = false;
	}
	if (banner) {
		b->reset_from_ns = 0;
		err = note_banner(b, index);
	} else {
		err = note_time(b, index);
	}
	if (err)
		return err;
	line = &text->lines[text->nlines - 1];
	if (line->has_time)
		b->last_time_ns = line->time_ns;
	return NULL;
}

/* ---- Second pass ---- */

/* Adds one message. */
static struct error *add_line(struct builder *b, const char *message, size_t len,
			      const struct origin *from)
{
	struct log_text *text = b->text;
	const struct prefix *prefix = from->prefix;
	char *out = text->arena + b->arena_len;
	uint8_t flags = from->flags;

	if (text->nlines == LOG_TEXT_LINES_MAX)
		return error_create(ERROR_LIMIT, NULL, from->source->line, 0,
				    "has more than %zu lines of kernel messages, the limit",
				    LOG_TEXT_LINES_MAX);
	if (!grow((void **)&text->lines, &b->lines_size, text->nlines, sizeof(*text->lines)))
		return error_no_memory();

	if (len > LOG_LINE_BYTES_MAX) {
		len = LOG_LINE_BYTES_MAX;
		flags |= LOG_LINE_CUT;
	}
	if (prefix->parts & PREFIX_STRONG)
		flags |= LOG_LINE_PREFIXED;
	if (from->span > 1)
		flags |= LOG_LINE_JOINED;
	assert(b->arena_len + len + 1 <= b->arena_size);
	memcpy(out, message, len);
	out[len] = '\0';
	b->arena_len += len + 1;
	text->lines[text->nlines++] = (struct log_line){
		.text = out,
		.len = (uint32_t)len,
		.line = from->source->line,
		.column = source_line_column(from->source, from->offset),
		.span = from->span,
		.level = prefix->level,
		.facility = prefix->facility,
		.flags = flags,
		.caller_kind = prefix->caller_kind,
		.caller = prefix->caller,
		.has_time = prefix->has_time,
		.time_ns = prefix->time_ns,
	};
	return note_line(b);
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/*
 * Adds the message of a /dev/kmsg record, in which "\x0a" is a line feed and so on.  It becomes a
 * log line for each of its lines, as dmesg prints it.
 */
static struct error *add_record(struct builder *b, const char *message, size_t len,
				struct origin *from)
{
	/* The current line starts at @start of the message and at @first of the source line. */
	size_t i, n = 0, start = 0, first = from->offset;
	struct error *err;
	char *plain;

	if (len > LOG_LINE_BYTES_MAX)
		return add_line(b, message, len, from);
	plain = malloc(len + 1);
	if (!plain)
		return error_no_memory();
	for (i = 0; i <= len; i++) {
		int high = -1, low = -1, c = -1;

		if (len - i >= 4 && message[i] == '\\' && message[i + 1] == 'x') {
			high = hex_value(message[i + 2]);
			low = hex_value(message[i + 3]);
		}
		if (high >= 0 && low >= 0) {
			c = high << 4 | low;
			i += 3;
		} else if (i < len) {
			c = (uint8_t)message[i];
		}
		if (c == '\n' || i == len) {
			from->offset = first + start;
			err = add_line(b, plain, n, from);
			if (err) {
				free(plain);
				return err;
			}
			n = 0;
			start = i + 1;
			from->flags |= LOG_LINE_SPLIT;
			from->span = 0;
		} else if (c == '\t' || (c >= 0x20 && c != 0x7f)) {
			plain[n++] = (char)c;
		}
	}
	free(plain);
	return NULL;
}

/* The next escaped line feed of a record. */
static const char *find_feed(const char *message, size_t len)
{
	const char *p = message, *end = message + len;

	while (end - p >= 4 && (p = memchr(p, '\\', (size_t)(end - p - 3)))) {
		if (!memcmp(p, "\\x0a", 4))
			return p;
		p++;
	}
	return NULL;
}

/* How many of @open are not closed by @close. */
static long unclosed(const char *text, size_t len, char open, char close)
{
	long depth = 0;
	size_t i;

	for (i = 0; i < len; i++)
		depth += (text[i] == open) - (text[i] == close);
	return depth;
}

/* 21:51:17 at the end: the year is missing. */
static bool ends_with_clock(const char *text, size_t len)
{
	static const char shape[] = "00:00:00";
	size_t i;

	if (len < 8)
		return false;
	for (i = 0; i < 8; i++) {
		char c = text[len - 8 + i];

		if (shape[i] == ':' ? c != ':' : !is_digit(c))
			return false;
	}
	return true;
}

/*
 * Is this message one that a kernel never ends here?  Only messages are listed whose missing part
 * would hurt.  *@close_ret: the character that the missing part has to have; 0: none.
 */
static bool is_unfinished(const char *text, size_t len, char *close_ret)
{
	const char *p;

	*close_ret = 0;
	len = trimmed_len(text, len);
	if (!len)
		return false;
	/* [mem 0x0000000000000000-0x0000000007ffffff], in many messages */
	for (p = text; (p = memchr(p, '[', len - (size_t)(p - text))); p++) {
		if (starts_with(p, len - (size_t)(p - text), "[mem") && !strchr(p, ']')) {
			*close_ret = ']';
			return true;
		}
	}
	switch (text[0]) {
	case 'L':
		/* Linux version R (USER@HOST) (COMPILER) #N ... Sun Dec 14 21:51:17 2025 */
		if (!starts_with(text, len, "Linux version "))
			return false;
		*close_ret = ends_with_clock(text, len) ? '2' : ')';
		return !has(text, " #") || ends_with_clock(text, len);
	case 'M':
		/* Memory: 940708K/1048576K available (6144K kernel code, ...) */
		*close_ret = ')';
		return starts_with(text, len, "Memory: ") &&
		       (unclosed(text, len, '(', ')') > 0 || ends_with(text, len, "available"));
	case 'B':
		/* BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable */
		if (starts_with(text, len, "BIOS-e820: "))
			return text[len - 1] == ']';
		/* Built 1 zonelists, mobility grouping on.  Total pages: 16256 */
		if (!starts_with(text, len, "Built ") || !has(text, " zonelist"))
			return false;
		p = strstr(text, "Total pages: ");
		if (p && is_digit(p[13]))
			return false;
		return memchr(text, ',', len) || ends_with(text, len, "Total") ||
		       ends_with(text, len, "pages:");
	case 'I':
		/* Initmem setup node 0 [mem 0x0000000000000000-0x0000000007ffffff] */
		return starts_with(text, len, "Initmem setup node ") && !has(text, "mem 0x");
	case 'e':
		/* e820: update [mem 0x00000000-0x00000fff] usable ==> reserved */
		return starts_with(text, len, "e820: ") && ends_with(text, len, "==>");
	case 'm':
		/* memblock_reserve: [0x0000000001000000-0x00000000019fffff] setup_arch+0x1ac/0xa8c */
		return starts_with(text, len, "memblock_") && !has(text, "+0x") &&
		       (has(text, ": [") || has(text, " bytes align="));
	case 'p':
		/* pcpu-alloc: s184320 r8192 d28672 u1048576 alloc=1*2097152 */
		return starts_with(text, len, "pcpu-alloc: s") && !has(text, "alloc=");
	default:
		return false;
	}
}

/* What became of a source line. */
enum outcome {
	OUTCOME_BLANK,
	OUTCOME_NOTE,
	OUTCOME_OTHER,
	OUTCOME_KEPT,
};

/* The length of @source as the way the file was broken counts it. */
static size_t full_len(const struct builder *b, const struct source_line *source)
{
	return fold_len(b->fold == &b->folds[FOLD_BY_BYTES] ? FOLD_BY_BYTES : FOLD_BY_COLUMNS,
			source->text, source->len);
}

static void measure_tail(struct builder *b, const struct source_line *source)
{
	if (b->fold)
		b->tail_full_len = full_len(b, source);
	if (b->soft_fold)
		b->tail_soft_len = fold_len(b->soft_fold == &b->soft_folds[FOLD_BY_BYTES]
						    ? FOLD_BY_BYTES
						    : FOLD_BY_COLUMNS,
					    source->text, source->len);
	b->tail_blank = source->len != trimmed_len(source->text, source->len);
}

/* The same in a file that was broken behind blanks: see struct soft_fold. */
static bool continues_softly(const struct builder *b, const struct log_line *line,
			     const struct source_line *source, const struct prefix *prefix)
{
	if (prefix->parts & PREFIX_CLOCK)
		return false;
	/* A word longer than a line is broken as well. */
	if (!b->tail_blank)
		return line->flags & LOG_LINE_PREFIXED && b->tail_soft_len == b->soft_fold->width;
	return b->tail_soft_len + room_wanted(source) > b->soft_fold->width;
}

/* Does @message, on the source line after it, belong to the last line? */
static bool continues(const struct builder *b, const char *message, size_t len,
		      const struct source_line *source, const struct prefix *prefix)
{
	const struct log_text *text = b->text;
	const struct log_line *line;
	size_t word_len;
	char close;

	if (!text->nlines || !b->tail_line || b->tail_line + 1 != source->line)
		return false;
	line = &text->lines[text->nlines - 1];
	if (line->flags & LOG_LINE_CUT || source->line - line->line >= JOINED_SPAN_MAX ||
	    b->tail_quoted != !!(prefix->parts & PREFIX_QUOTE) ||
	    line->len + len >= LOG_LINE_BYTES_MAX)
		return false;
	/* Somebody else is quoted. */
	if (*message == '>' || prefix->parts & PREFIX_CARRIER)
		return false;
	if (b->soft_fold)
		return continues_softly(b, line, source, prefix);
	if (b->fold)
		return line->flags & LOG_LINE_PREFIXED && b->tail_full_len <= b->fold->width &&
		       b->tail_full_len + 1 >= b->fold->width;
	first_word(message, len, &word_len);
	/* Without a prefix nothing else marks the start of a message, so make sure. */
	if (is_unfinished(line->text, line->len, &close))
		return line->flags & LOG_LINE_PREFIXED || (close && memchr(message, close, len));
	return line->flags & LOG_LINE_PREFIXED && b->wrap.width &&
	       b->tail_len <= WRAP_COLUMNS_MAX && b->tail_len + 1 + word_len > b->wrap.width;
}

/* Appends to the last line, whose text ends the arena, behind @blanks; its NUL makes room for one. */
static void append(struct builder *b, size_t blanks, const char *rest, size_t len)
{
	struct log_text *text = b->text;
	struct log_line *line = &text->lines[text->nlines - 1];
	char *out = text->arena + b->arena_len - 1;

	assert(b->arena_len + blanks + len <= b->arena_size);
	memset(out, ' ', blanks);
	memcpy(out + blanks, rest, len);
	out[blanks + len] = '\0';
	line->len += (uint32_t)(blanks + len);
	b->arena_len += blanks + len;
	line->flags |= LOG_LINE_JOINED;
}

/* Is there a blank between the last line and what a mail program put on the next one? */
static bool blank_lost(const struct builder *b)
{
	const struct log_line *line = &b->text->lines[b->text->nlines - 1];
	char last = line->len ? line->text[line->len - 1] : ' ';

	/* Some programs break after a hyphen: "0x00000000-" "0x07ffffff". */
	return last != ' ' && last != '\t' &&
	       !(last == '-' && line->len > 1 && hex_value(line->text[line->len - 2]) >= 0);
}

/*
 * Joins @piece, which has no prefix but a quote, to the last line if it is the rest of it, and then
 * says so in *@outcome.
 */
static struct error *join(struct builder *b, const char *piece, size_t len,
			  const struct source_line *source, const struct prefix *prefix,
			  enum outcome *outcome)
{
	const char *rest = piece + prefix->len, *feed = NULL;
	size_t rest_len = len - prefix->len, word_len, start;
	struct error *err = NULL;

	if (!continues(b, rest, rest_len, source, prefix))
		return NULL;
	if (b->soft_fold || b->fold) {
		/* Not a blank more or less, but for the one that was lost. */
		append(b, b->soft_fold ? 0 : b->fold->width - b->tail_full_len, piece, len);
		b->text->lines[b->text->nlines - 1].span += source->span;
		b->tail_line = source->line + source->span - 1;
		measure_tail(b, source);
		*outcome = OUTCOME_KEPT;
		return NULL;
	}
	start = first_word(rest, rest_len, &word_len);
	rest += start;
	rest_len -= start;
	if (b->tail_record.parts & PREFIX_KMSG)
		feed = find_feed(rest, rest_len);
	append(b, blank_lost(b), rest, feed ? (size_t)(feed - rest) : rest_len);
	b->text->lines[b->text->nlines - 1].span += source->span;
	if (feed) {
		/* The record goes on with another line. */
		struct origin origin = {
			.source = source,
			.offset = (size_t)(feed + 4 - source->text),
			.prefix = &b->tail_record,
			.flags = LOG_LINE_SPLIT,
		};

		err = add_record(b, feed + 4, rest_len - (size_t)(feed + 4 - rest), &origin);
	}
	b->tail_line = source->line + source->span - 1;
	b->tail_len =
		columns_of(piece + prefix->quote_len, trimmed_len(piece, len) - prefix->quote_len);
	*outcome = OUTCOME_KEPT;
	return err;
}

/* Takes one piece of a source line: from @from to @to, without carriage returns. */
static struct error *add_piece(struct builder *b, const struct source_line *source, size_t from,
			       size_t to, enum outcome *outcome)
{
	uint8_t flags = *outcome == OUTCOME_KEPT ? LOG_LINE_SPLIT : 0;

	while (from < to) {
		const char *piece = source->text + from;
		size_t len = to - from, end, trimmed;
		struct prefix prefix;
		struct error *err;
		struct origin origin;
		bool quoted;

		prefix_parse(piece, len, &b->shape, &prefix);
		/* A quoted line follows another, though not all lines are quoted. */
		if (!prefix.parts && b->tail_quoted && b->tail_line + 1 == source->line &&
		    *piece == '>') {
			struct prefix_shape shape = b->shape;

			shape.quoted = true;
			prefix_parse(piece, len, &shape, &prefix);
		}
		quoted = prefix.parts & PREFIX_QUOTE;
		if (prefix.parts & PREFIX_REBOOT)
			b->boot_announced = true;
		if (prefix.parts & (PREFIX_NOTE | PREFIX_OTHER)) {
			enum outcome is = prefix.parts & PREFIX_NOTE ? OUTCOME_NOTE : OUTCOME_OTHER;

			if (*outcome < is)
				*outcome = is;
			return NULL;
		}
		end = b->shape.stamped ? prefix_find_stamp(piece, len, prefix.len) : len;
		if (!(prefix.parts & PREFIX_STRONG)) {
			/* A blank line, and blanks before a stamp. */
			if (!trimmed_len(piece + prefix.len, end - prefix.len)) {
				from += end;
				continue;
			}
			if (*outcome != OUTCOME_KEPT && end == len) {
				err = join(b, piece, len, source, &prefix, outcome);
				if (err || *outcome == OUTCOME_KEPT)
					return err;
			}
		}
		origin = (struct origin){
			.source = source,
			.offset = from + prefix.len,
			.prefix = &prefix,
			.flags = flags |
				 (source->cut && from + end == source->len ? LOG_LINE_CUT : 0),
			.span = *outcome == OUTCOME_KEPT ? 0 : source->span,
		};
		if (prefix.parts & PREFIX_KMSG)
			err = add_record(b, piece + prefix.len, end - prefix.len, &origin);
		else
			err = add_line(b, piece + prefix.len, end - prefix.len, &origin);
		if (err)
			return err;
		*outcome = OUTCOME_KEPT;
		b->tail_line = source->line + source->span - 1;
		trimmed = trimmed_len(piece, end);
		b->tail_len = trimmed <= prefix.quote_len ? 0
							  : columns_of(piece + prefix.quote_len,
								       trimmed - prefix.quote_len);
		b->tail_quoted = quoted;
		measure_tail(b, source);
		b->tail_record = prefix.parts & PREFIX_KMSG ? prefix : (struct prefix){ 0 };
		from += end;
		flags = LOG_LINE_SPLIT;
	}
	return NULL;
}

static struct error *add_source_line(struct builder *b, const struct source_line *source)
{
	enum outcome outcome = OUTCOME_BLANK;
	struct log_counts *counts = &b->text->counts;
	size_t from = 0, to;
	struct error *err;

	while (from < source->len) {
		/* Only a line that was cleaned can have a carriage return in it. */
		const char *cr = source->columns
					 ? memchr(source->text + from, '\r', source->len - from)
					 : NULL;

		to = cr ? (size_t)(cr - source->text) : source->len;
		err = add_piece(b, source, from, to, &outcome);
		if (err)
			return err;
		from = to + 1;
	}
	switch (outcome) {
	case OUTCOME_BLANK:
		counts->blank_lines += source->span;
		break;
	case OUTCOME_NOTE:
		counts->annotation_lines += source->span;
		break;
	case OUTCOME_OTHER:
		counts->other_program_lines += source->span;
		break;
	case OUTCOME_KEPT:
		break;
	}
	return NULL;
}

static void finish(struct builder *b, const struct decoder *decoder)
{
	struct log_text *text = b->text;
	struct log_counts *counts = &text->counts;
	size_t i;

	for (i = 0; i < text->nboots; i++)
		text->boots[i].end = i + 1 < text->nboots ? text->boots[i + 1].first : text->nlines;
	for (i = 0; i < text->nlines; i++) {
		const struct log_line *line = &text->lines[i];

		counts->kept_lines += line->span;
		text->cut_lines += (line->flags & LOG_LINE_CUT) != 0;
		text->split_lines += (line->flags & LOG_LINE_SPLIT) != 0;
		text->joined_lines += (line->flags & LOG_LINE_JOINED) != 0;
	}
	counts->source_lines = decoder->line;
	assert(counts->kept_lines + counts->blank_lines + counts->firmware_lines +
		       counts->other_program_lines + counts->annotation_lines ==
	       counts->source_lines);
}

struct error *log_text_parse(const uint8_t *data, size_t size, struct log_text *ret)
{
	struct log_text text = { 0 };
	struct builder b = { .text = &text };
	struct source_line source;
	struct decoder decoder;
	struct error *err;

	if (size > LOG_TEXT_BYTES_MAX)
		return error_create(ERROR_LIMIT, NULL, 0, 0,
				    "is larger than %zu MiB, the limit for a log",
				    LOG_TEXT_BYTES_MAX >> 20);
	err = decoder_init(&decoder, data, size);
	if (err)
		return err;
	/*
	 * A message is not longer than its source, and its NUL takes the place of the line end, the
	 * carriage return or the stamp that ended it; the last line may have none of these.
	 */
	b.arena_size = decoder.size + 2;
	text.arena = malloc(b.arena_size);
	err = text.arena ? take_census(&b, &decoder) : error_no_memory();
	while (!err && decoder_next(&decoder, &source, &err))
		err = add_source_line(&b, &source);
	if (!err && !text.nlines)
		err = error_create(
			ERROR_FORMAT, NULL, 0, 0,
			"has %zu lines but no kernel message: all are blank or of other programs",
			(size_t)decoder.line);
	if (err) {
		log_text_deinit(&text);
	} else {
		finish(&b, &decoder);
		*ret = text;
	}
	decoder_deinit(&decoder);
	return err;
}

void log_text_deinit(struct log_text *text)
{
	free(text->lines);
	free(text->boots);
	free(text->arena);
	*text = (struct log_text){ 0 };
}

size_t log_text_default_boot(const struct log_text *text)
{
	size_t i;

	for (i = text->nboots; i; i--)
		if (text->boots[i - 1].banner != SIZE_MAX)
			return i - 1;
	return text->nboots ? text->nboots - 1 : SIZE_MAX;
}
