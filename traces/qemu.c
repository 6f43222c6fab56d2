/* SPDX-License-Identifier: MIT */
#include "traces/qemu.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sink.h"

#define GIB ((uint64_t)1 << 30)
#define MIB ((uint64_t)1 << 20)
/* The machine "pc": all RAM up to here is low ... */
#define LOW_ALONE (3 * GIB + GIB / 2)
/* ... and of more, this much is, and the rest begins at 4 GiB. */
#define LOW_OF_MORE (3 * GIB)
/* Emulated CPUs have 40 bits; just below 1 TiB is a range that is never RAM. */
#define HIGHEST ((uint64_t)1 << 40)
/* COMMAND_LINE_SIZE of x86, with its end (arch/x86/include/asm/setup.h). */
#define COMMAND_LINE_ROOM 2048
/* The emulated machine has this much in any case: images are unpacked beyond where they lie in the end. */
#define LEAST (256 * MIB)

static bool is_ram(const struct e820_entry *e)
{
	return e->type == E820_RAM;
}

uint64_t qemu_ram_bytes(const struct boot_input *in)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < in->firmware_count; i++)
		if (is_ram(&in->firmware[i]) && in->firmware[i].end > in->firmware[i].start)
			bytes += in->firmware[i].end - in->firmware[i].start;
	return bytes;
}

static int by_start(const void *a, const void *b)
{
	const struct e820_entry *l = a, *r = b;

	if (l->start != r->start)
		return l->start < r->start ? -1 : 1;
	return (l->end > r->end) - (l->end < r->end);
}

struct error *qemu_make_room(const struct boot_input *in, struct e820_entry **map_ret,
			     uint32_t *count_ret, struct e820_entry **gaps_ret,
			     uint32_t *gap_count_ret)
{
	uint32_t count = in->firmware_count, gap_count = 0;
	struct e820_entry *map = calloc(2 * (size_t)count + 1, sizeof(*map));
	struct e820_entry *gaps = calloc((size_t)count + 1, sizeof(*gaps));
	phys_t at = QEMU_KERNEL_START;

	if (!map || !gaps) {
		free(map);
		free(gaps);
		return error_no_memory();
	}
	for (uint32_t i = 0; i < count; i++)
		map[i] = in->firmware[i];
	qsort(map, count, sizeof(*map), by_start);
	for (uint32_t i = 0; i <= count && at < QEMU_KERNEL_END; i++) {
		phys_t next = i < count && map[i].start < QEMU_KERNEL_END ? map[i].start
									  : QEMU_KERNEL_END;

		if (next > at)
			gaps[gap_count++] = (struct e820_entry){ at, next, E820_RAM };
		if (i < count && map[i].end > at)
			at = map[i].end;
		if (next > at)
			at = next;
	}
	for (uint32_t i = 0; i < gap_count; i++)
		map[count++] = gaps[i];
	qsort(map, count, sizeof(*map), by_start);
	*map_ret = map;
	*count_ret = count;
	*gaps_ret = gaps;
	*gap_count_ret = gap_count;
	return NULL;
}

bool qemu_has_room(const struct boot_input *in)
{
	phys_t at = QEMU_KERNEL_START;
	bool further = true;

	while (further && at < QEMU_KERNEL_END) {
		further = false;
		for (uint32_t i = 0; i < in->firmware_count; i++) {
			const struct e820_entry *e = &in->firmware[i];

			if (!is_ram(e) && e->start < QEMU_KERNEL_END && e->end > QEMU_KERNEL_START)
				return false;
			if (is_ram(e) && e->start <= at && e->end > at) {
				at = e->end;
				further = true;
			}
		}
	}
	return at >= QEMU_KERNEL_END;
}

static struct error *find_ram(const struct boot_input *in, struct qemu_machine *ret)
{
	uint64_t end = LEAST;

	for (uint32_t i = 0; i < in->firmware_count; i++) {
		const struct e820_entry *e = &in->firmware[i];

		if (!is_ram(e) || e->end <= e->start)
			continue;
		if (e->end > end)
			end = e->end;
	}
	if (end > HIGHEST - 12 * GIB)
		return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
				    "RAM at 0x%" PRIx64
				    " is beyond the addresses of an emulated CPU",
				    end - 1);
	ret->ram_bytes = (end + MIB - 1) & ~(MIB - 1);
	if (end <= LOW_ALONE)
		return NULL;
	for (uint32_t i = 0; i < in->firmware_count; i++) {
		const struct e820_entry *e = &in->firmware[i];

		if (is_ram(e) && e->end > LOW_OF_MORE && e->start < 4 * GIB)
			return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
					    "RAM at 0x%" PRIx64
					    " cannot be had: an emulated machine with more "
					    "than 3.5 GiB has devices from 3 to 4 GiB",
					    e->start > LOW_OF_MORE ? e->start : LOW_OF_MORE);
	}
	ret->ram_bytes -= 4 * GIB - LOW_OF_MORE;
	return NULL;
}

static void write_memmap(const struct sink *sink, const struct e820_entry *e)
{
	char how = '@';

	switch (e->type) {
	case E820_RAM:
		break;
	case E820_ACPI:
		how = '#';
		break;
	case E820_PRAM:
		how = '!';
		break;
	default:
		how = '$';
		break;
	}
	sink_printf(sink, " memmap=0x%" PRIx64 "%c0x%" PRIx64, e->end - e->start, how, e->start);
}

/*
 * The map as entries of memmap=.  A kernel refuses a map of one entry ("Invalid user supplied memory map":
 * e820__update_table, earlier sanitize_e820_map, does nothing for less than two, and that counts as an
 * error), so that one is told in two pieces, which the kernel puts together.
 */
static void write_map(const struct sink *sink, const struct boot_input *in)
{
	const struct e820_entry *only = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < in->firmware_count; i++)
		if (in->firmware[i].end > in->firmware[i].start) {
			only = &in->firmware[i];
			count++;
		}
	if (count == 1) {
		struct e820_entry low = *only, high = *only;

		low.end = only->start + (only->end - only->start) / 2;
		high.start = low.end;
		write_memmap(sink, &low);
		write_memmap(sink, &high);
		return;
	}
	for (uint32_t i = 0; i < in->firmware_count; i++)
		if (in->firmware[i].end > in->firmware[i].start)
			write_memmap(sink, &in->firmware[i]);
}

static struct error *write_command_line(const struct boot_input *in, struct qemu_machine *ret)
{
	struct sink_text text = { 0 };
	struct sink sink = sink_to_text(&text);

	/* What the machine's own command line says of the map is said of this one. */
	sink_puts(&sink, "console=ttyS0 earlyprintk=serial,ttyS0,115200 nokaslr ignore_loglevel "
			 "panic=-1 mminit_loglevel=4 memmap=exactmap");
	write_map(&sink, in);
	if (in->command_line && *in->command_line) {
		sink_puts(&sink, " ");
		sink_puts(&sink, in->command_line);
	}
	if (text.out_of_memory || !text.data) {
		sink_text_deinit(&text);
		return error_no_memory();
	}
	if (text.len >= COMMAND_LINE_ROOM) {
		size_t len = text.len;

		sink_text_deinit(&text);
		return error_create(
			ERROR_UNSUPPORTED, NULL, 0, 0,
			"the firmware map makes a command line of %zu bytes, and a kernel "
			"takes less than %d",
			len, COMMAND_LINE_ROOM);
	}
	ret->command_line = text.data;
	return NULL;
}

struct error *qemu_machine_make(const struct boot_input *in, struct qemu_machine *ret)
{
	struct error *err;

	if (in->config.arch != ARCH_X86_64)
		return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
				    "only machines of x86_64 are made for QEMU, and this is %s",
				    arch_name(in->config.arch));
	if (!qemu_has_room(in))
		return error_create(ERROR_UNSUPPORTED, NULL, 0, 0,
				    "no kernel can be booted on this machine: a kernel needs RAM "
				    "from %" PRIu64 " to %" PRIu64 " MiB, and not all of that is",
				    QEMU_KERNEL_START / MIB, QEMU_KERNEL_END / MIB);
	err = find_ram(in, ret);
	if (!err)
		err = write_command_line(in, ret);
	if (err)
		return err;
	ret->cpus = in->online_cpus ? in->online_cpus : in->cpu_nid_count ? in->cpu_nid_count : 1;
	if (ret->cpus > 255)
		ret->cpus = 255;
	ret->has_srat = in->numa_source || in->affinity_count;
	ret->has_slit = ret->has_srat && in->distance && in->distance_count;
	return NULL;
}

void qemu_machine_deinit(struct qemu_machine *q)
{
	free(q->command_line);
	memset(q, 0, sizeof(*q));
}
