/* SPDX-License-Identifier: MIT */
#include "engine/hash_table.h"

#include "engine/hash_size.h"

struct row {
	const char *name;
	enum hash_group group;
	unsigned int scale;
	uint64_t bucket64, bucket32, entries;
	uint64_t low, high;
};

_Static_assert(HASH_TABLE_COUNT <= 32, "given_bucket_bytes has one entry a table");

static const struct row rows[HASH_TABLE_COUNT] = {
#define HASH_TABLE(id, name, group, b64, b32, entries, scale, low, high) \
	{ name, HASH_GROUP_##group, scale, b64, b32, entries, low, high },
#include "engine/hash_table.def"
#undef HASH_TABLE
};

/* In the order of a boot; that of Dquot-cache changed. */
static const enum hash_table boot_order[] = {
	HASH_TABLE_PV_QSPINLOCK, HASH_TABLE_PID,	   HASH_TABLE_DENTRY,
	HASH_TABLE_INODE,	 HASH_TABLE_STACKDEPOT,	   HASH_TABLE_MOUNT,
	HASH_TABLE_MOUNTPOINT,	 HASH_TABLE_POSIXTIMERS,   HASH_TABLE_FUTEX,
	HASH_TABLE_DQUOT,	 HASH_TABLE_IP_IDENTS,	   HASH_TABLE_IP_ROUTE,
	HASH_TABLE_TCP_LISTEN,	 HASH_TABLE_TABLE_PERTURB, HASH_TABLE_TCP_ESTABLISHED,
	HASH_TABLE_TCP_BIND,	 HASH_TABLE_MPTCP,	   HASH_TABLE_UDP,
	HASH_TABLE_UDP_LITE,	 HASH_TABLE_DQUOT,
};

const char *hash_table_name(enum hash_table table)
{
	return rows[table].name;
}

/* Bucket sizes that are not the row's in every kernel. */
uint64_t hash_table_bucket_bytes(const struct arch_config *config, const struct facts *facts,
				 enum hash_table table)
{
	bool wide = config->pointer_bytes == 8;
	uint64_t bytes;

	switch (table) {
	case HASH_TABLE_TCP_ESTABLISHED:
		return config->pointer_bytes *
		       (uint64_t)fact_get(facts, FACT_hash_tcp_established_chains);
	case HASH_TABLE_TCP_BIND:
		bytes = (uint64_t)fact_get(facts, FACT_hash_tcp_bind_bytes);
		return wide ? bytes : bytes / 2;
	case HASH_TABLE_TCP_LISTEN:
		return wide ? rows[table].bucket64
			    : (uint64_t)fact_get(facts, FACT_hash_tcp_listen_bytes_32);
	case HASH_TABLE_UDP:
	case HASH_TABLE_UDP_LITE:
		return (uint64_t)fact_get(facts, FACT_hash_udp_bytes);
	case HASH_TABLE_STACKDEPOT:
		bytes = (uint64_t)fact_get(facts, FACT_hash_stackdepot_bytes);
		return wide ? bytes : bytes / 2;
	default:
		return wide ? rows[table].bucket64 : rows[table].bucket32;
	}
}

static uint64_t bucket_bytes(const struct machine *m, enum hash_table table)
{
	if (m->given_bucket_bytes[table])
		return m->given_bucket_bytes[table];
	return hash_table_bucket_bytes(&m->config, &m->facts, table);
}

static bool table_exists(const struct machine *m, enum hash_table table)
{
	const struct facts *f = &m->facts;

	/* What was built in is not to be derived; a table the log tells of was. */
	if (m->tables_told & 1U << table)
		return true;
	switch (table) {
	/* Guests that may sleep on a lock, and kernels that look for mistakes. */
	case HASH_TABLE_PV_QSPINLOCK:
	case HASH_TABLE_STACKDEPOT:
		return false;
	case HASH_TABLE_POSIXTIMERS:
		return fact_get(f, FACT_hash_posixtimers);
	case HASH_TABLE_FUTEX:
		return fact_get(f, FACT_hash_futex);
	case HASH_TABLE_IP_ROUTE:
		return fact_get(f, FACT_hash_ip_route);
	case HASH_TABLE_PID:
		return fact_get(f, FACT_hash_pid);
	case HASH_TABLE_MOUNTPOINT:
		return fact_get(f, FACT_hash_mountpoint);
	case HASH_TABLE_IP_IDENTS:
		return fact_get(f, FACT_hash_ip_idents);
	case HASH_TABLE_TCP_LISTEN:
		return fact_get(f, FACT_hash_tcp_listen);
	case HASH_TABLE_TABLE_PERTURB:
		return fact_get(f, FACT_hash_table_perturb);
	case HASH_TABLE_MPTCP:
		return fact_get(f, FACT_hash_mptcp);
	case HASH_TABLE_UDP_LITE:
		return fact_get(f, FACT_hash_udp_lite);
	default:
		return true;
	}
}

/* The least that vmalloc maps by more than single pages. */
static uint64_t huge_vmalloc_bytes(const struct machine *m)
{
	if (m->config.arch == ARCH_ARM64 && fact_get(&m->facts, FACT_arm64_vmap_contiguous))
		return m->config.page_shift == 12 ? 64ULL << 10 : 2ULL << 20;
	return arch_huge_page_size(&m->config);
}

/* Taken from memblock wherever it comes to lie: no other table of that time waits for vmalloc. */
static bool always_early(enum hash_table table)
{
	return rows[table].group == HASH_GROUP_EARLY && table != HASH_TABLE_DENTRY &&
	       table != HASH_TABLE_INODE;
}

static uint32_t possible_nodes(const struct machine *m)
{
	uint32_t possible = 0;

	for (uint32_t n = 0; n < m->node_count; n++)
		possible += m->nodes[n].possible;
	return possible ? possible : 1;
}

static enum hash_memory memory_of(const struct machine *m, enum hash_table table, uint64_t bytes)
{
	bool beyond = bytes > arch_page_size(&m->config) << m->config.max_order;
	bool large = beyond && rows[table].group != HASH_GROUP_EARLY &&
		     fact_get(&m->facts, FACT_hash_vmalloc_when_large);
	uint64_t with_memory = 0, share = bytes;

	if (always_early(table))
		return HASH_LINEAR;
	if (table == HASH_TABLE_FUTEX && fact_get(&m->facts, FACT_hash_futex_per_node))
		return beyond ? HASH_VMALLOC : HASH_LINEAR;

	for (uint32_t n = 0; n < m->node_count; n++)
		with_memory += m->nodes[n].memory;
	/* Spreading over nodes is pointless with one; 32-bit kernels never do. */
	if (!large && ((with_memory <= 1 && !fact_get(&m->facts, FACT_hash_spread_on_one_node)) ||
		       !m->config.numa || m->config.pointer_bytes != 8))
		return HASH_LINEAR;
	if (fact_get(&m->facts, FACT_vmalloc_huge_per_node))
		share = bytes / possible_nodes(m);
	if (fact_get(&m->facts, FACT_hash_vmalloc_huge) && share >= huge_vmalloc_bytes(m))
		return HASH_VMALLOC_HUGE;
	return HASH_VMALLOC;
}

static enum hash_group group_of(const struct machine *m, enum hash_table table, uint64_t bytes)
{
	/* Spread tables wait for vmalloc. */
	if (rows[table].group == HASH_GROUP_EARLY && memory_of(m, table, bytes) != HASH_LINEAR)
		return HASH_GROUP_VFS;
	return rows[table].group;
}

/* Up to 2.6.31 the PID table had a rule of its own: four entries a megabyte, 16 to 4096 in all. */
static uint64_t pid_entries_by_megabytes(const struct machine *m)
{
	uint64_t megabytes = m->nr_kernel_pages >> (20 - m->config.page_shift);

	return 1ULL << clamp_u64(fls_u64(megabytes * 4), 4, 12);
}

static unsigned int scale_of(const struct machine *m, enum hash_table table)
{
	int64_t tcp = fact_get(&m->facts, FACT_hash_tcp_scale);
	bool small = m->nr_all_pages < (512ULL << 20) >> m->config.page_shift;

	if (table == HASH_TABLE_IP_ROUTE)
		return small ? rows[table].scale + 2 : rows[table].scale;
	if (table != HASH_TABLE_TCP_ESTABLISHED)
		return rows[table].scale;
	return tcp ? (unsigned int)tcp : small ? 15 : 13;
}

/* Old kernels hash mounts in lists that fill one page, which their line does not say. */
static bool mounts_in_a_page(const struct machine *m, enum hash_table table)
{
	return table == HASH_TABLE_MOUNT && !fact_get(&m->facts, FACT_hash_mountpoint) &&
	       !(m->tables_told & 1U << HASH_TABLE_MOUNT);
}

static bool by_cpus(enum hash_table table)
{
	return table == HASH_TABLE_PV_QSPINLOCK || table == HASH_TABLE_POSIXTIMERS ||
	       table == HASH_TABLE_FUTEX;
}

/* Entries that follow from a number of CPUs, from a page, or from nothing; 0 for all others. */
static uint64_t entries_told(const struct machine *m, enum hash_table table)
{
	uint64_t page = arch_page_size(&m->config), cpus = m->possible_cpus ? m->possible_cpus : 1;
	uint64_t bucket = bucket_bytes(m, table), entries = rows[table].entries * cpus;

	switch (table) {
	case HASH_TABLE_PV_QSPINLOCK:
		/* Whole cache lines, and at least a page. */
		entries = round_up_to(entries, 64 / bucket ? 64 / bucket : 1);
		return round_down_pow2(max_u64(entries, page / bucket));
	case HASH_TABLE_FUTEX:
		if (fact_get(&m->facts, FACT_hash_futex_per_node))
			entries = max_u64(entries / possible_nodes(m), 4);
		return round_up_pow2(entries);
	case HASH_TABLE_POSIXTIMERS:
		return round_up_pow2(entries);
	case HASH_TABLE_STACKDEPOT:
		return m->kasan ? rows[table].high : 0;
	case HASH_TABLE_DQUOT:
		return round_down_pow2(page / bucket);
	case HASH_TABLE_MOUNT:
		return mounts_in_a_page(m, table) ? page / m->config.pointer_bytes / 2 : 0;
	case HASH_TABLE_TABLE_PERTURB:
		return rows[table].entries;
	default:
		return 0;
	}
}

static uint64_t entries_of(const struct machine *m, enum hash_table table, uint64_t established,
			   uint64_t nr_kernel_pages)
{
	const struct row *row = &rows[table];
	struct hash_input in = {
		.bucket_bytes = bucket_bytes(m, table),
		.entries = table == HASH_TABLE_TCP_BIND ? established : row->entries,
		.scale = scale_of(m, table),
		.low_limit = row->low,
		.high_limit = row->high,
		.small_shift = table == HASH_TABLE_PID ? 4 : 0,
		.nr_kernel_pages = nr_kernel_pages,
		.nr_all_pages = m->nr_all_pages,
		.config = &m->config,
		.facts = &m->facts,
	};
	uint64_t entries = entries_told(m, table);

	if (entries)
		return entries;
	if (table == HASH_TABLE_PID && fact_get(&m->facts, FACT_hash_pid_by_megabytes))
		return pid_entries_by_megabytes(m);
	entries = hash_size_entries(&in);
	/* A block larger than the largest is not to be had, so half of it is tried. */
	while (row->group != HASH_GROUP_EARLY && entries > 1 &&
	       !fact_get(&m->facts, FACT_hash_vmalloc_when_large) &&
	       entries * in.bucket_bytes > arch_page_size(&m->config) << m->config.max_order &&
	       memory_of(m, table, entries * in.bucket_bytes) == HASH_LINEAR)
		entries /= 2;
	return entries;
}

/* What an answer about @table rests on; @least entries, if all that may be missing is. */
static void find_basis(const struct machine *m, enum hash_table table, uint64_t least,
		       struct answer *a)
{
	/* A bucket of the usual size is no news. */
	if ((m->totals_given && !entries_told(m, table)) ||
	    (m->given_bucket_bytes[table] &&
	     m->given_bucket_bytes[table] != hash_table_bucket_bytes(&m->config, &m->facts, table)))
		a->basis = BASIS_GIVEN;
	if (least != a->v[0]) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = "how much memory was free when tables were sized is only known with "
			    "memblock=debug";
	}
	if (by_cpus(table) && !m->possible_cpus) {
		a->basis = BASIS_UNDERIVABLE;
		a->reason = "how many CPUs there can be is not in the log";
	}
}

static void answer_table(struct machine *m, enum hash_table table, uint64_t entries, uint64_t least)
{
	uint64_t bytes = entries * bucket_bytes(m, table);
	struct answer *a = answers_add(&m->answers, ANSWER_HASH);
	const struct facts *f = &m->facts;

	a->index = (uint32_t)table;
	a->v[0] = entries;
	find_basis(m, table, least, a);
	if (mounts_in_a_page(m, table))
		return;
	a->v[2] = bytes;
	if (table == HASH_TABLE_DQUOT)
		return;
	if (table == HASH_TABLE_FUTEX && fact_get(f, FACT_hash_futex_per_node))
		a->v[4] = possible_nodes(m);
	else if (table == HASH_TABLE_PID && fact_get(f, FACT_hash_pid_by_megabytes))
		a->v[1] = fls_u64(entries) - 1;
	else
		a->v[1] = (uint64_t)(int64_t)hash_size_order(bytes, &m->config, f);
	if (fact_get(f, FACT_hash_line_tells_memory))
		a->v[3] = memory_of(m, table, bytes);
}

/*
 * Has the size of @table to be known when @group is answered?  The bind table of TCP follows from the one of
 * connections, which is in the same group.
 */
static bool concerns(const struct machine *m, enum hash_table table, enum hash_group group)
{
	bool may_be = rows[table].group == group ||
		      (rows[table].group == HASH_GROUP_EARLY && group == HASH_GROUP_VFS);

	return may_be && (!(m->hash_answered >> table & 1) || table == HASH_TABLE_TCP_ESTABLISHED);
}

void hash_tables_answer(struct machine *m, enum hash_group group, uint32_t most)
{
	uint64_t established = 0, established_least = 0;
	const unsigned int halved = fact_get(&m->facts, FACT_hash_tcp_time_wait_half) ? 1 : 0;
	const uint32_t places = sizeof(boot_order) / sizeof(boot_order[0]);

	for (uint32_t i = 0; i < places; i++) {
		enum hash_table t = boot_order[i];
		uint64_t entries, least;

		if (!table_exists(m, t) || !concerns(m, t, group))
			continue;
		if (t == HASH_TABLE_DQUOT && i + 1 < places &&
		    !fact_get(&m->facts, FACT_dquot_before_network))
			continue;
		entries = entries_of(m, t, established, m->nr_kernel_pages);
		least = entries;
		if (m->nr_kernel_pages_over || established_least != established)
			least = entries_of(m, t, established_least,
					   m->nr_kernel_pages - m->nr_kernel_pages_over);
		if (t == HASH_TABLE_TCP_ESTABLISHED) {
			established = entries >> halved;
			established_least = least >> halved;
		}
		if (group_of(m, t, entries * bucket_bytes(m, t)) != group ||
		    m->hash_answered >> t & 1 || !most)
			continue;
		most--;
		m->hash_answered |= 1U << t;
		answer_table(m, t, entries, least);
	}
}
