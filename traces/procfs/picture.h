/* SPDX-License-Identifier: MIT */
/*
 * Picture: what the readers in this folder have in common.  A picture is the text of one file of
 * /proc, read line by line; names found in it are kept in one copy of the text.
 */
#ifndef TRACES_PROCFS_PICTURE_H
#define TRACES_PROCFS_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/error.h"
#include "traces/scan.h"

/* Larger texts are refused: the largest of these files is a few MiB on the largest machines. */
#define PICTURE_BYTES_MAX ((size_t)64 << 20)
/* No machine has more zones (1024 nodes of up to 6) or rows than that. */
#define PICTURE_ZONES_MAX 8192

struct picture {
	const char *text;
	const char *name; /* of the file, borrowed */
	char *names;
	struct scan_lines lines;
	uint32_t unknown_lines;
	uint32_t first_unknown_line;
};

/* Takes memory for names; picture_close() gives it back if picture_keep() did not take it. */
struct error *picture_open(struct picture *picture, const char *text, size_t len, const char *name);
void picture_close(struct picture *picture);
/* What stays of a picture that was read: its names, the caller's now, and what was not understood. */
void picture_keep(struct picture *picture, char **names_ret, uint32_t *unknown_lines_ret,
		  uint32_t *first_unknown_line_ret);

/* The next line that is not blank, without mail quotes ("> ") before it. */
bool picture_next(struct picture *picture, struct scan *ret);
/* Counts the current line as not understood. */
void picture_unknown(struct picture *picture);
/*
 * A NUL-terminated copy of a piece of the text.  The byte after the piece is lost for other names,
 * so two names never stand next to each other.
 */
const char *picture_name(struct picture *picture, struct scan_str str);

/* An error about the current line, at @p. */
struct error *picture_error(const struct picture *picture, enum error_code code, const char *p,
			    const char *format, ...) ERROR_PRINTF(4, 5);
/* An error about the whole. */
struct error *picture_format_error(const struct picture *picture, const char *what);
/* A number was expected at @s: ERROR_RANGE if one is there that is too large, or ERROR_SYNTAX. */
struct error *picture_number_error(const struct picture *picture, const struct scan *s,
				   const char *of_what);

/*
 * "Node 0, zone    DMA32": takes it and returns NULL.  A line that starts otherwise is for the
 * caller to tell apart, by picture_is_node().
 */
bool picture_is_node(const struct scan *s);
struct error *picture_node_zone(const struct picture *picture, struct scan *s, int32_t *nid_ret,
				struct scan_str *zone_ret);

#endif
