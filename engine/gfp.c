/* SPDX-License-Identifier: MIT */
#include "engine/gfp.h"

#include <stdio.h>
#include <string.h>

/* Numberings of gfp.def; the last one continues behind bit 22 with what is configured. */
#define NUMBERINGS 5
#define NUMBERING_51 4
#define NUMBERING_ENUM 5
#define FIRST_LATE_BIT 23

static const struct {
	const char *name; /* without the underscores */
	int8_t at[NUMBERINGS];
} bits[GFP_BIT_COUNT] = {
#define GFP_BIT(name, ...) { #name, { __VA_ARGS__ } },
#include "engine/gfp.def"
#undef GFP_BIT
};

/* Whether a kernel has the bit, wherever its numbering would place it. */
static bool bit_exists(enum gfp_bit bit, const struct facts *facts)
{
	int64_t kasan = fact_get(facts, FACT_config_kasan_hw_tags)
				? fact_get(facts, FACT_gfp_skip_kasan)
				: 0;

	switch (bit) {
	case GFP_BIT_ATOMIC:
		return fact_get(facts, FACT_gfp_atomic);
	case GFP_BIT_WRITE:
		return fact_get(facts, FACT_gfp_write);
	case GFP_BIT_MEMALLOC:
		return fact_get(facts, FACT_gfp_memalloc);
	case GFP_BIT_ACCOUNT:
		return fact_get(facts, FACT_gfp_account) != 0;
	case GFP_BIT_COLD:
		return fact_get(facts, FACT_gfp_cold);
	case GFP_BIT_NOTRACK:
		return fact_get(facts, FACT_gfp_notrack);
	case GFP_BIT_NO_KSWAPD:
	case GFP_BIT_OTHER_NODE:
		return fact_get(facts, FACT_gfp_transhuge) != 0;
	case GFP_BIT_ZEROTAGS:
		return fact_get(facts, FACT_gfp_zerotags);
	case GFP_BIT_SKIP_ZERO:
		return kasan >= 2;
	case GFP_BIT_SKIP_KASAN_UNPOISON:
		return kasan == 2;
	case GFP_BIT_SKIP_KASAN_POISON:
		return kasan == 1 || kasan == 2;
	case GFP_BIT_SKIP_KASAN:
		return kasan == 3;
	case GFP_BIT_NOLOCKDEP:
		return fact_get(facts, FACT_config_lockdep);
	case GFP_BIT_NO_OBJ_EXT:
		return fact_get(facts, FACT_gfp_no_obj_ext);
	default:
		return true;
	}
}

/*
 * The bits behind __GFP_ACCOUNT since 5.1.  Up to 6.7 each is a number of its own, whether or not it is
 * configured, and __GFP_NOLOCKDEP comes behind as many as there are in the source.
 */
static void place_late_bits(struct gfp_table *table, const struct facts *facts)
{
	static const uint8_t skips[] = { 0, 1, 3, 2 }; /* by the fact gfp_skip_kasan */
	static const enum gfp_bit counted[] = { GFP_BIT_ZEROTAGS, GFP_BIT_SKIP_ZERO,
						GFP_BIT_SKIP_KASAN, GFP_BIT_NOLOCKDEP,
						GFP_BIT_NO_OBJ_EXT };
	int64_t kasan = fact_get(facts, FACT_gfp_skip_kasan);
	unsigned int at = FIRST_LATE_BIT;

	if (fact_get(facts, FACT_gfp_numbering) >= NUMBERING_ENUM) {
		for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
			if (bit_exists(counted[i], facts))
				table->mask[counted[i]] = 1U << at++;
		}
		return;
	}
	if (kasan == 1 && table->mask[GFP_BIT_SKIP_KASAN_POISON])
		table->mask[GFP_BIT_SKIP_KASAN_POISON] = 1U << (FIRST_LATE_BIT + 1);
	at += (fact_get(facts, FACT_gfp_zerotags) != 0) +
	      (kasan >= 0 && kasan <= 3 ? skips[kasan] : 0);
	if (fact_get(facts, FACT_config_lockdep))
		table->mask[GFP_BIT_NOLOCKDEP] = 1U << at;
}

void gfp_table_clear_names(struct gfp_table *table)
{
	table->name_count = 0;
}

bool gfp_table_add_name(struct gfp_table *table, const char *text, size_t len, uint32_t mask)
{
	struct gfp_name *name = &table->names[table->name_count];

	if (table->name_count == GFP_NAMES_MAX || !len || len >= GFP_NAME_BYTES || !mask)
		return false;
	memcpy(name->text, text, len);
	name->text[len] = '\0';
	name->mask = mask;
	table->name_count++;
	if (!(mask & (mask - 1)) && len > 6 && !memcmp(text, "__GFP_", 6)) {
		for (unsigned int bit = 0; bit < GFP_BIT_COUNT; bit++) {
			if (!strcmp(bits[bit].name, name->text + 6))
				table->mask[bit] = mask;
		}
	}
	return true;
}

/* A name that this kernel has if there is any bit to it. */
static void add(struct gfp_table *table, const char *text, uint32_t mask)
{
	if (mask)
		gfp_table_add_name(table, text, strlen(text), mask);
}

/* A bit under its own name, behind @prefix. */
static void add_bit(struct gfp_table *table, const char *prefix, enum gfp_bit bit)
{
	char text[GFP_NAME_BYTES];

	snprintf(text, sizeof(text), "%s%s", prefix, bits[bit].name);
	add(table, text, table->mask[bit]);
}

#define M(bit) (table->mask[GFP_BIT_##bit])

static void add_composites(struct gfp_table *table, const struct facts *facts)
{
	int64_t transhuge = fact_get(facts, FACT_gfp_transhuge);
	int64_t style = fact_get(facts, FACT_gfp_names);
	uint32_t reclaim = M(DIRECT_RECLAIM) | M(KSWAPD_RECLAIM);
	uint32_t kernel = reclaim | M(IO) | M(FS);
	uint32_t user = kernel | M(HARDWALL);
	uint32_t highuser = user | M(HIGHMEM);
	uint32_t movable = highuser | M(MOVABLE) | M(SKIP_KASAN) | M(SKIP_KASAN_POISON) |
			   M(SKIP_KASAN_UNPOISON);
	uint32_t huge = movable | M(COMP) | M(NOMEMALLOC) | M(NOWARN);

	if (transhuge == 1)
		add(table, "GFP_TRANSHUGE", huge | M(NORETRY) | M(NO_KSWAPD));
	if (transhuge == 2)
		add(table, "GFP_TRANSHUGE", (huge | M(NORETRY)) & ~M(KSWAPD_RECLAIM));
	if (transhuge == 3) {
		add(table, "GFP_TRANSHUGE", (huge & ~reclaim) | M(DIRECT_RECLAIM));
		add(table, "GFP_TRANSHUGE_LIGHT", huge & ~reclaim);
	}
	add(table, "GFP_HIGHUSER_MOVABLE", movable);
	add(table, "GFP_HIGHUSER", highuser);
	add(table, "GFP_USER", user);
	if (fact_get(facts, FACT_gfp_temporary))
		add(table, "GFP_TEMPORARY", kernel | M(RECLAIMABLE));
	if (style)
		add(table, "GFP_KERNEL_ACCOUNT", kernel | M(ACCOUNT));
	add(table, "GFP_KERNEL", kernel);
	add(table, "GFP_NOFS", reclaim | M(IO));
	add(table, "GFP_ATOMIC", M(HIGH) | M(ATOMIC) | M(KSWAPD_RECLAIM));
	add(table, "GFP_NOIO", reclaim);
	if (style)
		add(table, "GFP_NOWAIT",
		    M(KSWAPD_RECLAIM) | (fact_get(facts, FACT_gfp_nowait_nowarn) ? M(NOWARN) : 0));
}

/* Up to 4.5: what had no name in that list is printed as a number. */
static void add_names_of_2632(struct gfp_table *table, const struct facts *facts)
{
	static const enum gfp_bit middle[] = {
		GFP_BIT_ATOMIC,	  GFP_BIT_IO,	       GFP_BIT_COLD,	 GFP_BIT_NOWARN,
		GFP_BIT_REPEAT,	  GFP_BIT_NOFAIL,      GFP_BIT_NORETRY,	 GFP_BIT_COMP,
		GFP_BIT_ZERO,	  GFP_BIT_NOMEMALLOC,  GFP_BIT_MEMALLOC, GFP_BIT_HARDWALL,
		GFP_BIT_THISNODE, GFP_BIT_RECLAIMABLE,
	};
	bool wait = !M(KSWAPD_RECLAIM);

	add(table, "GFP_HIGH", M(HIGH));
	if (wait)
		add(table, "GFP_WAIT", M(WAIT));
	for (size_t i = 0; i < sizeof(middle) / sizeof(middle[0]); i++) {
		if (middle[i] == GFP_BIT_REPEAT)
			add(table, "GFP_REPEAT", M(REPEAT));
		else
			add_bit(table, "GFP_", middle[i]);
	}
	if (fact_get(facts, FACT_gfp_account) == 1)
		add(table, "GFP_KMEMCG", M(ACCOUNT));
	add_bit(table, "GFP_", GFP_BIT_MOVABLE);
	if (fact_get(facts, FACT_gfp_transhuge))
		add_bit(table, "GFP_", GFP_BIT_NOTRACK);
	add_bit(table, "GFP_", GFP_BIT_NO_KSWAPD);
	if (!wait) {
		add_bit(table, "GFP_", GFP_BIT_DIRECT_RECLAIM);
		add_bit(table, "GFP_", GFP_BIT_KSWAPD_RECLAIM);
	}
	add_bit(table, "GFP_", GFP_BIT_OTHER_NODE);
}

static void add_names_of_46(struct gfp_table *table, const struct facts *facts)
{
	static const enum gfp_bit before[] = { GFP_BIT_HIGH, GFP_BIT_ATOMIC, GFP_BIT_IO,
					       GFP_BIT_FS,   GFP_BIT_COLD,   GFP_BIT_NOWARN };
	static const enum gfp_bit after[] = {
		GFP_BIT_NOFAIL,	     GFP_BIT_NORETRY,  GFP_BIT_COMP,	 GFP_BIT_ZERO,
		GFP_BIT_NOMEMALLOC,  GFP_BIT_MEMALLOC, GFP_BIT_HARDWALL, GFP_BIT_THISNODE,
		GFP_BIT_RECLAIMABLE, GFP_BIT_MOVABLE,  GFP_BIT_ACCOUNT,	 GFP_BIT_NOTRACK,
		GFP_BIT_WRITE,
	};
	static const enum gfp_bit last[] = {
		GFP_BIT_DIRECT_RECLAIM,	   GFP_BIT_KSWAPD_RECLAIM,	GFP_BIT_OTHER_NODE,
		GFP_BIT_ZEROTAGS,	   GFP_BIT_SKIP_ZERO,		GFP_BIT_SKIP_KASAN,
		GFP_BIT_SKIP_KASAN_POISON, GFP_BIT_SKIP_KASAN_UNPOISON,
	};

	add(table, "GFP_DMA", M(DMA));
	add(table, "__GFP_HIGHMEM", M(HIGHMEM));
	add(table, "GFP_DMA32", M(DMA32));
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		add_bit(table, "__GFP_", before[i]);
	add(table, fact_get(facts, FACT_gfp_retry_mayfail) ? "__GFP_RETRY_MAYFAIL" : "__GFP_REPEAT",
	    M(RETRY_MAYFAIL));
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
		add_bit(table, "__GFP_", after[i]);
	add(table, "__GFP_RECLAIM", M(DIRECT_RECLAIM) | M(KSWAPD_RECLAIM));
	for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++)
		add_bit(table, "__GFP_", last[i]);
}

static void add_names_in_order(struct gfp_table *table)
{
	add(table, "GFP_DMA", M(DMA));
	add(table, "GFP_DMA32", M(DMA32));
	add(table, "__GFP_RECLAIM", M(DIRECT_RECLAIM) | M(KSWAPD_RECLAIM));
	for (unsigned int at = 0; at < 32; at++) {
		for (unsigned int bit = 0; bit < GFP_BIT_COUNT; bit++) {
			if (table->mask[bit] == 1U << at)
				add_bit(table, "__GFP_", bit);
		}
	}
}

void gfp_table_init(struct gfp_table *ret, const struct facts *facts)
{
	int64_t numbering = fact_get(facts, FACT_gfp_numbering);
	int64_t style = fact_get(facts, FACT_gfp_names);
	unsigned int column = numbering < 0		? 0
			      : numbering >= NUMBERINGS ? NUMBERING_51
							: (unsigned int)numbering;

	*ret = (struct gfp_table){
		.zero = style ? "none" : "GFP_NOWAIT",
		.reclaimable_second = fact_get(facts, FACT_migrate_reclaimable_second),
	};
	for (unsigned int bit = 0; bit < GFP_BIT_COUNT; bit++) {
		if (bits[bit].at[column] >= 0 && bit_exists(bit, facts))
			ret->mask[bit] = 1U << bits[bit].at[column];
	}
	if (column == NUMBERING_51)
		place_late_bits(ret, facts);
	add_composites(ret, facts);
	if (style >= 2)
		add_names_in_order(ret);
	else if (style == 1)
		add_names_of_46(ret, facts);
	else
		add_names_of_2632(ret, facts);
}

#undef M

enum zone_type gfp_zone(uint32_t gfp, uint32_t zones_mask)
{
	enum zone_type zone = ZONE_NORMAL;

	/* The lowest four bits have been the same in all kernels. */
	switch (gfp & 0xf) {
	case 0x0:
	case 0x8:
		break;
	case 0x1:
	case 0x9:
		zone = ZONE_DMA;
		break;
	case 0x2:
		zone = ZONE_HIGHMEM;
		break;
	case 0x4:
	case 0xc:
		zone = ZONE_DMA32;
		break;
	case 0xa:
		return ZONE_MOVABLE;
	default:
		return ZONE_TYPE_COUNT;
	}
	return zones_mask & 1U << zone ? zone : ZONE_NORMAL;
}

/* A number of its whole length: 0x1f, or 31. */
static bool parse_number(const char *text, size_t len, uint32_t *ret)
{
	unsigned int base = 10;
	uint64_t value = 0;
	size_t i = 0;

	if (len > 2 && text[0] == '0' && text[1] == 'x') {
		base = 16;
		i = 2;
	}
	if (i == len)
		return false;
	for (; i < len; i++) {
		unsigned int digit;

		if (text[i] >= '0' && text[i] <= '9')
			digit = (unsigned int)(text[i] - '0');
		else if (base == 16 && text[i] >= 'a' && text[i] <= 'f')
			digit = (unsigned int)(text[i] - 'a') + 10;
		else
			return false;
		value = value * base + digit;
		if (value > UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)value;
	return true;
}

/* The first name from number @from on that is this text; name_count when there is none. */
static unsigned int find_name(const struct gfp_table *table, unsigned int from, const char *text,
			      size_t len)
{
	unsigned int i;

	for (i = from; i < table->name_count; i++) {
		if (!strncmp(table->names[i].text, text, len) && !table->names[i].text[len])
			break;
	}
	return i;
}

bool gfp_parse(const struct gfp_table *table, const char *text, size_t len, uint32_t *ret)
{
	const char *end = text + len;
	unsigned int from = 0;
	bool understood = true;
	uint32_t gfp = 0;

	for (;;) {
		const char *bar = text < end ? memchr(text, '|', (size_t)(end - text)) : NULL;
		size_t item = (size_t)((bar ? bar : end) - text);
		unsigned int i;
		uint32_t number;

		/*
		 * Names stand in the order of the list; 4.4 calls two of its entries GFP_ATOMIC, and only
		 * the place tells which is meant.
		 */
		i = item < GFP_NAME_BYTES ? find_name(table, from, text, item) : table->name_count;
		if (i == table->name_count && item < GFP_NAME_BYTES)
			i = find_name(table, 0, text, item);
		if (i < table->name_count) {
			gfp |= table->names[i].mask;
			from = i + 1;
		} else if (parse_number(text, item, &number)) {
			gfp |= number;
		} else if (!(item == 4 && !memcmp(text, "none", 4)) &&
			   !(item == strlen(table->zero) && !memcmp(text, table->zero, item))) {
			understood = false;
		}
		if (!bar)
			break;
		text = bar + 1;
	}
	*ret = gfp;
	return understood;
}

struct out {
	char *buf;
	size_t size, len;
};

static void put(struct out *out, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++, out->len++) {
		if (out->len + 1 < out->size)
			out->buf[out->len] = text[i];
	}
}

size_t gfp_format(const struct gfp_table *table, uint32_t gfp, char *buf, size_t size)
{
	struct out out = { buf, size, 0 };
	char number[16];

	if (!gfp)
		put(&out, table->zero);
	for (unsigned int i = 0; gfp && i < table->name_count; i++) {
		if ((gfp & table->names[i].mask) != table->names[i].mask)
			continue;
		if (out.len)
			put(&out, "|");
		put(&out, table->names[i].text);
		gfp &= ~table->names[i].mask;
	}
	if (gfp) {
		if (out.len)
			put(&out, "|");
		snprintf(number, sizeof(number), "0x%x", (unsigned int)gfp);
		put(&out, number);
	}
	if (size)
		buf[out.len < size ? out.len : size - 1] = '\0';
	return out.len;
}
