/* SPDX-License-Identifier: MIT */
#include "traces/procfs/nodes.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/units.h"
#include "traces/input.h"
#include "traces/scan.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

enum kind { KIND_UNKNOWN, KIND_IGNORED, KIND_DISTANCE, KIND_CPULIST, KIND_MEMINFO };

/* "node3.distance" */
static enum kind kind_of(const char *file, int32_t *nid_ret)
{
	static const struct {
		const char *name;
		enum kind kind;
	} kinds[] = {
		{ "distance", KIND_DISTANCE }, { "cpulist", KIND_CPULIST },
		{ "meminfo", KIND_MEMINFO },   { "cpumap", KIND_IGNORED },
		{ "numastat", KIND_IGNORED },  { "vmstat", KIND_IGNORED },
	};
	static const char *const machine_files[] = {
		"has_cpu",    "has_generic_initiator", "has_high_memory",
		"has_memory", "has_normal_memory",     "online",
		"possible",
	};
	struct scan s = scan_of(file, strlen(file));
	uint32_t nid;

	for (size_t i = 0; i < sizeof(machine_files) / sizeof(machine_files[0]); i++)
		if (!strcmp(file, machine_files[i]))
			return KIND_IGNORED;
	if (!scan_lit(&s, "node") || !scan_u32(&s, &nid) || nid >= NODES_MAX || !scan_char(&s, '.'))
		return KIND_UNKNOWN;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(s.p, kinds[i].name)) {
			*nid_ret = (int32_t)nid;
			return kinds[i].kind;
		}
	}
	return KIND_UNKNOWN;
}

/* The node, made in its place if it is new; NULL without memory. */
static struct nodes_node *get_node(struct nodes *nodes, int32_t nid)
{
	struct nodes_node *moved;
	uint32_t at = 0;

	while (at < nodes->nnodes && nodes->nodes[at].nid < nid)
		at++;
	if (at < nodes->nnodes && nodes->nodes[at].nid == nid)
		return &nodes->nodes[at];
	moved = realloc(nodes->nodes, (nodes->nnodes + (size_t)1) * sizeof(*moved));
	if (!moved)
		return NULL;
	nodes->nodes = moved;
	memmove(moved + at + 1, moved + at, (nodes->nnodes - at) * sizeof(*moved));
	nodes->nnodes++;
	moved[at] = (struct nodes_node){ .nid = nid };
	return &moved[at];
}

static struct error *error_at(enum error_code code, const char *name,
			      const struct scan_lines *lines, const struct scan *s,
			      const char *what)
{
	return error_create(code, name, lines->line, scan_column(lines, s->p), "%s", what);
}

/* Neither what is left of a line nor a later line has anything. */
static bool is_end(struct scan_lines *lines, struct scan *s)
{
	struct scan_lines t = *lines;
	struct scan rest = *s;

	do {
		if (!scan_blank_end(&rest))
			return false;
	} while (scan_next_line(&t, &rest));
	return true;
}

/* "10 16 24 16" */
static struct error *read_distances(struct nodes_node *node, const char *text, size_t len,
				    const char *name)
{
	struct scan_lines lines = scan_lines_of(text, len);
	struct scan s = scan_of(text, 0);
	uint32_t distances[NODES_MAX], n = 0;

	scan_next_line(&lines, &s);
	while (!scan_blank_end(&s)) {
		scan_ws(&s);
		if (n == NODES_MAX)
			return error_at(ERROR_LIMIT, name, &lines, &s, "too many distances");
		if (!scan_u32(&s, &distances[n]))
			return error_at(scan_number_too_large(&s) ? ERROR_RANGE : ERROR_SYNTAX,
					name, &lines, &s, "a distance is not a number that fits");
		n++;
	}
	if (!is_end(&lines, &s))
		return error_at(ERROR_SYNTAX, name, &lines, &s, "there is more than one line");
	if (!n)
		return error_create(ERROR_FORMAT, name, 0, 0, "there is no distance");
	node->distances = malloc(n * sizeof(distances[0]));
	if (!node->distances)
		return error_no_memory();
	memcpy(node->distances, distances, n * sizeof(distances[0]));
	node->ndistances = n;
	node->has_distances = true;
	return NULL;
}

/* "0-3,8,10-11", or nothing */
static struct error *read_cpus(struct nodes_node *node, const char *text, size_t len,
			       const char *name)
{
	struct scan_lines lines = scan_lines_of(text, len);
	struct scan s = scan_of(text, 0);
	uint32_t *cpus = malloc(NODES_CPUS_MAX * sizeof(*cpus));
	struct error *err = NULL;
	uint32_t n = 0;

	if (!cpus)
		return error_no_memory();
	scan_next_line(&lines, &s);
	while (!err && !scan_blank_end(&s)) {
		uint32_t first, last;

		scan_ws(&s);
		if (n && !scan_char(&s, ',')) {
			err = error_at(ERROR_SYNTAX, name, &lines, &s, "a comma is missing");
			break;
		}
		if (!scan_u32(&s, &first)) {
			err = error_at(scan_number_too_large(&s) ? ERROR_RANGE : ERROR_SYNTAX, name,
				       &lines, &s, "a CPU is not a number that fits");
			break;
		}
		last = first;
		if (scan_char(&s, '-') && !scan_u32(&s, &last))
			err = error_at(ERROR_SYNTAX, name, &lines, &s, "a range has no end");
		else if (last < first || (n && first <= cpus[n - 1]))
			err = error_at(ERROR_RANGE, name, &lines, &s, "CPUs do not ascend");
		else if (last >= NODES_CPUS_MAX)
			err = error_at(ERROR_LIMIT, name, &lines, &s, "no machine has that CPU");
		for (uint32_t cpu = first; !err && cpu <= last; cpu++)
			cpus[n++] = cpu;
	}
	if (!err && !is_end(&lines, &s))
		err = error_at(ERROR_SYNTAX, name, &lines, &s, "there is more than one line");
	if (err) {
		free(cpus);
		return err;
	}
	if (n) {
		uint32_t *fitted = realloc(cpus, n * sizeof(*cpus));

		node->cpus = fitted ? fitted : cpus;
	} else {
		free(cpus);
	}
	node->ncpus = n;
	node->has_cpus = true;
	return NULL;
}

static struct error *read_meminfo(struct nodes_node *node, const char *text, size_t len,
				  const char *name)
{
	struct error *err = meminfo_parse(text, len, name, &node->meminfo);

	if (err)
		return err;
	node->has_meminfo = true;
	if (node->meminfo.nid != node->nid)
		return error_create(ERROR_RANGE, name, node->meminfo.entries[0].line, 0,
				    "this is not about node %d", (int)node->nid);
	return NULL;
}

struct error *nodes_add(struct nodes *nodes, const char *file, const char *text, size_t len,
			const char *name)
{
	struct nodes_node *node;
	enum kind kind;
	int32_t nid = NID_NONE;

	kind = kind_of(file, &nid);
	if (kind == KIND_UNKNOWN)
		nodes->unknown_files++;
	if (kind == KIND_UNKNOWN || kind == KIND_IGNORED)
		return NULL;
	if (len > FILE_BYTES_MAX)
		return error_create(ERROR_LIMIT, name, 0, 0, "the file is too large");
	node = get_node(nodes, nid);
	if (!node)
		return error_no_memory();
	if ((kind == KIND_DISTANCE && node->has_distances) ||
	    (kind == KIND_CPULIST && node->has_cpus) || (kind == KIND_MEMINFO && node->has_meminfo))
		return error_create(ERROR_RANGE, name, 0, 0, "this file of node %d is given twice",
				    (int)nid);
	if (kind == KIND_DISTANCE)
		return read_distances(node, text, len, name);
	if (kind == KIND_CPULIST)
		return read_cpus(node, text, len, name);
	return read_meminfo(node, text, len, name);
}

struct error *nodes_finish(struct nodes *nodes, const char *name)
{
	for (uint32_t i = 0; i < nodes->nnodes; i++) {
		const struct nodes_node *node = &nodes->nodes[i];

		if (node->has_distances && node->ndistances != nodes->nnodes)
			return error_create(ERROR_RANGE, name, 0, 0,
					    "node %d has %u distances among %u nodes",
					    (int)node->nid, node->ndistances, nodes->nnodes);
	}
	return NULL;
}

/* Not "." and "..", nor what editors hide. */
static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static struct error *read_entry(struct nodes *nodes, const char *dir, const char *file)
{
	const struct input_limits limits = { .bytes_max = FILE_BYTES_MAX };
	struct input input = { 0 };
	struct error *err;
	bool absent = false;
	int32_t nid;

	/* What we do not read may be anything, a folder too. */
	if (kind_of(file, &nid) < KIND_DISTANCE)
		return nodes_add(nodes, file, "", 0, file);
	err = input_read_in(dir, file, &limits, &absent, &input);
	if (!err && !absent)
		err = nodes_add(nodes, file, (const char *)input.data, input.size, input.name);
	input_deinit(&input);
	return err;
}

struct error *nodes_read(const char *dir, struct nodes *ret)
{
	struct nodes nodes = { 0 };
	struct dirent **entries;
	struct error *err = NULL;
	int n;

	/* Sorted, so that of several errors it is always the same one that is told. */
	n = scandir(dir, &entries, is_visible, alphasort);
	if (n < 0) {
		if (errno == ENOMEM)
			return error_no_memory();
		return error_create(errno == ENOENT ? ERROR_NOT_FOUND : ERROR_OS, dir, 0, 0, "%s",
				    strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		if (!err)
			err = read_entry(&nodes, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (!err)
		err = nodes_finish(&nodes, dir);
	if (err) {
		nodes_deinit(&nodes);
		return err;
	}
	*ret = nodes;
	return NULL;
}

void nodes_deinit(struct nodes *nodes)
{
	for (uint32_t i = 0; i < nodes->nnodes; i++) {
		free(nodes->nodes[i].distances);
		free(nodes->nodes[i].cpus);
		meminfo_deinit(&nodes->nodes[i].meminfo);
	}
	free(nodes->nodes);
	*nodes = (struct nodes){ 0 };
}

const struct nodes_node *nodes_find(const struct nodes *nodes, int32_t nid)
{
	for (uint32_t i = 0; i < nodes->nnodes; i++)
		if (nodes->nodes[i].nid == nid)
			return &nodes->nodes[i];
	return NULL;
}

int32_t nodes_of_cpu(const struct nodes *nodes, uint32_t cpu)
{
	for (uint32_t i = 0; i < nodes->nnodes; i++)
		for (uint32_t j = 0; j < nodes->nodes[i].ncpus; j++)
			if (nodes->nodes[i].cpus[j] == cpu)
				return nodes->nodes[i].nid;
	return NID_NONE;
}

bool nodes_distance(const struct nodes *nodes, int32_t from, int32_t to, uint32_t *ret)
{
	const struct nodes_node *a = nodes_find(nodes, from), *b = nodes_find(nodes, to);

	if (!a || !b || !a->has_distances)
		return false;
	*ret = a->distances[b - nodes->nodes];
	return true;
}
