/* SPDX-License-Identifier: MIT */
#include "traces/predicate.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/answer.h"
#include "engine/buddy_view.h"
#include "engine/digest.h"
#include "engine/scenario.h"
#include "traces/answer_text.h"
#include "traces/compare.h"
#include "traces/marker_change.h"
#include "traces/shell.h"
#include "traces/trial.h"

enum predicate_form { FORM_FLAG, FORM_NUMBER, FORM_SHARE, FORM_WORD };

enum predicate_kind {
#define PREDICATE(name, text, form, usage, meaning) PREDICATE_##name,
#include "traces/predicate.def"
#undef PREDICATE
	PREDICATE_COUNT
};

const struct predicate_info predicate_infos[] = {
#define PREDICATE(name, text, form, usage, meaning) { text, usage, meaning },
#include "traces/predicate.def"
#undef PREDICATE
};
const unsigned int predicate_info_count = PREDICATE_COUNT;

static const enum predicate_form forms[] = {
#define PREDICATE(name, text, form, usage, meaning) FORM_##form,
#include "traces/predicate.def"
#undef PREDICATE
};

enum comparison_op { OP_ABOVE, OP_FROM, OP_BELOW, OP_UP_TO, OP_EQUAL, OP_NOT };

static const struct {
	const char *text;
	enum comparison_op op;
} ops[] = {
	/* The longer one first. */
	{ ">=", OP_FROM },  { ">", OP_ABOVE }, { "<=", OP_UP_TO }, { "<", OP_BELOW },
	{ "==", OP_EQUAL }, { "=", OP_EQUAL }, { "!=", OP_NOT },
};

struct predicate {
	enum predicate_kind kind;
	char *text;
	/* Figures. */
	enum comparison_op op;
	uint64_t value; /* of a share in thousandths */
	unsigned int order; /* BUDDY_ORDER_COUNT: of any */
	const char *figure; /* in text, ... */
	int figure_len; /* ... up to the comparison */
	/* Words. */
	const char *word; /* in text */
	enum answer_kind answer; /* ANSWER_KIND_COUNT: any */
	enum invariant invariant;
	struct subject_file other_file; /* of differs-from */
	struct facts other_facts;
	uint32_t other_version;
	enum { OTHER_FILE, OTHER_ERA, OTHER_FACTS } other;

	struct trial *trial, *other_trial;
	struct scenario scenario;
	struct alloc_events events; /* of a step of it */
};

/* ---- parsing ----------------------------------------------------------------------------------- */

struct cursor {
	const char *start, *p;
};

static struct error *syntax(const struct cursor *c, const char *format, ...) ERROR_PRINTF(2, 3);
static struct error *syntax(const struct cursor *c, const char *format, ...)
{
	struct error *err;
	va_list args;

	va_start(args, format);
	err = error_create_va(ERROR_SYNTAX, "predicate", 1, (uint32_t)(c->p - c->start) + 1, format,
			      args);
	va_end(args);
	return err;
}

static void skip_blanks(struct cursor *c)
{
	while (*c->p == ' ' || *c->p == '\t')
		c->p++;
}

static bool take(struct cursor *c, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(c->p, text, len) != 0)
		return false;
	c->p += len;
	skip_blanks(c);
	return true;
}

static struct error *parse_name(struct cursor *c, enum predicate_kind *ret)
{
	const char *start = c->p;
	size_t len;

	while (isalpha((unsigned char)*c->p) || *c->p == '-' || *c->p == '_')
		c->p++;
	if (*c->p == ':')
		c->p++;
	len = (size_t)(c->p - start);
	for (unsigned int i = 0; i < PREDICATE_COUNT; i++) {
		if (strlen(predicate_infos[i].name) == len &&
		    !memcmp(predicate_infos[i].name, start, len)) {
			*ret = (enum predicate_kind)i;
			skip_blanks(c);
			return NULL;
		}
	}
	c->p = start;
	if (!len)
		return syntax(c, "a predicate begins with its name, such as 'diverges' or "
				 "'fallbacks > 100'");
	return syntax(c, "there is no predicate '%.*s': 'mmreplay help --predicates' lists them",
		      (int)(len < 80 ? len : 80), start);
}

static struct error *parse_order(struct cursor *c, unsigned int *ret)
{
	unsigned long order;
	char *end;

	if (!take(c, "("))
		return NULL;
	if (!take(c, "order") || !take(c, "="))
		return syntax(c, "'order=K' is expected here");
	if (!isdigit((unsigned char)*c->p))
		return syntax(c, "an order is a number");
	order = strtoul(c->p, &end, 10);
	if (order >= BUDDY_ORDER_COUNT)
		return syntax(c, "an order is less than %d", BUDDY_ORDER_COUNT);
	c->p = end;
	skip_blanks(c);
	if (!take(c, ")"))
		return syntax(c, "')' is expected here");
	*ret = (unsigned int)order;
	return NULL;
}

static struct error *parse_integer(struct cursor *c, uint64_t *ret)
{
	uint64_t value = 0;

	if (!isdigit((unsigned char)*c->p))
		return syntax(c, "a whole number is expected here");
	for (; isdigit((unsigned char)*c->p); c->p++) {
		uint64_t digit = (uint64_t)(*c->p - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return syntax(c, "the number is too large");
		value = value * 10 + digit;
	}
	*ret = value;
	return NULL;
}

/* "0.8", "1", ".25": in thousandths. */
static struct error *parse_share(struct cursor *c, uint64_t *ret)
{
	uint64_t value = 0, unit = 1000;
	const char *start = c->p;

	for (; *c->p == '0' || *c->p == '1'; c->p++)
		value = value * 10 + (uint64_t)(*c->p - '0') * 1000;
	if (*c->p == '.')
		for (c->p++; isdigit((unsigned char)*c->p) && unit > 1; c->p++) {
			unit /= 10;
			value += unit * (uint64_t)(*c->p - '0');
		}
	if (c->p == start || value > 1000 || isdigit((unsigned char)*c->p)) {
		c->p = start;
		return syntax(c, "a part is a number from 0 to 1 with at most three digits behind "
				 "the point");
	}
	*ret = value;
	return NULL;
}

static struct error *parse_figure(struct cursor *c, struct predicate *p)
{
	struct error *err = NULL;

	p->op = OP_ABOVE;
	if (p->kind == PREDICATE_ALLOC_FAILS || p->kind == PREDICATE_UNUSABLE)
		err = parse_order(c, &p->order);
	if (!err && p->kind == PREDICATE_UNUSABLE && p->order == BUDDY_ORDER_COUNT)
		err = syntax(c, "'unusable' needs '(order=K)'");
	p->figure = c->start + strspn(c->start, " \t");
	p->figure_len = (int)(c->p - p->figure);
	while (p->figure_len && p->figure[p->figure_len - 1] == ' ')
		p->figure_len--;
	if (err || !*c->p)
		return err;
	for (size_t i = 0;; i++) {
		if (i == sizeof(ops) / sizeof(*ops))
			return syntax(c, "a comparison is expected here: > >= < <= == or !=");
		if (take(c, ops[i].text)) {
			p->op = ops[i].op;
			break;
		}
	}
	return forms[p->kind] == FORM_SHARE ? parse_share(c, &p->value)
					    : parse_integer(c, &p->value);
}

static struct error *parse_answer_kind(struct cursor *c, struct predicate *p)
{
	const char *end;

	if (!take(c, "("))
		return NULL;
	end = strchr(c->p, ')');
	if (!end)
		return syntax(c, "')' is missing");
	for (unsigned int k = 0; k < ANSWER_KIND_COUNT; k++) {
		const char *name = answer_kind_name((enum answer_kind)k);

		if (strlen(name) == (size_t)(end - c->p) && !memcmp(name, c->p, strlen(name))) {
			p->answer = (enum answer_kind)k;
			c->p = end + 1;
			return NULL;
		}
	}
	return syntax(c, "there is no kind of answer '%.*s'",
		      (int)(end - c->p < 80 ? end - c->p : 80), c->p);
}

/* FACT=VALUE,FACT=VALUE: checked now, set on each subject's own facts later. */
static struct error *set_facts(const struct cursor *c, const char *text, struct facts *facts)
{
	char one[128];
	const char *end;

	for (const char *s = text;; s = end + 1) {
		size_t len;
		const char *wrong;

		end = s + strcspn(s, ",");
		len = (size_t)(end - s);
		if (len >= sizeof(one))
			return syntax(c, "that is no fact");
		memcpy(one, s, len);
		one[len] = '\0';
		wrong = facts_set(facts, one);
		if (wrong)
			return syntax(c, "'%s': %s", one, wrong);
		if (!*end)
			return NULL;
	}
}

static struct error *parse_other(struct cursor *c, struct predicate *p)
{
	if (strchr(c->p, '=') && !strchr(c->p, '/')) {
		p->other = OTHER_FACTS;
		return set_facts(c, c->p, &p->other_facts);
	}
	if (facts_parse_version(c->p, &p->other_version) && !strchr(c->p, '/')) {
		p->other = OTHER_ERA;
		return NULL;
	}
	if (p->kind == PREDICATE_WORSE_THAN)
		return syntax(c, "an era or facts (NAME=VALUE) are expected here");
	p->other = OTHER_FILE;
	return subject_read(c->p, NULL, &p->other_file);
}

static struct error *parse_word(struct cursor *c, struct predicate *p)
{
	if (!*c->p)
		return syntax(c, "something is missing here: '%s'", predicate_infos[p->kind].usage);
	p->word = c->p;
	if (p->kind == PREDICATE_DIFFERS_FROM || p->kind == PREDICATE_WORSE_THAN)
		return parse_other(c, p);
	if (p->kind == PREDICATE_INVARIANT) {
		p->invariant = invariant_parse(c->p, strlen(c->p));
		if (p->invariant == INVARIANT_COUNT)
			return syntax(c, "there is no invariant '%.80s'", c->p);
	}
	return NULL;
}

static struct error *parse(struct predicate *p)
{
	struct cursor c = { p->text, p->text };
	struct error *err;

	skip_blanks(&c);
	err = parse_name(&c, &p->kind);
	if (err)
		return err;
	if (forms[p->kind] == FORM_WORD)
		return parse_word(&c, p);
	if (forms[p->kind] != FORM_FLAG)
		err = parse_figure(&c, p);
	else if (p->kind == PREDICATE_BOOT_DIFFERS)
		err = parse_answer_kind(&c, p);
	skip_blanks(&c);
	if (!err && *c.p)
		err = syntax(&c, "nothing is expected behind '%.*s'", (int)(c.p - c.start),
			     c.start);
	return err;
}

struct error *predicate_parse(const char *text, struct predicate **ret)
{
	struct predicate *p = calloc(1, sizeof(*p));
	struct error *err = error_no_memory();
	size_t len = strlen(text);

	if (!p)
		return err;
	scenario_init(&p->scenario);
	p->order = BUDDY_ORDER_COUNT;
	p->answer = ANSWER_KIND_COUNT;
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\n'))
		len--;
	p->text = strndup(text, len);
	p->trial = trial_create();
	p->other_trial = trial_create();
	if (p->text && p->trial && p->other_trial)
		err = parse(p);
	if (err) {
		predicate_destroy(p);
		return err;
	}
	*ret = p;
	return NULL;
}

void predicate_destroy(struct predicate *p)
{
	if (!p)
		return;
	trial_destroy(p->trial);
	trial_destroy(p->other_trial);
	subject_file_deinit(&p->other_file);
	scenario_deinit(&p->scenario);
	free(p->events.events);
	free(p->text);
	free(p);
}

const char *predicate_text(const struct predicate *p)
{
	return p->text;
}

unsigned int predicate_parts(const struct predicate *p)
{
	switch (p->kind) {
	case PREDICATE_BOOT_DIFFERS:
		return PREDICATE_ANSWERS;
	case PREDICATE_INVARIANT:
	case PREDICATE_DIFFERS_FROM:
		return PREDICATE_EVENTS | PREDICATE_OPERATIONS;
	case PREDICATE_EXIT:
		return PREDICATE_EVENTS | PREDICATE_ANSWERS | PREDICATE_OPERATIONS;
	case PREDICATE_DIVERGES:
	case PREDICATE_MISSES:
	case PREDICATE_IMPOSSIBLE:
	case PREDICATE_WORSE_THAN:
		return PREDICATE_EVENTS | PREDICATE_PAGES;
	default:
		return PREDICATE_EVENTS | PREDICATE_OPERATIONS;
	}
}

bool predicate_is_about_events(const struct predicate *p)
{
	return forms[p->kind] == FORM_NUMBER || forms[p->kind] == FORM_SHARE ||
	       p->kind == PREDICATE_DIVERGES || p->kind == PREDICATE_WORSE_THAN;
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = { "good", "bad", "cannot tell" };

	return names[verdict];
}

/* ---- verdicts ---------------------------------------------------------------------------------- */

static void say(struct judgement *j, const char *format, ...) ERROR_PRINTF(2, 3);
static void say(struct judgement *j, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(j->why, sizeof(j->why), format, args);
	va_end(args);
}

static struct error *cannot_tell(struct judgement *j, const char *why)
{
	j->verdict = VERDICT_UNKNOWN;
	say(j, "%s", why);
	return NULL;
}

static bool holds(const struct predicate *p, uint64_t value)
{
	switch (p->op) {
	case OP_ABOVE:
		return value > p->value;
	case OP_FROM:
		return value >= p->value;
	case OP_BELOW:
		return value < p->value;
	case OP_UP_TO:
		return value <= p->value;
	case OP_EQUAL:
		return value == p->value;
	case OP_NOT:
		break;
	}
	return value != p->value;
}

/* A figure that only grows: does one event more change nothing? */
static bool is_settled(const struct predicate *p, uint64_t value)
{
	return (p->op == OP_ABOVE && value > p->value) || (p->op == OP_FROM && value >= p->value);
}

static void judge_count(const struct predicate *p, uint64_t value, struct judgement *j)
{
	j->verdict = holds(p, value) ? VERDICT_BAD : VERDICT_GOOD;
	say(j, "%.*s: %" PRIu64, p->figure_len, p->figure, value);
}

/* ---- the model names the pages ------------------------------------------------------------------ */

struct misses {
	uint64_t count;
	uint64_t right; /* in a row, up to now */
	struct replay_prediction last; /* its event is borrowed from the subject */
};

static void on_prediction(void *ctx, const struct replay_prediction *prediction)
{
	struct misses *m = ctx;

	m->right = prediction->miss == REPLAY_HIT ? m->right + 1 : 0;
	if (prediction->miss == REPLAY_HIT)
		return;
	m->count++;
	m->last = *prediction;
}

static void say_miss(const struct misses *m, struct judgement *j)
{
	const struct event *e = m->last.event;
	char predicted[32] = "none";

	if (m->last.predicted != PFN_NONE)
		snprintf(predicted, sizeof(predicted), "0x%" PRIx64, m->last.predicted);
	j->at = m->last.index;
	/* The same event, and the same page in its place. */
	j->fingerprint =
		digest_add(digest_add(digest_add(1, e->pfn), (uint64_t)e->kind << 8 | e->order),
			   m->last.predicted);
	say(j, "event %" PRIu64 ", %s: page frame 0x%" PRIx64 " recorded, %s predicted (%s)",
	    m->last.index, event_kind_name((enum event_kind)e->kind), e->pfn, predicted,
	    replay_miss_name(m->last.miss));
}

/* An event of @s; one that the machine cannot have recorded keeps its number, and does nothing. */
static void give(struct trial *t, struct replay *r, const struct subject *s, const struct event *e)
{
	static const struct event nothing = { .kind = EVENT_OTHER, .cpu = UINT16_MAX };

	marker_change_replay(r, trial_allows(t, e) ? e : &nothing,
			     e->text < s->string_count ? s->strings[e->text] : "");
}

static struct error *test_misses(struct predicate *p, const struct subject *s, struct judgement *j)
{
	struct misses m = { 0 };
	struct replay_options options = { .predicted = on_prediction, .ctx = &m };
	const char *reason;
	struct error *err = trial_boot(p->trial, s, TRIAL_REPLAY, &reason);
	struct replay *r;

	if (err || reason)
		return err ? err : cannot_tell(j, reason);
	r = trial_replay(p->trial, s, &options);
	if (!r)
		return error_no_memory();
	for (uint32_t i = 0; i < s->event_count && !is_settled(p, m.count); i++)
		give(p->trial, r, s, &s->events[i]);
	if (replay_out_of_memory(r))
		return error_no_memory();
	if (p->kind == PREDICATE_MISSES) {
		judge_count(p, m.count, j);
		if (j->verdict == VERDICT_BAD && is_settled(p, m.count))
			j->at = m.last.index;
	} else if (!m.count) {
		j->verdict = VERDICT_GOOD;
		say(j, "every page that the trace tells of is the one predicted");
	} else {
		j->verdict = VERDICT_BAD;
		say_miss(&m, j);
	}
	return NULL;
}

/* ---- the trace at its word ---------------------------------------------------------------------- */

struct impossible_seen {
	uint64_t first
		[IMPOSSIBLE_COUNT]; /* event of the first finding of a kind; JUDGEMENT_NOWHERE */
	uint64_t count[IMPOSSIBLE_COUNT];
};

static void on_finding(void *ctx, const struct follow_finding *finding)
{
	struct impossible_seen *seen = ctx;

	/* What is told late can be of an earlier event. */
	if (finding->index < seen->first[finding->what])
		seen->first[finding->what] = finding->index;
	seen->count[finding->what]++;
}

static void on_withdrawn(void *ctx, enum impossible what)
{
	struct impossible_seen *seen = ctx;

	seen->first[what] = JUDGEMENT_NOWHERE;
	seen->count[what] = 0;
}

static void judge_impossible(const struct predicate *p, const struct impossible_seen *seen,
			     struct judgement *j)
{
	enum impossible cause = POSSIBLE;
	uint64_t count = 0;

	for (unsigned int i = POSSIBLE + 1; i < IMPOSSIBLE_COUNT; i++) {
		count += seen->count[i];
		if (seen->first[i] < seen->first[cause])
			cause = (enum impossible)i;
	}
	judge_count(p, count, j);
	if (cause == POSSIBLE)
		return;
	/* A page that is in use twice must not become one that a smaller machine does not have. */
	j->fingerprint = cause;
	say(j, "%.*s: %" PRIu64 ", event %" PRIu64 " first: %s", p->figure_len, p->figure, count,
	    seen->first[cause], impossible_meaning(cause));
}

static struct error *test_impossible(struct predicate *p, const struct subject *s,
				     struct judgement *j)
{
	struct impossible_seen seen = { .count = { 0 } };
	const struct follow_options options = { .found = on_finding,
						.withdrawn = on_withdrawn,
						.ctx = &seen };
	const char *reason;
	struct error *err = trial_boot(p->trial, s, TRIAL_BOOT, &reason);
	struct follow *f;

	if (err || reason)
		return err ? err : cannot_tell(j, reason);
	if (!trial_machine(p->trial)->mb.memory.cnt)
		return cannot_tell(j, "the machine has no memory");
	for (unsigned int i = 0; i < IMPOSSIBLE_COUNT; i++)
		seen.first[i] = JUDGEMENT_NOWHERE;
	f = trial_follow(p->trial, s, &options);
	if (!f)
		return error_no_memory();
	for (uint32_t i = 0; i < s->event_count; i++)
		follow_event(f, &s->events[i]);
	follow_end(f);
	if (follow_out_of_memory(f))
		return error_no_memory();
	judge_impossible(p, &seen, j);
	return NULL;
}

/* ---- the machine serves the requests ------------------------------------------------------------ */

static uint64_t counter(const struct predicate *p, const struct rerun *r)
{
	const struct rerun_stats *stats = rerun_stats(r);

	switch (p->kind) {
	case PREDICATE_FALLBACKS:
		return stats->fallbacks;
	case PREDICATE_CLAIMED:
		return stats->claimed;
	case PREDICATE_REMOTE:
		return stats->remote;
	case PREDICATE_LOWER_ZONE:
		return stats->lower_zone;
	case PREDICATE_LOCK_TAKES:
		return stats->lock_takes;
	default:
		return p->order < BUDDY_ORDER_COUNT ? stats->failed_order[p->order] : stats->failed;
	}
}

/* What a step of a scenario did. */
static void count_step(struct predicate *p, const struct operation *op, uint64_t *value)
{
	const struct scenario_block *blocks = p->scenario.blocks;

	if (p->kind == PREDICATE_ALLOC_FAILS)
		*value += op->kind == OPERATION_ALLOC &&
			  blocks[p->scenario.block_count - 1].pfn == PFN_NONE &&
			  (p->order == BUDDY_ORDER_COUNT || p->order == op->order);
	for (uint32_t i = 0; i < p->events.count; i++) {
		const struct event *e = &p->events.events[i];

		if (e->kind != EVENT_EXTFRAG)
			continue;
		if (p->kind == PREDICATE_FALLBACKS)
			++*value;
		if (p->kind == PREDICATE_CLAIMED)
			*value += (e->flags & EVENT_CHANGE_OWNERSHIP) != 0;
	}
	p->events.count = 0;
}

static uint64_t free_pages(const struct page_alloc *a)
{
	uint64_t pages = 0;

	for (uint32_t zone = 0; zone < a->zone_count; zone++)
		pages += page_alloc_zone_free(a, zone);
	return pages;
}

static bool grows(enum predicate_kind kind)
{
	return kind != PREDICATE_UNUSABLE && kind != PREDICATE_FREE_PAGES;
}

static void judge_figure(const struct predicate *p, uint64_t value, uint32_t done,
			 struct judgement *j)
{
	judge_count(p, value, j);
	if (p->kind == PREDICATE_UNUSABLE)
		say(j, "%.*s: %" PRIu64 ".%03" PRIu64, p->figure_len, p->figure, value / 1000,
		    value % 1000);
	if (j->verdict == VERDICT_BAD && done)
		j->at = done - 1;
}

/* Operations instead of events. */
static struct error *test_operations(struct predicate *p, const struct subject *s,
				     struct judgement *j)
{
	const struct scenario_options options = { .want_lists = true };
	struct scenario *run = &p->scenario;
	uint64_t value = 0;
	uint32_t i = 0;

	if (p->kind != PREDICATE_ALLOC_FAILS && p->kind != PREDICATE_FALLBACKS &&
	    p->kind != PREDICATE_CLAIMED && grows(p->kind))
		return cannot_tell(j, "it is counted for the events of a trace, and these are the "
				      "operations of a scenario");
	scenario_boot(run, &s->log.input, &options);
	if (run->out_of_memory)
		return error_no_memory();
	if (!run->has_alloc)
		return cannot_tell(j, "the machine has no free lists");
	run->alloc.events = &p->events;
	p->events.count = 0;
	for (; i < s->operation_count && !(grows(p->kind) && is_settled(p, value)); i++) {
		scenario_do(run, &s->operations[i]);
		if (run->out_of_memory || p->events.out_of_memory)
			return error_no_memory();
		count_step(p, &s->operations[i], &value);
	}
	if (p->kind == PREDICATE_FREE_PAGES)
		value = free_pages(&run->alloc);
	if (p->kind == PREDICATE_UNUSABLE)
		value = buddy_view_unusable(run->machine.buddy, p->order);
	judge_figure(p, value, i, j);
	return NULL;
}

static struct error *test_rerun(struct predicate *p, const struct subject *s, struct judgement *j)
{
	const char *reason;
	struct error *err = trial_boot(p->trial, s, TRIAL_LISTS, &reason);
	struct rerun *r;
	uint64_t value = 0;
	uint32_t i = 0;

	if (err || reason)
		return err ? err : cannot_tell(j, reason);
	r = trial_rerun(p->trial, s);
	if (!r)
		return error_no_memory();
	for (; i < s->event_count && !(grows(p->kind) && is_settled(p, value)); i++) {
		if (!trial_allows(p->trial, &s->events[i]))
			continue;
		rerun_event(r, &s->events[i]);
		if (grows(p->kind))
			value = counter(p, r);
	}
	if (rerun_out_of_memory(r))
		return error_no_memory();
	if (p->kind == PREDICATE_FREE_PAGES)
		value = rerun_free_pages(r);
	if (p->kind == PREDICATE_UNUSABLE)
		value = rerun_unusable(r, p->order);
	judge_figure(p, value, i, j);
	return NULL;
}

/* ---- what the boot recorded --------------------------------------------------------------------- */

static uint64_t hash_answer(uint64_t hash, const struct answers *as, const struct answer *a)
{
	if (!a)
		return digest_add(hash, 1);
	hash = digest_add(hash, a->kind);
	hash = digest_add(hash, (uint64_t)a->nid << 32 | (uint32_t)a->type);
	hash = digest_add(hash, a->index);
	for (size_t i = 0; i < sizeof(a->v) / sizeof(*a->v); i++)
		hash = digest_add(hash, a->v[i]);
	for (uint32_t i = 0; i < a->list_count; i++)
		hash = digest_add(hash, as->list[a->list_start + i]);
	return hash;
}

static void print_answer(const struct answer_text *text, const struct answers *as,
			 const struct answer *a, struct sink_text *to)
{
	struct sink sink = sink_to_text(to);

	if (a)
		answer_text_value(text, as, a, &sink);
	else
		sink_puts(&sink, "nothing");
}

/* Into j->why. */
static struct error *say_answers(const struct boot_input *in, const struct answers *as,
				 const struct answer *a, const struct answers *bs,
				 const struct answer *b, const char *a_is, const char *b_is,
				 struct judgement *j)
{
	struct sink_text key = { 0 }, left = { 0 }, right = { 0 };
	struct sink sink = sink_to_text(&key);
	struct answer_text text;
	bool out_of_memory;

	answer_text_init(&text, in, as);
	answer_text_key(&text, a ? a : b, &sink);
	print_answer(&text, as, a, &left);
	print_answer(&text, bs, b, &right);
	say(j, "%s: %s %s, %s %s", sink_text_string(&key), a_is, sink_text_string(&left), b_is,
	    sink_text_string(&right));
	for (char *p = j->why; *p; p++)
		if (*p == '\n')
			*p = ' ';
	out_of_memory = key.out_of_memory || left.out_of_memory || right.out_of_memory;
	sink_text_deinit(&key);
	sink_text_deinit(&left);
	sink_text_deinit(&right);
	return out_of_memory ? error_no_memory() : NULL;
}

static struct error *test_boot(struct predicate *p, const struct subject *s, struct judgement *j)
{
	struct comparison c = { 0 };
	const char *reason;
	struct error *err = trial_boot(p->trial, s, TRIAL_BOOT, &reason);
	const struct answers *model, *recorded = &s->log.recorded;
	uint32_t count = 0;

	if (err || reason)
		return err ? err : cannot_tell(j, reason);
	model = &trial_machine(p->trial)->answers;
	if (!compare_answers(recorded, model, &c))
		return error_no_memory();
	for (uint32_t i = 0; i < c.count && !err; i++) {
		const struct compare_row *row = &c.rows[i];

		if (!compare_is_difference(row->verdict) ||
		    (p->answer != ANSWER_KIND_COUNT && p->answer != row->kind))
			continue;
		j->fingerprint = hash_answer(j->fingerprint, recorded, row->recorded);
		j->fingerprint = hash_answer(j->fingerprint, model, row->model);
		if (!count++)
			err = say_answers(&s->log.input, recorded, row->recorded, model, row->model,
					  "recorded", "model", j);
	}
	comparison_deinit(&c);
	j->verdict = count ? VERDICT_BAD : VERDICT_GOOD;
	if (!count)
		say(j, "no recorded answer differs");
	return err;
}

/* ---- another machine, or another trace ---------------------------------------------------------- */

/* The first answer in which two boots differ is the judgement; *@ret: there is one. */
static struct error *boots_differ(const struct subject *s, const struct answers *as,
				  const struct answers *bs, struct judgement *j, bool *ret)
{
	for (uint32_t i = 0; i < as->count || i < bs->count; i++) {
		const struct answer *a = i < as->count ? &as->items[i] : NULL;
		const struct answer *b = i < bs->count ? &bs->items[i] : NULL;

		if (a && b && answer_same_key(a, b) && answer_same_value(as, a, bs, b))
			continue;
		if (a && b && !answer_same_key(a, b))
			b = NULL;
		*ret = true;
		return say_answers(&s->log.input, as, a, bs, b, "here", "the other has", j);
	}
	*ret = false;
	return NULL;
}

/* Serves the subject's events; *@ret_hash stands for all that came of it. */
static struct error *run_all(struct trial *t, const struct subject *s, uint64_t *ret_hash)
{
	struct rerun *r = trial_rerun(t, s);
	const struct rerun_stats *stats;

	if (!r)
		return error_no_memory();
	for (uint32_t i = 0; i < s->event_count; i++)
		if (trial_allows(t, &s->events[i]))
			rerun_event(r, &s->events[i]);
	if (rerun_out_of_memory(r))
		return error_no_memory();
	stats = rerun_stats(r);
	*ret_hash =
		digest_add(digest_add(digest_add(trial_hash(t), stats->failed), stats->fallbacks),
			   stats->remote);
	*ret_hash = digest_add(digest_add(*ret_hash, stats->lower_zone), rerun_free_pages(r));
	return NULL;
}

static struct error *make_other(struct predicate *p, const struct subject *s, struct subject *ret)
{
	struct cursor c = { p->text, p->word };
	struct error *err = NULL;
	struct facts facts = s->log.input.facts;

	*ret = p->other == OTHER_FILE ? p->other_file.subject : *s;
	if (p->other == OTHER_ERA)
		subject_set_version(ret, p->other_version);
	if (p->other == OTHER_FACTS) {
		err = set_facts(&c, p->word, &facts);
		subject_set_facts(ret, &facts);
	}
	return err;
}

static struct error *test_other(struct predicate *p, const struct subject *s, struct judgement *j)
{
	uint64_t hash = 0, other_hash = 0;
	const char *reason = NULL, *other_reason = NULL;
	struct subject other;
	struct error *err = make_other(p, s, &other);
	bool differ;

	if (!err)
		err = trial_boot(p->trial, s, TRIAL_LISTS, &reason);
	if (!err)
		err = trial_boot(p->other_trial, &other, TRIAL_LISTS, &other_reason);
	if (err)
		return err;
	j->verdict = VERDICT_BAD;
	err = boots_differ(s, &trial_machine(p->trial)->answers,
			   &trial_machine(p->other_trial)->answers, j, &differ);
	if (err || differ)
		return err;
	j->verdict = VERDICT_GOOD;
	say(j, "both come out the same");
	if (reason || other_reason)
		return s->event_count || other.event_count
			       ? cannot_tell(j, reason ? reason : other_reason)
			       : NULL;
	err = run_all(p->trial, s, &hash);
	if (!err)
		err = run_all(p->other_trial, &other, &other_hash);
	if (err || hash == other_hash)
		return err;
	j->verdict = VERDICT_BAD;
	say(j, "the boots are the same; after the events the free lists are not");
	return NULL;
}

/*
 * The other only knows better if it is in step with the trace: a page may also be guessed right by chance.
 * So many predictions in a row must have been right, or all there were.
 */
enum { IN_STEP = 16 };

static bool is_in_step(const struct misses *m)
{
	return m->right >= IN_STEP || !m->count;
}

static struct error *test_worse(struct predicate *p, const struct subject *s, struct judgement *j)
{
	struct misses m = { 0 }, n = { 0 };
	const struct replay_options options = { .predicted = on_prediction, .ctx = &m };
	const struct replay_options other_options = { .predicted = on_prediction, .ctx = &n };
	const char *reason = NULL, *other_reason = NULL;
	struct replay *r, *other_replay;
	struct subject other;
	struct error *err = make_other(p, s, &other);

	if (!err)
		err = trial_boot(p->trial, s, TRIAL_REPLAY, &reason);
	if (!err)
		err = trial_boot(p->other_trial, &other, TRIAL_REPLAY, &other_reason);
	if (err || reason || other_reason)
		return err ? err : cannot_tell(j, reason ? reason : other_reason);
	r = trial_replay(p->trial, s, &options);
	other_replay = trial_replay(p->other_trial, &other, &other_options);
	if (!r || !other_replay)
		return error_no_memory();
	j->verdict = VERDICT_GOOD;
	say(j, "no page is predicted wrong that the other predicts right");
	for (uint32_t i = 0; i < s->event_count; i++) {
		const uint64_t wrong = m.count;

		/* What the two count tells who was right. */
		give(p->trial, r, s, &s->events[i]);
		give(p->other_trial, other_replay, s, &s->events[i]);
		/* A miss of the other would have ended its row. */
		if (m.count == wrong || !is_in_step(&n))
			continue;
		j->verdict = VERDICT_BAD;
		say_miss(&m, j);
		break;
	}
	if (replay_out_of_memory(r) || replay_out_of_memory(other_replay))
		return error_no_memory();
	return NULL;
}

/* ---- invariants --------------------------------------------------------------------------------- */

static void judge_findings(const struct predicate *p, const struct findings *found,
			   struct judgement *j)
{
	const struct finding *f = &found->first[p->invariant];
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	size_t len;

	j->verdict = found->count[p->invariant] ? VERDICT_BAD : VERDICT_GOOD;
	if (j->verdict == VERDICT_GOOD) {
		say(j, "%s is not broken", invariant_info(p->invariant)->id);
		return;
	}
	finding_print(f, &sink);
	len = strcspn(sink_text_string(&text), "\n");
	say(j, "%.*s", (int)len, sink_text_string(&text));
	sink_text_deinit(&text);
	j->at = f->event == FINDING_NOWHERE ? JUDGEMENT_NOWHERE : f->event;
}

/* A recorded trace: looked at after the boot, and after its requests were served. */
static struct error *test_after_events(struct predicate *p, const struct subject *s,
				       struct judgement *j)
{
	enum invariant_cost cost = invariant_info(p->invariant)->cost;
	struct findings found;
	const char *reason;
	struct error *err = trial_boot(p->trial, s, TRIAL_LISTS, &reason);
	uint64_t hash;

	if (err)
		return err;
	findings_clear(&found);
	invariant_check_machine(trial_machine(p->trial), cost, &found);
	if (!reason && s->event_count && !found.count[p->invariant]) {
		err = run_all(p->trial, s, &hash);
		if (err)
			return err;
		found.event = s->event_count - 1;
		invariant_check_machine(trial_machine(p->trial), cost, &found);
	}
	judge_findings(p, &found, j);
	return NULL;
}

static struct error *test_invariant(struct predicate *p, const struct subject *s,
				    struct judgement *j)
{
	enum invariant_cost cost = invariant_info(p->invariant)->cost;
	const struct scenario_options options = { cost, cost, cost, true };

	if (s->event_count)
		return test_after_events(p, s, j);
	scenario_run(&p->scenario, &s->log.input, s->operations, s->operation_count, &options);
	if (p->scenario.out_of_memory)
		return error_no_memory();
	judge_findings(p, &p->scenario.findings, j);
	return NULL;
}

/* ---- a command ---------------------------------------------------------------------------------- */

static struct error *test_command(struct predicate *p, const struct subject *s, struct judgement *j)
{
	struct sink_text stored = { 0 };
	struct error *err = subject_write(s, s->log.name ? s->log.name : "", sink_to_text(&stored));
	int status = 0;

	if (!err && stored.out_of_memory)
		err = error_no_memory();
	if (!err)
		err = shell_run_on(p->word, stored.data, stored.len, &status);
	sink_text_deinit(&stored);
	if (err)
		return err;
	j->verdict = status == 0 ? VERDICT_GOOD : status == 125 ? VERDICT_UNKNOWN : VERDICT_BAD;
	say(j, "the command ended with %d", status);
	return NULL;
}

struct error *predicate_test(struct predicate *p, const struct subject *s, struct judgement *ret)
{
	struct judgement j = { .verdict = VERDICT_UNKNOWN, .at = JUDGEMENT_NOWHERE };
	struct error *err = NULL;

	switch (p->kind) {
	case PREDICATE_DIVERGES:
	case PREDICATE_MISSES:
		err = test_misses(p, s, &j);
		break;
	case PREDICATE_IMPOSSIBLE:
		err = test_impossible(p, s, &j);
		break;
	case PREDICATE_FALLBACKS:
	case PREDICATE_CLAIMED:
	case PREDICATE_REMOTE:
	case PREDICATE_LOWER_ZONE:
	case PREDICATE_LOCK_TAKES:
	case PREDICATE_ALLOC_FAILS:
	case PREDICATE_UNUSABLE:
	case PREDICATE_FREE_PAGES:
		err = s->operation_count && !s->event_count ? test_operations(p, s, &j)
							    : test_rerun(p, s, &j);
		break;
	case PREDICATE_BOOT_DIFFERS:
		err = test_boot(p, s, &j);
		break;
	case PREDICATE_INVARIANT:
		err = test_invariant(p, s, &j);
		break;
	case PREDICATE_DIFFERS_FROM:
		err = test_other(p, s, &j);
		break;
	case PREDICATE_WORSE_THAN:
		err = test_worse(p, s, &j);
		break;
	case PREDICATE_EXIT:
		err = test_command(p, s, &j);
		break;
	case PREDICATE_COUNT:
		break;
	}
	if (!err)
		*ret = j;
	return err;
}
