/* SPDX-License-Identifier: MIT */
/* mmreplay boot: the machine after a boot, or in the middle of one, from several sides. */
#include <inttypes.h>
#include <string.h>

#include "engine/buddy_view.h"
#include "engine/dump.h"
#include "tools/booted.h"
#include "tools/text.h"

enum view {
	VIEW_SUMMARY,
	VIEW_DMESG,
	VIEW_MEMBLOCK,
	VIEW_ZONES,
	VIEW_ZONELISTS,
	VIEW_ZONEINFO,
	VIEW_BUDDYINFO,
	VIEW_PAGETYPEINFO,
	VIEW_JSON,
};

static const char *const views[] = { "summary",	 "dmesg",     "memblock",     "zones", "zonelists",
				     "zoneinfo", "buddyinfo", "pagetypeinfo", "json",  NULL };

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

static const struct cli_option options[] = {
	CLI_OPTION_VIEW(views),
	{ .name = "at",
	  .kind = CLI_KIND_CHOICE,
	  .value = "STAGE",
	  .choices = (const char *const[]){ "setup_arch", "numa", "sparse", "zones", "zonelists",
					    "mem_init", "late", NULL },
	  .help = "stop after this stage" },
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	CLI_OPTION_JSON,
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay boot dmesg.txt", "which zones does this machine get?" },
	{ "mmreplay boot dmesg.txt --view dmesg", "what the kernel would print about it" },
	{ "mmreplay boot dmesg.txt --view memblock --at zones",
	  "who has which memory before the page allocator takes over" },
	{ "mmreplay boot dmesg.txt --view zoneinfo --era 6.12",
	  "the watermarks another kernel would give this machine" },
	{ 0 }
};

/* ---- text -------------------------------------------------------------------------------------- */

static const struct answer *find_answer(const struct booted *b, enum answer_kind kind)
{
	for (uint32_t i = 0; i < b->m.answers.count; i++)
		if (b->m.answers.items[i].kind == kind)
			return &b->m.answers.items[i];
	return NULL;
}

static void print_kb(FILE *out, const struct booted *b, const char *label, enum answer_kind kind)
{
	const struct answer *a = find_answer(b, kind);

	if (!a)
		return;
	if (a->basis == BASIS_UNDERIVABLE)
		fprintf(out, "%-18s?\n", label);
	else
		fprintf(out, "%-18s%" PRIu64 " kB\n", label, a->v[0]);
}

static void print_summary(struct cli *cli, const struct booted *b)
{
	FILE *out = cli_out(cli);
	struct sink sink = sink_to_file(out);
	uint32_t bases[3] = { 0 };
	const struct machine *m = &b->m;

	booted_print(cli, b);
	fprintf(out, "%-14s%s\n\n", "booted up to", boot_stage_names[m->stage]);
	fprintf(out, "memblock: %" PRIu32 " memory and %" PRIu32 " reserved regions%s\n\n",
		m->mb.memory.cnt, m->mb.reserved.cnt,
		m->reserved_known ? "" : " (that the source tells of)");
	if (m->stage >= STAGE_ZONES) {
		dump_zones(m, &sink);
		fputc('\n', out);
	}
	if (m->stage >= STAGE_ZONELISTS && m->config.numa) {
		for (uint32_t n = 0; n < m->node_count && n < 16; n++) {
			if (!m->nodes[n].possible)
				continue;
			fprintf(out, "Node %3" PRIu32 " falls back to:", n);
			for (uint32_t i = 0; i < m->zonelists.length[n]; i++)
				fprintf(out, " %u",
					(unsigned int)
						m->zonelists.order[(size_t)n * m->node_count + i]);
			fputs(m->distance_known ? "\n" : "  (distances are not known)\n", out);
		}
		if (m->node_count > 16)
			fputs("... (--view zonelists shows all nodes)\n", out);
		fputc('\n', out);
	}
	print_kb(out, b, "MemTotal", ANSWER_MEMTOTAL);
	print_kb(out, b, "min_free_kbytes", ANSWER_MIN_FREE_KBYTES);
	for (uint32_t i = 0; i < m->answers.count; i++)
		bases[m->answers.items[i].basis]++;
	fprintf(out,
		"%-18s%" PRIu32 " predicted, %" PRIu32 " with something given, %" PRIu32
		" not derivable\n",
		"answers", bases[BASIS_PREDICTED], bases[BASIS_GIVEN], bases[BASIS_UNDERIVABLE]);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_regions(struct json *j, const char *key, const struct memblock_type *type)
{
	json_key_array_begin(j, key);
	for (uint32_t i = 0; i < type->cnt; i++) {
		const struct memblock_region *r = &type->regions[i];
		struct sink_text text = { 0 };
		struct sink sink = sink_to_text(&text);

		json_object_begin(j);
		json_key_u64(j, "base", r->base);
		json_key_u64(j, "size", r->size);
		if (r->nid >= 0)
			json_key_i64(j, "nid", r->nid);
		if (r->flags) {
			dump_memblock_flags(r->flags, &sink);
			json_key_string(j, "flags", sink_text_string(&text));
		}
		json_object_end(j);
		sink_text_deinit(&text);
	}
	json_array_end(j);
}

static void json_memblock(struct json *j, const struct machine *m)
{
	json_key_object_begin(j, "memblock");
	json_key_bool(j, "reserved_complete", m->reserved_known);
	json_regions(j, "memory", &m->mb.memory);
	json_regions(j, "reserved", &m->mb.reserved);
	json_object_end(j);
}

static void json_zone(struct json *j, const struct machine *m, const struct zone *z, uint32_t nid,
		      enum zone_type type)
{
	static const char *const marks[WMARK_COUNT] = { "min", "low", "high", "promo" };

	json_object_begin(j);
	json_key_u64(j, "nid", nid);
	json_key_string(j, "zone", zone_type_name(type));
	json_key_u64(j, "start_pfn", z->start_pfn);
	json_key_u64(j, "spanned", z->spanned);
	json_key_u64(j, "present", z->present);
	if (m->stage >= STAGE_MEM_INIT && m->reserved_known)
		json_key_u64(j, "managed", z->managed);
	if (m->stage >= STAGE_LATE && m->reserved_known) {
		json_key_u64(j, "cma", z->cma);
		for (unsigned int w = 0; w < WMARK_COUNT; w++)
			json_key_u64(j, marks[w], z->watermark[w]);
		json_key_array_begin(j, "protection");
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			if (m->config.zones_mask >> t & 1)
				json_u64(j, z->lowmem_reserve[t]);
		json_array_end(j);
		json_key_u64(j, "pcp_batch", z->batch);
		if (fact_get(&m->facts, FACT_pcp_high_auto)) {
			json_key_u64(j, "pcp_high_min", z->high_min);
			json_key_u64(j, "pcp_high_max", z->high_max);
		} else {
			json_key_u64(j, "pcp_high", z->high);
		}
	}
	json_object_end(j);
}

static void json_zones(struct json *j, const struct machine *m)
{
	json_key_array_begin(j, "nodes");
	for (uint32_t n = 0; n < m->node_count; n++) {
		const struct node *node = &m->nodes[n];

		json_object_begin(j);
		json_key_u64(j, "nid", n);
		json_key_bool(j, "memory", node->memory);
		json_key_u64(j, "start_pfn", node->start_pfn);
		json_key_u64(j, "spanned", node->end_pfn - node->start_pfn);
		json_key_u64(j, "present", node->present);
		if (node->movable_pfn)
			json_key_u64(j, "movable_pfn", node->movable_pfn);
		if (node->present && node->first_deferred_pfn != PFN_NONE)
			json_key_u64(j, "first_deferred_pfn", node->first_deferred_pfn);
		json_object_end(j);
	}
	json_array_end(j);
	json_key_array_begin(j, "zones");
	for (uint32_t n = 0; n < m->node_count; n++)
		for (unsigned int t = 0; t < ZONE_TYPE_COUNT; t++)
			if (m->nodes[n].zones[t].spanned)
				json_zone(j, m, &m->nodes[n].zones[t], n, (enum zone_type)t);
	json_array_end(j);
}

static void json_zonelists(struct json *j, const struct machine *m)
{
	json_key_array_begin(j, "zonelists");
	for (uint32_t n = 0; n < m->node_count && m->zonelists.node_count; n++) {
		if (!m->nodes[n].possible)
			continue;
		json_object_begin(j);
		json_key_u64(j, "nid", n);
		json_key_bool(j, "distances_known", m->distance_known);
		json_key_array_begin(j, "order");
		for (uint32_t i = 0; i < m->zonelists.length[n]; i++)
			json_u64(j, m->zonelists.order[(size_t)n * m->node_count + i]);
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

/* The free lists are known. */
static bool has_lists(const struct booted *b)
{
	return b->m.buddy && b->m.reserved_known;
}

static void json_free_lists(struct json *j, const struct machine *m)
{
	json_key_array_begin(j, "free_lists");
	for (uint32_t z = 0; z < buddy_view_zones(m->buddy); z++) {
		json_object_begin(j);
		json_key_i64(j, "nid", buddy_view_nid(m->buddy, z));
		json_key_string(j, "zone", zone_type_name(buddy_view_type(m->buddy, z)));
		booted_json_types(j, m, z);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_lines(struct json *j, const struct booted *b)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	const char *p, *end;

	answer_text_boot(&b->text, &b->m.answers, &sink);
	json_key_array_begin(j, "lines");
	for (p = sink_text_string(&text); *p; p = end + 1) {
		end = p + strcspn(p, "\n");
		json_string_n(j, p, (size_t)(end - p));
	}
	json_array_end(j);
	sink_text_deinit(&text);
}

static void print_json(struct cli *cli, const struct booted *b, enum view view)
{
	bool all = view == VIEW_JSON || view == VIEW_SUMMARY;
	struct json j;

	cli_json_begin(cli, &j, 1);
	booted_json(&j, b);
	json_key_string(&j, "stage", boot_stage_names[b->m.stage]);
	if (all || view == VIEW_MEMBLOCK)
		json_memblock(&j, &b->m);
	if (all || view == VIEW_ZONES || view == VIEW_ZONEINFO)
		json_zones(&j, &b->m);
	if (all || view == VIEW_ZONELISTS)
		json_zonelists(&j, &b->m);
	if ((view == VIEW_JSON || view == VIEW_BUDDYINFO || view == VIEW_PAGETYPEINFO) &&
	    has_lists(b))
		json_free_lists(&j, &b->m);
	if (view == VIEW_JSON || view == VIEW_DMESG)
		json_lines(&j, b);
	json_object_end(&j);
	json_deinit(&j);
}

/* ---- run --------------------------------------------------------------------------------------- */

/* The stage a view has something to show from. */
static enum boot_stage view_needs(enum view view)
{
	switch (view) {
	case VIEW_ZONES:
		return STAGE_ZONES;
	case VIEW_ZONELISTS:
		return STAGE_ZONELISTS;
	case VIEW_BUDDYINFO:
	case VIEW_PAGETYPEINFO:
		return STAGE_MEM_INIT;
	case VIEW_ZONEINFO:
		return STAGE_LATE;
	default:
		return STAGE_SETUP_ARCH;
	}
}

static void print_view(struct cli *cli, const struct booted *b, enum view view)
{
	struct sink sink = sink_to_file(cli_out(cli));

	switch (view) {
	case VIEW_SUMMARY:
		print_summary(cli, b);
		break;
	case VIEW_DMESG:
		answer_text_boot(&b->text, &b->m.answers, &sink);
		break;
	case VIEW_MEMBLOCK:
		dump_memblock(&b->m, &sink);
		break;
	case VIEW_ZONES:
		dump_zones(&b->m, &sink);
		break;
	case VIEW_ZONELISTS:
		dump_zonelists(&b->m, &sink);
		break;
	case VIEW_ZONEINFO:
		dump_zoneinfo(&b->m, &sink);
		break;
	case VIEW_BUDDYINFO:
		dump_buddyinfo(&b->m, &sink);
		break;
	case VIEW_PAGETYPEINFO:
		dump_pagetypeinfo(&b->m, &sink);
		break;
	case VIEW_JSON:
		break;
	}
}

static enum cli_exit run(struct cli *cli)
{
	enum view view = (enum view)cli_choice(cli, "view", VIEW_SUMMARY);
	enum boot_stage at = (enum boot_stage)cli_choice(cli, "at", STAGE_LATE);
	bool lists = view == VIEW_BUDDYINFO || view == VIEW_PAGETYPEINFO;
	struct booted b = { 0 };
	enum cli_exit code;

	if (at < view_needs(view))
		return cli_fail_usage(cli, "the view %s begins with stage %s, not with %s",
				      views[view], boot_stage_names[view_needs(view)],
				      boot_stage_names[at]);
	code = booted_read(cli, at, lists || view == VIEW_JSON, &b);
	if (code == CLI_OK && lists && !has_lists(&b))
		code = cli_fail(
			cli, "what memblock had reserved is not in '%s', so there is no %s to show",
			b.path, views[view]);
	if (code == CLI_OK) {
		if (view == VIEW_JSON || cli_has(cli, "json"))
			print_json(cli, &b, view);
		else
			print_view(cli, &b, view);
	}
	booted_deinit(&b);
	return code;
}

const struct command command_boot = {
	.name = "boot",
	.summary = "boot the machine that a capture or a log describes, and show it",
	.description =
		"Takes what a kernel was told, from a boot log or a capture folder, lets the model "
		"decide what the kernel decided, and shows the machine.\n"
		"\n"
		"Views:\n"
		"  summary       the machine in short (the default)\n"
		"  dmesg         the model's decisions in the words of that kernel, in boot order\n"
		"  memblock      memory and reserved memory, region by region\n"
		"  zones         zones of each node: start, spanned, present, managed pages\n"
		"  zonelists     where each node looks for memory, nearest first\n"
		"  zoneinfo      as /proc/zoneinfo, without the counters that move after boot\n"
		"  buddyinfo     as /proc/buddyinfo, with nothing allocated since the hand-over\n"
		"  pagetypeinfo  as /proc/pagetypeinfo, likewise\n"
		"  json          everything\n"
		"\n"
		"Stages: setup_arch (firmware memory is in memblock), numa (nodes are known), sparse "
		"(the memory map is allocated), zones (sized), zonelists (built), mem_init (memory "
		"handed to the page allocator), late (watermarks, page sets, late frees).\n"
		"\n"
		"What the source does not tell and the model cannot derive is a question mark, or "
		"left out where the form is the kernel's.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
