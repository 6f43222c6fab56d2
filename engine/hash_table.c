/* SPDX-License-Identifier: MIT */
#include "engine/hash_table.h"

#include "engine/hash_size.h"

struct row {
	const char *name;
	uint64_t bucket64, bucket32, entries;
	unsigned int scale;
	uint64_t low, high;
};

_Static_assert(HASH_TABLE_COUNT <= 16, "given_bucket_bytes has one entry a table");

static const struct row rows[HASH_TABLE_COUNT] = {
#define HASH_TABLE(id, name, b64, b32, entries, scale, low, high) \
	{ name, b64, b32, entries, scale, low, high },
#include "engine/hash_table.def"
#undef HASH_TABLE
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
	case HASH_TABLE_PID:
		return fact_get(f, FACT_hash_pid);
	case HASH_TABLE_MOUNT:
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

static enum hash_memory memory_of(const struct machine *m, unsigned int table, uint64_t bytes)
{
	bool large = bytes > arch_page_size(&m->config) << m->config.max_order &&
		     table > HASH_TABLE_INODE && fact_get(&m->facts, FACT_hash_vmalloc_when_large);
	uint64_t with_memory = 0, online = 0, share = bytes;

	for (uint32_t n = 0; n < m->node_count; n++) {
		with_memory += m->nodes[n].memory;
		online += m->nodes[n].possible;
	}
	/* Spreading over nodes is pointless with one; 32-bit kernels never do. */
	if (!large && ((with_memory <= 1 && !fact_get(&m->facts, FACT_hash_spread_on_one_node)) ||
		       !m->config.numa || m->config.pointer_bytes != 8))
		return HASH_LINEAR;
	if (fact_get(&m->facts, FACT_vmalloc_huge_per_node))
		share = bytes / (online ? online : 1);
	if (fact_get(&m->facts, FACT_hash_vmalloc_huge) && share >= huge_vmalloc_bytes(m))
		return HASH_VMALLOC_HUGE;
	return HASH_VMALLOC;
}

static enum hash_group group_of(const struct machine *m, enum hash_table table, uint64_t bytes)
{
	/* Spread tables wait for vmalloc. */
	if (table <= HASH_TABLE_INODE && memory_of(m, table, bytes) == HASH_LINEAR)
		return HASH_GROUP_EARLY;
	return table <= HASH_TABLE_MOUNTPOINT ? HASH_GROUP_VFS : HASH_GROUP_LATE;
}

/* Up to 2.6.31 the PID table had a rule of its own: four entries a megabyte, 16 to 4096 in all. */
static uint64_t pid_entries_by_megabytes(const struct machine *m)
{
	uint64_t megabytes = m->nr_kernel_pages >> (20 - m->config.page_shift);

	return 1ULL << clamp_u64(fls_u64(megabytes * 4), 4, 12);
}

static unsigned int scale_of(const struct machine *m, unsigned int table)
{
	int64_t tcp = fact_get(&m->facts, FACT_hash_tcp_scale);
	bool small = m->nr_all_pages < (512ULL << 20) >> m->config.page_shift;

	if (table != HASH_TABLE_TCP_ESTABLISHED)
		return rows[table].scale;
	return tcp ? (unsigned int)tcp : small ? 15 : 13;
}

static uint64_t entries_of(const struct machine *m, unsigned int table, uint64_t established,
			   uint64_t nr_kernel_pages)
{
	const struct row *row = &rows[table];
	struct hash_input in = {
		.bucket_bytes = bucket_bytes(m, (enum hash_table)table),
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
	uint64_t entries;

	if (table == HASH_TABLE_TABLE_PERTURB)
		return row->entries;
	if (table == HASH_TABLE_PID && fact_get(&m->facts, FACT_hash_pid_by_megabytes))
		return pid_entries_by_megabytes(m);
	entries = hash_size_entries(&in);
	/* A block larger than the largest is not to be had, so half of it is tried. */
	while (table > HASH_TABLE_INODE && entries > 1 &&
	       !fact_get(&m->facts, FACT_hash_vmalloc_when_large) &&
	       entries * in.bucket_bytes > arch_page_size(&m->config) << m->config.max_order &&
	       memory_of(m, table, entries * in.bucket_bytes) == HASH_LINEAR)
		entries /= 2;
	return entries;
}

void hash_tables_answer(struct machine *m, enum hash_group group, uint32_t most)
{
	uint64_t established = 0, established_least = 0;

	for (unsigned int t = 0; t < HASH_TABLE_COUNT; t++) {
		uint64_t entries, least, bytes;
		struct answer *a;

		if (!table_exists(m, (enum hash_table)t))
			continue;
		entries = entries_of(m, t, established, m->nr_kernel_pages);
		least = entries_of(m, t, established_least,
				   m->nr_kernel_pages - m->nr_kernel_pages_over);
		if (t == HASH_TABLE_TCP_ESTABLISHED) {
			established = entries;
			established_least = least;
		}
		bytes = entries * bucket_bytes(m, (enum hash_table)t);
		if (group_of(m, (enum hash_table)t, bytes) != group || m->hash_answered >> t & 1 ||
		    !most)
			continue;
		most--;
		m->hash_answered |= 1U << t;
		a = answers_add(&m->answers, ANSWER_HASH);
		a->index = t;
		a->v[0] = entries;
		a->v[1] = (uint64_t)(int64_t)hash_size_order(bytes, &m->config, &m->facts);
		if (t == HASH_TABLE_PID && fact_get(&m->facts, FACT_hash_pid_by_megabytes))
			a->v[1] = fls_u64(entries) - 1;
		a->v[2] = bytes;
		if (fact_get(&m->facts, FACT_hash_line_tells_memory))
			a->v[3] = memory_of(m, t, bytes);
		/* A bucket of the usual size is no news. */
		if (m->totals_given ||
		    (m->given_bucket_bytes[t] &&
		     m->given_bucket_bytes[t] !=
			     hash_table_bucket_bytes(&m->config, &m->facts, (enum hash_table)t)))
			a->basis = BASIS_GIVEN;
		if (least != entries) {
			a->basis = BASIS_UNDERIVABLE;
			a->reason =
				"how much memory was free when tables were sized is only known with "
				"memblock=debug";
		}
	}
}
