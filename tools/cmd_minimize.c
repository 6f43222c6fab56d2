/* SPDX-License-Identifier: MIT */
/* mmreplay minimize: the smallest trace, on the smallest machine, that still shows it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/booted.h"
#include "tools/suspect.h"
#include "tools/text.h"
#include "traces/reduce.h"

static const struct cli_argument arguments[] = { CLI_ARGUMENT_SRC, { 0 } };

static const struct cli_option options[] = {
	SUSPECT_OPTION_FAILS,
	SUSPECT_OPTION_TRACE,
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	{ .name = "good",
	  .kind = CLI_KIND_TEXT,
	  .value = "ERA",
	  .help = "it must not fail on this kernel, or on the one that was 'recorded': what is left "
		  "then shows the difference between the two" },
	{ .name = "good-set",
	  .kind = CLI_KIND_SET,
	  .value = "FACT=VALUE",
	  .repeatable = true,
	  .help = "... with this fact overridden; without --good, on the recorded kernel" },
	CLI_OPTION_JSON,
	{ .name = "output",
	  .letter = 'o',
	  .kind = CLI_KIND_FILE,
	  .value = "FILE",
	  .help = "write what is left to FILE, a stored trace, which is there, whole, from "
		  "the first success on" },
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay minimize SRC --fails 'alloc-fails(order=4) > 3' -o small.mmtrace",
	  "which requests does it take for four failures?" },
	{ "mmreplay minimize SRC --fails 'differs-from 6.12' -o small.mmtrace",
	  "the least that comes out otherwise on another kernel" },
	{ "mmreplay minimize SRC --fails boot-differs --era 5.10 --good recorded -o FILE",
	  "the smallest machine on which the two kernels differ as recorded" },
	{ 0 }
};

/* So many smaller ones at most are not yet in the file. */
enum { STEPS_NOT_STORED = 64 };

struct minimisation {
	struct cli *cli;
	struct subject_file file;
	const volatile sig_atomic_t *stop;
	struct facts own; /* those of the source, which are what is stored */
	uint32_t own_version;
	bool to_file;
	uint64_t stored_size; /* parts of what was put in place last; 0: nothing was */
	unsigned int not_stored; /* smaller ones since then */
	enum cli_exit failed; /* what writing it came to */
};

/* ---- the file ------------------------------------------------------------------------------------ */

static uint64_t size_of(const struct subject *s)
{
	uint64_t size = 1;

	for (unsigned int part = 0; part < CUT_COUNT; part++)
		size += cut_count(s, (enum cut_part)part);
	return size;
}

/* As the kernel that was recorded: --era and --set are the question, not the trace. */
static struct error *store(struct minimisation *m, const struct subject *s)
{
	struct subject stored = *s;

	stored.log.input.version = m->own_version;
	subject_set_facts(&stored, &m->own);
	return subject_write(&stored, cli_argument(m->cli, 0), sink_to_file(cli_out(m->cli)));
}

static struct error *put_in_place(struct minimisation *m, const struct subject *s)
{
	struct error *err = store(m, s);

	if (err)
		return err;
	m->failed = cli_put_in_place(m->cli);
	if (m->failed != CLI_OK)
		return error_create(ERROR_OS, NULL, 0, 0, "cannot write");
	return NULL;
}

/* Writing takes longer than most tests: it is done when a good part went, or after many small steps. */
static struct error *on_better(void *ctx, const struct subject *best)
{
	struct minimisation *m = ctx;
	uint64_t size;

	if (!m->to_file)
		return NULL;
	size = size_of(best);
	if (m->stored_size && size > m->stored_size - m->stored_size / 8 &&
	    ++m->not_stored < STEPS_NOT_STORED)
		return NULL;
	m->stored_size = size;
	m->not_stored = 0;
	return put_in_place(m, best);
}

static bool on_test(void *ctx, const struct reduce_progress *p)
{
	struct minimisation *m = ctx;

	if (p->tests % 16 == 0)
		cli_progress(m->cli,
			     "%" PRIu32 " events left; %s: %" PRIu32 " left; %" PRIu64 " tests",
			     p->events + p->operations, p->doing, p->parts, p->tests);
	return !*m->stop;
}

/* ---- report -------------------------------------------------------------------------------------- */

static void report_text(FILE *out, const struct minimisation *m, const struct reduced *r)
{
	text_wrap(out, 0, 14, r->judgement.why);
	fprintf(out, "%-28s %10s %10s\n", "", "before", "after");
	for (unsigned int part = 0; part < CUT_COUNT; part++)
		if (r->before[part])
			fprintf(out, "%-28s %10" PRIu32 " %10" PRIu32 "\n",
				cut_name((enum cut_part)part), r->before[part], r->after[part]);
	fprintf(out, "%" PRIu64 " tests\n", r->tests);
	if (r->proven)
		fprintf(out, "'%s' holds, and does not without any one of what is left.\n",
			cli_text(m->cli, "fails"));
	else
		fprintf(out, "Stopped: this is the best so far.\n");
}

static void report_json(FILE *out, const struct minimisation *m, const struct reduced *r)
{
	struct json j;

	json_init(&j, out, JSON_PRETTY);
	json_object_begin(&j);
	json_key_string(&j, "format", "mmreplay-minimize-1");
	json_key_string(&j, "source", cli_argument(m->cli, 0));
	json_key_string(&j, "file", cli_text(m->cli, "output"));
	json_key_string(&j, "fails", cli_text(m->cli, "fails"));
	json_key_string(&j, "why", r->judgement.why);
	json_key_bool(&j, "minimal", r->proven);
	json_key_u64(&j, "tests", r->tests);
	json_key_array_begin(&j, "parts");
	for (unsigned int part = 0; part < CUT_COUNT; part++) {
		if (!r->before[part])
			continue;
		json_object_begin(&j);
		json_key_string(&j, "kind", cut_name((enum cut_part)part));
		json_key_u64(&j, "before", r->before[part]);
		json_key_u64(&j, "after", r->after[part]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

/* The output of the frame is the file: what there is to say goes to standard output beside it. */
static enum cli_exit report(const struct minimisation *m, const struct reduced *r)
{
	FILE *out = m->to_file ? stdout : stderr;

	cli_progress(m->cli, "%s", "");
	if (cli_has(m->cli, "json"))
		report_json(out, m, r);
	else
		report_text(out, m, r);
	if (fflush(out) || ferror(out))
		return cli_fail(m->cli, "cannot write standard output: %s", strerror(errno));
	return r->proven ? CLI_OK : CLI_FINDING;
}

/* ---- run ----------------------------------------------------------------------------------------- */

/* The machine of --good and --good-set; false: there is none.  *@code says what went wrong. */
static bool read_good(struct minimisation *m, struct facts *ret, enum cli_exit *code)
{
	const char *era = cli_text(m->cli, "good"), *set = cli_text_at(m->cli, "good-set", 0);
	uint32_t version;

	*code = CLI_OK;
	if (!era && !set)
		return false;
	*ret = m->own;
	if (era && strcmp(era, "recorded")) {
		if (!facts_parse_version(era, &version)) {
			*code = cli_fail_usage(m->cli, "--good is 'recorded' or an era, not '%s'",
					       era);
			return false;
		}
		facts_init(ret, version);
	}
	for (unsigned int i = 0; set; set = cli_text_at(m->cli, "good-set", ++i))
		facts_set(ret, set);
	return true;
}

static enum cli_exit minimise_it(struct minimisation *m, const struct facts *good)
{
	const struct reduce_options how = { .predicate = cli_text(m->cli, "fails"),
					    .good = good,
					    .go_on = on_test,
					    .better = on_better,
					    .ctx = m };
	struct reduced r = { 0 };
	struct error *err = reduce(&m->file.subject, &how, &r);
	enum cli_exit code = CLI_OK;

	if (!err)
		err = store(m, &r.subject);
	if (err && m->failed != CLI_OK) {
		/* It was said when it happened. */
		error_destroy(err);
		code = m->failed;
	} else if (err) {
		code = cli_fail_error(m->cli, err);
	}
	if (code == CLI_OK)
		code = report(m, &r);
	reduced_deinit(&r);
	return code;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return b && !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum cli_exit prepare(struct minimisation *m)
{
	const char *output = cli_text(m->cli, "output");
	struct predicate *p = NULL;
	enum cli_exit code;

	if (!output)
		return cli_fail_usage(m->cli,
				      "where to put what is left is not told: give -o FILE");
	m->to_file = strcmp(output, "-") != 0;
	if (m->to_file && (is_same_file(output, cli_argument(m->cli, 0)) ||
			   is_same_file(output, cli_text(m->cli, "trace"))))
		return cli_fail_usage(m->cli,
				      "'%s' is what is read, and stays as it is: give "
				      "another FILE",
				      output);
	code = suspect_predicate(m->cli, &p);
	predicate_destroy(p);
	return code == CLI_OK ? suspect_read(m->cli, &m->file) : code;
}

static enum cli_exit run(struct cli *cli)
{
	struct minimisation m = { .cli = cli };
	struct facts good;
	bool has_good;
	enum cli_exit code = prepare(&m);

	if (code == CLI_OK) {
		m.own = m.file.subject.traced_facts;
		m.own_version = m.file.log.input.version;
		has_good = read_good(&m, &good, &code);
		cli_stop_softly(&m.stop);
		if (code == CLI_OK)
			code = minimise_it(&m, has_good ? &good : NULL);
	}
	subject_file_deinit(&m.file);
	return code;
}

const struct command command_minimize = {
	.name = "minimize",
	.summary = "cut a trace and its machine down to what still shows a problem",
	.description =
		"Looks for the smallest trace, on the smallest machine, for which the predicate of --fails "
		"still holds. Events go first, each free with its allocation; then recorded answers, CPUs, "
		"nodes, steps of the boot, ranges, zones and words of the command line; then values: orders "
		"go down, ranges end at round places, what only labels an event is wiped. It is done when "
		"leaving out any single one of what is left was tried, and failed.\n"
		"\n"
		"The predicate is tried on both ends first: one that does not hold for SRC, or holds for "
		"any trace, is refused.\n"
		"\n"
		"FILE of -o is written again and again on the way, each time whole. SIGINT ends the search "
		"and keeps the best so far (exit code 1); killed, the program leaves what it wrote last.\n"
		"\n"
		"--era and --set say which machine fails. They are not stored: FILE names the kernel that "
		"SRC does. 'mmreplay help --predicates' lists what can be asked, and docs/BISECT.md tells more.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.finding = "it was stopped, and FILE is the best so far",
	.run = run,
};
