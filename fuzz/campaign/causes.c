/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/causes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/quirk.h"

/* A fact that may be the cause. */
struct suspect {
	struct target_fact fact; /* with the value that may be wrong */
	struct target_fact
		*others; /* all facts of the settings, but for this one, and its right value */
	unsigned int other_count;
	struct target_runner *runner; /* with those; NULL until it is wanted */
	bool chosen;
};

struct causes {
	const struct target *target;
	struct target_settings settings;
	struct suspect *suspects;
	unsigned int count;
};

static bool is_set(const struct target_settings *settings, enum fact fact)
{
	for (unsigned int i = 0; i < settings->fact_count; i++)
		if (settings->facts[i].fact == fact)
			return true;
	return false;
}

/* @right: NULL takes the fact back to what inputs say. */
static struct error *suspect(struct causes *c, struct target_fact fact,
			     const struct target_fact *right)
{
	struct suspect *s = &c->suspects[c->count];

	assert(c->suspects);
	s->others = calloc((size_t)c->settings.fact_count + 1, sizeof(*s->others));
	if (!s->others)
		return error_no_memory();
	s->fact = fact;
	for (unsigned int i = 0; i < c->settings.fact_count; i++)
		if (c->settings.facts[i].fact != fact.fact)
			s->others[s->other_count++] = c->settings.facts[i];
	if (right)
		s->others[s->other_count++] = *right;
	c->count++;
	return NULL;
}

/* The rules that kernels have wrong: that of the settings, if they name one. */
static struct error *suspect_quirks(struct causes *c)
{
	struct error *err = NULL;
	struct facts facts;

	if (c->settings.version)
		facts_init(&facts, c->settings.version);
	for (unsigned int i = 0; !err && i < QUIRK_COUNT; i++) {
		const struct quirk_info *q = quirk_info((enum quirk)i);
		const struct target_fact right = { q->fact, q->right };
		struct target_fact own = { q->fact, q->wrong };

		if (is_set(&c->settings, q->fact))
			continue;
		if (c->settings.version)
			own.value = facts.v[q->fact];
		if (own.value != right.value)
			err = suspect(c, own, &right);
	}
	return err;
}

struct error *causes_create(const struct target *target, const struct target_settings *settings,
			    struct causes **ret)
{
	struct causes *c = calloc(1, sizeof(*c));
	struct error *err = NULL;

	if (!c)
		return error_no_memory();
	c->target = target;
	c->settings = *settings;
	c->suspects = calloc((size_t)settings->fact_count + QUIRK_COUNT, sizeof(*c->suspects));
	if (!c->suspects)
		err = error_no_memory();
	for (unsigned int i = 0; !err && i < settings->fact_count; i++)
		err = suspect(c, settings->facts[i], NULL);
	if (!err && settings->quirks)
		err = suspect_quirks(c);
	if (err) {
		causes_destroy(c);
		return err;
	}
	*ret = c;
	return NULL;
}

void causes_destroy(struct causes *c)
{
	if (!c)
		return;
	for (unsigned int i = 0; i < c->count; i++) {
		target_runner_destroy(c->suspects[i].runner);
		free(c->suspects[i].others);
	}
	free(c->suspects);
	free(c);
}

static struct error *want_runner(struct causes *c, struct suspect *s)
{
	struct target_settings settings = c->settings;

	settings.facts = s->others;
	settings.fact_count = s->other_count;
	return s->runner ? NULL : target_runner_create(c->target, &settings, &s->runner);
}

static void name(const struct suspect *s, const char *before, char *ret, size_t room)
{
	snprintf(ret, room, "%s%s=%" PRId64, before, fact_info(s->fact.fact)->name, s->fact.value);
}

void causes_name(struct causes *c, const char *id, const uint8_t *data, size_t size, char *ret,
		 size_t room)
{
	size_t len = 0;

	*ret = '\0';
	for (unsigned int i = 0; i < c->count; i++) {
		struct suspect *s = &c->suspects[i];
		struct error *err = want_runner(c, s);

		if (err) {
			error_destroy(err);
			continue;
		}
		target_run_bytes(s->runner, data, size);
		if (target_report_has(target_report(s->runner), id))
			continue;
		name(s, len ? " " : "", ret + len, room - len);
		len += strlen(ret + len);
	}
}

struct error *causes_choose(struct causes *c, const char *text)
{
	struct error *err = NULL;

	for (unsigned int i = 0; !err && i < c->count; i++) {
		struct suspect *s = &c->suspects[i];
		char own[128];

		name(s, "", own, sizeof(own));
		s->chosen = false;
		for (const char *p = text; *p; p += strspn(p, " ")) {
			size_t len = strcspn(p, " ");

			s->chosen |= strlen(own) == len && !memcmp(own, p, len);
			p += len;
		}
		err = want_runner(c, s);
	}
	return err;
}

/* Runs an input, as one of the two, with each suspect taken back: it is to vanish with the chosen ones alone. */
static bool hold(struct causes *c, const char *id, const ProtobufCMessage *message,
		 const uint8_t *data, size_t size)
{
	for (unsigned int i = 0; i < c->count; i++) {
		struct suspect *s = &c->suspects[i];

		if (message)
			target_run_message(s->runner, message);
		else
			target_run_bytes(s->runner, data, size);
		if (target_report_has(target_report(s->runner), id) == s->chosen)
			return false;
	}
	return true;
}

bool causes_hold(struct causes *c, const char *id, const ProtobufCMessage *message)
{
	return hold(c, id, message, NULL, 0);
}

bool causes_hold_bytes(struct causes *c, const char *id, const uint8_t *data, size_t size)
{
	return hold(c, id, NULL, data, size);
}
