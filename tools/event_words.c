/* SPDX-License-Identifier: MIT */
#include "tools/event_words.h"

#include <inttypes.h>

#include "tools/text.h"

static void print_page(FILE *out, const struct event *e)
{
	if (event_has_page(e))
		fprintf(out, " 0x%" PRIx64, e->pfn);
	else
		fputs(" no page", out);
}

void event_words_print(FILE *out, const struct event *e, const char *text)
{
	fputs(event_kind_name((enum event_kind)e->kind), out);
	switch ((enum event_kind)e->kind) {
	case EVENT_ALLOC:
	case EVENT_ZONE_LOCKED:
	case EVENT_PCPU_DRAIN:
	case EVENT_EXTFRAG:
		print_page(out, e);
		fprintf(out, " order %u migratetype %u", (unsigned int)e->order,
			(unsigned int)e->migratetype);
		break;
	case EVENT_FREE:
	case EVENT_FREE_BATCHED:
		/* The kernel does not record of which type a freed page is. */
		print_page(out, e);
		fprintf(out, " order %u", (unsigned int)e->order);
		break;
	case EVENT_CMA_ALLOC:
	case EVENT_CMA_RELEASE:
		print_page(out, e);
		fprintf(out, ", %" PRIu32 " pages", e->count);
		break;
	case EVENT_LOST:
		if (e->count)
			fprintf(out, ", %" PRIu32 " events", e->count);
		break;
	default:
		fputc(' ', out);
		text_print_safe(out, text);
	}
}
