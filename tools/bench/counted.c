/* SPDX-License-Identifier: MIT */
#include "tools/bench/counted.h"

#include <malloc.h>
#include <stddef.h>

/* Names the linker gives: __wrap_ is called instead, __real_ is what would have been. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);

/* One thread; the program has no other. */
static struct counted counted;

static void take(void *p)
{
	counted.calls++;
	counted.bytes += malloc_usable_size(p);
	if (counted.bytes > counted.peak)
		counted.peak = counted.bytes;
}

/* Memory of a library (strdup) may be given back here without having been counted. */
static void give(size_t bytes)
{
	counted.bytes -= bytes < counted.bytes ? bytes : counted.bytes;
}

void *__wrap_malloc(size_t size)
{
	void *p = __real_malloc(size);

	take(p);
	return p;
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *p = __real_calloc(count, size);

	take(p);
	return p;
}

void *__wrap_realloc(void *p, size_t size)
{
	size_t before = malloc_usable_size(p);
	void *moved = __real_realloc(p, size);

	if (!moved && size)
		return NULL;
	give(before);
	take(moved);
	return moved;
}

void __wrap_free(void *p)
{
	give(malloc_usable_size(p));
	__real_free(p);
}

struct counted counted_now(void)
{
	return counted;
}

void counted_reset_peak(void)
{
	counted.peak = counted.bytes;
}
