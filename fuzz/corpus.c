/* SPDX-License-Identifier: MIT */
#include "fuzz/corpus.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "traces/capture.h"
#include "traces/input.h"
#include "traces/message_text.h"
#include "traces/scenario_store.h"

/*
 * Inputs from captures are short ones: a long log teaches little more and costs a run each time.  What is
 * longer is cut at a line.  A device tree that is cut is none, so that it may be somewhat longer.
 */
#define CAPTURE_BYTES_MAX ((size_t)4 << 10)
#define TREE_BYTES_MAX ((size_t)32 << 10)
#define MESSAGE_MEMORY_MAX ((size_t)512 << 20)

void corpus_deinit(struct corpus *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free((void *)(uintptr_t)c->inputs[i].data);
		free(c->names[i]);
	}
	free(c->inputs);
	free(c->names);
	memset(c, 0, sizeof(*c));
}

/* Takes @data, which malloc() gave. */
static struct error *add(struct corpus *c, uint8_t *data, size_t size, const char *name)
{
	if (c->count == c->room) {
		size_t room = c->room ? c->room * 2 : 16;
		struct driver_input *inputs = realloc(c->inputs, room * sizeof(*inputs));
		char **names;

		if (inputs)
			c->inputs = inputs;
		names = inputs ? realloc(c->names, room * sizeof(*names)) : NULL;
		if (names)
			c->names = names;
		if (!names) {
			free(data);
			return error_no_memory();
		}
		c->room = room;
	}
	c->names[c->count] = strdup(name);
	if (!c->names[c->count]) {
		free(data);
		return error_no_memory();
	}
	c->inputs[c->count++] = (struct driver_input){ data, size };
	return NULL;
}

static struct error *add_message(struct corpus *c, const ProtobufCMessage *message,
				 const char *name, size_t max)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data;

	if (size > max)
		return NULL;
	data = calloc(1, size + 1);
	if (!data)
		return error_no_memory();
	protobuf_c_message_pack(message, data);
	return add(c, data, size, name);
}

static struct error *add_stored(struct corpus *c, const struct input *in)
{
	struct stored_scenario s = { 0 };
	struct arena arena = arena_init(MESSAGE_MEMORY_MAX);
	const Mmtrace__Scenario *message;
	struct error *err = scenario_store_read_bytes(in->data, in->size, in->name, NULL, &s);

	if (!err) {
		message = scenario_store_message(&s.log, s.operations, s.operation_count, &arena);
		err = message ? add_message(c, &message->base, in->name, TARGET_BYTES_MAX)
			      : error_no_memory();
	}
	arena_deinit(&arena);
	stored_scenario_deinit(&s);
	return err;
}

static struct error *add_text(struct corpus *c, const struct target *target, const struct input *in)
{
	ProtobufCMessage *message;
	struct error *err = message_text_read(target->message, (const char *)in->data, in->size,
					      NULL, &message);

	if (err)
		return error_in_file(err, in->name);
	err = add_message(c, message, in->name, TARGET_BYTES_MAX);
	protobuf_c_message_free_unpacked(message, NULL);
	return err;
}

static struct error *add_bytes(struct corpus *c, const struct input *in)
{
	uint8_t *data = malloc(in->size + 1);

	if (!data)
		return error_no_memory();
	memcpy(data, in->data, in->size);
	return add(c, data, in->size, in->name);
}

struct error *corpus_add_file(struct corpus *c, const struct target *target, const char *path)
{
	struct input in = { 0 };
	struct error *err = input_read(path, NULL, &in);

	if (err)
		return err;
	if (!target->message)
		err = add_bytes(c, &in);
	else if (target->message == &mmtrace__scenario__descriptor && mmtrace_is(in.data, in.size))
		err = add_stored(c, &in);
	else if (in.size >= 2 && !memcmp(in.data, "# ", 2))
		err = add_text(c, target, &in);
	else
		err = add_bytes(c, &in);
	input_deinit(&in);
	return err;
}

/* ---- captures ---------------------------------------------------------------------------------- */

static struct error *add_boot(struct corpus *c, const char *path)
{
	struct arena arena = arena_init(MESSAGE_MEMORY_MAX);
	const Mmtrace__Scenario *message;
	struct boot_log log = { 0 };
	struct error *err = capture_read(path, &log);

	if (!err) {
		message = scenario_store_message(&log, NULL, 0, &arena);
		err = message ? add_message(c, &message->base, path, CAPTURE_BYTES_MAX)
			      : error_no_memory();
	}
	arena_deinit(&arena);
	boot_log_deinit(&log);
	return err;
}

/* Firmware leaves much room in a device tree; adds what is in it, if @in is one. */
static bool add_tree(struct corpus *c, const struct input *in, struct error **err)
{
	uint8_t *copy;

	/* libfdt 1.6.1 cannot check trees of versions before 16. */
	if (in->size < sizeof(struct fdt_header) || in->size > INT_MAX ||
	    fdt_check_header(in->data) || fdt_version(in->data) < 16 ||
	    fdt_check_full(in->data, in->size))
		return false;
	copy = malloc(in->size);
	if (!copy) {
		*err = error_no_memory();
		return true;
	}
	memcpy(copy, in->data, in->size);
	if (!fdt_pack(copy) && fdt_totalsize(copy) <= TREE_BYTES_MAX)
		*err = add(c, copy, fdt_totalsize(copy), in->name);
	else
		free(copy);
	return true;
}

static struct error *add_capture(struct corpus *c, const struct target *target, const char *path)
{
	char file[4096];
	struct error *err = NULL;

	if (target->message == &mmtrace__scenario__descriptor)
		return add_boot(c, path);
	for (unsigned int i = 0; target->files && target->files[i] && !err; i++) {
		struct input in = { 0 };
		bool absent = false;

		snprintf(file, sizeof(file), "%s", target->files[i]);
		err = input_read_in(path, file, NULL, &absent, &in);
		if (!err && !absent && add_tree(c, &in, &err)) {
			input_deinit(&in);
			continue;
		}
		if (!err && !absent && in.size > CAPTURE_BYTES_MAX) {
			in.size = CAPTURE_BYTES_MAX;
			while (in.size && in.data[in.size - 1] != '\n')
				in.size--;
		}
		if (!err && !absent && in.size)
			err = add_bytes(c, &in);
		input_deinit(&in);
	}
	return err;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

struct error *corpus_add_captures(struct corpus *c, const struct target *target, const char *dir)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, is_visible, compare_names);
	struct error *err = NULL;

	if (count < 0)
		return error_create(ERROR_NOT_FOUND, dir, 0, 0, "is no folder that can be read");
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!err)
			err = add_capture(c, target, path);
		if (err && err->code != ERROR_NO_MEMORY) {
			error_destroy(err);
			err = NULL;
		}
		free(entries[i]);
	}
	free(entries);
	return err;
}

struct error *corpus_write_words(const char *path, const char *const *words)
{
	FILE *out = fopen(path, "w");

	for (unsigned int i = 0; out && words && words[i]; i++) {
		if (!*words[i])
			continue;
		fputc('"', out);
		for (const char *p = words[i]; *p; p++)
			if (*p >= ' ' && *p < 127 && *p != '"' && *p != '\\')
				fputc(*p, out);
			else
				fprintf(out, "\\x%02x", (unsigned int)(unsigned char)*p);
		fputs("\"\n", out);
	}
	if (!out || fclose(out))
		return error_create(ERROR_OS, path, 0, 0, "%s", strerror(errno));
	return NULL;
}
