/* SPDX-License-Identifier: MIT */
/*
 * Tests of log text, in four ways (text_captures_test.c is the fifth):
 *   a table of single lines, one or more for each shape;
 *   one boot in every shape, which must all give the same messages;
 *   excerpts with what is expected of them, in traces/testdata/text (MMREPLAY_REWRITE=that folder
 *     rewrites the expectations);
 *   random bytes, and random heaps of pieces that mean something here (MMREPLAY_TEXT_RUNS sets how
 *     many, default 2000; MMREPLAY_TEXT_SEED where they begin).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/dmesg/text.h"
#include "traces/testing/check.h"

#define NS 1000000000ULL

/* ---- What holds for every result ---- */

static void check_text(const struct log_text *text)
{
	const struct log_counts *counts = &text->counts;
	size_t spans = 0, at = 0, i;

	for (i = 0; i < text->nlines; i++) {
		const struct log_line *line = &text->lines[i];
		const struct log_line *before = i ? line - 1 : NULL;

		assert_int_equal(strlen(line->text), line->len);
		assert_true(line->len <= LOG_LINE_BYTES_MAX);
		assert_true(line->line >= 1 && line->line <= counts->source_lines);
		assert_true(line->column >= 1);
		assert_true(line->level >= -1 && line->level <= 7);
		assert_true(line->facility >= -1);
		assert_true(line->has_time || !line->time_ns);
		assert_true(!line->caller_kind || strchr("TC", line->caller_kind));
		assert_null(strpbrk(line->text, "\r\n\b\x1b\x7f"));
		/* In the order of the source; and a line without prefix is not blank. */
		if (before)
			assert_true(line->line > before->line ||
				    (line->line == before->line && line->column >= before->column));
		if (!(line->flags & LOG_LINE_PREFIXED))
			assert_true(strspn(line->text, " \t") < line->len);
		if (line->span > 1)
			assert_true(line->flags & LOG_LINE_JOINED);
		spans += line->span;
	}
	assert_int_equal(spans, counts->kept_lines);
	assert_int_equal(counts->kept_lines + counts->blank_lines + counts->firmware_lines +
				 counts->other_program_lines + counts->annotation_lines,
			 counts->source_lines);

	assert_true(!text->nlines == !text->nboots);
	for (i = 0; i < text->nboots; i++) {
		const struct log_boot *boot = &text->boots[i];

		assert_int_equal(boot->first, at);
		assert_true(boot->end > boot->first);
		if (boot->banner != SIZE_MAX)
			assert_true(boot->banner >= boot->first && boot->banner < boot->end);
		at = boot->end;
	}
	assert_int_equal(at, text->nlines);
	if (text->nboots)
		assert_true(log_text_default_boot(text) < text->nboots);
	else
		assert_true(log_text_default_boot(text) == SIZE_MAX);
}

/* Bytes of exactly this size, so that a read beyond them is seen. */
static struct error *parse_bytes(const void *data, size_t size, struct log_text *ret)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct error *err;

	assert_non_null(exact);
	if (size)
		memcpy(exact, data, size);
	err = log_text_parse(exact, size, ret);
	free(exact);
	if (!err)
		check_text(ret);
	return err;
}

static void parse(const void *data, size_t size, struct log_text *ret)
{
	struct error *err = parse_bytes(data, size, ret);

	if (err)
		fail_msg("refused: %s", err->message);
}

static void parse_string(const char *text, struct log_text *ret)
{
	parse(text, strlen(text), ret);
}

/* The text of all lines, each with a line feed; to be freed. */
static char *messages(const struct log_text *text)
{
	size_t size = 1, i;
	char *ret, *p;

	for (i = 0; i < text->nlines; i++)
		size += text->lines[i].len + 1;
	ret = p = malloc(size);
	assert_non_null(ret);
	for (i = 0; i < text->nlines; i++)
		p += sprintf(p, "%s\n", text->lines[i].text);
	*p = '\0';
	return ret;
}

static void expect_messages(const char *source, const char *want)
{
	struct log_text text = { 0 };
	char *got;

	parse_string(source, &text);
	got = messages(&text);
	assert_string_equal(got, want);
	free(got);
	log_text_deinit(&text);
}

/* ---- Single lines ---- */

#define NONE (-1)

static const struct shape_case {
	const char *source;
	const char *text;
	/* Seconds and microseconds; NONE: no time. */
	int64_t sec;
	int64_t usec;
	int level;
	int facility;
	char caller_kind;
	uint32_t caller;
} shapes[] = {
#define TIMED(source, text, sec, usec)                    \
	{                                                 \
		source, text, sec, usec, NONE, NONE, 0, 0 \
	}
#define LEVEL(source, text, level)                 \
	{                                          \
		source, text, 0, 0, level, 0, 0, 0 \
	}
#define CALL(source, text, kind, id)                     \
	{                                                \
		source, text, 0, 0, NONE, NONE, kind, id \
	}
#define BARE(source, text)                                 \
	{                                                  \
		source, text, NONE, NONE, NONE, NONE, 0, 0 \
	}
	/* Nothing before the message; blanks and brackets that are part of it. */
	BARE("Zone ranges:", "Zone ranges:"),
	BARE("  DMA zone: 32 pages used for memmap", "  DMA zone: 32 pages used for memmap"),
	BARE("\ttab", "\ttab"),
	BARE("blank behind ", "blank behind "),
	BARE("[drm] Initialized", "[drm] Initialized"),
	BARE("[mem 0x00000000-0x00000fff] usable", "[mem 0x00000000-0x00000fff] usable"),
	BARE("[<c0123456>] do_it+0x10/0x20", "[<c0123456>] do_it+0x10/0x20"),
	BARE("------------[ cut here ]------------", "------------[ cut here ]------------"),
	BARE("---[ end trace 0000000000000000 ]---", "---[ end trace 0000000000000000 ]---"),
	BARE("| spin |wlock |rlock", "| spin |wlock |rlock"),
	BARE("Monitor: kernel: x", "Monitor: kernel: x"),
	BARE("kern: info: x", "kern: info: x"),
	BARE("May the source be with you", "May the source be with you"),
	BARE("<abc> x", "<abc> x"),
	BARE("<192>x", "<192>x"),
	BARE("<1234>x", "<1234>x"),
	BARE("6,a,0,-;x", "6,a,0,-;x"),
	BARE("1.000000] x", "1.000000] x"),
	BARE("[1.5] x", "[1.5] x"),
	BARE("[    0.0000000] x", "[    0.0000000] x"),
	/* printk()'s stamp. */
	TIMED("[    0.000000] Zone ranges:", "Zone ranges:", 0, 0),
	TIMED("[    0.000000]   DMA      x", "  DMA      x", 0, 0),
	TIMED("[    0.000000] blank behind ", "blank behind ", 0, 0),
	TIMED("[    0.000000] ", "", 0, 0),
	TIMED("[    0.000000]", "", 0, 0),
	TIMED("[    0.000000]x", "x", 0, 0),
	TIMED("[    0.000000] \tx", "\tx", 0, 0),
	TIMED("[    5.140900] x", "x", 5, 140900),
	TIMED("[12345.678901] x", "x", 12345, 678901),
	TIMED("[1234567890.000001] x", "x", 1234567890, 1),
	TIMED("[0.000001] x", "x", 0, 1),
	TIMED("   [    1.000000] x", "x", 1, 0),
	TIMED("\t[    1.000000] x", "x", 1, 0),
	TIMED("[    1.000000] [    2.000000] x", "x", 2, 0),
	TIMED("[    1.000000] [<c0123456>] f+0x1/0x2", "[<c0123456>] f+0x1/0x2", 1, 0),
	TIMED("[    1.000000] [mem 0x0-0x1]", "[mem 0x0-0x1]", 1, 0),
	TIMED("[    1.000000] 10:00:00 x", "10:00:00 x", 1, 0),
	TIMED("[    1.000000] > x", "> x", 1, 0),
	TIMED("[    1.000000] Nov 21 03:37:00 a kernel: x", "Nov 21 03:37:00 a kernel: x", 1, 0),
	TIMED("[    1.000000 <    0.500000>] x", "x", 1, 0),
	/* Who called printk(). */
	CALL("[    0.000000][    T0] x", "x", 'T', 0),
	CALL("[    0.000000] [    T0] x", "x", 'T', 0),
	CALL("[    0.000000][    C1] x", "x", 'C', 1),
	CALL("[    0.000000][T12345]   x", "  x", 'T', 12345),
	CALL("[    0.000000][    T1] ", "", 'T', 1),
	TIMED("[    0.000000] [TTM] x", "[TTM] x", 0, 0),
	TIMED("[    0.000000] [    T] x", "[    T] x", 0, 0),
	{ "[Sat Nov 21 03:37:00 2026] [    T7] x", "x", NONE, NONE, NONE, NONE, 'T', 7 },
	/* Levels. */
	LEVEL("<6>[    0.000000] x", "x", 6),
	LEVEL("<0>[    0.000000] x", "x", 0),
	LEVEL("<7>[    0.000000][    T0] x", "x", 7),
	{ "<7>[    0.000000][    T0] x", "x", 0, 0, 7, 0, 'T', 0 },
	{ "<6>x", "x", NONE, NONE, 6, 0, 0, 0 },
	{ "<4>  x ", "  x ", NONE, NONE, 4, 0, 0, 0 },
	{ "<30>[    1.500000] systemd[1]: x", "systemd[1]: x", 1, 500000, 6, 3, 0, 0 },
	LEVEL("[    0.000000] <4>x", "x", 4),
	LEVEL("kern  :info  : [    0.000000] x", "x", 6),
	LEVEL("kern  :warn  : [    0.000000]   x", "  x", 4),
	LEVEL("kern  :err   : [    0.000000] x", "x", 3),
	{ "daemon:notice: [    2.000000] x", "x", 2, 0, 5, 3, 0, 0 },
	{ "kern  :debug : x", "x", NONE, NONE, 7, 0, 0, 0 },
	{ "kern  :info  : [Sat Nov 21 03:37:00 2026] x", "x", NONE, NONE, 6, 0, 0, 0 },
	/* dmesg's own ways with time. */
	BARE("[Sat Nov 21 03:37:00 2026] x", "x"),
	BARE("[Sat Nov  1 03:37:00 2026]   x", "  x"),
	BARE("[Sa Nov 21 03:37:00 2026] x", "x"),
	BARE("[sam. nov. 21 03:37:00 2026] x", "x"),
	BARE("[Sat Nov 21 03:37:00 2026 <    0.000001>] x", "x"),
	BARE("[Nov21 03:37] x", "x"),
	BARE("[  +0.000012] x", "x"),
	BARE("[<    0.000012>] x", "x"),
	BARE("2026-11-21T03:37:00,123456+00:00 x", "x"),
	BARE("2026-11-21T03:37:00,123456+00:00   x", "  x"),
	/* Records. */
	{ "6,339,5140900,-;x", "x", 5, 140900, 6, 0, 0, 0 },
	{ "30,340,5140901,c;systemd[1]: x", "systemd[1]: x", 5, 140901, 6, 3, 0, 0 },
	{ "4,1,0,-,caller=T12;  x", "  x", 0, 0, 4, 0, 'T', 12 },
	{ "4,1,0,-,caller=C3,more=1;x", "x", 0, 0, 4, 0, 'C', 3 },
	{ "6,1,0,-;a \\x1b[0mb\\x5c", "a [0mb\\", 0, 0, 6, 0, 0, 0 },
	/* Log daemons. */
	BARE("Nov 21 03:37:00 host kernel: x", "x"),
	BARE("Nov  1 03:37:00 host kernel:   x", "  x"),
	BARE("Nov 21 03:37:00.123456 host kernel: x", "x"),
	BARE("Nov 21 03:37:00 kernel: x", "x"),
	BARE("Nov 21 03:37:00 host kernel: ", ""),
	BARE("Nov 21 03:37:00 host kernel:", ""),
	TIMED("Nov 21 03:37:00 host kernel: [    2.000000]   x", "  x", 2, 0),
	TIMED("Nov 21 03:37:00 host kernel[0]: [    2.000000] x", "x", 2, 0),
	TIMED("Nov 21 03:37:00 host dmesg[77]: [    2.000000] x", "x", 2, 0),
	{ "Nov 21 03:37:00 host kernel: <4>x", "x", NONE, NONE, 4, 0, 0, 0 },
	{ "Nov 21 03:37:00 host kern.warn kernel: x", "x", NONE, NONE, 4, 0, 0, 0 },
	{ "Sat Nov 21 03:37:00 2026 kern.info kernel: [    1.000000] x", "x", 1, 0, 6, 0, 0, 0 },
	BARE("2026-11-21T03:37:00+0000 host kernel: x", "x"),
	BARE("2026-11-21T03:37:00.123456+00:00 host kernel: x", "x"),
	BARE("2026-11-21T03:37:00Z host kernel: x", "x"),
	BARE("Sat 2026-11-21 03:37:00 UTC host kernel: x", "x"),
	BARE("Sat 2026-11-21 03:37:00.123456 UTC host kernel: x", "x"),
	BARE("1795232220.123456 host kernel: x", "x"),
	TIMED("[    3.000000] host kernel: x", "x", 3, 0),
	/* Terminal programs: all lines have it. */
	BARE("10:00:00.123 x", "x"),
	BARE("[10:00:00.123] x", "x"),
	BARE("[2021-01-01 10:00:00] x", "x"),
	BARE("2021-01-01 10:00:00.5 x", "x"),
	TIMED("10:00:00.123 [    4.000000] x", "x", 4, 0),
	TIMED("[2021-01-01 10:00:00] [    4.000000]   x", "  x", 4, 0),
	TIMED("[2021-01-01T10:00:00.000Z][    4.000000] x", "x", 4, 0),
	TIMED("[1.234567 0.000123] [    4.000000] x", "x", 4, 0),
	/* Containers: all lines have it. */
	BARE("guest-1  | x", "x"),
	BARE("guest-1  |   x", "  x"),
	BARE("guest-1  | 2024-01-02T03:04:05.678901234Z   x", "  x"),
	BARE("2024-01-02T03:04:05.678901234Z x", "x"),
	BARE("2024-01-02T03:04:05.678901234Z stdout F x", "x"),
	BARE("2024-01-02T03:04:05.678901234+02:00 stderr F   x", "  x"),
	BARE("2024-01-02T03:04:05.678901Z 01O x", "x"),
	BARE("[pod/a-b/guest] x", "x"),
	BARE("[pod/a-b/guest] 2024-01-02T03:04:05Z x", "x"),
	BARE("2024-01-02T03:04:05Z {app=\"kernel\", host=\"node 1\"}   x", "  x"),
	BARE("2024-01-02T03:04:05+01:00 {} x", "x"),
	TIMED("guest-1  | [    8.000000]   x", "  x", 8, 0),
	TIMED("\x1b[36mguest-1  |\x1b[0m [    8.000000] x", "x", 8, 0),
	TIMED("guest-1  | 2024-01-02T03:04:05.678901234Z [    8.000000] x", "x", 8, 0),
	TIMED("2024-01-02T03:04:05.678901234Z stdout F [    8.000000] x", "x", 8, 0),
	TIMED("[pod/a-b/guest] 2024-01-02T03:04:05Z [    8.000000] x", "x", 8, 0),
	TIMED("2024-01-02T03:04:05Z {app=\"kernel\"} [    8.000000] x", "x", 8, 0),
	{ "guest-1  | <6>[    8.000000] x", "x", 8, 0, 6, 0, 0, 0 },
	BARE("{x} y", "{x} y"),
	BARE("[a/b", "[a/b"),
	BARE("stdout f x", "stdout f x"),
	/* Mail. */
	TIMED("> [    5.000000]   x", "  x", 5, 0),
	TIMED(">[    5.000000] x", "x", 5, 0),
	TIMED(">> [    5.000000] x", "x", 5, 0),
	TIMED("> > > [    5.000000] x", "x", 5, 0),
	TIMED("| [    5.000000] x", "x", 5, 0),
	TIMED("> | [    5.000000] x", "x", 5, 0),
	TIMED(" > [    5.000000] x", "x", 5, 0),
	TIMED(">     [    5.000000] x", "x", 5, 0),
	{ "> <6>[    5.000000] x", "x", 5, 0, 6, 0, 0, 0 },
	BARE("> x", "x"),
	BARE("> >   x", "  x"),
	/* Vendors. */
	TIMED("[    6.000000@0] x", "x", 6, 0),
	TIMED("[    6.000000@3]   x", "  x", 6, 0),
	TIMED("[    6.000000s]x", "x", 6, 0),
	TIMED("[    6.000000s][pid:1,cpu0,swapper/0]x", "x", 6, 0),
	TIMED("[    6.000000s][pid:1,cpu0,swapper/0]  x", "  x", 6, 0),
	TIMED("[    6.000000 / 01-01 00:00:00.000] x", "x", 6, 0),
	TIMED("[    6.000000] (0)[0:swapper]x", "x", 6, 0),
	TIMED("[    6.000000]  (0)[1:swapper/0]  x", "  x", 6, 0),
	TIMED("[    6.000000] -(1)[0:swapper/1]x", "x", 6, 0),
	{ "<5>[    6.000000] <0>.(0)[0:swapper]x", "x", 6, 0, 5, 0, 0, 0 },
	TIMED("[    6.000000]  [0:      swapper:    0] x", "x", 6, 0),
	TIMED("[    6.000000] I[1:      swapper:    1] x", "x", 6, 0),
	TIMED("[    6.000000]  [3:  Binder:9343_3:22875] x", "x", 6, 0),
	TIMED("[    6.000000] (CPU:0-pid:0:swapper) x", "x", 6, 0),
	{ "<6>[    6.000000] c0 x", "x", 6, 0, 6, 0, 0, 0 },
	{ "<6>[    6.000000] c0      1 x", "x", 6, 0, 6, 0, 0, 0 },
	TIMED("[    6.000000] [0:1] x", "[0:1] x", 6, 0),
	/* Serial lines. */
	TIMED("[    7.000000] x\r", "x", 7, 0),
	TIMED("[    7.000000] x \r\r", "x ", 7, 0),
	TIMED("\r[    7.000000] x", "x", 7, 0),
	TIMED("\x1b[32m[    7.000000] \x1b[0m\x1b[33mx\x1b[0m", "x", 7, 0),
	TIMED("\x1b]0;title\a[    7.000000] x", "x", 7, 0),
	TIMED("\x1b[2J\x1b[1;1H\x1b(B[    7.000000] x", "x", 7, 0),
	TIMED("[    7.000000] ax\b\bx\x1b[K", "x", 7, 0),
	TIMED("[    7.000000] x\a\x01\x7f", "x", 7, 0),
	TIMED("[    7.000000]\xc2\xa0 \xc2\xa0x", "  x", 7, 0),
	TIMED("[    7.000000] caf\xc3\xa9 \xff", "caf\xc3\xa9 \xff", 7, 0),
};

/* The line alone, and among its like: "most lines" then have its shape. */
static void knows_each_shape(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct shape_case *want = &shapes[i];
		char source[1024];
		struct log_text text = { 0 };
		const struct log_line *line;
		size_t j;

		snprintf(source, sizeof(source), "%s\n%s\n%s\n%s\n%s", want->source, want->source,
			 want->source, want->source, want->source);
		parse_string(source, &text);
		if (text.nlines != 5)
			fail_msg("\"%s\": %zu lines", want->source, text.nlines);
		for (j = 0; j < 5; j++) {
			line = &text.lines[j];
			if (strcmp(line->text, want->text))
				fail_msg("\"%s\": got \"%s\"", want->source, line->text);
			assert_int_equal(line->line, j + 1);
			assert_int_equal(line->has_time, want->sec != NONE);
			if (want->sec != NONE)
				assert_int_equal(line->time_ns,
						 (uint64_t)want->sec * NS +
							 (uint64_t)want->usec * 1000);
			if (want->level != line->level || (want->facility != line->facility))
				fail_msg("\"%s\": level %d, facility %d", want->source, line->level,
					 line->facility);
			/* CALL and LEVEL lines leave the other open only where it is absent. */
			if (want->caller_kind) {
				assert_int_equal(line->caller_kind, want->caller_kind);
				assert_int_equal(line->caller, want->caller);
			}
			assert_int_equal(line->span, 1);
			assert_int_equal(line->flags & ~LOG_LINE_PREFIXED, 0);
		}
		log_text_deinit(&text);
	}
}

/* Weak prefixes stay if only some lines have them and no strong one follows. */
static void keeps_weak_prefixes_of_a_few(void **state)
{
	(void)state;
	expect_messages("> a\nb\nc\nd\n", "> a\nb\nc\nd\n");
	expect_messages("10:00:00 a\nb\nc\nd\n", "10:00:00 a\nb\nc\nd\n");
	expect_messages("a | b\nb\nc\nd\n", "a | b\nb\nc\nd\n");
	expect_messages("{} b\n[a/b] c\nc\nd\nstdout F e\nf\ng\n",
			"{} b\n[a/b] c\nc\nd\nstdout F e\nf\ng\n");
	expect_messages("a  | [    0.000000] b\nb\nc\nd\n", "b\nb\nc\nd\n");
	expect_messages("10:00:00 [    0.000000] a\nb\nc\nd\n", "a\nb\nc\nd\n");
	expect_messages("[    0.000000] a\n> [    1.000000] b\n[    2.000000] c\n", "a\nb\nc\n");
	expect_messages("[    0.000000] c0 a\n[    1.000000] b\n[    2.000000] c\n",
			"c0 a\nb\nc\n");
	/* Messages that look like a host's. */
	expect_messages("[    0.000000] a kernel: b\n[    1.000000] a kernel: b\n"
			"[    1.000000] a kernel: b\n[    2.000000] c\n[    2.000000] c\n"
			"[    2.000000] c\n[    2.000000] c\n[    2.000000] c\n[    2.000000] c\n"
			"[    2.000000] c\n[    2.000000] c\n[    2.000000] c\n[    2.000000] c\n",
			"a kernel: b\na kernel: b\na kernel: b\nc\nc\nc\nc\nc\nc\nc\nc\nc\nc\n");
	expect_messages("[    0.000000] a kernel: b\n[    1.000000] b\n[    2.000000] c\n",
			"a kernel: b\nb\nc\n");
}

static void places_messages(void **state)
{
	static const struct {
		const char *source;
		uint32_t line, column;
	} cases[] = {
		{ "x", 1, 1 },
		{ "\n\n[    0.000000] x", 3, 16 },
		{ "\xef\xbb\xbf[    0.000000] x", 1, 16 },
		{ "> <6>[    0.000000][    T0] x", 1, 29 },
		{ "\x1b[32m[    0.000000] \x1b[0mx", 1, 25 },
		{ "[    0.000000] \r\n[    0.000000] x\r\n", 2, 16 },
		/* Lines that end in carriage returns alone. */
		{ "a\rb\r[    0.000000] x\r", 3, 16 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log_text text = { 0 };
		const struct log_line *line;

		parse_string(cases[i].source, &text);
		line = &text.lines[text.nlines - 1];
		assert_string_equal(line->text, "x");
		if (line->line != cases[i].line || line->column != cases[i].column)
			fail_msg("case %zu: %" PRIu32 ":%" PRIu32, i, line->line, line->column);
		log_text_deinit(&text);
	}
}

static void splits_half_lines(void **state)
{
	struct log_text text = { 0 };

	(void)state;
	parse_string("[    0.000000] a\n"
		     "[    0.100000] half[    0.200000] b\n"
		     "login: <6>[    0.300000][    T1] c\n"
		     "x[    0.400000] d[    0.500000] e<5>[12345.600000] f\n"
		     "[    0.700000] g [0.5] [ 1.000000] [<c0123456>] kept\n",
		     &text);
	assert_int_equal(text.nlines, 10);
	assert_string_equal(text.lines[1].text, "half");
	assert_int_equal(text.lines[1].span, 1);
	assert_int_equal(text.lines[1].flags & LOG_LINE_SPLIT, 0);
	assert_string_equal(text.lines[2].text, "b");
	assert_int_equal(text.lines[2].span, 0);
	assert_int_equal(text.lines[2].flags & LOG_LINE_SPLIT, LOG_LINE_SPLIT);
	assert_int_equal(text.lines[2].time_ns, 200000000);
	assert_int_equal(text.lines[2].line, 2);
	assert_int_equal(text.lines[2].column, 35);
	assert_string_equal(text.lines[3].text, "login: ");
	assert_int_equal(text.lines[3].flags, 0);
	assert_string_equal(text.lines[4].text, "c");
	assert_int_equal(text.lines[4].level, 6);
	assert_int_equal(text.lines[4].caller_kind, 'T');
	assert_string_equal(text.lines[7].text, "e");
	assert_string_equal(text.lines[8].text, "f");
	assert_int_equal(text.lines[8].level, 5);
	assert_string_equal(text.lines[9].text, "g [0.5] [ 1.000000] [<c0123456>] kept");
	assert_int_equal(text.split_lines, 5);
	assert_int_equal(text.counts.kept_lines, 5);
	log_text_deinit(&text);

	/* A carriage return in the middle; a progress bar. */
	expect_messages("[    0.000000] a\r[    0.100000] b\n[    0.200000] c\n[    0.300000] d\n",
			"a\nb\nc\nd\n");
	expect_messages("a\n 10%\r 20%\r\nb\n", "a\n 10%\n 20%\nb\n");
}

static void joins_wrapped_messages(void **state)
{
	(void)state;
	/* Unmistakably unfinished. */
	expect_messages("[    0.000000] Memory: 1K/2K available (3K kernel\ncode, 4K\nrwdata)\n"
			"[    0.000000] a\n",
			"Memory: 1K/2K available (3K kernel code, 4K rwdata)\na\n");
	expect_messages("[    0.000000] Built 1 zonelists, mobility grouping on.  Total\npages: 7\n"
			"[    0.000000] a\n",
			"Built 1 zonelists, mobility grouping on.  Total pages: 7\na\n");
	expect_messages("[    0.000000] memblock_reserve: [0x0000000001000000-0x00000000019fffff]\n"
			"setup_arch+0x1ac/0xa8c\n[    0.000000] a\n",
			"memblock_reserve: [0x0000000001000000-0x00000000019fffff] "
			"setup_arch+0x1ac/0xa8c\na\n");
	expect_messages("[    0.000000]   node   0: [mem 0x0000000000001000-\n0x000000007ffdffff]\n"
			"[    0.000000] a\n",
			"  node   0: [mem 0x0000000000001000-0x000000007ffdffff]\na\n");
	expect_messages("[    0.000000] BIOS-e820: [mem 0x0-0x9fbff]\nACPI NVS\n"
			"[    0.000000] a\n",
			"BIOS-e820: [mem 0x0-0x9fbff] ACPI NVS\na\n");
	expect_messages("> [    0.000000] Initmem setup node 0\n> [mem 0x1-0x2]\n"
			"> [    0.000000] a\n> [    0.000000] b\n",
			"Initmem setup node 0 [mem 0x1-0x2]\na\nb\n");
	expect_messages("[    0.000000] Linux version 6.1.0 (a@b) (gcc 12)\n#1 SMP 2026\n"
			"[    0.000000] a\n",
			"Linux version 6.1.0 (a@b) (gcc 12) #1 SMP 2026\na\n");
	expect_messages("[    0.000000] Linux version 6.1.0 (a@b) #1 Sun Dec 14 21:51:17\n2025\n"
			"[    0.000000] a\n",
			"Linux version 6.1.0 (a@b) #1 Sun Dec 14 21:51:17 2025\na\n");
	/* The blank where it was wrapped was left there. */
	expect_messages("[    0.000000] Memory: 1K/2K available (3K kernel \ncode)\n"
			"[    0.000000] a\n",
			"Memory: 1K/2K available (3K kernel code)\na\n");
	/* Finished; quoted otherwise; not next; stamped itself. */
	expect_messages("> [    0.000000] Memory: 1K/2K available (3K\nb)\n> [    0.000000] a\n",
			"Memory: 1K/2K available (3K\nb)\na\n");
	expect_messages("[    0.000000] Memory: 1K/2K available (3K kernel code)\nb\n"
			"[    0.000000] a\n",
			"Memory: 1K/2K available (3K kernel code)\nb\na\n");
	expect_messages("[    0.000000] Memory: 1K/2K available (3K\n> b)\n[    0.000000] a\n",
			"Memory: 1K/2K available (3K\n> b)\na\n");
	expect_messages("[    0.000000] Memory: 1K/2K available (3K\n\nb)\n[    0.000000] a\n",
			"Memory: 1K/2K available (3K\nb)\na\n");
	expect_messages("[    0.000000] Memory: 1K/2K available (3K\n[    0.000000] a)\n",
			"Memory: 1K/2K available (3K\na)\n");
	/* Without stamps, only what closes the bracket. */
	expect_messages("Memory: 1k available (3k kernel code, 4k\ndata, 0k highmem)\nb\n",
			"Memory: 1k available (3k kernel code, 4k data, 0k highmem)\nb\n");
	expect_messages("Memory: 1k available (3k kernel code, 4k\nCalibrating delay loop\nb)\n",
			"Memory: 1k available (3k kernel code, 4k\nCalibrating delay loop\nb)\n");
	/* Other messages only in a file that is wrapped as a whole: here it is not. */
	expect_messages(
		"[    0.000000] a message that goes on and on and on and on until it is full\n"
		"and more\n[    0.000000] a\n",
		"a message that goes on and on and on and on until it is full\nand more\na\n");
	/* Nor here: a wrapped line would have taken "b" as well. */
	expect_messages(
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a\nb\n",
		"a message that goes on and on and on and on until it is\nfull\n"
		"a message that goes on and on and on and on until it is\nfull\n"
		"a message that goes on and on and on and on until it is\nfull\na\nb\n");
	/* And here it is, so that a short line before "b" shows that "b" is none of it. */
	expect_messages(
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a\n[    0.000000] short\nwords\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n"
		"[    0.000000] a message that goes on and on and on and on until it is\nfull\n",
		"a message that goes on and on and on and on until it is full\n"
		"a message that goes on and on and on and on until it is full\n"
		"a message that goes on and on and on and on until it is full\n"
		"a\nshort\nwords\n"
		"a message that goes on and on and on and on until it is full\n"
		"a message that goes on and on and on and on until it is full\n"
		"a message that goes on and on and on and on until it is full\n"
		"a message that goes on and on and on and on until it is full\n"
		"a message that goes on and on and on and on until it is full\n"
		"a message that goes on and on and on and on until it is full\n"
		"a message that goes on and on and on and on until it is full\n"
		"a message that goes on and on and on and on until it is full\n");
}

/* A terminal breaks at its last column and nowhere else, be that in a word or at a blank. */
static void joins_folded_messages(void **state)
{
	(void)state;
	/* In a word; before a blank, which is kept; behind one, which is kept or lost; twice. */
	expect_messages("[    0.000000] Memory: 1K/2K available (\n3K kernel code)\n"
			"[    0.000000] one two three four five s\nix\n"
			"[    0.000000] one two three fours, five\n six\n"
			"[    0.000000] one two three fives six, \nseven\n"
			"[    0.000000] one two three fives six,\nseven\n"
			"[    0.000000] 1234567890123456789012345\n"
			"1234567890123456789012345678901234567890\n12345\n"
			"[    0.000000] a line that is shorter\n"
			"[    0.000000] a\n",
			"Memory: 1K/2K available (3K kernel code)\n"
			"one two three four five six\n"
			"one two three fours, five six\n"
			"one two three fives six, seven\n"
			"one two three fives six, seven\n"
			"1234567890123456789012345123456789012345678901234567890123456789012345\n"
			"a line that is shorter\na\n");
	/* A tab reaches to the next multiple of eight. */
	expect_messages("[    0.000000]  memory[0x0]\t[0x00000\n00-0x1000]\n"
			"[    0.000000]  memory[0x1]\t[0x00010\n00-0x2000]\n"
			"[    0.000000] one two three fours, five\n six\n",
			" memory[0x0]\t[0x0000000-0x1000]\n"
			" memory[0x1]\t[0x0001000-0x2000]\n"
			"one two three fours, five six\n");
	/* One line is longer than the others: they were not broken, and nothing is joined. */
	expect_messages("[    0.000000] one two three four five s\nix\n"
			"[    0.000000] one two three four five s\nix\n"
			"[    0.000000] one two three fours, five\n six\n"
			"[    0.000000] one two three fours, five six\n",
			"one two three four five s\nix\n"
			"one two three four five s\nix\n"
			"one two three fours, five\n six\n"
			"one two three fours, five six\n");
}

/* The width is that of the longest line where long words would allow any. */
static void joins_messages_wrapped_widely(void **state)
{
	(void)state;
	expect_messages(
		"[    0.000000] a message that goes on and on and on and on and on and on and on until it is\n"
		"0x0000000000000000-0x00000000000000000000-0x00000000\n"
		"[    0.000000] a message that goes on and on and on and on and on and on and on until it is,\n"
		"0x0000000000000000-0x00000000000000000000-0x00000000\n"
		"[    0.000000] a message that goes on and on and on and on and on and on and on until it is\n"
		"0x0000000000000000-0x00000000000000000000-0x00000000\n"
		"[    0.000000] a message that goes on and on and on and on and on and on and on until it,\n"
		"full\n",
		"a message that goes on and on and on and on and on and on and on until it is "
		"0x0000000000000000-0x00000000000000000000-0x00000000\n"
		"a message that goes on and on and on and on and on and on and on until it is, "
		"0x0000000000000000-0x00000000000000000000-0x00000000\n"
		"a message that goes on and on and on and on and on and on and on until it is "
		"0x0000000000000000-0x00000000000000000000-0x00000000\n"
		"a message that goes on and on and on and on and on and on and on until it, full\n");
}

static void splits_records(void **state)
{
	struct log_text text = { 0 };

	(void)state;
	parse_string("6,1,0,-;a\n SUBSYSTEM=x\n DEVICE=y\n6,2,0,-;b\\x0a  c\\x0a\n"
		     "6,3,0,-; KEY=part of a message\n",
		     &text);
	assert_int_equal(text.counts.annotation_lines, 2);
	assert_int_equal(text.nlines, 5);
	assert_string_equal(text.lines[1].text, "b");
	assert_string_equal(text.lines[2].text, "  c");
	assert_int_equal(text.lines[2].column, 14);
	assert_int_equal(text.lines[2].level, 6);
	assert_int_equal(text.lines[2].span, 0);
	assert_string_equal(text.lines[3].text, "");
	assert_string_equal(text.lines[4].text, " KEY=part of a message");
	log_text_deinit(&text);
	/* A wrapped one goes on with its next line, too. */
	parse_string("6,1,0,-;BIOS-e820: [mem 0x0000000000000000-\n"
		     "0x000000000009fbff] \\ usable\\x0aand\\x41more\\x0a  c\n6,2,0,-;d\n",
		     &text);
	assert_int_equal(text.nlines, 4);
	assert_string_equal(text.lines[0].text,
			    "BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] \\ usable");
	assert_int_equal(text.lines[0].span, 2);
	assert_string_equal(text.lines[1].text, "andAmore");
	assert_int_equal(text.lines[1].line, 2);
	assert_int_equal(text.lines[1].column, 33);
	assert_int_equal(text.lines[1].span, 0);
	assert_string_equal(text.lines[2].text, "  c");
	assert_string_equal(text.lines[3].text, "d");
	log_text_deinit(&text);
	/* Without records, such a line is a message. */
	expect_messages("a\n SUBSYSTEM=x\n", "a\n SUBSYSTEM=x\n");
}

/* ---- Boots ---- */

static void expect_boots(const char *source, const char *want)
{
	struct log_text text = { 0 };
	char got[512] = "";
	size_t i;

	parse_string(source, &text);
	for (i = 0; i < text.nboots; i++) {
		const struct log_boot *boot = &text.boots[i];

		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%zu-%zu@%zd",
			 i ? " " : "", boot->first, boot->end, (ptrdiff_t)boot->banner);
	}
	snprintf(got + strlen(got), sizeof(got) - strlen(got), " take %zu firmware %zu",
		 log_text_default_boot(&text), text.counts.firmware_lines);
	assert_string_equal(got, want);
	log_text_deinit(&text);
}

static void finds_boots(void **state)
{
	(void)state;
	expect_boots("[    0.000000] Linux version 6.1.0\n[    1.000000] a\n",
		     "0-2@0 take 0 firmware 0");
	/* The head is missing. */
	expect_boots("[    1.000000] a\n[    2.000000] b\n", "0-2@-1 take 0 firmware 0");
	/* Before the banner. */
	expect_boots("[    0.000000] microcode\n[    0.000000] Linux version 6.1.0\n"
		     "[    1.000000] a\n",
		     "0-3@1 take 0 firmware 0");
	expect_boots("[    0.000000] Booting Linux on physical CPU 0x0\n"
		     "[    0.000000] Linux version 6.1.0\n[    1.000000] a\n",
		     "0-3@0 take 0 firmware 0");
	/* Two boots, the second with lines before its banner. */
	expect_boots("[    0.000000] Linux version 6.1.0\n[    9.000000] a\n"
		     "[    0.000000] microcode\n[    0.000000] Linux version 6.1.0\n"
		     "[    1.000000] b\n",
		     "0-2@0 2-5@3 take 1 firmware 0");
	expect_boots("[    0.000000] Booting Linux on physical CPU 0x0\n"
		     "[    0.000000] Linux version 6.1.0\n[    0.500000] a\n"
		     "[    0.000000] Booting Linux on physical CPU 0x0\n"
		     "[    0.000000] Linux version 6.1.0\n",
		     "0-3@0 3-5@3 take 1 firmware 0");
	/* The first has no head, the last no banner. */
	expect_boots("[    9.000000] a\n[    0.000000] Linux version 6.1.0\n[    9.000000] b\n"
		     "U-Boot 2021.01\n[    0.000000] c\n[    0.000000] d\n[    0.000000] e\n"
		     "[    0.000000] f\n[    0.000000] g\n[    0.000000] h\n[    0.000000] i\n"
		     "[    0.000000] j\n[    0.100000] k\n",
		     "0-1@-1 1-3@1 3-12@-1 take 1 firmware 1");
	/* CPUs whose clocks are not set yet. */
	expect_boots(
		"[    0.000000] Linux version 6.1.0\n[    2.310000] x86: Booting SMP\n"
		"[    0.000000] masked ExtINT on CPU#1\n[    0.000000] masked ExtINT on CPU#2\n"
		"[    0.000000] masked ExtINT on CPU#3\n[    0.000000] masked ExtINT on CPU#4\n"
		"[    0.000000] masked ExtINT on CPU#5\n[    0.000000] masked ExtINT on CPU#6\n"
		"[    0.000000] masked ExtINT on CPU#7\n[    0.000000] masked ExtINT on CPU#8\n"
		"[    0.000000] masked ExtINT on CPU#9\n[    2.320000] x86: Booted up 1 node\n"
		"[    2.330000] a\n",
		"0-13@0 take 0 firmware 0");
	/* Without stamps. */
	expect_boots("Linux version 2.6.20\na\nLinux version 2.6.21\nb\n",
		     "0-2@0 2-4@2 take 1 firmware 0");
	expect_boots("Using a machine description\nLinux version 2.6.20\na\n",
		     "0-3@1 take 0 firmware 0");
	/* Firmware before and between. */
	expect_boots("U-Boot 2021.01\nStarting kernel ...\n\n[    0.000000] Linux version 6.1.0\n"
		     "[    9.000000] a\nlogin:\nU-Boot 2021.01\n"
		     "[    0.000000] Booting Linux on physical CPU 0x0\n"
		     "[    0.000000] Linux version 6.1.0\n",
		     "0-2@0 2-4@2 take 1 firmware 4");
	expect_boots("U-Boot 2021.01\nStarting kernel ...\n\nLinux version 2.6.20\na\n",
		     "0-2@0 take 0 firmware 2");
	/* What a program prints is no boot, and "Linux version" alone neither. */
	expect_boots("[    0.000000] Linux version 6.1.0\n[    9.000000] a\n"
		     "[    9.000000] b\nLinux version 6.1.0\n",
		     "0-4@0 take 0 firmware 0");
	expect_boots("[    0.000000] Linux version 6.1.0\n[    9.000000] Linux version of x\n",
		     "0-2@0 take 0 firmware 0");
	/* The rest of a source line in which firmware was speaking. */
	expect_boots("BIOS done[    0.000000] Linux version 6.1.0\n[    1.000000] a\n"
		     "[    2.000000] b\n[    3.000000] c\n",
		     "0-4@0 take 0 firmware 0");
	/* The journal says so. */
	expect_boots("Nov 21 03:37:00 h kernel: a\n-- Reboot --\nNov 21 03:38:00 h kernel: b\n"
		     "Nov 21 03:38:00 h kernel: Linux version 6.1.0\n",
		     "0-1@-1 1-3@2 take 1 firmware 0");
}

static void leaves_other_programs_out(void **state)
{
	struct log_text text = { 0 };

	(void)state;
	parse_string("Nov 21 03:37:00 h kernel: a\nNov 21 03:37:00 h systemd[1]: b\n"
		     "Nov 21 03:37:00 h sudo: c\nNov 21 03:37:00 h kernel: systemd[1]: d\n",
		     &text);
	assert_int_equal(text.nlines, 2);
	assert_int_equal(text.counts.other_program_lines, 2);
	assert_string_equal(text.lines[1].text, "systemd[1]: d");
	log_text_deinit(&text);
	/* No line is the kernel's: then it is not known to be a syslog. */
	expect_messages("Nov 21 03:37:00 h systemd[1]: b\n", "Nov 21 03:37:00 h systemd[1]: b\n");
}

/* ---- One boot in every shape ---- */

static const char *const boot[] = {
	"Linux version 6.1.0-50-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP",
	"Command line: console=ttyS0 memblock=debug root=/dev/vda1  ",
	"BIOS-provided physical RAM map:",
	"BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable",
	"e820: update [mem 0x00000000-0x00000fff] usable ==> reserved",
	"memblock_reserve: [0x000000000009f000-0x00000000000fffff] reserve_bios_regions+0x90/0x96",
	"Zone ranges:",
	"  DMA      [mem 0x0000000000001000-0x0000000000ffffff]",
	"  Normal   empty",
	"Early memory node ranges",
	"  node   0: [mem 0x0000000000001000-0x000000000009efff]",
	"",
	"mminit::zonelist general 0:DMA = 0:DMA ",
	"Built 1 zonelists, mobility grouping on.  Total pages: 515808",
	"\tRAID & co: a<b>c \"d\" => e",
	"------------[ cut here ]------------",
	"Memory: 2033892K/2096632K available (14342K kernel code, 2332K rwdata)",
};

#define BOOT_LINES (sizeof(boot) / sizeof(boot[0]))

struct buffer {
	char *data;
	size_t size;
	size_t room;
};

static void put(struct buffer *to, const char *data, size_t size)
{
	if (to->size + size + 1 > to->room) {
		to->room = (to->size + size + 1) * 2;
		to->data = realloc(to->data, to->room);
		assert_non_null(to->data);
	}
	memcpy(to->data + to->size, data, size);
	to->size += size;
	to->data[to->size] = '\0';
}

static void put_string(struct buffer *to, const char *text)
{
	put(to, text, strlen(text));
}

/* A format with one %s for the message, or two of which the first is a number for the time. */
static const char *const line_shapes[] = {
	"%s\n",
	"[    0.%06d] %s\n",
	"[    0.%06d][    T0] %s\n",
	"[    0.%06d] [    C0] %s\n",
	"<6>[    0.%06d] %s\n",
	"<6>%s\n",
	"kern  :info  : [    0.%06d] %s\n",
	"[Sat Nov 21 03:37:00 2026] %s\n",
	"2026-11-21T03:37:00,%06d+00:00 %s\n",
	"6,1,%d,-;%s\n",
	"Nov 21 03:37:00 debian kernel: %s\n",
	"Nov 21 03:37:00.%06d debian kernel: %s\n",
	"Nov 21 03:37:00 debian kernel: [    0.%06d] %s\n",
	"2026-11-21T03:37:00+0000 debian kernel: %s\n",
	"[    0.%06d] debian kernel: %s\n",
	"Sat 2026-11-21 03:37:00 UTC debian kernel: %s\n",
	"> [    0.%06d] %s\n",
	"> > %s\n",
	"| [    0.%06d] %s\n",
	"[    0.%06d@0] %s\n",
	"[    0.%06d] (0)[0:swapper]%s\n",
	"[    0.%06d]  [0:      swapper:    0] %s\n",
	"<6>[    0.%06d] c0 %s\n",
	"10:00:00.123 [    0.%06d] %s\n",
	"[2021-01-01 10:00:00] %s\n",
	"\x1b[32m[    0.%06d] \x1b[0m%s\x1b[K\n",
	"[    0.%06d] %s\r\n",
	"\r[    0.%06d] %s\n",
	"[    0.%06d] %s\r",
	"[    0.%06d] %sxy\b\b\n",
	"guest-1  | [    0.%06d] %s\n",
	"2024-01-02T03:04:05.678901234Z [    0.%06d] %s\n",
	"2024-01-02T03:04:05.678901234Z stdout F [    0.%06d] %s\n",
	"[pod/a-b/guest] [    0.%06d] %s\n",
	"2024-01-02T03:04:05Z {app=\"kernel\", host=\"a\"} [    0.%06d] %s\n",
	/* Names that we do not know: most lines have their stamp somewhere. */
	"virt-launcher-x guest-console-log [    0.%06d] %s\n",
	"(d12) [    0.%06d] %s\n",
};

static void put_line(struct buffer *to, const char *shape, int time, const char *message)
{
	char line[1024];
	const char *first = strchr(shape, '%');

	assert_non_null(first);
	/* The shapes are ours: the formats are not checked where they are used. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (first[1] == 's')
		snprintf(line, sizeof(line), shape, message);
	else
		snprintf(line, sizeof(line), shape, time, message);
#pragma GCC diagnostic pop
	put_string(to, line);
}

typedef void (*encode_fn)(struct buffer *to, const char *data, size_t size);

static void encode_plain(struct buffer *to, const char *data, size_t size)
{
	put(to, data, size);
}

static void encode_bom(struct buffer *to, const char *data, size_t size)
{
	put(to, "\xef\xbb\xbf", 3);
	put(to, data, size);
}

static void encode_utf16(struct buffer *to, const char *data, size_t size)
{
	size_t i;

	put(to, "\xff\xfe", 2);
	for (i = 0; i < size; i++) {
		put(to, data + i, 1);
		put(to, "", 1);
	}
}

static void encode_utf16_big(struct buffer *to, const char *data, size_t size)
{
	size_t i;

	put(to, "\xfe\xff", 2);
	for (i = 0; i < size; i++) {
		put(to, "", 1);
		put(to, data + i, 1);
	}
}

/* As in RFC 2045: lines of at most 76, blanks at their ends encoded. */
static void encode_quoted_printable(struct buffer *to, const char *data, size_t size)
{
	size_t column = 0, i;
	char code[4];

	for (i = 0; i < size; i++) {
		unsigned char c = (unsigned char)data[i];
		bool last = i + 1 == size || data[i + 1] == '\n';

		if (c == '\n') {
			put(to, "\n", 1);
			column = 0;
			continue;
		}
		if (column > 72) {
			put(to, "=\n", 2);
			column = 0;
		}
		if (c == '=' || c >= 0x7f || (c < 0x20 && c != '\t') ||
		    (last && (c == ' ' || c == '\t'))) {
			snprintf(code, sizeof(code), "=%02X", c);
			put_string(to, code);
			column += 3;
		} else {
			put(to, data + i, 1);
			column++;
		}
	}
}

static void encode_html(struct buffer *to, const char *data, size_t size)
{
	size_t i;

	put_string(to, "<pre>\n");
	for (i = 0; i < size; i++) {
		switch (data[i]) {
		case '<':
			put_string(to, "&lt;");
			break;
		case '>':
			put_string(to, "&gt;");
			break;
		case '&':
			put_string(to, "&amp;");
			break;
		default:
			put(to, data + i, 1);
		}
	}
	put_string(to, "</pre>\n");
}

static void encode_nuls(struct buffer *to, const char *data, size_t size)
{
	static const char nuls[4096];

	put(to, nuls, sizeof(nuls));
	put(to, data, size);
	put(to, nuls, sizeof(nuls));
}

static void put_json_string(struct buffer *to, const char *data, size_t size)
{
	char code[8];

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)data[i];

		if (c == '"' || c == '\\')
			put(to, "\\", 1);
		if (c == '\t') {
			put_string(to, "\\t");
		} else if (c < 0x20) {
			snprintf(code, sizeof(code), "\\u%04x", c);
			put_string(to, code);
		} else {
			put(to, data + i, 1);
		}
	}
}

/* As docker keeps it: an object a line, with the line's end in it. */
static void encode_json(struct buffer *to, const char *data, size_t size)
{
	/* One object would not be known as one. */
	if (!memchr(data, '\n', size)) {
		put(to, data, size);
		return;
	}
	while (size) {
		const char *feed = memchr(data, '\n', size);
		size_t len = feed ? (size_t)(feed - data) : size;

		put_string(to, "{\"log\":\"");
		put_json_string(to, data, len);
		put_string(to, "\\n\",\"stream\":\"stdout\",\"time\":\"2024-01-02T03:04:05Z\"}\n");
		data += len + (feed != NULL);
		size -= len + (feed != NULL);
	}
}

static const encode_fn encodings[] = {
	encode_plain, encode_bom,  encode_utf16, encode_utf16_big, encode_quoted_printable,
	encode_html,  encode_nuls, encode_json,
};

/* A shape without anything before the message loses blank lines: they cannot be told. */
static bool loses_blank_lines(const char *shape)
{
	return !strcmp(shape, "%s\n") || !strcmp(shape, "> > %s\n") ||
	       !strcmp(shape, "[2021-01-01 10:00:00] %s\n");
}

static void gives_the_same_in_every_shape(void **state)
{
	size_t i, j, k;

	(void)state;
	for (i = 0; i < sizeof(line_shapes) / sizeof(line_shapes[0]); i++) {
		struct buffer source = { 0 }, want = { 0 };

		for (k = 0; k < BOOT_LINES; k++) {
			put_line(&source, line_shapes[i], (int)k, boot[k]);
			if (*boot[k] || !loses_blank_lines(line_shapes[i])) {
				put_string(&want, boot[k]);
				put_string(&want, "\n");
			}
		}
		for (j = 0; j < sizeof(encodings) / sizeof(encodings[0]); j++) {
			struct buffer encoded = { 0 };
			struct log_text text = { 0 };
			char *got;

			encodings[j](&encoded, source.data, source.size);
			parse(encoded.data, encoded.size, &text);
			got = messages(&text);
			if (strcmp(got, want.data)) {
				print_message("shape %zu, encoding %zu: %s", i, j, line_shapes[i]);
				assert_string_equal(got, want.data);
			}
			assert_int_equal(text.nboots, 1);
			assert_int_equal(text.boots[0].banner, 0);
			/* Carriage returns alone end lines no longer if the encoding adds a line. */
			if (strchr(source.data, '\n'))
				assert_int_equal(text.split_lines, 0);
			free(got);
			free(encoded.data);
			log_text_deinit(&text);
		}
		free(source.data);
		free(want.data);
	}
}

/* Messages as objects of other programs, of which only the kernel's are taken. */
static void reads_objects(void **state)
{
	(void)state;
	expect_messages(
		"{\n   \"dmesg\": [\n      {\n         \"pri\": 5,\n"
		"         \"time\":    0.000000,\n         \"msg\": \"Linux version 6.1 (\\\"a\\\")\"\n"
		"      },{\n         \"pri\": 6,\n         \"msg\": \"  b\\tc\"\n      },{\n"
		"         \"msg\": \"d\\\\\"\n      }\n   ]\n}\n",
		"Linux version 6.1 (\"a\")\n  b\tc\nd\\\n");
	expect_messages("{\"PRIORITY\":\"6\",\"SYSLOG_IDENTIFIER\":\"kernel\",\"MESSAGE\":\"a\"}\n"
			"{\"MESSAGE\":\"no\",\"SYSLOG_IDENTIFIER\":\"systemd\"}\n"
			"{\"MESSAGE\":\"b\",\"SYSLOG_IDENTIFIER\":\"kernel\"}\n"
			"{\"SYSLOG_IDENTIFIER\":\"kernel\",\"MESSAGE\":[0,1]}\n"
			"{\"SYSLOG_IDENTIFIER\":\"kernel\",\"MESSAGE\":\"c \\u003cd\\u003e\"}\n",
			"a\nb\nc <d>\n");
	expect_messages(
		"{\"labels\":{\"a\":\"b\"},\"line\":\"[    0.000000] a\",\"timestamp\":\"x\"}\n"
		"{\"labels\":{\"a\":\"b\"},\"line\":\"[    0.000000] b\",\"timestamp\":\"x\"}\n"
		"{\"labels\":{\"a\":\"b\"},\"line\":\"[    0.000000] c\",\"line\":\"no\"}\n"
		"{\"line\":\"[    0.000000] cut off",
		"a\nb\nc\ncut off\n");
	/* Two are not enough, and an object has to come first. */
	expect_messages("{\"log\":\"a\"}\n{\"log\":\"b\"}\n", "{\"log\":\"a\"}\n{\"log\":\"b\"}\n");
	expect_messages("x\n{\"log\":\"a\"}\n{\"log\":\"b\"}\n{\"log\":\"c\"}\n",
			"x\n{\"log\":\"a\"}\n{\"log\":\"b\"}\n{\"log\":\"c\"}\n");
}

/* As "fold -s -w @width" does it; lines have neither tabs nor characters of several bytes. */
static void fold_softly(struct buffer *to, const char *data, size_t size, size_t width)
{
	while (size) {
		const char *feed = memchr(data, '\n', size);
		size_t len = feed ? (size_t)(feed - data) : size, n = len;

		if (len > width) {
			for (n = width; n && data[n - 1] != ' '; n--)
				;
			n = n ? n : width;
		}
		put(to, data, n);
		put(to, "\n", 1);
		n += n == len && feed;
		data += n;
		size -= n;
	}
}

/* A boot folded at each width, with stamps and without. */
static void joins_softly_folded_messages(void **state)
{
	(void)state;
	for (size_t width = 40; width <= 100; width++) {
		for (int stamped = 0; stamped < 2; stamped++) {
			struct buffer source = { 0 }, folded = { 0 }, want = { 0 };
			size_t longest = 0, broken = 0;

			for (size_t k = 0; k < BOOT_LINES; k++) {
				size_t len = strlen(boot[k]) + (stamped ? 15 : 0);

				/* Blanks at the end of a message are those of a break. */
				if (!*boot[k] || strchr(boot[k], '\t') ||
				    boot[k][strlen(boot[k]) - 1] == ' ')
					continue;
				put_line(&source, stamped ? "[    0.%06d] %s\n" : "%s\n", (int)k,
					 boot[k]);
				put_string(&want, boot[k]);
				put_string(&want, "\n");
				broken += len > width;
				longest = len > longest ? len : longest;
			}
			fold_softly(&folded, source.data, source.size, width);
			if (broken >= 3)
				expect_messages(folded.data, want.data);
			free(source.data);
			free(folded.data);
			free(want.data);
		}
	}
}

/* What only looks encoded stays; what is encoded oddly is understood. */
static void decodes_with_care(void **state)
{
	static const char utf16[] = "\xff\xfe"
				    "a\0"
				    "\xe9\0"
				    "\xac\x20"
				    "\x3d\xd8\x00\xde"
				    "\x3d\xd8"
				    "b\0"
				    "\n\0"
				    "c";
	struct log_text text = { 0 };

	(void)state;
	expect_messages("root=3Dx\na=3D\nb=/dev\nc=x\nd=-1\n",
			"root=3Dx\na=3D\nb=/dev\nc=x\nd=-1\n");
	expect_messages("root=3Dx\na=3D\nb=3D/dev\nc=\nx=0D=0Ad=20\n",
			"root=x\na=\nb=/dev\ncx\nd \n");
	expect_messages("a &lt;b&gt;\nc => d\n<1234>\n", "a &lt;b&gt;\nc => d\n<1234>\n");
	expect_messages("a &lt;b&gt;\nc =&gt; d &amp;lt; &#60;&#9999;\n",
			"a <b>\nc => d &lt; <&#9999;\n");
	expect_messages("caf\xc3\xa9\be\n", "cafe\n");
	expect_messages("ab\b\b\b\bc\n", "c\n");
	/* Two bytes, three, a pair, a lone half, half a unit at the end. */
	parse(utf16, sizeof(utf16) - 1, &text);
	assert_int_equal(text.nlines, 1);
	assert_string_equal(text.lines[0].text, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd"
						"b");
	log_text_deinit(&text);
}

/* ---- Not a log ---- */

static void expect_refused(const void *data, size_t size, enum error_code code, uint32_t line,
			   uint32_t column, const char *words)
{
	struct log_text text = { 0 };
	struct error *err = parse_bytes(data, size, &text);

	assert_non_null(err);
	if (err->code != code || !strstr(err->message, words))
		fail_msg("got error %d: %s", err->code, err->message);
	assert_null(err->file);
	assert_int_equal(err->line, line);
	assert_int_equal(err->column, column);
	assert_null(text.lines);
	error_destroy(err);
}

static void refuses_what_is_no_text(void **state)
{
	static const uint8_t elf[64] = "\x7f"
				       "ELF\2\1\1";
	static const uint8_t nuls[1000];
	static const uint8_t bits[] = "line 1\nab\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89";

	(void)state;
	expect_refused("", 0, ERROR_FORMAT, 0, 0, "is empty");
	expect_refused("\xef\xbb\xbf", 3, ERROR_FORMAT, 0, 0, "is empty");
	expect_refused("\n \n\t\n", 5, ERROR_FORMAT, 0, 0, "3 lines but no kernel message");
	expect_refused(nuls, sizeof(nuls), ERROR_FORMAT, 1, 1, "nothing but NUL bytes");
	expect_refused(elf, sizeof(elf), ERROR_FORMAT, 1, 1, "an ELF file");
	expect_refused("\x89PNG\r\n\x1a\n", 8, ERROR_FORMAT, 1, 1, "a PNG picture");
	expect_refused("LPKSHHRH........", 16, ERROR_FORMAT, 1, 1, "journalctl -k");
	expect_refused(bits, sizeof(bits) - 1, ERROR_FORMAT, 2, 3, "byte 0x80 is the first of 10");
	/* A little rubbish is a noisy line. */
	expect_messages("[    0.000000] a line of some length\xff\xfe\xfd\n",
			"a line of some length\xff\xfe\xfd\n");
}

static void cuts_long_lines(void **state)
{
	const size_t size = (size_t)3 << 20;
	static const char stamp[] = "[    0.000000] ", next[] = "\n[    1.000000] next\n";
	struct buffer source = { 0 };
	struct log_text text = { 0 };
	char *filler = malloc(size);

	(void)state;
	assert_non_null(filler);
	memset(filler, 'a', size);
	/* In place, and with a byte that makes it be copied. */
	for (int i = 0; i < 2; i++) {
		source.size = 0;
		put_string(&source, stamp);
		if (i)
			put_string(&source, "\a");
		put(&source, filler, size);
		put_string(&source, next);
		parse(source.data, source.size, &text);
		assert_int_equal(text.nlines, 2);
		assert_int_equal(text.lines[0].len, LOG_LINE_BYTES_MAX);
		assert_int_equal(text.lines[0].flags & LOG_LINE_CUT, LOG_LINE_CUT);
		assert_int_equal(text.lines[1].flags & LOG_LINE_CUT, 0);
		assert_string_equal(text.lines[1].text, "next");
		assert_int_equal(text.cut_lines, 1);
		log_text_deinit(&text);
	}
	/* The copy that is cleaned is cut behind its last stamp. */
	source.size = 0;
	for (int i = 0; i < 3; i++)
		put_string(&source, "[    0.000000] x\n");
	put_string(&source, "\a");
	put(&source, filler, ((size_t)1 << 20) - 100);
	put_string(&source, "[    0.000000] short");
	put(&source, filler, 1000);
	parse(source.data, source.size, &text);
	assert_int_equal(text.nlines, 5);
	assert_true(text.lines[4].len < 100);
	assert_int_equal(text.lines[4].flags & LOG_LINE_CUT, LOG_LINE_CUT);
	assert_int_equal(text.cut_lines, 2);
	log_text_deinit(&text);
	/* Just as long as allowed. */
	source.size = 0;
	put(&source, filler, LOG_LINE_BYTES_MAX);
	parse(source.data, source.size, &text);
	assert_int_equal(text.lines[0].len, LOG_LINE_BYTES_MAX);
	assert_int_equal(text.cut_lines, 0);
	log_text_deinit(&text);
	free(source.data);
	free(filler);
}

static void refuses_too_many_lines(void **state)
{
	const size_t lines = LOG_TEXT_LINES_MAX + 1;
	char *data = malloc(lines * 2);
	struct log_text text = { 0 };
	size_t i;

	(void)state;
	assert_non_null(data);
	for (i = 0; i < lines; i++) {
		data[2 * i] = 'a';
		data[2 * i + 1] = '\n';
	}
	expect_refused(data, lines * 2, ERROR_LIMIT, (uint32_t)lines, 0,
		       "has more than 4194304 lines");
	assert_null(log_text_parse((const uint8_t *)data, (lines - 1) * 2, &text));
	assert_int_equal(text.nlines, LOG_TEXT_LINES_MAX);
	log_text_deinit(&text);
	free(data);
}

/* ---- Excerpts ---- */

static void dump(const struct log_text *text, struct buffer *to)
{
	const struct log_counts *c = &text->counts;
	char line[256];
	size_t i;

	snprintf(line, sizeof(line),
		 "%zu source lines: %zu kept, %zu blank, %zu firmware, %zu other, %zu notes\n"
		 "%zu log lines: %zu split, %zu joined, %zu cut\n",
		 c->source_lines, c->kept_lines, c->blank_lines, c->firmware_lines,
		 c->other_program_lines, c->annotation_lines, text->nlines, text->split_lines,
		 text->joined_lines, text->cut_lines);
	put_string(to, line);
	for (i = 0; i < text->nboots; i++) {
		snprintf(line, sizeof(line), "boot %zu-%zu, banner %zd\n", text->boots[i].first,
			 text->boots[i].end, (ptrdiff_t)text->boots[i].banner);
		put_string(to, line);
	}
	for (i = 0; i < text->nlines; i++) {
		const struct log_line *l = &text->lines[i];

		snprintf(line, sizeof(line), "%" PRIu32 ":%" PRIu32 " +%" PRIu32 " %c%c%c%c",
			 l->line, l->column, l->span, l->flags & LOG_LINE_PREFIXED ? 'P' : '-',
			 l->flags & LOG_LINE_SPLIT ? 'S' : '-',
			 l->flags & LOG_LINE_JOINED ? 'J' : '-',
			 l->flags & LOG_LINE_CUT ? 'C' : '-');
		put_string(to, line);
		if (l->level >= 0) {
			snprintf(line, sizeof(line), " <%d>", l->facility * 8 + l->level);
			put_string(to, line);
		}
		if (l->has_time) {
			snprintf(line, sizeof(line), " [%.6f]", (double)l->time_ns / (double)NS);
			put_string(to, line);
		}
		if (l->caller_kind) {
			snprintf(line, sizeof(line), " %c%" PRIu32, l->caller_kind, l->caller);
			put_string(to, line);
		}
		put_string(to, " |");
		put_string(to, l->text);
		put_string(to, "|\n");
	}
}

static const char *const excerpts[] = {
	"html",	   "journal",	       "kmsg",	 "mail", "monotonic", "old",
	"picocom", "quoted-printable", "serial", "tail",
};

#define EXCERPTS (sizeof(excerpts) / sizeof(excerpts[0]))

/* A file of the folder; to be freed. */
static struct buffer read_excerpt(const char *name, const char *suffix)
{
	struct buffer ret = { 0 };
	char path[256];

	snprintf(path, sizeof(path), "traces/testdata/text/%s.%s", name, suffix);
	ret.data = check_read(path, &ret.size);
	return ret;
}

static void gives_what_is_wanted(void **state)
{
	const char *rewrite = getenv("MMREPLAY_REWRITE");
	size_t i;

	(void)state;
	for (i = 0; i < EXCERPTS; i++) {
		struct buffer source = read_excerpt(excerpts[i], "txt"), want;
		struct log_text text = { 0 };
		struct buffer got = { 0 };

		parse(source.data, source.size, &text);
		dump(&text, &got);
		if (rewrite) {
			char path[512];
			FILE *file;

			snprintf(path, sizeof(path), "%s/%s.want", rewrite, excerpts[i]);
			file = fopen(path, "wb");
			assert_non_null(file);
			fwrite(got.data, 1, got.size, file);
			fclose(file);
		} else {
			want = read_excerpt(excerpts[i], "want");
			if (strcmp(got.data, want.data))
				print_message("%s differs\n", excerpts[i]);
			assert_string_equal(got.data, want.data);
			free(want.data);
		}
		free(got.data);
		log_text_deinit(&text);
		free(source.data);
	}
}

/* ---- Anything at all ---- */

static uint64_t random_state;

static uint64_t next_random(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static size_t below(size_t n)
{
	return (size_t)(next_random() % n);
}

static unsigned long from_env(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 0) : otherwise;
}

static void try_bytes(const struct buffer *source)
{
	struct log_text text = { 0 };
	struct error *err = parse_bytes(source->data, source->size, &text);

	if (err) {
		assert_true(err->code == ERROR_FORMAT);
		assert_true(strlen(err->message) > 0);
		assert_null(text.lines);
		error_destroy(err);
	}
	log_text_deinit(&text);
}

static const char *const pieces[] = {
	"[    0.000000] ",
	"[    1.500000][    T1] ",
	"[12345.678901@3] ",
	"<6>",
	"<30>",
	"\n",
	"\n",
	"\n",
	"\n",
	"\r",
	"\r\n",
	" ",
	"  ",
	"\t",
	"> ",
	">> ",
	"| ",
	"Nov 21 03:37:00 host ",
	"kernel: ",
	"systemd[1]: ",
	"10:00:00.123 ",
	"[2021-01-01 10:00:00] ",
	"kern  :info  : ",
	"[Sat Nov 21 03:37:00 2026] ",
	"2026-11-21T03:37:00,000000+00:00 ",
	"6,339,5140900,-;",
	" SUBSYSTEM=x",
	"\\x0a",
	"\\x",
	"-- Reboot --",
	"-- Boot x --",
	"Linux version 6.1 (",
	"Booting Linux on physical CPU 0x0",
	"Memory: 1K/2K available (3K",
	"[mem 0x0-",
	"0x1]",
	"memblock_reserve: [0x0-0x1]",
	"BIOS-e820: [mem 0x0-0x1]",
	"Built 1 zonelists, ",
	"=\n",
	"=3D",
	"=20",
	"=C2=A0",
	"&lt;",
	"&gt;",
	"&amp;",
	"&#62;",
	"<pre>",
	"</",
	"\x1b[32m",
	"\x1b[",
	"\x1b]0;",
	"\x1b",
	"\b",
	"\b\b\b",
	"\a",
	"\xc2\xa0",
	"\xc3\xa9",
	"\xff",
	"U-Boot",
	"word",
	"host kernel: ",
	"[",
	"]",
	"(",
	")",
	"[    0.12",
	"(0)[0:swapper]",
	" c0 ",
	"[0:      swapper:    0] ",
	"guest-1  | ",
	"2024-01-02T03:04:05Z ",
	"stdout F ",
	"[pod/a/b] ",
	"{a=\"b\"} ",
	"{\"log\":\"",
	"\"}",
	"\\n",
	"\\u00",
	"\"",
	"12:",
	"a line that is long enough to be wrapped by a mail program, most likely",
};

static void survives_anything(void **state)
{
	unsigned long runs = from_env("MMREPLAY_TEXT_RUNS", 2000), run;
	uint64_t seed = from_env("MMREPLAY_TEXT_SEED", 1);
	struct buffer sources[EXCERPTS];
	size_t i;

	(void)state;
	for (i = 0; i < EXCERPTS; i++)
		sources[i] = read_excerpt(excerpts[i], "txt");
	for (run = 0; run < runs; run++) {
		struct buffer source = { 0 };
		size_t size = below(run % 16 ? 400 : 20000);

		random_state = seed + run;
		put(&source, "", 0);
		switch (run % 4) {
		case 0:
			/* Any bytes, and those of text mostly. */
			for (i = 0; i < size; i++) {
				char c = (char)(below(8) ? 0x20 + below(0x5f) : next_random());

				if (run % 8 == 0)
					c = (char)next_random();
				put(&source, &c, 1);
			}
			break;
		case 1:
		case 2:
			if (!below(8))
				put(&source, below(2) ? "\xff\xfe" : "\xef\xbb\xbf", 2 + below(2));
			for (i = 0; i < size / 8; i++) {
				size_t piece = below(sizeof(pieces) / sizeof(pieces[0]));

				put_string(&source, pieces[piece]);
				if (!below(50))
					put(&source, "", 1);
			}
			break;
		default:
			/* An excerpt, cut off and damaged. */
			i = below(EXCERPTS);
			put(&source, sources[i].data, below(sources[i].size + 1));
			for (i = below(20); i && source.size; i--)
				source.data[below(source.size)] = (char)next_random();
		}
		try_bytes(&source);
		free(source.data);
	}
	for (i = 0; i < EXCERPTS; i++)
		free(sources[i].data);
}

/* Every head and every tail of every excerpt. */
static void survives_every_cut(void **state)
{
	size_t i, at;

	(void)state;
	for (i = 0; i < EXCERPTS; i++) {
		struct buffer source = read_excerpt(excerpts[i], "txt");

		for (at = 0; at <= source.size; at++) {
			struct buffer head = { source.data, at, 0 };
			struct buffer tail = { source.data + at, source.size - at, 0 };

			try_bytes(&head);
			try_bytes(&tail);
		}
		free(source.data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_each_shape),
		cmocka_unit_test(keeps_weak_prefixes_of_a_few),
		cmocka_unit_test(places_messages),
		cmocka_unit_test(splits_half_lines),
		cmocka_unit_test(joins_wrapped_messages),
		cmocka_unit_test(joins_folded_messages),
		cmocka_unit_test(joins_messages_wrapped_widely),
		cmocka_unit_test(splits_records),
		cmocka_unit_test(finds_boots),
		cmocka_unit_test(leaves_other_programs_out),
		cmocka_unit_test(gives_the_same_in_every_shape),
		cmocka_unit_test(reads_objects),
		cmocka_unit_test(joins_softly_folded_messages),
		cmocka_unit_test(decodes_with_care),
		cmocka_unit_test(refuses_what_is_no_text),
		cmocka_unit_test(cuts_long_lines),
		cmocka_unit_test(refuses_too_many_lines),
		cmocka_unit_test(gives_what_is_wanted),
		cmocka_unit_test(survives_anything),
		cmocka_unit_test(survives_every_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
