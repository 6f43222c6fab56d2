/* SPDX-License-Identifier: MIT */
#include "engine/arch.h"

#include <string.h>

#include "engine/facts.h"

static const char *const zone_names[ZONE_TYPE_COUNT] = { "DMA",	    "DMA32",   "Normal",
							 "HighMem", "Movable", "Device" };

const char *zone_type_name(enum zone_type type)
{
	return zone_names[type];
}

bool zone_type_parse(const char *name, size_t len, enum zone_type *ret)
{
	for (unsigned int i = 0; i < ZONE_TYPE_COUNT; i++) {
		if (strlen(zone_names[i]) == len && !memcmp(zone_names[i], name, len)) {
			*ret = (enum zone_type)i;
			return true;
		}
	}
	return false;
}

const char *arch_name(enum arch arch)
{
	static const char *const names[ARCH_COUNT] = { "x86_64", "i386", "arm64", "arm", "other" };

	return names[arch];
}

unsigned int zone_rank(uint32_t mask, enum zone_type type)
{
	unsigned int rank = 0;

	for (unsigned int i = 0; i < (unsigned int)type; i++)
		rank += mask >> i & 1;
	return rank;
}

#define BIT(n) (1U << (n))

void arch_config_default(enum arch arch, bool pae, struct arch_config *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->arch = arch;
	ret->pae = pae;
	ret->phys_bits = 64;
	ret->page_shift = 12;
	ret->max_order = 10;
	ret->pageblock_order = 9;
	ret->page_struct_bytes = 64;
	ret->pointer_bytes = 8;
	ret->thp = true;
	ret->zones_mask = BIT(ZONE_DMA) | BIT(ZONE_NORMAL) | BIT(ZONE_MOVABLE);
	switch (arch) {
	case ARCH_X86_64:
		ret->section_shift = 27;
		ret->zones_mask |= BIT(ZONE_DMA32) | BIT(ZONE_DEVICE);
		ret->numa = true;
		ret->nodes_shift = 10;
		ret->deferred_struct_page = true;
		break;
	case ARCH_ARM64:
		ret->section_shift = 27;
		ret->zones_mask |= BIT(ZONE_DMA32) | BIT(ZONE_DEVICE);
		ret->numa = true;
		ret->nodes_shift = 4;
		ret->cma = true;
		ret->deferred_struct_page = true;
		break;
	case ARCH_I386:
	case ARCH_ARM:
		ret->phys_bits = pae ? 64 : 32;
		ret->pageblock_order = pae ? 9 : 10;
		ret->page_struct_bytes = arch == ARCH_I386 ? 40 : 36;
		ret->pointer_bytes = 4;
		ret->zones_mask |= BIT(ZONE_HIGHMEM);
		ret->highmem = true;
		ret->cma = arch == ARCH_ARM;
		break;
	case ARCH_OTHER:
	case ARCH_COUNT:
		break;
	}
}

void arch_config_set_page_shift(struct arch_config *config, unsigned int page_shift)
{
	config->page_shift = page_shift;
	/* A page table is one page of 8-byte entries, and a huge page is what one table maps. */
	config->pageblock_order = page_shift - 3;
	config->max_order = page_shift == 12 ? 10 : config->pageblock_order;
}

void arch_config_apply_facts(struct arch_config *config, const struct facts *facts)
{
	if (config->arch == ARCH_ARM64) {
		uint64_t zones = fact_get(facts, FACT_arm64_dma_zones);

		/* A configuration may have fewer, but not what its era did not know. */
		if (!(zones & 1))
			config->zones_mask &= ~BIT(ZONE_DMA);
		if (!(zones & 2))
			config->zones_mask &= ~BIT(ZONE_DMA32);
	}
	if (config->arch == ARCH_ARM64 && config->section_shift) {
		/* Sections became as small as the memory map's huge pages allow. */
		if (!fact_get(facts, FACT_arm64_small_sections))
			config->section_shift = 30;
		else
			config->section_shift = config->page_shift == 16 ? 29 : 27;
	}
}
