/* SPDX-License-Identifier: MIT */
#include "traces/regression.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/facts.h"
#include "traces/bisect.h"

enum { KEY_COUNT = 6 };

static const struct {
	const char *key;
	size_t field;
	bool needed;
} keys[KEY_COUNT] = {
	{ "about", offsetof(struct regression, about), true },
	{ "fails", offsetof(struct regression, fails), true },
	{ "wrong", offsetof(struct regression, wrong), false },
	{ "against", offsetof(struct regression, against), false },
	{ "fixed", offsetof(struct regression, fixed), true },
	{ "from", offsetof(struct regression, from), false },
};

static char **field_of(struct regression *r, unsigned int key)
{
	return (char **)((char *)r + keys[key].field);
}

static struct error *take_line(const char *line, size_t len, const char *name, uint32_t number,
			       struct regression *ret)
{
	const char *colon = memchr(line, ':', len), *text;

	if (!len || *line == '#')
		return NULL;
	for (unsigned int k = 0; colon && k < KEY_COUNT; k++) {
		if (strlen(keys[k].key) != (size_t)(colon - line) ||
		    memcmp(keys[k].key, line, (size_t)(colon - line)) != 0)
			continue;
		if (*field_of(ret, k))
			return error_create(ERROR_SYNTAX, name, number, 1, "'%s' is there already",
					    keys[k].key);
		text = colon + 1;
		while (text < line + len && *text == ' ')
			text++;
		*field_of(ret, k) = strndup(text, (size_t)(line + len - text));
		return *field_of(ret, k) ? NULL : error_no_memory();
	}
	return error_create(ERROR_SYNTAX, name, number, 1,
			    "a line begins with 'about:', 'fails:', 'wrong:', 'against:', 'fixed:' "
			    "or 'from:'");
}

struct error *regression_read(const char *text, size_t size, const char *name,
			      struct regression *ret)
{
	const char *end = text + size;
	uint32_t number = 1;

	for (const char *p = text; p < end; number++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((newline ? newline : end) - p);
		struct error *err = take_line(p, len, name, number, ret);

		if (err)
			return err;
		p += len + 1;
	}
	for (unsigned int k = 0; k < KEY_COUNT; k++)
		if (keys[k].needed && !*field_of(ret, k))
			return error_create(ERROR_SYNTAX, name, number, 0, "'%s:' is missing",
					    keys[k].key);
	return NULL;
}

void regression_deinit(struct regression *r)
{
	for (unsigned int k = 0; k < KEY_COUNT; k++)
		free(*field_of(r, k));
	memset(r, 0, sizeof(*r));
}

void regression_write(const struct regression *r, const struct sink *sink)
{
	struct regression copy = *r;

	for (unsigned int k = 0; k < KEY_COUNT; k++)
		if (*field_of(&copy, k))
			sink_printf(sink, "%s: %s\n", keys[k].key, *field_of(&copy, k));
}

/* ---- both ends ----------------------------------------------------------------------------------- */

static struct error *bad_facts(const char *text)
{
	return error_create(ERROR_SYNTAX, NULL, 0, 0, "'wrong: %s' is neither facts nor an era",
			    text);
}

struct error *regression_make_wrong(const struct regression *r, struct subject *s)
{
	const char *text = r->wrong;
	struct facts facts = s->log.input.facts;
	uint32_t version;
	char one[128];

	if (!text)
		return NULL;
	if (!strncmp(text, "era ", 4)) {
		if (!facts_parse_version(text + 4, &version))
			return bad_facts(text);
		subject_set_version(s, version);
		return NULL;
	}
	for (const char *p = text, *end;; p = end + 1) {
		end = p + strcspn(p, ",");
		if ((size_t)(end - p) >= sizeof(one))
			return bad_facts(text);
		memcpy(one, p, (size_t)(end - p));
		one[end - p] = '\0';
		if (facts_set(&facts, one))
			return bad_facts(text);
		if (!*end)
			break;
	}
	subject_set_facts(s, &facts);
	return NULL;
}

static struct error *ask(struct predicate *p, const struct subject *s, enum verdict wanted,
			 const char *where, char sentence_ret[512])
{
	struct judgement j;
	struct error *err = predicate_test(p, s, &j);

	if (!err && j.verdict != wanted)
		snprintf(sentence_ret, 512, "'%s' is %s %s, not %s: %s", predicate_text(p),
			 verdict_name(j.verdict), where, verdict_name(wanted), j.why);
	return err;
}

/* Are just those facts the cause in which @wrong differs from @right? */
static bool is_cause(const struct bisect_cause *cause, const struct facts *right,
		     const struct facts *wrong)
{
	uint32_t differ = 0, found = 0;

	for (unsigned int f = 0; f < FACT_COUNT; f++)
		differ += right->v[f] != wrong->v[f];
	for (uint32_t i = 0; i < cause->count; i++)
		found += right->v[cause->facts[i]] != wrong->v[cause->facts[i]];
	return found == differ && found == cause->count;
}

/* Looks for the cause between the stored facts and those of the kernel that has it wrong. */
static struct error *find_cause(const struct regression *r, struct predicate *p,
				const struct subject *s, const struct subject *wrong,
				char sentence_ret[512])
{
	struct bisector b = { .predicate = p, .subject = s };
	struct bisect_row good = { .facts = s->log.input.facts }, bad;
	struct bisect_facts found = { 0 };
	struct error *err;
	bool is = false;

	if (!facts_parse_version(r->against, &bad.version))
		return error_create(ERROR_SYNTAX, NULL, 0, 0, "'against: %s' is no kernel",
				    r->against);
	facts_init(&bad.facts, bad.version);
	err = bisect_facts(&b, &good, &bad, &found);
	for (uint32_t i = 0; !err && i < found.count; i++)
		is |= is_cause(&found.causes[i], &good.facts, &wrong->log.input.facts);
	if (!err && !is)
		snprintf(sentence_ret, 512,
			 "the facts that were wrong are not found by bisecting against %s",
			 r->against);
	bisect_facts_deinit(&found);
	return err;
}

struct error *regression_check(const struct regression *r, const struct subject *s,
			       char sentence_ret[512])
{
	struct predicate *p;
	struct subject wrong = *s;
	struct error *err = predicate_parse(r->fails, &p);

	sentence_ret[0] = '\0';
	if (err)
		return err;
	err = ask(p, s, VERDICT_GOOD, "with the facts that are right", sentence_ret);
	if (!err && r->wrong && !sentence_ret[0]) {
		err = regression_make_wrong(r, &wrong);
		if (!err)
			err = ask(p, &wrong, VERDICT_BAD, "with those that were wrong",
				  sentence_ret);
	}
	if (!err && r->wrong && r->against && !sentence_ret[0])
		err = find_cause(r, p, s, &wrong, sentence_ret);
	predicate_destroy(p);
	return err;
}
