/* SPDX-License-Identifier: MIT */
#include "traces/procfs/picture.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct error *picture_open(struct picture *picture, const char *text, size_t len, const char *name)
{
	if (len > PICTURE_BYTES_MAX)
		return error_create(ERROR_LIMIT, name, 0, 0,
				    "%zu bytes are more than the %zu such a file may have", len,
				    PICTURE_BYTES_MAX);
	*picture = (struct picture){
		.text = text,
		.name = name,
		.names = malloc(len + 1),
		.lines = scan_lines_of(text, len),
	};
	if (!picture->names)
		return error_no_memory();
	if (len)
		memcpy(picture->names, text, len);
	picture->names[len] = '\0';
	return NULL;
}

void picture_close(struct picture *picture)
{
	free(picture->names);
	picture->names = NULL;
}

void picture_keep(struct picture *picture, char **names_ret, uint32_t *unknown_lines_ret,
		  uint32_t *first_unknown_line_ret)
{
	*names_ret = picture->names;
	picture->names = NULL;
	*unknown_lines_ret = picture->unknown_lines;
	*first_unknown_line_ret = picture->first_unknown_line;
}

/* ">" at the end of a line or before another quote; ">100000" is a number of pagetypeinfo. */
static bool take_quote(struct scan *s)
{
	if (scan_peek(s) != '>' || (scan_left(s) > 1 && s->p[1] != '>'))
		return false;
	s->p++;
	return true;
}

bool picture_next(struct picture *picture, struct scan *ret)
{
	struct scan s;

	while (scan_next_line(&picture->lines, &s)) {
		struct scan t;

		while (scan_lit(&s, "> ") || take_quote(&s))
			;
		t = s;
		if (scan_blank_end(&t))
			continue;
		*ret = s;
		return true;
	}
	return false;
}

void picture_unknown(struct picture *picture)
{
	if (!picture->unknown_lines++)
		picture->first_unknown_line = picture->lines.line;
}

const char *picture_name(struct picture *picture, struct scan_str str)
{
	char *name = picture->names + (str.p - picture->text);

	name[str.len] = '\0';
	return name;
}

struct error *picture_error(const struct picture *picture, enum error_code code, const char *p,
			    const char *format, ...)
{
	struct error *err;
	va_list args;

	va_start(args, format);
	err = error_create_va(code, picture->name, picture->lines.line,
			      scan_column(&picture->lines, p), format, args);
	va_end(args);
	return err;
}

struct error *picture_format_error(const struct picture *picture, const char *what)
{
	return error_create(ERROR_FORMAT, picture->name, 0, 0, "this is not %s", what);
}

struct error *picture_number_error(const struct picture *picture, const struct scan *s,
				   const char *of_what)
{
	if (scan_number_too_large(s))
		return picture_error(picture, ERROR_RANGE, s->p, "the number of %s is too large",
				     of_what);
	return picture_error(picture, ERROR_SYNTAX, s->p, "%s has no number", of_what);
}

bool picture_is_node(const struct scan *s)
{
	struct scan t = *s;

	return scan_lit(&t, "Node ");
}

struct error *picture_node_zone(const struct picture *picture, struct scan *s, int32_t *nid_ret,
				struct scan_str *zone_ret)
{
	struct scan t = *s;
	struct scan_str zone;
	uint32_t nid;

	scan_lit(&t, "Node ");
	scan_ws(&t);
	if (!scan_u32(&t, &nid) || nid > INT32_MAX)
		return picture_number_error(picture, &t, "a node");
	if (!scan_lit(&t, ", zone") || !scan_ws1(&t) || !scan_name(&t, &zone))
		return picture_error(picture, ERROR_SYNTAX, t.p,
				     "a node is not followed by the name of a zone");
	*s = t;
	*nid_ret = (int32_t)nid;
	*zone_ret = zone;
	return NULL;
}
