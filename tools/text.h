/* SPDX-License-Identifier: MIT */
/* Text for people: wrapping, suggestions, and printing of words that come from outside. */
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Our default output fits a terminal of this many columns. */
#define TEXT_COLUMNS 80

/*
 * Writes @text in lines of at most TEXT_COLUMNS, each after @indent blanks, each ended by a newline.
 * A blank line in @text separates paragraphs; a line that begins with a blank is kept as it is.  A
 * word longer than a line stands alone.  @column says how far the caller already is on the first
 * line (0 to @indent).
 */
void text_wrap(FILE *out, unsigned int indent, unsigned int column, const char *text);

/* As text_wrap(), for the first @len bytes of a single paragraph, with a width of its own. */
void text_wrap_paragraph(FILE *out, unsigned int indent, unsigned int column, unsigned int width,
			 const char *text, size_t len);

/*
 * Number of insertions, deletions, replacements and swaps of neighbours that turn @a into @b, for
 * words of up to 63 bytes; longer ones are simply far (64).
 */
unsigned int text_distance(const char *a, const char *b);

/*
 * The search for the nearest name: start with { word }, offer every candidate, read ->best, which is
 * NULL when nothing is near enough to be what the user meant.
 */
struct text_nearest {
	const char *word;
	const char *best;
	unsigned int distance;
};
void text_nearest_offer(struct text_nearest *n, const char *candidate);

/* Writes @text with control bytes as \xNN: nothing from outside may steer the terminal. */
void text_print_safe(FILE *out, const char *text);

/* Writes @text for a cell of a Markdown table: a bar would end it, the rest could be taken for markup. */
void text_markdown_cell(FILE *out, const char *text);

/* The three numbers of a kernel's @version (struct boot_input), as "6.1.0". */
#define TEXT_VERSION_SIZE 16
const char *text_version(char buf[TEXT_VERSION_SIZE], uint32_t version);

#endif
