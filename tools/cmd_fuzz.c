/* SPDX-License-Identifier: MIT */
/* mmreplay fuzz: campaigns against what must hold. */
#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/sink.h"
#include "fuzz/campaign/apart.h"
#include "fuzz/campaign/campaign.h"
#include "fuzz/campaign/engine.h"
#include "fuzz/campaign/kept.h"
#include "fuzz/campaign/merge.h"
#include "fuzz/campaign/recipe.h"
#include "fuzz/corpus.h"
#include "fuzz/settings.h"
#include "tools/cli.h"
#include "tools/text.h"

static const struct cli_argument arguments[] = {
	{ .value = "RECIPE",
	  .optional = true,
	  .kind = CLI_KIND_FILE,
	  .help = "a file of settings, as in fuzz/campaigns; options given beside it count more" },
	{ 0 }
};

static const struct cli_option options[] = {
	{ .name = "target",
	  .kind = CLI_KIND_TEXT,
	  .value = "TARGET",
	  .repeatable = true,
	  .help = "try this property (default: all of machines and their lives); --list names them" },
	{ .name = "engine",
	  .kind = CLI_KIND_CHOICE,
	  .value = "ENGINE",
	  .choices = engine_names,
	  .help = "what makes up the inputs: our own driver (the default), libFuzzer or AFL++, whose "
		  "programs are built apart" },
	{ .name = "engines",
	  .kind = CLI_KIND_FILE,
	  .value = "DIR",
	  .help = "where the programs of the engine are, such as bazel-bin/fuzz (default: beside "
		  "mmreplay, or in ../fuzz from there)" },
	{ .name = "sync",
	  .kind = CLI_KIND_FILE,
	  .value = "DIR",
	  .help = "let the engine keep its inputs in this folder, for all machines that see it; each "
		  "has a --seed of its own" },
	{ .name = "captures",
	  .kind = CLI_KIND_FILE,
	  .value = "DIR",
	  .help = "begin with what the captures in this folder have for the targets, too" },
	{ .name = "input",
	  .kind = CLI_KIND_FILE,
	  .value = "FILE",
	  .repeatable = true,
	  .help = "begin with this input, too, as findings and the corpus have them; for one --target "
		  "alone. Without --target: run this finding again, as it was found, and nothing else" },
	{ .name = "list", .kind = CLI_KIND_FLAG, .help = "list the targets, and do nothing else" },
	CLI_OPTION_ERA,
	CLI_OPTION_SET,
	{ .name = "as-is",
	  .kind = CLI_KIND_FLAG,
	  .help = "leave the rules that a kernel is known to have wrong as it has them; otherwise all "
		  "known ones are right, but for --set" },
	{ .name = "jobs",
	  .kind = CLI_KIND_NUMBER,
	  .value = "N",
	  .help = "how many processes (default: one for each CPU)" },
	{ .name = "time",
	  .kind = CLI_KIND_TEXT,
	  .value = "DURATION",
	  .help = "stop after so long: 60s, 10m, 8h, 3d (default: 60s; 0: only when interrupted)" },
	{ .name = "executions",
	  .kind = CLI_KIND_NUMBER,
	  .value = "N",
	  .help = "stop when each process tried so many inputs on each target" },
	{ .name = "seed",
	  .kind = CLI_KIND_NUMBER,
	  .value = "N",
	  .help = "where the draws begin (default: 1)" },
	{ .name = "out",
	  .kind = CLI_KIND_FILE,
	  .value = "DIR",
	  .help = "make this folder and keep everything there (default: fuzz-results)" },
	{ .name = "resume",
	  .kind = CLI_KIND_FLAG,
	  .help = "go on with the campaign in the folder, with the settings it has; those that are given "
		  "must be the same" },
	{ .name = "merge",
	  .kind = CLI_KIND_FILE,
	  .value = "DIR",
	  .repeatable = true,
	  .help = "add what the campaign in this folder found to that of --out, and try nothing" },
	CLI_OPTION_JSON,
	{ 0 }
};

static const struct cli_example examples[] = {
	{ "mmreplay fuzz --time 60s", "a minute on all CPUs; exit code 1 if anything broke" },
	{ "mmreplay fuzz --set node_load_accumulates=off --time 10s",
	  "is a wrong rule noticed, and on which machine?" },
	{ "mmreplay replay fuzz-results/findings/0001-fallback-balance.mmtrace",
	  "see what was found" },
	{ "mmreplay fuzz --input fuzz-results/findings/0002-memblock-search.bin",
	  "run it again with the facts that it was found with" },
	{ "mmreplay fuzz --time 8h --resume", "go on over night" },
	{ "mmreplay fuzz --engine libfuzzer --engines bazel-bin/fuzz --target dmesg",
	  "one target under libFuzzer and its sanitizers" },
	{ 0 }
};

static const char default_folder[] = "fuzz-results", default_time[] = "60s";

/* Ctrl-C ends a campaign in order; the second one ends the program. */
static volatile sig_atomic_t stop;

static void on_stop(int number)
{
	stop = 1;
	signal(number, SIG_DFL);
}

/* ---- settings ---------------------------------------------------------------------------------- */

/* Targets of one campaign. */
enum { TARGETS_MAX = 64, INPUTS_MAX = 256 };

struct settings {
	struct campaign_options options;
	const struct target *targets[TARGETS_MAX];
	const char *inputs[INPUTS_MAX];
	struct target_fact *facts;
	struct sink_text description;
	char programs[4200]; /* where engines are, unless --engines tells */
};

static void settings_deinit(struct settings *s)
{
	free(s->facts);
	sink_text_deinit(&s->description);
}

/* "FACT=VALUE", which facts_set() takes, as a pair. */
static struct target_fact fact_of(const char *assignment)
{
	size_t len = strcspn(assignment, "=");
	struct target_fact ret = { 0 };
	struct facts facts = { 0 };

	facts_set(&facts, assignment);
	for (unsigned int f = 0; f < FACT_COUNT; f++) {
		const char *name = fact_info((enum fact)f)->name;

		if (strlen(name) == len && !memcmp(name, assignment, len))
			ret = (struct target_fact){ (enum fact)f, facts.v[f] };
	}
	return ret;
}

static enum cli_exit take_targets(struct cli *cli, const struct recipe *recipe, struct settings *s)
{
	bool own = cli_text_at(cli, "target", 0);
	unsigned int given = 0;
	const char *name;

	for (;
	     given < TARGETS_MAX && (name = own ? cli_text_at(cli, "target", given)
					    : given < recipe->target_count ? recipe->targets[given]
									   : NULL);
	     given++) {
		s->targets[given] = target_find(name);
		if (!s->targets[given])
			return cli_fail_usage(cli, "there is no target '%s'; --list names them",
					      name);
	}
	if (!given)
		for (unsigned int i = 0; i < target_count && given < TARGETS_MAX; i++)
			if (targets[i]->message)
				s->targets[given++] = targets[i];
	s->options.targets = s->targets;
	s->options.target_count = given;
	return CLI_OK;
}

static enum cli_exit take_facts(struct cli *cli, const struct recipe *recipe, struct settings *s)
{
	struct target_settings *to = &s->options.settings;
	unsigned int given = 0;
	const char *text;

	while (cli_text_at(cli, "set", given))
		given++;
	s->facts = calloc((size_t)given + recipe->fact_count + 1, sizeof(*s->facts));
	if (!s->facts)
		return cli_fail_error(cli, error_no_memory());
	for (unsigned int i = 0; i < recipe->fact_count; i++)
		s->facts[to->fact_count++] = fact_of(recipe->facts[i]);
	for (unsigned int i = 0; (text = cli_text_at(cli, "set", i)); i++)
		s->facts[to->fact_count++] = fact_of(text);
	to->facts = s->facts;
	to->quirks = cli_has(cli, "as-is") || recipe->as_is;
	if (!cli_era(cli, &to->version))
		to->version = recipe->version;
	return CLI_OK;
}

/* The folder of this program if @name is there, or else the one of //fuzz in a folder of Bazel's. */
static void find_programs(const char *name, char *ret, size_t room)
{
	char own[4096], path[4300], *slash;
	ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[len > 0 ? len : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash)
		*slash = '\0';
	snprintf(path, sizeof(path), "%s/%s", own, name);
	snprintf(ret, room, "%s%s", own, access(path, F_OK) ? "/../fuzz" : "");
}

static void take_engine(struct cli *cli, const struct recipe *recipe, struct settings *s)
{
	struct engine *engine = &s->options.engine;
	unsigned int kind = ENGINE_BUILTIN;
	char name[160];

	while (recipe->engine && strcmp(engine_names[kind], recipe->engine) != 0)
		kind++;
	engine->kind = (enum engine_kind)cli_choice(cli, "engine", kind);
	engine->shared = cli_text(cli, "sync");
	engine->programs = cli_text(cli, "engines");
	if (engine->kind == ENGINE_BUILTIN || engine->programs)
		return;
	assert(s->options.target_count);
	snprintf(name, sizeof(name), "%s_%s", s->targets[0]->name, engine_names[engine->kind]);
	find_programs(name, s->programs, sizeof(s->programs));
	engine->programs = s->programs;
}

/* What must be the same for a folder to be gone on with, as recipe_parse_settings() reads it. */
static void describe(struct settings *s)
{
	const struct campaign_options *o = &s->options;
	struct sink sink = sink_to_text(&s->description);

	for (unsigned int i = 0; i < o->target_count; i++)
		sink_printf(&sink, "%starget %s", i ? ", " : "", o->targets[i]->name);
	settings_write(&o->settings, ", ", &sink);
}

static enum cli_exit take_inputs(struct cli *cli, struct settings *s)
{
	struct campaign_options *o = &s->options;

	while (o->input_count < INPUTS_MAX && cli_text_at(cli, "input", o->input_count)) {
		s->inputs[o->input_count] = cli_text_at(cli, "input", o->input_count);
		o->input_count++;
	}
	if (cli_text_at(cli, "input", o->input_count))
		return cli_fail_usage(cli, "--input is given at most %d times", INPUTS_MAX);
	if (o->input_count && o->target_count != 1)
		return cli_fail_usage(cli, "--input wants one --target, that it is an input of");
	o->inputs = s->inputs;
	o->captures = cli_text(cli, "captures");
	return CLI_OK;
}

static enum cli_exit take_limits(struct cli *cli, const struct recipe *recipe, struct settings *s)
{
	const char *time = cli_text(cli, "time");
	struct campaign_options *o = &s->options;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t jobs = cli_number(cli, "jobs", cpus > 0 ? (uint64_t)cpus : 1);

	if (jobs < 1 || jobs > 1024)
		return cli_fail_usage(cli, "--jobs is 1 to 1024");
	o->jobs = (unsigned int)jobs;
	o->seed = cli_number(cli, "seed", 1);
	o->executions = cli_number(cli, "executions", UINT64_MAX);
	if (!time)
		time = recipe->time ? recipe->time : default_time;
	if (!recipe_duration(time, &o->milliseconds))
		return cli_fail_usage(cli, "'%s' is no duration; 60s, 10m, 8h and 3d are", time);
	if (!o->milliseconds)
		o->milliseconds = UINT64_MAX;
	o->folder = cli_text(cli, "out");
	if (!o->folder)
		o->folder = default_folder;
	o->resume = cli_has(cli, "resume");
	o->stop = &stop;
	return CLI_OK;
}

/* ---- what is shown ----------------------------------------------------------------------------- */

static void on_progress(void *ctx, const struct campaign_status *status)
{
	char text[CAMPAIGN_STATUS_SIZE];

	campaign_status_text(status, text);
	cli_progress(ctx, "%s", text);
}

static void on_found(void *ctx, const struct results_finding *f)
{
	cli_note(ctx, "found %s by %s: %s", f->id, f->target, f->text);
}

struct shown {
	struct cli *cli;
	struct json *json; /* or NULL */
	const char *folder;
};

static bool show_text(void *ctx, const struct results_finding *f)
{
	struct shown *shown = ctx;
	char *path = campaign_finding_path(shown->folder, f);
	FILE *out = cli_out(shown->cli);

	fprintf(out, "\n%s%" PRId64 "  %s%s  (target %s, seen %" PRIu64 " times%s)\n",
		cli_colour(shown->cli, CLI_BAD), f->number, f->id,
		cli_colour(shown->cli, CLI_PLAIN), f->target, f->seen,
		f->minimised ? ", minimised" : "");
	fprintf(out, "   ");
	text_wrap(out, 3, 3, f->text);
	if (*f->facts)
		fprintf(out, "   it takes %s\n", f->facts);
	fprintf(out, "   %s\n", path ? path : "");
	free(path);
	return true;
}

static bool show_json(void *ctx, const struct results_finding *f)
{
	struct shown *shown = ctx;
	char *path = campaign_finding_path(shown->folder, f);
	struct json *j = shown->json;

	json_object_begin(j);
	json_key_i64(j, "number", f->number);
	json_key_string(j, "id", f->id);
	json_key_string(j, "target", f->target);
	json_key_string(j, "facts", f->facts);
	json_key_string(j, "text", f->text);
	json_key_string(j, "file", path ? path : "");
	json_key_u64(j, "bytes", f->input_size);
	json_key_u64(j, "seen", f->seen);
	json_key_u64(j, "first_executions", f->first_executions);
	json_key_bool(j, "minimised", f->minimised);
	json_object_end(j);
	free(path);
	return true;
}

static void show_work(struct cli *cli, struct json *j, const char *name,
		      const struct results_work *w)
{
	uint64_t rate = w->milliseconds ? w->executions * 1000 / w->milliseconds : 0;

	if (!j) {
		fprintf(cli_out(cli),
			"%-16s %12" PRIu64 " %10" PRIu64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64
			"\n",
			name, w->executions, rate, w->refused, w->kept, w->coverage);
		return;
	}
	json_object_begin(j);
	json_key_string(j, "target", name);
	json_key_u64(j, "executions", w->executions);
	json_key_u64(j, "executions_per_second_and_job", rate);
	json_key_u64(j, "refused", w->refused);
	json_key_u64(j, "kept", w->kept);
	json_key_u64(j, "coverage", w->coverage);
	json_object_end(j);
}

/* Nothing found is nothing said about a target that had no turn. */
static void note_idle(struct cli *cli, const struct settings *s, struct results *r)
{
	struct sink_text names = { 0 };
	struct sink sink = sink_to_text(&names);

	for (unsigned int i = 0; i < s->options.target_count; i++) {
		struct results_work w = { 0 };
		struct error *err = results_work(r, s->targets[i]->name, &w);

		if (!err && !w.executions)
			sink_printf(&sink, "%s%s", names.len ? ", " : "", s->targets[i]->name);
		error_destroy(err);
	}
	if (names.len)
		cli_note(cli, "not tried at all: %s", sink_text_string(&names));
	sink_text_deinit(&names);
}

static struct error *show_results(struct cli *cli, const struct settings *s, struct json *j)
{
	char *path = campaign_results_path(s->options.folder);
	struct shown shown = { cli, j, s->options.folder };
	struct results *r = NULL;
	struct error *err = path ? results_open(path, &r) : error_no_memory();

	free(path);
	if (!err && j)
		json_key_array_begin(j, "work");
	else if (!err)
		fprintf(cli_out(cli), "%-16s %12s %10s %10s %8s %8s\n", "target", "executions",
			"/s and job", "refused", "kept", "coverage");
	for (unsigned int i = 0; !err && i < s->options.target_count; i++) {
		struct results_work w;

		err = results_work(r, s->targets[i]->name, &w);
		if (!err)
			show_work(cli, j, s->targets[i]->name, &w);
	}
	if (!err && j) {
		json_array_end(j);
		json_key_array_begin(j, "findings");
	}
	if (!err)
		err = results_each_finding(r, j ? show_json : show_text, &shown);
	if (!err && j)
		json_array_end(j);
	if (!err)
		note_idle(cli, s, r);
	results_close(r);
	return err;
}

static enum cli_exit show(struct cli *cli, const struct settings *s,
			  const struct campaign_status *status)
{
	struct error *err;

	if (cli_has(cli, "json")) {
		struct json j;

		cli_json_begin(cli, &j, 1);
		json_key_string(&j, "folder", s->options.folder);
		json_key_string(&j, "settings", s->options.description);
		json_key_u64(&j, "crashes", status->crashes);
		err = show_results(cli, s, &j);
		json_object_end(&j);
		json_deinit(&j);
	} else {
		err = show_results(cli, s, NULL);
		if (!err)
			fprintf(cli_out(cli), "\n%s%u findings%s in %s\n",
				cli_colour(cli, status->groups ? CLI_BAD : CLI_GOOD),
				status->groups, cli_colour(cli, CLI_PLAIN), s->options.folder);
	}
	if (err)
		return cli_fail_error(cli, err);
	return status->groups ? CLI_FINDING : CLI_OK;
}

static enum cli_exit list_targets_json(struct cli *cli)
{
	struct json j;

	cli_json_begin(cli, &j, 1);
	json_key_array_begin(&j, "targets");
	for (unsigned int i = 0; i < target_count; i++) {
		json_object_begin(&j);
		json_key_string(&j, "name", targets[i]->name);
		json_key_string(&j, "property", targets[i]->property);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_deinit(&j);
	return CLI_OK;
}

static enum cli_exit list_targets(struct cli *cli)
{
	if (cli_has(cli, "json"))
		return list_targets_json(cli);
	for (unsigned int i = 0; i < target_count; i++) {
		fprintf(cli_out(cli), "%-16s", targets[i]->name);
		text_wrap(cli_out(cli), 16, 16, targets[i]->property);
	}
	return CLI_OK;
}

/* ---- the command ------------------------------------------------------------------------------- */

static enum cli_exit campaign(struct cli *cli, struct settings *s)
{
	struct campaign_status status = { 0 };
	struct error *err;

	describe(s);
	s->options.description = sink_text_string(&s->description);
	s->options.progress = on_progress;
	s->options.found = on_found;
	s->options.ctx = cli;
	signal(SIGINT, on_stop);
	signal(SIGTERM, on_stop);
	err = campaign_run(&s->options, &status);
	cli_progress(cli, "%s", "");
	if (err)
		return cli_fail_error(cli, err);
	return show(cli, s, &status);
}

static bool count_group(void *ctx, const struct results_finding *f)
{
	(void)f;
	++*(unsigned int *)ctx;
	return true;
}

static enum cli_exit merge(struct cli *cli, struct settings *s)
{
	struct campaign_status status = { 0 };
	char *path = campaign_results_path(s->options.folder);
	struct results *r = NULL;
	struct error *err = path ? NULL : error_no_memory();
	const char *from;

	describe(s);
	s->options.description = sink_text_string(&s->description);
	for (unsigned int i = 0; !err && (from = cli_text_at(cli, "merge", i)); i++)
		err = merge_campaign(s->options.folder, from, &s->options.settings,
				     s->options.description);
	if (!err)
		err = results_open(path, &r);
	if (!err)
		err = results_each_finding(r, count_group, &status.groups);
	results_close(r);
	free(path);
	return err ? cli_fail_error(cli, err) : show(cli, s, &status);
}

/* Goes on with the settings that the folder was begun with, where none are given. */
static struct error *take_settings(struct cli *cli, struct recipe *recipe)
{
	const char *folder = cli_text(cli, "out") ? cli_text(cli, "out") : default_folder;
	char *path = campaign_results_path(folder), *settings = NULL;
	struct results *r = NULL;
	struct error *err = NULL;

	if (!path)
		return error_no_memory();
	if (!access(path, F_OK)) {
		err = results_open(path, &r);
		if (!err)
			err = results_get(r, "settings", &settings);
		if (!err && settings)
			err = recipe_parse_settings(folder, settings, recipe);
	}
	results_close(r);
	free(settings);
	free(path);
	return err;
}

static enum cli_exit take_recipe(struct cli *cli, struct recipe *recipe)
{
	uint32_t version;
	struct error *err = NULL;

	if (cli_argument_count(cli))
		err = recipe_read(cli_argument(cli, 0), recipe);
	else if (cli_has(cli, "resume") && !cli_text_at(cli, "target", 0) &&
		 !cli_text_at(cli, "set", 0) && !cli_has(cli, "as-is") && !cli_era(cli, &version))
		err = take_settings(cli, recipe);
	return err ? cli_fail_error(cli, err) : CLI_OK;
}

/* ---- again ------------------------------------------------------------------------------------- */

/* Findings alone, each with the settings beside it; whatever else is given asks for a campaign. */
static bool asks_again(struct cli *cli)
{
	static const char *const others[] = { "target",	  "engine", "engines", "sync",
					      "captures", "time",   "jobs",    "executions",
					      "seed",	  "out",    "resume",  "merge" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (cli_has(cli, others[i]))
			return false;
	return cli_text_at(cli, "input", 0) && !cli_argument_count(cli);
}

static void show_again(struct cli *cli, struct json *j, const char *path,
		       const struct target *target, const struct target_report *report)
{
	if (!j && report->refused)
		fprintf(cli_out(cli), "%s: no input of target %s\n", path, target->name);
	else if (!j && !report->finding_count)
		fprintf(cli_out(cli), "%s: target %s finds nothing\n", path, target->name);
	for (unsigned int i = 0; !j && i < report->finding_count; i++)
		fprintf(cli_out(cli), "%s: %s%s%s: %s\n", path, cli_colour(cli, CLI_BAD),
			report->findings[i].id, cli_colour(cli, CLI_PLAIN),
			report->findings[i].text);
	if (!j)
		return;
	json_object_begin(j);
	json_key_string(j, "file", path);
	json_key_string(j, "target", target->name);
	json_key_bool(j, "refused", report->refused);
	json_key_array_begin(j, "findings");
	for (unsigned int i = 0; i < report->finding_count; i++) {
		json_object_begin(j);
		json_key_string(j, "id", report->findings[i].id);
		json_key_string(j, "text", report->findings[i].text);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static struct error *run_file(struct cli *cli, const struct settings *s, const char *path,
			      struct json *j, bool *found)
{
	const struct target *target = s->targets[0];
	struct target_runner *runner = NULL;
	struct target_report apart = { 0 };
	struct apart_id id;
	struct corpus corpus = { 0 };
	struct error *err = corpus_add_file(&corpus, target, path);

	assert(target);
	if (!err)
		err = target_runner_create(target, &s->options.settings, &runner);
	if (!err) {
		const struct driver_input *in = &corpus.inputs[0];
		const struct target_report *report = &apart;

		/* What hangs or crashes does so in a child; what ends is run again, to see what it found. */
		if (apart_ends(runner, in->data, in->size, APART_MILLISECONDS, &id, &apart)) {
			target_run_bytes(runner, in->data, in->size);
			report = target_report(runner);
		}
		show_again(cli, j, path, target, report);
		*found |= report->finding_count != 0;
	}
	target_runner_destroy(runner);
	corpus_deinit(&corpus);
	return err;
}

static enum cli_exit run_finding(struct cli *cli, const char *path, struct json *j, bool *found)
{
	char *beside = kept_settings_path(path);
	struct recipe recipe = { 0 };
	struct settings s = { 0 };
	enum cli_exit code = CLI_OK;
	struct error *err = NULL;

	if (!beside)
		err = error_no_memory();
	else if (!strcmp(beside, path) || access(beside, F_OK))
		code = cli_fail_usage(cli, "%s: no %s tells what it is an input of; --target does",
				      path, beside);
	else
		err = recipe_read(beside, &recipe);
	if (code == CLI_OK && !err)
		code = take_targets(cli, &recipe, &s);
	if (code == CLI_OK && !err)
		code = take_facts(cli, &recipe, &s);
	if (code == CLI_OK && !err && s.options.target_count != 1)
		code = cli_fail(cli, "%s: names more than one target", beside);
	if (code == CLI_OK && !err)
		err = run_file(cli, &s, path, j, found);
	settings_deinit(&s);
	recipe_deinit(&recipe);
	free(beside);
	return err ? cli_fail_error(cli, err) : code;
}

static enum cli_exit again(struct cli *cli)
{
	bool json = cli_has(cli, "json"), found = false;
	enum cli_exit code = CLI_OK;
	const char *path;
	struct json j;

	if (json) {
		cli_json_begin(cli, &j, 1);
		json_key_array_begin(&j, "inputs");
	}
	for (unsigned int i = 0; code == CLI_OK && (path = cli_text_at(cli, "input", i)); i++)
		code = run_finding(cli, path, json ? &j : NULL, &found);
	if (json) {
		json_array_end(&j);
		json_object_end(&j);
		json_deinit(&j);
	}
	return code == CLI_OK && found ? CLI_FINDING : code;
}

static enum cli_exit run(struct cli *cli)
{
	struct recipe recipe = { 0 };
	struct settings s = { 0 };
	enum cli_exit code;

	if (cli_has(cli, "list"))
		return list_targets(cli);
	if (asks_again(cli))
		return again(cli);
	code = take_recipe(cli, &recipe);
	if (code == CLI_OK)
		code = take_targets(cli, &recipe, &s);
	if (code == CLI_OK)
		code = take_facts(cli, &recipe, &s);
	if (code == CLI_OK)
		code = take_inputs(cli, &s);
	if (code == CLI_OK)
		take_engine(cli, &recipe, &s);
	if (code == CLI_OK)
		code = take_limits(cli, &recipe, &s);
	if (code == CLI_OK)
		code = cli_text_at(cli, "merge", 0) ? merge(cli, &s) : campaign(cli, &s);
	settings_deinit(&s);
	recipe_deinit(&recipe);
	return code;
}

const struct command command_fuzz = {
	.name = "fuzz",
	.summary = "hunt machines and lives that break what must hold",
	.description =
		"Makes up machines, and what happens to them, boots and runs them through the model, and "
		"looks at the invariants on the way. Without options it tries every target that takes "
		"machines for a minute on all CPUs, with all known rules right.\n"
		"\n"
		"Everything is in one folder: campaign.sqlite with what was done and found, corpus with "
		"the inputs that did something new, and findings with one file for each group of findings, "
		"that runs again anywhere: a machine (.mmtrace) by 'mmreplay replay', and any by --input, if "
		"the .conf beside it comes with it. Findings are grouped by what is broken and "
		"which facts it takes: of those given by --set and, with --as-is, of the rules that the kernel is "
		"known to have wrong. Each is made as small as it can be while the "
		"others go on. Whatever was found is on disk at once: Ctrl-C, or worse, loses nothing, and "
		"--resume goes on. A crash of the program is a finding, too.\n"
		"\n"
		"With --engine the inputs are made by libFuzzer, under sanitizers, or by AFL++, as children "
		"of the campaign; with several targets each has its turn. What they find runs again in "
		"this program and is kept in the same way. Coverage is what the engine counts: edges, or "
		"features with our own driver.",
	.arguments = arguments,
	.options = options,
	.examples = examples,
	.finding = "something was found",
	.run = run,
};
