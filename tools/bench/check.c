/* SPDX-License-Identifier: MIT */
/* Benchmarks of what a user does with a log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/boot.h"
#include "tools/bench/bench.h"
#include "tools/bench/rival.h"
#include "traces/capture.h"
#include "traces/compare.h"
#include "traces/input.h"

struct error *bench_check_numa4(struct bench *b)
{
	const char *path = bench_capture(b, "boot-6.1-amd64-numa4-ring");
	struct error *err = NULL;

	while (!err && bench_round(b)) {
		struct boot_log log = { 0 };
		struct comparison c = { 0 };
		struct machine m;
		bool compared = false;

		machine_init(&m);
		err = capture_read(path, &log);
		bench_part(b, "read");
		if (!err)
			boot_run(&m, &log.input, STAGE_LATE);
		bench_part(b, "boot");
		if (!err && !m.out_of_memory)
			compared = compare_answers(&log.recorded, &m.answers, &c);
		bench_part(b, "compare");
		if (!err && !compared)
			err = error_no_memory();
		/* A figure for something that went wrong would be worth nothing. */
		if (!err && (comparison_differences(&c) || !c.total[COMPARE_AGREE]))
			err = error_create(ERROR_FORMAT, path, 0, 0, "the model disagrees");
		comparison_deinit(&c);
		machine_deinit(&m);
		boot_log_deinit(&log);
		bench_part(b, "give back");
	}
	return err;
}

/*
 * A long log from a real one: the pair of lines that an allocation prints comes again and again, each
 * time at another place, before the line in which zones begin.
 */
#define LONG_LOG_BYTES ((size_t)32 << 20)

static struct error *write_long_log(const struct input *in, FILE *out)
{
	static const char before[] = "] Zone ranges:";
	const char *text = (const char *)in->data, *split = strstr(text, before);
	size_t written = 0;

	if (!split)
		return error_create(ERROR_FORMAT, in->name, 0, 0, "no line tells of zones");
	while (split > text && split[-1] != '\n')
		split--;
	fwrite(text, 1, (size_t)(split - text), out);
	for (unsigned long i = 0; written < LONG_LOG_BYTES; i++) {
		unsigned long base = 0x7f000000 - i % 0x40000 * 0x1000;
		int n = fprintf(
			out,
			"[    0.000000] memblock_alloc_try_nid: 4096 bytes align=0x1000 nid=-1 "
			"from=0x0000000000000000 max_addr=0x0000000000000000 "
			"spp_getpage+0x6d/0x9c\n"
			"[    0.000000] memblock_reserve: [0x%016lx-0x%016lx] "
			"memblock_alloc_range_nid+0xb0/0x13d\n",
			base, base + 0xfff);

		if (n < 0)
			break;
		written += (size_t)n;
	}
	fwrite(split, 1, in->size - (size_t)(split - text), out);
	if (ferror(out) || fflush(out))
		return error_create(ERROR_OS, NULL, 0, 0, "the long log: %s", strerror(errno));
	return NULL;
}

static struct error *import_rounds(struct bench *b, const char *path, uint64_t bytes)
{
	const char *const wc[] = { "wc", "-l", path, NULL };
	bool have_wc = rival_run(wc);
	struct error *err = NULL;

	while (!err && bench_round(b)) {
		struct boot_log log = { 0 };

		err = capture_read(path, &log);
		if (!err && log.input.step_count < LONG_LOG_BYTES / 1024)
			err = error_create(ERROR_FORMAT, path, 0, 0, "steps are missing");
		boot_log_deinit(&log);
		bench_work(b, bytes);
		if (have_wc) {
			bench_rival(b, "wc -l");
			rival_run(wc);
		}
	}
	return err;
}

struct error *bench_text_import(struct bench *b)
{
	char folder[4096], path[] = "/tmp/mmreplay-bench-XXXXXX";
	struct input in = { 0 };
	struct error *err;
	bool absent;
	FILE *out;
	long bytes;
	int fd;

	snprintf(folder, sizeof(folder), "%s", bench_capture(b, "boot-6.1-amd64-numa4-ring"));
	err = input_read_in(folder, "dmesg.txt", NULL, &absent, &in);
	if (err)
		return err;
	if (absent)
		return error_create(ERROR_NOT_FOUND, folder, 0, 0, "dmesg.txt is missing");
	fd = mkstemp(path);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		err = error_create(ERROR_OS, path, 0, 0, "%s", strerror(errno));
		if (fd >= 0) {
			close(fd);
			unlink(path);
		}
		input_deinit(&in);
		return err;
	}
	err = write_long_log(&in, out);
	input_deinit(&in);
	bytes = ftell(out);
	fclose(out);
	if (!err)
		err = import_rounds(b, path, (uint64_t)bytes);
	unlink(path);
	return err;
}
