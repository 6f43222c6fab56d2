/* SPDX-License-Identifier: MIT */
/*
 * What AddressSanitizer does by default in programs that run very many inputs.  Memory is freed within an
 * execution or stays for all of them, so that what was freed last is all that can be used by mistake: of
 * freed memory 4 MiB are kept, not 256, and the allocator's caches stay warm.  ASAN_OPTIONS goes before this.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4:allocator_release_to_os_interval_ms=-1:malloc_context_size=8:"
	       "max_malloc_fill_size=0";
}
