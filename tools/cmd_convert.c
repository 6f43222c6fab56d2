/* SPDX-License-Identifier: MIT */
/* mmreplay convert: any source as a stored file, and a stored file as text. */
#include <errno.h>
#include <inttypes.h>
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

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

static const struct cli_option options[] = {
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
	{ "mmreplay convert boot.mmtrace --text | less", "read what is stored" },
	{ 0 }
};

/* A boot and, if it came as a stored file, the file. */
struct source {
	const char *path;
	bool stored; /* @input is a stored file, and @log is not read */
	struct input input;
	struct boot_log log;
};

/* @stored: take a stored file as it is. */
static struct error *source_read(const char *path, bool stored, struct source *ret)
{
	struct error *err;
	struct stat st;

	ret->path = path;
	if (strcmp(path, "-") && !stat(path, &st) && S_ISDIR(st.st_mode))
		return capture_read(path, &ret->log);
	err = input_read(path, NULL, &ret->input);
	if (err)
		return err;
	ret->stored = stored && mmtrace_is(ret->input.data, ret->input.size);
	return ret->stored ? NULL : capture_read_input(&ret->input, &ret->log);
}

static void source_deinit(struct source *s)
{
	input_deinit(&s->input);
	boot_log_deinit(&s->log);
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

static struct error *write_file(const struct source *s, struct sink sink,
				struct mmtrace_written *ret)
{
	struct mmtrace_writer *w;
	struct error *err = mmtrace_writer_create(sink, &w);
	char name[4096];

	if (err)
		return err;
	err = boot_store_write(&s->log, source_name(s, name, sizeof(name)), w);
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
static enum cli_exit print_text(struct cli *cli, const void *data, size_t size, const char *name)
{
	FILE *out = cli_out(cli);
	struct mmtrace_block block;
	struct mmtrace_reader *r;
	struct error *err = mmtrace_reader_create_bytes(data, size, name, &r);
	enum cli_exit code = CLI_OK;
	const struct error *first;
	char text[512];

	if (err)
		return cli_fail_error(cli, err);
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

static enum cli_exit convert_to_text(struct cli *cli, const struct source *s)
{
	struct mmtrace_written written;
	struct sink_text file = { 0 };
	struct error *err;
	enum cli_exit code;

	if (s->stored)
		return print_text(cli, s->input.data, s->input.size, s->input.name);
	err = write_file(s, sink_to_text(&file), &written);
	if (!err && file.out_of_memory)
		err = error_no_memory();
	code = err ? cli_fail_error(cli, error_in_file(err, s->path))
		   : print_text(cli, file.data, file.len, s->path);
	sink_text_deinit(&file);
	return code;
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
	json_object_end(&j);
	json_deinit(&j);
	if (fflush(stdout) || ferror(stdout))
		return cli_fail(cli, "cannot write standard output: %s", strerror(errno));
	return CLI_OK;
}

static enum cli_exit convert_to_file(struct cli *cli, const struct source *s)
{
	const char *path = cli_text(cli, "output");
	bool to_file = path && strcmp(path, "-");
	struct mmtrace_written written;
	struct error *err = write_file(s, sink_to_file(cli_out(cli)), &written);

	if (err)
		return cli_fail_error(cli, error_in_file(err, s->path));
	if (fflush(cli_out(cli)))
		return to_file ? cli_fail(cli, "cannot write '%s': %s", path, strerror(errno))
			       : cli_fail(cli, "cannot write standard output: %s", strerror(errno));
	if (cli_has(cli, "json"))
		return report_json(cli, s, path, &written);
	cli_note(cli,
		 "%s: %" PRIu32 " steps and %" PRIu32 " answers in %" PRIu64 " blocks, %" PRIu64
		 " bytes (%" PRIu64 " before packing)",
		 to_file ? path : "standard output", s->log.input.step_count, s->log.recorded.count,
		 written.blocks, written.bytes, written.message_bytes);
	return CLI_OK;
}

static bool is_empty(const struct boot_log *log)
{
	return !log->input.step_count && !log->input.firmware_count && !log->recorded.count;
}

static enum cli_exit run(struct cli *cli)
{
	const char *path = cli_text(cli, "output");
	bool text = cli_has(cli, "text"), to_file = path && strcmp(path, "-");
	struct source s = { 0 };
	enum cli_exit code;
	struct error *err;

	if (cli_has(cli, "json") && (text || !to_file))
		return cli_fail_usage(cli, "--json goes with a stored file: give -o FILE too");
	if (!text && !to_file && isatty(fileno(cli_out(cli))))
		return cli_fail_usage(
			cli, "a stored file is nothing to look at: give -o FILE, or --text");
	err = source_read(cli_argument(cli, 0), text, &s);
	for (uint32_t i = 0; i < s.log.note_count && !err; i++)
		if (!s.log.notes[i].line)
			cli_note(cli, "%s", s.log.notes[i].what);
	if (err)
		code = cli_fail_error(cli, err);
	else if (!s.stored && is_empty(&s.log))
		code = cli_fail(cli, "'%s' tells nothing that could be stored", s.path);
	else if (text)
		code = convert_to_text(cli, &s);
	else
		code = convert_to_file(cli, &s);
	source_deinit(&s);
	return code;
}

const struct command command_convert = {
	.name = "convert",
	.summary = "store a boot in one small file, or show what is stored",
	.description =
		"Reads any source and writes what mmreplay took from it to one file, by custom named "
		".mmtrace: what the boot was told, step by step, and what the kernel answered. Every "
		"command reads such a file like its source and comes to the same results. The same "
		"source gives the same bytes.\n"
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
