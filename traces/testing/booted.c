/* SPDX-License-Identifier: MIT */
#include "traces/testing/booted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "traces/capture.h"
#include "traces/testing/check.h"

void booted_open(struct booted *ret, const char *path)
{
	memset(ret, 0, sizeof(*ret));
	machine_init(&ret->machine);
	machine_init(&ret->late);
	check_ok(capture_read(path, &ret->log));
	ret->machine.want_lists = true;
	boot_run(&ret->machine, &ret->log.input, STAGE_MEM_INIT);
	boot_run(&ret->late, &ret->log.input, STAGE_LATE);
	assert_false(ret->machine.out_of_memory || ret->late.out_of_memory);
	buddy_copy(&ret->lists, ret->machine.buddy);
}

void booted_close(struct booted *b)
{
	buddy_deinit(&b->lists);
	machine_deinit(&b->machine);
	machine_deinit(&b->late);
	boot_log_deinit(&b->log);
}

void booted_again(struct booted *b)
{
	buddy_copy(b->machine.buddy, &b->lists);
}
