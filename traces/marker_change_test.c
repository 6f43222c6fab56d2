/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "traces/marker_change.h"

static void says(const char *text, enum replay_change_kind kind, uint64_t value)
{
	struct replay_change c = { REPLAY_SYSCTL, 77, SYSCTL_COUNT };

	if (!marker_change_read(text, &c) || c.kind != kind || c.value != value)
		fail_msg("'%s' is read as kind %d, value %llu", text, (int)c.kind,
			 (unsigned long long)c.value);
}

static void writes(const char *text, enum sysctl which, uint64_t value)
{
	struct replay_change c = { REPLAY_CPU_UP, 77, SYSCTL_COUNT };

	assert_true(marker_change_read(text, &c));
	assert_int_equal(c.kind, REPLAY_SYSCTL);
	assert_int_equal(c.sysctl, which);
	assert_int_equal(c.value, value);
}

static void test_what_is_said(void **state)
{
	(void)state;
	says("WORK echo 0 > /sys/devices/system/cpu/cpu1/online", REPLAY_CPU_DOWN, 1);
	says("WORK echo 1 > /sys/devices/system/cpu/cpu12/online", REPLAY_CPU_UP, 12);
	says("echo offline >/sys/devices/system/memory/memory3/state\n", REPLAY_MEMORY_OFFLINE, 3);
	says("WORK echo online>/sys/devices/system/memory/memory40/state ", REPLAY_MEMORY_ONLINE,
	     40);
	says("WORK echo 0 > /sys/devices/system/memory/memory5/online", REPLAY_MEMORY_OFFLINE, 5);
	says("WORK echo 1 > /sys/devices/system/memory/memory5/online", REPLAY_MEMORY_ONLINE, 5);
	writes("WORK echo 20000 > /proc/sys/vm/min_free_kbytes", SYSCTL_MIN_FREE_KBYTES, 20000);
	writes("WORK echo 4294967295 > /proc/sys/vm/min_free_kbytes", SYSCTL_MIN_FREE_KBYTES,
	       UINT32_MAX);
	writes("WORK echo 100 > /proc/sys/vm/watermark_scale_factor", SYSCTL_WATERMARK_SCALE_FACTOR,
	       100);
	writes("WORK echo 0 > /proc/sys/vm/percpu_pagelist_high_fraction", SYSCTL_PCP_HIGH_FRACTION,
	       0);
	writes("WORK echo 8 > /proc/sys/vm/percpu_pagelist_fraction", SYSCTL_PCP_FRACTION, 8);
}

static void test_what_is_not(void **state)
{
	static const char *const texts[] = {
		"",
		"WORK",
		"SNAP 1 begin",
		"WORK mmload churn 1 200",
		"WORK echo",
		"WORK echo 0",
		"WORK echo 0 >",
		"WORK echo > /sys/devices/system/cpu/cpu1/online",
		"WORK echo 0 /sys/devices/system/cpu/cpu1/online",
		"WORK echo 2 > /sys/devices/system/cpu/cpu1/online",
		"WORK echo 0 > /sys/devices/system/cpu/cpu/online",
		"WORK echo 0 > /sys/devices/system/cpu/cpux/online",
		"WORK echo 0 > /sys/devices/system/cpu/cpu1x/online",
		"WORK echo 0 > /sys/devices/system/cpu/cpu4294967296/online",
		"WORK echo 0 > /sys/devices/system/cpu/cpu1/online; true",
		"WORK echo 0 > /sys/devices/system/cpu/cpu1",
		"WORK cat 0 > /sys/devices/system/cpu/cpu1/online",
		"WORK echo offline > /sys/devices/system/memory/memory/state",
		"WORK echo off > /sys/devices/system/memory/memory3/state",
		"WORK echo 2 > /sys/devices/system/memory/memory3/online",
		"WORK echo many > /proc/sys/vm/min_free_kbytes",
		"WORK echo -1 > /proc/sys/vm/min_free_kbytes",
		"WORK echo 3 > /proc/sys/vm/drop_caches",
		"WORK echo 3 > /proc/sys/vm/",
		"WORK echo 256 256 32 > /proc/sys/vm/lowmem_reserve_ratio",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct replay_change c = { REPLAY_CPU_UP, 77, SYSCTL_COUNT };

		if (marker_change_read(texts[i], &c))
			fail_msg("'%s' says something", texts[i]);
		assert_int_equal(c.kind, REPLAY_CPU_UP);
		assert_int_equal(c.value, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_said),
		cmocka_unit_test(test_what_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
