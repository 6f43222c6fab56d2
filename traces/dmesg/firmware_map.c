/* SPDX-License-Identifier: MIT */
/* Firmware map: the x86 e820 table and what follows from it, the initrd. */
#include <stdlib.h>
#include <string.h>

#include "traces/dmesg/reader.h"

struct type_name {
	const char *name;
	uint32_t type;
};

/* Longer names first where one begins with another. */
static const struct type_name type_names[] = {
	{ "usable", E820_RAM },
	{ "System RAM", E820_RAM },
	{ "reserved", E820_RESERVED },
	{ "device reserved", E820_RESERVED },
	{ "ACPI data", E820_ACPI },
	{ "ACPI reclaimable", E820_ACPI },
	{ "ACPI NVS", E820_NVS },
	{ "ACPI non-volatile storage", E820_NVS },
	{ "ACPI NV storage", E820_NVS },
	{ "unusable", E820_UNUSABLE },
	{ "persistent (type 7)", E820_PMEM },
	{ "persistent (type 12)", E820_PRAM },
	{ "persistent RAM (type 7)", E820_PMEM },
	{ "persistent RAM (type 12)", E820_PRAM },
	{ "non-volatile memory", E820_PMEM },
	{ "soft reserved", E820_SOFT_RESERVED },
};

static bool scan_type(struct scan *s, uint32_t *ret)
{
	struct scan t;
	uint64_t n;

	scan_ws(s);
	for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
		t = *s;
		if (scan_lit(&t, type_names[i].name) &&
		    (scan_done(&t) || scan_peek(&t) == ' ' || scan_peek(&t) == ')')) {
			*s = t;
			*ret = type_names[i].type;
			return true;
		}
	}
	t = *s;
	if (scan_lit(&t, "type ") && scan_dec(&t, &n) && n <= UINT32_MAX) {
		*s = t;
		*ret = (uint32_t)n;
		return true;
	}
	/* A kind of memory we have no name for is at least not RAM. */
	*ret = E820_RESERVED;
	return !scan_done(s);
}

static bool add_firmware(struct reader *r, phys_t start, phys_t end, uint32_t type)
{
	struct boot_log *log = r->log;
	struct boot_input *in = &log->input;

	if (in->firmware_count == log->firmware_room) {
		uint32_t room = log->firmware_room ? log->firmware_room * 2 : 32;
		struct e820_entry *grown = realloc(in->firmware, room * sizeof(*grown));

		if (!grown) {
			log->out_of_memory = true;
			return false;
		}
		in->firmware = grown;
		log->firmware_room = room;
	}
	in->firmware[in->firmware_count++] = (struct e820_entry){ start, end, type };
	return true;
}

/* "0000000000000000 - 000000000009f400 (usable)": 2.6.32 to 3.3, exclusive end, no 0x. */
static bool scan_old_entry(struct scan *s, phys_t *start, phys_t *end, uint32_t *type)
{
	return scan_hex(s, start) && scan_lit(s, " - ") && scan_hex(s, end) && scan_ws(s) &&
	       scan_char(s, '(') && scan_type(s, type);
}

static bool scan_entry(struct scan *s, phys_t *start, phys_t *end, uint32_t *type)
{
	struct scan t = *s;

	if (scan_mem_range(&t, start, end) && scan_type(&t, type))
		return true;
	return scan_old_entry(s, start, end, type);
}

bool line_bios_e820(struct reader *r, struct scan s)
{
	phys_t start, end;
	uint32_t type;

	if (scan_left(&s) > 4 && !memcmp(s.p, "[gap", 4))
		return true;
	if (!scan_entry(&s, &start, &end, &type))
		return false;
	r->saw_e820 = true;
	return add_firmware(r, start, end, type);
}

bool line_bios_e820_old(struct reader *r, struct scan s)
{
	return line_bios_e820(r, s);
}

bool line_xen_e820(struct reader *r, struct scan s)
{
	s.p -= 5; /* back to "[mem " */
	return line_bios_e820(r, s);
}

bool line_bios_88(struct reader *r, struct scan s)
{
	return line_bios_e820(r, s);
}

bool line_bios_e801(struct reader *r, struct scan s)
{
	return line_bios_e820(r, s);
}

bool line_user_map(struct reader *r, struct scan s)
{
	phys_t start, end;
	uint32_t type;
	struct answer *a;

	if (scan_left(&s) > 4 && !memcmp(s.p, "[gap", 4))
		return true;
	if (!scan_entry(&s, &start, &end, &type))
		return false;
	a = reader_answer(r, ANSWER_USER_MAP);
	a->index = r->user_count++;
	a->v[0] = start;
	a->v[1] = end;
	a->v[2] = type;
	return true;
}

bool line_user_map_old(struct reader *r, struct scan s)
{
	return line_user_map(r, s);
}

/* The map as it is after all edits: the model makes them itself. */
bool line_modified_map(struct reader *r, struct scan s)
{
	phys_t start, end;
	uint32_t type;

	(void)r;
	return scan_entry(&s, &start, &end, &type);
}

bool line_modified_map_old(struct reader *r, struct scan s)
{
	return line_modified_map(r, s);
}

/* The map with the boot loader's data cut out; it is still memory. */
bool line_setup_data_map(struct reader *r, struct scan s)
{
	return line_modified_map(r, s);
}

static bool edit_step(struct reader *r, enum boot_step_kind kind, phys_t start, phys_t end,
		      uint32_t old_type, uint32_t new_type)
{
	struct boot_step *step;

	/*
	 * Edits that the command line makes are printed before the user-defined map, or are in it;
	 * those are the model's to make.
	 */
	if (r->user_count == 0 && kind == STEP_E820_REMOVE && end == UINT64_MAX)
		return true;
	/* Later edits do not reach memblock: parts of EFI boot services memory that are kept for good. */
	if (r->imported) {
		if (kind != STEP_E820_UPDATE || old_type != E820_RAM || new_type != E820_RESERVED)
			return true;
		kind = STEP_EFI_KEPT;
		old_type = new_type = 0;
	}
	step = boot_log_add_step(r->log, kind, r->line->line);
	if (!step)
		return false;
	step->base = start;
	step->size = end - start;
	step->align = old_type;
	step->min_addr = new_type;
	return true;
}

/* e820: update [mem 0x00000000-0x00000fff] usable ==> reserved */
bool line_e820_update(struct reader *r, struct scan s)
{
	phys_t start, end;
	uint32_t old_type, new_type;

	if (!scan_mem_range(&s, &start, &end) || !scan_type(&s, &old_type) ||
	    !scan_past(&s, "==> ") || !scan_type(&s, &new_type))
		return false;
	return edit_step(r, STEP_E820_UPDATE, start, end, old_type, new_type);
}

/* 0000000000000000 - 0000000000001000 (usable) ==> (reserved) */
bool line_e820_update_old(struct reader *r, struct scan s)
{
	phys_t start, end;
	uint32_t old_type, new_type;

	if (!scan_plain_range(&s, &start, &end) || !scan_lit(&s, " (") ||
	    !scan_type(&s, &old_type) || !scan_lit(&s, ") ==> (") || !scan_type(&s, &new_type))
		return false;
	return edit_step(r, STEP_E820_UPDATE, start, end, old_type, new_type);
}

/* 00000000000a0000 - 0000000000100000 (usable) */
bool line_e820_remove_old(struct reader *r, struct scan s)
{
	phys_t start, end;
	uint32_t type = 0;

	if (!scan_plain_range(&s, &start, &end))
		return false;
	if (scan_lit(&s, " (") && !scan_type(&s, &type))
		return false;
	return edit_step(r, STEP_E820_REMOVE, start, end, type, 0);
}

/* Both come when nothing changes the firmware map any more before it is used. */
bool line_mp_table(struct reader *r, struct scan s)
{
	(void)s;
	r->imported = true;
	return true;
}

bool line_memory_mapping(struct reader *r, struct scan s)
{
	return line_mp_table(r, s);
}

bool line_kernel_not_ram(struct reader *r, struct scan s)
{
	(void)s;
	r->kernel_not_ram = true;
	return true;
}

/* e820: remove [mem 0x000a0000-0x000fffff] usable */
bool line_e820_remove(struct reader *r, struct scan s)
{
	phys_t start, end;
	uint32_t type = 0;

	if (!scan_mem_range(&s, &start, &end))
		return false;
	scan_ws(&s);
	if (!scan_done(&s))
		scan_type(&s, &type);
	if (end == UINT64_MAX - 1 || end == UINT64_MAX)
		end = UINT64_MAX;
	if (!edit_step(r, STEP_E820_REMOVE, start, end, type, 0))
		return false;
	if (r->kernel_not_ram) {
		r->kernel_not_ram = false;
		return edit_step(r, STEP_E820_ADD, start, end, 0, E820_RAM);
	}
	return true;
}

/* last_pfn = 0x7ffdc max_arch_pfn = 0x400000000 */
bool line_last_pfn(struct reader *r, struct scan s)
{
	uint64_t pfn, arch;
	struct answer *a;

	if (!scan_0x(&s, &pfn) || !scan_lit(&s, " max_arch_pfn = ") || !scan_0x(&s, &arch))
		return false;
	/* The largest page frame tells how many levels page tables have: the CPU's matter. */
	if (arch == 0x10000000000)
		r->log->input.five_level = true;
	/* The line below 4 GiB is the last. */
	if (pfn <= 0x100000 &&
	    !fact_change_at(FACT_x86_map_edited_after_last_pfn, r->log->input.version)->value)
		r->imported = true;
	/* MTRRs make the kernel look again, mostly for the same. */
	if (r->last_pfn_count && r->last_pfn == pfn)
		return true;
	r->last_pfn = pfn;
	a = reader_answer(r, ANSWER_LAST_PFN);
	a->index = r->last_pfn_count++;
	a->v[0] = pfn;
	a->v[1] = arch;
	return true;
}

bool line_last_pfn_e820(struct reader *r, struct scan s)
{
	return line_last_pfn(r, s);
}

/* RAMDISK: [mem 0x7fe4a000-0x7ffcffff]; 2.6.32: RAMDISK: 37d43000 - 37fef3c3 */
bool line_ramdisk(struct reader *r, struct scan s)
{
	struct scan t = s;
	phys_t start, end;
	struct boot_step *step;

	if (!scan_mem_range(&s, &start, &end) && !scan_plain_range(&t, &start, &end))
		return false;
	r->imported = true;
	step = boot_log_add_step(r->log, STEP_RAMDISK, r->line->line);
	if (!step)
		return false;
	step->base = start;
	step->size = end - start;
	return true;
}

/* Allocated new RAMDISK: [mem 0x35dfd000-0x35f7d307] */
bool line_ramdisk_new(struct reader *r, struct scan s)
{
	struct boot_input *in = &r->log->input;
	phys_t start, end, old = 0;
	struct boot_step *step;
	struct scan t = s;
	bool placed = false;

	if (!scan_mem_range(&s, &start, &end) && !scan_plain_range(&t, &start, &end))
		return false;
	for (uint32_t i = 0; i < in->step_count; i++)
		if (in->steps[i].kind == STEP_RAMDISK)
			old = in->steps[i].base;
	if (in->step_count) {
		const struct boot_step *last = &in->steps[in->step_count - 1];

		/* Newer kernels print the request itself. */
		placed = last->kind == STEP_ALLOC && last->size >= end - start &&
			 last->size - (end - start) < 65536;
	}
	step = boot_log_add_step(r->log, STEP_RAMDISK_MOVE, r->line->line);
	if (!step)
		return false;
	step->base = old;
	step->size = end - start;
	step->flags = placed;
	if (!placed)
		reader_adopt_orphan(r, in->step_count - 1);
	return true;
}

/*
 * Move RAMDISK from [mem 0x5fe4f000-0x5ffcf307] to [mem 0x35dfd000-0x35f7d307]
 * up to 3.4: Move RAMDISK from 00000000375d0000 - 0000000037fef0b2 to 009ba000 - 013d90b2
 */
bool line_ramdisk_move(struct reader *r, struct scan s)
{
	phys_t from, from_end, to, to_end;
	struct scan t = s;
	struct answer *a;

	if (scan_plain_range(&t, &from, &from_end)) {
		if (!scan_lit(&t, " to ") || !scan_plain_range(&t, &to, &to_end))
			return false;
		from_end++;
		to_end++;
	} else if (!scan_mem_range(&s, &from, &from_end) || !scan_lit(&s, " to ") ||
		   !scan_mem_range(&s, &to, &to_end)) {
		return false;
	}
	a = reader_answer(r, ANSWER_RAMDISK_MOVED);
	a->v[0] = from;
	a->v[1] = from_end;
	a->v[2] = to;
	a->v[3] = to_end;
	return true;
}

/*   mapped low ram: 0 - 36ffe000 */
bool line_low_ram(struct reader *r, struct scan s)
{
	uint64_t end;

	if (!scan_hex(&s, &end))
		return false;
	r->log->input.given_max_low_pfn = end >> 12;
	return true;
}

bool line_low_ram_2(struct reader *r, struct scan s)
{
	return line_low_ram(r, s);
}
