/* SPDX-License-Identifier: MIT */
/* One model of a replay, of one zone: what is known of the machine without a boot, and the model. */
#ifndef ENGINE_TESTING_ONE_MODEL_H
#define ENGINE_TESTING_ONE_MODEL_H

#include "engine/replay_model.h"
#include "engine/testing/one_zone.h"

struct one_model {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct buddy lists; /* the model has a copy */
	struct page_alloc unused;
	struct machine late;
	struct replay_setup setup; /* of a trace that tells allocations and frees alone */
	struct replay_model *model;
};

/* A model of @version for @cpu_count CPUs, whose page sets have @sizes at each stage; the zone begins at @start. */
void one_model_make(struct one_model *m, uint32_t version, pfn_t start, uint32_t cpu_count,
		    struct stage_sizes sizes);
void one_model_deinit(struct one_model *m);

/* A second allocator of the same zone, for what a kernel does beside the model. */
struct one_kernel {
	struct facts facts;
	struct arch_config config;
	struct node node;
	struct buddy lists;
	struct page_alloc alloc;
};

/* That of @m's kernel with page sets of @sizes; the rest as of one_model_make().  Ends before @m does. */
void one_kernel_make(struct one_kernel *k, struct one_model *m, uint32_t version, pfn_t start,
		     uint32_t cpu_count, struct stage_sizes sizes);
void one_kernel_deinit(struct one_kernel *k);

#endif
