/* SPDX-License-Identifier: MIT */
/* mmreplay explain: why an allocation failed, zone by zone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/sink.h"
#include "tools/cli.h"
#include "tools/explain_words.h"
#include "tools/text.h"
#include "traces/explain.h"
#include "traces/input.h"

static const struct cli_argument arguments[] = {
	{ .value = "LOG",
	  .kind = CLI_KIND_FILE,
	  .help = "a kernel log in any shape, a capture folder, or - for standard input" },
	{ 0 }
};

static const struct cli_option options[] = {
	{ .name = "report",
	  .kind = CLI_KIND_NUMBER,
	  .value = "N",
	  .help = "explain the N-th report only, counted from 1" },
	{ .name = "order",
	  .kind = CLI_KIND_NUMBER,
	  .value = "ORDER",
	  .help = "ask for blocks of this order instead of what the report says" },
	{ .name = "gfp",
	  .kind = CLI_KIND_TEXT,
	  .value = "MASK",
	  .help = "ask with this gfp mask instead: names (GFP_ATOMIC|__GFP_COMP) or a number of "
		  "that kernel (0xcc0)" },
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	CLI_OPTION_JSON,
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "dmesg | mmreplay explain -", "every report in the log at hand" },
	{ "mmreplay explain dmesg.txt --report 2", "the second one only" },
	{ "mmreplay explain dmesg.txt --order 0", "would single pages have been there?" },
	{ "mmreplay explain dmesg.txt --gfp GFP_KERNEL --order 3",
	  "what would this request have got? For SysRq-m, too" },
	{ "mmreplay explain dmesg.txt --json | jq '.reports[].zones[] | {zone, state}'",
	  "for scripts" },
	{ 0 }
};

/* An order larger than any kernel's. */
#define ORDER_MAX 31

/* ---- words ------------------------------------------------------------------------------------- */

static void print_zone_name(FILE *out, const struct explain_zone *z)
{
	if (z->seen->nid != NID_NONE)
		fprintf(out, "Node %" PRId32 " ", z->seen->nid);
	text_print_safe(out, z->seen->name);
}

/* "UME", the letters of the report. */
static const char *type_letters(uint32_t types, bool reserve, char buf[8])
{
	static const char letters[MIGRATE_TYPE_COUNT] = {
		[MIGRATE_UNMOVABLE] = 'U',  [MIGRATE_MOVABLE] = 'M', [MIGRATE_RECLAIMABLE] = 'E',
		[MIGRATE_HIGHATOMIC] = 'H', [MIGRATE_CMA] = 'C',     [MIGRATE_ISOLATE] = 'I',
	};
	size_t n = 0;

	for (unsigned int t = 0; t < MIGRATE_TYPE_COUNT; t++)
		if (types >> t & 1)
			buf[n++] = t == MIGRATE_RESERVE && reserve ? 'R' : letters[t];
	buf[n] = '\0';
	return buf;
}

static const char *kind_words(const struct explanation *e)
{
	switch (e->report->request.kind) {
	case MEMINFO_REQUEST_OOM:
		return "invoked the OOM killer";
	case MEMINFO_REQUEST_PAGE_ALLOC:
		return "page allocation failure";
	case MEMINFO_REQUEST_STALL:
		return "page allocation stalls";
	case MEMINFO_REQUEST_VMALLOC:
		return "vmalloc failure";
	case MEMINFO_REQUEST_NONE:
		break;
	}
	return "Mem-Info without a request";
}

static const char *kind_name(enum meminfo_request_kind kind)
{
	static const char *const names[] = {
		[MEMINFO_REQUEST_NONE] = "none",
		[MEMINFO_REQUEST_OOM] = "oom",
		[MEMINFO_REQUEST_PAGE_ALLOC] = "page_allocation_failure",
		[MEMINFO_REQUEST_STALL] = "page_allocation_stall",
		[MEMINFO_REQUEST_VMALLOC] = "vmalloc_failure",
	};

	return names[kind];
}

static const char *refusal_name(enum watermark_refusal refusal)
{
	static const char *const names[] = {
		[WATERMARK_PASSED] = "passed",
		[WATERMARK_TOO_FEW] = "too_few_pages",
		[WATERMARK_NO_BLOCK] = "no_block",
		[WATERMARK_TOO_FEW_ABOVE] = "too_few_pages_above_order",
	};

	return names[refusal];
}

/* ---- a zone ------------------------------------------------------------------------------------ */

/* A labelled line of a zone, wrapped where it is long. */
static void print_line(FILE *out, const char *label, struct sink_text *text)
{
	fprintf(out, "      %-8s", label);
	text_wrap(out, 14, 14, sink_text_string(text));
	sink_text_deinit(text);
}

static void print_usable(FILE *out, const struct explanation *e, const struct explain_zone *z)
{
	const struct watermark_answer *a = &z->answer;
	bool blind = a->fast && a->fast_usable != a->usable;
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	sink_printf(&sink, "%" PRId64 " free", z->numbers.free);
	if (a->too_large)
		sink_printf(&sink, " - %" PRId64 " (2^%u - 1)", a->too_large, e->order);
	if (a->highatomic && !blind)
		sink_printf(&sink, " - %" PRId64 " kept for atomic requests", a->highatomic);
	if (a->cma)
		sink_printf(&sink, " - %" PRId64 " CMA", a->cma);
	sink_printf(&sink, " = %" PRId64, blind ? z->numbers.free - a->cma : a->usable);
	if (blind)
		sink_printf(&sink, " (%" PRId64 " kept for atomic requests: %s)", a->highatomic,
			    a->fast_usable == INT64_MAX
				    ? "more than free, which this kernel takes for plenty"
				    : "overlooked by the fast check of this kernel");
	print_line(out, "usable", &text);
}

static void print_limit(FILE *out, const struct explanation *e, const struct explain_zone *z)
{
	const struct watermark_answer *a = &z->answer;
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	sink_printf(&sink, "%" PRId64 " min",
		    a->min + a->high_part + a->non_block_part + a->victim_part);
	if (a->retest)
		sink_puts(&sink, " without boost");
	else if (z->numbers.boost)
		sink_printf(&sink, " (%" PRId64 " of it boost)", z->numbers.boost);
	if (a->fast && e->alloc_flags & ALLOC_RIGHTS)
		sink_puts(&sink, " (whole: the fast check looks at no rights)");
	if (a->high_part)
		sink_printf(&sink, " - %" PRId64 " (half: __GFP_HIGH)", a->high_part);
	if (a->non_block_part)
		sink_printf(&sink, " - %" PRId64 " (a quarter: cannot wait)", a->non_block_part);
	if (z->has_reserve)
		sink_printf(&sink, " + %" PRId64 " lowmem_reserve[%u]", z->numbers.reserve,
			    e->highest_rank);
	else
		sink_puts(&sink, " + 0 (lowmem_reserve was not printed)");
	sink_printf(&sink, " = %" PRId64, a->limit);
	print_line(out, "limit", &text);
}

static void print_blocks(FILE *out, const struct explanation *e, const struct explain_zone *z)
{
	bool reserve = fact_get(&e->facts, FACT_migrate_reserve);
	char use[8];

	fprintf(out, "      blocks  order %u is asked, of types %s; the largest free one is",
		e->order, z->has_types ? type_letters(z->types, reserve, use) : "any");
	if (z->largest_order < 0)
		fprintf(out, ": none at all\n");
	else
		fprintf(out, " of order %d\n", z->largest_order);
	if (z->largest_other >= (int)e->order)
		fprintf(out, "              (of other types there is one of order %d)\n",
			z->largest_other);
}

static void print_above(FILE *out, const struct explain_zone *z)
{
	const struct watermark_answer *a = &z->answer;
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	sink_printf(&sink, "%" PRId64, z->numbers.free - a->too_large);
	for (unsigned int o = 0; o <= a->order; o++)
		sink_printf(&sink, " - %" PRIu64 "*%u", z->numbers.nr_free[o], 1U << o);
	sink_printf(&sink, " = %" PRId64 "; %" PRId64 " halved %u time%s = %" PRId64,
		    a->usable_above, a->min, a->order + 1, a->order ? "s" : "", a->min_above);
	print_line(out, "above", &text);
}

static void print_asked(FILE *out, const struct explanation *e, const struct explain_zone *z)
{
	const struct watermark_answer *a = &z->answer;
	bool skipped = e->alloc_flags & ALLOC_NO_WATERMARKS;
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	switch (z->state) {
	case EXPLAIN_ZONE_REFUSES:
		fprintf(out, "refuses: %s\n",
			a->refusal == WATERMARK_NO_BLOCK ? "no free block is large enough"
							 : "too few free pages");
		break;
	case EXPLAIN_ZONE_LISTS:
		fprintf(out, "refuses: no block it may use is large enough\n");
		break;
	default:
		fprintf(out, "passes\n");
		break;
	}
	print_usable(out, e, z);
	print_limit(out, e, z);
	if (skipped)
		fprintf(out, "      check   none: __GFP_MEMALLOC takes what there is\n");
	else if (a->refusal == WATERMARK_TOO_FEW)
		fprintf(out, "      check   %" PRId64 " <= %" PRId64 ": refused\n", a->usable,
			a->limit);
	else
		fprintf(out, "      check   %" PRId64 " > %" PRId64 ": %s\n", explain_usable(z),
			a->limit, e->order ? "enough pages" : "passed");
	if (a->refusal == WATERMARK_TOO_FEW_ABOVE) {
		print_above(out, z);
		fprintf(out, "      check   %" PRId64 " <= %" PRId64 ": refused\n", a->usable_above,
			a->min_above);
	}
	if (a->refusal == WATERMARK_NO_BLOCK || z->state == EXPLAIN_ZONE_LISTS)
		print_blocks(out, e, z);
	explain_zone_words(e, z, &sink);
	if (text.len) {
		fputs("      ", out);
		text_wrap(out, 6, 6, sink_text_string(&text));
	}
	sink_text_deinit(&text);
	if (z->has_last && z->state == EXPLAIN_ZONE_PASSES)
		fprintf(out,
			"      high    before it is called: %" PRId64 " %s %" PRId64
			" at the high watermark: %s\n",
			z->last.usable, z->last.usable > z->last.limit ? ">" : "<=", z->last.limit,
			z->last.refusal ? "refused" : "passed");
}

static void print_zone(FILE *out, const struct explanation *e, const struct explain_zone *z)
{
	fputs("\n    ", out);
	print_zone_name(out, z);
	fprintf(out, " (line %" PRIu32 ") ", z->seen->line);
	switch (z->state) {
	case EXPLAIN_ZONE_ABOVE:
		fprintf(out, "is not asked: above %s\n", zone_type_name(e->highest));
		break;
	case EXPLAIN_ZONE_NODEMASK:
		fprintf(out, "is not asked: the node mask is %s\n", e->nodemask);
		break;
	case EXPLAIN_ZONE_CPUSET:
		fprintf(out, "is not asked: the cpuset allows nodes %s\n", e->mems_allowed);
		break;
	case EXPLAIN_ZONE_UNKNOWN:
		fprintf(out, "cannot be told: its numbers are not all in the report\n");
		break;
	default:
		print_asked(out, e, z);
		break;
	}
}

/* ---- a report ---------------------------------------------------------------------------------- */

static void print_version(FILE *out, uint32_t version)
{
	fprintf(out, "%u.%u", version >> 24, version >> 16 & 0xff);
	if (version & 0xffff)
		fprintf(out, ".%u", version & 0xffff);
}

static void print_kernel(FILE *out, const struct explanation *e)
{
	uint32_t printed;

	fputs("  kernel    ", out);
	switch (e->version_source) {
	case EXPLAIN_VERSION_GIVEN:
		print_version(out, e->version);
		fputs(", as told by --era\n", out);
		return;
	case EXPLAIN_VERSION_SHAPE:
		print_version(out, e->version);
		fputs(", guessed from the report's shape (--era tells it)\n", out);
		return;
	case EXPLAIN_VERSION_REPORT:
	case EXPLAIN_VERSION_BANNER:
		break;
	}
	text_print_safe(out, e->release);
	fprintf(out, " (line %" PRIu32 ")", e->version_line);
	/* Debian's release is not its version, and linux-next is ahead of its own. */
	if (!facts_parse_version(e->release, &printed) || printed != e->version) {
		fputs(", by the rules of ", out);
		print_version(out, e->version);
	}
	fputc('\n', out);
}

static void print_request(FILE *out, const struct explanation *e)
{
	fputs("  request   ", out);
	if (e->order <= ORDER_MAX)
		fprintf(out, "%" PRIu64 " page%s of %u kB (order %u%s)", UINT64_C(1) << e->order,
			e->order ? "s" : "", e->page_kb, e->order, e->has_order ? "" : " assumed");
	else
		fprintf(out, "order %u", e->order);
	if (e->gfp || !e->gfp_names[0])
		fprintf(out, ", gfp %#" PRIx64, e->gfp);
	fputc('\n', out);
	if (e->gfp_names[0]) {
		fputs("            ", out);
		text_print_safe(out, e->gfp_names);
		fputc('\n', out);
	}
	if (e->gfp_unknown)
		fputs("            (not all of these names are known)\n", out);
}

static void print_rights(FILE *out, const struct explanation *e)
{
	bool reserve = fact_get(&e->facts, FACT_migrate_reserve);
	uint32_t types = e->order ? e->types & e->check_types : e->types;
	char letters[8];

	fprintf(out, "  may use   zones up to %s, blocks of types %s", zone_type_name(e->highest),
		type_letters(types, reserve, letters));
	if (e->nodemask[0])
		fprintf(out, ", nodes %s", e->nodemask);
	if (e->mems_allowed[0])
		fprintf(out, ", cpuset %s", e->mems_allowed);
	fputs("\n  held to   the min watermark", out);
	if (e->alloc_flags & ALLOC_NO_WATERMARKS)
		fputs(", not at all: __GFP_MEMALLOC", out);
	if (e->alloc_flags & ALLOC_MIN_RESERVE)
		fputs(", less half: __GFP_HIGH", out);
	if (e->alloc_flags & ALLOC_NON_BLOCK)
		fputs(", cannot wait", out);
	fputc('\n', out);
	if (e->softwall)
		fputs("  note      the cpuset does not bind it hard: all nodes are shown\n", out);
	if ((e->gfp_bits & EXPLAIN_GFP_THISNODE) && e->report->nnodes > 1)
		fputs("  note      __GFP_THISNODE: one node was asked, but not told which\n", out);
}

static bool shows_zones(const struct explanation *e)
{
	switch (e->verdict) {
	case EXPLAIN_REFUSED:
	case EXPLAIN_PASSES:
	case EXPLAIN_NO_ZONE_ALLOWED:
	case EXPLAIN_NO_NUMBERS:
		return true;
	default:
		return false;
	}
}

static void print_report(struct cli *cli, const struct explanation *e, size_t number, size_t count)
{
	FILE *out = cli_out(cli);
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	fprintf(out, "%sreport %zu of %zu, line %" PRIu32 ": ", cli_colour(cli, CLI_BOLD), number,
		count, e->first_line);
	if (e->report->request.comm && e->report->request.comm[0]) {
		text_print_safe(out, e->report->request.comm);
		fputs(e->report->request.kind == MEMINFO_REQUEST_OOM ? " " : ": ", out);
	}
	fprintf(out, "%s%s\n", kind_words(e), cli_colour(cli, CLI_PLAIN));
	print_kernel(out, e);
	if (e->has_gfp)
		print_request(out, e);
	if (shows_zones(e)) {
		print_rights(out, e);
		for (uint32_t i = 0; i < e->nzones; i++)
			print_zone(out, e, &e->zones[i]);
		fputc('\n', out);
	}
	explain_verdict_words(e, &sink);
	fprintf(out, "  %sverdict%s   ", cli_colour(cli, CLI_BOLD), cli_colour(cli, CLI_PLAIN));
	text_wrap(out, 12, 12, sink_text_string(&text));
	sink_text_deinit(&text);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_answer(struct json *j, const char *key, const struct watermark_answer *a)
{
	json_key_object_begin(j, key);
	json_key_string(j, "refusal", refusal_name(a->refusal));
	json_key_bool(j, "fast", a->fast);
	json_key_i64(j, "too_large", a->too_large);
	json_key_i64(j, "highatomic", a->highatomic);
	json_key_i64(j, "cma", a->cma);
	json_key_i64(j, "usable", a->usable);
	if (a->fast)
		json_key_i64(j, "fast_usable", a->fast_usable);
	json_key_i64(j, "high_part", a->high_part);
	json_key_i64(j, "non_block_part", a->non_block_part);
	json_key_i64(j, "min", a->min);
	json_key_i64(j, "limit", a->limit);
	if (a->refusal == WATERMARK_TOO_FEW_ABOVE) {
		json_key_u64(j, "order", a->order);
		json_key_i64(j, "usable_above", a->usable_above);
		json_key_i64(j, "min_above", a->min_above);
	}
	json_object_end(j);
}

static void json_zone(struct json *j, const struct explain_zone *z)
{
	json_object_begin(j);
	if (z->seen->nid != NID_NONE)
		json_key_i64(j, "nid", z->seen->nid);
	else
		json_key_null(j, "nid");
	json_key_string(j, "zone", z->seen->name);
	json_key_u64(j, "line", z->seen->line);
	json_key_string(j, "state", explain_zone_state_name(z->state));
	if (z->state != EXPLAIN_ZONE_UNKNOWN) {
		json_key_i64(j, "free", z->numbers.free);
		json_key_i64(j, "min_watermark", z->numbers.mark);
		json_key_i64(j, "boost", z->numbers.boost);
		json_key_i64(j, "lowmem_reserve", z->numbers.reserve);
		json_key_u64(j, "reclaimable", z->reclaimable_pages);
	}
	if (z->state <= EXPLAIN_ZONE_PASSES) {
		json_answer(j, "check", &z->answer);
		if (z->has_last)
			json_answer(j, "last_attempt", &z->last);
		json_key_i64(j, "largest_usable_order", z->largest_order);
		json_key_i64(j, "largest_other_order", z->largest_other);
		json_key_bool(j, "highatomic_unknown", z->highatomic_unknown);
	}
	if (z->state == EXPLAIN_ZONE_REFUSES) {
		json_key_object_begin(j, "would_pass_with");
		json_key_u64(j, "more_pages", z->need_pages);
		json_key_i64(j, "min_watermark_at_most", z->mark_max);
		json_key_u64(j, "min_free_kbytes_about", z->need_min_free_kbytes);
		json_key_bool(j, "no_boost", z->boost_decides);
		json_key_bool(j, "no_lowmem_reserve", z->reserve_decides);
		json_key_bool(j, "no_atomic_reserve", z->highatomic_decides);
		json_key_bool(j, "cma", z->cma_decides);
		json_object_end(j);
	}
	json_object_end(j);
}

static void json_report(struct json *j, const struct explanation *e, size_t number)
{
	static const char *const sources[] = { "given", "report", "banner", "shape" };
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	char version[TEXT_VERSION_SIZE];

	json_object_begin(j);
	json_key_u64(j, "number", number);
	json_key_u64(j, "line", e->first_line);
	json_key_string(j, "kind", kind_name(e->report->request.kind));
	json_key_string(j, "task", e->report->request.comm ? e->report->request.comm : "");
	json_key_string(j, "version", text_version(version, e->version));
	json_key_string(j, "version_from", sources[e->version_source]);
	json_key_string(j, "verdict", explain_verdict_name(e->verdict));
	json_key_bool(j, "explained", explain_is_explained(e->verdict));
	explain_verdict_words(e, &sink);
	json_key_string(j, "sentence", sink_text_string(&text));
	sink_text_deinit(&text);
	if (e->has_gfp) {
		json_key_u64(j, "order", e->order);
		json_key_u64(j, "gfp", e->gfp);
		json_key_string(j, "gfp_names", e->gfp_names);
		json_key_string(j, "highest_zone", zone_type_name(e->highest));
		json_key_u64(j, "alloc_flags", e->alloc_flags);
	}
	json_key_u64(j, "page_kb", e->page_kb);
	json_key_array_begin(j, "zones");
	if (shows_zones(e))
		for (uint32_t i = 0; i < e->nzones; i++)
			json_zone(j, &e->zones[i]);
	json_array_end(j);
	json_object_end(j);
}

/* ---- the command ------------------------------------------------------------------------------- */

struct chosen {
	size_t first, end;
};

static void print_json(struct cli *cli, const struct explanations *all, struct chosen chosen)
{
	struct json j;

	cli_json_begin(cli, &j, 1);
	json_key_string(&j, "source", cli_argument(cli, 0));
	json_key_u64(&j, "count", all->count);
	json_key_array_begin(&j, "reports");
	for (size_t i = chosen.first; i < chosen.end; i++)
		json_report(&j, &all->all[i], i + 1);
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

static enum cli_exit read_options(struct cli *cli, struct explain_options *o)
{
	const char *gfp = cli_text(cli, "gfp");
	uint64_t order = cli_number(cli, "order", 0);
	struct facts facts;
	bool unknown;
	char *end;

	o->has_version = cli_era(cli, &o->version);
	o->has_order = cli_has(cli, "order");
	if (order > ORDER_MAX)
		return cli_fail_usage(cli, "there is no order %" PRIu64, order);
	o->order = (unsigned int)order;
	if (!gfp)
		return CLI_OK;
	o->has_gfp = true;
	if (!strncmp(gfp, "0x", 2)) {
		o->gfp = strtoull(gfp + 2, &end, 16);
		if (end == gfp + 2 || *end)
			return cli_fail_usage(cli, "'%s' is no gfp mask", gfp);
		return CLI_OK;
	}
	facts_init(&facts, 0);
	explain_gfp_read(0, gfp, &facts, &unknown);
	if (unknown || !*gfp)
		return cli_fail_usage(cli, "'%s' is no gfp mask: names joined by |, or 0x...", gfp);
	o->gfp_names = gfp;
	return CLI_OK;
}

static void facts_of(const void *ctx, uint32_t version, struct facts *ret)
{
	facts_init(ret, version);
	cli_set_facts(ctx, ret);
}

static struct error *read_log(const char *path, struct log_text *ret)
{
	struct input input = { 0 };
	struct stat st;
	struct error *err;
	bool absent = false;

	if (strcmp(path, "-") && !stat(path, &st) && S_ISDIR(st.st_mode)) {
		err = input_read_in(path, "dmesg.txt", NULL, &absent, &input);
		if (absent)
			return error_create(ERROR_NOT_FOUND, path, 0, 0, "has no dmesg.txt");
	} else {
		err = input_read(path, NULL, &input);
	}
	if (err)
		return err;
	err = error_in_file(log_text_parse(input.data, input.size, ret), input.name);
	input_deinit(&input);
	return err;
}

static enum cli_exit run_on(struct cli *cli, const struct log_text *text,
			    const struct explain_options *o, struct explanations *all)
{
	struct error *err = explain_log(text->lines, text->nlines, o, all);
	uint64_t number = cli_number(cli, "report", 0);
	struct chosen chosen = { 0, all->count };
	enum cli_exit code = CLI_OK;

	if (err)
		return cli_fail_error(cli, err);
	chosen.end = all->count;
	if (!all->count)
		return cli_fail(cli,
				"'%s' has no report of a failed allocation or of the OOM killer",
				cli_argument(cli, 0));
	if (cli_has(cli, "report")) {
		if (!number || number > all->count)
			return cli_fail(cli, "'%s' has reports 1 to %zu, not %" PRIu64,
					cli_argument(cli, 0), all->count, number);
		chosen = (struct chosen){ (size_t)number - 1, (size_t)number };
	}
	if (cli_has(cli, "json"))
		print_json(cli, all, chosen);
	for (size_t i = chosen.first; i < chosen.end; i++) {
		if (!cli_has(cli, "json")) {
			if (i > chosen.first)
				fputc('\n', cli_out(cli));
			print_report(cli, &all->all[i], i + 1, all->count);
		}
		if (!explain_is_explained(all->all[i].verdict))
			code = CLI_FINDING;
	}
	return code;
}

static enum cli_exit run(struct cli *cli)
{
	struct explain_options o = { .facts = facts_of, .ctx = cli };
	struct explanations all = { 0 };
	struct log_text text = { 0 };
	enum cli_exit code = read_options(cli, &o);
	struct error *err;

	if (code != CLI_OK)
		return code;
	err = read_log(cli_argument(cli, 0), &text);
	if (err)
		return cli_fail_error(cli, err);
	code = run_on(cli, &text, &o, &all);
	explanations_deinit(&all);
	log_text_deinit(&text);
	return code;
}

const struct command command_explain = {
	.name = "explain",
	.summary = "say why an allocation failed or the OOM killer ran, zone by zone",
	.description =
		"Reads every report in a log that the kernel prints when an allocation failed ('page "
		"allocation failure', vmalloc errors) or when the OOM killer ran, asks each zone of it "
		"again by the rules of that kernel, and shows the sum each zone made: free pages less "
		"what this request cannot have, against the watermark it is held to plus the lowmem "
		"reserve. Every number stands in the report, so the sum can be checked by hand; all "
		"are pages.\n"
		"\n"
		"After the sum: what would have let the request pass. A verdict ends each report. Where "
		"a zone would serve the request by the numbers printed, that is said, too: the report "
		"is taken after the failure. docs/EXPLAIN.md tells how to read the output.\n"
		"\n"
		"--order and --gfp ask for something else than the report did, and make a Mem-Info "
		"without a request (SysRq-m) useful.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.finding = "a report could not be explained",
	.run = run,
};
