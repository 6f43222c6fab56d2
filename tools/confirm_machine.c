/* SPDX-License-Identifier: MIT */
#include "tools/confirm_machine.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/scenario.h"
#include "traces/qemu.h"
#include "traces/scenario_store.h"

/* As replay looks at a finding. */
static const struct scenario_options look_always = { .boot_cost = INVARIANT_COST_DEEP,
						     .step_cost = INVARIANT_COST_DEEP,
						     .end_cost = INVARIANT_COST_DEEP,
						     .want_lists = true };

static struct error *find(struct scenario *s, const struct boot_input *in,
			  const struct stored_scenario *stored)
{
	scenario_run(s, in, stored->operations, stored->operation_count, &look_always);
	return s->out_of_memory ? error_no_memory() : NULL;
}

/* Does @s break what @before has? */
static bool still_shows(const struct scenario *s, const struct findings *before)
{
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++)
		if (before->count[i] && !s->findings.count[i])
			return false;
	return true;
}

/* @in and entries of no bytes of @count nodes more, which come to lie in @ret. */
static struct error *add_nodes(const struct boot_input *in, const int32_t *nids, uint32_t count,
			       struct roomy *ret)
{
	struct affinity_memory *all = calloc((size_t)in->affinity_count + count, sizeof(*all));

	if (!all)
		return error_no_memory();
	for (uint32_t i = 0; i < in->affinity_count; i++)
		all[i] = in->affinity[i];
	for (uint32_t i = 0; i < count; i++)
		all[in->affinity_count + i].nid = nids[i];
	ret->named = all;
	ret->input.affinity = all;
	ret->input.affinity_count = in->affinity_count + count;
	return NULL;
}

/* Does an entry of a processor or of memory name node @nid, or, with @above, one that is higher? */
static bool is_named(const struct boot_input *in, int32_t nid, bool above)
{
	for (uint32_t i = 0; i < in->cpu_nid_count; i++)
		if (above ? in->cpu_nid[i] > nid : in->cpu_nid[i] == nid)
			return true;
	for (uint32_t i = 0; i < in->affinity_count; i++)
		if (above ? in->affinity[i].nid > nid : in->affinity[i].nid == nid)
			return true;
	return false;
}

/* @gaps become memory of node @nid, or NID_NONE: of none that the table names. */
static struct error *add(const struct boot_input *in, const struct e820_entry *gaps, uint32_t count,
			 int32_t nid, struct roomy *ret)
{
	struct affinity_memory *all;

	free(ret->affinity);
	ret->affinity = NULL;
	ret->input.affinity = in->affinity;
	ret->input.affinity_count = in->affinity_count;
	if (nid == NID_NONE)
		return NULL;
	all = calloc((size_t)in->affinity_count + count, sizeof(*all));
	if (!all)
		return error_no_memory();
	memcpy(all, in->affinity, in->affinity_count * sizeof(*all));
	for (uint32_t i = 0; i < count; i++)
		all[in->affinity_count + i] = (struct affinity_memory){ .start = gaps[i].start,
									.end = gaps[i].end,
									.nid = nid };
	ret->affinity = all;
	ret->input.affinity = all;
	ret->input.affinity_count = in->affinity_count + count;
	return NULL;
}

/* The number of a node that no entry before @i has; NID_NONE: some has it. */
static int32_t next_nid(const struct boot_input *in, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++)
		if (in->affinity[j].nid == in->affinity[i].nid)
			return NID_NONE;
	return in->affinity[i].nid;
}

struct search {
	const struct boot_input *in;
	const struct stored_scenario *stored;
	const struct findings *before;
	const struct e820_entry *gaps;
	uint32_t gap_count;
};

/* Sets @found_ret if there is a node, @nid_ret, with which it still shows. */
static struct error *search(const struct search *how, struct scenario *s, struct roomy *ret,
			    bool *found_ret, int32_t *nid_ret)
{
	*found_ret = false;
	for (uint32_t i = 0; i <= how->in->affinity_count && !*found_ret; i++) {
		int32_t nid = i ? next_nid(how->in, i - 1) : NID_NONE;
		struct error *err = NULL;

		if (i && nid == NID_NONE)
			continue;
		err = add(how->in, how->gaps, how->gap_count, nid, ret);
		if (!err)
			err = find(s, &ret->input, how->stored);
		if (err)
			return err;
		*found_ret = still_shows(s, how->before);
		*nid_ret = nid;
	}
	return NULL;
}

static void put_ranges(const struct sink *sink, const struct e820_entry *gaps, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		sink_printf(sink, "%s[0x%" PRIx64 "-0x%" PRIx64 "]", i ? ", " : "", gaps[i].start,
			    gaps[i].end - 1);
}

static void put_broken(const struct sink *sink, const struct findings *f)
{
	const char *between = "";

	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		if (!f->count[i])
			continue;
		sink_printf(sink, "%s%s", between, invariant_info((enum invariant)i)->id);
		between = ", ";
	}
}

/* Ends with what is in @text: as a note, or as why the machine is refused. */
static enum cli_exit say(struct cli *cli, struct error *err, bool had, struct sink_text *text)
{
	enum cli_exit code = CLI_OK;

	if (!err && (text->out_of_memory || !text->data))
		err = error_no_memory();
	if (err)
		code = cli_fail_error(cli, err);
	else if (had)
		cli_note(cli, "%s", text->data);
	else
		code = cli_fail(cli, "%s", text->data);
	sink_text_deinit(text);
	return code;
}

static void put_lack(const struct sink *sink, const struct boot_input *in)
{
	uint64_t bytes = qemu_ram_bytes(in);

	sink_puts(sink, "no kernel can be booted on this machine: it has ");
	if (bytes >> 20)
		sink_printf(sink, "%" PRIu64 " MiB of RAM", bytes >> 20);
	else if (bytes)
		sink_printf(sink, "%" PRIu64 " KiB of RAM", bytes >> 10);
	else
		sink_puts(sink, "no RAM");
	sink_printf(sink, ", and a kernel needs all of that from %" PRIu64 " to %" PRIu64 " MiB; ",
		    QEMU_KERNEL_START >> 20, QEMU_KERNEL_END >> 20);
}

/* Of a machine that lacks memory. */
static enum cli_exit add_memory(struct cli *cli, const struct boot_input *in,
				const struct stored_scenario *stored, struct roomy *ret)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct e820_entry *gaps = NULL;
	struct findings before;
	uint32_t gap_count = 0;
	int32_t nid = NID_NONE;
	bool found = false;
	struct scenario s;
	struct error *err;

	scenario_init(&s);
	err = find(&s, in, stored);
	before = s.findings;
	if (!err)
		err = qemu_make_room(in, &ret->map, &ret->input.firmware_count, &gaps, &gap_count);
	ret->input.firmware = ret->map;
	put_lack(&sink, in);
	if (!err && !before.total) {
		sink_puts(&sink, "no invariant breaks on it, so that there is nothing to go by "
				 "where memory could be added");
	} else if (!err && !qemu_has_room(&ret->input)) {
		sink_puts(&sink, "what the firmware has there is none");
	} else if (!err) {
		struct search how = { .in = in,
				      .stored = stored,
				      .before = &before,
				      .gaps = gaps,
				      .gap_count = gap_count };

		err = search(&how, &s, ret, &found, &nid);
		if (found)
			sink_puts(&sink, "added is ");
		else
			sink_puts(&sink, "with ");
		put_ranges(&sink, gaps, gap_count);
		if (found && nid != NID_NONE)
			sink_printf(&sink, " of node %" PRId32, nid);
		sink_puts(&sink, found ? ", with which the model still breaks "
				       : " added the model does not break all of ");
		put_broken(&sink, &before);
	}
	scenario_deinit(&s);
	free(gaps);
	return say(cli, err, found, &text);
}

static void put_nodes(const struct sink *sink, const int32_t *nids, uint32_t count)
{
	enum { SHOWN = 8 };

	sink_puts(sink, "the table names no node ");
	for (uint32_t i = 0; i < count && i < SHOWN; i++)
		sink_printf(sink, "%s%" PRId32, i ? ", " : "", nids[i]);
	if (count > SHOWN)
		sink_printf(sink, " and %" PRIu32 " others", count - SHOWN);
	sink_puts(sink, ", and a kernel leaves no number out: ");
}

/* Names the nodes that no entry of the table names, below the highest that has one. */
static enum cli_exit name_nodes(struct cli *cli, const struct boot_input *in,
				const struct stored_scenario *stored, struct roomy *ret)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	int32_t nids[NODES_MAX];
	struct findings before;
	uint32_t count = 0;
	struct error *err;
	struct scenario s;
	bool shows;

	if (!in->numa_source && !in->affinity_count)
		return CLI_OK;
	for (int32_t nid = 0; nid < NODES_MAX && is_named(in, nid, true); nid++)
		if (!is_named(in, nid, false))
			nids[count++] = nid;
	if (!count)
		return CLI_OK;
	scenario_init(&s);
	err = find(&s, in, stored);
	before = s.findings;
	if (!err)
		err = add_nodes(in, nids, count, ret);
	if (!err)
		err = find(&s, &ret->input, stored);
	shows = still_shows(&s, &before);
	scenario_deinit(&s);
	put_nodes(&sink, nids, count);
	if (shows) {
		sink_puts(&sink, "added without memory");
	} else {
		sink_puts(&sink, "with that added the model does not break all of ");
		put_broken(&sink, &before);
	}
	return say(cli, err, shows, &text);
}

enum cli_exit confirm_machine(struct cli *cli, const struct booted *b, struct roomy *ret)
{
	struct stored_scenario stored = { 0 };
	enum cli_exit code = CLI_OK;
	struct boot_input taken;
	bool is_scenario = false;
	struct error *err;

	ret->input = b->log.input;
	/* Of others nothing can be had, and what comes next says so. */
	if (b->log.input.config.arch != ARCH_X86_64)
		return CLI_OK;
	err = scenario_store_is(b->path, &is_scenario);
	if (!err && is_scenario)
		err = scenario_store_read(b->path, &stored);
	if (err)
		code = cli_fail_error(cli, err);
	if (code == CLI_OK)
		code = name_nodes(cli, &b->log.input, &stored, ret);
	taken = ret->input;
	if (code == CLI_OK && !qemu_has_room(&taken))
		code = add_memory(cli, &taken, &stored, ret);
	if (code == CLI_OK && stored.operation_count)
		cli_note(cli, "the boot is tried, and nothing of what is done after it");
	stored_scenario_deinit(&stored);
	return code;
}

void roomy_deinit(struct roomy *r)
{
	free(r->map);
	free(r->affinity);
	free(r->named);
	memset(r, 0, sizeof(*r));
}
