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
static uint64_t bucket_bytes(const struct machine *m, enum hash_table table)
{
	const struct facts *f = &m->facts;

	if (m->given_bucket_bytes[table])
		return m->given_bucket_bytes[table];

	switch (table) {
	case HASH_TABLE_TCP_BIND:
		return m->config.pointer_bytes == 8 ? (uint64_t)fact_get(f, FACT_hash_tcp_bind_bytes) :
						      (uint64_t)fact_get(f, FACT_hash_tcp_bind_bytes) / 2;
	case HASH_TABLE_TCP_LISTEN:
		return m->config.pointer_bytes == 8 ?
			       rows[table].bucket64 :
			       (uint64_t)fact_get(f, FACT_hash_tcp_listen_bytes_32);
	case HASH_TABLE_UDP:
	case HASH_TABLE_UDP_LITE:
		return (uint64_t)fact_get(f, FACT_hash_udp_bytes);
	default:
		return m->config.pointer_bytes == 8 ? rows[table].bucket64 : rows[table].bucket32;
	}
}

static bool table_exists(const struct machine *m, enum hash_table table)
{
	const struct facts *f = &m->facts;

	switch (table) {
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

static enum hash_memory memory_of(const struct machine *m, uint64_t bytes)
{
	uint64_t with_memory = 0, online = 0, share = bytes;

	for (uint32_t n = 0; n < m->node_count; n++) {
		with_memory += m->nodes[n].memory;
		online += m->nodes[n].possible;
	}
	/* Spreading over nodes is pointless with one; 32-bit kernels never do. */
	if (with_memory <= 1 || !m->config.numa || m->config.pointer_bytes != 8)
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
	if (table <= HASH_TABLE_INODE && memory_of(m, bytes) == HASH_LINEAR)
		return HASH_GROUP_EARLY;
	return table <= HASH_TABLE_MOUNTPOINT ? HASH_GROUP_VFS : HASH_GROUP_LATE;
}

void hash_tables_answer(struct machine *m, enum hash_group group, uint32_t most)
{
	uint64_t established = 0;

	for (unsigned int t = 0; t < HASH_TABLE_COUNT; t++) {
		const struct row *row = &rows[t];
		struct hash_input in = {
			.bucket_bytes = bucket_bytes(m, (enum hash_table)t),
			.entries = row->entries,
			.scale = row->scale,
			.low_limit = row->low,
			.high_limit = row->high,
			.nr_kernel_pages = m->nr_kernel_pages,
			.nr_all_pages = m->nr_all_pages,
			.config = &m->config,
			.facts = &m->facts,
		};
		uint64_t entries;
		struct answer *a;

		if (!table_exists(m, (enum hash_table)t))
			continue;
		if (t == HASH_TABLE_PID)
			in.small_shift = 4;
		if (t == HASH_TABLE_TCP_BIND)
			in.entries = established;
		entries = t == HASH_TABLE_TABLE_PERTURB ? row->entries : hash_size_entries(&in);
		if (t == HASH_TABLE_TCP_ESTABLISHED)
			established = entries;
		if (group_of(m, (enum hash_table)t, entries * in.bucket_bytes) != group ||
		    m->hash_answered >> t & 1 || !most)
			continue;
		most--;
		m->hash_answered |= 1U << t;
		a = answers_add(&m->answers, ANSWER_HASH);
		a->index = t;
		a->v[0] = entries;
		a->v[1] = (uint64_t)(int64_t)hash_size_order(entries * in.bucket_bytes, &m->config,
							     &m->facts);
		a->v[2] = entries * in.bucket_bytes;
		if (fact_get(&m->facts, FACT_hash_line_tells_memory))
			a->v[3] = memory_of(m, a->v[2]);
		if (!m->reserved_known || m->given_bucket_bytes[t])
			a->basis = BASIS_GIVEN;
	}
}
