/* SPDX-License-Identifier: MIT */
#include "tools/replay_scenario.h"

#include <inttypes.h>
#include <string.h>

#include "engine/scenario.h"
#include "traces/scenario_store.h"

/* Everything is looked at after every operation: the first one that broke something is named. */
static const struct scenario_options look_always = { .boot_cost = INVARIANT_COST_DEEP,
						     .step_cost = INVARIANT_COST_DEEP,
						     .end_cost = INVARIANT_COST_DEEP,
						     .want_lists = true };

static void print(struct cli *cli, const struct booted *b, const struct stored_scenario *stored,
		  const struct scenario *s)
{
	const struct findings *f = &s->findings;
	FILE *out = cli_out(cli);
	struct sink sink = sink_to_file(out);
	unsigned int broken = 0;

	booted_print(cli, b);
	fprintf(out, "%-14s%" PRIu32 "\n", "operations", stored->operation_count);
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++)
		broken += f->count[i] != 0;
	if (broken)
		fprintf(out, "\n%sfindings: the first of each invariant%s\n",
			cli_colour(cli, CLI_BOLD), cli_colour(cli, CLI_PLAIN));
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		const struct finding *first = &f->first[i];

		if (!f->count[i])
			continue;
		if (first->event == FINDING_NOWHERE)
			fputs("boot: ", out);
		else
			fprintf(out, "operation %" PRIu64 " (%s): ", first->event,
				operation_name(stored->operations[first->event].kind));
		finding_print(first, &sink);
	}
	fprintf(out, "\n%s", cli_colour(cli, broken ? CLI_BAD : CLI_GOOD));
	if (broken)
		fprintf(out, "%u invariant%s broken", broken, broken == 1 ? " is" : "s are");
	else
		fputs("every invariant holds", out);
	fprintf(out, "%s\n", cli_colour(cli, CLI_PLAIN));
}

static void print_json(struct cli *cli, const struct booted *b,
		       const struct stored_scenario *stored, const struct scenario *s)
{
	const struct findings *f = &s->findings;
	struct json j;

	cli_json_begin(cli, &j, 1);
	booted_json(&j, b);
	json_key_string(&j, "mode", "scenario");
	json_key_u64(&j, "operations", stored->operation_count);
	json_key_object_begin(&j, "findings");
	json_key_u64(&j, "count", f->total);
	json_key_array_begin(&j, "first");
	for (unsigned int i = 0; i < INVARIANT_COUNT; i++) {
		const struct finding *first = &f->first[i];

		if (!f->count[i])
			continue;
		json_object_begin(&j);
		json_key_string(&j, "invariant", invariant_info((enum invariant)i)->id);
		json_key_u64(&j, "count", f->count[i]);
		if (first->event == FINDING_NOWHERE)
			json_key_null(&j, "operation");
		else
			json_key_u64(&j, "operation", first->event);
		json_key_i64(&j, "nid", first->nid);
		if (first->zone < 0)
			json_key_null(&j, "zone");
		else
			json_key_string(&j, "zone", zone_type_name((enum zone_type)first->zone));
		if (first->place == FINDING_NOWHERE)
			json_key_null(&j, "place");
		else
			json_key_u64(&j, "place", first->place);
		json_key_u64(&j, "expected", first->expected);
		json_key_u64(&j, "seen", first->seen);
		json_key_string(&j, "what", first->what);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_object_end(&j);
	json_deinit(&j);
}

static struct error *read_stored(const struct booted *b, struct stored_scenario *ret)
{
	const struct input *in = &b->once;

	return in->data ? scenario_store_read_bytes(in->data, in->size, in->name, NULL, ret)
			: scenario_store_read(b->path, ret);
}

enum cli_exit replay_scenario(struct cli *cli, struct booted *b)
{
	static const char *const others[] = { "mode", "events", "predictions",
					      "at",   "view",	"differences" };
	struct stored_scenario stored = { 0 };
	struct scenario s;
	enum cli_exit code;
	struct error *err;

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (cli_has(cli, others[i]))
			return cli_fail_usage(
				cli, "--%s is about a trace, and '%s' has operations instead",
				others[i], cli_argument(cli, 0));
	scenario_init(&s);
	code = booted_read(cli, STAGE_LATE, false, b);
	err = code == CLI_OK ? read_stored(b, &stored) : NULL;
	if (err)
		code = cli_fail_error(cli, err);
	if (code == CLI_OK) {
		scenario_run(&s, &b->log.input, stored.operations, stored.operation_count,
			     &look_always);
		if (s.out_of_memory)
			code = cli_fail_error(cli, error_no_memory());
		else if (cli_has(cli, "json"))
			print_json(cli, b, &stored, &s);
		else
			print(cli, b, &stored, &s);
	}
	if (code == CLI_OK && s.findings.total)
		code = CLI_FINDING;
	scenario_deinit(&s);
	stored_scenario_deinit(&stored);
	return code;
}
