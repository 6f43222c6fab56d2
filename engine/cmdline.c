/* SPDX-License-Identifier: MIT */
#include "engine/cmdline.h"

#include <string.h>

#include "engine/e820.h"
#include "engine/sysctl.h"

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* A number without suffix; @end is where it stops, @text itself where there is none. */
static uint64_t parse_number(const char *text, const char **end)
{
	uint64_t n = 0;
	unsigned int base = 10;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit_value(text[2]) < 16) {
		base = 16;
		text += 2;
	} else if (text[0] == '0') {
		base = 8;
	}
	for (; digit_value(*text) < (int)base; text++)
		n = n * base + (unsigned int)digit_value(*text);
	*end = text;
	return n;
}

uint64_t memparse(const char *text, const char **end)
{
	uint64_t n = parse_number(text, &text);
	unsigned int shift = 0;

	switch (*text) {
	case 'E':
	case 'e':
		shift = 60;
		break;
	case 'P':
	case 'p':
		shift = 50;
		break;
	case 'T':
	case 't':
		shift = 40;
		break;
	case 'G':
	case 'g':
		shift = 30;
		break;
	case 'M':
	case 'm':
		shift = 20;
		break;
	case 'K':
	case 'k':
		shift = 10;
		break;
	}
	if (shift)
		text++;
	if (end)
		*end = text;
	return n << shift;
}

static void add_memmap(struct cmdline *c, enum memmap_action action, phys_t start, uint64_t size,
		       uint32_t type, uint32_t old_type)
{
	if (c->memmap_count < CMDLINE_MEMMAPS_MAX)
		c->memmap[c->memmap_count++] =
			(struct memmap_option){ action, start, size, type, old_type };
}

/* One element of memmap=a,b,c. */
static void parse_memmap_one(struct cmdline *c, const char *value)
{
	const char *p;
	uint64_t size, start;
	uint32_t old_type = 0, new_type = 0;

	/* Whatever follows that word. */
	if (!strncmp(value, "exactmap", 8)) {
		add_memmap(c, MEMMAP_EXACTMAP, 0, 0, 0, 0);
		return;
	}
	size = memparse(value, &p);
	if (p == value)
		return;
	switch (*p) {
	case '@':
		start = memparse(p + 1, &p);
		add_memmap(c, MEMMAP_ADD, start, size, E820_RAM, 0);
		break;
	case '#':
		start = memparse(p + 1, &p);
		add_memmap(c, MEMMAP_ADD, start, size, E820_ACPI, 0);
		break;
	case '$':
		start = memparse(p + 1, &p);
		add_memmap(c, MEMMAP_RESERVE, start, size, E820_RESERVED, 0);
		break;
	case '!':
		start = memparse(p + 1, &p);
		add_memmap(c, MEMMAP_ADD, start, size, E820_PRAM, 0);
		break;
	case '%':
		start = memparse(p + 1, &p);
		if (*p == '-')
			old_type = (uint32_t)parse_number(p + 1, &p);
		if (*p == '+')
			new_type = (uint32_t)parse_number(p + 1, &p);
		/* Of all forms this one alone edits nothing if more follows. */
		if (*p && *p != ',')
			add_memmap(c, MEMMAP_LIMIT, UINT64_MAX, 0, 0, 0);
		else
			add_memmap(c, MEMMAP_CONVERT, start, size, new_type, old_type);
		break;
	default:
		add_memmap(c, MEMMAP_LIMIT, size, 0, 0, 0);
	}
}

static void parse_memmap(struct cmdline *c, const char *value)
{
	while (value) {
		const char *comma = strchr(value, ',');

		parse_memmap_one(c, value);
		value = comma ? comma + 1 : NULL;
	}
}

static void parse_core(struct core_option *core, const char *value, bool allow_mirror)
{
	const char *p;

	if (allow_mirror && !strcmp(value, "mirror")) {
		core->mirror = true;
		core->set = true;
		return;
	}
	core->bytes = memparse(value, &p);
	core->percent = 0;
	if (*p == '%') {
		core->percent = (unsigned int)(core->bytes > 100 ? 100 : core->bytes);
		core->bytes = 0;
	}
	core->set = true;
}

static void copy_text(char *dst, size_t room, const char *src)
{
	size_t len = strlen(src);

	if (len >= room)
		len = room - 1;
	memcpy(dst, src, len);
	dst[len] = 0;
}

/* sysctl.vm.NAME=value or sysctl/vm/NAME=value; false: it is none that is modelled. */
static bool parse_sysctl(struct cmdline *c, const char *name, const char *value)
{
	enum sysctl which = sysctl_find(name, strlen(name));
	uint64_t v[SYSCTL_VALUES_MAX];
	unsigned int count = 0;

	if (which == SYSCTL_COUNT)
		return false;
	/*
	 * What is refused leaves the value that there was.  The handler of lowmem_reserve_ratio does not ask
	 * whether it was: reserves are worked out again, from what zones have by then
	 * (lowmem_reserve_ratio_sysctl_handler, 6.1 and 6.12).
	 */
	sysctl_read(which, value, NULL, v, &count);
	if (!count && which != SYSCTL_LOWMEM_RESERVE_RATIO)
		return true;
	switch (which) {
	case SYSCTL_MIN_FREE_KBYTES:
		c->sysctl_min_free_kbytes = v[0];
		break;
	case SYSCTL_WATERMARK_SCALE_FACTOR:
		c->sysctl_watermark_scale_factor = v[0];
		break;
	case SYSCTL_PCP_FRACTION:
		c->sysctl_pcp_fraction = v[0];
		break;
	case SYSCTL_PCP_HIGH_FRACTION:
		c->sysctl_pcp_high_fraction = v[0];
		break;
	case SYSCTL_LOWMEM_RESERVE_RATIO:
		c->sysctl_lowmem_set = true;
		/* Of several lists a shorter one leaves the end of that before. */
		if (c->sysctl_lowmem_count < count)
			c->sysctl_lowmem_count = count;
		memcpy(c->sysctl_lowmem_ratio, v, count * sizeof(*v));
		break;
	case SYSCTL_COUNT:
		break;
	}
	return true;
}

/* 0:32M,1:48M */
static void parse_numa_cma(struct cmdline *c, const char *value)
{
	const char *p = value;

	c->numa_cma_set = true;
	while (*p) {
		uint64_t nid = memparse(p, &p);

		if (*p != ':' || nid >= CMDLINE_NODES_MAX)
			return;
		c->numa_cma[nid] = memparse(p + 1, &p);
		if (*p++ != ',')
			return;
	}
}

/* @given: there was a '=', perhaps with nothing behind it.  False: it is none that is modelled. */
static bool parse_option(struct cmdline *c, const char *name, const char *value, bool given,
			 bool x86)
{
	const char *p;

	if (!strcmp(name, "memmap") && x86) {
		parse_memmap(c, value);
	} else if (!strcmp(name, "mem")) {
		uint64_t size = memparse(value, &p);

		if (x86) {
			/* Of nonsense nothing comes but the user-defined map. */
			if (strcmp(value, "nopentium") != 0 && given)
				add_memmap(c, MEMMAP_LIMIT, size ? size : UINT64_MAX, 0, 0, 0);
		} else if (p == value || !size) {
			return true;
		} else if (*p == '@') {
			c->mem_elsewhere = true;
		} else {
			c->has_mem_limit = true;
			c->mem_limit = size;
		}
	} else if (!strcmp(name, "kernelcore")) {
		parse_core(&c->kernelcore, value, true);
	} else if (!strcmp(name, "movablecore")) {
		parse_core(&c->movablecore, value, false);
	} else if (!strcmp(name, "movable_node")) {
		c->movable_node = true;
	} else if (!strcmp(name, "numa")) {
		if (!strncmp(value, "off", 3))
			c->numa_off = true;
		else if (!strncmp(value, "fake=", 5))
			copy_text(c->numa_fake, sizeof(c->numa_fake), value + 5);
	} else if (!strcmp(name, "numa_zonelist_order")) {
		/* The first letter counts; anything else is refused and leaves the default. */
		if (strchr("nNzZ", *value) && *value)
			c->zonelist_order = (char)(*value | 0x20);
		else if (*value == 'd' || *value == 'D')
			c->zonelist_order = 0;
	} else if (!strcmp(name, "cma")) {
		c->cma_size = memparse(value, &p);
		c->cma_base = c->cma_limit = 0;
		c->cma_set = true;
		if (*p == '@') {
			c->cma_base = memparse(p + 1, &p);
			if (*p == '-')
				c->cma_limit = memparse(p + 1, &p);
			else
				c->cma_limit = c->cma_base + c->cma_size;
		}
	} else if (!strcmp(name, "cma_pernuma")) {
		c->cma_pernuma = memparse(value, &p);
		c->numa_cma_set = true;
	} else if (!strcmp(name, "numa_cma")) {
		parse_numa_cma(c, value);
	} else if (!strcmp(name, "nokaslr")) {
		c->nokaslr = true;
	} else if (!strcmp(name, "transparent_hugepage")) {
		c->thp_never = !strcmp(value, "never");
	} else if (!strcmp(name, "vmalloc")) {
		c->vmalloc_bytes = memparse(value, NULL);
	} else if (!strcmp(name, "highmem")) {
		c->highmem_bytes = memparse(value, NULL);
	} else if (!strcmp(name, "crashkernel")) {
		copy_text(c->crashkernel, sizeof(c->crashkernel), value);
	} else if (!strncmp(name, "sysctl.vm.", 10) || !strncmp(name, "sysctl/vm/", 10)) {
		return parse_sysctl(c, name + 10, value);
	} else if (!strcmp(name, "memblock")) {
		c->mem_debug = !!strstr(value, "debug");
	} else if (!strcmp(name, "mminit_loglevel")) {
		c->mminit_loglevel = (unsigned int)memparse(value, NULL);
	} else {
		return false;
	}
	return true;
}

/*
 * The next word of *@text, which moves behind it, with quotes taken off and cut to @room bytes; false: there
 * is none before the end or "--".
 */
static bool next_word(const char **text, char *word, size_t room)
{
	const char *p = *text;
	bool quoted = false;
	size_t len = 0;

	while (*p == ' ' || *p == '\t' || *p == '\n')
		p++;
	for (; *p && (quoted || (*p != ' ' && *p != '\t' && *p != '\n')); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (len + 1 < room)
			word[len++] = *p;
	}
	word[len] = 0;
	*text = p;
	return (*p || len) && strcmp(word, "--") != 0;
}

/* Parses one word, which loses its '='; false: it is none that is modelled. */
static bool parse_word(struct cmdline *c, char *word, bool x86)
{
	char *eq = strchr(word, '=');

	if (eq)
		*eq = 0;
	return parse_option(c, word, eq ? eq + 1 : "", eq != NULL, x86);
}

void cmdline_parse(const char *text, bool x86, struct cmdline *ret)
{
	char word[512];

	memset(ret, 0, sizeof(*ret));
	ret->highmem_bytes = UINT64_MAX;
	ret->sysctl_min_free_kbytes = UINT64_MAX;
	ret->sysctl_watermark_scale_factor = UINT64_MAX;
	ret->sysctl_pcp_fraction = ret->sysctl_pcp_high_fraction = UINT64_MAX;
	while (next_word(&text, word, sizeof(word)))
		parse_word(ret, word, x86);
}

bool cmdline_next(const char **text, bool x86, char *word, size_t room, bool *modelled_ret)
{
	struct cmdline ignored = { 0 };
	char copy[512];

	do {
		if (!next_word(text, word, room))
			return false;
	} while (!*word);
	copy_text(copy, sizeof(copy), word);
	*modelled_ret = parse_word(&ignored, copy, x86);
	return true;
}
