/* SPDX-License-Identifier: MIT */
/*
 * memblock=debug: requests, placements, explicit calls and dumps.
 *
 * A request line is followed by the reserve line of its result, whose caller is inside memblock itself;
 * a reserve line with any other caller is an explicit reservation.  Some requests print no line of
 * their own (NODE_DATA, the initrd's copy): their placements wait as orphans for the line that names
 * them.
 */
#include <stdlib.h>
#include <string.h>

#include "traces/dmesg/reader.h"

/* " caller+0x1a/0x2b", without the offset. */
static const char *caller_text(struct reader *r, struct scan s)
{
	struct scan_str word;
	const char *plus;

	scan_ws(&s);
	if (!scan_word(&s, &word))
		return "";
	plus = memchr(word.p, '+', word.len);
	return boot_log_text(r->log, word.p, plus ? (size_t)(plus - word.p) : word.len);
}

static struct boot_step *add_call(struct reader *r, enum boot_step_kind kind, phys_t start,
				  phys_t end)
{
	struct boot_step *step;

	if (!reader_flush_orphans(r, 0))
		return NULL;
	step = boot_log_add_step(r->log, kind, r->line->line);
	if (step) {
		step->base = start;
		step->size = end - start;
	}
	r->request = READER_NO_STEP;
	r->log->has_debug = true;
	return step;
}

static bool inside_memblock(const char *caller)
{
	static const char *const names[] = {
		"memblock_alloc_range_nid", "memblock_virt_alloc_internal",
		"memblock_alloc_internal",  "memblock_alloc_base_nid",
		"__memblock_alloc_base",    "memblock_alloc_range",
		"memblock_alloc_base",	    "memblock_alloc_nid"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(caller, names[i]))
			return true;
	return false;
}

/*
 * Is a placement of so many bytes what the request before it got?  If not, the request's own line is
 * missing, and this is another one's, which was not printed.
 */
static bool fits_request(const struct reader *r, uint64_t size)
{
	const struct boot_step *s;

	if (r->request == READER_NO_STEP)
		return false;
	s = &r->log->input.steps[r->request];
	return size >= s->size && size - s->size < max_u64(s->align, 64);
}

static bool reserve(struct reader *r, phys_t start, phys_t end, uint64_t flags, int32_t nid,
		    const char *caller)
{
	struct boot_step *step;

	r->log->has_debug = true;
	/* The array that doubled moves inside the operation that made it grow. */
	if (!strncmp(caller, "memblock_double_array", 21))
		return true;
	if (inside_memblock(caller)) {
		if (fits_request(r, end - start)) {
			struct answer *a = reader_answer(r, ANSWER_PLACEMENT);

			a->index = r->request;
			a->v[0] = start;
			a->v[1] = end;
			if (flags != UINT64_MAX) {
				a->v[2] = flags;
				a->v[3] = (uint64_t)(int64_t)nid;
			}
			r->request = READER_NO_STEP;
		} else {
			if (!reader_flush_orphans(r, READER_ORPHANS_MAX - 1))
				return false;
			r->orphans[r->orphan_count++] = (struct reader_orphan){
				start, end, flags == UINT64_MAX ? 0 : flags,
				flags == UINT64_MAX ? 0 : (uint64_t)(int64_t)nid, r->line->line
			};
		}
		return true;
	}
	step = add_call(r, STEP_RESERVE, start, end);
	if (!step)
		return false;
	step->name = caller;
	step->nid = nid;
	step->flags = flags == UINT64_MAX ? 0 : (uint32_t)flags;
	return true;
}

/* memblock_reserve: [0xa-0xb] [flags 0x0] caller+0x1/0x2 */
bool line_memblock_reserve(struct reader *r, struct scan s)
{
	phys_t start, end;
	uint64_t flags;
	struct scan t;

	if (!scan_bracket_range(&s, &start, &end))
		return false;
	t = s;
	if (scan_lit(&t, " flags ") && scan_number(&t, &flags))
		s = t;
	return reserve(r, start, end, UINT64_MAX, NID_NONE, caller_text(r, s));
}

/* __memblock_reserve: [0xa-0xb] nid=-1 flags=20 caller+0x1/0x2 */
bool line_memblock_reserve_nid(struct reader *r, struct scan s)
{
	phys_t start, end;
	int32_t nid;
	uint64_t flags;

	if (!scan_bracket_range(&s, &start, &end) || !scan_lit(&s, " nid=") ||
	    !scan_i32(&s, &nid) || !scan_lit(&s, " flags=") || !scan_hex(&s, &flags))
		return false;
	return reserve(r, start, end, flags, nid, caller_text(r, s));
}

bool line_memblock_add(struct reader *r, struct scan s)
{
	phys_t start, end;
	struct boot_step *step;

	if (!scan_bracket_range(&s, &start, &end))
		return false;
	step = add_call(r, STEP_ADD, start, end);
	if (!step)
		return false;
	step->name = caller_text(r, s);
	return true;
}

bool line_memblock_add_node(struct reader *r, struct scan s)
{
	phys_t start, end;
	int32_t nid;
	uint64_t flags = 0;
	struct boot_step *step;

	if (!scan_bracket_range(&s, &start, &end) || !scan_lit(&s, " nid=") || !scan_i32(&s, &nid))
		return false;
	if (scan_lit(&s, " flags="))
		scan_hex(&s, &flags);
	step = add_call(r, STEP_ADD, start, end);
	if (!step)
		return false;
	step->nid = nid;
	step->flags = (uint32_t)flags;
	step->name = caller_text(r, s);
	return true;
}

static bool range_call(struct reader *r, struct scan s, enum boot_step_kind kind)
{
	phys_t start, end;
	struct boot_step *step;
	const char *caller;

	if (!scan_bracket_range(&s, &start, &end))
		return false;
	caller = caller_text(r, s);
	if (!strncmp(caller, "memblock_double_array", 21))
		return true;
	/* A size of zero prints an end one before the start. */
	step = add_call(r, kind, start, end < start ? start : end);
	if (!step)
		return false;
	step->name = caller;
	return true;
}

/*
 * arm machines with UEFI dump what the device tree said and forget it: the dump that counts is still
 * to come.  Right before, so nothing else can refer to it.
 */
static void forget_dump(struct reader *r)
{
	struct boot_input *in = &r->log->input;
	struct answers *recorded = &r->log->recorded;

	if (r->dump != 1 || !in->step_count || in->steps[in->step_count - 1].kind != STEP_STATE)
		return;
	in->step_count--;
	while (recorded->count && (recorded->items[recorded->count - 1].kind == ANSWER_DUMP_SIZE ||
				   recorded->items[recorded->count - 1].kind == ANSWER_DUMP_COUNT ||
				   recorded->items[recorded->count - 1].kind == ANSWER_DUMP_REGION))
		recorded->count--;
	in->state.memory_count = in->state.reserved_count = 0;
	in->state.memory_size = in->state.reserved_size = 0;
	in->state.has_memory = in->has_state = false;
	r->dump = 0;
}

bool line_memblock_remove(struct reader *r, struct scan s)
{
	struct scan t = s;
	phys_t start, end;

	if (scan_bracket_range(&t, &start, &end) && !start && end >= UINT64_MAX - 1)
		forget_dump(r);
	return range_call(r, s, STEP_REMOVE);
}

bool line_memblock_free(struct reader *r, struct scan s)
{
	return range_call(r, s, STEP_FREE);
}

bool line_memblock_free_old(struct reader *r, struct scan s)
{
	return range_call(r, s, STEP_FREE);
}

bool line_memblock_free_early(struct reader *r, struct scan s)
{
	return range_call(r, s, STEP_FREE);
}

bool line_memblock_phys_free(struct reader *r, struct scan s)
{
	return range_call(r, s, STEP_FREE);
}

bool line_memblock_free_late(struct reader *r, struct scan s)
{
	return range_call(r, s, STEP_FREE_LATE);
}

bool line_memblock_free_late_inner(struct reader *r, struct scan s)
{
	return range_call(r, s, STEP_FREE_LATE);
}

/* N bytes align=0xA [nid=D] from=0x.. max_addr=0x.. caller */
static bool request(struct reader *r, struct scan s, enum alloc_call call, bool has_nid)
{
	uint64_t size, align, from, max;
	int32_t nid = NID_NONE;
	struct boot_step *step;

	if (!scan_dec(&s, &size) || !scan_lit(&s, " bytes align=") || !scan_0x(&s, &align) ||
	    (has_nid && (!scan_lit(&s, " nid=") || !scan_i32(&s, &nid))) ||
	    !scan_lit(&s, " from=") || !scan_0x(&s, &from) || !scan_lit(&s, " max_addr=") ||
	    !scan_0x(&s, &max))
		return false;
	step = add_call(r, STEP_ALLOC, 0, 0);
	if (!step)
		return false;
	step->size = size;
	step->align = align;
	step->min_addr = from;
	step->max_addr = max;
	step->nid = nid >= NODES_MAX ? NID_NONE : nid;
	step->call = call;
	step->name = caller_text(r, s);
	r->request = r->log->input.step_count - 1;
	return true;
}

bool line_memblock_alloc_try_nid(struct reader *r, struct scan s)
{
	return request(r, s, ALLOC_TRY_NID, true);
}

bool line_memblock_alloc_try_nid_raw(struct reader *r, struct scan s)
{
	return request(r, s, ALLOC_TRY_NID, true);
}

bool line_memblock_alloc_try_nid_nopanic(struct reader *r, struct scan s)
{
	return request(r, s, ALLOC_TRY_NID, true);
}

bool line_memblock_virt_alloc(struct reader *r, struct scan s)
{
	return request(r, s, ALLOC_TRY_NID, true);
}

bool line_memblock_virt_alloc_raw(struct reader *r, struct scan s)
{
	return request(r, s, ALLOC_TRY_NID, true);
}

bool line_memblock_virt_alloc_nopanic(struct reader *r, struct scan s)
{
	return request(r, s, ALLOC_TRY_NID, true);
}

bool line_memblock_alloc_exact_nid(struct reader *r, struct scan s)
{
	return request(r, s, ALLOC_EXACT_NID, true);
}

bool line_memblock_phys_alloc_range(struct reader *r, struct scan s)
{
	return request(r, s, ALLOC_PHYS_RANGE, false);
}

/* memblock: reserved is doubled to 256 at [0xa-0xb] */
bool line_memblock_doubled(struct reader *r, struct scan s)
{
	phys_t start, end;
	struct scan_str which;
	uint64_t count;
	struct answer *a;

	if (!scan_word(&s, &which) || !scan_lit(&s, " is doubled to ") || !scan_dec(&s, &count) ||
	    !scan_lit(&s, " at ") || !scan_bracket_range(&s, &start, &end))
		return false;
	a = reader_answer(r, ANSWER_DOUBLED);
	a->index = r->doubled_count++;
	a->type = scan_str_eq(which, "reserved");
	a->v[0] = start;
	a->v[1] = end;
	a->v[2] = count;
	return true;
}

/* ---- dumps: the first one is an input, the state where logging starts ---- */

/*
 * Each line of a dump comes here first.  The first dump has to be whole: of a state, a part is worth
 * nothing, and a later one is as good.  Those that follow are compared line by line.
 */
static bool in_dump(struct reader *r)
{
	if (!r->walk.begins)
		return r->dump;
	if (!r->dump && !dump_walk_is_whole(r->text, r->at, r->end))
		return false;
	r->dump++;
	r->request = READER_NO_STEP;
	r->log->has_debug = true;
	if (!reader_flush_orphans(r, 0))
		return false;
	if (r->dump > 1)
		return true;
	r->log->input.has_state = true;
	return boot_log_add_step(r->log, STEP_STATE, r->line->line);
}

bool line_memblock_configuration(struct reader *r, struct scan s)
{
	(void)s;
	if (!in_dump(r))
		boot_log_note(r->log, r->line->line, r->line->line,
			      "lines of this memblock dump are missing, so that it is not used");
	r->log->has_debug = true;
	return true;
}

/*  memory size = 0x000000007ff7ac00 reserved size = 0x0000000003608000 */
bool line_memblock_dump_sizes(struct reader *r, struct scan s)
{
	uint64_t memory, reserved;
	struct answer *a;

	if (!in_dump(r) || !scan_number(&s, &memory) || !scan_past(&s, "reserved size = ") ||
	    !scan_number(&s, &reserved))
		return false;
	if (r->dump == 1) {
		r->log->input.state.memory_size = memory;
		r->log->input.state.reserved_size = reserved;
	}
	a = reader_answer(r, ANSWER_DUMP_SIZE);
	a->index = r->dump - 1;
	a->v[0] = memory;
	a->v[1] = reserved;
	return true;
}

static bool dump_count(struct reader *r, struct scan s, int which)
{
	uint64_t count;
	struct answer *a;

	if (!in_dump(r) || !scan_ws(&s) || !scan_lit(&s, "= ") || !scan_number(&s, &count))
		return false;
	if (r->dump == 1 && which)
		return true;
	a = reader_answer(r, ANSWER_DUMP_COUNT);
	a->index = r->dump - 1;
	a->type = which;
	a->v[0] = count;
	return true;
}

bool line_memblock_dump_memory_count(struct reader *r, struct scan s)
{
	return dump_count(r, s, 0);
}

bool line_memblock_dump_reserved_count(struct reader *r, struct scan s)
{
	return dump_count(r, s, 1);
}

static bool add_state_region(struct boot_log *log, struct memblock_region **regions,
			     uint32_t *count, uint32_t *room, struct memblock_region region)
{
	if (*count == *room) {
		uint32_t wanted = *room ? *room * 2 : 32;
		struct memblock_region *grown = realloc(*regions, wanted * sizeof(*grown));

		if (!grown) {
			log->out_of_memory = true;
			return false;
		}
		*regions = grown;
		*room = wanted;
	}
	(*regions)[(*count)++] = region;
	return true;
}

/* 0x0]<TAB>[0xa-0xb], 0xN bytes[ on node 0][ flags: 0x0] */
static bool dump_region(struct reader *r, struct scan s, int which)
{
	struct boot_log *log = r->log;
	struct memblock_region region = { .nid = NID_NONE };
	phys_t start, end;
	uint64_t index, bytes, flags = 0;
	struct answer *a;
	struct scan t;

	if (!in_dump(r) || !scan_number(&s, &index) || !scan_char(&s, ']') || !scan_ws(&s) ||
	    !scan_bracket_range(&s, &start, &end) || !scan_lit(&s, ", ") ||
	    !scan_number(&s, &bytes) || !scan_lit(&s, " bytes"))
		return false;
	t = s;
	if (scan_lit(&t, " on node ") && scan_i32(&t, &region.nid))
		s = t;
	t = s;
	if (scan_lit(&t, " flags: ") && scan_number(&t, &flags))
		s = t;
	region.base = start;
	region.size = bytes;
	region.flags = (uint32_t)flags;
	if (end - start != bytes && bytes)
		boot_log_note(log, r->line->line, r->line->line,
			      "a region's size is not the distance of its ends");
	if (r->dump == 1) {
		struct boot_state *state = &log->input.state;

		if (!which)
			state->has_memory = true;
		if (bytes &&
		    !(which ? add_state_region(log, &state->reserved, &state->reserved_count,
					       &log->state_reserved_room, region)
			    : add_state_region(log, &state->memory, &state->memory_count,
					       &log->state_memory_room, region)))
			return false;
		if (which)
			return true;
	}
	a = reader_answer(r, ANSWER_DUMP_REGION);
	a->index = (uint32_t)((r->dump - 1) << 16 | (index & 0xffff));
	a->type = which;
	a->nid = region.nid;
	a->v[0] = start;
	a->v[1] = bytes;
	a->v[2] = flags;
	return true;
}

bool line_memblock_dump_memory(struct reader *r, struct scan s)
{
	return dump_region(r, s, 0);
}

bool line_memblock_dump_reserved(struct reader *r, struct scan s)
{
	return dump_region(r, s, 1);
}

/* 68 early reservations): all that is reserved when memory is handed over; a list follows */
bool line_early_res(struct reader *r, struct scan s)
{
	uint64_t n;

	if (!scan_dec(&s, &n) || !scan_lit(&s, " early reservations)"))
		return false;
	r->section = SECTION_EARLY_RES;
	return true;
}

/* 1 [0001000000 - 0001d20114]   TEXT DATA BSS */
bool line_early_res_entry(struct reader *r, struct scan s)
{
	struct boot_step *step;
	phys_t start, end;
	uint64_t n;

	if (r->section != SECTION_EARLY_RES || !scan_dec(&s, &n) || !scan_lit(&s, " [") ||
	    !scan_plain_range(&s, &start, &end) || !scan_char(&s, ']') || end < start)
		return false;
	step = boot_log_add_step(r->log, STEP_RESERVE, r->line->line);
	if (!step)
		return false;
	step->base = start;
	step->size = end - start;
	step->name = BOOT_STEP_EARLY_RES;
	return true;
}
