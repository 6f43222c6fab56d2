/* SPDX-License-Identifier: MIT */
/* Fact text: values of facts, and versions, as people read them. */
#ifndef TOOLS_FACT_TEXT_H
#define TOOLS_FACT_TEXT_H

#include "engine/facts.h"

#define FACT_TEXT_SIZE 24

/* "on", "off" or a number; returns @buf. */
const char *fact_text_value(char buf[FACT_TEXT_SIZE], enum fact_kind kind, int64_t value);
/* "6.11", or "5.10.9" when it came with a stable release; "start" for what was always so. */
const char *fact_text_version(char buf[FACT_TEXT_SIZE], uint32_t version);

#endif
