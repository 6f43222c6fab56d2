/* SPDX-License-Identifier: MIT */
#include "tools/fact_text.h"

#include <inttypes.h>
#include <stdio.h>

const char *fact_text_value(char buf[FACT_TEXT_SIZE], enum fact_kind kind, int64_t value)
{
	if (kind == FACT_KIND_BOOL)
		snprintf(buf, FACT_TEXT_SIZE, "%s", value ? "on" : "off");
	else
		snprintf(buf, FACT_TEXT_SIZE, "%" PRId64, value);
	return buf;
}

const char *fact_text_version(char buf[FACT_TEXT_SIZE], uint32_t version)
{
	unsigned int major = version >> 24, minor = version >> 16 & 0xff, patch = version & 0xffff;

	/* Before 3.0 the third number was the release. */
	if (!version)
		snprintf(buf, FACT_TEXT_SIZE, "start");
	else if (patch)
		snprintf(buf, FACT_TEXT_SIZE, "%u.%u.%u", major, minor, patch);
	else
		snprintf(buf, FACT_TEXT_SIZE, "%u.%u", major, minor);
	return buf;
}
