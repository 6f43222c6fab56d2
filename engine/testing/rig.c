/* SPDX-License-Identifier: MIT */
#include "engine/testing/rig.h"

#include "engine/boot.h"
#include "engine/pageset.h"

void rig_prepare(struct rig *f, const char *version)
{
	f->guesses = 0;
	made_boot_init(&f->boot, ARCH_X86_64, version);
	made_boot_memory(&f->boot, RIG_MIB, 128 * RIG_MIB, -1);
	made_boot_reserve(&f->boot, RIG_IN_USE_START, RIG_IN_USE_END);
	made_boot_cpus(&f->boot, RIG_CPUS, 0);
}

static void boot(struct rig *f, struct machine *m, enum boot_stage until)
{
	machine_init(m);
	m->want_lists = true;
	boot_run(m, &f->boot.in, until);
	assert_false(m->out_of_memory);
}

void rig_boot(struct rig *f)
{
	boot(f, &f->booted, STAGE_MEM_INIT);
	boot(f, &f->late, STAGE_LATE);
}

static void on_prediction(void *ctx, const struct replay_prediction *p)
{
	struct rig *f = ctx;

	f->guess = p->predicted;
	f->miss = p->miss;
	f->zone = p->zone;
	f->guesses++;
}

void rig_start(struct rig *f, uint32_t kinds)
{
	struct replay_options options = {
		.kinds = kinds, .cpu_count = RIG_CPUS, .predicted = on_prediction, .ctx = f
	};

	f->replay = replay_create(&f->booted, &f->late, &options);
	assert_non_null(f->replay);
}

void rig_set_up(struct rig *f, const char *version, uint32_t kinds)
{
	rig_prepare(f, version);
	rig_boot(f);
	rig_start(f, kinds);
}

void rig_tear_down(struct rig *f)
{
	assert_null(buddy_check(f->booted.buddy, false));
	assert_false(replay_out_of_memory(f->replay));
	replay_destroy(f->replay);
	machine_deinit(&f->late);
	machine_deinit(&f->booted);
}

void rig_begin_late(struct rig *f, pfn_t start, pfn_t end)
{
	struct event e = { .kind = EVENT_FREE, .pid = 1, .order = 10 };

	replay_forget(f->replay);
	for (pfn_t pfn = start; pfn < end; pfn += 1024)
		rig_tell(f, e, pfn);
}

void rig_tell(struct rig *f, struct event e, pfn_t pfn)
{
	e.pfn = pfn;
	replay_event(f->replay, &e);
}

void rig_release(struct rig *f, struct event e, pfn_t pfn)
{
	e.kind = EVENT_FREE;
	rig_tell(f, e, pfn);
}

pfn_t rig_guess(struct rig *f, struct event e)
{
	struct replay_state *s = replay_save(f->replay);

	assert_non_null(s);
	rig_tell(f, e, 0);
	assert_true(replay_restore(f->replay, s));
	replay_state_destroy(s);
	return f->guess;
}

pfn_t rig_take(struct rig *f, struct event e, unsigned int count)
{
	pfn_t pfn = PFN_NONE;

	while (count--) {
		pfn = rig_guess(f, e);
		rig_tell(f, e, pfn);
		assert_int_equal(f->guess, pfn);
	}
	return pfn;
}

pfn_t rig_fill(struct rig *f, unsigned int type)
{
	pfn_t first = rig_guess(f, rig_event(EVENT_ZONE_LOCKED, type));

	assert_int_equal(rig_take(f, rig_event(EVENT_ZONE_LOCKED, type), RIG_FILLED),
			 first + RIG_FILLED - 1);
	assert_int_equal(rig_take(f, rig_request(0, type), 1), first);
	return first;
}

const pfn_t rig_four[4] = { 0x1000, 0x1010, 0x1020, 0x1030 };

void rig_four_pages(struct rig *f, const char *version)
{
	rig_set_up(f, version, RIG_ALLOC_AND_FREE);
	rig_begin_late(f, 0x5000, 0x7000);
	for (unsigned int i = 4; i--;)
		rig_release(f, rig_request(0, MOVABLE), rig_four[i]);
	rig_tell(f, rig_at_depth(rig_by(rig_request(0, MOVABLE), 1), 1), rig_four[0]);
	assert_int_equal(f->guess, rig_four[0]);
}

struct event rig_request(uint16_t cpu, unsigned int type)
{
	struct event e = {
		.kind = EVENT_ALLOC, .cpu = cpu, .pid = 1, .migratetype = (uint8_t)type
	};

	if (type == MOVABLE)
		e.gfp = 0x2 | 0x8;
	return e;
}

struct event rig_event(enum event_kind kind, unsigned int type)
{
	return (struct event){ .kind = (uint8_t)kind, .pid = 1, .migratetype = (uint8_t)type };
}

struct event rig_by_idle(struct event e)
{
	e.pid = 0;
	return e;
}

struct event rig_by(struct event e, int32_t pid)
{
	e.pid = pid;
	return e;
}

struct event rig_at_depth(struct event e, unsigned int depth)
{
	e.context = (uint8_t)(EVENT_CONTEXT_TOLD | depth << EVENT_CONTEXT_DEPTH_SHIFT);
	return e;
}

pfn_t rig_page_in_use(void)
{
	return RIG_IN_USE_START / 4096 + 64;
}

bool rig_is_free(const struct rig *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);
	struct buddy_block block;

	return buddy_find(a->buddy, page_alloc_zone_of(a, pfn), pfn, &block);
}

bool rig_is_listed(const struct rig *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);

	return pageset_holds(a, page_alloc_zone_of(a, pfn), pfn);
}

enum migratetype rig_block_type(const struct rig *f, pfn_t pfn)
{
	struct page_alloc *a = replay_alloc(f->replay);

	return buddy_block_type(a->buddy, page_alloc_zone_of(a, pfn), pfn);
}
