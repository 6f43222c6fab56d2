/* SPDX-License-Identifier: MIT */
/*
 * Tests of the list of hash tables: all lines of two boots, when each table is sized and from where, and
 * what differs on old, small and large machines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/hash_table.h"

struct expected {
	enum hash_table table;
	uint64_t entries;
	int64_t order;
	uint64_t bytes;
	enum hash_memory memory;
};

static void begin(struct machine *m, const char *version, enum arch arch, uint64_t pages,
		  uint32_t nodes)
{
	uint32_t v;

	assert_true(facts_parse_version(version, &v));
	machine_init(m);
	facts_init(&m->facts, v);
	arch_config_default(arch, false, &m->config);
	m->nr_kernel_pages = m->nr_all_pages = pages;
	m->possible_cpus = 2;
	m->nodes = calloc(nodes, sizeof(*m->nodes));
	assert_non_null(m->nodes);
	m->node_count = nodes;
	for (uint32_t n = 0; n < nodes; n++)
		m->nodes[n].possible = m->nodes[n].memory = true;
}

/* The answers from number @first on are @rows, no more and no less. */
static void expect_tables(const struct machine *m, uint32_t first, const struct expected *rows,
			  uint32_t count)
{
	assert_int_equal(m->answers.count, first + count);
	for (uint32_t i = 0; i < count; i++) {
		const struct answer *a = &m->answers.items[first + i];

		assert_int_equal(a->kind, ANSWER_HASH);
		assert_string_equal(hash_table_name((enum hash_table)a->index),
				    hash_table_name(rows[i].table));
		assert_int_equal(a->v[0], rows[i].entries);
		assert_int_equal((int64_t)a->v[1], rows[i].order);
		assert_int_equal(a->v[2], rows[i].bytes);
		assert_int_equal(a->v[3], rows[i].memory);
	}
}

#define COUNT(rows) ((uint32_t)(sizeof(rows) / sizeof((rows)[0])))
#define EXPECT_TABLES(m, first, rows) expect_tables(m, first, rows, COUNT(rows))

/* A PC of 2 GiB with Debian's 6.1: one node, so all tables are linear. */
static void a_pc_of_2_gib(void **state)
{
	static const struct expected rows[] = {
		{ HASH_TABLE_DENTRY, 262144, 9, 2097152, HASH_LINEAR },
		{ HASH_TABLE_INODE, 131072, 8, 1048576, HASH_LINEAR },
		{ HASH_TABLE_MOUNT, 4096, 3, 32768, HASH_LINEAR },
		{ HASH_TABLE_MOUNTPOINT, 4096, 3, 32768, HASH_LINEAR },
		{ HASH_TABLE_FUTEX, 512, 3, 32768, HASH_LINEAR },
		{ HASH_TABLE_DQUOT, 512, 0, 4096, HASH_MEMORY_UNKNOWN },
		{ HASH_TABLE_IP_IDENTS, 32768, 6, 262144, HASH_LINEAR },
		{ HASH_TABLE_TCP_LISTEN, 1024, 2, 16384, HASH_LINEAR },
		{ HASH_TABLE_TABLE_PERTURB, 65536, 6, 262144, HASH_LINEAR },
		{ HASH_TABLE_TCP_ESTABLISHED, 16384, 5, 131072, HASH_LINEAR },
		{ HASH_TABLE_TCP_BIND, 16384, 7, 524288, HASH_LINEAR },
		{ HASH_TABLE_MPTCP, 2048, 4, 49152, HASH_LINEAR },
		{ HASH_TABLE_UDP, 1024, 3, 32768, HASH_LINEAR },
		{ HASH_TABLE_UDP_LITE, 1024, 3, 32768, HASH_LINEAR },
	};
	struct machine m;

	(void)state;
	begin(&m, "6.1", ARCH_X86_64, 515804, 1);
	hash_tables_answer(&m, HASH_GROUP_EARLY, 1);
	expect_tables(&m, 0, rows, 1);
	hash_tables_answer(&m, HASH_GROUP_EARLY, UINT32_MAX);
	expect_tables(&m, 0, rows, 2);
	hash_tables_answer(&m, HASH_GROUP_EARLY, UINT32_MAX);
	expect_tables(&m, 0, rows, 2);
	hash_tables_answer(&m, HASH_GROUP_LATE, 0);
	expect_tables(&m, 0, rows, 2);
	hash_tables_answer(&m, HASH_GROUP_VFS, UINT32_MAX);
	expect_tables(&m, 0, rows, 4);
	hash_tables_answer(&m, HASH_GROUP_CORE, UINT32_MAX);
	expect_tables(&m, 0, rows, 5);
	hash_tables_answer(&m, HASH_GROUP_LATE, UINT32_MAX);
	EXPECT_TABLES(&m, 0, rows);
	for (uint32_t i = 0; i < m.answers.count; i++)
		assert_int_equal(m.answers.items[i].basis, BASIS_PREDICTED);
	machine_deinit(&m);
}

/*
 * 64 GiB over four nodes with Debian's 6.12: spread by vmalloc, so that the first two wait for it.  A huge
 * page is 2 MiB, which a node's share of the first two fills.
 */
static void a_pc_of_64_gib_with_nodes(void **state)
{
	static const struct expected rows[] = {
		{ HASH_TABLE_DENTRY, 8388608, 14, 67108864, HASH_VMALLOC_HUGE },
		{ HASH_TABLE_INODE, 4194304, 13, 33554432, HASH_VMALLOC_HUGE },
		{ HASH_TABLE_MOUNT, 131072, 8, 1048576, HASH_VMALLOC },
		{ HASH_TABLE_MOUNTPOINT, 131072, 8, 1048576, HASH_VMALLOC },
		{ HASH_TABLE_FUTEX, 512, 3, 32768, HASH_VMALLOC },
		{ HASH_TABLE_DQUOT, 512, 0, 4096, HASH_MEMORY_UNKNOWN },
		{ HASH_TABLE_IP_IDENTS, 262144, 9, 2097152, HASH_VMALLOC },
		{ HASH_TABLE_TCP_LISTEN, 32768, 7, 524288, HASH_VMALLOC },
		{ HASH_TABLE_TABLE_PERTURB, 65536, 6, 262144, HASH_VMALLOC },
		{ HASH_TABLE_TCP_ESTABLISHED, 524288, 10, 4194304, HASH_VMALLOC },
		{ HASH_TABLE_TCP_BIND, 65536, 9, 2097152, HASH_VMALLOC },
		{ HASH_TABLE_MPTCP, 65536, 9, 1572864, HASH_VMALLOC },
		{ HASH_TABLE_UDP, 32768, 8, 1048576, HASH_VMALLOC },
		{ HASH_TABLE_UDP_LITE, 32768, 8, 1048576, HASH_VMALLOC },
	};
	struct machine m;

	(void)state;
	begin(&m, "6.12", ARCH_X86_64, 16700000, 4);
	hash_tables_answer(&m, HASH_GROUP_EARLY, UINT32_MAX);
	expect_tables(&m, 0, rows, 0);
	hash_tables_answer(&m, HASH_GROUP_VFS, UINT32_MAX);
	expect_tables(&m, 0, rows, 4);
	hash_tables_answer(&m, HASH_GROUP_CORE, UINT32_MAX);
	expect_tables(&m, 0, rows, 5);
	hash_tables_answer(&m, HASH_GROUP_LATE, UINT32_MAX);
	EXPECT_TABLES(&m, 0, rows);
	machine_deinit(&m);
}

static void answer_one(struct machine *m, enum hash_table table, const struct expected *row)
{
	bool found = false;

	hash_tables_answer(m, HASH_GROUP_EARLY, UINT32_MAX);
	hash_tables_answer(m, HASH_GROUP_VFS, UINT32_MAX);
	hash_tables_answer(m, HASH_GROUP_CORE, UINT32_MAX);
	hash_tables_answer(m, HASH_GROUP_LATE, UINT32_MAX);
	for (uint32_t i = 0; i < m->answers.count; i++) {
		const struct answer *a = &m->answers.items[i];

		if (a->index != (uint32_t)table)
			continue;
		assert_false(found);
		found = true;
		assert_non_null(row);
		assert_int_equal(a->v[0], row->entries);
		assert_int_equal((int64_t)a->v[1], row->order);
		assert_int_equal(a->v[2], row->bytes);
		assert_int_equal(a->v[3], row->memory);
	}
	if (row)
		assert_true(found);
}

/* What a machine of @pages and one node has for @row's table; NULL instead of a row: nothing. */
static void expect_one(const char *version, enum arch arch, uint64_t pages, enum hash_table table,
		       const struct expected *row)
{
	struct machine m;

	begin(&m, version, arch, pages, 1);
	answer_one(&m, table, row);
	machine_deinit(&m);
}

/* Tables came and went, and their buckets changed.  512 MiB: 131072 pages. */
static void tables_of_other_kernels(void **state)
{
	static const struct {
		const char *version;
		enum arch arch;
		struct expected row;
	} rows[] = {
		/* Four a megabyte are 2048, whose next power of two is taken; its order is printed. */
		{ "2.6.31", ARCH_X86_64, { HASH_TABLE_PID, 4096, 12, 32768, 0 } },
		{ "2.6.32", ARCH_X86_64, { HASH_TABLE_PID, 2048, 2, 16384, 0 } },
		{ "4.14", ARCH_I386, { HASH_TABLE_PID, 2048, 1, 8192, 0 } },
		/* Two chains a bucket, scale 13 from 512 MiB on. */
		{ "2.6.32", ARCH_X86_64, { HASH_TABLE_TCP_ESTABLISHED, 65536, 8, 1048576, 0 } },
		{ "3.8", ARCH_X86_64, { HASH_TABLE_TCP_ESTABLISHED, 4096, 4, 65536, 0 } },
		{ "3.13", ARCH_X86_64, { HASH_TABLE_TCP_ESTABLISHED, 4096, 3, 32768, 0 } },
		{ "5.10", ARCH_X86_64, { HASH_TABLE_TCP_BIND, 4096, 4, 65536, HASH_LINEAR } },
		{ "6.1", ARCH_X86_64, { HASH_TABLE_TCP_BIND, 4096, 5, 131072, HASH_LINEAR } },
		{ "6.1", ARCH_I386, { HASH_TABLE_TCP_BIND, 4096, 4, 65536, HASH_LINEAR } },
		/* 256 buckets of 12 are less than a page, which holds 341: rounded up, 512. */
		{ "5.10", ARCH_I386, { HASH_TABLE_TCP_LISTEN, 512, 0, 6144, HASH_LINEAR } },
		{ "6.1", ARCH_I386, { HASH_TABLE_TCP_LISTEN, 512, 0, 4096, HASH_LINEAR } },
		{ "6.12", ARCH_X86_64, { HASH_TABLE_UDP, 256, 1, 8192, HASH_LINEAR } },
		{ "7.2", ARCH_X86_64, { HASH_TABLE_UDP, 256, 2, 16384, HASH_LINEAR } },
		/* Half of the one before is for TIME_WAIT, and its size is not what bind follows. */
		{ "2.6.20", ARCH_X86_64, { HASH_TABLE_TCP_ESTABLISHED, 65536, 7, 524288, 0 } },
		{ "2.6.20", ARCH_X86_64, { HASH_TABLE_TCP_BIND, 32768, 7, 524288, 0 } },
		{ "2.6.21", ARCH_X86_64, { HASH_TABLE_TCP_BIND, 65536, 8, 1048576, 0 } },
		/* Scale 15 from 512 MiB on. */
		{ "3.5", ARCH_X86_64, { HASH_TABLE_IP_ROUTE, 16384, 5, 131072, 0 } },
		/* One page of list heads; the line has but their number. */
		{ "3.14", ARCH_X86_64, { HASH_TABLE_MOUNT, 256, 0, 0, 0 } },
		{ "3.14", ARCH_I386, { HASH_TABLE_MOUNT, 512, 0, 0, 0 } },
		{ "3.14", ARCH_X86_64, { HASH_TABLE_FUTEX, 512, 3, 32768, 0 } },
		{ "6.15", ARCH_X86_64, { HASH_TABLE_FUTEX, 512, 3, 32768, HASH_LINEAR } },
		{ "6.16", ARCH_X86_64, { HASH_TABLE_FUTEX, 512, 0, 32768, HASH_LINEAR } },
		{ "6.15", ARCH_X86_64, { HASH_TABLE_POSIXTIMERS, 1024, 2, 16384, HASH_LINEAR } },
		{ "6.15", ARCH_I386, { HASH_TABLE_POSIXTIMERS, 1024, 1, 8192, HASH_LINEAR } },
		{ "2.6.32", ARCH_I386, { HASH_TABLE_DQUOT, 1024, 0, 4096, 0 } },
	};
	static const struct {
		const char *version;
		enum hash_table table;
	} absent[] = {
		{ "4.15", HASH_TABLE_PID },	     { "3.13", HASH_TABLE_FUTEX },
		{ "6.14", HASH_TABLE_POSIXTIMERS },  { "3.6", HASH_TABLE_IP_ROUTE },
		{ "6.12", HASH_TABLE_PV_QSPINLOCK }, { "6.12", HASH_TABLE_STACKDEPOT },
		{ "2.6.32", HASH_TABLE_MOUNTPOINT }, { "5.12", HASH_TABLE_IP_IDENTS },
		{ "4.15", HASH_TABLE_TCP_LISTEN },   { "5.16", HASH_TABLE_TABLE_PERTURB },
		{ "5.10", HASH_TABLE_MPTCP },	     { "7.2", HASH_TABLE_UDP_LITE },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++)
		expect_one(rows[i].version, rows[i].arch, 131072, rows[i].row.table, &rows[i].row);
	for (uint32_t i = 0; i < COUNT(absent); i++)
		expect_one(absent[i].version, ARCH_X86_64, 131072, absent[i].table, NULL);
}

/* Limits of the odd rules: the PID table's 16 and 4096, TCP's scale below 512 MiB. */
static void limits_of_old_rules(void **state)
{
	static const struct expected least = { HASH_TABLE_PID, 16, 4, 128, 0 };
	static const struct expected four = { HASH_TABLE_PID, 32, 5, 256, 0 };
	static const struct expected most = { HASH_TABLE_PID, 4096, 12, 32768, 0 };
	/* 2^15 bytes a bucket: 131071 pages, rounded up, / 8 */
	static const struct expected tcp = { HASH_TABLE_TCP_ESTABLISHED, 16384, 6, 262144, 0 };

	(void)state;
	expect_one("2.6.31", ARCH_X86_64, 256, HASH_TABLE_PID, &least);
	expect_one("2.6.31", ARCH_X86_64, 4ULL * 256, HASH_TABLE_PID, &four);
	expect_one("2.6.31", ARCH_X86_64, 1 << 24, HASH_TABLE_PID, &most);
	expect_one("2.6.32", ARCH_X86_64, 131071, HASH_TABLE_TCP_ESTABLISHED, &tcp);
}

/* A mount table with a size in an old log was brought back from newer kernels: it scales, 2^19 bytes a bucket. */
static void a_mount_table_that_was_told_of(void **state)
{
	static const struct expected scaled = { HASH_TABLE_MOUNT, 1024, 1, 8192, 0 };
	struct machine m;

	(void)state;
	begin(&m, "3.14", ARCH_X86_64, 131072, 1);
	m.tables_told = 1U << HASH_TABLE_MOUNT;
	answer_one(&m, HASH_TABLE_MOUNT, &scaled);
	machine_deinit(&m);
}

/*
 * 1 TiB without NUMA: the mount table would be 2^28 pages / 2^7 * 8 bytes = 16 MiB.  A block has 4 MiB at
 * most; 4.4 halves the table until it fits, 5.3 asks vmalloc.
 */
static void tables_beyond_the_largest_block(void **state)
{
	static const struct expected halved = { HASH_TABLE_MOUNT, 524288, 10, 4194304, 0 };
	/* 6.1: the table of 1 TiB is as small by two steps of scale; that of 4 TiB is not. */
	static const struct expected fits = { HASH_TABLE_MOUNT, 524288, 10, 4194304, HASH_LINEAR };
	static const struct expected large = { HASH_TABLE_MOUNT, 1048576, 11, 8388608,
					       HASH_VMALLOC };
	static const struct expected huge = { HASH_TABLE_MOUNT, 1048576, 11, 8388608,
					      HASH_VMALLOC_HUGE };
	static const struct expected early = { HASH_TABLE_DENTRY, 33554432, 16, 268435456,
					       HASH_LINEAR };
	struct machine m;

	(void)state;
	begin(&m, "4.4", ARCH_X86_64, 1ULL << 28, 1);
	m.config.numa = false;
	answer_one(&m, HASH_TABLE_MOUNT, &halved);
	machine_deinit(&m);
	begin(&m, "6.1", ARCH_X86_64, 1ULL << 28, 1);
	answer_one(&m, HASH_TABLE_MOUNT, &fits);
	machine_deinit(&m);
	for (unsigned int i = 0; i < 2; i++) {
		begin(&m, i ? "6.1" : "5.10", ARCH_X86_64, 1ULL << 30, 1);
		answer_one(&m, HASH_TABLE_MOUNT, i ? &huge : &large);
		machine_deinit(&m);
	}
	/* The early ones come from memblock, which has blocks of any size. */
	begin(&m, "6.1", ARCH_X86_64, 1ULL << 28, 1);
	answer_one(&m, HASH_TABLE_DENTRY, &early);
	machine_deinit(&m);
}

/* One node or several, NUMA or not, 64 bits or 32. */
static void where_tables_come_from(void **state)
{
	static const struct {
		const char *version;
		enum arch arch;
		bool numa;
		uint32_t nodes;
		bool early;
	} rows[] = {
		{ "6.1", ARCH_X86_64, true, 1, true },	{ "6.1", ARCH_X86_64, true, 2, false },
		{ "6.1", ARCH_X86_64, false, 2, true }, { "5.2", ARCH_X86_64, true, 1, false },
		{ "5.3", ARCH_X86_64, true, 1, true },	{ "5.2", ARCH_X86_64, false, 1, true },
		{ "5.2", ARCH_I386, true, 2, true },
	};
	struct machine m;

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		begin(&m, rows[i].version, rows[i].arch, 131072, rows[i].nodes);
		m.config.numa = rows[i].numa;
		hash_tables_answer(&m, HASH_GROUP_EARLY, UINT32_MAX);
		assert_int_equal(m.answers.count, rows[i].early ? 2 : 0);
		machine_deinit(&m);
	}
	/* Nodes without memory do not count. */
	begin(&m, "6.1", ARCH_X86_64, 131072, 2);
	m.nodes[1].memory = false;
	hash_tables_answer(&m, HASH_GROUP_EARLY, UINT32_MAX);
	assert_int_equal(m.answers.count, 2);
	machine_deinit(&m);
}

/*
 * Two nodes of 2 GiB: 524288 buckets of 8 bytes are 4 MiB, of which a node's share is one huge page; the
 * next table's is half of one.  Newer kernels do not ask for the share, and arm64 calls runs of 64 KiB
 * huge too.
 */
static void which_mappings_are_huge(void **state)
{
	static const struct expected x86[] = {
		{ HASH_TABLE_DENTRY, 524288, 10, 4194304, HASH_VMALLOC_HUGE },
		{ HASH_TABLE_INODE, 262144, 9, 2097152, HASH_VMALLOC },
	};
	static const struct expected arm64[] = {
		{ HASH_TABLE_DENTRY, 16384, 5, 131072, HASH_VMALLOC_HUGE },
		{ HASH_TABLE_INODE, 8192, 4, 65536, HASH_VMALLOC_HUGE },
		{ HASH_TABLE_MOUNT, 512, 0, 4096, HASH_VMALLOC },
	};
	struct machine m;

	(void)state;
	begin(&m, "6.1", ARCH_X86_64, 1 << 20, 2);
	hash_tables_answer(&m, HASH_GROUP_VFS, 2);
	EXPECT_TABLES(&m, 0, x86);
	machine_deinit(&m);
	begin(&m, "7.2", ARCH_ARM64, 32768, 2);
	hash_tables_answer(&m, HASH_GROUP_VFS, 3);
	EXPECT_TABLES(&m, 0, arm64);
	machine_deinit(&m);
}

/*
 * By CPUs: 3 of them have 768 entries to share.  In newer kernels each node has its part, rounded up by
 * itself and never less than 4, and no table is spread.
 */
static void tables_by_cpus(void **state)
{
	static const struct {
		const char *version;
		uint32_t cpus, nodes;
		struct expected row;
	} rows[] = {
		{ "6.12", 3, 3, { HASH_TABLE_FUTEX, 1024, 4, 65536, HASH_VMALLOC } },
		{ "6.16", 3, 3, { HASH_TABLE_FUTEX, 256, 0, 16384, HASH_LINEAR } },
		{ "6.16", 4, 3, { HASH_TABLE_FUTEX, 512, 0, 32768, HASH_LINEAR } },
		{ "6.16", 1, 128, { HASH_TABLE_FUTEX, 4, 0, 256, HASH_LINEAR } },
		/* 2^17 of 64 bytes are 8 MiB, a block 4 MiB. */
		{ "6.16", 512, 1, { HASH_TABLE_FUTEX, 131072, 0, 8388608, HASH_VMALLOC } },
		{ "6.16", 3, 3, { HASH_TABLE_POSIXTIMERS, 2048, 3, 32768, HASH_VMALLOC } },
		/* Four a CPU, a page at least; 4 * 100 are more, and 256 of them are used. */
		{ "6.12", 2, 2, { HASH_TABLE_PV_QSPINLOCK, 256, 0, 4096, HASH_LINEAR } },
		{ "6.12", 100, 2, { HASH_TABLE_PV_QSPINLOCK, 256, 0, 4096, HASH_LINEAR } },
		{ "6.12", 128, 2, { HASH_TABLE_PV_QSPINLOCK, 512, 1, 8192, HASH_LINEAR } },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		bool per_node = rows[i].row.table == HASH_TABLE_FUTEX && !rows[i].row.order;
		struct machine m;

		begin(&m, rows[i].version, ARCH_X86_64, 131072, rows[i].nodes);
		m.possible_cpus = rows[i].cpus;
		m.tables_told = 1U << HASH_TABLE_PV_QSPINLOCK;
		answer_one(&m, rows[i].row.table, &rows[i].row);
		for (uint32_t j = 0; j < m.answers.count; j++)
			if (m.answers.items[j].index == (uint32_t)rows[i].row.table)
				assert_int_equal(m.answers.items[j].v[4],
						 per_node ? rows[i].nodes : 0);
		machine_deinit(&m);
	}
}

/* 128 MiB by a scale of 16 KiB; with KASAN all there can be. */
static void stacks_are_kept(void **state)
{
	static const struct expected rows[] = {
		{ HASH_TABLE_STACKDEPOT, 8192, 4, 65536, HASH_LINEAR },
		{ HASH_TABLE_STACKDEPOT, 8192, 5, 131072, HASH_LINEAR },
		{ HASH_TABLE_STACKDEPOT, 1048576, 12, 16777216, HASH_LINEAR },
	};
	struct machine m;

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		begin(&m, i ? "6.8" : "6.7", ARCH_X86_64, 32768, 2);
		m.tables_told = 1U << HASH_TABLE_STACKDEPOT;
		m.kasan = i == 2;
		answer_one(&m, HASH_TABLE_STACKDEPOT, &rows[i]);
		machine_deinit(&m);
	}
}

/* The order of the lines: what is early comes first though it stands last in the list. */
static void lines_in_the_order_of_a_boot(void **state)
{
	static const struct {
		const char *version;
		enum hash_table first, second;
	} rows[] = {
		{ "6.12", HASH_TABLE_PV_QSPINLOCK, HASH_TABLE_DENTRY },
		{ "6.12", HASH_TABLE_INODE, HASH_TABLE_STACKDEPOT },
		{ "7.2", HASH_TABLE_POSIXTIMERS, HASH_TABLE_FUTEX },
		{ "4.15", HASH_TABLE_FUTEX, HASH_TABLE_DQUOT },
		{ "4.15", HASH_TABLE_DQUOT, HASH_TABLE_TCP_ESTABLISHED },
		{ "4.4", HASH_TABLE_UDP_LITE, HASH_TABLE_DQUOT },
		{ "2.6.32", HASH_TABLE_IP_ROUTE, HASH_TABLE_TCP_ESTABLISHED },
	};

	(void)state;
	for (uint32_t i = 0; i < COUNT(rows); i++) {
		uint32_t first = UINT32_MAX, second = 0, count = 0;
		struct machine m;

		begin(&m, rows[i].version, ARCH_X86_64, 131072, 1);
		m.tables_told = 1U << HASH_TABLE_PV_QSPINLOCK | 1U << HASH_TABLE_STACKDEPOT;
		hash_tables_answer(&m, HASH_GROUP_EARLY, UINT32_MAX);
		hash_tables_answer(&m, HASH_GROUP_VFS, UINT32_MAX);
		hash_tables_answer(&m, HASH_GROUP_CORE, UINT32_MAX);
		hash_tables_answer(&m, HASH_GROUP_LATE, UINT32_MAX);
		for (uint32_t j = 0; j < m.answers.count; j++) {
			if (m.answers.items[j].index == (uint32_t)rows[i].first)
				first = j;
			if (m.answers.items[j].index == (uint32_t)rows[i].second) {
				second = j;
				count++;
			}
		}
		assert_int_equal(count, 1);
		assert_true(first < second);
		machine_deinit(&m);
	}
}

/* What is taken from the log says so, and what the log leaves open. */
static void what_an_answer_rests_on(void **state)
{
	struct machine m;
	const struct answer *dentry;

	(void)state;
	/* A bucket of 16 bytes instead of 8: twice the bytes. */
	begin(&m, "6.1", ARCH_X86_64, 515804, 1);
	m.given_bucket_bytes[HASH_TABLE_DENTRY] = 16;
	m.given_bucket_bytes[HASH_TABLE_INODE] = 8;
	hash_tables_answer(&m, HASH_GROUP_EARLY, UINT32_MAX);
	dentry = &m.answers.items[0];
	assert_int_equal(dentry->v[2], 2 * 2097152);
	assert_int_equal(dentry->basis, BASIS_GIVEN);
	assert_int_equal(m.answers.items[1].basis, BASIS_PREDICTED);
	machine_deinit(&m);
	/* 515840 - 256 pages: the same power of two, however many of the 200000 there are. */
	begin(&m, "6.1", ARCH_X86_64, 515804, 1);
	m.nr_kernel_pages_over = 200000;
	hash_tables_answer(&m, HASH_GROUP_EARLY, UINT32_MAX);
	assert_int_equal(m.answers.items[0].basis, BASIS_PREDICTED);
	machine_deinit(&m);
	/* With half of them missing it is 131072 entries or 262144. */
	begin(&m, "6.1", ARCH_X86_64, 515804, 1);
	m.nr_kernel_pages_over = 300000;
	hash_tables_answer(&m, HASH_GROUP_EARLY, UINT32_MAX);
	assert_int_equal(m.answers.items[0].basis, BASIS_UNDERIVABLE);
	assert_non_null(m.answers.items[0].reason);
	machine_deinit(&m);
	/* TCP bind follows from TCP established, so it is as uncertain. */
	begin(&m, "6.1", ARCH_X86_64, 515804, 1);
	m.nr_kernel_pages_over = 300000;
	hash_tables_answer(&m, HASH_GROUP_LATE, UINT32_MAX);
	for (uint32_t i = 0; i < m.answers.count; i++)
		if (m.answers.items[i].index == HASH_TABLE_TCP_BIND)
			assert_int_equal(m.answers.items[i].basis, BASIS_UNDERIVABLE);
		else if (m.answers.items[i].index == HASH_TABLE_TABLE_PERTURB)
			assert_int_equal(m.answers.items[i].basis, BASIS_PREDICTED);
	machine_deinit(&m);
	begin(&m, "6.1", ARCH_X86_64, 515804, 1);
	m.totals_given = true;
	hash_tables_answer(&m, HASH_GROUP_EARLY, 1);
	assert_int_equal(m.answers.items[0].basis, BASIS_GIVEN);
	/* Memory is nothing to the table of futexes, but the CPUs are. */
	m.possible_cpus = 0;
	hash_tables_answer(&m, HASH_GROUP_CORE, UINT32_MAX);
	hash_tables_answer(&m, HASH_GROUP_LATE, 1);
	assert_int_equal(m.answers.items[1].index, HASH_TABLE_FUTEX);
	assert_int_equal(m.answers.items[1].basis, BASIS_UNDERIVABLE);
	assert_non_null(m.answers.items[1].reason);
	assert_int_equal(m.answers.items[2].index, HASH_TABLE_DQUOT);
	assert_int_equal(m.answers.items[2].basis, BASIS_PREDICTED);
	machine_deinit(&m);
	/* A table that the log tells of exists, though usual kernels of that age have none. */
	begin(&m, "5.10", ARCH_X86_64, 515804, 1);
	m.tables_told = 1U << HASH_TABLE_MPTCP;
	hash_tables_answer(&m, HASH_GROUP_LATE, UINT32_MAX);
	assert_int_equal(m.hash_answered >> HASH_TABLE_MPTCP & 1, 1);
	machine_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pc_of_2_gib),
		cmocka_unit_test(a_pc_of_64_gib_with_nodes),
		cmocka_unit_test(tables_of_other_kernels),
		cmocka_unit_test(limits_of_old_rules),
		cmocka_unit_test(a_mount_table_that_was_told_of),
		cmocka_unit_test(tables_beyond_the_largest_block),
		cmocka_unit_test(where_tables_come_from),
		cmocka_unit_test(which_mappings_are_huge),
		cmocka_unit_test(tables_by_cpus),
		cmocka_unit_test(stacks_are_kept),
		cmocka_unit_test(lines_in_the_order_of_a_boot),
		cmocka_unit_test(what_an_answer_rests_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
