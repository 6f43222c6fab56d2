/* SPDX-License-Identifier: MIT */
/* mmreplay convert: any source as a stored file, and a stored file as text. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/booted.h"
#include "tools/cli.h"
#include "traces/boot_store.h"
#include "traces/capture.h"
#include "traces/input.h"
#include "traces/message_text.h"
#include "traces/mmtrace.h"
#include "traces/mmtrace_file.h"
#include "traces/picture_set.h"
#include "traces/scenario_store.h"
#include "traces/trace/store.h"
#include "traces/trace/trace.h"

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

static const struct cli_option options[] = {
	{ .name = "trace",
	  .kind = CLI_KIND_FILE,
	  .value = "FILE",
	  .help = "store this trace behind the boot, instead of the one SRC has; - is standard input" },
	{ .name = "era",
	  .kind = CLI_KIND_ERA,
	  .value = "ERA",
	  .help = "which kernel wrote a trace that comes without its log (what names of GFP flags "
		  "stand for)" },
	{ .name = "text",
	  .kind = CLI_KIND_FLAG,
	  .help = "write the messages as text, block by block, instead of a stored file" },
	{ .name = "json",
	  .kind = CLI_KIND_FLAG,
	  .help = "tell on standard output, in JSON, what was written to the file of -o" },
	CLI_OPTION_OUTPUT,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay convert traces/captures/boot-6.12-amd64-2g -o boot.mmtrace",
	  "a folder becomes one small file" },
	{ "mmreplay check boot.mmtrace", "which every command reads as it reads the folder" },
	{ "dmesg | mmreplay convert - -o boot.mmtrace", "keep this boot" },
	{ "mmreplay convert dmesg.txt --trace trace.txt.zst -o all.mmtrace",
	  "a log and the trace that was recorded after it" },
	{ "mmreplay convert boot.mmtrace --text | less", "read what is stored" },
	{ 0 }
};

/* What is to be stored: a boot, its pictures and its trace, or some of them. */
struct source {
	const char *path;
	struct input input; /* of standard input */
	bool has_boot;
	struct boot_log log;
	bool is_scenario;
	struct stored_scenario scenario; /* its operations count here */
	struct picture_set pictures;
	char *trace_path; /* owned; NULL: none, or in @input */
	bool trace_in_input;
	bool trace_is_stored; /* with a boot perhaps, and then perhaps without an event */
	uint64_t events; /* written */
	char *trace_note; /* what was odd about the trace, or NULL */
	struct probe {
		uint64_t known, others, unknown, damaged, ignored; /* events, and lines */
		uint64_t first_damaged_line;
		char other[64]; /* the first event of another kind */
	} probe; /* of the beginning, read as a trace */
};

static void source_deinit(struct source *s)
{
	input_deinit(&s->input);
	boot_log_deinit(&s->log);
	stored_scenario_deinit(&s->scenario);
	picture_set_deinit(&s->pictures);
	free(s->trace_path);
	free(s->trace_note);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* Does it begin like a trace?  A log may hold a line or two that look like one. */
static bool looks_like_trace(struct trace *t, struct probe *ret)
{
	const struct event *events;
	size_t count;
	struct error *err = trace_next(t, &events, &count);
	const struct trace_stats *stats = trace_stats(t);

	for (size_t i = 0; !err && i < count; i++) {
		if (events[i].kind == EVENT_OTHER && !ret->others++)
			snprintf(ret->other, sizeof(ret->other), "%s",
				 trace_string(t, events[i].text));
		ret->known += events[i].kind != EVENT_OTHER;
	}
	ret->unknown = stats->unknown;
	ret->damaged = stats->damaged;
	ret->first_damaged_line = stats->first_damaged_line;
	ret->ignored = stats->ignored;
	error_destroy(err);
	return ret->known && ret->known + ret->others > ret->unknown;
}

static struct error *is_trace(const char *path, struct probe *probe, bool *ret)
{
	struct trace *t;
	struct error *err = trace_open(path, NULL, &t);

	if (err)
		return err;
	*ret = looks_like_trace(t, probe);
	trace_close(t);
	return NULL;
}

/* A trace without a boot is no boot that is damaged. */
static struct error *take_boot(struct error *err, struct source *s)
{
	if (err && err->code == ERROR_FORMAT) {
		error_destroy(err);
		boot_log_deinit(&s->log);
		memset(&s->log, 0, sizeof(s->log));
		return NULL;
	}
	s->has_boot = !err;
	return err;
}

static struct error *read_stored_input(struct source *s)
{
	const struct input *in = &s->input;
	struct mmtrace_reader *r;
	struct error *err = take_boot(capture_read_input(in, &s->log), s);

	s->trace_in_input = s->trace_is_stored = true;
	if (!err)
		err = mmtrace_reader_create_bytes(in->data, in->size, in->name, &r);
	if (err)
		return err;
	err = picture_set_take_all(&s->pictures, r, in->name);
	mmtrace_reader_destroy(r);
	return err;
}

static struct error *read_input(struct source *s)
{
	struct error *err = input_read(s->path, NULL, &s->input);
	const struct input *in = &s->input;
	struct trace *t;

	if (err)
		return err;
	if (mmtrace_is(in->data, in->size))
		return read_stored_input(s);
	err = trace_open_bytes(in->name, in->data, in->size, NULL, &t);
	if (err)
		return err;
	s->trace_in_input = looks_like_trace(t, &s->probe);
	trace_close(t);
	if (s->trace_in_input)
		return NULL;
	err = capture_read_input(in, &s->log);
	s->has_boot = !err;
	return err;
}

static struct error *read_path(struct source *s)
{
	bool trace = false;
	struct error *err = capture_trace_path(s->path, &s->trace_path);

	if (!err)
		err = picture_set_read(s->path, &s->pictures);
	if (err)
		return err;
	s->trace_is_stored = s->trace_path && !is_folder(s->path);
	if (s->trace_is_stored)
		return take_boot(capture_read(s->path, &s->log), s);
	if (!is_folder(s->path))
		err = is_trace(s->path, &s->probe, &trace);
	if (!err && trace) {
		s->trace_path = strdup(s->path);
		return s->trace_path ? NULL : error_no_memory();
	}
	if (!err)
		err = capture_read(s->path, &s->log);
	s->has_boot = !err;
	return err;
}

/* @trace: a trace in place of its own, or NULL. */
static struct error *source_read(const char *path, const char *trace, struct source *ret)
{
	const struct input *in = &ret->input;
	struct error *err;

	ret->path = path;
	err = input_is_lasting(path) ? read_path(ret) : read_input(ret);
	if (!err)
		err = in->data ? scenario_store_is_input(in, &ret->is_scenario)
			       : scenario_store_is(path, &ret->is_scenario);
	if (!err && ret->is_scenario)
		err = in->data ? scenario_store_read_bytes(in->data, in->size, in->name, NULL,
							   &ret->scenario)
			       : scenario_store_read(path, &ret->scenario);
	if (err || !trace)
		return err;
	free(ret->trace_path);
	ret->trace_in_input = ret->trace_is_stored = false;
	ret->trace_path = strdup(trace);
	return ret->trace_path ? NULL : error_no_memory();
}

/* What the file calls its source: the folder's or file's own name. */
static const char *source_name(const struct source *s, char *buf, size_t size)
{
	size_t len = strlen(s->path);
	const char *slash;

	if (!strcmp(s->path, "-"))
		return "<stdin>";
	while (len > 1 && s->path[len - 1] == '/')
		len--;
	snprintf(buf, size, "%.*s", (int)(len < size ? len : size - 1), s->path);
	slash = strrchr(buf, '/');
	return slash && slash[1] ? slash + 1 : buf;
}

/* Adds to @note, which has room for @size bytes, that there are @count of @what. */
static void add_note(char *note, size_t size, const char *what, uint64_t count, uint64_t first_line)
{
	size_t len = strlen(note);

	snprintf(note + len, size - len, "%s%s: %" PRIu64 ", the first is line %" PRIu64,
		 len ? "; " : "", what, count, first_line);
}

/* What a reader of the trace could not make events of, in a sentence for the user. */
static char *note_of(const struct trace *t)
{
	const struct trace_stats *stats = trace_stats(t);
	const struct error *damage = trace_damage(t);
	char text[512], note[1024] = "";

	if (damage) {
		error_format(damage, text, sizeof(text));
		snprintf(note, sizeof(note), "%s; the events that are missing are stored as lost",
			 text);
	} else if (stats->damaged && !stats->first_damaged_line) {
		snprintf(note, sizeof(note),
			 "damaged blocks of the trace when it was stored: %" PRIu64,
			 stats->damaged);
	} else if (stats->damaged) {
		add_note(note, sizeof(note), "damaged lines of the trace", stats->damaged,
			 stats->first_damaged_line);
	} else if (stats->unknown) {
		add_note(note, sizeof(note), "lines of the trace that are not known",
			 stats->unknown, stats->first_unknown_line);
	}
	if (stats->gfp_unknown)
		add_note(note, sizeof(note), "events with GFP flags that this kernel does not have",
			 stats->gfp_unknown, stats->first_gfp_unknown_line);
	if (trace_is_disordered(t))
		add_note(note, sizeof(note), "events that stand behind later ones of other CPUs",
			 stats->behind_others, stats->first_behind_others_line);
	if (trace_runs_backwards(t))
		add_note(note, sizeof(note), "events that stand behind later ones of their own CPU",
			 stats->behind_own, stats->first_behind_own_line);
	return *note ? strdup(note) : NULL;
}

static struct error *open_trace(const struct source *s, const struct trace_options *how,
				struct trace **ret)
{
	const struct input *in = &s->input;

	if (s->trace_in_input)
		return trace_open_bytes(in->name, in->data, in->size, how, ret);
	return trace_open(s->trace_path, how, ret);
}

/* Is there a trace to be stored?  A stored boot may have one or not. */
static struct error *has_trace(const struct source *s, bool *ret)
{
	const struct event *events;
	struct error *err;
	struct trace *t;
	size_t count;

	*ret = s->trace_path || s->trace_in_input;
	if (!s->trace_is_stored)
		return NULL;
	err = open_trace(s, NULL, &t);
	if (err)
		return err;
	err = trace_next(t, &events, &count);
	*ret = !err && count;
	trace_close(t);
	return err;
}

static struct error *write_trace(struct cli *cli, struct source *s, struct mmtrace_writer *w)
{
	struct trace_options how = { 0 };
	uint32_t version;
	struct facts facts;
	struct error *err;
	struct trace *t;

	if (cli_era(cli, &version)) {
		facts_init(&facts, version);
		how.facts = &facts;
	} else if (s->has_boot) {
		how.facts = &s->log.input.facts;
	}
	err = open_trace(s, &how, &t);
	if (err)
		return err;
	err = trace_store(t, w, &s->events);
	/* A loss is stored as events are. */
	s->events -= err ? 0 : trace_stats(t)->events[EVENT_LOST];
	if (!err)
		s->trace_note = note_of(t);
	trace_close(t);
	return err;
}

static struct error *write_file(struct cli *cli, struct source *s, struct sink sink,
				struct mmtrace_written *ret)
{
	struct mmtrace_writer *w;
	struct error *err = mmtrace_writer_create(sink, &w);
	bool trace = false;
	char name[4096];

	if (err)
		return err;
	if (s->has_boot)
		err = boot_store_write(&s->log, source_name(s, name, sizeof(name)), w);
	if (!err && s->is_scenario)
		err = scenario_store_write_operations(s->scenario.operations,
						      s->scenario.operation_count, w);
	if (!err)
		err = picture_set_write(&s->pictures, w);
	if (!err)
		err = has_trace(s, &trace);
	if (!err && trace)
		err = write_trace(cli, s, w);
	if (!err)
		err = mmtrace_write_end(w);
	*ret = mmtrace_written(w);
	mmtrace_writer_destroy(w);
	return err;
}

/* ---- text -------------------------------------------------------------------------------------- */

static void print_block(FILE *out, struct mmtrace_reader *r, const struct mmtrace_block *block)
{
	const char *name = mmtrace_type_name(block->type);
	const ProtobufCMessage *message;
	struct sink sink = sink_to_file(out);
	struct error *err;

	fprintf(out,
		"# block %" PRIu32 ": %" PRIu32 " item%s, %" PRIu32 " bytes, packed to %" PRIu32
		"\n",
		block->number, block->items, block->items == 1 ? "" : "s", block->size,
		block->stored_bytes);
	if (!name) {
		fprintf(out, "# its type, %u, is not known here\n", block->type);
		return;
	}
	err = mmtrace_unpack(r, mmtrace_message(block->type), &message);
	if (err) {
		fprintf(out, "# damaged: %s\n", err->message);
		error_destroy(err);
		return;
	}
	for (; *name; name++)
		fputc(*name == ' ' ? '_' : *name, out);
	fputs(" {\n", out);
	message_text_write(message, 2, &sink);
	fputs("}\n", out);
}

/* Prints every whole block, and fails with the first damage. */
static enum cli_exit print_text(struct cli *cli, struct mmtrace_reader *r)
{
	FILE *out = cli_out(cli);
	struct mmtrace_block block;
	enum cli_exit code = CLI_OK;
	const struct error *first;
	char text[512];

	while (mmtrace_next(r, &block)) {
		if (block.error && block.error->block >= 0)
			fprintf(out, "# block %" PRIu32 ": damaged: %s\n", block.number,
				block.error->message);
		else if (block.error)
			fprintf(out, "# %s\n", block.error->message);
		else
			print_block(out, r, &block);
	}
	first = mmtrace_summary(r).first;
	if (first) {
		error_format(first, text, sizeof(text));
		code = cli_fail(cli, "%s", text);
	}
	mmtrace_reader_destroy(r);
	return code;
}

static enum cli_exit convert_to_text(struct cli *cli, struct source *s)
{
	struct mmtrace_written written;
	struct mmtrace_reader *r;
	struct sink_text file = { 0 };
	struct error *err = write_file(cli, s, sink_to_text(&file), &written);
	enum cli_exit code;

	if (!err && file.out_of_memory)
		err = error_no_memory();
	if (!err)
		err = mmtrace_reader_create_bytes(file.data, file.len, s->path, &r);
	code = err ? cli_fail_error(cli, error_in_file(err, s->path)) : print_text(cli, r);
	sink_text_deinit(&file);
	return code;
}

static enum cli_exit show_input(struct cli *cli, const struct input *in)
{
	struct mmtrace_reader *r;
	struct error *err = mmtrace_reader_create_bytes(in->data, in->size, in->name, &r);

	return err ? cli_fail_error(cli, err) : print_text(cli, r);
}

/* A stored file is shown as it is, whatever its blocks are; *@done_ret is false for any other source. */
static enum cli_exit show_stored(struct cli *cli, const char *path, bool *done_ret)
{
	struct mmtrace_reader *r;
	struct error *err = mmtrace_file_open(path, &r);

	*done_ret = err || r;
	if (err)
		return cli_fail_error(cli, err);
	return r ? print_text(cli, r) : CLI_OK;
}

/* ---- a stored file ----------------------------------------------------------------------------- */

static enum cli_exit report_json(struct cli *cli, const struct source *s, const char *path,
				 const struct mmtrace_written *written)
{
	struct json j;

	/* The output of the frame is the file. */
	json_init(&j, stdout, JSON_PRETTY);
	json_object_begin(&j);
	json_key_string(&j, "format", "mmreplay-convert-1");
	json_key_string(&j, "source", s->path);
	json_key_string(&j, "file", path);
	json_key_u64(&j, "blocks", written->blocks);
	json_key_u64(&j, "bytes", written->bytes);
	json_key_u64(&j, "message_bytes", written->message_bytes);
	json_key_u64(&j, "steps", s->log.input.step_count);
	json_key_u64(&j, "answers", s->log.recorded.count);
	json_key_u64(&j, "pictures", s->pictures.count);
	json_key_u64(&j, "events", s->events);
	json_object_end(&j);
	json_deinit(&j);
	if (fflush(stdout) || ferror(stdout))
		return cli_fail(cli, "cannot write standard output: %s", strerror(errno));
	return CLI_OK;
}

static void report(struct cli *cli, const struct source *s, const char *name,
		   const struct mmtrace_written *written)
{
	char trace[64] = "";

	if (s->events)
		snprintf(trace, sizeof(trace), ", %" PRIu64 " events", s->events);
	cli_note(cli,
		 "%s: %" PRIu32 " steps and %" PRIu32 " answers%s in %" PRIu64 " blocks, %" PRIu64
		 " bytes (%" PRIu64 " before packing)",
		 name, s->log.input.step_count, s->log.recorded.count, trace, written->blocks,
		 written->bytes, written->message_bytes);
}

static enum cli_exit convert_to_file(struct cli *cli, struct source *s)
{
	const char *path = cli_text(cli, "output");
	bool to_file = path && strcmp(path, "-");
	struct mmtrace_written written;
	struct error *err = write_file(cli, s, sink_to_file(cli_out(cli)), &written);

	if (err)
		return cli_fail_error(cli, error_in_file(err, s->path));
	if (fflush(cli_out(cli)))
		return to_file ? cli_fail(cli, "cannot write '%s': %s", path, strerror(errno))
			       : cli_fail(cli, "cannot write standard output: %s", strerror(errno));
	if (cli_has(cli, "json"))
		return report_json(cli, s, path, &written);
	report(cli, s, to_file ? path : "standard output", &written);
	return CLI_OK;
}

static bool is_empty(const struct source *s)
{
	const struct boot_log *log = &s->log;

	return !log->input.step_count && !log->input.firmware_count && !log->recorded.count &&
	       !s->trace_path && !s->trace_in_input;
}

/* Neither a boot nor a trace of page allocations: what is it instead? */
static enum cli_exit fail_empty(struct cli *cli, const struct source *s)
{
	const struct probe *p = &s->probe;

	if (p->damaged && p->first_damaged_line)
		return cli_fail(
			cli,
			"'%s' tells nothing that could be stored: line %" PRIu64
			" is of a page-allocation event, but cannot be read as ftrace, trace-cmd "
			"or perf script write it",
			s->path, p->first_damaged_line);
	if (p->others > p->unknown)
		return cli_fail(cli,
				"'%s' is a trace, but of other events than those of page "
				"allocation: the first is '%s'",
				s->path, p->other);
	if (p->ignored > p->unknown)
		return cli_fail(cli,
				"'%s' is a trace, but has headings, calls and stacks alone, and no "
				"event",
				s->path);
	return cli_fail(cli, "'%s' tells nothing that could be stored", s->path);
}

static enum cli_exit run(struct cli *cli)
{
	const char *path = cli_text(cli, "output");
	bool text = cli_has(cli, "text"), to_file = path && strcmp(path, "-"), done;
	struct source s = { 0 };
	enum cli_exit code;
	struct error *err;

	if (cli_has(cli, "json") && (text || !to_file))
		return cli_fail_usage(cli, "--json goes with a stored file: give -o FILE too");
	if (!text && !to_file && isatty(fileno(cli_out(cli))))
		return cli_fail_usage(
			cli, "a stored file is nothing to look at: give -o FILE, or --text");
	if (text && !cli_has(cli, "trace")) {
		code = show_stored(cli, cli_argument(cli, 0), &done);
		if (done)
			return code;
	}
	err = source_read(cli_argument(cli, 0), cli_text(cli, "trace"), &s);
	for (uint32_t i = 0; i < s.log.note_count && !err; i++)
		if (!s.log.notes[i].line)
			cli_note(cli, "%s", s.log.notes[i].what);
	if (err)
		code = cli_fail_error(cli, err);
	else if (text && s.input.data && mmtrace_is(s.input.data, s.input.size) && !s.trace_path)
		code = show_input(cli, &s.input);
	else if (is_empty(&s))
		code = fail_empty(cli, &s);
	else if (text)
		code = convert_to_text(cli, &s);
	else
		code = convert_to_file(cli, &s);
	if (s.trace_note)
		cli_note(cli, "%s", s.trace_note);
	source_deinit(&s);
	return code;
}

const struct command command_convert = {
	.name = "convert",
	.summary = "store a boot and its trace in one small file, or show what is stored",
	.description =
		"Reads any source and writes what mmreplay took from it to one file, by custom named "
		".mmtrace: what the boot was told, step by step, and what the kernel answered; the "
		"pictures of /proc that a folder has; and the events of its page-allocation trace. Every "
		"command reads such a file like its source and comes to the same results. The same "
		"source gives the same bytes.\n"
		"\n"
		"The trace of a folder is its file trace.txt, packed or not. --trace names one for a log, "
		"and a trace alone is a source too: --era tells then which kernel wrote it. Events take a "
		"byte each or less.\n"
		"\n"
		"The file is a row of blocks. Each has a head with a hash, and a payload: a protobuf "
		"message, packed by zstd. A reader that meets a damaged block says which, and reads on "
		"behind it; a boot is refused only when a block is damaged that it needs. "
		"docs/FORMAT.md tells every byte, for other tools.\n"
		"\n"
		"With --text the blocks are written in the text format of protobuf, each after a "
		"comment with its number and sizes; of a damaged file every whole block is shown, "
		"and the exit code is 2.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.run = run,
};
