/* SPDX-License-Identifier: MIT */
#include "traces/testing/same_boot.h"

#include <assert.h>
#include <string.h>

#include "traces/testing/check.h"

/*
 * When one of these fails, a struct has grown: the new field has to be stored (traces/record.proto and
 * traces/boot_store_fields.h), compared below and set in boot_store_test.c.  Then mend the number here.
 */
#define SIZE_IS(what, size) \
	static_assert(sizeof(void *) != 8 || (what) == (size), #what " changed: see above")
SIZE_IS(sizeof(struct boot_input) - sizeof(struct facts) - sizeof(struct tree_room), 760);
SIZE_IS(sizeof(struct boot_log) - sizeof(struct boot_input), 248); /* nobody stores out_of_memory */
SIZE_IS(sizeof(struct arch_config), 52);
SIZE_IS(sizeof(struct boot_step), 72);
SIZE_IS(sizeof(struct device_tree) - sizeof(struct tree_room), 104); /* nobody stores room */
SIZE_IS(sizeof(struct tree_range), 16);
SIZE_IS(sizeof(struct tree_memory), 32);
SIZE_IS(sizeof(struct tree_reserved), 56);
SIZE_IS(sizeof(struct tree_distance), 12);
SIZE_IS(sizeof(struct boot_state), 48);
SIZE_IS(sizeof(struct boot_sections), 40);
SIZE_IS(sizeof(struct e820_entry), 24);
SIZE_IS(sizeof(struct affinity_memory), 24);
SIZE_IS(sizeof(struct memory_window), 16);
SIZE_IS(sizeof(struct memblock_region), 24);
SIZE_IS(sizeof(struct node_range), 40); /* zone is set by hotplug alone */
SIZE_IS(sizeof(struct answer), 88);
SIZE_IS(sizeof(struct boot_log_note), 16);

#define SAME(field) assert_int_equal(a->field, b->field)
#define SAME_TEXT(field)                                         \
	do {                                                     \
		assert_int_equal(!a->field, !b->field);          \
		if (a->field)                                    \
			assert_string_equal(a->field, b->field); \
	} while (0)

static void same_config(const struct arch_config *a, const struct arch_config *b)
{
	SAME(arch);
	SAME(phys_bits);
	SAME(page_shift);
	SAME(max_order);
	SAME(pageblock_order);
	SAME(section_shift);
	SAME(page_struct_bytes);
	SAME(zones_mask);
	SAME(pointer_bytes);
	SAME(nodes_shift);
	SAME(numa);
	SAME(cma);
	SAME(deferred_struct_page);
	SAME(highmem);
	SAME(thp);
	SAME(pae);
	SAME(preemption);
}

static void same_step(const struct boot_step *a, const struct boot_step *b)
{
	SAME(kind);
	SAME(line);
	SAME(base);
	SAME(size);
	SAME(align);
	SAME(min_addr);
	SAME(max_addr);
	SAME(nid);
	SAME(flags);
	SAME(call);
	SAME_TEXT(name);
}

static void same_regions(const struct memblock_region *a, const struct memblock_region *b,
			 uint32_t count)
{
	for (uint32_t i = 0; i < count; i++, a++, b++) {
		SAME(base);
		SAME(size);
		SAME(flags);
		SAME(nid);
	}
}

static void same_state(const struct boot_state *a, const struct boot_state *b)
{
	SAME(memory_count);
	SAME(reserved_count);
	SAME(memory_size);
	SAME(reserved_size);
	SAME(has_memory);
	same_regions(a->memory, b->memory, a->memory_count);
	same_regions(a->reserved, b->reserved, a->reserved_count);
}

static void same_ranges(const struct tree_range *a, const struct tree_range *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++, a++, b++) {
		SAME(base);
		SAME(size);
	}
}

static void same_reserved(const struct tree_reserved *a, const struct tree_reserved *b)
{
	SAME(range_count);
	same_ranges(a->ranges, b->ranges, a->range_count);
	SAME(size);
	SAME(align);
	SAME(window_count);
	same_ranges(a->windows, b->windows, a->window_count);
	SAME(no_map);
	SAME(reusable);
	SAME(dma_pool);
	SAME(cma_default);
	SAME(enabled);
}

static void same_tree(const struct device_tree *a, const struct device_tree *b)
{
	SAME(memory_count);
	for (uint32_t i = 0; i < a->memory_count; i++) {
		SAME(memory[i].range.base);
		SAME(memory[i].range.size);
		SAME(memory[i].nid);
		SAME(memory[i].hotpluggable);
		SAME(memory[i].enabled);
		SAME(memory[i].depth);
	}
	SAME(usable_count);
	same_ranges(a->usable, b->usable, a->usable_count);
	SAME(memreserve_count);
	same_ranges(a->memreserve, b->memreserve, a->memreserve_count);
	SAME(reserved_count);
	for (uint32_t i = 0; i < a->reserved_count; i++)
		same_reserved(&a->reserved[i], &b->reserved[i]);
	SAME(distance_count);
	for (uint32_t i = 0; i < a->distance_count; i++) {
		SAME(distances[i].from);
		SAME(distances[i].to);
		SAME(distances[i].distance);
	}
	SAME(reserved_format_ok);
	SAME(uefi);
	SAME(dma_limit);
}

static void same_lists(const struct boot_input *a, const struct boot_input *b)
{
	SAME(firmware_count);
	for (uint32_t i = 0; i < a->firmware_count; i++) {
		SAME(firmware[i].start);
		SAME(firmware[i].end);
		SAME(firmware[i].type);
	}
	SAME(affinity_count);
	for (uint32_t i = 0; i < a->affinity_count; i++) {
		SAME(affinity[i].start);
		SAME(affinity[i].end);
		SAME(affinity[i].nid);
		SAME(affinity[i].hotplug);
		SAME(affinity[i].nonvolatile);
	}
	SAME(window_count);
	for (uint32_t i = 0; i < a->window_count; i++) {
		SAME(windows[i].start);
		SAME(windows[i].end);
	}
	SAME(cpu_nid_count);
	for (uint32_t i = 0; i < a->cpu_nid_count; i++)
		SAME(cpu_nid[i]);
	SAME(node_cpus_count);
	for (uint32_t i = 0; i < a->node_cpus_count; i++)
		SAME(node_cpus[i]);
	SAME(distance_count);
	for (size_t i = 0; i < (size_t)a->distance_count * a->distance_count; i++)
		SAME(distance[i]);
	SAME(step_count);
	for (uint32_t i = 0; i < a->step_count; i++)
		same_step(&a->steps[i], &b->steps[i]);
	SAME(given_range_count);
	for (uint32_t i = 0; i < a->given_range_count; i++) {
		SAME(given_ranges[i].start);
		SAME(given_ranges[i].end);
		SAME(given_ranges[i].nid);
		SAME(given_ranges[i].flags);
		SAME(given_ranges[i].base_addr);
	}
}

void check_same_input(const struct boot_input *a, const struct boot_input *b)
{
	SAME(version);
	for (unsigned int f = 0; f < FACT_COUNT; f++)
		SAME(facts.v[f]);
	same_config(&a->config, &b->config);
	SAME_TEXT(version_text);
	SAME_TEXT(command_line);
	same_lists(a, b);
	SAME(numa_source);
	SAME(has_state);
	same_state(&a->state, &b->state);
	SAME(has_tree);
	same_tree(&a->tree, &b->tree);
	SAME(five_level);
	SAME(kasan);
	SAME(nr_cpu_ids);
	SAME(online_cpus);
	SAME(kernel_start);
	SAME(kernel_end);
	SAME(ramdisk_start);
	SAME(ramdisk_end);
	SAME(sections.code_kb);
	SAME(sections.rwdata_kb);
	SAME(sections.rodata_kb);
	SAME(sections.init_kb);
	SAME(sections.bss_kb);
	SAME(given_max_low_pfn);
	SAME(big_locks);
	for (size_t i = 0; i < sizeof(a->given_bucket_bytes) / sizeof(a->given_bucket_bytes[0]);
	     i++)
		SAME(given_bucket_bytes[i]);
	SAME(given_total_kb);
	SAME(given_reserved_kb);
	SAME(tables_listed);
	SAME(distances_told);
	SAME(nr_node_ids);
	SAME(given_cma_kb);
	SAME(given_total_pages);
	SAME(given_zones);
	for (int t = 0; t < ZONE_TYPE_COUNT; t++) {
		SAME(given_zone_start[t]);
		SAME(given_zone_end[t]);
	}
	SAME(fitted_page_struct);
	SAME(fitted_section);
	SAME(range_assumed);
	SAME(reservations_told);
	SAME(has_given_dma_reserve);
	SAME(given_dma_reserve);
}

void check_same_answers(const struct answers *as, const struct answers *bs)
{
	assert_int_equal(as->count, bs->count);
	assert_int_equal(as->list_count, bs->list_count);
	for (uint32_t i = 0; i < as->count; i++) {
		const struct answer *a = &as->items[i], *b = &bs->items[i];

		SAME(kind);
		SAME(basis);
		SAME(nid);
		SAME(type);
		SAME(index);
		SAME(line);
		for (size_t v = 0; v < sizeof(a->v) / sizeof(a->v[0]); v++)
			SAME(v[v]);
		SAME(list_start);
		SAME(list_count);
		SAME_TEXT(reason);
	}
	if (as->list_count)
		assert_memory_equal(as->list, bs->list, as->list_count * sizeof(*as->list));
}

void check_same_boot(const struct boot_log *a, const struct boot_log *b)
{
	check_same_input(&a->input, &b->input);
	check_same_answers(&a->recorded, &b->recorded);
	SAME(has_version);
	SAME_TEXT(guessed_era);
	SAME(has_debug);
	SAME(lines_known);
	SAME(lines_unknown);
	SAME(unknown_line);
	SAME(unknown_column);
	SAME(note_count);
	for (uint32_t i = 0; i < a->note_count; i++) {
		SAME(notes[i].line);
		SAME(notes[i].other_line);
		SAME_TEXT(notes[i].what);
	}
}
