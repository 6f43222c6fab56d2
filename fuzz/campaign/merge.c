/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/merge.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/campaign/campaign.h"
#include "fuzz/campaign/kept.h"

struct merge {
	const char *to_folder;
	const struct target_settings *settings;
	struct results *to, *from;
	struct error *error;
};

static struct error *open_both(struct merge *m, const char *to, const char *from)
{
	char *to_path = campaign_results_path(to), *from_path = campaign_results_path(from);
	struct error *err = NULL;

	if (!to_path || !from_path)
		err = error_no_memory();
	else if (access(from_path, R_OK))
		err = error_create(ERROR_NOT_FOUND, from, 0, 0, "no campaign is there");
	if (!err)
		err = kept_make_folders(to);
	if (!err)
		err = results_open(from_path, &m->from);
	if (!err)
		err = results_open(to_path, &m->to);
	free(to_path);
	free(from_path);
	return err;
}

/* A campaign that has no settings yet gets these. */
static struct error *compare_settings(struct results *r, const char *folder,
				      const char *description)
{
	char *old = NULL;
	struct error *err = results_get(r, "settings", &old);

	if (!err && !old)
		err = results_set(r, "settings", description);
	else if (!err && strcmp(old, description) != 0)
		err = error_create(ERROR_RANGE, folder, 0, 0, "is a campaign of other settings: %s",
				   old);
	free(old);
	return err;
}

static struct error *add_work(struct merge *m)
{
	struct error *err = NULL;

	for (unsigned int i = 0; !err && i < target_count; i++) {
		struct results_work work;

		err = results_work(m->from, targets[i]->name, &work);
		work.kept = 0; /* those that are new here are counted with the inputs */
		if (!err && work.executions)
			err = results_add_work(m->to, targets[i]->name, &work);
	}
	return err;
}

/* Writes the file of the group that @ctx has just added to. */
struct rewrite {
	struct merge *m;
	int64_t number;
};

static bool rewrite_group(void *ctx, const struct results_finding *f)
{
	struct rewrite *r = ctx;
	const struct target *target = target_find(f->target);
	char *path;

	if (f->number != r->number || !target)
		return f->number < r->number;
	path = campaign_finding_path(r->m->to_folder, f);
	r->m->error = path ? kept_write_finding(path, target, r->m->settings, f)
			   : error_no_memory();
	free(path);
	return false;
}

static bool add_finding(void *ctx, const struct results_finding *f)
{
	struct rewrite rewrite = { ctx, 0 };
	struct merge *m = ctx;
	bool is_new;

	m->error = results_add_finding(m->to, f, &rewrite.number, &is_new);
	if (!m->error) {
		struct error *err = results_each_finding(m->to, rewrite_group, &rewrite);

		if (!m->error)
			m->error = err;
		else
			error_destroy(err);
	}
	return !m->error;
}

static struct error *add_inputs(struct merge *m, const char *from)
{
	struct error *err = NULL;

	for (unsigned int i = 0; !err && i < target_count; i++) {
		struct results_work work = { 0 };
		struct corpus corpus = { 0 };

		err = kept_read(from, &targets[i], 1, &corpus);
		for (size_t k = 0; !err && k < corpus.count; k++) {
			bool is_new;

			err = kept_add_input(m->to_folder, targets[i]->name, corpus.inputs[k].data,
					     corpus.inputs[k].size, &is_new);
			work.kept += !err && is_new;
		}
		if (!err && work.kept)
			err = results_add_work(m->to, targets[i]->name, &work);
		corpus_deinit(&corpus);
	}
	return err;
}

struct error *merge_campaign(const char *to, const char *from,
			     const struct target_settings *settings, const char *description)
{
	struct merge m = { .to_folder = to, .settings = settings };
	struct error *err = open_both(&m, to, from);

	if (!err)
		err = compare_settings(m.from, from, description);
	if (!err)
		err = compare_settings(m.to, to, description);
	if (!err)
		err = add_work(&m);
	if (!err)
		err = results_each_finding(m.from, add_finding, &m);
	if (!err)
		err = m.error;
	if (!err)
		err = add_inputs(&m, from);
	results_close(m.from);
	results_close(m.to);
	return err;
}
