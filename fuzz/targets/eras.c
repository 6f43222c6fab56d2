/* SPDX-License-Identifier: MIT */
/*
 * What a kernel does follows from its facts alone, and from those alone that its machine comes across.  Each
 * machine lives its life three times, side by side:
 *
 *	own	as it was given
 *	other	as another version, whose facts that differ are all overridden to be the same
 *	idle	as its own version, but what fact_needs.def says it cannot come across is as in the other's
 *
 * All three have the same answers, the same memory and zones after the boot, the same result of each
 * operation, and the same free lists and page sets in the end.
 */
#include "fuzz/targets/eras.h"

#include <stdlib.h>
#include <string.h>

#include "engine/digest.h"
#include "engine/pageset.h"
#include "engine/scenario.h"
#include "fuzz/targets/machine_input.h"

/* What a fact may need. */
enum need {
#define NEED(name, meaning) NEED_##name,
#define ASKED(need, fact)
#include "fuzz/targets/fact_needs.def"
#undef ASKED
#undef NEED
};

static const struct asked {
	enum need need;
	enum fact fact;
} asked[] = {
#define NEED(name, meaning)
#define ASKED(need, fact) { NEED_##need, FACT_##fact },
#include "fuzz/targets/fact_needs.def"
#undef ASKED
#undef NEED
};

/* A life: the machine, and digests of what came of it. */
struct life {
	struct stored_scenario input;
	struct scenario scenario;
	uint64_t boot;
	uint64_t operations[MACHINE_INPUT_OPERATIONS_MAX];
	uint64_t end;
};

struct state {
	struct target_settings settings;
	struct target_fact facts[FACT_COUNT]; /* overridden, of the life being made */
	struct life lives[LIFE_COUNT];
	/* See eras_lie(). */
	enum eras_life liar;
	struct target_fact lie;
};

static void *create(const struct target_settings *settings)
{
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->settings = *settings;
	s->liar = LIFE_COUNT;
	for (int i = 0; i < LIFE_COUNT; i++)
		scenario_init(&s->lives[i].scenario);
	return s;
}

static void destroy(void *state)
{
	struct state *s = state;

	for (int i = 0; i < LIFE_COUNT; i++) {
		scenario_deinit(&s->lives[i].scenario);
		stored_scenario_deinit(&s->lives[i].input);
	}
	free(s);
}

void eras_lie(void *state, enum eras_life life, enum fact fact, int64_t value)
{
	struct state *s = state;

	s->liar = life;
	s->lie = (struct target_fact){ fact, value };
}

/* ---- what a machine comes across ---------------------------------------------------------------- */

static bool has_operation(const struct stored_scenario *s, enum operation_kind first,
			  enum operation_kind last)
{
	for (uint32_t i = 0; i < s->operation_count; i++)
		if (s->operations[i].kind >= first && s->operations[i].kind <= last)
			return true;
	return false;
}

static bool has_step(const struct boot_input *in, enum boot_step_kind kind)
{
	for (uint32_t i = 0; i < in->step_count; i++)
		if (in->steps[i].kind == kind)
			return true;
	return false;
}

static bool has_option(const struct boot_input *in, const char *option)
{
	return strstr(in->command_line, option) != NULL;
}

static bool has_areas(const struct boot_input *in)
{
	return has_step(in, STEP_CMA_RESERVE) || has_option(in, "cma") || in->has_tree ||
	       in->config.arch == ARCH_ARM64 || in->config.arch == ARCH_ARM;
}

static bool meets(const struct stored_scenario *s, enum need need)
{
	const struct boot_input *in = &s->log.input;

	switch (need) {
	case NEED_NOTHING:
		return false;
	case NEED_X86:
		return arch_is_x86(&in->config);
	case NEED_I386:
		return in->config.arch == ARCH_I386;
	case NEED_ARM64:
		return in->config.arch == ARCH_ARM64;
	case NEED_ARM:
		return in->config.arch == ARCH_ARM;
	case NEED_TREE:
		return in->has_tree;
	case NEED_WINDOWS:
		return in->window_count;
	case NEED_FAKE_NODES:
		return has_option(in, "fake");
	case NEED_CORE:
		return has_option(in, "kernelcore") || has_option(in, "movablecore");
	case NEED_AREAS:
		return has_areas(in);
	case NEED_LATE_FREES:
		return has_step(in, STEP_LATE_FREE) || has_step(in, STEP_FREE_LATE) ||
		       has_step(in, STEP_FREE);
	case NEED_OPERATIONS:
		return s->operation_count;
	case NEED_NODE_STAT:
		return has_operation(s, OPERATION_NODE_STAT, OPERATION_NODE_STAT);
	case NEED_RACED:
		return has_operation(s, OPERATION_ALLOC_RACED, OPERATION_ALLOC_RACED);
	case NEED_HOTPLUG:
		return has_operation(s, OPERATION_HOTADD, OPERATION_CPU_UP);
	case NEED_FRACTION:
		return has_operation(s, OPERATION_PCP_FRACTION, OPERATION_PCP_FRACTION);
	case NEED_SHUFFLE:
		return has_operation(s, OPERATION_SHUFFLE, OPERATION_SHUFFLE);
	case NEED_COMPACT:
		return has_operation(s, OPERATION_COMPACT, OPERATION_COMPACT);
	case NEED_POISON:
		return has_operation(s, OPERATION_POISON, OPERATION_POISON);
	case NEED_ISOLATION:
		return has_operation(s, OPERATION_ISOLATE_BLOCKS, OPERATION_UNISOLATE_BLOCKS) ||
		       has_operation(s, OPERATION_CMA_ALLOC, OPERATION_OFFLINE);
	}
	return true;
}

/* ---- lives --------------------------------------------------------------------------------------- */

static uint64_t digest_nodes(uint64_t digest, const struct machine *m)
{
	for (uint32_t n = 0; n < m->node_count; n++) {
		const struct node *node = &m->nodes[n];

		digest = digest_add(digest, (uint64_t)node->possible | (uint64_t)node->online << 1 |
						    (uint64_t)node->memory << 2);
		digest = digest_add(digest, node->start_pfn);
		digest = digest_add(digest, node->end_pfn);
		digest = digest_add(digest, node->cpus);
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++) {
			const struct zone *z = &node->zones[t];
			const uint64_t values[] = { z->start_pfn, z->spanned,  z->present,
						    z->managed,	  z->cma,      z->batch,
						    z->high,	  z->high_min, z->high_max };

			for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
				digest = digest_add(digest, values[i]);
			for (unsigned int w = 0; w < WMARK_COUNT; w++)
				digest = digest_add(digest, z->watermark[w]);
			for (unsigned int to = 0; to < ZONE_TYPE_COUNT; to++)
				digest = digest_add(digest, z->lowmem_reserve[to]);
		}
	}
	return digest;
}

static uint64_t digest_boot(const struct machine *m)
{
	const struct memblock_type *types[] = { &m->mb.memory, &m->mb.reserved };
	uint64_t digest = digest_add(0, m->stage);

	for (int i = 0; i < 2; i++) {
		digest = digest_add(digest, types[i]->cnt);
		for (uint32_t r = 0; r < types[i]->cnt; r++) {
			digest = digest_add(digest, types[i]->regions[r].base);
			digest = digest_add(digest, types[i]->regions[r].size);
			digest = digest_add(digest, types[i]->regions[r].flags);
		}
	}
	digest = digest_add(digest, m->totalram);
	digest = digest_add(digest, m->totalreserve);
	return digest_nodes(digest, m);
}

/* What the operation done last came to. */
static uint64_t digest_operation(const struct scenario *s)
{
	const struct scenario_block *block = &s->blocks[s->block_count - 1];
	uint64_t digest = digest_add(0, block->pfn);

	digest = digest_add(digest, block->pages);
	digest = digest_add(digest, (uint64_t)block->zone << 8 | block->order);
	digest = digest_add(digest, s->held_pages);
	for (uint32_t zone = 0; s->has_alloc && zone < s->machine.buddy->zone_count; zone++)
		digest = digest_add(digest, buddy_zone_free_pages(s->machine.buddy, zone));
	return digest;
}

/* Every free page at its place, the pages in page sets, and counters. */
static uint64_t digest_end(const struct scenario *s)
{
	const struct page_alloc *a = &s->alloc;
	uint64_t digest;

	if (!s->has_alloc)
		return 0;
	digest = digest_nodes(buddy_hash(a->buddy), &s->machine);
	for (uint32_t zone = 0; zone < a->zone_count; zone++) {
		digest = digest_add(digest, a->zones[zone].boost);
		digest = digest_add(digest, a->zones[zone].reserved_highatomic);
	}
	for (uint32_t i = 0; i < a->zone_count * a->cpu_count; i++) {
		const struct pageset *set = &a->sets[i];

		for (unsigned int index = 0; index < PCP_LISTS_MAX; index++) {
			uint32_t cursor = BUDDY_LIST_START;
			pfn_t pfn;

			while (set->nonempty >> index & 1 &&
			       pageset_next(a, set, index, &cursor, &pfn))
				digest = digest_add(digest, pfn << 8 | index);
		}
	}
	return digest;
}

static void live(struct life *life, bool with_lists)
{
	const struct scenario_options options = { .want_lists = with_lists };
	struct scenario *s = &life->scenario;

	scenario_boot(s, &life->input.log.input, &options);
	life->boot = digest_boot(&s->machine);
	for (uint32_t i = 0; i < life->input.operation_count && !s->out_of_memory; i++) {
		scenario_do(s, &life->input.operations[i]);
		if (!s->out_of_memory)
			life->operations[i] = digest_operation(s);
	}
	life->end = s->out_of_memory ? 0 : digest_end(s);
}

/* ---- comparison ---------------------------------------------------------------------------------- */

static bool same_answer(const struct answers *as, const struct answers *bs, uint32_t i)
{
	const struct answer *a = &as->items[i], *b = &bs->items[i];

	return a->kind == b->kind && a->nid == b->nid && a->type == b->type &&
	       a->index == b->index && !memcmp(a->v, b->v, sizeof(a->v)) &&
	       a->list_count == b->list_count &&
	       (!a->list_count || !memcmp(as->list + a->list_start, bs->list + b->list_start,
					  a->list_count * sizeof(*as->list)));
}

/* What is first told otherwise of two lives; NULL if nothing is.  @number counts among its like. */
static const char *find_difference(const struct life *a, const struct life *b, uint32_t *number)
{
	const struct answers *x = &a->scenario.machine.answers, *y = &b->scenario.machine.answers;

	for (*number = 0; *number < x->count && *number < y->count; ++*number)
		if (!same_answer(x, y, *number))
			return answer_kind_name(x->items[*number].kind);
	if (x->count != y->count)
		return "the answers' number";
	if (a->boot != b->boot)
		return "memory or zones after the boot";
	for (*number = 0; *number < a->input.operation_count; ++*number)
		if (a->operations[*number] != b->operations[*number])
			return operation_name(a->input.operations[*number].kind);
	return a->end != b->end ? "free lists or page sets in the end" : NULL;
}

/* ---- a run --------------------------------------------------------------------------------------- */

/* @message as of @version, with all facts overridden. */
static bool take(struct state *s, enum eras_life life, const ProtobufCMessage *message,
		 uint32_t version)
{
	struct target_settings settings = { .version = version,
					    .facts = s->facts,
					    .fact_count = FACT_COUNT,
					    .quirks = s->settings.quirks };

	if (life == s->liar)
		s->facts[s->lie.fact] = s->lie;
	return machine_input_take(message, &settings, &s->lives[life].input);
}

/* Facts of @version as the settings have them. */
static void facts_of(const struct state *s, uint32_t version, struct facts *ret)
{
	struct target_settings settings = s->settings;

	settings.version = version;
	target_apply_settings(&settings, &version, ret);
}

static void override_all(struct state *s, const struct facts *own)
{
	for (unsigned int f = 0; f < FACT_COUNT; f++)
		s->facts[f] = (struct target_fact){ (enum fact)f, own->v[f] };
}

/* Own facts, but for those that the machine cannot come across. */
static void override_idle(struct state *s, const struct facts *own, const struct facts *other)
{
	const struct stored_scenario *input = &s->lives[LIFE_OWN].input;

	override_all(s, own);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		if (!meets(input, asked[i].need))
			s->facts[asked[i].fact].value = other->v[asked[i].fact];
}

/* The first fact that alone makes the difference between a machine's own life and the idle one. */
static const char *blame(struct state *s, const ProtobufCMessage *message,
			 const struct facts *other, bool with_lists)
{
	const struct life *own = &s->lives[LIFE_OWN];
	const struct boot_input *in = &own->input.log.input;
	struct life *idle = &s->lives[LIFE_IDLE];
	uint32_t number;

	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		enum fact fact = asked[i].fact;

		if (meets(&own->input, asked[i].need) || in->facts.v[fact] == other->v[fact])
			continue;
		override_all(s, &in->facts);
		s->facts[fact].value = other->v[fact];
		if (!take(s, LIFE_IDLE, message, in->version))
			return fact_info(fact)->name;
		live(idle, with_lists);
		if (find_difference(own, idle, &number))
			return fact_info(fact)->name;
	}
	return "several facts";
}

static void run(void *state, const ProtobufCMessage *message, struct target_report *report)
{
	struct state *s = state;
	const struct stored_scenario *own = &s->lives[LIFE_OWN].input;
	const struct boot_input *in = &own->log.input;
	const struct era *other;
	const char *difference;
	struct facts facts;
	uint32_t number;
	bool taken, with_lists;

	report->refused = !machine_input_take(message, &s->settings, &s->lives[LIFE_OWN].input);
	if (report->refused)
		return;
	/* Any; which one is the input's choice. */
	other = &eras[(in->firmware_count + in->step_count + own->operation_count) % era_count];
	facts_of(s, other->version, &facts);
	override_all(s, &in->facts);
	taken = take(s, LIFE_OTHER, message, other->version);
	override_idle(s, &in->facts, &facts);
	taken &= take(s, LIFE_IDLE, message, in->version);
	if (!taken) {
		target_report_add(report, "era-without-facts",
				  "a machine is none as %s with the same facts", other->name);
		return;
	}
	with_lists = machine_input_is_low(in);
	for (int i = 0; i < LIFE_COUNT; i++) {
		live(&s->lives[i], with_lists);
		report->refused |= s->lives[i].scenario.out_of_memory;
	}
	if (report->refused)
		return;
	difference = find_difference(&s->lives[LIFE_OWN], &s->lives[LIFE_OTHER], &number);
	if (difference)
		target_report_add(report, "era-without-facts",
				  "%s (%u) is another one as %s with the same facts", difference,
				  number, other->name);
	difference = find_difference(&s->lives[LIFE_OWN], &s->lives[LIFE_IDLE], &number);
	if (difference)
		target_report_add(report, "fact-not-asked",
				  "%s (%u) is another one with %s as %s has it, which this machine "
				  "cannot come across",
				  difference, number, blame(s, message, &facts, with_lists),
				  other->name);
	machine_features(&s->lives[LIFE_OWN].scenario.machine,
			 s->lives[LIFE_OWN].input.log.input.version, report);
}

const struct target target_eras = {
	.name = "eras",
	.property = "What a kernel does follows from the facts that its machine comes across.",
	.message = &mmtrace__scenario__descriptor,
	.create = create,
	.destroy = destroy,
	.run_message = run,
	.seeds = machine_seeds,
	.words = machine_words,
};
