/* SPDX-License-Identifier: MIT */
/* mmreplay confirm: the same machine under a real kernel. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/invariant.h"
#include "tools/booted.h"
#include "tools/confirm_machine.h"
#include "traces/capture.h"
#include "traces/compare.h"
#include "traces/firmware/acpi_write.h"
#include "traces/qemu.h"

static const struct cli_argument arguments[] = {
	{ .value = "FINDING",
	  .kind = CLI_KIND_FILE,
	  .help = "what fuzz found, or any other source: a capture folder, a log, a .mmtrace file" },
	{ 0 }
};

static const struct cli_option options[] = {
	{ .name = "folder",
	  .kind = CLI_KIND_FILE,
	  .value = "DIR",
	  .help = "make this folder and write everything there (default: confirm)" },
	{ .name = "kernel",
	  .kind = CLI_KIND_FILE,
	  .value = "IMAGE",
	  .help = "boot this kernel (a bzImage) there, and compare; without it nothing is run" },
	{ .name = "qemu",
	  .kind = CLI_KIND_FILE,
	  .value = "PROGRAM",
	  .help = "the emulator (default: qemu-system-x86_64)" },
	{ .name = "timeout",
	  .kind = CLI_KIND_NUMBER,
	  .value = "SECONDS",
	  .help = "how long a boot may take (default: 300)" },
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	CLI_OPTION_JSON,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay confirm finding.mmtrace --kernel /boot/vmlinuz-6.12",
	  "does a real 6.12 do what the model says?" },
	{ "mmreplay confirm finding.mmtrace --folder try && less try/run.sh",
	  "only write what is needed to try it" },
	{ 0 }
};

/* Nothing is there to run: how every boot ends that gets so far. */
static const char awaited_panic[] = "VFS: Unable to mount root fs";

static const char default_qemu[] = "qemu-system-x86_64", default_folder[] = "confirm";

/* What does not depend on where images and tables happen to lie. */
static bool is_comparable(enum answer_kind kind)
{
	switch (kind) {
	case ANSWER_FAKING_NODE:
	case ANSWER_ZONE_RANGE:
	case ANSWER_MOVABLE_START:
	case ANSWER_NODE_RANGE:
	case ANSWER_INITMEM:
	case ANSWER_NODE_PAGES:
	case ANSWER_MEMMAP_INIT:
	case ANSWER_FALLBACK:
	case ANSWER_ZONELIST:
	case ANSWER_POLICY_ZONE:
		return true;
	default:
		return false;
	}
}

static void keep_comparable(struct answers *a)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->count; i++)
		if (is_comparable(a->items[i].kind))
			a->items[kept++] = a->items[i];
	a->count = kept;
}

/* ---- what is written --------------------------------------------------------------------------- */

struct attempt {
	const char *folder, *qemu, *kernel; /* kernel: NULL, none is run */
	uint64_t timeout_seconds;
	struct qemu_machine machine;
};

static enum cli_exit write_bytes(struct cli *cli, const struct attempt *t, const char *name,
				 const void *data, size_t size, bool executable)
{
	char *path = malloc(strlen(t->folder) + strlen(name) + 2);
	enum cli_exit code = CLI_OK;
	FILE *f;

	if (!path)
		return cli_fail_error(cli, error_no_memory());
	sprintf(path, "%s/%s", t->folder, name);
	f = fopen(path, "wb");
	if (!f) {
		code = cli_fail(cli, "%s: %s", path, strerror(errno));
	} else {
		bool wrong = fwrite(data, 1, size, f) != size;

		wrong |= fclose(f) != 0;
		wrong |= executable && chmod(path, 0755);
		if (wrong)
			code = cli_fail(cli, "%s: %s", path, strerror(errno));
	}
	free(path);
	return code;
}

static enum cli_exit write_tables(struct cli *cli, const struct attempt *t,
				  const struct boot_input *in)
{
	struct acpi_bytes bytes = { 0 };
	enum cli_exit code = CLI_OK;
	struct error *err;

	if (t->machine.has_srat) {
		err = srat_write(in, &bytes);
		code = err ? cli_fail_error(cli, err)
			   : write_bytes(cli, t, "SRAT.aml", bytes.data, bytes.size, false);
		free(bytes.data);
	}
	if (code == CLI_OK && t->machine.has_slit) {
		bytes = (struct acpi_bytes){ 0 };
		err = slit_write(in, &bytes);
		code = err ? cli_fail_error(cli, err)
			   : write_bytes(cli, t, "SLIT.aml", bytes.data, bytes.size, false);
		free(bytes.data);
	}
	return code;
}

/*
 * A kernel that panics before it knows of panic= waits for ever, and so does one whose early exception is
 * nobody's: what is printed is looked at as it comes.
 */
static const char script_end[] =
	"\t-display none -monitor none -no-reboot -serial \"file:$here/serial.txt\" "
	"</dev/null >\"$here/qemu.txt\" 2>&1 &\n"
	"emulator=$!\n"
	"trap 'kill $emulator' INT TERM\n"
	"# A kernel that panics early does not end, so that it is ended.\n"
	"while sleep 1; do\n"
	"\tgrep -qs -e 'end Kernel panic' -e 'PANIC: early exception' \"$here/serial.txt\" &&\n"
	"\t\tkill $emulator\n"
	"done >/dev/null 2>&1 &\n"
	"watch=$!\n"
	"wait $emulator\n"
	"status=$?\n"
	"kill $watch\n"
	"exit $status\n";

static enum cli_exit write_script(struct cli *cli, const struct attempt *t)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	enum cli_exit code;

	sink_puts(
		&sink,
		"#!/bin/sh\n"
		"# run.sh IMAGE [QEMU]: boots the kernel IMAGE on this machine and leaves what it\n"
		"# printed in serial.txt. It ends by itself: without a root file system a kernel\n"
		"# panics, and the emulator then stops.\n"
		"here=$(dirname -- \"$0\")\n"
		"rm -f \"$here/serial.txt\"\n"
		"timeout ");
	sink_printf(&sink,
		    "%" PRIu64
		    " \"${2:-%s}\" -accel tcg,thread=single -machine pc,memory-backend=ram \\\n",
		    t->timeout_seconds, default_qemu);
	sink_printf(&sink,
		    "\t-object memory-backend-ram,id=ram,size=%" PRIu64 ",reserve=off -m %" PRIu64
		    "M -smp %" PRIu32 " \\\n",
		    t->machine.ram_bytes, t->machine.ram_bytes >> 20, t->machine.cpus);
	if (t->machine.has_srat)
		sink_puts(&sink, "\t-acpitable file=\"$here/SRAT.aml\" \\\n");
	if (t->machine.has_slit)
		sink_puts(&sink, "\t-acpitable file=\"$here/SLIT.aml\" \\\n");
	sink_puts(&sink, "\t-kernel \"$1\" -append \"$(cat \"$here/command-line.txt\")\" \\\n");
	sink_puts(&sink, script_end);
	if (text.out_of_memory)
		code = cli_fail_error(cli, error_no_memory());
	else
		code = write_bytes(cli, t, "run.sh", text.data, text.len, true);
	sink_text_deinit(&text);
	return code;
}

static enum cli_exit write_all(struct cli *cli, const struct attempt *t,
			       const struct boot_input *in)
{
	enum cli_exit code;

	if (mkdir(t->folder, 0777))
		return cli_fail(cli, "the folder '%s' cannot be made: %s", t->folder,
				strerror(errno));
	code = write_bytes(cli, t, "command-line.txt", t->machine.command_line,
			   strlen(t->machine.command_line), false);
	if (code == CLI_OK)
		code = write_tables(cli, t, in);
	if (code == CLI_OK)
		code = write_script(cli, t);
	return code;
}

/* ---- running ----------------------------------------------------------------------------------- */

static enum cli_exit run_script(struct cli *cli, const struct attempt *t)
{
	char *script = malloc(strlen(t->folder) + sizeof("/run.sh"));
	int status = 0;
	pid_t child;

	if (!script)
		return cli_fail_error(cli, error_no_memory());
	sprintf(script, "%s/run.sh", t->folder);
	fflush(NULL);
	child = fork();
	if (!child) {
		execl("/bin/sh", "sh", script, t->kernel, t->qemu, (char *)NULL);
		_exit(127);
	}
	if (child > 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	free(script);
	if (child < 0)
		return cli_fail(cli, "the emulator cannot be started: %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 124)
		cli_note(cli, "the kernel was stopped after %" PRIu64 " seconds",
			 t->timeout_seconds);
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		return cli_fail(cli, "%s ended with status %d; %s/qemu.txt has what it said",
				t->qemu, WIFEXITED(status) ? WEXITSTATUS(status) : 128, t->folder);
	return CLI_OK;
}

static FILE *open_serial(const struct attempt *t)
{
	char *path = malloc(strlen(t->folder) + sizeof("/serial.txt"));
	FILE *f = NULL;

	if (path) {
		sprintf(path, "%s/serial.txt", t->folder);
		f = fopen(path, "rb");
	}
	free(path);
	return f;
}

/* Where in @line it is told why a kernel ended; NULL: nowhere. */
static char *reason_in(char *line)
{
	static const char *const marks[] = { "Kernel panic - not syncing: ",
					     "PANIC: early exception" };
	char *at;

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		at = strstr(line, marks[i]);
		if (at && !strstr(line, "end Kernel panic"))
			return i ? at : at + strlen(marks[i]);
	}
	return NULL;
}

/*
 * Why the kernel panicked, which is the caller's to free(); NULL: it did not, or there is no memory, or it
 * is the panic that ends every boot here.
 */
static char *find_panic(const struct attempt *t)
{
	char *line = NULL, *reason = NULL, *found = NULL;
	FILE *f = open_serial(t);
	size_t room = 0;

	while (f && !found && getline(&line, &room, f) >= 0) {
		reason = reason_in(line);
		if (!reason)
			continue;
		for (char *p = reason; *p; p++)
			if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
				*p = 0;
		found = strdup(reason);
	}
	free(line);
	if (f)
		fclose(f);
	if (found && !strncmp(found, awaited_panic, strlen(awaited_panic))) {
		free(found);
		return NULL;
	}
	return found;
}

static bool printed_nothing(const struct attempt *t)
{
	FILE *f = open_serial(t);
	bool nothing = !f || fgetc(f) == EOF;

	if (f)
		fclose(f);
	return nothing;
}

/* The log that was printed there. */
static enum cli_exit read_serial(struct cli *cli, const struct attempt *t, struct boot_log *log)
{
	char *path, *reason;
	enum cli_exit code;
	struct error *err;

	if (printed_nothing(t))
		return cli_fail(cli,
				"the kernel printed nothing at all; %s/qemu.txt has what the "
				"emulator said",
				t->folder);
	path = malloc(strlen(t->folder) + sizeof("/serial.txt"));
	if (!path)
		return cli_fail_error(cli, error_no_memory());
	sprintf(path, "%s/serial.txt", t->folder);
	err = capture_read(path, log);
	free(path);
	if (!err)
		keep_comparable(&log->recorded);
	reason = find_panic(t);
	if (reason && (err || !log->recorded.count)) {
		error_destroy(err);
		code = cli_fail(cli,
				"the kernel panicked before it said anything that could be "
				"compared: %s; see %s/serial.txt",
				reason, t->folder);
	} else if (err) {
		code = cli_fail_error(cli, err);
	} else if (!log->recorded.count) {
		code = cli_fail(
			cli, "the kernel printed nothing that could be compared; see %s/serial.txt",
			t->folder);
	} else {
		if (reason)
			cli_note(cli,
				 "the kernel panicked, and what it had said by then counts: %s",
				 reason);
		code = CLI_OK;
	}
	free(reason);
	return code;
}

/* ---- comparing --------------------------------------------------------------------------------- */

struct side {
	struct machine m;
	struct comparison c;
	struct findings findings;
};

/* Boots @in with @facts and holds it against what the kernel said. */
static bool compare_side(struct side *s, const struct boot_input *in, const struct facts *facts,
			 const struct answers *recorded)
{
	struct boot_input own = *in;

	own.facts = *facts;
	arch_config_apply_facts(&own.config, &own.facts);
	machine_init(&s->m);
	boot_run(&s->m, &own, STAGE_LATE);
	if (s->m.out_of_memory)
		return false;
	keep_comparable(&s->m.answers);
	findings_clear(&s->findings);
	invariant_check_machine(&s->m, INVARIANT_COST_DEEP, &s->findings);
	return compare_answers(recorded, &s->m.answers, &s->c);
}

static void side_deinit(struct side *s)
{
	comparison_deinit(&s->c);
	machine_deinit(&s->m);
}

static uint32_t agreeing(const struct side *s)
{
	return s->c.total[COMPARE_AGREE] + s->c.total[COMPARE_GIVEN];
}

static void print_value(FILE *out, const char *label, const struct answer_text *text,
			const struct answers *as, const struct answer *a)
{
	struct sink sink = sink_to_file(out);

	fprintf(out, "    %-7s", label);
	if (a)
		answer_text_value(text, as, a, &sink);
	else
		fputs("nothing", out);
	fputc('\n', out);
}

static void print_side(struct cli *cli, const char *whose, const struct side *s,
		       const struct boot_input *in, const struct answers *recorded)
{
	uint32_t differ = comparison_differences(&s->c);
	FILE *out = cli_out(cli);
	struct sink sink = sink_to_file(out);
	struct answer_text text = { 0 };

	fprintf(out, "%s: %" PRIu32 " of %" PRIu32 " facts agree\n", whose, agreeing(s),
		agreeing(s) + differ);
	answer_text_init(&text, in, &s->m.answers);
	for (uint32_t i = 0; i < s->c.count; i++) {
		const struct compare_row *row = &s->c.rows[i];

		if (!compare_is_difference(row->verdict))
			continue;
		fputs("  ", out);
		answer_text_key(&text, row->recorded ? row->recorded : row->model, &sink);
		fputc('\n', out);
		print_value(out, "kernel", &text, recorded, row->recorded);
		print_value(out, "model", &text, &s->m.answers, row->model);
	}
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		if (!s->findings.count[i])
			continue;
		fputs("  broken ", out);
		finding_print(&s->findings.first[i], &sink);
	}
}

static void json_side(struct json *j, const char *key, const struct side *s)
{
	json_key_object_begin(j, key);
	json_key_u64(j, "agree", agreeing(s));
	json_key_u64(j, "differ", comparison_differences(&s->c));
	json_key_array_begin(j, "broken");
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++)
		if (s->findings.count[i])
			json_string(j, invariant_info((enum invariant)i)->id);
	json_array_end(j);
	json_object_end(j);
}

static enum cli_exit compare(struct cli *cli, const struct attempt *t, const struct boot_input *in)
{
	struct side said = { 0 }, own = { 0 };
	struct boot_log real = { 0 };
	enum cli_exit code = read_serial(cli, t, &real);

	if (code == CLI_OK && (!compare_side(&said, in, &in->facts, &real.recorded) ||
			       !compare_side(&own, in, &real.input.facts, &real.recorded)))
		code = cli_fail_error(cli, error_no_memory());
	if (code == CLI_OK) {
		if (cli_has(cli, "json")) {
			struct json j;

			cli_json_begin(cli, &j, 1);
			json_key_string(&j, "folder", t->folder);
			json_key_string(&j, "kernel", real.input.version_text);
			json_side(&j, "as_given", &said);
			json_side(&j, "as_that_kernel", &own);
			json_object_end(&j);
			json_deinit(&j);
		} else {
			fprintf(cli_out(cli), "kernel %s\n", real.input.version_text);
			print_side(cli, "the model as given", &said, in, &real.recorded);
			print_side(cli, "the model of that kernel", &own, in, &real.recorded);
		}
		code = comparison_differences(&said.c) ? CLI_FINDING : CLI_OK;
	}
	side_deinit(&said);
	side_deinit(&own);
	boot_log_deinit(&real);
	return code;
}

static enum cli_exit run(struct cli *cli)
{
	struct attempt t = { .folder = cli_text(cli, "folder"),
			     .qemu = cli_text(cli, "qemu"),
			     .kernel = cli_text(cli, "kernel"),
			     .timeout_seconds = cli_number(cli, "timeout", 300) };
	struct booted b = { 0 };
	struct roomy machine = { 0 };
	enum cli_exit code = booted_read(cli, STAGE_LATE, false, &b);
	struct error *err;

	if (!t.folder)
		t.folder = default_folder;
	if (!t.qemu)
		t.qemu = default_qemu;
	if (code == CLI_OK)
		code = confirm_machine(cli, &b, &machine);
	if (code == CLI_OK) {
		err = qemu_machine_make(&machine.input, &t.machine);
		if (err)
			code = cli_fail_error(cli, error_in_file(err, b.path));
	}
	if (code == CLI_OK && t.kernel && access(t.kernel, R_OK))
		code = cli_fail(cli, "%s: %s", t.kernel, strerror(errno));
	if (code == CLI_OK)
		code = write_all(cli, &t, &machine.input);
	if (code == CLI_OK && !t.kernel)
		cli_note(cli, "%s has what is needed; '%s/run.sh IMAGE' boots it", t.folder,
			 t.folder);
	if (code == CLI_OK && t.kernel)
		code = run_script(cli, &t);
	if (code == CLI_OK && t.kernel)
		code = compare(cli, &t, &machine.input);
	qemu_machine_deinit(&t.machine);
	roomy_deinit(&machine);
	booted_deinit(&b);
	return code;
}

const struct command command_confirm = {
	.name = "confirm",
	.summary = "try the same machine on a real kernel under QEMU",
	.description =
		"Writes a folder with what a real kernel needs to meet the same machine: a command line "
		"that gives the firmware map (memmap=exactmap), an SRAT and a SLIT with the nodes, and "
		"a script that starts QEMU with them. With --kernel that kernel is booted there, and "
		"what it says about nodes, zones and fallback orders is held against the model twice: "
		"with the facts as given, and with those of the kernel that was booted.\n"
		"\n"
		"A kernel needs RAM from 16 to 80 MiB, where its image lies. A finding on a machine "
		"without gets it if the model says that the same invariants break with it, which is "
		"said, and is refused otherwise. The same goes for nodes without a name below the "
		"highest, because a kernel leaves no number out. A kernel that panics early is ended, "
		"and its reason told.\n"
		"\n"
		"What cannot be had under QEMU is said: RAM from 3 to 4 GiB of a machine with more "
		"than 3.5 GiB, RAM near or beyond 1 TiB, other architectures than x86_64. Reservations "
		"are not compared, they are the booted kernel's own.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.finding = "the kernel and the model as given differ",
	.run = run,
};
