/* SPDX-License-Identifier: MIT */
#include "tools/text.h"

#include <stdbool.h>
#include <string.h>

static void print_blanks(FILE *out, unsigned int n)
{
	for (; n; n--)
		fputc(' ', out);
}

void text_wrap_paragraph(FILE *out, unsigned int indent, unsigned int column, unsigned int width,
			 const char *text, size_t len)
{
	const char *end = text + len;
	bool empty_line = true;

	while (text < end) {
		size_t word;

		if (*text == ' ' || *text == '\n') {
			text++;
			continue;
		}
		for (word = 0; text + word < end && text[word] != ' ' && text[word] != '\n'; word++)
			;
		if (!empty_line && column + 1 + word > width) {
			fputc('\n', out);
			column = 0;
			empty_line = true;
		}
		if (empty_line) {
			if (column < indent) {
				print_blanks(out, indent - column);
				column = indent;
			}
			empty_line = false;
		} else {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, word, out);
		column += (unsigned int)word;
		text += word;
	}
	fputc('\n', out);
}

void text_wrap(FILE *out, unsigned int indent, unsigned int column, const char *text)
{
	while (*text) {
		size_t len = 0;

		if (*text == '\n') {
			fputc('\n', out);
			column = 0;
			text++;
			continue;
		}
		if (*text == ' ') {
			len = strcspn(text, "\n");
			print_blanks(out, column < indent ? indent - column : 0);
			fwrite(text, 1, len, out);
			fputc('\n', out);
		} else {
			/* A paragraph ends at a blank line, at a verbatim line, or at the end. */
			do {
				len += strcspn(text + len, "\n");
			} while (text[len] && text[len + 1] && text[len + 1] != '\n' &&
				 text[len + 1] != ' ' && ++len);
			text_wrap_paragraph(out, indent, column, TEXT_COLUMNS, text, len);
		}
		column = 0;
		text += len;
		if (*text)
			text++;
	}
}

#define WORD_MAX 63u

unsigned int text_distance(const char *a, const char *b)
{
	size_t a_len = strlen(a), b_len = strlen(b);
	unsigned int rows[3][WORD_MAX + 1];
	unsigned int *two_up = rows[0], *up = rows[1], *row = rows[2];

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX + 1;
	for (unsigned int j = 0; j <= b_len; j++)
		up[j] = j;
	for (unsigned int i = 1; i <= a_len; i++) {
		unsigned int *oldest = two_up;

		row[0] = i;
		for (unsigned int j = 1; j <= b_len; j++) {
			unsigned int d = up[j - 1] + (a[i - 1] != b[j - 1]);

			if (up[j] + 1 < d)
				d = up[j] + 1;
			if (row[j - 1] + 1 < d)
				d = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    two_up[j - 2] + 1 < d)
				d = two_up[j - 2] + 1;
			row[j] = d;
		}
		two_up = up;
		up = row;
		row = oldest;
	}
	return up[b_len];
}

void text_nearest_offer(struct text_nearest *n, const char *candidate)
{
	size_t len = strlen(n->word);
	size_t candidate_len = strlen(candidate);
	unsigned int distance = text_distance(n->word, candidate);

	/* The beginning of a name is meant as that name, however much is missing. */
	if (len < candidate_len && !strncmp(n->word, candidate, len))
		distance = 1;
	/* One slip per three letters: "facs" is near "facts", "zz" is near nothing. */
	if (distance > (len < candidate_len ? len : candidate_len) / 3 + (len > 2))
		return;
	if (!n->best || distance < n->distance) {
		n->best = candidate;
		n->distance = distance;
	}
}

void text_print_safe(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\x%02x", c);
		else
			fputc(c, out);
	}
}

void text_markdown_cell(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("|\\*_`<>[]", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

const char *text_version(char buf[TEXT_VERSION_SIZE], uint32_t version)
{
	unsigned int major = version >> 24, minor = version >> 16 & 0xff, patch = version & 0xffff;

	snprintf(buf, TEXT_VERSION_SIZE, "%u.%u.%u", major, minor, patch);
	return buf;
}
