/* SPDX-License-Identifier: MIT */
#include "fuzz/campaign/kept.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "fuzz/settings.h"
#include "fuzz/targets/machine_input.h"
#include "traces/mmtrace.h"

char *kept_path(const char *folder, const char *name, const char *file)
{
	size_t size = strlen(folder) + strlen(name) + (file ? strlen(file) : 0) + 3;
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%s/%s%s%s", folder, name, file ? "/" : "", file ? file : "");
	return path;
}

static struct error *os_error(const char *path)
{
	return error_create(ERROR_OS, path, 0, 0, "%s", strerror(errno));
}

static struct error *make_folder(const char *path)
{
	if (!path)
		return error_no_memory();
	return mkdir(path, 0777) && errno != EEXIST ? os_error(path) : NULL;
}

struct error *kept_make_folders(const char *folder)
{
	static const char *const names[] = { "corpus", "findings" };
	struct error *err = make_folder(folder);

	for (unsigned int i = 0; !err && i < sizeof(names) / sizeof(*names); i++) {
		char *path = kept_path(folder, names[i], NULL);

		err = make_folder(path);
		free(path);
	}
	for (unsigned int i = 0; !err && i < target_count; i++) {
		char *path = kept_path(folder, "corpus", targets[i]->name);

		err = make_folder(path);
		free(path);
	}
	return err;
}

bool kept_is_scenario(const struct target *target)
{
	return target->message == &mmtrace__scenario__descriptor;
}

/*
 * Whether a file outlives a loss of power, too, which costs a wait for the disk.  What was written outlives this
 * program in any case.
 */
enum durability { OUTLIVES_KILL, OUTLIVES_POWER };

/* Writes all of @data under a name of its own first. */
static struct error *write_whole(const char *path, const void *data, size_t size,
				 enum durability durability)
{
	size_t room = strlen(path) + 8;
	char *temporary = malloc(room);
	struct error *err = NULL;
	FILE *f;
	int fd;

	if (!temporary)
		return error_no_memory();
	snprintf(temporary, room, "%s.XXXXXX", path);
	fd = mkstemp(temporary);
	f = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!f) {
		err = os_error(path);
		if (fd >= 0)
			close(fd);
	} else {
		bool bad = size && fwrite(data, 1, size, f) != size;

		bad |= fflush(f) != 0;
		bad |= durability == OUTLIVES_POWER && fsync(fd) != 0;
		bad |= fchmod(fd, 0644) != 0;
		if (bad)
			err = os_error(path);
		if (fclose(f) && !err)
			err = os_error(path);
		if (!err && rename(temporary, path))
			err = os_error(path);
	}
	if (err && fd >= 0)
		unlink(temporary);
	free(temporary);
	return err;
}

uint64_t kept_hash(const void *data, size_t size)
{
	return XXH3_64bits(data, size);
}

static char *input_path(const char *folder, const char *target, uint64_t hash)
{
	char name[300];

	snprintf(name, sizeof(name), "%.200s/%016" PRIx64, target, hash);
	return kept_path(folder, "corpus", name);
}

bool kept_has_input(const char *folder, const char *target, uint64_t hash)
{
	char *path = input_path(folder, target, hash);
	bool there = path && !access(path, F_OK);

	free(path);
	return there;
}

struct error *kept_add_input(const char *folder, const char *target, const void *data, size_t size,
			     bool *is_new_ret)
{
	char *path = input_path(folder, target, kept_hash(data, size));
	struct error *err = NULL;

	if (!path)
		err = error_no_memory();
	else
		*is_new_ret = access(path, F_OK) != 0;
	if (!err && *is_new_ret)
		err = write_whole(path, data, size, OUTLIVES_KILL);
	free(path);
	return err;
}

/* The input as a stored file, in @text. */
static struct error *store(const struct target_settings *settings, const struct results_finding *f,
			   struct sink_text *text)
{
	struct stored_scenario s = { 0 };
	struct mmtrace_writer *w = NULL;
	struct error *err = machine_input_read(f->input, f->input_size, settings, f->id, &s);

	if (!err)
		err = mmtrace_writer_create(sink_to_text(text), &w);
	if (!err)
		err = scenario_store_write(&s.log, s.operations, s.operation_count, f->id, w);
	if (!err)
		err = mmtrace_write_end(w);
	if (!err && text->out_of_memory)
		err = error_no_memory();
	mmtrace_writer_destroy(w);
	stored_scenario_deinit(&s);
	return err;
}

char *kept_settings_path(const char *finding)
{
	static const char ending[] = ".conf";
	const char *name = strrchr(finding, '/'), *dot = strrchr(name ? name : finding, '.');
	size_t len = dot ? (size_t)(dot - finding) : strlen(finding);
	size_t size = len + sizeof(ending);
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%.*s%s", (int)len, finding, ending);
	return path;
}

static struct error *write_settings(const char *finding, const struct target *target,
				    const struct target_settings *settings)
{
	const char *name = strrchr(finding, '/');
	char *path = kept_settings_path(finding);
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);
	struct error *err = NULL;

	sink_printf(&sink, "# How %s was found.\ntarget %s", name ? name + 1 : finding,
		    target->name);
	settings_write(settings, "\n", &sink);
	sink_puts(&sink, "\n");
	if (!path || text.out_of_memory)
		err = error_no_memory();
	else
		err = write_whole(path, text.data, text.len, OUTLIVES_POWER);
	sink_text_deinit(&text);
	free(path);
	return err;
}

struct error *kept_write_finding(const char *path, const struct target *target,
				 const struct target_settings *settings,
				 const struct results_finding *f)
{
	struct sink_text text = { 0 };
	struct error *err = write_settings(path, target, settings);

	if (!err && kept_is_scenario(target))
		err = store(settings, f, &text);
	if (!err && kept_is_scenario(target))
		err = write_whole(path, text.data, text.len, OUTLIVES_POWER);
	else if (!err)
		err = write_whole(path, f->input, f->input_size, OUTLIVES_POWER);
	sink_text_deinit(&text);
	return err;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* What mkstemp() left behind when a run was killed has a dot in its name, and so have "." and "..". */
static int is_input(const struct dirent *entry)
{
	return !strchr(entry->d_name, '.');
}

static struct error *read_target(const char *folder, const struct target *target,
				 struct corpus *corpus)
{
	char *path = kept_path(folder, "corpus", target->name);
	struct dirent **entries = NULL;
	struct error *err = NULL;
	int count;

	if (!path)
		return error_no_memory();
	count = scandir(path, &entries, is_input, by_name);
	if (count < 0 && errno != ENOENT)
		err = os_error(path);
	for (int i = 0; i < count; i++) {
		char *file = kept_path(path, entries[i]->d_name, NULL);

		if (!err)
			err = file ? corpus_add_file(corpus, target, file) : error_no_memory();
		free(file);
		free(entries[i]);
	}
	free(entries);
	free(path);
	return err;
}

struct error *kept_read(const char *folder, const struct target *const *list, unsigned int count,
			struct corpus *corpora)
{
	struct error *err = NULL;

	for (unsigned int i = 0; !err && i < count; i++)
		err = read_target(folder, list[i], &corpora[i]);
	return err;
}
