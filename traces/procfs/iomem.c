/* SPDX-License-Identifier: MIT */
#include "traces/procfs/iomem.h"

#include <stdlib.h>
#include <string.h>

#include "traces/grow.h"
#include "traces/procfs/picture.h"
#include "traces/scan.h"

#define RANGES_MAX (1u << 20)
/* The kernel indents two blanks a level and stops after some five levels. */
#define INDENT_BLANKS 2
#define DEPTH_MAX 32

struct reader {
	struct picture picture;
	struct iomem im;
	uint32_t room;
	/* The last range of each depth, for parents. */
	uint32_t last[DEPTH_MAX];
	uint32_t depth; /* of the range before */
};

static const struct {
	const char *name;
	enum iomem_kind kind;
	bool remark; /* may be followed by " (...)" */
} kinds[] = {
	{ "System RAM", IOMEM_SYSTEM_RAM, true },
	{ "Kernel code", IOMEM_KERNEL_CODE, false },
	{ "Kernel rodata", IOMEM_KERNEL_RODATA, false },
	{ "Kernel data", IOMEM_KERNEL_DATA, false },
	{ "Kernel bss", IOMEM_KERNEL_BSS, false },
	{ "Crash kernel", IOMEM_CRASH_KERNEL, true },
	{ "reserved", IOMEM_RESERVED, false },
	{ "Reserved", IOMEM_RESERVED, false },
	{ "ACPI Tables", IOMEM_ACPI_TABLES, false },
	{ "ACPI Non-volatile Storage", IOMEM_ACPI_NVS, false },
	{ "Persistent Memory", IOMEM_PERSISTENT, true },
	{ "Soft Reserved", IOMEM_SOFT_RESERVED, false },
	{ "Unusable memory", IOMEM_UNUSABLE, false },
	{ "RAM buffer", IOMEM_RAM_BUFFER, false },
};

static enum iomem_kind kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].name);

		if (strncmp(name, kinds[i].name, len))
			continue;
		if (!name[len] || (kinds[i].remark && !strncmp(name + len, " (", 2)))
			return kinds[i].kind;
	}
	return IOMEM_OTHER;
}

/* "  000f0000-000fffff : System ROM" */
static struct error *read_line(struct reader *r, struct scan s)
{
	struct iomem *im = &r->im;
	const char *line = s.p, *at;
	struct iomem_range *ranges;
	uint64_t start, last;
	struct scan_str name;
	uint32_t depth;
	struct scan t;

	scan_ws(&s);
	depth = (uint32_t)((s.p - line) / INDENT_BLANKS);
	at = s.p;
	t = s;
	if (!scan_hex(&t, &start)) {
		if (scan_number_too_large(&s) && memchr(s.p, '-', scan_left(&s)))
			return picture_number_error(&r->picture, &s, "an address");
		picture_unknown(&r->picture);
		return NULL;
	}
	if (!scan_char(&t, '-')) {
		picture_unknown(&r->picture);
		return NULL;
	}
	if (!scan_hex(&t, &last)) {
		if (scan_number_too_large(&t))
			return picture_number_error(&r->picture, &t, "an address");
		picture_unknown(&r->picture);
		return NULL;
	}
	scan_ws(&t);
	if (!scan_char(&t, ':')) {
		picture_unknown(&r->picture);
		return NULL;
	}
	scan_rest(&t, &name);
	if (last < start && last + 1 != start)
		return picture_error(&r->picture, ERROR_RANGE, at,
				     "the range ends before it starts");
	if (im->nranges >= RANGES_MAX)
		return picture_error(&r->picture, ERROR_LIMIT, at, "more than %u ranges",
				     RANGES_MAX);
	ranges = grow(im->ranges, im->nranges, &r->room, sizeof(*ranges));
	if (!ranges)
		return error_no_memory();
	im->ranges = ranges;

	/* A child is one step further in than its parent, whatever the blanks say. */
	if (!im->nranges)
		depth = 0;
	else if (depth > r->depth + 1)
		depth = r->depth + 1;
	if (depth >= DEPTH_MAX)
		depth = DEPTH_MAX - 1;
	ranges[im->nranges] = (struct iomem_range){
		.start = start,
		.end = last == UINT64_MAX ? PHYS_MAX : last + 1,
		.depth = depth,
		.parent = depth ? r->last[depth - 1] : IOMEM_NO_PARENT,
		.line = r->picture.lines.line,
		.name = picture_name(&r->picture, name),
	};
	ranges[im->nranges].kind = kind_of(ranges[im->nranges].name);
	r->last[depth] = im->nranges++;
	r->depth = depth;
	return NULL;
}

struct error *iomem_parse(const char *text, size_t len, const char *name, struct iomem *ret)
{
	struct reader r = { 0 };
	struct error *err;
	struct scan s;

	err = picture_open(&r.picture, text, len, name);
	while (!err && picture_next(&r.picture, &s))
		err = read_line(&r, s);
	if (!err && !r.im.nranges)
		err = picture_format_error(&r.picture, "iomem: no range was found");
	if (err) {
		iomem_deinit(&r.im);
	} else {
		r.im.hidden = r.im.nranges > 1;
		for (uint32_t i = 0; i < r.im.nranges; i++)
			if (r.im.ranges[i].start != 0 || r.im.ranges[i].end != 1)
				r.im.hidden = false;
		picture_keep(&r.picture, &r.im.names, &r.im.unknown_lines,
			     &r.im.first_unknown_line);
		*ret = r.im;
	}
	picture_close(&r.picture);
	return err;
}

void iomem_deinit(struct iomem *im)
{
	free(im->ranges);
	free(im->names);
	*im = (struct iomem){ 0 };
}

const struct iomem_range *iomem_next(const struct iomem *im, enum iomem_kind kind, uint32_t from)
{
	for (uint32_t i = from; i < im->nranges; i++)
		if (im->ranges[i].kind == kind)
			return &im->ranges[i];
	return NULL;
}
