/* SPDX-License-Identifier: MIT */
/* Memory: totals, late frees, reserved areas, hash tables. */
#include <string.h>

#include "engine/hash_table.h"
#include "traces/dmesg/reader.h"

static void answer_kb(struct reader *r, enum answer_kind kind, uint64_t kb)
{
	reader_answer(r, kind)->v[0] = kb;
}

static bool scan_kb(struct scan *s, uint64_t *ret)
{
	return scan_dec(s, ret) && (scan_char(s, 'K') || scan_char(s, 'k'));
}

/*
 * 654076K/2096616K available (14343K kernel code, 2338K rwdata, 9116K rodata, 2820K init, 17356K bss,
 * 108468K reserved, 0K cma-reserved[, 671612K highmem])
 * 2.6.32: 7996276k/9437184k available (4566k kernel code, 1049408k absent, 391500k reserved, ...)
 * ppc:    126492k available (1796k kernel code, ...)
 * arm up to 3.10: 64MB 64MB = 128MB total, then 135156k/135156k available, 6156k reserved, 0K highmem
 */
bool line_memory(struct reader *r, struct scan s)
{
	struct boot_input *in = &r->log->input;
	uint64_t available, total, kb;
	struct boot_step *step;
	bool told;
	struct scan t = s;

	if (scan_past(&t, "= ") && scan_dec(&t, &kb) && scan_lit(&t, "MB total")) {
		in->given_total_kb = kb << 10;
		return true;
	}
	if (!scan_kb(&s, &available))
		return false;
	told = scan_char(&s, '/');
	if ((told && !scan_kb(&s, &total)) || !scan_lit(&s, " available"))
		return false;
	step = boot_log_add_step(r->log, STEP_MEMORY_LINE, r->line->line);
	if (!step)
		return false;
	answer_kb(r, ANSWER_MEMORY_AVAILABLE, available);
	/* arm told what was free twice, and all there is before. */
	if (told && !scan_lit(&s, ", ")) {
		in->given_total_kb = total;
		answer_kb(r, ANSWER_MEMORY_TOTAL, total);
	}
	scan_ws(&s);
	scan_char(&s, '(');
	while (scan_ws(&s) && (scan_char(&s, ',') || true) && scan_ws(&s) && scan_kb(&s, &kb)) {
		scan_ws(&s);
		if (scan_lit(&s, "kernel code") || scan_lit(&s, "code"))
			in->sections.code_kb = kb;
		else if (scan_lit(&s, "rwdata") || scan_lit(&s, "data"))
			in->sections.rwdata_kb = kb;
		else if (scan_lit(&s, "rodata"))
			in->sections.rodata_kb = kb;
		else if (scan_lit(&s, "init"))
			in->sections.init_kb = kb;
		else if (scan_lit(&s, "bss"))
			in->sections.bss_kb = kb;
		else if (scan_lit(&s, "absent"))
			answer_kb(r, ANSWER_MEMORY_ABSENT, kb);
		else if (scan_lit(&s, "reserved")) {
			in->given_reserved_kb = kb;
			answer_kb(r, ANSWER_MEMORY_RESERVED, kb);
		} else if (scan_lit(&s, "cma-reserved")) {
			in->given_cma_kb = kb;
			answer_kb(r, ANSWER_MEMORY_CMA, kb);
		} else if (scan_lit(&s, "highmem"))
			answer_kb(r, ANSWER_MEMORY_HIGHMEM, kb);
		else
			break;
	}
	return true;
}

/*
 * " memory: 03ece000 @ 00000000 (usable)": the boot loader's map, of which the zones are sized; the
 * ranges printed with them are what counts.
 */
bool line_map_entry_mips(struct reader *r, struct scan s)
{
	uint64_t size, base;

	(void)r;
	return scan_hex(&s, &size) && scan_lit(&s, " @ ") && scan_hex(&s, &base) &&
	       scan_lit(&s, " (");
}

/* 0 (00036ffe:0005ffdd) */
static bool init_high(struct reader *r, struct scan s, enum zone_type type)
{
	uint32_t nid;
	uint64_t start, end;
	struct answer *a;

	if (!scan_u32(&s, &nid) || !scan_lit(&s, " (") || !scan_hex(&s, &start) ||
	    !scan_char(&s, ':') || !scan_hex(&s, &end))
		return false;
	a = reader_answer(r, ANSWER_INIT_HIGHMEM);
	a->nid = (int32_t)nid;
	a->type = (int32_t)type;
	a->v[0] = start;
	a->v[1] = end;
	return true;
}

bool line_init_highmem(struct reader *r, struct scan s)
{
	return init_high(r, s, ZONE_HIGHMEM);
}

bool line_init_movable(struct reader *r, struct scan s)
{
	return init_high(r, s, ZONE_MOVABLE);
}

/* 0 deferred pages initialised in 52ms; up to 5.3: 0 initialised, 753372 pages in 23ms */
bool line_deferred(struct reader *r, struct scan s)
{
	uint32_t nid;

	if (!scan_u32(&s, &nid) ||
	    (!scan_lit(&s, " deferred pages initialised in ") && !scan_lit(&s, " initialised, ")))
		return false;
	r->saw_deferred = true;
	return true;
}

/* "initrd memory: 1528K", "unused kernel memory: 1260k freed", "... memory: 36K (a - b)" */
bool line_freeing(struct reader *r, struct scan s)
{
	struct boot_step *step;
	struct scan_str what;
	uint64_t kb;
	const char *suffix;

	if (!scan_until(&s, ':', &what) || !scan_lit(&s, ": ") || !scan_kb(&s, &kb))
		return false;
	suffix = " memory";
	if (what.len <= strlen(suffix) ||
	    memcmp(what.p + what.len - strlen(suffix), suffix, strlen(suffix)))
		return false;
	step = boot_log_add_step(r->log, STEP_LATE_FREE, r->line->line);
	if (!step)
		return false;
	step->size = kb << 10;
	step->name = boot_log_text(r->log, what.p, what.len - strlen(suffix));
	return true;
}

/* 49940K */
bool line_efi_freed(struct reader *r, struct scan s)
{
	uint64_t kb;

	if (!scan_kb(&s, &kb))
		return false;
	reader_answer(r, ANSWER_EFI_FREED)->v[0] = kb;
	return true;
}

/* 1024 MiB on node 0: says what the area before it was for */
bool line_hugetlb_cma(struct reader *r, struct scan s)
{
	struct boot_input *in = &r->log->input;
	uint64_t mib;
	int32_t nid;

	if (!scan_dec(&s, &mib) || !scan_lit(&s, " MiB on node ") || !scan_i32(&s, &nid))
		return false;
	if (in->step_count && in->steps[in->step_count - 1].kind == STEP_CMA_RESERVE) {
		in->steps[in->step_count - 1].name = "hugetlb";
		in->steps[in->step_count - 1].nid = nid;
	}
	return true;
}

/* 64 MiB at 0x00000000bf000000[ on node -1]; 1024 MiB in 1 range */
bool line_cma_reserved(struct reader *r, struct scan s)
{
	struct boot_step *step;
	uint64_t mib, base = 0;
	struct answer *a;
	bool at;

	if (!scan_dec(&s, &mib) || !scan_lit(&s, " MiB "))
		return false;
	at = scan_lit(&s, "at ");
	if (at ? !scan_number(&s, &base) : !scan_lit(&s, "in "))
		return false;
	if (!reader_flush_orphans(r, 1))
		return false;
	step = boot_log_add_step(r->log, STEP_CMA_RESERVE, r->line->line);
	if (!step)
		return false;
	step->size = mib << 20;
	step->base = base;
	reader_adopt_orphan(r, r->log->input.step_count - 1);
	if (!at)
		return true;
	a = reader_answer(r, ANSWER_CMA_RESERVED);
	a->index = r->cma_count++;
	a->v[0] = mib;
	a->v[1] = base;
	return true;
}

bool line_cma_reserved_3(struct reader *r, struct scan s)
{
	uint64_t mib, base;
	struct boot_step *step;

	if (!scan_dec(&s, &mib) || !scan_lit(&s, " MiB at ") || !scan_hex(&s, &base))
		return false;
	step = boot_log_add_step(r->log, STEP_CMA_RESERVE, r->line->line);
	if (!step)
		return false;
	step->size = mib << 20;
	step->base = base;
	return true;
}

/* 0x00000000b2000000, size 864 MiB */
static bool pool(struct reader *r, struct scan s, enum boot_step_kind kind)
{
	struct boot_step *step;
	uint64_t base, mib;

	if (!scan_number(&s, &base) || !scan_lit(&s, ", size ") || !scan_dec(&s, &mib))
		return false;
	step = boot_log_add_step(r->log, kind, r->line->line);
	if (!step)
		return false;
	step->base = base;
	step->size = mib << 20;
	if (kind == STEP_POOL_CMA)
		r->cma_count++;
	return true;
}

bool line_pool_cma(struct reader *r, struct scan s)
{
	return pool(r, s, STEP_POOL_CMA);
}

bool line_pool_dma(struct reader *r, struct scan s)
{
	return pool(r, s, STEP_POOL_DMA);
}

static bool crashkernel(struct reader *r, phys_t start, phys_t end, uint32_t index)
{
	struct boot_step *step = boot_log_add_step(r->log, STEP_CRASHKERNEL, r->line->line);
	struct answer *a;

	if (!step)
		return false;
	step->size = end - start;
	step->flags = index;
	/*
	 * The low part is told first and reserved second.  Where neither printed a request, both
	 * placements wait, the main one before the low one.
	 */
	if (index && r->orphan_count) {
		r->crash_low = r->log->input.step_count - 1;
	} else if (r->orphan_count) {
		uint32_t own = r->log->input.step_count - 1;

		if (r->crash_low + 1 == own) {
			struct boot_step low = step[-1];

			step[-1] = step[0];
			step[0] = low;
			reader_adopt_orphan(r, own - 1);
		}
		reader_adopt_orphan(r, own);
		r->crash_low = READER_NO_STEP - 1;
	}
	a = reader_answer(r, ANSWER_CRASHKERNEL);
	a->index = index;
	a->v[0] = start;
	a->v[1] = end;
	return true;
}

/* 0x000000006f000000 - 0x000000007f000000 (256 MB) */
bool line_crashkernel_reserved(struct reader *r, struct scan s)
{
	uint64_t start, end;

	return scan_0x(&s, &start) && scan_lit(&s, " - ") && scan_0x(&s, &end) &&
	       crashkernel(r, start, end, 0);
}

bool line_crashkernel_low(struct reader *r, struct scan s)
{
	uint64_t start, end;

	return scan_0x(&s, &start) && scan_lit(&s, " - ") && scan_0x(&s, &end) &&
	       crashkernel(r, start, end, 1);
}

/* 256MB of memory at 1776MB for crashkernel (System RAM: 4095MB); "... of low memory at ..." */
bool line_crashkernel_x86(struct reader *r, struct scan s)
{
	uint64_t size, base;
	bool low;

	if (!scan_dec(&s, &size) || !scan_lit(&s, "MB of "))
		return false;
	low = scan_lit(&s, "low ");
	if (!scan_lit(&s, "memory at ") || !scan_dec(&s, &base) ||
	    !scan_lit(&s, "MB for crashkernel"))
		return false;
	return crashkernel(r, base << 20, (base + size) << 20, low);
}

/*
 * What follows the entries:
 * (order: 9, 2097152 bytes[, linear]); (order 0, 4096 bytes); (4096 bytes);
 * (16384 bytes on 4 NUMA nodes, total 64 KiB, linear); or nothing.  False where the line is cut.
 */
static bool hash_size(enum hash_table table, struct scan *s, uint64_t v[6])
{
	int32_t order = 0;
	uint64_t total;

	if (scan_blank_end(s))
		return table == HASH_TABLE_MOUNT;
	if (!scan_lit(s, " ("))
		return false;
	if ((scan_lit(s, "order: ") || scan_lit(s, "order ")) &&
	    (!scan_i32(s, &order) || !scan_lit(s, ", ")))
		return false;
	v[1] = (uint64_t)(int64_t)order;
	if (!scan_dec(s, &v[2]) || !scan_lit(s, " bytes"))
		return false;
	if (scan_lit(s, " on ") && (!scan_dec(s, &v[4]) || !scan_lit(s, " NUMA nodes, total ") ||
				    !scan_dec(s, &total) || !scan_lit(s, " KiB")))
		return false;
	if (scan_lit(s, ", linear"))
		v[3] = HASH_LINEAR;
	else if (scan_lit(s, ", vmalloc hugepage"))
		v[3] = HASH_VMALLOC_HUGE;
	else if (scan_lit(s, ", vmalloc"))
		v[3] = HASH_VMALLOC;
	/* A comma left over: cut in the middle of the word. */
	return scan_peek(s) != ',' && (scan_left(s) || !v[4]);
}

/* Dentry cache hash table entries: 262144 (order: 9, 2097152 bytes[, linear]), and other forms */
bool line_hash_table(struct reader *r, struct scan s)
{
	scan_lit(&s, "VFS: ");
	for (unsigned int t = 0; t < HASH_TABLE_COUNT; t++) {
		struct scan u = s;
		uint64_t v[6] = { 0 };
		struct answer *a;

		if (!scan_lit(&u, hash_table_name((enum hash_table)t)) ||
		    !scan_lit(&u, " hash table entries: ") || !scan_dec(&u, &v[0]))
			continue;
		if (!hash_size((enum hash_table)t, &u, v))
			return true;
		if (v[0] && v[2] % v[0] == 0 && v[2] / v[0] < 4096)
			r->log->input.given_bucket_bytes[t] = (uint32_t)(v[2] / v[0]);
		a = reader_answer(r, ANSWER_HASH);
		a->index = t;
		memcpy(a->v, v, sizeof(v));
		return true;
	}
	return false;
}
