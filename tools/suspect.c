/* SPDX-License-Identifier: MIT */
#include "tools/suspect.h"

#include <string.h>

enum cli_exit suspect_read(struct cli *cli, struct subject_file *ret)
{
	const char *src = cli_argument(cli, 0), *trace = cli_text(cli, "trace");
	struct subject *s = &ret->subject;
	struct error *err;
	struct facts facts;
	uint32_t version;

	if (trace && !strcmp(trace, "-") && !strcmp(src, "-"))
		return cli_fail_usage(cli, "SRC and the trace cannot both be standard input");
	err = subject_read(src, trace, ret);
	if (err)
		return cli_fail_error(cli, err);
	if (ret->damage)
		cli_note(cli, "%s", ret->damage);
	if (cli_era(cli, &version))
		subject_set_version(s, version);
	facts = s->log.input.facts;
	cli_set_facts(cli, &facts);
	subject_set_facts(s, &facts);
	return CLI_OK;
}

enum cli_exit suspect_predicate(struct cli *cli, struct predicate **ret)
{
	const char *text = cli_text(cli, "fails");
	struct error *err;

	if (!text)
		return cli_fail_usage(cli, "what is wrong is not told: give --fails PREDICATE");
	err = predicate_parse(text, ret);
	return err ? cli_fail_error(cli, err) : CLI_OK;
}
