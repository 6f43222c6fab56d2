/* SPDX-License-Identifier: MIT */
/*
 * Log text: bytes to clean kernel log lines.
 *
 * Three things are called a line:
 *   source line   what an editor numbers: bytes up to a line feed (or up to a carriage return, in a
 *                 file that has no line feed);
 *   log line      one message as the kernel printed it, without time stamp, level, host name, mail
 *                 quote, colour or serial noise: what a parser matches;
 *   boot          the log lines from one start of a kernel to the next.
 * Mostly one source line is one log line.  A source line in which two messages ran into each other
 * becomes several; a message that a mail program wrapped becomes one again.
 *
 * Log lines keep the message exactly, blanks at both ends and tabs included; kernels print both.
 * Only the one blank that belongs to the time stamp is gone.
 *
 * No source line vanishes: it is part of a log line or counted in struct log_counts.
 *
 * The shapes known are listed in text.c.  This layer does not know what a message means; the
 * parsers beside it do.
 */
#ifndef TRACES_DMESG_TEXT_H
#define TRACES_DMESG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"

/* A message longer than this many bytes is cut there, flagged and counted. */
#define LOG_LINE_BYTES_MAX 65536
/* Larger inputs are refused (ERROR_LIMIT): they are not boot logs. */
#define LOG_TEXT_BYTES_MAX ((size_t)1 << 30)
#define LOG_TEXT_LINES_MAX ((size_t)4 << 20)

/* What happened to a log line on its way here. */
enum log_line_flag {
	/* A time stamp, level, "kernel:" tag or kmsg header came before the message. */
	LOG_LINE_PREFIXED = 1 << 0,
	/* The rest of a source line, after a second time stamp or a carriage return inside it. */
	LOG_LINE_SPLIT = 1 << 1,
	/* Made of several source lines that were one: see @span. */
	LOG_LINE_JOINED = 1 << 2,
	/* Cut at LOG_LINE_BYTES_MAX. */
	LOG_LINE_CUT = 1 << 3,
};

struct log_line {
	/*
	 * The message: @len bytes, none of them NUL, then a NUL.  Bytes are as printed, usually
	 * ASCII, possibly not valid UTF-8.  Owned by the struct log_text.
	 */
	const char *text;
	uint32_t len;
	/* Where @text starts: source line and byte in it, both counted from 1. */
	uint32_t line;
	uint32_t column;
	/*
	 * Source lines this one stands for: 1; more if joined; 0 for all but the first part of a
	 * split source line.
	 */
	uint32_t span;
	/* Severity 0..7 and facility (0 is the kernel) as printed; -1: not printed. */
	int16_t level;
	int16_t facility;
	/* enum log_line_flag */
	uint8_t flags;
	/* 'T' (thread @caller) or 'C' (CPU @caller) of CONFIG_PRINTK_CALLER; 0: not printed. */
	char caller_kind;
	uint32_t caller;
	/* Nanoseconds since boot as printed.  Wall-clock stamps are removed and not kept. */
	bool has_time;
	uint64_t time_ns;
};

/* Log lines [first, end) are of one boot. */
struct log_boot {
	size_t first;
	size_t end;
	/*
	 * The first line of the kernel, "Linux version ..." or "Booting Linux on physical CPU ...",
	 * is there: the head of this boot is complete.  SIZE_MAX: the head is missing.  It can be
	 * later than @first, as some architectures print before it.
	 */
	size_t banner;
};

/* Each source line is counted in exactly one of these; they add up to @source_lines. */
struct log_counts {
	size_t source_lines;
	/* Part of a log line. */
	size_t kept_lines;
	/* Nothing on it, and no time stamp either. */
	size_t blank_lines;
	/* Before a kernel's first line: firmware, boot loader, the head of a mail. */
	size_t firmware_lines;
	/* Tagged with another program's name in a syslog or journal. */
	size_t other_program_lines;
	/* " KEY=value" lines of /dev/kmsg records, and "-- Journal begins ..." lines. */
	size_t annotation_lines;
};

struct log_text {
	struct log_line *lines;
	size_t nlines;
	/*
	 * The boots in the order of the file; they cover all lines without gap, and there is at
	 * least one if there is any line.
	 */
	struct log_boot *boots;
	size_t nboots;
	struct log_counts counts;
	/* Log lines with LOG_LINE_CUT, LOG_LINE_SPLIT, LOG_LINE_JOINED. */
	size_t cut_lines;
	size_t split_lines;
	size_t joined_lines;
	/* All text; private. */
	char *arena;
};

/*
 * Cleans @size bytes at @data, which are not needed afterwards.  Takes linear time, and memory of
 * about @size plus 64 bytes a line.
 *
 * Errors, which name no file (see error_in_file()): ERROR_FORMAT if there is no text at all or if
 * the bytes are not text, ERROR_LIMIT, ERROR_NO_MEMORY.  Text that is no kernel log is a success:
 * that no line means anything is for the parsers to say.
 */
struct error *log_text_parse(const uint8_t *data, size_t size, struct log_text *ret);

/* Accepts a zeroed struct; leaves it zeroed. */
void log_text_deinit(struct log_text *text);

/*
 * The boot to take if the user names none: the last one that has a banner, or else the last.
 * SIZE_MAX if there is none.
 */
size_t log_text_default_boot(const struct log_text *text);

#endif
