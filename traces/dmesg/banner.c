/* SPDX-License-Identifier: MIT */
/* Banner: version, command line, CPUs. */
#include <stdlib.h>
#include <string.h>

#include "traces/dmesg/reader.h"

/* A release of the same series as the one known is the more exact one. */
static void take_release(struct boot_log *log, struct scan_str word)
{
	uint32_t release;

	if (facts_parse_version(boot_log_text(log, word.p, word.len), &release) &&
	    release >> 16 == log->input.version >> 16)
		log->input.version = release;
}

/* Linux version 6.1.0-50-amd64 (debian-kernel@...) (gcc ...) #1 SMP Debian 6.1.176-1 (2026-07-02) */
bool boot_log_take_version(struct boot_log *log, const char *text, size_t len)
{
	static const char debian[] = " Debian ", ubuntu[] = " (Ubuntu ";
	struct boot_input *in = &log->input;
	struct scan s = scan_of(text, len), t;
	struct scan_str word;
	const char *name;
	uint32_t version;

	if (!scan_word(&s, &word))
		return false;
	name = boot_log_text(log, word.p, word.len);
	if (!facts_parse_version(name, &version))
		return false;
	log->has_version = true;
	in->version_text = name;
	in->version = version;
	t = s;
	in->big_locks = scan_past(&t, " PREEMPT_RT ");
	t = s;
	if (in->big_locks)
		in->config.preemption = PREEMPTION_RT;
	else if (scan_past(&t, " PREEMPT "))
		in->config.preemption = PREEMPTION_ANYWHERE;
	/* The one excludes the other (mm/Kconfig, TRANSPARENT_HUGEPAGE). */
	if (in->big_locks)
		in->config.thp = false;
	/* The names of packages hide the stable release (6.1.0-50), the text of the build tells it. */
	t = s;
	if (scan_past(&t, debian) && scan_word(&t, &word))
		take_release(log, word);
	/* (Ubuntu 5.4.0-1051.57-fips 5.4.181) at the end; the compiler's version looks alike. */
	for (t = s; scan_past(&t, ubuntu);)
		if (scan_word(&t, &word) && scan_char(&t, ' ') && scan_word(&t, &word))
			take_release(log, word);
	return true;
}

bool line_linux_version(struct reader *r, struct scan s)
{
	return boot_log_take_version(r->log, s.p, scan_left(&s));
}

/* Dynamic Preempt: lazy */
bool line_dynamic_preempt(struct reader *r, struct scan s)
{
	struct arch_config *c = &r->log->input.config;
	struct scan_str word;

	if (!scan_word(&s, &word))
		return false;
	/* With PREEMPT_RT it says how soon, not where. */
	if (c->preemption != PREEMPTION_RT)
		c->preemption = scan_str_eq(word, "full") || scan_str_eq(word, "lazy")
					? PREEMPTION_ANYWHERE
					: PREEMPTION_VOLUNTARY;
	return true;
}

bool line_booting_linux(struct reader *r, struct scan s)
{
	(void)r;
	(void)s;
	return true;
}

bool line_machine_arm(struct reader *r, struct scan s)
{
	(void)r;
	(void)s;
	return true;
}

bool line_command_line(struct reader *r, struct scan s)
{
	struct boot_input *in = &r->log->input;
	size_t len = scan_left(&s);

	if (in->command_line && strlen(in->command_line) == len &&
	    !memcmp(in->command_line, s.p, len))
		return true;
	if (in->command_line)
		/* "Kernel command line" repeats it, with what the build added. */
		boot_log_note(r->log, r->line->line, r->command_line_line,
			      "two command lines differ; the later one counts");
	in->command_line = boot_log_text(r->log, s.p, len);
	r->command_line_line = r->line->line;
	return true;
}

/* The whole line at once; or in pieces that end with a backslash, each but the last (6.19+). */
bool line_kernel_command_line(struct reader *r, struct scan s)
{
	size_t len = scan_left(&s), open = r->command_line_open;
	bool more = len >= 2 && s.end[-1] == '\\' && s.end[-2] == ' ';
	char *joined;
	bool ok;

	if (!open && !more)
		return line_command_line(r, s);
	joined = malloc(open + len + 1);
	if (!joined) {
		r->log->out_of_memory = true;
		return false;
	}
	if (open)
		memcpy(joined, r->log->input.command_line, open);
	memcpy(joined + open, s.p, len);
	len += open - (more ? 1 : 0);
	joined[len] = 0;
	if (open)
		r->log->input.command_line = NULL;
	ok = line_command_line(r, scan_of(joined, len));
	free(joined);
	r->command_line_open = more ? len : 0;
	return ok;
}

/* setup_percpu: NR_CPUS:8192 nr_cpumask_bits:4 nr_cpu_ids:4 nr_node_ids:4 */
bool line_setup_percpu(struct reader *r, struct scan s)
{
	uint64_t n;

	if (scan_past(&s, "nr_cpu_ids:") && scan_dec(&s, &n) && n <= UINT32_MAX)
		r->log->input.nr_cpu_ids = (uint32_t)n;
	return true;
}

/* smpboot: Allowing 8 CPUs, 4 hotplug CPUs */
bool line_allowing_cpus(struct reader *r, struct scan s)
{
	uint64_t cpus;

	if (!scan_dec(&s, &cpus) || !scan_lit(&s, " CPUs") || cpus > UINT32_MAX)
		return false;
	if (!r->log->input.nr_cpu_ids)
		r->log->input.nr_cpu_ids = (uint32_t)cpus;
	return true;
}

bool line_allowing_cpus_old(struct reader *r, struct scan s)
{
	return line_allowing_cpus(r, s);
}

/* CPU topo: Allowing 4 present CPUs plus 2 hotplug CPUs */
bool line_allowing_cpus_new(struct reader *r, struct scan s)
{
	uint64_t present, more;

	if (!scan_dec(&s, &present) || !scan_lit(&s, " present CPUs plus ") ||
	    !scan_dec(&s, &more) || present > UINT32_MAX || more > UINT32_MAX - present)
		return false;
	if (!r->log->input.nr_cpu_ids)
		r->log->input.nr_cpu_ids = (uint32_t)(present + more);
	return true;
}

/* rcu: 	RCU restricting CPUs from NR_CPUS=256 to nr_cpu_ids=8. */
bool line_rcu(struct reader *r, struct scan s)
{
	uint64_t cpus;

	if (!scan_past(&s, "nr_cpu_ids=") || !scan_dec(&s, &cpus) || cpus > UINT32_MAX)
		return false;
	if (!r->log->input.nr_cpu_ids)
		r->log->input.nr_cpu_ids = (uint32_t)cpus;
	return true;
}

bool line_rcu_old(struct reader *r, struct scan s)
{
	return line_rcu(r, s);
}

bool line_kasan(struct reader *r, struct scan s)
{
	(void)s;
	r->log->input.kasan = true;
	return true;
}

bool line_kasan_new(struct reader *r, struct scan s)
{
	return line_kasan(r, s);
}

/* SLUB: HWalign=64, Order=0-3, MinObjects=0, CPUs=4, Nodes=4 */
bool line_slub(struct reader *r, struct scan s)
{
	uint64_t cpus;

	if (!scan_past(&s, "CPUs=") || !scan_dec(&s, &cpus))
		return false;
	if (!r->log->input.nr_cpu_ids && cpus <= UINT32_MAX)
		r->log->input.nr_cpu_ids = (uint32_t)cpus;
	if (scan_past(&s, "Nodes=") && scan_dec(&s, &cpus) && cpus <= NODES_MAX)
		r->log->input.nr_node_ids = (uint32_t)cpus;
	return true;
}

/* smp: Brought up 4 nodes, 4 CPUs */
bool line_brought_up(struct reader *r, struct scan s)
{
	uint64_t nodes, cpus;

	if (!scan_dec(&s, &nodes) || !scan_past(&s, ", ") || !scan_dec(&s, &cpus) ||
	    cpus > UINT32_MAX)
		return false;
	r->log->input.online_cpus = (uint32_t)cpus;
	return true;
}

bool line_brought_up_old(struct reader *r, struct scan s)
{
	uint64_t cpus;

	if (!scan_dec(&s, &cpus) || !scan_lit(&s, " CPUs") || cpus > UINT32_MAX)
		return false;
	r->log->input.online_cpus = (uint32_t)cpus;
	return true;
}

/* .... node  #1, CPUs:   #1  #2 */
bool line_node_cpus(struct reader *r, struct scan s)
{
	(void)r;
	(void)s;
	return true;
}
