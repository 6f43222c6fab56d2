/* SPDX-License-Identifier: MIT */
/*
 * Merge: what several campaigns found, put together: those of the machines of a cluster.
 */
#ifndef FUZZ_CAMPAIGN_MERGE_H
#define FUZZ_CAMPAIGN_MERGE_H

#include "fuzz/campaign/results.h"
#include "fuzz/target.h"

/*
 * Adds work, findings and kept inputs of the campaign in folder @from to those in @to, which is made if it is
 * not there; @from stays as it is.  Both must be of @settings, which @description tells as text (ERROR_RANGE).
 * To merge one folder twice counts its work twice.
 */
struct error *merge_campaign(const char *to, const char *from,
			     const struct target_settings *settings, const char *description);

#endif
