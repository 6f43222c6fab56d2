/* SPDX-License-Identifier: MIT */
#include "traces/picture_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/sink.h"
#include "traces/record.pb-c.h"
#include "traces/testing/captures.h"
#include "traces/testing/check.h"

/* ---- a folder of our own ---- */

/* A path below the test's own folder; valid until the next call. */
static const char *in_tmp(const char *name)
{
	static char path[4096];
	const char *dir = getenv("TEST_TMPDIR");

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "/tmp", name);
	return path;
}

static void make_file(const char *name, const void *data, size_t size)
{
	FILE *file = fopen(in_tmp(name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void make_text(const char *name, const char *text)
{
	make_file(name, text, strlen(text));
}

static void make_folder(const char *name)
{
	mkdir(in_tmp(name), 0755);
}

/* Pages 1, 2 and 5 of 6 are in free blocks; other bits say nothing. */
static void make_source(void)
{
	static const char *const folders[] = { "src",	       "src/snap-10", "src/snap-2",
					       "src/snap-end", "src/snap-02", "src/snap-boot" };
	static const uint8_t flags[6][8] = { { 0xff, 0xfb }, { 0, 4 },
					     { 1, 0xc },     { 0, 8 },
					     { 0, 0, 4 },    { 0, 4, 0, 0, 0, 0, 0, 0x80 } };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		make_folder(folders[i]);
	make_text("src/snap-boot/buddyinfo.txt", "Node 0, zone DMA 1 2 3\n");
	make_text("src/snap-boot/vmstat.txt", "");
	make_text("src/snap-2/zoneinfo.txt", "two\n");
	make_text("src/snap-file", "this is no folder");
	make_file("src/snap-10/kpageflags", flags, sizeof(flags));
}

/* ---- stored and read back ---- */

static void store(const struct picture_set *set, struct sink_text *ret)
{
	struct mmtrace_writer *w;

	check_ok(mmtrace_writer_create(sink_to_text(ret), &w));
	check_ok(picture_set_write(set, w));
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
}

static void read_back(const char *name, const void *data, size_t size, struct picture_set *ret)
{
	make_file(name, data, size);
	check_ok(picture_set_read(in_tmp(name), ret));
}

static void compare_ranges(const struct picture_ranges *a, const struct picture_ranges *b)
{
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		assert_int_equal(a->ranges[i].start, b->ranges[i].start);
		assert_int_equal(a->ranges[i].end, b->ranges[i].end);
	}
}

static void check_same(const struct picture_set *a, const struct picture_set *b)
{
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct snapshot *s = &a->snapshots[i], *t = &b->snapshots[i];

		assert_string_equal(s->name, t->name);
		for (int f = 0; f < PICTURE_FILE_COUNT; f++) {
			assert_int_equal(!s->text[f].data, !t->text[f].data);
			assert_int_equal(!t->text[f].data, !t->text_name[f]);
			assert_int_equal(s->text[f].size, t->text[f].size);
			if (!s->text[f].data)
				continue;
			assert_memory_equal(s->text[f].data, t->text[f].data, s->text[f].size + 1);
		}
		assert_int_equal(s->has_page_flags, t->has_page_flags);
		assert_int_equal(s->page_count, t->page_count);
		assert_int_equal(s->has_uses, t->has_uses);
		compare_ranges(&s->buddy, &t->buddy);
		compare_ranges(&s->lru, &t->lru);
		compare_ranges(&s->slab, &t->slab);
		compare_ranges(&s->reserved, &t->reserved);
	}
}

static void test_folder(void **state)
{
	static const char *const names[] = { "boot", "02", "2", "10", "end" };
	struct picture_set set = { 0 }, copy = { 0 };
	struct sink_text file = { 0 };
	const struct snapshot *s;

	(void)state;
	make_source();
	check_ok(picture_set_read(in_tmp("src"), &set));
	assert_int_equal(set.count, 5);
	for (uint32_t i = 0; i < set.count; i++)
		assert_string_equal(set.snapshots[i].name, names[i]);
	s = picture_set_find(&set, "boot");
	assert_non_null(s);
	assert_string_equal(s->text[PICTURE_BUDDYINFO].data, "Node 0, zone DMA 1 2 3\n");
	assert_non_null(strstr(s->text_name[PICTURE_BUDDYINFO], "src/snap-boot/buddyinfo.txt"));
	assert_int_equal(s->text[PICTURE_BUDDYINFO].size, 23);
	assert_non_null(s->text[PICTURE_VMSTAT].data);
	assert_int_equal(s->text[PICTURE_VMSTAT].size, 0);
	assert_null(s->text[PICTURE_ZONEINFO].data);
	assert_false(s->has_page_flags);
	s = picture_set_find(&set, "10");
	assert_true(s->has_page_flags);
	assert_int_equal(s->page_count, 6);
	assert_int_equal(s->buddy.count, 2);
	assert_int_equal(s->buddy.ranges[0].start, 1);
	assert_int_equal(s->buddy.ranges[0].end, 3);
	assert_int_equal(s->buddy.ranges[1].start, 5);
	assert_int_equal(s->buddy.ranges[1].end, 6);
	assert_null(picture_set_find(&set, "1"));

	store(&set, &file);
	read_back("a.mmtrace", file.data, file.len, &copy);
	assert_null(copy.damage);
	check_same(&set, &copy);
	assert_string_equal(picture_set_find(&copy, "2")->text_name[PICTURE_ZONEINFO],
			    "snap-2/zoneinfo");
	picture_set_deinit(&copy);
	picture_set_deinit(&set);
	sink_text_deinit(&file);
}

static void test_others_have_none(void **state)
{
	struct picture_set set = { 0 };

	(void)state;
	make_text("dmesg.txt", "[    0.000000] Linux version 6.1\n");
	make_text("empty", "");
	check_ok(picture_set_read(in_tmp("dmesg.txt"), &set));
	check_ok(picture_set_read(in_tmp("empty"), &set));
	check_ok(picture_set_read("-", &set));
	assert_int_equal(set.count, 0);
	check_error(picture_set_read(in_tmp("absent"), &set), ERROR_NOT_FOUND, 0, 0);
	make_folder("odd");
	make_folder("odd/snap-1");
	make_text("odd/snap-1/kpageflags", "12345678123");
	check_error(picture_set_read(in_tmp("odd"), &set), ERROR_FORMAT, 0, 0);
	picture_set_deinit(&set);
}

/* A picture that cannot be used is told, and the others are there. */
static void test_damage(void **state)
{
	struct picture_set set = { 0 }, copy = { 0 };
	struct sink_text file = { 0 };
	struct mmtrace_reader *r;
	struct mmtrace_block block;

	(void)state;
	make_source();
	check_ok(picture_set_read(in_tmp("src"), &set));
	store(&set, &file);
	check_ok(mmtrace_reader_create_bytes(file.data, file.len, "a", &r));
	while (mmtrace_next(r, &block) && block.number < 2)
		;
	assert_int_equal(block.type, MMTRACE_PICTURE);
	file.data[block.offset + 50] ^= 1;
	mmtrace_reader_destroy(r);
	read_back("b.mmtrace", file.data, file.len, &copy);
	assert_non_null(copy.damage);
	assert_int_equal(copy.damage->block, 2);
	assert_int_equal(copy.count, 4);
	assert_null(picture_set_find(&copy, "2"));
	assert_non_null(picture_set_find(&copy, "10"));
	picture_set_deinit(&copy);
	picture_set_deinit(&set);
	sink_text_deinit(&file);
}

static void check_lie(const Mmtrace__Picture *p, enum error_code code)
{
	struct sink_text file = { 0 };
	struct picture_set set = { 0 };
	struct mmtrace_writer *w;

	check_ok(mmtrace_writer_create(sink_to_text(&file), &w));
	check_ok(mmtrace_write(w, MMTRACE_PICTURE, 0, 1, &p->base));
	check_ok(mmtrace_write_end(w));
	mmtrace_writer_destroy(w);
	read_back("lie.mmtrace", file.data, file.len, &set);
	assert_int_equal(set.count, 0);
	assert_non_null(set.damage);
	assert_int_equal(set.damage->code, code);
	assert_int_equal(set.damage->block, 0);
	picture_set_deinit(&set);
	sink_text_deinit(&file);
}

static void test_lies(void **state)
{
	uint64_t beyond[] = { 3, 8 }, odd[] = { 1, 1, 1 }, touch[] = { 1, 1, 0, 1 };
	uint64_t wrap[] = { 1, UINT64_MAX }, none[] = { 1, 0 };
	const struct {
		uint64_t *runs;
		size_t count;
		enum error_code code;
	} lies[] = {
		{ beyond, 2, ERROR_RANGE }, { odd, 3, ERROR_CORRUPT }, { touch, 4, ERROR_RANGE },
		{ wrap, 2, ERROR_RANGE },   { none, 2, ERROR_RANGE },
	};
	uint8_t name[] = "a\0b";
	Mmtrace__Picture p = MMTRACE__PICTURE__INIT;

	(void)state;
	check_lie(&p, ERROR_RANGE);
	p.has_name = 1;
	p.name = (ProtobufCBinaryData){ 3, name };
	check_lie(&p, ERROR_RANGE);
	p.name.len = 1;
	p.has_page_count = 1;
	p.page_count = 10;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		p.buddy_run = lies[i].runs;
		p.n_buddy_run = lies[i].count;
		check_lie(&p, lies[i].code);
	}
}

/* ---- captures ---- */

/* The ranges, against the words one by one. */
static void check_page_flags(const char *dir, const struct snapshot *s)
{
	struct input input;
	char name[256];
	uint32_t range = 0;

	snprintf(name, sizeof(name), "snap-%s/kpageflags.gz", s->name);
	captures_read(dir, name, &input);
	assert_int_equal(s->has_page_flags, input.data != NULL);
	assert_int_equal(s->page_count, input.size / 8);
	for (uint64_t pfn = 0; pfn < input.size / 8; pfn++) {
		bool buddy = input.data[pfn * 8 + 1] & 4, in;

		while (range < s->buddy.count && s->buddy.ranges[range].end <= pfn)
			range++;
		in = range < s->buddy.count && s->buddy.ranges[range].start <= pfn;
		if (in != buddy)
			fail_msg("%s: %s: page frame %#llx", dir, name, (unsigned long long)pfn);
	}
	input_deinit(&input);
}

static void visit(const char *path, void *ctx)
{
	struct picture_set set = { 0 }, copy = { 0 };
	struct sink_text file = { 0 };
	size_t *total = ctx;

	check_ok(picture_set_read(path, &set));
	for (uint32_t i = 0; i < set.count; i++)
		check_page_flags(path, &set.snapshots[i]);
	store(&set, &file);
	read_back("capture.mmtrace", file.data, file.len, &copy);
	assert_null(copy.damage);
	check_same(&set, &copy);
	*total += set.count;
	picture_set_deinit(&set);
	picture_set_deinit(&copy);
	sink_text_deinit(&file);
}

static void visit_all(const char *dir)
{
	size_t total = 0;
	unsigned int count = captures_each(dir, visit, &total);

	assert_true(total > 0);
	print_message("%zu pictures of %u captures\n", total, count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folder), cmocka_unit_test(test_others_have_none),
		cmocka_unit_test(test_damage), cmocka_unit_test(test_lies),
		CAPTURES_TESTS(visit_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
