/* SPDX-License-Identifier: MIT */
/*
 * Machine input: what the targets of scenarios share, from a message to what engine/scenario.h runs.
 */
#ifndef FUZZ_TARGETS_MACHINE_INPUT_H
#define FUZZ_TARGETS_MACHINE_INPUT_H

#include "engine/machine.h"
#include "fuzz/target.h"
#include "traces/scenario_store.h"

/* Machines that fuzzing leaves out, as they cost time and show nothing that smaller ones do not. */
#define MACHINE_INPUT_STEPS_MAX 4096
#define MACHINE_INPUT_OPERATIONS_MAX 1024

/* Seeds for all of these targets. */
extern const char *const machine_seeds[];
/* Words of command lines and names of facts. */
extern const char *const machine_words[];

/*
 * Makes of @message (a Scenario) the machine with the facts of @settings, in @ret, which is zeroed or was
 * used before.  It is one that there could be: the configuration is one of its architecture, and answers of
 * a kernel that stand in for inputs are left out.  False: refused, as a stored file would be, or larger than what is above.
 */
bool machine_input_take(const ProtobufCMessage *message, const struct target_settings *settings,
			struct stored_scenario *ret);

/*
 * The same from input bytes, for those who keep findings: scenario_store_write() makes a file of @ret that
 * `mmreplay replay` runs as the target did.  Errors name @name.
 */
struct error *machine_input_read(const uint8_t *data, size_t size,
				 const struct target_settings *settings, const char *name,
				 struct stored_scenario *ret);

/* Is the machine small enough for free lists? */
bool machine_input_is_low(const struct boot_input *in);

/* Notes what kind of machine it is, of a kernel of @version, as features. */
void machine_features(const struct machine *m, uint32_t version, struct target_report *report);

#endif
