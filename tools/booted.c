/* SPDX-License-Identifier: MIT */
#include "tools/booted.h"

#include <inttypes.h>
#include <string.h>

#include "engine/buddy_view.h"
#include "engine/migratetype.h"
#include "tools/fact_text.h"
#include "tools/text.h"
#include "traces/capture.h"

enum cli_exit booted_hold(struct cli *cli, struct booted *b)
{
	struct error *err;

	b->path = cli_argument(cli, 0);
	if (b->once.data || input_is_lasting(b->path))
		return CLI_OK;
	err = input_read(b->path, NULL, &b->once);
	return err ? cli_fail_error(cli, err) : CLI_OK;
}

struct error *booted_read_again(const struct booted *b, struct boot_log *ret)
{
	return b->once.data ? capture_read_input(&b->once, ret) : capture_read(b->path, ret);
}

static enum cli_exit read_log(struct cli *cli, struct booted *b)
{
	enum cli_exit code = booted_hold(cli, b);
	struct error *err;

	machine_init(&b->m);
	if (code != CLI_OK)
		return code;
	err = booted_read_again(b, &b->log);
	if (err)
		return cli_fail_error(cli, err);
	/* Notes without a line are about the file itself. */
	for (uint32_t i = 0; i < b->log.note_count; i++)
		if (!b->log.notes[i].line)
			cli_note(cli, "%s", b->log.notes[i].what);
	if (facts_age_of(b->log.input.version) == FACTS_TOO_NEW && !cli_has(cli, "era"))
		cli_note(cli,
			 "the kernel is newer than all that are known: it is taken for a %s; --era "
			 "chooses another",
			 eras[era_count - 1].name);
	return CLI_OK;
}

static enum cli_exit boot_log(struct cli *cli, enum boot_stage until, bool want_lists,
			      struct booted *b)
{
	const struct boot_input *in = &b->log.input;

	b->m.want_lists = want_lists;
	boot_run(&b->m, in, until);
	if (b->m.out_of_memory)
		return cli_fail_error(cli, error_no_memory());
	answer_text_init(&b->text, in, &b->m.answers);
	for (uint32_t i = 0; i < b->m.mb.memory.cnt; i++)
		b->memory_bytes += b->m.mb.memory.regions[i].size;
	for (uint32_t n = 0; n < b->m.node_count; n++)
		b->nodes += b->m.nodes[n].memory;
	return CLI_OK;
}

/* "name=value, name=value": the facts that are not of the version's row, but the source's own or the user's. */
static bool own_facts(const struct boot_input *in, struct sink_text *to)
{
	struct sink sink = sink_to_text(to);
	const char *comma = "";
	struct facts row;

	facts_init(&row, in->version);
	for (unsigned int i = 0; i < FACT_COUNT; i++) {
		enum fact f = (enum fact)i;
		const struct fact_info *info = fact_info(f);
		char value[FACT_TEXT_SIZE];

		if (fact_get(&row, f) == fact_get(&in->facts, f))
			continue;
		sink_printf(&sink, "%s%s=%s", comma, info->name,
			    fact_text_value(value, info->kind, fact_get(&in->facts, f)));
		comma = ", ";
	}
	return *comma != 0;
}

enum cli_exit booted_read(struct cli *cli, enum boot_stage until, bool want_lists, struct booted *b)
{
	struct boot_input *in = &b->log.input;
	enum cli_exit code = read_log(cli, b);
	struct sink_text left_out = { 0 };
	uint32_t version;

	if (code != CLI_OK)
		return code;
	/* A stored boot may have facts of its own; another era has those of that era. */
	if (cli_era(cli, &version)) {
		if (own_facts(in, &left_out))
			cli_note(cli, "--era leaves out the facts that the source has set: %s",
				 sink_text_string(&left_out));
		in->version = version;
		facts_init(&in->facts, in->version);
	}
	sink_text_deinit(&left_out);
	cli_set_facts(cli, &in->facts);
	arch_config_apply_facts(&in->config, &in->facts);
	return boot_log(cli, until, want_lists, b);
}

enum cli_exit booted_read_recorded(struct cli *cli, enum boot_stage until, bool want_lists,
				   struct booted *b)
{
	enum cli_exit code = read_log(cli, b);

	return code == CLI_OK ? boot_log(cli, until, want_lists, b) : code;
}

void booted_deinit(struct booted *b)
{
	machine_deinit(&b->m);
	boot_log_deinit(&b->log);
	input_deinit(&b->once);
}

/* Text from outside after its label, wrapped. */
static void print_text(FILE *out, const char *label, const char *text)
{
	fprintf(out, "%-14s", label);
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 127) {
			text_print_safe(out, text);
			fputc('\n', out);
			return;
		}
	}
	text_wrap_paragraph(out, 14, 14, TEXT_COLUMNS, text, strlen(text));
}

void booted_print(struct cli *cli, const struct booted *b)
{
	const struct boot_input *in = &b->log.input;
	FILE *out = cli_out(cli);
	struct sink_text facts = { 0 };
	char name[TEXT_VERSION_SIZE];
	uint32_t version;

	print_text(out, "source", b->path);
	fprintf(out, "%-14s", "kernel");
	text_print_safe(out, in->version_text && *in->version_text ? in->version_text : "unknown");
	fprintf(out, ", %s, ", arch_name(in->config.arch));
	fputs(cli_era(cli, &version) ? "booted as " : b->log.has_version ? "" : "taken for ", out);
	fprintf(out, "%s\n%-14s%" PRIu64 " MiB", text_version(name, in->version), "memory",
		b->memory_bytes >> 20);
	if (in->config.numa)
		fprintf(out, " in %" PRIu32 " node%s", b->nodes, b->nodes == 1 ? "" : "s");
	fputs(b->log.has_debug ? ", with memblock=debug\n" : "\n", out);
	print_text(out, "command line", in->command_line ? in->command_line : "unknown");
	if (own_facts(in, &facts))
		print_text(out, "facts set", sink_text_string(&facts));
	sink_text_deinit(&facts);
}

void booted_json(struct json *j, const struct booted *b)
{
	const struct boot_input *in = &b->log.input;
	struct sink_text facts = { 0 };
	char version[TEXT_VERSION_SIZE];

	json_key_string(j, "source", b->path);
	json_key_object_begin(j, "machine");
	if (in->version_text)
		json_key_string(j, "kernel", in->version_text);
	else
		json_key_null(j, "kernel");
	json_key_string(j, "version", text_version(version, in->version));
	json_key_string(j, "arch", arch_name(in->config.arch));
	json_key_u64(j, "memory_bytes", b->memory_bytes);
	json_key_u64(j, "nodes_with_memory", b->nodes);
	json_key_bool(j, "memblock_debug", b->log.has_debug);
	if (in->command_line)
		json_key_string(j, "command_line", in->command_line);
	else
		json_key_null(j, "command_line");
	if (own_facts(in, &facts))
		json_key_string(j, "facts_set", sink_text_string(&facts));
	else
		json_key_null(j, "facts_set");
	json_object_end(j);
	sink_text_deinit(&facts);
}

static void write_file(void *ctx, const char *text, size_t len)
{
	fwrite(text, 1, len, ctx);
}

struct sink sink_to_file(FILE *out)
{
	return (struct sink){ write_file, out };
}

void booted_json_types(struct json *j, const struct machine *m, uint32_t zone)
{
	uint64_t blocks[MIGRATE_TYPE_COUNT];

	buddy_view_blocks(m->buddy, zone, blocks);
	json_key_array_begin(j, "types");
	for (unsigned int i = 0; i < migratetype_count(&m->config); i++) {
		enum migratetype type = migratetype_at(i, &m->config, &m->facts);

		json_object_begin(j);
		json_key_string(j, "type", migratetype_name(type, &m->facts));
		json_key_u64(j, "pageblocks", blocks[type]);
		json_key_array_begin(j, "free_by_order");
		for (unsigned int o = 0; o <= buddy_view_max_order(m->buddy); o++)
			json_u64(j, buddy_view_free(m->buddy, zone, o, type));
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}
